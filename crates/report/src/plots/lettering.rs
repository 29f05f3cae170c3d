//! How text is set, and how wide it becomes.

use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::canvas::SCALE;
use super::colours::INK;

/// The viewer uses the first of these fonts that it has.
const FONT_FAMILY: &str = "Inter, 'Helvetica Neue', Helvetica, Arial, sans-serif";

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
    /// In pixels.
    pub(super) size: f64,
    colour: RGBColor,
    bold: bool,
    pub(super) upwards: bool,
    align: Align,
}

impl Lettering {
    /// Regular, left-aligned, in [`INK`].
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

    /// From the bottom to the top, for a text beside a vertical axis.
    pub(super) const fn upwards(self) -> Self {
        Self {
            upwards: true,
            ..self
        }
    }

    /// The greatest width of a text in pixels, whichever font is used.
    pub(super) fn width(self, text: &str) -> f64 {
        let ems: f64 = text.chars().map(|c| advance(c, self.bold)).sum();
        ems * self.size
    }

    /// The text, cut with an ellipsis if it would be wider than `room` pixels.
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

/// An upper bound of the width of a character in ems, over the common sans-serif
/// fonts (DejaVu Sans and Verdana are the widest).
fn advance(c: char, bold: bool) -> f64 {
    let ems = match c {
        'f' | 'i' | 'j' | 'l' | 't' | 'r' | 'I' | ' ' | '.' | ',' | ':' | ';' | '\'' | '|'
        | '!' | '(' | ')' | '[' | ']' | '/' | '-' | '·' => 0.42,
        'm' | 'w' | 'M' | 'W' | '%' | '@' | '…' => 1.0,
        'A'..='Z' | '&' | '+' | '=' | '<' | '>' => 0.8,
        c if c.is_ascii() => 0.64,
        // European letters are about as wide as ASCII ones, East Asian ones fill the em.
        c if (c as u32) < 0x2e80 => 0.8,
        _ => 1.1,
    };
    if bold { ems * 1.12 } else { ems }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fitted_text_is_not_wider_than_its_room() {
        let lettering = Lettering::new(12.0);
        assert_eq!(lettering.fitted("calm", 60.0), "calm");
        let cut = lettering.fitted("pleasant surprise", 60.0);
        assert!(lettering.width(&cut) <= 60.0, "{cut}");
        assert!(cut.starts_with("ple") && cut.ends_with('…'), "{cut}");
    }
}
