//! Which features a model needs on a corpus, as one HTML page that needs no other file.

use crate::escape::escaped;
use crate::html::STYLE;

/// What the page shows.
#[derive(Clone, Debug, Default)]
pub struct ExplainPage {
    /// The corpus.
    pub title: String,
    /// What was measured on whom, in a sentence.
    pub about: String,
    /// UAR and mean log-likelihood with all features as they are.
    pub all: [f64; 2],
    /// The groups of features, the one that costs most first.
    pub rows: Vec<ExplainRow>,
    /// Recordings: a caption and a picture as SVG each.
    pub recordings: Vec<(String, String)>,
    /// What makes the page again.
    pub command: String,
}

/// What is lost with a group of features permuted between clips: mean and standard
/// deviation over the permutations.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ExplainRow {
    /// The group.
    pub group: String,
    /// How much the UAR falls.
    pub uar: [f64; 2],
    /// How much the mean log-likelihood of the right label falls.
    pub log_likelihood: [f64; 2],
}

/// The page.
pub fn explain_page(page: &ExplainPage) -> String {
    let most = (page.rows.iter().map(|row| row.log_likelihood[0])).fold(1e-9, f64::max);
    let row = |row: &ExplainRow| {
        format!(
            "<tr><td>{}</td><td class=\"n\">{:.3} ± {:.3}</td><td class=\"n\">{:.3} ± {:.3}</td>\
             <td><div class=\"bar\"><i style=\"width:{:.1}%\"></i></div></td></tr>\n",
            escaped(&row.group),
            row.uar[0],
            row.uar[1],
            row.log_likelihood[0],
            row.log_likelihood[1],
            100.0 * (row.log_likelihood[0] / most).clamp(0.0, 1.0),
        )
    };
    let rows: String = page.rows.iter().map(row).collect();
    let figure =
        |(caption, svg): &(String, String)| format!("<h3>{}</h3>\n{svg}\n", escaped(caption));
    let figures: String = page.recordings.iter().map(figure).collect();
    let title = escaped(&page.title);
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"/>\
         <meta name=\"viewport\" content=\"width=device-width\"/><title>{title}</title>\
         <style>{STYLE}</style></head><body>\n<h1>{title}</h1>\n<p class=\"muted\">{}</p>\n\
         <div class=\"cards\"><div><div class=\"big\">{:.3}</div><div>UAR with all \
         features</div></div><div><div class=\"big\">{:.3}</div><div>mean log-likelihood of the \
         right label</div></div></div>\n<h2>Which features the model needs</h2>\n<p>A group's \
         numbers are permuted between the clips, so that they no longer fit the label; \
         the table says how much is lost: mean ± standard deviation over the permutations. The bar \
         is the loss of log-likelihood.</p>\n<table><tr><th>features</th><th class=\"n\">loss of UAR</th>\
         <th class=\"n\">loss of log-likelihood</th><th></th></tr>\n{rows}</table>\n\
         <p class=\"muted\">A group can look useless because another one says the same. Such a loss \
         tells what this model uses, not what makes a voice sound angry or sad.</p>\n\
         <h2>Some recordings</h2>\n<p class=\"muted\">For the right label: blue speaks for it, \
         orange against it.</p>\n{figures}<h2>How to reproduce</h2>\n\
         <p><code>{}</code></p>\n</body></html>\n",
        escaped(&page.about),
        page.all[0],
        page.all[1],
        escaped(&page.command)
    )
}

#[cfg(test)]
mod tests {
    use roxmltree::{Document, ParsingOptions};

    use super::*;

    #[test]
    fn the_page_is_well_formed_and_loads_nothing() {
        let row = |group: &str, uar: f64, loss: f64| ExplainRow {
            group: group.into(),
            uar: [uar, 0.01],
            log_likelihood: [loss, 0.02],
        };
        let html = explain_page(&ExplainPage {
            title: "A & B".into(),
            rows: vec![row("pitch", 0.25, 0.5), row("rate", -0.01, -0.1)],
            recordings: vec![("a <b>".into(), "<svg></svg>".into())],
            ..ExplainPage::default()
        });
        let options = ParsingOptions {
            allow_dtd: true,
            ..ParsingOptions::default()
        };
        Document::parse_with_options(&html, options).unwrap();
        assert!(html.contains("0.250 ± 0.010") && html.contains("width:100.0%"));
        assert!(html.contains("-0.010 ± 0.010") && html.contains("width:0.0%"));
        assert!(!html.contains("src=") && !html.contains("<link"));
    }
}
