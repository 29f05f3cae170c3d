//! Files in, samples out, through [Symphonia](https://docs.rs/symphonia).
//!
//! The kind of file is recognised by its content, never by its extension. WAV
//! (with RF64 and BW64) and FLAC are always read, the others by default:
//!
//! | file | feature |
//! |---|---|
//! | WAV with MS or IMA ADPCM | `adpcm` |
//! | AIFF, AIFF-C | `aiff` |
//! | Apple CAF | `caf` |
//! | MP3 (and MPEG layers 1 and 2), also inside WAV | `mp3` |
//! | AAC (low complexity) in ADTS frames | `aac` |
//! | M4A, MP4, QuickTime with AAC or ALAC | `isomp4` |
//! | Ogg Vorbis, Ogg FLAC | `vorbis` |
//! | Ogg Opus, and Opus in the other containers | `opus` |
//! | Matroska and WebM with any of these codecs | `mkv` |
//!
//! What happens with unusual and damaged files:
//!
//! | file | outcome |
//! |---|---|
//! | WAV truncated within the samples | the samples up to there |
//! | header states more samples than the file has (pipes write 0xFFFFFFFF) | the samples in the file |
//! | other chunks before and after the samples, of odd length, with or without their padding byte | skipped |
//! | more than two channels | their mean, or the one that [`Channels`] names |
//! | one sample; silence; constant offset; clipping; floats beyond full scale | the samples as they are |
//! | a header without samples | a recording of length 0 (extracting features gives [`TooShort`](AudioError::TooShort)) |
//! | FLAC truncated within the samples | the complete frames |
//! | an ID3 tag before a WAV or any other file | skipped |
//! | an MP3, AIFF or other kind named `.wav` | read by its content |
//! | empty, truncated within the header, 0 channels, 0 Hz, no `data` chunk | [`Corrupt`](AudioError::Corrupt) |
//! | damage inside FLAC or ADPCM | [`Corrupt`](AudioError::Corrupt) |
//! | damage inside MP3, AAC, Vorbis, Opus | skipped and counted ([`Decoder::damaged_packets`]); [`Corrupt`](AudioError::Corrupt) if nothing else is left |
//! | samples that are NaN or infinite | [`Corrupt`](AudioError::Corrupt) |
//! | longer than the [limits](DecodeLimits) | [`TooLong`](AudioError::TooLong) |
//! | text, pictures, WMA, AMR, ... whatever the extension | [`Unsupported`](AudioError::Unsupported), with the kind if it is recognised |
//!
//! # Encoder delay
//!
//! Lossy encoders add samples before the first and after the last. They are
//! removed if the file states how many: MP3 (LAME's tag), Ogg Vorbis, Opus. See
//! `tests/formats.rs` for what remains in each format.

#[cfg(feature = "aac")]
mod aac;
mod adts;
mod au;
mod channels;
mod codec;
mod container;
mod decoder;
mod elementary;
mod failure;
mod held;
mod input;
mod kind;
mod layout;
mod loss;
mod mp4;
mod mpeg;
mod opening;
#[cfg(feature = "opus")]
mod opus;
mod pcm;
mod recording;
mod riff;
mod settings;
mod source;
mod sphere;
mod track;

pub use decoder::Decoder;
pub use kind::{EXTENSIONS, is_audio_name};
pub use loss::Loss;
pub use settings::{Channels, DecodeLimits, DecodeSettings};

#[cfg(doc)]
use crate::error::AudioError;
