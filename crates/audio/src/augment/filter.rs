//! Butterworth filters as a cascade of biquads.

use std::f64::consts::PI;

/// Which side of the cut-off passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pass {
    Low,
    High,
}

/// Second-order sections.
pub(crate) struct Filter {
    sections: Vec<Biquad>,
}

/// `y = b0 x + b1 x' + b2 x'' - a1 y' - a2 y''`
struct Biquad {
    b: [f64; 3],
    a: [f64; 2],
}

/// The Butterworth filter of even `order` that attenuates by 3 dB at `cutoff` cycles
/// per sample (below 0.5), by the bilinear transform with pre-warping:
/// `scipy.signal.butter(order, 2 * cutoff, output="sos")`. The sections follow the
/// [Audio EQ Cookbook](https://www.w3.org/TR/audio-eq-cookbook/), with the Q factors
/// of the Butterworth poles.
pub(crate) fn butterworth(pass: Pass, cutoff: f64, order: usize) -> Filter {
    let w = 2.0 * PI * cutoff;
    let cos = w.cos();
    let sections = (0..order / 2)
        .map(|k| {
            let half_over_q = (PI * (2 * k + 1) as f64 / (2 * order) as f64).sin();
            let alpha = w.sin() * half_over_q;
            let (outer, middle) = match pass {
                Pass::Low => ((1.0 - cos) / 2.0, 1.0 - cos),
                Pass::High => ((1.0 + cos) / 2.0, -1.0 - cos),
            };
            let a0 = 1.0 + alpha;
            Biquad {
                b: [outer / a0, middle / a0, outer / a0],
                a: [-2.0 * cos / a0, (1.0 - alpha) / a0],
            }
        })
        .collect();
    Filter { sections }
}

impl Filter {
    /// Filters in place, starting from silence (transposed direct form II, in double
    /// precision).
    pub(crate) fn run(&self, samples: &mut [f32]) {
        for Biquad { b, a } in &self.sections {
            let (mut s1, mut s2) = (0.0, 0.0);
            for sample in samples.iter_mut() {
                let x = f64::from(*sample);
                let y = b[0] * x + s1;
                s1 = b[1] * x - a[0] * y + s2;
                s2 = b[2] * x - a[1] * y;
                *sample = y as f32;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn impulse_responses_are_those_of_scipy() {
        // import numpy, scipy.signal as s
        // s.sosfilt(s.butter(4, 0.25, "low", output="sos"), numpy.eye(8)[0])
        // s.sosfilt(s.butter(2, 0.1, "high", output="sos"), numpy.eye(8)[0])
        for (pass, cutoff, order, expected) in
            [(Pass::Low, 0.125, 4, LOW), (Pass::High, 0.05, 2, HIGH)]
        {
            let mut impulse = [0.0f32; 8];
            impulse[0] = 1.0;
            butterworth(pass, cutoff, order).run(&mut impulse);
            for (y, e) in impulse.iter().zip(expected) {
                assert!((f64::from(*y) - e).abs() < 1e-6, "{impulse:?}");
            }
        }
    }

    #[test]
    fn the_response_is_3_db_down_at_the_cutoff_and_falls_by_the_order() {
        let gain_db = |pass, cutoff, order, at: f64| {
            let n = 40_000;
            let mut tone: Vec<f32> = (0..n)
                .map(|i| (2.0 * PI * at * f64::from(i)).sin() as f32)
                .collect();
            butterworth(pass, cutoff, order).run(&mut tone);
            let settled = &tone[20_000..];
            10.0 * (2.0 * crate::augment::level::mean_power(settled)).log10()
        };
        for order in [2, 4, 6, 8] {
            for pass in [Pass::Low, Pass::High] {
                assert!((gain_db(pass, 0.01, order, 0.01) + 3.01).abs() < 0.05);
                let (stop, through) = match pass {
                    Pass::Low => (0.02, 0.002),
                    Pass::High => (0.005, 0.1),
                };
                let expected = -10.0 * (1.0 + 4f64.powi(order as i32)).log10();
                let stopped = gain_db(pass, 0.01, order, stop);
                assert!(
                    (stopped - expected).abs() < 0.2,
                    "{stopped}, not {expected}"
                );
                assert!(gain_db(pass, 0.01, order, through).abs() < 0.02);
            }
        }
    }

    const LOW: [f64; 8] = [
        0.010209481,
        0.060934549,
        0.163479907,
        0.264258897,
        0.289521877,
        0.222286809,
        0.106752463,
        0.002211707,
    ];

    const HIGH: [f64; 8] = [
        0.800592403,
        -0.351445594,
        -0.261481690,
        -0.182777473,
        -0.117617255,
        -0.066378048,
        -0.028183325,
        -0.001423016,
    ];
}
