//! The figures of a cross-validation as text.

use metrics::cross_validation::{Spread, Summary};

use super::{cut, width};

/// The longest name that is shown whole.
const NAME_WIDTH: usize = 40;

/// The figures of a cross-validation: UAR of each fold, recall of each class, UAR
/// after speaker adaptation, then accuracy, calibration error and, in the last
/// line, the pooled UAR. That line says whether the speakers are unseen. Figures
/// are mean ± standard deviation over the seeds. Ends with a line break.
///
/// ```text
/// UAR by fold
///   F0                 0.512 ± 0.010
///   F1                 0.547 ± 0.012
/// Recall by class
///   calm               0.702 ± 0.020
///   angry              0.611 ± 0.008
/// UAR after speaker adaptation
///   1 clip             0.552 ± 0.004
/// Accuracy             0.541 ± 0.009
/// Calibration error    0.047
/// UAR 0.530 ± 0.008 on 24 unseen speakers (95 % interval 0.490 to 0.571)
/// ```
pub fn cross_validation(summary: &Summary) -> String {
    let folds = summary.folds.iter().map(|row| (&*row.name, row.figure));
    let classes = summary.classes.iter().map(|row| (&*row.name, row.figure));
    let enrolled: Vec<String> = (summary.adaptation.iter())
        .map(|row| row.enrolled())
        .collect();
    let adaptation =
        (enrolled.iter().map(String::as_str)).zip(summary.adaptation.iter().map(|row| row.uar));
    let mut lines = Lines::default();
    lines.section("UAR by fold", folds);
    lines.section("Recall by class", classes);
    lines.section("UAR after speaker adaptation", adaptation);
    lines.line("Accuracy", spread(summary.accuracy));
    let calibration_error = format!("{:.3}", summary.calibration_error);
    lines.line("Calibration error", calibration_error);
    lines.text() + &headline(summary)
}

/// The pooled UAR, whose speakers it is over, and how certain it is.
fn headline(summary: &Summary) -> String {
    let speakers = match summary.speakers {
        1 => "speaker",
        _ => "speakers",
    };
    let speakers = match summary.speaker_disjoint {
        true => format!("{} unseen {speakers}", summary.speakers),
        false => format!(
            "{} {speakers} that were ALSO TRAINED ON (leaky)",
            summary.speakers
        ),
    };
    let interval = summary
        .uar_interval
        .map(|[low, high]| format!(" (95 % interval {low:.3} to {high:.3})"))
        .unwrap_or_default();
    format!("UAR {} on {speakers}{interval}\n", spread(summary.uar))
}

fn spread(spread: Option<Spread>) -> String {
    match spread.map(|spread| (spread.mean, spread.deviation)) {
        Some((mean, Some(deviation))) => format!("{mean:.3} ± {deviation:.3}"),
        Some((mean, None)) => format!("{mean:.3}"),
        None => "none".into(),
    }
}

/// Lines of a name and a figure; a heading has no figure.
#[derive(Default)]
struct Lines(Vec<(String, Option<String>)>);

impl Lines {
    fn section<'a>(
        &mut self,
        heading: &str,
        rows: impl Iterator<Item = (&'a str, Option<Spread>)>,
    ) {
        let before = self.0.len();
        self.0.push((heading.to_owned(), None));
        for (name, figure) in rows {
            self.line(&format!("  {}", cut(name, NAME_WIDTH)), spread(figure));
        }
        if self.0.len() == before + 1 {
            self.0.truncate(before);
        }
    }

    fn line(&mut self, name: &str, figure: String) {
        self.0.push((name.to_owned(), Some(figure)));
    }

    /// All lines, with the figures below each other.
    fn text(&self) -> String {
        let named = self.0.iter().filter(|line| line.1.is_some());
        let widest = named.map(|line| width(&line.0)).max().unwrap_or(0);
        let line = |(name, figure): &(String, Option<String>)| match figure {
            Some(figure) => format!("{name:widest$}    {figure}\n"),
            None => format!("{name}\n"),
        };
        self.0.iter().map(line).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    #[test]
    fn figures_stand_below_each_other_and_the_uar_is_last() {
        assert_eq!(
            cross_validation(&testing::summary(true)),
            "\
UAR by fold
  A                  0.750 ± 0.354
  B                  1.000 ± 0.000
Recall by class
  calm               0.833 ± 0.236
  <angry>            1.000 ± 0.000
UAR after speaker adaptation
  1 clip             0.917 ± 0.118
Accuracy             0.875 ± 0.177
Calibration error    0.163
UAR 0.917 ± 0.118 on 2 unseen speakers (95 % interval 0.750 to 1.000)
"
        );
    }

    #[test]
    fn a_leaky_split_is_called_leaky_in_the_last_line() {
        let text = cross_validation(&testing::summary(false));
        let last = text.lines().last().unwrap();
        assert!(last.starts_with("UAR 0.917"), "{last}");
        assert!(last.contains("leaky") && !last.contains("unseen"), "{last}");
    }

    #[test]
    fn without_results_nothing_is_a_number() {
        let design = metrics::cross_validation::Design::default();
        let summary = Summary::new(&design, &[]).unwrap();
        assert_eq!(
            cross_validation(&summary),
            "Accuracy             none\n\
             Calibration error    0.000\n\
             UAR none on 0 speakers that were ALSO TRAINED ON (leaky)\n"
        );
    }
}
