//! Solutions beside scikit-learn's, and what is refused.

use audio::Frames;
use serde::Deserialize;

use super::*;

const LDA: LinearMethod = LinearMethod::Lda { shrinkage: 0.5 };

/// What scripts/linear_fixtures.py writes.
#[derive(Deserialize)]
struct Fixtures {
    sets: Vec<Set>,
}

#[derive(Deserialize)]
struct Set {
    rows: Vec<Vec<f32>>,
    labels: Vec<usize>,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    method: LinearMethod,
    balanced: bool,
    /// Of each clip and label; of two labels, the second's above the first's.
    scores: Vec<Vec<f64>>,
}

/// What the scores say beyond what all labels of a clip have in common.
fn centred(scores: &[f64]) -> Vec<f64> {
    let mean = scores.iter().sum::<f64>() / scores.len() as f64;
    scores.iter().map(|score| score - mean).collect()
}

/// Statistics that change nothing.
fn as_it_is(size: usize) -> Normalisation {
    Normalisation {
        frames_a_clip: 1.0,
        frames: crate::Statistics::default(),
        functionals: crate::Statistics {
            mean: vec![0.0; size],
            deviation: vec![1.0; size],
        },
    }
}

fn set_of(rows: &[Vec<f32>], labels: &[usize]) -> LinearClips {
    let mut set = LinearClips::default();
    rows.iter()
        .zip(labels)
        .for_each(|(row, label)| set.push(row, *label));
    set
}

#[test]
fn scores_of_every_method_are_scikit_learns() {
    let text = include_str!("../../tests/fixtures/linear.json");
    let fixtures: Fixtures = serde_json::from_str(text).unwrap();
    let mut methods = std::collections::BTreeSet::new();
    for set in &fixtures.sets {
        let (size, labels) = (set.rows[0].len(), set.labels.iter().max().unwrap() + 1);
        let clips = set_of(&set.rows, &set.labels);
        for case in &set.cases {
            let inputs = LinearInputs::Functionals;
            let (method, balanced) = (case.method, case.balanced);
            let fitted =
                LinearClassifier::fit(&clips, labels, method, balanced, inputs, as_it_is(size))
                    .unwrap();
            methods.insert(method.to_string());
            let (mut furthest, mut spread) = (0.0f64, 0.0f64);
            for (row, theirs) in set.rows.iter().zip(&case.scores) {
                let clip = Features::new(Frames::new(Vec::new(), 0), row.clone());
                let ours = fitted.scores(&clip, &(0..size)).unwrap();
                let mut ours: Vec<f64> = ours.into_iter().map(f64::from).collect();
                let is_svm = matches!(method, LinearMethod::Svm { .. });
                // A margin means something by itself; other scores only beside the others.
                let theirs = match (labels, is_svm) {
                    (2, true) => vec![-theirs[0], theirs[0]],
                    (2, false) => centred(&[0.0, theirs[0]]),
                    (_, true) => theirs.clone(),
                    (_, false) => centred(theirs),
                };
                if !is_svm {
                    ours = centred(&ours);
                }
                for (a, b) in ours.iter().zip(&theirs) {
                    furthest = furthest.max((a - b).abs());
                    spread = spread.max(b.abs());
                }
            }
            assert!(
                spread > 1e-3 && furthest < 2e-5 * spread,
                "{method}, balanced {balanced}: {furthest:e} of {spread}"
            );
        }
    }
    assert_eq!(methods.len(), 3 + 3 + 6, "{methods:?}");
}

/// The numbers of the Python code below.
fn clips() -> (Vec<[f32; 3]>, Vec<usize>) {
    let value = |n: usize, k: usize| ((n * 37 + k * 53) % 89) as f32 / 44.0 - 1.0;
    let labels: Vec<usize> = (0..60).map(|n| n % 3).collect();
    let rows = labels.iter().enumerate().map(|(n, label)| {
        let mut row = [value(n, 1), value(n, 2), value(n, 3)];
        row[*label] += 0.8;
        row
    });
    (rows.collect(), labels)
}

fn normalisation(rows: &[[f32; 3]]) -> Normalisation {
    let clips: Vec<Features> = rows.iter().map(features).collect();
    Normalisation::fit(&clips).unwrap()
}

fn features(row: &[f32; 3]) -> Features {
    Features::new(Frames::new(Vec::new(), 0), row.to_vec())
}

#[test]
fn probabilities_are_those_of_scikit_learns_discriminant_analysis() {
    // value = lambda n, k: ((n * 37 + k * 53) % 89) / 44 - 1
    // y = np.arange(60) % 3
    // x = np.array([[value(n, k) for k in (1, 2, 3)] for n in range(60)])
    // x[np.arange(60), y] += .8
    // z = (x - x.mean(0)) / x.std(0)
    // S = sum(np.cov(z[y == c].T, bias=True) for c in range(3)) / 3
    // S = .5 * S + .5 * np.trace(S) / 3 * np.eye(3)
    // LinearDiscriminantAnalysis(solver="lsqr", priors=[1/3] * 3, covariance_estimator=
    //     an estimator whose covariance_ is S).fit(z, y).predict_proba(z[:3])
    const THEIRS: [[f64; 3]; 3] = [
        [0.5547549, 0.0611672, 0.3840779],
        [0.0602747, 0.8678782, 0.0718471],
        [0.0379449, 0.0248507, 0.9372044],
    ];
    let (rows, labels) = clips();
    let normalisation = normalisation(&rows);
    let mut set = LinearClips::default();
    for (row, label) in rows.iter().zip(&labels) {
        let normalised = normalisation.apply(&features(row)).unwrap();
        set.push(&normalised.functionals, *label);
    }
    let inputs = LinearInputs::Functionals;
    let fitted = LinearClassifier::fit(&set, 3, LDA, true, inputs, normalisation).unwrap();
    for (row, theirs) in rows.iter().zip(THEIRS) {
        let ours = fitted.probabilities(&features(row), &(0..3)).unwrap();
        for (a, b) in ours.iter().zip(theirs) {
            assert!((a - b).abs() < 1e-5, "{ours:?} {theirs:?}");
        }
    }
}

#[test]
fn a_label_without_clips_is_never_the_answer_and_one_label_is_refused() {
    let (rows, labels) = clips();
    let mut set = LinearClips::default();
    for (row, label) in rows.iter().zip(&labels) {
        set.push(row, *label);
    }
    let inputs = LinearInputs::Functionals;
    let loss = SvmLoss::SquaredHinge;
    for method in [
        LDA,
        LinearMethod::Logistic { cost: 0.1 },
        LinearMethod::Svm { cost: 0.1, loss },
    ] {
        let fit = |set: &LinearClips, labels| {
            LinearClassifier::fit(set, labels, method, true, inputs, normalisation(&rows))
        };
        let fitted = fit(&set, 4).unwrap();
        for row in &rows {
            let probabilities = fitted.probabilities(&features(row), &(0..3)).unwrap();
            assert!(probabilities[3] < 1e-6);
        }
        let mut one = LinearClips::default();
        rows.iter().for_each(|row| one.push(row, 0));
        assert!(fit(&one, 3).is_err());
        assert!(fit(&LinearClips::default(), 3).is_err());
        let mut odd = set.clone();
        odd.push(&[f32::NAN, 0.0, 0.0], 1);
        assert!(fit(&odd, 3).is_err());
    }
}

#[test]
fn a_strength_out_of_its_range_is_refused() {
    let loss = SvmLoss::Hinge;
    for method in [
        LinearMethod::Lda { shrinkage: 0.0 },
        LinearMethod::Lda { shrinkage: 1.1 },
        LinearMethod::Logistic { cost: -1.0 },
        LinearMethod::Logistic { cost: f64::NAN },
        LinearMethod::Svm { cost: 1e9, loss },
    ] {
        assert!(method.validate().is_err(), "{method}");
    }
    assert!(LDA.validate().is_ok());
}

#[test]
fn a_rare_label_gains_where_labels_are_balanced() {
    // Both labels lie around 0, and two clips of three are of the first.
    let rows = [-1.0f32, -1.0, 1.0, 1.0, -1.0, 1.0].map(|x| vec![x]);
    let set = set_of(&rows, &[0, 0, 0, 0, 1, 1]);
    let inputs = LinearInputs::Functionals;
    let ask = |method, balanced| {
        let fitted = LinearClassifier::fit(&set, 2, method, balanced, inputs, as_it_is(1));
        let clip = Features::new(Frames::new(Vec::new(), 0), vec![0.0]);
        fitted.unwrap().probabilities(&clip, &(0..1)).unwrap()[0]
    };
    for method in [LDA, LinearMethod::Logistic { cost: 1.0 }] {
        let (even, as_often) = (ask(method, true), ask(method, false));
        assert!((even - 1.0 / 2.0).abs() < 1e-5, "{method}: {even}");
        assert!((as_often - 2.0 / 3.0).abs() < 1e-5, "{method}: {as_often}");
    }
}
