//! The name of a data file that says that it was sent whole.

use crate::error::{Error, Result};
use crate::store::journal::progress;
use crate::store::layout::DataFile;
use crate::store::{disk, lock};
use std::fs;
use std::path::Path;

/// Gives a file the name that says that it was sent whole, with a receipt before it; says whether it did. `length` is how
/// long it was when it was found whole. One that a writer has made a moment ago, and locks just now, has grown or grows:
/// the lock and the length tell.
pub(in crate::sync) fn mark_synced(
    root: &Path,
    file: &DataFile,
    length: u64,
    write_receipt: impl FnOnce() -> Result<()>,
) -> Result<bool> {
    let Some(_held) = lock::try_hold(&file.path)? else { return Ok(false) };
    if fs::metadata(&file.path).is_ok_and(|about| about.len() != length) {
        return Ok(false);
    }
    // Its journal still has lines for it.
    if !file.compressed && progress::is_unfinished(root, file)? {
        return Ok(false);
    }
    write_receipt()?;
    let target = file.synced_path();
    match disk::rename_new(&file.path, &target) {
        Err(_) if matches!(file.path.try_exists(), Ok(false)) => return Ok(false), // taken by a quota
        renamed => renamed.map_err(|cause| Error::io("cannot mark as synced", &file.path, &cause))?,
    }
    disk::sync_directory(target.parent().unwrap_or(Path::new(".")))?;
    Ok(true)
}
