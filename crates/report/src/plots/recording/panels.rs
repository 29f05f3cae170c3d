//! The five panels, from the sound itself to what is measured of it.

use plotters::style::RGBColor;

use super::axes::{Spacing, even_values, hertz, mel};
use super::heat::Scale;
use super::numbers::{decimals, labelled, signed};
use super::panel_area::PanelArea;
use super::standardise::standardised;
use super::{RecordingPicture, Spectrogram, tracks};
use crate::ReportError;
use crate::plots::colours::{BLUE, BLUE_TO_RED, MAGMA, RULE};

/// Speech, behind the waveform: a light tint of Okabe and Ito's orange.
const SPEECH: RGBColor = RGBColor(253, 236, 200);
/// The range of the spectrogram's colours in dB.
const RANGE_DB: f32 = 70.0;
/// The range of the MFCCs' colours in standard deviations, on either side.
const DEVIATIONS: f32 = 2.5;
/// A band at or below this is empty: the floor of the logarithm, in dB.
const NOTHING_DB: f32 = -95.0;
/// Intensities at or below this are digital silence, in dB.
const SILENCE_DB: f64 = -100.0;
/// The largest range of the intensity in dB.
const INTENSITY_RANGE_DB: f64 = 60.0;

/// One panel: its height in pixels, and the function that draws it.
pub(super) struct Panel {
    pub(super) height: f64,
    pub(super) draw: fn(&RecordingPicture, &PanelArea) -> Result<(), ReportError>,
}

/// All panels from top to bottom.
pub(super) const PANELS: [Panel; 5] = [
    Panel {
        height: 96.0,
        draw: waveform,
    },
    Panel {
        height: 210.0,
        draw: spectrogram,
    },
    Panel {
        height: 130.0,
        draw: mfcc,
    },
    Panel {
        height: 116.0,
        draw: pitch,
    },
    Panel {
        height: 84.0,
        draw: intensity,
    },
];

fn waveform(picture: &RecordingPicture, area: &PanelArea) -> Result<(), ReportError> {
    area.heading("Waveform", "amplitude, full scale 1")?;
    let peak = f64::from(picture.peak());
    // Quiet recordings fill the panel too; the numbers say how quiet they are.
    let limit = 1.08 * if peak > 0.0 { peak } else { 1.0 };
    let axes = area.axes(-limit, limit, Spacing::Even);
    let half_a_pixel = 0.5 * area.duration / area.place.width;
    for (start, end) in tracks::joined(&picture.speech, half_a_pixel) {
        let (from, to) = (axes.x(start), axes.x(end));
        let (top, height) = (area.place.top, area.place.height);
        area.canvas
            .rectangle((from, top), (to - from, height), SPEECH)?;
    }
    area.legend("speech", SPEECH)?;
    let values = axes.with_room(even_values(-limit, limit, 4));
    area.canvas.line(
        &[
            (area.place.left, axes.y(0.0)),
            (area.place.right(), axes.y(0.0)),
        ],
        1.0,
        RULE,
    )?;

    // Two columns per pixel, for screens with a high resolution.
    let columns = (2.0 * area.place.width) as usize;
    let extremes = tracks::extremes(
        &picture.waveform,
        picture.waveform_step,
        area.duration,
        columns,
    );
    let point = |time: f64, value: f32| (axes.x(time), axes.y(f64::from(value)));
    let upper = extremes.iter().map(|&(time, _, high)| point(time, high));
    let lower = extremes
        .iter()
        .rev()
        .map(|&(time, low, _)| point(time, low));
    let upper: Vec<_> = upper.collect();
    let outline: Vec<_> = upper.iter().copied().chain(lower).collect();
    match upper[..] {
        [lone] => area.canvas.dot(lone, 2.0, BLUE)?,
        _ => {
            area.canvas.polygon(&outline, BLUE)?;
            // Where both edges meet, the polygon alone would be invisible.
            area.canvas.line(&outline, 0.75, BLUE)?;
        }
    }
    let decimals = decimals(&values);
    let labels = labelled(values, |value| signed(value, decimals));
    axes.draw_frame(area.canvas, &area.time.times, &labels, RULE)
}

fn spectrogram(picture: &RecordingPicture, area: &PanelArea) -> Result<(), ReportError> {
    draw_spectrogram(&picture.spectrogram, area)
}

/// A mel spectrogram.
pub(super) fn draw_spectrogram(picture: &Spectrogram, area: &PanelArea) -> Result<(), ReportError> {
    area.heading("Spectrogram", "Hz on the mel scale; dB below the maximum")?;
    let Spectrogram { decibels, f_max } = picture;
    // n bands divide the mel scale into n + 1 parts; the centre of band b is at part b + 1.
    let part = mel(*f_max) / (decibels.columns() + 1) as f64;
    let low = hertz(0.5 * part);
    let high = hertz((decibels.columns() as f64 + 0.5) * part);
    let axes = area.axes(low, high, Spacing::Mel);

    let loudest = decibels
        .data()
        .iter()
        .copied()
        .fold(f32::NEG_INFINITY, f32::max);
    let top = loudest.max(NOTHING_DB);
    let scale = Scale {
        low: top - RANGE_DB,
        high: top,
    };
    if loudest > NOTHING_DB {
        area.heat(decibels, scale, &MAGMA, 1, ["0 dB", "−35", "−70"])?;
    } else {
        area.nothing("digital silence")?;
    }
    let values = axes.with_room([
        1000.0, 4000.0, 500.0, 2000.0, 250.0, 3000.0, 6000.0, 750.0, 1500.0, 8000.0, 100.0, 200.0,
    ]);
    let labels = labelled(values, |value| format!("{value:.0}"));
    axes.draw_frame(area.canvas, &area.time.times, &labels, RULE)
}

fn mfcc(picture: &RecordingPicture, area: &PanelArea) -> Result<(), ReportError> {
    let count = picture.mfcc.columns();
    let note = "standard deviations from the mean of each coefficient; quiet parts are blank";
    area.heading("MFCC", note)?;
    let axes = area.axes(-0.5, count as f64 - 0.5, Spacing::Even);
    let loudest = picture.loudest();
    if loudest.is_some_and(|loudest| loudest <= SILENCE_DB) {
        area.nothing("digital silence")?;
    } else {
        let seconds = picture.duration / picture.mfcc.len() as f64;
        let loud = |frame: usize| {
            let from = frame as f64 * seconds;
            picture.is_loud(from, from + seconds, loudest)
        };
        let values = standardised(&picture.mfcc, loud);
        let scale = Scale {
            low: -DEVIATIONS,
            high: DEVIATIONS,
        };
        area.heat(&values, scale, &BLUE_TO_RED, 6, ["+2.5", "0", "−2.5"])?;
    }
    let values = axes.with_room((0..count).step_by(5).map(|n| n as f64));
    let labels = labelled(values, |value| format!("{value:.0}"));
    axes.draw_frame(area.canvas, &area.time.times, &labels, RULE)
}

fn pitch(picture: &RecordingPicture, area: &PanelArea) -> Result<(), ReportError> {
    let step = picture.pitch_step;
    area.heading(
        "Pitch",
        &area.track_note("F0 in Hz, voiced frames only", step),
    )?;
    let voiced: Vec<_> = picture.voiced().collect();
    let frequencies = || voiced.iter().map(|point| point.1);
    let lowest = frequencies().fold(f64::INFINITY, f64::min);
    let highest = frequencies().fold(0.0, f64::max);
    // At least an octave, so that a steady voice does not look unsteady.
    let (low, high) = if voiced.is_empty() {
        (75.0, 600.0)
    } else {
        let middle = (lowest * highest).sqrt();
        let half = (1.06 * (highest / lowest).sqrt()).max(std::f64::consts::SQRT_2);
        (middle / half, middle * half)
    };
    let axes = area.axes(low, high, Spacing::Logarithmic);
    let values = axes.with_room([
        100.0, 200.0, 400.0, 50.0, 800.0, 150.0, 300.0, 600.0, 75.0, 250.0, 500.0, 120.0, 170.0,
        350.0, 450.0, 90.0, 220.0, 180.0,
    ]);
    if voiced.is_empty() {
        area.nothing("no voiced frames")?;
    } else {
        axes.draw_grid(area.canvas, &area.time.times, &values)?;
        area.track(&axes, &voiced, step)?;
    }
    let labels = labelled(values, |value| format!("{value:.0}"));
    axes.draw_frame(area.canvas, &area.time.times, &labels, RULE)
}

fn intensity(picture: &RecordingPicture, area: &PanelArea) -> Result<(), ReportError> {
    let step = picture.intensity_step;
    area.heading(
        "Intensity",
        &area.track_note("dB re 20 µPa, if full scale is 1 Pa", step),
    )?;
    let points = &picture.intensity;
    let heard = || points.iter().map(|p| p.1).filter(|db| *db > SILENCE_DB);
    let highest = heard().fold(f64::NEG_INFINITY, f64::max);
    let lowest = heard()
        .fold(f64::INFINITY, f64::min)
        .max(highest - INTENSITY_RANGE_DB);
    let (low, high) = if highest.is_finite() {
        let low = 10.0 * (lowest / 10.0).floor();
        (low, (10.0 * (highest / 10.0).ceil()).max(low + 20.0))
    } else {
        (0.0, 90.0)
    };
    let axes = area.axes(low, high, Spacing::Even);
    let steps = ((high - low) / 10.0).round() as u32;
    let values = axes.with_room((0..=steps).map(|n| low + 10.0 * f64::from(n)));
    if highest.is_finite() {
        axes.draw_grid(area.canvas, &area.time.times, &values)?;
        area.track(&axes, points, step)?;
    } else if points.is_empty() {
        area.nothing("too short to measure")?;
    } else {
        area.nothing("digital silence")?;
    }
    let labels = labelled(values, |value| signed(value, 0));
    axes.draw_frame(area.canvas, &area.time.times, &labels, RULE)
}
