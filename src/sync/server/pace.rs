//! How fast bodies are sent, and how much has been.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::stop::Stop;

/// Counts the bytes of bodies, and keeps them within a rate: all threads that send through it together.
#[derive(Debug, Default)]
pub(super) struct Pace {
    /// Bytes a second; `None` for as fast as it goes.
    limit: Option<u64>,
    sent: AtomicU64,
    /// When what was let through so far is paid for, and the next body may begin.
    free_at: Mutex<Option<Instant>>,
}

impl Pace {
    pub(super) fn new(limit: Option<u64>) -> Pace {
        Pace { limit: limit.map(|limit| limit.max(1)), ..Pace::default() }
    }

    /// Waits until a body may begin, and counts it. False when it is to be stopped before that.
    ///
    /// The wait is before the request and not within its body, so that it does not use up the request's time limits, and
    /// the time after which a request is surely over stays what it is.
    pub(super) fn admit(&self, bytes: u64, stop: &Stop) -> bool {
        while let Some(wait) = self.wait(bytes) {
            if stop.pause(wait) {
                return false;
            }
        }
        self.sent.fetch_add(bytes, Ordering::Relaxed);
        true
    }

    /// How long to wait before asking again; `None` when the bytes were let through.
    fn wait(&self, bytes: u64) -> Option<Duration> {
        let limit = self.limit?;
        let mut free_at = self.free_at.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let begins = free_at.unwrap_or(now);
        if begins > now {
            return Some(begins - now);
        }
        let takes = Duration::try_from_secs_f64(bytes as f64 / limit as f64).ok();
        // A rate so low that its time cannot be told lets one body through and then nothing for a year.
        *free_at = takes.and_then(|takes| now.checked_add(takes)).or(Some(now + Duration::from_secs(31_536_000)));
        None
    }

    /// The bytes of all bodies that were let through, those of further attempts included.
    pub(super) fn sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_waits_until_those_before_it_are_paid_for() {
        let pace = Pace::new(Some(1000));
        assert_eq!(pace.wait(5_000), None);
        let wait = pace.wait(1).unwrap();
        assert!(wait > Duration::from_secs(4) && wait <= Duration::from_secs(5), "{wait:?}");
        let stop = Stop::new();
        stop.ask();
        assert!(!pace.admit(1, &stop));
        assert_eq!(pace.sent(), 0);
    }

    #[test]
    fn without_a_limit_everything_is_let_through_and_counted() {
        let pace = Pace::new(None);
        assert!(pace.admit(1 << 40, &Stop::new()) && pace.admit(2, &Stop::new()));
        assert_eq!(pace.sent(), (1 << 40) + 2);
    }
}
