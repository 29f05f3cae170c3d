//! Files in, samples out, through [Symphonia](https://docs.rs/symphonia).
//!
//! The kind of file is recognised by its content; the extension is not looked
//! at. WAV (with RF64 and BW64) and FLAC are always read, the others by default:
//!
//! | file | feature |
//! |---|---|
//! | WAV of MS or IMA ADPCM | `adpcm` |
//! | AIFF, AIFF-C | `aiff` |
//! | Apple CAF | `caf` |
//! | MP3 (and MPEG layers 1 and 2), also inside WAV | `mp3` |
//! | AAC (low complexity) in ADTS frames | `aac` |
//! | M4A, MP4, QuickTime with AAC or ALAC | `isomp4` |
//! | Ogg Vorbis, Ogg FLAC | `vorbis` |
//! | Ogg Opus, and Opus in the other containers | `opus` |
//! | Matroska and WebM with any of these codecs | `mkv` |
//!
//! What happens with files that are not quite right:
//!
//! | file | outcome |
//! |---|---|
//! | WAV cut off inside the samples | the samples that are there |
//! | header states more samples than there are (pipes write 0xFFFFFFFF) | the samples that are there |
//! | chunks around the samples, of odd length, with their byte of padding or without | passed over |
//! | more than two channels | their mean, or the one that [`Channels`] names |
//! | one sample; all zero; direct current; clipped; floats beyond full scale | the samples as they are |
//! | header, and no sample | a recording of length 0 (features then say [`TooShort`](AudioError::TooShort)) |
//! | FLAC cut off inside the samples | the whole frames that are there |
//! | an ID3 tag before a WAV or any other file | passed over |
//! | an MP3, AIFF or other kind named `.wav` | read as what it is |
//! | empty, cut off inside the header, 0 channels, 0 Hz, no `data` chunk | [`Corrupt`](AudioError::Corrupt) |
//! | damage inside FLAC or ADPCM | [`Corrupt`](AudioError::Corrupt) |
//! | damage inside MP3, AAC, Vorbis, Opus | passed over and counted ([`Decoder::damaged_packets`]); [`Corrupt`](AudioError::Corrupt) where nothing else is left |
//! | samples that are NaN or infinite | [`Corrupt`](AudioError::Corrupt) |
//! | longer than the [limits](DecodeLimits) | [`TooLong`](AudioError::TooLong) |
//! | text, pictures, WMA, AMR, ... whatever the extension | [`Unsupported`](AudioError::Unsupported), naming what it is if known |
//!
//! # Encoder delay
//!
//! Lossy encoders put samples of their own before the first and behind the
//! last. They are taken off where the file says how many: MP3 (LAME's tag),
//! Ogg Vorbis, Opus. See `tests/formats.rs` for what remains, format by format.

mod codec;
mod container;
mod decoder;
mod failure;
mod kind;
#[cfg(feature = "opus")]
mod opus;
mod pcm;
mod riff;
mod settings;
mod source;

pub use decoder::Decoder;
pub use settings::{Channels, DecodeLimits, DecodeSettings};

#[cfg(doc)]
use crate::error::AudioError;
