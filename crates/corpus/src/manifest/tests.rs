use super::*;
use crate::testing::tree;

const FILES: [&str; 3] = ["a.wav", "b.wav", "deep/c.wav"];

fn read_text(text: &str) -> Result<Corpus, CorpusError> {
    let dir = tree(&FILES);
    let file = dir.path().join("list.csv");
    std::fs::write(&file, text).unwrap();
    read(&file, "list".into())
}

#[test]
fn every_line_is_a_clip() {
    let corpus = read_text(
        "path,label,speaker,start,end\n\
         a.wav,joy,ann,0.5,1.25\n\
         a.wav,anger,bob,1.25,\n\
         deep/c.wav,joy,ann,,\n",
    )
    .unwrap();
    assert_eq!(corpus.card.label_names(), ["anger", "joy"]);
    assert_eq!(corpus.speakers(), ["ann", "bob"]);
    let segments: Vec<Option<Segment>> = corpus.clips.iter().map(|c| c.segment).collect();
    let segment = |start, end| Some(Segment { start, end });
    assert_eq!(
        segments,
        [segment(0.5, Some(1.25)), segment(1.25, None), None]
    );
    assert!(corpus.clips[2].path.ends_with("deep/c.wav"));
    assert!(corpus.clips[2].path.is_absolute());
}

#[test]
fn columns_stand_in_any_order_and_spaces_do_not_matter() {
    let corpus = read_text("speaker, path ,label\nann, a.wav ,joy\nbob,b.wav,anger\n").unwrap();
    assert_eq!(corpus.clips.len(), 2);
}

#[test]
fn the_split_is_that_of_the_lines() {
    let corpus = read_text(
        "path,label,speaker,split\n\
         a.wav,joy,ann,Train\nb.wav,anger,bob,test\ndeep/c.wav,joy,eve,dev\n",
    )
    .unwrap();
    assert_eq!(corpus.notes, ["split: Train as train, dev as validation"]);
    let split = corpus.card.split.unwrap();
    assert_eq!(
        (split.test, split.validation),
        (vec!["bob".into()], vec!["eve".into()])
    );
}

#[test]
fn speakers_may_be_unknown_but_then_on_every_line() {
    let corpus = read_text("path,label,speaker\na.wav,joy,\nb.wav,anger,\n").unwrap();
    assert_eq!(corpus.speakers(), [UNKNOWN_SPEAKER]);
}

#[test]
fn what_is_wrong_is_said_with_file_and_line() {
    let head = "path,label,speaker";
    for (text, what) in [
        (
            "path,label\n".to_owned(),
            "line 1: there is no column speaker",
        ),
        (
            format!("{head},spilt\n"),
            "line 1: there is a column \"spilt\", but none of the name split",
        ),
        (
            format!("{head},label\n"),
            "line 1: there are 2 columns for the label",
        ),
        (
            format!("{head},channel\na.wav,joy,ann,left\n"),
            "line 2: channel = \"left\"",
        ),
        (format!("{head}\n"), "no line below the first"),
        (
            format!("{head}\na.wav,joy,ann\nb.wav,joy\n"),
            "line 3: has 2 fields, but the first line has 3",
        ),
        (
            format!("{head}\na.wav,joy,ann\nx.wav,joy,ann\n"),
            "line 3: ",
        ),
        (
            format!("{head}\na.wav,joy,ann\nx.wav,joy,ann\n"),
            "no such file",
        ),
        (format!("{head}\n,joy,ann\n"), "line 2: the path is empty"),
        (
            format!("{head}\na.wav,,ann\n"),
            "line 2: the label is empty",
        ),
        (
            format!("{head}\na.wav,joy,a:b\n"),
            "line 2: the speaker \"a:b\"",
        ),
        (
            format!("{head}\na.wav,joy,ann\na.wav,anger,ann\n"),
            "line 3: the same recording as on line 2",
        ),
        (
            format!("{head}\na.wav,joy,ann\nb.wav,anger,\n"),
            "line 3: has no speaker",
        ),
        (
            format!("{head}\na.wav,joy,ann\nb.wav,joy,bob\n"),
            "all lines have the label joy",
        ),
        (
            format!("{head},start\na.wav,joy,ann,soon\n"),
            "line 2: start = \"soon\"",
        ),
        (
            format!("{head},start\na.wav,joy,ann,-1\n"),
            "line 2: start = \"-1\"",
        ),
        (
            format!("{head},start,end\na.wav,joy,ann,2,1\n"),
            "line 2: the clip ends at 1 s",
        ),
        (
            format!("{head},split\na.wav,joy,ann,tset\n"),
            "line 2: split = \"tset\"",
        ),
        (
            format!("{head},split\na.wav,joy,,test\n"),
            "line 2: a split needs speakers",
        ),
        (
            format!("{head},split\na.wav,joy,ann,train\nb.wav,joy,bob,\n"),
            "line 3: the split is empty",
        ),
        (
            format!("{head},split\na.wav,joy,ann,train\nb.wav,anger,ann,test\n"),
            "line 3: the speaker ann is in another part",
        ),
        (
            format!("{head},split\na.wav,joy,ann,train\nb.wav,anger,bob,train\n"),
            "no speaker to test",
        ),
    ] {
        let error = read_text(&text).unwrap_err().to_string();
        assert!(error.contains("list.csv"), "{error}");
        assert!(error.contains(what), "{text}{error}");
    }
    let error = read(Path::new("none.csv"), "none".into()).unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("none.csv: cannot read the table")
    );
}

#[test]
fn one_file_may_have_a_line_for_each_channel_and_track() {
    let corpus = read_text(
        "path,label,speaker,channel,track\n\
         a.wav,joy,ann,0,\na.wav,anger,bob,1,\nb.wav,anger,bob,loudest,1\n",
    )
    .unwrap();
    let channels: Vec<Channels> = corpus.clips.iter().map(|c| c.channels).collect();
    let expected = [Channels::One(0), Channels::One(1), Channels::Loudest];
    assert_eq!(channels, expected);
    assert_eq!(corpus.clips[2].track, Some(1));
}

#[test]
fn names_in_several_spellings_are_one_name_and_that_is_told() {
    let corpus = read_text(
        "path,label,speaker,split\n\
         a.wav,Joy,m1,train\nb.wav,joy,M1,train\ndeep/c.wav,anger,02,test\n",
    )
    .unwrap();
    assert_eq!(corpus.card.label_names(), ["anger", "joy"]);
    assert_eq!(corpus.speakers(), ["02", "m1"]);
    assert_eq!(
        corpus.notes,
        ["label joy, also written Joy", "speaker m1, also written M1"]
    );
    // A speaker in two spellings would otherwise be trained on and tested.
    let error = read_text("path,label,speaker,split\na.wav,joy,m1,train\nb.wav,anger,M1,test\n");
    let error = error.unwrap_err().to_string();
    assert!(error.contains("is in another part"), "{error}");
}

#[test]
fn audformats_segmented_tables_are_manifests() {
    let corpus = read_text(
        "file,start,end,emotion,speaker\n\
         a.wav,0 days,0 days 00:00:00.900000,joy,ann\nb.wav,0 days 00:00:00,NaT,anger,bob\n",
    )
    .unwrap();
    let end = |end| Some(Segment { start: 0.0, end });
    let segments: Vec<_> = corpus.clips.iter().map(|clip| clip.segment).collect();
    assert_eq!(segments, [end(Some(0.9)), None]);
    assert!(
        corpus.notes[0].contains("file as the path"),
        "{:?}",
        corpus.notes
    );
}
