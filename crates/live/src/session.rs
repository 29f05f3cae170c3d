//! One listening session, from its first sample to its last.

use std::collections::VecDeque;

use audio::{Recording, StreamResampler, VadFrame, VadSettings, VadStream};
use model::{Classification, Enrolment, Recognizer};

use crate::smoothing::{Held, Smoothed};
use crate::{LiveError, SessionSettings};

/// All analysis is at this rate, the one that models hear.
const RATE: u32 = 16_000;

/// What a session has to say.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Event {
    /// Somebody began to speak.
    Begin {
        /// When, in seconds of the session.
        at: f64,
    },
    /// The state after a hop.
    Update(Update),
    /// Somebody stopped speaking.
    End(Utterance),
}

/// The state of a session after a hop of sound.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Update {
    /// The beginning of the sound that the answer is about, in seconds of the session.
    pub audio_start: f64,
    /// The end of it, which is now.
    pub audio_end: f64,
    /// The model's probabilities, in the order of its labels; none where there is too
    /// little speech for an answer.
    pub raw: Option<Vec<f32>>,
    /// Smoothed over time; they decay while nobody speaks, and then do not add up to 1.
    pub smooth: Vec<f32>,
    /// The label at present, by its number.
    pub label: Option<usize>,
    /// Whether somebody speaks now.
    pub speech: bool,
    /// How far the sound is from the training data; above 1 the answer is unreliable.
    pub unfamiliarity: Option<f32>,
    /// Level of the hop in dB below full scale.
    pub level_db: f64,
    /// Whether the model is adapted to the voice.
    pub adapted: bool,
}

/// What was said between two pauses.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Utterance {
    /// When it began, in seconds of the session.
    pub start: f64,
    /// When it ended.
    pub end: f64,
    /// The answer for all of it; none if it is too short for one.
    pub answer: Option<Classification>,
}

/// A listening session.
///
/// Its memory is bounded by [`SessionSettings::longest_utterance`].
pub struct Session {
    settings: SessionSettings,
    /// As it came.
    plain: Recognizer,
    /// Adapted to the voice so far.
    recognizer: Recognizer,
    enrolment: Enrolment,
    /// Speech of the finished utterances.
    learned: f64,
    resampler: Option<StreamResampler>,
    resampled: Vec<f32>,
    vad: VadStream,
    frames: Vec<VadFrame>,
    /// The latest samples at [`RATE`], from `first` on.
    kept: VecDeque<f32>,
    first: u64,
    /// Samples so far, at [`RATE`].
    now: u64,
    /// Samples of the present hop.
    in_hop: usize,
    power: f64,
    /// Stretches of speech that still matter: beginning and end, in samples.
    speech: VecDeque<(u64, u64)>,
    /// Beginning of the present utterance.
    utterance: Option<u64>,
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
            plain: recognizer.clone(),
            recognizer,
            enrolment: Enrolment::new(),
            learned: 0.0,
            resampler: match sample_rate {
                RATE => None,
                rate => Some(StreamResampler::new(rate, RATE)?),
            },
            resampled: Vec::new(),
            vad: VadStream::new(&VadSettings::default(), RATE)?,
            frames: Vec::new(),
            kept: VecDeque::new(),
            first: 0,
            now: 0,
            in_hop: 0,
            power: 0.0,
            speech: VecDeque::new(),
            utterance: None,
            smooth: Smoothed::new(settings.smoothing, labels),
            held: Held::new(settings.label),
            settings,
        })
    }

    /// The names of the labels, in the order of probabilities.
    pub fn labels(&self) -> &[String] {
        &self.plain.description().labels
    }

    /// Seconds of sound so far.
    pub fn seconds(&self) -> f64 {
        seconds(self.now)
    }

    /// Forgets the voice that it has learned: somebody else speaks.
    pub fn reset(&mut self) {
        self.recognizer = self.plain.clone();
        self.enrolment = Enrolment::new();
        self.learned = 0.0;
    }

    /// Takes the next samples, any number of them, and calls `each` with what they
    /// bring about. The events do not depend on how the samples are cut into chunks.
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
        done
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
        self.end_utterance(&mut each)
    }

    fn take(&mut self, samples: &[f32], each: &mut impl FnMut(Event)) -> Result<(), LiveError> {
        let hop = ((self.settings.hop * f64::from(RATE)).round() as usize).max(1);
        let mut rest = samples;
        while !rest.is_empty() {
            let (now, after) = rest.split_at((hop - self.in_hop).min(rest.len()));
            self.kept.extend(now);
            // One by one, so that the sum does not depend on the chunks.
            for sample in now {
                self.power += f64::from(*sample) * f64::from(*sample);
            }
            let frames = &mut self.frames;
            self.vad.push_frames(now, |frame, _| frames.push(frame));
            self.now += now.len() as u64;
            self.in_hop += now.len();
            if self.in_hop == hop {
                self.hop(each)?;
            }
            rest = after;
        }
        Ok(())
    }

    /// At the end of a hop.
    fn hop(&mut self, each: &mut impl FnMut(Event)) -> Result<(), LiveError> {
        let step = self.in_hop as f64 / f64::from(RATE);
        let level_db = 10.0 * (self.power / self.in_hop as f64).log10();
        (self.in_hop, self.power) = (0, 0.0);
        let speech = self.notice_speech();
        if let Some(begin) = self.begins(speech) {
            self.utterance = Some(begin);
            each(Event::Begin { at: seconds(begin) });
        }
        let (start, spoken) = self.window();
        let mut update = Update {
            audio_start: seconds(start),
            audio_end: seconds(self.now),
            raw: None,
            smooth: Vec::new(),
            label: None,
            speech,
            unfamiliarity: None,
            level_db,
            adapted: self.learned > 0.0 && self.learned >= self.settings.learn_after,
        };
        let answer = match speech && spoken >= self.settings.first {
            true => self.classify(start, self.now)?,
            false => None,
        };
        match answer {
            Some(answer) => {
                let raw: Vec<f32> = answer.scores().iter().map(|(_, p)| *p).collect();
                self.smooth.answer(&raw, step);
                self.held.take(&self.smooth.values(), step);
                update.unfamiliarity = answer.unfamiliarity();
                update.raw = Some(raw);
            }
            None if !speech => {
                self.smooth.decay(step, self.settings.decay);
                self.held.silence();
            }
            None => {}
        }
        update.smooth = self.smooth.values();
        update.label = self.held.label();
        each(Event::Update(update));
        if self.is_over() {
            self.end_utterance(each)?;
        }
        self.forget();
        Ok(())
    }

    /// Puts the frames of a hop among the stretches of speech; whether somebody speaks
    /// now, or did within a quarter of a second.
    fn notice_speech(&mut self) -> bool {
        for frame in self.frames.drain(..).filter(|frame| frame.speech) {
            let middle = (frame.time * f64::from(RATE)) as u64;
            let half = u64::from(RATE) / 200;
            let (from, to) = (middle.saturating_sub(half), middle + half);
            match self.speech.back_mut() {
                // Frames are 10 ms apart.
                Some((_, end)) if from <= *end + half => *end = to,
                _ => self.speech.push_back((from, to)),
            }
        }
        let recent = u64::from(RATE) / 4;
        (self.speech.back()).is_some_and(|(_, end)| *end + recent > self.now)
    }

    /// The beginning of an utterance, if one begins.
    fn begins(&self, speech: bool) -> Option<u64> {
        match (self.utterance, speech) {
            (None, true) => self.speech.back().map(|(from, _)| (*from).max(self.first)),
            _ => None,
        }
    }

    /// Whether the present utterance is over.
    fn is_over(&self) -> bool {
        let Some(begin) = self.utterance else {
            return false;
        };
        let last = self.speech.back().map_or(begin, |(_, end)| *end);
        seconds(self.now.saturating_sub(last)) >= self.settings.pause
            || seconds(self.now - begin) >= self.settings.longest_utterance
    }

    /// Where the window begins, and seconds of speech in it: as far back as there is
    /// so much speech, within the present utterance.
    fn window(&self) -> (u64, f64) {
        let Some(begin) = self.utterance else {
            return (self.now, 0.0);
        };
        let wanted = self.settings.window * f64::from(RATE);
        let (mut start, mut spoken) = (self.now, 0u64);
        for (from, to) in self.speech.iter().rev() {
            let from = (*from).max(begin);
            if *to <= begin {
                break;
            }
            let left = (wanted as u64).saturating_sub(spoken);
            let length = (to - from).min(left);
            spoken += length;
            start = to - length;
            if length == left {
                break;
            }
        }
        (start.max(self.first), spoken as f64 / f64::from(RATE))
    }

    /// The model's answer for a stretch of sound; none where it is too short.
    fn classify(&self, from: u64, to: u64) -> Result<Option<Classification>, LiveError> {
        let prepared = match self.recognizer.prepare(&self.recording(from, to)?) {
            Ok(prepared) => prepared,
            Err(model::ModelError::Audio(audio::AudioError::TooShort { .. })) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let answer = self.recognizer.classify_many(&[&prepared])?.pop();
        Ok(answer.filter(Classification::is_speech))
    }

    fn recording(&self, from: u64, to: u64) -> Result<Recording, LiveError> {
        let place = |sample: u64| (sample.saturating_sub(self.first) as usize).min(self.kept.len());
        let samples = self.kept.range(place(from)..place(to)).copied().collect();
        Ok(Recording::from_samples(samples, RATE)?)
    }

    /// Ends the present utterance, and learns its voice.
    fn end_utterance(&mut self, each: &mut impl FnMut(Event)) -> Result<(), LiveError> {
        let Some(begin) = self.utterance.take() else {
            return Ok(());
        };
        let end = self
            .speech
            .back()
            .map_or(self.now, |(_, end)| (*end).min(self.now));
        let recording = self.recording(begin, end)?;
        let prepared = match self.recognizer.prepare(&recording) {
            Ok(prepared) => Some(prepared),
            Err(model::ModelError::Audio(audio::AudioError::TooShort { .. })) => None,
            Err(error) => return Err(error.into()),
        };
        let mut answer = None;
        if let Some(prepared) = prepared {
            answer = self.recognizer.classify_many(&[&prepared])?.pop();
            let spoken = prepared.speech_seconds().unwrap_or(0.0);
            if self.settings.learn && spoken >= self.settings.first {
                self.enrolment.merge(&Enrolment::from_clips(&[&prepared]));
                self.learned += spoken;
                if self.learned >= self.settings.learn_after {
                    self.recognizer = self.plain.enrolled(&self.enrolment)?;
                }
            }
        }
        each(Event::End(Utterance {
            start: seconds(begin),
            end: seconds(end),
            answer: answer.filter(Classification::is_speech),
        }));
        Ok(())
    }

    /// Lets go of what no later answer needs.
    fn forget(&mut self) {
        // Speech is noticed up to this much after it begins.
        let behind = u64::from(RATE);
        let needed = self.utterance.unwrap_or(self.now.saturating_sub(behind));
        let count = (needed.saturating_sub(self.first) as usize).min(self.kept.len());
        self.kept.drain(..count);
        self.first += count as u64;
        while self
            .speech
            .front()
            .is_some_and(|(_, end)| *end < self.first)
        {
            self.speech.pop_front();
        }
    }
}

fn seconds(samples: u64) -> f64 {
    samples as f64 / f64::from(RATE)
}
