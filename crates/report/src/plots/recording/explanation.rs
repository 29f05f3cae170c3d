//! Which seconds decide a label: two curves below the spectrogram.

use super::axes::{Axes, Place, Spacing, TimeAxis, even_values};
use super::numbers::{decimals, labelled, signed};
use super::panel_area::{HEADING_HEIGHT, PanelArea};
use super::panels::draw_spectrogram;
use super::{
    BETWEEN_PANELS, HEADER, LEFT, MARGIN, MOST_TIMES, NOTE, PANEL_WIDTH, RIGHT, Spectrogram, TIME,
    TIME_AXIS, TITLE,
};
use crate::ReportError;
use crate::plots::canvas::Canvas;
use crate::plots::colours::{BLUE, RULE, VERMILION};

const SPECTROGRAM: f64 = 190.0;
const CURVE: f64 = 110.0;
const CURVES: f64 = 2.0;

/// What is drawn. Times are seconds from the start of the recording.
#[derive(Clone, Debug)]
pub struct ExplanationPicture {
    /// The title, usually the name of the file.
    pub name: String,
    /// The line under it: the label and its probability.
    pub answer: String,
    /// Length in seconds.
    pub duration: f64,
    /// The sound.
    pub spectrogram: Spectrogram,
    /// The middles of equal steps of time, and the effect of silence there.
    pub occlusion: Vec<(f64, f64)>,
    /// Seconds of such a step.
    pub occlusion_step: f64,
    /// The middles of equal steps of time, and the sum of the integrated gradients there.
    pub gradients: Vec<(f64, f64)>,
    /// Seconds of such a step.
    pub gradients_step: f64,
}

/// The picture: spectrogram, occlusion, integrated gradients, over one time axis. What
/// speaks for the label is above the line and blue, what speaks against it is below the
/// line and orange.
///
/// # Errors
///
/// As [`recording_svg`](super::recording_svg).
pub fn explanation_svg(picture: &ExplanationPicture) -> Result<String, ReportError> {
    if !(picture.duration.is_finite() && picture.duration > 0.0) {
        return Err(ReportError::Empty {
            what: "the picture of a recording without a duration".into(),
        });
    }
    let time = TimeAxis::new(picture.duration, MOST_TIMES);
    let panels = SPECTROGRAM + CURVES * (CURVE + BETWEEN_PANELS) + 3.0 * HEADING_HEIGHT;
    let width = MARGIN + LEFT + PANEL_WIDTH + RIGHT + MARGIN;
    let height = MARGIN + HEADER + panels + TIME_AXIS + MARGIN;
    let alt = format!("{}: which seconds decide. {}", picture.name, picture.answer);
    Canvas::draw((width, height), &alt, |canvas| {
        let left = MARGIN + LEFT;
        canvas.text((left, MARGIN + 9.0), &picture.name, TITLE)?;
        canvas.text((left, MARGIN + 33.0), &picture.answer, NOTE)?;
        let mut top = MARGIN + HEADER + HEADING_HEIGHT;
        let mut area = |height: f64| {
            let place = Place {
                left,
                top,
                width: PANEL_WIDTH,
                height,
            };
            top += height + BETWEEN_PANELS + HEADING_HEIGHT;
            PanelArea {
                canvas,
                place,
                time: &time,
                duration: picture.duration,
            }
        };
        draw_spectrogram(&picture.spectrogram, &area(SPECTROGRAM))?;
        bars(
            &area(CURVE),
            ("Occlusion", "how much the score falls with silence here"),
            &picture.occlusion,
            picture.occlusion_step,
        )?;
        let last = area(CURVE);
        bars(
            &last,
            ("Integrated gradients", "parts of the score, by time"),
            &picture.gradients,
            picture.gradients_step,
        )?;
        let y = last.place.bottom() + 16.0;
        let axes = last.axes(0.0, 1.0, Spacing::Even);
        for (at, text) in time.times.iter().zip(&time.texts) {
            canvas.text((axes.x(*at), y), text, TIME)?;
        }
        canvas.text((left + PANEL_WIDTH / 2.0, y + 17.0), time.unit, TIME)
    })
}

/// A bar from zero for every step.
fn bars(
    area: &PanelArea,
    (name, note): (&str, &str),
    points: &[(f64, f64)],
    step: f64,
) -> Result<(), ReportError> {
    area.heading(name, note)?;
    let values = points.iter().map(|(_, value)| *value);
    let (low, high) = values.fold((0.0f64, 0.0f64), |(l, h), v| (l.min(v), h.max(v)));
    // A recording that nothing changes has flat bars, not magnified noise.
    let room = (0.08 * (high - low)).max(0.01);
    let axes: Axes = area.axes(low - room, high + room, Spacing::Even);
    let numbers = axes.with_room(even_values(axes.low, axes.high, 4));
    axes.draw_grid(area.canvas, &area.time.times, &numbers)?;
    let zero = axes.y(0.0);
    for (time, value) in points {
        let (from, to) = (axes.x(time - step / 2.0), axes.x(time + step / 2.0));
        let y = axes.y(*value);
        let colour = if *value < 0.0 { VERMILION } else { BLUE };
        let (top, height) = (y.min(zero), (y - zero).abs());
        area.canvas
            .rectangle((from, top), (to - from, height), colour)?;
    }
    let ends = [(area.place.left, zero), (area.place.right(), zero)];
    area.canvas.line(&ends, 1.0, RULE)?;
    let digits = decimals(&numbers);
    let labels = labelled(numbers, |value| signed(value, digits));
    axes.draw_frame(area.canvas, &area.time.times, &labels, RULE)
}

#[cfg(test)]
mod tests {
    use audio::Frames;

    use super::*;

    fn picture() -> ExplanationPicture {
        ExplanationPicture {
            name: "a <b>.wav".into(),
            answer: "angry (87 %)".into(),
            duration: 1.0,
            spectrogram: Spectrogram {
                decibels: Frames::new(vec![-40.0; 100 * 40], 40),
                f_max: 8000.0,
            },
            occlusion: vec![(0.25, 1.5), (0.75, -0.5)],
            occlusion_step: 0.5,
            gradients: vec![(0.5, 0.2)],
            gradients_step: 0.1,
        }
    }

    #[test]
    fn bars_for_are_blue_and_bars_against_are_orange() {
        let svg = explanation_svg(&picture()).unwrap();
        roxmltree::Document::parse(&svg).unwrap();
        assert_eq!(svg.matches("fill=\"#0072B2\"").count(), 2);
        assert_eq!(svg.matches("fill=\"#D55E00\"").count(), 1);
        assert!(svg.contains("a &lt;b&gt;.wav") && svg.contains("angry (87 %)"));
    }

    #[test]
    fn without_a_duration_there_is_no_picture() {
        let empty = ExplanationPicture {
            duration: 0.0,
            ..picture()
        };
        assert!(explanation_svg(&empty).is_err());
    }
}
