//! Scans of small trees of empty files: names are all that is looked at.

use super::*;
use crate::testing::tree;

fn scan(dir: &tempfile::TempDir) -> Corpus {
    Corpus::scan(dir.path(), CorpusCard::ravdess()).unwrap()
}

fn reason(corpus: &Corpus, file: &str) -> String {
    let skipped = (corpus.skipped.iter()).find(|s| s.path.ends_with(file));
    skipped
        .unwrap_or_else(|| panic!("{file} was not skipped"))
        .reason
        .clone()
}

#[test]
fn a_name_tells_label_speaker_and_every_part() {
    let dir = tree(&["Actor_12/03-01-06-02-02-01-12.wav"]);
    let corpus = scan(&dir);
    let clip = &corpus.clips[0];
    assert_eq!(corpus.card.label_names()[clip.label], "fearful");
    assert_eq!(clip.speaker, "12");
    let parts: Vec<(&str, &str)> = (clip.parts.iter())
        .map(|(k, v)| (k.as_str(), v.as_str()))
        .collect();
    assert_eq!(
        parts,
        [
            ("actor", "12"),
            ("channel", "speech"),
            ("emotion", "fearful"),
            ("intensity", "strong"),
            ("modality", "audio only"),
            ("repetition", "first"),
            ("statement", "Dogs are sitting by the door."),
        ]
    );
}

#[test]
fn speakers_lose_their_leading_zero_and_sort_by_value() {
    let dir = tree(&[
        "Actor_10/03-01-01-01-01-01-10.wav",
        "Actor_02/03-01-01-01-01-01-02.wav",
        "Actor_01/03-01-01-01-01-01-01.wav",
    ]);
    assert_eq!(scan(&dir).speakers(), ["1", "2", "10"]);
}

#[test]
fn recordings_are_found_in_any_case_and_depth_and_in_order() {
    let dir = tree(&[
        "b/03-01-02-01-01-01-02.FLAC",
        "a/deep/er/03-01-01-01-01-01-01.Wav",
        "03-01-03-01-01-01-03.wav",
        "03-01-04-01-01-01-03.mp3",
        "03-01-05-01-01-01-03.txt",
        "notes.txt",
    ]);
    let corpus = scan(&dir);
    let found: Vec<_> = (corpus.clips.iter())
        .map(|c| c.path.strip_prefix(dir.path()).unwrap().to_str().unwrap())
        .collect();
    assert_eq!(
        found,
        [
            "03-01-03-01-01-01-03.wav",
            "03-01-04-01-01-01-03.mp3",
            "a/deep/er/03-01-01-01-01-01-01.Wav",
            "b/03-01-02-01-01-01-02.FLAC"
        ]
    );
    assert!(corpus.skipped.is_empty());
}

#[test]
fn hidden_and_macos_files_are_passed_over_silently() {
    let dir = tree(&[
        "Actor_01/03-01-01-01-01-01-01.wav",
        "Actor_01/._03-01-01-01-01-01-01.wav",
        "Actor_01/.hidden.wav",
        ".cache/03-01-02-01-01-01-01.wav",
        "__MACOSX/Actor_01/x.wav",
    ]);
    let corpus = scan(&dir);
    assert_eq!((corpus.clips.len(), corpus.skipped.len()), (1, 0));
}

#[test]
fn a_hidden_root_is_scanned() {
    let dir = tree(&[".data/03-01-01-01-01-01-01.wav"]);
    let corpus = Corpus::scan(&dir.path().join(".data"), CorpusCard::ravdess()).unwrap();
    assert_eq!(corpus.clips.len(), 1);
}

#[test]
fn what_does_not_fit_is_named_with_its_reason() {
    let dir = tree(&[
        "Actor_01/03-01-01-01-01-01-01.wav",
        "Actor_01/recording.wav",
        "Actor_01/03-01-01-01-01-01-01-copy.wav",
        "Actor_01/03-01-09-01-01-01-01.wav",
        "Actor_01/03-01-01-03-01-01-01.wav",
        "Actor_25/03-01-01-01-01-01-25.wav",
        "Actor_01/03-02-01-01-01-01-01.wav",
        "Actor_01/01-01-01-01-01-01-01.wav",
        "Actor_01/02-01-01-01-01-01-01.wav",
        "Actor_01/09-01-01-01-01-01-01.wav",
        "Actor_01/03-01-01-01-01-01-02.wav",
    ]);
    let corpus = scan(&dir);
    assert_eq!((corpus.clips.len(), corpus.skipped.len()), (1, 10));
    for (file, part_of_reason) in [
        ("recording.wav", "does not have the form modality-channel"),
        ("03-01-01-01-01-01-01-copy.wav", "does not have the form"),
        ("03-01-09-01-01-01-01.wav", "unknown emotion 09"),
        ("03-01-01-03-01-01-01.wav", "unknown intensity 03"),
        ("03-01-01-01-01-01-25.wav", "unknown actor 25"),
        (
            "03-02-01-01-01-01-01.wav",
            "not part of this card: channel 02 (song)",
        ),
        (
            "01-01-01-01-01-01-01.wav",
            "not part of this card: modality 01 (audio and video)",
        ),
        (
            "02-01-01-01-01-01-01.wav",
            "not part of this card: modality 02 (video only)",
        ),
        ("09-01-01-01-01-01-01.wav", "unknown modality 09"),
        (
            "03-01-01-01-01-01-02.wav",
            "actor 02 in its name, but 01 in its folder Actor_01",
        ),
    ] {
        let reason = reason(&corpus, file);
        assert!(reason.contains(part_of_reason), "{file}: {reason}");
    }
}

#[test]
fn a_tree_inside_its_own_copy_counts_once() {
    let dir = tree(&[
        "Actor_01/03-01-01-01-01-01-01.wav",
        "audio_speech_actors_01-24/Actor_01/03-01-01-01-01-01-01.wav",
    ]);
    let corpus = scan(&dir);
    assert_eq!(corpus.clips.len(), 1);
    assert_eq!(
        corpus.skipped[0].reason,
        "the same recording, by its name, as Actor_01/03-01-01-01-01-01-01.wav"
    );
}

#[test]
fn a_recording_in_two_formats_counts_once_and_lossless_comes_first() {
    let dir = tree(&[
        "AudioMP3/03-01-01-01-01-01-01.mp3",
        "AudioMP3/03-01-03-01-01-01-01.mp3",
        "AudioWAV/03-01-01-01-01-01-01.flac",
        "AudioWAV/03-01-01-01-01-01-01.wav",
    ]);
    let corpus = scan(&dir);
    let clips: Vec<&Path> = (corpus.clips.iter())
        .map(|clip| below(dir.path(), &clip.path))
        .collect();
    assert_eq!(
        clips,
        [
            "AudioMP3/03-01-03-01-01-01-01.mp3",
            "AudioWAV/03-01-01-01-01-01-01.flac"
        ]
        .map(Path::new)
    );
    for file in [
        "AudioMP3/03-01-01-01-01-01-01.mp3",
        "AudioWAV/03-01-01-01-01-01-01.wav",
    ] {
        assert_eq!(
            reason(&corpus, file),
            "the same recording, by its name, as AudioWAV/03-01-01-01-01-01-01.flac"
        );
    }
}

#[test]
fn one_actor_folder_is_a_corpus_too() {
    let dir = tree(&["Actor_02/03-01-01-01-01-01-02.wav"]);
    let corpus = Corpus::scan(&dir.path().join("Actor_02"), CorpusCard::ravdess()).unwrap();
    assert_eq!(corpus.speakers(), ["2"]);
}

#[test]
fn emodb_names_are_read_by_the_emodb_card() {
    let dir = tree(&["wav/03a01Fa.wav", "wav/16b10Wb.wav", "wav/16b10Xb.wav"]);
    let corpus = Corpus::scan(dir.path(), CorpusCard::emodb()).unwrap();
    let read: Vec<_> = (corpus.clips.iter())
        .map(|c| {
            (
                c.speaker.as_str(),
                corpus.card.label_names()[c.label].clone(),
            )
        })
        .collect();
    assert_eq!(
        read,
        [("03", "happiness".to_owned()), ("16", "anger".to_owned())]
    );
    assert!(reason(&corpus, "16b10Xb.wav").contains("unknown emotion X"));
}

/// SAVEE's names tell the emotion and its folders the speaker.
#[test]
fn the_speaker_may_stand_in_the_folder_alone() {
    let card: CorpusCard = toml::from_str(
        r#"
        name = "savee"
        title = "t"
        description = "d"
        licence = "l"
        citation = "c"
        homepage = "h"
        labels = [{ code = "a", name = "anger" }, { code = "sa", name = "sadness" }]
        [files]
        pattern = '(?<emotion>[a-z]{1,2})(?<sentence>[0-9]{2})'
        folder = '(?<speaker>[A-Z]{2})'
        example = "DC/a01.wav"
        label = "emotion"
        speaker = "speaker"
        "#,
    )
    .unwrap();
    card.validate().unwrap();
    let dir = tree(&[
        "DC/a01.wav",
        "DC/sa01.wav",
        "JK/a01.wav",
        "elsewhere/a01.wav",
    ]);
    let corpus = Corpus::scan(dir.path(), card).unwrap();
    assert_eq!(corpus.clips.len(), 3);
    assert_eq!(corpus.speakers(), ["DC", "JK"]);
    assert!(reason(&corpus, "elsewhere/a01.wav").contains("tells the speaker"));
}

#[test]
fn counts_add_up_by_label_and_by_speaker() {
    let dir = tree(&[
        "03-01-01-01-01-01-01.wav",
        "03-01-01-01-02-01-01.wav",
        "03-01-08-01-01-01-10.wav",
    ]);
    let counts = scan(&dir).counts();
    assert_eq!(counts.labels[0], ("neutral".to_owned(), 2));
    assert_eq!(counts.labels[7], ("surprised".to_owned(), 1));
    assert_eq!(counts.speakers[0].0, "1");
    assert_eq!(counts.speakers[0].1, [2, 0, 0, 0, 0, 0, 0, 0]);
    assert_eq!(counts.speakers[1].1, [0, 0, 0, 0, 0, 0, 0, 1]);
    let table = counts.to_string();
    let last = table.lines().last().unwrap();
    assert!(last.trim_start().starts_with("all") && last.ends_with("    3"));
}

fn error_of(root: &Path) -> String {
    let error = Corpus::scan(root, CorpusCard::ravdess()).unwrap_err();
    error.to_string()
}

#[test]
fn a_missing_folder_is_an_error_that_says_where_to_get_the_corpus() {
    let error = error_of(Path::new("no/such/folder"));
    assert!(error.starts_with("no/such/folder: there is no such folder"));
    assert!(error.contains("scripts/fetch-ravdess") && error.contains("zenodo.org"));
}

#[test]
fn a_file_in_place_of_a_folder_is_an_error() {
    let dir = tree(&["speech.zip", "a.wav"]);
    assert!(error_of(&dir.path().join("speech.zip")).contains("unpack it"));
    assert!(error_of(&dir.path().join("a.wav")).contains("a file, not a folder"));
}

#[test]
fn a_folder_without_matches_shows_three_names_and_a_right_one() {
    let dir = tree(&["1.wav", "2.wav", "3.wav", "4.wav"]);
    let error = error_of(dir.path());
    assert!(error.starts_with(dir.path().to_str().unwrap()), "{error}");
    assert!(error.contains("none of its 4 sound files"), "{error}");
    assert!(error.contains("3.wav") && !error.contains("4.wav"));
    assert!(error.contains("A name that fits is Actor_12/03-01-06-01-02-01-12.wav (modality-"));
    assert!(error.ends_with("read them by its card"), "{error}");
    let error = Corpus::scan(dir.path(), CorpusCard::ravdess()).unwrap_err();
    assert_eq!(error.hint(), Some(&Hint::ReadAs(Vec::new())));
}

#[test]
fn an_empty_folder_and_one_without_sound_say_so() {
    assert!(error_of(tree(&[]).path()).contains("there is no file in it"));
    let error = error_of(tree(&["clip.avi", "readme.txt"]).path());
    assert!(error.contains("no sound file in it"), "{error}");
    assert!(error.contains("clip.avi"));
}

#[cfg(unix)]
#[test]
fn links_are_followed_and_broken_or_circular_ones_are_reported() {
    let dir = tree(&["real/03-01-01-01-01-01-01.wav", "tree/x.txt"]);
    let link = |to: &Path, name: &str| {
        std::os::unix::fs::symlink(to, dir.path().join("tree").join(name)).unwrap();
    };
    link(&dir.path().join("real"), "linked");
    link(Path::new("nowhere"), "broken.wav");
    link(&dir.path().join("tree"), "round");
    let corpus = Corpus::scan(&dir.path().join("tree"), CorpusCard::ravdess()).unwrap();
    assert_eq!(corpus.clips.len(), 1);
    assert!(reason(&corpus, "broken.wav").contains("cannot be read"));
    assert!(reason(&corpus, "round").contains("leads back"));
}

/// The folder of a real corpus, or none with a line that says so.
fn real(variable: &str) -> Option<PathBuf> {
    let folder = std::env::var_os(variable).map(PathBuf::from);
    if folder.is_none() {
        println!("skipped: {variable} is not set");
    }
    folder
}

#[test]
fn the_real_ravdess_is_read_to_the_last_file() {
    let Some(folder) = real("RAVDESS_DIR") else {
        return;
    };
    let corpus = Corpus::scan(&folder, CorpusCard::ravdess()).unwrap();
    assert!(corpus.skipped.is_empty(), "{:?}", corpus.skipped);
    let counts = corpus.counts();
    for (speaker, by_label) in &counts.speakers {
        assert_eq!(by_label, &[4, 8, 8, 8, 8, 8, 8, 8], "actor {speaker}");
    }
    assert_eq!(corpus.clips.len(), 60 * counts.speakers.len());
    println!("{} clips\n{counts}", corpus.clips.len());
}

#[test]
fn the_real_emodb_has_its_documented_counts() {
    let Some(folder) = real("EMODB_DIR") else {
        return;
    };
    let corpus = Corpus::scan(&folder, CorpusCard::emodb()).unwrap();
    assert!(corpus.skipped.is_empty(), "{:?}", corpus.skipped);
    let counts = corpus.counts();
    let by_label: Vec<usize> = counts.labels.iter().map(|(_, n)| *n).collect();
    assert_eq!(by_label, [127, 81, 46, 69, 71, 62, 79]);
    assert_eq!((corpus.clips.len(), counts.speakers.len()), (535, 10));
    println!("{} clips\n{counts}", corpus.clips.len());
}

#[test]
fn folders_above_the_last_tell_the_emotion_where_the_card_says_so() {
    let dir = tree(&[
        "ESD/0011/Angry/0011_000351.wav",
        "ESD/0011/Surprise/evaluation/0011_001401.wav",
        "ESD/0012/Sad/0011_001051.wav",
        "ESD/0012/0012_000001.wav",
    ]);
    let corpus = Corpus::scan(dir.path(), CorpusCard::named("esd").unwrap()).unwrap();
    let labels = corpus.card.label_names();
    let read: Vec<(&str, &str)> = (corpus.clips.iter())
        .map(|clip| (labels[clip.label].as_str(), clip.speaker.as_str()))
        .collect();
    assert_eq!(read, [("angry", "0011"), ("surprise", "0011")]);
    assert!(reason(&corpus, "0011_001051.wav").contains("speaker 0011 in its name, but 0012"));
    assert!(reason(&corpus, "0012_000001.wav").contains("does not have the form"));
    // The same with the folder of one speaker as the root.
    let speaker = dir.path().join("ESD/0011");
    let corpus = Corpus::scan(&speaker, CorpusCard::named("esd").unwrap()).unwrap();
    assert_eq!(corpus.clips.len(), 2);
}

fn write(dir: &tempfile::TempDir, file: &str, text: &str) {
    let path = dir.path().join(file);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

#[test]
fn melds_tables_tell_emotion_and_speaker_of_each_part() {
    let dir = tree(&[
        "train_splits/dia0_utt0.mp4",
        "dev_splits_complete/dia0_utt0.mp4",
        "output_repeated_splits_test/dia0_utt0.mp4",
        "output_repeated_splits_test/final_videos_testdia0_utt0.mp4",
    ]);
    let head = "Sr No.,Utterance,Speaker,Emotion,Sentiment,Dialogue_ID,Utterance_ID";
    for (part, line) in [
        ("train", "1,\"well, no\",Chandler,neutral,neutral,0,0"),
        ("dev", "1,Oh!,Phoebe,joy,positive,0,0"),
    ] {
        write(
            &dir,
            &format!("{part}_sent_emo.csv"),
            &format!("{head}\n{line}\n"),
        );
    }
    let corpus = crate::Sources::new(&[dir.path().to_path_buf()], "auto")
        .unwrap()
        .open();
    let corpus = corpus.unwrap();
    assert_eq!(corpus.card.name, "meld");
    assert_eq!(corpus.speakers(), ["Chandler", "Phoebe"]);
    let emotions: Vec<&str> = (corpus.clips.iter())
        .map(|c| c.parts["emotion"].as_str())
        .collect();
    assert_eq!(emotions, ["joy", "neutral"]);
    let reason = reason(&corpus, "output_repeated_splits_test/dia0_utt0.mp4");
    assert_eq!(reason, "no line of the tables is about it");
}

#[test]
fn iemocaps_labels_are_lines_of_text_and_disagreement_is_left_out() {
    let wavs = "Session1/sentences/wav/Ses01F_impro01/Ses01F_impro01";
    let dir = tree(&[
        &format!("{wavs}_F000.wav"),
        &format!("{wavs}_M001.wav"),
        &format!("{wavs}_M002.wav"),
    ]);
    let labels = "Session1/dialog/EmoEvaluation/Ses01F_impro01.txt";
    let text = "% [START_TIME - END_TIME] TURN_NAME EMOTION [V, A, D]\n\n\
        [6.2901 - 8.2357]\tSes01F_impro01_F000\tneu\t[2.5000, 2.5000, 2.5000]\n\
        C-E2:\tNeutral;\t()\n\
        [10.0 - 11.0]\tSes01F_impro01_M001\texc\t[4.0, 3.5, 2.5]\n\
        [12.0 - 13.0]\tSes01F_impro01_M002\txxx\t[4.0, 3.5, 2.5]\n";
    write(&dir, labels, text);
    write(
        &dir,
        "Session1/dialog/transcriptions/Ses01F_impro01.txt",
        "Ses01F_impro01_F000: Hi.\n",
    );
    let corpus = Corpus::scan(dir.path(), CorpusCard::named("iemocap").unwrap()).unwrap();
    assert_eq!(corpus.speakers(), ["1F", "1M"]);
    let emotions: Vec<&str> = (corpus.clips.iter())
        .map(|c| c.parts["emotion"].as_str())
        .collect();
    assert_eq!(emotions, ["neutral", "excitement"]);
    assert!(reason(&corpus, "Ses01F_impro01_M002.wav").contains("the raters did not agree"));
}

#[test]
fn a_speaker_in_two_spellings_is_one() {
    let text = "name = 'mine'\ntitle = 't'\ndescription = ''\nlicence = ''\ncitation = ''\n\
        homepage = ''\nlabels = [{ code = 'u', name = 'up' }, { code = 'd', name = 'down' }]\n\
        [files]\npattern = '(?<who>[A-Za-z0-9]+)_(?<mood>[ud])'\nexample = 'm3_u.wav'\n\
        label = 'mood'\nspeaker = 'who'\n";
    let card: CorpusCard = toml::from_str(text).unwrap();
    let corpus = Corpus::scan(tree(&["m3_u.wav", "M3_d.wav"]).path(), card).unwrap();
    assert_eq!(corpus.speakers(), ["m3"]);
    assert_eq!(corpus.notes, ["speaker m3, also written M3"]);
}
