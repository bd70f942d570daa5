//! The session.

use std::ffi::{c_char, CString};
use std::sync::Arc;
use std::time::Duration;

use super::error::weave_status;
use super::guard::{guard, guard_client, quietly};
use super::options::weave_options;
use super::strings::{c_string, free, limit, null, object, put, put_text, required_json, text};
use crate::client::{Client, Options};
use crate::error::{Error, Result, Status};

/// A session for one project. Any thread, any number at a time.
pub struct weave_client {
    pub(super) client: Arc<Client>,
    project: CString,
    offline_dir: CString,
}

/// Runs work on a client.
///
/// # Safety
/// `client` is NULL or valid for the time of the call.
pub(super) unsafe fn with(client: *const weave_client, work: impl FnOnce(&Arc<Client>) -> Result<()>) -> weave_status {
    // SAFETY: by the contract.
    match unsafe { client.as_ref() } {
        Some(handle) => guard_client(&handle.client, || work(&handle.client)),
        None => guard(|| Err(null("client"))),
    }
}

/// Opens a session for a project.
///
/// Offline, nothing but the offline directory is touched. Otherwise there must be an API key, and the server is asked once,
/// for 3 seconds at most: whether it takes the key, and for the project, which is made if it is not there. When it cannot
/// be reached or fails, the log is told and the session opens all the same. What is logged is stored as it is offline, and
/// a thread of the library sends it whenever the server can be reached.
///
/// @param project_name "project" or "entity/project".
/// @param options the settings; copied. NULL for the defaults.
/// @param client takes the session, to be released with weave_client_free.
/// @return WEAVE_OK; WEAVE_INVALID_ARGUMENT for NULL or a setting that cannot be used (the text names it);
/// WEAVE_INVALID_NAME, WEAVE_INVALID_UTF8, WEAVE_INVALID_JSON (attributes); WEAVE_IO, WEAVE_NO_SPACE for the offline
/// directory; when not offline also WEAVE_UNAUTHORIZED, WEAVE_FORBIDDEN, WEAVE_NETWORK, WEAVE_SERVER.
#[no_mangle]
pub unsafe extern "C" fn weave_init(
    project_name: *const c_char,
    options: *const weave_options,
    client: *mut *mut weave_client,
) -> weave_status {
    guard(|| {
        if client.is_null() {
            return Err(null("client"));
        }
        // SAFETY: by the conventions of the interface.
        let project_name = unsafe { text(project_name, "project_name") }?;
        // SAFETY: by the conventions of the interface.
        let made = match unsafe { weave_options::of(options) } {
            Some(options) => Client::init(project_name, &options.options)?,
            None => Client::init(project_name, &Options::default())?,
        };
        let dir = made.offline_dir().map(|dir| dir.to_string_lossy().into_owned()).unwrap_or_default();
        let handle = weave_client { project: c_string(made.project())?, offline_dir: c_string(dir)?, client: made };
        // SAFETY: not NULL, hence valid for a write.
        unsafe { client.write(Box::into_raw(Box::new(handle))) };
        Ok(())
    })
}

/// Brings everything accepted so far to the disk for good. When not offline, it then has it sent at once and waits for
/// that; at the time limit the sending goes on.
///
/// @param client the session.
/// @param timeout_ms how long this may take, in milliseconds; negative: no limit.
/// @param left takes how many records are not in data files yet, also on WEAVE_TIMEOUT; may be NULL. They are kept.
/// @return WEAVE_OK; WEAVE_TIMEOUT; WEAVE_INVALID_ARGUMENT when client is NULL; WEAVE_CLOSED; WEAVE_IO, WEAVE_NO_SPACE;
/// when not offline also WEAVE_INCOMPLETE, WEAVE_UNAUTHORIZED, WEAVE_FORBIDDEN, WEAVE_NETWORK, WEAVE_SERVER,
/// WEAVE_CANCELLED, and WEAVE_BUSY when another process syncs the directory for long: the records are kept then, and sent
/// later.
#[no_mangle]
pub unsafe extern "C" fn weave_flush(client: *mut weave_client, timeout_ms: i64, left: *mut u64) -> weave_status {
    // SAFETY: by the conventions of the interface.
    unsafe {
        put(left, 0);
        with(client, |client| settled(client.flush(limit(timeout_ms))?, left))
    }
}

/// Flushes, and closes the session: later work on it answers WEAVE_CLOSED. To finish again does nothing. Calls that have
/// not ended stay open. When not offline, what is being sent at the time limit is broken off; what was not sent is kept,
/// and sent by the next client or by weave_sync.
///
/// @param client the session.
/// @param timeout_ms how long this may take, in milliseconds; negative: no limit, but when not offline it ends with
/// WEAVE_TIMEOUT after the server has taken nothing for twice http_timeout (60 s).
/// @param left takes how many records are not in data files yet, also on WEAVE_TIMEOUT; may be NULL. They are kept.
/// @return as weave_flush; the session is closed in any case.
#[no_mangle]
pub unsafe extern "C" fn weave_finish(client: *mut weave_client, timeout_ms: i64, left: *mut u64) -> weave_status {
    // SAFETY: by the conventions of the interface.
    unsafe {
        put(left, 0);
        with(client, |client| settled(client.finish(limit(timeout_ms))?, left))
    }
}

/// # Safety
/// `place` is NULL or valid for a write.
unsafe fn settled(left: u64, place: *mut u64) -> Result<()> {
    // SAFETY: by the contract.
    unsafe { put(place, left) };
    match left {
        0 => Ok(()),
        left => Err(Error::new(
            Status::Timeout,
            format!("the time limit was reached with {left} records not in data files yet; they are kept"),
        )),
    }
}

/// Releases a session. One that is not finished is flushed as far as that takes no time, and nothing more is sent; nothing
/// accepted is lost.
///
/// @param client the session; NULL is fine.
#[no_mangle]
pub unsafe extern "C" fn weave_client_free(client: *mut weave_client) {
    quietly((), || {
        // SAFETY: by the conventions of the interface.
        if let Some(handle) = unsafe { client.as_ref() } {
            handle.client.close(Duration::ZERO);
        }
    });
    // SAFETY: made by weave_init, freed once.
    unsafe { free(client) }
}

/// The project of a session, as it is recorded.
///
/// @param client the session.
/// @return "entity/project", which lives as long as the session; the entity is "offline" when none is known. NULL when
/// client is NULL.
#[no_mangle]
pub unsafe extern "C" fn weave_client_project(client: *const weave_client) -> *const c_char {
    // SAFETY: by the conventions of the interface.
    quietly(std::ptr::null(), || unsafe { client.as_ref() }.map_or(std::ptr::null(), |c| c.project.as_ptr()))
}

/// The offline directory of a session.
///
/// @param client the session.
/// @return the path, which lives as long as the session; empty when disabled. NULL when client is NULL.
#[no_mangle]
pub unsafe extern "C" fn weave_client_offline_dir(client: *const weave_client) -> *const c_char {
    // SAFETY: by the conventions of the interface.
    quietly(std::ptr::null(), || unsafe { client.as_ref() }.map_or(std::ptr::null(), |c| c.offline_dir.as_ptr()))
}

/// How many records of this session its filter has dropped.
///
/// @param client the session.
/// @param dropped takes the number.
/// @return WEAVE_OK; WEAVE_INVALID_ARGUMENT when client is NULL.
#[no_mangle]
pub unsafe extern "C" fn weave_client_dropped(client: *const weave_client, dropped: *mut u64) -> weave_status {
    guard(|| {
        // SAFETY: by the conventions of the interface.
        let handle = unsafe { object(client, "client") }?;
        // SAFETY: by the conventions of the interface.
        unsafe { put(dropped, handle.client.dropped()) };
        Ok(())
    })
}

/// What became of the records that this process logged into the offline directory of a session, by all its sessions: a
/// JSON object.
///
/// "accepted": records that were taken; "packed": of these, records in data files on the disk; "waiting" and
/// "waiting_bytes": those in the journal alone; "refused": records that were not taken because the journal or the quota
/// was full or the disk failed (a mistake in a record is not counted); "blocked": logging calls that had to wait for room;
/// "dropped": records in data files that were deleted unsent to keep the quota; "journal": its "kind", "mapped" or
/// "write", and its "bytes"; "failures": times that records could not be brought into data files, which are tried again;
/// "last_error": why, the last time, or null; "filtered": records that this session's filter has dropped.
///
/// @param client the session, which may be finished. Disabled, everything is 0.
/// @param stats_json takes the text, to be freed with weave_string_free.
/// @return WEAVE_OK; WEAVE_INVALID_ARGUMENT when NULL.
#[no_mangle]
pub unsafe extern "C" fn weave_stats(client: *mut weave_client, stats_json: *mut *mut c_char) -> weave_status {
    // SAFETY: by the conventions of the interface.
    unsafe { with(client, |client| put_text(stats_json, client.stats().to_json(client.dropped()).to_string())) }
}

/// Reads data of the server, with a request of the trace server's interface. Not available offline.
///
/// @param client the session.
/// @param path the path of the request, such as "/calls/stream_query".
/// @param request_json the JSON object that it takes.
/// @param length its length in bytes; negative: NUL-terminated.
/// @param answer_json takes the answer (JSON, or one JSON value a line), to be freed with weave_string_free.
/// @return WEAVE_OK; WEAVE_OFFLINE when the session is offline or disabled; WEAVE_INVALID_ARGUMENT, WEAVE_INVALID_UTF8,
/// WEAVE_INVALID_JSON, WEAVE_CLOSED; WEAVE_UNAUTHORIZED, WEAVE_FORBIDDEN, WEAVE_NETWORK, WEAVE_SERVER.
#[no_mangle]
pub unsafe extern "C" fn weave_query(
    client: *mut weave_client,
    path: *const c_char,
    request_json: *const c_char,
    length: isize,
    answer_json: *mut *mut c_char,
) -> weave_status {
    // SAFETY: by the conventions of the interface.
    unsafe {
        with(client, |client| {
            let request = required_json(request_json, length, "request_json")?;
            put_text(answer_json, client.query(text(path, "path")?, request)?)
        })
    }
}

/// Provokes a fault inside the library, to prove that it is contained. For tests.
///
/// @param client a session, which refuses further work from then on; NULL for a fault outside of any.
/// @return WEAVE_PANIC.
#[no_mangle]
pub unsafe extern "C" fn weave_panic_for_test(client: *mut weave_client) -> weave_status {
    // Not by panic!, which the lints of the crate deny: an index that is out of bounds, as a real fault would be.
    #[allow(clippy::indexing_slicing, clippy::out_of_bounds_indexing)]
    let fault = |nothing: &[u8]| -> Result<()> { Err(Error::new(Status::Ok, nothing[1].to_string())) };
    match client.is_null() {
        true => guard(|| fault(&[])),
        // SAFETY: by the conventions of the interface.
        false => unsafe { with(client, |_| fault(&[])) },
    }
}
