//! Which data files journals still need.
//!
//! The members of data files tell what of a journal is on the disk. As long as a journal holds a record, a member that
//! covers it must stay: without the member a recovery would write the record again. And a plain file stays as long as a
//! journal notes lines for it that are not in it: without the file a recovery would take them for sent.

use super::hop::Members;
use super::journal::{self, progress, StreamId};
use super::layout::DataFile;
use crate::error::{Error, Result};
use std::cell::Cell;
use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::path::{Path, PathBuf};

/// What the journals of an offline directory hold.
#[derive(Debug, Default)]
pub struct Needed {
    root: PathBuf,
    journals: HashSet<StreamId>,
    /// For each stream the position from which on it is needed; one that is not named is needed from 0.
    freed: HashMap<StreamId, u64>,
    rings: Vec<PathBuf>,
    /// Whether what the rings say of themselves is on the disk.
    settled: Cell<bool>,
}

impl Needed {
    /// Looks at the journals. Data files that were listed before are needed by what is there now or by nothing, since
    /// journals only free; of files made later nothing can be said.
    pub fn look(root: &Path) -> Result<Self> {
        let mut needed = Needed { root: root.to_path_buf(), ..Needed::default() };
        for path in journal::all(root)? {
            needed.journals.extend(journal::id_of(&path));
            needed.freed.extend(journal::freed(&path)?);
            needed.rings.extend(journal::ring_files(&path)?);
        }
        Ok(needed)
    }

    /// Whether there is no journal.
    pub fn is_empty(&self) -> bool {
        self.journals.is_empty()
    }

    /// Whether a journal needs a data file. When this is answered with no, the file may be deleted at once.
    pub fn needs(&self, file: &DataFile) -> Result<bool> {
        if self.is_empty() {
            return Ok(false);
        }
        // Of plain lines the journal itself notes what is there, and a file that has gone was whole.
        if !file.compressed {
            return progress::is_unfinished(&self.root, file);
        }
        let Some(mut members) = Members::open(&file.path)? else { return Ok(false) };
        let mut of_journals = false;
        while let Some((_, header)) = members.next_member()? {
            for part in header.covered {
                if self.journals.contains(&journal::stream(&part.stream, 0)) {
                    of_journals = true;
                    if part.to > self.freed.get(&part.stream).copied().unwrap_or(0) {
                        return Ok(true);
                    }
                }
            }
        }
        if of_journals {
            self.settle()?;
        }
        Ok(false)
    }

    /// A power loss must not bring records back into a ring whose members are deleted.
    fn settle(&self) -> Result<()> {
        if !self.settled.replace(true) {
            for ring in &self.rings {
                match File::open(ring).and_then(|file| file.sync_data()) {
                    Err(cause) if cause.kind() != std::io::ErrorKind::NotFound => {
                        return Err(Error::io("cannot sync the journal", ring, &cause));
                    }
                    _ => {}
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::journal::ring::Ring;
    use crate::store::layout::Access;
    use crate::store::member::{Covered, Writer};
    use std::fs;

    const LOG: StreamId = [7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 0, 0];
    const RING: StreamId = [7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 1, 0];
    const OTHER_RING: StreamId = [7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 2, 0];

    fn needs(root: &Path, journal: StreamId, to: u64) -> bool {
        let path = root.join("20260101_0000.jsonl.gz");
        let part = Covered { stream: journal, from: 0, to };
        fs::write(&path, Writer::new(1).unwrap().write(b"{}\n", 1, &[part]).unwrap()).unwrap();
        Needed::look(root).unwrap().needs(&DataFile::parse(&path).unwrap()).unwrap()
    }

    #[test]
    fn a_file_is_needed_as_long_as_a_journal_holds_what_it_covers() {
        let root = tempfile::tempdir().unwrap();
        assert!(!needs(root.path(), LOG, 100), "no journal is there");
        let folder = journal::folder(root.path()).join("07070707070707070707070707070000");
        fs::create_dir_all(&folder).unwrap();
        assert!(needs(root.path(), LOG, 1), "what a journal holds that cannot be read is not known");
        for position in [100, 200] {
            fs::write(folder.join(format!("{position:020}.log")), b"").unwrap();
        }
        let ring = Ring::create(&folder.join("00.ring"), RING, 1 << 16, Access::Owner).unwrap();
        let freed = ring.producer().unwrap().append(|_| Some(1)).unwrap();
        ring.consumer().unwrap().free(freed);
        assert!(!needs(root.path(), LOG, 100) && needs(root.path(), LOG, 101));
        assert!(!needs(root.path(), RING, freed) && needs(root.path(), RING, freed + 1));
        assert!(needs(root.path(), OTHER_RING, 1), "a stream that is not there is not known to be freed");
        assert!(!needs(root.path(), [9; 16], 1), "the journal of another directory");
    }

    #[test]
    fn a_plain_file_is_needed_as_long_as_a_journal_has_lines_for_it() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("20260101_0000.jsonl");
        fs::write(&path, b"{}\n").unwrap();
        let needs = || Needed::look(root.path()).unwrap().needs(&DataFile::parse(&path).unwrap()).unwrap();
        let journal = journal::Folder::create(root.path(), Access::Owner).unwrap().path;
        assert!(!needs());
        let append = serde_json::json!({"file": path.file_name().unwrap().to_str(), "offset": 3, "length": 3,
                                        "checksum": 0, "after": []});
        let notes = serde_json::json!({"": {"synced": [], "unsynced": [append]}});
        fs::write(progress::path(&journal), notes.to_string()).unwrap();
        assert!(needs());
    }

    #[test]
    fn a_ring_that_is_removed_while_it_is_looked_for_is_no_error() {
        let root = tempfile::tempdir().unwrap();
        let journal = journal::Folder::create(root.path(), Access::Owner).unwrap().path;
        std::os::unix::fs::symlink("nowhere", journal.join("00.ring")).unwrap();
        assert!(!Needed::look(root.path()).unwrap().is_empty());
    }
}
