//! Changing tempo without pitch, and pitch without tempo: a phase vocoder.
//!
//! Frames are read from the recording at one speed and written at another. Where
//! written frames overlap, their phases must agree: the phase of each spectral peak
//! continues from the previously written frame and advances by as much as it did in
//! the recording over one hop (measured by a second transform one hop earlier, after
//! [Puckette 1995](https://doi.org/10.1109/ASPAA.1995.482995)). The bins around a
//! peak are rotated with it, which keeps the shape of the window ("identity phase
//! locking", [Laroche and Dolson 1999](https://doi.org/10.1109/89.759041)). With
//! large changes, clicks and plosives are smeared over up to a window, about 50 ms.
//!
//! At factor 1 no phase is rotated, and the output is the recording.

use std::sync::Arc;

use realfft::num_complex::Complex;
use realfft::{ComplexToReal, RealFftPlanner, RealToComplex};

use crate::mfcc::Window;
use crate::mfcc::tables;
use crate::recording::Recording;
use crate::resample::change_speed;

type Bins = Vec<Complex<f32>>;

/// The recording with every frequency times `factor` and its length kept.
pub(crate) fn pitch(recording: &Recording, factor: f64) -> Recording {
    // Rounded as the resampler rounds it.
    let factor = (factor * 1000.0).round() / 1000.0;
    let length = recording.samples.len();
    let slower = Recording::of(
        tempo(&recording.samples, recording.sample_rate, 1.0 / factor),
        recording.sample_rate,
    );
    let mut result = change_speed(&slower, factor);
    result.samples.resize(length, 0.0);
    result
}

/// `samples` played `factor` times as fast at the same pitch:
/// `round(n / factor)` of them.
pub(crate) fn tempo(samples: &[f32], sample_rate: u32, factor: f64) -> Vec<f32> {
    let length = (samples.len() as f64 / factor).round() as usize;
    if samples.is_empty() || factor == 1.0 {
        return samples.to_vec();
    }
    let mut vocoder = Vocoder::new(sample_rate);
    let (size, hop) = (vocoder.size, vocoder.hop);
    // Frame k is centred on sample k * hop of the result.
    let frames = (length + size / 2) / hop + 1;
    let mut out = vec![0.0f32; length];
    let mut weight = vec![0.0f32; length];
    for k in 0..frames {
        let centre = (k * hop) as f64 * factor;
        vocoder.frame(samples, centre.round() as isize);
        let start = (k * hop) as isize - (size / 2) as isize;
        for (i, (&x, &w)) in vocoder.time.iter().zip(&vocoder.window).enumerate() {
            let at = start + i as isize;
            if at >= 0 && (at as usize) < length {
                out[at as usize] += x * w;
                weight[at as usize] += w * w;
            }
        }
    }
    for (x, w) in out.iter_mut().zip(&weight) {
        // Four windows overlap everywhere; the minimum only guards against rounding.
        *x /= w.max(1e-3);
    }
    out
}

struct Vocoder {
    size: usize,
    hop: usize,
    window: Vec<f32>,
    forward: Arc<dyn RealToComplex<f32>>,
    inverse: Arc<dyn ComplexToReal<f32>>,
    forward_scratch: Bins,
    inverse_scratch: Bins,
    time: Vec<f32>,
    /// The recording at this frame, and a hop earlier.
    now: Bins,
    earlier: Bins,
    /// The spectrum written last; none before the first frame.
    written: Option<Bins>,
    magnitudes: Vec<f32>,
}

impl Vocoder {
    fn new(sample_rate: u32) -> Self {
        // 40 to 80 ms resolve the harmonics of a deep voice.
        let size = (sample_rate as usize / 25).next_power_of_two().max(64);
        let mut planner = RealFftPlanner::new();
        let forward = planner.plan_fft_forward(size);
        let inverse = planner.plan_fft_inverse(size);
        Vocoder {
            size,
            hop: size / 4,
            window: tables::window(Window::Hann, true, size)
                .into_iter()
                .map(|w| w as f32)
                .collect(),
            forward_scratch: forward.make_scratch_vec(),
            inverse_scratch: inverse.make_scratch_vec(),
            time: vec![0.0; size],
            now: forward.make_output_vec(),
            earlier: forward.make_output_vec(),
            written: None,
            magnitudes: vec![0.0; size / 2 + 1],
            forward,
            inverse,
        }
    }

    /// Computes the frame of `samples` around `centre`, in phase with the previous
    /// one; the result is in `time`.
    fn frame(&mut self, samples: &[f32], centre: isize) {
        self.analyse(samples, centre, false);
        match self.written.take() {
            None => self.written = Some(self.now.clone()),
            Some(mut written) => {
                self.analyse(samples, centre - self.hop as isize, true);
                self.rotate(&mut written);
                self.written = Some(written);
            }
        }
        let bins = &mut self.now;
        bins.copy_from_slice(self.written.as_deref().expect("set above"));
        // The first and last bin of a real signal are real.
        bins[0].im = 0.0;
        bins[self.size / 2].im = 0.0;
        self.inverse
            .process_with_scratch(bins, &mut self.time, &mut self.inverse_scratch)
            .expect("the buffers were made for this transform");
        let scale = 1.0 / self.size as f32;
        for x in &mut self.time {
            *x *= scale;
        }
    }

    /// The windowed spectrum around `centre`, with zeros beyond the ends.
    fn analyse(&mut self, samples: &[f32], centre: isize, earlier: bool) {
        let start = centre - (self.size / 2) as isize;
        for (i, (x, w)) in self.time.iter_mut().zip(&self.window).enumerate() {
            let at = usize::try_from(start + i as isize).ok();
            *x = at.and_then(|at| samples.get(at)).map_or(0.0, |s| s * w);
        }
        let bins = if earlier {
            &mut self.earlier
        } else {
            &mut self.now
        };
        self.forward
            .process_with_scratch(&mut self.time, bins, &mut self.forward_scratch)
            .expect("the buffers were made for this transform");
    }

    /// Replaces `written` by `now`, with each peak and its surroundings rotated by
    /// the phase of `written` relative to `earlier` at the peak.
    fn rotate(&mut self, written: &mut [Complex<f32>]) {
        for (m, bin) in self.magnitudes.iter_mut().zip(&self.now) {
            *m = bin.norm_sqr();
        }
        let m = &self.magnitudes;
        let bins = m.len();
        let is_peak = |k: usize| {
            let around = k.saturating_sub(2)..(k + 3).min(bins);
            m[k] > 0.0 && around.into_iter().all(|j| j == k || m[k] > m[j])
        };
        let mut from = 0;
        let mut peak = (0..bins).find(|&k| is_peak(k));
        while let Some(at) = peak {
            peak = (at + 1..bins).find(|&k| is_peak(k));
            // The surroundings of a peak end at the lowest bin before the next peak.
            let end = peak.map_or(bins, |next| {
                (at + 1..next)
                    .min_by(|&a, &b| m[a].total_cmp(&m[b]))
                    .unwrap_or(next)
            });
            let turn = written[at] * self.earlier[at].conj();
            let length = turn.norm();
            let turn = if length > f32::MIN_POSITIVE && length.is_finite() {
                turn / length
            } else {
                Complex::new(1.0, 0.0)
            };
            for (bin, now) in written[from..end].iter_mut().zip(&self.now[from..end]) {
                *bin = now * turn;
            }
            from = end;
        }
        written[from..].copy_from_slice(&self.now[from..]);
    }
}
