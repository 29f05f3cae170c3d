//! One listening session, from its first sample to its last.

use std::collections::VecDeque;

use audio::{Pitch, Recording, StreamResampler};
use model::{Classification, EmbeddingStream, Recognizer};
use rayon::prelude::*;

use crate::answer::{self, Answer, Computed, Step, Task};
use crate::smoothing::{Held, Smoothed};
use crate::speech::Speech;
use crate::voice::{Learned, Voice};
use crate::{Event, LiveError, Profile, RATE, SessionSettings, Update, Utterance, Verdict};

/// Answers computed at once, on all cores.
const AT_ONCE: usize = 32;
/// Seconds of silence that stand for sound that is missing; the clock moves on.
const STANDS_FOR_A_GAP: f64 = 1.0;
/// Samples after which voice activity is asked: 50 ms.
const STEP: usize = 800;
/// The encoder lets sound before and after speech pass, in samples.
const AROUND: u64 = 1600;
/// The lowest level that is told, in dB.
const LOWEST_LEVEL: f64 = -120.0;

/// A listening session.
///
/// Its memory is bounded by [`SessionSettings::longest_utterance`].
pub struct Session {
    settings: SessionSettings,
    voice: Voice,
    resampler: Option<StreamResampler>,
    resampled: Vec<f32>,
    speech: Speech,
    encoder: Option<EmbeddingStream>,
    pitch: Pitch,
    /// The latest samples at [`RATE`], from `first` on.
    kept: VecDeque<f32>,
    first: u64,
    /// Samples so far, at [`RATE`].
    now: u64,
    /// Samples that voice activity has heard.
    heard: u64,
    /// Samples of the present hop.
    in_hop: usize,
    power: f64,
    /// Seconds that the session's clock is ahead of its samples: sound that is missing.
    ahead: f64,
    dropped: f64,
    lag: f64,
    steps: Vec<Step>,
    smooth: Smoothed,
    held: Held,
}

impl Session {
    /// A session of mono samples at `sample_rate` Hz.
    ///
    /// # Errors
    ///
    /// [`LiveError::Settings`], and [`LiveError::Audio`] for a rate that cannot be used.
    pub fn new(
        recognizer: Recognizer,
        settings: SessionSettings,
        sample_rate: u32,
    ) -> Result<Self, LiveError> {
        settings.validate()?;
        let labels = recognizer.description().labels.len();
        Ok(Self {
            encoder: recognizer.embedding_stream()?,
            voice: Voice::new(recognizer, &settings),
            resampler: match sample_rate {
                RATE => None,
                rate => Some(StreamResampler::new(rate, RATE)?),
            },
            resampled: Vec::new(),
            speech: Speech::new()?,
            pitch: answer::pitch()?,
            kept: VecDeque::new(),
            first: 0,
            now: 0,
            heard: 0,
            in_hop: 0,
            power: 0.0,
            ahead: 0.0,
            dropped: 0.0,
            lag: 0.0,
            steps: Vec::new(),
            smooth: Smoothed::new(settings.smoothing, labels),
            held: Held::new(settings.label),
            settings,
        })
    }

    /// The names of the labels, in the order of probabilities.
    pub fn labels(&self) -> &[String] {
        &self.voice.plain().description().labels
    }

    /// Seconds of the session so far, with those that are missing.
    pub fn seconds(&self) -> f64 {
        self.clock(self.now)
    }

    /// Forgets the voice that it has learned: somebody else speaks.
    pub fn reset(&mut self) {
        self.voice.reset();
    }

    /// What it has learned of the voice, to be kept.
    pub fn profile(&self) -> &Profile {
        self.voice.profile()
    }

    /// Begins with a voice that was learned before.
    ///
    /// # Errors
    ///
    /// [`LiveError::Model`] if the profile was made with a model of other features.
    pub fn set_profile(&mut self, profile: Profile) -> Result<(), LiveError> {
        self.voice.set_profile(profile)
    }

    /// How many seconds of sound wait behind the samples that are pushed next; the
    /// updates tell it as their lag.
    pub fn set_waiting(&mut self, seconds: f64) {
        self.lag = seconds;
    }

    /// From which smoothed probability on a label is given.
    ///
    /// # Errors
    ///
    /// [`LiveError::Settings`] outside 0 to 1.
    pub fn set_threshold(&mut self, enter: f32) -> Result<(), LiveError> {
        let mut settings = self.settings;
        settings.label.enter = enter;
        settings.label.leave = settings.label.leave.min(enter);
        settings.validate()?;
        self.settings = settings;
        self.held.set(settings.label);
        Ok(())
    }

    /// Takes the next samples, any number of them, and calls `each` with what they
    /// bring about. The events do not depend on how the samples are cut into chunks;
    /// those of a long chunk are computed on all cores.
    ///
    /// # Errors
    ///
    /// [`LiveError::Audio`] if a sample is NaN or infinite, [`LiveError::Model`] if the
    /// device of the model fails.
    pub fn push(&mut self, samples: &[f32], mut each: impl FnMut(Event)) -> Result<(), LiveError> {
        let mut resampled = std::mem::take(&mut self.resampled);
        resampled.clear();
        match &mut self.resampler {
            Some(resampler) => resampler.push(samples, &mut resampled)?,
            None => resampled.extend_from_slice(samples),
        }
        let done = self.take(&resampled, &mut each);
        self.resampled = resampled;
        done?;
        self.compute(&mut each)
    }

    /// Tells the session of sound that is missing: a device that was away, samples that
    /// came faster than they could be heard. An utterance ends, the clock goes on.
    ///
    /// # Errors
    ///
    /// As [`push`](Self::push).
    pub fn skip(&mut self, seconds: f64, mut each: impl FnMut(Event)) -> Result<(), LiveError> {
        self.dropped += seconds;
        let silence = seconds.min(STANDS_FOR_A_GAP);
        let samples = vec![0.0; (silence * f64::from(RATE)).round() as usize];
        self.take(&samples, &mut each)?;
        self.compute(&mut each)?;
        // Whole samples, so that times stay exact.
        self.ahead += ((seconds - silence) * f64::from(RATE)).round() / f64::from(RATE);
        Ok(())
    }

    /// Ends the present utterance here, without waiting for a pause.
    ///
    /// # Errors
    ///
    /// As [`push`](Self::push).
    pub fn flush(&mut self, mut each: impl FnMut(Event)) -> Result<(), LiveError> {
        self.end_utterance(&mut each)?;
        self.compute(&mut each)
    }

    /// Ends the sound: the last utterance ends with it.
    ///
    /// # Errors
    ///
    /// As [`push`](Self::push).
    pub fn finish(&mut self, mut each: impl FnMut(Event)) -> Result<(), LiveError> {
        if let Some(resampler) = &mut self.resampler {
            let mut rest = Vec::new();
            resampler.finish(&mut rest)?;
            self.take(&rest, &mut each)?;
        }
        if self.in_hop > 0 {
            self.hop(&mut each)?;
        }
        self.end_utterance(&mut each)?;
        self.compute(&mut each)
    }

    fn take(&mut self, samples: &[f32], each: &mut impl FnMut(Event)) -> Result<(), LiveError> {
        let hop = ((self.settings.hop * f64::from(RATE)).round() as usize).max(1);
        let mut rest = samples;
        while !rest.is_empty() {
            let step = STEP - self.in_hop % STEP;
            let (now, after) = rest.split_at(step.min(hop - self.in_hop).min(rest.len()));
            self.kept.extend(now);
            // One by one, so that the sum does not depend on the chunks.
            for sample in now {
                self.power += f64::from(*sample) * f64::from(*sample);
            }
            self.now += now.len() as u64;
            self.in_hop += now.len();
            if self.in_hop == hop {
                self.hop(each)?;
            } else if self.in_hop.is_multiple_of(STEP) {
                self.hear_speech(each)?;
            }
            rest = after;
        }
        Ok(())
    }

    /// Lets what was not heard yet go through voice activity and the encoder; whether
    /// somebody speaks now. A beginning is said at once, not at the end of the hop.
    fn hear_speech(&mut self, each: &mut impl FnMut(Event)) -> Result<bool, LiveError> {
        let recording = self.recording(self.heard, self.now)?;
        self.heard = self.now;
        self.speech.push(recording.samples());
        let (speech, begins) = self.speech.notice(self.now, self.first);
        if let Some(begin) = begins {
            let at = self.clock(begin);
            self.steps.push(Step::Say(Event::Begin { at }));
            if let Some(encoder) = &mut self.encoder {
                encoder.restart();
            }
            self.compute(each)?;
        }
        if let Some(encoder) = &mut self.encoder {
            encoder.push(recording.samples());
        }
        Ok(speech)
    }

    /// At the end of a hop.
    fn hop(&mut self, each: &mut impl FnMut(Event)) -> Result<(), LiveError> {
        let speech = self.hear_speech(each)?;
        let length = self.in_hop as u64;
        let seconds = length as f64 / f64::from(RATE);
        let level = 10.0 * (self.power / length as f64).log10();
        (self.in_hop, self.power) = (0, 0.0);
        let (start, spoken) = self.speech.window(self.now, self.settings.window);
        let start = start.max(self.first);
        let task = match speech && spoken >= self.settings.first {
            true => Some(self.task(start, self.now)?),
            false => None,
        };
        let recent = match speech {
            true => {
                let from = self.now.saturating_sub(length + AROUND).max(self.first);
                self.recording(from, self.now)?.into_samples()
            }
            false => Vec::new(),
        };
        self.steps.push(Step::Hop {
            update: Update {
                audio_start: self.clock(start),
                audio_end: self.clock(self.now),
                raw: None,
                smooth: Vec::new(),
                label: None,
                verdict: Verdict::NoSpeech,
                speech,
                unfamiliarity: None,
                level_db: level.max(LOWEST_LEVEL),
                pitch_hz: None,
                adapted: false,
                lag: self.lag,
                dropped: self.dropped,
            },
            seconds,
            task,
            recent,
        });
        if self.speech.is_over(self.now, &self.settings) {
            self.end_utterance(each)?;
        } else if self.steps.len() >= AT_ONCE {
            self.compute(each)?;
        }
        self.forget();
        Ok(())
    }

    /// Ends the present utterance. What follows may be heard with another voice, so all
    /// before is computed.
    fn end_utterance(&mut self, each: &mut impl FnMut(Event)) -> Result<(), LiveError> {
        let Some((begin, end)) = self.speech.end(self.now) else {
            return Ok(());
        };
        let task = self.task(begin, end)?;
        let (start, end) = (self.clock(begin), self.clock(end));
        self.steps.push(Step::End { start, end, task });
        self.compute(each)
    }

    /// Computes what waits and says it, in order.
    fn compute(&mut self, each: &mut impl FnMut(Event)) -> Result<(), LiveError> {
        let steps = std::mem::take(&mut self.steps);
        let (recognizer, pitch) = (self.voice.adapted(), &self.pitch);
        let computed: Vec<Computed> = (steps.par_iter())
            .map(|step| step.compute(recognizer, pitch))
            .collect::<Result<_, _>>()?;
        for (step, computed) in steps.into_iter().zip(computed) {
            each(match step {
                Step::Say(event) => event,
                Step::Hop {
                    update, seconds, ..
                } => Event::Update(self.update(update, seconds, computed)),
                Step::End { start, end, .. } => {
                    let answer = computed.answer;
                    let learned = match &answer {
                        Some(answer) => self.voice.learn(answer)?,
                        None => Learned::default(),
                    };
                    let answer = answer.map(|answer| answer.said);
                    let near = answer.as_ref().filter(|answer| !self.is_too_unlike(answer));
                    let label = near.and_then(|answer| answer.verdict().label());
                    Event::End(Utterance {
                        start,
                        end,
                        label: label.map(str::to_owned),
                        answer,
                        likeness: learned.likeness,
                        new_voice: learned.is_other,
                    })
                }
            });
        }
        Ok(())
    }

    /// Puts the answer into an update.
    fn update(&mut self, mut update: Update, seconds: f64, computed: Computed) -> Update {
        match computed.answer {
            Some(Answer { said, .. }) => {
                let raw: Vec<f32> = said.scores().iter().map(|(_, p)| *p).collect();
                match self.is_too_unlike(&said) {
                    true => {
                        self.smooth.decay(seconds, self.settings.decay);
                        self.held.silence();
                    }
                    false => {
                        self.smooth.answer(&raw, seconds);
                        self.held.take(&self.smooth.values(), seconds);
                    }
                }
                update.unfamiliarity = said.unfamiliarity();
                update.raw = Some(raw);
            }
            None => {
                // Nobody speaks, or not long enough yet: what was said before fades.
                self.smooth.decay(seconds, self.settings.decay);
                if !update.speech {
                    self.held.silence();
                }
            }
        }
        update.pitch_hz = computed.pitch;
        update.adapted = self.voice.is_adapted();
        update.smooth = self.smooth.values();
        update.label = self.held.label();
        let is_unlike = update.unfamiliarity.is_some_and(|unlike| unlike > 1.0);
        update.verdict = match (update.speech, &update.raw, update.label) {
            (false, ..) => Verdict::NoSpeech,
            (true, None, None) => Verdict::TooLittle,
            (true, ..) if is_unlike => Verdict::Unfamiliar,
            (true, _, None) => Verdict::Unsure,
            (true, _, Some(_)) => Verdict::Label,
        };
        update
    }

    fn is_too_unlike(&self, answer: &Classification) -> bool {
        let unlike = answer.unfamiliarity();
        unlike.is_some_and(|unlike| unlike > self.settings.unlike_above)
    }

    fn task(&self, from: u64, to: u64) -> Result<Task, LiveError> {
        let around = from.saturating_sub(AROUND);
        Ok(Task {
            recording: self.recording(from, to)?,
            embedding: self.encoder.as_ref().map(|e| e.embedding(around)),
        })
    }

    fn recording(&self, from: u64, to: u64) -> Result<Recording, LiveError> {
        let place = |sample: u64| (sample.saturating_sub(self.first) as usize).min(self.kept.len());
        let samples = self.kept.range(place(from)..place(to)).copied().collect();
        Ok(Recording::from_samples(samples, RATE)?)
    }

    /// Lets go of what no later answer needs.
    fn forget(&mut self) {
        // Speech is noticed up to a second after it begins.
        let behind = self.now.saturating_sub(u64::from(RATE));
        let needed = self.speech.utterance().unwrap_or(behind).min(behind);
        let count = (needed.saturating_sub(self.first) as usize).min(self.kept.len());
        self.kept.drain(..count);
        self.first += count as u64;
        self.speech.forget(self.first);
        if let Some(encoder) = &mut self.encoder {
            encoder.forget(self.first.saturating_sub(AROUND));
        }
    }

    /// A sample's time on the session's clock.
    fn clock(&self, sample: u64) -> f64 {
        sample as f64 / f64::from(RATE) + self.ahead
    }
}
