//! What a record is: kinds, checks, JSON, digests, references, names, ids and times.
//!
//! Pure functions over texts and values. Nothing here touches the disk, the network or a lock.

pub mod digest;
pub mod json;
pub mod names;
pub mod refs;
mod word_chars;
