//! What became of the records that this process handed to one offline directory.

use crate::error::Error;
use serde_json::{json, Value};

/// Counters of this process for one offline directory, since it opened it.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Stats {
    /// Records that were taken: the logging function succeeded.
    pub accepted: u64,
    /// Records of these that are in data files on the disk.
    pub packed: u64,
    /// Records that could not be taken: the journal or the quota was full, or the disk failed.
    pub refused: u64,
    /// Records in data files that this process dropped, unsent, to keep the quota.
    pub dropped: u64,
    /// Records that were taken and are in the journal alone.
    pub waiting: u64,
    /// Their bytes there.
    pub waiting_bytes: u64,
    /// The journal.
    pub journal: JournalStats,
    /// Logging calls that had to wait for room in the journal.
    pub blocked: u64,
    /// Times that records could not be brought into data files; each is tried again.
    pub failures: u64,
    /// Why, the last time.
    pub last_error: Option<Error>,
}

/// The journal of this process.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct JournalStats {
    /// How records get into it.
    pub kind: JournalKind,
    /// The bytes of its files.
    pub bytes: u64,
}

/// How records get into a journal.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub enum JournalKind {
    /// Through mapped memory.
    Mapped,
    /// By a system call each.
    #[default]
    Write,
}

impl Stats {
    /// As JSON, with what the session itself has counted: how many records its filter has dropped.
    pub fn to_json(&self, filtered: u64) -> Value {
        json!({
            "accepted": self.accepted,
            "packed": self.packed,
            "refused": self.refused,
            "dropped": self.dropped,
            "waiting": self.waiting,
            "waiting_bytes": self.waiting_bytes,
            "journal": {
                "kind": match self.journal.kind {
                    JournalKind::Mapped => "mapped",
                    JournalKind::Write => "write",
                },
                "bytes": self.journal.bytes,
            },
            "blocked": self.blocked,
            "failures": self.failures,
            "last_error": self.last_error.as_ref().map(Error::text),
            "filtered": filtered,
        })
    }
}
