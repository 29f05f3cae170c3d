//! The results as one page that needs nothing beside it.

use std::fmt::Write;

use anyhow::Result;

use super::TaskResult;
use super::summary::{Adapted, Row, Spread, Summary};
use crate::report::plots::{confusion_matrix_svg, learning_curves_svg, reliability_svg};

const STYLE: &str = "\
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

/// The whole page, pictures included.
///
/// # Errors
///
/// Where a picture cannot be drawn.
pub fn html(summary: &Summary, results: &[TaskResult], command: &str) -> Result<String> {
    let mut page = String::new();
    let title = format!("{}: {}", summary.corpus, summary.protocol);
    write!(
        page,
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\"><title>{0}</title>\
         <style>{STYLE}</style></head><body>\n<h1>{0}</h1>\n<p class=\"muted\">{1}{2}</p>\n",
        escaped(&title),
        escaped(&summary.protocol_title),
        match summary.protocol_source.as_str() {
            "" => String::new(),
            source => format!(" ({})", escaped(source)),
        },
    )?;
    if !summary.speaker_disjoint {
        page.push_str(
            "<p class=\"warn\">These folds are of random clips: every tested speaker was also \
             trained on. The figures measure how well voices are remembered, not how well \
             emotions of strangers are heard. Do not compare them with anything else.</p>\n",
        );
    }
    let uar = summary
        .uar
        .map_or("none".into(), |uar| format!("{:.3}", uar.mean));
    let interval = summary
        .uar_interval
        .map(|[low, high]| format!("95 % interval over speakers {low:.3} to {high:.3}; "))
        .unwrap_or_default();
    write!(
        page,
        "<div class=\"cards\"><div><div class=\"big\">{uar}</div>\
         <div>pooled UAR, the mean recall of the classes<br>\
         <span class=\"muted\">{interval}{}; guessing is worth {:.3}</span></div></div>\
         <div><div class=\"big\">{}</div><div>accuracy</div></div>\
         <div><div class=\"big\">{:.3}</div><div>calibration error</div></div></div>\n\
         <p>{} clips of {} speakers, each tested by a model that {}. {} numbers in a model; \
         {:.0} s of training a seed, on one thread.</p>\n",
        match summary.seeds {
            1 => "one seed, so no deviation".into(),
            seeds => format!("deviation over {seeds} seeds {}", deviation(summary.uar)),
        },
        summary.chance,
        summary
            .accuracy
            .map_or("none".into(), |a| format!("{:.3}", a.mean)),
        summary.calibration_error,
        summary.clips,
        summary.speakers,
        match summary.speaker_disjoint {
            true => "never heard this voice in training",
            false => "had heard this voice in training",
        },
        summary.parameters,
        summary.training_seconds.mean,
    )?;
    if !summary.absent_speakers.is_empty() {
        writeln!(
            page,
            "<p class=\"muted\">Not in the folder: speakers {}{}.</p>",
            escaped(&summary.absent_speakers.join(", ")),
            match summary.impossible_folds.as_slice() {
                [] => String::new(),
                folds => format!("; folds {} could not be run", escaped(&folds.join(", "))),
            }
        )?;
    }
    table(
        &mut page,
        "Recall by class",
        "class",
        &summary.classes,
        summary.chance,
    )?;
    table(
        &mut page,
        "UAR by fold",
        "fold",
        &summary.folds,
        summary.chance,
    )?;
    if !summary.enrolled.is_empty() {
        let rows: Vec<Row> = summary.enrolled.iter().map(adapted_row).collect();
        table(
            &mut page,
            "Adapted: UAR with some of the speaker's clips known",
            "known",
            &rows,
            summary.chance,
        )?;
        page.push_str(
            "<p class=\"muted\">Adapted models take the statistics of the voice from some of the \
             speaker's own clips, drawn at random, without their labels; the others are tested. \
             With all clips known the tested ones are among them, which flatters. Clips of each \
             label are given with their labels.</p>\n",
        );
    }
    page.push_str("<h2>What is taken for what, and how sure it is</h2>\n<div class=\"two\">");
    page.push_str(&confusion_matrix_svg(
        &summary.confusion_matrix,
        "all seeds together",
    )?);
    page.push_str(&reliability_svg(&summary.bins, summary.calibration_error)?);
    page.push_str("</div>\n");
    table(
        &mut page,
        "Accuracy by speaker",
        "speaker",
        &summary.speaker_rows,
        summary.chance,
    )?;
    page.push_str("<h2>Learning curves</h2>\n");
    for result in results.iter().filter(|result| result.seed == 1) {
        let title = format!("fold {}, seed {}", result.fold, result.seed);
        page.push_str(&learning_curves_svg(
            &result.epochs,
            Some(result.epoch),
            &title,
        )?);
    }
    write!(
        page,
        "\n<h2>Again</h2>\n<p><code>{}</code></p>\n<p class=\"muted\">Nothing was chosen on \
         tested speakers: epochs are chosen on other speakers or fixed, normalisation comes from \
         training speakers. Every prediction is in predictions.csv.</p>\n</body></html>\n",
        escaped(command)
    )?;
    Ok(page)
}

fn adapted_row(adapted: &Adapted) -> Row {
    Row {
        name: adapted.known(),
        clips: adapted.answers,
        figure: adapted.uar,
    }
}

fn deviation(spread: Option<Spread>) -> String {
    let deviation = spread.and_then(|spread| spread.deviation);
    deviation.map_or(String::new(), |deviation| format!("{deviation:.3}"))
}

/// A table with a bar for each figure, and a mark where guessing would end.
fn table(page: &mut String, title: &str, name: &str, rows: &[Row], chance: f64) -> Result<()> {
    write!(
        page,
        "<h2>{title}</h2>\n<table><tr><th>{name}</th><th class=\"n\">clips</th>\
         <th class=\"n\">mean</th><th class=\"n\">deviation</th><th></th></tr>\n"
    )?;
    for row in rows {
        let mean = row.figure.map_or(0.0, |figure| figure.mean);
        writeln!(
            page,
            "<tr><td>{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td>\
             <td><div class=\"bar\"><i style=\"width:{:.1}%\"></i><b style=\"left:{:.1}%\"></b></div></td></tr>",
            escaped(&row.name),
            row.clips,
            row.figure
                .map_or("none".into(), |figure| format!("{:.3}", figure.mean)),
            deviation(row.figure),
            100.0 * mean,
            100.0 * chance,
        )?;
    }
    page.push_str("</table>\n");
    Ok(())
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}
