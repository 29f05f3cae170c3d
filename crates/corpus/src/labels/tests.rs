use super::*;
use crate::CorpusCard;
use crate::testing::{readme_example, tree};

fn map(text: &str) -> LabelMap {
    toml::from_str(text).unwrap()
}

/// Speaker 1 calm, happy and sad.
fn corpus() -> (tempfile::TempDir, Corpus) {
    let dir = tree(&[
        "03-01-02-01-01-01-01.wav",
        "03-01-03-01-01-01-01.wav",
        "03-01-04-01-01-01-01.wav",
    ]);
    let corpus = Corpus::scan(dir.path(), CorpusCard::ravdess()).unwrap();
    (dir, corpus)
}

fn labels_of_clips(corpus: &Corpus) -> Vec<String> {
    let names = corpus.card.label_names();
    (corpus.clips.iter())
        .map(|clip| names[clip.label].clone())
        .collect()
}

#[test]
fn a_map_renames_merges_and_drops_and_keeps_the_order() {
    let (_dir, mut corpus) = corpus();
    map("drop = ['sad', 'surprised']\n[rename]\ncalm = 'neutral'\nhappy = 'joy'")
        .apply(&mut corpus)
        .unwrap();
    assert_eq!(
        corpus.card.label_names(),
        ["neutral", "joy", "angry", "fearful", "disgust"]
    );
    assert_eq!(labels_of_clips(&corpus), ["neutral", "joy"]);
}

#[test]
fn two_labels_may_change_places() {
    let (_dir, mut corpus) = corpus();
    map("[rename]\ncalm = 'sad'\nsad = 'calm'")
        .apply(&mut corpus)
        .unwrap();
    assert_eq!(labels_of_clips(&corpus), ["sad", "happy", "calm"]);
}

#[test]
fn a_label_that_is_not_there_is_an_error_with_those_that_are() {
    let known = ["calm", "happy"].map(String::from);
    for text in ["drop = ['clam']", "[rename]\nclam = 'calm'"] {
        let error = map(text).check(&known).unwrap_err();
        assert!(error.contains("\"clam\", only calm, happy"), "{error}");
    }
}

#[test]
fn a_map_must_leave_two_classes_and_a_recording() {
    let (_dir, mut corpus) = corpus();
    let all = "neutral calm happy sad angry fearful disgust surprised";
    let to_one: String = (all.split(' '))
        .map(|label| format!("{label} = 'something'\n"))
        .collect();
    let error = map(&format!("[rename]\n{to_one}")).apply(&mut corpus);
    let error = error.unwrap_err().to_string();
    assert!(error.contains("leaves only something"), "{error}");
    let error = map("drop = ['calm', 'happy', 'sad']").apply(&mut corpus);
    assert!(error.unwrap_err().to_string().contains("no recording"));
}

#[test]
fn the_error_for_a_map_file_names_it() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("map.toml");
    let error_of = |text: &str| {
        std::fs::write(&path, text).unwrap();
        LabelMap::load(&path).unwrap_err().to_string()
    };
    for (text, what) in [
        ("merge = []", "not a label map"),
        ("[rename]\na = ''", "the new name of \"a\" is empty"),
        (
            "drop = ['a']\n[rename]\na = 'b'",
            "both renamed and dropped",
        ),
    ] {
        let error = error_of(text);
        assert!(error.starts_with(path.to_str().unwrap()), "{error}");
        assert!(error.contains(what), "{error}");
    }
    let missing = LabelMap::load(Path::new("none.toml"))
        .unwrap_err()
        .to_string();
    assert!(missing.starts_with("none.toml: cannot read"), "{missing}");
}

#[test]
fn the_map_in_the_readme_is_valid() {
    let map = map(readme_example("## Other names for labels"));
    assert_eq!(map.get("calm"), Some("neutral"));
    assert_eq!(map.get("surprised"), None);
}
