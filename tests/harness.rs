//! Starts the built `affekt` and catches what it says.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// The `affekt` binary that cargo built for these tests.
pub fn program() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_affekt"))
}

/// What a `affekt` command came to.
#[derive(Debug)]
pub struct Outcome {
    /// Exit code.
    pub code: i32,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

impl Outcome {
    /// The outcome itself, where the command succeeded.
    ///
    /// # Panics
    ///
    /// With all that the command said, where it did not.
    pub fn ok(self) -> Self {
        assert_eq!(
            self.code, 0,
            "stdout:\n{}\nstderr:\n{}",
            self.stdout, self.stderr
        );
        self
    }

    /// Its last line on standard output.
    pub fn last_line(&self) -> &str {
        self.stdout.trim_end().lines().last().unwrap_or("")
    }

    /// The figure behind the word UAR in the last line.
    pub fn uar(&self) -> f64 {
        let mut words = self.last_line().split_whitespace();
        words
            .find(|word| *word == "UAR")
            .expect("the last line holds the word UAR");
        words
            .next()
            .and_then(|word| word.parse().ok())
            .expect("a figure follows the word UAR")
    }
}

/// The program in `folder`, with a feature store of its own there.
pub fn command(folder: &Path) -> Command {
    let mut command = Command::new(program());
    command
        .current_dir(folder)
        .env("AFFEKT_CACHE_DIR", folder.join("feature-store"));
    command
}

/// Runs `affekt ARGUMENTS` in `folder`.
pub fn run(folder: &Path, arguments: &[&str]) -> Outcome {
    run_with_input(folder, arguments, &[])
}

/// Runs `affekt ARGUMENTS` in `folder` with `input` on standard input.
pub fn run_with_input(folder: &Path, arguments: &[&str], input: &[u8]) -> Outcome {
    use std::io::Write;
    let mut child = command(folder)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let mut stdin = child.stdin.take().expect("standard input is a pipe");
    // The command may end without reading all of it.
    let _ = stdin.write_all(input);
    drop(stdin);
    outcome(child.wait_with_output().expect("the program ends"))
}

fn outcome(output: Output) -> Outcome {
    Outcome {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// A folder of real recordings named by an environment variable; where it is
/// unset, says that the test skips.
pub fn corpus_from(variable: &str) -> Option<PathBuf> {
    let folder = std::env::var_os(variable).map(PathBuf::from);
    if folder.is_none() {
        eprintln!("skipped: {variable} is not set");
    }
    folder
}
