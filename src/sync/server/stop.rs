//! A wish to stop, or a time at which to: everything that waits looks at it, and what waits for a server is woken by it.

use crate::error::{Error, Status};
use crate::store::process::{lock, PerProcess};
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::time::{Duration, Instant};

use ureq::unversioned::transport::ShutdownHandle;

/// The longest wait between two looks.
const SLICE: Duration = Duration::from_millis(50);

/// Tells those who have a copy of it to stop. Any thread may do so.
#[derive(Debug, Clone, Default)]
pub struct Stop {
    wish: Arc<Wish>,
    deadline: Option<Instant>,
}

struct Wish {
    asked: AtomicBool,
    /// The connections that are cut when it is asked for. Those of a process alone: the child of a fork shares the sockets
    /// of its parent, and would cut them for both.
    connections: PerProcess<Mutex<Vec<Weak<dyn ShutdownHandle>>>>,
}

impl Default for Wish {
    fn default() -> Self {
        Wish { asked: AtomicBool::new(false), connections: PerProcess::new() }
    }
}

impl fmt::Debug for Wish {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wish").field("asked", &self.asked).finish_non_exhaustive()
    }
}

impl Stop {
    /// One that nobody has asked for yet.
    pub fn new() -> Stop {
        Stop::default()
    }

    /// The same, which also stops at a time, or at its own if that is earlier.
    pub fn at(&self, deadline: Option<Instant>) -> Stop {
        let deadline = self.deadline.into_iter().chain(deadline).min();
        Stop { wish: self.wish.clone(), deadline }
    }

    /// Asks for it.
    pub fn ask(&self) {
        self.wish.asked.store(true, Ordering::Release);
        let connections = std::mem::take(&mut *lock(self.wish.connections.get()));
        for connection in connections.iter().filter_map(Weak::upgrade) {
            connection.shutdown();
        }
    }

    /// Has a connection cut when somebody asks; whoever waits for it then hears at once.
    pub(super) fn cuts(&self, connection: Weak<dyn ShutdownHandle>) {
        let mut connections = lock(self.wish.connections.get());
        connections.retain(|other| other.strong_count() > 0);
        connections.push(connection.clone());
        drop(connections);
        // Looked at afterwards: who asked meanwhile may not have seen it.
        if let Some(connection) = connection.upgrade().filter(|_| self.is_asked()) {
            connection.shutdown();
        }
    }

    /// Whether somebody has asked.
    pub fn is_asked(&self) -> bool {
        self.wish.asked.load(Ordering::Acquire)
    }

    /// The time that is left; `None` without a deadline.
    pub fn left(&self) -> Option<Duration> {
        self.deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()))
    }

    /// Whether the time is over.
    pub fn is_late(&self) -> bool {
        self.deadline.is_some_and(|deadline| Instant::now() >= deadline)
    }

    /// Whether to stop, for whatever cause.
    pub fn is_due(&self) -> bool {
        self.is_asked() || self.is_late()
    }

    /// Why what looked at it ended.
    pub fn error(&self) -> Error {
        match self.is_asked() {
            true => Error::new(Status::Cancelled, "stopped on request; what was not sent is kept"),
            false => Error::new(
                Status::Timeout,
                "the time for it is over (max_sync_time); what was not sent is kept, sync again for the rest",
            ),
        }
    }

    /// Waits so long, or until it is due; answers whether it is.
    pub fn pause(&self, wait: Duration) -> bool {
        let until = Instant::now() + wait;
        while !self.is_due() {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            std::thread::sleep(left.min(SLICE));
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_hear_of_it_and_a_deadline_is_the_copies_own() {
        let stop = Stop::new();
        let (copy, late) = (stop.clone(), stop.at(Some(Instant::now())));
        assert!(late.is_due() && late.is_late() && !copy.is_due());
        stop.ask();
        assert!(copy.is_asked() && late.is_asked() && copy.pause(Duration::from_secs(3600)));
    }

    #[test]
    fn the_earlier_of_two_deadlines_counts() {
        let (now, later) = (Instant::now(), Instant::now() + Duration::from_secs(3600));
        assert!(Stop::new().at(Some(now)).at(Some(later)).is_late());
        assert!(!Stop::new().at(Some(later)).at(None).is_late());
    }
}
