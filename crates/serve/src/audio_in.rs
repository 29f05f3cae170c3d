//! Sound from a WebSocket: raw samples, or a file's bytes as they arrive.

use std::io::Read;
use std::sync::{Arc, mpsc};

use audio::{DecodeSettings, Decoder};
use axum::body::Bytes;

use crate::protocol::Format;

/// Pieces of a file that wait for its decoder.
const PIECES: usize = 64;

/// Whether bytes begin a file of a kind that is read from a stream.
pub(crate) fn begins_file(bytes: &[u8]) -> bool {
    let begins: [&[u8]; 6] = [
        b"RIFF",
        b"RF64",
        b"fLaC",
        b"OggS",
        b"\x1A\x45\xDF\xA3",
        b"ID3",
    ];
    begins.iter().any(|begin| bytes.starts_with(begin))
}

/// Raw samples to mono; what is cut off in the middle of a frame waits for the rest.
pub(crate) struct Raw {
    format: Format,
    channels: usize,
    rest: Vec<u8>,
}

impl Raw {
    pub(crate) fn new(format: Format, channels: u16) -> Self {
        Self {
            format,
            channels: usize::from(channels),
            rest: Vec::new(),
        }
    }

    pub(crate) fn samples(&mut self, bytes: &[u8]) -> Vec<f32> {
        self.rest.extend_from_slice(bytes);
        let width = match self.format {
            Format::F32le => 4,
            _ => 2,
        };
        let frame = width * self.channels;
        let whole = self.rest.len() / frame * frame;
        let value = |bytes: &[u8]| match *bytes {
            [a, b, c, d] => f32::from_le_bytes([a, b, c, d]),
            [a, b] => f32::from(i16::from_le_bytes([a, b])) / 32_768.0,
            _ => 0.0,
        };
        let mean = |frame: &[u8]| {
            let sum: f32 = frame.chunks_exact(width).map(value).sum();
            sum / self.channels as f32
        };
        let samples = self.rest[..whole].chunks_exact(frame).map(mean).collect();
        self.rest.drain(..whole);
        samples
    }
}

/// A file whose bytes arrive: a thread decodes them.
pub(crate) struct Encoded {
    bytes: mpsc::SyncSender<Bytes>,
}

/// What a decoder's thread has to say.
pub(crate) enum Decoded {
    /// The rate of the samples that follow.
    Rate(u32),
    Samples(Vec<f32>),
    /// The end, with what is wrong.
    End(Option<String>),
}

impl Encoded {
    /// Starts the thread; `each` is called in it.
    pub(crate) fn start(each: impl Fn(Decoded) -> bool + Send + 'static) -> std::io::Result<Self> {
        let (sender, receiver) = mpsc::sync_channel(PIECES);
        let reader = Pieces {
            receiver: Arc::new(std::sync::Mutex::new(receiver)),
            piece: Bytes::new(),
        };
        let run = move || {
            let end = decode(reader, &each).err();
            each(Decoded::End(end.map(|error| error.to_string())));
        };
        std::thread::Builder::new()
            .name("decoder".into())
            .spawn(run)?;
        Ok(Self { bytes: sender })
    }

    /// Hands over bytes; false if the decoder is behind or has ended.
    pub(crate) fn push(&self, bytes: Bytes) -> Result<(), bool> {
        self.bytes.try_send(bytes).map_err(|error| match error {
            mpsc::TrySendError::Full(_) => true,
            mpsc::TrySendError::Disconnected(_) => false,
        })
    }
}

fn decode(reader: Pieces, each: &impl Fn(Decoded) -> bool) -> Result<(), audio::AudioError> {
    let mut decoder = Decoder::from_reader(reader, &DecodeSettings::default())?;
    each(Decoded::Rate(decoder.sample_rate()));
    while let Some(block) = decoder.next_block()? {
        if !each(Decoded::Samples(block.to_vec())) {
            break;
        }
    }
    Ok(())
}

struct Pieces {
    receiver: Arc<std::sync::Mutex<mpsc::Receiver<Bytes>>>,
    piece: Bytes,
}

impl Read for Pieces {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        if self.piece.is_empty() {
            let receiver = self.receiver.lock();
            let receiver = receiver.map_err(|_| std::io::Error::other("poisoned"))?;
            match receiver.recv() {
                Ok(piece) => self.piece = piece,
                Err(mpsc::RecvError) => return Ok(0),
            }
        }
        let length = buffer.len().min(self.piece.len());
        buffer[..length].copy_from_slice(&self.piece.split_to(length));
        Ok(length)
    }
}
