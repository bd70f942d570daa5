//! Calls.

use std::ffi::{c_char, CString};

use super::call_options::{weave_call_options, with as with_options};
use super::client::{weave_client, with};
use super::error::weave_status;
use super::guard::{guard, guard_client, quietly};
use super::strings::{c_string, free, json, null, optional, put, put_id, put_text, required_json, text, time};
use crate::client::{exception_text, LiveCall};
use crate::error::{Error, Result, Status};

/// The size of a buffer for an id: a UUID or an id of 32 characters, and its NUL.
pub const WEAVE_ID_SIZE: usize = 40;

/// A live call. Any thread, one at a time for setters and end; children may be started on any thread meanwhile.
pub struct weave_call {
    pub(super) call: LiveCall,
    id: CString,
    trace_id: CString,
    context: CString,
}

/// Runs work on a call.
///
/// # Safety
/// `call` is NULL or valid for the time of the call.
unsafe fn with_call(call: *const weave_call, work: impl FnOnce(&LiveCall) -> Result<()>) -> weave_status {
    // SAFETY: by the contract.
    match unsafe { call.as_ref() } {
        Some(handle) => guard_client(handle.call.client(), || work(&handle.call)),
        None => guard(|| Err(null("call"))),
    }
}

/// Logs a finished call in one go. When this returns WEAVE_OK, the call survives the death of the process.
///
/// @param client the session.
/// @param op_name a name of at most 128 characters, or what weave_op_create gave.
/// @param inputs_json a JSON object; none means {}. Values of secret keys are redacted.
/// @param inputs_length its length in bytes; negative: NUL-terminated.
/// @param output_json any JSON value; may be none. An object with "model" and "usage" counts as that usage.
/// @param output_length its length in bytes; negative: NUL-terminated.
/// @param options what else the call is given; NULL for nothing.
/// @param call_id takes the call's id: WEAVE_ID_SIZE bytes; may be NULL.
/// @return WEAVE_OK; WEAVE_INVALID_ARGUMENT, WEAVE_INVALID_UTF8, WEAVE_INVALID_JSON, WEAVE_INVALID_NAME (op_name),
/// WEAVE_INVALID_ID, WEAVE_REJECTED, WEAVE_TOO_LARGE for what is wrong (the text names the field); WEAVE_CLOSED;
/// WEAVE_IO, WEAVE_NO_SPACE.
#[no_mangle]
pub unsafe extern "C" fn weave_log_call(
    client: *mut weave_client,
    op_name: *const c_char,
    inputs_json: *const c_char,
    inputs_length: isize,
    output_json: *const c_char,
    output_length: isize,
    options: *const weave_call_options,
    call_id: *mut c_char,
) -> weave_status {
    // SAFETY: by the conventions of the interface.
    unsafe {
        with(client, |client| {
            let op_name = text(op_name, "op_name")?;
            let (inputs, output) = (json(inputs_json, inputs_length), json(output_json, output_length));
            let id = with_options(options, |options| client.log_call(op_name, inputs, output, options))?;
            put_id(call_id, &id);
            Ok(())
        })
    }
}

/// Logs many finished calls in one go, also of the past. All of them are checked before any is kept.
///
/// @param client the session.
/// @param calls_json a JSON array of objects: "op_name", and what is known of "id", "trace_id", "parent_id",
/// "display_name", "thread_id", "turn_id", "kind", "started_at", "ended_at" (texts, or microseconds since 1970),
/// "attributes", "inputs", "output", "exception", "summary", "otel_dump", "wb_run_id", "wb_run_step", "wb_run_step_end".
/// Summaries count as they are given: they are not rolled up.
/// @param length its length in bytes; negative: NUL-terminated.
/// @param accepted takes how many calls are kept, also on an error; may be NULL.
/// @return as weave_log_call; the text names the call by its place, as in "calls[3]".
#[no_mangle]
pub unsafe extern "C" fn weave_log_calls(
    client: *mut weave_client,
    calls_json: *const c_char,
    length: isize,
    accepted: *mut u64,
) -> weave_status {
    // SAFETY: by the conventions of the interface.
    unsafe {
        with(client, |client| {
            let (kept, result) = client.log_calls(required_json(calls_json, length, "calls_json")?);
            put(accepted, kept);
            result
        })
    }
}

/// Begins a call. It may end much later, on another thread, or never.
///
/// @param client the session.
/// @param op_name a name of at most 128 characters, or what weave_op_create gave.
/// @param inputs_json a JSON object; none means {}. Values of secret keys are redacted.
/// @param inputs_length its length in bytes; negative: NUL-terminated.
/// @param options what else the call is given; NULL for nothing.
/// @param call takes the call, to be released with weave_call_free.
/// @return as weave_log_call.
#[no_mangle]
pub unsafe extern "C" fn weave_call_start(
    client: *mut weave_client,
    op_name: *const c_char,
    inputs_json: *const c_char,
    inputs_length: isize,
    options: *const weave_call_options,
    call: *mut *mut weave_call,
) -> weave_status {
    // SAFETY: by the conventions of the interface.
    unsafe {
        with(client, |client| {
            if call.is_null() {
                return Err(null("call"));
            }
            let (op_name, inputs) = (text(op_name, "op_name")?, json(inputs_json, inputs_length));
            let live = with_options(options, |options| client.start_call(op_name, inputs, options))?;
            let handle = weave_call {
                id: c_string(live.id().as_str())?,
                trace_id: c_string(live.context().trace_id.as_str())?,
                context: c_string(live.context().to_string())?,
                call: live,
            };
            call.write(Box::into_raw(Box::new(handle)));
            Ok(())
        })
    }
}

/// Ends a call. Its usage and status are added to its parent's. When this fails, the call stays open.
///
/// @param call the call.
/// @param output_json any JSON value; may be none. An object with "model" and "usage" counts as that usage, unless the
/// call had children.
/// @param length its length in bytes; negative: NUL-terminated.
/// @return as weave_log_call; WEAVE_CLOSED also when the call has ended already.
#[no_mangle]
pub unsafe extern "C" fn weave_call_end(
    call: *mut weave_call,
    output_json: *const c_char,
    length: isize,
) -> weave_status {
    // SAFETY: by the conventions of the interface.
    unsafe { with_call(call, |call| call.end(json(output_json, length))) }
}

/// Says what failed; the call shows as failed. The call is still to be ended.
///
/// @param call the call.
/// @param type the kind of failure, such as "ValueError"; NULL to keep the message alone.
/// @param message what happened.
/// @param traceback any text, or a JSON array of {"filename", "line_number", "function_name", "text"}; NULL for none.
/// @return WEAVE_OK; WEAVE_INVALID_ARGUMENT when call or message is NULL, or nothing is said; WEAVE_INVALID_UTF8;
/// WEAVE_CLOSED when the call has ended.
#[no_mangle]
pub unsafe extern "C" fn weave_call_set_exception(
    call: *mut weave_call,
    r#type: *const c_char,
    message: *const c_char,
    traceback: *const c_char,
) -> weave_status {
    // SAFETY: by the conventions of the interface.
    unsafe { with_call(call, |call| call.set_exception(exception(r#type, message, traceback)?.into())) }
}

/// Merges an object into the call's summary. Usage and status are added at its end; computed values win.
///
/// @param call the call.
/// @param summary_json a JSON object.
/// @param length its length in bytes; negative: NUL-terminated.
/// @return WEAVE_OK; WEAVE_INVALID_ARGUMENT, WEAVE_INVALID_UTF8, WEAVE_INVALID_JSON, WEAVE_REJECTED; WEAVE_CLOSED when
/// the call has ended.
#[no_mangle]
pub unsafe extern "C" fn weave_call_set_summary(
    call: *mut weave_call,
    summary_json: *const c_char,
    length: isize,
) -> weave_status {
    // SAFETY: by the conventions of the interface.
    unsafe { with_call(call, |call| call.set_summary(required_json(summary_json, length, "summary")?)) }
}

/// Adds usage of the call itself, in tokens. It counts instead of a usage that the output names, and several add up.
///
/// @param call the call.
/// @param model the model.
/// @param prompt_tokens tokens that went in, at least 0.
/// @param completion_tokens tokens that came out, at least 0.
/// @return WEAVE_OK; WEAVE_INVALID_ARGUMENT, WEAVE_INVALID_UTF8; WEAVE_CLOSED when the call has ended.
#[no_mangle]
pub unsafe extern "C" fn weave_call_add_usage(
    call: *mut weave_call,
    model: *const c_char,
    prompt_tokens: i64,
    completion_tokens: i64,
) -> weave_status {
    // SAFETY: by the conventions of the interface.
    unsafe {
        with_call(call, |call| {
            call.add_usage(text(model, "model")?, tokens(prompt_tokens, completion_tokens)?.as_bytes())
        })
    }
}

/// Adds usage of the call itself, with any keys that servers know or not.
///
/// @param call the call.
/// @param model the model.
/// @param usage_json a JSON object such as {"input_tokens": 1, "output_tokens": 2, "cache_read_input_tokens": 3}.
/// @param length its length in bytes; negative: NUL-terminated.
/// @return WEAVE_OK; WEAVE_INVALID_ARGUMENT, WEAVE_INVALID_UTF8, WEAVE_INVALID_JSON, WEAVE_REJECTED; WEAVE_CLOSED when
/// the call has ended.
#[no_mangle]
pub unsafe extern "C" fn weave_call_add_usage_json(
    call: *mut weave_call,
    model: *const c_char,
    usage_json: *const c_char,
    length: isize,
) -> weave_status {
    // SAFETY: by the conventions of the interface.
    unsafe {
        with_call(call, |call| call.add_usage(text(model, "model")?, required_json(usage_json, length, "usage")?))
    }
}

/// Gives the call another name to show, also after its end.
///
/// @param call the call.
/// @param display_name the name. One of more than 1024 characters is cut.
/// @return WEAVE_OK; WEAVE_INVALID_ARGUMENT, WEAVE_INVALID_UTF8; WEAVE_CLOSED when the session is finished; WEAVE_IO,
/// WEAVE_NO_SPACE.
#[no_mangle]
pub unsafe extern "C" fn weave_call_set_display_name(
    call: *mut weave_call,
    display_name: *const c_char,
) -> weave_status {
    // SAFETY: by the conventions of the interface.
    unsafe { with_call(call, |call| call.set_display_name(text(display_name, "display_name")?)) }
}

/// Sets when the call ended, for calls of the past.
///
/// @param call the call.
/// @param ended_at microseconds since 1970 in UTC; 0 for the moment of its end.
/// @return WEAVE_OK; WEAVE_INVALID_ARGUMENT; WEAVE_CLOSED when the call has ended.
#[no_mangle]
pub unsafe extern "C" fn weave_call_set_ended_at(call: *mut weave_call, ended_at: i64) -> weave_status {
    // SAFETY: by the conventions of the interface.
    unsafe { with_call(call, |call| call.set_ended_at(time(ended_at, "ended_at")?)) }
}

/// The id of a call.
///
/// @param call the call.
/// @return the id, which lives as long as the handle; NULL when call is NULL.
#[no_mangle]
pub unsafe extern "C" fn weave_call_id(call: *const weave_call) -> *const c_char {
    // SAFETY: by the conventions of the interface.
    quietly(std::ptr::null(), || unsafe { call.as_ref() }.map_or(std::ptr::null(), |call| call.id.as_ptr()))
}

/// The trace that a call belongs to.
///
/// @param call the call.
/// @return the id, which lives as long as the handle; NULL when call is NULL.
#[no_mangle]
pub unsafe extern "C" fn weave_call_trace_id(call: *const weave_call) -> *const c_char {
    // SAFETY: by the conventions of the interface.
    quietly(std::ptr::null(), || unsafe { call.as_ref() }.map_or(std::ptr::null(), |call| call.trace_id.as_ptr()))
}

/// A call as one line of text, to carry a parent to another thread, process or machine: printable ASCII without spaces,
/// fit for a header or an environment variable. weave_call_options_set_parent_context takes it.
///
/// @param call the call.
/// @return the line, which lives as long as the handle; NULL when call is NULL.
#[no_mangle]
pub unsafe extern "C" fn weave_call_context(call: *const weave_call) -> *const c_char {
    // SAFETY: by the conventions of the interface.
    quietly(std::ptr::null(), || unsafe { call.as_ref() }.map_or(std::ptr::null(), |call| call.context.as_ptr()))
}

/// The reference of a call, for feedback and values.
///
/// @param call the call.
/// @param ref takes the text, to be freed with weave_string_free.
/// @return WEAVE_OK; WEAVE_INVALID_ARGUMENT when NULL.
#[no_mangle]
pub unsafe extern "C" fn weave_call_ref(call: *const weave_call, r#ref: *mut *mut c_char) -> weave_status {
    // SAFETY: by the conventions of the interface.
    unsafe { with_call(call, |call| put_text(r#ref, call.reference())) }
}

/// Releases a call. One that has not ended stays open, as if the program had crashed.
///
/// @param call the call; NULL is fine.
#[no_mangle]
pub unsafe extern "C" fn weave_call_free(call: *mut weave_call) {
    // SAFETY: made by weave_call_start, freed once.
    unsafe { free(call) }
}

/// Gives a call another name to show, by its id.
///
/// @param client the session.
/// @param call_id the call's id.
/// @param display_name the name. One of more than 1024 characters is cut.
/// @return WEAVE_OK; WEAVE_INVALID_ARGUMENT, WEAVE_INVALID_ID, WEAVE_INVALID_UTF8; WEAVE_CLOSED; WEAVE_IO, WEAVE_NO_SPACE.
#[no_mangle]
pub unsafe extern "C" fn weave_call_update(
    client: *mut weave_client,
    call_id: *const c_char,
    display_name: *const c_char,
) -> weave_status {
    // SAFETY: by the conventions of the interface.
    unsafe { with(client, |client| client.update_call(text(call_id, "call_id")?, text(display_name, "display_name")?)) }
}

/// The JSON of a usage in tokens.
pub(super) fn tokens(prompt: i64, completion: i64) -> Result<String> {
    for (field, number) in [("prompt_tokens", prompt), ("completion_tokens", completion)] {
        if number < 0 {
            return Err(Error::new(Status::InvalidArgument, format!("{field}: {number}; give a number of at least 0")));
        }
    }
    let total = prompt.saturating_add(completion);
    Ok(format!("{{\"prompt_tokens\":{prompt},\"completion_tokens\":{completion},\"total_tokens\":{total}}}"))
}

/// The text of an exception given in parts.
///
/// # Safety
/// The pointers are NULL or texts.
pub(super) unsafe fn exception(
    type_name: *const c_char,
    message: *const c_char,
    traceback: *const c_char,
) -> Result<String> {
    // SAFETY: by the contract.
    unsafe {
        exception_text(optional(type_name, "type")?, text(message, "message")?, optional(traceback, "traceback")?)
    }
}
