//! The test after speaker adaptation: how much is gained when some clips of a
//! speaker are known.
//!
//! For each number of clips, so many of the speaker's own are drawn at random
//! and enrolled without their labels: their statistics replace the training
//! set's. The speaker's other clips are tested. In the last row all clips of the
//! speaker are enrolled, the tested ones among them: an upper bound, and a
//! flattering one in a corpus with as many clips of each emotion.
//!
//! Then the same few-shot: of each label so many clips are drawn, and the model
//! is also told their labels ([`Recognizer::few_shot`]).
//!
//! These figures are of adapted models. They are never mixed with those for
//! unknown speakers.

use audio::Features;
use corpus::Clip;
use metrics::ConfusionMatrix;
use metrics::cross_validation::AdaptationTest;
use model::{Enrolment, Recognizer};
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

use crate::TrainingError;

/// Clips that are enrolled.
pub const CLIPS: [usize; 5] = [1, 3, 5, 10, 20];
/// Clips of each label that are given with their labels.
pub const LABELLED: [usize; 2] = [1, 2];
/// Draws of each number of clips.
const DRAWS: usize = 3;

/// The test for each number of clips. A number that leaves nothing to test is
/// left out.
///
/// # Errors
///
/// Where the device fails.
pub fn curve(
    recognizer: &Recognizer,
    test: &[(&Clip, &Features)],
    seed: u64,
) -> Result<Vec<AdaptationTest>, TrainingError> {
    let mut test = AdaptedTest {
        recognizer,
        test,
        sums: test.iter().map(|(_, f)| Enrolment::of(f)).collect(),
        speakers: by_speaker(test),
        rng: ChaCha8Rng::seed_from_u64(seed),
    };
    let mut curve = Vec::new();
    for count in CLIPS {
        curve.extend(test.enrolled(count)?);
    }
    curve.push(test.all_enrolled()?);
    for count in LABELLED {
        curve.extend(test.few_shot(count)?);
    }
    Ok(curve)
}

/// The places of each speaker's clips, speakers in the order in which they come.
fn by_speaker(test: &[(&Clip, &Features)]) -> Vec<Vec<usize>> {
    let mut speakers: Vec<(&str, Vec<usize>)> = Vec::new();
    for (index, (clip, _)) in test.iter().enumerate() {
        match speakers.iter_mut().find(|(name, _)| *name == clip.speaker) {
            Some((_, clips)) => clips.push(index),
            None => speakers.push((&clip.speaker, vec![index])),
        }
    }
    speakers.into_iter().map(|(_, clips)| clips).collect()
}

/// The held-out clips, for one draw after the other.
struct AdaptedTest<'a> {
    recognizer: &'a Recognizer,
    test: &'a [(&'a Clip, &'a Features)],
    /// The statistics of each clip.
    sums: Vec<Enrolment>,
    speakers: Vec<Vec<usize>>,
    rng: ChaCha8Rng,
}

impl AdaptedTest<'_> {
    /// `count` unlabelled clips enrolled, the speaker's others tested.
    fn enrolled(&mut self, count: usize) -> Result<Option<AdaptationTest>, TrainingError> {
        let mut matrix = self.empty();
        for clips in self.speakers.clone() {
            if clips.len() <= count {
                continue;
            }
            for _ in 0..DRAWS {
                let order = self.shuffled(&clips);
                self.ask_enrolled(&order[..count], &order[count..], &mut matrix)?;
            }
        }
        Ok(unless_empty(Some(count), false, matrix))
    }

    /// All clips enrolled, and all tested.
    fn all_enrolled(&self) -> Result<AdaptationTest, TrainingError> {
        let mut matrix = self.empty();
        for clips in &self.speakers {
            self.ask_enrolled(clips, clips, &mut matrix)?;
        }
        Ok(AdaptationTest {
            clips: None,
            labelled: false,
            confusion_matrix: matrix,
        })
    }

    /// `count` clips of each label given with their labels, the others tested.
    fn few_shot(&mut self, count: usize) -> Result<Option<AdaptationTest>, TrainingError> {
        let mut matrix = self.empty();
        for clips in self.speakers.clone() {
            for _ in 0..DRAWS {
                let order = self.shuffled(&clips);
                let (given, tested) = of_each_label(&order, self.test, count);
                if given.is_empty() {
                    continue;
                }
                let given: Vec<(&Features, usize)> = given
                    .iter()
                    .map(|&index| (self.test[index].1, self.test[index].0.label))
                    .collect();
                self.count(&self.recognizer.few_shot(&given)?, &tested, &mut matrix)?;
            }
        }
        Ok(unless_empty(Some(count), true, matrix))
    }

    fn empty(&self) -> ConfusionMatrix {
        ConfusionMatrix::new(self.recognizer.description().labels.iter().cloned())
    }

    fn shuffled(&mut self, clips: &[usize]) -> Vec<usize> {
        let mut order = clips.to_vec();
        order.shuffle(&mut self.rng);
        order
    }

    fn ask_enrolled(
        &self,
        enrolled: &[usize],
        tested: &[usize],
        matrix: &mut ConfusionMatrix,
    ) -> Result<(), TrainingError> {
        let mut speaker = Enrolment::new();
        for &clip in enrolled {
            speaker.merge(&self.sums[clip]);
        }
        self.count(&self.recognizer.enrolled(&speaker)?, tested, matrix)
    }

    /// Counts a recogniser's answers on some of the clips.
    fn count(
        &self,
        recognizer: &Recognizer,
        tested: &[usize],
        matrix: &mut ConfusionMatrix,
    ) -> Result<(), TrainingError> {
        let features: Vec<&Features> = tested.iter().map(|&index| self.test[index].1).collect();
        for (answer, &index) in recognizer.classify_features(&features)?.iter().zip(tested) {
            matrix.add(self.test[index].0.label, answer.index());
        }
        Ok(())
    }
}

fn unless_empty(
    clips: Option<usize>,
    labelled: bool,
    confusion_matrix: ConfusionMatrix,
) -> Option<AdaptationTest> {
    (confusion_matrix.total() > 0).then_some(AdaptationTest {
        clips,
        labelled,
        confusion_matrix,
    })
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
