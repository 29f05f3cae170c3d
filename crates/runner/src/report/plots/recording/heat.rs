//! Heat maps as small PNG files.
//!
//! A cell is one byte, the place of its colour in a palette, so that a picture
//! of 2000 x 160 cells takes some 200 kB.

use anyhow::Context;
use audio::Frames;
use plotters::style::{RGBColor, WHITE};

/// Colours of a palette. More are not told apart, and take more room: at 96, a
/// shade of a range of 70 dB is 0.7 dB.
const SHADES: usize = 96;
/// The place behind them in the palette: white, for cells that are left blank.
const BLANK: u8 = SHADES as u8;

/// Colours evenly spaced over a range of values.
pub(super) struct ColourMap(&'static [RGBColor]);

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

/// From far below through the middle to far above: ColorBrewer's RdBu, blue
/// below (<https://colorbrewer2.org/#type=diverging&scheme=RdBu&n=11>), safe for
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
    fn at(&self, position: f64) -> RGBColor {
        let position = position.clamp(0.0, 1.0) * (self.0.len() - 1) as f64;
        let below = (position as usize).min(self.0.len() - 2);
        let (a, b) = (self.0[below], self.0[below + 1]);
        let part = position - below as f64;
        let mix =
            |a: u8, b: u8| (f64::from(a) + part * (f64::from(b) - f64::from(a))).round() as u8;
        RGBColor(mix(a.0, b.0), mix(a.1, b.1), mix(a.2, b.2))
    }

    fn palette(&self) -> Vec<u8> {
        (0..SHADES)
            .map(|shade| self.at(shade as f64 / (SHADES - 1) as f64))
            .chain([WHITE])
            .flat_map(|RGBColor(r, g, b)| [r, g, b])
            .collect()
    }
}

/// What the colours of a heat map stand for.
#[derive(Clone, Copy)]
pub(super) struct Scale {
    pub(super) low: f32,
    pub(super) high: f32,
}

impl Scale {
    fn shade(self, value: f32) -> u8 {
        if value.is_nan() {
            return BLANK;
        }
        let position = (value - self.low) / (self.high - self.low);
        (position.clamp(0.0, 1.0) * (SHADES - 1) as f32).round() as u8
    }
}

/// The values as PNG: time runs to the right, features upwards from the first
/// one; NaN is left blank. Each feature is `thickness` pixels high, which keeps its edges sharp
/// where the viewer smooths the picture.
pub(super) fn heat_map(
    values: &Frames,
    scale: Scale,
    colours: &ColourMap,
    thickness: usize,
) -> anyhow::Result<Vec<u8>> {
    let mut cells = Vec::with_capacity(values.data().len() * thickness);
    for feature in (0..values.columns()).rev() {
        let start = cells.len();
        cells.extend(values.column(feature).map(|value| scale.shade(value)));
        let row = start..cells.len();
        for _ in 1..thickness {
            cells.extend_from_within(row.clone());
        }
    }
    png(values.len(), values.columns() * thickness, &cells, colours)
}

/// All colours from the highest at the top to the lowest, one pixel wide.
pub(super) fn key(colours: &ColourMap) -> anyhow::Result<Vec<u8>> {
    let cells: Vec<u8> = (0..SHADES as u8).rev().collect();
    png(1, SHADES, &cells, colours)
}

fn png(width: usize, height: usize, cells: &[u8], colours: &ColourMap) -> anyhow::Result<Vec<u8>> {
    let side = |pixels: usize| u32::try_from(pixels).context("a heat map of too many cells");
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, side(width)?, side(height)?);
    encoder.set_color(png::ColorType::Indexed);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_palette(colours.palette());
    encoder.set_compression(png::Compression::High);
    let mut writer = encoder.write_header()?;
    writer.write_image_data(cells)?;
    writer.finish()?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Width, height, palette and cells.
    fn decoded(file: &[u8]) -> (u32, u32, Vec<u8>, Vec<u8>) {
        let mut decoder = png::Decoder::new(std::io::Cursor::new(file));
        decoder.set_transformations(png::Transformations::IDENTITY);
        let mut reader = decoder.read_info().unwrap();
        let palette = reader.info().palette.clone().unwrap().into_owned();
        let mut cells = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut cells).unwrap();
        (info.width, info.height, palette, cells)
    }

    #[test]
    fn cells_stand_where_their_time_and_feature_are() {
        // Two moments of three features.
        let values = Frames::new(vec![0.0, 1.0, 2.0, 3.0, 4.0, f32::NAN], 3);
        let scale = Scale {
            low: 0.0,
            high: 4.0,
        };
        let file = heat_map(&values, scale, &MAGMA, 2).unwrap();
        let (width, height, palette, cells) = decoded(&file);
        assert_eq!((width, height), (2, 6));
        let shade = |value: f32| (value / 4.0 * 95.0).round() as u8;
        let rows = [
            [shade(2.0), BLANK],
            [shade(1.0), shade(4.0)],
            [shade(0.0), shade(3.0)],
        ];
        let expected: Vec<u8> = rows.iter().flat_map(|row| [*row, *row]).flatten().collect();
        assert_eq!(cells, expected);
        let colour = |place: u8| &palette[3 * usize::from(place)..][..3];
        assert_eq!([colour(0), colour(95)], [[0, 0, 4], [252, 253, 191]]);
        assert_eq!(colour(BLANK), [255, 255, 255]);
    }

    #[test]
    fn magma_brightens_and_the_middle_of_the_other_is_the_palest() {
        let light = |RGBColor(r, g, b): RGBColor| {
            0.2126 * f64::from(r) + 0.7152 * f64::from(g) + 0.0722 * f64::from(b)
        };
        let lightness = |map: &ColourMap| -> Vec<f64> {
            (0..=100)
                .map(|i| light(map.at(f64::from(i) / 100.0)))
                .collect()
        };
        assert!(lightness(&MAGMA).is_sorted());
        let both = lightness(&BLUE_TO_RED);
        assert!(both[..51].is_sorted());
        assert!(both[50..].is_sorted_by(|a, b| a >= b));
    }
}
