//! How `listen` and `timeline` listen: windows, smoothing, labels, the voice.

use std::path::PathBuf;

use anyhow::{Context, Result};
use live::{Hysteresis, Profile, Session, SessionSettings, Smoothing};
use model::Recognizer;

use crate::output::write_file;

/// How to listen.
#[derive(clap::Args, Clone, Debug)]
pub struct LiveOptions {
    /// Seconds of speech that an answer is about: longer is more often right, and later at a change
    #[arg(long, value_name = "SECONDS", default_value_t = 3.0)]
    pub window: f64,
    /// Seconds of speech before the first answer
    #[arg(long, value_name = "SECONDS", default_value_t = 1.0)]
    pub first: f64,
    /// Seconds from one answer to the next
    #[arg(long, value_name = "SECONDS", default_value_t = 0.25)]
    pub hop: f64,
    /// Time constant of the smoothed probabilities; 0 does not smooth
    #[arg(
        long,
        value_name = "SECONDS",
        default_value_t = 0.3,
        conflicts_with = "one_euro"
    )]
    pub smooth: f64,
    /// For a stage: --window 1.5 --smooth 0.15, which follows a change twice as fast and flickers more
    #[arg(long, conflicts_with_all = ["window", "smooth", "one_euro"])]
    pub quick: bool,
    /// Smooth with the One-Euro filter instead: calm at rest, quick at a change
    #[arg(long)]
    pub one_euro: bool,
    /// A label is given from this smoothed probability on
    #[arg(long, value_name = "PROBABILITY", default_value_t = 0.55)]
    pub enter: f32,
    /// and taken back below this one
    #[arg(long, value_name = "PROBABILITY", default_value_t = 0.40)]
    pub leave: f32,
    /// and stays at least so many seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 0.6)]
    pub hold: f64,
    /// Give no label to sound that is farther than this from the training data, such as music
    #[arg(long, value_name = "UNFAMILIARITY", default_value_t = 1.5)]
    pub unlike_above: f32,
    /// Seconds of speech before the model is adapted to the voice
    #[arg(long, value_name = "SECONDS", default_value_t = 10.0)]
    pub learn_after: f64,
    /// Forget the voice by itself where an utterance is less like it than this, -1 to 1; off by default, since emotion changes a voice as much as another speaker does
    #[arg(long, value_name = "COSINE", allow_negative_numbers = true)]
    pub new_voice_below: Option<f64>,
    /// Do not adapt the model to the voice
    #[arg(long, conflicts_with_all = ["speaker", "save_speaker"])]
    pub no_learn: bool,
    /// Begin with a voice that was learned before
    #[arg(long, value_name = "FILE.json")]
    pub speaker: Option<PathBuf>,
    /// At the end, write what was learned of the voice: statistics, no sound
    #[arg(long, value_name = "FILE.json")]
    pub save_speaker: Option<PathBuf>,
}

impl LiveOptions {
    /// A session with these settings, and the speaker's profile.
    ///
    /// # Errors
    ///
    /// Where a setting is out of range or the profile cannot be read.
    pub fn session(&self, recognizer: &Recognizer, sample_rate: u32) -> Result<Session> {
        let mut session = Session::new(recognizer.clone(), self.settings(), sample_rate)?;
        if let Some(path) = &self.speaker {
            let what = || format!("cannot read {}", path.display());
            let text = std::fs::read_to_string(path).with_context(what)?;
            let profile = Profile::from_json(&text).with_context(what)?;
            session.set_profile(profile).with_context(what)?;
        }
        Ok(session)
    }

    /// Writes the profile of the speaker, where asked for.
    ///
    /// # Errors
    ///
    /// Where it cannot be written.
    pub fn save(&self, session: &Session) -> Result<()> {
        let Some(path) = &self.save_speaker else {
            return Ok(());
        };
        write_file(path, session.profile().to_json().as_bytes())?;
        eprintln!(
            "{}: learned from {:.1} s of speech",
            path.display(),
            session.profile().seconds()
        );
        Ok(())
    }

    /// The settings of a session.
    pub fn settings(&self) -> SessionSettings {
        let settings = SessionSettings {
            window: self.window,
            first: self.first,
            hop: self.hop,
            smoothing: match (self.one_euro, self.smooth) {
                (true, _) => Smoothing::one_euro(),
                (false, 0.0) => Smoothing::None,
                (false, seconds) => Smoothing::Exponential { seconds },
            },
            label: Hysteresis {
                enter: self.enter,
                leave: self.leave,
                hold: self.hold,
            },
            unlike_above: self.unlike_above,
            learn: !self.no_learn,
            learn_after: self.learn_after,
            new_voice_below: self.new_voice_below,
            ..SessionSettings::default()
        };
        if self.quick {
            settings.quick()
        } else {
            settings
        }
    }
}
