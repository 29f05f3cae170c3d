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
    pub(crate) seconds: f64,
    pub(crate) seconds_lost: f64,
    pub(crate) notes: Vec<String>,
    pub(crate) answer: Answer,
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

fn classify(state: &State, jobs: Vec<(Job, Reply)>) {
    state.metrics.batch.observe(jobs.len() as f64);
    let mut prepared: Vec<(Prepared, Heard)> = Vec::new();
    let mut replies = Vec::new();
    let mut recognizer = None;
    for (job, reply) in jobs {
        match prepare(state, &job) {
            Ok(one) => {
                let adapted = match &job.profile {
                    None => Ok(job.recognizer),
                    Some(profile) => job.recognizer.enrolled(profile.enrolment()),
                };
                match adapted {
                    Ok(adapted) => recognizer = recognizer.or(Some(adapted)),
                    Err(error) => {
                        let _ = reply.send(Err(ApiError::recording("speaker", &error)));
                        continue;
                    }
                }
                prepared.push(one);
                replies.push(reply);
            }
            Err(error) => drop(reply.send(Err(error))),
        }
    }
    let Some(recognizer) = recognizer else {
        return;
    };
    let clips: Vec<&Prepared> = prepared.iter().map(|(clip, _)| clip).collect();
    match recognizer.classify_many(&clips) {
        Ok(answers) => {
            let all = prepared.into_iter().zip(answers).zip(replies);
            for (((_, heard), said), reply) in all {
                state.metrics.heard("file", heard.seconds);
                let answer = Answer::Whole(said);
                let _ = reply.send(Ok(Heard { answer, ..heard }));
            }
        }
        Err(error) => {
            for reply in replies {
                let _ = reply.send(Err(ApiError::recording("model", &error)));
            }
        }
    }
}

fn prepare(state: &State, job: &Job) -> Result<(Prepared, Heard), ApiError> {
    let Some((name, bytes)) = job.files.first() else {
        return Err(ApiError::field("file", "missing", "there is no file"));
    };
    let wrong = |error: ModelError| ApiError::recording(name, &error);
    let mut decoder =
        Decoder::from_bytes(bytes.clone(), &settings(state)).map_err(|e| wrong(e.into()))?;
    let told = |share: f64| tell(job, share);
    let prepared = job
        .recognizer
        .prepare_stream(&mut decoder, told)
        .map_err(wrong)?;
    Ok((
        prepared,
        heard(&decoder, Answer::Profile(Profile::default())),
    ))
}

fn heard(decoder: &Decoder, answer: Answer) -> Heard {
    let seconds = decoder.position() as f64 / f64::from(decoder.sample_rate());
    let reading = decoder.reading();
    Heard {
        seconds,
        seconds_lost: reading.loss.seconds,
        notes: reading.notes(seconds),
        answer,
    }
}

fn tell(job: &Job, share: f64) {
    if let Some(progress) = &job.progress {
        // Whoever is slow is told of later shares.
        let _ = progress.try_send(share);
    }
}

/// Lets a session hear a file.
fn through(
    state: &State,
    job: &Job,
    file: &(String, Bytes),
    session: &mut Option<Session>,
    live: SessionSettings,
    mut each: impl FnMut(Event),
) -> Result<Heard, ApiError> {
    let (name, bytes) = file;
    let wrong = |error: ModelError| ApiError::recording(name, &error);
    let failed = |error: LiveError| match error {
        LiveError::Audio(error) => wrong(error.into()),
        LiveError::Model(error) => wrong(error),
        other => ApiError::field("file", "failed", other.to_string()),
    };
    let mut decoder =
        Decoder::from_bytes(bytes.clone(), &settings(state)).map_err(|e| wrong(e.into()))?;
    let rate = decoder.sample_rate();
    let mut new = Session::new(job.recognizer.clone(), live, rate).map_err(failed)?;
    let before = session.as_ref().map(|session| session.profile().clone());
    if let Some(profile) = before.or(job.profile.clone()) {
        new.set_profile(profile).map_err(failed)?;
    }
    while let Some(block) = decoder.next_block().map_err(|e| wrong(e.into()))? {
        new.push(block, &mut each).map_err(failed)?;
        if let Some(share) = decoder.progress() {
            tell(job, share);
        }
    }
    new.finish(&mut each).map_err(failed)?;
    *session = Some(new);
    let heard = heard(&decoder, Answer::Profile(Profile::default()));
    state.metrics.heard("file", heard.seconds);
    Ok(heard)
}

fn timeline(state: &State, job: &Job) -> Result<Heard, ApiError> {
    let Some(file) = job.files.first() else {
        return Err(ApiError::field("file", "missing", "there is no file"));
    };
    let mut timeline = Timeline::new(LOOK_AHEAD);
    let mut curves = Vec::new();
    let heard = through(state, job, file, &mut None, state.live, |event| {
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
    Ok(Heard {
        answer: Answer::Timeline { segments, curves },
        ..heard
    })
}

fn enrol(state: &State, job: &Job) -> Result<Heard, ApiError> {
    let live = SessionSettings {
        learn: true,
        learn_after: 0.0,
        ..state.live
    };
    let (mut session, mut last) = (None, None);
    for file in &job.files {
        last = Some(through(state, job, file, &mut session, live, |_| {})?);
    }
    match (session, last) {
        (Some(session), Some(last)) if session.profile().seconds() > 0.0 => Ok(Heard {
            answer: Answer::Profile(session.profile().clone()),
            ..last
        }),
        _ => Err(ApiError::field(
            "file",
            "no_speech",
            "there is no stretch of speech of a second or more in it",
        )),
    }
}
