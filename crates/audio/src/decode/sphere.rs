//! The header of NIST SPHERE files, in which TIMIT, Switchboard and other corpora of
//! the Linguistic Data Consortium come: lines of text, filled up to 1024 bytes.

use std::io::Read;

use super::layout::{Codec, Fault, Layout};
use super::source::Reader;

/// The most bytes of a header.
const HEADER_AT_MOST: u64 = 1 << 16;

/// Reads a SPHERE file up to the first sample.
pub(super) fn read(file: &mut Reader) -> Result<Layout, Fault> {
    let corrupt = |what: &str| Fault::Corrupt(what.to_owned());
    // "NIST_1A", a line feed, and the header's length on a line of eight bytes.
    let start = file.peek(16)?.to_vec();
    let length = start
        .get(8..16)
        .and_then(|line| std::str::from_utf8(line).ok());
    let length: u64 = length
        .and_then(|line| line.trim().parse().ok())
        .filter(|length| (16..=HEADER_AT_MOST).contains(length))
        .ok_or_else(|| corrupt("its header does not state its length"))?;
    let mut header = vec![0; length as usize];
    file.read_exact(&mut header)?;
    let header = String::from_utf8_lossy(&header).into_owned();
    // Each line is a name, a type (-i, -r or -sLENGTH) and a value.
    let field = |wanted: &str| {
        let lines = header.lines().take_while(|line| line.trim() != "end_head");
        lines
            .filter_map(|line| line.trim().split_once(' '))
            .find(|(name, _)| *name == wanted)
            .and_then(|(_, rest)| Some(rest.trim().split_once(' ')?.1.trim().to_owned()))
    };
    let number = |wanted: &str| field(wanted).and_then(|text| text.parse::<f64>().ok());
    let coding = field("sample_coding").unwrap_or_else(|| "pcm".into());
    let width = number("sample_n_bytes").unwrap_or(2.0) as u16;
    let codec = match (coding.as_str(), width) {
        ("ulaw" | "mu-law" | "mulaw", _) => Codec::MuLaw,
        ("alaw" | "a-law", _) => Codec::ALaw,
        ("pcm", 1) => Codec::SignedByte,
        ("pcm", 2..=4) => Codec::Int(width),
        (coding, _) => {
            return Err(Fault::Unsupported(format!(
                "it is a SPHERE file of coding {coding} ({width} bytes)"
            )));
        }
    };
    let channels = number("channel_count").unwrap_or(1.0) as u16;
    if !(1..=26).contains(&channels) {
        return Err(corrupt(&format!(
            "the header states {channels} channels (allowed: 1 to 26)"
        )));
    }
    let sample_rate =
        number("sample_rate").ok_or_else(|| corrupt("its header has no sample_rate"))?;
    let bytes = u64::from(match codec {
        Codec::Int(width) => width,
        _ => 1,
    });
    let samples = number("sample_count").map(|n| n as u64);
    Ok(Layout {
        codec,
        big_endian: field("sample_byte_format").is_some_and(|order| order.starts_with('1')),
        channels,
        sample_rate: sample_rate as u32,
        block_align: 0,
        stated: samples.map(|n| n.saturating_mul(bytes * u64::from(channels))),
        there: file.length().map(|end| end.saturating_sub(file.position())),
        fact: None,
    })
}
