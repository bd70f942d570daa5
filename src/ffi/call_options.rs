//! What a call is given beside its op, inputs and output.

use std::ffi::c_char;

use super::call::{exception, tokens, weave_call};
use super::error::weave_status;
use super::guard::{guard, made};
use super::strings::{free, object_mut, optional, required_json, text, time, utf8};
use crate::client::{CallOptions, Context, Parent};
use crate::error::Result;

/// What a call may be given; everything is optional. One thread at a time; functions that take it copy it.
pub struct weave_call_options {
    pub(super) options: CallOptions,
}

/// Makes call options with nothing set.
///
/// @return the options, to be released with weave_call_options_free.
#[no_mangle]
#[must_use]
pub extern "C" fn weave_call_options_new() -> *mut weave_call_options {
    made(|| Ok(Box::into_raw(Box::new(weave_call_options { options: CallOptions::default() }))))
}

/// Releases call options.
///
/// @param options the options; NULL is fine.
#[no_mangle]
pub unsafe extern "C" fn weave_call_options_free(options: *mut weave_call_options) {
    // SAFETY: made by weave_call_options_new, freed once.
    unsafe { free(options) }
}

/// Changes the options behind a pointer.
///
/// # Safety
/// `options` is NULL or valid, and used by this thread alone.
unsafe fn set(options: *mut weave_call_options, change: impl FnOnce(&mut CallOptions) -> Result<()>) -> weave_status {
    // SAFETY: by the contract.
    guard(|| change(&mut unsafe { object_mut(options, "options") }?.options))
}

/// The call that makes this one: trace, thread and turn follow from it, and usage rolls up to it.
///
/// @param options the options.
/// @param parent a live call, also one that has ended; NULL for none.
/// @return WEAVE_OK; WEAVE_INVALID_ARGUMENT when options is NULL.
#[no_mangle]
pub unsafe extern "C" fn weave_call_options_set_parent(
    options: *mut weave_call_options,
    parent: *const weave_call,
) -> weave_status {
    // SAFETY: by the conventions of the interface.
    unsafe {
        set(options, |o| {
            o.parent = parent.as_ref().map(|parent| parent.call.as_parent());
            Ok(())
        })
    }
}

/// The call that makes this one, when it lives elsewhere: what weave_call_context gave there.
///
/// @param options the options.
/// @param context the line; NULL for none.
/// @return WEAVE_OK; WEAVE_INVALID_ARGUMENT when options is NULL or the line is no context; WEAVE_INVALID_ID,
/// WEAVE_INVALID_UTF8.
#[no_mangle]
pub unsafe extern "C" fn weave_call_options_set_parent_context(
    options: *mut weave_call_options,
    context: *const c_char,
) -> weave_status {
    // SAFETY: by the conventions of the interface.
    unsafe {
        set(options, |o| {
            o.parent = optional(context, "context")?.map(Context::parse).transpose()?.map(Parent::Context);
            Ok(())
        })
    }
}

/// An id of the caller's, for calls of the past; without it one is made.
///
/// @param options the options.
/// @param id a lower-case UUID with dashes, or 16 lower-case letters and digits; copied. NULL for none. Checked by the function that takes the options.
/// @return WEAVE_OK; WEAVE_INVALID_ARGUMENT when options is NULL; WEAVE_INVALID_UTF8.
#[no_mangle]
pub unsafe extern "C" fn weave_call_options_set_id(
    options: *mut weave_call_options,
    id: *const c_char,
) -> weave_status {
    // SAFETY: by the conventions of the interface.
    unsafe {
        set(options, |o| {
            o.id = optional(id, "id")?.map(str::to_owned);
            Ok(())
        })
    }
}

/// The trace, for calls of the past; without it the parent's, or a new one.
///
/// @param options the options.
/// @param trace_id a lower-case UUID, or 32 lower-case letters and digits; copied. NULL for none. Checked by the function that takes the options.
/// @return WEAVE_OK; WEAVE_INVALID_ARGUMENT when options is NULL; WEAVE_INVALID_UTF8.
#[no_mangle]
pub unsafe extern "C" fn weave_call_options_set_trace_id(
    options: *mut weave_call_options,
    trace_id: *const c_char,
) -> weave_status {
    // SAFETY: by the conventions of the interface.
    unsafe {
        set(options, |o| {
            o.trace_id = optional(trace_id, "trace_id")?.map(str::to_owned);
            Ok(())
        })
    }
}

/// The parent's id, for calls of the past; it needs the trace id too.
///
/// @param options the options.
/// @param parent_id the id; "" for none; copied. NULL for none. Checked by the function that takes the options.
/// @return WEAVE_OK; WEAVE_INVALID_ARGUMENT when options is NULL; WEAVE_INVALID_UTF8.
#[no_mangle]
pub unsafe extern "C" fn weave_call_options_set_parent_id(
    options: *mut weave_call_options,
    parent_id: *const c_char,
) -> weave_status {
    // SAFETY: by the conventions of the interface.
    unsafe {
        set(options, |o| {
            o.parent_id = optional(parent_id, "parent_id")?.map(str::to_owned);
            Ok(())
        })
    }
}

/// The name to show instead of the op's. One of more than 1024 characters is cut.
///
/// @param options the options.
/// @param display_name the name; copied. NULL for none. Checked by the function that takes the options.
/// @return WEAVE_OK; WEAVE_INVALID_ARGUMENT when options is NULL; WEAVE_INVALID_UTF8.
#[no_mangle]
pub unsafe extern "C" fn weave_call_options_set_display_name(
    options: *mut weave_call_options,
    display_name: *const c_char,
) -> weave_status {
    // SAFETY: by the conventions of the interface.
    unsafe {
        set(options, |o| {
            o.display_name = optional(display_name, "display_name")?.map(str::to_owned);
            Ok(())
        })
    }
}

/// The conversation that the call belongs to; without it the parent's. A call whose thread is not its parent's begins a turn.
///
/// @param options the options.
/// @param thread_id any text; "" for none; copied. NULL for none. Checked by the function that takes the options.
/// @return WEAVE_OK; WEAVE_INVALID_ARGUMENT when options is NULL; WEAVE_INVALID_UTF8.
#[no_mangle]
pub unsafe extern "C" fn weave_call_options_set_thread_id(
    options: *mut weave_call_options,
    thread_id: *const c_char,
) -> weave_status {
    // SAFETY: by the conventions of the interface.
    unsafe {
        set(options, |o| {
            o.thread_id = optional(thread_id, "thread_id")?.map(str::to_owned);
            Ok(())
        })
    }
}

/// The turn, when it is not what follows from thread and parent.
///
/// @param options the options.
/// @param turn_id the id of the call that began the turn; copied. NULL for none. Checked by the function that takes the options.
/// @return WEAVE_OK; WEAVE_INVALID_ARGUMENT when options is NULL; WEAVE_INVALID_UTF8.
#[no_mangle]
pub unsafe extern "C" fn weave_call_options_set_turn_id(
    options: *mut weave_call_options,
    turn_id: *const c_char,
) -> weave_status {
    // SAFETY: by the conventions of the interface.
    unsafe {
        set(options, |o| {
            o.turn_id = optional(turn_id, "turn_id")?.map(str::to_owned);
            Ok(())
        })
    }
}

/// What kind of call it is: the icon in the user interface.
///
/// @param options the options.
/// @param kind "llm", "tool", "agent", "scorer", …; copied. NULL for none. Checked by the function that takes the options.
/// @return WEAVE_OK; WEAVE_INVALID_ARGUMENT when options is NULL; WEAVE_INVALID_UTF8.
#[no_mangle]
pub unsafe extern "C" fn weave_call_options_set_kind(
    options: *mut weave_call_options,
    kind: *const c_char,
) -> weave_status {
    // SAFETY: by the conventions of the interface.
    unsafe {
        set(options, |o| {
            o.kind = optional(kind, "kind")?.map(str::to_owned);
            Ok(())
        })
    }
}

/// Attributes of the call: any JSON object.
///
/// @param options the options.
/// @param attributes_json a JSON object; copied. Checked by the function that takes the options.
/// @param length its length in bytes; negative: NUL-terminated.
/// @return WEAVE_OK; WEAVE_INVALID_ARGUMENT when NULL; WEAVE_INVALID_UTF8.
#[no_mangle]
pub unsafe extern "C" fn weave_call_options_set_attributes(
    options: *mut weave_call_options,
    attributes_json: *const c_char,
    length: isize,
) -> weave_status {
    // SAFETY: by the conventions of the interface.
    unsafe {
        set(options, |o| {
            o.attributes = Some(utf8(required_json(attributes_json, length, "attributes")?, "attributes")?.to_owned());
            Ok(())
        })
    }
}

/// A summary of the program's own, to which usage and status are added; computed values win. Its member "weave" belongs to
/// the server and is left out.
///
/// @param options the options.
/// @param summary_json a JSON object; copied. Checked by the function that takes the options.
/// @param length its length in bytes; negative: NUL-terminated.
/// @return WEAVE_OK; WEAVE_INVALID_ARGUMENT when NULL; WEAVE_INVALID_UTF8.
#[no_mangle]
pub unsafe extern "C" fn weave_call_options_set_summary(
    options: *mut weave_call_options,
    summary_json: *const c_char,
    length: isize,
) -> weave_status {
    // SAFETY: by the conventions of the interface.
    unsafe {
        set(options, |o| {
            o.summary = Some(utf8(required_json(summary_json, length, "summary")?, "summary")?.to_owned());
            Ok(())
        })
    }
}

/// Adds usage of the call itself, in tokens. It counts instead of a usage that the output names, and several add up.
///
/// @param options the options.
/// @param model the model; copied.
/// @param prompt_tokens tokens that went in, at least 0.
/// @param completion_tokens tokens that came out, at least 0.
/// @return WEAVE_OK; WEAVE_INVALID_ARGUMENT for NULL or a negative number; WEAVE_INVALID_UTF8.
#[no_mangle]
pub unsafe extern "C" fn weave_call_options_add_usage(
    options: *mut weave_call_options,
    model: *const c_char,
    prompt_tokens: i64,
    completion_tokens: i64,
) -> weave_status {
    // SAFETY: by the conventions of the interface.
    unsafe {
        set(options, |o| {
            o.usage.push((text(model, "model")?.to_owned(), tokens(prompt_tokens, completion_tokens)?));
            Ok(())
        })
    }
}

/// Adds usage of the call itself, with any keys that servers know or not.
///
/// @param options the options.
/// @param model the model; copied.
/// @param usage_json a JSON object such as {"input_tokens": 1, "output_tokens": 2, "cache_read_input_tokens": 3}; copied.
/// Checked by the function that takes the options.
/// @param length its length in bytes; negative: NUL-terminated.
/// @return WEAVE_OK; WEAVE_INVALID_ARGUMENT for NULL; WEAVE_INVALID_UTF8.
#[no_mangle]
pub unsafe extern "C" fn weave_call_options_add_usage_json(
    options: *mut weave_call_options,
    model: *const c_char,
    usage_json: *const c_char,
    length: isize,
) -> weave_status {
    // SAFETY: by the conventions of the interface.
    unsafe {
        set(options, |o| {
            let usage = utf8(required_json(usage_json, length, "usage")?, "usage")?.to_owned();
            o.usage.push((text(model, "model")?.to_owned(), usage));
            Ok(())
        })
    }
}

/// What failed, for a call that is logged in one go; the call shows as failed.
///
/// @param options the options.
/// @param type the kind of failure, such as "ValueError"; NULL to keep the message alone.
/// @param message what happened.
/// @param traceback any text, or a JSON array of {"filename", "line_number", "function_name", "text"}; NULL for none.
/// @return WEAVE_OK; WEAVE_INVALID_ARGUMENT when options or message is NULL, or nothing is said; WEAVE_INVALID_UTF8.
#[no_mangle]
pub unsafe extern "C" fn weave_call_options_set_exception(
    options: *mut weave_call_options,
    r#type: *const c_char,
    message: *const c_char,
    traceback: *const c_char,
) -> weave_status {
    // SAFETY: by the conventions of the interface.
    unsafe {
        set(options, |o| {
            o.exception = Some(exception(r#type, message, traceback)?);
            Ok(())
        })
    }
}

/// When the call began.
///
/// @param options the options.
/// @param started_at microseconds since 1970 in UTC; 0 for now.
/// @return WEAVE_OK; WEAVE_INVALID_ARGUMENT when options is NULL or the time is out of range.
#[no_mangle]
pub unsafe extern "C" fn weave_call_options_set_started_at(
    options: *mut weave_call_options,
    started_at: i64,
) -> weave_status {
    // SAFETY: by the conventions of the interface.
    unsafe {
        set(options, |o| {
            o.started_at = time(started_at, "started_at")?;
            Ok(())
        })
    }
}

/// When the call ended.
///
/// @param options the options.
/// @param ended_at microseconds since 1970 in UTC; 0 for the moment of its end.
/// @return WEAVE_OK; WEAVE_INVALID_ARGUMENT when options is NULL or the time is out of range.
#[no_mangle]
pub unsafe extern "C" fn weave_call_options_set_ended_at(
    options: *mut weave_call_options,
    ended_at: i64,
) -> weave_status {
    // SAFETY: by the conventions of the interface.
    unsafe {
        set(options, |o| {
            o.ended_at = time(ended_at, "ended_at")?;
            Ok(())
        })
    }
}

/// The run of W&B that the call belongs to.
///
/// @param options the options.
/// @param run_id "entity/project/run"; copied. NULL for none. Checked by the function that takes the options.
/// @param step the run's step when the call begins; negative: not known.
/// @param step_end the run's step when the call ends; negative: not known.
/// @return WEAVE_OK; WEAVE_INVALID_ARGUMENT when options is NULL; WEAVE_INVALID_UTF8.
#[no_mangle]
pub unsafe extern "C" fn weave_call_options_set_wb_run(
    options: *mut weave_call_options,
    run_id: *const c_char,
    step: i64,
    step_end: i64,
) -> weave_status {
    // SAFETY: by the conventions of the interface.
    unsafe {
        set(options, |o| {
            o.wb_run_id = optional(run_id, "run_id")?.map(str::to_owned);
            o.wb_run_step = u64::try_from(step).ok();
            o.wb_run_step_end = u64::try_from(step_end).ok();
            Ok(())
        })
    }
}

/// The options behind a pointer; NULL means none.
///
/// # Safety
/// `options` is NULL or valid for the time of `work`.
pub(super) unsafe fn with<R>(
    options: *const weave_call_options,
    work: impl FnOnce(&CallOptions) -> Result<R>,
) -> Result<R> {
    static NONE: CallOptions = CallOptions::NONE;
    // SAFETY: by the contract.
    work(unsafe { options.as_ref() }.map_or(&NONE, |options| &options.options))
}
