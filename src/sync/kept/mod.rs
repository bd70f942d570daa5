//! What a sync keeps on the disk, in `.sync/` of each project, and the lock of the directory.
//!
//! [`directory`] (who may change anything here), `lines` (files of appended lines), `progress` with `ranges` (what was
//! acknowledged or may be under way), `open_calls`, `learned` (digests of the server), [`rejected`] with `requeue` and
//! `put_back` (records set aside, and put back to be sent again), [`receipts`] with [`receipt_ids`] (what the server has),
//! `marking` (the names of files that were sent whole), `carried` (what was going on where the records were logged).
//!
//! Touches the disk, and nothing of the network.

pub mod carried;
pub mod directory;
pub mod learned;
pub mod lines;
pub mod marking;
pub mod open_calls;
pub mod progress;
pub mod put_back;
pub mod ranges;
pub mod receipt_ids;
pub mod receipts;
pub mod rejected;
pub mod requeue;
