//! `affekt listen`: emotions while somebody speaks.

mod recorder;
mod view;

use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use clap::CommandFactory;
use clap::error::ErrorKind;
use live::{Event, Profile, Session, Taken};
use stage::Command;

use crate::cli::Cli;
use crate::decode_options::OneChannelOptions;
use crate::live_options::LiveOptions;
use crate::model_options::ModelOptions;
use crate::sound::{FileSound, Microphone, Raw, RawFormat, Sound};
use crate::stage_output::{CommandOptions, Stage, StageOptions};
use crate::terminal::interruption;
use recorder::Recorder;
use view::View;

/// `affekt listen`.
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Examples:
  affekt listen                                          the microphone
  affekt listen --osc 127.0.0.1:7000                     and OSC for TouchDesigner
  affekt listen talk.mp3 --pace                          a file, as fast as it was spoken
  affekt listen --format jsonl | your-program            JSON lines for programs
  arecord -t raw -f S16_LE -r 16000 | affekt listen - --raw s16le --rate 16000
  ffmpeg -i rtsp://camera -f wav - | affekt listen -     a header is recognised

Somebody has to speak for a second before there is an answer; it is about the last three
seconds of speech. The model learns the voice as it listens: after ten seconds of speech
the answers are adapted to it. Nothing of the sound is kept unless --record asks for it.

Ctrl-C ends it, with the verdict on the last utterance. docs/live.md says what the
numbers mean, docs/stage.md how to connect TouchDesigner, Max, VRChat and lamps.")]
pub struct Args {
    /// A file, or - for standard input [default: the microphone]
    #[arg(value_name = "FILE|-")]
    pub from: Option<PathBuf>,
    /// Which microphone: its name or a part of it, as `affekt devices` lists them [default: the system's]
    #[arg(long, value_name = "NAME", conflicts_with = "from")]
    pub input: Option<String>,
    /// Standard input has no header: how its samples are stored
    #[arg(long, value_enum, value_name = "FORMAT")]
    pub raw: Option<RawFormat>,
    /// Samples per second of --raw
    #[arg(long, value_name = "HZ", default_value_t = 16_000, requires = "raw")]
    pub rate: u32,
    /// Channels of --raw, interleaved
    #[arg(long, value_name = "N", default_value_t = 1, requires = "raw")]
    pub channels: u16,
    /// Hear a file as fast as it was spoken
    #[arg(long, requires = "from")]
    pub pace: bool,
    /// Which model, and where it computes.
    #[command(flatten)]
    pub model: ModelOptions,
    /// Which part of a file to read.
    #[command(flatten)]
    pub part: OneChannelOptions,
    /// How to listen.
    #[command(flatten)]
    pub live: LiveOptions,
    /// bars that move; lines, one for each change; jsonl, one JSON object for each update [default: bars on a terminal, else lines]
    #[arg(long, value_enum)]
    pub format: Option<Format>,
    /// Keep the sound in this WAV file
    #[arg(long, value_name = "FILE.wav")]
    pub record: Option<PathBuf>,
    /// Where emotions go beside the terminal.
    #[command(flatten)]
    pub stage: StageOptions,
    /// What the stage may say back.
    #[command(flatten)]
    pub commands: CommandOptions,
}

/// How `listen` shows what it hears.
#[derive(clap::ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Bars that move, on a terminal.
    Bars,
    /// A line for each change of the label and each utterance.
    Lines,
    /// A JSON object for each event.
    Jsonl,
}

/// How long a look at Ctrl-C and at commands waits for sound.
const PATIENCE: Duration = Duration::from_millis(100);

/// Listens until the sound ends or Ctrl-C.
pub fn run(args: &Args) -> Result<ExitCode> {
    let is_standard_input = args.from.as_deref() == Some(Path::new("-"));
    if args.raw.is_some() && !is_standard_input {
        let mut command = Cli::command();
        let what = "--raw is for standard input: affekt listen - --raw s16le";
        command.error(ErrorKind::ArgumentConflict, what).exit();
    }
    let interrupted = interruption()?;
    let recognizer = args.model.recognizer()?.build()?;
    let labels = recognizer.description().labels.clone();
    let mut stage = args.stage.start(&labels)?;
    args.commands.start(&mut stage, &args.stage.osc_prefix)?;
    let sound = match &args.from {
        None => Sound::Microphone(Microphone {
            name: args.input.clone(),
        }),
        Some(path) => Sound::File(FileSound {
            path: (!is_standard_input).then(|| path.clone()),
            raw: args.raw.map(|format| Raw {
                format,
                rate: args.rate,
                channels: args.channels,
            }),
            pace: args.pace,
        }),
    };
    let running = sound.start(args.part.settings())?;
    let mut session = args.live.session(&recognizer, running.sample_rate)?;
    let format = args
        .format
        .unwrap_or(match std::io::stdout().is_terminal() {
            true => Format::Bars,
            false => Format::Lines,
        });
    let mut view = View::new(format, &labels, &running.name);
    let mut recorder = match &args.record {
        Some(path) => Some(Recorder::new(path, running.sample_rate)?),
        None => None,
    };
    let mut failure = None;
    while !interrupted() {
        for command in stage.commands() {
            match obey(command, &mut session, &stage) {
                Ok(done) => view.note(&done),
                Err(error) => view.note(&format!("{error:#}")),
            }
        }
        let mut shown = Ok(());
        let mut each = |event: Event| {
            stage.show(&event);
            if shown.is_ok() {
                shown = view.show(&event);
            }
        };
        match running.queue.take(PATIENCE) {
            Taken::Samples { samples, waiting } => {
                if let Some(recorder) = &mut recorder {
                    recorder.write(&samples)?;
                }
                session.set_waiting(waiting);
                session.push(&samples, &mut each)?;
            }
            Taken::Gap(seconds) => {
                session.skip(seconds, &mut each)?;
                view.note(&format!("{seconds:.2} s of sound are missing here"));
            }
            Taken::Nothing | Taken::Mark(_) => {}
            Taken::End(why) => {
                failure = why;
                break;
            }
        }
        shown?;
    }
    running.queue.close();
    let mut shown = Ok(());
    session.finish(|event| {
        if shown.is_ok() {
            shown = view.show(&event);
        }
    })?;
    view.end();
    stage.end();
    shown?;
    if let Some(recorder) = recorder {
        recorder.finish()?;
    }
    args.live.save(&session)?;
    if session.seconds() == 0.0 && failure.is_none() {
        eprintln!("note: {}: there was no sound", running.name);
    }
    match failure {
        Some(why) => bail!("{why}"),
        None => Ok(ExitCode::SUCCESS),
    }
}

/// Does what the stage asks for; says what was done.
fn obey(command: Command, session: &mut Session, stage: &Stage) -> Result<String> {
    Ok(match command {
        Command::Reset => {
            session.reset();
            "the voice is forgotten".into()
        }
        Command::Speaker(name) => {
            let path = stage.profile_of(&name)?;
            let what = || format!("cannot read {}", path.display());
            let text = std::fs::read_to_string(&path).with_context(what)?;
            session.set_profile(Profile::from_json(&text).with_context(what)?)?;
            format!("listening to {name}")
        }
        Command::Threshold(enter) => {
            session.set_threshold(enter)?;
            format!("labels from {:.0} % on", 100.0 * enter)
        }
        _ => bail!("this command is not known"),
    })
}
