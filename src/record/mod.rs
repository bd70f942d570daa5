//! What a record is: kinds, checks, JSON, digests, references, names, ids and times.
//!
//! Pure functions over texts and values. Nothing here touches the disk, the network or a lock.

pub mod call;
pub mod digest;
pub mod frame;
pub mod ids;
pub mod json;
pub mod kind;
pub mod names;
pub mod refs;
pub mod time;
mod word_chars;
