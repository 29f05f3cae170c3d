//! The source of bytes: a file, memory or a pipe, and a view of part of it.

use std::io::{self, Cursor, Read, Seek, SeekFrom};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, PoisonError};

use symphonia::core::io::MediaSource;

use super::structure::Watched;

/// A source that can be read and rewound.
pub(super) trait ReadSeek: Read + Seek + Send + Sync {}
impl<T: Read + Seek + Send + Sync> ReadSeek for T {}

enum Inner {
    Seekable(Box<dyn ReadSeek>),
    /// A pipe: forward only.
    Stream(Box<dyn Read + Send + Sync>),
}

/// Bytes with a position, and with a look ahead.
pub(super) struct Reader {
    inner: Inner,
    /// Read from `inner`, but not consumed yet.
    ahead: Vec<u8>,
    /// Position of the next byte to be consumed.
    position: Arc<AtomicU64>,
    length: Option<u64>,
    /// The most bytes accepted from a pipe.
    at_most: u64,
    /// What was consumed from a pipe since [`remember`](Reader::remember).
    behind: Option<Vec<u8>>,
}

impl Reader {
    pub(super) fn seekable(mut inner: Box<dyn ReadSeek>) -> io::Result<Self> {
        let length = inner.seek(SeekFrom::End(0))?;
        inner.rewind()?;
        Ok(Reader {
            inner: Inner::Seekable(inner),
            ahead: Vec::new(),
            position: Arc::default(),
            length: Some(length),
            at_most: u64::MAX,
            behind: None,
        })
    }

    /// Reading fails with [`io::ErrorKind::FileTooLarge`] after `at_most` bytes.
    pub(super) fn stream(inner: Box<dyn Read + Send + Sync>, at_most: u64) -> Self {
        Reader {
            inner: Inner::Stream(inner),
            ahead: Vec::new(),
            position: Arc::default(),
            length: None,
            at_most,
            behind: None,
        }
    }

    /// Keeps what is consumed from here on, so that
    /// [`into_memory`](Self::into_memory) begins here.
    pub(super) fn remember(&mut self) {
        self.behind = Some(Vec::new());
    }

    /// Ends that.
    pub(super) fn forget(&mut self) {
        self.behind = None;
    }

    /// What was remembered and the rest of the source, as a source that can be rewound.
    pub(super) fn into_memory(mut self) -> io::Result<Self> {
        let mut bytes = self.behind.take().unwrap_or_default();
        self.read_to_end(&mut bytes)?;
        Self::seekable(Box::new(Cursor::new(bytes)))
    }

    /// Length in bytes, if it is known.
    pub(super) fn length(&self) -> Option<u64> {
        self.length
    }

    pub(super) fn is_seekable(&self) -> bool {
        matches!(self.inner, Inner::Seekable(_))
    }

    pub(super) fn position(&self) -> u64 {
        self.position.load(Relaxed)
    }

    /// A handle to the position, which follows it.
    pub(super) fn shared_position(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.position)
    }

    /// The next `n` bytes without consuming them; fewer at the end.
    pub(super) fn peek(&mut self, n: usize) -> io::Result<&[u8]> {
        let missing = n.saturating_sub(self.ahead.len()) as u64;
        match &mut self.inner {
            Inner::Seekable(inner) => inner.take(missing).read_to_end(&mut self.ahead)?,
            Inner::Stream(inner) => inner.take(missing).read_to_end(&mut self.ahead)?,
        };
        Ok(&self.ahead[..n.min(self.ahead.len())])
    }

    /// Skips `n` bytes, or to the end.
    pub(super) fn skip(&mut self, n: u64) -> io::Result<()> {
        if self.is_seekable() {
            let to = self.position().saturating_add(n);
            return self.seek_to(to.min(self.length.unwrap_or(to)));
        }
        io::copy(&mut self.take(n), &mut io::sink())?;
        Ok(())
    }

    pub(super) fn seek_to(&mut self, to: u64) -> io::Result<()> {
        let Inner::Seekable(inner) = &mut self.inner else {
            return Err(io::ErrorKind::NotSeekable.into());
        };
        inner.seek(SeekFrom::Start(to))?;
        self.ahead.clear();
        self.position.store(to, Relaxed);
        Ok(())
    }
}

impl Read for Reader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = if !self.ahead.is_empty() {
            let n = buffer.len().min(self.ahead.len());
            buffer[..n].copy_from_slice(&self.ahead[..n]);
            self.ahead.drain(..n);
            n
        } else {
            match &mut self.inner {
                Inner::Seekable(inner) => inner.read(buffer)?,
                Inner::Stream(inner) => inner.read(buffer)?,
            }
        };
        if let Some(behind) = &mut self.behind {
            behind.extend_from_slice(&buffer[..n]);
        }
        let position = self.position() + n as u64;
        self.position.store(position, Relaxed);
        if position > self.at_most {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        Ok(n)
    }
}

/// What a demuxer reads: a made-up header, then a window of the source.
///
/// The window starts at the position of the [`Reader`].
pub(super) struct View {
    made_up: Vec<u8>,
    source: Reader,
    start: u64,
    /// Bytes in the window, if that is known.
    length: Option<u64>,
    /// Counted from the first made-up byte.
    position: u64,
    /// What follows the bytes of a pipe as they are read.
    watched: Option<Watched>,
}

impl View {
    pub(super) fn new(made_up: Vec<u8>, source: Reader, length: Option<u64>) -> Self {
        let start = source.position();
        let rest = source.length.map(|end| end.saturating_sub(start));
        View {
            made_up,
            start,
            length: match (length, rest) {
                (Some(length), Some(rest)) => Some(length.min(rest)),
                (one, other) => one.or(other),
            },
            source,
            position: 0,
            watched: None,
        }
    }

    /// Shows every byte that is read to a walk, if there is one.
    pub(super) fn watched(self, watched: Option<Watched>) -> Self {
        View { watched, ..self }
    }

    fn total(&self) -> Option<u64> {
        self.length.map(|n| n + self.made_up.len() as u64)
    }
}

impl Read for View {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let made_up = self.made_up.len() as u64;
        let n = if self.position < made_up {
            let rest = &self.made_up[self.position as usize..];
            let n = rest.len().min(buffer.len());
            buffer[..n].copy_from_slice(&rest[..n]);
            n
        } else {
            let left = match self.total() {
                Some(total) => total.saturating_sub(self.position),
                None => u64::MAX,
            };
            let n = left.min(buffer.len() as u64) as usize;
            self.source.read(&mut buffer[..n])?
        };
        if let Some(watched) = &self.watched {
            let mut watched = watched.lock().unwrap_or_else(PoisonError::into_inner);
            watched.push(&buffer[..n]);
        }
        self.position += n as u64;
        Ok(n)
    }
}

impl Seek for View {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let target = match to {
            SeekFrom::Start(to) => Some(to),
            SeekFrom::Current(by) => self.position.checked_add_signed(by),
            SeekFrom::End(by) => self
                .total()
                .ok_or(io::ErrorKind::NotSeekable)?
                .checked_add_signed(by),
        };
        let target = target.ok_or(io::ErrorKind::InvalidInput)?;
        let into_window = target.saturating_sub(self.made_up.len() as u64);
        let absolute = self.start.checked_add(into_window);
        self.source
            .seek_to(absolute.ok_or(io::ErrorKind::InvalidInput)?)?;
        self.position = target;
        Ok(target)
    }
}

impl MediaSource for View {
    fn is_seekable(&self) -> bool {
        self.source.is_seekable()
    }

    fn byte_len(&self) -> Option<u64> {
        self.total()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn view(seekable: bool) -> View {
        let bytes: Vec<u8> = (0..100).collect();
        let mut reader = if seekable {
            Reader::seekable(Box::new(Cursor::new(bytes))).unwrap()
        } else {
            Reader::stream(Box::new(Cursor::new(bytes)), u64::MAX)
        };
        assert_eq!(reader.peek(3).unwrap(), [0, 1, 2]);
        reader.skip(10).unwrap();
        View::new(vec![200, 201], reader, Some(5))
    }

    #[test]
    fn a_view_is_its_header_and_its_window() {
        for seekable in [true, false] {
            let mut read = Vec::new();
            view(seekable).read_to_end(&mut read).unwrap();
            assert_eq!(read, [200, 201, 10, 11, 12, 13, 14]);
        }
    }

    #[test]
    fn seeking_reaches_every_byte() {
        let mut view = view(true);
        for (to, expected) in [(SeekFrom::Start(1), 201), (SeekFrom::Start(4), 12)] {
            view.seek(to).unwrap();
            let mut one = [0];
            view.read_exact(&mut one).unwrap();
            assert_eq!(one, [expected]);
        }
        assert_eq!(view.seek(SeekFrom::End(-1)).unwrap(), 6);
        assert!(view.seek(SeekFrom::Current(-7)).is_err());
        assert_eq!(view.seek(SeekFrom::Start(90)).unwrap(), 90);
        assert_eq!(view.read(&mut [0; 4]).unwrap(), 0);
    }

    #[test]
    fn a_pipe_cannot_exceed_its_limit() {
        let mut reader = Reader::stream(Box::new(io::repeat(1)), 1000);
        let error = reader.read_to_end(&mut Vec::new()).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::FileTooLarge);
    }
}
