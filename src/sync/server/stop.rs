//! A wish to stop, or a time at which to: everything that waits looks at it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The longest wait between two looks.
const SLICE: Duration = Duration::from_millis(50);

/// Tells those who have a copy of it to stop. Any thread may do so.
#[derive(Debug, Clone, Default)]
pub struct Stop {
    asked: Arc<AtomicBool>,
    deadline: Option<Instant>,
}

impl Stop {
    /// One that nobody has asked for yet.
    pub fn new() -> Stop {
        Stop::default()
    }

    /// The same, which also stops at a time, or at its own if that is earlier.
    pub fn at(&self, deadline: Option<Instant>) -> Stop {
        let deadline = self.deadline.into_iter().chain(deadline).min();
        Stop { asked: self.asked.clone(), deadline }
    }

    /// Asks for it.
    pub fn ask(&self) {
        self.asked.store(true, Ordering::Release);
    }

    /// Whether somebody has asked.
    pub fn is_asked(&self) -> bool {
        self.asked.load(Ordering::Acquire)
    }

    /// Whether the time is over.
    pub fn is_late(&self) -> bool {
        self.deadline.is_some_and(|deadline| Instant::now() >= deadline)
    }

    /// Whether to stop, for whatever cause.
    pub fn is_due(&self) -> bool {
        self.is_asked() || self.is_late()
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
