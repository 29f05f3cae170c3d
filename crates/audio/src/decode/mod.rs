//! Files in, samples out, through [Symphonia](https://docs.rs/symphonia).
//!
//! The kind of file is recognised by its content, never by its extension. WAV (with
//! RF64, BW64 and RIFX), Wave64, AU, SPHERE and FLAC are always read, the others by
//! default:
//!
//! | file | feature |
//! |---|---|
//! | WAV with MS or IMA ADPCM | `adpcm` |
//! | AIFF, AIFF-C | `aiff` |
//! | Apple CAF | `caf` |
//! | MP3 (and MPEG layers 1 and 2), also inside WAV | `mp3` |
//! | AAC in ADTS frames | `aac` |
//! | M4A, MP4, QuickTime with AAC or ALAC | `isomp4` |
//! | Ogg Vorbis, Ogg FLAC | `vorbis` |
//! | Ogg Opus, and Opus in the other containers, up to 255 channels | `opus` |
//! | Matroska and WebM with any of these codecs | `mkv` |
//!
//! AAC is of low complexity with up to eight channels, HE-AAC (both versions) or of
//! low delay. What is not read is named for what it is ([`Unsupported`](AudioError::Unsupported)):
//! AC-3, DTS, WMA, AMR, GSM, Speex, WavPack, Monkey's Audio, encrypted files, AVI ...
//!
//! By container and codec, as `tests/matrix.rs` compares it with FFmpeg over channels,
//! rates and bit rates (480 cells read, 19 refused by name, none wrong):
//!
//! | container | read | not read, named |
//! |---|---|---|
//! | WAV, RF64 | PCM of 8 to 64 bits, floats, G.711, MS and IMA ADPCM, MP3 | GSM, G.722, G.726, AAC, AC-3, DTS, WMA |
//! | Wave64, AU, SPHERE | PCM, floats, G.711 | |
//! | AIFF, AIFF-C | PCM, floats, G.711 | |
//! | CAF | PCM, floats, ALAC, Opus, IMA ADPCM | AAC of unusual kinds, iLBC |
//! | MP3, MP2, AAC (ADTS), FLAC | all that these hold | |
//! | Ogg | Vorbis, Opus, FLAC, each of any number of channels | Speex, CELT, PCM |
//! | MP4, M4A | AAC, HE-AAC, ALAC, MP3, Opus, FLAC, PCM | AC-3, E-AC-3, AMR, DTS, encrypted |
//! | QuickTime | AAC, PCM, G.711 | ALAC, QDesign, QCELP, GSM |
//! | Matroska, WebM | AAC, MP3, Opus, Vorbis, FLAC, PCM | AC-3, DTS, TrueHD, WavPack, TTA |
//! | AVI, Flash, MPEG transport streams, ASF | | all |
//!
//! What happens with unusual and damaged files:
//!
//! | file | outcome |
//! |---|---|
//! | truncated within the samples; packets that cannot be decoded; bytes between frames that are no tag | [`Loss`]: counted in seconds, silent in its place, or missing at the end. [`Corrupt`](AudioError::Corrupt) above a share ([`DecodeSettings::max_lost`]) |
//! | rate or channels change within the file | converted to the first rate |
//! | header states no length, or more than the file has (pipes write 0xFFFFFFFF), or 0 | the samples in the file |
//! | an MP3's first frame counts too few frames (joined files), or none does | all frames |
//! | MP3 or AAC that begins within a frame, or after a header of HTTP | from the first whole frame |
//! | other chunks before and after the samples, of odd length, with or without their padding byte; the samples before the format | skipped; read |
//! | more than one channel | their mean, the one that [`Channels`] names, or the loudest |
//! | one sample; silence; constant offset; clipping; floats beyond full scale | the samples as they are |
//! | a header without samples | a recording of length 0 (extracting features gives [`TooShort`](AudioError::TooShort)) |
//! | an ID3 tag before a WAV or any other file | skipped |
//! | an MP3, AIFF or other kind named `.wav` | read by its content |
//! | empty, truncated within the header, 0 channels, 0 Hz, no `data` chunk | [`Corrupt`](AudioError::Corrupt) |
//! | damage inside FLAC or ADPCM | [`Corrupt`](AudioError::Corrupt) |
//! | samples that are NaN or infinite | [`Corrupt`](AudioError::Corrupt) |
//! | longer than the [limits](DecodeLimits) | [`TooLong`](AudioError::TooLong) |
//!
//! # Encoder delay
//!
//! Lossy encoders add samples before the first and after the last. They are
//! removed if the file states how many: MP3 (LAME's tag), Ogg Vorbis, Opus, the edit
//! lists of MP4. See
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
mod packets;
mod pcm;
mod recording;
mod riff;
mod settings;
mod source;
mod sphere;
mod structure;
mod track;
#[cfg(feature = "vorbis")]
mod vorbis;

pub use decoder::Decoder;
pub use kind::{EXTENSIONS, is_audio_name};
pub use loss::Loss;
pub use settings::{Channels, DecodeLimits, DecodeSettings};

#[cfg(doc)]
use crate::error::AudioError;
