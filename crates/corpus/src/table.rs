//! A table as spreadsheets and scripts write it: its encoding and its separator
//! are found out from its bytes.
//!
//! | what | known by |
//! |---|---|
//! | UTF-8, UTF-16 | a byte order mark; without one, UTF-8 that is valid, or the zero bytes of UTF-16 |
//! | Windows-1252 | anything else: what Excel writes in western Europe |
//! | comma, semicolon, tab | the one that splits the first line into most of the names that are expected |
//! | `sep=;` | a first line that Excel understands |
//!
//! Lines without any content are passed over, and empty fields after the last named
//! column are dropped: spreadsheets write both.

use std::path::Path;

use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};

use crate::CorpusError;

/// The cells of a table as text, without the spaces around them.
pub(crate) struct Table {
    /// The names of the columns.
    pub head: Vec<String>,
    /// The line that the names are in, counted from 1.
    pub head_line: u64,
    /// Line number and cells, as many as there are names.
    pub rows: Vec<(u64, Vec<String>)>,
    /// What was taken for what, for people; nothing for UTF-8 with commas.
    pub notes: Vec<String>,
}

/// Reads the table `file`. `is_known` says which names of columns are expected.
///
/// # Errors
///
/// [`CorpusError::Io`] where it cannot be read; [`CorpusError::Table`] where it is
/// not text, or a line has more or fewer fields than the first.
pub(crate) fn read(file: &Path, is_known: impl Fn(&str) -> bool) -> Result<Table, CorpusError> {
    let bytes = std::fs::read(file).map_err(CorpusError::io(file, "cannot read the table"))?;
    let wrong = |line, what| CorpusError::Table {
        path: file.to_path_buf(),
        line,
        what,
    };
    let mut notes = Vec::new();
    let text = text(&bytes, &mut notes).map_err(|what| wrong(None, what))?;
    let (stated, text, skipped) = match first_line_of_excel(&text) {
        Some((separator, rest)) => (Some(separator), rest, 1),
        None => (None, text.as_str(), 0),
    };
    let separator = stated.unwrap_or_else(|| separator(text, &is_known));
    match separator {
        b';' => notes.push("separated by semicolons".to_owned()),
        b'\t' => notes.push("separated by tabs".to_owned()),
        _ => {}
    }
    let (head, mut rows) =
        cells(text, separator).map_err(|(line, what)| wrong(line.map(|n| n + skipped), what))?;
    for (line, _) in &mut rows {
        *line += skipped;
    }
    Ok(Table {
        head,
        head_line: 1 + skipped,
        rows,
        notes,
    })
}

/// The text of a file in whichever encoding.
fn text(bytes: &[u8], notes: &mut Vec<String>) -> Result<String, String> {
    if bytes.starts_with(b"PK\x03\x04") || bytes.starts_with(b"\xd0\xcf\x11\xe0") {
        return Err(
            "a workbook of a spreadsheet, not a table of text; save it as CSV (UTF-8) and give \
             that file"
                .to_owned(),
        );
    }
    let (text, encoding, damaged) = encoding(bytes).decode(bytes);
    if damaged || text.contains('\0') {
        return Err("not a table of text; a manifest is a CSV file".to_owned());
    }
    if encoding != UTF_8 {
        notes.push(format!("encoded as {}", name(encoding)));
    }
    // Else the lines of the reader's positions are counted too late.
    Ok(text.replace("\r\n", "\n").replace('\r', "\n"))
}

fn encoding(bytes: &[u8]) -> &'static Encoding {
    if let Some((encoding, _)) = Encoding::for_bom(bytes) {
        return encoding;
    }
    // Text of UTF-16 has a zero in every second byte where it has Latin letters.
    let zeros = |first: usize| bytes.iter().skip(first).step_by(2).filter(|b| **b == 0);
    let [even, odd] = [0, 1].map(|first| zeros(first).count());
    let most = bytes.len() / 4;
    match (even, odd) {
        (0, 0) if std::str::from_utf8(bytes).is_ok() => UTF_8,
        (0, 0) => WINDOWS_1252,
        (_, odd) if odd > most => UTF_16LE,
        (even, _) if even > most => UTF_16BE,
        _ => UTF_8,
    }
}

fn name(encoding: &'static Encoding) -> &'static str {
    match encoding == WINDOWS_1252 {
        true => "Windows-1252, because it is not UTF-8",
        false => encoding.name(),
    }
}

/// Excel's line `sep=;` in front of a table, and what follows it.
fn first_line_of_excel(text: &str) -> Option<(u8, &str)> {
    let (first, rest) = text.split_once('\n')?;
    match first.trim().to_ascii_lowercase().strip_prefix("sep=")? {
        "," => Some((b',', rest)),
        ";" => Some((b';', rest)),
        "" | "\\t" => Some((b'\t', rest)),
        _ => None,
    }
}

/// The separator that finds the most expected names in the first line, else the
/// most names.
fn separator(text: &str, is_known: &impl Fn(&str) -> bool) -> u8 {
    let count = |separator: u8| {
        let head = cells(text.lines().next().unwrap_or(""), separator);
        let names = head.map_or(Vec::new(), |(head, _)| head);
        let known = names.iter().filter(|name| is_known(name)).count();
        (known, names.len())
    };
    let mut best = (b',', count(b','));
    for separator in [b';', b'\t'] {
        let found = count(separator);
        if found > best.1 {
            best = (separator, found);
        }
    }
    best.0
}

type Cells = (Vec<String>, Vec<(u64, Vec<String>)>);

/// The names and the rows, or what is wrong in which line.
fn cells(text: &str, separator: u8) -> Result<Cells, (Option<u64>, String)> {
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(separator)
        .trim(csv::Trim::All)
        .flexible(true)
        .has_headers(false)
        .from_reader(text.as_bytes());
    let mut head: Vec<String> = Vec::new();
    let mut rows = Vec::new();
    for record in reader.records() {
        let record = record.map_err(|error| {
            let line = error.position().map(csv::Position::line);
            (line, format!("cannot be read: {error}"))
        })?;
        let line = record.position().map_or(0, csv::Position::line);
        let mut fields: Vec<String> = record.iter().map(str::to_owned).collect();
        if head.is_empty() {
            while fields.last().is_some_and(String::is_empty) {
                fields.pop();
            }
            head = fields;
            continue;
        }
        if fields.iter().all(String::is_empty) {
            continue;
        }
        while fields.len() > head.len() && fields.last().is_some_and(String::is_empty) {
            fields.pop();
        }
        if fields.len() != head.len() {
            let (has, expected) = (fields.len(), head.len());
            let what = format!("has {has} fields, but the first line has {expected}");
            return Err((Some(line), what));
        }
        rows.push((line, fields));
    }
    Ok((head, rows))
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: [&str; 3] = ["path", "label", "speaker"];

    fn table(bytes: &[u8]) -> Result<Table, CorpusError> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), bytes).unwrap();
        read(file.path(), |name| KNOWN.contains(&name))
    }

    fn in_utf16(text: &str, mark: bool, bytes: impl Fn(u16) -> [u8; 2]) -> Vec<u8> {
        let mark = mark.then_some(0xfeff);
        mark.into_iter()
            .chain(text.encode_utf16())
            .flat_map(bytes)
            .collect()
    }

    #[test]
    fn every_encoding_and_separator_gives_the_same_cells() {
        let text = "path,label,speaker\r\nGäste.wav,wütend,\"Ann, B\"\r\n";
        let semicolons = "path;label;speaker\r\nGäste.wav;wütend;Ann, B\r\n";
        let tabs = semicolons.replace(';', "\t");
        let mut latin = Vec::new();
        for c in text.chars() {
            latin.push(u8::try_from(u32::from(c)).unwrap());
        }
        let with_mark = format!("\u{feff}{text}");
        for (bytes, notes) in [
            (text.as_bytes().to_vec(), vec![]),
            (with_mark.into_bytes(), vec![]),
            (
                semicolons.as_bytes().to_vec(),
                vec!["separated by semicolons"],
            ),
            (tabs.as_bytes().to_vec(), vec!["separated by tabs"]),
            (
                format!("sep=;\n{semicolons}").into_bytes(),
                vec!["separated by semicolons"],
            ),
            (
                format!("{semicolons};;\n\n").into_bytes(),
                vec!["separated by semicolons"],
            ),
            (
                in_utf16(text, true, u16::to_le_bytes),
                vec!["encoded as UTF-16LE"],
            ),
            (
                in_utf16(text, true, u16::to_be_bytes),
                vec!["encoded as UTF-16BE"],
            ),
            (
                in_utf16(text, false, u16::to_le_bytes),
                vec!["encoded as UTF-16LE"],
            ),
            (
                in_utf16(text, false, u16::to_be_bytes),
                vec!["encoded as UTF-16BE"],
            ),
            (
                latin,
                vec!["encoded as Windows-1252, because it is not UTF-8"],
            ),
        ] {
            let table = table(&bytes).unwrap();
            assert_eq!(table.head, KNOWN, "{bytes:?}");
            let row = ["Gäste.wav", "wütend", "Ann, B"].map(String::from).to_vec();
            assert_eq!(table.rows, [(table.head_line + 1, row)], "{bytes:?}");
            assert_eq!(table.notes, notes);
        }
    }

    #[test]
    fn what_is_not_text_is_refused_with_what_to_do() {
        for (bytes, what) in [
            (&b"PK\x03\x04 and so on"[..], "save it as CSV"),
            (b"RIFF\x10\0\x07\0WAVE\xff\xff", "not a table of text"),
            (b"\xff\xfea\0\0\xd8b\0", "not a table of text"),
        ] {
            let error = table(bytes).err().unwrap().to_string();
            assert!(error.contains(what), "{error}");
        }
    }

    #[test]
    fn a_line_with_another_number_of_fields_is_an_error_with_its_number() {
        let error = table(b"sep=,\npath,label\na.wav,joy\nb.wav,joy,ann\n")
            .err()
            .unwrap();
        let error = error.to_string();
        assert!(
            error.ends_with(", line 4: has 3 fields, but the first line has 2"),
            "{error}"
        );
    }
}
