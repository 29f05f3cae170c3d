//! The sheet that pictures are drawn on: coordinates, lettering, colours.
//!
//! plotters draws on whole pixels, which bends curves into stairs and leaves
//! text a pixel off. A [`Page`] therefore draws on a sheet [`SCALE`] times
//! larger and states the true size in the SVG element, so that everything can
//! be placed to a fraction of a pixel. All sizes here are pixels of the picture
//! as it is shown.

use std::borrow::Cow;
use std::cell::RefCell;
use std::fmt::Write;

use anyhow::Context;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use plotters::coord::Shift;
use plotters::element::DashedPathElement;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

/// Steps per pixel.
const SCALE: f64 = 8.0;

/// Looked for in this order by the viewer; the first that it has is used.
const FONT_FAMILY: &str = "Inter, 'Helvetica Neue', Helvetica, Arial, sans-serif";

/// Text that is read.
pub(super) const INK: RGBColor = RGBColor(17, 24, 39);
/// Text that is looked up: axis numbers, notes.
pub(super) const MUTED: RGBColor = RGBColor(91, 100, 114);
/// Axes and frames.
pub(super) const RULE: RGBColor = RGBColor(156, 163, 175);
/// Lines of the grid.
pub(super) const GRID: RGBColor = RGBColor(230, 232, 236);
/// The first series: blue of Okabe and Ito's palette, which is safe for the
/// colour-blind (<https://jfly.uni-koeln.de/color/>).
pub(super) const BLUE: RGBColor = RGBColor(0, 114, 178);
/// The second series: vermilion of the same palette.
pub(super) const VERMILION: RGBColor = RGBColor(213, 94, 0);

/// Coordinates of the sheet, from pixels of the picture.
pub(super) fn px(pixels: f64) -> i32 {
    (pixels * SCALE).round() as i32
}

/// Pixels of the picture, from coordinates of the sheet.
pub(super) fn to_pixels((x, y): (i32, i32)) -> (f64, f64) {
    (f64::from(x) / SCALE, f64::from(y) / SCALE)
}

/// Where a text stands relative to its point. Vertically it is always centred.
#[derive(Clone, Copy)]
pub(super) enum Align {
    Left,
    Centre,
    Right,
}

/// How a text is set.
#[derive(Clone, Copy)]
pub(super) struct Lettering {
    size: f64,
    colour: RGBColor,
    bold: bool,
    upwards: bool,
    align: Align,
}

impl Lettering {
    /// Plain, left-aligned, in [`INK`].
    pub(super) const fn new(size: f64) -> Self {
        Self {
            size,
            colour: INK,
            bold: false,
            upwards: false,
            align: Align::Left,
        }
    }

    pub(super) const fn colour(self, colour: RGBColor) -> Self {
        Self { colour, ..self }
    }

    pub(super) const fn bold(self) -> Self {
        Self { bold: true, ..self }
    }

    pub(super) const fn align(self, align: Align) -> Self {
        Self { align, ..self }
    }

    /// Read from the bottom to the top, for a text beside a vertical axis.
    pub(super) const fn upwards(self) -> Self {
        Self {
            upwards: true,
            ..self
        }
    }

    /// At most how wide a text becomes, in pixels, whichever font is used.
    pub(super) fn width(self, text: &str) -> f64 {
        let ems: f64 = text.chars().map(|c| advance(c, self.bold)).sum();
        ems * self.size
    }

    /// The text, cut with an ellipsis where it would be wider than `room` pixels.
    pub(super) fn fitted(self, text: &str, room: f64) -> String {
        if self.width(text) <= room {
            return text.to_owned();
        }
        let mut cut = String::new();
        for c in text.chars() {
            if self.width(&cut) + self.width(&format!("{c}…")) > room {
                break;
            }
            cut.push(c);
        }
        cut.truncate(cut.trim_end().len());
        cut + "…"
    }

    pub(super) fn style(self) -> TextStyle<'static> {
        // The SVG backend divides font sizes by 1.24.
        let font = (FONT_FAMILY, self.size * SCALE * 1.24).into_font();
        let font = if self.bold {
            font.style(FontStyle::Bold)
        } else {
            font
        };
        let font = if self.upwards {
            font.transform(FontTransform::Rotate270)
        } else {
            font
        };
        let horizontal = match self.align {
            Align::Left => HPos::Left,
            Align::Centre => HPos::Center,
            Align::Right => HPos::Right,
        };
        TextStyle {
            font,
            color: self.colour.to_backend_color(),
            pos: Pos::new(horizontal, VPos::Center),
        }
    }
}

/// An upper bound of how far a character moves the pen, in ems, over the common
/// sans-serif fonts (DejaVu Sans and Verdana are the widest).
fn advance(c: char, bold: bool) -> f64 {
    let ems = match c {
        'f' | 'i' | 'j' | 'l' | 't' | 'r' | 'I' | ' ' | '.' | ',' | ':' | ';' | '\'' | '|'
        | '!' | '(' | ')' | '[' | ']' | '/' | '-' | '·' => 0.42,
        'm' | 'w' | 'M' | 'W' | '%' | '@' | '…' => 1.0,
        'A'..='Z' | '&' | '+' | '=' | '<' | '>' => 0.8,
        c if c.is_ascii() => 0.64,
        // Letters of Europe are about as wide as ours; those of East Asia fill the em.
        c if (c as u32) < 0x2e80 => 0.8,
        _ => 1.1,
    };
    if bold { ems * 1.12 } else { ems }
}

/// A picture being drawn.
pub(super) struct Page<'a> {
    root: DrawingArea<SVGBackend<'a>, Shift>,
    /// The elements of [`image`](Self::image), which plotters has no word for.
    images: RefCell<String>,
}

impl<'a> Page<'a> {
    /// Draws a picture of this size in pixels; `alt` says in words what it
    /// shows, for those who cannot see it. Returns the SVG document.
    pub(super) fn draw(
        (width, height): (f64, f64),
        alt: &str,
        paint: impl FnOnce(&Page) -> anyhow::Result<()>,
    ) -> anyhow::Result<String> {
        let mut svg = String::new();
        let images = {
            let backend = SVGBackend::with_string(&mut svg, (px(width) as u32, px(height) as u32));
            let page = Page {
                root: backend.into_drawing_area(),
                images: RefCell::default(),
            };
            page.root.fill(&WHITE)?;
            paint(&page)?;
            page.root.present()?;
            page.images.into_inner()
        };
        let (ground, drawing) = svg
            .split_once('>')
            .and_then(|(_, body)| body.split_once("/>\n"))
            .context("plotters drew no SVG element with a ground")?;
        let view = format!("0 0 {} {}", px(width), px(height));
        let alt = escaped(alt);
        Ok(format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
             viewBox=\"{view}\" role=\"img\" aria-label=\"{alt}\" \
             stroke-linejoin=\"round\" stroke-linecap=\"round\">{ground}/>\n{images}{drawing}"
        ))
    }

    /// The part of the page at `(x, y)`, for a chart of plotters.
    pub(super) fn area(
        &self,
        (x, y): (f64, f64),
        (width, height): (f64, f64),
    ) -> DrawingArea<SVGBackend<'a>, Shift> {
        let size = (px(width) as u32, px(height) as u32);
        self.root.clone().shrink((px(x), px(y)), size)
    }

    /// A text whose middle line is at `y`.
    pub(super) fn text(
        &self,
        (x, y): (f64, f64),
        text: &str,
        lettering: Lettering,
    ) -> anyhow::Result<()> {
        // The backend centres small letters; figures and capitals are taller.
        let drop = 0.09 * lettering.size;
        let (x, y) = if lettering.upwards {
            (x + drop, y)
        } else {
            (x, y + drop)
        };
        Ok(self
            .root
            .draw_text(&printable(text), &lettering.style(), (px(x), px(y)))?)
    }

    /// A filled rectangle.
    pub(super) fn rectangle(
        &self,
        (x, y): (f64, f64),
        (width, height): (f64, f64),
        colour: RGBColor,
    ) -> anyhow::Result<()> {
        let corners = [(px(x), px(y)), (px(x + width), px(y + height))];
        Ok(self.root.draw(&Rectangle::new(corners, colour.filled()))?)
    }

    /// A filled shape; its outline closes by itself.
    pub(super) fn polygon(&self, points: &[(f64, f64)], colour: RGBColor) -> anyhow::Result<()> {
        let points: Vec<_> = points.iter().map(|&(x, y)| (px(x), px(y))).collect();
        Ok(self.root.draw(&Polygon::new(points, colour.filled()))?)
    }

    /// The content of a PNG file, stretched over a rectangle. Images lie beneath
    /// all else that is drawn, whenever it is.
    pub(super) fn image(
        &self,
        (x, y): (f64, f64),
        (width, height): (f64, f64),
        png: &[u8],
    ) -> anyhow::Result<()> {
        let (left, top) = (px(x), px(y));
        let (width, height) = (px(x + width) - left, px(y + height) - top);
        let data = BASE64_STANDARD.encode(png);
        Ok(writeln!(
            self.images.borrow_mut(),
            "<image x=\"{left}\" y=\"{top}\" width=\"{width}\" height=\"{height}\" \
             preserveAspectRatio=\"none\" href=\"data:image/png;base64,{data}\"/>"
        )?)
    }

    /// A line from point to point.
    pub(super) fn line(
        &self,
        points: &[(f64, f64)],
        width: f64,
        colour: RGBColor,
    ) -> anyhow::Result<()> {
        let points: Vec<_> = points.iter().map(|&(x, y)| (px(x), px(y))).collect();
        Ok(self
            .root
            .draw(&PathElement::new(points, stroke(colour, width)))?)
    }

    /// A dashed line.
    pub(super) fn dashes(
        &self,
        (x0, y0): (f64, f64),
        (x1, y1): (f64, f64),
        width: f64,
        colour: RGBColor,
    ) -> anyhow::Result<()> {
        let ends = [(px(x0), px(y0)), (px(x1), px(y1))];
        let dashes = DashedPathElement::new(ends, px(4.0), px(4.0), stroke(colour, width));
        Ok(self.root.draw(&dashes)?)
    }

    /// A filled circle.
    pub(super) fn dot(
        &self,
        (x, y): (f64, f64),
        radius: f64,
        colour: RGBColor,
    ) -> anyhow::Result<()> {
        Ok(self
            .root
            .draw(&Circle::new((px(x), px(y)), px(radius), colour.filled()))?)
    }
}

/// A line style of this width in pixels.
pub(super) fn stroke(colour: RGBColor, width: f64) -> ShapeStyle {
    colour.stroke_width(px(width) as u32)
}

/// The text without the characters that XML has no way to write.
fn printable(text: &str) -> Cow<'_, str> {
    let unwritable = |c: char| c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}');
    if text.contains(unwritable) {
        text.replace(unwritable, "\u{fffd}").into()
    } else {
        text.into()
    }
}

fn escaped(text: &str) -> String {
    printable(text)
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_one_svg_element_of_the_true_size() {
        let svg = Page::draw((300.0, 200.0), "a < b & \"c\"", |page| {
            page.text((10.0, 10.0), "x < y & z", Lettering::new(12.0))
        })
        .unwrap();
        assert!(svg.starts_with("<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"300\""));
        assert!(
            svg.contains("aria-label=\"a &lt; b &amp; &quot;c&quot;\""),
            "{svg}"
        );
        assert!(svg.contains("x &lt; y &amp; z"), "{svg}");
        assert_eq!(svg.matches("<svg").count(), 1);
        assert!(svg.trim_end().ends_with("</svg>"));
    }

    #[test]
    fn images_lie_between_the_ground_and_the_drawing() {
        let svg = Page::draw((80.0, 60.0), "", |page| {
            page.text((10.0, 10.0), "before", Lettering::new(12.0))?;
            page.image((10.0, 20.0), (30.0, 5.5), b"first")?;
            page.image((0.0, 0.0), (1.0, 1.0), b"second")
        })
        .unwrap();
        let at = |text: &str| svg.find(text).unwrap_or_else(|| panic!("{text} in {svg}"));
        let first = "<image x=\"80\" y=\"160\" width=\"240\" height=\"44\" \
                     preserveAspectRatio=\"none\" href=\"data:image/png;base64,Zmlyc3Q=\"/>";
        assert!(at("fill=\"#FFFFFF\"") < at(first));
        assert!(at(first) < at("c2Vjb25k") && at("c2Vjb25k") < at("before"));
    }

    #[test]
    fn what_xml_cannot_write_is_replaced() {
        assert_eq!(printable("plain é 語"), "plain é 語");
        assert_eq!(
            printable("a\u{1}b\nc\u{ffff}"),
            "a\u{fffd}b\u{fffd}c\u{fffd}"
        );
    }

    #[test]
    fn a_fitted_text_is_no_wider_than_its_room() {
        let lettering = Lettering::new(12.0);
        assert_eq!(lettering.fitted("calm", 60.0), "calm");
        let cut = lettering.fitted("pleasant surprise", 60.0);
        assert!(lettering.width(&cut) <= 60.0, "{cut}");
        assert!(cut.starts_with("ple") && cut.ends_with('…'), "{cut}");
    }
}
