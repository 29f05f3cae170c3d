//! Edit lists of MP4 and QuickTime: which part of a track is to be heard.
//!
//! An encoder's delay is left out by one, and so is what somebody cut off in a phone's
//! editor: the sound itself stays in the file. The boxes are those of ISO/IEC
//! 14496-12, 8.6.5 and 8.6.6.

use std::io::{self, Read};

use super::source::Reader;

/// A longer index is not looked at.
const INDEX_AT_MOST: u64 = 64 << 20;

/// The part of a track that is to be heard, in seconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Edit {
    /// The track's number in the file.
    track: u32,
    pub(super) from: f64,
    /// `None` is the end.
    pub(super) to: Option<f64>,
}

/// What a file's index tells beside what Symphonia reads from it.
#[derive(Debug, Default)]
pub(super) struct Index {
    /// The edits of every track.
    pub(super) edits: Vec<Edit>,
    /// Bytes of the largest packet.
    pub(super) largest: u32,
}

/// The index, and the file at the same place as before.
pub(super) fn index(file: &mut Reader) -> io::Result<Index> {
    let start = file.position();
    let bytes = index_bytes(file)?.unwrap_or_default();
    file.seek_to(start)?;
    Ok(Index {
        edits: of_index(&bytes),
        largest: largest_in_index(&bytes),
    })
}

/// The edit of a track.
pub(super) fn of_track(edits: &[Edit], track: u32) -> Option<Edit> {
    edits.iter().copied().find(|edit| edit.track == track)
}

/// The content of the box `moov`.
fn index_bytes(file: &mut Reader) -> io::Result<Option<Vec<u8>>> {
    loop {
        let head = file.peek(16)?;
        let (Some(&size), Some(name)) = (head.first_chunk::<4>(), head.get(4..8)) else {
            return Ok(None);
        };
        let is_index = name == b"moov";
        let (before, length) = match u32::from_be_bytes(size) {
            0 => return Ok(None),
            1 => match head.get(8..16).and_then(|large| large.first_chunk::<8>()) {
                Some(&large) => (16, u64::from_be_bytes(large)),
                None => return Ok(None),
            },
            size => (8, u64::from(size)),
        };
        let Some(content) = length.checked_sub(before) else {
            return Ok(None);
        };
        if !is_index {
            file.skip(length)?;
            continue;
        }
        if content > INDEX_AT_MOST {
            return Ok(None);
        }
        file.skip(before)?;
        let mut bytes = Vec::new();
        file.take(content).read_to_end(&mut bytes)?;
        return Ok(Some(bytes));
    }
}

/// The boxes in `bytes`: their names and contents.
fn boxes(mut bytes: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    std::iter::from_fn(move || {
        let size = u32::from_be_bytes(*bytes.first_chunk()?) as usize;
        let name = bytes.get(4..8)?;
        let content = bytes.get(8..size)?;
        bytes = &bytes[size..];
        Some((name, content))
    })
}

fn inside<'a>(bytes: &'a [u8], path: &[&[u8]]) -> Option<&'a [u8]> {
    path.iter().try_fold(bytes, |bytes, wanted| {
        boxes(bytes)
            .find(|(name, _)| name == wanted)
            .map(|(_, content)| content)
    })
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(*bytes.get(at..)?.first_chunk()?))
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_be_bytes(*bytes.get(at..)?.first_chunk()?))
}

/// A clock's ticks per second in the header of a film or of a track's media; later
/// versions have longer dates before it.
fn clock(header: &[u8]) -> Option<f64> {
    let at = if *header.first()? == 1 { 20 } else { 12 };
    u32_at(header, at)
        .map(f64::from)
        .filter(|ticks| *ticks > 0.0)
}

/// What a fragment (the content of a box `moof`) states: the most packets of a run, and
/// the bytes of the largest one.
pub(super) fn stated_by(fragment: &[u8]) -> (u32, u32) {
    let (mut packets, mut largest) = (0, 0);
    for (_, track) in boxes(fragment).filter(|(name, _)| *name == b"traf") {
        for (name, content) in boxes(track) {
            let flags = u32_at(content, 0).unwrap_or(0);
            // Fields of four bytes that are there by their flags, in this order.
            let fields =
                |flags_of: &[u32]| flags_of.iter().filter(|flag| flags & **flag != 0).count();
            match name {
                b"tfhd" if flags & 0x10 != 0 => {
                    let at = 8 + 4 * (fields(&[1, 1, 2, 8]));
                    largest = largest.max(u32_at(content, at).unwrap_or(0));
                }
                b"trun" => {
                    packets = packets.max(u32_at(content, 4).unwrap_or(0));
                    let table = content.get(8 + 4 * fields(&[1, 4])..).unwrap_or_default();
                    let row = 4 * fields(&[0x100, 0x200, 0x400, 0x800]);
                    if flags & 0x200 != 0 {
                        let at = 4 * fields(&[0x100]);
                        let sizes = table.chunks_exact(row).filter_map(|row| u32_at(row, at));
                        largest = largest.max(sizes.max().unwrap_or(0));
                    }
                }
                _ => {}
            }
        }
    }
    (packets, largest)
}

/// Bytes of the largest packet that an index states.
fn largest_in_index(index: &[u8]) -> u32 {
    let mut largest = 0;
    for (name, content) in boxes(index) {
        match name {
            b"trak" => {
                let path: [&[u8]; 4] = [b"mdia", b"minf", b"stbl", b"stsz"];
                let sizes = inside(content, &path).unwrap_or_default();
                let table = sizes.get(12..).unwrap_or_default().as_chunks().0.iter();
                let table = table.map(|size| u32::from_be_bytes(*size));
                largest = largest.max(u32_at(sizes, 4).unwrap_or(0));
                largest = largest.max(table.max().unwrap_or(0));
            }
            b"mvex" => {
                let defaults = boxes(content).filter(|(name, _)| *name == b"trex");
                let sizes = defaults.filter_map(|(_, trex)| u32_at(trex, 16));
                largest = largest.max(sizes.max().unwrap_or(0));
            }
            _ => {}
        }
    }
    largest
}

fn of_index(index: &[u8]) -> Vec<Edit> {
    let Some(film) = inside(index, &[b"mvhd"]).and_then(clock) else {
        return Vec::new();
    };
    let tracks = boxes(index).filter(|(name, _)| *name == b"trak");
    tracks.filter_map(|(_, track)| edit(track, film)).collect()
}

/// From the start of the first edit to the end of the last: pieces between them that
/// are left out are rare, and sound all the same. Nothing for edits that repeat a part.
fn edit(track: &[u8], film: f64) -> Option<Edit> {
    let header = inside(track, &[b"tkhd"])?;
    let number = u32_at(header, if *header.first()? == 1 { 20 } else { 12 })?;
    let media = inside(track, &[b"mdia", b"mdhd"]).and_then(clock)?;
    let list = inside(track, &[b"edts", b"elst"])?;
    let is_long = *list.first()? == 1;
    let mut from: Option<f64> = None;
    let mut to = Some(0.0);
    for n in 0..u32_at(list, 4)? as usize {
        let (duration, start) = if is_long {
            (
                u64_at(list, 8 + 20 * n)?,
                u64_at(list, 16 + 20 * n)?.cast_signed(),
            )
        } else {
            let start = u32_at(list, 12 + 12 * n)?.cast_signed();
            (u64::from(u32_at(list, 8 + 12 * n)?), i64::from(start))
        };
        // Before it nothing is heard: the track begins later.
        if start < 0 {
            continue;
        }
        let start = start as f64 / media;
        if to.is_none_or(|to| start < to) {
            return None;
        }
        from.get_or_insert(start);
        to = (duration > 0).then_some(start + duration as f64 / film);
    }
    Some(Edit {
        track: number,
        from: from?,
        to,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn boxed(name: &[u8], content: &[u8]) -> Vec<u8> {
        let size = (8 + content.len() as u32).to_be_bytes();
        [&size[..], name, content].concat()
    }

    fn numbers(numbers: &[u32]) -> Vec<u8> {
        numbers.iter().flat_map(|n| n.to_be_bytes()).collect()
    }

    /// A film at 1000 ticks per second with track 7 at 48 000.
    fn index(edits: &[[u32; 3]]) -> Vec<u8> {
        let count = [0, edits.len() as u32];
        let list = [numbers(&count), numbers(edits.as_flattened())].concat();
        let track = [
            boxed(b"tkhd", &numbers(&[0, 0, 0, 7])),
            boxed(b"edts", &boxed(b"elst", &list)),
            boxed(b"mdia", &boxed(b"mdhd", &numbers(&[0, 0, 0, 48_000]))),
        ];
        let film = boxed(b"mvhd", &numbers(&[0, 0, 0, 1000]));
        [film, boxed(b"trak", &track.concat())].concat()
    }

    fn of(edits: &[[u32; 3]]) -> Option<(f64, Option<f64>)> {
        let edit = of_track(&of_index(&index(edits)), 7)?;
        Some((edit.from, edit.to))
    }

    #[test]
    fn an_edit_begins_in_the_tracks_clock_and_lasts_in_the_films() {
        assert_eq!(of(&[[2000, 4800, 1]]), Some((0.1, Some(2.1))));
        // A duration of 0 is to the end, as in fragmented files.
        assert_eq!(of(&[[0, 4800, 1]]), Some((0.1, None)));
        // An empty edit first: the track begins later.
        assert_eq!(
            of(&[[500, u32::MAX, 1], [1000, 0, 1]]),
            Some((0.0, Some(1.0)))
        );
        assert_eq!(
            of(&[[1000, 0, 1], [1000, 96_000, 1]]),
            Some((0.0, Some(3.0)))
        );
    }

    #[test]
    fn edits_that_repeat_or_cannot_be_read_are_none() {
        assert_eq!(of(&[[1000, 0, 1], [1000, 0, 1]]), None);
        assert_eq!(of_index(&index(&[[1000, 0, 1]])[..40]), []);
        assert_eq!(of_index(&[]), []);
    }
}
