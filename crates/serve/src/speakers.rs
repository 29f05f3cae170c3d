//! Enrolled speakers by name: in memory, or as files in a folder.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use live::Profile;
use serde::{Deserialize, Serialize};

use crate::ServeError;

/// Speakers at most, so that memory is bounded.
const AT_MOST: usize = 10_000;

#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Speaker {
    /// The model that the profile was made with.
    pub(crate) model: String,
    pub(crate) profile: Profile,
}

pub(crate) struct Speakers {
    known: Mutex<BTreeMap<String, Speaker>>,
    folder: Option<PathBuf>,
}

/// Letters, digits, spaces, `-` and `_`: no name is a path.
pub(crate) fn is_name(name: &str) -> bool {
    let allowed = |c: char| c.is_alphanumeric() || " -_".contains(c);
    !name.trim().is_empty() && name.chars().count() <= 64 && name.chars().all(allowed)
}

impl Speakers {
    /// Those in a folder, which is made; a file that is not one of ours is an error.
    pub(crate) fn open(folder: Option<PathBuf>) -> Result<Self, ServeError> {
        let mut known = BTreeMap::new();
        if let Some(folder) = &folder {
            let failed = |path: &PathBuf| {
                let path = path.clone();
                move |source| ServeError::Io { path, source }
            };
            std::fs::create_dir_all(folder).map_err(failed(folder))?;
            for entry in std::fs::read_dir(folder).map_err(failed(folder))? {
                let path = entry.map_err(failed(folder))?.path();
                let name = path
                    .file_stem()
                    .map(|name| name.to_string_lossy().into_owned());
                let Some(name) = name.filter(|_| path.extension().is_some_and(|e| e == "json"))
                else {
                    continue;
                };
                let text = std::fs::read_to_string(&path).map_err(failed(&path))?;
                let speaker: Speaker = serde_json::from_str(&text)
                    .map_err(|error| failed(&path)(std::io::Error::other(error)))?;
                known.insert(name, speaker);
            }
        }
        Ok(Self {
            known: Mutex::new(known),
            folder,
        })
    }

    pub(crate) fn get(&self, name: &str) -> Option<Speaker> {
        self.lock().get(name).cloned()
    }

    pub(crate) fn all(&self) -> Vec<(String, Speaker)> {
        self.lock().clone().into_iter().collect()
    }

    /// Adds or replaces one.
    pub(crate) fn set(&self, name: &str, speaker: Speaker) -> std::io::Result<()> {
        let mut known = self.lock();
        if known.len() >= AT_MOST && !known.contains_key(name) {
            return Err(std::io::Error::other(
                "there are too many speakers; delete some",
            ));
        }
        if let Some(folder) = &self.folder {
            let text = serde_json::to_string(&speaker)?;
            let path = folder.join(format!("{name}.json"));
            audio::write_atomically(&path, text.as_bytes())?;
        }
        known.insert(name.to_owned(), speaker);
        Ok(())
    }

    /// Whether there was one.
    pub(crate) fn delete(&self, name: &str) -> std::io::Result<bool> {
        let mut known = self.lock();
        if known.remove(name).is_none() {
            return Ok(false);
        }
        match &self.folder {
            Some(folder) => {
                std::fs::remove_file(folder.join(format!("{name}.json"))).map(|()| true)
            }
            None => Ok(true),
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Speaker>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
