//! What to hear of a file: all of it, or one channel, or from when to when.

use std::path::Path;

use anyhow::{Result, ensure};
use audio::{Channels, DecodeSettings, Recording};

use crate::corpus::{Clip, Segment};

/// What to hear of a file.
#[derive(Clone, Copy, Debug)]
pub struct Sound<'a> {
    /// The file.
    pub path: &'a Path,
    /// The part of it; `None` is all.
    pub segment: Option<Segment>,
    /// The channel, counted from 0; `None` is the mean of all.
    pub channel: Option<usize>,
}

impl<'a> From<&'a Path> for Sound<'a> {
    fn from(path: &'a Path) -> Self {
        Self {
            path,
            segment: None,
            channel: None,
        }
    }
}

impl<'a> From<&'a Clip> for Sound<'a> {
    fn from(clip: &'a Clip) -> Self {
        Self {
            path: &clip.path,
            segment: clip.segment,
            channel: clip.channel,
        }
    }
}

impl Sound<'_> {
    /// Decodes it.
    ///
    /// # Errors
    ///
    /// Where the file cannot be read, or lacks the channel or the segment.
    pub fn open(&self) -> Result<Recording> {
        let settings = DecodeSettings {
            channels: self.channel.map_or(Channels::Mix, Channels::One),
            ..DecodeSettings::default()
        };
        let recording = Recording::open_with(self.path, &settings)?;
        let Some(Segment { start, end }) = self.segment else {
            return Ok(recording);
        };
        let length = recording.duration();
        // Times in a table are rounded; the last hundredth may not be there.
        ensure!(
            start < length && end.is_none_or(|end| end <= length + 0.01),
            "the part from {start} to {} s is asked for, but the recording has {length:.2} s",
            end.map_or("the last".to_string(), |end| end.to_string())
        );
        let sample = |seconds: f64| (seconds * f64::from(recording.sample_rate)).round() as usize;
        let last = recording.samples.len();
        let to = end.map_or(last, |end| sample(end).min(last));
        Ok(Recording {
            samples: recording.samples[sample(start).min(to)..to].to_vec(),
            sample_rate: recording.sample_rate,
        })
    }

    /// What the file's name lacks to tell it from other sounds of the file.
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
    use audio::FeatureSpec;
    use indicatif::ProgressBar;

    use super::*;
    use crate::features::extract_all;
    use crate::settings::Variant;

    /// A 16-bit WAV with a tone of its own in each channel.
    fn stereo(path: &Path, left: &[f32], right: &[f32], rate: u32) {
        let mut bytes = b"RIFF\0\0\0\0WAVEfmt \x10\0\0\0\x01\0\x02\0".to_vec();
        let data = left.len() as u32 * 4;
        bytes[4..8].copy_from_slice(&(36 + data).to_le_bytes());
        bytes.extend(rate.to_le_bytes());
        bytes.extend((rate * 4).to_le_bytes());
        bytes.extend([4, 0, 16, 0]);
        bytes.extend(b"data");
        bytes.extend(data.to_le_bytes());
        for (left, right) in left.iter().zip(right) {
            for sample in [left, right] {
                bytes.extend(((sample * 32768.0).round() as i16).to_le_bytes());
            }
        }
        std::fs::write(path, bytes).unwrap();
    }

    #[test]
    fn a_channel_and_a_segment_are_what_a_file_of_them_alone_would_be() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let wave = |hertz: f32| -> Vec<f32> {
            (0..16000)
                .map(|n| 0.5 * (std::f32::consts::TAU * hertz * n as f32 / 16000.0).sin())
                .collect()
        };
        let (left, right) = (wave(200.0), wave(310.0));
        stereo(&at("both.wav"), &left, &right, 16000);
        audio::write_wav(at("left.wav"), &left, 16000).unwrap();
        audio::write_wav(at("part.wav"), &right[4000..12000], 16000).unwrap();

        let both = at("both.wav");
        let sound = |channel, segment| Sound {
            path: &both,
            segment,
            channel,
        };
        let part = Some(Segment {
            start: 0.25,
            end: Some(0.75),
        });
        let cases = [sound(Some(0), None), sound(Some(1), part)];
        let spec = FeatureSpec::recommended();
        let cache = at("cache");
        let (hidden, root) = (ProgressBar::hidden(), folder.path());
        let alone = [at("left.wav"), at("part.wav")];
        let alone: Vec<Sound> = alone.iter().map(|path| path.as_path().into()).collect();
        let (expected, _) =
            extract_all(root, &alone, &spec, &Variant::default(), None, &hidden).unwrap();
        // Twice: as extracted, and as kept.
        for _ in 0..2 {
            let (found, failed) = extract_all(
                root,
                &cases,
                &spec,
                &Variant::default(),
                Some(&cache),
                &hidden,
            )
            .unwrap();
            assert!(failed.is_empty(), "{failed:?}");
            assert_eq!(found, expected);
        }

        let late = Some(Segment {
            start: 0.5,
            end: Some(1.5),
        });
        for (sound, what) in [
            (sound(None, late), "has 1.00 s"),
            (sound(Some(2), None), "channel 2"),
        ] {
            let (_, failed) =
                extract_all(root, &[sound], &spec, &Variant::default(), None, &hidden).unwrap();
            assert!(failed[0].message.contains(what), "{failed:?}");
            assert!(failed[0].message.contains("both.wav"), "{failed:?}");
        }
    }
}
