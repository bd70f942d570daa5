//! Deleting what was sent long enough ago.

use super::hop::Members;
use super::journal::{self, StreamId};
use super::layout::{self, DataFile};
use super::member::Covered;
use crate::error::{Error, Result};
use crate::record::kind::Kind;
use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime};

const BODY_GRACE: Duration = Duration::from_secs(60 * 60);

/// Deletes the synced data files of a directory that were synced at least `older_than` ago, and returns how many.
///
/// The time of a sync is the time at which the file was renamed. A file from the future is not old. Bytes of files are
/// kept as long as a record in a file that is not synced may need them.
pub fn clean_synced(root: &Path, older_than: Duration) -> Result<u64> {
    layout::check_exists(root)?;
    let needed = journals_in_use(root)?;
    let mut deleted = 0;
    for project in layout::projects(root)? {
        for kind in Kind::ALL {
            for file in layout::data_files(&project.kind(kind))?.iter().filter(|file| file.synced) {
                if is_old(file, older_than)? && !tells_of(file, &needed)? {
                    fs::remove_file(&file.path).map_err(|cause| Error::io("cannot delete", &file.path, &cause))?;
                    deleted += 1;
                }
            }
        }
        let folder = project.kind(Kind::Files);
        if layout::data_files(&folder)?.iter().all(|file| file.synced) {
            // The record of a file may still be in the journal of a living process, but not for long.
            delete_bodies(&folder, if needed.is_empty() { older_than } else { older_than.max(BODY_GRACE) })?;
        }
    }
    Ok(deleted)
}

fn is_old(file: &DataFile, older_than: Duration) -> Result<bool> {
    let changed = fs::metadata(&file.path)
        .map_err(|cause| Error::io("cannot read", &file.path, &cause))
        .map(|about| std::os::unix::fs::MetadataExt::ctime(&about))?;
    let changed = SystemTime::UNIX_EPOCH + Duration::from_secs(u64::try_from(changed).unwrap_or_default());
    Ok(SystemTime::now().duration_since(changed).is_ok_and(|age| age >= older_than))
}

/// As long as a journal holds a record, its members tell that it is on disk: without them a recovery would write it again.
fn tells_of(file: &DataFile, journals: &HashMap<StreamId, u64>) -> Result<bool> {
    if journals.is_empty() || !file.compressed {
        return Ok(false);
    }
    let Some(mut members) = Members::open(&file.path)? else { return Ok(false) };
    while let Some((_, header)) = members.next_member()? {
        let needed = |part: &Covered| {
            let of_journal = journals.contains_key(&journal::stream(&part.stream, 0));
            of_journal && part.to > journals.get(&part.stream).copied().unwrap_or_default()
        };
        if header.covered.iter().any(needed) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The streams of each journal, and the position from which on it holds them.
fn journals_in_use(root: &Path) -> Result<HashMap<StreamId, u64>> {
    let mut streams = HashMap::new();
    for journal in journal::all(root)? {
        streams.extend(journal::freed(&journal)?);
    }
    Ok(streams)
}

fn delete_bodies(folder: &Path, older_than: Duration) -> Result<()> {
    for path in layout::entries(folder)? {
        let file = DataFile { date: String::new(), number: 0, synced: true, compressed: false, path };
        if file.path.is_file() && is_old(&file, older_than)? {
            fs::remove_file(&file.path).map_err(|cause| Error::io("cannot delete", &file.path, &cause))?;
        }
    }
    Ok(())
}
