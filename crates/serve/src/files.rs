//! Uploaded recordings: a bounded queue, and threads that take together what waits together.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use audio::{DecodeLimits, DecodeSettings, Decoder};
use axum::body::Bytes;
use live::{Event, LiveError, Profile, Session, SessionSettings, Timeline, Verdict};
use model::{Classification, ModelError, Prepared, Recognizer};
use report::segments::Segment;
use tokio::sync::{mpsc, oneshot};

use crate::ServeError;
use crate::api_error::ApiError;
use crate::state::{Shared, State};

/// Recordings classified at once.
const BATCH: usize = 16;
/// Answers of a timeline are moved back by so many seconds, since their window lies in the past.
const LOOK_AHEAD: f64 = 1.0;

/// What is to be done with recordings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Classify,
    Timeline,
    Enrol,
}

/// An upload to be heard.
pub(crate) struct Job {
    pub(crate) kind: Kind,
    /// Names and content; one, but for [`Kind::Enrol`].
    pub(crate) files: Vec<(String, Bytes)>,
    pub(crate) model: String,
    pub(crate) recognizer: Recognizer,
    pub(crate) profile: Option<Profile>,
    /// Shares of the work that are done.
    pub(crate) progress: Option<mpsc::Sender<f64>>,
}

/// What was heard.
pub(crate) struct Heard {
    pub(crate) read: Read,
    pub(crate) answer: Answer,
}

/// How a recording was read.
pub(crate) struct Read {
    pub(crate) seconds: f64,
    pub(crate) seconds_lost: f64,
    pub(crate) notes: Vec<String>,
}

pub(crate) enum Answer {
    Whole(Classification),
    Timeline {
        segments: Vec<Segment>,
        curves: Vec<(f64, Vec<f32>)>,
    },
    Profile(Profile),
}

type Reply = oneshot::Sender<Result<Heard, ApiError>>;

/// The queue and its threads.
pub(crate) struct Files {
    waiting: Mutex<VecDeque<(Job, Reply)>>,
    pool: rayon::ThreadPool,
}

impl Files {
    pub(crate) fn new(threads: usize) -> Result<Self, ServeError> {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .thread_name(|n| format!("files-{n}"))
            .build()
            .map_err(|error| ServeError::System(std::io::Error::other(error)))?;
        Ok(Self {
            waiting: Mutex::default(),
            pool,
        })
    }

    /// Waits in the queue for the answer.
    pub(crate) async fn hear(state: &Shared, job: Job) -> Result<Heard, ApiError> {
        let (sender, receiver) = oneshot::channel();
        {
            let mut waiting = state.files.lock();
            if waiting.len() >= state.limits.waiting {
                state.metrics.refused("busy");
                return Err(ApiError::busy("too many recordings wait; try again later"));
            }
            waiting.push_back((job, sender));
            state.metrics.waiting.set(waiting.len() as i64);
        }
        let shared = state.clone();
        state
            .files
            .pool
            .spawn_fifo(move || shared.files.next(&shared));
        let lost = || {
            let status = axum::http::StatusCode::INTERNAL_SERVER_ERROR;
            ApiError::new(status, "failed", "the recording could not be heard")
        };
        receiver.await.map_err(|_| lost())?
    }

    /// Hears what is first in the queue, and what may be heard together with it.
    fn next(&self, state: &State) {
        let mut taken: Vec<(Job, Reply)> = Vec::new();
        {
            let mut waiting = self.lock();
            let share = waiting.len().div_ceil(self.pool.current_num_threads());
            while taken.len() < share.min(BATCH) {
                let fits = |(job, _): &(Job, Reply)| match taken.first() {
                    None => true,
                    Some((first, _)) => {
                        let plain = |job: &Job| job.kind == Kind::Classify && job.profile.is_none();
                        plain(job) && plain(first) && job.model == first.model
                    }
                };
                match waiting.front() {
                    Some(next) if fits(next) => taken.extend(waiting.pop_front()),
                    _ => break,
                }
            }
            state.metrics.waiting.set(waiting.len() as i64);
        }
        // Nobody waits for what was given up.
        taken.retain(|(_, reply)| !reply.is_closed());
        match taken.first() {
            Some((job, _)) if job.kind == Kind::Classify => classify(state, taken),
            Some(_) => {
                for (job, reply) in taken {
                    let heard = match job.kind {
                        Kind::Enrol => enrol(state, &job),
                        _ => timeline(state, &job),
                    };
                    // Whoever asked may have gone.
                    let _ = reply.send(heard);
                }
            }
            None => {}
        }
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<(Job, Reply)>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn settings(state: &State) -> DecodeSettings {
    DecodeSettings {
        limits: DecodeLimits {
            max_seconds: Some(state.limits.seconds),
            ..DecodeLimits::default()
        },
        ..DecodeSettings::default()
    }
}

/// Recordings for one model, and with a speaker's profile only one.
fn classify(state: &State, jobs: Vec<(Job, Reply)>) {
    state.metrics.batch.observe(jobs.len() as f64);
    let Some((first, _)) = jobs.first() else {
        return;
    };
    let recognizer = match &first.profile {
        None => Ok(first.recognizer.clone()),
        Some(profile) => first.recognizer.enrolled(profile.enrolment()),
    };
    let recognizer = match recognizer {
        Ok(recognizer) => recognizer,
        Err(error) => {
            let wrong = || ApiError::field("speaker", "bad_speaker", error.to_string());
            // Here and below: whoever asked may have gone.
            (jobs.into_iter()).for_each(|(_, reply)| drop(reply.send(Err(wrong()))));
            return;
        }
    };
    let (mut clips, mut waiting) = (Vec::new(), Vec::new());
    for (job, reply) in jobs {
        match prepare(state, &job) {
            Ok((clip, read)) => {
                clips.push(clip);
                waiting.push((read, reply));
            }
            Err(error) => drop(reply.send(Err(error))),
        }
    }
    match recognizer.classify_many(&clips.iter().collect::<Vec<_>>()) {
        Ok(answers) => {
            for ((read, reply), said) in waiting.into_iter().zip(answers) {
                let answer = Answer::Whole(said);
                let _ = reply.send(Ok(Heard { read, answer }));
            }
        }
        Err(error) => {
            for (_, reply) in waiting {
                let _ = reply.send(Err(ApiError::recording("model", &error)));
            }
        }
    }
}

fn prepare(state: &State, job: &Job) -> Result<(Prepared, Read), ApiError> {
    let (name, bytes) = job.file()?;
    let wrong = |error: ModelError| ApiError::recording(name, &error);
    let decoder = Decoder::from_bytes(bytes.clone(), &settings(state));
    let mut decoder = decoder.map_err(|e| wrong(e.into()))?;
    let prepared = job
        .recognizer
        .prepare_stream(&mut decoder, |share| job.tell(share))
        .map_err(wrong)?;
    Ok((prepared, read(state, &decoder)))
}

/// How a recording was read that has been read to its end.
fn read(state: &State, decoder: &Decoder) -> Read {
    let seconds = decoder.position() as f64 / f64::from(decoder.sample_rate());
    let reading = decoder.reading();
    state.metrics.heard("file", seconds);
    Read {
        seconds,
        seconds_lost: reading.loss.seconds,
        notes: reading.notes(seconds),
    }
}

impl Job {
    fn file(&self) -> Result<&(String, Bytes), ApiError> {
        let none = || ApiError::field("file", "missing", "there is no file");
        self.files.first().ok_or_else(none)
    }

    fn tell(&self, share: f64) {
        if let Some(progress) = &self.progress {
            // Whoever is slow is told of later shares.
            let _ = progress.try_send(share);
        }
    }

    /// A file through a session of its own, which knows the voice of `profile`.
    fn through(
        &self,
        state: &State,
        (name, bytes): &(String, Bytes),
        live: SessionSettings,
        profile: Option<Profile>,
        mut each: impl FnMut(Event),
    ) -> Result<(Session, Read), ApiError> {
        let wrong = |error: ModelError| ApiError::recording(name, &error);
        let failed = |error: LiveError| match error {
            LiveError::Audio(error) => wrong(error.into()),
            LiveError::Model(error) => wrong(error),
            other => ApiError::field("file", "failed", other.to_string()),
        };
        let decoder = Decoder::from_bytes(bytes.clone(), &settings(state));
        let mut decoder = decoder.map_err(|e| wrong(e.into()))?;
        let session = Session::new(self.recognizer.clone(), live, decoder.sample_rate());
        let mut session = session.map_err(failed)?;
        if let Some(profile) = profile {
            session.set_profile(profile).map_err(failed)?;
        }
        while let Some(block) = decoder.next_block().map_err(|e| wrong(e.into()))? {
            session.push(block, &mut each).map_err(failed)?;
            if let Some(share) = decoder.progress() {
                self.tell(share);
            }
        }
        session.finish(&mut each).map_err(failed)?;
        Ok((session, read(state, &decoder)))
    }
}

fn timeline(state: &State, job: &Job) -> Result<Heard, ApiError> {
    let mut timeline = Timeline::new(LOOK_AHEAD);
    let mut curves = Vec::new();
    let profile = job.profile.clone();
    let (_, read) = job.through(state, job.file()?, state.live, profile, |event| {
        if let Event::Update(update) = event {
            let time = (update.audio_end - LOOK_AHEAD).max(0.0);
            curves.push((time, update.smooth.clone()));
            timeline.push(update);
        }
    })?;
    timeline.finish();
    let labels = &job.recognizer.description().labels;
    let segment = |span: &live::Span| Segment {
        start: span.start,
        end: span.end,
        label: span.label.and_then(|label| labels.get(label).cloned()),
        speech: span.verdict != Verdict::NoSpeech,
        verdict: span.verdict.name(),
        probabilities: span.probabilities.clone(),
        unfamiliarity: span.unfamiliarity,
        speaker: None,
    };
    let segments = timeline.spans().iter().map(segment).collect();
    let answer = Answer::Timeline { segments, curves };
    Ok(Heard { read, answer })
}

/// The profile of a voice, from all files; how the last one was read.
fn enrol(state: &State, job: &Job) -> Result<Heard, ApiError> {
    let live = SessionSettings {
        learn: true,
        learn_after: 0.0,
        ..state.live
    };
    let mut last = None;
    for file in &job.files {
        let before = last.map(|(session, _): (Session, Read)| session.profile().clone());
        last = Some(job.through(state, file, live, before, |_| {})?);
    }
    match last {
        Some((session, read)) if session.profile().seconds() > 0.0 => Ok(Heard {
            read,
            answer: Answer::Profile(session.profile().clone()),
        }),
        _ => Err(ApiError::field(
            "file",
            "no_speech",
            "there is no stretch of speech of a second or more in it",
        )),
    }
}
