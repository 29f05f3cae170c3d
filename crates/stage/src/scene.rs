//! What there is to show at present.

use live::Update;

use crate::affect;

/// Levels from this one to full scale are shown as 0 to 1, in dB.
const QUIET: f64 = -60.0;

/// What there is to show at present. All numbers are 0 where nobody has spoken.
#[derive(Clone, Debug, PartialEq)]
pub struct Scene {
    /// The names of the labels.
    pub labels: Vec<String>,
    /// Smoothed probabilities.
    pub smooth: Vec<f32>,
    /// The model's probabilities.
    pub raw: Vec<f32>,
    /// The label by its number.
    pub label: Option<usize>,
    /// The smoothed probability of the label, or of the most probable one.
    pub confidence: f32,
    /// Whether somebody speaks.
    pub speech: bool,
    /// 0 (-60 dB of full scale or less) to 1 (full scale).
    pub level: f32,
    /// In Hz; 0 where nothing is voiced.
    pub pitch: f32,
    /// -1 (unpleasant) to 1 (pleasant), see [`affect`].
    pub valence: f32,
    /// -1 (calm) to 1 (excited), see [`affect`].
    pub arousal: f32,
    /// How unlike the training data; above 1 the rest is unreliable.
    pub unfamiliarity: f32,
    /// Seconds of sound that wait to be heard.
    pub lag: f32,
}

impl Scene {
    /// Nothing is shown.
    pub fn empty(labels: &[String]) -> Self {
        Scene {
            labels: labels.to_vec(),
            smooth: vec![0.0; labels.len()],
            raw: vec![0.0; labels.len()],
            label: None,
            confidence: 0.0,
            speech: false,
            level: 0.0,
            pitch: 0.0,
            valence: 0.0,
            arousal: 0.0,
            unfamiliarity: 0.0,
            lag: 0.0,
        }
    }

    /// Somebody begins to speak, between two updates.
    pub fn begin(&mut self) {
        self.speech = true;
    }

    /// Takes an update.
    pub fn take(&mut self, update: &Update) {
        self.smooth.clone_from(&update.smooth);
        match (&update.raw, update.speech) {
            (Some(raw), _) => self.raw.clone_from(raw),
            (None, false) => self.raw.fill(0.0),
            (None, true) => {}
        }
        self.label = update.label;
        self.confidence = match update.label {
            Some(label) => self.smooth.get(label).copied().unwrap_or(0.0),
            None => self.smooth.iter().copied().fold(0.0, f32::max),
        };
        self.speech = update.speech;
        self.level = (1.0 - update.level_db / QUIET).clamp(0.0, 1.0) as f32;
        self.pitch = update.pitch_hz.unwrap_or(0.0) as f32;
        (self.valence, self.arousal) = affect::of_mixture(&self.labels, &self.smooth);
        self.unfamiliarity = update.unfamiliarity.unwrap_or(0.0);
        self.lag = update.lag as f32;
    }
}
