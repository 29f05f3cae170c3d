//! The reliability diagram: accuracy over confidence.

use metrics::CalibrationBin;

use super::canvas::Canvas;
use super::colours::{BLUE, GRID, MUTED, RULE};
use super::lettering::{Align, Lettering};
use crate::ReportError;

const MARGIN: f64 = 56.0;
/// Above the diagram: title, figure and legend.
const HEADER: f64 = 84.0;
const SIDE: f64 = 300.0;

const TITLE: Lettering = Lettering::new(15.0).bold();
const SMALL: Lettering = Lettering::new(11.5).colour(MUTED);

/// A reliability diagram as an SVG picture: for each range of confidence (the
/// probability of the predicted class) a bar as high as the accuracy there, and a
/// narrow bar for the share of clips in that range.
///
/// On the dashed diagonal accuracy equals confidence. Bars that end below it show
/// overconfidence. `bins` and `error` are those of [`metrics::Calibration`].
///
/// # Errors
///
/// [`ReportError::Encoding`] if the SVG library fails.
pub fn reliability_svg(bins: &[CalibrationBin], error: f64) -> Result<String, ReportError> {
    let size = (SIDE + 2.0 * MARGIN, HEADER + SIDE + MARGIN);
    let figure = format!("expected calibration error {error:.3}");
    Canvas::draw(size, &format!("Reliability diagram, {figure}"), |canvas| {
        canvas.text((MARGIN, 22.0), "Reliability diagram", TITLE)?;
        canvas.text((MARGIN, 43.0), &figure, SMALL)?;
        draw_legend(canvas, (MARGIN, 63.0))?;
        draw_axes(canvas)?;
        draw_bars(canvas, bins)?;
        canvas.dashes(place(0.0, 0.0), place(1.0, 1.0), 1.5, MUTED)
    })
}

/// Where values from 0 to 1 are on the canvas.
fn place(x: f64, y: f64) -> (f64, f64) {
    (MARGIN + x * SIDE, HEADER + (1.0 - y) * SIDE)
}

fn draw_legend(canvas: &Canvas, (x, y): (f64, f64)) -> Result<(), ReportError> {
    const KEY: f64 = 10.0;
    let mut left = x;
    for (colour, name) in [(BLUE, "accuracy"), (RULE, "share of clips")] {
        canvas.rectangle((left, y - KEY / 2.0), (KEY, KEY), colour)?;
        canvas.text((left + KEY + 5.0, y), name, SMALL)?;
        left += KEY + 5.0 + SMALL.width(name) + 14.0;
    }
    Ok(())
}

fn draw_axes(canvas: &Canvas) -> Result<(), ReportError> {
    for tick in 0..=5 {
        let value = f64::from(tick) / 5.0;
        canvas.line(&[place(0.0, value), place(1.0, value)], 1.0, GRID)?;
        let label = format!("{value:.1}");
        let (x, y) = place(0.0, value);
        canvas.text((x - 8.0, y), &label, SMALL.align(Align::Right))?;
        let (x, y) = place(value, 0.0);
        canvas.text((x, y + 14.0), &label, SMALL.align(Align::Centre))?;
    }
    let name = SMALL.align(Align::Centre);
    let (x, y) = place(0.5, 0.0);
    canvas.text((x, y + 34.0), "confidence", name)?;
    let (x, y) = place(0.0, 0.5);
    canvas.text((x - 40.0, y), "fraction", name.upwards())
}

fn draw_bars(canvas: &Canvas, bins: &[CalibrationBin]) -> Result<(), ReportError> {
    let total = bins.iter().map(|bin| bin.clips).sum::<usize>().max(1) as f64;
    let width = 1.0 / bins.len().max(1) as f64;
    for (index, bin) in bins.iter().enumerate().filter(|(_, bin)| bin.clips > 0) {
        let left = index as f64 * width;
        let corner = place(left + 0.1 * width, bin.accuracy);
        canvas.rectangle(corner, (0.8 * width * SIDE, bin.accuracy * SIDE), BLUE)?;
        let share = bin.clips as f64 / total;
        let corner = place(left + 0.4 * width, share);
        canvas.rectangle(corner, (0.2 * width * SIDE, share * SIDE), RULE)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use plotters::style::RGBColor;

    use super::*;

    fn bars(svg: &str, RGBColor(r, g, b): RGBColor) -> usize {
        let fill = format!("fill=\"#{r:02X}{g:02X}{b:02X}\"");
        svg.lines()
            .filter(|line| line.starts_with("<rect") && line.contains(&fill))
            .count()
    }

    #[test]
    fn every_bin_with_clips_has_two_bars() {
        let bin = |clips, accuracy| CalibrationBin {
            clips,
            confidence: 0.5,
            accuracy,
        };
        let svg = reliability_svg(&[bin(0, 0.0), bin(3, 0.5), bin(1, 1.0)], 0.125).unwrap();
        // One more of each in the legend.
        assert_eq!((bars(&svg, BLUE), bars(&svg, RULE)), (3, 3), "{svg}");
        assert!(svg.contains("expected calibration error 0.125"), "{svg}");
        assert!(!reliability_svg(&[], 0.0).unwrap().contains("NaN"));
    }
}
