//! Whether a container is whole: its elements, one after the other, up to the end.
//!
//! Demuxers pass over what they cannot read and stop where a file is cut, without a
//! word. Here only the headers of Ogg pages, Matroska elements and MP4 boxes are
//! walked through, to count the bytes that belong to none and those that the last
//! one promises and the file does not have.

use std::io::{self, Read};
use std::sync::{Arc, Mutex, PoisonError};

use super::kind::Kind;
use super::mp4;
use super::source::Reader;

/// Bytes read at once; longer elements are skipped.
const BYTES_AT_ONCE: u64 = 64 << 10;

/// What is wrong with a container.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Damage {
    /// Bytes of the file.
    pub(super) bytes: u64,
    /// Bytes that the last element promises and the file does not have.
    pub(super) missing: u64,
    /// Bytes that belong to no element.
    pub(super) damaged: u64,
    /// Zeros after the last element: room that a recorder did not need.
    pub(super) padding: u64,
    /// Whether a stream has no mark of its end (Ogg).
    pub(super) is_open: bool,
    /// The most packets that a run of a fragment states (MP4).
    pub(super) packets: u32,
    /// Bytes of the largest packet that a fragment states (MP4).
    pub(super) largest: u32,
}

/// What begins at a place.
enum Step {
    /// An element of so many bytes, to be passed over.
    Over(u64),
    /// An element whose header has so many bytes, and whose content is walked through.
    Into(u64),
    /// An element up to the end of the file.
    Rest,
    /// Not decided by fewer than so many bytes.
    More(usize),
    /// Nothing known.
    Unknown,
}

/// A walk through a container, fed with its bytes in order.
pub(super) struct Structure {
    kind: Kind,
    ahead: Vec<u8>,
    /// Bytes to pass over before the next element.
    skip: u64,
    /// Whether the last bytes belong to no element.
    is_lost: bool,
    /// Of Matroska's segment, where it says.
    end: Option<u64>,
    /// Ogg streams without their last page.
    open: Vec<u32>,
    /// Whether the samples of an MP4 are in fragments; else its index tells.
    fragments: bool,
    found: Damage,
}

/// A walk that a [`View`](super::source::View) feeds as it is read.
pub(super) type Watched = Arc<Mutex<Structure>>;

impl Structure {
    /// `None` for kinds that have no such elements, or whose demuxer tells.
    pub(super) fn new(kind: Kind) -> Option<Self> {
        matches!(kind, Kind::Ogg | Kind::Matroska | Kind::Mp4).then(|| Structure {
            kind,
            ahead: Vec::new(),
            skip: 0,
            is_lost: false,
            end: None,
            open: Vec::new(),
            fragments: false,
            found: Damage::default(),
        })
    }

    /// Walks through a file that can be sought, and returns to its place.
    pub(super) fn walk(mut self, file: &mut Reader) -> io::Result<Self> {
        let start = file.position();
        let length = file.length().unwrap_or(u64::MAX);
        let mut bytes = Vec::new();
        loop {
            if self.skip > BYTES_AT_ONCE {
                let there = length.saturating_sub(file.position()).min(self.skip);
                file.skip(there)?;
                self.skip -= there;
                self.found.bytes += there;
            }
            bytes.clear();
            if file.by_ref().take(BYTES_AT_ONCE).read_to_end(&mut bytes)? == 0 {
                break;
            }
            self.push(&bytes);
        }
        file.seek_to(start)?;
        Ok(self)
    }

    /// Takes the next bytes.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.found.bytes += bytes.len() as u64;
        let skipped = self.skip.min(bytes.len() as u64);
        self.skip -= skipped;
        self.ahead.extend_from_slice(&bytes[skipped as usize..]);
        let mut at = 0;
        while at < self.ahead.len() {
            let place = self.found.bytes - (self.ahead.len() - at) as u64;
            let (length, is_known) = match self.step(at, place) {
                Step::Over(length) | Step::Into(length) => (length, true),
                Step::Rest => (u64::MAX, true),
                Step::More(_) => break,
                Step::Unknown => (1, false),
            };
            self.is_lost = !is_known;
            // Zeros are damage where something else follows.
            match (is_known, self.ahead[at]) {
                (false, 0) => self.found.padding += 1,
                (is_known, _) => {
                    self.found.damaged += u64::from(!is_known);
                    self.found.damaged += std::mem::take(&mut self.found.padding);
                }
            }
            let here = length.min((self.ahead.len() - at) as u64);
            at += here as usize;
            self.skip = length - here;
        }
        self.ahead.drain(..at);
    }

    /// What is wrong, once all bytes are pushed.
    pub(super) fn damage(&self) -> Damage {
        let mut found = self.found;
        let is_padding = found.padding > 0 && self.ahead.iter().all(|byte| *byte == 0);
        let begun = match self.ahead.is_empty() {
            true => self.skip,
            // A few zeros more could be the beginning of anything.
            false if is_padding => {
                found.padding += self.ahead.len() as u64;
                0
            }
            false => match self.step_of(&self.ahead) {
                Step::More(wanted) => (wanted - self.ahead.len()) as u64,
                _ => 0,
            },
        };
        let to_the_end = self.end.map_or(0, |end| end.saturating_sub(found.bytes));
        // The last element of the file has no end.
        found.missing = match begun > u64::MAX / 2 {
            true => 0,
            false => begun.max(to_the_end),
        };
        if self.kind == Kind::Mp4 && !self.fragments {
            found.missing = 0;
        }
        found.is_open = !self.open.is_empty();
        found
    }

    fn step(&mut self, at: usize, place: u64) -> Step {
        let bytes = &self.ahead[at..];
        let step = self.step_of(bytes);
        match (&step, self.kind) {
            (Step::Over(_), Kind::Ogg) => {
                // A page's flags (2: the first, 4: the last of its stream), its stream.
                let stream = u32::from_le_bytes([bytes[14], bytes[15], bytes[16], bytes[17]]);
                if bytes[5] & 2 != 0 && !self.open.contains(&stream) && self.open.len() < 64 {
                    self.open.push(stream);
                }
                if bytes[5] & 4 != 0 {
                    self.open.retain(|open| *open != stream);
                }
            }
            (Step::Into(header), Kind::Matroska) if bytes.starts_with(&SEGMENT) => {
                let size = matroska_size(&bytes[4..]).and_then(|(size, _)| size);
                self.end = size.and_then(|size| (place + header).checked_add(size));
            }
            (Step::Over(length), Kind::Mp4) if &bytes[4..8] == b"moof" => {
                self.fragments = true;
                let inside = bytes.get(8..*length as usize);
                let (packets, largest) = inside.map_or((u32::MAX, 0), mp4::stated_by);
                self.found.packets = self.found.packets.max(packets);
                self.found.largest = self.found.largest.max(largest);
            }
            _ => {}
        }
        step
    }

    fn step_of(&self, bytes: &[u8]) -> Step {
        match self.kind {
            Kind::Ogg => ogg_page(bytes),
            Kind::Matroska => matroska_element(bytes, self.is_lost),
            _ => mp4_box(bytes, self.is_lost),
        }
    }
}

/// The damage that a walk has found so far.
pub(super) fn damage(walk: &Watched) -> Damage {
    walk.lock().unwrap_or_else(PoisonError::into_inner).damage()
}

/// An Ogg page ([RFC 3533](https://www.rfc-editor.org/rfc/rfc3533), section 6) whose
/// checksum is right.
fn ogg_page(bytes: &[u8]) -> Step {
    if !b"OggS".starts_with(&bytes[..bytes.len().min(4)]) {
        return Step::Unknown;
    }
    let Some(segments) = bytes.get(26) else {
        return Step::More(27);
    };
    let header = 27 + usize::from(*segments);
    let Some(lengths) = bytes.get(27..header) else {
        return Step::More(header);
    };
    let length = header + lengths.iter().map(|n| usize::from(*n)).sum::<usize>();
    let Some(page) = bytes.get(..length) else {
        return Step::More(length);
    };
    let stated = u32::from_le_bytes([page[22], page[23], page[24], page[25]]);
    let rest = page[22 + 4..].iter();
    let without = page[..22].iter().chain(&[0; 4]).chain(rest);
    let checksum = without.fold(0, |sum: u32, byte| {
        sum << 8 ^ CHECKSUMS[(sum >> 24) as usize ^ usize::from(*byte)]
    });
    match checksum == stated {
        true => Step::Over(length as u64),
        false => Step::Unknown,
    }
}

/// Of a byte, the remainder by Ogg's polynomial.
const CHECKSUMS: [u32; 256] = {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let mut sum = (byte as u32) << 24;
        let mut bit = 0;
        while bit < 8 {
            sum = sum << 1 ^ (if sum >> 31 == 1 { 0x04C1_1DB7 } else { 0 });
            bit += 1;
        }
        table[byte] = sum;
        byte += 1;
    }
    table
};

const SEGMENT: [u8; 4] = [0x18, 0x53, 0x80, 0x67];
const CLUSTER: [u8; 4] = [0x1F, 0x43, 0xB6, 0x75];

/// Elements of the file and of its segment: the header, the index of indices, the
/// general part, tracks, chapters, cues, attachments, tags.
const LARGE_ELEMENTS: [[u8; 4]; 8] = [
    [0x1A, 0x45, 0xDF, 0xA3],
    [0x11, 0x4D, 0x9B, 0x74],
    [0x15, 0x49, 0xA9, 0x66],
    [0x16, 0x54, 0xAE, 0x6B],
    [0x10, 0x43, 0xA7, 0x70],
    [0x1C, 0x53, 0xBB, 0x6B],
    [0x19, 0x41, 0xA4, 0x69],
    [0x12, 0x54, 0xC3, 0x67],
];

/// Elements of a cluster, and fillers: a void, a checksum, the time, position, size
/// before, blocks of three kinds.
const SMALL_ELEMENTS: [u8; 8] = [0xEC, 0xBF, 0xE7, 0xA7, 0xAB, 0xA3, 0xA0, 0xAF];

/// An element of Matroska ([RFC 9559](https://www.rfc-editor.org/rfc/rfc9559)).
/// `is_lost`: the bytes before were damaged, so that only identifiers of four bytes
/// are believed.
fn matroska_element(bytes: &[u8], is_lost: bool) -> Step {
    let small = !is_lost && SMALL_ELEMENTS.contains(&bytes[0]);
    let before = match (small, bytes.first_chunk::<4>()) {
        (true, _) => 1,
        (false, Some(id)) => {
            let is_known = [SEGMENT, CLUSTER].contains(id) || LARGE_ELEMENTS.contains(id);
            match is_known {
                true => 4,
                // Tracks that are silent, in old files.
                false if !is_lost && id[..2] == [0x58, 0x54] => 2,
                false => return Step::Unknown,
            }
        }
        (false, None) => return Step::More(4),
    };
    let Some((size, width)) = bytes.get(before..).and_then(matroska_size) else {
        return Step::More(before + 8);
    };
    let header = (before + width) as u64;
    let is_into = bytes.starts_with(&SEGMENT) || bytes.starts_with(&CLUSTER);
    match size {
        _ if is_into => Step::Into(header),
        Some(size) => Step::Over(header.saturating_add(size)),
        None => Step::Unknown,
    }
}

/// A size and how many bytes it takes; all ones is an unknown size.
fn matroska_size(bytes: &[u8]) -> Option<(Option<u64>, usize)> {
    let width = bytes.first()?.leading_zeros() as usize + 1;
    if width > 8 {
        return Some((None, 1));
    }
    let number = bytes.get(..width)?;
    let all = number
        .iter()
        .fold(0, |all, byte| all << 8 | u64::from(*byte));
    let most = (1 << (7 * width)) - 1;
    let size = all & most;
    Some(((size != most).then_some(size), width))
}

/// Boxes at the top of MP4 and QuickTime files.
const BOXES: [&[u8; 4]; 19] = [
    b"ftyp", b"styp", b"moov", b"moof", b"mdat", b"mfra", b"sidx", b"ssix", b"free", b"skip",
    b"wide", b"uuid", b"meta", b"emsg", b"prft", b"pdin", b"pnot", b"udta", b"junk",
];

/// A box of ISO/IEC 14496-12, 4.2.
fn mp4_box(bytes: &[u8], is_lost: bool) -> Step {
    let (Some(size), Some(name)) = (bytes.first_chunk::<4>(), bytes.get(4..8)) else {
        return Step::More(8);
    };
    let is_known = BOXES.iter().any(|known| name == *known);
    let is_name = name.iter().all(|c| c.is_ascii_alphanumeric() || *c == b' ');
    if !is_known && (is_lost || !is_name) {
        return Step::Unknown;
    }
    match (u32::from_be_bytes(*size), bytes.get(8..16)) {
        (0, _) => Step::Rest,
        (1, None) => Step::More(16),
        (1, Some(size)) => {
            let size = size.iter().fold(0, |all, byte| all << 8 | u64::from(*byte));
            match size {
                16.. => Step::Over(size),
                _ => Step::Unknown,
            }
        }
        // Of a fragment all is looked at.
        (size @ 8..=FRAGMENT_AT_MOST, _) if name == b"moof" && bytes.len() < size as usize => {
            Step::More(size as usize)
        }
        (size @ 8.., _) => Step::Over(u64::from(size)),
        _ => Step::Unknown,
    }
}

/// The longest description of a fragment that is looked at: one of a million samples.
const FRAGMENT_AT_MOST: u32 = 16 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    fn damage_of(kind: Kind, bytes: &[u8], at_once: usize) -> Damage {
        let mut walk = Structure::new(kind).unwrap();
        bytes.chunks(at_once).for_each(|chunk| walk.push(chunk));
        walk.damage()
    }

    /// Two fragments of an MP4.
    fn mp4() -> Vec<u8> {
        let boxed = |name: &[u8], length: usize| {
            let size = (8 + length as u32).to_be_bytes();
            [&size[..], name, &vec![0xAA; length]].concat()
        };
        [
            boxed(b"ftyp", 8),
            boxed(b"moov", 100),
            boxed(b"moof", 60),
            boxed(b"mdat", 5000),
            boxed(b"moof", 60),
            boxed(b"mdat", 5000),
        ]
        .concat()
    }

    /// A segment of known size with two clusters of unknown size.
    fn matroska() -> Vec<u8> {
        let block = [&[0xA3, 0x41, 0x00][..], &[0x55; 256]].concat();
        let unknown = [0x01, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF];
        let time = [0xE7, 0x81, 0];
        let cluster = [&CLUSTER[..], &unknown, &time, &block, &block].concat();
        let size = 0x4000 | (2 * cluster.len()) as u16;
        let header = [0x1A, 0x45, 0xDF, 0xA3, 0x82, 1, 2];
        let segment = [&SEGMENT[..], &size.to_be_bytes()].concat();
        [&header[..], &segment, &cluster, &cluster].concat()
    }

    #[test]
    fn a_whole_file_has_no_damage_whatever_the_chunks() {
        for (kind, bytes) in [(Kind::Mp4, mp4()), (Kind::Matroska, matroska())] {
            for at_once in [1, 7, 300, 100_000] {
                let whole = Damage {
                    bytes: bytes.len() as u64,
                    ..Damage::default()
                };
                assert_eq!(damage_of(kind, &bytes, at_once), whole, "{kind:?}");
            }
        }
    }

    #[test]
    fn what_is_cut_off_is_counted() {
        for (kind, bytes) in [(Kind::Mp4, mp4()), (Kind::Matroska, matroska())] {
            for cut in [1, 20, 200] {
                let damage = damage_of(kind, &bytes[..bytes.len() - cut], 100);
                assert_eq!(
                    (damage.missing, damage.damaged),
                    (cut as u64, 0),
                    "{kind:?}"
                );
            }
        }
    }

    #[test]
    fn room_at_the_end_that_was_not_needed_is_no_damage() {
        for (kind, bytes) in [(Kind::Mp4, mp4()), (Kind::Matroska, matroska())] {
            let padded = [&bytes[..], &[0; 1003]].concat();
            for at_once in [1, 100, 100_000] {
                let damage = damage_of(kind, &padded, at_once);
                let found = (damage.damaged, damage.missing, damage.padding);
                assert_eq!(found, (0, 0, 1003), "{kind:?} {at_once}");
            }
        }
    }

    #[test]
    fn bytes_that_belong_to_nothing_are_counted() {
        for (kind, bytes, at) in [
            (Kind::Mp4, mp4(), 124 + 68),
            (Kind::Matroska, matroska(), 13),
        ] {
            let mut damaged = bytes;
            damaged[at..at + 12].fill(0);
            let damage = damage_of(kind, &damaged, 100);
            assert!(damage.damaged > 200, "{kind:?} {damage:?}");
            assert_eq!(damage.missing, 0, "{kind:?}");
        }
    }
}
