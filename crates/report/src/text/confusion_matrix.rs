//! A confusion matrix and its figures as text.

use std::fmt::Write;

use metrics::ConfusionMatrix;

use super::{bar, cut, width};

/// The width of a terminal, in characters.
const WIDTH: usize = 80;
/// The longest class name that is shown whole in the table of classes, and in
/// the confusion matrix.
const NAME_WIDTH: usize = 20;
const MATRIX_NAME_WIDTH: usize = 14;
/// Characters of a full bar.
const BAR_WIDTH: usize = 20;

/// The result of a test: UAR, accuracy and macro F1, then the figures of each
/// class, then the confusion matrix. Ends with a line break. With up to eight
/// classes no line is longer than 80 characters, however long the names are.
///
/// ```
/// use metrics::ConfusionMatrix;
/// use report::text;
///
/// let pairs = [(0, 0), (0, 0), (0, 1), (1, 1)];
/// let matrix = ConfusionMatrix::from_pairs(["calm", "angry"], pairs);
/// assert_eq!(
///     text::confusion_matrix(&matrix),
///     "\
/// 4 clips of 2 classes
/// UAR 0.833   accuracy 0.750   macro F1 0.733
/// (UAR is the mean of the recalls below; the chance level is 0.500)
///
/// class  recall                        precision     F1  clips
/// calm    0.667  █████████████▍            1.000  0.800      3
/// angry   1.000  ████████████████████      0.500  0.667      1
///
/// Confusion matrix (rows: true class, columns: predicted class)
///
///         calm  angry
/// calm       2      1
/// angry      ·      1
/// "
/// );
/// ```
pub fn confusion_matrix(matrix: &ConfusionMatrix) -> String {
    format!(
        "{}\n{}\n{}",
        headline(matrix),
        class_table(matrix),
        confusion_table(matrix)
    )
}

/// The figures over all classes, with the chance level.
fn headline(matrix: &ConfusionMatrix) -> String {
    let supports = matrix.supports();
    let present = supports.iter().filter(|&&support| support > 0).count();
    let absent = match supports.len() - present {
        0 => String::new(),
        absent => format!(" ({absent} more without clips)"),
    };
    let mut text = format!(
        "{} {} of {present} {}{absent}\n",
        matrix.total(),
        plural(matrix.total(), "clip", "clips"),
        plural(present as u64, "class", "classes"),
    );
    let figure = |value: Option<f64>| value.map_or("none".to_owned(), |v| format!("{v:.3}"));
    let _ = writeln!(
        text,
        "UAR {}   accuracy {}   macro F1 {}",
        figure(matrix.uar()),
        figure(matrix.accuracy()),
        figure(matrix.macro_f1()),
    );
    if present > 0 {
        let chance = 1.0 / present as f64;
        let _ = writeln!(
            text,
            "(UAR is the mean of the recalls below; the chance level is {chance:.3})"
        );
    }
    text
}

/// A line per class: recall as figure and bar, precision, F1, number of clips.
fn class_table(matrix: &ConfusionMatrix) -> String {
    let names = row_names(matrix.labels(), NAME_WIDTH);
    let name_width = widest(&names).max(width("class"));
    let figure = |value: Option<f64>| value.map_or("-".to_owned(), |v| format!("{v:.3}"));
    let mut text = format!(
        "{:name_width$}  recall  {:BAR_WIDTH$}  precision     F1  clips\n",
        "class", ""
    );
    let columns = (matrix.recalls().into_iter().zip(matrix.precisions()))
        .zip(matrix.f1_scores().into_iter().zip(matrix.supports()));
    for (name, ((recall, precision), (f1, support))) in names.iter().zip(columns) {
        let _ = writeln!(
            text,
            "{name:name_width$}  {:>6}  {:BAR_WIDTH$}  {:>9}  {:>5}  {support:>5}",
            figure(recall),
            bar(recall.unwrap_or(0.0), BAR_WIDTH),
            figure(precision),
            figure(f1),
        );
    }
    text
}

/// The counts under shortened class names, with `·` for 0.
fn confusion_table(matrix: &ConfusionMatrix) -> String {
    let labels = matrix.labels();
    let names = row_names(labels, MATRIX_NAME_WIDTH);
    let name_width = widest(&names);
    let digits = matrix
        .counts()
        .iter()
        .flatten()
        .max()
        .map_or(1, |count| count.to_string().len());
    let room = WIDTH.saturating_sub(name_width) / labels.len().max(1);
    let longest = widest(labels);
    let column = longest.min(room.saturating_sub(2)).max(digits).max(2);

    let (heads, name_width, names) = match shortened(labels, column) {
        Some(heads) => (heads, name_width, names),
        // Names that would be the same when cut are numbered instead.
        None => {
            let heads: Vec<String> = (1..=labels.len()).map(|n| n.to_string()).collect();
            let names: Vec<String> = (heads.iter().zip(&names))
                .map(|(number, name)| format!("{number} {name}"))
                .collect();
            let name_width = widest(&names);
            (heads, name_width, names)
        }
    };

    let mut text = "Confusion matrix (rows: true class, columns: predicted class)\n\n".to_owned();
    let _ = write!(text, "{:name_width$}", "");
    for head in &heads {
        let _ = write!(text, "  {head:>column$}");
    }
    text.push('\n');
    for (name, row) in names.iter().zip(matrix.counts()) {
        let _ = write!(text, "{name:name_width$}");
        for count in row {
            let shown = if *count == 0 {
                "·".to_owned()
            } else {
                count.to_string()
            };
            let _ = write!(text, "  {shown:>column$}");
        }
        text.push('\n');
    }
    text
}

/// The labels, cut if they are longer than `width` characters.
fn row_names(labels: &[String], width: usize) -> Vec<String> {
    labels.iter().map(|label| cut(label, width)).collect()
}

/// The first `width` characters of each label; `None` if two would be the same.
fn shortened(labels: &[String], width: usize) -> Option<Vec<String>> {
    let head = |label: &String| {
        let start: String = label.chars().take(width).collect();
        start.trim_end().to_owned()
    };
    let heads: Vec<String> = labels.iter().map(head).collect();
    let distinct: std::collections::HashSet<_> = heads.iter().collect();
    (distinct.len() == heads.len()).then_some(heads)
}

fn widest(texts: &[String]) -> usize {
    texts.iter().map(|text| width(text)).max().unwrap_or(0)
}

fn plural(count: u64, one: &'static str, many: &'static str) -> &'static str {
    if count == 1 { one } else { many }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RAVDESS: [&str; 8] = [
        "neutral",
        "calm",
        "happy",
        "sad",
        "angry",
        "fearful",
        "disgust",
        "surprised",
    ];

    fn widest_line(text: &str) -> usize {
        text.lines().map(width).max().unwrap()
    }

    /// `count` clips in every cell.
    fn filled(labels: impl IntoIterator<Item = String>, count: u64) -> ConfusionMatrix {
        let labels: Vec<String> = labels.into_iter().collect();
        let counts = vec![vec![count; labels.len()]; labels.len()];
        let json = serde_json::json!({ "labels": labels, "counts": counts });
        serde_json::from_value(json).unwrap()
    }

    #[test]
    fn eight_classes_fit_in_80_columns_whatever_their_names_and_counts() {
        for labels in [
            RAVDESS.map(String::from),
            std::array::from_fn(|i| format!("{i} a name as long as a sentence")),
            std::array::from_fn(|i| format!("a name as long as a sentence {i}")),
            std::array::from_fn(|i| i.to_string()),
        ] {
            for count in [0, 3, 999_999] {
                let text = confusion_matrix(&filled(labels.clone(), count));
                assert!(widest_line(&text) <= WIDTH, "{text}");
            }
        }
    }

    #[test]
    fn columns_of_the_confusion_matrix_line_up() {
        let text = confusion_matrix(&filled(RAVDESS.map(String::from), 12));
        let table = text.split("class)\n\n").nth(1).unwrap();
        let ends: Vec<usize> = table.lines().map(|line| line.chars().count()).collect();
        assert_eq!(ends.len(), 9);
        assert!(ends.iter().all(|end| *end == ends[0]), "{table}");
        assert!(
            table.contains("disgus") && !table.contains("surprised  surp"),
            "{table}"
        );
    }

    #[test]
    fn names_that_are_the_same_when_cut_are_numbered() {
        let labels = (0..8).map(|i| format!("emotional_state_{i}"));
        let text = confusion_table(&filled(labels, 1));
        assert!(
            text.lines().nth(2).unwrap().ends_with(" 7       8"),
            "{text}"
        );
        assert!(text.contains("\n8 emotional_sta…"), "{text}");
    }

    #[test]
    fn a_class_without_clips_has_no_recall_and_does_not_count() {
        let matrix = ConfusionMatrix::from_pairs(["a", "b", "c"], [(0, 0), (1, 0)]);
        let text = confusion_matrix(&matrix);
        assert!(text.starts_with("2 clips of 2 classes (1 more without clips)\n"));
        assert!(text.contains("UAR 0.500"), "{text}");
        let row = text.lines().find(|line| line.starts_with("c ")).unwrap();
        assert_eq!(
            row.split_whitespace().collect::<Vec<_>>(),
            ["c", "-", "-", "-", "0"]
        );
    }

    #[test]
    fn without_clips_there_are_no_figures() {
        let text = confusion_matrix(&ConfusionMatrix::new(["a", "b"]));
        assert!(
            text.contains("UAR none   accuracy none   macro F1 none\n"),
            "{text}"
        );
        assert!(!text.contains("NaN"), "{text}");
        confusion_matrix(&ConfusionMatrix::new::<String>([]));
    }
}
