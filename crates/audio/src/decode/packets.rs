//! Decoders of packets that this build has, beside Symphonia's.

use super::failure::Failure;

/// Decodes one packet after the other.
pub(super) trait Packets: Send + Sync {
    /// Appends the samples of a packet, channels interleaved; returns the rate and
    /// the number of channels, or `None` if the packet is damaged or needs one before
    /// it that is not there.
    fn decode(&mut self, packet: &[u8], out: &mut Vec<f32>) -> Option<(u32, usize)>;
}

/// Of MPEG audio.
#[cfg(feature = "mp3")]
pub(super) fn mpeg() -> Result<Box<dyn Packets>, Failure> {
    Ok(Box::new(super::mpeg::Mpeg::default()))
}

/// Of MPEG audio.
#[cfg(not(feature = "mp3"))]
pub(super) fn mpeg() -> Result<Box<dyn Packets>, Failure> {
    Err(Failure::NotBuiltIn("mp3"))
}

/// Of AAC with this configuration.
#[cfg(feature = "aac")]
pub(super) fn aac(config: &[u8]) -> Result<Box<dyn Packets>, Failure> {
    Ok(Box::new(super::aac::Aac::new(config)?))
}

/// Of AAC with this configuration.
#[cfg(not(feature = "aac"))]
pub(super) fn aac(_: &[u8]) -> Result<Box<dyn Packets>, Failure> {
    Err(Failure::NotBuiltIn("aac"))
}

/// Of Vorbis with these headers.
#[cfg(feature = "vorbis")]
pub(super) fn vorbis(headers: &[u8]) -> Result<Box<dyn Packets>, Failure> {
    Ok(Box::new(super::vorbis::Vorbis::new(headers)?))
}

/// Of Vorbis with these headers.
#[cfg(not(feature = "vorbis"))]
pub(super) fn vorbis(_: &[u8]) -> Result<Box<dyn Packets>, Failure> {
    Err(Failure::NotBuiltIn("vorbis"))
}
