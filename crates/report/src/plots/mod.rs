//! Results as pictures: SVG documents that need no other file.
//!
//! No font is needed to draw a picture: the viewer sets the text in its own
//! sans-serif font, and the layout leaves room for the widest common one. Colours
//! can be told apart with the common forms of colour blindness, and nothing is
//! shown by colour alone.

mod canvas;
mod colours;
mod confusion_matrix;
mod learning_curves;
mod lettering;
mod recording;
mod reliability;

pub use confusion_matrix::confusion_matrix_svg;
pub use learning_curves::learning_curves_svg;
pub use recording::{
    ExplanationPicture, RecordingPicture, Spectrogram, explanation_svg, recording_svg,
};
pub use reliability::reliability_svg;
