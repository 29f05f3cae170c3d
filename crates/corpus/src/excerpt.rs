//! The part of a file that a clip is: all of it, one channel, or a segment.

use std::path::Path;

use audio::{AudioError, Channels, DecodeSettings, Recording};

use crate::cuts::Cuts;
use crate::{Clip, CorpusError, Segment};

/// The part of a file that a clip is.
///
/// An excerpt is made of a [`Clip`], or of a path for all of a file:
///
/// ```
/// use std::path::Path;
///
/// # let folder = tempfile::tempdir().unwrap();
/// # let path = folder.path().join("hello.wav");
/// # audio::write_wav(&path, &vec![0.1; 16_000], 16_000)?;
/// let whole = corpus::Excerpt::from(Path::new(&path));
/// assert_eq!(whole.open()?.duration(), 1.0);
///
/// let segment = corpus::Segment { start: 0.25, end: Some(0.75) };
/// let half = corpus::Excerpt { segment: Some(segment), ..whole };
/// assert_eq!(half.open()?.duration(), 0.5);
/// assert_eq!(half.suffix(), "@0.25-0.75");
/// # Ok::<(), corpus::CorpusError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Excerpt<'a> {
    /// The file.
    pub path: &'a Path,
    /// The segment of it; `None` is the whole file.
    pub segment: Option<Segment>,
    /// Which channel of it.
    pub channels: Channels,
    /// The audio track, counted from 0; `None` is the one that a player would take.
    pub track: Option<usize>,
}

impl<'a> From<&'a Path> for Excerpt<'a> {
    fn from(path: &'a Path) -> Self {
        Self {
            path,
            segment: None,
            channels: Channels::Mix,
            track: None,
        }
    }
}

impl<'a> From<&'a Clip> for Excerpt<'a> {
    fn from(clip: &'a Clip) -> Self {
        Self {
            path: &clip.path,
            segment: clip.segment,
            channels: clip.channels,
            track: clip.track,
        }
    }
}

impl Excerpt<'_> {
    /// Decodes the excerpt. A segment begins and ends at the samples nearest to its
    /// times. It may end up to 0.01 s after the recording, since the times in
    /// tables are rounded.
    ///
    /// # Errors
    ///
    /// [`CorpusError::Audio`] where the file cannot be decoded,
    /// [`CorpusError::Excerpt`] where it lacks the channel or the segment. Both
    /// name the file.
    pub fn open(&self) -> Result<Recording, CorpusError> {
        if self.segment.is_some() {
            let cut = Cuts::new(vec![*self]).next();
            let (_, recording) = cut.ok_or_else(|| self.too_long(0.0))?;
            return recording;
        }
        Recording::open_with(self.path, &self.settings()).map_err(|error| self.error(error))
    }

    /// How its file is decoded.
    pub(crate) fn settings(&self) -> DecodeSettings {
        DecodeSettings {
            channels: self.channels,
            track: self.track,
            ..DecodeSettings::default()
        }
    }

    /// An error of decoding its file.
    pub(crate) fn error(&self, error: AudioError) -> CorpusError {
        match error {
            // The settings that are not the defaults are the channel and the track.
            AudioError::Settings { what } => self.lacks(self.without_path(&what)),
            other => other.into(),
        }
    }

    /// A message without the path in front.
    pub(crate) fn without_path(&self, text: &str) -> String {
        let path = format!("{}: ", self.path.display());
        text.strip_prefix(&path).unwrap_or(text).to_owned()
    }

    /// That the recording of `length` seconds does not have the segment.
    pub(crate) fn too_long(&self, length: f64) -> CorpusError {
        let (start, end) = self.segment.map_or((0.0, None), |s| (s.start, s.end));
        let until = end.map_or("the end".to_owned(), |end| format!("{end} s"));
        self.lacks(format!(
            "the part from {start} s to {until} is asked for, but the recording has {length:.2} s"
        ))
    }

    pub(crate) fn lacks(&self, what: String) -> CorpusError {
        CorpusError::Excerpt {
            path: self.path.to_path_buf(),
            what,
        }
    }

    /// What tells this excerpt from others of the same file, to follow the file's
    /// name: `#1` for channel 1, `@0.5-2` for a segment, nothing for the whole.
    pub fn suffix(&self) -> String {
        let mut suffix = String::new();
        match self.channels {
            Channels::Mix => {}
            Channels::One(channel) => suffix += &format!("#{channel}"),
            _ => suffix += "#loudest",
        }
        if let Some(track) = self.track {
            suffix += &format!("#track{track}");
        }
        if let Some(Segment { start, end }) = self.segment {
            suffix += &format!("@{start}-{}", end.map_or(String::new(), |e| e.to_string()));
        }
        suffix
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A 16-bit WAV of two channels.
    fn stereo(path: &Path, left: &[i16], right: &[i16], rate: u32) {
        let mut bytes = b"RIFF\0\0\0\0WAVEfmt \x10\0\0\0\x01\0\x02\0".to_vec();
        let data = left.len() as u32 * 4;
        bytes[4..8].copy_from_slice(&(36 + data).to_le_bytes());
        bytes.extend(rate.to_le_bytes());
        bytes.extend((rate * 4).to_le_bytes());
        bytes.extend([4, 0, 16, 0]);
        bytes.extend(b"data");
        bytes.extend(data.to_le_bytes());
        for (left, right) in left.iter().zip(right) {
            bytes.extend(left.to_le_bytes());
            bytes.extend(right.to_le_bytes());
        }
        std::fs::write(path, bytes).unwrap();
    }

    /// One second at 1000 Hz: the left channel counts up, the right one down.
    fn one_second() -> (tempfile::TempDir, std::path::PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("both.wav");
        let left: Vec<i16> = (0..1000).collect();
        let right: Vec<i16> = left.iter().map(|n| -3 * n).collect();
        stereo(&path, &left, &right, 1000);
        (folder, path)
    }

    fn segment(start: f64, end: Option<f64>) -> Option<Segment> {
        Some(Segment { start, end })
    }

    /// As the decoder scales 16 bits.
    fn samples(numbers: impl Iterator<Item = i32>) -> Vec<f32> {
        numbers.map(|n| n as f32 / 32768.0).collect()
    }

    #[test]
    fn a_channel_and_a_segment_are_cut_to_the_sample() {
        let (_folder, path) = one_second();
        let open = |channel, segment| {
            let path = &path;
            let excerpt = Excerpt {
                segment,
                channels: channel,
                ..Excerpt::from(path.as_path())
            };
            excerpt.open().unwrap().into_samples()
        };
        assert_eq!(open(Channels::One(0), None), samples(0..1000));
        assert_eq!(
            open(Channels::One(1), segment(0.25, Some(0.75))),
            samples((250..750).map(|n| -3 * n))
        );
        assert_eq!(
            open(Channels::Mix, segment(0.9, None)),
            samples((900..1000).map(|n| -n))
        );
        // Rounded times: the last hundredth of a second may be missing.
        assert_eq!(open(Channels::One(0), segment(0.5, Some(1.01))).len(), 500);
    }

    #[test]
    fn a_segment_or_a_channel_that_the_file_lacks_is_an_error_that_names_it() {
        let (_folder, path) = one_second();
        let path = path.as_path();
        for (channel, segment, what) in [
            (
                Channels::Mix,
                segment(0.5, Some(1.5)),
                "the part from 0.5 s to 1.5 s is asked for, but the recording has 1.00 s",
            ),
            (
                Channels::One(1),
                segment(1.0, None),
                "the part from 1 s to the end is asked for, but the recording has 1.00 s",
            ),
            (
                Channels::One(2),
                None,
                "there is no channel 2; the file has 2",
            ),
        ] {
            let excerpt = Excerpt {
                segment,
                channels: channel,
                ..Excerpt::from(path)
            };
            let error = excerpt.open().unwrap_err();
            assert!(matches!(error, CorpusError::Excerpt { .. }), "{error:?}");
            let expected = format!("{}: {what}", path.display());
            assert!(error.to_string().starts_with(&expected), "{error}");
        }
    }

    #[test]
    fn a_file_that_cannot_be_decoded_is_named() {
        let error = Excerpt::from(Path::new("no/such.wav")).open().unwrap_err();
        assert!(matches!(error, CorpusError::Audio(_)), "{error:?}");
        assert!(error.to_string().starts_with("no/such.wav: "), "{error}");
    }
}
