//! Segments cut out of files while these are decoded, each file once.
//!
//! A manifest can name a hundred segments of one long file. Here they are cut in the
//! order in which they end, and no more of the file is in memory than the segments
//! that have begun and have not ended.

use std::collections::{BTreeMap, VecDeque};
use std::path::Path;

use audio::{AudioError, Channels, Decoder, Loss, Recording};
use rayon::prelude::*;

use crate::{CorpusError, Excerpt, Segment};

/// Times in tables are rounded: a segment may end so much after the recording.
const ROUNDING: f64 = 0.01;

/// Decodes the excerpts and gives each to `work` with its place in the list, in
/// parallel. A file is decoded once, however many excerpts are of it. The results are
/// in the order of the list.
pub fn map_recordings<T: Send>(
    excerpts: &[Excerpt],
    work: impl Fn(usize, Result<Recording, CorpusError>) -> T + Sync,
) -> Vec<T> {
    let mut files: BTreeMap<(&Path, Channels, Option<usize>), Vec<usize>> = BTreeMap::new();
    for (place, excerpt) in excerpts.iter().enumerate() {
        let file = (excerpt.path, excerpt.channels, excerpt.track);
        files.entry(file).or_default().push(place);
    }
    let mut results: Vec<(usize, T)> = files
        .into_par_iter()
        .flat_map_iter(|(_, places)| match places.as_slice() {
            &[place] => vec![(place, work(place, excerpts[place].open()))],
            _ => {
                let of_file = places.iter().map(|&place| excerpts[place]);
                let cuts = Cuts::new(of_file.collect());
                cuts.par_bridge()
                    .map(|(index, recording)| (places[index], work(places[index], recording)))
                    .collect()
            }
        })
        .collect();
    results.sort_by_key(|(place, _)| *place);
    results.into_iter().map(|(_, result)| result).collect()
}

/// One excerpt that is not cut yet.
struct Waiting {
    place: usize,
    from: u64,
    /// None is the end of the file.
    to: Option<u64>,
}

/// The excerpts of one file, in the order in which they end.
pub(crate) struct Cuts<'a> {
    excerpts: Vec<Excerpt<'a>>,
    decoder: Option<Decoder>,
    /// Not begun, by their beginning.
    waiting: VecDeque<Waiting>,
    /// Begun and not ended.
    begun: Vec<Waiting>,
    ready: VecDeque<(usize, Result<Recording, CorpusError>)>,
    /// Samples from `first` on.
    kept: Vec<f32>,
    first: u64,
    /// What could not be read so far: the place, and seconds.
    losses: Vec<(u64, f64)>,
}

impl<'a> Cuts<'a> {
    /// The excerpts must be of the same file, channel and track.
    pub(crate) fn new(excerpts: Vec<Excerpt<'a>>) -> Self {
        let mut cuts = Self {
            excerpts,
            decoder: None,
            waiting: VecDeque::new(),
            begun: Vec::new(),
            ready: VecDeque::new(),
            kept: Vec::new(),
            first: 0,
            losses: Vec::new(),
        };
        let Some(first) = cuts.excerpts.first() else {
            return cuts;
        };
        match Decoder::open(first.path, &first.settings()) {
            Ok(decoder) => {
                cuts.plan(f64::from(decoder.sample_rate()));
                cuts.decoder = Some(decoder);
            }
            Err(error) => {
                cuts.plan(1.0);
                cuts.fail(error);
            }
        }
        cuts
    }

    fn plan(&mut self, rate: f64) {
        let sample = |seconds: f64| (seconds * rate).round() as u64;
        let whole = Segment {
            start: 0.0,
            end: None,
        };
        let segments = self
            .excerpts
            .iter()
            .map(|excerpt| excerpt.segment.unwrap_or(whole));
        let mut waiting: Vec<Waiting> = segments
            .enumerate()
            .map(|(place, Segment { start, end })| Waiting {
                place,
                from: sample(start),
                to: end.map(sample),
            })
            .collect();
        waiting.sort_by_key(|waiting| waiting.from);
        self.waiting = waiting.into();
    }

    /// Decodes a block, or ends what is left at the end of the file.
    fn step(&mut self) {
        let Some(decoder) = &mut self.decoder else {
            return;
        };
        let before = decoder.loss().seconds;
        let (block, at_end) = match decoder.next_block() {
            Ok(Some(block)) => (block.to_vec(), false),
            Ok(None) => (Vec::new(), true),
            Err(error) => return self.fail(error),
        };
        let lost = decoder.loss().seconds - before;
        if lost > 0.0 {
            self.losses
                .push((self.first + self.kept.len() as u64, lost));
        }
        self.kept.extend(block);
        self.cut(at_end);
        if at_end {
            self.decoder = None;
        }
    }

    /// Cuts what is complete, and forgets what nobody needs any more.
    fn cut(&mut self, at_end: bool) {
        let have = self.first + self.kept.len() as u64;
        let begins = |next: &Waiting| next.from < have || at_end;
        while self.waiting.front().is_some_and(begins) {
            self.begun.extend(self.waiting.pop_front());
        }
        let mut index = 0;
        while index < self.begun.len() {
            let is_complete = self.begun[index].to.is_some_and(|to| to <= have);
            match is_complete || at_end {
                true => {
                    let ended = self.begun.remove(index);
                    let recording = self.recording(&ended);
                    self.ready.push_back((ended.place, recording));
                }
                false => index += 1,
            }
        }
        let needed = self
            .begun
            .iter()
            .chain(self.waiting.front())
            .map(|w| w.from)
            .min();
        let forget = needed.unwrap_or(have).min(have) - self.first;
        // Moving the rest costs as much as it is long, so not for every block.
        if forget as usize > self.kept.len() / 2 {
            self.kept.drain(..forget as usize);
            self.first += forget;
        }
    }

    fn recording(&self, ended: &Waiting) -> Result<Recording, CorpusError> {
        let excerpt = &self.excerpts[ended.place];
        let Some(decoder) = &self.decoder else {
            return Err(excerpt.lacks("the file is not open".to_owned()));
        };
        let rate = f64::from(decoder.sample_rate());
        let have = self.first + self.kept.len() as u64;
        // A segment that ends before it begins is empty.
        let to = ended.to.unwrap_or(have).max(ended.from);
        if ended.from >= have || to.saturating_sub(have) as f64 > ROUNDING * rate {
            return Err(excerpt.too_long(have as f64 / rate));
        }
        let place = |sample: u64| (sample.min(have) - self.first) as usize;
        let samples = self.kept[place(ended.from)..place(to)].to_vec();
        let mut reading = decoder.reading();
        reading.loss = Loss::default();
        for &(at, seconds) in self
            .losses
            .iter()
            .filter(|(at, _)| (ended.from..to).contains(at))
        {
            if reading.loss.places == 0 {
                reading.loss.first_at = (at - ended.from) as f64 / rate;
            }
            reading.loss.places += 1;
            reading.loss.seconds += seconds;
        }
        Ok(Recording::from_samples(samples, decoder.sample_rate())?.with_reading(reading))
    }

    /// Gives everything that is left this error.
    fn fail(&mut self, error: AudioError) {
        self.decoder = None;
        let text = error.to_string();
        let mut first = Some(error);
        for left in self.begun.drain(..).chain(self.waiting.drain(..)) {
            let excerpt = &self.excerpts[left.place];
            // An error of the system cannot be copied, so the others repeat its text.
            let error = match first.take() {
                Some(error) => excerpt.error(error),
                None => excerpt.lacks(excerpt.without_path(&text)),
            };
            self.ready.push_back((left.place, Err(error)));
        }
    }
}

impl Iterator for Cuts<'_> {
    type Item = (usize, Result<Recording, CorpusError>);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(ready) = self.ready.pop_front() {
                return Some(ready);
            }
            if self.decoder.is_none() || (self.begun.is_empty() && self.waiting.is_empty()) {
                return None;
            }
            self.step();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two seconds at 8 kHz that count up.
    fn counting(folder: &Path) -> std::path::PathBuf {
        let path = folder.join("long.wav");
        let samples: Vec<f32> = (0..16_000).map(|n| n as f32 / 32_768.0).collect();
        audio::write_wav(&path, &samples, 8000).unwrap();
        path
    }

    fn segment(path: &Path, start: f64, end: Option<f64>) -> Excerpt<'_> {
        Excerpt {
            segment: Some(Segment { start, end }),
            ..Excerpt::from(path)
        }
    }

    #[test]
    fn segments_are_what_each_would_be_alone_in_whatever_order_they_overlap() {
        let folder = tempfile::tempdir().unwrap();
        let path = counting(folder.path());
        let whole = Recording::open(&path).unwrap();
        let bounds = [
            (1.5, None),
            (0.0, Some(0.25)),
            (0.1, Some(1.9)),
            (0.2, Some(0.3)),
            (0.0, None),
            (1.0, Some(2.009)),
        ];
        let excerpts = bounds.map(|(start, end)| segment(&path, start, end));
        let found = map_recordings(&excerpts, |place, recording| (place, recording.unwrap()));
        for (index, (start, end)) in bounds.into_iter().enumerate() {
            let at = |seconds: f64| ((seconds * 8000.0) as usize).min(16_000);
            let expected = &whole.samples()[at(start)..at(end.unwrap_or(2.0))];
            assert_eq!(found[index].0, index);
            assert_eq!(found[index].1.samples(), expected, "{start} {end:?}");
            assert_eq!(excerpts[index].open().unwrap().samples(), expected);
        }
    }

    #[test]
    fn a_segment_after_the_end_fails_alone_and_a_bad_file_fails_all_its_segments() {
        let folder = tempfile::tempdir().unwrap();
        let path = counting(folder.path());
        let bad = folder.path().join("bad.wav");
        std::fs::write(&bad, b"RIFF\x10\0\0\0WAVEjunk").unwrap();
        let excerpts = [
            segment(&path, 0.5, Some(2.5)),
            segment(&path, 0.5, Some(1.0)),
            segment(&path, 3.0, None),
            segment(&bad, 0.0, Some(1.0)),
            segment(&bad, 1.0, Some(2.0)),
        ];
        let found = map_recordings(&excerpts, |_, recording| recording);
        let text = |index: usize| found[index].as_ref().unwrap_err().to_string();
        assert!(text(0).contains("the recording has 2.00 s"), "{}", text(0));
        assert_eq!(found[1].as_ref().unwrap().samples().len(), 4000);
        assert!(text(2).contains("from 3 s to the end"), "{}", text(2));
        assert_eq!(text(3), text(4));
        assert!(text(3).starts_with(&bad.display().to_string()));
    }

    #[test]
    fn a_segment_that_ends_before_it_begins_is_empty() {
        let folder = tempfile::tempdir().unwrap();
        let path = counting(folder.path());
        let excerpts = [(1.5, 0.5), (1.0, 1.0)].map(|(a, b)| segment(&path, a, Some(b)));
        let lengths = map_recordings(&excerpts, |_, recording| recording.unwrap().samples().len());
        assert_eq!(lengths, [0, 0]);
        assert!(excerpts[0].open().unwrap().samples().is_empty());
    }

    #[test]
    fn what_is_lost_is_told_of_the_segment_that_it_is_in() {
        let folder = tempfile::tempdir().unwrap();
        let path = counting(folder.path());
        let bytes = std::fs::read(&path).unwrap();
        std::fs::write(&path, &bytes[..bytes.len() - 1600]).unwrap();
        let excerpts = [segment(&path, 0.0, Some(1.0)), segment(&path, 1.0, None)];
        let found = map_recordings(&excerpts, |_, recording| recording.unwrap());
        assert!(found[0].reading().loss.is_none());
        assert_eq!(found[1].samples().len(), 8000 - 800);
    }
}
