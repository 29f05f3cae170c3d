//! The headers of MPEG audio frames (layers 1 to 3), and what the first frame of an
//! MP3 says of the rest.
//!
//! Sources: ISO/IEC 11172-3, 2.4.1.3 and 2.4.2.3; for the lower rates ISO/IEC
//! 13818-3; "MPEG 2.5" is Fraunhofer's extension to 8, 11.025 and 12 kHz. The tag
//! in the first frame is described in
//! [the LAME project's own text](http://gabriel.mp3-tech.org/mp3infotag.html).

/// One frame's header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    /// 1, 2 or 3.
    pub(super) layer: u8,
    /// 1 for MPEG-1, 2 for MPEG-2, 3 for MPEG 2.5.
    version: u8,
    pub(super) sample_rate: u32,
    pub(super) channels: usize,
    /// Bytes of the frame with its header; `None` in free format, whose header
    /// does not say.
    pub(super) length: Option<usize>,
    /// Samples per channel.
    pub(super) samples: usize,
}

/// kbit/s by the header's four bits: MPEG-1 layers 1, 2, 3, then MPEG-2 and 2.5
/// layer 1, layers 2 and 3. 0 is free format.
const BIT_RATES: [[u32; 15]; 5] = [
    [
        0, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448,
    ],
    [
        0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384,
    ],
    [
        0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320,
    ],
    [
        0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256,
    ],
    [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160],
];

impl Header {
    /// The header at the start of `bytes`. `None` without the eleven bits of sync, or
    /// if a field has a reserved value.
    pub(super) fn parse(bytes: &[u8]) -> Option<Header> {
        let &[0xFF, second, third, fourth, ..] = bytes else {
            return None;
        };
        if second & 0xE0 != 0xE0 {
            return None;
        }
        let version = match second >> 3 & 3 {
            3 => 1,
            2 => 2,
            0 => 3,
            _ => return None,
        };
        let layer = match second >> 1 & 3 {
            3 => 1,
            2 => 2,
            1 => 3,
            _ => return None,
        };
        let row = match (version, layer) {
            (1, layer) => usize::from(layer) - 1,
            (_, 1) => 3,
            _ => 4,
        };
        let kilobits = *BIT_RATES[row].get(usize::from(third >> 4))?;
        let of_mpeg_1 = *[44_100, 48_000, 32_000].get(usize::from(third >> 2 & 3))?;
        let sample_rate = match version {
            1 => of_mpeg_1,
            2 => of_mpeg_1 / 2,
            _ => of_mpeg_1 / 4,
        };
        let samples = match (layer, version) {
            (1, _) => 384,
            (3, 2 | 3) => 576,
            _ => 1152,
        };
        // Layer 1 counts in slots of four bytes.
        let slot = if layer == 1 { 4 } else { 1 };
        let padding = usize::from(third >> 1 & 1);
        let bits = kilobits as usize * 1000 * (samples / 8);
        let length = (bits / slot / sample_rate as usize + padding) * slot;
        Some(Header {
            layer,
            version,
            sample_rate,
            channels: if fourth >> 6 == 3 { 1 } else { 2 },
            length: (kilobits > 0).then_some(length),
            samples,
        })
    }

    /// Whether the other is one of the same kind: within a stream the rate and the
    /// channels can change, the kind hardly does.
    pub(super) fn is_like(&self, other: &Header) -> bool {
        self.layer == other.layer && self.version == other.version
    }
}

/// What the tag in an MP3's first frame says. The frame itself is silent and no
/// part of the sound.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tag {
    /// Frames after this one, at the time when the tag was written.
    pub(super) frames: Option<u64>,
    /// Samples that the encoder added at the start.
    pub(super) delay: usize,
    /// Samples that the encoder added at the end.
    pub(super) padding: usize,
}

/// What the decoder's filters add to the encoder's delay.
const DECODER_DELAY: usize = 529;

impl Tag {
    /// The tag in `frame`, if it has one: "Xing" or "Info" after the side
    /// information, or "VBRI" 32 bytes after the header.
    pub(super) fn of(header: &Header, frame: &[u8]) -> Option<Tag> {
        if header.layer != 3 {
            return None;
        }
        let side = match (header.version, header.channels) {
            (1, 1) => 17,
            (1, _) => 32,
            (_, 1) => 9,
            _ => 17,
        };
        let u32_at = |at: usize| Some(u32::from_be_bytes(*frame.get(at..)?.first_chunk()?));
        if frame.get(36..40) == Some(b"VBRI") {
            let frames = u32_at(36 + 14).map(u64::from).filter(|n| *n > 0);
            return Some(Tag {
                frames,
                ..Tag::default()
            });
        }
        let mark = frame.get(4 + side..)?;
        if !mark.starts_with(b"Xing") && !mark.starts_with(b"Info") {
            return None;
        }
        let mut at = 4 + side + 4;
        let flags = u32_at(at)?;
        at += 4;
        let mut frames = None;
        if flags & 1 != 0 {
            frames = u32_at(at).map(u64::from).filter(|n| *n > 0);
            at += 4;
        }
        at += 4 * usize::from(flags & 2 != 0);
        at += 100 * usize::from(flags & 4 != 0);
        at += 4 * usize::from(flags & 8 != 0);
        // LAME's part: nine bytes of name, then, 21 bytes in, both counts in 12 bits.
        let named = frame
            .get(at..at + 4)
            .is_some_and(|name| matches!(name, b"LAME" | b"Lavf" | b"Lavc" | b"GOGO"));
        let (mut delay, mut padding) = (0, 0);
        if let (true, Some(&[a, b, c])) = (named, frame.get(at + 21..at + 24)) {
            delay = (usize::from(a) << 4 | usize::from(b) >> 4) + DECODER_DELAY;
            padding = (usize::from(b & 15) << 8 | usize::from(c)).saturating_sub(DECODER_DELAY);
        }
        Some(Tag {
            frames,
            delay,
            padding,
        })
    }
}

/// The decoder of frames: [nanomp3](https://docs.rs/nanomp3-core), a port of minimp3.
#[cfg(feature = "mp3")]
#[derive(Default)]
pub(super) struct Mpeg(nanomp3_core::Decoder);

#[cfg(feature = "mp3")]
impl super::packets::Packets for Mpeg {
    fn decode(&mut self, frame: &[u8], out: &mut Vec<f32>) -> Option<(u32, usize)> {
        let mut samples = [0.0f32; nanomp3_core::MAX_SAMPLES_PER_FRAME];
        let info = self.0.decode(frame, &mut samples).1.ok()?;
        let channels = usize::from(info.channels.num());
        out.extend(&samples[..info.samples_produced * channels]);
        (info.samples_produced > 0).then_some((info.sample_rate, channels))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_those_of_the_standard() {
        let header = |bytes: [u8; 4]| Header::parse(&bytes).unwrap();
        // 128 kbit/s at 44.1 kHz: 417 bytes, and one more with padding.
        assert_eq!(header([0xFF, 0xFB, 0x90, 0x64]).length, Some(417));
        assert_eq!(header([0xFF, 0xFB, 0x92, 0x64]).length, Some(418));
        // MPEG-2, 64 kbit/s at 22.05 kHz, mono.
        let low = header([0xFF, 0xF3, 0x80, 0xC4]);
        assert_eq!((low.length, low.samples, low.channels), (Some(208), 576, 1));
        // Layer 1, 384 kbit/s at 48 kHz.
        let first = header([0xFF, 0xFF, 0xC4, 0x00]);
        assert_eq!((first.length, first.samples), (Some(384), 384));
        // MPEG 2.5, 8 kHz.
        assert_eq!(header([0xFF, 0xE3, 0x18, 0xC4]).sample_rate, 8000);
        assert_eq!(header([0xFF, 0xFB, 0x00, 0x64]).length, None);
    }

    #[test]
    fn reserved_values_are_no_header() {
        for bytes in [
            [0xFF, 0xFB, 0xF0, 0],
            [0xFF, 0xFB, 0x9C, 0],
            [0xFF, 0xEB, 0x90, 0],
            [0xFF, 0xF9, 0x90, 0],
            [0xFE, 0xFB, 0x90, 0],
        ] {
            assert_eq!(Header::parse(&bytes), None, "{bytes:x?}");
        }
    }
}
