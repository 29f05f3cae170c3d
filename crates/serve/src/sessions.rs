//! Live sessions: sound comes in from a connection, a thread of the pool hears it, and
//! what is said goes into mailboxes.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use axum::extract::ws::Utf8Bytes;
use live::{Event, Full, LiveError, Queue, Session, Taken, message};
use serde_json::json;
use stage::Scene;
use tokio::sync::watch;

use crate::ServeError;
use crate::mailbox::{Kind, Mailbox};
use crate::protocol;
use crate::speakers::Speaker;
use crate::state::Shared;

/// Seconds of sound that wait for a thread; older sound is dropped.
const WAITING: f64 = 5.0;

/// What a client wants done between its sound.
pub(crate) enum Command {
    Flush,
    Reset,
    Save(String),
    /// Ends the session, with a reason.
    Close(&'static str),
}

/// Who hears what a session says.
pub(crate) struct Subscriber {
    pub(crate) mailbox: Arc<Mailbox>,
    pub(crate) is_flat: bool,
    /// Whether the session's end is the mailbox's.
    pub(crate) ends: bool,
}

/// A session on its way.
pub(crate) struct LiveSession {
    pub(crate) name: String,
    pub(crate) model: String,
    pub(crate) labels: Vec<String>,
    pub(crate) rate: u32,
    number: u64,
    queue: Queue,
    commands: Mutex<VecDeque<Command>>,
    /// Up to which second sound had arrived when.
    arrivals: Mutex<(f64, VecDeque<(f64, Instant)>)>,
    is_scheduled: AtomicBool,
    core: Mutex<Core>,
    subscribers: Mutex<Vec<Subscriber>>,
}

struct Core {
    session: Session,
    scene: Scene,
    alive: u64,
    dropped: f64,
    is_over: bool,
}

/// All sessions, and the threads that hear them.
pub(crate) struct Sessions {
    all: Mutex<BTreeMap<u64, Arc<LiveSession>>>,
    next: AtomicU64,
    pool: rayon::ThreadPool,
    /// The newest session, for watchers of whatever is on.
    newest: watch::Sender<Option<String>>,
}

impl Sessions {
    pub(crate) fn new(threads: usize) -> Result<Self, ServeError> {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .thread_name(|n| format!("live-{n}"))
            .build()
            .map_err(|error| ServeError::System(std::io::Error::other(error)))?;
        Ok(Self {
            all: Mutex::default(),
            next: AtomicU64::new(0),
            pool,
            newest: watch::Sender::new(None),
        })
    }

    pub(crate) fn newest(&self) -> watch::Receiver<Option<String>> {
        self.newest.subscribe()
    }

    pub(crate) fn get(&self, name: &str) -> Option<Arc<LiveSession>> {
        let all = lock(&self.all);
        all.values().find(|session| session.name == name).cloned()
    }

    /// A session begins; none if there are too many.
    pub(crate) fn begin(
        &self,
        state: &Shared,
        name: String,
        model: &str,
        session: Session,
        rate: u32,
        mailbox: Arc<Mailbox>,
    ) -> Option<Arc<LiveSession>> {
        let mut all = lock(&self.all);
        if all.len() >= state.limits.sessions {
            return None;
        }
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let labels = session.labels().to_vec();
        let live = Arc::new(LiveSession {
            name: name.clone(),
            model: model.to_owned(),
            rate,
            number,
            queue: Queue::new(rate, WAITING, Full::DropOldest),
            commands: Mutex::default(),
            arrivals: Mutex::default(),
            is_scheduled: AtomicBool::new(false),
            core: Mutex::new(Core {
                scene: Scene::empty(&labels),
                session,
                alive: 0,
                dropped: 0.0,
                is_over: false,
            }),
            subscribers: Mutex::new(vec![Subscriber {
                mailbox,
                is_flat: false,
                ends: true,
            }]),
            labels,
        });
        all.insert(number, Arc::clone(&live));
        state.metrics.sessions.inc();
        drop(all);
        self.newest.send_replace(Some(name));
        Some(live)
    }

    /// A session has ended.
    fn remove(&self, state: &Shared, session: &LiveSession) {
        let mut all = lock(&self.all);
        if all.remove(&session.number).is_none() {
            return;
        }
        state.metrics.sessions.dec();
        let newest = all.values().next_back().map(|session| session.name.clone());
        if newest.is_none()
            && let Some(on_event) = &state.on_event
        {
            on_event(None);
        }
        drop(all);
        self.newest.send_replace(newest);
    }
}

impl LiveSession {
    /// Takes sound, mono at the session's rate.
    pub(crate) fn push(self: &Arc<Self>, state: &Shared, samples: Vec<f32>) {
        if samples.is_empty() {
            return;
        }
        {
            let mut arrivals = lock(&self.arrivals);
            arrivals.0 += samples.len() as f64 / f64::from(self.rate);
            let until = arrivals.0;
            arrivals.1.push_back((until, Instant::now()));
        }
        self.queue.push(samples);
        self.wake(state);
    }

    /// Does something once the sound before it is heard.
    pub(crate) fn command(self: &Arc<Self>, state: &Shared, command: Command) {
        lock(&self.commands).push_back(command);
        self.queue.mark(0);
        self.wake(state);
    }

    /// Adds a subscriber.
    pub(crate) fn subscribe(&self, subscriber: Subscriber) {
        lock(&self.subscribers).push(subscriber);
    }

    pub(crate) fn unsubscribe(&self, mailbox: &Arc<Mailbox>) {
        lock(&self.subscribers).retain(|known| !Arc::ptr_eq(&known.mailbox, mailbox));
    }

    /// Lets a thread of the pool hear what waits, one at a time.
    fn wake(self: &Arc<Self>, state: &Shared) {
        if self.is_scheduled.swap(true, Ordering::AcqRel) {
            return;
        }
        let (session, state) = (Arc::clone(self), Arc::clone(state));
        state.clone().sessions.pool.spawn_fifo(move || {
            session.hear(&state);
            session.is_scheduled.store(false, Ordering::Release);
            if session.queue.is_ready() {
                session.wake(&state);
            }
        });
    }

    /// Hears the next piece of what waits.
    fn hear(&self, state: &Shared) {
        let mut core = lock(&self.core);
        let core = &mut *core;
        if core.is_over {
            while self.queue.take(Duration::ZERO) != Taken::Nothing {}
            return;
        }
        let Core {
            session,
            scene,
            alive,
            dropped,
            ..
        } = core;
        let mut say = |event: Event| self.say(state, &event, scene, alive);
        let done = match self.queue.take(Duration::ZERO) {
            Taken::Samples { samples, waiting } => {
                let seconds = samples.len() as f64 / f64::from(self.rate);
                state.metrics.heard("live", seconds);
                session.set_waiting(waiting);
                session.push(&samples, &mut say)
            }
            Taken::Gap(seconds) => {
                *dropped += seconds;
                state.metrics.dropped.inc_by(seconds);
                let text = format!(
                    "{seconds:.2} s of sound were dropped: it came faster than it was heard"
                );
                let warning = json!({"type": "warning", "code": "dropped", "message": text});
                self.post(Kind::Keep, &warning.to_string().into());
                session.skip(seconds, &mut say)
            }
            Taken::Mark(_) => match lock(&self.commands).pop_front() {
                Some(Command::Flush) => session.flush(&mut say),
                Some(Command::Reset) => {
                    session.reset();
                    Ok(())
                }
                Some(Command::Save(name)) => {
                    self.save(state, &name, session);
                    Ok(())
                }
                Some(Command::Close(reason)) => {
                    let done = session.finish(&mut say);
                    let closed = protocol::closed(reason, session.seconds(), *dropped);
                    self.over(state, reason, &closed);
                    core.is_over = true;
                    done
                }
                None => Ok(()),
            },
            Taken::Nothing | Taken::End(_) => Ok(()),
        };
        if let Err(error) = done {
            self.fail(state, &error, core.dropped);
            core.is_over = true;
        }
    }

    fn save(&self, state: &Shared, name: &str, session: &Session) {
        let speaker = Speaker {
            model: self.model.clone(),
            profile: session.profile().clone(),
        };
        let answer = match state.speakers.set(name, speaker) {
            Ok(()) => json!({
                "type": "speaker.saved", "name": name, "seconds": session.profile().seconds(),
            }),
            Err(error) => json!({
                "type": "warning", "code": "not_saved", "message": error.to_string(),
            }),
        };
        self.post(Kind::Keep, &answer.to_string().into());
    }

    fn fail(&self, state: &Shared, error: &LiveError, dropped: f64) {
        let code = match error {
            LiveError::Audio(_) => "bad_sound",
            _ => "failed",
        };
        self.post(Kind::Keep, &protocol::error(code, &error.to_string()));
        let seconds = lock(&self.arrivals).0;
        self.over(state, "error", &protocol::closed("error", seconds, dropped));
    }

    fn over(&self, state: &Shared, reason: &str, closed: &Utf8Bytes) {
        self.post(Kind::Keep, closed);
        state.metrics.ended(reason);
        state.sessions.remove(state, self);
        for subscriber in std::mem::take(&mut *lock(&self.subscribers)) {
            if subscriber.ends {
                subscriber.mailbox.end();
            }
        }
    }

    /// Tells an event to all who want to hear it.
    fn say(&self, state: &Shared, event: &Event, scene: &mut Scene, alive: &mut u64) {
        let is_newest = state.sessions.newest.borrow().as_deref() == Some(&self.name);
        if let (true, Some(on_event)) = (is_newest, &state.on_event) {
            on_event(Some(event));
        }
        let kind = match event {
            Event::Update(update) => {
                scene.take(update);
                *alive += 1;
                state.metrics.updates.inc();
                if let Some(lag) = self.lag(update.audio_end) {
                    state.metrics.lag.observe(lag);
                }
                Kind::Measurement
            }
            _ => Kind::Keep,
        };
        self.post_all(
            kind,
            &|| message(event, &self.labels).to_string().into(),
            &|| match event {
                Event::Update(update) => Some(protocol::flat(scene, update.audio_end, *alive)),
                _ => None,
            },
        );
    }

    /// Seconds since the sound at this time arrived.
    fn lag(&self, time: f64) -> Option<f64> {
        let mut arrivals = lock(&self.arrivals);
        while arrivals.1.len() > 1 && arrivals.1[0].0 < time - 1e-9 {
            arrivals.1.pop_front();
        }
        arrivals.1.front().map(|(_, at)| at.elapsed().as_secs_f64())
    }

    fn post(&self, kind: Kind, text: &Utf8Bytes) {
        self.post_all(kind, &|| text.clone(), &|| None);
    }

    /// Makes each text once, and only if somebody wants it.
    fn post_all(
        &self,
        kind: Kind,
        plain: &dyn Fn() -> Utf8Bytes,
        flat: &dyn Fn() -> Option<Utf8Bytes>,
    ) {
        let subscribers = lock(&self.subscribers);
        let (mut as_plain, mut as_flat) = (None, None);
        for subscriber in subscribers.iter() {
            let text = match subscriber.is_flat {
                true => as_flat.get_or_insert_with(flat).clone(),
                false => Some(as_plain.get_or_insert_with(plain).clone()),
            };
            if let Some(text) = text {
                subscriber.mailbox.push(kind, text);
            }
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
