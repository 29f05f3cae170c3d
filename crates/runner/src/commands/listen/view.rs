//! What `listen` shows: bars, lines or JSON.

use std::io::{self, Write};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use live::{Event, Update, Utterance, Verdict, message};

use super::Format;
use crate::output::clock;

/// Steps of a bar.
const STEPS: u64 = 200;

/// Shows events.
pub struct View {
    labels: Vec<String>,
    kind: Kind,
}

enum Kind {
    Bars(Bars),
    Lines { last: Option<String> },
    Jsonl,
}

/// Bars on a terminal: the state on top, then a bar a label, then the level.
struct Bars {
    all: MultiProgress,
    head: ProgressBar,
    labels: Vec<ProgressBar>,
    level: ProgressBar,
    foot: ProgressBar,
}

impl View {
    /// A view of a session with these labels on this source.
    pub fn new(format: Format, labels: &[String], source: &str) -> Self {
        Self {
            labels: labels.to_vec(),
            kind: match format {
                Format::Bars => Kind::Bars(Bars::new(labels, source)),
                Format::Lines => Kind::Lines { last: None },
                Format::Jsonl => Kind::Jsonl,
            },
        }
    }

    /// Shows an event.
    ///
    /// # Errors
    ///
    /// Where standard output is closed.
    pub fn show(&mut self, event: &Event) -> io::Result<()> {
        let labels = &self.labels;
        match (&mut self.kind, event) {
            (Kind::Jsonl, event) => line(&message(event, labels).to_string()),
            (Kind::Bars(bars), Event::Update(update)) => {
                bars.show(update, labels);
                Ok(())
            }
            (Kind::Bars(bars), Event::End(utterance)) => {
                bars.foot.set_message(ended(utterance));
                Ok(())
            }
            (Kind::Lines { last }, Event::Update(update)) => {
                let now = state(update, labels);
                // The numbers move all the time; what they mean does not.
                let key = format!("{:?} {:?}", update.label, update.verdict);
                if last.as_ref() == Some(&key) {
                    return Ok(());
                }
                *last = Some(key);
                line(&format!("{}  {now}", clock(update.audio_end)))
            }
            (Kind::Lines { .. }, Event::End(utterance)) => line(&ended(utterance)),
            _ => Ok(()),
        }
    }

    /// Says something beside the events.
    pub fn note(&self, text: &str) {
        match &self.kind {
            Kind::Bars(bars) => bars.foot.set_message(text.to_owned()),
            _ => eprintln!("note: {text}"),
        }
    }

    /// Leaves the terminal as it should be.
    pub fn end(&self) {
        if let Kind::Bars(bars) = &self.kind {
            for bar in bars.labels.iter().chain([&bars.level]) {
                bar.finish_and_clear();
            }
            bars.head.finish_and_clear();
            bars.foot.abandon();
            // The last line stays: the verdict on the last utterance.
            bars.all.set_draw_target(ProgressDrawTarget::hidden());
        }
    }
}

impl Bars {
    fn new(labels: &[String], source: &str) -> Self {
        let all = MultiProgress::with_draw_target(ProgressDrawTarget::stdout_with_hz(20));
        let style = |template: &str| {
            ProgressStyle::with_template(template)
                .unwrap_or_else(|_| ProgressStyle::default_bar())
                .progress_chars("█▉▊▋▌▍▎▏ ")
        };
        let text = || {
            let bar = all.add(ProgressBar::new(1));
            bar.set_style(style("{msg}"));
            bar
        };
        let head = text();
        head.set_message(format!("listening to {source}"));
        let bar = |name: &str, colour: &str| {
            let bar = all.add(ProgressBar::new(STEPS));
            bar.set_style(style(&format!(
                "  {{prefix:<12}} {{bar:40.{colour}}} {{msg}}"
            )));
            bar.set_prefix(name.to_owned());
            bar
        };
        let labels = labels
            .iter()
            .map(|label| bar(label, colour(label)))
            .collect();
        let level = bar("level", "white");
        let foot = text();
        Bars {
            head,
            labels,
            level,
            foot,
            all,
        }
    }

    fn show(&self, update: &Update, labels: &[String]) {
        let head = format!("{}  {}", clock(update.audio_end), state(update, labels));
        self.head.set_message(head);
        for (bar, p) in self.labels.iter().zip(&update.smooth) {
            bar.set_position((f64::from(*p) * STEPS as f64) as u64);
            bar.set_message(format!("{:3.0} %", 100.0 * p));
        }
        // From -60 dB to full scale.
        let level = (1.0 + update.level_db / 60.0).clamp(0.0, 1.0);
        self.level.set_position((level * STEPS as f64) as u64);
        let pitch = update.pitch_hz.map(|hertz| format!(", {hertz:.0} Hz"));
        let level = format!("{:.0} dB{}", update.level_db, pitch.unwrap_or_default());
        self.level.set_message(level);
    }
}

/// What an update means, in words.
fn state(update: &Update, labels: &[String]) -> String {
    let best = update.smooth.iter().zip(labels);
    let best = best.max_by(|a, b| a.0.total_cmp(b.0));
    let name = |label: usize| labels.get(label).map_or("", String::as_str);
    let share = |label: usize| 100.0 * update.smooth.get(label).copied().unwrap_or(0.0);
    let mut text = match (update.verdict, update.label) {
        (Verdict::NoSpeech, _) => "no speech".to_owned(),
        (Verdict::TooLittle, _) => "listening".to_owned(),
        (Verdict::Unfamiliar, None) => "unlike the training data".to_owned(),
        (Verdict::Unfamiliar, Some(label)) => format!(
            "{} ({:.0} %), but unlike the training data",
            name(label),
            share(label)
        ),
        (_, Some(label)) => format!("{} ({:.0} %)", name(label), share(label)),
        (_, None) => match best {
            Some((p, label)) => format!("unsure (at most {label}, {:.0} %)", 100.0 * p),
            None => "unsure".to_owned(),
        },
    };
    if update.lag >= 0.5 {
        text += &format!(", {:.1} s behind", update.lag);
    }
    text
}

/// An utterance in a line.
fn ended(utterance: &Utterance) -> String {
    let what = match (&utterance.answer, &utterance.label) {
        (Some(answer), Some(_)) => answer.verdict().to_string(),
        (Some(_), None) => "no label, unlike the training data".to_owned(),
        (None, _) => "too short".to_owned(),
    };
    let other = match utterance.new_voice {
        true => ", another voice",
        false => "",
    };
    let (start, end) = (clock(utterance.start), clock(utterance.end));
    format!("{start} to {end}  utterance: {what}{other}")
}

/// A colour that terminals have.
fn colour(label: &str) -> &'static str {
    match label.to_lowercase().as_str() {
        "happy" | "happiness" | "joy" => "yellow",
        "calm" => "cyan",
        "sad" | "sadness" => "blue",
        "angry" | "anger" => "red",
        "fearful" | "fear" | "anxiety" => "magenta",
        "disgust" => "green",
        "surprised" | "surprise" => "bright.magenta",
        _ => "white",
    }
}

/// Writes a line at once: somebody waits for it.
fn line(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{text}")?;
    out.flush()
}
