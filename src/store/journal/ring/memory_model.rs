//! The memory of a ring under the model checker: every access to it is seen, and two that no order separates are an
//! error.

#![allow(unsafe_code)]

use super::header::FREED;
use crate::store::layout::Access;
use loom::cell::UnsafeCell;
use loom::sync::atomic::AtomicU64;
use std::io;
use std::path::Path;
use std::ptr::NonNull;
use std::sync::atomic::Ordering;

const CELL: usize = 16;

pub struct Memory {
    bytes: NonNull<[u8]>,
    /// One for each 16 bytes; whoever accesses those accesses it.
    cells: Vec<UnsafeCell<()>>,
    freed: AtomicU64,
}

// SAFETY: as for mapped memory.
unsafe impl Send for Memory {}
// SAFETY: as above.
unsafe impl Sync for Memory {}

impl Memory {
    pub fn create(_: &Path, capacity: usize, _: Access) -> io::Result<Memory> {
        let words = vec![0_u64; capacity / 8].leak();
        let bytes = NonNull::slice_from_raw_parts(NonNull::from(words).cast(), capacity);
        let cells = (0..capacity / CELL).map(|_| UnsafeCell::new(())).collect();
        Ok(Memory { bytes, cells, freed: AtomicU64::new(0) })
    }

    pub fn capacity(&self) -> usize {
        self.bytes.len()
    }

    pub fn is_here(&self) -> bool {
        true
    }

    fn cells(&self, offset: usize, length: usize) -> &[UnsafeCell<()>] {
        &self.cells[offset / CELL..(offset + length).div_ceil(CELL)]
    }

    pub unsafe fn bytes(&self, offset: usize, length: usize) -> &[u8] {
        self.cells(offset, length).iter().for_each(|cell| cell.with(|_| ()));
        unsafe { std::slice::from_raw_parts(self.bytes.as_ptr().cast::<u8>().add(offset), length) }
    }

    #[allow(clippy::mut_from_ref)]
    pub unsafe fn bytes_mut(&self, offset: usize, length: usize) -> &mut [u8] {
        self.cells(offset, length).iter().for_each(|cell| cell.with_mut(|_| ()));
        unsafe { std::slice::from_raw_parts_mut(self.bytes.as_ptr().cast::<u8>().add(offset), length) }
    }

    pub unsafe fn store(&self, offset: usize, word: u64, _: Ordering) {
        unsafe { self.bytes_mut(offset, 8) }.copy_from_slice(&word.to_le_bytes());
    }

    pub fn write_header(&self, _: &[u8; FREED]) {}

    pub fn write_freed(&self, position: u64) {
        self.freed.store(position, Ordering::Release);
    }

    /// What a recovery would read.
    pub fn written_freed(&self) -> u64 {
        self.freed.load(Ordering::Acquire)
    }

    pub fn sync(&self, _: usize, _: usize) -> io::Result<()> {
        Ok(())
    }

    pub fn sync_header(&self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        // SAFETY: made from a vector of as many words by `create`.
        drop(unsafe {
            Vec::from_raw_parts(self.bytes.as_ptr().cast::<u64>(), self.capacity() / 8, self.capacity() / 8)
        });
    }
}
