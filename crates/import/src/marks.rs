//! Which files were imported: one mark for each folder, with a short hash for each of its files.
//!
//! A bucket has millions of log files, and a mark is kept for ever: 16 letters a file instead of a path of 200.

use std::collections::{BTreeSet, HashMap};

use aws_lc_rs::digest;
use base64::{Engine, engine::general_purpose::STANDARD_NO_PAD};
use serde::{Deserialize, Serialize};

/// Of SHA-256: enough that no two files of a folder are taken for each other.
const HASH_BYTES: usize = 12;

/// A file as it was when it was read: another size or stamp, another file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct FileHash([u8; HASH_BYTES]);

impl FileHash {
    pub(crate) fn of(name: &str, size: u64, stamp: &str) -> Self {
        let text = format!("{name}\0{size}\0{stamp}");
        let hash = digest::digest(&digest::SHA256, text.as_bytes());
        let mut short = [0; HASH_BYTES];
        short.copy_from_slice(&hash.as_ref()[..HASH_BYTES]);
        Self(short)
    }
}

/// The text of a folder's mark.
#[derive(Serialize, Deserialize)]
struct FolderForm {
    version: u32,
    /// Hashes of the files that are done, one after the other, in Base64.
    done: String,
    /// Files that are done up to a place: hash to bytes of the unpacked file.
    #[serde(default, skip_serializing_if = "HashMap::is_empty")]
    partly: HashMap<String, u64>,
}

/// A folder's files.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Folder {
    done: BTreeSet<FileHash>,
    partly: HashMap<FileHash, u64>,
}

impl Folder {
    /// Reads a mark; of one that cannot be read nothing is known, so its files are read again and found to be there.
    pub(crate) fn decode(text: &str) -> Self {
        let Ok(form) = serde_json::from_str::<FolderForm>(text) else {
            return Self::default();
        };
        let hash = |bytes: &[u8]| bytes.try_into().ok().map(FileHash);
        let done = STANDARD_NO_PAD.decode(form.done).unwrap_or_default();
        let partly = form
            .partly
            .iter()
            .filter_map(|(text, end)| Some((hash(&STANDARD_NO_PAD.decode(text).ok()?)?, *end)));
        match form.version {
            1 => Self {
                done: done.chunks_exact(HASH_BYTES).filter_map(hash).collect(),
                partly: partly.collect(),
            },
            _ => Self::default(),
        }
    }

    pub(crate) fn encode(&self) -> String {
        let bytes: Vec<u8> = self.done.iter().flat_map(|hash| hash.0).collect();
        let form = FolderForm {
            version: 1,
            done: STANDARD_NO_PAD.encode(bytes),
            partly: self
                .partly
                .iter()
                .map(|(hash, end)| (STANDARD_NO_PAD.encode(hash.0), *end))
                .collect(),
        };
        serde_json::to_string(&form).expect("a map with text keys is always JSON")
    }

    pub(crate) fn is_done(&self, file: FileHash) -> bool {
        self.done.contains(&file)
    }

    /// Up to where a file was read.
    pub(crate) fn end_of(&self, file: FileHash) -> u64 {
        self.partly.get(&file).copied().unwrap_or_default()
    }

    pub(crate) fn finish(&mut self, file: FileHash) {
        self.partly.remove(&file);
        self.done.insert(file);
    }

    pub(crate) fn reach(&mut self, file: FileHash, end: u64) {
        self.partly.insert(file, end);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_survives_being_marked() {
        let (a, b) = (FileHash::of("a", 1, "x"), FileHash::of("b", 1, "x"));
        let mut folder = Folder::default();
        folder.reach(a, 7);
        folder.reach(b, 9);
        folder.finish(a);
        let again = Folder::decode(&folder.encode());
        assert_eq!(again, folder);
        assert!(again.is_done(a) && !again.is_done(b));
        assert_eq!(again.end_of(b), 9);
        assert!(!again.is_done(FileHash::of("a", 2, "x")), "another size");
        assert!(!again.is_done(FileHash::of("a", 1, "y")), "another stamp");
        assert_eq!(Folder::decode("nonsense"), Folder::default());
        assert_eq!(
            Folder::decode(r#"{"version":2,"done":""}"#),
            Folder::default()
        );
    }
}
