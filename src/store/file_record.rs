//! What the record of a file says of its bytes: which they are, and under which name they lie among the data files.

use super::layout;
use serde::Deserialize;
use std::path::Path;

/// The folder in which the prototype of this format kept the records of files.
pub const OLDER_FOLDER: &str = "files_metadata";

/// The folders that have records of files.
pub const FOLDERS: [&str; 2] = ["files", OLDER_FOLDER];

/// How long the digest of bytes is.
const DIGEST: usize = 43;

/// How long the names are that the prototype gave.
const OLDER_NAME: usize = 32;

/// What a record of a file names.
#[derive(Debug, Default, Deserialize)]
pub struct FileRecord {
    /// The digest of the bytes.
    #[serde(default)]
    pub digest: Option<String>,
    /// Under which other name than the digest the prototype kept the bytes.
    #[serde(default)]
    file_id: Option<String>,
}

/// A line that has such a record.
#[derive(Debug, Deserialize)]
pub struct FileLine {
    /// The record.
    pub data: FileRecord,
}

/// A rejected record, as far as it is one of a file. Records of other kinds have other data, and name no bytes.
#[derive(Debug, Deserialize)]
pub struct RejectedFile {
    /// The lines.
    #[serde(default)]
    pub lines: Vec<FileLine>,
}

impl FileRecord {
    /// The name under which the bytes lie; `None` if the record has none that could be one.
    pub fn kept_as(&self) -> Option<&str> {
        self.file_id.as_deref().or(self.digest.as_deref()).filter(|name| is_name(name))
    }

    /// All names that the bytes may lie under.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.digest.iter().chain(&self.file_id).map(String::as_str)
    }
}

/// Whether bytes could lie under a name: it leads to no other folder, and is not that of a data file.
pub fn is_name(name: &str) -> bool {
    let is_plain = !name.is_empty() && !name.starts_with('.') && !name.contains(['/', '\\', '\0']);
    is_plain && name.len() <= 200 && layout::parse_number(Path::new(name)).is_none()
}

/// Whether a name has the form of the digest of bytes.
pub fn is_digest(name: &str) -> bool {
    name.len() == DIGEST && name.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// Whether a file among the data files is one that the library made for bytes, or is making. What somebody else put
/// there, or has in folders that happen to have the same names, is not to be deleted.
pub fn is_ours(path: &Path) -> bool {
    let Some(name) = path.file_name().and_then(|name| name.to_str()) else { return false };
    let stored = match name.strip_prefix('.') {
        Some(unfinished) => unfinished.split('.').next().unwrap_or_default(),
        None => name,
    };
    let is_older = || {
        stored.len() == OLDER_NAME
            && stored.bytes().all(|byte| byte.is_ascii_hexdigit())
            && path.parent().is_some_and(|folder| folder.with_file_name(OLDER_FOLDER).is_dir())
    };
    is_digest(stored) || is_older()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::digest::bytes_digest;
    use std::fs;

    #[test]
    fn no_name_leads_out_of_the_folder_or_to_a_data_file() {
        for name in ["a", "aB_-", "0123456789abcdef0123456789abcdef"] {
            assert!(is_name(name), "{name}");
        }
        for name in ["", ".", "..", "../c", "a/b", "a\\b", "a\0b", ".hidden", "20260131_0000.jsonl", &"a".repeat(201)] {
            assert!(!is_name(name), "{name:?}");
        }
    }

    #[test]
    fn only_what_has_a_digest_for_its_name_or_one_of_the_prototype_in_its_project_is_ours() {
        let root = tempfile::tempdir().unwrap();
        let (digest, older) = (bytes_digest(b"a"), "0123456789abcdef0123456789abcdef");
        let is_ours = |name: &str| is_ours(&root.path().join("files").join(name));
        assert!(is_digest(&digest) && is_ours(&digest) && is_ours(&format!(".{digest}.0198")));
        for name in ["notes.txt", ".hidden", ".gitignore", "digest", &digest[1..], older] {
            assert!(!is_ours(name), "{name}");
        }
        fs::create_dir(root.path().join(OLDER_FOLDER)).unwrap();
        assert!(is_ours(older));
    }
}
