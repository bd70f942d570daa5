//! Reading calls from data files: those that wait and those that were sent, also while programs write.
//!
//! [`chunks`] cuts files into pieces that can be read by themselves, [`scan`] reads pieces with all cores and keeps their
//! order, [`call`] says what a line says, [`join`] makes one call of a start and an end. [`newest`] and
//! [`find`] know where to look, [`whole`] reads all calls, with the names that they were given later ([`renamed`]) and without
//! those that were copied ([`put_back`]); [`filter`] says which are meant, [`tree`] which is a part of which.

pub mod call;
pub mod chunks;
pub mod filter;
pub mod find;
pub mod join;
pub mod newest;
pub mod put_back;
pub mod renamed;
pub mod scan;
pub mod tree;
pub mod whole;

use chunks::Source;
use weave::Error;

/// What is told while files are read.
pub enum Told<'e> {
    /// Something cannot be read, and is left out.
    Damage(&'e Error),
    /// So many bytes of files were gone through, of so many at most.
    Read {
        /// Bytes that were.
        done: u64,
        /// Bytes of all files.
        all: u64,
    },
}

/// How large a file is on the disk, by whichever name it has.
pub fn size_of(source: &Source) -> u64 {
    let about = source.file.path.metadata().or_else(|_| source.file.synced_path().metadata());
    about.map_or(0, |about| about.len())
}
