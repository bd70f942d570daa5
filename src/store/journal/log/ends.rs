//! How far the log is, as its writers tell the packer, which does not lock it to know.

use crate::store::journal::ring::sync::AtomicU64;
use std::sync::atomic::Ordering;

/// Two ends of the log. The second is stored last and loaded first: it is never seen ahead of the first.
#[derive(Default)]
pub struct Ends {
    all: AtomicU64,
    others: AtomicU64,
}

impl Ends {
    /// The log has grown to a position, by a record that is a part of a call, or by another one. Called by one at a
    /// time.
    pub fn reach(&self, position: u64, is_part_of_call: bool) {
        self.all.store(position, Ordering::Release);
        if !is_part_of_call {
            self.others.store(position, Ordering::Release);
        }
    }

    /// Where the last record ends, and where the last one does that is no part of a call.
    pub fn get(&self) -> (u64, u64) {
        let others = self.others.load(Ordering::Acquire);
        (self.all.load(Ordering::Acquire), others)
    }
}
