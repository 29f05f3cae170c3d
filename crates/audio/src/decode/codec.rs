//! From packets to samples.

use symphonia::core::codecs::audio::{AudioCodecParameters, AudioDecoder, AudioDecoderOptions};
use symphonia::core::errors::Error;
use symphonia::core::packet::Packet;

use super::failure::{Failure, corrupt, guarded, unsupported};
use super::kind::Kind;
use super::packets::{self, Packets};
use crate::error::{AudioError, Source};

/// More channels than any file in use has. Symphonia allocates buffers for as
/// many as an AIFF header states, up to 65535, before it reads the first sample.
const CHANNELS_AT_MOST: usize = 64;

/// The most frames in a packet of any format read here: the longest is a block of
/// ADPCM in WAV, up to 64 KiB with two samples per byte. Symphonia allocates for as
/// many as a CAF or QuickTime header states.
const FRAMES_A_PACKET_AT_MOST: u64 = 131_072;

/// The decoder of a track's packets.
pub(super) enum TrackCodec {
    Symphonia {
        decoder: Box<dyn AudioDecoder>,
        lossy: bool,
        trims: bool,
    },
    Packets(Box<dyn Packets>),
    #[cfg(feature = "opus")]
    Opus(Box<super::opus::Opus>),
}

impl TrackCodec {
    pub(super) fn new(
        parameters: &AudioCodecParameters,
        kind: Kind,
        name: &Source,
    ) -> Result<Self, AudioError> {
        use symphonia::core::codecs::audio::well_known as id;
        let channels = parameters.channels.as_ref().map_or(0, |c| c.count());
        if channels > CHANNELS_AT_MOST {
            return Err(corrupt(
                name,
                &format!(
                    "the header states {channels} channels (allowed: 1 to {CHANNELS_AT_MOST})"
                ),
            ));
        }
        let frames = parameters.max_frames_per_packet.unwrap_or(0);
        if frames > FRAMES_A_PACKET_AT_MOST {
            return Err(corrupt(
                name,
                &format!(
                    "the header states {frames} samples per packet \
                     (allowed: up to {FRAMES_A_PACKET_AT_MOST})"
                ),
            ));
        }
        if parameters.codec == id::CODEC_ID_OPUS {
            #[cfg(feature = "opus")]
            {
                let head = parameters.extra_data.as_deref().unwrap_or_default();
                let opus = match kind {
                    // Apple's description is not that of RFC 7845.
                    Kind::Caf if !head.starts_with(b"OpusHead") => {
                        super::opus::Opus::without_header(channels)
                    }
                    _ => super::opus::Opus::new(head, kind == Kind::Mp4),
                };
                return opus
                    .map(|opus| TrackCodec::Opus(Box::new(opus)))
                    .ok_or_else(|| corrupt(name, "its Opus header is invalid"));
            }
            #[cfg(not(feature = "opus"))]
            {
                // Only Opus is stored differently by kind of file.
                let _ = kind;
                return Err(unsupported(
                    name,
                    "this is Opus audio, which this build does not include (feature `opus`)".into(),
                ));
            }
        }
        let config = parameters.extra_data.as_deref().unwrap_or_default();
        let packets = match parameters.codec {
            id::CODEC_ID_MP1 | id::CODEC_ID_MP2 | id::CODEC_ID_MP3 => Some(packets::mpeg()),
            id::CODEC_ID_AAC => Some(packets::aac(config)),
            id::CODEC_ID_VORBIS if channels > 2 => Some(packets::vorbis(config)),
            _ => None,
        };
        if let Some(packets) = packets {
            let packets = packets.map_err(|e| e.in_the("the header", name))?;
            return Ok(TrackCodec::Packets(packets));
        }
        let registry = symphonia::default::get_codecs();
        if registry.get_audio_decoder(parameters.codec).is_none() {
            return Err(unsupported(name, "its codec is not supported".into()));
        }
        let options = AudioDecoderOptions::default();
        let decoder = guarded(|| Ok(registry.make_audio_decoder(parameters, &options)?))
            .map_err(|e| e.in_the("the header", name))?;
        let trims = parameters.codec == id::CODEC_ID_VORBIS;
        Ok(TrackCodec::Symphonia {
            decoder,
            lossy: trims,
            trims,
        })
    }

    pub(super) fn is_lossy(&self) -> bool {
        match self {
            TrackCodec::Symphonia { lossy, .. } => *lossy,
            _ => true,
        }
    }

    /// Samples per channel to drop at the start.
    pub(super) fn skip(&self) -> usize {
        match self {
            #[cfg(feature = "opus")]
            TrackCodec::Opus(opus) => opus.pre_skip(),
            _ => 0,
        }
    }

    /// Whether the decoder itself applies what the container says about the ends.
    pub(super) fn trims(&self) -> bool {
        matches!(self, TrackCodec::Symphonia { trims: true, .. })
    }

    /// Decodes into `interleaved`; returns the rate and the number of channels.
    pub(super) fn decode(
        &mut self,
        packet: &Packet,
        interleaved: &mut Vec<f32>,
    ) -> Result<(u32, usize), Failure> {
        let damaged = || Failure::from(Error::DecodeError("invalid packet"));
        match self {
            TrackCodec::Symphonia { decoder, .. } => {
                let buffer = decoder.decode(packet)?;
                buffer.copy_to_vec_interleaved(interleaved);
                Ok((buffer.spec().rate(), buffer.num_planes()))
            }
            TrackCodec::Packets(packets) => packets
                .decode(&packet.data, interleaved)
                .ok_or_else(damaged),
            #[cfg(feature = "opus")]
            TrackCodec::Opus(opus) => {
                let samples = opus.decode(&packet.data).map_err(|_| damaged())?;
                interleaved.extend_from_slice(samples);
                Ok((super::opus::SAMPLE_RATE, opus.channels()))
            }
        }
    }
}
