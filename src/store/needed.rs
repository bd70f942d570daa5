//! Which data files journals still need.
//!
//! The members of data files tell what of a journal is on the disk. As long as a journal holds a record, a member that
//! covers it must stay: without the member a recovery would write the record again.

use super::layout::{self, DataFile};
use super::member::JournalId;
use super::{journal, output};
use crate::error::Result;
use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;

/// The streams of a journal differ in the last two bytes of their ids.
type Journal = [u8; 14];

const RING_MAGIC: &[u8; 8] = b"WEAVER1\n";
const LOG_MAGIC: &[u8; 8] = b"WEAVEJ1\n";
/// Where a ring notes the position below which everything is in data files.
const RING_FREED: u64 = 64;

/// What the journals of an offline directory hold.
#[derive(Debug, Default)]
pub struct Needed {
    journals: HashSet<Journal>,
    /// For each stream the position from which on it is needed; one that is not named is needed from 0.
    freed: HashMap<JournalId, u64>,
}

impl Needed {
    /// Looks at the journals. Data files that were listed before are needed by what is there now or by nothing, since
    /// journals only free; of files made later nothing can be said.
    pub fn look(root: &Path) -> Result<Self> {
        let mut needed = Needed::default();
        for folder in layout::entries(&journal::folder(root))? {
            needed.journals.extend(folder.file_name().and_then(|name| journal_of_name(name.to_str()?)));
            for path in layout::entries(&folder)? {
                if let Some((stream, freed)) = stream(&path) {
                    needed.journals.extend(stream.first_chunk::<14>());
                    // A log is needed from its first segment on.
                    needed.freed.entry(stream).and_modify(|known| *known = freed.min(*known)).or_insert(freed);
                }
            }
        }
        Ok(needed)
    }

    /// Whether there is no journal.
    pub fn is_empty(&self) -> bool {
        self.journals.is_empty()
    }

    /// Whether a journal needs a data file.
    pub fn needs(&self, file: &DataFile) -> Result<bool> {
        // Of plain lines the journal itself notes what is there, and a file that has gone was whole.
        if self.is_empty() || !file.compressed {
            return Ok(false);
        }
        let members = output::members(&file.path)?;
        Ok(members.iter().flat_map(|header| &header.covered).any(|part| {
            part.journal.first_chunk::<14>().is_some_and(|journal| self.journals.contains(journal))
                && part.to > self.freed.get(&part.journal).copied().unwrap_or(0)
        }))
    }
}

fn journal_of_name(name: &str) -> Option<Journal> {
    let mut id = [0; 14];
    for (at, byte) in id.iter_mut().enumerate() {
        *byte = u8::from_str_radix(name.trim_start_matches('.').get(2 * at..2 * at + 2)?, 16).ok()?;
    }
    Some(id)
}

/// The id of the stream in a file of a journal, and the position from which on the file is needed.
fn stream(path: &Path) -> Option<(JournalId, u64)> {
    let name = path.file_name()?.to_str()?;
    let file = File::open(path).ok()?;
    let mut header = [0; 24];
    file.read_exact_at(&mut header, 0).ok()?;
    let (magic, id) = header.split_first_chunk::<8>()?;
    let stream = *id.first_chunk::<16>()?;
    if let Some(position) = name.strip_suffix(".log") {
        return (magic == LOG_MAGIC).then_some((stream, position.parse().ok()?));
    }
    if name.ends_with(".ring") && magic == RING_MAGIC {
        let mut freed = [0; 8];
        file.read_exact_at(&mut freed, RING_FREED).ok()?;
        return Some((stream, u64::from_le_bytes(freed)));
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::member::{Covered, Writer};
    use std::fs;

    const LOG: JournalId = [7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 0, 0];
    const RING: JournalId = [7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 1, 0];
    const OTHER_RING: JournalId = [7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 2, 0];

    fn needs(root: &Path, journal: JournalId, to: u64) -> bool {
        let path = root.join("20260101_0000.jsonl.gz");
        let part = Covered { journal, from: 0, to };
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
            fs::write(folder.join(format!("{position:020}.log")), [LOG_MAGIC.as_slice(), &LOG].concat()).unwrap();
        }
        let mut ring = [RING_MAGIC.as_slice(), &RING, &[0; 4096]].concat();
        ring[64..72].copy_from_slice(&50u64.to_le_bytes());
        fs::write(folder.join("00.ring"), ring).unwrap();
        assert!(!needs(root.path(), LOG, 100) && needs(root.path(), LOG, 101));
        assert!(!needs(root.path(), RING, 50) && needs(root.path(), RING, 51));
        assert!(needs(root.path(), OTHER_RING, 1), "a stream that is not there is not known to be freed");
        assert!(!needs(root.path(), [9; 16], 1), "the journal of another directory");
    }
}
