//! Valence and arousal, from the probabilities of labels.
//!
//! No model here was trained on them. Until one is, they are the mean of a table of
//! where emotions lie on Russell's circumplex ("A circumplex model of affect", 1980),
//! weighted by the probabilities: a coarse control for a stage, not a measurement.
//!
//! | label | valence | arousal |
//! |---|---|---|
//! | neutral | 0 | 0 |
//! | calm | 0.4 | -0.6 |
//! | happy, happiness, joy | 0.8 | 0.5 |
//! | sad, sadness | -0.7 | -0.5 |
//! | angry, anger | -0.6 | 0.8 |
//! | fearful, fear, anxiety | -0.7 | 0.7 |
//! | disgust, disgusted | -0.7 | 0.3 |
//! | surprised, surprise | 0.3 | 0.8 |
//! | bored, boredom | -0.3 | -0.7 |
//! | all others | 0 | 0 |

/// Valence and arousal of a label, each -1 to 1.
pub fn of_label(label: &str) -> (f32, f32) {
    match label.to_lowercase().as_str() {
        "calm" => (0.4, -0.6),
        "happy" | "happiness" | "joy" => (0.8, 0.5),
        "sad" | "sadness" => (-0.7, -0.5),
        "angry" | "anger" => (-0.6, 0.8),
        "fearful" | "fear" | "anxiety" => (-0.7, 0.7),
        "disgust" | "disgusted" => (-0.7, 0.3),
        "surprised" | "surprise" => (0.3, 0.8),
        "bored" | "boredom" => (-0.3, -0.7),
        _ => (0.0, 0.0),
    }
}

/// Valence and arousal of a mixture; probabilities that add up to less than 1, as
/// those that decay in silence, draw both to 0.
pub fn of_mixture(labels: &[String], probabilities: &[f32]) -> (f32, f32) {
    let weighted = labels.iter().zip(probabilities).map(|(label, p)| {
        let (valence, arousal) = of_label(label);
        (p * valence, p * arousal)
    });
    weighted.fold((0.0, 0.0), |(v, a), (valence, arousal)| {
        (v + valence, a + arousal)
    })
}
