//! From files to packets: the choice of demuxer and track.

use std::io;

use symphonia::core::codecs::audio::AudioCodecParameters;
use symphonia::core::formats::{FormatOptions, FormatReader, Track, TrackType};
use symphonia::core::io::MediaSourceStream;
use symphonia::default::formats;

use super::elementary::{Family, SEARCH, family_within};
use super::failure::{Failure, corrupt, unsupported};
use super::kind::{HEAD, Kind};
use super::source::Reader;
use crate::error::{AudioError, Source};

/// At most this many tags before the audio are skipped.
const TAGS_AT_MOST: usize = 16;

/// Skips tags, and recognises the file after them.
pub(super) fn recognise(file: &mut Reader) -> io::Result<Kind> {
    for tags in 0..TAGS_AT_MOST {
        match Kind::of(file.peek(HEAD)?) {
            Kind::Tag(length) => {
                file.skip(length)?;
                // Some writers add padding after the tag.
                while file.peek(1)? == [0] {
                    let zeros = file.peek(4096)?.iter().take_while(|b| **b == 0).count();
                    file.skip(zeros as u64)?;
                }
            }
            // MPEG audio and AAC may begin anywhere, and after anything.
            kind @ (Kind::Unknown | Kind::Text | Kind::Mpeg | Kind::Adts) => {
                return Ok(match family_within(file.peek(SEARCH)?) {
                    Some(Family::Mpeg) => Kind::Mpeg,
                    Some(Family::Adts) => Kind::Adts,
                    // Behind a tag it is hardly anything else.
                    None if tags > 0 && kind != Kind::Adts => Kind::Mpeg,
                    None => kind,
                });
            }
            kind => return Ok(kind),
        }
    }
    Ok(Kind::Unknown)
}

/// The reader for a kind of file.
pub(super) fn demuxer(
    kind: Kind,
    stream: MediaSourceStream<'static>,
) -> Result<Box<dyn FormatReader>, Failure> {
    let options = FormatOptions::default();
    Ok(match kind {
        Kind::Riff => Box::new(formats::WavReader::try_new(stream, options)?),
        Kind::Flac => Box::new(formats::FlacReader::try_new(stream, options)?),
        #[cfg(feature = "aiff")]
        Kind::Aiff => Box::new(formats::AiffReader::try_new(stream, options)?),
        #[cfg(feature = "caf")]
        Kind::Caf => Box::new(formats::CafReader::try_new(stream, options)?),
        #[cfg(any(feature = "vorbis", feature = "opus"))]
        Kind::Ogg => Box::new(formats::OggReader::try_new(stream, options)?),
        #[cfg(feature = "isomp4")]
        Kind::Mp4 => Box::new(formats::IsoMp4Reader::try_new(stream, options)?),
        #[cfg(feature = "mkv")]
        Kind::Matroska => Box::new(formats::MkvReader::try_new(stream, options)?),
        #[allow(
            unreachable_patterns,
            reason = "which kinds are left depends on features"
        )]
        kind => {
            return Err(Failure::NotBuiltIn(match kind {
                Kind::Aiff => "aiff",
                Kind::Caf => "caf",
                Kind::Ogg => "vorbis` or `opus",
                Kind::Mp4 => "isomp4",
                _ => "mkv",
            }));
        }
    })
}

/// Which track of a container to take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TrackChoice {
    /// The one that a player would take.
    First,
    /// The audio track of this number, counted from 0.
    Number(usize),
}

/// The audio tracks of a container.
pub(super) fn audio_tracks(format: &dyn FormatReader) -> impl Iterator<Item = &Track> {
    let is_audio = |track: &&Track| track.track_type() == Some(TrackType::Audio);
    format.tracks().iter().filter(is_audio)
}

/// The chosen track, and how its samples are stored.
pub(super) fn audio_track(
    format: &dyn FormatReader,
    choice: TrackChoice,
    name: &Source,
) -> Result<(Track, AudioCodecParameters), AudioError> {
    let track = match choice {
        TrackChoice::First => format
            .default_track(TrackType::Audio)
            .ok_or_else(|| unsupported(name, "it has no audio track that can be decoded".into()))?,
        TrackChoice::Number(n) => audio_tracks(format).nth(n).ok_or_else(|| {
            AudioError::settings(format!(
                "{name}: there is no audio track {n}; the file has {}, counted from 0",
                audio_tracks(format).count()
            ))
        })?,
    };
    let parameters = track
        .codec_params
        .as_ref()
        .and_then(|p| p.audio())
        .ok_or_else(|| corrupt(name, "the header does not state how samples are stored"))?;
    Ok((track.clone(), parameters.clone()))
}
