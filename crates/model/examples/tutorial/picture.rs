//! Pictures of the examples: panels beside each other, lines and dots in them.

use std::ops::Range;
use std::path::Path;

use plotters::coord::Shift;
use plotters::element::DashedPathElement;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::Outcome;

/// Colours that the colour-blind can tell apart too (Okabe and Ito).
pub const BLUE: RGBColor = RGBColor(0, 114, 178);
pub const VERMILION: RGBColor = RGBColor(213, 94, 0);
pub const GREEN: RGBColor = RGBColor(0, 158, 115);
pub const PURPLE: RGBColor = RGBColor(204, 121, 167);
pub const YELLOW: RGBColor = RGBColor(230, 159, 0);
pub const GREY: RGBColor = RGBColor(120, 128, 140);
pub const SKY: RGBColor = RGBColor(86, 180, 233);
pub const BLACK: RGBColor = RGBColor(17, 24, 39);

/// Plotters draws on whole points, so the sheet is this many times larger than
/// the picture is shown.
const SCALE: f64 = 8.0;

/// How a series is drawn.
#[derive(Clone, Copy, PartialEq)]
pub enum Style {
    Line,
    Dashes,
    Dots,
}

/// Points that belong together.
#[derive(Clone)]
pub struct Series {
    name: String,
    colour: RGBColor,
    style: Style,
    points: Vec<(f64, f64)>,
}

impl Series {
    /// Points given one by one.
    pub fn new(
        name: &str,
        colour: RGBColor,
        style: Style,
        points: impl IntoIterator<Item = (f64, f64)>,
    ) -> Self {
        Series {
            name: name.into(),
            colour,
            style,
            points: points.into_iter().collect(),
        }
    }

    /// A line over 1, 2, 3 and so on.
    pub fn counted<T: Into<f64> + Copy>(name: &str, colour: RGBColor, values: &[T]) -> Self {
        let points = values
            .iter()
            .enumerate()
            .map(|(index, &value)| ((index + 1) as f64, value.into()));
        Self::new(name, colour, Style::Line, points)
    }
}

/// One pair of axes.
pub struct Panel {
    title: String,
    across_name: &'static str,
    up_name: &'static str,
    logarithmic: bool,
    height: f64,
    across: Option<Range<f64>>,
    bounds: Option<Range<f64>>,
    series: Vec<Series>,
}

impl Panel {
    /// Axes with names; their ends come from the points.
    pub fn new(title: &str, across: &'static str, up: &'static str, series: Vec<Series>) -> Self {
        Panel {
            title: title.into(),
            across_name: across,
            up_name: up,
            across: None,
            logarithmic: false,
            height: 300.0,
            bounds: None,
            series,
        }
    }

    /// With a vertical axis of powers of ten; what is not above zero is left out.
    pub fn logarithmic(mut self) -> Self {
        for series in &mut self.series {
            series.points.retain(|point| point.1 > 0.0);
            for point in &mut series.points {
                point.1 = point.1.log10();
            }
        }
        self.logarithmic = true;
        self
    }

    /// With a vertical axis from here to there.
    pub fn between(mut self, bounds: Range<f64>) -> Self {
        self.bounds = Some(bounds);
        self
    }

    /// With a horizontal axis from here to there.
    pub fn across(mut self, bounds: Range<f64>) -> Self {
        self.across = Some(bounds);
        self
    }

    /// With axes of this height, names and title included, in pixels.
    pub fn height(mut self, height: f64) -> Self {
        self.height = height;
        self
    }

    fn ends(&self, of: impl Fn(&(f64, f64)) -> f64, room: f64) -> Range<f64> {
        let values = || self.series.iter().flat_map(|s| &s.points).map(&of);
        let (low, high) = values().fold((f64::MAX, f64::MIN), |(low, high), value| {
            (low.min(value), high.max(value))
        });
        match high - low {
            span if span > 0.0 => low - room * span..high + room * span,
            _ if high >= low => low - 1.0..high + 1.0,
            _ => 0.0..1.0,
        }
    }
}

/// Draws panels beside each other, each `width` pixels wide, into an SVG file.
pub fn beside(path: &Path, width: f64, panels: &[Panel]) -> Outcome<()> {
    let height = panels.iter().map(|panel| panel.height).fold(0.0, f64::max);
    let places = (0..panels.len()).map(|index| (index as f64 * width, 0.0));
    draw(
        path,
        (width * panels.len() as f64, height),
        width,
        panels,
        places,
    )
}

/// Draws panels below each other, each `width` pixels wide, into an SVG file.
pub fn below(path: &Path, width: f64, panels: &[Panel]) -> Outcome<()> {
    let mut height = 0.0;
    let places: Vec<(f64, f64)> = panels
        .iter()
        .map(|panel| {
            height += panel.height;
            (0.0, height - panel.height)
        })
        .collect();
    draw(path, (width, height), width, panels, places)
}

fn draw(
    path: &Path,
    (width, height): (f64, f64),
    panel_width: f64,
    panels: &[Panel],
    places: impl IntoIterator<Item = (f64, f64)>,
) -> Outcome<()> {
    let mut sheet = String::new();
    {
        let size = (sheet_length(width) as u32, sheet_length(height) as u32);
        let root = SVGBackend::with_string(&mut sheet, size).into_drawing_area();
        root.fill(&WHITE)?;
        for (panel, (x, y)) in panels.iter().zip(places) {
            let from = (sheet_length(x), sheet_length(y));
            let to = (
                sheet_length(x + panel_width),
                sheet_length(y + panel.height),
            );
            panel.draw(&root.clone().shrink(from, (to.0 - from.0, to.1 - from.1)))?;
        }
        root.present()?;
    }
    // The sheet is the view; the picture is as large as was asked for.
    let on_sheet = format!(
        "width=\"{}\" height=\"{}\"",
        sheet_length(width),
        sheet_length(height)
    );
    let shown = format!("width=\"{width}\" height=\"{height}\"");
    std::fs::write(path, sheet.replacen(&on_sheet, &shown, 1))?;
    println!("picture: {}", path.display());
    Ok(())
}

fn sheet_length(pixels: f64) -> i32 {
    (pixels * SCALE).round() as i32
}

/// Letters this many pixels high.
fn letters(size: f64, colour: RGBColor) -> TextStyle<'static> {
    // The SVG backend divides font sizes by 1.24.
    ("sans-serif", size * SCALE * 1.24)
        .into_font()
        .color(&colour)
}

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

impl Panel {
    fn draw(&self, area: &Area) -> Outcome<()> {
        let across = self
            .across
            .clone()
            .unwrap_or(self.ends(|point| point.0, 0.02));
        let up = self
            .bounds
            .clone()
            .unwrap_or(self.ends(|point| point.1, 0.06));
        let title = letters(13.0, BLACK).pos(Pos::new(HPos::Left, VPos::Center));
        area.draw(&Text::new(
            self.title.clone(),
            (sheet_length(56.0), sheet_length(16.0)),
            title,
        ))?;
        self.draw_names(area)?;

        // No room for names where there are none.
        let named = self.series.iter().any(|series| !series.name.is_empty());
        let top = sheet_length(if named { 46.0 } else { 28.0 });
        let bottom = if self.across_name.is_empty() {
            22.0
        } else {
            38.0
        };
        let (width, height) = area.dim_in_pixel();
        let size = (
            width as i32 - sheet_length(20.0),
            height as i32 - top - sheet_length(8.0),
        );
        let axes = area.clone().shrink((sheet_length(6.0), top), size);
        let mut chart = ChartBuilder::on(&axes)
            .set_label_area_size(LabelAreaPosition::Left, sheet_length(50.0))
            .set_label_area_size(LabelAreaPosition::Bottom, sheet_length(bottom))
            .build_cartesian_2d(across.clone(), up.clone())?;
        let power = |exponent: &f64| match exponent.fract() {
            0.0 => format!("1e{exponent}"),
            _ => String::new(),
        };
        // Adding zero makes minus zero plus zero.
        let plain = |value: &f64| format!("{}", (value * 1e6).round() / 1e6 + 0.0);
        chart
            .configure_mesh()
            .bold_line_style(RGBColor(230, 232, 236).stroke_width(SCALE as u32))
            .light_line_style(TRANSPARENT)
            .axis_style(GREY.stroke_width(SCALE as u32))
            .set_all_tick_mark_size(sheet_length(4.0))
            .x_labels(8)
            .y_labels(((self.height - 60.0) / 18.0).min(7.0) as usize)
            .label_style(letters(11.0, BLACK))
            .axis_desc_style(letters(11.5, BLACK))
            .x_label_formatter(&plain)
            .y_label_formatter(if self.logarithmic { &power } else { &plain })
            .x_desc(self.across_name)
            .y_desc(self.up_name)
            .draw()?;
        let thick = (1.6 * SCALE) as u32;
        for series in &self.series {
            let stroke = series.colour.stroke_width(thick);
            let points = series.points.iter().copied();
            let within = |point: &(f64, f64)| up.contains(&point.1);
            match series.style {
                Style::Line => {
                    chart.draw_series(LineSeries::new(points, stroke))?;
                }
                Style::Dashes => {
                    chart.draw_series(std::iter::once(DashedPathElement::new(
                        points.collect::<Vec<_>>(),
                        sheet_length(5.0),
                        sheet_length(4.0),
                        stroke,
                    )))?;
                }
                Style::Dots => {
                    let radius = sheet_length(2.6);
                    chart.draw_series(
                        points
                            .filter(within)
                            .map(|point| Circle::new(point, radius, series.colour.filled())),
                    )?;
                }
            }
        }
        Ok(())
    }

    /// The names of the series above the axes, where they hide nothing.
    fn draw_names(&self, area: &Area) -> Outcome<()> {
        let mut x = 56.0;
        let y = sheet_length(34.0);
        for series in self.series.iter().filter(|series| !series.name.is_empty()) {
            let at = sheet_length(x);
            match series.style {
                Style::Dots => area.draw(&Circle::new(
                    (at + sheet_length(8.0), y),
                    sheet_length(2.6),
                    series.colour.filled(),
                ))?,
                Style::Line => area.draw(&PathElement::new(
                    vec![(at, y), (at + sheet_length(16.0), y)],
                    series.colour.stroke_width((1.6 * SCALE) as u32),
                ))?,
                Style::Dashes => {
                    for from in [0.0, 6.0, 12.0] {
                        area.draw(&PathElement::new(
                            vec![
                                (at + sheet_length(from), y),
                                (at + sheet_length(from + 4.0), y),
                            ],
                            series.colour.stroke_width((1.6 * SCALE) as u32),
                        ))?;
                    }
                }
            }
            let style = letters(11.5, BLACK).pos(Pos::new(HPos::Left, VPos::Center));
            area.draw(&Text::new(
                series.name.clone(),
                (at + sheet_length(21.0), y),
                style,
            ))?;
            // Wide enough for any font: 0.56 of the height a letter.
            x += 21.0 + 11.5 * 0.56 * series.name.chars().count() as f64 + 12.0;
        }
        Ok(())
    }
}
