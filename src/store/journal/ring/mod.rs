//! A ring: a journal file of fixed size in mapped memory, filled by one thread at a time, at the price of a copy.
//!
//! The file is a header page (`header.rs`) and `capacity` bytes that are used again and again. A position counts the bytes
//! of all frames (`frame.rs`) before it and never goes back; the byte at position p lies at `p % capacity`. Between
//! `freed` and `head` stand the published frames; the rest belongs to the [`Producer`]. The [`Consumer`] reads them and,
//! when they are in data files, frees them. The kernel keeps the pages of a process that dies, so that [`RingFile`] finds
//! every published frame.
//!
//! In the child of a fork the memory is not there: nothing is appended and nothing found.

mod consumer;
mod file;
mod frame;
mod header;
#[cfg_attr(not(any(target_os = "linux", target_os = "android")), path = "memory_elsewhere.rs")]
#[cfg_attr(all(test, loom), path = "memory_model.rs")]
mod memory;
mod producer;
pub(super) mod sync;

#[cfg(all(test, not(loom)))]
mod file_tests;
#[cfg(all(test, not(loom)))]
mod kill_tests;
#[cfg(all(test, loom))]
mod model_tests;
#[cfg(all(test, not(loom)))]
mod tests;
#[cfg(all(test, not(loom)))]
mod thread_tests;

pub use consumer::{Consumer, Damaged, Frames};
pub use file::RingFile;
pub use header::this_boot;
pub use producer::Producer;

use crate::store::journal::StreamId;
use crate::store::layout::Access;
use header::Header;
use memory::Memory;
use std::io;
use std::path::Path;
use std::sync::atomic::Ordering;
use std::sync::Arc;
use sync::{AtomicBool, AtomicU64};

/// The memory of a ring, and how far it is filled and freed.
pub struct Ring {
    stream: StreamId,
    seed: u32,
    memory: Memory,
    published: Line<Published>,
    /// The copy in the header is for recovery; it is written before this one, so that nothing is overwritten that a
    /// recovery would look for.
    freed: Line<AtomicU64>,
    has_producer: AtomicBool,
    has_consumer: AtomicBool,
}

struct Published {
    head: AtomicU64,
    records: AtomicU64,
}

/// A cache line of its own (processors fetch them in pairs): producer and consumer must not slow each other down.
#[repr(align(128))]
struct Line<T>(T);

impl Ring {
    /// Makes the file, which must not exist, with all of its pages. On failure removes what it made.
    /// `ErrorKind::Unsupported`: a shared mapping is not to be had here. The folder of the file is not synced.
    pub fn create(path: &Path, stream: StreamId, capacity: usize, access: Access) -> io::Result<Arc<Ring>> {
        let header = Header::new(stream, capacity)?;
        let memory = Memory::create(path, capacity, access)?;
        memory.write_header(&header.encode());
        Ok(Arc::new(Ring::with(memory, stream, header.checksum())))
    }

    fn with(memory: Memory, stream: StreamId, seed: u32) -> Ring {
        Ring {
            stream,
            seed,
            memory,
            published: Line(Published { head: AtomicU64::new(0), records: AtomicU64::new(0) }),
            freed: Line(AtomicU64::new(0)),
            has_producer: AtomicBool::new(false),
            has_consumer: AtomicBool::new(false),
        }
    }

    /// Its stream.
    pub fn stream(&self) -> StreamId {
        self.stream
    }

    /// How many bytes of frames it holds.
    pub fn capacity(&self) -> usize {
        self.memory.capacity()
    }

    /// The longest record that it takes.
    pub fn largest_record(&self) -> usize {
        frame::largest(self.capacity())
    }

    /// The right to append; `None` while somebody else has it. The next one goes on where the last one stopped.
    pub fn producer(self: &Arc<Ring>) -> Option<Producer> {
        claim(&self.has_producer).then(|| Producer::new(self.clone()))
    }

    /// The right to read and free; `None` while somebody else has it.
    pub fn consumer(self: &Arc<Ring>) -> Option<Consumer> {
        claim(&self.has_consumer).then(|| Consumer::new(self.clone()))
    }

    /// The position behind the last published frame.
    pub fn head(&self) -> u64 {
        self.published.0.head.load(Ordering::Acquire)
    }

    /// The position below which everything is free.
    pub fn freed(&self) -> u64 {
        self.freed.0.load(Ordering::Acquire)
    }

    /// How many records were ever published.
    pub fn records(&self) -> u64 {
        self.published.0.records.load(Ordering::Relaxed)
    }

    fn offset(&self, position: u64) -> usize {
        frame::offset(position, self.memory.capacity())
    }
}

fn claim(right: &AtomicBool) -> bool {
    right.compare_exchange(false, true, Ordering::Acquire, Ordering::Relaxed).is_ok()
}
