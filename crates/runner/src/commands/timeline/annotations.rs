//! Who speaks when, or which emotion is heard when, as others wrote it down.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use metrics::diarization::{Interval, from_rttm};

/// Intervals by the name of their recording: its file's name without folders and ending.
pub type Annotations = BTreeMap<String, Vec<Interval>>;

/// Reads RTTM, or a table (`.csv`, `.tsv`) with the columns path, start, end, and
/// speaker or label.
///
/// # Errors
///
/// Where the file cannot be read; the message names the line.
pub fn annotations(path: &Path) -> Result<Annotations> {
    let text =
        std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let ending = path.extension().unwrap_or_default().to_string_lossy();
    let separator = match ending.to_lowercase().as_str() {
        "csv" => ',',
        "tsv" => '\t',
        _ => return Ok(from_rttm(&text, path)?),
    };
    table(&text, separator).with_context(|| path.display().to_string())
}

fn table(text: &str, separator: char) -> Result<Annotations> {
    let mut lines = text.trim_start_matches('\u{feff}').lines();
    let cells = |line: &str| -> Vec<String> {
        let cells = line.split(separator);
        cells
            .map(|cell| cell.trim().trim_matches('"').to_owned())
            .collect()
    };
    let header = cells(lines.next().unwrap_or_default());
    let column = |names: &[&str]| {
        let found = header
            .iter()
            .position(|cell| names.contains(&cell.to_lowercase().as_str()));
        found.with_context(|| format!("there is no column {}", names.join(" or ")))
    };
    let path = column(&["path", "file", "filename"])?;
    let (start, end) = (column(&["start"])?, column(&["end"])?);
    let label = column(&["label", "speaker", "emotion"])?;
    let mut all = Annotations::new();
    for (number, line) in lines
        .enumerate()
        .filter(|(_, line)| !line.trim().is_empty())
    {
        let cells = cells(line);
        let cell = |at: usize| cells.get(at).map_or("", String::as_str);
        let (Ok(start), Ok(end)) = (cell(start).parse(), cell(end).parse()) else {
            bail!(
                "line {}: {line:?} has no start and end in seconds",
                number + 2
            );
        };
        ensure!(
            start <= end,
            "line {}: it ends before it begins",
            number + 2
        );
        let recording = recording(Path::new(cell(path)));
        all.entry(recording).or_default().push(Interval {
            start,
            end,
            label: cell(label).to_owned(),
        });
    }
    Ok(all)
}

/// By what name a recording is looked up.
pub fn recording(path: &Path) -> String {
    let name = path.file_stem().unwrap_or_default().to_string_lossy();
    // As RTTM writes it.
    name.replace(char::is_whitespace, "_")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_read_by_its_header_and_a_bad_line_is_named() {
        let read = table("path,start,end,speaker\nx/a b.wav,0,1.5,anna\n", ',').unwrap();
        assert_eq!(read["a_b"][0].label, "anna");
        let error = table("path,start,end,label\na.wav,zero,1,sad\n", ',').unwrap_err();
        assert!(error.to_string().contains("line 2"), "{error}");
        assert!(table("a,b\n", ',').is_err());
    }
}
