//! A recogniser's answers on labelled clips.

use audio::Features;
use corpus::{Clip, Corpus};
use metrics::{Prediction, Predictions};
use model::Recognizer;

use crate::TrainingError;

/// The recogniser's answer for each clip, in their order, in batches. The
/// corpus's labels must be the model's, as
/// [`Sources::open_for`](corpus::Sources::open_for) makes them.
///
/// # Errors
///
/// Where the device fails, or the features are not the model's.
pub fn predict(
    recognizer: &Recognizer,
    corpus: &Corpus,
    clips: &[(&Clip, &Features)],
) -> Result<Predictions, TrainingError> {
    let features: Vec<&Features> = clips.iter().map(|(_, features)| *features).collect();
    let answers = recognizer.classify_features(&features)?;
    let mut predictions = Predictions::new(recognizer.description().labels.clone());
    for ((clip, _), answer) in clips.iter().zip(answers) {
        let path = clip.path.strip_prefix(&corpus.root).unwrap_or(&clip.path);
        predictions.push(Prediction {
            path: path.into(),
            speaker: clip.speaker.clone(),
            label: Some(clip.label),
            predicted: answer.index(),
            probabilities: answer.scores().iter().map(|(_, p)| *p).collect(),
        })?;
    }
    Ok(predictions)
}
