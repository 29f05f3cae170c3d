//! A cross-validation as one HTML page that needs no other file.

use metrics::cross_validation::{AdaptationRow, FoldResult, Spread, Summary, SummaryRow};

use crate::ReportError;
use crate::escape::escaped;
use crate::plots::{confusion_matrix_svg, learning_curves_svg, reliability_svg};

pub(crate) const STYLE: &str = "\
body{font:16px/1.5 system-ui,sans-serif;color:#111827;max-width:64rem;margin:2rem auto;padding:0 1rem}\
h1{font-size:1.5rem;margin-bottom:0}h2{font-size:1.1rem;margin-top:2.5rem}\
.big{font-size:3.2rem;font-weight:700;line-height:1.1}.muted{color:#5b6472}\
.warn{background:#fff3e8;border-left:6px solid #d55e00;padding:.8rem 1rem;font-weight:600}\
.cards{display:flex;flex-wrap:wrap;gap:2.5rem;margin:1.2rem 0}\
table{border-collapse:collapse;width:100%;max-width:40rem}td,th{padding:.15rem .6rem;text-align:left}\
td.n,th.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}\
.bar{background:#e6e8ec;width:14rem;height:.8rem;position:relative}.bar i{display:block;height:100%;background:#0072b2}\
.bar b{position:absolute;top:-.2rem;bottom:-.2rem;width:2px;background:#d55e00}\
svg{max-width:100%;height:auto}.two{display:flex;flex-wrap:wrap;gap:1rem;align-items:flex-start}";

/// The figures and pictures of a cross-validation as an HTML page.
///
/// `results` gives the learning curves, of which those of the first seed are shown.
/// `command` is what reproduces the results. The page says whether the figures are
/// for unseen speakers.
///
/// # Errors
///
/// [`ReportError::Empty`] if there are no results.
pub fn cross_validation(
    summary: &Summary,
    results: &[FoldResult],
    command: &str,
) -> Result<String, ReportError> {
    let chance = summary.chance;
    let body = [
        heading(summary),
        speakers_note(summary),
        headline(summary),
        table(
            "Recall by class",
            ["class", "clips"],
            &summary.classes,
            chance,
        ),
        table("UAR by fold", ["fold", "clips"], &summary.folds, chance),
        adaptation(summary),
        pictures(summary)?,
        table(
            "Accuracy by speaker",
            ["speaker", "clips"],
            &summary.speaker_rows,
            chance,
        ),
        learning_curves(results)?,
        reproduction(summary, command),
    ];
    Ok(format!(
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"/>\
         <meta name=\"viewport\" content=\"width=device-width\"/><title>{}</title>\
         <style>{STYLE}</style></head><body>\n{}</body></html>\n",
        escaped(&title(summary)),
        body.concat()
    ))
}

fn title(summary: &Summary) -> String {
    format!("{}: {}", summary.corpus, summary.protocol)
}

fn heading(summary: &Summary) -> String {
    let source = match summary.protocol_source.as_str() {
        "" => String::new(),
        source => format!(" ({source})"),
    };
    format!(
        "<h1>{}</h1>\n<p class=\"muted\">{}{}</p>\n",
        escaped(&title(summary)),
        escaped(&summary.protocol_title),
        escaped(&source)
    )
}

/// Whether the figures are for unseen speakers.
fn speakers_note(summary: &Summary) -> String {
    if !summary.speaker_disjoint {
        return "<p class=\"warn\">These figures are not for unseen speakers. The folds are \
                random clips, so the test speakers were also trained on. For new speakers the \
                model is worse than shown here. Do not compare these figures with results for \
                unseen speakers.</p>\n"
            .into();
    }
    let mut note = "<p>All figures are for unseen speakers: each clip was tested with a model \
                    that had no clip of the same speaker in its training data."
        .to_owned();
    if !summary.adaptation.is_empty() {
        note += " Speaker adaptation, which gives the model some clips of the speaker, has a \
                 section of its own.";
    }
    note + "</p>\n"
}

/// The main figures, and what they were measured on.
fn headline(summary: &Summary) -> String {
    let mean = |spread: Option<Spread>| {
        spread.map_or("none".to_owned(), |spread| format!("{:.3}", spread.mean))
    };
    let interval = summary
        .uar_interval
        .map(|[low, high]| {
            format!("95 % confidence interval over speakers {low:.3} to {high:.3}; ")
        })
        .unwrap_or_default();
    let deviation = match summary.seeds {
        1 => "one seed, so no standard deviation".to_owned(),
        seeds => format!(
            "standard deviation over {seeds} seeds {}",
            deviation(summary.uar)
        ),
    };
    let mut text = format!(
        "<div class=\"cards\"><div><div class=\"big\">{}</div>\
         <div>UAR (mean recall of the classes), all folds pooled<br/>\
         <span class=\"muted\">{interval}{deviation}; chance level {:.3} (the mark in the bars below)</span></div></div>\
         <div><div class=\"big\">{}</div><div>accuracy</div></div>\
         <div><div class=\"big\">{:.3}</div><div>expected calibration error</div></div></div>\n\
         <p>{} clips of {} speakers. A model has {} parameters. Training all folds took {:.0} s \
         per seed, on one thread.</p>\n",
        mean(summary.uar),
        summary.chance,
        mean(summary.accuracy),
        summary.calibration_error,
        summary.clips,
        summary.speakers,
        summary.parameters,
        summary.training_seconds.mean,
    );
    if !summary.absent_speakers.is_empty() {
        let folds = match summary.impossible_folds.as_slice() {
            [] => String::new(),
            folds => format!(" Folds not run for this reason: {}.", folds.join(", ")),
        };
        text += &format!(
            "<p class=\"muted\">Speakers of the protocol without clips here: {}.{}</p>\n",
            escaped(&summary.absent_speakers.join(", ")),
            escaped(&folds)
        );
    }
    text
}

/// The figures after speaker adaptation, and how they were measured.
fn adaptation(summary: &Summary) -> String {
    if summary.adaptation.is_empty() {
        return String::new();
    }
    let row = |row: &AdaptationRow| SummaryRow {
        name: row.enrolled(),
        clips: row.answers,
        figure: row.uar,
    };
    let rows: Vec<SummaryRow> = summary.adaptation.iter().map(row).collect();
    let title = "UAR after speaker adaptation";
    table(title, ["enrolled", "answers"], &rows, summary.chance)
        + "<p class=\"muted\">Some clips of each test speaker are drawn at random and enrolled: \
           the model adapts to the statistics of the voice. The other clips are tested. This is \
           repeated with several draws. Labelled clips also show the model how the speaker sounds \
           in each class; all other clips are enrolled without labels. If all clips are enrolled, \
           the same clips are tested, so that figure is too high.</p>\n"
}

fn pictures(summary: &Summary) -> Result<String, ReportError> {
    Ok(format!(
        "<h2>Confusion matrix and calibration</h2>\n<p class=\"muted\">Over all folds and seeds: \
         each clip is counted once per seed.</p>\n<div class=\"two\">{}{}</div>\n",
        confusion_matrix_svg(&summary.confusion_matrix, "All folds and seeds")?,
        reliability_svg(&summary.bins, summary.calibration_error)?
    ))
}

/// The learning curves of the first seed, one picture for each fold.
fn learning_curves(results: &[FoldResult]) -> Result<String, ReportError> {
    let Some(seed) = results.iter().map(|result| result.seed).min() else {
        return Ok(String::new());
    };
    let of_seed = |result: &&FoldResult| result.seed == seed && !result.epochs.is_empty();
    if !results.iter().any(|result| of_seed(&result)) {
        // Solved in closed form.
        return Ok(String::new());
    }
    let mut text = format!("<h2>Learning curves, seed {seed}</h2>\n");
    for result in results.iter().filter(of_seed) {
        let title = format!("fold {}, seed {seed}", result.fold);
        text += &learning_curves_svg(&result.epochs, Some(result.epoch), &title)?;
    }
    Ok(text + "\n")
}

fn reproduction(summary: &Summary, command: &str) -> String {
    let selection = match summary.speaker_disjoint {
        true => {
            "Test speakers had no influence on the models: the epoch is fixed or selected on other \
             speakers, and the normalisation is that of the training speakers. "
        }
        false => "",
    };
    format!(
        "<h2>How to reproduce</h2>\n<p><code>{}</code></p>\n<p class=\"muted\">{selection}All \
         predictions are in predictions.csv.</p>\n",
        escaped(command)
    )
}

fn deviation(spread: Option<Spread>) -> String {
    let deviation = spread.and_then(|spread| spread.deviation);
    deviation.map_or(String::new(), |deviation| format!("{deviation:.3}"))
}

/// A table with a bar for each figure and a mark at the chance level. `name` and
/// `count` are the headings of the first two columns.
fn table(title: &str, [name, count]: [&str; 2], rows: &[SummaryRow], chance: f64) -> String {
    let row = |row: &SummaryRow| {
        format!(
            "<tr><td>{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td>\
             <td><div class=\"bar\"><i style=\"width:{:.1}%\"></i>\
             <b style=\"left:{:.1}%\"></b></div></td></tr>\n",
            escaped(&row.name),
            row.clips,
            row.figure
                .map_or("none".into(), |figure| format!("{:.3}", figure.mean)),
            deviation(row.figure),
            100.0 * row.figure.map_or(0.0, |figure| figure.mean),
            100.0 * chance,
        )
    };
    format!(
        "<h2>{}</h2>\n<table><tr><th>{}</th><th class=\"n\">{}</th><th class=\"n\">mean</th>\
         <th class=\"n\">std. dev.</th><th></th></tr>\n{}</table>\n",
        escaped(title),
        escaped(name),
        escaped(count),
        rows.iter().map(row).collect::<String>()
    )
}

#[cfg(test)]
mod tests {
    use metrics::cross_validation::Design;
    use roxmltree::{Document, ParsingOptions};

    use super::*;
    use crate::testing;

    fn page(speaker_disjoint: bool) -> String {
        let results: Vec<FoldResult> = (testing::results().into_iter())
            .map(|(result, _)| result)
            .collect();
        let command = "affirm 'a & b' --protocol <two>";
        cross_validation(&testing::summary(speaker_disjoint), &results, command).unwrap()
    }

    /// The page is also XML, so that a parser can check it.
    fn text_of(page: &str) -> String {
        let options = ParsingOptions {
            allow_dtd: true,
            ..ParsingOptions::default()
        };
        let document = Document::parse_with_options(page, options).unwrap();
        let texts = document.descendants().filter_map(|node| node.text());
        texts.collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn the_page_holds_all_figures_and_is_well_formed() {
        let text = text_of(&page(true));
        for part in [
            "A & B: two",
            "two folds (Nobody, 2000)",
            "0.917",
            "95 % confidence interval over speakers 0.750 to 1.000; \
             standard deviation over 2 seeds 0.118; chance level 0.500 (the mark in the bars below)",
            "4 clips of 2 speakers. A model has 1234 parameters.",
            "Speakers of the protocol without clips here: c. Folds not run for this reason: C.",
            "<angry>",
            "1 clip",
            "Learning curves, seed 1",
            "affirm 'a & b' --protocol <two>",
        ] {
            assert!(text.contains(part), "{part} in {text}");
        }
        assert_eq!(page(true).matches("<svg").count(), 2 + 2);
    }

    #[test]
    fn the_page_says_whether_speakers_are_unseen() {
        let unseen = text_of(&page(true));
        assert!(unseen.contains("All figures are for unseen speakers"));
        assert!(unseen.contains("Test speakers had no influence"));
        let leaky = text_of(&page(false));
        assert!(leaky.contains("These figures are not for unseen speakers"));
        assert!(leaky.contains("also trained on"));
        assert!(!leaky.contains("All figures are for unseen speakers"));
        assert!(!leaky.contains("Test speakers had no influence"));
    }

    #[test]
    fn nothing_is_loaded_from_elsewhere() {
        let page = page(true);
        assert!(!page.contains("src=") && !page.contains("<link"));
    }

    #[test]
    fn without_results_there_is_no_page() {
        let summary = Summary::new(&Design::default(), &[]).unwrap();
        let error = cross_validation(&summary, &[], "").unwrap_err();
        assert!(matches!(error, ReportError::Empty { .. }), "{error:?}");
    }
}
