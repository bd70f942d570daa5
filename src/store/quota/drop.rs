//! Dropping one data file that was not sent, so that a crash at any point leaves something that the next round finishes,
//! and so that it can be done on a full disk.
//!
//! The file gets a name that no reader looks for. Its note is made in memory and written beside it; if the disk is full,
//! the file gives up its own end for it. Then the file goes. Until the note is there, the file is, and the whole is done
//! again.

use super::super::layout::{self, Access, DataFile};
use super::super::{disk, retention};
use super::note::{self, Summary};
use crate::error::{Error, Result, Status};
use crate::log;
use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

/// What the name of a file ends in while it is dropped.
const DROPPING: &str = ".dropping";

/// Drops a closed data file; how many records were in it, `None` if it is gone. The caller has it locked until this
/// returns, so that it does not grow.
pub fn drop_file(file: &DataFile, access: Access, note_limit: u64) -> Result<Option<u64>> {
    let mut dropping = file.path.clone().into_os_string();
    dropping.push(DROPPING);
    match fs::rename(&file.path, &dropping) {
        Ok(()) => finish(Path::new(&dropping), access, note_limit).map(Some),
        Err(cause) if cause.kind() == ErrorKind::NotFound => Ok(None), // renamed by a sync meanwhile
        Err(cause) => Err(Error::io("cannot drop", &file.path, &cause)),
    }
}

/// The files of a folder whose dropping was cut short.
pub fn unfinished(folder: &Path) -> Result<Vec<PathBuf>> {
    Ok(layout::entries(folder)?.into_iter().filter(|path| original(path).is_some()).collect())
}

/// Finishes what was begun; how many records were in the file.
pub fn finish(dropping: &Path, access: Access, note_limit: u64) -> Result<u64> {
    let Some(file) = original(dropping) else { return Ok(0) };
    let note_path = file.note_path();
    let mut records = 0;
    if !note_path.exists() {
        let (summary, note) = note::read(dropping, &file, note_limit)?;
        write(&note, &note_path, dropping, access)?;
        records = summary.records;
        tell(&summary, &note_path);
    }
    retention::gone(fs::remove_file(dropping)).map_err(|cause| Error::io("cannot drop", dropping, &cause))?;
    disk::sync_directory(dropping.parent().unwrap_or(Path::new(".")))?;
    Ok(records)
}

/// Writes a note, with the space of the file that it is about where there is no other.
fn write(note: &[u8], path: &Path, dropping: &Path, access: Access) -> Result<()> {
    let mut temporary = path.to_path_buf().into_os_string();
    temporary.push(".tmp");
    let temporary = Path::new(&temporary);
    loop {
        let failed = |cause| Error::io("cannot write", path, &cause);
        retention::gone(fs::remove_file(temporary)).map_err(failed)?;
        let written = access.create_file(temporary).and_then(|mut file| {
            file.write_all(note)?;
            file.sync_data()?;
            fs::rename(temporary, path)
        });
        let Err(error) = written.map_err(failed) else { return Ok(()) };
        if error.status() != Status::NoSpace || !shorten(dropping, note.len() as u64)? {
            return Err(error);
        }
    }
}

/// Frees twice the given bytes at the end of a file, and some blocks at least; false if it is empty already.
fn shorten(path: &Path, bytes: u64) -> Result<bool> {
    let failed = |cause| Error::io("cannot shorten", path, &cause);
    let file = File::options().write(true).open(path).map_err(failed)?;
    let length = file.metadata().map_err(failed)?.len();
    file.set_len(length.saturating_sub((2 * bytes).max(16 * 1024))).map_err(failed)?;
    Ok(length > 0)
}

fn original(dropping: &Path) -> Option<DataFile> {
    let name = dropping.file_name()?.to_str()?.strip_suffix(DROPPING)?;
    DataFile::parse(&dropping.with_file_name(name))
}

fn tell(summary: &Summary, note: &Path) {
    log::write(log::Level::Warning, || {
        format!(
            "{} records that were not sent were dropped to keep the directory within its quota: {}; {} names them",
            summary.records,
            summary.dropped,
            note.display()
        )
    });
}
