//! The atomics that those meet on who write to a journal and who pack it: the real ones, or those of the model checker.

#[cfg(all(test, loom))]
pub use loom::sync::atomic::{AtomicBool, AtomicU64};
#[cfg(not(all(test, loom)))]
pub use std::sync::atomic::{AtomicBool, AtomicU64};
