//! The headers of AAC frames in ADTS (ISO/IEC 13818-7, 6.2).

/// One frame's header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    /// 0 Main, 1 Low Complexity, 2 SSR, 3 Long-Term Prediction.
    pub(super) profile: u8,
    pub(super) sample_rate: u32,
    /// The rate's and the channels' numbers in the standard.
    rate_index: u8,
    channel_config: u8,
    /// 0: the frame itself says.
    pub(super) channels: usize,
    /// Bytes before the payload: 7, or 9 with a checksum.
    pub(super) before: usize,
    /// Bytes of the frame with its header.
    pub(super) length: usize,
    /// Raw blocks of 1024 samples.
    pub(super) blocks: usize,
}

/// Hz, by the header's four bits.
pub(super) const SAMPLE_RATES: [u32; 13] = [
    96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000,
    7_350,
];

impl Header {
    /// The header at the start of `bytes`.
    pub(super) fn parse(bytes: &[u8]) -> Option<Header> {
        let &[0xFF, second, third, fourth, fifth, sixth, seventh, ..] = bytes else {
            return None;
        };
        // Twelve bits of sync, and layer 0.
        if second & 0xF6 != 0xF0 {
            return None;
        }
        let before = if second & 1 == 0 { 9 } else { 7 };
        let length =
            usize::from(fourth & 3) << 11 | usize::from(fifth) << 3 | usize::from(sixth) >> 5;
        let channel_config = third << 2 & 4 | fourth >> 6;
        let rate_index = third >> 2 & 15;
        let channels = match channel_config {
            7 => 8,
            n => usize::from(n),
        };
        (length > before).then_some(Header {
            profile: third >> 6,
            sample_rate: *SAMPLE_RATES.get(usize::from(rate_index))?,
            rate_index,
            channel_config,
            channels,
            before,
            length,
            blocks: usize::from(seventh & 3) + 1,
        })
    }

    /// The configuration that the header stands for (ISO/IEC 14496-3, 1.6.2.1).
    pub(super) fn config(&self) -> [u8; 2] {
        let object = u16::from(self.profile) + 1;
        let rate_and_channels =
            u16::from(self.rate_index) << 7 | u16::from(self.channel_config) << 3;
        (object << 11 | rate_and_channels).to_be_bytes()
    }

    /// Whether the other is one of the same kind.
    pub(super) fn is_like(&self, other: &Header) -> bool {
        self.profile == other.profile
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_is_read_by_its_bits() {
        // Low Complexity, 44.1 kHz, stereo, 371 bytes, no checksum.
        let header = Header::parse(&[0xFF, 0xF1, 0x50, 0x80, 0x2E, 0x7F, 0xFC]).unwrap();
        assert_eq!(header.profile, 1);
        assert_eq!((header.sample_rate, header.channels), (44_100, 2));
        assert_eq!((header.before, header.length, header.blocks), (7, 371, 1));
        assert_eq!(header.config(), [0x12, 0x10]);
    }

    #[test]
    fn a_frame_shorter_than_its_header_is_none() {
        assert_eq!(
            Header::parse(&[0xFF, 0xF1, 0x50, 0x80, 0x00, 0xFF, 0xFC]),
            None
        );
    }
}
