//! What a record is: kinds, checks, JSON, digests, references, names, ids and times.
//!
//! Pure functions over texts and values. Nothing here touches the disk, the network or a lock.

pub mod call;
pub mod check_call;
pub mod cost;
pub mod digest;
mod emoji;
pub mod feedback;
pub mod frame;
pub mod ids;
pub mod json;
pub mod kind;
pub mod media;
pub mod names;
pub mod object;
pub mod refs;
pub mod sink;
pub mod time;
mod word_chars;
