//! Microphones through PulseAudio's protocol, which PipeWire speaks too: no C library.
//!
//! A server that is killed sends nothing and no error, so silence on the connection for
//! a while is an error.

use std::ffi::{CStr, CString};
use std::io::{BufReader, Read};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use pulseaudio::protocol::stream::BufferAttr;
use pulseaudio::protocol::{self as pulse, Command};

use super::microphone::{AWAY_AFTER, RATE};

/// Bytes of a fragment: 20 ms of floats.
const FRAGMENT: u32 = RATE / 50 * 4;
/// A connection to the server.
struct Connection {
    socket: BufReader<UnixStream>,
    version: u16,
    next: u32,
}

/// A microphone that is open.
pub struct Stream {
    connection: Connection,
    description: String,
}

/// The microphones: name, description, whether it is the default.
///
/// # Errors
///
/// Where no server answers.
pub fn list() -> Result<Vec<(String, String, bool)>> {
    let mut connection = Connection::open()?;
    let server: pulse::ServerInfo = connection.ask(&Command::GetServerInfo)?;
    let default = server.default_source_name.unwrap_or_default();
    let sources = connection.sources()?;
    let microphones = sources.into_iter().map(|source| {
        let is_default = source.name == default;
        (text(&source.name), description(&source), is_default)
    });
    Ok(microphones.collect())
}

impl Stream {
    /// Opens a microphone: by its name or a part of its description, else the system's
    /// choice.
    ///
    /// # Errors
    ///
    /// Where no microphone can be opened.
    pub fn open(name: Option<&str>) -> Result<Self> {
        let mut connection = Connection::open()?;
        let source = match name {
            None => {
                connection.ask::<pulse::SourceInfo>(&Command::GetSourceInfo(pulse::GetSourceInfo {
                    name: Some(pulse::DEFAULT_SOURCE.to_owned()),
                    ..Default::default()
                }))
            }
            Some(name) => connection.source(name),
        };
        let source = source.context("no microphone can be opened; `affekt devices` lists them")?;
        let _: pulse::CreateRecordStreamReply =
            connection.ask(&Command::CreateRecordStream(pulse::RecordStreamParams {
                sample_spec: pulse::SampleSpec {
                    format: pulse::SampleFormat::Float32Le,
                    channels: 1,
                    sample_rate: RATE,
                },
                channel_map: pulse::ChannelMap::mono(),
                source_index: Some(source.index),
                buffer_attr: BufferAttr {
                    max_length: u32::MAX,
                    fragment_size: FRAGMENT,
                    ..Default::default()
                },
                flags: pulse::stream::StreamFlags {
                    adjust_latency: true,
                    ..Default::default()
                },
                cvolume: Some(pulse::ChannelVolume::norm(1)),
                ..Default::default()
            }))?;
        let socket = connection.socket.get_ref();
        socket.set_read_timeout(Some(AWAY_AFTER))?;
        Ok(Stream {
            description: description(&source),
            connection,
        })
    }

    /// What it is called, for people.
    pub fn description(&self) -> &str {
        &self.description
    }

    /// The next samples at [`RATE`].
    ///
    /// # Errors
    ///
    /// Where nothing comes any more.
    pub fn next(&mut self) -> Result<Vec<f32>> {
        let connection = &mut self.connection;
        loop {
            let packet = pulse::read_descriptor(&mut connection.socket)
                .context("the microphone sends nothing any more")?;
            if packet.length > 1 << 20 {
                bail!("the sound server sends nonsense");
            }
            let mut bytes = vec![0; packet.length as usize];
            connection.socket.read_exact(&mut bytes)?;
            // All bits: a message from the server, about volumes and the like; but a
            // stream that ends is one too.
            if packet.channel != u32::MAX {
                let (samples, _) = bytes.as_chunks();
                return Ok(samples
                    .iter()
                    .map(|bytes| f32::from_le_bytes(*bytes))
                    .collect());
            }
            let message = Command::read_tag_prefixed(&mut bytes.as_slice(), connection.version);
            if let Ok((_, Command::RecordStreamKilled(_))) = message {
                bail!("the microphone was taken away");
            }
        }
    }
}

impl Connection {
    fn open() -> Result<Self> {
        let path = socket_path().context(
            "there is no PulseAudio or PipeWire here; pipe the sound in instead: arecord -t raw -f \
             S16_LE -r 16000 | affekt listen - --raw s16le --rate 16000",
        )?;
        let socket = UnixStream::connect(&path)
            .with_context(|| format!("no sound server answers at {}", path.display()))?;
        socket.set_read_timeout(Some(AWAY_AFTER))?;
        let mut connection = Connection {
            socket: BufReader::new(socket),
            version: pulse::MAX_VERSION,
            next: 0,
        };
        let cookie = pulseaudio::cookie_path_from_env().and_then(|path| std::fs::read(path).ok());
        let reply: pulse::AuthReply = connection.ask(&Command::Auth(pulse::AuthParams {
            version: pulse::MAX_VERSION,
            supports_shm: false,
            supports_memfd: false,
            cookie: cookie.unwrap_or_default(),
        }))?;
        connection.version = pulse::MAX_VERSION.min(reply.version);
        let mut named = pulse::Props::new();
        named.set(pulse::Prop::ApplicationName, CString::from(c"affekt"));
        let _: pulse::SetClientNameReply = connection.ask(&Command::SetClientName(named))?;
        Ok(connection)
    }

    fn ask<T: pulse::CommandReply>(&mut self, command: &Command) -> Result<T> {
        let number = self.next;
        self.next += 1;
        pulse::write_command_message(self.socket.get_mut(), number, command, self.version)?;
        let (_, reply) = pulse::read_reply_message(&mut self.socket, self.version)
            .context("the sound server refuses")?;
        Ok(reply)
    }

    /// All sources, those that repeat what a loudspeaker plays among them.
    fn sources(&mut self) -> Result<Vec<pulse::SourceInfo>> {
        self.ask(&Command::GetSourceInfoList)
    }

    fn source(&mut self, name: &str) -> Result<pulse::SourceInfo> {
        let lower = name.to_lowercase();
        let mut sources = self.sources()?;
        let exact = sources.iter().position(|source| text(&source.name) == name);
        let like = |source: &pulse::SourceInfo| description(source).to_lowercase().contains(&lower);
        match exact.or_else(|| sources.iter().position(like)) {
            Some(index) => Ok(sources.swap_remove(index)),
            None => bail!("there is no microphone {name:?}"),
        }
    }
}

/// Where the server listens: the first of the environment's places, and of the usual
/// ones, that exists.
fn socket_path() -> Option<PathBuf> {
    let from = |name: &str| std::env::var(name).ok().map(PathBuf::from);
    let server = std::env::var("PULSE_SERVER").ok();
    let server = server.map(|server| PathBuf::from(server.trim_start_matches("unix:")));
    let user = std::fs::read_to_string("/proc/self/loginuid").ok();
    let user = user.map(|user| PathBuf::from(format!("/run/user/{}/pulse/native", user.trim())));
    let places = [
        server,
        from("PULSE_RUNTIME_PATH").map(|folder| folder.join("native")),
        from("XDG_RUNTIME_DIR").map(|folder| folder.join("pulse/native")),
        user,
    ];
    places.into_iter().flatten().find(|path| path.exists())
}

fn description(source: &pulse::SourceInfo) -> String {
    text(source.description.as_ref().unwrap_or(&source.name))
}

fn text(name: &CStr) -> String {
    name.to_string_lossy().into_owned()
}
