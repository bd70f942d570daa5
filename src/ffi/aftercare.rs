//! What is done after a sync: records that the server rejected, asking it for what it has, and what may be deleted.

use std::ffi::c_char;
use std::path::{Path, PathBuf};

use super::error::weave_status;
use super::guard::guard;
use super::options::weave_options;
use super::strings::{optional, put, put_text, text};
use super::sync::{age, dir, Given};
use crate::client::Options;
use crate::error::Result;
use crate::sync::verify::{self, Verification};
use crate::sync::{cleaning, rejected, Environment};

/// Lists the records that a server rejected, with its reasons. They are not sent again by themselves.
///
/// @param offline_dir the offline directory; NULL for the one of environment or default.
/// @param project_name one project, "entity/project" as recorded, or its last part; NULL for all.
/// @param kind one kind, as in the results of a sync: "calls", "feedback", …; NULL for all.
/// @param rejected_json takes a JSON array of objects with project, kind, id, status, reason, place or places, at, server
/// and to; to be freed with weave_string_free.
/// @return WEAVE_OK; WEAVE_INVALID_ARGUMENT, WEAVE_INVALID_UTF8, WEAVE_INVALID_NAME; WEAVE_IO.
#[no_mangle]
pub unsafe extern "C" fn weave_rejected_list(
    offline_dir: *const c_char,
    project_name: *const c_char,
    kind: *const c_char,
    rejected_json: *mut *mut c_char,
) -> weave_status {
    guard(|| {
        // SAFETY: by the conventions of the interface.
        let which = unsafe { Which::given(offline_dir, project_name, kind) }?;
        let mut listed = Vec::new();
        rejected::list(&which.dir, which.project, which.kind, &mut |project, entry| {
            listed.push(rejected::of_project(project, &entry.to_json(false)?));
            Ok(())
        })?;
        // SAFETY: by the conventions of the interface.
        unsafe { put_text(rejected_json, format!("[{}]", listed.join(", "))) }
    })
}

/// Puts records that a server rejected back to those that wait. The next sync sends them again, with the same ids.
///
/// @param offline_dir the offline directory; NULL for the one of environment or default.
/// @param project_name one project, "entity/project" as recorded, or its last part; NULL for all.
/// @param kind one kind, as in the results of a sync: "calls", "feedback", …; NULL for all.
/// @param count takes how many records were put back; may be NULL.
/// @return WEAVE_OK; WEAVE_BUSY when a sync of the directory is running; WEAVE_INVALID_ARGUMENT, WEAVE_INVALID_UTF8,
/// WEAVE_INVALID_NAME; WEAVE_IO, WEAVE_NO_SPACE.
#[no_mangle]
pub unsafe extern "C" fn weave_rejected_retry(
    offline_dir: *const c_char,
    project_name: *const c_char,
    kind: *const c_char,
    count: *mut u64,
) -> weave_status {
    // SAFETY: by the conventions of the interface.
    unsafe {
        counted(offline_dir, project_name, kind, count, |dir, project, kind| rejected::retry(dir, project, kind, None))
    }
}

/// Writes the records that a server rejected to a file, with their lines as they were stored: one JSON object a line.
///
/// @param offline_dir the offline directory; NULL for the one of environment or default.
/// @param project_name one project, "entity/project" as recorded, or its last part; NULL for all.
/// @param kind one kind, as in the results of a sync: "calls", "feedback", …; NULL for all.
/// @param to_file the file, which must not exist yet.
/// @param count takes how many records were written; may be NULL.
/// @return WEAVE_OK; WEAVE_INVALID_ARGUMENT, WEAVE_INVALID_UTF8, WEAVE_INVALID_NAME; WEAVE_IO, WEAVE_NO_SPACE.
#[no_mangle]
pub unsafe extern "C" fn weave_rejected_export(
    offline_dir: *const c_char,
    project_name: *const c_char,
    kind: *const c_char,
    to_file: *const c_char,
    count: *mut u64,
) -> weave_status {
    // SAFETY: by the conventions of the interface.
    unsafe {
        counted(offline_dir, project_name, kind, count, |dir, project, kind| {
            rejected::export(dir, project, kind, Path::new(text(to_file, "to_file")?))
        })
    }
}

/// Gives up records that a server rejected, for good.
///
/// @param offline_dir the offline directory; NULL for the one of environment or default.
/// @param project_name one project, "entity/project" as recorded, or its last part; NULL for all.
/// @param kind one kind, as in the results of a sync: "calls", "feedback", …; NULL for all.
/// @param count takes how many records were dropped; may be NULL.
/// @return WEAVE_OK; WEAVE_BUSY when a sync of the directory is running; WEAVE_INVALID_ARGUMENT, WEAVE_INVALID_UTF8,
/// WEAVE_INVALID_NAME; WEAVE_IO, WEAVE_NO_SPACE.
#[no_mangle]
pub unsafe extern "C" fn weave_rejected_drop(
    offline_dir: *const c_char,
    project_name: *const c_char,
    kind: *const c_char,
    count: *mut u64,
) -> weave_status {
    // SAFETY: by the conventions of the interface.
    unsafe {
        counted(offline_dir, project_name, kind, count, |dir, project, kind| {
            rejected::discard(dir, project, kind, None)
        })
    }
}

/// Asks the server for everything that the receipts of past syncs say it has.
///
/// @param offline_dir the offline directory; NULL for the one of options, environment or default.
/// @param project_name one project, "entity/project" as recorded, or its last part; NULL for all.
/// @param api_key the API key; NULL for the one of options, environment or netrc file.
/// @param options addresses, certificates, progress (synced: found, errors: missing); NULL for the defaults.
/// @param put_back whether what is missing is put back to be sent by the next sync, from the synced files that are there;
/// each id once. Calls, feedback and prices that somebody has deleted on the server are missing there too, and come back.
/// @param results_json takes {"entity/project": {"calls": [found, asked], …}}; to be freed with weave_string_free. It is
/// written whenever asking began, also when the status is an error: set it to NULL before.
/// @return WEAVE_OK when everything is there; WEAVE_INCOMPLETE when something is missing or could not be asked, the text
/// tells what; WEAVE_CANCELLED; WEAVE_BUSY when put_back is set and a sync of the directory is running;
/// WEAVE_INVALID_ARGUMENT, WEAVE_INVALID_UTF8, WEAVE_INVALID_NAME; WEAVE_UNAUTHORIZED, WEAVE_NETWORK, WEAVE_SERVER;
/// WEAVE_IO, WEAVE_NO_SPACE.
#[no_mangle]
pub unsafe extern "C" fn weave_verify(
    offline_dir: *const c_char,
    project_name: *const c_char,
    api_key: *const c_char,
    options: *const weave_options,
    put_back: bool,
    results_json: *mut *mut c_char,
) -> weave_status {
    guard(|| {
        // SAFETY: by the conventions of the interface.
        let given = unsafe { Given::read(offline_dir, project_name, api_key, options) }?;
        let verification = Verification {
            offline_dir: &given.dir,
            projects: given.project.as_slice(),
            connection: &given.settings.connection(),
            environment: &given.environment,
            stop: given.settings.sync.stop.clone(),
            put_back,
        };
        let outcome = verify::run(&verification, &mut |told| given.tell(told), &mut |_| {})?;
        // SAFETY: by the conventions of the interface.
        unsafe { put_text(results_json, outcome.to_json()) }?;
        outcome.error().map_or(Ok(()), Err)
    })
}

/// Tells what weave_clean_synced_files would delete now, and deletes nothing.
///
/// @param offline_dir the offline directory; NULL for the one of environment or default.
/// @param older_than_days days since the sync, with fractions; 0 for all that were sent.
/// @param files_json takes {"files": [{"path", "bytes"}, …], "bytes": in all}, paths within the directory; to be freed
/// with weave_string_free.
/// @return WEAVE_OK; WEAVE_INVALID_ARGUMENT, WEAVE_INVALID_UTF8; WEAVE_IO.
#[no_mangle]
pub unsafe extern "C" fn weave_clean_preview(
    offline_dir: *const c_char,
    older_than_days: f64,
    files_json: *mut *mut c_char,
) -> weave_status {
    guard(|| {
        let age = age(older_than_days)?;
        // SAFETY: by the conventions of the interface.
        let dir = unsafe { dir(offline_dir, &Options::default(), &Environment::of_process()) }?;
        let mut files = Vec::new();
        let cleaned = cleaning::preview(&dir, age, &mut |path, bytes| {
            let path = path.strip_prefix(&dir).unwrap_or(path).display().to_string();
            files.push(serde_json::json!({"path": path, "bytes": bytes}));
        })?;
        let told = serde_json::json!({"files": files, "bytes": cleaned.bytes}).to_string();
        // SAFETY: by the conventions of the interface.
        unsafe { put_text(files_json, told) }
    })
}

/// Does something with the rejected records that are meant, and tells how many.
///
/// # Safety
/// Each is NULL or what the conventions of the interface say.
unsafe fn counted(
    offline_dir: *const c_char,
    project_name: *const c_char,
    kind: *const c_char,
    count: *mut u64,
    act: impl FnOnce(&Path, Option<&str>, Option<&str>) -> Result<u64>,
) -> weave_status {
    guard(|| {
        // SAFETY: by the contract.
        let which = unsafe { Which::given(offline_dir, project_name, kind) }?;
        let done = act(&which.dir, which.project, which.kind)?;
        // SAFETY: by the contract.
        unsafe { put(count, done) };
        Ok(())
    })
}

/// Which rejected records are meant.
struct Which<'a> {
    dir: PathBuf,
    project: Option<&'a str>,
    kind: Option<&'a str>,
}

impl<'a> Which<'a> {
    /// # Safety
    /// Each is NULL or a text that stays as it is for `'a`.
    unsafe fn given(offline_dir: *const c_char, project_name: *const c_char, kind: *const c_char) -> Result<Which<'a>> {
        // SAFETY: by the contract.
        let project = unsafe { optional(project_name, "project_name") }?.filter(|name| !name.is_empty());
        // SAFETY: by the contract.
        let kind = unsafe { optional(kind, "kind") }?.filter(|kind| !kind.is_empty());
        // SAFETY: by the contract.
        let dir = unsafe { dir(offline_dir, &Options::default(), &Environment::of_process()) }?;
        Ok(Which { dir, project, kind })
    }
}
