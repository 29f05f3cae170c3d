//! Features that were extracted before, kept on disk.
//!
//! A store is a folder with one small file for each clip and settings. A file's
//! name is a SHA-256 of everything that its features depend on: the bytes of
//! the recording, the excerpt, the feature settings, the variant, the version of
//! this crate. So nothing is ever out of date, copies of a recording share
//! their features, and a changed recording or setting simply has another name.
//!
//! Several processes may use one store at once: a file appears whole, under its
//! final name, or not at all; who writes it last wins with the same content. A
//! damaged file counts as missing.
//!
//! The store has a size limit. [`FeatureStore::trim`] removes the files that
//! were not used for the longest time.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use audio::{Features, Frames};
use recurrent::parameters::{Array, Parameters};
use sha2::{Digest, Sha256};

use crate::TrainingError;

/// The ending of the files of a store; nothing else is ever removed.
const ENDING: &str = "features";
/// A temporary file that is older than this was left by a process that was killed.
const ABANDONED: Duration = Duration::from_secs(24 * 3600);

/// A folder of extracted features.
#[derive(Clone, Debug)]
pub struct FeatureStore {
    folder: PathBuf,
    limit: u64,
}

/// What a store holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Files, each the features of one clip in one variant.
    pub clips: u64,
    /// Their size in bytes.
    pub bytes: u64,
}

/// Everything that some features depend on, as one hash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Key(String);

impl Key {
    /// The key of these parts, which are told apart by their lengths.
    pub fn new(parts: &[&[u8]]) -> Self {
        let mut hash = Sha256::new();
        hash.update(env!("CARGO_PKG_VERSION"));
        for part in parts {
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part);
        }
        Key(hex(&hash.finalize()))
    }
}

/// The SHA-256 of a file's bytes; none where it cannot be read.
pub(crate) fn content(path: &Path) -> Option<[u8; 32]> {
    let mut file = fs::File::open(path).ok()?;
    let mut hash = Sha256::new();
    std::io::copy(&mut file, &mut hash).ok()?;
    Some(hash.finalize().into())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

impl FeatureStore {
    /// Bytes that a store holds at most unless another limit is given: 4 GiB.
    pub const LIMIT: u64 = 4 << 30;

    /// The store in this folder, which is made when the first features are kept.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self {
            folder: folder.into(),
            limit: Self::LIMIT,
        }
    }

    /// The same store with another size limit in bytes.
    pub fn with_limit(self, limit: u64) -> Self {
        Self { limit, ..self }
    }

    /// The user's store: in the folder that the environment variable
    /// `AFFEKT_CACHE_DIR` names, else `affekt/features` in the system's folder
    /// for caches. `AFFEKT_CACHE_LIMIT` is its limit in GiB.
    ///
    /// # Errors
    ///
    /// [`TrainingError::Settings`] where the system has no such folder, or the
    /// limit is not a number.
    pub fn of_user() -> Result<Self, TrainingError> {
        let folder = match std::env::var_os("AFFEKT_CACHE_DIR") {
            Some(folder) => Some(PathBuf::from(folder)),
            None => dirs::cache_dir().map(|caches| caches.join("affekt").join("features")),
        };
        let folder = folder.ok_or_else(|| {
            TrainingError::settings(
                "this system has no folder for caches; name one in AFFEKT_CACHE_DIR",
            )
        })?;
        let store = Self::new(folder);
        let Ok(limit) = std::env::var("AFFEKT_CACHE_LIMIT") else {
            return Ok(store);
        };
        match limit.trim().parse::<f64>() {
            Ok(gibibytes) if gibibytes >= 0.0 => {
                Ok(store.with_limit((gibibytes * (1u64 << 30) as f64) as u64))
            }
            _ => Err(TrainingError::settings(format!(
                "AFFEKT_CACHE_LIMIT={limit} is not a number of GiB"
            ))),
        }
    }

    /// Where it is.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Bytes that it holds at most.
    pub fn limit(&self) -> u64 {
        self.limit
    }

    /// How much it holds now.
    ///
    /// # Errors
    ///
    /// [`TrainingError::Io`] where the folder cannot be listed.
    pub fn usage(&self) -> Result<Usage, TrainingError> {
        let files = self.files()?;
        Ok(Usage {
            clips: files.len() as u64,
            bytes: files.iter().map(|file| file.bytes).sum(),
        })
    }

    /// Removes everything, and says how much that was.
    ///
    /// # Errors
    ///
    /// [`TrainingError::Io`] where a file cannot be removed.
    pub fn clear(&self) -> Result<Usage, TrainingError> {
        self.remove(self.files()?)
    }

    /// Removes the files that were not used for the longest time until the
    /// store is within its limit, and says how much that was.
    ///
    /// # Errors
    ///
    /// [`TrainingError::Io`] where a file cannot be removed.
    pub fn trim(&self) -> Result<Usage, TrainingError> {
        let mut files = self.files()?;
        let mut total: u64 = files.iter().map(|file| file.bytes).sum();
        files.sort_by_key(|file| file.used);
        files.retain(|file| {
            let too_much = total > self.limit;
            if too_much {
                total -= file.bytes;
            }
            too_much
        });
        self.remove(files)
    }

    /// The features under a key, where they are kept.
    pub(crate) fn get(&self, key: &Key) -> Option<Features> {
        let path = self.path(key);
        let bytes = fs::read(&path).ok()?;
        let (mut arrays, _) = model::deserialize(&bytes, "features").ok()?;
        let frames = arrays.remove("frames")?;
        let functionals = arrays.remove("functionals")?;
        let &[rows, columns] = frames.shape.as_slice() else {
            return None;
        };
        if rows * columns != frames.values.len() {
            return None;
        }
        // What was used last goes last when room is needed. It does not matter
        // where the file system keeps no such times.
        let _ = fs::File::open(&path).and_then(|file| file.set_modified(SystemTime::now()));
        Some(Features::new(
            Frames::new(frames.values, columns),
            functionals.values,
        ))
    }

    /// Keeps features under a key.
    ///
    /// # Errors
    ///
    /// [`TrainingError::Io`] where they cannot be written.
    pub(crate) fn put(&self, key: &Key, features: &Features) -> Result<(), TrainingError> {
        let array = |shape: &[usize], values: &[f32]| Array {
            shape: shape.to_vec(),
            values: values.to_vec(),
        };
        let frames = &features.frames;
        let arrays = Parameters::from([
            (
                "frames".to_owned(),
                array(&[frames.len(), frames.columns()], frames.data()),
            ),
            (
                "functionals".to_owned(),
                array(&[features.functionals.len()], &features.functionals),
            ),
        ]);
        let bytes = model::serialize(&arrays, HashMap::new())?;
        let path = self.path(key);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(TrainingError::io(folder))?;
        }
        audio::write_atomically(&path, &bytes).map_err(TrainingError::io(&path))
    }

    /// Two letters of the key are a folder, so that none holds too many files.
    fn path(&self, Key(key): &Key) -> PathBuf {
        let (folder, name) = key.split_at(2);
        self.folder.join(folder).join(format!("{name}.{ENDING}"))
    }

    fn files(&self) -> Result<Vec<Kept>, TrainingError> {
        let mut files = Vec::new();
        for folder in entries(&self.folder)? {
            if !folder.is_dir() {
                continue;
            }
            for path in entries(&folder)? {
                // Another process may have removed it since.
                let Ok(metadata) = path.metadata() else {
                    continue;
                };
                let used = metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH);
                let is_kept = path.extension().is_some_and(|ending| ending == ENDING);
                if is_kept {
                    files.push(Kept {
                        bytes: metadata.len(),
                        path,
                        used,
                    });
                } else if used.elapsed().is_ok_and(|age| age > ABANDONED) {
                    let _ = fs::remove_file(&path);
                }
            }
        }
        Ok(files)
    }

    fn remove(&self, files: Vec<Kept>) -> Result<Usage, TrainingError> {
        let mut removed = Usage::default();
        for Kept { path, bytes, .. } in files {
            match fs::remove_file(&path) {
                Ok(()) => {
                    removed.clips += 1;
                    removed.bytes += bytes;
                }
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                Err(error) => return Err(TrainingError::io(&path)(error)),
            }
        }
        Ok(removed)
    }
}

/// A file of the store.
struct Kept {
    path: PathBuf,
    bytes: u64,
    used: SystemTime,
}

/// What a folder holds; nothing where it does not exist.
fn entries(folder: &Path) -> Result<Vec<PathBuf>, TrainingError> {
    let listed = match fs::read_dir(folder) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        listed => listed.map_err(TrainingError::io(folder))?,
    };
    listed
        .map(|entry| Ok(entry.map_err(TrainingError::io(folder))?.path()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn features(value: f32) -> Features {
        Features::new(
            Frames::new(vec![value, 1.0, f32::MIN_POSITIVE, -0.0], 2),
            vec![value; 3],
        )
    }

    fn key(name: &str) -> Key {
        Key::new(&[name.as_bytes()])
    }

    #[test]
    fn features_come_back_to_the_last_bit() {
        let folder = tempfile::tempdir().unwrap();
        let store = FeatureStore::new(folder.path());
        assert!(store.get(&key("a")).is_none());
        store.put(&key("a"), &features(0.1)).unwrap();
        assert_eq!(store.get(&key("a")).unwrap(), features(0.1));
        assert!(store.get(&key("b")).is_none());
    }

    #[test]
    fn keys_differ_where_any_part_or_its_border_does() {
        let keys = [
            Key::new(&[b"ab", b"c"]),
            Key::new(&[b"a", b"bc"]),
            Key::new(&[b"abc"]),
            Key::new(&[b"abc", b""]),
        ];
        for (index, key) in keys.iter().enumerate() {
            assert!(!keys[index + 1..].contains(key), "{index}");
        }
    }

    #[test]
    fn a_damaged_file_counts_as_missing_and_is_written_anew() {
        let folder = tempfile::tempdir().unwrap();
        let store = FeatureStore::new(folder.path());
        store.put(&key("a"), &features(0.1)).unwrap();
        let path = store.path(&key("a"));
        let whole = fs::read(&path).unwrap();
        for length in 0..whole.len() {
            fs::write(&path, &whole[..length]).unwrap();
            assert!(store.get(&key("a")).is_none(), "cut at byte {length}");
        }
        store.put(&key("a"), &features(0.2)).unwrap();
        assert_eq!(store.get(&key("a")).unwrap(), features(0.2));
    }

    #[test]
    fn many_writers_of_one_key_leave_one_whole_file() {
        let folder = tempfile::tempdir().unwrap();
        let store = FeatureStore::new(folder.path());
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..20 {
                        store.put(&key("a"), &features(0.1)).unwrap();
                        assert_eq!(store.get(&key("a")).unwrap(), features(0.1));
                    }
                });
            }
        });
        assert_eq!(store.usage().unwrap().clips, 1);
        assert_eq!(
            entries(&store.folder.join(&key("a").0[..2])).unwrap().len(),
            1
        );
    }

    #[test]
    fn trimming_removes_what_was_not_used_for_the_longest_time() {
        let folder = tempfile::tempdir().unwrap();
        let store = FeatureStore::new(folder.path());
        for (name, age) in [("old", 300), ("used", 200), ("new", 100)] {
            store.put(&key(name), &features(0.1)).unwrap();
            let file = fs::File::open(store.path(&key(name))).unwrap();
            let time = SystemTime::now() - Duration::from_secs(age);
            file.set_modified(time).unwrap();
        }
        // Being read makes it the youngest.
        store.get(&key("used")).unwrap();
        let Usage { clips, bytes } = store.usage().unwrap();
        assert_eq!(clips, 3);
        let store = store.with_limit(bytes / 3);
        assert_eq!(store.trim().unwrap().clips, 2);
        assert!(store.get(&key("used")).is_some());
        assert_eq!(store.trim().unwrap(), Usage::default());
        assert_eq!(store.clear().unwrap().clips, 1);
        assert_eq!(store.usage().unwrap(), Usage::default());
    }

    #[test]
    fn only_files_of_the_store_are_removed() {
        let folder = tempfile::tempdir().unwrap();
        let store = FeatureStore::new(folder.path());
        store.put(&key("a"), &features(0.1)).unwrap();
        fs::write(folder.path().join("mine.txt"), "mine").unwrap();
        let inner = folder.path().join("ab");
        fs::create_dir_all(&inner).unwrap();
        fs::write(inner.join("mine.txt"), "mine").unwrap();
        store.clear().unwrap();
        assert!(folder.path().join("mine.txt").exists());
        assert!(inner.join("mine.txt").exists());
    }
}
