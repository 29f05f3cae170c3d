//! What is gained by knowing a speaker: the same test, after some unlabelled
//! clips of the speaker were heard.
//!
//! For each number of clips, some of the speaker's own are drawn at random,
//! their statistics take the place of the training's, and the speaker's other
//! clips are tested. Last stand the statistics of all the speaker's clips, the
//! tested ones among them: the most there is to be gained from so many, and in
//! a corpus with as many clips of each emotion a flattering figure.
//!
//! Then the same with labels: of each label so many clips are drawn, and beside
//! the statistics the model is told what they are ([`Recognizer::taught`]).
//!
//! These figures are of adapted models, and never mixed with the plain ones.

use anyhow::Result;
use audio::Features;
use model::{Enrolment, Recognizer};
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use serde::{Deserialize, Serialize};

use crate::corpus::Clip;
use crate::evaluation::BATCH;
use crate::report::ConfusionMatrix;

/// Clips that are enrolled.
pub const CLIPS: [usize; 5] = [1, 3, 5, 10, 20];
/// Clips of each label that are given with their labels.
pub const LABELLED: [usize; 2] = [1, 2];
/// Draws of each number of clips.
const DRAWS: usize = 3;

/// What a model says of speakers of whom it knows some clips.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Enrolled {
    /// Clips of each speaker that were enrolled and not tested; none where all
    /// were enrolled, and tested too.
    pub clips: Option<usize>,
    /// Whether `clips` is of each label, and the labels were known too.
    #[serde(default)]
    pub labelled: bool,
    /// The answers, of all draws.
    pub confusion_matrix: ConfusionMatrix,
}

/// The test for each number of clips; a number that leaves nobody to be tested is left out.
///
/// # Errors
///
/// Where the device does not give its results back.
pub fn curve(
    recognizer: &Recognizer,
    test: &[(&Clip, &Features)],
    seed: u64,
) -> Result<Vec<Enrolled>> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut speakers: Vec<(&str, Vec<usize>)> = Vec::new();
    for (index, (clip, _)) in test.iter().enumerate() {
        match speakers.iter_mut().find(|(name, _)| *name == clip.speaker) {
            Some((_, clips)) => clips.push(index),
            None => speakers.push((&clip.speaker, vec![index])),
        }
    }
    let sums: Vec<Enrolment> = test.iter().map(|(_, f)| Enrolment::of(f)).collect();
    let empty = || ConfusionMatrix::new(recognizer.description().labels.iter().cloned());
    let ask = |enrolled: &[usize], tested: &[usize], matrix: &mut ConfusionMatrix| -> Result<()> {
        let mut speaker = Enrolment::new();
        for &clip in enrolled {
            speaker.merge(&sums[clip]);
        }
        answer(&recognizer.enrolled(&speaker)?, test, tested, matrix)
    };
    let mut curve = Vec::new();
    for count in CLIPS {
        let mut matrix = empty();
        for (_, clips) in speakers.iter().filter(|(_, clips)| clips.len() > count) {
            for _ in 0..DRAWS {
                let mut order = clips.clone();
                order.shuffle(&mut rng);
                ask(&order[..count], &order[count..], &mut matrix)?;
            }
        }
        if matrix.total() > 0 {
            curve.push(Enrolled {
                clips: Some(count),
                labelled: false,
                confusion_matrix: matrix,
            });
        }
    }
    let mut matrix = empty();
    for (_, clips) in &speakers {
        ask(clips, clips, &mut matrix)?;
    }
    curve.push(Enrolled {
        clips: None,
        labelled: false,
        confusion_matrix: matrix,
    });
    for count in LABELLED {
        let mut matrix = empty();
        for (_, clips) in &speakers {
            for _ in 0..DRAWS {
                let mut order = clips.clone();
                order.shuffle(&mut rng);
                let (given, tested) = of_each_label(&order, test, count);
                if given.is_empty() {
                    continue;
                }
                let given: Vec<(&Features, usize)> = given
                    .iter()
                    .map(|&index| (test[index].1, test[index].0.label))
                    .collect();
                answer(&recognizer.taught(&given)?, test, &tested, &mut matrix)?;
            }
        }
        if matrix.total() > 0 {
            curve.push(Enrolled {
                clips: Some(count),
                labelled: true,
                confusion_matrix: matrix,
            });
        }
    }
    Ok(curve)
}

/// The first `count` clips of every label that has more, and all others.
fn of_each_label(
    order: &[usize],
    test: &[(&Clip, &Features)],
    count: usize,
) -> (Vec<usize>, Vec<usize>) {
    let label = |index: usize| test[index].0.label;
    let (mut given, mut tested) = (Vec::new(), Vec::new());
    for &index in order {
        let of_label = |list: &[usize]| list.iter().filter(|&&i| label(i) == label(index)).count();
        if of_label(&given) < count && of_label(order) > count {
            given.push(index);
        } else {
            tested.push(index);
        }
    }
    (given, tested)
}

/// Counts a recogniser's answers on some of the clips.
fn answer(
    recognizer: &Recognizer,
    test: &[(&Clip, &Features)],
    tested: &[usize],
    matrix: &mut ConfusionMatrix,
) -> Result<()> {
    for chunk in tested.chunks(BATCH) {
        let features: Vec<&Features> = chunk.iter().map(|&index| test[index].1).collect();
        for (answer, &index) in recognizer.classify_features(&features)?.iter().zip(chunk) {
            matrix.add(test[index].0.label, answer.index());
        }
    }
    Ok(())
}
