//! Recordings that are there twice under one name: a copy of the tree inside the
//! tree, or the same recording as WAV and as MP3.

use std::collections::HashMap;
use std::hash::Hash;
use std::path::Path;

use crate::walk::{below, is_lossless_name};

/// For every key the recording that stands for it: one of a lossless kind where
/// there is one, else the first.
pub(crate) struct OneOfEach<'a, K>(HashMap<K, &'a Path>);

impl<'a, K: Eq + Hash> OneOfEach<'a, K> {
    pub(crate) fn new(recordings: impl IntoIterator<Item = (K, &'a Path)>) -> Self {
        let mut kept: HashMap<K, &Path> = HashMap::new();
        for (key, path) in recordings {
            let kept = kept.entry(key).or_insert(path);
            if is_lossless_name(path) && !is_lossless_name(kept) {
                *kept = path;
            }
        }
        Self(kept)
    }

    /// Why `path` is left out, if another recording stands for its key.
    pub(crate) fn instead_of(&self, key: &K, path: &Path, root: &Path) -> Option<String> {
        let kept = self.0.get(key).filter(|kept| **kept != path)?;
        let kept = below(root, kept).display();
        Some(format!("the same recording, by its name, as {kept}"))
    }
}
