//! The result as pictures: self-contained SVG on a white ground.
//!
//! No font is read or needed to draw one: the viewer sets the text in its own
//! sans-serif, and the layout leaves room for the widest of those. Colours keep
//! their meaning under the common forms of colour blindness, and none carries
//! meaning alone.

mod confusion;
mod curves;
mod page;
mod recording;
mod reliability;

pub use confusion::confusion_matrix_svg;
pub use curves::learning_curves_svg;
pub use recording::{RecordingPicture, Spectrogram, recording_svg};
pub use reliability::reliability_svg;
