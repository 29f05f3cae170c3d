//! From a recording to an emotion at every 20 ms: the bridge to the product.
//!
//! ```sh
//! cargo run -p runner -- synth voices
//! cargo run -p model --example emotion_sequence -- voices
//! cargo run -p model --example emotion_sequence -- ravdess --recording ravdess/Actor_16/03-01-05-02-01-01-16.wav
//! ```
//!
//! Trains a small LSTM within seconds on a few speakers of a folder whose files
//! are named as in RAVDESS, says how well it does on speakers that it never
//! heard, and then listens to a recording of one of them: MFCCs, pitch,
//! intensity and speaking rate go in row by row, the state is carried from row
//! to row, and the probability of every emotion so far comes out.
//!
//! The network hears no row before its time. Pitch and syllables are found in
//! the whole recording beforehand; what finds them in live sound is in the
//! `audio` crate. `runner train` makes the real model, with more data, more
//! care, and a network that listens in both directions.

use std::path::{Path, PathBuf};

use burn::tensor::activation::{log_softmax, softmax};
use burn::tensor::{Device, Tensor};
use clap::Parser;
use rand::SeedableRng;
use rand::seq::{IndexedRandom, SliceRandom};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;
use recurrent::{CellKind, Dropout, RecurrentConfig, Stateful};

use tutorial::picture::{
    BLACK, BLUE, GREEN, GREY, PURPLE, Panel, SKY, Series, Style, VERMILION, YELLOW, below,
};
use tutorial::voices::{COLUMNS, Clip, EMOTIONS, Heard, Listener, RATE};
use tutorial::{Arguments, Network, Outcome, Training, tensor, values};

mod tutorial;

const HIDDEN: usize = 48;
const EPOCHS: usize = 15;
const BATCH: usize = 16;
const LEARNING_RATE: f64 = 0.005;

#[derive(Parser)]
struct All {
    /// A folder of recordings named as in RAVDESS; `runner synth` makes one.
    corpus: PathBuf,
    /// The recording to listen to; its speaker is not trained on. Without it,
    /// one of a held-out speaker, drawn by the seed.
    #[arg(long, value_name = "FILE")]
    recording: Option<PathBuf>,
    /// At most so many speakers are heard, a quarter of them held out.
    #[arg(long, default_value_t = 12)]
    speakers: usize,
    #[command(flatten)]
    shared: Arguments,
}

/// What to train on, and what to listen to.
pub struct Task<'a> {
    /// A folder of recordings.
    pub corpus: &'a Path,
    /// The recording to listen to.
    pub recording: Option<&'a Path>,
    /// Speakers at most.
    pub speakers: usize,
}

/// What came out.
pub struct Found {
    /// Share of the held-out clips whose emotion is right at their end.
    pub accuracy: f64,
    /// Rows of the recording that was listened to.
    pub rows: usize,
    /// Probabilities after each of them.
    pub probabilities: Vec<[f32; EMOTIONS.len()]>,
    /// The largest difference between these and those of chunks with a carried state.
    pub chunks_differ_by: f32,
}

fn main() -> Outcome<()> {
    let arguments = All::parse();
    let shared = &arguments.shared;
    std::fs::create_dir_all(&shared.out)?;
    let task = Task {
        corpus: &arguments.corpus,
        recording: arguments.recording.as_deref(),
        speakers: arguments.speakers,
    };
    run(&shared.backend.device()?, shared.seed, &shared.out, &task)?;
    Ok(())
}

/// Trains, listens, prints and draws.
pub fn run(device: &Device, seed: u64, out: &Path, task: &Task<'_>) -> Outcome<Found> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let (training, held_out) = split(task, &mut random)?;
    let shown = match task.recording {
        Some(path) => path,
        None => {
            &held_out
                .choose(&mut random)
                .ok_or("no clip is held out")?
                .path
        }
    };

    let listener = Listener::new()?;
    let hear = |clips: &[Clip]| -> Outcome<Vec<(Heard, usize)>> {
        clips
            .par_iter()
            .map(|clip| match listener.hear(&clip.path) {
                Ok(heard) => Ok((heard, clip.emotion)),
                Err(error) => Err(error.to_string()),
            })
            .collect::<Result<_, String>>()
            .map_err(Into::into)
    };
    let (training, held_out) = (hear(&training)?, hear(&held_out)?);
    let scale = Scale::of(&training);
    let network = train(&training, &scale, seed, device)?;

    let seen = accuracy(&network, &training, &scale, device)?;
    let found = accuracy(&network, &held_out, &scale, device)?;
    println!(
        "right at the end of the clip: {:.0} % of the clips trained on,",
        100.0 * seen
    );
    println!(
        "{:.0} % of those of speakers never heard (guessing: {:.0} %)\n",
        100.0 * found,
        100.0 / EMOTIONS.len() as f64
    );

    let heard = listener.hear(shown)?;
    let rows = scale.apply(&heard);
    let probabilities = listen(&network, &rows)?;
    let chunks = listen_in_chunks(&network, &rows, device)?;
    let differences = probabilities.iter().flatten().zip(&chunks);
    let off = differences.map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    print_answer(shown, &heard, &probabilities);
    println!("row by row and in chunks of 25 rows differ by at most {off:.1e}");
    draw(
        &out.join("emotion_sequence.svg"),
        shown,
        &heard,
        &probabilities,
    )?;
    Ok(Found {
        accuracy: found,
        rows: heard.times.len(),
        probabilities,
        chunks_differ_by: off,
    })
}

/// Clips to train on and clips of other speakers; the speaker of the recording
/// that is asked for is among the latter.
fn split(task: &Task<'_>, random: &mut ChaCha8Rng) -> Outcome<(Vec<Clip>, Vec<Clip>)> {
    let clips = Clip::below(task.corpus)?;
    let mut speakers: Vec<u32> = clips.iter().map(|clip| clip.speaker).collect();
    speakers.sort_unstable();
    speakers.dedup();
    speakers.shuffle(random);
    if let Some(asked) = task.recording.and_then(Clip::named) {
        speakers.sort_by_key(|&speaker| speaker != asked.speaker);
    }
    speakers.truncate(task.speakers);
    if speakers.len() < 2 {
        return Err(format!(
            "{}: recordings of at least two speakers are needed, named as in RAVDESS, such as \
             03-01-05-02-01-01-16.wav for emotion 05 of actor 16; `runner synth FOLDER` makes some",
            task.corpus.display()
        )
        .into());
    }
    let apart = speakers.len().div_ceil(4);
    let of = |speakers: &[u32]| -> Vec<Clip> {
        let theirs = |clip: &&Clip| speakers.contains(&clip.speaker);
        clips.iter().filter(theirs).cloned().collect()
    };
    let (held_out, training) = (of(&speakers[..apart]), of(&speakers[apart..]));
    println!(
        "{} clips of {} speakers to train on, {} clips of {apart} others held out",
        training.len(),
        speakers.len() - apart,
        held_out.len()
    );
    Ok((training, held_out))
}

/// Brings every column to mean 0 and deviation 1 over the training's rows.
struct Scale {
    mean: [f32; COLUMNS],
    deviation: [f32; COLUMNS],
}

impl Scale {
    fn of(clips: &[(Heard, usize)]) -> Self {
        let mean_of = |value: &dyn Fn(f32) -> f64, column: usize| {
            let of_clips = clips
                .iter()
                .flat_map(|(heard, _)| heard.rows.column(column));
            let (count, sum) = of_clips.fold((0.0, 0.0), |(n, sum), x| (n + 1.0, sum + value(x)));
            sum / f64::max(count, 1.0)
        };
        let mean = std::array::from_fn(|column| mean_of(&|x| x.into(), column));
        let deviation = std::array::from_fn(|column| {
            let square = |x: f32| (f64::from(x) - mean[column]).powi(2);
            mean_of(&square, column).sqrt().max(1e-3) as f32
        });
        Scale {
            mean: mean.map(|x| x as f32),
            deviation,
        }
    }

    fn apply(&self, heard: &Heard) -> Vec<f32> {
        let mut rows = heard.rows.data().to_vec();
        for row in rows.chunks_exact_mut(COLUMNS) {
            for (k, value) in row.iter_mut().enumerate() {
                *value = (*value - self.mean[k]) / self.deviation[k];
            }
        }
        rows
    }
}

/// Clips beside each other, padded to the longest: `[batch, time, COLUMNS]`,
/// and how many rows each has.
fn batch(clips: &[&(Heard, usize)], scale: &Scale, device: &Device) -> (Tensor<3>, Vec<usize>) {
    let lengths: Vec<usize> = clips.iter().map(|clip| clip.0.times.len()).collect();
    let time = lengths.iter().copied().max().unwrap_or(0);
    let mut data = Vec::with_capacity(clips.len() * time * COLUMNS);
    for (row, (heard, _)) in clips.iter().enumerate() {
        data.extend(scale.apply(heard));
        data.resize((row + 1) * time * COLUMNS, 0.0);
    }
    (tensor(&data, [clips.len(), time, COLUMNS], device), lengths)
}

fn logits(network: &Network, input: Tensor<3>, lengths: &[usize]) -> Tensor<3> {
    let recurrent = &network.recurrent;
    let hidden = recurrent.forward(input, lengths, &mut Dropout::inference());
    network.linear.forward_frames(hidden)
}

/// Every row of a clip is to say the clip's emotion, also those at which it
/// cannot be known yet: there the network learns to be unsure.
fn train(clips: &[(Heard, usize)], scale: &Scale, seed: u64, device: &Device) -> Outcome<Network> {
    let config = RecurrentConfig::new(CellKind::Lstm, COLUMNS, HIDDEN);
    let mut training = Training::new(&config, EMOTIONS.len(), LEARNING_RATE, seed, device);
    let autodiff = device.clone().autodiff();
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut order: Vec<&(Heard, usize)> = clips.iter().collect();
    for epoch in 1..=EPOCHS {
        // Long steps at first, short ones at the end.
        training.rate = LEARNING_RATE * (1.0 - (epoch - 1) as f64 / EPOCHS as f64);
        order.shuffle(&mut random);
        let mut sum = 0.0;
        for clips in order.chunks(BATCH) {
            let (input, lengths) = batch(clips, scale, &autodiff);
            let time = input.dims()[1];
            // Where a row says which emotion, 1; divided by the rows in all.
            let mut targets = vec![0.0; clips.len() * time * EMOTIONS.len()];
            let rows: usize = lengths.iter().sum();
            for (k, (clip, &length)) in clips.iter().zip(&lengths).enumerate() {
                for t in 0..length {
                    targets[(k * time + t) * EMOTIONS.len() + clip.1] = 1.0 / rows as f32;
                }
            }
            let targets = tensor(&targets, [clips.len(), time, EMOTIONS.len()], &autodiff);
            let logits = logits(&training.network, input, &lengths);
            let loss = (log_softmax(logits, 2) * targets).sum() * -1.0;
            sum += training.step(loss) * clips.len() as f64;
        }
        if epoch % 5 == 0 {
            println!(
                "epoch {epoch:2}   cross-entropy {:.3}",
                sum / clips.len() as f64
            );
        }
    }
    Ok(training.trained())
}

/// Share of the clips whose emotion is the likeliest one after their last row.
fn accuracy(
    network: &Network,
    clips: &[(Heard, usize)],
    scale: &Scale,
    device: &Device,
) -> Outcome<f64> {
    let mut right = 0;
    for clips in clips.chunks(BATCH) {
        let clips: Vec<_> = clips.iter().collect();
        let (input, lengths) = batch(&clips, scale, device);
        let time = input.dims()[1];
        let logits = values(logits(network, input, &lengths))?;
        for (k, (clip, length)) in clips.iter().zip(lengths).enumerate() {
            let last = (k * time + length - 1) * EMOTIONS.len();
            right += usize::from(highest(&logits[last..last + EMOTIONS.len()]) == clip.1);
        }
    }
    Ok(right as f64 / clips.len() as f64)
}

fn highest(row: &[f32]) -> usize {
    (0..row.len()).fold(0, |best, k| if row[k] > row[best] { k } else { best })
}

/// Row by row, without tensors, as live sound would be heard.
fn listen(network: &Network, rows: &[f32]) -> Outcome<Vec<[f32; EMOTIONS.len()]>> {
    let mut live = network.recurrent.live()?;
    let weight = values(network.linear.weight.val())?;
    let bias = values(network.linear.bias.val())?;
    let answer = |row: &[f32]| {
        let hidden = live.step(row);
        let logits: [f32; EMOTIONS.len()] = std::array::from_fn(|k| {
            let weight = &weight[k * HIDDEN..][..HIDDEN];
            bias[k] + weight.iter().zip(hidden).map(|(w, h)| w * h).sum::<f32>()
        });
        let exponentials = logits.map(|z| (z - logits[highest(&logits)]).exp());
        let sum: f32 = exponentials.iter().sum();
        exponentials.map(|e| e / sum)
    };
    Ok(rows.chunks_exact(COLUMNS).map(answer).collect())
}

/// The same half a second at a time, as tensors, with the state carried over.
fn listen_in_chunks(network: &Network, rows: &[f32], device: &Device) -> Outcome<Vec<f32>> {
    let mut state = Stateful::new();
    let mut probabilities = Vec::new();
    for chunk in rows.chunks(25 * COLUMNS) {
        let time = chunk.len() / COLUMNS;
        let input = tensor(chunk, [1, time, COLUMNS], device);
        let none = &mut Dropout::inference();
        let hidden = state.forward(&network.recurrent, input, &[time], none)?;
        let logits = network.linear.forward_frames(hidden);
        probabilities.extend(values(softmax(logits, 2))?);
    }
    Ok(probabilities)
}

fn acted(path: &Path) -> &'static str {
    Clip::named(path).map_or("unknown", |clip| EMOTIONS[clip.emotion])
}

fn print_answer(path: &Path, heard: &Heard, probabilities: &[[f32; EMOTIONS.len()]]) {
    println!("{} (acted: {})", path.display(), acted(path));
    println!("   s   pitch   dB   syllables/s   likeliest");
    for (k, row) in probabilities.iter().enumerate().step_by(25).skip(1) {
        let best = highest(row);
        let pitch = heard.pitch[k].map_or("-".into(), |hertz| format!("{hertz:.0}"));
        println!(
            "{:4.1} {pitch:>7} {:4.0} {:13.1}   {} ({:.0} %)",
            heard.times[k],
            heard.intensity[k],
            heard.rate[k],
            EMOTIONS[best],
            100.0 * row[best]
        );
    }
}

fn draw(
    file: &Path,
    recording: &Path,
    heard: &Heard,
    probabilities: &[[f32; EMOTIONS.len()]],
) -> Outcome<()> {
    let duration = heard.samples.len() as f64 / f64::from(RATE);
    // The lowest and the highest sample of each of some 1600 stretches.
    let stretch = heard.samples.len().div_ceil(1600).max(1);
    let wave = heard
        .samples
        .chunks(stretch)
        .enumerate()
        .flat_map(|(k, samples)| {
            let at = (k * stretch) as f64 / f64::from(RATE);
            let low = samples.iter().copied().fold(f32::MAX, f32::min);
            let high = samples.iter().copied().fold(f32::MIN, f32::max);
            [(at, f64::from(low)), (at, f64::from(high))]
        });
    let over_time = |values: &[f64]| -> Vec<(f64, f64)> {
        let both = heard.times.iter().zip(values);
        both.map(|(&t, &y)| (t, y)).collect()
    };
    let pitch = heard.times.iter().zip(&heard.pitch);
    let pitch = pitch.filter_map(|(&t, &hertz)| Some((t, hertz?)));
    let colours = [GREY, SKY, YELLOW, BLUE, VERMILION, PURPLE, GREEN, BLACK];
    let emotions = EMOTIONS.iter().zip(colours).enumerate();
    let emotions = emotions.map(|(k, (name, colour))| {
        let points = heard.times.iter().zip(probabilities);
        let points = points.map(|(&t, row)| (t, f64::from(row[k])));
        Series::new(name, colour, Style::Line, points)
    });
    let name = recording.file_name().unwrap_or_default().to_string_lossy();
    let line = |colour, points: Vec<(f64, f64)>| Series::new("", colour, Style::Line, points);
    let panels = [
        Panel::new(
            &format!("{name}, acted: {}", acted(recording)),
            "",
            "samples",
            vec![line(BLUE, wave.collect())],
        )
        .height(150.0),
        Panel::new(
            "Pitch",
            "",
            "Hz",
            vec![Series::new("", VERMILION, Style::Dots, pitch)],
        )
        .height(140.0),
        Panel::new(
            "Intensity",
            "",
            "dB",
            vec![line(GREEN, over_time(&heard.intensity))],
        )
        .height(140.0),
        Panel::new(
            "Speaking rate",
            "",
            "syllables/s",
            vec![line(PURPLE, over_time(&heard.rate))],
        )
        .height(140.0),
        Panel::new(
            "Probability of each emotion so far",
            "seconds",
            "",
            emotions.collect(),
        )
        .between(0.0..1.0)
        .height(260.0),
    ]
    .map(|panel| panel.across(0.0..duration));
    below(file, 860.0, &panels)
}
