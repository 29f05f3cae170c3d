//! The part of a file that a clip is: all of it, one channel, or a segment.

use std::path::Path;

use audio::{AudioError, Channels, DecodeSettings, Recording};

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
    /// The channel, counted from 0; `None` is the mean of all.
    pub channel: Option<usize>,
}

impl<'a> From<&'a Path> for Excerpt<'a> {
    fn from(path: &'a Path) -> Self {
        Self {
            path,
            segment: None,
            channel: None,
        }
    }
}

impl<'a> From<&'a Clip> for Excerpt<'a> {
    fn from(clip: &'a Clip) -> Self {
        Self {
            path: &clip.path,
            segment: clip.segment,
            channel: clip.channel,
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
        let recording = self.decode()?;
        let Some(Segment { start, end }) = self.segment else {
            return Ok(recording);
        };
        let length = recording.duration();
        if start >= length || end.is_some_and(|end| end > length + 0.01) {
            let until = end.map_or("the end".to_owned(), |end| format!("{end} s"));
            return Err(self.lacks(format!(
                "the part from {start} s to {until} is asked for, but the recording has \
                 {length:.2} s"
            )));
        }
        let sample = |seconds: f64| (seconds * f64::from(recording.sample_rate())).round() as usize;
        let last = recording.samples().len();
        let to = end.map_or(last, |end| sample(end).min(last));
        let samples = recording.samples()[sample(start).min(to)..to].to_vec();
        Ok(Recording::from_samples(samples, recording.sample_rate())?)
    }

    /// The whole length of the channel, or of the mean of all.
    fn decode(&self) -> Result<Recording, CorpusError> {
        let settings = DecodeSettings {
            channels: self.channel.map_or(Channels::Mix, Channels::One),
            ..DecodeSettings::default()
        };
        Recording::open_with(self.path, &settings).map_err(|error| match error {
            // The one setting that is not the default is the channel.
            AudioError::Settings { what } => {
                let path = format!("{}: ", self.path.display());
                self.lacks(what.strip_prefix(&path).unwrap_or(&what).to_owned())
            }
            other => other.into(),
        })
    }

    fn lacks(&self, what: String) -> CorpusError {
        CorpusError::Excerpt {
            path: self.path.to_path_buf(),
            what,
        }
    }

    /// What tells this excerpt from others of the same file, to follow the file's
    /// name: `#1` for channel 1, `@0.5-2` for a segment, nothing for the whole.
    pub fn suffix(&self) -> String {
        let mut suffix = String::new();
        if let Some(channel) = self.channel {
            suffix += &format!("#{channel}");
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
                path,
                segment,
                channel,
            };
            excerpt.open().unwrap().into_samples()
        };
        assert_eq!(open(Some(0), None), samples(0..1000));
        assert_eq!(
            open(Some(1), segment(0.25, Some(0.75))),
            samples((250..750).map(|n| -3 * n))
        );
        assert_eq!(
            open(None, segment(0.9, None)),
            samples((900..1000).map(|n| -n))
        );
        // Rounded times: the last hundredth of a second may be missing.
        assert_eq!(open(Some(0), segment(0.5, Some(1.01))).len(), 500);
    }

    #[test]
    fn a_segment_or_a_channel_that_the_file_lacks_is_an_error_that_names_it() {
        let (_folder, path) = one_second();
        let path = path.as_path();
        for (channel, segment, what) in [
            (
                None,
                segment(0.5, Some(1.5)),
                "the part from 0.5 s to 1.5 s is asked for, but the recording has 1.00 s",
            ),
            (
                Some(1),
                segment(1.0, None),
                "the part from 1 s to the end is asked for, but the recording has 1.00 s",
            ),
            (Some(2), None, "there is no channel 2; the file has 2"),
        ] {
            let excerpt = Excerpt {
                path,
                segment,
                channel,
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
