use super::*;
use crate::testing::tree;
use crate::walk::walk;

fn found_as(files: &[&str]) -> Result<String, CorpusError> {
    let dir = tree(files);
    let (kind, _) = detect(dir.path(), &walk(dir.path()).unwrap())?;
    Ok(match kind {
        Kind::Card(card) => card.name,
        Kind::Folders => "folders".into(),
        Kind::Manifest(_) => "manifest".into(),
    })
}

#[test]
fn every_built_in_card_is_found_by_the_names_of_its_files() {
    let cards = CorpusCard::builtin_names().into_iter();
    let cards = cards.map(|name| (name, CorpusCard::builtin(name).unwrap()));
    // Those with tables are not told by names alone; see the tests of scans.
    for (name, card) in cards.filter(|(_, card)| card.table.is_none()) {
        assert_eq!(found_as(&[&card.files.example]).unwrap(), name);
    }
}

#[test]
fn the_layouts_in_circulation_are_found() {
    for (files, name) in [
        (&["Actor_01/03-02-01-01-01-01-01.wav"][..], "ravdess-song"),
        (&["03a01Fa.wav", "16b10Wb.wav"], "emodb"),
        (
            &[
                "AudioWAV/1091_WSI_SAD_XX.wav",
                "AudioWAV/1040_ITH_SAD_X.wav",
            ],
            "crema-d",
        ),
        (
            &[
                "t/OAF_Pleasant_surprise/OAF_back_ps.wav",
                "t/OAF_neutral/OA_bite_neutral.wav",
            ],
            "tess",
        ),
        (&["AudioData/DC/sa01.wav", "AudioData/KL/n30.wav"], "savee"),
        (&["ALL/JE_su15.wav"], "savee"),
        (&["f1/dis-f1-b1.wav", "m3/neu-m3-d2.wav"], "emovo"),
        (&["samples/WR0_surprised_64.wav"], "nemo"),
        (&["joy/a.wav", "Anger/b.wav"], "folders"),
        (&["manifest.csv", "a.wav", "b.wav"], "manifest"),
    ] {
        assert_eq!(found_as(files).unwrap(), name, "{files:?}");
    }
}

#[test]
fn two_ways_to_read_a_folder_are_an_error_with_both() {
    let speech = "Actor_01/03-01-01-01-01-01-01.wav";
    for (files, names) in [
        (
            &[speech, "Actor_01/03-02-01-01-01-01-01.wav"][..],
            ["ravdess", "ravdess-song"],
        ),
        (&[speech, "manifest.csv"], ["ravdess", "manifest"]),
        (
            &["joy/03a01Fa.wav", "anger/03a01Wa.wav"],
            ["emodb", "folders"],
        ),
    ] {
        let error = found_as(files).unwrap_err();
        for name in names {
            assert!(
                error.to_string().contains(&format!("\n  {name}: ")),
                "{error}"
            );
        }
        assert_eq!(
            error.hint(),
            Some(&Hint::ReadAs(names.map(String::from).into()))
        );
    }
}

#[test]
fn a_stray_recording_makes_no_corpus() {
    let error = found_as(&["03a01Fa.wav", "x.wav", "y.wav"]).unwrap_err();
    assert!(
        error.to_string().contains("1 of its 3 sound files"),
        "{error}"
    );
    assert_eq!(error.hint(), Some(&Hint::ReadAs(vec!["emodb".into()])));
}

#[test]
fn files_that_a_card_leaves_out_do_not_hide_its_corpus() {
    let files = [
        "Actor_01/03-01-01-01-01-01-01.wav",
        "Actor_01/01-01-01-01-01-01-01.mp4",
        "Actor_01/02-01-01-01-01-01-01.mp4",
    ];
    assert_eq!(found_as(&files).unwrap(), "ravdess");
}

#[test]
fn folders_that_may_be_speakers_are_not_taken_for_labels() {
    let error = found_as(&["ann/1.wav", "bob/2.wav"]).unwrap_err();
    assert_eq!(error.hint(), Some(&Hint::ReadAs(vec!["folders".into()])));
    let error = error.to_string();
    assert!(error.contains("none of its 2 sound files"), "{error}");
    assert!(error.contains("emodb: 03a01Fa.wav"), "{error}");
    assert!(error.contains("read it as `folders`"), "{error}");
    let error = found_as(&["joy/1.wav", "puzzled/2.wav"])
        .unwrap_err()
        .to_string();
    assert!(error.contains("but not all (puzzled)"), "{error}");
}

#[test]
fn speech_and_song_in_one_tree_are_two_corpora_and_the_message_says_how_to_read_both() {
    let files = [
        "Actor_01/03-01-01-01-01-01-01.wav",
        "Actor_01/03-02-01-01-01-01-01.wav",
    ];
    let error = found_as(&files).unwrap_err();
    let text = error.to_string();
    assert!(text.contains("can be read in 2 ways"), "{text}");
    assert!(text.contains("read it as ravdess+ravdess-song"), "{text}");
    let dir = tree(&files);
    let both = [dir.path().to_path_buf(), dir.path().to_path_buf()];
    let mut sources = crate::Sources::new(&both, "ravdess+ravdess-song").unwrap();
    sources.label_set = Some(crate::LabelSet::All);
    let corpus = sources.open().unwrap();
    assert_eq!(corpus.clips.len(), 2);
    assert_eq!(corpus.speakers(), ["ravdess:1"]);
}

#[test]
fn labels_one_level_below_are_recognised_and_the_message_gives_the_pattern() {
    for (files, pattern) in [
        (
            ["train/angry/a.wav", "test/sad/b.wav"],
            "'^(?<split>[^/]+)/(?<label>[^/]+)/'",
        ),
        (
            ["ann/angry/a.wav", "bob/sad/b.wav"],
            "'^(?<speaker>[^/]+)/(?<label>[^/]+)/'",
        ),
    ] {
        let text = found_as(&files).unwrap_err().to_string();
        assert!(text.contains(pattern), "{text}");
    }
}
