use super::*;
use crate::testing::tree;
use crate::{AUTO, Corpus, CorpusCard, Sources};

/// The paths as seen from `root`.
fn names(root: &Path, paths: &[PathBuf]) -> Vec<String> {
    (paths.iter())
        .map(|path| below(root, path).to_str().unwrap().to_owned())
        .collect()
}

#[test]
fn sound_files_of_every_kind_are_found_in_the_order_of_their_names() {
    let files: Vec<String> = (EXTENSIONS.iter())
        .map(|extension| format!("kinds/x.{extension}"))
        .collect();
    let mut all: Vec<&str> = files.iter().map(String::as_str).collect();
    all.extend(["c.WAV", "a.Flac", "b/x.mp3", "notes.txt", "b/video.avi"]);
    let dir = tree(&all);
    let found = walk(dir.path()).unwrap();
    let mut expected: Vec<&str> = all[..all.len() - 2].to_vec();
    expected.sort_unstable();
    assert_eq!(names(dir.path(), &found.sounds), expected);
    assert_eq!(
        names(dir.path(), &found.others),
        ["b/video.avi", "notes.txt"]
    );
    assert_eq!(found.unreadable, []);
}

#[test]
fn lossless_kinds_are_sound_files() {
    assert!(LOSSLESS.iter().all(|kind| EXTENSIONS.contains(kind)));
}

#[test]
fn hidden_files_and_folders_and_those_of_macos_are_passed_over() {
    let dir = tree(&[
        "a.wav",
        "._a.wav",
        ".b.wav",
        ".trash/a.wav",
        "deep/.cache/more/a.wav",
        "__MACOSX/._a.wav",
        "__MACOSX/a.wav",
    ]);
    let found = walk(dir.path()).unwrap();
    assert_eq!(names(dir.path(), &found.sounds), ["a.wav"]);
    assert!(found.others.is_empty() && found.unreadable.is_empty());
    let hidden = walk(&dir.path().join(".trash")).unwrap();
    assert_eq!(hidden.sounds.len(), 1, "the folder asked for may be hidden");
}

#[cfg(unix)]
#[test]
fn links_are_followed_and_loops_and_broken_links_are_reported() {
    let dir = tree(&["real/a.wav", "tree/deep/b.wav"]);
    let root = dir.path().join("tree");
    let link = |to: &Path, name: &str| {
        std::os::unix::fs::symlink(to, root.join(name)).unwrap();
    };
    link(&dir.path().join("real"), "folder");
    link(&dir.path().join("real/a.wav"), "file.wav");
    link(&root, "deep/round");
    link(Path::new("nowhere"), "broken.wav");
    // As editors make them to lock a file.
    link(Path::new("nowhere"), ".#lock");
    let found = walk(&root).unwrap();
    assert_eq!(
        names(&root, &found.sounds),
        ["deep/b.wav", "file.wav", "folder/a.wav"]
    );
    let reported: Vec<(&Path, &str)> = (found.unreadable.iter())
        .map(|skipped| (below(&root, &skipped.path), &*skipped.reason))
        .collect();
    let [(broken, cannot), (round, back)] = reported[..] else {
        panic!("{reported:?}")
    };
    assert_eq!(broken, Path::new("broken.wav"));
    assert!(cannot.starts_with("cannot be read: "), "{cannot}");
    assert_eq!(round, Path::new("deep/round"));
    assert_eq!(back, "a link that leads back to a folder above it");
}

#[test]
fn a_path_named_directly_is_taken_whatever_its_name() {
    let dir = tree(&["a.dat", ".hidden.wav", "folder/b.ogg", "empty/notes.txt"]);
    for name in ["a.dat", ".hidden.wav", "nowhere.wav"] {
        let path = dir.path().join(name);
        assert_eq!(recordings(&path).unwrap().sounds, [path]);
    }
    let folder = recordings(&dir.path().join("folder")).unwrap();
    assert_eq!(names(dir.path(), &folder.sounds), ["folder/b.ogg"]);
    let error = recordings(&dir.path().join("empty")).unwrap_err();
    let error = error.to_string();
    assert!(error.contains("empty: there is no sound file in it (.wav, .wave, .bwf"));
    assert!(error.ends_with("\n  notes.txt"), "{error}");
}

#[test]
fn a_folder_that_cannot_be_walked_is_named() {
    let dir = tree(&["speech.zip", "a.wav"]);
    let error_of = |path: &Path| walk(path).unwrap_err().to_string();
    let missing = error_of(Path::new("no/such"));
    assert_eq!(missing, "no/such: there is no such folder");
    assert!(error_of(&dir.path().join("speech.zip")).contains("unpack it"));
    assert!(error_of(&dir.path().join("a.wav")).contains("a file, not a folder"));
}

#[test]
fn a_tree_of_mp3_files_is_read_by_folders_and_by_card() {
    let dir = tree(&[
        "sorted/joy/ann_1.mp3",
        "sorted/anger/bob_1.MP3",
        "Actor_01/03-01-01-01-01-01-01.mp3",
        "Actor_02/03-01-03-01-01-01-02.mp3",
    ]);
    let sorted = Sources::new(&[dir.path().join("sorted")], AUTO).unwrap();
    let sorted = sorted.open().unwrap();
    assert_eq!(sorted.read_as(), "folders");
    assert_eq!(sorted.clips.len(), 2);

    let actor = dir.path().join("Actor_01");
    let by_card = Corpus::scan(&actor, CorpusCard::ravdess()).unwrap();
    assert_eq!(by_card.speakers(), ["1"]);
    let found = Sources::new(&[actor], AUTO).unwrap().open().unwrap();
    assert_eq!(found.read_as(), "ravdess");
}
