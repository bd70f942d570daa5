//! What the caller of a sync may choose.

use crate::record::time::Timestamp;
use std::time::Duration;

/// After so long a call that has not ended is sent as one that runs.
const OPEN_AFTER: Duration = Duration::from_secs(60);

/// Connections at once: enough to hide the time that an answer takes, few enough to be a polite guest.
const CONNECTIONS: usize = 3;

/// Choices of one sync, with their defaults.
#[derive(Debug, Clone)]
pub struct Choices {
    /// The entity to which projects go that were recorded without one; else `WANDB_ENTITY`, else the account's default.
    pub entity: Option<String>,
    /// Where the one project that is pending goes, `entity/project` or `project`, instead of where it was recorded.
    pub destination: Option<String>,
    /// Where projects go: recorded `entity/project`, and `entity/project` or `project`.
    pub destinations: Vec<(String, String)>,
    /// How old a call must be that has not ended, and whose writer lives, to be sent as one that runs.
    pub open_after: Duration,
    /// Whether calls that have no end, and whose writer is gone, are closed as interrupted; else they stay open.
    pub close_orphans: bool,
    /// The sync stops after this time.
    pub max_time: Option<Duration>,
    /// It stops before it has sent more bytes than this.
    pub max_bytes: Option<u64>,
    /// Bytes a second that it sends at most.
    pub max_rate: Option<u64>,
    /// How many requests are under way at once.
    pub connections: usize,
    /// How long to wait for another sync of the directory.
    pub wait: Duration,
    /// Whether the data files of this process are closed first, so that they are sent whole. What is packed into open ones
    /// is sent in any case.
    pub seal: bool,
}

impl Default for Choices {
    fn default() -> Self {
        Choices {
            entity: None,
            destination: None,
            destinations: Vec::new(),
            open_after: OPEN_AFTER,
            close_orphans: false,
            max_time: None,
            max_bytes: None,
            max_rate: None,
            connections: CONNECTIONS,
            wait: Duration::ZERO,
            seal: true,
        }
    }
}

impl Choices {
    /// Calls that began after this time, in microseconds since 1970, are too young to be sent as ones that run.
    pub(super) fn young_since(&self) -> i64 {
        let age = i64::try_from(self.open_after.as_micros()).unwrap_or(i64::MAX);
        Timestamp::now().micros().saturating_sub(age)
    }

    /// Whether something bounds what is sent, so that what matters most must go first.
    pub fn has_budget(&self) -> bool {
        self.max_time.is_some() || self.max_bytes.is_some()
    }
}
