//! A speech-emotion classifier on [Burn](https://burn.dev): a recording in, an
//! emotion with its probability out.
//!
//! # Classify a recording
//!
//! A [`Recognizer`] holds a model. Unless told otherwise it takes the pretrained
//! one and computes on the CPU.
//!
//! ```no_run
//! use model::Recognizer;
//!
//! let recognizer = Recognizer::builder().build()?;
//! let answer = recognizer.classify_file("voice.wav")?;
//! println!("{}", answer.verdict()); // angry (87 %)
//! for (label, probability) in answer.scores() {
//!     println!("{label:>12} {probability:.3}");
//! }
//! # Ok::<(), model::ModelError>(())
//! ```
//!
//! [`classify_bytes`](Recognizer::classify_bytes) takes the content of an audio
//! file, [`classify_samples`](Recognizer::classify_samples) takes samples.
//!
//! # Know when not to trust a label
//!
//! The network gives probabilities for everything, also for silence and music.
//! The [`Verdict`] says whether to rely on them. With an abstention threshold
//! there is no label below that probability.
//!
//! ```no_run
//! use model::{Recognizer, Verdict};
//!
//! let recognizer = Recognizer::builder()
//!     .model_file("model.safetensors")
//!     .abstain_below(0.5)
//!     .build()?;
//! match recognizer.classify_file("voice.wav")?.verdict() {
//!     Verdict::Label { label, probability } => println!("{label}: {probability:.2}"),
//!     Verdict::Unfamiliar { label, .. } => println!("perhaps {label}: out-of-distribution"),
//!     Verdict::Unsure { threshold, .. } => println!("no label reaches {threshold}"),
//!     Verdict::NoSpeech => println!("nobody speaks"),
//!     other => println!("{other}"),
//! }
//! # Ok::<(), model::ModelError>(())
//! ```
//!
//! # Classify many recordings
//!
//! Many recordings are fastest in batches. [`Recognizer::prepare`] extracts a
//! recording's features once; its result can be classified, and enrolled too.
//!
//! ```no_run
//! use audio::Recording;
//! use model::{ModelError, Recognizer};
//!
//! let recognizer = Recognizer::builder().build()?;
//! let mut clips = Vec::new();
//! for path in ["monday.wav", "tuesday.wav", "wednesday.wav"] {
//!     clips.push(recognizer.prepare(&Recording::open(path)?)?);
//! }
//! let clips: Vec<_> = clips.iter().collect();
//! for answer in recognizer.classify_many(&clips)? {
//!     println!("{}", answer.verdict());
//! }
//! # Ok::<(), ModelError>(())
//! ```
//!
//! # Adapt to a speaker
//!
//! A model knows voices in general. If all recordings are of one speaker, their
//! voice can be normalised by its own statistics, without any label: that is an
//! [`Enrolment`]. About ten clips give most of the gain.
//!
//! ```no_run
//! # use audio::Recording;
//! # use model::{ModelError, Recognizer};
//! use model::Enrolment;
//!
//! # let recognizer = Recognizer::builder().build()?;
//! # let clip = recognizer.prepare(&Recording::open("monday.wav")?)?;
//! # let clips = [&clip];
//! let adapted = recognizer.enrolled(&Enrolment::from_clips(&clips))?;
//! let answers = adapted.classify_many(&clips)?;
//! # Ok::<(), ModelError>(())
//! ```
//!
//! If a few of the clips have labels, [`Recognizer::few_shot`] uses them too.
//!
//! # Use a graphics card
//!
//! [`Backend::usable`] finds out whether the card works on this machine, and
//! [`RecognizerBuilder::backend`] takes the backend it found.
//!
//! # The parts of the crate
//!
//! 1. The audio crate extracts [`audio::Features`] from a recording: frames of MFCCs, and
//!    functionals of the whole utterance.
//! 2. [`Normalisation`] gives them mean 0 and deviation 1.
//! 3. [`Batch`] pads clips to the same length and keeps their true lengths.
//! 4. [`Classifier`] is the network: convolutions, recurrent layers ([`recurrent`]), pooling over
//!    time ([`PoolingKind`]), and a dense branch for the functionals.
//! 5. [`Familiarity`] measures how far a clip is from the training clips.
//! 6. [`Model`] keeps networks, settings and provenance in one safetensors file.
//! 7. [`Recognizer`] does all of this for a file, bytes or samples.
//!
//! A trained model can be exported to ONNX ([`onnx`]). Its recurrent layers can
//! be exported to PyTorch and imported from there ([`recurrent::pytorch`]).
//!
//! Errors are [`ModelError`], sorted by what you can do about them.

mod backend;
mod batch;
mod builder;
mod classification;
mod classifier;
mod encoder;
mod encoder_stream;
mod error;
pub mod explain;
mod familiarity;
mod few_shot;
mod file;
mod linear;
mod long;
mod matrix;
pub mod nn;
mod normalisation;
#[cfg(feature = "onnx")]
pub mod onnx;
mod prepared;
#[cfg(feature = "pretrained")]
mod pretrained;
mod provenance;
mod recognizer;
mod tensor_file;
mod verdict;

pub use backend::{Backend, Usable};
pub use batch::Batch;
pub use builder::RecognizerBuilder;
pub use classification::Classification;
pub use classifier::{Architecture, Classifier, Inputs, cross_entropy};
pub use encoder::{Encoder, Extractor};
pub use encoder_stream::EmbeddingStream;
pub use error::ModelError;
pub use familiarity::Familiarity;
pub use file::{Description, Member, Model};
pub use linear::{
    LinearClassifier, LinearClips, LinearInputs, LinearMethod, MOST_CLASS_WEIGHT, SvmLoss,
};
pub use nn::{Convolution, ConvolutionLayer, Linear, Pooling, PoolingKind};
pub use normalisation::{Enrolment, Normalisation, PRIOR_CLIPS, Statistics};
pub use prepared::Prepared;
pub use provenance::{CrossValidation, Provenance};
pub use recognizer::Recognizer;
pub use tensor_file::{deserialize, serialize};
pub use verdict::{Reason, Verdict};
