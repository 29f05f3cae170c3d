//! Real recordings, where `RAVDESS_DIR` names their folder.

use crate::harness::{corpus_from, run};

#[test]
fn a_short_training_on_real_voices_beats_guessing() {
    let Some(ravdess) = corpus_from("RAVDESS_DIR") else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let arguments = [
        "train",
        ravdess.to_str().unwrap(),
        "--out",
        "run",
        "--epochs",
        "8",
        "--test-speakers",
        "2,5,14,15,16",
        "--backend",
        "flex",
    ];
    let outcome = run(folder.path(), &arguments).ok();
    // Guessing gives 0.125; a full training about four times that.
    assert!(outcome.uar() > 0.3, "{}", outcome.last_line());
    let recording = ravdess.join("Actor_16/03-01-05-02-01-01-16.wav");
    let classify = ["classify", recording.to_str().unwrap(), "--model", "run"];
    assert!(run(folder.path(), &classify).ok().stdout.contains("angry"));
}
