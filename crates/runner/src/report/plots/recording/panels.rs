//! The five panels, from what is heard to what it means.

use audio::Frames;
use plotters::style::RGBColor;

use super::axes::{Axes, NUMBERS, Place, Spacing, TimeAxis, even_values, hertz, mel};
use super::heat::{self, BLUE_TO_RED, ColourMap, MAGMA, Scale};
use super::tracks::{self, Quartiles};
use super::{RecordingPicture, Spectrogram};
use crate::report::plots::page::{Align, BLUE, Lettering, MUTED, Page, RULE};

/// What is spoken, behind the waveform: a light tint of Okabe and Ito's orange.
const SPEECH: RGBColor = RGBColor(253, 236, 200);
/// The middle half of the values of a column: a light tint of [`BLUE`].
const BAND: RGBColor = RGBColor(178, 213, 232);
/// The decibels that the spectrogram's colours span.
const RANGE_DB: f32 = 70.0;
/// The standard deviations that the MFCCs' colours span on either side.
const DEVIATIONS: f32 = 2.5;
/// Below this a band holds nothing: the floor of the logarithm, in dB.
const NOTHING_DB: f32 = -95.0;
/// Intensities below this are digital silence, which has none.
const SILENCE_DB: f64 = -100.0;
/// The decibels that the intensity spans at most.
const INTENSITY_RANGE_DB: f64 = 60.0;
/// Tracks of more frames than this for each pixel are summed up.
const FRAMES_PER_PIXEL: f64 = 8.0;

const HEADING: Lettering = Lettering::new(13.0).bold();
const SMALL: Lettering = Lettering::new(11.5).colour(MUTED);

/// Room for heading and notes above a panel.
pub(super) const HEADING_HEIGHT: f64 = 22.0;

/// One panel: what it draws, and how high it is.
pub(super) struct Panel {
    pub(super) height: f64,
    pub(super) draw: fn(&RecordingPicture, &Sheet) -> anyhow::Result<()>,
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

/// Where a panel is drawn.
pub(super) struct Sheet<'a, 'b> {
    pub(super) page: &'a Page<'b>,
    pub(super) place: Place,
    pub(super) time: &'a TimeAxis,
    pub(super) duration: f64,
}

impl Sheet<'_, '_> {
    fn axes(&self, low: f64, high: f64, spacing: Spacing) -> Axes {
        Axes {
            place: self.place,
            duration: self.duration,
            low,
            high,
            spacing,
        }
    }

    /// The panel's name, and beside it what its values are.
    fn heading(&self, name: &str, note: &str) -> anyhow::Result<()> {
        let (x, y) = (self.place.left, self.heading_y());
        self.page.text((x, y), name, HEADING)?;
        let start = x + HEADING.width(name) + 6.0;
        self.page.text((start, y), note, SMALL)
    }

    fn heading_y(&self) -> f64 {
        self.place.top - 11.0
    }

    /// Instead of values, why there are none.
    fn nothing(&self, why: &str) -> anyhow::Result<()> {
        let Place {
            left,
            top,
            width,
            height,
        } = self.place;
        let middle = (left + width / 2.0, top + height / 2.0);
        self.page.text(middle, why, SMALL.align(Align::Centre))
    }

    /// A heat map, with the key to its colours at the right.
    fn heat(
        &self,
        values: &Frames,
        scale: Scale,
        colours: &ColourMap,
        thickness: usize,
        key: [&str; 3],
    ) -> anyhow::Result<()> {
        const KEY: f64 = 10.0;
        let Place {
            left,
            top,
            width,
            height,
        } = self.place;
        let map = heat::heat_map(values, scale, colours, thickness)?;
        self.page.image((left, top), (width, height), &map)?;
        let x = self.place.right() + 12.0;
        self.page
            .image((x, top), (KEY, height), &heat::key(colours)?)?;
        let bottom = self.place.bottom();
        for (text, y) in key
            .iter()
            .zip([top + 5.0, (top + bottom) / 2.0, bottom - 5.0])
        {
            self.page.text((x + KEY + 6.0, y), text, NUMBERS)?;
        }
        Ok(())
    }

    /// A track over time: a line where its frames can be told apart, else the
    /// quartiles of each column. `step` is the time between frames.
    fn track(&self, axes: &Axes, points: &[(f64, f64)], step: f64) -> anyhow::Result<()> {
        if self.duration / step > FRAMES_PER_PIXEL * self.place.width {
            return self.summary(axes, points);
        }
        for piece in tracks::pieces(points, 1.5 * step) {
            let line: Vec<_> = piece.iter().map(|&(t, v)| (axes.x(t), axes.y(v))).collect();
            match line[..] {
                // A lone point has no line to be seen by.
                [point] => self.page.dot(point, 1.5, BLUE)?,
                _ => self.page.line(&line, 1.75, BLUE)?,
            }
        }
        Ok(())
    }

    fn summary(&self, axes: &Axes, points: &[(f64, f64)]) -> anyhow::Result<()> {
        let count = self.summary_columns();
        let columns = tracks::quartiles(points.iter().copied(), self.duration, count);
        let edge = |column: usize| axes.x(column as f64 * self.duration / count as f64);
        let columns: Vec<(usize, Option<Quartiles>)> = columns.into_iter().enumerate().collect();
        for run in columns.chunk_by(|a, b| a.1.is_some() && b.1.is_some()) {
            let run: Vec<(f64, f64, Quartiles)> = run
                .iter()
                .filter_map(|&(c, found)| found.map(|q| (edge(c), edge(c + 1), q)))
                .collect();
            let along = |value: fn(&Quartiles) -> f64| {
                run.iter().flat_map(move |(from, to, q)| {
                    let y = axes.y(value(q));
                    [(*from, y), (*to, y)]
                })
            };
            let upper: Vec<_> = along(|q| q.upper).collect();
            let lower: Vec<_> = along(|q| q.lower).collect();
            let median: Vec<_> = along(|q| q.median).collect();
            if median.is_empty() {
                continue;
            }
            let outline: Vec<_> = upper.into_iter().chain(lower.into_iter().rev()).collect();
            self.page.polygon(&outline, BAND)?;
            self.page.line(&median, 1.25, BLUE)?;
        }
        Ok(())
    }

    fn summary_columns(&self) -> usize {
        (self.place.width / 3.0) as usize
    }

    /// What a track shows, for its heading.
    fn track_note(&self, unit: &str, step: f64) -> String {
        if self.duration / step > FRAMES_PER_PIXEL * self.place.width {
            let column = self.duration / self.summary_columns() as f64;
            format!("{unit}; median and middle half of each {column:.1} s")
        } else {
            unit.to_owned()
        }
    }
}

fn waveform(picture: &RecordingPicture, sheet: &Sheet) -> anyhow::Result<()> {
    sheet.heading("Waveform", "amplitude, full scale 1")?;
    let peak = f64::from(picture.peak());
    // Quiet recordings are drawn large: the numbers say how quiet.
    let limit = 1.08 * if peak > 0.0 { peak } else { 1.0 };
    let axes = sheet.axes(-limit, limit, Spacing::Even);
    let half_a_pixel = 0.5 * sheet.duration / sheet.place.width;
    for (start, end) in tracks::joined(&picture.speech, half_a_pixel) {
        let (from, to) = (axes.x(start), axes.x(end));
        let Place { top, height, .. } = sheet.place;
        sheet
            .page
            .rectangle((from, top), (to - from, height), SPEECH)?;
    }
    let (legend, right) = ("speech", sheet.place.right());
    sheet.page.text(
        (right, sheet.heading_y()),
        legend,
        SMALL.align(Align::Right),
    )?;
    let key = (right - SMALL.width(legend) - 20.0, sheet.heading_y() - 5.0);
    sheet.page.rectangle(key, (14.0, 10.0), SPEECH)?;
    let values = axes.with_room(even_values(-limit, limit, 4));
    sheet.page.line(
        &[
            (sheet.place.left, axes.y(0.0)),
            (sheet.place.right(), axes.y(0.0)),
        ],
        1.0,
        RULE,
    )?;

    // Two columns for each pixel: sharp on fine screens too.
    let columns = (2.0 * sheet.place.width) as usize;
    let extremes = tracks::extremes(
        &picture.waveform,
        picture.waveform_step,
        sheet.duration,
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
        [lone] => sheet.page.dot(lone, 2.0, BLUE)?,
        _ => {
            sheet.page.polygon(&outline, BLUE)?;
            // Where both edges meet the shape has no width to be seen by.
            sheet.page.line(&outline, 0.75, BLUE)?;
        }
    }
    let decimals = decimals(&values);
    let labels = labelled(values, |value| signed(value, decimals));
    axes.draw_frame(sheet.page, &sheet.time.times, &labels, RULE)
}

fn spectrogram(picture: &RecordingPicture, sheet: &Sheet) -> anyhow::Result<()> {
    sheet.heading(
        "Spectrogram",
        "Hz on the mel scale; dB below the loudest moment",
    )?;
    let Spectrogram { decibels, f_max } = &picture.spectrogram;
    // Band b is centred on (b + 1) parts of the n + 1 that the scale is divided into.
    let part = mel(*f_max) / (decibels.columns() + 1) as f64;
    let low = hertz(0.5 * part);
    let high = hertz((decibels.columns() as f64 + 0.5) * part);
    let axes = sheet.axes(low, high, Spacing::Mel);

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
        sheet.heat(decibels, scale, &MAGMA, 1, ["0 dB", "−35", "−70"])?;
    } else {
        sheet.nothing("digital silence")?;
    }
    let values = axes.with_room([
        1000.0, 4000.0, 500.0, 2000.0, 250.0, 3000.0, 6000.0, 750.0, 1500.0, 8000.0, 100.0, 200.0,
    ]);
    let labels = labelled(values, |value| format!("{value:.0}"));
    axes.draw_frame(sheet.page, &sheet.time.times, &labels, RULE)
}

fn mfcc(picture: &RecordingPicture, sheet: &Sheet) -> anyhow::Result<()> {
    let count = picture.mfcc.columns();
    let note = "each in standard deviations from its mean; quiet parts are left blank";
    sheet.heading("MFCC", note)?;
    let axes = sheet.axes(-0.5, count as f64 - 0.5, Spacing::Even);
    if picture
        .loudest()
        .is_some_and(|loudest| loudest <= SILENCE_DB)
    {
        sheet.nothing("digital silence")?;
    } else {
        let seconds = picture.duration / picture.mfcc.len() as f64;
        let loud = |frame: usize| {
            let from = frame as f64 * seconds;
            picture.loud(from, from + seconds)
        };
        let values = standardised(&picture.mfcc, loud);
        let scale = Scale {
            low: -DEVIATIONS,
            high: DEVIATIONS,
        };
        sheet.heat(&values, scale, &BLUE_TO_RED, 6, ["+2.5", "0", "−2.5"])?;
    }
    let values = axes.with_room((0..count).step_by(5).map(|n| n as f64));
    let labels = labelled(values, |value| format!("{value:.0}"));
    axes.draw_frame(sheet.page, &sheet.time.times, &labels, RULE)
}

fn pitch(picture: &RecordingPicture, sheet: &Sheet) -> anyhow::Result<()> {
    let step = picture.pitch_step;
    sheet.heading("Pitch", &sheet.track_note("Hz, where voiced", step))?;
    let voiced: Vec<_> = picture.voiced().collect();
    let frequencies = || voiced.iter().map(|point| point.1);
    let lowest = frequencies().fold(f64::INFINITY, f64::min);
    let highest = frequencies().fold(0.0, f64::max);
    // Some air, and an octave at least, lest a steady voice look restless.
    let (low, high) = if voiced.is_empty() {
        (75.0, 600.0)
    } else {
        let middle = (lowest * highest).sqrt();
        let half = (1.06 * (highest / lowest).sqrt()).max(std::f64::consts::SQRT_2);
        (middle / half, middle * half)
    };
    let axes = sheet.axes(low, high, Spacing::Logarithmic);
    let values = axes.with_room([
        100.0, 200.0, 400.0, 50.0, 800.0, 150.0, 300.0, 600.0, 75.0, 250.0, 500.0, 120.0, 170.0,
        350.0, 450.0, 90.0, 220.0, 180.0,
    ]);
    if voiced.is_empty() {
        sheet.nothing("nothing voiced")?;
    } else {
        axes.draw_grid(sheet.page, &sheet.time.times, &values)?;
        sheet.track(&axes, &voiced, step)?;
    }
    let labels = labelled(values, |value| format!("{value:.0}"));
    axes.draw_frame(sheet.page, &sheet.time.times, &labels, RULE)
}

fn intensity(picture: &RecordingPicture, sheet: &Sheet) -> anyhow::Result<()> {
    let step = picture.intensity_step;
    sheet.heading(
        "Intensity",
        &sheet.track_note("dB re 20 µPa, as if full scale were 1 Pa", step),
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
    let axes = sheet.axes(low, high, Spacing::Even);
    let values = axes.with_room(
        (0..)
            .map(|n| low + 10.0 * f64::from(n))
            .take_while(|v| *v <= high),
    );
    if highest.is_finite() {
        axes.draw_grid(sheet.page, &sheet.time.times, &values)?;
        sheet.track(&axes, points, step)?;
    } else if points.is_empty() {
        sheet.nothing("too short to measure")?;
    } else {
        sheet.nothing("digital silence")?;
    }
    let labels = labelled(values, |value| signed(value, 0));
    axes.draw_frame(sheet.page, &sheet.time.times, &labels, RULE)
}

fn labelled(values: Vec<f64>, text: impl Fn(f64) -> String) -> Vec<(f64, String)> {
    values
        .into_iter()
        .map(|value| (value, text(value)))
        .collect()
}

/// The decimals that write all of these without loss.
fn decimals(values: &[f64]) -> usize {
    let largest = values.iter().fold(0.0, |m: f64, v| m.max(v.abs()));
    let written = |value: f64, decimals: i32| {
        let power = 10f64.powi(decimals);
        ((value * power).round() / power - value).abs() <= 1e-6 * largest
    };
    (0..12)
        .find(|&decimals| values.iter().all(|&value| written(value, decimals)))
        .map_or(12, |decimals| decimals as usize)
}

/// A number with a true minus sign, and no sign for 0.
fn signed(value: f64, decimals: usize) -> String {
    let text = match value.abs() {
        0.0 => "0".to_owned(),
        // Written out, it would not fit beside the axis.
        ..1e-3 | 1e4.. => format!("{value:.1e}"),
        _ => format!("{value:.decimals$}"),
    };
    text.replace('-', "−")
}

/// Each column less its mean, divided by its standard deviation; 0 where it
/// does not change. Frames that do not count become NaN and have no part in the
/// mean: a pause says nothing of a voice.
fn standardised(frames: &Frames, counts: impl Fn(usize) -> bool) -> Frames {
    let counts: Vec<bool> = (0..frames.len()).map(counts).collect();
    let chosen = || {
        frames
            .rows()
            .zip(&counts)
            .filter(|row| *row.1)
            .map(|row| row.0)
    };
    let mean_of = |value: &dyn Fn(&[f32]) -> f64| {
        chosen().map(value).sum::<f64>() / chosen().count().max(1) as f64
    };
    let statistics: Vec<(f64, f64)> = (0..frames.columns())
        .map(|j| {
            let mean = mean_of(&|row| f64::from(row[j]));
            let variance = mean_of(&|row| (f64::from(row[j]) - mean).powi(2));
            (mean, variance.sqrt())
        })
        .collect();
    let standard = |(&value, &(mean, deviation)): (&f32, &(f64, f64))| {
        // Rounding alone makes a constant differ from its mean.
        if deviation > 1e-4 {
            ((f64::from(value) - mean) / deviation) as f32
        } else {
            0.0
        }
    };
    let mut values = Vec::with_capacity(frames.data().len());
    for (row, &counts) in frames.rows().zip(&counts) {
        let cells = row.iter().zip(&statistics);
        values.extend(cells.map(|cell| if counts { standard(cell) } else { f32::NAN }));
    }
    Frames::new(values, frames.columns())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn standardised_columns_have_mean_0_and_deviation_1() {
        let frames = Frames::new(vec![1.0, 5.0, 2.0, 5.0, 3.0, 5.0, 4.0, 5.0, 99.0, 5.0], 2);
        let values = standardised(&frames, |frame| frame < 4);
        let first: Vec<f32> = values.column(0).take(4).collect();
        assert!((first.iter().sum::<f32>()).abs() < 1e-6);
        assert!((first.iter().map(|v| v * v).sum::<f32>() / 4.0 - 1.0).abs() < 1e-6);
        assert!(values.column(1).take(4).all(|v| v == 0.0));
        assert!(values.row(4).iter().all(|v| v.is_nan()));
    }

    #[test]
    fn numbers_have_the_decimals_they_need() {
        assert_eq!(decimals(&[-1.0, 0.0, 1.0]), 0);
        assert_eq!(decimals(&[-0.1, -0.05, 0.0, 0.05, 0.1]), 2);
        assert_eq!(decimals(&[3.0 * 0.1, 0.2]), 1);
    }

    #[test]
    fn numbers_are_signed_as_in_print() {
        assert_eq!(signed(-0.25, 2), "−0.25");
        assert_eq!([0.0, -0.0].map(|zero| signed(zero, 2)), ["0", "0"]);
        assert_eq!([-5e8, 5e-8].map(|v| signed(v, 9)), ["−5.0e8", "5.0e−8"]);
    }
}
