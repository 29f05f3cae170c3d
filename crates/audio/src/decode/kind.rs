//! What kind of file it is: by its first bytes, and for listing folders by its name.

use std::path::Path;

use super::mpeg;

/// The extensions of the kinds of file that this crate reads, in lower case.
///
/// They are for choosing files in a folder: a decoder goes by the content alone.
/// Kinds that a build leaves out (see the [features](crate#kinds-of-file)) are
/// listed as well, so that such a file is reported instead of missed.
pub const EXTENSIONS: &[&str] = &[
    "wav", "wave", "bwf", "rf64", "w64", // WAV, Wave64
    "au", "snd",  // AU
    "sph",  // SPHERE
    "flac", // FLAC
    "aif", "aiff", "aifc", // AIFF
    "caf",  // Apple CAF
    "mp3", "mp2", "mpga", // MPEG audio
    "aac",  // AAC in ADTS frames
    "m4a", "m4b", "mp4", "mov", // MP4, QuickTime
    "ogg", "oga", "opus", // Ogg
    "mka", "mkv", "weba", "webm", // Matroska, WebM
];

/// Whether a file's extension is one of [`EXTENSIONS`], in upper or lower case.
/// The file is not opened, and need not exist.
///
/// ```
/// assert!(audio::is_audio_name("clips/hello.WAV".as_ref()));
/// assert!(!audio::is_audio_name("clips/labels.csv".as_ref()));
/// ```
pub fn is_audio_name(path: &Path) -> bool {
    path.extension().is_some_and(|extension| {
        EXTENSIONS
            .iter()
            .any(|known| extension.eq_ignore_ascii_case(known))
    })
}

/// How many bytes [`Kind::of`] looks at.
pub(super) const HEAD: usize = 64;

/// A kind of file, by its content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Empty,
    /// RIFF/WAVE, RF64, BW64 or RIFX.
    Riff,
    /// Sony's Wave64.
    Wave64,
    /// Sun's and NeXT's AU.
    Au,
    /// NIST SPHERE.
    Sphere,
    /// AIFF or AIFF-C.
    Aiff,
    Caf,
    Flac,
    Ogg,
    /// MPEG audio, layers 1 to 3.
    Mpeg,
    /// AAC in ADTS frames.
    Adts,
    /// MP4, M4A, QuickTime.
    Mp4,
    /// Matroska or WebM.
    Matroska,
    /// An ID3v2 tag of this many bytes; the file proper follows.
    Tag(u64),
    /// Recognised, but not supported.
    Other(&'static str),
    /// Text of some kind.
    Text,
    Unknown,
}

/// Kinds of file that are not read, by their first bytes.
const OTHERS: [(&[u8], &str); 30] = [
    (b"#!AMR", "AMR audio"),
    (b"#!SILK", "Skype's SILK audio"),
    (&[0x30, 0x26, 0xB2, 0x75], "Windows Media audio (WMA)"),
    (&[0x0B, 0x77], "Dolby Digital audio (AC-3)"),
    (&[0x77, 0x0B], "Dolby Digital audio (AC-3)"),
    (&[0x7F, 0xFE, 0x80, 0x01], "DTS audio"),
    (&[0xFE, 0x7F, 0x01, 0x80], "DTS audio"),
    (b"wvpk", "WavPack audio"),
    (b"MAC ", "Monkey's Audio"),
    (b"TTA1", "True Audio (TTA)"),
    (b"tBaK", "TAK audio"),
    (b"MPCK", "Musepack audio"),
    (b"MP+", "Musepack audio"),
    (b"OFR ", "OptimFROG audio"),
    (b"ajkg", "Shorten audio"),
    (b"ADIF", "AAC in an ADIF file"),
    (b"DSD ", "DSD audio"),
    (b"FRM8", "DSD audio"),
    (b".RMF", "RealMedia"),
    (&[b'.', b'r', b'a', 0xFD], "RealAudio"),
    (b"Creative Voice File", "a Creative Voice file (VOC)"),
    (b"2BIT", "an AVR sound file"),
    (b"FLV", "a Flash video"),
    (&[0, 0, 1, 0xBA], "an MPEG video"),
    (b"MThd", "a MIDI file"),
    (b"%PDF", "a PDF document"),
    (b"PK\x03\x04", "a ZIP archive"),
    (&[0x1F, 0x8B], "a gzip archive"),
    (&[0x89, b'P', b'N', b'G'], "a PNG picture"),
    (&[0xFF, 0xD8, 0xFF], "a JPEG picture"),
];

impl Kind {
    /// Recognises a file by its first [`HEAD`] bytes (or all, if it is shorter).
    pub(super) fn of(head: &[u8]) -> Kind {
        let at = |from: usize, mark: &[u8]| head.get(from..from + mark.len()) == Some(mark);
        let short = head.len() < 12;
        if head.is_empty() {
            Kind::Empty
        } else if [b"RIFF", b"RF64", b"BW64", b"RIFX"]
            .iter()
            .any(|m| at(0, *m))
        {
            match head.get(8..12) {
                Some(b"WAVE") | None => Kind::Riff,
                Some(b"AVI ") => Kind::Other("an AVI video"),
                Some(_) => Kind::Other("a RIFF file other than WAV"),
            }
        } else if at(0, b"fLaC") {
            Kind::Flac
        } else if at(0, b"FORM") && (short || at(8, b"AIFF") || at(8, b"AIFC")) {
            Kind::Aiff
        } else if at(0, b"OggS") {
            Kind::Ogg
        } else if at(0, b"caff") {
            Kind::Caf
        } else if at(0, b".snd") {
            Kind::Au
        } else if at(0, b"NIST_1A\n") {
            Kind::Sphere
        } else if at(0, b"riff\x2E\x91\xCF\x11") {
            Kind::Wave64
        } else if at(4, b"ftypaax") || at(4, b"ftypaaxc") {
            Kind::Other("an encrypted audio book (Audible)")
        } else if [b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip"]
            .iter()
            .any(|mark| at(4, *mark))
        {
            Kind::Mp4
        } else if at(0, &[0x1A, 0x45, 0xDF, 0xA3]) {
            Kind::Matroska
        } else if let Some(length) = id3_length(head) {
            Kind::Tag(length)
        } else if at(0, b"ID3") {
            // The tag's own header is truncated or invalid.
            Kind::Mpeg
        } else if let Some((_, what)) = OTHERS.iter().find(|(mark, _)| at(0, mark)) {
            Kind::Other(what)
        } else if is_transport_stream(head) || head.get(4..).is_some_and(is_transport_stream) {
            Kind::Other("an MPEG transport stream")
        } else if mpeg::Header::parse(head).is_some() {
            Kind::Mpeg
        } else if head.len() > 1 && head[0] == 0xFF && head[1] & 0xF6 == 0xF0 {
            Kind::Adts
        } else if head.iter().all(|b| matches!(b, 9 | 10 | 13 | 32..=126)) {
            Kind::Text
        } else {
            Kind::Unknown
        }
    }

    /// Its name in messages.
    pub(super) fn name(self) -> &'static str {
        match self {
            Kind::Riff => "WAV",
            Kind::Wave64 => "Wave64",
            Kind::Au => "AU",
            Kind::Sphere => "SPHERE",
            Kind::Aiff => "AIFF",
            Kind::Caf => "Apple CAF",
            Kind::Flac => "FLAC",
            Kind::Ogg => "Ogg",
            Kind::Mpeg => "MP3",
            Kind::Adts => "AAC",
            Kind::Mp4 => "MP4/M4A",
            Kind::Matroska => "Matroska/WebM",
            Kind::Empty | Kind::Tag(_) | Kind::Other(_) | Kind::Text | Kind::Unknown => "unknown",
        }
    }
}

/// Whether a packet of an MPEG transport stream begins here that such a file begins
/// with: a table of its programmes (ISO/IEC 13818-1, 2.4.3.2). Cameras put a time of
/// four bytes in front.
fn is_transport_stream(head: &[u8]) -> bool {
    let [0x47, flags, pid, control, ..] = head else {
        return false;
    };
    let pid = u16::from(flags & 0x1F) << 8 | u16::from(*pid);
    flags & 0x80 == 0 && [0, 0x11].contains(&pid) && control & 0xF0 == 0x10
}

/// The length of an ID3v2 tag at the start, including its header and footer.
pub(super) fn id3_length(head: &[u8]) -> Option<u64> {
    let [b'I', b'D', b'3', major, minor, flags, size @ ..] = head else {
        return None;
    };
    let size: &[u8; 4] = size.first_chunk()?;
    if *major == 0xFF || *minor == 0xFF || size.iter().any(|b| b & 0x80 != 0) {
        return None;
    }
    let body = size.iter().fold(0, |n, b| n << 7 | u64::from(*b));
    let footer = if flags & 0x10 != 0 { 10 } else { 0 };
    Some(10 + body + footer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_length_of_an_id3_tag_is_in_seven_bit_bytes() {
        let tag = |flags, size: [u8; 4]| [b"ID3\x04\x00", &[flags][..], &size].concat();
        assert_eq!(Kind::of(&tag(0, [0, 0, 0, 0])), Kind::Tag(10));
        assert_eq!(Kind::of(&tag(0, [0, 0, 1, 2])), Kind::Tag(10 + 130));
        assert_eq!(Kind::of(&tag(0x10, [0, 0, 1, 2])), Kind::Tag(20 + 130));
        let longest = Kind::of(&tag(0x10, [0x7F; 4]));
        assert_eq!(longest, Kind::Tag((1 << 28) - 1 + 20));
        assert_eq!(Kind::of(&tag(0, [0x80, 0, 0, 0])), Kind::Mpeg);
    }

    #[test]
    fn reserved_values_are_not_an_mpeg_frame() {
        assert_eq!(Kind::of(&[0xFF, 0xFB, 0x90, 0x44]), Kind::Mpeg);
        assert_eq!(Kind::of(&[0xFF, 0xF3, 0x40, 0xC0]), Kind::Mpeg);
        for frame in [
            [0xFF, 0xFB, 0xF0, 0],
            [0xFF, 0xFB, 0x9C, 0],
            [0xFF, 0xEB, 0x90, 0],
        ] {
            assert_ne!(Kind::of(&frame), Kind::Mpeg, "{frame:x?}");
        }
        assert_eq!(Kind::of(&[0xFF, 0xF1, 0x50, 0x80]), Kind::Adts);
    }

    #[test]
    fn names_are_recognised_by_extension_in_any_case() {
        for name in ["a.wav", "A.WAV", "x/y.Flac", "talk.part1.mp3", "film.mkv"] {
            assert!(is_audio_name(name.as_ref()), "{name}");
        }
        for name in ["wav", ".wav", "a.wav.txt", "labels.csv", "a.wma", ""] {
            assert!(!is_audio_name(name.as_ref()), "{name}");
        }
        assert!(EXTENSIONS.iter().all(|e| e.to_ascii_lowercase() == **e));
    }
}
