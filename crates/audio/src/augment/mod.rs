//! Random changes of recordings, to enlarge a training set.
//!
//! An [`Augmenter`] is a list of [`Step`]s, each applied with a probability. What a
//! step draws depends only on the seed and its place in the list: the same seed
//! gives the same recording on any thread and on any machine of the same kind, and
//! changing one step does not change what the others draw.
//!
//! Only steps that say so clip: samples may leave ±1, as those of floating-point
//! files do. All samples stay finite; they are limited to ±1e12, 240 dB above full
//! scale.
//!
//! Features are changed elsewhere: masks over frames by [`FrameMasks`], vocal tract
//! length by [`MfccConfig::warp`](crate::MfccConfig::warp).

mod augmenter;
mod clips;
mod codec;
mod filter;
mod level;
mod masks;
mod noise;
mod reverb;
mod step;
mod stretch;

pub use augmenter::Augmenter;
pub use clips::concatenate;
pub use masks::{FrameMasks, MaskFill};
pub use noise::Colour;
pub use step::{Augmentation, Step};
