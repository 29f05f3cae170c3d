//! Sound of a file or of standard input.

use std::io::{Cursor, Read};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow};
use audio::{DecodeSettings, Decoder};
use live::{Full, Queue};

use super::{Opened, Running};

/// Seconds of sound that wait at most.
const WAITING: f64 = 2.0;
/// Seconds of sound handed over at once at a file's own pace.
const PIECE: f64 = 0.02;

/// How raw samples on standard input are stored.
#[derive(clap::ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum RawFormat {
    /// 16-bit integers, little-endian.
    S16le,
    /// 32-bit floats, little-endian.
    F32le,
}

/// Samples without a header.
#[derive(Clone, Copy, Debug)]
pub struct Raw {
    /// How they are stored.
    pub format: RawFormat,
    /// Samples per second.
    pub rate: u32,
    /// Channels, interleaved.
    pub channels: u16,
}

impl Raw {
    /// The header of a WAV that goes on to the end.
    fn header(self) -> Vec<u8> {
        let (tag, bytes) = match self.format {
            RawFormat::S16le => (1u16, 2u16),
            RawFormat::F32le => (3, 4),
        };
        let block = self.channels.saturating_mul(bytes);
        let a_second = self.rate.saturating_mul(block.into());
        let mut header = Vec::with_capacity(44);
        header.extend(b"RIFF\xFF\xFF\xFF\xFFWAVEfmt \x10\0\0\0");
        header.extend(tag.to_le_bytes());
        header.extend(self.channels.to_le_bytes());
        header.extend(self.rate.to_le_bytes());
        header.extend(a_second.to_le_bytes());
        header.extend(block.to_le_bytes());
        header.extend((8 * bytes).to_le_bytes());
        header.extend(b"data\xFF\xFF\xFF\xFF");
        header
    }
}

/// A file, or standard input.
pub struct FileSound {
    /// The file; none is standard input.
    pub path: Option<PathBuf>,
    /// For standard input without a header.
    pub raw: Option<Raw>,
    /// As fast as it was recorded, not as fast as it can be read.
    pub pace: bool,
}

impl FileSound {
    pub(super) fn run(self, settings: &DecodeSettings, opened: &Opened) {
        let mut decoder = match self.open(settings) {
            Ok(decoder) => decoder,
            Err(error) => {
                // Whoever waits for it is still there.
                let _ = opened.send(Err(error));
                return;
            }
        };
        let rate = decoder.sample_rate();
        let queue = Arc::new(Queue::new(rate, WAITING, Full::Wait));
        let name = match &self.path {
            Some(path) => path.display().to_string(),
            None => "standard input".to_owned(),
        };
        let _ = opened.send(Ok(Running {
            queue: Arc::clone(&queue),
            sample_rate: rate,
            name: name.clone(),
        }));
        let end = match hand_over(&mut decoder, &queue, self.pace) {
            Ok(()) => None,
            Err(error) => Some(format!("{error:#}")),
        };
        let seconds = decoder.position() as f64 / f64::from(rate);
        for note in decoder.reading().notes(seconds) {
            eprintln!("note: {name}: {note}");
        }
        queue.end(end);
    }

    fn open(&self, settings: &DecodeSettings) -> Result<Decoder> {
        if let Some(path) = &self.path {
            return Ok(Decoder::open(path, settings)?);
        }
        let input = std::io::stdin();
        let decoder = match self.raw {
            Some(raw) => Decoder::from_reader(Cursor::new(raw.header()).chain(input), settings),
            None => Decoder::from_reader(input, settings),
        };
        decoder.map_err(|error| {
            let what = error.to_string();
            let what = what.trim_start_matches("audio in memory: ");
            match self.raw {
                Some(_) => anyhow!("standard input: {what}"),
                None => anyhow!(
                    "standard input: {what}. If these are samples without a header, say how they \
                     are stored: --raw s16le --rate 16000 --channels 1"
                ),
            }
        })
    }
}

fn hand_over(decoder: &mut Decoder, queue: &Queue, pace: bool) -> Result<()> {
    let rate = f64::from(decoder.sample_rate());
    let (began, mut given) = (Instant::now(), 0usize);
    while let Some(block) = decoder.next_block()? {
        let at_once = match pace {
            true => (PIECE * rate) as usize,
            false => block.len(),
        };
        for piece in block.chunks(at_once.max(1)) {
            given += piece.len();
            if pace {
                let due = Duration::from_secs_f64(given as f64 / rate);
                std::thread::sleep(due.saturating_sub(began.elapsed()));
            }
            if !queue.push(piece.to_vec()) {
                return Ok(());
            }
        }
    }
    Ok(())
}
