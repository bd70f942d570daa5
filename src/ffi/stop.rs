//! Stopping a sync or a verification from another thread.

use super::error::weave_status;
use super::guard::{guard, made};
use super::strings::{free, object};
use crate::sync::Stop;

/// The way to stop syncs. Any thread, any number at a time.
pub struct weave_stop {
    pub(super) stop: Stop,
}

/// Makes a way to stop; weave_options_set_stop gives it to syncs.
///
/// @return it, to be released with weave_stop_free.
#[no_mangle]
#[must_use]
pub extern "C" fn weave_stop_new() -> *mut weave_stop {
    made(|| Ok(Box::into_raw(Box::new(weave_stop { stop: Stop::new() }))))
}

/// Stops the syncs and verifications that it was given to, those that run and those that begin later: within some tenths
/// of a second they end with WEAVE_CANCELLED. Nothing is lost; what was under way is looked up by the next sync.
///
/// @param stop the way to stop.
/// @return WEAVE_OK; WEAVE_INVALID_ARGUMENT when NULL.
#[no_mangle]
pub unsafe extern "C" fn weave_stop_ask(stop: *const weave_stop) -> weave_status {
    guard(|| {
        // SAFETY: by the conventions of the interface.
        unsafe { object(stop, "stop") }?.stop.ask();
        Ok(())
    })
}

/// Releases a way to stop. Syncs that it was given to go on, and cannot be stopped by it any more.
///
/// @param stop the way to stop; NULL is fine.
#[no_mangle]
pub unsafe extern "C" fn weave_stop_free(stop: *mut weave_stop) {
    // SAFETY: made by weave_stop_new, freed once.
    unsafe { free(stop) }
}
