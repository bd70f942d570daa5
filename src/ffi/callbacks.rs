//! Functions of the program that the library calls.

use std::ffi::{c_char, c_void, CString};

use super::error::weave_status;
use super::guard::{guard, quietly};
use super::strings::{c_string, object_mut, put, required_json};
use crate::client::options::ProgressFn;
use crate::client::{Decision, Filter, FilteredRecord};
use crate::sync;

/// What a filter decides.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum weave_decision {
    /// The record is kept.
    WEAVE_KEEP = 0,
    /// The record is dropped; that is counted. A start that is dropped takes its end with it.
    WEAVE_DROP = 1,
}

/// A record that a filter is asked about. It lives as long as the callback runs.
pub struct weave_record {
    /// A `&mut FilteredRecord` of the running callback.
    record: *mut c_void,
    record_type: CString,
    json: CString,
}

/// Decides about a record: WEAVE_KEEP or WEAVE_DROP (any other value keeps).
///
/// The type is int32_t, so that a callback may be written in any language.
pub type weave_filter_fn = Option<unsafe extern "C" fn(record: *mut weave_record, user_data: *mut c_void) -> i32>;

/// How far a sync has come. Read no further than `size`: later versions may add members at the end.
#[repr(C)]
#[derive(Debug)]
pub struct weave_progress {
    /// The size of the struct in bytes.
    pub size: usize,
    /// "entity/project" as recorded; lives as long as the callback runs.
    pub project: *const c_char,
    /// "calls", "ops", "objects", "tables", "feedback", "files", …; lives as long as the callback runs.
    pub kind: *const c_char,
    /// Records that the server has taken.
    pub synced: u64,
    /// Records that it has refused.
    pub errors: u64,
}

/// Is told how a sync goes on; anything but 0 asks it to stop, which weave_sync answers with WEAVE_CANCELLED.
pub type weave_progress_fn =
    Option<unsafe extern "C" fn(progress: *const weave_progress, user_data: *mut c_void) -> i32>;

/// A pointer of the program's, handed back to it.
#[derive(Clone, Copy)]
pub(super) struct UserData(pub *mut c_void);

// SAFETY: the library never looks at it; the program promises that its callback may run on any thread.
unsafe impl Send for UserData {}
// SAFETY: as above.
unsafe impl Sync for UserData {}

impl UserData {
    /// The pointer. By a method, so that closures capture the whole, which may change threads.
    pub(super) fn get(self) -> *mut c_void {
        self.0
    }
}

/// A progress function that tells the program.
pub(super) fn progress(
    callback: unsafe extern "C" fn(*const weave_progress, *mut c_void) -> i32,
    user_data: UserData,
) -> Box<ProgressFn> {
    Box::new(move |progress: &sync::Update<'_>| {
        let (Ok(project), Ok(kind)) = (c_string(progress.project), c_string(progress.kind)) else {
            return true;
        };
        let told = weave_progress {
            size: std::mem::size_of::<weave_progress>(),
            project: project.as_ptr(),
            kind: kind.as_ptr(),
            synced: progress.synced,
            errors: progress.errors,
        };
        // SAFETY: the program's own callback and data, with a struct that lives until it returns.
        unsafe { callback(&told, user_data.get()) == 0 }
    })
}

/// A filter that asks the program.
pub(super) fn filter(
    callback: unsafe extern "C" fn(*mut weave_record, *mut c_void) -> i32,
    user_data: UserData,
) -> Box<Filter> {
    Box::new(move |record: &mut FilteredRecord<'_>| {
        let mut handle = weave_record {
            record_type: c_string(record.record_type().name()).unwrap_or_default(),
            json: CString::default(),
            record: std::ptr::from_mut(record).cast(),
        };
        // SAFETY: the program's own callback and data, with a handle that lives until it returns.
        match unsafe { callback(&mut handle, user_data.get()) } {
            decision if decision == weave_decision::WEAVE_DROP as i32 => Decision::Drop,
            _ => Decision::Keep,
        }
    })
}

/// The record behind a handle.
///
/// # Safety
/// `record` is NULL or the handle that the running callback was given, used by its thread alone.
unsafe fn behind<'a>(record: *mut weave_record) -> crate::Result<(&'a mut weave_record, &'a mut FilteredRecord<'a>)> {
    // SAFETY: by the contract.
    let handle = unsafe { object_mut(record, "record") }?;
    // SAFETY: it was made from the exclusive reference that the filter holds while its callback runs.
    let inner = unsafe { &mut *handle.record.cast::<FilteredRecord<'a>>() };
    Ok((handle, inner))
}

/// The type of a record, as it stands in a line: "call_complete", "call_start", "call_end", "call_update", "op_create",
/// "obj_create", "table_create", "file_create", "feedback_create" or "cost_create".
///
/// @param record what the filter was given.
/// @return the text, which lives as long as the callback runs; NULL when record is NULL.
#[no_mangle]
pub unsafe extern "C" fn weave_record_type(record: *const weave_record) -> *const c_char {
    // SAFETY: by the conventions of the interface.
    quietly(std::ptr::null(), || unsafe { record.as_ref() }.map_or(std::ptr::null(), |r| r.record_type.as_ptr()))
}

/// The data of a record: the JSON of the request that it stands for.
///
/// @param record what the filter was given.
/// @param length takes the length in bytes; may be NULL.
/// @return the text, NUL-terminated, which lives until the record is changed or the callback returns; NULL when record is
/// NULL.
#[no_mangle]
pub unsafe extern "C" fn weave_record_json(record: *mut weave_record, length: *mut usize) -> *const c_char {
    quietly(std::ptr::null(), || {
        // SAFETY: by the conventions of the interface.
        let Ok((handle, inner)) = (unsafe { behind(record) }) else { return std::ptr::null() };
        // JSON holds no NUL: it would be escaped.
        handle.json = c_string(inner.json()).unwrap_or_default();
        // SAFETY: by the conventions of the interface.
        unsafe { put(length, handle.json.as_bytes().len()) };
        handle.json.as_ptr()
    })
}

/// Replaces the data of a record. It is checked like everything that is logged, and must still be about the same thing:
/// ids, project and names stay. What is refused here refuses the record: the function that logs answers the error.
///
/// @param record what the filter was given.
/// @param json a JSON object of the same shape; copied.
/// @param length its length in bytes; negative: NUL-terminated.
/// @return WEAVE_OK; WEAVE_INVALID_ARGUMENT when NULL; WEAVE_INVALID_JSON, WEAVE_INVALID_UTF8, WEAVE_REJECTED.
#[no_mangle]
pub unsafe extern "C" fn weave_record_set_json(
    record: *mut weave_record,
    json: *const c_char,
    length: isize,
) -> weave_status {
    guard(|| {
        // SAFETY: by the conventions of the interface.
        let (_, inner) = unsafe { behind(record) }?;
        // SAFETY: by the conventions of the interface.
        match unsafe { required_json(json, length, "json") } {
            Ok(json) => inner.set_json(json),
            Err(error) => inner.refuse(error),
        }
    })
}
