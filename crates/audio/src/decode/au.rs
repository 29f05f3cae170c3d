//! The header of Sun's and NeXT's audio files (`.au`, `.snd`): six numbers, the
//! highest byte first, and a comment.

use super::layout::{Codec, Fault, Layout, bytes};
use super::source::Reader;

/// Reads an AU file up to the first sample.
pub(super) fn read(file: &mut Reader) -> Result<Layout, Fault> {
    let mut number = || -> Result<u32, Fault> { Ok(u32::from_be_bytes(bytes(file)?)) };
    let [_mark, offset, length] = [number()?, number()?, number()?];
    let [encoding, sample_rate, channels] = [number()?, number()?, number()?];
    let codec = match encoding {
        1 => Codec::MuLaw,
        2 => Codec::SignedByte,
        3..=5 => Codec::Int(encoding as u16 - 1),
        6 => Codec::Float(4),
        7 => Codec::Float(8),
        27 => Codec::ALaw,
        _ => {
            return Err(Fault::Unsupported(format!(
                "it is an AU file of encoding {encoding}"
            )));
        }
    };
    let channels = u16::try_from(channels)
        .ok()
        .filter(|n| (1..=26).contains(n));
    let channels = channels
        .ok_or_else(|| Fault::Corrupt("the header does not state 1 to 26 channels".into()))?;
    file.skip(u64::from(offset).saturating_sub(file.position()))?;
    Ok(Layout {
        codec,
        big_endian: true,
        channels,
        sample_rate,
        block_align: 0,
        stated: (length != u32::MAX).then_some(u64::from(length)),
        there: file.length().map(|end| end.saturating_sub(file.position())),
        fact: None,
    })
}
