//! The settings of a sync.

use std::ffi::c_char;

use super::error::weave_status;
use super::options::{out_of_range, set, weave_options};
use super::options_storage::milliseconds;
use super::stop::weave_stop;
use super::strings::{object, text};
use crate::client::sending::MAX_CONNECTIONS;

/// At a sync, where the one project that is sent goes, under whatever name it was recorded; references in it follow.
/// Variable WEAVE_DESTINATION; default: the recorded name.
///
/// @param options the settings.
/// @param destination "entity/project", or "project" of the entity that projects without one go to; copied.
/// @return WEAVE_OK; WEAVE_INVALID_ARGUMENT when NULL; WEAVE_INVALID_UTF8.
#[no_mangle]
pub unsafe extern "C" fn weave_options_set_destination(
    options: *mut weave_options,
    destination: *const c_char,
) -> weave_status {
    // SAFETY: by the conventions of the interface.
    unsafe {
        set(options, |o| {
            let destination = text(destination, "destination")?;
            o.sync.destination = Some(destination.to_owned());
            Ok(())
        })
    }
}

/// At a sync, where a project goes that was recorded under another name; references to it follow. To be called for each
/// such project. Variable WEAVE_DESTINATIONS (RECORDED=DESTINATION, several with commas); default: the recorded names.
///
/// @param options the settings.
/// @param recorded "entity/project" as recorded, or "project" when it was logged without an entity; copied.
/// @param destination "entity/project", or "project" of the entity that projects without one go to; copied.
/// @return WEAVE_OK; WEAVE_INVALID_ARGUMENT when NULL; WEAVE_INVALID_UTF8.
#[no_mangle]
pub unsafe extern "C" fn weave_options_add_destination(
    options: *mut weave_options,
    recorded: *const c_char,
    destination: *const c_char,
) -> weave_status {
    // SAFETY: by the conventions of the interface.
    unsafe {
        set(options, |o| {
            let recorded = text(recorded, "recorded")?;
            let destination = text(destination, "destination")?;
            o.sync.destinations.push((recorded.to_owned(), destination.to_owned()));
            Ok(())
        })
    }
}

/// The age at which a call that has not ended, and whose program still runs, is sent as one that runs, by a sync or by an
/// online client; before that it waits for its end. A call whose program is gone is sent at once. Variable WEAVE_OPEN_CALL_AGE (seconds);
/// default 60 seconds.
///
/// @param options the settings.
/// @param open_call_age_ms milliseconds, at least 0.
/// @return WEAVE_OK; WEAVE_INVALID_ARGUMENT when NULL or negative.
#[no_mangle]
pub unsafe extern "C" fn weave_options_set_open_call_age(
    options: *mut weave_options,
    open_call_age_ms: i64,
) -> weave_status {
    // SAFETY: by the conventions of the interface.
    unsafe {
        set(options, |o| {
            o.sync.open_call_age = Some(milliseconds(open_call_age_ms, "open_call_age_ms")?);
            Ok(())
        })
    }
}

/// Whether a sync, or an online client, closes calls that have no end and whose program is gone: as failed, with an
/// exception that says so. Else they stay open. Variable WEAVE_CLOSE_INTERRUPTED; default false.
///
/// @param options the settings.
/// @param close_interrupted true or false.
/// @return WEAVE_OK; WEAVE_INVALID_ARGUMENT when NULL.
#[no_mangle]
pub unsafe extern "C" fn weave_options_set_close_interrupted(
    options: *mut weave_options,
    close_interrupted: bool,
) -> weave_status {
    // SAFETY: by the conventions of the interface.
    unsafe {
        set(options, |o| {
            o.sync.close_interrupted = Some(close_interrupted);
            Ok(())
        })
    }
}

/// How long a sync may take. It then ends at the end of a request with WEAVE_TIMEOUT; calls that failed or have feedback
/// go first. Variable WEAVE_MAX_SYNC_TIME (seconds); default: no limit.
///
/// @param options the settings.
/// @param max_sync_time_ms milliseconds, at least 0.
/// @return WEAVE_OK; WEAVE_INVALID_ARGUMENT when NULL or negative.
#[no_mangle]
pub unsafe extern "C" fn weave_options_set_max_sync_time(
    options: *mut weave_options,
    max_sync_time_ms: i64,
) -> weave_status {
    // SAFETY: by the conventions of the interface.
    unsafe {
        set(options, |o| {
            o.sync.max_time = Some(milliseconds(max_sync_time_ms, "max_sync_time_ms")?);
            Ok(())
        })
    }
}

/// How many bytes of records a sync may send, further attempts included and look-ups not. It then ends with WEAVE_TIMEOUT; calls that failed or have feedback go
/// first. Variable WEAVE_MAX_SYNC_BYTES; default: no limit.
///
/// @param options the settings.
/// @param max_sync_bytes bytes, at least 1.
/// @return WEAVE_OK; WEAVE_INVALID_ARGUMENT when NULL or 0.
#[no_mangle]
pub unsafe extern "C" fn weave_options_set_max_sync_bytes(
    options: *mut weave_options,
    max_sync_bytes: u64,
) -> weave_status {
    // SAFETY: by the conventions of the interface.
    unsafe {
        set(options, |o| {
            if max_sync_bytes == 0 {
                return Err(out_of_range("max_sync_bytes", 0, "at least 1"));
            }
            o.sync.max_bytes = Some(max_sync_bytes);
            Ok(())
        })
    }
}

/// How many bytes a second a sync or an online client may send. Variable WEAVE_MAX_SYNC_RATE; default: no limit.
///
/// @param options the settings.
/// @param max_sync_rate bytes a second, at least 1.
/// @return WEAVE_OK; WEAVE_INVALID_ARGUMENT when NULL or 0.
#[no_mangle]
pub unsafe extern "C" fn weave_options_set_max_sync_rate(
    options: *mut weave_options,
    max_sync_rate: u64,
) -> weave_status {
    // SAFETY: by the conventions of the interface.
    unsafe {
        set(options, |o| {
            if max_sync_rate == 0 {
                return Err(out_of_range("max_sync_rate", 0, "at least 1"));
            }
            o.sync.max_rate = Some(max_sync_rate);
            Ok(())
        })
    }
}

/// How many requests of a sync or an online client may be under way at once. Variable WEAVE_SYNC_CONNECTIONS; default 3.
///
/// @param options the settings.
/// @param sync_connections from 1 to 16.
/// @return WEAVE_OK; WEAVE_INVALID_ARGUMENT when NULL or out of range.
#[no_mangle]
pub unsafe extern "C" fn weave_options_set_sync_connections(
    options: *mut weave_options,
    sync_connections: i32,
) -> weave_status {
    // SAFETY: by the conventions of the interface.
    unsafe {
        set(options, |o| {
            let count = usize::try_from(sync_connections).ok().filter(|count| (1..=MAX_CONNECTIONS).contains(count));
            let wanted = format!("from 1 to {MAX_CONNECTIONS}");
            o.sync.connections =
                Some(count.ok_or_else(|| out_of_range("sync_connections", sync_connections, &wanted))?);
            Ok(())
        })
    }
}

/// How long a sync waits for another one of the same directory before it answers WEAVE_BUSY. Variable WEAVE_SYNC_WAIT
/// (seconds); default 0.
///
/// @param options the settings.
/// @param sync_wait_ms milliseconds, at least 0.
/// @return WEAVE_OK; WEAVE_INVALID_ARGUMENT when NULL or negative.
#[no_mangle]
pub unsafe extern "C" fn weave_options_set_sync_wait(options: *mut weave_options, sync_wait_ms: i64) -> weave_status {
    // SAFETY: by the conventions of the interface.
    unsafe {
        set(options, |o| {
            o.sync.wait = Some(milliseconds(sync_wait_ms, "sync_wait_ms")?);
            Ok(())
        })
    }
}

/// The way to stop weave_sync and weave_verify with these settings from another thread; a client does not look at it.
///
/// @param options the settings.
/// @param stop what is asked; the settings keep what they need of it. NULL: none.
/// @return WEAVE_OK; WEAVE_INVALID_ARGUMENT when options is NULL.
#[no_mangle]
pub unsafe extern "C" fn weave_options_set_stop(options: *mut weave_options, stop: *const weave_stop) -> weave_status {
    // SAFETY: by the conventions of the interface.
    unsafe {
        set(options, |o| {
            o.sync.stop = match stop.is_null() {
                true => Default::default(),
                false => object(stop, "stop")?.stop.clone(),
            };
            Ok(())
        })
    }
}
