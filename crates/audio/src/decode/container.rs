//! From files to packets: the choice of demuxer and track.

use std::io;

use symphonia::core::codecs::audio::AudioCodecParameters;
use symphonia::core::formats::{FormatOptions, FormatReader, Track, TrackType};
use symphonia::core::io::MediaSourceStream;
use symphonia::default::formats;

use super::failure::{Failure, corrupt};
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
            // MP3 decoders look for the next frame themselves.
            Kind::Unknown if tags > 0 => return Ok(Kind::Mpeg),
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
        Kind::Wav => Box::new(formats::WavReader::try_new(stream, options)?),
        Kind::Flac => Box::new(formats::FlacReader::try_new(stream, options)?),
        #[cfg(feature = "aiff")]
        Kind::Aiff => Box::new(formats::AiffReader::try_new(stream, options)?),
        #[cfg(feature = "caf")]
        Kind::Caf => Box::new(formats::CafReader::try_new(stream, options)?),
        #[cfg(any(feature = "vorbis", feature = "opus"))]
        Kind::Ogg => Box::new(formats::OggReader::try_new(stream, options)?),
        #[cfg(feature = "mp3")]
        Kind::Mpeg => Box::new(formats::MpaReader::try_new(stream, options)?),
        #[cfg(feature = "aac")]
        Kind::Adts => Box::new(formats::AdtsReader::try_new(stream, options)?),
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
                Kind::Mpeg => "mp3",
                Kind::Adts => "aac",
                Kind::Mp4 => "isomp4",
                _ => "mkv",
            }));
        }
    })
}

pub(super) fn audio_track(
    format: &dyn FormatReader,
    name: &Source,
) -> Result<(Track, AudioCodecParameters), AudioError> {
    let track = format
        .default_track(TrackType::Audio)
        .ok_or_else(|| corrupt(name, "it has no audio track"))?;
    let parameters = track
        .codec_params
        .as_ref()
        .and_then(|p| p.audio())
        .ok_or_else(|| corrupt(name, "the header does not state how samples are stored"))?;
    Ok((track.clone(), parameters.clone()))
}
