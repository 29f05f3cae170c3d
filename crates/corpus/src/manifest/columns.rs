//! The columns of a manifest, by their names and by other names for them.

use crate::error::ensure;

/// The columns, with other names that are in use: those of audformat, pandas,
/// Hugging Face, and of tables that come with corpora.
const COLUMNS: [(&str, &[&str]); 8] = [
    (
        "path",
        &[
            "file",
            "filename",
            "file_name",
            "filepath",
            "file_path",
            "wav",
            "wav_path",
            "audio",
            "audio_path",
        ],
    ),
    ("label", &["emotion", "emotion_label", "class"]),
    (
        "speaker",
        &[
            "speaker_id",
            "speakerid",
            "spk",
            "spk_id",
            "actor",
            "actor_id",
            "subject",
            "subject_id",
        ],
    ),
    ("start", &["start_time", "begin", "onset"]),
    ("end", &["end_time", "stop"]),
    ("split", &["subset", "partition", "set", "part"]),
    ("channel", &[]),
    ("track", &[]),
];
/// What a table is for, by how many of the columns, from the first, must be there.
#[derive(Clone, Copy)]
pub(super) enum Needs {
    /// Path and label.
    Labels = 2,
    /// The speaker, too.
    Speakers = 3,
}

/// Where each column of a table is.
pub(super) struct Columns {
    places: [Option<usize>; COLUMNS.len()],
    /// What was taken for what, and what is not used.
    pub notes: Vec<String>,
}

/// A column's name without what programs write differently.
fn plain(name: &str) -> String {
    name.trim().to_lowercase().replace([' ', '-'], "_")
}

fn column_of(name: &str) -> Option<usize> {
    let name = plain(name);
    COLUMNS
        .iter()
        .position(|(own, others)| *own == name || others.contains(&&*name))
}

/// Whether this is the name of a column of a manifest.
pub(super) fn is_known(name: &str) -> bool {
    column_of(name).is_some()
}

impl Columns {
    /// Finds the columns among the names in the first line. Where one is there under
    /// its own name and under another, its own name decides.
    ///
    /// # Errors
    ///
    /// Where a required column is not there, one is there twice, or a name is almost
    /// that of a column that is missing.
    pub(super) fn find(head: &[String], needs: Needs) -> Result<Self, String> {
        let mut places = [None; COLUMNS.len()];
        for (column, (own, _)) in COLUMNS.iter().enumerate() {
            let all = || (0..head.len()).filter(|&i| column_of(&head[i]) == Some(column));
            let owns: Vec<usize> = all().filter(|&i| plain(&head[i]) == *own).collect();
            let found = if owns.is_empty() {
                all().collect()
            } else {
                owns
            };
            ensure!(
                found.len() < 2,
                "there are {} columns for the {own}: {}; rename or remove all but one",
                found.len(),
                found
                    .iter()
                    .map(|&i| head[i].as_str())
                    .collect::<Vec<_>>()
                    .join(", ")
            );
            places[column] = found.first().copied();
        }
        let unused: Vec<&str> = (0..head.len())
            .filter(|i| !places.contains(&Some(*i)) && !head[*i].is_empty())
            .map(|i| head[i].as_str())
            .collect();
        for name in &unused {
            let near = (COLUMNS.iter().zip(places)).find(|((own, _), place)| {
                place.is_none() && strsim::osa_distance(own, &plain(name)) == 1
            });
            if let Some(((own, _), _)) = near {
                return Err(format!(
                    "there is a column {name:?}, but none of the name {own}; if it is the {own}, \
                     rename it, else give it a name that is less similar"
                ));
            }
        }
        for ((own, others), place) in COLUMNS.iter().zip(places).take(needs as usize) {
            ensure!(
                place.is_some(),
                "there is no column {own} (or {}); the first line is path,label,speaker and, if \
                 needed, start, end, split, channel and track; here it is {}",
                others.join(", "),
                head.join(", ")
            );
        }
        let mut notes = Vec::new();
        let renamed: Vec<String> = (COLUMNS.iter().zip(places))
            .filter_map(|((own, _), place)| {
                let name = &head[place?];
                (plain(name) != *own).then(|| format!("{name} as the {own}"))
            })
            .collect();
        if !renamed.is_empty() {
            notes.push(format!("columns: {}", renamed.join(", ")));
        }
        if !unused.is_empty() {
            notes.push(format!("columns that are not used: {}", unused.join(", ")));
        }
        if head.iter().any(String::is_empty) {
            notes.push("a column without a name is not used; an index, as a rule".to_owned());
        }
        Ok(Self { places, notes })
    }

    /// The fields of a row in the order path, label, speaker, start, end, split,
    /// channel, track; none where they are empty.
    pub(super) fn fields<'a>(&self, row: &'a [String]) -> [Option<&'a str>; COLUMNS.len()] {
        self.places.map(|place| {
            let field = row.get(place?)?.as_str();
            (!field.is_empty()).then_some(field)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(head: &str) -> Result<Columns, String> {
        let head: Vec<String> = head.split(',').map(str::to_owned).collect();
        Columns::find(&head, Needs::Speakers)
    }

    #[test]
    fn other_names_for_columns_are_taken_and_told() {
        let columns = find("file,Speaker ID,Emotion,subset").unwrap();
        let row = ["a.wav", "m1", "", "dev"].map(String::from);
        let fields = columns.fields(&row);
        assert_eq!(fields[..3], [Some("a.wav"), None, Some("m1")]);
        assert_eq!(fields[5], Some("dev"));
        let notes = "columns: file as the path, Emotion as the label, Speaker ID as the speaker, \
                     subset as the split";
        assert_eq!(columns.notes, [notes]);
    }

    #[test]
    fn an_index_and_columns_of_other_programs_are_not_used() {
        let columns = find(",path,label,emotion,speaker,gender").unwrap();
        assert_eq!(
            columns.notes[0],
            "columns that are not used: emotion, gender"
        );
        let row = ["0", "a.wav", "joy", "1", "ann", "f"].map(String::from);
        assert_eq!(
            columns.fields(&row)[..3],
            [Some("a.wav"), Some("joy"), Some("ann")]
        );
    }

    #[test]
    fn what_is_not_plain_is_an_error() {
        for (head, what) in [
            ("path,label", "there is no column speaker"),
            ("path,label,speaker,label", "2 columns for the label"),
            (
                "file,filename,label,speaker",
                "2 columns for the path: file, filename",
            ),
            (
                "path,label,speaker,spilt",
                "a column \"spilt\", but none of the name split",
            ),
        ] {
            let error = find(head).err().unwrap();
            assert!(error.contains(what), "{error}");
        }
    }
}
