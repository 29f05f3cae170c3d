//! Learning curves: loss, accuracy and UAR over the epochs.

use std::ops::{Range, RangeInclusive};

use metrics::EpochMetrics;
use plotters::prelude::*;

use super::canvas::{Canvas, px, stroke, svg_error, to_pixels};
use super::colours::{BLUE, GRID, MUTED, RULE, VERMILION};
use super::lettering::{Align, Lettering};
use crate::ReportError;

const MARGIN: f64 = 28.0;
const PANEL: (f64, f64) = (440.0, 310.0);
const BETWEEN_PANELS: f64 = 36.0;
/// Title and the line of figures under it.
const HEADER: f64 = 62.0;
/// Heading and legend of a panel, then the number of the selected epoch. Both are
/// above the axes, where they hide nothing.
const PANEL_HEADER: f64 = 24.0;
const MARK_LINE: f64 = 24.0;
/// Numbers of the vertical axis, and of the horizontal one.
const LEFT_NUMBERS: f64 = 44.0;
const BOTTOM_NUMBERS: f64 = 22.0;
/// For the last number of the horizontal axis, which is centred on its end.
const RIGHT_ROOM: f64 = 12.0;
const AXIS_NAME: f64 = 20.0;
/// With fewer epochs than this, each one has a dot.
const MOST_DOTS: usize = 15;

const TITLE: Lettering = Lettering::new(17.0).bold();
const NOTE: Lettering = Lettering::new(13.0).colour(MUTED);
const HEADING: Lettering = Lettering::new(13.0).bold();
const SMALL: Lettering = Lettering::new(11.5).colour(MUTED);

/// The learning curves of a training as an SVG picture of two panels: loss in
/// training and validation, and training accuracy with validation UAR.
///
/// `selected_epoch` is the epoch whose weights were kept, counted as
/// [`EpochMetrics::epoch`]; it is marked. A value that is missing or not finite is
/// a gap in the curve. Without validation figures there are no validation curves.
///
/// # Errors
///
/// [`ReportError::Empty`] if there are no epochs.
pub fn learning_curves_svg(
    epochs: &[EpochMetrics],
    selected_epoch: Option<usize>,
    title: &str,
) -> Result<String, ReportError> {
    let selected =
        selected_epoch.and_then(|selected| epochs.iter().find(|metrics| metrics.epoch == selected));
    let figures = figures(epochs, selected);
    let losses = [
        Curve::new("training", BLUE, epochs, |m| Some(m.train_loss)),
        Curve::new("validation", VERMILION, epochs, |m| m.validation_loss),
    ];
    let scores = [
        Curve::new("training accuracy", BLUE, epochs, |m| {
            Some(m.train_accuracy)
        }),
        Curve::new("validation UAR", VERMILION, epochs, |m| m.validation_uar),
    ];
    let all_epochs = || epochs.iter().map(|metrics| metrics.epoch);
    let (Some(first), Some(last)) = (all_epochs().min(), all_epochs().max()) else {
        return Err(ReportError::empty("learning curves without an epoch"));
    };
    let panels = [
        ("Loss", &losses, loss_range(&losses)),
        ("Accuracy and UAR", &scores, 0.0..1.0),
    ]
    .map(|(heading, curves, values)| Panel {
        heading,
        curves,
        epochs: first..=last,
        values,
    });

    let text_width = TITLE.width(title).max(NOTE.width(&figures));
    let width = (2.0 * PANEL.0 + BETWEEN_PANELS).max(text_width) + 2.0 * MARGIN;
    let height = MARGIN + HEADER + PANEL.1 + MARGIN / 2.0;
    let alt = format!("Learning curves. {title}. {figures}");
    Canvas::draw((width.ceil(), height.ceil()), &alt, |canvas| {
        canvas.text((MARGIN, MARGIN + 6.0), title, TITLE)?;
        canvas.text((MARGIN, MARGIN + 30.0), &figures, NOTE)?;
        for (index, panel) in panels.iter().enumerate() {
            let x = MARGIN + index as f64 * (PANEL.0 + BETWEEN_PANELS);
            panel.draw(
                canvas,
                (x, MARGIN + HEADER),
                selected.map(|metrics| metrics.epoch),
            )?;
        }
        Ok(())
    })
}

/// The line under the title: the figures of the selected epoch, or of the last one.
fn figures(epochs: &[EpochMetrics], selected: Option<&EpochMetrics>) -> String {
    let which = if selected.is_some() {
        "selected"
    } else {
        "last"
    };
    let Some(shown) = selected.or(epochs.last()) else {
        return String::new();
    };
    let values = [
        ("validation UAR", shown.validation_uar),
        ("validation loss", shown.validation_loss),
        ("training loss", Some(shown.train_loss)),
    ];
    let mut text = format!("{which} epoch {} of {}", shown.epoch, epochs.len());
    for (name, value) in values {
        if let Some(value) = value.filter(|value| value.is_finite()) {
            text += &format!("   ·   {name} {value:.3}");
        }
    }
    text
}

/// One figure over the epochs.
struct Curve {
    name: &'static str,
    colour: RGBColor,
    /// Epoch and value, in pieces without gaps.
    pieces: Vec<Vec<(usize, f64)>>,
}

impl Curve {
    fn new(
        name: &'static str,
        colour: RGBColor,
        epochs: &[EpochMetrics],
        value: impl Fn(&EpochMetrics) -> Option<f64>,
    ) -> Self {
        let mut pieces = vec![Vec::new()];
        for metrics in epochs {
            match value(metrics).filter(|value| value.is_finite()) {
                Some(value) => {
                    pieces.last_mut().unwrap().push((metrics.epoch, value));
                }
                None => pieces.push(Vec::new()),
            }
        }
        pieces.retain(|piece| !piece.is_empty());
        Self {
            name,
            colour,
            pieces,
        }
    }

    fn points(&self) -> impl Iterator<Item = &(usize, f64)> {
        self.pieces.iter().flatten()
    }

    fn at(&self, epoch: usize) -> Option<f64> {
        self.points()
            .find(|point| point.0 == epoch)
            .map(|point| point.1)
    }
}

/// A pair of axes with its curves.
struct Panel<'a> {
    heading: &'static str,
    curves: &'a [Curve],
    epochs: RangeInclusive<usize>,
    values: Range<f64>,
}

impl Panel<'_> {
    /// Draws the panel with its upper left corner at `(x, y)`.
    fn draw(
        &self,
        canvas: &Canvas,
        (x, y): (f64, f64),
        selected: Option<usize>,
    ) -> Result<(), ReportError> {
        canvas.text((x, y + 6.0), self.heading, HEADING)?;
        self.draw_legend(canvas, (x + PANEL.0, y + 6.0))?;

        let top = y + PANEL_HEADER + MARK_LINE;
        let bottom = y + PANEL.1 - AXIS_NAME;
        let (left, right) = (x + LEFT_NUMBERS, x + PANEL.0 - RIGHT_ROOM);
        let area = canvas.area((x, top), (right - x, bottom - top));
        let (first, last) = (*self.epochs.start(), *self.epochs.end());
        // A single epoch stands in the middle of its axis.
        let axis = if first < last {
            first..last
        } else {
            first.saturating_sub(1)..first + 1
        };
        let mut chart = ChartBuilder::on(&area)
            .set_label_area_size(LabelAreaPosition::Left, px(LEFT_NUMBERS))
            .set_label_area_size(LabelAreaPosition::Bottom, px(BOTTOM_NUMBERS))
            .build_cartesian_2d(axis, self.values.clone())
            .map_err(svg_error)?;
        let value_text = |value: &f64| number(*value, self.values.end);
        let epoch_text = |epoch: &usize| {
            if self.epochs.contains(epoch) {
                epoch.to_string()
            } else {
                String::new()
            }
        };
        chart
            .configure_mesh()
            .disable_x_mesh()
            .bold_line_style(stroke(GRID, 1.0))
            .light_line_style(TRANSPARENT)
            .axis_style(stroke(RULE, 1.0))
            .x_labels(8)
            .y_labels(6)
            .x_label_formatter(&epoch_text)
            .y_label_formatter(&value_text)
            .label_style(SMALL.style())
            .set_all_tick_mark_size(px(4.0))
            .draw()
            .map_err(svg_error)?;
        canvas.text(
            ((left + right) / 2.0, bottom + 10.0),
            "epoch",
            SMALL.align(Align::Centre),
        )?;

        let place = |epoch: usize, value: f64| to_pixels(chart.backend_coord(&(epoch, value)));
        if let Some(selected) = selected {
            let (mark, floor) = place(selected, self.values.start);
            canvas.dashes((mark, top), (mark, floor), 1.0, MUTED)?;
            let name = format!("epoch {selected}");
            // Kept within the panel where the mark is near one of its ends.
            let half = SMALL.width(&name) / 2.0;
            let middle = mark.clamp(x + half, x + PANEL.0 - half);
            canvas.text(
                (middle, top - MARK_LINE / 2.0),
                &name,
                SMALL.align(Align::Centre),
            )?;
        }
        for curve in self.curves {
            for piece in &curve.pieces {
                let line: Vec<_> = piece
                    .iter()
                    .map(|&(epoch, value)| place(epoch, value))
                    .collect();
                canvas.line(&line, 1.75, curve.colour)?;
                // A lone point has no line to be seen by.
                if line.len() == 1 || last - first < MOST_DOTS {
                    for point in line {
                        canvas.dot(point, 2.5, curve.colour)?;
                    }
                }
            }
        }
        for curve in self.curves {
            if let Some((selected, value)) =
                selected.and_then(|selected| Some((selected, curve.at(selected)?)))
            {
                canvas.dot(place(selected, value), 5.5, WHITE)?;
                canvas.dot(place(selected, value), 4.0, curve.colour)?;
            }
        }
        Ok(())
    }

    /// The names of the curves that have points, ending at `(right, y)`.
    fn draw_legend(&self, canvas: &Canvas, (right, y): (f64, f64)) -> Result<(), ReportError> {
        const KEY: f64 = 18.0;
        let mut end = right;
        for curve in self
            .curves
            .iter()
            .rev()
            .filter(|curve| !curve.pieces.is_empty())
        {
            let start = end - SMALL.width(curve.name) - 6.0 - KEY;
            canvas.line(&[(start, y), (start + KEY, y)], 2.5, curve.colour)?;
            canvas.text((start + KEY + 6.0, y), curve.name, SMALL)?;
            end = start - 14.0;
        }
        Ok(())
    }
}

/// The range of the vertical axis of the loss: from 0, with some room above the
/// largest value.
fn loss_range(curves: &[Curve]) -> Range<f64> {
    let all = || curves.iter().flat_map(Curve::points).map(|point| point.1);
    let (lowest, highest) = (all().fold(0.0, f64::min), all().fold(0.0, f64::max));
    if lowest < highest {
        lowest..highest + 0.06 * (highest - lowest)
    } else {
        0.0..1.0
    }
}

/// A number of the vertical axis, with the digits that the range of the axis needs.
fn number(value: f64, largest: f64) -> String {
    match largest {
        _ if value == 0.0 => "0".to_owned(),
        ..0.01 | 10_000.0.. => format!("{value:.1e}"),
        ..0.1 => format!("{value:.3}"),
        ..0.6 => format!("{value:.2}"),
        ..6.0 => format!("{value:.1}"),
        _ => format!("{value:.0}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::epochs;

    fn curves_in(svg: &str) -> usize {
        [BLUE, VERMILION]
            .map(|RGBColor(r, g, b)| {
                format!("stroke=\"#{r:02X}{g:02X}{b:02X}\" stroke-width=\"14\"")
            })
            .iter()
            .map(|stroke| svg.matches(stroke.as_str()).count())
            .sum()
    }

    #[test]
    fn each_panel_has_two_curves_and_marks_the_selected_epoch() {
        let svg = learning_curves_svg(&epochs(40), Some(17), "Run").unwrap();
        assert_eq!(curves_in(&svg), 4);
        assert_eq!(svg.matches(">\nepoch 17\n<").count(), 2);
        assert!(
            svg.contains("selected epoch 17 of 40   ·   validation UAR 0.571"),
            "{svg}"
        );
    }

    #[test]
    fn figures_that_are_not_finite_are_gaps() {
        let mut run = epochs(40);
        run[9].train_loss = f64::NAN;
        run[19].train_loss = f64::INFINITY;
        run[29].validation_uar = None;
        let svg = learning_curves_svg(&run, None, "Run").unwrap();
        assert_eq!(curves_in(&svg), 4 + 3);
        assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
    }

    #[test]
    fn without_validation_its_curves_are_left_out() {
        let mut run = epochs(40);
        for metrics in &mut run {
            (metrics.validation_loss, metrics.validation_uar) = (None, None);
        }
        let svg = learning_curves_svg(&run, None, "Run").unwrap();
        assert_eq!(curves_in(&svg), 2);
        assert!(!svg.contains("validation"), "{svg}");
    }

    #[test]
    fn any_number_of_epochs_is_drawn_and_none_is_an_error() {
        let error = learning_curves_svg(&[], None, "").unwrap_err();
        assert!(matches!(error, ReportError::Empty { .. }), "{error:?}");
        for count in [1, 2, 3, 200, 5000] {
            learning_curves_svg(&epochs(count), Some(1), "Run").unwrap();
        }
        let mut diverged = epochs(1);
        diverged[0].train_loss = f64::NAN;
        diverged[0].validation_loss = None;
        // The selected epoch is not among them, and the loss has no finite value.
        learning_curves_svg(&diverged, Some(9), "Run").unwrap();
        let mut huge = epochs(3);
        huge[1].train_loss = 1e300;
        learning_curves_svg(&huge, None, "Run").unwrap();
        let mut tiny = epochs(3);
        for (metrics, loss) in tiny.iter_mut().zip([0.0, -1e-300, 1e-300]) {
            (metrics.train_loss, metrics.validation_loss) = (loss, None);
        }
        learning_curves_svg(&tiny, None, "Run").unwrap();
    }

    #[test]
    fn axis_numbers_have_the_digits_they_need() {
        assert_eq!([0.0, 0.5, 2.0].map(|v| number(v, 2.2)), ["0", "0.5", "2.0"]);
        assert_eq!(number(0.05, 0.11), "0.05");
        assert_eq!(number(25.0, 60.0), "25");
        assert_eq!(number(2e9, 3e9), "2.0e9");
    }
}
