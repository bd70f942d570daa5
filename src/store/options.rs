//! What can be chosen about a store.

use super::data_file::FileOptions;
use super::layout::Access;
use super::limits;
use std::path::PathBuf;
use std::time::Duration;

/// Where and how to store.
#[derive(Debug, Clone)]
pub struct StoreOptions {
    /// The offline directory.
    pub dir: PathBuf,
    /// A data file is closed before it would grow beyond this many bytes on disk.
    pub max_file_size: u64,
    /// A data file is closed when it is this old.
    pub max_file_age: Duration,
    /// Gzip members, or plain lines.
    pub compress: bool,
    /// Level of compression, 1 to 12; `None`: high while there is little to do, low while records come faster.
    pub level: Option<i32>,
    /// Let the group read and write too.
    pub group_access: bool,
    /// Power loss costs at most what was accepted in this time; zero: what was accepted since the last flush.
    pub durability_interval: Duration,
    /// Whether the journal may use mapped memory. Without, each record costs a system call.
    pub mapped_journal: bool,
    /// How many bytes may wait in the journal beyond its rings before logging blocks or is refused.
    pub journal_size: u64,
    /// What a logging call does when the journal is full.
    pub when_full: WhenFull,
    /// How many bytes the offline directory may have; `None`: as many as the disk.
    pub quota: Option<u64>,
    /// What happens when the quota is reached and no synced file is left to delete.
    pub quota_policy: QuotaPolicy,
}

/// What a logging call does when the journal is full.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WhenFull {
    /// Wait for room, this long at most; then refuse.
    Block(Duration),
    /// Refuse at once.
    Refuse,
}

/// What happens when the quota is reached and no synced file is left to delete.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QuotaPolicy {
    /// Records are refused until there is room.
    Refuse,
    /// The oldest closed file is deleted, and what was in it is noted.
    DropOldest,
}

impl Default for StoreOptions {
    fn default() -> Self {
        let files = FileOptions::default();
        StoreOptions {
            dir: PathBuf::new(),
            max_file_size: files.max_size,
            max_file_age: files.max_age,
            compress: files.compress,
            level: files.level,
            group_access: false,
            durability_interval: limits::DURABILITY_INTERVAL,
            mapped_journal: true,
            journal_size: limits::JOURNAL_SIZE,
            when_full: WhenFull::Block(limits::BLOCK_LIMIT),
            quota: None,
            quota_policy: QuotaPolicy::Refuse,
        }
    }
}

impl StoreOptions {
    pub(super) fn access(&self) -> Access {
        if self.group_access {
            Access::Group
        } else {
            Access::Owner
        }
    }

    pub(super) fn files(&self) -> FileOptions {
        FileOptions {
            max_size: self.max_file_size,
            max_age: self.max_file_age,
            compress: self.compress,
            level: self.level,
        }
    }
}
