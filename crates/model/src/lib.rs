//! A speech-emotion classifier on Burn: frames in, probabilities out.
//!
//! # Using a model
//!
//! ```no_run
//! use model::Recognizer;
//!
//! let recognizer = Recognizer::pretrained()?; // or open("model.safetensors")
//! let emotion = recognizer.classify_file("voice.wav")?;
//! println!("{} ({:.0} %)", emotion.label(), 100.0 * emotion.probability());
//! for (label, probability) in emotion.scores() {
//!     println!("{label:>12} {probability:.3}");
//! }
//! # Ok::<(), model::ModelError>(())
//! ```
//!
//! # The way through the crate
//!
//! 1. the audio crate makes [`audio::Features`] of a recording: frames of
//!    MFCCs, and functionals of the whole utterance;
//! 2. [`Normalisation`] brings them to mean 0 and deviation 1;
//! 3. [`Batch`] pads clips of unlike length and remembers their lengths;
//! 4. [`Classifier`] is the network: convolutions, recurrent layers ([`recurrent`]), pooling over
//!    time ([`PoolingKind`]), a dense branch for the functionals;
//! 5. [`Model`] keeps network, settings and provenance in one safetensors file;
//! 6. [`Recognizer`] does all of it for a file, bytes or samples.
//!
//! A trained model goes to other programs as ONNX ([`onnx`]), its recurrent
//! layers to PyTorch and from there ([`recurrent::pytorch`]).
//!
//! Which arithmetic runs it is chosen at run time: [`Backend`].

mod backend;
mod batch;
mod classifier;
mod convolution;
mod error;
mod familiarity;
mod few_shot;
mod file;
mod linear;
mod normalisation;
pub mod onnx;
pub mod parameters;
mod pooling;
#[cfg(feature = "pretrained")]
mod pretrained;
mod provenance;
mod recognizer;
pub mod recurrent;

pub use backend::Backend;
pub use batch::Batch;
pub use burn;
pub use classifier::{Architecture, Classifier, cross_entropy};
pub use convolution::{Convolution, ConvolutionLayer};
pub use error::ModelError;
pub use familiarity::Familiarity;
pub use file::{Description, Member, Model, deserialize, serialize};
pub use linear::Linear;
pub use normalisation::{Enrolment, Normalisation, PRIOR_CLIPS, Statistics};
pub use pooling::{Pooling, PoolingKind};
pub use provenance::{CrossValidation, Provenance};
pub use recognizer::{Classification, Recognizer};
