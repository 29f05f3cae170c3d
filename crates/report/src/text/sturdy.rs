//! Accuracy under disturbances, as a table.

use super::cut;

/// A line of the table.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SturdyLine {
    /// What was done to the sound.
    pub disturbance: String,
    /// Whether the words stay intelligible.
    pub intelligible: bool,
    /// Unweighted average recall; none where nothing was measured.
    pub uar: Option<f64>,
    /// How much lower than that of the sound as recorded.
    pub drop: Option<f64>,
    /// Expected calibration error.
    pub calibration_error: Option<f64>,
    /// Its 95 % interval.
    pub calibration_interval: Option<[f64; 2]>,
    /// The share of answers marked as unlike the training data.
    pub unlike: Option<f64>,
    /// The share of clips shorter than the piece, which stayed whole.
    pub whole: Option<f64>,
    /// Why nothing was measured, if nothing was.
    pub skipped: Option<String>,
}

/// One line for each disturbance, and the worst drop.
pub fn sturdy(lines: &[SturdyLine]) -> String {
    let mut text = format!(
        "{:<26} {:>6} {:>6} {:>6}  {:<14} {:>6}\n",
        "disturbance", "UAR", "drop", "ECE", "95 % interval", "unlike"
    );
    let number = |value: Option<f64>| value.map_or("-".into(), |value| format!("{value:.3}"));
    for line in lines {
        let mark = if line.intelligible { "*" } else { " " };
        let name = cut(&format!("{mark} {}", line.disturbance), 26);
        if let Some(why) = &line.skipped {
            text += &format!("{name:<26} not measured: {why}\n");
            continue;
        }
        let interval = line.calibration_interval;
        let interval = interval.map_or("-".into(), |[low, high]| format!("{low:.3} to {high:.3}"));
        let drop = line
            .drop
            .map_or("-".into(), |drop| format!("{:.3}", drop + 0.0));
        let whole = match line.whole {
            Some(share) if share > 0.0 => format!("  ({:.0} % are shorter)", share * 100.0),
            _ => String::new(),
        };
        text += &format!(
            "{name:<26} {:>6} {drop:>6} {:>6}  {interval:<14} {:>6}{whole}\n",
            number(line.uar),
            number(line.calibration_error),
            number(line.unlike),
        );
    }
    let drops = lines.iter().filter(|line| line.intelligible);
    let drops = drops.filter_map(|line| Some((line.drop?, &line.disturbance)));
    if let Some((drop, name)) = drops.max_by(|a, b| a.0.total_cmp(&b.0)) {
        text +=
            &format!("\nWorst drop where every word stays intelligible (*): {drop:.3}, {name}\n");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_drop_is_among_the_intelligible_and_what_is_not_measured_says_why() {
        let line = |name: &str, intelligible, drop| SturdyLine {
            disturbance: name.into(),
            intelligible,
            uar: Some(0.7 - drop),
            drop: Some(drop),
            ..SturdyLine::default()
        };
        let lines = [
            line("as recorded", true, 0.0),
            line("telephone", true, 0.05),
            line("white noise, 5 dB", false, 0.3),
            SturdyLine {
                disturbance: "Opus".into(),
                skipped: Some("no encoder".into()),
                ..SturdyLine::default()
            },
        ];
        let text = sturdy(&lines);
        assert!(text.contains("(*): 0.050, telephone"), "{text}");
        assert!(text.contains("not measured: no encoder"), "{text}");
        assert!(
            text.lines().all(|line| line.chars().count() <= 80),
            "{text}"
        );
    }
}
