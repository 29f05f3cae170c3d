//! The part of the canvas for one panel, and what several panels draw there.

use audio::Frames;
use plotters::style::RGBColor;

use super::axes::{Axes, NUMBERS, Place, Spacing, TimeAxis};
use super::heat::{self, Scale};
use super::tracks::{self, Quartiles};
use crate::ReportError;
use crate::plots::canvas::Canvas;
use crate::plots::colours::{BLUE, ColourMap, MUTED};
use crate::plots::lettering::{Align, Lettering};

/// The middle half of the values of a column: a light tint of [`BLUE`].
const BAND: RGBColor = RGBColor(178, 213, 232);
/// A track with more frames per pixel than this is summarised.
const FRAMES_PER_PIXEL: f64 = 8.0;

const HEADING: Lettering = Lettering::new(13.0).bold();
const SMALL: Lettering = Lettering::new(11.5).colour(MUTED);

/// Room for heading and notes above a panel.
pub(super) const HEADING_HEIGHT: f64 = 22.0;

/// The part of the canvas for one panel.
pub(super) struct PanelArea<'a, 'b> {
    pub(super) canvas: &'a Canvas<'b>,
    pub(super) place: Place,
    pub(super) time: &'a TimeAxis,
    pub(super) duration: f64,
}

impl PanelArea<'_, '_> {
    pub(super) fn axes(&self, low: f64, high: f64, spacing: Spacing) -> Axes {
        Axes {
            place: self.place,
            duration: self.duration,
            low,
            high,
            spacing,
        }
    }

    /// The name of the panel, and beside it what its values are.
    pub(super) fn heading(&self, name: &str, note: &str) -> Result<(), ReportError> {
        let (x, y) = (self.place.left, self.heading_y());
        self.canvas.text((x, y), name, HEADING)?;
        let start = x + HEADING.width(name) + 6.0;
        self.canvas.text((start, y), note, SMALL)
    }

    /// The key to a colour, at the right end of the heading.
    pub(super) fn legend(&self, name: &str, colour: RGBColor) -> Result<(), ReportError> {
        let (right, y) = (self.place.right(), self.heading_y());
        self.canvas
            .text((right, y), name, SMALL.align(Align::Right))?;
        let key = (right - SMALL.width(name) - 20.0, y - 5.0);
        self.canvas.rectangle(key, (14.0, 10.0), colour)
    }

    fn heading_y(&self) -> f64 {
        self.place.top - 11.0
    }

    /// The reason why there are no values, in place of them.
    pub(super) fn nothing(&self, why: &str) -> Result<(), ReportError> {
        let Place {
            left,
            top,
            width,
            height,
        } = self.place;
        let middle = (left + width / 2.0, top + height / 2.0);
        self.canvas.text(middle, why, SMALL.align(Align::Centre))
    }

    /// A heat map, and to its right the key to its colours.
    pub(super) fn heat(
        &self,
        values: &Frames,
        scale: Scale,
        colours: &ColourMap,
        thickness: usize,
        key: [&str; 3],
    ) -> Result<(), ReportError> {
        const KEY: f64 = 10.0;
        let Place {
            left,
            top,
            width,
            height,
        } = self.place;
        let map = heat::heat_map(values, scale, colours, thickness)?;
        self.canvas.image((left, top), (width, height), &map);
        let x = self.place.right() + 12.0;
        self.canvas
            .image((x, top), (KEY, height), &heat::key(colours)?);
        let bottom = self.place.bottom();
        for (text, y) in key
            .iter()
            .zip([top + 5.0, (top + bottom) / 2.0, bottom - 5.0])
        {
            self.canvas.text((x + KEY + 6.0, y), text, NUMBERS)?;
        }
        Ok(())
    }

    /// A track over time: a line if its frames can be told apart, else the
    /// quartiles of each column. `step` is the time between frames in seconds.
    pub(super) fn track(
        &self,
        axes: &Axes,
        points: &[(f64, f64)],
        step: f64,
    ) -> Result<(), ReportError> {
        if self.duration / step > FRAMES_PER_PIXEL * self.place.width {
            return self.quartiles(axes, points);
        }
        for piece in tracks::pieces(points, 1.5 * step) {
            let line: Vec<_> = piece.iter().map(|&(t, v)| (axes.x(t), axes.y(v))).collect();
            match line[..] {
                // A line of one point would be invisible.
                [point] => self.canvas.dot(point, 1.5, BLUE)?,
                _ => self.canvas.line(&line, 1.75, BLUE)?,
            }
        }
        Ok(())
    }

    /// The quartiles of each column: a band with the median as a line.
    fn quartiles(&self, axes: &Axes, points: &[(f64, f64)]) -> Result<(), ReportError> {
        let count = self.quartile_columns();
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
            self.canvas.polygon(&outline, BAND)?;
            self.canvas.line(&median, 1.25, BLUE)?;
        }
        Ok(())
    }

    fn quartile_columns(&self) -> usize {
        (self.place.width / 3.0) as usize
    }

    /// The note of a track for its heading.
    pub(super) fn track_note(&self, unit: &str, step: f64) -> String {
        if self.duration / step > FRAMES_PER_PIXEL * self.place.width {
            let column = self.duration / self.quartile_columns() as f64;
            format!("{unit}; median and quartiles of every {column:.1} s")
        } else {
            unit.to_owned()
        }
    }
}
