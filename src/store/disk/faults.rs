//! Failures that tests order, by the folder in which they are to happen.

use super::{Operation, ShortWrite};
use std::io;
use std::path::Path;

/// Whether an operation is to fail.
pub fn fault(_operation: Operation, _path: &Path) -> io::Result<()> {
    Ok(())
}

/// Whether a write is to end early.
pub fn fault_in_write(_path: &Path, _length: usize) -> Result<(), ShortWrite> {
    Ok(())
}

/// Bytes were written.
pub fn written(_path: &Path, _offset: u64, _bytes: &[u8]) {}

/// A file was synced.
pub fn synced(_path: &Path) {}

/// A directory was synced.
pub fn directory_synced(_path: &Path) {}

/// A file has another name.
pub fn renamed(_from: &Path, _to: &Path) {}

/// A file was removed.
pub fn removed(_path: &Path) {}
