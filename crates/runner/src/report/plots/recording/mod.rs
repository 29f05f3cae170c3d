//! A recording as a picture: what is heard, what features make of it.
//!
//! Five panels over one time axis: waveform, spectrogram, MFCCs, pitch and
//! intensity. [`panels`] draws them, [`axes`] places values, [`heat`] makes the
//! heat maps, and [`tracks`] reduces long recordings to what a pixel can show,
//! so that the picture of an hour is no larger than that of a minute.

mod axes;
mod heat;
mod panels;
mod tracks;

use audio::Frames;

use self::axes::{Place, TimeAxis};
use self::panels::{HEADING_HEIGHT, PANELS, Sheet};
use super::page::{Align, Lettering, MUTED, Page};

const MARGIN: f64 = 28.0;
/// Title and the line of figures under it.
const HEADER: f64 = 54.0;
/// For the numbers left of the panels.
const LEFT: f64 = 52.0;
const PANEL_WIDTH: f64 = 920.0;
/// For the keys to the colours, and their numbers.
const RIGHT: f64 = 64.0;
const BETWEEN_PANELS: f64 = 14.0;
/// The numbers of the time axis and its name.
const TIME_AXIS: f64 = 36.0;
/// Numbers on the time axis at most.
const MOST_TIMES: usize = 12;

const TITLE: Lettering = Lettering::new(17.0).bold();
const NOTE: Lettering = Lettering::new(13.0).colour(MUTED);
const TIME: Lettering = Lettering::new(11.5).colour(MUTED).align(Align::Centre);

/// What the picture of a recording is drawn from.
#[derive(Clone, Debug)]
pub struct RecordingPicture {
    /// The title.
    pub name: String,
    /// Length in seconds.
    pub duration: f64,
    /// The recording's own rate in Hz.
    pub sample_rate: u32,
    /// Least and greatest sample of each [`waveform_step`](Self::waveform_step).
    pub waveform: Vec<(f32, f32)>,
    /// Seconds that each pair of the waveform stands for; the last pair may
    /// stand for less.
    pub waveform_step: f64,
    /// Where there is speech, from and to in seconds.
    pub speech: Vec<(f64, f64)>,
    /// Power over time and frequency.
    pub spectrogram: Spectrogram,
    /// MFCCs; the frames divide the duration evenly.
    pub mfcc: Frames,
    /// Seconds and F0 in Hz of each frame; `None` where it is unvoiced.
    pub pitch: Vec<(f64, Option<f64>)>,
    /// Seconds from one frame of the pitch to the next.
    pub pitch_step: f64,
    /// Seconds and dB re 20 µPa of each frame; -300 is digital silence.
    pub intensity: Vec<(f64, f64)>,
    /// Seconds from one frame of the intensity to the next.
    pub intensity_step: f64,
}

/// Power over time and frequency, in bands equally spaced on HTK's mel scale.
#[derive(Clone, Debug)]
pub struct Spectrogram {
    /// Power of each band in dB; the frames divide the duration evenly.
    pub decibels: Frames,
    /// Upper edge of the highest band in Hz; the lowest one begins at 0 Hz.
    pub f_max: f64,
}

impl RecordingPicture {
    /// The greatest distance of a sample from 0.
    fn peak(&self) -> f32 {
        self.waveform
            .iter()
            .fold(0.0, |peak, &(low, high)| high.max(-low).max(peak))
    }

    /// Whether anything from one moment to another is loud: at most 35 dB below
    /// the loudest frame, which is also where the recommended settings trim.
    fn loud(&self, from: f64, to: f64) -> bool {
        const BELOW_LOUDEST_DB: f64 = 35.0;
        let Some(loudest) = self.loudest() else {
            return true;
        };
        let near = 0.5 * self.intensity_step;
        let start = self
            .intensity
            .partition_point(|frame| frame.0 < from - near);
        let end = self.intensity.partition_point(|frame| frame.0 <= to + near);
        // The ends of a recording have no frame, as no window fits there.
        let start = start.min(self.intensity.len() - 1);
        let frames = &self.intensity[start..end.max(start + 1)];
        frames
            .iter()
            .any(|frame| frame.1 >= loudest - BELOW_LOUDEST_DB)
    }

    /// The greatest intensity in dB; `None` without frames.
    fn loudest(&self) -> Option<f64> {
        self.intensity
            .iter()
            .map(|frame| frame.1)
            .max_by(f64::total_cmp)
    }

    /// Seconds and Hz of the voiced frames.
    fn voiced(&self) -> impl Iterator<Item = (f64, f64)> {
        self.pitch
            .iter()
            .filter_map(|&(time, frequency)| Some((time, frequency?)))
    }

    /// The line under the title.
    fn figures(&self) -> String {
        let mut figures = vec![length(self.duration)];
        figures.push(format!("{} kHz", f64::from(self.sample_rate) / 1000.0));
        figures.push(match self.peak() {
            0.0 => "silent".to_owned(),
            // Adding 0 makes -0 a plain 0.
            peak => {
                let decibels = (200.0 * peak.log10()).round() / 10.0 + 0.0;
                format!("peak {decibels:.1} dBFS").replace('-', "−")
            }
        });
        let speech: f64 = self.speech.iter().map(|(start, end)| end - start).sum();
        figures.push(if self.speech.is_empty() {
            "no speech".to_owned()
        } else {
            format!("speech {:.0} %", 100.0 * speech / self.duration)
        });
        let voiced = self.voiced().map(|point| point.1).collect();
        if let Some(pitch) = tracks::Quartiles::of(voiced) {
            figures.push(format!("median pitch {:.0} Hz", pitch.median));
        }
        figures.join("   ·   ")
    }
}

/// A recording as an SVG picture of five panels over one time axis: waveform
/// with the speech shaded, mel spectrogram, MFCCs, pitch and intensity.
///
/// Heat maps are PNG pictures inside it, all else are vectors. Where frames are
/// too many for lines, pitch and intensity become the quartiles of each column,
/// so that the size stays below a megabyte if the heat maps have at most about
/// 2000 frames.
///
/// # Errors
///
/// If the duration is not above 0, or the spectrogram or the MFCCs have no frame.
pub fn recording_svg(picture: &RecordingPicture) -> anyhow::Result<String> {
    anyhow::ensure!(
        picture.duration > 0.0 && picture.duration.is_finite(),
        "a recording of {} s has no picture",
        picture.duration
    );
    anyhow::ensure!(
        !picture.spectrogram.decibels.is_empty() && !picture.mfcc.is_empty(),
        "a picture needs a spectrogram and MFCCs of one frame at least"
    );
    let panels: f64 = PANELS
        .iter()
        .map(|panel| HEADING_HEIGHT + panel.height + BETWEEN_PANELS)
        .sum();
    let width = MARGIN + LEFT + PANEL_WIDTH + RIGHT + MARGIN / 2.0;
    let height = MARGIN + HEADER + panels - BETWEEN_PANELS + TIME_AXIS + MARGIN / 2.0;
    let figures = picture.figures();
    let alt = format!(
        "Waveform, spectrogram, MFCC, pitch and intensity of {}. {figures}",
        picture.name
    );
    let time = TimeAxis::new(picture.duration, MOST_TIMES);
    Page::draw((width, height), &alt, |page| {
        let (left, room) = (MARGIN + LEFT, PANEL_WIDTH + RIGHT);
        page.text(
            (left, MARGIN + 4.0),
            &TITLE.fitted(&picture.name, room),
            TITLE,
        )?;
        page.text((left, MARGIN + 28.0), &NOTE.fitted(&figures, room), NOTE)?;
        let mut place = Place {
            left,
            top: MARGIN + HEADER,
            width: PANEL_WIDTH,
            height: 0.0,
        };
        for panel in &PANELS {
            place = Place {
                top: place.top + HEADING_HEIGHT,
                height: panel.height,
                ..place
            };
            let sheet = Sheet {
                page,
                place,
                time: &time,
                duration: picture.duration,
            };
            (panel.draw)(picture, &sheet)?;
            place.top = place.bottom() + BETWEEN_PANELS;
        }
        let bottom = place.top - BETWEEN_PANELS;
        for (moment, text) in time.times.iter().zip(&time.texts) {
            let x = left + moment / picture.duration * PANEL_WIDTH;
            page.text((x, bottom + 13.0), text, TIME)?;
        }
        page.text((left + PANEL_WIDTH / 2.0, bottom + 29.0), time.unit, TIME)
    })
}

/// A length of time for people.
fn length(seconds: f64) -> String {
    let whole = seconds.round() as u64;
    match seconds {
        ..0.1 => format!("{:.3} s", seconds),
        ..60.0 => format!("{seconds:.2} s"),
        ..3600.0 => format!("{} min {:02} s", whole / 60, whole % 60),
        _ => format!("{} h {:02} min", whole / 3600, whole / 60 % 60),
    }
}

#[cfg(test)]
mod tests;
