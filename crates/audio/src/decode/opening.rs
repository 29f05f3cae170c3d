//! From a file, bytes or a pipe to a [`Decoder`] with its first block.

use std::fs::File;
use std::io::{self, Cursor, Read};
use std::path::Path;
use std::sync::Arc;

use symphonia::core::io::MediaSourceStream;

use super::codec::TrackCodec;
use super::container::{audio_track, demuxer, recognise};
use super::decoder::{Decoder, Input, Track};
use super::failure::{Failure, corrupt, failed, guarded, unsupported};
use super::kind::Kind;
use super::pcm::Pcm;
use super::riff::{Codec, Fault, Layout};
use super::settings::DecodeSettings;
use super::source::{Reader, View};
use crate::error::{AudioError, Source};

impl Decoder {
    /// Opens a file. A pipe or a device is read as it arrives, forward only.
    ///
    /// # Errors
    ///
    /// [`AudioError::Io`], [`AudioError::Unsupported`], [`AudioError::Corrupt`]
    /// or [`AudioError::TooLong`], each naming the file; [`AudioError::Settings`]
    /// if the file does not have the requested channel.
    pub fn open(path: impl AsRef<Path>, settings: &DecodeSettings) -> Result<Self, AudioError> {
        let name = Source::file(path.as_ref());
        let io = |source| AudioError::Io {
            path: name.clone(),
            source,
        };
        let file = File::open(path).map_err(io)?;
        let metadata = file.metadata().map_err(io)?;
        if metadata.is_dir() {
            return Err(io(io::Error::new(
                io::ErrorKind::IsADirectory,
                "is a folder, not an audio file",
            )));
        }
        let reader = if metadata.is_file() {
            Reader::seekable(Box::new(file)).map_err(io)?
        } else {
            Reader::stream(Box::new(file), bytes_at_most(settings))
        };
        Self::new(reader, name, settings)
    }

    /// Decodes the content of a file from memory. The decoder keeps the bytes: a
    /// `Vec<u8>`, an `Arc<[u8]>` or anything else that owns them.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open), without the file's name.
    pub fn from_bytes(
        bytes: impl AsRef<[u8]> + Send + Sync + 'static,
        settings: &DecodeSettings,
    ) -> Result<Self, AudioError> {
        let reader = Reader::seekable(Box::new(Cursor::new(bytes))).map_err(in_memory)?;
        Self::new(reader, Source::Memory, settings)
    }

    /// Decodes a pipe or a connection as the bytes arrive. Only MP4 and CAF, whose
    /// index may come after the samples, are read into memory first.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open), without the file's name.
    pub fn from_reader(
        reader: impl Read + Send + Sync + 'static,
        settings: &DecodeSettings,
    ) -> Result<Self, AudioError> {
        let reader = Reader::stream(Box::new(reader), bytes_at_most(settings));
        Self::new(reader, Source::Memory, settings)
    }

    /// Recognises the file, reads its header and decodes the first block.
    fn new(mut file: Reader, name: Source, settings: &DecodeSettings) -> Result<Self, AudioError> {
        let limits = settings.limits;
        if let Some(length) = file.length() {
            limits.check_file(length, &name)?;
        }
        let kind = recognise(&mut file).map_err(|e| failed(e.into(), "the header", &name))?;
        if matches!(kind, Kind::Mp4 | Kind::Caf) && !file.is_seekable() {
            file = file
                .into_memory()
                .map_err(|e| failed(e.into(), "the file", &name))?;
        }
        let corrupt = |what: &str| corrupt(&name, what);
        let (kind, view, layout) = match kind {
            Kind::Empty => return Err(corrupt("the file is empty")),
            Kind::Other(what) => {
                return Err(unsupported(
                    &name,
                    format!("this is {what}, which is not supported"),
                ));
            }
            Kind::Unknown | Kind::Tag(_) => {
                return Err(unsupported(
                    &name,
                    "this is not a known kind of audio file".into(),
                ));
            }
            Kind::Wav => {
                let layout = Layout::read(&mut file).map_err(|fault| match fault {
                    Fault::Io(e) => failed(e.into(), "the header", &name),
                    Fault::Corrupt(what) => corrupt(&what),
                    Fault::Unsupported(what) => unsupported(&name, what),
                })?;
                if layout.codec() == Codec::Mpeg && layout.data_length == Some(0) {
                    return Err(corrupt("there is no audio in it"));
                }
                if Pcm::is_in(&layout) {
                    return Self::of_pcm(&layout, file, name, settings);
                }
                let kind = match layout.codec() {
                    Codec::Mpeg => Kind::Mpeg,
                    _ => Kind::Wav,
                };
                let view = |file| View::new(layout.header(), file, layout.data_length);
                let (length, position) = (file.length(), file.shared_position());
                (kind, (view(file), length, position), Some(layout))
            }
            _ => {
                let (length, position) = (file.length(), file.shared_position());
                (
                    kind,
                    (View::new(Vec::new(), file, None), length, position),
                    None,
                )
            }
        };
        let (view, file_length, file_position) = view;
        let stream = MediaSourceStream::new(Box::new(view), Default::default());
        let format = guarded(|| demuxer(kind, stream)).map_err(|e| match e {
            Failure::NotBuiltIn(feature) => unsupported(
                &name,
                format!(
                    "this is {} audio, which this build does not include (feature `{feature}`)",
                    kind.name()
                ),
            ),
            Failure::Symphonia(e) => failed(e, "the header", &name),
        })?;
        let (track, parameters) = audio_track(format.as_ref(), &name)?;
        let track_id = track.id;
        let samples = layout.as_ref().and_then(Layout::samples);
        let expected = match kind {
            Kind::Wav => samples,
            _ => track.num_frames,
        };
        let adpcm_block = layout.as_ref().and_then(Layout::adpcm_block);
        let codec = TrackCodec::new(&parameters, kind, &name)?;
        let skip = codec.skip();
        let input = Input::Track(Track {
            format,
            codec,
            kind,
            id: track_id,
            adpcm_block,
        });
        Decoder {
            skip,
            sample_rate: parameters.sample_rate.unwrap_or(0),
            channels: parameters.channels.as_ref().map_or(0, |c| c.count()),
            expected: expected.map(|n| n.saturating_sub(skip as u64)),
            end: adpcm_block.and(samples),
            file_length,
            file_position,
            ..Self::before_the_first(input, name, settings)
        }
        .with_first_block(kind == Kind::Wav)
    }

    /// A WAV file of uncompressed samples, read up to the first of them.
    fn of_pcm(
        layout: &Layout,
        file: Reader,
        name: Source,
        settings: &DecodeSettings,
    ) -> Result<Self, AudioError> {
        let (file_length, file_position) = (file.length(), file.shared_position());
        let Some(pcm) = Pcm::new(layout, file) else {
            return Err(unsupported(
                &name,
                "it is a WAV file of compressed samples".into(),
            ));
        };
        Decoder {
            sample_rate: layout.sample_rate,
            channels: pcm.channels(),
            expected: layout.samples(),
            file_length,
            file_position,
            ..Self::before_the_first(Input::Pcm(pcm), name, settings)
        }
        .with_first_block(true)
    }

    /// A decoder before anything is read.
    fn before_the_first(input: Input, name: Source, settings: &DecodeSettings) -> Self {
        Decoder {
            input,
            name,
            take: settings.channels,
            limits: settings.limits,
            sample_rate: 0,
            channels: 0,
            expected: None,
            end: None,
            skip: 0,
            interleaved: Vec::new(),
            block: Vec::new(),
            block_is_new: false,
            position: 0,
            damaged: 0,
            decoded: 0,
            finished: false,
            file_length: None,
            file_position: Arc::default(),
        }
    }
}

fn bytes_at_most(settings: &DecodeSettings) -> u64 {
    settings.limits.max_file_bytes.unwrap_or(u64::MAX)
}

fn in_memory(source: io::Error) -> AudioError {
    AudioError::Io {
        path: Source::Memory,
        source,
    }
}
