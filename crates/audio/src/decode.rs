//! Files in, samples out: WAV and FLAC through [Symphonia](https://docs.rs/symphonia).
//!
//! The kind of file is recognised by its content; the extension is not looked
//! at. What happens with files that are not quite right:
//!
//! | file | outcome |
//! |---|---|
//! | WAV cut off inside the samples | the samples that are there |
//! | header states more samples than there are (pipes write 0xFFFFFFFF) | the samples that are there |
//! | header, and no sample | a recording of length 0 (features then say [`TooShort`](AudioError::TooShort)) |
//! | FLAC cut off inside the samples | the whole frames that are there |
//! | cut off inside the header, 0 channels, 0 Hz, no `data` chunk | [`Corrupt`](AudioError::Corrupt) |
//! | samples that are NaN or infinite | [`Corrupt`](AudioError::Corrupt) |
//! | text, pictures, MP3, AIFF, ... whatever the extension | [`Unsupported`](AudioError::Unsupported), naming what it is if known |

use std::fs::File;
use std::io::{self, Cursor, Read, Seek};
use std::path::Path;

use symphonia::core::codecs::audio::AudioDecoderOptions;
use symphonia::core::errors::Error;
use symphonia::core::formats::probe::Hint;
use symphonia::core::formats::{FormatOptions, TrackType};
use symphonia::core::io::{MediaSource, MediaSourceStream};
use symphonia::core::meta::MetadataOptions;

use crate::error::{AudioError, Source};
use crate::recording::Recording;
use crate::resample::SAMPLE_RATES;

/// Samples are reserved at once only up to this many; a header can promise anything.
const RESERVE_AT_MOST: u64 = 1 << 22;

/// Decodes a file.
pub(crate) fn open(path: &Path) -> Result<Recording, AudioError> {
    let name = Source::file(path);
    let io = |source| AudioError::Io {
        path: name.clone(),
        source,
    };
    let mut file = File::open(path).map_err(io)?;
    let metadata = file.metadata().map_err(io)?;
    if metadata.is_dir() {
        return Err(io(io::Error::new(
            io::ErrorKind::IsADirectory,
            "is a folder, where an audio file is needed",
        )));
    }
    if !metadata.is_file() {
        // A pipe cannot be rewound, and decoding may have to.
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(io)?;
        return in_memory(bytes, name);
    }
    let mut head = Vec::new();
    file.by_ref().take(16).read_to_end(&mut head).map_err(io)?;
    file.rewind().map_err(io)?;
    decode(&head, Box::new(file), name)
}

/// Decodes the content of a file.
pub(crate) fn from_bytes(bytes: Vec<u8>) -> Result<Recording, AudioError> {
    in_memory(bytes, Source::Memory)
}

fn in_memory(bytes: Vec<u8>, name: Source) -> Result<Recording, AudioError> {
    let head = bytes[..bytes.len().min(16)].to_vec();
    decode(&head, Box::new(Cursor::new(bytes)), name)
}

fn decode(
    head: &[u8],
    source: Box<dyn MediaSource>,
    name: Source,
) -> Result<Recording, AudioError> {
    let corrupt = |what: String| AudioError::Corrupt {
        path: name.clone(),
        what,
    };
    match Kind::of(head) {
        Kind::Empty => return Err(corrupt("the file is empty".into())),
        Kind::Other(what) => {
            return Err(AudioError::Unsupported {
                path: name,
                what: format!("this is {what}, which cannot be read here"),
            });
        }
        Kind::Unknown => {
            return Err(AudioError::Unsupported {
                path: name,
                what: "this is no kind of audio known here".into(),
            });
        }
        Kind::Wav | Kind::Flac if head.len() < 12 => {
            return Err(corrupt("it ends inside the header".into()));
        }
        Kind::Wav | Kind::Flac => {}
    }
    let failed = |error: Error, doing: &str| match error {
        Error::IoError(e) if e.kind() != io::ErrorKind::UnexpectedEof => AudioError::Io {
            path: name.clone(),
            source: e,
        },
        Error::IoError(_) => corrupt(format!("it ends inside {doing}")),
        Error::Unsupported(what) if !what.contains("missing") => AudioError::Unsupported {
            path: name.clone(),
            what: what.to_owned(),
        },
        other => corrupt(format!("{other} in {doing}")),
    };

    let stream = MediaSourceStream::new(source, Default::default());
    let mut format = symphonia::default::get_probe()
        .probe(
            &Hint::new(),
            stream,
            FormatOptions::default(),
            MetadataOptions::default(),
        )
        .map_err(|e| failed(e, "the header"))?;
    let (track_id, parameters, promised) = {
        let track = format
            .default_track(TrackType::Audio)
            .ok_or_else(|| corrupt("there is no audio in it".into()))?;
        let parameters = track
            .codec_params
            .as_ref()
            .and_then(|p| p.audio())
            .ok_or_else(|| corrupt("the header does not say how samples are stored".into()))?;
        (track.id, parameters.clone(), track.num_frames.unwrap_or(0))
    };
    let sample_rate = parameters.sample_rate.unwrap_or(0);
    if !SAMPLE_RATES.contains(&sample_rate) {
        return Err(corrupt(format!(
            "the header states a sample rate of {sample_rate} Hz (taken: {} to {})",
            SAMPLE_RATES.start(),
            SAMPLE_RATES.end()
        )));
    }
    let mut decoder = symphonia::default::get_codecs()
        .make_audio_decoder(&parameters, &AudioDecoderOptions::default())
        .map_err(|e| failed(e, "the header"))?;

    let mut samples = Vec::with_capacity(promised.min(RESERVE_AT_MOST) as usize);
    let mut interleaved: Vec<f32> = Vec::new();
    loop {
        let packet = match format.next_packet() {
            Ok(Some(packet)) => packet,
            Ok(None) | Err(Error::ResetRequired) => break,
            Err(Error::IoError(e)) if e.kind() == io::ErrorKind::UnexpectedEof => break,
            Err(e) => return Err(failed(e, "the samples")),
        };
        if packet.track_id != track_id {
            continue;
        }
        match decoder.decode(&packet) {
            Ok(buffer) => {
                let channels = buffer.num_planes();
                buffer.copy_to_vec_interleaved(&mut interleaved);
                mix_to_mono(&interleaved, channels, &mut samples);
            }
            // The last, incomplete packet of a file that was cut off.
            Err(Error::IoError(e)) if e.kind() == io::ErrorKind::UnexpectedEof => break,
            Err(e) => return Err(failed(e, "the samples")),
        }
    }
    if let Some(at) = samples.iter().position(|s| !s.is_finite()) {
        return Err(corrupt(format!(
            "sample {at} is {}, which is no sound",
            samples[at]
        )));
    }
    Ok(Recording {
        samples,
        sample_rate,
    })
}

/// Appends the mean over the channels.
fn mix_to_mono(interleaved: &[f32], channels: usize, mono: &mut Vec<f32>) {
    match channels {
        0 => {}
        1 => mono.extend_from_slice(interleaved),
        _ => {
            let scale = 1.0 / channels as f32;
            mono.extend(
                interleaved
                    .chunks_exact(channels)
                    .map(|frame| frame.iter().sum::<f32>() * scale),
            );
        }
    }
}

/// What a file is, by its first bytes.
enum Kind {
    Empty,
    Wav,
    Flac,
    /// Known, but not read by this build.
    Other(&'static str),
    Unknown,
}

impl Kind {
    fn of(head: &[u8]) -> Kind {
        let at = |from: usize, mark: &[u8]| head.get(from..from + mark.len()) == Some(mark);
        if head.is_empty() {
            Kind::Empty
        } else if at(0, b"RIFF") && (at(8, b"WAVE") || head.len() < 12) {
            Kind::Wav
        } else if at(0, b"fLaC") {
            Kind::Flac
        } else if at(0, b"RIFF") {
            Kind::Other("a RIFF file other than WAV")
        } else if at(0, b"RIFX") {
            Kind::Other("a big-endian WAV (RIFX)")
        } else if at(0, b"RF64") || at(0, b"BW64") {
            Kind::Other("a WAV over 4 GB (RF64)")
        } else if at(0, b"FORM") {
            Kind::Other("AIFF audio")
        } else if at(0, b"OggS") {
            Kind::Other("Ogg audio (Vorbis or Opus)")
        } else if at(0, b"caff") {
            Kind::Other("Apple CAF audio")
        } else if at(4, b"ftyp") {
            Kind::Other("MP4/M4A audio")
        } else if at(0, &[0x1A, 0x45, 0xDF, 0xA3]) {
            Kind::Other("Matroska/WebM audio")
        } else if at(0, b"ID3") {
            Kind::Other("audio with an ID3 tag in front, most likely MP3")
        } else if head.len() > 1 && head[0] == 0xFF && head[1] & 0xE0 == 0xE0 {
            Kind::Other("MP3 or AAC audio")
        } else if head.iter().all(|b| matches!(b, 9 | 10 | 13 | 32..=126)) {
            Kind::Other("a text file")
        } else {
            Kind::Unknown
        }
    }
}
