//! A recording as a picture: its sound and its features.
//!
//! Five panels over one time axis: waveform, spectrogram, MFCCs, pitch and
//! intensity. [`panels`] draws them with the help of [`panel_area`]; [`axes`] turns
//! values into positions; [`heat`] makes the heat maps; [`tracks`] reduces long
//! recordings to what a pixel can show, so that the picture of an hour is as small
//! as that of a minute.

mod axes;
mod explanation;
mod heat;
mod numbers;
mod panel_area;
mod panels;
mod standardise;
mod tracks;

use audio::Frames;

use self::axes::{Place, TimeAxis};
pub use self::explanation::{ExplanationPicture, explanation_svg};
use self::panel_area::{HEADING_HEIGHT, PanelArea};
use self::panels::PANELS;
use super::canvas::Canvas;
use super::colours::MUTED;
use super::lettering::{Align, Lettering};
use crate::ReportError;

const MARGIN: f64 = 28.0;
/// Title and the line of figures under it.
const HEADER: f64 = 54.0;
/// For the numbers to the left of the panels.
const LEFT: f64 = 52.0;
const PANEL_WIDTH: f64 = 920.0;
/// For the keys to the colours and their numbers.
const RIGHT: f64 = 64.0;
const BETWEEN_PANELS: f64 = 14.0;
/// For the numbers of the time axis and its name.
const TIME_AXIS: f64 = 36.0;
/// About how many numbers the time axis has at most.
const MOST_TIMES: usize = 12;

const TITLE: Lettering = Lettering::new(17.0).bold();
const NOTE: Lettering = Lettering::new(13.0).colour(MUTED);
const TIME: Lettering = Lettering::new(11.5).colour(MUTED).align(Align::Centre);

/// What the picture of a recording shows. Times are seconds from its start.
#[derive(Clone, Debug)]
pub struct RecordingPicture {
    /// The title, usually the name of the file.
    pub name: String,
    /// Length in seconds.
    pub duration: f64,
    /// Sample rate of the file in Hz.
    pub sample_rate: u32,
    /// The minimum and maximum of the samples in each
    /// [`waveform_step`](Self::waveform_step). Full scale is 1.
    pub waveform: Vec<(f32, f32)>,
    /// The duration of each pair of the waveform in seconds; the last may be shorter.
    pub waveform_step: f64,
    /// Where there is speech: start and end in seconds, in order of time.
    pub speech: Vec<(f64, f64)>,
    /// Power over time and frequency.
    pub spectrogram: Spectrogram,
    /// MFCCs. The frames divide the duration into equal parts.
    pub mfcc: Frames,
    /// Time in seconds and F0 in Hz of each frame; `None` if it is unvoiced.
    pub pitch: Vec<(f64, Option<f64>)>,
    /// Time from one frame of the pitch to the next, in seconds.
    pub pitch_step: f64,
    /// Time in seconds and intensity in dB re 20 µPa of each frame; -300 dB is
    /// digital silence.
    pub intensity: Vec<(f64, f64)>,
    /// Time from one frame of the intensity to the next, in seconds.
    pub intensity_step: f64,
}

/// Power over time and frequency, in bands equally spaced on the mel scale of HTK.
#[derive(Clone, Debug)]
pub struct Spectrogram {
    /// Power of each band in dB. The frames divide the duration into equal parts.
    pub decibels: Frames,
    /// Upper edge of the highest band in Hz; the lowest band begins at 0 Hz.
    pub f_max: f64,
}

impl RecordingPicture {
    /// The largest absolute value of a sample.
    fn peak(&self) -> f32 {
        self.waveform
            .iter()
            .fold(0.0, |peak, &(low, high)| high.max(-low).max(peak))
    }

    /// Whether a frame between two times is loud: at most 35 dB below the `loudest`
    /// frame. That is also the threshold of the recommended trimming. Without
    /// frames everything is loud.
    fn is_loud(&self, from: f64, to: f64, loudest: Option<f64>) -> bool {
        const BELOW_LOUDEST_DB: f64 = 35.0;
        let (Some(loudest), Some(last)) = (loudest, self.intensity.len().checked_sub(1)) else {
            return true;
        };
        let near = 0.5 * self.intensity_step;
        let start = self
            .intensity
            .partition_point(|frame| frame.0 < from - near);
        let end = self.intensity.partition_point(|frame| frame.0 <= to + near);
        // There are no frames at the ends of a recording, as no window fits there.
        let start = start.min(last);
        let frames = &self.intensity[start..end.max(start + 1)];
        frames
            .iter()
            .any(|frame| frame.1 >= loudest - BELOW_LOUDEST_DB)
    }

    /// The highest intensity in dB; `None` without frames.
    fn loudest(&self) -> Option<f64> {
        self.intensity
            .iter()
            .map(|frame| frame.1)
            .max_by(f64::total_cmp)
    }

    /// Time in seconds and F0 in Hz of the voiced frames.
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
            // Adding 0 turns -0 into 0.
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
/// The heat maps are PNG pictures inside the SVG document; everything else is
/// vectors. If there are too many frames for a line, pitch and intensity are shown as
/// quartiles of each column. With heat maps of up to about 2000 frames the document
/// is smaller than 1 MB, however long the recording.
///
/// # Errors
///
/// [`ReportError::Empty`] if the duration is not a positive number, or if the
/// spectrogram or the MFCCs have no frames. [`ReportError::TooLarge`] if a heat map
/// has too many frames for a PNG picture.
pub fn recording_svg(picture: &RecordingPicture) -> Result<String, ReportError> {
    if !(picture.duration > 0.0 && picture.duration.is_finite()) {
        let what = format!("a recording of {} s", picture.duration);
        return Err(ReportError::empty(what));
    }
    if picture.spectrogram.decibels.is_empty() || picture.mfcc.is_empty() {
        let what = "the spectrogram or the MFCCs have no frames";
        return Err(ReportError::empty(what));
    }
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
    Canvas::draw((width, height), &alt, |canvas| {
        let (left, room) = (MARGIN + LEFT, PANEL_WIDTH + RIGHT);
        canvas.text(
            (left, MARGIN + 4.0),
            &TITLE.fitted(&picture.name, room),
            TITLE,
        )?;
        canvas.text((left, MARGIN + 28.0), &NOTE.fitted(&figures, room), NOTE)?;
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
            let area = PanelArea {
                canvas,
                place,
                time: &time,
                duration: picture.duration,
            };
            (panel.draw)(picture, &area)?;
            place.top = place.bottom() + BETWEEN_PANELS;
        }
        let bottom = place.top - BETWEEN_PANELS;
        for (moment, text) in time.times.iter().zip(&time.texts) {
            let x = left + moment / picture.duration * PANEL_WIDTH;
            canvas.text((x, bottom + 13.0), text, TIME)?;
        }
        canvas.text((left + PANEL_WIDTH / 2.0, bottom + 29.0), time.unit, TIME)
    })
}

/// A duration for people.
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
