//! `/v1/listen`: a WebSocket with sound in and emotions out.

use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use axum::body::Bytes;
use axum::extract::State;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::response::Response;
use futures_util::StreamExt;
use live::{LiveError, Profile, Session, SessionSettings};
use model::Recognizer;
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::api_error::ApiError;
use crate::audio_in::{Decoded, Encoded, Raw, begins_file};
use crate::emotions;
use crate::mailbox::{Kind, Mailbox};
use crate::protocol::{self, Format, FromClient, SessionUpdate};
use crate::sessions::{Command, LiveSession};
use crate::socket::{Counted, Ending, Outgoing, Place, limited};
use crate::speakers::is_name;
use crate::state::{Shared, stopped};

/// Rates that can be told.
const RATES: std::ops::RangeInclusive<u32> = 8_000..=384_000;
/// Channels that can be told.
const CHANNELS: std::ops::RangeInclusive<u16> = 1..=32;
/// How long a client may take to notice that its session is closed.
const DRAIN: Duration = Duration::from_secs(2);

pub(crate) async fn listen(
    State(state): State<Shared>,
    socket: WebSocketUpgrade,
) -> Result<Response, ApiError> {
    let most = state.limits.sessions;
    let place = Place::take(&state, Counted::Listeners, most, "live sessions")?;
    Ok(limited(&state, socket).on_upgrade(move |socket| run(state, socket, place)))
}

async fn run(state: Shared, socket: WebSocket, _place: Place) {
    let (mut outgoing, mut stream) = Outgoing::start(socket, state.limits.behind);
    let Some(mut listener) = Listener::new(&state, &outgoing) else {
        return;
    };
    listener.created();
    let mut stopping = state.stopping.clone();
    let (mut is_over, mut is_written) = (false, false);
    let mut heard = Instant::now();
    loop {
        let left = state.limits.idle.saturating_sub(heard.elapsed());
        tokio::select! {
            _ = &mut outgoing.writer => {
                is_written = true;
                break;
            }
            () = stopped(&mut stopping), if !is_over => {
                is_over = true;
                listener.close(1001, "server_stopping");
            }
            () = tokio::time::sleep(left), if !is_over => {
                is_over = true;
                listener.fail("idle", "neither sound nor a message came; send keepalive", 1008);
            }
            message = stream.next() => match message {
                Some(Ok(Message::Pong(_))) => outgoing.pong.heard(),
                Some(Ok(Message::Ping(_))) => {}
                Some(Ok(_)) if is_over => {}
                Some(Ok(Message::Text(text))) => {
                    heard = Instant::now();
                    is_over = listener.text(&text);
                }
                Some(Ok(Message::Binary(bytes))) => {
                    heard = Instant::now();
                    is_over = listener.sound(bytes);
                }
                Some(Ok(Message::Close(_)) | Err(_)) | None => break,
            },
        }
    }
    listener.close(1000, "client_left");
    // What it says last is for watchers; the client has gone, or is let go by the time limit.
    if is_written {
        // What is unread at the end would take the last messages away from the client.
        let rest = async { while let Some(Ok(_)) = stream.next().await {} };
        let _ = timeout(DRAIN, rest).await;
    } else {
        let _ = timeout(state.limits.behind, outgoing.writer).await;
    }
}

/// What becomes a session once there is sound.
struct Listener {
    state: Shared,
    mailbox: Arc<Mailbox>,
    ending: Arc<Ending>,
    name: String,
    model: (String, Recognizer),
    settings: SessionSettings,
    profile: Option<Profile>,
    format: Format,
    rate: u32,
    channels: u16,
    session: Arc<OnceLock<Arc<LiveSession>>>,
    raw: Option<Raw>,
    encoded: Option<Encoded>,
}

impl Listener {
    fn new(state: &Shared, outgoing: &Outgoing) -> Option<Self> {
        Some(Self {
            model: state.models.first()?.clone(),
            settings: state.live,
            state: state.clone(),
            mailbox: Arc::clone(&outgoing.mailbox),
            ending: Arc::clone(&outgoing.ending),
            name: format!("{:08x}", rand::random::<u32>()),
            profile: None,
            format: Format::default(),
            rate: 16_000,
            channels: 1,
            session: Arc::default(),
            raw: None,
            encoded: None,
        })
    }

    fn post(&self, object: &Value) {
        self.mailbox.push(Kind::Keep, object.to_string().into());
    }

    fn created(&self) {
        let models: Vec<&String> = self.state.models.iter().map(|(name, _)| name).collect();
        let speakers: Vec<String> = self
            .state
            .speakers
            .all()
            .into_iter()
            .map(|(name, _)| name)
            .collect();
        self.post(&json!({
            "type": "session.created", "session": self.name, "model": self.model.0,
            "labels": self.model.1.description().labels, "models": models, "speakers": speakers,
        }));
    }

    /// Takes a text message; whether the session is over.
    fn text(&mut self, text: &str) -> bool {
        let message = match serde_json::from_str(text) {
            Ok(message) => message,
            Err(error) => return self.fail("bad_message", &error.to_string(), 1008),
        };
        match message {
            FromClient::Update(update) => return self.update(*update),
            FromClient::KeepAlive {} => {}
            FromClient::Flush {} => self.command(Command::Flush),
            FromClient::Reset {} => self.command(Command::Reset),
            FromClient::SaveSpeaker { name } => self.save(name),
            FromClient::Close {} => {
                self.close(1000, "closed");
                return true;
            }
        }
        false
    }

    fn save(&self, name: String) {
        let text = match (is_name(&name), self.session.get()) {
            (true, Some(_)) => return self.command(Command::Save(name)),
            (true, None) => "nothing was heard yet".to_owned(),
            (false, _) => format!("{name:?} is no name: letters, digits, spaces, - and _"),
        };
        self.post(&json!({"type": "warning", "code": "not_saved", "message": text}));
    }

    /// Before there is sound, there is nothing to end or to forget.
    fn command(&self, command: Command) {
        if let Some(session) = self.session.get() {
            session.command(&self.state, command);
        }
    }

    fn update(&mut self, update: SessionUpdate) -> bool {
        if self.raw.is_some() || self.encoded.is_some() {
            return self.fail("too_late", "session.update comes before any sound", 1008);
        }
        let rate = update.rate.unwrap_or(16_000);
        let channels = update.channels.unwrap_or(1);
        if !RATES.contains(&rate) || !CHANNELS.contains(&channels) {
            let text = "rate is 8000 to 384000 Hz, channels 1 to 32";
            return self.fail("bad_setting", text, 1008);
        }
        let model = match self.state.model(update.model.as_deref()) {
            Ok(model) => model.clone(),
            Err(error) => return self.fail(error.code, &error.message, 1008),
        };
        let profile = match update
            .speaker
            .as_deref()
            .map(|name| emotions::profile(&self.state, name))
        {
            None => None,
            Some(Ok(profile)) => Some(profile),
            Some(Err(error)) => return self.fail(error.code, &error.message, 1008),
        };
        let settings = update.settings(self.state.live);
        // Whether they can be used is known now, not at the first sound.
        if let Err(error) = opened(&model.1, settings, rate, profile.as_ref()) {
            return self.fail("bad_setting", &error.to_string(), 1008);
        }
        (self.rate, self.channels, self.format) = (rate, channels, update.format);
        (self.model, self.profile, self.settings) = (model, profile, settings);
        let mut object = protocol::settings(&self.settings);
        if let Some(fields) = object.as_object_mut() {
            fields.insert("type".into(), json!("session.updated"));
            fields.insert("model".into(), json!(self.model.0));
            fields.insert("labels".into(), json!(self.model.1.description().labels));
            fields.insert("format".into(), json!(self.format.name()));
            fields.insert("rate".into(), json!(rate));
            fields.insert("channels".into(), json!(channels));
            fields.insert("speaker".into(), json!(update.speaker));
        }
        self.post(&object);
        false
    }

    /// Takes sound; whether the session is over.
    fn sound(&mut self, bytes: Bytes) -> bool {
        if self.raw.is_none() && self.encoded.is_none() {
            if bytes.is_empty() {
                return false;
            }
            if self.format == Format::Auto || begins_file(&bytes) {
                match self.decoder() {
                    Ok(encoded) => self.encoded = Some(encoded),
                    Err(error) => return self.fail("failed", &error.to_string(), 1011),
                }
            } else {
                let begun = self.beginning().begin(self.rate);
                if let Err(text) = begun {
                    return self.fail("busy", &text, 1013);
                }
                self.raw = Some(Raw::new(self.format, self.channels));
            }
        }
        if let Some(encoded) = &self.encoded {
            return match encoded.push(bytes) {
                Ok(()) => false,
                Err(true) => self.fail(
                    "too_fast",
                    "sound comes much faster than it is spoken; send it as it is recorded",
                    1008,
                ),
                // The decoder's thread says why.
                Err(false) => false,
            };
        }
        if let (Some(raw), Some(session)) = (&mut self.raw, self.session.get()) {
            session.push(&self.state, raw.samples(&bytes));
        }
        false
    }

    fn beginning(&self) -> Beginning {
        Beginning {
            state: self.state.clone(),
            mailbox: Arc::clone(&self.mailbox),
            name: self.name.clone(),
            model: self.model.clone(),
            settings: self.settings,
            profile: self.profile.clone(),
            session: Arc::clone(&self.session),
        }
    }

    fn decoder(&self) -> std::io::Result<Encoded> {
        let beginning = self.beginning();
        let ending = Arc::clone(&self.ending);
        Encoded::start(move |decoded| {
            let fail = |text: &str| {
                ending.set(1003, "error");
                beginning
                    .mailbox
                    .push(Kind::Keep, protocol::error("bad_sound", text));
            };
            let session = beginning.session.get();
            match (decoded, session) {
                (Decoded::Rate(rate), _) => match beginning.begin(rate) {
                    Ok(()) => return true,
                    Err(text) => fail(&text),
                },
                (Decoded::Samples(samples), Some(session)) => {
                    session.push(&beginning.state, samples);
                    return true;
                }
                (Decoded::Samples(_), None) => {}
                (Decoded::End(failure), session) => {
                    if let Some(text) = failure {
                        fail(text.trim_start_matches("audio in memory: "));
                    }
                    ending.set(1000, "sound_ended");
                    let (_, reason) = ending.get();
                    match session {
                        Some(session) => session.command(&beginning.state, Command::Close(reason)),
                        None => {
                            let closed = protocol::closed(reason, 0.0, 0.0);
                            beginning.mailbox.push(Kind::Keep, closed);
                            beginning.mailbox.end();
                        }
                    }
                }
            }
            false
        })
    }

    /// Ends with an error; true.
    fn fail(&mut self, code: &str, text: &str, number: u16) -> bool {
        self.mailbox.push(Kind::Keep, protocol::error(code, text));
        self.close(number, "error");
        true
    }

    /// Ends the session with its last words; the first reason counts.
    fn close(&mut self, number: u16, reason: &'static str) {
        self.ending.set(number, reason);
        if self.encoded.take().is_some() {
            // The decoder hears the end of its bytes and closes what it began.
            return;
        }
        match self.session.get() {
            Some(session) => session.command(&self.state, Command::Close(reason)),
            None => {
                let closed = protocol::closed(reason, 0.0, 0.0);
                self.mailbox.push(Kind::Keep, closed);
                self.mailbox.end();
            }
        }
    }
}

fn opened(
    recognizer: &Recognizer,
    settings: SessionSettings,
    rate: u32,
    profile: Option<&Profile>,
) -> Result<Session, LiveError> {
    let mut session = Session::new(recognizer.clone(), settings, rate)?;
    if let Some(profile) = profile {
        session.set_profile(profile.clone())?;
    }
    Ok(session)
}

/// All that a session needs to begin, once its rate is known.
struct Beginning {
    state: Shared,
    mailbox: Arc<Mailbox>,
    name: String,
    model: (String, Recognizer),
    settings: SessionSettings,
    profile: Option<Profile>,
    session: Arc<OnceLock<Arc<LiveSession>>>,
}

impl Beginning {
    fn begin(&self, rate: u32) -> Result<(), String> {
        let (model, recognizer) = &self.model;
        let session = opened(recognizer, self.settings, rate, self.profile.as_ref())
            .map_err(|error| error.to_string())?;
        let mailbox = Arc::clone(&self.mailbox);
        let sessions = &self.state.sessions;
        let begun = sessions.begin(
            &self.state,
            self.name.clone(),
            model,
            session,
            rate,
            mailbox,
        );
        let begun = begun.ok_or("there are too many live sessions; try again later")?;
        self.session
            .set(begun)
            .map_err(|_| "the session has begun already".to_owned())
    }
}
