//! Opus and MP3 files, written by FFmpeg.
//!
//! This program reads these kinds of file and does not write them. To measure what
//! they cost, `--sturdy` lets FFmpeg write them, where it is installed.

use std::io::Write;
use std::process::{Command, Stdio};

use training::sturdy::{Codec, Encode};

/// FFmpeg, run once for each recording.
pub struct Ffmpeg;

impl Ffmpeg {
    /// Whether it is installed; the error says what to do.
    ///
    /// # Errors
    ///
    /// Where it cannot be started.
    pub fn find() -> Result<Self, String> {
        let mut command = Command::new("ffmpeg");
        let version = command
            .arg("-version")
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        match version.status() {
            Ok(status) if status.success() => Ok(Self),
            _ => Err(
                "ffmpeg is not installed (https://ffmpeg.org), and nothing else here writes \
                      this kind of file"
                    .into(),
            ),
        }
    }
}

impl Encode for Ffmpeg {
    fn encode(&self, wav: &[u8], codec: Codec) -> Result<Vec<u8>, String> {
        let settings: &[&str] = match codec {
            Codec::Opus => &["-c:a", "libopus", "-b:a", "16k", "-f", "ogg"],
            Codec::Mp3 => &["-c:a", "libmp3lame", "-b:a", "32k", "-f", "mp3"],
            other => return Err(format!("no settings for {other:?}")),
        };
        let failed = |error: std::io::Error| format!("ffmpeg: {error}");
        let mut process = Command::new("ffmpeg")
            .args(["-v", "error", "-f", "wav", "-i", "pipe:0"])
            .args(settings)
            .arg("pipe:1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(failed)?;
        let input = process.stdin.take();
        // Written beside, since FFmpeg writes before it has read everything.
        let written = std::thread::scope(|scope| {
            let writing = scope.spawn(|| match input {
                Some(mut input) => input.write_all(wav),
                None => Ok(()),
            });
            let output = process.wait_with_output();
            let _ = writing.join();
            output
        });
        let output = written.map_err(failed)?;
        match output.status.success() {
            true => Ok(output.stdout),
            false => Err(format!(
                "ffmpeg: {}",
                String::from_utf8_lossy(&output.stderr).trim()
            )),
        }
    }
}
