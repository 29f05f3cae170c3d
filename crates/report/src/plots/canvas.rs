//! The canvas that pictures are drawn on.
//!
//! plotters places everything on whole pixels, which turns curves into stairs and
//! puts text in the wrong place by up to a pixel. A [`Canvas`] is therefore
//! [`SCALE`] times as large as the picture, and the SVG element states the size of
//! the picture. All sizes here are pixels of the picture.

use std::cell::RefCell;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use plotters::coord::Shift;
use plotters::element::DashedPathElement;
use plotters::prelude::*;

use super::lettering::Lettering;
use crate::ReportError;
use crate::escape::{escaped, printable};

/// Steps of the canvas per pixel of the picture.
pub(super) const SCALE: f64 = 8.0;

/// Coordinates of the canvas, from pixels of the picture.
pub(super) fn px(pixels: f64) -> i32 {
    (pixels * SCALE).round() as i32
}

/// Pixels of the picture, from coordinates of the canvas.
pub(super) fn to_pixels((x, y): (i32, i32)) -> (f64, f64) {
    (f64::from(x) / SCALE, f64::from(y) / SCALE)
}

/// A picture being drawn.
pub(super) struct Canvas<'a> {
    root: DrawingArea<SVGBackend<'a>, Shift>,
    /// The elements of [`image`](Self::image), which plotters does not offer.
    images: RefCell<String>,
}

impl<'a> Canvas<'a> {
    /// Draws a picture of this size in pixels and returns the SVG document. `alt`
    /// describes the picture for people who cannot see it.
    pub(super) fn draw(
        (width, height): (f64, f64),
        alt: &str,
        paint: impl FnOnce(&Canvas) -> Result<(), ReportError>,
    ) -> Result<String, ReportError> {
        let mut svg = String::new();
        let images = {
            let backend = SVGBackend::with_string(&mut svg, (px(width) as u32, px(height) as u32));
            let canvas = Canvas {
                root: backend.into_drawing_area(),
                images: RefCell::default(),
            };
            canvas.root.fill(&WHITE).map_err(svg_error)?;
            paint(&canvas)?;
            canvas.root.present().map_err(svg_error)?;
            canvas.images.into_inner()
        };
        let (background, drawing) = svg
            .split_once('>')
            .and_then(|(_, body)| body.split_once("/>\n"))
            .ok_or_else(|| svg_error("no background was drawn"))?;
        let view = format!("0 0 {} {}", px(width), px(height));
        let alt = escaped(alt);
        Ok(format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
             viewBox=\"{view}\" role=\"img\" aria-label=\"{alt}\" \
             stroke-linejoin=\"round\" stroke-linecap=\"round\">{background}/>\n{images}{drawing}"
        ))
    }

    /// The part of the canvas at `(x, y)`, for a chart of plotters.
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
    ) -> Result<(), ReportError> {
        // The backend centres small letters; digits and capitals are taller.
        let drop = 0.09 * lettering.size;
        let (x, y) = if lettering.upwards {
            (x + drop, y)
        } else {
            (x, y + drop)
        };
        self.root
            .draw_text(&printable(text), &lettering.style(), (px(x), px(y)))
            .map_err(svg_error)
    }

    /// A filled rectangle.
    pub(super) fn rectangle(
        &self,
        (x, y): (f64, f64),
        (width, height): (f64, f64),
        colour: RGBColor,
    ) -> Result<(), ReportError> {
        let corners = [(px(x), px(y)), (px(x + width), px(y + height))];
        self.root
            .draw(&Rectangle::new(corners, colour.filled()))
            .map_err(svg_error)
    }

    /// A filled polygon. Its last point is joined to the first one.
    pub(super) fn polygon(
        &self,
        points: &[(f64, f64)],
        colour: RGBColor,
    ) -> Result<(), ReportError> {
        let points: Vec<_> = points.iter().map(|&(x, y)| (px(x), px(y))).collect();
        self.root
            .draw(&Polygon::new(points, colour.filled()))
            .map_err(svg_error)
    }

    /// The content of a PNG file, stretched to a rectangle. Images are beneath
    /// everything else, in whichever order things are drawn.
    pub(super) fn image(&self, (x, y): (f64, f64), (width, height): (f64, f64), png: &[u8]) {
        let (left, top) = (px(x), px(y));
        let (width, height) = (px(x + width) - left, px(y + height) - top);
        let data = BASE64_STANDARD.encode(png);
        *self.images.borrow_mut() += &format!(
            "<image x=\"{left}\" y=\"{top}\" width=\"{width}\" height=\"{height}\" \
             preserveAspectRatio=\"none\" href=\"data:image/png;base64,{data}\"/>\n"
        );
    }

    /// A line from point to point.
    pub(super) fn line(
        &self,
        points: &[(f64, f64)],
        width: f64,
        colour: RGBColor,
    ) -> Result<(), ReportError> {
        let points: Vec<_> = points.iter().map(|&(x, y)| (px(x), px(y))).collect();
        self.root
            .draw(&PathElement::new(points, stroke(colour, width)))
            .map_err(svg_error)
    }

    /// A dashed line.
    pub(super) fn dashes(
        &self,
        (x0, y0): (f64, f64),
        (x1, y1): (f64, f64),
        width: f64,
        colour: RGBColor,
    ) -> Result<(), ReportError> {
        let ends = [(px(x0), px(y0)), (px(x1), px(y1))];
        let dashes = DashedPathElement::new(ends, px(4.0), px(4.0), stroke(colour, width));
        self.root.draw(&dashes).map_err(svg_error)
    }

    /// A filled circle.
    pub(super) fn dot(
        &self,
        (x, y): (f64, f64),
        radius: f64,
        colour: RGBColor,
    ) -> Result<(), ReportError> {
        self.root
            .draw(&Circle::new((px(x), px(y)), px(radius), colour.filled()))
            .map_err(svg_error)
    }
}

/// The error of this crate for one of plotters.
pub(super) fn svg_error<E: Into<Box<dyn std::error::Error + Send + Sync>>>(
    source: E,
) -> ReportError {
    ReportError::encoding("SVG")(source)
}

/// A line style of this width in pixels.
pub(super) fn stroke(colour: RGBColor, width: f64) -> ShapeStyle {
    colour.stroke_width(px(width) as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_is_one_svg_element_of_the_stated_size() {
        let svg = Canvas::draw((300.0, 200.0), "a < b & \"c\"", |canvas| {
            canvas.text((10.0, 10.0), "x < y & z", Lettering::new(12.0))
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
    fn images_are_between_the_background_and_the_drawing() {
        let svg = Canvas::draw((80.0, 60.0), "", |canvas| {
            canvas.text((10.0, 10.0), "before", Lettering::new(12.0))?;
            canvas.image((10.0, 20.0), (30.0, 5.5), b"first");
            canvas.image((0.0, 0.0), (1.0, 1.0), b"second");
            Ok(())
        })
        .unwrap();
        let at = |text: &str| svg.find(text).unwrap_or_else(|| panic!("{text} in {svg}"));
        let first = "<image x=\"80\" y=\"160\" width=\"240\" height=\"44\" \
                     preserveAspectRatio=\"none\" href=\"data:image/png;base64,Zmlyc3Q=\"/>";
        assert!(at("fill=\"#FFFFFF\"") < at(first));
        assert!(at(first) < at("c2Vjb25k") && at("c2Vjb25k") < at("before"));
    }
}
