//! What a container holds that cannot be decoded, for the message.

use std::io::{Read, Seek, SeekFrom};

use symphonia::core::io::MediaSourceStream;

use super::kind::Kind;
use super::source::Reader;

/// How much of a file is searched: containers say at the start or at the end what
/// they hold.
const SEARCHED: u64 = 1 << 20;

/// Marks of codecs in Ogg (at the start of a stream), Matroska and MP4.
const MARKS: [(Kind, &[u8], &str); 27] = [
    (Kind::Ogg, b"Speex   ", "Speex audio"),
    (Kind::Ogg, b"\x80theora", "Theora video"),
    (Kind::Ogg, b"PCM     ", "PCM in Ogg"),
    (Kind::Ogg, b"CELT    ", "CELT audio, the forerunner of Opus"),
    (Kind::Matroska, b"A_AC3", "Dolby Digital audio (AC-3)"),
    (
        Kind::Matroska,
        b"A_EAC3",
        "Dolby Digital Plus audio (E-AC-3)",
    ),
    (Kind::Matroska, b"A_TRUEHD", "Dolby TrueHD audio"),
    (Kind::Matroska, b"A_DTS", "DTS audio"),
    (Kind::Matroska, b"A_WAVPACK4", "WavPack audio"),
    (Kind::Matroska, b"A_TTA1", "True Audio (TTA)"),
    (Kind::Matroska, b"A_MS/ACM", "audio of a Windows codec"),
    (Kind::Matroska, b"A_REAL", "RealAudio"),
    (Kind::Matroska, b"A_AAC", "an unusual kind of AAC"),
    (Kind::Mp4, b"enca", "encrypted audio"),
    (Kind::Mp4, b"drms", "encrypted audio (FairPlay)"),
    (Kind::Mp4, b"samr", "AMR audio"),
    (Kind::Mp4, b"sawb", "AMR wideband audio"),
    (Kind::Mp4, b"ec-3", "Dolby Digital Plus audio (E-AC-3)"),
    (Kind::Mp4, b"ac-3", "Dolby Digital audio (AC-3)"),
    (Kind::Mp4, b"dtsc", "DTS audio"),
    (Kind::Mp4, b"QDM2", "QDesign audio"),
    (Kind::Mp4, b"agsm", "GSM audio"),
    (Kind::Mp4, b"Qclp", "QCELP audio"),
    (Kind::Mp4, b"alac", "Apple Lossless in a QuickTime film"),
    (Kind::Mp4, b"mp4a", "an unusual kind of AAC"),
    (Kind::Caf, b"ilbc", "iLBC audio"),
    (Kind::Caf, b"aac ", "an unusual kind of AAC"),
];

/// What the container holds, if a mark of it is known.
pub(super) fn held(kind: Kind, mut stream: MediaSourceStream<'_>) -> Option<&'static str> {
    let mut bytes = Vec::new();
    let mut take = |from: SeekFrom| {
        stream.seek(from).ok()?;
        (&mut stream).take(SEARCHED).read_to_end(&mut bytes).ok()
    };
    take(SeekFrom::Start(0))?;
    // From the end only where the file is longer; what is found twice does no harm.
    let _ = take(SeekFrom::End(-(SEARCHED as i64)));
    let found = |mark: &[u8]| bytes.windows(mark.len()).any(|window| window == mark);
    MARKS
        .iter()
        .filter(|(of, ..)| *of == kind)
        .find(|(_, mark, _)| found(mark))
        .map(|(.., what)| *what)
}

/// What an Ogg file holds by its first page, whose demuxer does not return what it
/// cannot read.
pub(super) fn held_at_the_start(file: &mut Reader) -> Option<&'static str> {
    let page = file.peek(256).ok()?;
    let segments = usize::from(*page.get(26)?);
    let packet = page.get(27 + segments..)?;
    let mut of_ogg = MARKS.iter().filter(|(kind, ..)| *kind == Kind::Ogg);
    let starts = |(_, mark, _): &&(Kind, &[u8], &str)| packet.starts_with(mark);
    // Video beside audio is no reason to refuse the audio.
    of_ogg
        .find(starts)
        .filter(|(_, mark, _)| !mark.starts_with(&[0x80]))
        .map(|(.., what)| *what)
}
