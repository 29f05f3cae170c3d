//! Results for people to look at and for other programs to read.
//!
//! | module | what it makes |
//! |---|---|
//! | [`text`] | text for a terminal |
//! | [`plots`] | SVG pictures: confusion matrix, learning curves, reliability diagram, a recording |
//! | [`segments`] | emotion over time for Audacity, Praat, ELAN, players, diarization tools |
//! | [`timeline`] | emotion over time as a picture, and as a page that plays the sound |
//! | [`html`] | a whole cross-validation as one HTML page |
//! | [`tables`] | frames of features as npy, CSV and Parquet; figures of a cross-validation as CSV |
//!
//! Figures come from the crate [`metrics`]. Every function returns text or bytes.
//! Nothing is printed or written to disk here, and nothing is trained.
//!
//! # A confusion matrix as text and as a picture
//!
//! ```
//! use metrics::ConfusionMatrix;
//! use report::{plots, text};
//!
//! // Pairs of true and predicted class.
//! let pairs = [(0, 0), (0, 0), (0, 1), (1, 1)];
//! let matrix = ConfusionMatrix::from_pairs(["calm", "angry"], pairs);
//!
//! let summary = text::confusion_matrix(&matrix);
//! assert!(summary.starts_with("4 clips of 2 classes\nUAR 0.833"));
//!
//! let svg = plots::confusion_matrix_svg(&matrix, "Two unseen speakers")?;
//! assert!(svg.starts_with("<svg"));
//! # Ok::<(), report::ReportError>(())
//! ```
//!
//! # A recording as a picture
//!
//! ```
//! use audio::Frames;
//! use report::plots::{RecordingPicture, Spectrogram, recording_svg};
//!
//! let svg = recording_svg(&RecordingPicture {
//!     name: "voice.wav".into(),
//!     duration: 0.5,
//!     sample_rate: 16_000,
//!     waveform: vec![(-0.1, 0.2); 50],
//!     waveform_step: 0.01,
//!     speech: vec![(0.1, 0.4)],
//!     spectrogram: Spectrogram {
//!         decibels: Frames::new(vec![-60.0; 50 * 40], 40), // 50 frames of 40 bands
//!         f_max: 8000.0,
//!     },
//!     mfcc: Frames::new(vec![0.0; 50 * 20], 20),
//!     pitch: (0..50).map(|i| (0.01 * i as f64, Some(120.0))).collect(),
//!     pitch_step: 0.01,
//!     intensity: (0..50).map(|i| (0.01 * i as f64, 65.0)).collect(),
//!     intensity_step: 0.01,
//! })?;
//! assert!(svg.contains("median pitch 120 Hz"));
//! # Ok::<(), report::ReportError>(())
//! ```

mod error;
mod escape;
pub mod explain_page;
pub mod html;
pub mod plots;
pub mod segments;
pub mod tables;
#[cfg(test)]
mod testing;
pub mod text;
pub mod timeline;

pub use error::ReportError;

#[cfg(test)]
mod tests {
    #[test]
    fn every_type_can_be_sent_to_and_shared_between_threads() {
        fn check<T: Send + Sync>() {}
        check::<super::ReportError>();
        check::<super::plots::RecordingPicture>();
        check::<super::tables::FrameTable>();
    }
}
