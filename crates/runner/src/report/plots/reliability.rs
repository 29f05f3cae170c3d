//! The reliability diagram: how often the recogniser is right when it says how sure it is.

use anyhow::Result;

use super::page::{Align, BLUE, GRID, Lettering, MUTED, Page, RULE};
use crate::cross_validation::summary::Bin;

const MARGIN: f64 = 56.0;
const SIDE: f64 = 300.0;
const TITLE: Lettering = Lettering::new(15.0).bold();
const SMALL: Lettering = Lettering::new(11.5).colour(MUTED);

/// Accuracy over confidence as an SVG picture: a bar for each range of the
/// highest probability, as high as the share that was right. On the diagonal
/// the recogniser is as sure as it should be; bars below it are overconfident.
/// The narrow bars at the bottom are the share of clips in each range.
///
/// # Errors
///
/// Where the picture cannot be drawn.
pub fn reliability_svg(bins: &[Bin], error: f64) -> Result<String> {
    let size = (SIDE + 2.0 * MARGIN, SIDE + 2.0 * MARGIN);
    let at = |x: f64, y: f64| (MARGIN + x * SIDE, MARGIN + (1.0 - y) * SIDE);
    let alt = format!("Reliability diagram, expected calibration error {error:.3}");
    let total = bins.iter().map(|bin| bin.clips).sum::<usize>().max(1) as f64;
    Page::draw(size, &alt, |page| {
        let title = format!("Calibration: expected error {error:.3}");
        page.text((MARGIN, 26.0), &title, TITLE)?;
        for tick in 0..=5 {
            let value = f64::from(tick) / 5.0;
            page.line(&[at(0.0, value), at(1.0, value)], 1.0, GRID)?;
            let label = format!("{value:.1}");
            let (x, y) = at(0.0, value);
            page.text((x - 8.0, y), &label, SMALL.align(Align::Right))?;
            let (x, y) = at(value, 0.0);
            page.text((x, y + 14.0), &label, SMALL.align(Align::Centre))?;
        }
        let width = 1.0 / bins.len().max(1) as f64;
        for (index, bin) in bins.iter().enumerate().filter(|(_, bin)| bin.clips > 0) {
            let left = index as f64 * width;
            let corner = at(left + 0.1 * width, bin.accuracy);
            page.rectangle(corner, (0.8 * width * SIDE, bin.accuracy * SIDE), BLUE)?;
            let share = bin.clips as f64 / total;
            let corner = at(left + 0.4 * width, share);
            page.rectangle(corner, (0.2 * width * SIDE, share * SIDE), RULE)?;
        }
        page.dashes(at(0.0, 0.0), at(1.0, 1.0), 1.5, MUTED)?;
        let (x, y) = at(0.5, 0.0);
        page.text(
            (x, y + 34.0),
            "probability of the answer",
            SMALL.align(Align::Centre),
        )?;
        let (x, y) = at(0.0, 0.5);
        page.text(
            (x - 40.0, y),
            "share that was right",
            SMALL.align(Align::Centre).upwards(),
        )
    })
}
