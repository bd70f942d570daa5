//! The operations that change the disk, where a test can see them and make them fail.
//!
//! Outside tests each is the bare system call.

use super::process;
use crate::error::{Error, Result};
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

/// What is about to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// Making a file.
    Create,
    /// Cutting a file.
    Truncate,
    /// Bringing a file's content to the disk.
    Sync,
    /// Bringing the names in a directory to the disk.
    SyncDirectory,
    /// Giving a file another name.
    Rename,
    /// Removing a file.
    Remove,
    /// Making a directory.
    MakeDirectory,
}

/// A write that ends early.
pub struct ShortWrite {
    /// How many bytes are written all the same.
    pub written: usize,
    /// What the writer is told.
    pub cause: io::Error,
}

/// Makes the names in a directory durable. One that may be entered and not read cannot be synced.
pub fn sync_directory(path: &Path) -> Result<()> {
    let synced = fault(Operation::SyncDirectory, path).and_then(|()| match File::open(path) {
        Err(cause) if cause.kind() == io::ErrorKind::PermissionDenied => Ok(()),
        opened => opened?.sync_all(),
    });
    synced.map_err(|cause| Error::io("cannot sync the directory", path, &cause))?;
    directory_synced(path);
    Ok(())
}

/// Gives a file another name, in place of what had it.
pub fn rename(from: &Path, to: &Path) -> io::Result<()> {
    fault(Operation::Rename, from)?;
    fs::rename(from, to)?;
    renamed(from, to);
    Ok(())
}

/// Gives a file another name, unless something has that name already.
pub fn rename_new(from: &Path, to: &Path) -> io::Result<()> {
    fault(Operation::Rename, from)?;
    process::rename_new(from, to)?;
    renamed(from, to);
    Ok(())
}

/// Removes a file.
pub fn remove_file(path: &Path) -> io::Result<()> {
    fault(Operation::Remove, path)?;
    fs::remove_file(path)?;
    removed(path);
    Ok(())
}

/// Removes a directory and what is in it.
pub fn remove_directory(path: &Path) -> io::Result<()> {
    fault(Operation::Remove, path)?;
    fs::remove_dir_all(path)?;
    removed(path);
    Ok(())
}

/// Removes a directory, unless something is in it.
pub fn remove_empty_directory(path: &Path) -> io::Result<()> {
    fault(Operation::Remove, path)?;
    fs::remove_dir(path)?;
    removed(path);
    Ok(())
}

/// Cuts a file, and waits until that is on the disk.
pub fn cut(file: &File, path: &Path, length: u64) -> io::Result<()> {
    fault(Operation::Truncate, path)?;
    file.set_len(length)?;
    sync(file, path)
}

/// Writes a part of a file once more and brings it to the disk. After a failed sync the kernel takes pages for written
/// that are not; only those that are written again are tried again.
pub fn sync_again(file: &File, path: &Path, from: u64, to: u64) -> io::Result<()> {
    let mut chunk = vec![0; 256 * 1024];
    let mut at = from;
    while at < to {
        let length = chunk.len().min(usize::try_from(to - at).unwrap_or(usize::MAX));
        let bytes = chunk.get_mut(..length).unwrap_or_default();
        file.read_exact_at(bytes, at)?;
        fault_in_write(path, length).map_err(|short| short.cause)?;
        file.write_all_at(bytes, at)?;
        written(path, at, bytes);
        at += length as u64;
    }
    sync(file, path)
}

/// Reads as much as there is, up to the length of `buffer`.
pub fn read_at(file: &File, buffer: &mut [u8], mut at: u64) -> io::Result<usize> {
    let mut filled = 0;
    while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match file.read_at(rest, at) {
            Ok(0) => break,
            Ok(read) => (filled, at) = (filled + read, at + read as u64),
            Err(cause) if cause.kind() == io::ErrorKind::Interrupted => {}
            Err(cause) => return Err(cause),
        }
    }
    Ok(filled)
}

/// Brings a file's content to the disk.
pub fn sync(file: &File, path: &Path) -> io::Result<()> {
    fault(Operation::Sync, path)?;
    file.sync_data()?;
    synced(path);
    Ok(())
}

#[cfg(test)]
pub use faults::{created, directory_made, directory_synced, fault, fault_in_write, removed, renamed, synced, written};

#[cfg(test)]
pub mod faults;

/// Tests make the operation fail here.
#[cfg(not(test))]
#[inline(always)]
pub fn fault(_operation: Operation, _path: &Path) -> io::Result<()> {
    Ok(())
}

/// Tests make a write end early here.
#[cfg(not(test))]
#[inline(always)]
pub fn fault_in_write(_path: &Path, _length: usize) -> std::result::Result<(), ShortWrite> {
    Ok(())
}

macro_rules! seen_by_tests {
    ($($name:ident($($argument:ident: $type:ty),*);)*) => {$(
        /// Tests see here what was done.
        #[cfg(not(test))]
        #[inline(always)]
        pub fn $name($($argument: $type),*) {}
    )*};
}

seen_by_tests! {
    created(_path: &Path);
    directory_made(_path: &Path);
    written(_path: &Path, _offset: u64, _bytes: &[u8]);
    synced(_path: &Path);
    directory_synced(_path: &Path);
    renamed(_from: &Path, _to: &Path);
    removed(_path: &Path);
}
