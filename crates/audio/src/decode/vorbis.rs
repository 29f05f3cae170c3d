//! Vorbis of more than two channels, by the pure-Rust
//! [lewton](https://docs.rs/lewton). Symphonia's decoder mixes up coupled channels of
//! such files (the tests' matrix shows it); of one and two it is right, and faster.

use lewton::audio::{PreviousWindowRight, read_audio_packet_generic};
use lewton::header::{IdentHeader, SetupHeader, read_header_ident, read_header_setup};
use lewton::samples::InterleavedSamples;
use symphonia::core::errors::Error;

use super::failure::Failure;
use super::packets::Packets;

/// Bytes of an identification header (Vorbis I, 4.2.2).
const IDENTIFICATION: usize = 30;

pub(super) struct Vorbis {
    ident: IdentHeader,
    setup: SetupHeader,
    previous: PreviousWindowRight,
}

impl Vorbis {
    /// For packets after these headers: the identification, then the setup.
    pub(super) fn new(headers: &[u8]) -> Result<Self, Failure> {
        let damaged = || Failure::from(Error::DecodeError("its Vorbis header is invalid"));
        let (ident, setup) = headers
            .split_at_checked(IDENTIFICATION)
            .ok_or_else(damaged)?;
        let ident = read_header_ident(ident).map_err(|_| damaged())?;
        let sizes = (ident.blocksize_0, ident.blocksize_1);
        let setup = read_header_setup(setup, ident.audio_channels, sizes).map_err(|_| damaged())?;
        Ok(Vorbis {
            ident,
            setup,
            previous: PreviousWindowRight::new(),
        })
    }
}

impl Packets for Vorbis {
    fn decode(&mut self, packet: &[u8], out: &mut Vec<f32>) -> Option<(u32, usize)> {
        let decoded: Result<InterleavedSamples<f32>, _> =
            read_audio_packet_generic(&self.ident, &self.setup, packet, &mut self.previous);
        match decoded {
            // None of the first packet: its samples overlap with those of the second.
            Ok(decoded) => {
                out.extend_from_slice(&decoded.samples);
                let rate = self.ident.audio_sample_rate;
                Some((rate, usize::from(self.ident.audio_channels)))
            }
            Err(_) => {
                self.previous = PreviousWindowRight::new();
                None
            }
        }
    }
}
