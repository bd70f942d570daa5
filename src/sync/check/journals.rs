//! What dead programs left in their journals.

use super::{Check, Finding, Problem};
use crate::error::{Error, Result, Status};
use crate::store::journal::log::reader::{Frames, Reader, Stop};
use crate::store::journal::ring::RingFile;
use crate::store::layout::{self, Access};
use crate::store::{self, damaged, journal, lock, StoreOptions};
use std::path::Path;

/// So much of a log is read at a time.
const BATCH: u64 = 1 << 20;

/// Looks at all journals. A repair packs those whose program is gone.
pub(super) fn check(check: &mut Check) -> Result<()> {
    let root = check.root.clone();
    let mut left = Vec::new();
    for path in layout::entries(&journal::folder(&root))? {
        let is_hidden = path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
        let is_held = lock::is_held(&journal::lock_path(&path));
        check.is_logged_to |= is_held;
        match journal::id_of(&path).filter(|_| path.is_dir()) {
            _ if is_held => {}
            Some(_) => left.push(abandoned(&path)?),
            None if is_hidden && path.is_dir() => {
                left.push(Finding::new(Problem::Leftover, &path, "a journal that was begun; nothing is in it"));
            }
            None => {
                let access = check.access;
                check.found(Finding::new(Problem::Foreign, &path, "it has not the name of a journal"), || {
                    damaged::take_away(&root, &path, "it stood among the journals and is none", access)?;
                    Ok("taken away to .weave/damaged".to_string())
                });
            }
        }
    }
    if left.is_empty() {
        return Ok(());
    }
    let packed = if check.repairs { pack(&root, check.access) } else { Ok(()) };
    for finding in left {
        let path = finding.path.clone();
        check.found(finding, || match (&packed, path.exists()) {
            (_, false) => Ok("packed into data files, as far as it can be read".to_string()),
            (Err(error), true) => Err(error.clone()),
            (Ok(()), true) => Err(Error::new(Status::Busy, "somebody else is packing it; try again")),
        });
    }
    Ok(())
}

fn pack(root: &Path, access: Access) -> Result<()> {
    let options =
        StoreOptions { dir: root.to_path_buf(), group_access: access == Access::Group, ..StoreOptions::default() };
    store::recover(&options)
}

fn abandoned(path: &Path) -> Result<Finding> {
    let (mut records, mut damage) = (0, Vec::new());
    let (mut reader, mut frames) = (Reader::new(path, 0), Frames::default());
    loop {
        let stop = reader.read(&mut frames, BATCH, u64::MAX)?;
        records += frames.iter().count() as u64;
        match stop {
            Stop::Full => {}
            Stop::End => break,
            Stop::Damaged { path, reason } => damage.push(format!("{}: {reason}", name_of(&path))),
        }
    }
    for ring in journal::ring_files(path)? {
        let read = RingFile::read(&ring).map_err(|cause| Error::io("cannot read the journal", &ring, &cause))?;
        if let Some(content) = read {
            records += content.frames().len() as u64;
            damage.extend(content.damage().map(|reason| format!("{}: {reason}", name_of(&ring))));
        }
    }
    let text = match damage.is_empty() {
        true => format!("a program ended without a flush; up to {records} records wait in its journal"),
        false => format!("a program ended; up to {records} records of its journal can be read; {}", damage.join("; ")),
    };
    Ok(Finding { saved: records, ..Finding::new(Problem::Left, path, text) })
}

fn name_of(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}
