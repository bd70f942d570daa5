//! Looking through the data files of an offline directory for what they have of abandoned journals.
//!
//! Members say what they cover, so that no file is inflated; after a power loss, when what a file says may not be what
//! the disk has, the members of those journals are checked in full. The torn end of a file whose writer is gone is cut
//! off here: what it held is still in the journal, or was not on the disk for as long as is promised.

use super::coverage::Coverage;
use super::damaged;
use super::hop::Members;
use super::journal::StreamId;
use super::layout::{self, Access, DataFile};
use crate::error::{Error, Result};
use crate::record::kind::Kind;
use std::collections::HashSet;
use std::fs::OpenOptions;
use std::path::Path;

/// What to look for.
pub struct Sought {
    /// The streams of abandoned journals.
    pub streams: HashSet<StreamId>,
    /// Whether the machine was started anew since they were written.
    pub power_was_lost: bool,
}

/// Finds what the data files have of these streams.
pub fn survey(root: &Path, access: Access, sought: &Sought) -> Result<Coverage> {
    let mut coverage = Coverage::default();
    for project in layout::projects(root)? {
        for kind in Kind::ALL {
            let folder = project.kind(kind);
            for file in layout::data_files(&folder)?.iter().filter(|file| file.compressed) {
                if let Some(mut members) = Members::open(&file.path)? {
                    survey_file(root, access, &folder, file, &mut members, sought, &mut coverage)?;
                }
            }
        }
    }
    Ok(coverage)
}

fn survey_file(
    root: &Path,
    access: Access,
    folder: &Path,
    file: &DataFile,
    members: &mut Members,
    sought: &Sought,
    coverage: &mut Coverage,
) -> Result<()> {
    let mut good = 0;
    loop {
        while let Some((at, header)) = members.next_member()? {
            let ours: Vec<_> = header.covered.iter().filter(|part| sought.streams.contains(&part.stream)).collect();
            if sought.power_was_lost && !ours.is_empty() && !members.is_intact(at, &header)? {
                continue;
            }
            ours.into_iter().for_each(|part| coverage.add(folder, part));
            good = members.position();
        }
        // What was written by others is not searched.
        let torn = sought.power_was_lost || members.is_torn_end(members.position())?;
        if members.position() == members.length || !torn || !members.find_next()? {
            break;
        }
    }
    if good < members.length && !file.synced && members.is_torn_end(good)? {
        cut(root, access, &file.path, good, members.length, sought.power_was_lost)?;
    }
    Ok(())
}

fn cut(root: &Path, access: Access, path: &Path, good: u64, length: u64, power_was_lost: bool) -> Result<()> {
    let failed = |cause| Error::io("cannot mend the data file", path, &cause);
    let file = OpenOptions::new().read(true).write(true).open(path).map_err(failed)?;
    if file.try_lock().is_err() || file.metadata().map_err(failed)?.len() != length {
        return Ok(()); // it is being written
    }
    if power_was_lost {
        damaged::set_aside(root, path, good, "the end of a data file was torn by a power loss", access)?;
    }
    file.set_len(good).and_then(|()| file.sync_all()).map_err(failed)
}
