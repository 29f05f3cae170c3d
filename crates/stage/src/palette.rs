//! Colours of emotions, and their mixture.
//!
//! Colours are mixed in Björn Ottosson's [OKLab](https://bottosson.github.io/posts/oklab/)
//! (2020), where the middle between two colours also looks like it.
//!
//! ```toml
//! silence = "#000000"
//!
//! [colours]
//! angry = "#ff2a00"
//! happy = "#ffc400"
//! ```

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::{Scene, StageError};

/// A colour in OKLab.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Lab {
    l: f32,
    a: f32,
    b: f32,
}

/// A colour for every label, and one for silence.
#[derive(Clone, Debug, PartialEq)]
pub struct Palette {
    silence: Lab,
    colours: BTreeMap<String, Lab>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    silence: Option<String>,
    #[serde(default)]
    colours: BTreeMap<String, String>,
}

/// Colours of the usual labels, under their usual names.
const USUAL: [(&[&str], [u8; 3]); 9] = [
    (&["neutral"], [0xC8, 0xC8, 0xC0]),
    (&["calm"], [0x2A, 0xB7, 0xA9]),
    (&["happy", "happiness", "joy"], [0xFF, 0xC4, 0x00]),
    (&["sad", "sadness"], [0x1F, 0x4F, 0xD8]),
    (&["angry", "anger"], [0xFF, 0x22, 0x00]),
    (&["fearful", "fear", "anxiety"], [0x8A, 0x2B, 0xE2]),
    (&["disgust", "disgusted"], [0x5E, 0x8C, 0x1A]),
    (&["surprised", "surprise"], [0xFF, 0x5F, 0xA8]),
    (&["bored", "boredom"], [0x6B, 0x6B, 0x80]),
];

impl Default for Palette {
    fn default() -> Self {
        let named = USUAL.iter().flat_map(|(names, rgb)| {
            let lab = Lab::from_srgb(*rgb);
            names.iter().map(move |name| ((*name).to_owned(), lab))
        });
        Palette {
            silence: Lab::default(),
            colours: named.collect(),
        }
    }
}

impl Palette {
    /// From a TOML file's text; labels that it does not name keep their usual colour.
    ///
    /// # Errors
    ///
    /// [`StageError::Palette`] naming the line or the colour.
    pub fn from_toml(text: &str) -> Result<Self, StageError> {
        let wrong = |what: String| StageError::Palette { what };
        let file: File = toml::from_str(text).map_err(|e| wrong(e.to_string()))?;
        let colour = |name: &str, text: &str| {
            let digits = text.strip_prefix('#').filter(|digits| digits.len() == 6);
            let number = digits.and_then(|digits| u32::from_str_radix(digits, 16).ok());
            let rgb = number.map(|n| [(n >> 16) as u8, (n >> 8) as u8, n as u8]);
            rgb.map(Lab::from_srgb)
                .ok_or_else(|| wrong(format!("{name} is {text:?}; write a colour as \"#ff8800\"")))
        };
        let mut palette = Palette::default();
        if let Some(text) = &file.silence {
            palette.silence = colour("silence", text)?;
        }
        for (name, text) in &file.colours {
            let lab = colour(name, text)?;
            palette.colours.insert(name.to_lowercase(), lab);
        }
        Ok(palette)
    }

    /// The labels that it names, in alphabetical order.
    pub fn labels(&self) -> impl Iterator<Item = &str> {
        self.colours.keys().map(String::as_str)
    }

    /// The colour of silence.
    pub fn silence(&self) -> Lab {
        self.silence
    }

    /// The colour of a label; grey for a label that the palette does not name.
    pub fn colour(&self, label: &str) -> Lab {
        let known = self.colours.get(&label.to_lowercase());
        known.copied().unwrap_or(Lab::from_srgb([0x80; 3]))
    }

    /// The mixture of a scene: the colours by their smoothed probabilities, and silence
    /// for the rest.
    pub fn mixture(&self, scene: &Scene) -> Lab {
        let all: f32 = scene.smooth.iter().sum();
        let mut mixed = self.silence.times((1.0 - all).max(0.0));
        for (label, p) in scene.labels.iter().zip(&scene.smooth) {
            mixed = mixed.plus(self.colour(label).times(*p));
        }
        mixed
    }
}

impl Lab {
    /// From sRGB.
    pub fn from_srgb(rgb: [u8; 3]) -> Self {
        let linear = |byte: u8| {
            let value = f32::from(byte) / 255.0;
            match value <= 0.04045 {
                true => value / 12.92,
                false => ((value + 0.055) / 1.055).powf(2.4),
            }
        };
        let [r, g, b] = rgb.map(linear);
        let l = (0.412_221_46 * r + 0.536_332_55 * g + 0.051_445_995 * b).cbrt();
        let m = (0.211_903_5 * r + 0.680_699_5 * g + 0.107_396_96 * b).cbrt();
        let s = (0.088_302_46 * r + 0.281_718_85 * g + 0.629_978_7 * b).cbrt();
        Lab {
            l: 0.210_454_26 * l + 0.793_617_8 * m - 0.004_072_047 * s,
            a: 1.977_998_5 * l - 2.428_592_2 * m + 0.450_593_7 * s,
            b: 0.025_904_037 * l + 0.782_771_77 * m - 0.808_675_77 * s,
        }
    }

    /// To sRGB; what is outside is cut.
    pub fn to_srgb(self) -> [u8; 3] {
        let l = (self.l + 0.396_337_78 * self.a + 0.215_803_76 * self.b).powi(3);
        let m = (self.l - 0.105_561_346 * self.a - 0.063_854_17 * self.b).powi(3);
        let s = (self.l - 0.089_484_18 * self.a - 1.291_485_5 * self.b).powi(3);
        let linear = [
            4.076_741_7 * l - 3.307_711_6 * m + 0.230_969_94 * s,
            -1.268_438 * l + 2.609_757_4 * m - 0.341_319_4 * s,
            -0.004_196_086_3 * l - 0.703_418_6 * m + 1.707_614_7 * s,
        ];
        linear.map(|value| {
            let value = value.clamp(0.0, 1.0);
            let curved = match value <= 0.003_130_8 {
                true => 12.92 * value,
                false => 1.055 * value.powf(1.0 / 2.4) - 0.055,
            };
            (255.0 * curved).round() as u8
        })
    }

    /// All parts times a factor.
    pub fn times(self, factor: f32) -> Self {
        Lab {
            l: factor * self.l,
            a: factor * self.a,
            b: factor * self.b,
        }
    }

    /// The sum.
    pub fn plus(self, other: Self) -> Self {
        Lab {
            l: self.l + other.l,
            a: self.a + other.a,
            b: self.b + other.b,
        }
    }

    /// Part of the way to another colour, 0 to 1.
    pub fn towards(self, other: Self, share: f32) -> Self {
        self.times(1.0 - share).plus(other.times(share))
    }
}
