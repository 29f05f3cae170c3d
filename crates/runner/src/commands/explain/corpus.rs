//! A model on a corpus explained: which features it needs.

use std::fmt::Write;
use std::process::ExitCode;

use anyhow::{Result, bail};
use audio::Features;
use corpus::{Clip, Corpus, Excerpt};
use model::Recognizer;
use model::explain::{ExplainSettings, feature_groups};
use report::explain_page::{ExplainPage, ExplainRow, explain_page};
use report::text::bar;
use training::{Exposure, Permutation, corpus_for, permutation, with_path};

use super::recording::svg_of;
use super::{Args, Format};
use crate::corpus_options;
use crate::output::{count, ensure_some};
use crate::terminal::{self, Terminal};
use crate::test_clips::TestClips;

/// Characters of a bar.
const WIDTH: usize = 24;

pub(super) fn run(args: &Args) -> Result<ExitCode> {
    let format = args.format()?;
    if format == Format::Svg {
        bail!(
            "{}: of a folder choose text, json or html; a picture is of one recording",
            args.input.display()
        );
    }
    let recognizer = args.model.recognizer()?.build()?;
    let description = recognizer.description();
    let settings = args.settings(&description.labels)?;
    let inputs = [args.input.clone()];
    let default = corpus_for(&description.provenance, 1);
    let sources = args.corpus.sources(&inputs, default)?;
    let corpus = sources.open_for(&description.labels)?;
    corpus_options::describe(&corpus);
    let terminal = Terminal::new()?;
    let test = TestClips::read(&corpus, description, args.speakers.as_deref(), &terminal)?;
    let readable = test.pairs();
    ensure_some(readable.len(), "none of the recordings could be read")?;
    let labelled: Vec<(&Features, usize)> = readable.iter().map(|(c, f)| (*f, c.label)).collect();
    let groups = feature_groups(&description.features).len();
    let bar = terminal::bar("permutations", (groups * args.repeats) as u64);
    let draws = (args.repeats, args.seed);
    let found = permutation(&recognizer, &labelled, draws, || bar.inc(1))?;
    bar.finish_and_clear();
    let about = about(&corpus, &test.clips(), &found, test.exposure);
    let text = match format {
        Format::Json => serde_json::to_string_pretty(&found)? + "\n",
        Format::Html => {
            let pictures = pictures(args, &recognizer, &corpus, &test.clips(), &settings)?;
            page(args, &corpus, about, &found, pictures)
        }
        _ => text_of(&about, &found)?,
    };
    args.write(&text)?;
    Ok(match test.report_failures() {
        true => ExitCode::FAILURE,
        false => ExitCode::SUCCESS,
    })
}

fn about(corpus: &Corpus, clips: &[&Clip], found: &Permutation, exposure: Exposure) -> String {
    let mut speakers: Vec<_> = clips.iter().map(|clip| &clip.speaker).collect();
    speakers.sort();
    speakers.dedup();
    let whom = match exposure {
        Exposure::Unseen => " that were not in the model's training",
        Exposure::Seen => "; SOME WERE IN THE MODEL'S TRAINING, so its UAR is too high",
        _ => "; some may have been in the model's training",
    };
    format!(
        "{}: {} of {}{whom}; each group permuted {}, seed {}",
        corpus.card.title,
        count(clips.len(), "clip"),
        count(speakers.len(), "speaker"),
        count(found.repeats, "time"),
        found.seed
    )
}

fn text_of(about: &str, found: &Permutation) -> Result<String> {
    let mut text = format!(
        "{about}\nUAR {:.3}, mean log-likelihood of the right label {:.3}\n\nWhat is lost when a \
         group of features is permuted between the clips:\n",
        found.uar, found.log_likelihood
    );
    writeln!(
        text,
        "  {:<14} {:>15}  {:>15}",
        "features", "UAR", "log-likelihood"
    )?;
    let most = (found.groups.iter())
        .map(|g| g.log_likelihood[0])
        .fold(1e-9, f64::max);
    for group in &found.groups {
        let ([uar, of_uar], [likelihood, deviation]) = (group.uar, group.log_likelihood);
        writeln!(
            text,
            "  {:<14} {uar:>7.3} ± {of_uar:.3}  {likelihood:>7.3} ± {deviation:.3}  {}",
            group.group.name(),
            bar(likelihood / most, WIDTH)
        )?;
    }
    text += "\nA group can look useless because another one says the same. It says what this model \
             uses, not what causes an emotion.\n";
    Ok(text)
}

/// Pictures of recordings, of different labels as far as possible, with their captions.
fn pictures(
    args: &Args,
    recognizer: &Recognizer,
    corpus: &Corpus,
    clips: &[&Clip],
    settings: &ExplainSettings,
) -> Result<Vec<(String, String)>> {
    let labels = &recognizer.description().labels;
    let mut pictures = Vec::new();
    for clip in chosen(clips, args.pictures) {
        let path = clip.path.strip_prefix(&corpus.root).unwrap_or(&clip.path);
        let settings = ExplainSettings {
            label: settings.label.or(Some(clip.label)),
            ..settings.clone()
        };
        let picture = || -> Result<String> {
            let recording = Excerpt::from(clip).open()?;
            let explained = recognizer.explain(&recording, &settings)?;
            let name = super::recording::name(&clip.path);
            svg_of(recognizer, &name, &recording, &explained, &settings)
        };
        match picture() {
            Ok(svg) => pictures.push((format!("{}: {}", path.display(), labels[clip.label]), svg)),
            Err(error) => eprintln!("note: {}", with_path(&clip.path, format!("{error:#}"))),
        }
    }
    Ok(pictures)
}

/// Clips spread over the corpus. From each place on, the next clip of a label that has none
/// yet; once all labels have one, the next clip.
fn chosen<'a>(clips: &[&'a Clip], count: usize) -> Vec<&'a Clip> {
    let count = count.min(clips.len());
    let mut chosen: Vec<&Clip> = Vec::with_capacity(count);
    for k in 0..count {
        let start = k * clips.len() / count;
        let from_there = clips[start..].iter().chain(&clips[..start]);
        let is_new = |clip: &&&Clip| chosen.iter().all(|other| other.label != clip.label);
        let found = from_there.clone().find(is_new);
        chosen.extend(found.or_else(|| from_there.clone().next()).copied());
    }
    chosen
}

fn page(
    args: &Args,
    corpus: &Corpus,
    about: String,
    found: &Permutation,
    recordings: Vec<(String, String)>,
) -> String {
    let row = |group: &training::Permuted| ExplainRow {
        group: group.group.name().into(),
        uar: group.uar,
        log_likelihood: group.log_likelihood,
    };
    let model = args.model.model.as_ref();
    let model = model.map_or(String::new(), |m| format!(" --model {}", m.display()));
    explain_page(&ExplainPage {
        title: format!("{}: which features decide", corpus.card.name),
        about,
        all: [found.uar, found.log_likelihood],
        rows: found.groups.iter().map(row).collect(),
        recordings,
        command: format!(
            "affekt explain {}{model}{} --repeats {} --seed {} --format html",
            args.input.display(),
            args.corpus.as_typed(),
            args.repeats,
            args.seed
        ),
    })
}
