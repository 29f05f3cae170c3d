//! Colours of lines and text, and colours that stand for values.

use plotters::style::{BLACK, RGBColor, WHITE};

/// Text to be read.
pub(super) const INK: RGBColor = RGBColor(17, 24, 39);
/// Less important text: numbers of axes, notes.
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

/// Colours evenly spaced over a range of values.
pub(super) struct ColourMap(&'static [RGBColor]);

/// From low to high: ColorBrewer's Blues, whose lightness falls evenly
/// (<https://colorbrewer2.org/#type=sequential&scheme=Blues&n=9>).
pub(super) const BLUES: ColourMap = ColourMap(&[
    RGBColor(247, 251, 255),
    RGBColor(222, 235, 247),
    RGBColor(198, 219, 239),
    RGBColor(158, 202, 225),
    RGBColor(107, 174, 214),
    RGBColor(66, 146, 198),
    RGBColor(33, 113, 181),
    RGBColor(8, 81, 156),
    RGBColor(8, 48, 107),
]);

/// From low to high: magma of matplotlib, which is perceptually uniform
/// (<https://bids.github.io/colormap/>, CC0), at every 16th of its length.
pub(super) const MAGMA: ColourMap = ColourMap(&[
    RGBColor(0, 0, 4),
    RGBColor(10, 8, 34),
    RGBColor(29, 17, 70),
    RGBColor(54, 16, 106),
    RGBColor(80, 18, 124),
    RGBColor(105, 28, 129),
    RGBColor(130, 38, 129),
    RGBColor(156, 46, 127),
    RGBColor(182, 55, 121),
    RGBColor(207, 65, 112),
    RGBColor(230, 81, 99),
    RGBColor(245, 105, 92),
    RGBColor(251, 135, 97),
    RGBColor(254, 165, 113),
    RGBColor(254, 195, 135),
    RGBColor(253, 224, 162),
    RGBColor(252, 253, 191),
]);

/// From far below the middle to far above it: ColorBrewer's RdBu, blue below
/// (<https://colorbrewer2.org/#type=diverging&scheme=RdBu&n=11>), which is safe for
/// the colour-blind.
pub(super) const BLUE_TO_RED: ColourMap = ColourMap(&[
    RGBColor(5, 48, 97),
    RGBColor(33, 102, 172),
    RGBColor(67, 147, 195),
    RGBColor(146, 197, 222),
    RGBColor(209, 229, 240),
    RGBColor(247, 247, 247),
    RGBColor(253, 219, 199),
    RGBColor(244, 165, 130),
    RGBColor(214, 96, 77),
    RGBColor(178, 24, 43),
    RGBColor(103, 0, 31),
]);

impl ColourMap {
    /// The colour at a position from 0 to 1.
    pub(super) fn at(&self, position: f64) -> RGBColor {
        let position = position.clamp(0.0, 1.0) * (self.0.len() - 1) as f64;
        let below = (position as usize).min(self.0.len() - 2);
        let (a, b) = (self.0[below], self.0[below + 1]);
        let part = position - below as f64;
        let mix =
            |a: u8, b: u8| (f64::from(a) + part * (f64::from(b) - f64::from(a))).round() as u8;
        RGBColor(mix(a.0, b.0), mix(a.1, b.1), mix(a.2, b.2))
    }
}

/// Black or white, whichever is easier to read on this background.
pub(super) fn ink_on(background: RGBColor) -> RGBColor {
    if contrast(background, BLACK) >= contrast(background, WHITE) {
        BLACK
    } else {
        WHITE
    }
}

/// Contrast ratio of two colours, from 1 to 21
/// (<https://www.w3.org/TR/WCAG21/#dfn-contrast-ratio>).
fn contrast(a: RGBColor, b: RGBColor) -> f64 {
    let (a, b) = (luminance(a), luminance(b));
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

/// Relative luminance from 0 to 1
/// (<https://www.w3.org/TR/WCAG21/#dfn-relative-luminance>).
fn luminance(RGBColor(r, g, b): RGBColor) -> f64 {
    let linear = |channel: u8| {
        let value = f64::from(channel) / 255.0;
        if value <= 0.04045 {
            value / 12.92
        } else {
            ((value + 0.055) / 1.055).powf(2.4)
        }
    };
    0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hundredths() -> impl Iterator<Item = f64> {
        (0..=100).map(|i| f64::from(i) / 100.0)
    }

    #[test]
    fn text_on_every_shade_has_the_contrast_that_accessibility_asks_for() {
        for step in 0..=1000 {
            let background = BLUES.at(f64::from(step) / 1000.0);
            let ratio = contrast(background, ink_on(background));
            assert!(ratio >= 4.5, "{ratio:.2} at {step}");
        }
        assert!(contrast(BLUES.at(0.0), MUTED) >= 4.5);
        assert!(contrast(GRID, MUTED) >= 4.5);
        assert!((contrast(RGBColor(0, 0, 0), WHITE) - 21.0).abs() < 1e-9);
    }

    #[test]
    fn blues_darken_from_the_first_colour_to_the_last() {
        assert_eq!(BLUES.at(0.0), RGBColor(247, 251, 255));
        assert_eq!(BLUES.at(1.0), RGBColor(8, 48, 107));
        let darkness: Vec<f64> = hundredths().map(|i| contrast(BLUES.at(i), WHITE)).collect();
        assert!(darkness.is_sorted());
    }

    #[test]
    fn magma_brightens_and_blue_to_red_is_brightest_in_the_middle() {
        // Not luminance: the palettes are even in the channels as they are stored.
        let light = |RGBColor(r, g, b): RGBColor| {
            0.2126 * f64::from(r) + 0.7152 * f64::from(g) + 0.0722 * f64::from(b)
        };
        let lightness =
            |map: &ColourMap| -> Vec<f64> { hundredths().map(|i| light(map.at(i))).collect() };
        assert!(lightness(&MAGMA).is_sorted());
        let both = lightness(&BLUE_TO_RED);
        assert!(both[..51].is_sorted());
        assert!(both[50..].is_sorted_by(|a, b| a >= b));
    }
}
