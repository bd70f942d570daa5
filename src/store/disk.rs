//! The operations that change the disk, where a test can see them and make them fail.
//!
//! Outside tests each is the bare system call.

use super::process;
use crate::error::{Error, Result};
use std::fs::{self, File};
use std::io;
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

#[cfg(test)]
pub use faults::{directory_synced, fault, fault_in_write, removed, renamed, synced, written};

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
    written(_path: &Path, _offset: u64, _bytes: &[u8]);
    synced(_path: &Path);
    directory_synced(_path: &Path);
    renamed(_from: &Path, _to: &Path);
    removed(_path: &Path);
}
