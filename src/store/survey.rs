//! Looking through the data files of an offline directory for what they have of abandoned journals.
//!
//! Members say what they cover, so that no file is inflated; after a power loss, when what a file says may not be what
//! the disk has, the members of those journals are checked in full. The torn end of a file whose writer is gone is cut
//! off here: what it held is still in the journal, or was not on the disk for as long as is promised.

use super::coverage::Coverage;
use super::damaged;
use super::disk;
use super::held::HeldFile;
use super::hop::Members;
use super::journal::{self, JournalId, StreamId};
use super::layout::{self, Access, DataFile};
use super::member::{self, Covered};
use crate::error::{Error, Result};
use crate::record::kind::Kind;
use std::collections::{HashMap, HashSet};
use std::fs::OpenOptions;
use std::io::ErrorKind;
use std::ops::Range;
use std::path::Path;

/// What to look for.
pub struct Sought {
    /// The abandoned journals. A loss of power may have taken rings of them that members tell of.
    pub journals: HashSet<JournalId>,
    /// The position from which on they hold their streams, where it is known.
    pub freed: HashMap<StreamId, u64>,
    /// Whether the machine was started anew since they were written.
    pub power_was_lost: bool,
}

impl Sought {
    fn is_of_journals(&self, part: &Covered) -> bool {
        self.journals.contains(&journal::stream(&part.stream, 0))
    }

    /// Whether the journal still holds something of it.
    fn is_needed(&self, part: &Covered) -> bool {
        part.to > self.freed.get(&part.stream).copied().unwrap_or_default()
    }
}

/// Finds what the data files have of these journals.
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
    let mut whole = Vec::new();
    let (mut is_ours, mut needed) = (false, Vec::new());
    let mut journal_of_file = None;
    loop {
        while let Some((at, header)) = members.next_member()? {
            let ours: Vec<_> = header.covered.iter().filter(|part| sought.is_of_journals(part)).collect();
            // A file has members of one journal. A header that was torn may seem to be another's.
            let journals = || header.covered.iter().map(|part| journal::stream(&part.stream, 0));
            let journal = *journal_of_file.get_or_insert_with(|| journals().next());
            let is_doubtful = !ours.is_empty() || journals().any(|other| Some(other) != journal);
            if sought.power_was_lost && is_doubtful && !members.is_intact(at, &header)? {
                continue;
            }
            is_ours |= !ours.is_empty();
            if ours.iter().any(|part| sought.is_needed(part)) {
                extend(&mut needed, at, members.position());
            }
            ours.into_iter().for_each(|part| coverage.add(folder, part));
            extend(&mut whole, at, members.position());
        }
        // What was written by others is not searched.
        let torn = sought.power_was_lost || members.is_torn_end(members.position())?;
        if members.position() == members.length || !torn || !members.find_next()? {
            break;
        }
    }
    if is_ours {
        make_durable(&file.path, &needed)?;
    }
    match file.synced {
        true => Ok(()),
        false => mend(root, access, file, members, &whole, sought.power_was_lost),
    }
}

/// Sees to it that a file is on the disk before journals go that its members vouch for: who wrote them may not have
/// synced them, or in vain.
fn make_durable(path: &Path, needed: &[Range<u64>]) -> Result<()> {
    let failed = |cause| Error::io("cannot sync the data file", path, &cause);
    let file = match OpenOptions::new().read(true).write(true).open(path) {
        Err(cause) if cause.kind() == ErrorKind::NotFound => return Ok(()), // renamed or deleted after a sync
        opened => opened.map_err(failed)?,
    };
    needed.iter().try_for_each(|part| disk::sync_again(&file, path, part.start, part.end)).map_err(failed)?;
    disk::sync(&file, path).map_err(failed)
}

/// Adds a part of a file to those that are whole.
fn extend(whole: &mut Vec<Range<u64>>, from: u64, to: u64) {
    match whole.last_mut() {
        Some(last) if last.end == from => last.end = to,
        _ => whole.push(from..to),
    }
}

/// Leaves of a file whose writer is gone what every reader of gzip can read.
fn mend(
    root: &Path,
    access: Access,
    data_file: &DataFile,
    members: &mut Members,
    whole: &[Range<u64>],
    power_was_lost: bool,
) -> Result<()> {
    let path = data_file.path.as_path();
    let (good, end) = (whole.first().map_or(0, |first| if first.start == 0 { first.end } else { 0 }), members.length);
    let has_gaps = whole.len() > 1 || whole.first().is_some_and(|first| first.start > 0);
    // A file with no member at all is none for the readers of gzip.
    let is_torn = (good < end || good == 0) && !has_gaps && members.is_torn_end(good)?;
    if !is_torn && !(power_was_lost && (has_gaps || (good > 0 && good < end))) {
        return Ok(());
    }
    let failed = |cause| Error::io("cannot mend the data file", path, &cause);
    let file = OpenOptions::new().read(true).write(true).open(path).map_err(failed)?;
    if file.try_lock().is_err() || file.metadata().map_err(failed)?.len() != end {
        return Ok(()); // it is being written
    }
    if good < end && (power_was_lost || members.is_unwritten(good)?) {
        damaged::set_aside(root, path, good, damaged::TORN, access)?;
    }
    if has_gaps {
        return replace(members, path, whole, access).and_then(|()| path.parent().map_or(Ok(()), disk::sync_directory));
    }
    disk::cut(&file, path, good).map_err(failed)?;
    match good {
        // Its number stays in use, in case a sync has noted something of the file.
        0 => disk::rename(path, &data_file.number_path()).map_err(failed),
        _ => Ok(()),
    }
}

/// Puts the members in some parts of a file in its place.
fn replace(members: &mut Members, path: &Path, parts: &[Range<u64>], access: Access) -> Result<()> {
    let failed = |cause| Error::io("cannot mend the data file", path, &cause);
    let temporary = path.with_extension("mended");
    let _ = disk::remove_file(&temporary);
    let mended = HeldFile::create(&temporary, access).map_err(failed)?;
    let mut lines = 0;
    for part in parts {
        members.go_to(part.start);
        while members.position() < part.end {
            let Some((at, header)) = members.next_member()? else { break };
            let mut bytes = members.bytes(at, &header)?;
            member::tell_before(&mut bytes, Some(lines));
            mended.append(&bytes).map_err(failed)?;
            lines += u64::from(header.records);
        }
    }
    mended.sync().map_err(failed)?;
    disk::rename(&temporary, path).map_err(failed)
}
