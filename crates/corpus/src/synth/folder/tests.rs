use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Mutex;

use super::*;
use crate::{Corpus, CorpusCard};

fn settings(speakers: usize, takes_per_emotion: usize, seed: u64) -> SynthSettings {
    SynthSettings {
        speakers,
        takes_per_emotion,
        seed,
    }
}

/// Every file below a folder with its bytes.
fn files(dir: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    (walkdir::WalkDir::new(dir).into_iter())
        .map(Result::unwrap)
        .filter(|entry| entry.file_type().is_file())
        .map(|entry| {
            let name = entry.path().strip_prefix(dir).unwrap().to_path_buf();
            (name, fs::read(entry.path()).unwrap())
        })
        .collect()
}

/// The files of a corpus that was written by this many threads.
fn written(settings: &SynthSettings, threads: usize) -> BTreeMap<PathBuf, Vec<u8>> {
    let dir = tempfile::tempdir().unwrap();
    rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build()
        .unwrap()
        .install(|| write_corpus(dir.path(), settings, |_, _| {}).unwrap());
    files(dir.path())
}

#[test]
fn the_same_settings_give_the_same_bytes_in_any_number_of_threads() {
    let settings = settings(2, 2, 5);
    let once = written(&settings, 1);
    assert_eq!(once.len(), 2 * (1 + 7 * 2) + 1);
    assert_eq!(once, written(&settings, 3));
}

#[test]
fn another_seed_gives_other_recordings_under_the_same_names() {
    let one = written(&settings(1, 1, 5), 2);
    let other = written(&settings(1, 1, 6), 2);
    assert!(one.keys().eq(other.keys()));
    assert!(one.iter().all(|(name, bytes)| &other[name] != bytes));
}

#[test]
fn more_speakers_and_takes_change_no_recording() {
    let clips = |mut files: BTreeMap<PathBuf, Vec<u8>>| {
        files.remove(Path::new(MARKER));
        files
    };
    let small = clips(written(&settings(1, 2, 5), 2));
    let large = clips(written(&settings(2, 5, 5), 2));
    assert!(large.len() > 2 * small.len());
    assert!(
        small
            .iter()
            .all(|(name, bytes)| large.get(name) == Some(bytes))
    );
}

#[test]
fn the_ravdess_card_reads_every_file() {
    let dir = tempfile::tempdir().unwrap();
    let report = write_corpus(dir.path(), &settings(2, 8, 1), |_, _| {}).unwrap();
    let corpus = Corpus::scan(dir.path(), CorpusCard::ravdess()).unwrap();
    assert!(corpus.skipped.is_empty());
    assert_eq!(corpus.clips.len(), report.clips);
    for (_, counts) in corpus.counts().speakers {
        assert_eq!(counts, [4, 8, 8, 8, 8, 8, 8, 8]);
    }
}

#[test]
fn the_recordings_are_16_bit_mono_at_16_khz() {
    for (name, bytes) in written(&settings(1, 1, 1), 2) {
        if name != Path::new(MARKER) {
            assert_eq!(&bytes[..4], b"RIFF");
            let word = |at: usize| u16::from_le_bytes([bytes[at], bytes[at + 1]]);
            let [format, channels, rate, bits] = [20, 22, 24, 34].map(word);
            assert_eq!((format, channels, rate, bits), (1, 1, 16_000, 16));
        }
    }
}

#[test]
fn clips_are_short_quiet_at_both_ends_and_never_clip() {
    let settings = settings(24, 3, 1);
    let mut lengths = Vec::new();
    for plan in Plan::all(&settings) {
        let speaker = Speaker::draw(settings.seed, plan.speaker as u64);
        let samples = plan.samples(&speaker, settings.seed);
        let peak = |part: &[f32]| part.iter().fold(0.0f32, |peak, s| peak.max(s.abs()));
        assert!(samples.iter().all(|s| s.is_finite()));
        assert!((0.01..0.98).contains(&peak(&samples)), "{}", plan.path());
        let quarter = SAMPLE_RATE as usize / 4;
        assert!(peak(&samples[..quarter]) < 0.003);
        assert!(peak(&samples[samples.len() - quarter..]) < 0.003);
        lengths.push(samples.len() as f64 / f64::from(SAMPLE_RATE));
    }
    lengths.sort_by(f64::total_cmp);
    let median = lengths[lengths.len() / 2];
    assert!((1.4..2.0).contains(&median), "{median}");
    assert!(lengths[0] > 1.1 && lengths[lengths.len() - 1] < 2.8);
}

#[test]
fn names_are_unique_for_every_size() {
    for takes in 1..=8 {
        let plans = Plan::all(&settings(3, takes, 1));
        let names: BTreeSet<String> = plans.iter().map(Plan::path).collect();
        assert_eq!(names.len(), plans.len());
        assert_eq!(plans.len(), 3 * (takes.div_ceil(2) + 7 * takes));
    }
}

#[test]
fn progress_counts_every_clip_once() {
    let dir = tempfile::tempdir().unwrap();
    let seen = Mutex::new(Vec::new());
    let report = write_corpus(dir.path(), &settings(1, 2, 1), |done, total| {
        seen.lock().unwrap().push((done, total));
    })
    .unwrap();
    let mut seen = seen.into_inner().unwrap();
    seen.sort_unstable();
    let expected: Vec<_> = (1..=report.clips).map(|i| (i, report.clips)).collect();
    assert_eq!(seen, expected);
}

#[test]
fn a_folder_with_other_things_is_refused_and_left_alone() {
    let write = |dir: &Path| write_corpus(dir, &settings(1, 1, 1), |_, _| {});
    for name in ["thesis.txt", "Actor_01/03-01-01-01-01-01-01.wav", MARKER] {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, "mine").unwrap();
        let error = write(dir.path()).unwrap_err().to_string();
        assert!(error.contains("holds other things"), "{error}");
        assert!(error.starts_with(dir.path().to_str().unwrap()));
        assert_eq!(files(dir.path()).len(), 1);
        assert_eq!(fs::read(&path).unwrap(), b"mine");
    }
    // Also where a synthetic corpus is there besides.
    let dir = tempfile::tempdir().unwrap();
    write(dir.path()).unwrap();
    fs::write(dir.path().join("notes.txt"), "mine").unwrap();
    assert!(write(dir.path()).is_err());
    assert!(dir.path().join("notes.txt").exists());

    let file = dir.path().join("notes.txt");
    assert!(write(&file).unwrap_err().to_string().contains("a file"));
}

#[test]
fn an_older_synthetic_corpus_is_replaced_whole() {
    let dir = tempfile::tempdir().unwrap();
    write_corpus(dir.path(), &settings(3, 2, 1), |_, _| {}).unwrap();
    // What a run that was killed leaves behind.
    let left = dir.path().join(format!("{PARTIAL}x"));
    fs::create_dir(&left).unwrap();
    fs::write(left.join("a.wav"), "half").unwrap();
    write_corpus(dir.path(), &settings(2, 1, 7), |_, _| {}).unwrap();
    assert_eq!(files(dir.path()), written(&settings(2, 1, 7), 2));
    assert!(!left.exists());
}

#[test]
fn the_folder_says_that_nobody_spoke() {
    let files = written(&settings(1, 1, 3), 2);
    let text = String::from_utf8(files[Path::new(MARKER)].clone()).unwrap();
    assert!(text.starts_with(MARKER_LINE));
    assert!(text.contains("Nobody spoke them") && text.contains("seed = 3"));
}

#[test]
fn sizes_that_the_names_cannot_hold_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    for (speakers, takes) in [(0, 1), (25, 1), (1, 0), (1, 9)] {
        assert!(write_corpus(dir.path(), &settings(speakers, takes, 1), |_, _| {}).is_err());
    }
    assert!(files(dir.path()).is_empty());
}
