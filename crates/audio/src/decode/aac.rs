//! AAC's packets, decoded by the pure-Rust [syom](https://docs.rs/syom): low
//! complexity of up to eight channels, HE-AAC with its upper half of the band (SBR)
//! and its second channel (PS), and low delay.

use syom::{DecodeOptions, Decoder};

use super::failure::Failure;
use super::packets::Packets;

pub(super) struct Aac {
    decoder: Decoder,
    config: Vec<u8>,
}

impl Aac {
    /// For packets of this configuration (ISO/IEC 14496-3, 1.6.2.1).
    pub(super) fn new(config: &[u8]) -> Result<Self, Failure> {
        let decoder = Decoder::from_asc(config, DecodeOptions::unbounded())
            .map_err(|e| Failure::Unsupported(format!("an unusual kind of AAC ({e})")))?;
        Ok(Aac {
            decoder,
            config: config.to_vec(),
        })
    }
}

impl Packets for Aac {
    fn decode(&mut self, packet: &[u8], out: &mut Vec<f32>) -> Option<(u32, usize)> {
        let mut format = None;
        let decoded = self.decoder.decode_au(packet, |frame| {
            let channels = frame.planar.len();
            let start = out.len();
            out.resize(start + frame.samples * channels, 0.0);
            for (n, plane) in frame.planar.iter().enumerate() {
                let places = out[start + n..].iter_mut().step_by(channels);
                places
                    .zip(*plane)
                    .for_each(|(place, sample)| *place = *sample);
            }
            format = Some((frame.sample_rate, channels));
            Ok(())
        });
        if decoded.is_err() {
            out.clear();
            // It stays failed until then. The configuration was accepted before.
            self.decoder.reset();
            self.decoder.set_asc(&self.config).ok()?;
            return None;
        }
        format.filter(|_| !out.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_damaged_packet_does_not_end_the_decoder() {
        let mut aac = Aac::new(&[0x12, 0x10]).unwrap();
        let mut out = Vec::new();
        for _ in 0..3 {
            assert_eq!(aac.decode(&[0xFF; 40], &mut out), None);
            assert!(out.is_empty());
        }
    }
}
