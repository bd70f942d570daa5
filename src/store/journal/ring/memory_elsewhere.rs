//! There is no memory of a ring but on Linux: other systems can neither reserve a file's space on the disk nor keep a
//! mapping from the children of a fork in the same way. A journal without rings writes each record to its log.

#![allow(unsafe_code)] // the signatures are those of memory.rs

use super::header::FREED;
use crate::store::layout::Access;
use std::io;
use std::path::Path;
use std::sync::atomic::Ordering;

/// Never there.
pub struct Memory(std::convert::Infallible);

impl Memory {
    pub fn create(_: &Path, _: usize, _: Access) -> io::Result<Memory> {
        Err(io::Error::new(io::ErrorKind::Unsupported, "the journal is mapped on Linux alone"))
    }

    pub fn capacity(&self) -> usize {
        match self.0 {}
    }

    pub fn is_here(&self) -> bool {
        match self.0 {}
    }

    pub unsafe fn bytes(&self, _: usize, _: usize) -> &[u8] {
        match self.0 {}
    }

    #[allow(clippy::mut_from_ref)]
    pub unsafe fn bytes_mut(&self, _: usize, _: usize) -> &mut [u8] {
        match self.0 {}
    }

    pub unsafe fn store(&self, _: usize, _: u64, _: Ordering) {
        match self.0 {}
    }

    pub fn write_header(&self, _: &[u8; FREED]) {
        match self.0 {}
    }

    pub fn write_freed(&self, _: u64) {
        match self.0 {}
    }

    pub fn sync(&self, _: usize, _: usize) -> io::Result<()> {
        match self.0 {}
    }

    pub fn sync_header(&self) -> io::Result<()> {
        match self.0 {}
    }
}
