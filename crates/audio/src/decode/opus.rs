//! Opus packets, decoded by the pure-Rust
//! [opus-decoder](https://docs.rs/opus-decoder). Symphonia finds the packets in
//! Ogg, Matroska and MP4, but has no Opus decoder.

use opus_decoder::{OpusDecoder, OpusError, OpusMultistreamDecoder};

/// Opus decodes to 48 kHz whatever the rate of the original.
pub(super) const SAMPLE_RATE: u32 = 48_000;

/// The longest packet, 120 ms.
const FRAMES_AT_MOST: usize = 5760;

/// Symphonia's limit, and that of mapping family 1.
const CHANNELS_AT_MOST: usize = 8;

enum Streams {
    One(Box<OpusDecoder>),
    Several(Box<OpusMultistreamDecoder>),
}

pub(super) struct Opus {
    streams: Streams,
    channels: usize,
    /// Samples per channel that the encoder added at the start.
    pre_skip: usize,
    gain: f32,
    interleaved: Vec<f32>,
}

impl Opus {
    /// From the identification header
    /// ([RFC 7845](https://www.rfc-editor.org/rfc/rfc7845#section-5.1)); its
    /// numbers are `big_endian` in MP4. `None` if it is invalid.
    pub(super) fn new(head: &[u8], big_endian: bool) -> Option<Self> {
        let u16_at = |at: usize| {
            let two = [*head.get(at)?, *head.get(at + 1)?];
            Some(if big_endian {
                u16::from_be_bytes(two)
            } else {
                u16::from_le_bytes(two)
            })
        };
        if !head.starts_with(b"OpusHead") {
            return None;
        }
        let channels = usize::from(*head.get(9)?);
        let pre_skip = usize::from(u16_at(10)?);
        let decibels = f32::from(u16_at(16)?.cast_signed()) / 256.0;
        let streams = match *head.get(18)? {
            0 => Streams::One(Box::new(OpusDecoder::new(SAMPLE_RATE, channels).ok()?)),
            _ if channels <= CHANNELS_AT_MOST => {
                let (streams, coupled) = (*head.get(19)?, *head.get(20)?);
                if coupled > streams || usize::from(streams) > channels {
                    return None;
                }
                let decoder = OpusMultistreamDecoder::new(
                    SAMPLE_RATE,
                    channels,
                    usize::from(streams),
                    usize::from(coupled),
                    head.get(21..21 + channels)?,
                );
                Streams::Several(Box::new(decoder.ok()?))
            }
            _ => return None,
        };
        Some(Opus {
            streams,
            channels,
            pre_skip,
            gain: 10f32.powf(decibels / 20.0),
            interleaved: vec![0.0; FRAMES_AT_MOST * channels],
        })
    }

    pub(super) fn channels(&self) -> usize {
        self.channels
    }

    pub(super) fn pre_skip(&self) -> usize {
        self.pre_skip
    }

    /// The samples of a packet, channels interleaved.
    pub(super) fn decode(&mut self, packet: &[u8]) -> Result<&[f32], OpusError> {
        // The decoder takes an empty packet for a lost one and conceals it.
        if packet.is_empty() {
            return Err(OpusError::InvalidPacket);
        }
        let frames = match &mut self.streams {
            Streams::One(one) => one.decode_float(packet, &mut self.interleaved, false)?,
            Streams::Several(all) => all.decode_float(packet, &mut self.interleaved, false)?,
        };
        let samples = &mut self.interleaved[..frames * self.channels];
        if self.gain != 1.0 {
            samples.iter_mut().for_each(|s| *s *= self.gain);
        }
        Ok(samples)
    }
}
