//! Heat maps as small PNG files.
//!
//! A cell is one byte, the index of its colour in a palette, so that a picture of
//! 2000 x 160 cells takes about 200 kB.

use audio::Frames;
use plotters::style::{RGBColor, WHITE};

use crate::ReportError;
use crate::plots::colours::ColourMap;

/// Colours in a palette. More could not be told apart and would make the file
/// larger: with 96, one step is 0.7 dB of a range of 70 dB.
const SHADES: usize = 96;
/// The index of white, the last colour in the palette, for blank cells.
const BLANK: u8 = SHADES as u8;

/// The shades of a colour map from low to high, then white.
fn palette(colours: &ColourMap) -> Vec<u8> {
    (0..SHADES)
        .map(|shade| colours.at(shade as f64 / (SHADES - 1) as f64))
        .chain([WHITE])
        .flat_map(|RGBColor(r, g, b)| [r, g, b])
        .collect()
}

/// The values of the first and the last colour.
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

/// The values as PNG: time to the right, features upwards. NaN is blank. Each
/// feature is `thickness` pixels high, which keeps its edges sharp in a viewer that
/// smooths the picture.
pub(super) fn heat_map(
    values: &Frames,
    scale: Scale,
    colours: &ColourMap,
    thickness: usize,
) -> Result<Vec<u8>, ReportError> {
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

/// All colours, the highest at the top, one pixel wide.
pub(super) fn key(colours: &ColourMap) -> Result<Vec<u8>, ReportError> {
    let cells: Vec<u8> = (0..SHADES as u8).rev().collect();
    png(1, SHADES, &cells, colours)
}

fn png(
    width: usize,
    height: usize,
    cells: &[u8],
    colours: &ColourMap,
) -> Result<Vec<u8>, ReportError> {
    let (Ok(columns), Ok(rows)) = (u32::try_from(width), u32::try_from(height)) else {
        return Err(ReportError::TooLarge {
            what: format!(
                "a heat map of {width} x {height} cells; a PNG picture has at most {} per side",
                u32::MAX
            ),
        });
    };
    encode(columns, rows, cells, palette(colours)).map_err(ReportError::encoding("PNG"))
}

fn encode(
    width: u32,
    height: u32,
    cells: &[u8],
    palette: Vec<u8>,
) -> Result<Vec<u8>, png::EncodingError> {
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, width, height);
    encoder.set_color(png::ColorType::Indexed);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_palette(palette);
    encoder.set_compression(png::Compression::High);
    let mut writer = encoder.write_header()?;
    writer.write_image_data(cells)?;
    writer.finish()?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plots::colours::MAGMA;

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
    fn cells_are_placed_by_time_and_feature() {
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
}
