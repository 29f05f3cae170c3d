use super::*;
use crate::testing::{readme_example, tree};

fn open(path: &Path, corpus: &str) -> Result<Corpus, CorpusError> {
    Sources::new(&[path.to_path_buf()], corpus)?.open()
}

#[test]
fn auto_says_what_it_found_and_why() {
    let dir = tree(&["wav/03a01Fa.wav", "wav/03a01Wb.wav", "wav/notes.wav"]);
    let corpus = open(dir.path(), AUTO).unwrap();
    let member = &corpus.members[0];
    assert_eq!((&*member.name, &*member.read_as), ("emodb", "emodb"));
    assert!(member.why.contains("2 of 3"), "{}", member.why);
    assert_eq!(corpus.skipped.len(), 1);
}

#[test]
fn emovo_is_read_by_its_first_channel() {
    let dir = tree(&["f1/dis-f1-b1.wav"]);
    let corpus = open(dir.path(), AUTO).unwrap();
    assert_eq!(corpus.clips[0].channels, audio::Channels::One(0));
}

#[test]
fn a_folder_per_label_and_a_manifest_are_named_after_their_folder() {
    let dir = tree(&["my voices/joy/a.wav", "my voices/anger/b.wav"]);
    let voices = dir.path().join("my voices");
    assert_eq!(open(&voices, AUTO).unwrap().card.name, "my-voices");
    let manifest = voices.join("manifest.csv");
    std::fs::write(
        &manifest,
        "path,label,speaker\njoy/a.wav,x,ann\nanger/b.wav,y,bob\n",
    )
    .unwrap();
    let corpus = open(&voices, "manifest").unwrap();
    assert_eq!(corpus.card.name, "my-voices");
    assert_eq!(open(&manifest, AUTO).unwrap().clips, corpus.clips);
    let error = open(&manifest, "ravdess").unwrap_err().to_string();
    assert!(error.contains("not as `ravdess`"), "{error}");
}

#[test]
fn a_list_of_corpora_is_seen_from_its_own_folder_and_survives_being_written() {
    let dir = tree(&[
        "r/03-01-01-01-01-01-01.wav",
        "sorted/joy/ann_1.wav",
        "sorted/sad/bob_1.wav",
    ]);
    let file = dir.path().join("corpora.toml");
    let text = r#"
        label_set = "all"
        labels = { rename = { happy = "joy" } }
        [[corpora]]
        dir = "r"
        [[corpora]]
        dir = "sorted"
        name = "friends"
        speaker_pattern = "/(?<speaker>[a-z]+)_"
        labels = { rename = { joy = "happy" } }
    "#;
    std::fs::write(&file, text).unwrap();
    let sources = Sources::new(std::slice::from_ref(&file), AUTO).unwrap();
    let corpus = sources.open().unwrap();
    assert_eq!(corpus.read_as(), "ravdess+folders");
    assert_eq!(
        corpus.speakers(),
        ["friends:ann", "friends:bob", "ravdess:1"]
    );
    // The map of one corpus comes before that of all.
    assert!(corpus.card.label_names().contains(&"joy".to_owned()));
    assert_eq!(corpus.card.label_names().len(), 8);

    let again: Sources =
        toml::from_str(&toml::to_string(&sources.resolved(&corpus)).unwrap()).unwrap();
    assert_eq!(again.open().unwrap().clips, corpus.clips);
    let error = Sources::new(&[file, dir.path().join("r")], AUTO).unwrap_err();
    assert!(error.to_string().contains("stands alone"), "{error}");
}

#[test]
fn the_error_for_a_wrong_list_names_it() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("corpora.toml");
    for (text, what) in [
        ("corpora = []", "names no corpus"),
        ("[[corpora]]\nfolder = 'x'", "not a list of corpora"),
    ] {
        std::fs::write(&file, text).unwrap();
        let error = Sources::load(&file).unwrap_err().to_string();
        assert!(error.starts_with(file.to_str().unwrap()), "{error}");
        assert!(error.contains(what), "{error}");
    }
}

#[test]
fn one_name_is_for_all_folders_and_several_are_for_one_each() {
    let dirs = ["a", "b"].map(PathBuf::from);
    let names = |corpus: &str| -> Vec<String> {
        let sources = Sources::new(&dirs, corpus).unwrap();
        sources.corpora.into_iter().map(|c| c.corpus).collect()
    };
    assert_eq!(names("tess"), ["tess", "tess"]);
    assert_eq!(names("tess+savee"), ["tess", "savee"]);
    let error = Sources::new(&dirs, "tess+savee+emodb").unwrap_err();
    assert!(
        error.to_string().contains("3 names for 2 folders"),
        "{error}"
    );
}

#[test]
fn a_speaker_pattern_is_refused_where_names_tell_the_speaker() {
    let dir = tree(&["03a01Fa.wav"]);
    let mut sources = Sources::new(&[dir.path().to_path_buf()], AUTO).unwrap();
    sources.corpora[0].speaker_pattern = Some("(?<speaker>.)".into());
    let error = sources.open().unwrap_err().to_string();
    assert!(error.contains("the card tells who speaks"), "{error}");
}

#[test]
fn a_missing_folder_and_an_empty_one_are_named() {
    let error = open(Path::new("no/such"), AUTO).unwrap_err().to_string();
    assert!(
        error.starts_with("no/such: there is no such folder"),
        "{error}"
    );
    let dir = tempfile::tempdir().unwrap();
    let error = open(dir.path(), AUTO).unwrap_err().to_string();
    assert!(error.contains("there is no file in it"), "{error}");
}

#[test]
fn the_list_in_the_readme_is_valid() {
    let sources: Sources = toml::from_str(readme_example("## Several corpora at once")).unwrap();
    assert_eq!(sources.corpora.len(), 2);
    assert_eq!(sources.corpora[0].corpus, AUTO);
}

#[test]
fn for_a_model_labels_come_in_its_order_and_a_map_may_be_of_more_corpora() {
    let dir = tree(&["03a01Fa.wav", "03a01Wa.wav"]);
    let mut sources = Sources::new(&[dir.path().to_path_buf()], AUTO).unwrap();
    sources.labels = toml::from_str(
        "drop = ['calm', 'boredom', 'disgust', 'fear', 'sadness']\n[rename]\nhappiness = 'happy'",
    )
    .unwrap();
    assert!(sources.open().is_err(), "EmoDB has no calm");
    let labels = ["happy", "neutral", "surprised", "anger"].map(String::from);
    let corpus = sources.open_for(&labels).unwrap();
    assert_eq!(corpus.card.label_names(), labels);
    let of_clips: Vec<usize> = corpus.clips.iter().map(|clip| clip.label).collect();
    assert_eq!(of_clips, [0, 3]);
    let error = sources.open_for(&labels[..3]).unwrap_err().to_string();
    assert!(error.contains("renames or drops anger"), "{error}");
    let error = sources.open_for(&labels[..3]).unwrap_err();
    assert_eq!(error.hint(), Some(&crate::Hint::LabelMap));
}

#[test]
fn no_folder_at_all_is_an_error() {
    let sources = Sources::new(&[], AUTO).unwrap();
    let error = sources.open().unwrap_err().to_string();
    assert!(error.contains("no corpus to read"), "{error}");
}
