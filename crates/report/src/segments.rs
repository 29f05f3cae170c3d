//! Segments of recordings in the formats of other programs.
//!
//! | format | read by |
//! |---|---|
//! | RTTM | diarization tools (pyannote, dscore, SpeechBrain): ten fields a line |
//! | Audacity | labels: start, end, name, separated by tabs |
//! | WebVTT, SRT | players, as subtitles |
//! | TextGrid | Praat: intervals that tile the recording |
//! | EAF | ELAN: a tier a speaker, times in whole milliseconds |
//!
//! CSV and Parquet are made with [`Records`].

use crate::escape::escaped;
use crate::tables::{Kind, Records, Value};

/// A stretch of a recording.
#[derive(Clone, Debug, PartialEq)]
pub struct Segment {
    /// When it begins, in seconds.
    pub start: f64,
    /// When it ends.
    pub end: f64,
    /// The label; none where there is none.
    pub label: Option<String>,
    /// Whether somebody speaks.
    pub speech: bool,
    /// Why there is no label, or `label`: `no_speech`, `too_little`, `unsure`.
    pub verdict: &'static str,
    /// The probability of every label.
    pub probabilities: Vec<f32>,
    /// How far it is from the training data.
    pub unfamiliarity: Option<f32>,
    /// Who speaks, if that is known.
    pub speaker: Option<String>,
}

impl Segment {
    /// What it is called where there is always a name.
    fn name(&self) -> &str {
        match (&self.label, self.speech) {
            (Some(label), _) => label,
            (None, true) if self.verdict == "too_little" => "too short",
            (None, true) => "unsure",
            (None, false) => "",
        }
    }
}

/// Segments with a label as RTTM. `name` is that of the recording, without spaces.
///
/// ```
/// use report::segments::{Segment, rttm};
///
/// let segment = Segment {
///     start: 0.5,
///     end: 2.0,
///     label: Some("calm".into()),
///     speech: true,
///     verdict: "label",
///     probabilities: vec![0.75],
///     unfamiliarity: None,
///     speaker: None,
/// };
/// assert_eq!(rttm("a b", &[segment]), "SPEAKER a_b 1 0.500 1.500 <NA> <NA> calm <NA> <NA>\n");
/// ```
pub fn rttm(name: &str, segments: &[Segment]) -> String {
    let name = name.replace(char::is_whitespace, "_");
    let line = |segment: &Segment| {
        let label = segment.label.as_ref()?.replace(char::is_whitespace, "_");
        let (start, length) = (segment.start, segment.end - segment.start);
        Some(format!(
            "SPEAKER {name} 1 {start:.3} {length:.3} <NA> <NA> {label} <NA> <NA>\n"
        ))
    };
    segments.iter().filter_map(line).collect()
}

/// Segments of speech as Audacity's labels.
pub fn audacity(segments: &[Segment]) -> String {
    let spoken = segments.iter().filter(|segment| segment.speech);
    spoken
        .map(|s| format!("{:.6}\t{:.6}\t{}\n", s.start, s.end, s.name()))
        .collect()
}

/// Segments of speech as WebVTT.
pub fn vtt(segments: &[Segment]) -> String {
    let mut text = "WEBVTT\n".to_owned();
    for segment in segments.iter().filter(|segment| segment.speech) {
        let (start, end) = (clock(segment.start, '.'), clock(segment.end, '.'));
        text += &format!("\n{start} --> {end}\n{}\n", segment.name());
    }
    text
}

/// Segments of speech as SRT.
pub fn srt(segments: &[Segment]) -> String {
    let spoken = segments.iter().filter(|segment| segment.speech);
    spoken
        .enumerate()
        .map(|(index, segment)| {
            let (start, end) = (clock(segment.start, ','), clock(segment.end, ','));
            format!("{}\n{start} --> {end}\n{}\n\n", index + 1, segment.name())
        })
        .collect()
}

/// Segments as a Praat TextGrid with a tier a speaker; those of a speaker must follow
/// each other.
pub fn text_grid(segments: &[Segment]) -> String {
    let speakers = speakers(segments);
    let end = segments.iter().map(|s| s.end).fold(0.0, f64::max);
    let mut text = format!(
        "File type = \"ooTextFile\"\nObject class = \"TextGrid\"\n\nxmin = 0\nxmax = {end}\n\
         tiers? <exists>\nsize = {}\nitem []:\n",
        speakers.len()
    );
    for (tier, speaker) in speakers.into_iter().enumerate() {
        let own = segments.iter().filter(|s| s.speaker.as_deref() == speaker);
        let own: Vec<&Segment> = own.collect();
        text += &format!(
            "    item [{}]:\n        class = \"IntervalTier\"\n        name = \"{}\"\n        \
             xmin = 0\n        xmax = {end}\n        intervals: size = {}\n",
            tier + 1,
            tier_name(speaker).replace('"', "\"\""),
            own.len()
        );
        for (index, segment) in own.iter().enumerate() {
            text += &format!(
                "        intervals [{}]:\n            xmin = {}\n            xmax = {}\n            \
                 text = \"{}\"\n",
                index + 1,
                segment.start,
                segment.end,
                segment.name().replace('"', "\"\"")
            );
        }
    }
    text
}

/// The speakers of segments, in the order of their first ones.
fn speakers(segments: &[Segment]) -> Vec<Option<&str>> {
    let mut speakers: Vec<Option<&str>> = Vec::new();
    for segment in segments {
        let speaker = segment.speaker.as_deref();
        if !speakers.contains(&speaker) {
            speakers.push(speaker);
        }
    }
    speakers
}

fn tier_name(speaker: Option<&str>) -> String {
    match speaker {
        Some(speaker) => format!("emotion@{speaker}"),
        None => "emotion".to_owned(),
    }
}

/// Segments of speech for ELAN, a tier a speaker; `media` is the recording's path.
pub fn eaf(media: &str, segments: &[Segment]) -> String {
    let spoken: Vec<&Segment> = segments.iter().filter(|segment| segment.speech).collect();
    let milliseconds = |seconds: f64| (seconds * 1000.0).round() as u64;
    let mut slots = String::new();
    for (index, segment) in spoken.iter().enumerate() {
        for (slot, time) in [(2 * index + 1, segment.start), (2 * index + 2, segment.end)] {
            let time = milliseconds(time);
            slots +=
                &format!("        <TIME_SLOT TIME_SLOT_ID=\"ts{slot}\" TIME_VALUE=\"{time}\"/>\n");
        }
    }
    let mut tiers = String::new();
    for speaker in speakers(segments) {
        tiers += &format!(
            "    <TIER LINGUISTIC_TYPE_REF=\"emotion\" TIER_ID=\"{}\">\n",
            escaped(&tier_name(speaker))
        );
        let own = spoken.iter().enumerate();
        for (index, segment) in own.filter(|(_, segment)| segment.speaker.as_deref() == speaker) {
            tiers += &format!(
                "        <ANNOTATION>\n            <ALIGNABLE_ANNOTATION ANNOTATION_ID=\"a{}\" \
                 TIME_SLOT_REF1=\"ts{}\" TIME_SLOT_REF2=\"ts{}\">\n                \
                 <ANNOTATION_VALUE>{}</ANNOTATION_VALUE>\n            \
                 </ALIGNABLE_ANNOTATION>\n        </ANNOTATION>\n",
                index + 1,
                2 * index + 1,
                2 * index + 2,
                escaped(segment.name())
            );
        }
        tiers += "    </TIER>\n";
    }
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<ANNOTATION_DOCUMENT AUTHOR=\"affekt\" \
         DATE=\"1970-01-01T00:00:00+00:00\" FORMAT=\"3.0\" VERSION=\"3.0\" \
         xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" \
         xsi:noNamespaceSchemaLocation=\"http://www.mpi.nl/tools/elan/EAFv3.0.xsd\">\n    \
         <HEADER MEDIA_FILE=\"\" TIME_UNITS=\"milliseconds\">\n        <MEDIA_DESCRIPTOR \
         MEDIA_URL=\"{0}\" MIME_TYPE=\"unknown\" RELATIVE_MEDIA_URL=\"{0}\"/>\n    </HEADER>\n    \
         <TIME_ORDER>\n{slots}    </TIME_ORDER>\n{tiers}    <LINGUISTIC_TYPE \
         GRAPHIC_REFERENCES=\"false\" LINGUISTIC_TYPE_ID=\"emotion\" \
         TIME_ALIGNABLE=\"true\"/>\n</ANNOTATION_DOCUMENT>\n",
        escaped(media)
    )
}

/// A table with a row for each segment; `labels` are the names of the probabilities.
/// Rows are added with [`row`].
pub fn records(labels: &[String]) -> Records {
    let first = [
        ("path", Kind::Text),
        ("start", Kind::Number),
        ("end", Kind::Number),
        ("label", Kind::Text),
        ("verdict", Kind::Text),
        ("speech", Kind::Number),
        ("unfamiliarity", Kind::Number),
        ("speaker", Kind::Text),
    ];
    let first = first.map(|(name, kind)| (name.to_owned(), kind));
    let labels = labels
        .iter()
        .map(|label| (format!("p_{label}"), Kind::Number));
    Records::new(first.into_iter().chain(labels))
}

/// The row of a segment in [`records`].
pub fn row(path: &str, segment: &Segment) -> Vec<Value> {
    let first = [
        Value::Text(path.to_owned()),
        Value::Number(segment.start),
        Value::Number(segment.end),
        Value::text(segment.label.as_deref()),
        Value::Text(segment.verdict.to_owned()),
        Value::Number(f64::from(u8::from(segment.speech))),
        Value::number(segment.unfamiliarity.map(rounded)),
        Value::text(segment.speaker.as_deref()),
    ];
    let probabilities = segment
        .probabilities
        .iter()
        .map(|p| Value::Number(rounded(*p)));
    first.into_iter().chain(probabilities).collect()
}

/// Four decimals: more are not known.
fn rounded(number: f32) -> f64 {
    (f64::from(number) * 1e4).round() / 1e4
}

/// Hours, minutes, seconds and milliseconds.
fn clock(seconds: f64, point: char) -> String {
    let all = (seconds * 1000.0).round() as u64;
    let (hours, minutes) = (all / 3_600_000, all / 60_000 % 60);
    format!(
        "{hours:02}:{minutes:02}:{:02}{point}{:03}",
        all / 1000 % 60,
        all % 1000
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn segments() -> [Segment; 3] {
        let segment = |start, end, label: Option<&str>, speech| Segment {
            start,
            end,
            label: label.map(str::to_owned),
            speech,
            verdict: match (speech, label) {
                (false, _) => "no_speech",
                (true, None) => "unsure",
                (true, Some(_)) => "label",
            },
            probabilities: vec![0.25, 0.75],
            unfamiliarity: Some(0.123_456),
            speaker: None,
        };
        [
            segment(0.0, 1.5, None, false),
            segment(1.5, 3661.25, Some("calm"), true),
            segment(3661.25, 3662.0, None, true),
        ]
    }

    #[test]
    fn subtitles_have_hours_and_milliseconds() {
        assert_eq!(
            vtt(&segments()),
            "WEBVTT\n\n00:00:01.500 --> 01:01:01.250\ncalm\n\n01:01:01.250 --> 01:01:02.000\nunsure\n"
        );
        assert!(srt(&segments()).starts_with("1\n00:00:01,500 --> 01:01:01,250\ncalm\n\n2\n"));
    }

    #[test]
    fn labels_of_audacity_are_separated_by_tabs() {
        assert!(audacity(&segments()).starts_with("1.500000\t3661.250000\tcalm\n"));
    }

    #[test]
    fn intervals_of_praat_tile_the_recording() {
        let grid = text_grid(&segments());
        assert!(grid.contains("intervals: size = 3") && grid.contains("xmax = 3662\n"));
        assert!(
            grid.contains("xmin = 1.5\n            xmax = 3661.25\n            text = \"calm\"")
        );
    }

    #[test]
    fn rows_have_a_column_for_every_label() {
        let mut records = records(&["calm".into(), "sad".into()]);
        records.push(row("a.wav", &segments()[1])).unwrap();
        let csv = String::from_utf8(records.csv().unwrap()).unwrap();
        assert_eq!(
            csv,
            "path,start,end,label,verdict,speech,unfamiliarity,speaker,p_calm,p_sad\n\
             a.wav,1.5,3661.25,calm,label,1,0.1235,,0.25,0.75\n"
        );
    }
}
