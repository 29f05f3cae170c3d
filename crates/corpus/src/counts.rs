//! How many clips a corpus has, by label and by speaker, as a table.

use std::collections::HashMap;
use std::fmt;

use crate::Corpus;

/// How many clips there are by label and by speaker. Displays as a table.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counts {
    /// Label and number of clips, in the card's order.
    pub labels: Vec<(String, usize)>,
    /// Speaker and number of clips of each label, in the order of speakers.
    pub speakers: Vec<(String, Vec<usize>)>,
}

impl Corpus {
    /// How many clips there are by label and by speaker.
    pub fn counts(&self) -> Counts {
        let names = self.card.label_names();
        let mut totals = vec![0; names.len()];
        let mut speakers: Vec<(String, Vec<usize>)> = (self.speakers().into_iter())
            .map(|speaker| (speaker, vec![0; names.len()]))
            .collect();
        let place: HashMap<String, usize> = (speakers.iter().enumerate())
            .map(|(i, (speaker, _))| (speaker.clone(), i))
            .collect();
        for clip in &self.clips {
            totals[clip.label] += 1;
            speakers[place[&clip.speaker]].1[clip.label] += 1;
        }
        Counts {
            labels: names.into_iter().zip(totals).collect(),
            speakers,
        }
    }
}

impl Counts {
    /// The table with at most `most` speakers, and a line that says how many more
    /// there are.
    pub fn short(&self, most: usize) -> String {
        let more = self.speakers.len().saturating_sub(most);
        let mut text = String::new();
        for (line, row) in self.to_string().lines().enumerate() {
            // Line 0 is the head. The last line, the sum, is always kept.
            if line > most && line <= most + more {
                if line == most + 1 {
                    text += &format!("... and {more} more speakers\n");
                }
                continue;
            }
            text += row;
            text.push('\n');
        }
        text
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let speaker_width = (self.speakers.iter())
            .map(|(s, _)| s.chars().count())
            .chain([7])
            .max()
            .unwrap_or(7);
        let widths: Vec<usize> = (self.labels.iter())
            .map(|(name, _)| name.chars().count().max(5))
            .collect();
        write!(f, "{:speaker_width$}", "speaker")?;
        for ((name, _), width) in self.labels.iter().zip(&widths) {
            write!(f, "  {name:>width$}")?;
        }
        writeln!(f, "  {:>5}", "all")?;
        let total: Vec<usize> = self.labels.iter().map(|(_, n)| *n).collect();
        let rows = (self.speakers.iter()).map(|(s, counts)| (s.as_str(), counts));
        for (speaker, counts) in rows.chain([("all", &total)]) {
            write!(f, "{speaker:>speaker_width$}")?;
            for (count, width) in counts.iter().zip(&widths) {
                write!(f, "  {count:>width$}")?;
            }
            writeln!(f, "  {:>5}", counts.iter().sum::<usize>())?;
        }
        Ok(())
    }
}
