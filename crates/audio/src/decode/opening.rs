//! From a file, bytes or a pipe to a [`Decoder`] with its first block.

use std::fs::File;
use std::io::{self, Cursor, Read};
use std::path::Path;
use std::sync::{Arc, Mutex};

use symphonia::core::io::MediaSourceStream;

use super::channels::Levels;
use super::codec::TrackCodec;
use super::container::{TrackChoice, audio_track, audio_tracks, demuxer, recognise};
use super::decoder::Decoder;
use super::elementary::{Elementary, Family};
use super::failure::{Failure, corrupt, failed, guarded, unsupported};
use super::held::{held, held_at_the_start};
use super::input::Input;
use super::kind::Kind;
use super::layout::{Codec, Fault, Layout};
use super::loss::Loss;
use super::pcm::Pcm;
use super::settings::{Channels, DecodeSettings};
use super::source::{Reader, View};
use super::structure::Structure;
use super::track::{Blocks, Track};
use super::{au, mp4, riff, sphere};
use crate::error::{AudioError, Source};

/// Packets in a run of an MP4's fragment, three hours of AAC. Symphonia counts to any
/// number that is stated, adds up all before a packet for every one, and makes room for
/// a packet of any size.
const RUN_AT_MOST: u32 = 1 << 19;

impl Decoder {
    /// Opens a file. A pipe or a device is read as it arrives, forward only.
    ///
    /// # Errors
    ///
    /// [`AudioError::Io`], [`AudioError::Unsupported`], [`AudioError::Corrupt`]
    /// or [`AudioError::TooLong`], each naming the file; [`AudioError::Settings`]
    /// if the file does not have the requested channel.
    pub fn open(path: impl AsRef<Path>, settings: &DecodeSettings) -> Result<Self, AudioError> {
        let path = path.as_ref();
        if settings.channels == Channels::Loudest {
            let mixed = Self::open(path, &settings.mixed())?;
            return Self::open(path, &settings.with_loudest_of(mixed)?);
        }
        let name = Source::file(path);
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
        if settings.channels == Channels::Loudest {
            let bytes: Arc<dyn AsRef<[u8]> + Send + Sync> = Arc::new(bytes);
            let open = |settings: &DecodeSettings| {
                let bytes = Shared(Arc::clone(&bytes));
                let reader = Reader::seekable(Box::new(Cursor::new(bytes))).map_err(in_memory)?;
                Self::new(reader, Source::Memory, settings)
            };
            let mixed = open(&settings.mixed())?;
            return open(&settings.with_loudest_of(mixed)?);
        }
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
        if settings.channels == Channels::Loudest {
            let mut bytes = Vec::new();
            let mut reader = Reader::stream(Box::new(reader), bytes_at_most(settings));
            reader
                .read_to_end(&mut bytes)
                .map_err(|e| failed(e.into(), "the file", &Source::Memory))?;
            return Self::from_bytes(bytes, settings);
        }
        let reader = Reader::stream(Box::new(reader), bytes_at_most(settings));
        Self::new(reader, Source::Memory, settings)
    }

    /// Recognises the file, reads its header and decodes the first block.
    fn new(mut file: Reader, name: Source, settings: &DecodeSettings) -> Result<Self, AudioError> {
        settings.check()?;
        if let Some(length) = file.length() {
            settings.limits.check_file(length, &name)?;
        }
        let read = |e: io::Error, what: &str| failed(e.into(), what, &name);
        let kind = recognise(&mut file).map_err(|e| read(e, "the header"))?;
        if matches!(kind, Kind::Mp4 | Kind::Caf) && !file.is_seekable() {
            file = file.into_memory().map_err(|e| read(e, "the file"))?;
        }
        match kind {
            Kind::Empty => Err(corrupt(&name, "the file is empty")),
            Kind::Other(what) => Err(unsupported(
                &name,
                format!("this is {what}, which is not supported"),
            )),
            Kind::Text => Err(unsupported(
                &name,
                "this is a text file, which has no sound".into(),
            )),
            Kind::Unknown | Kind::Tag(_) => Err(unsupported(
                &name,
                "this is not a known kind of audio file".into(),
            )),
            Kind::Riff | Kind::Wave64 | Kind::Au | Kind::Sphere => {
                Self::of_samples(kind, file, name, settings)
            }
            Kind::Mpeg => Self::of_frames(Family::Mpeg, file, None, name, settings),
            Kind::Adts => Self::of_frames(Family::Adts, file, None, name, settings),
            _ => Self::of_track(kind, file, None, name, settings),
        }
    }

    /// A header and then samples.
    fn of_samples(
        kind: Kind,
        mut file: Reader,
        name: Source,
        settings: &DecodeSettings,
    ) -> Result<Self, AudioError> {
        let read = |file: &mut Reader| match kind {
            Kind::Wave64 => riff::read_wave64(file),
            Kind::Au => au::read(file),
            Kind::Sphere => sphere::read(file),
            _ => riff::read(file),
        };
        let mut layout = match file.is_seekable() {
            true => read(&mut file),
            false => {
                // To return to the start if the format comes after the samples.
                file.remember();
                read(&mut file)
            }
        };
        if matches!(layout, Err(Fault::NeedsSeeking)) {
            let whole = file.into_memory();
            file = whole.map_err(|e| failed(e.into(), "the file", &name))?;
            layout = read(&mut file);
        }
        file.forget();
        let layout = layout.map_err(|fault| match fault {
            Fault::Io(e) => failed(e.into(), "the header", &name),
            Fault::Corrupt(what) => corrupt(&name, &what),
            Fault::Unsupported(what) => unsupported(&name, what),
            Fault::NeedsSeeking => corrupt(&name, "it has no format chunk with its samples"),
        })?;
        if layout.codec == Codec::Mpeg {
            if layout.data_length() == Some(0) {
                return Err(corrupt(&name, "there is no audio in it"));
            }
            return Self::of_frames(Family::Mpeg, file, layout.data_length(), name, settings);
        }
        let (file_length, file_position) = (file.length(), file.shared_position());
        let pcm = match Pcm::new(&layout, file) {
            Ok(pcm) => pcm,
            Err(file) => return Self::of_track(kind, file, Some(layout), name, settings),
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

    /// MPEG audio or AAC, frame after frame, of `length` bytes.
    fn of_frames(
        family: Family,
        file: Reader,
        length: Option<u64>,
        name: Source,
        settings: &DecodeSettings,
    ) -> Result<Self, AudioError> {
        let (built_in, feature) = match family {
            Family::Mpeg => (cfg!(feature = "mp3"), "mp3"),
            Family::Adts => (cfg!(feature = "aac"), "aac"),
        };
        if !built_in {
            return Err(not_built_in(&name, family.name(), feature));
        }
        let (file_length, file_position) = (file.length(), file.shared_position());
        let frames = Elementary::new(View::new(Vec::new(), file, length), family);
        Decoder {
            file_length,
            file_position,
            ..Self::before_the_first(Input::Elementary(Box::new(frames)), name, settings)
        }
        .with_first_block(false)
    }

    /// A track of a container, or what a WAV's header describes.
    fn of_track(
        kind: Kind,
        mut file: Reader,
        layout: Option<Layout>,
        name: Source,
        settings: &DecodeSettings,
    ) -> Result<Self, AudioError> {
        let index = match kind {
            Kind::Mp4 => mp4::index(&mut file),
            _ => Ok(mp4::Index::default()),
        };
        let index = index.map_err(|e| failed(e.into(), "the header", &name))?;
        if kind == Kind::Ogg
            && let Some(inside) = held_at_the_start(&mut file)
        {
            return Err(unsupported(
                &name,
                format!("it holds {inside}, which is not supported"),
            ));
        }
        let structure = match Structure::new(kind) {
            Some(walk) if file.is_seekable() => {
                let walk = walk.walk(&mut file);
                Some(walk.map_err(|e| failed(e.into(), "the file", &name))?)
            }
            walk => walk,
        };
        let damage = structure
            .as_ref()
            .map(Structure::damage)
            .unwrap_or_default();
        let length = file.length().unwrap_or(u64::MAX);
        let wrong = match (damage.packets, damage.largest.max(index.largest)) {
            (packets, _) if u64::from(packets) > length || packets > RUN_AT_MOST => {
                Some(format!("a fragment states {packets} packets"))
            }
            (_, bytes) if u64::from(bytes) > length => Some(format!(
                "it states a packet of {bytes} bytes, and has {length}"
            )),
            _ => None,
        };
        if let Some(wrong) = wrong {
            return Err(corrupt(&name, &wrong));
        }
        let structure = structure.map(|walk| Arc::new(Mutex::new(walk)));
        let (file_length, file_position) = (file.length(), file.shared_position());
        let watched = structure.clone().filter(|_| !file.is_seekable());
        let view = match &layout {
            Some(layout) => View::new(layout.header(), file, layout.data_length()),
            None => {
                let used = file.length().map(|length| {
                    let rest = length.saturating_sub(file.position());
                    rest - damage.padding.min(rest)
                });
                View::new(Vec::new(), file, used).watched(watched)
            }
        };
        let stream = MediaSourceStream::new(Box::new(view), Default::default());
        let format = guarded(|| demuxer(kind, stream)).map_err(|e| match e {
            Failure::NotBuiltIn(feature) => not_built_in(&name, kind.name(), feature),
            e => e.in_the("the header", &name),
        })?;
        let choice = settings
            .track
            .map_or(TrackChoice::First, TrackChoice::Number);
        let tracks = audio_tracks(format.as_ref()).count();
        let chosen = audio_track(format.as_ref(), choice, &name).and_then(|(track, parameters)| {
            let codec = TrackCodec::new(&parameters, kind, &name)?;
            Ok((track, parameters, codec))
        });
        let (header, parameters, codec) = match chosen {
            Ok(chosen) => chosen,
            // The demuxer may not know what it is; its bytes do.
            Err(AudioError::Unsupported { path, what }) => {
                let inside = held(kind, format.into_inner());
                return Err(AudioError::Unsupported {
                    what: inside.map_or(what, |inside| {
                        format!("it holds {inside}, which is not supported")
                    }),
                    path,
                });
            }
            Err(e) => return Err(e),
        };
        let samples = layout.as_ref().and_then(Layout::samples);
        let expected = match kind {
            Kind::Riff => samples,
            _ => header.num_frames,
        };
        let blocks = layout.and_then(|layout| {
            let block = layout.adpcm_block()?;
            let promised = layout.promised();
            Some(Blocks {
                block,
                samples,
                promised,
            })
        });
        let skip = codec.skip() as u64;
        let edit = mp4::of_track(&index.edits, header.id);
        let track = Track::new(format, &header, codec, kind, name.clone(), blocks, edit)
            .with_structure(structure);
        Decoder {
            sample_rate: parameters.sample_rate.unwrap_or(0),
            channels: parameters.channels.as_ref().map_or(0, |c| c.count()),
            expected: expected.map(|n| n.saturating_sub(skip)),
            file_length,
            file_position,
            tracks,
            ..Self::before_the_first(Input::Track(Box::new(track)), name, settings)
        }
        .with_first_block(kind == Kind::Riff)
    }

    /// A decoder before anything is read.
    fn before_the_first(input: Input, name: Source, settings: &DecodeSettings) -> Self {
        Decoder {
            input,
            name,
            take: settings.channels,
            limits: settings.limits,
            max_lost: settings.max_lost,
            sample_rate: 0,
            channels: 0,
            expected: None,
            from: settings.start,
            to: settings.end,
            interleaved: Vec::new(),
            mixed: Vec::new(),
            block: Vec::new(),
            block_is_new: false,
            resampler: None,
            passed: 0,
            position: 0,
            loss: Loss::default(),
            losing: false,
            silence: 0,
            waiting: None,
            lost_before: 0.0,
            levels: Levels::default(),
            tracks: 1,
            track: settings.track,
            finished: false,
            file_length: None,
            file_position: Arc::default(),
        }
    }
}

fn not_built_in(name: &Source, what: &str, feature: &str) -> AudioError {
    AudioError::NotBuiltIn {
        path: name.clone(),
        what: what.to_owned(),
        feature: feature.to_owned(),
    }
}

/// Bytes that two decoders read.
struct Shared(Arc<dyn AsRef<[u8]> + Send + Sync>);

impl AsRef<[u8]> for Shared {
    fn as_ref(&self) -> &[u8] {
        (*self.0).as_ref()
    }
}

impl DecodeSettings {
    fn mixed(&self) -> Self {
        DecodeSettings {
            channels: Channels::Mix,
            ..*self
        }
    }

    /// These settings, with the loudest channel of what another decoder reads.
    fn with_loudest_of(&self, mut decoder: Decoder) -> Result<Self, AudioError> {
        while decoder.next_block()?.is_some() {}
        Ok(DecodeSettings {
            channels: decoder
                .levels
                .loudest()
                .map_or(Channels::Mix, Channels::One),
            ..*self
        })
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
