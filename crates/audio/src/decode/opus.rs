//! Opus packets, decoded by the pure-Rust [opus-pure](https://docs.rs/opus-pure), a
//! port of libopus. Symphonia finds the packets in Ogg, Matroska, MP4 and CAF, but
//! has no Opus decoder.
//!
//! More than two channels are several streams of one or two, in one packet:
//! [RFC 7845, 5.1.1](https://www.rfc-editor.org/rfc/rfc7845#section-5.1.1) says which
//! channel is in which. All but the last are framed so that they tell their length
//! ([RFC 6716, appendix B](https://www.rfc-editor.org/rfc/rfc6716#appendix-B)).

use opus_pure::OpusDecoder;

/// Opus decodes to 48 kHz whatever the rate of the original.
pub(super) const SAMPLE_RATE: u32 = 48_000;

/// The longest packet, 120 ms.
const FRAMES_AT_MOST: usize = 5760;

/// An encoder's delay where no header tells: that of libopus, 6.5 ms.
const USUAL_DELAY: usize = 312;

/// In the mapping, a channel that is in no stream.
const SILENT: u8 = 255;

pub(super) struct Opus {
    streams: Vec<Stream>,
    /// For each channel, the stream and the channel in it.
    mapping: Vec<Option<(usize, usize)>>,
    /// Samples per channel that the encoder added at the start.
    pre_skip: usize,
    gain: f32,
    interleaved: Vec<f32>,
}

struct Stream {
    decoder: OpusDecoder,
    channels: usize,
    samples: Vec<f32>,
}

/// A packet cannot be decoded.
pub(super) struct Damaged;

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
        let gain = 10f32.powf(decibels / 20.0);
        match *head.get(18)? {
            0 => Self::simple(channels, pre_skip, gain),
            // 1 is surround, 2 ambisonics, 255 anything; 3 has a matrix instead.
            1 | 2 | 255 => {
                let (streams, coupled) = (*head.get(19)?, *head.get(20)?);
                let mapping = head.get(21..21 + channels)?;
                Self::with_mapping(streams.into(), coupled.into(), mapping, pre_skip, gain)
            }
            _ => None,
        }
    }

    /// For packets without a header: one stream of one or two channels.
    pub(super) fn without_header(channels: usize) -> Option<Self> {
        Self::simple(channels, USUAL_DELAY, 1.0)
    }

    fn simple(channels: usize, pre_skip: usize, gain: f32) -> Option<Self> {
        let mapping: &[u8] = match channels {
            1 => &[0],
            2 => &[0, 1],
            _ => return None,
        };
        Self::with_mapping(1, channels - 1, mapping, pre_skip, gain)
    }

    /// `coupled` of the `streams` have two channels.
    fn with_mapping(
        streams: usize,
        coupled: usize,
        mapping: &[u8],
        pre_skip: usize,
        gain: f32,
    ) -> Option<Self> {
        // A stream that is in no channel has no use, and memory for 255 is some.
        if coupled > streams || streams == 0 || streams > mapping.len() {
            return None;
        }
        let place = |&index: &u8| {
            let index_ = usize::from(index);
            Some(match index {
                SILENT => None,
                _ if index_ < 2 * coupled => Some((index_ / 2, index_ % 2)),
                _ if index_ < streams + coupled => Some((index_ - coupled, 0)),
                _ => return None,
            })
        };
        let mapping: Option<Vec<_>> = mapping.iter().map(place).collect();
        let stream = |n: usize| {
            let channels = if n < coupled { 2 } else { 1 };
            Some(Stream {
                decoder: OpusDecoder::new(SAMPLE_RATE as i32, channels).ok()?,
                channels,
                samples: vec![0.0; FRAMES_AT_MOST * channels],
            })
        };
        let streams: Option<Vec<Stream>> = (0..streams).map(stream).collect();
        Some(Opus {
            streams: streams?,
            mapping: mapping?,
            pre_skip,
            gain,
            interleaved: Vec::new(),
        })
    }

    pub(super) fn channels(&self) -> usize {
        self.mapping.len()
    }

    pub(super) fn pre_skip(&self) -> usize {
        self.pre_skip
    }

    /// The samples of a packet, channels interleaved.
    pub(super) fn decode(&mut self, packet: &[u8]) -> Result<&[f32], Damaged> {
        let last = self.streams.len() - 1;
        let mut rest = packet;
        let mut frames = None;
        for (n, stream) in self.streams.iter_mut().enumerate() {
            let split;
            let packet = if n == last {
                rest
            } else {
                (split, rest) = undelimited(rest).ok_or(Damaged)?;
                &split
            };
            // The decoder takes an empty packet for a lost one and conceals it.
            if packet.is_empty() {
                return Err(Damaged);
            }
            let decoded = stream
                .decoder
                .decode(packet, FRAMES_AT_MOST, &mut stream.samples)
                .map_err(|_| Damaged)?;
            if *frames.get_or_insert(decoded) != decoded {
                return Err(Damaged);
            }
        }
        let channels = self.mapping.len();
        self.interleaved.clear();
        self.interleaved.resize(frames.unwrap_or(0) * channels, 0.0);
        for (channel, place) in self.mapping.iter().enumerate() {
            let Some((stream, of)) = *place else { continue };
            let stream = &self.streams[stream];
            let samples = stream.samples.iter().skip(of).step_by(stream.channels);
            let out = self.interleaved.iter_mut().skip(channel).step_by(channels);
            out.zip(samples)
                .for_each(|(out, sample)| *out = sample * self.gain);
        }
        Ok(&self.interleaved)
    }
}

/// A packet at the start of `bytes` that tells its own length, as one that does not,
/// and what follows it. `None` if it is invalid.
fn undelimited(bytes: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let (&toc, mut rest) = bytes.split_first()?;
    let mut packet = vec![toc];
    let body = match toc & 3 {
        0 => length(&mut rest)?,
        1 => 2 * length(&mut rest)?,
        2 => {
            let before = rest;
            let first = length(&mut rest)?;
            packet.extend(&before[..before.len() - rest.len()]);
            first + length(&mut rest)?
        }
        _ => {
            let (&counts, after) = rest.split_first()?;
            packet.push(counts);
            rest = after;
            let frames = usize::from(counts & 63);
            let before = rest;
            let mut padding = 0;
            if counts & 0x40 != 0 {
                loop {
                    let (&byte, after) = rest.split_first()?;
                    rest = after;
                    padding += usize::from(byte).min(254);
                    if byte < 255 {
                        break;
                    }
                }
            }
            let variable = counts & 0x80 != 0;
            let mut all = 0;
            if variable {
                for _ in 1..frames {
                    all += length(&mut rest)?;
                }
            }
            packet.extend(&before[..before.len() - rest.len()]);
            // The one length that only this framing has.
            let last = length(&mut rest)?;
            padding + if variable { all + last } else { frames * last }
        }
    };
    if body > rest.len() {
        return None;
    }
    let (body, rest) = rest.split_at(body);
    packet.extend(body);
    Some((packet, rest))
}

/// A frame's length, one or two bytes (RFC 6716, 3.2.1).
fn length(rest: &mut &[u8]) -> Option<usize> {
    let (&first, after) = rest.split_first()?;
    *rest = after;
    if first < 252 {
        return Some(first.into());
    }
    let (&second, after) = rest.split_first()?;
    *rest = after;
    Some(usize::from(second) * 4 + usize::from(first))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_delimited_packet_loses_its_length_alone() {
        // One frame of three bytes, then the next packet.
        let (packet, rest) = undelimited(&[0x08, 3, 1, 2, 3, 9, 9]).unwrap();
        assert_eq!(
            (packet.as_slice(), rest),
            (&[0x08, 1, 2, 3][..], &[9, 9][..])
        );
        // Two frames of one length.
        let (packet, rest) = undelimited(&[0x09, 2, 1, 2, 3, 4]).unwrap();
        assert_eq!(
            (packet.as_slice(), rest.len()),
            (&[0x09, 1, 2, 3, 4][..], 0)
        );
        // Two frames of different lengths.
        let (packet, _) = undelimited(&[0x0A, 1, 2, 7, 8, 8]).unwrap();
        assert_eq!(packet, [0x0A, 1, 7, 8, 8]);
        // Three frames of one length, with two bytes of padding.
        let (packet, rest) = undelimited(&[0x0B, 0x43, 2, 1, 7, 7, 7, 0, 0, 5]).unwrap();
        assert_eq!(
            (packet.as_slice(), rest),
            (&[0x0B, 0x43, 2, 7, 7, 7, 0, 0][..], &[5][..])
        );
        // Three frames of their own lengths.
        let (packet, _) = undelimited(&[0x0B, 0x83, 1, 2, 1, 7, 8, 8, 9]).unwrap();
        assert_eq!(packet, [0x0B, 0x83, 1, 2, 7, 8, 8, 9]);
        // Longer than there is.
        assert_eq!(undelimited(&[0x08, 3, 1]), None);
    }
}
