//! The settings of a session. Each also has an environment variable; what is set here goes before it.

use std::ffi::c_char;
use std::path::PathBuf;
use std::sync::Arc;

use super::callbacks::{filter, progress, weave_filter_fn, weave_progress_fn, UserData};
use super::error::weave_status;
use super::guard::{guard, made};
use super::strings::{free, object_mut, required_json, text, utf8};
use crate::client::Options;
use crate::error::{Error, Result, Status};

/// Settings of a session. One thread at a time; functions that take it copy it.
pub struct weave_options {
    pub(super) options: Options,
}

impl weave_options {
    /// The settings behind a pointer; NULL means the defaults.
    ///
    /// # Safety
    /// `options` is NULL or valid for `'a`.
    pub(super) unsafe fn of<'a>(options: *const weave_options) -> Option<&'a weave_options> {
        // SAFETY: by the contract.
        unsafe { options.as_ref() }
    }
}

/// Makes settings with nothing set: everything is left to the environment and the defaults.
///
/// @return the settings, to be released with weave_options_free.
#[no_mangle]
#[must_use]
pub extern "C" fn weave_options_new() -> *mut weave_options {
    made(|| Ok(Box::into_raw(Box::new(weave_options { options: Options::default() }))))
}

/// Releases settings.
///
/// @param options the settings; NULL is fine.
#[no_mangle]
pub unsafe extern "C" fn weave_options_free(options: *mut weave_options) {
    // SAFETY: made by weave_options_new, freed once.
    unsafe { free(options) }
}

/// Changes the options behind a pointer.
///
/// # Safety
/// `options` is NULL or valid, and used by this thread alone.
pub(super) unsafe fn set(options: *mut weave_options, change: impl FnOnce(&mut Options) -> Result<()>) -> weave_status {
    // SAFETY: by the contract.
    guard(|| change(&mut unsafe { object_mut(options, "options") }?.options))
}

pub(super) fn out_of_range(name: &str, value: impl std::fmt::Display, wanted: &str) -> Error {
    Error::new(Status::InvalidArgument, format!("{name}: {value} cannot be used; it must be {wanted}"))
}

/// Whether the session never touches the network. Variable WEAVE_OFFLINE; default false.
///
/// @param options the settings.
/// @param offline true or false.
/// @return WEAVE_OK; WEAVE_INVALID_ARGUMENT when NULL.
#[no_mangle]
pub unsafe extern "C" fn weave_options_set_offline(options: *mut weave_options, offline: bool) -> weave_status {
    // SAFETY: by the conventions of the interface.
    unsafe {
        set(options, |o| {
            o.offline = Some(offline);
            Ok(())
        })
    }
}

/// Whether the session does nothing at all: every function succeeds and nothing is kept. Variable WEAVE_DISABLED;
/// default false.
///
/// @param options the settings.
/// @param disabled true or false.
/// @return WEAVE_OK; WEAVE_INVALID_ARGUMENT when NULL.
#[no_mangle]
pub unsafe extern "C" fn weave_options_set_disabled(options: *mut weave_options, disabled: bool) -> weave_status {
    // SAFETY: by the conventions of the interface.
    unsafe {
        set(options, |o| {
            o.disabled = Some(disabled);
            Ok(())
        })
    }
}

/// Where records are stored. It is made if it is not there. Variable WEAVE_OFFLINE_DIR; default ~/.weave/offline.
///
/// @param options the settings.
/// @param offline_dir the directory; a leading ~ stands for the home directory; copied.
/// @return WEAVE_OK; WEAVE_INVALID_ARGUMENT when NULL; WEAVE_INVALID_UTF8.
#[no_mangle]
pub unsafe extern "C" fn weave_options_set_offline_dir(
    options: *mut weave_options,
    offline_dir: *const c_char,
) -> weave_status {
    // SAFETY: by the conventions of the interface.
    unsafe {
        set(options, |o| {
            let offline_dir = text(offline_dir, "offline_dir")?;
            o.offline_dir = Some(PathBuf::from(offline_dir));
            Ok(())
        })
    }
}

/// The entity (team or account) of a project that is named without one; at a sync, where the projects go that were logged
/// without one. Variable WANDB_ENTITY; default: the account's own, at the sync.
///
/// @param options the settings.
/// @param entity the entity; copied.
/// @return WEAVE_OK; WEAVE_INVALID_ARGUMENT when NULL; WEAVE_INVALID_UTF8.
#[no_mangle]
pub unsafe extern "C" fn weave_options_set_entity(options: *mut weave_options, entity: *const c_char) -> weave_status {
    // SAFETY: by the conventions of the interface.
    unsafe {
        set(options, |o| {
            let entity = text(entity, "entity")?;
            o.entity = Some(entity.to_owned());
            Ok(())
        })
    }
}

/// What logs, as it stands in attributes.weave.source; bindings set it. Variable WEAVE_SOURCE; default "libweave".
///
/// @param options the settings.
/// @param source the name; copied.
/// @return WEAVE_OK; WEAVE_INVALID_ARGUMENT when NULL; WEAVE_INVALID_UTF8.
#[no_mangle]
pub unsafe extern "C" fn weave_options_set_source(options: *mut weave_options, source: *const c_char) -> weave_status {
    // SAFETY: by the conventions of the interface.
    unsafe {
        set(options, |o| {
            let source = text(source, "source")?;
            o.source = Some(source.to_owned());
            Ok(())
        })
    }
}

/// Attributes of every call of the session. Those of a single call go over them. Variable WEAVE_ATTRIBUTES; default none.
///
/// @param options the settings.
/// @param attributes_json a JSON object; copied. Checked by weave_init.
/// @param length its length in bytes; negative: NUL-terminated.
/// @return WEAVE_OK; WEAVE_INVALID_ARGUMENT when NULL; WEAVE_INVALID_UTF8.
#[no_mangle]
pub unsafe extern "C" fn weave_options_set_attributes(
    options: *mut weave_options,
    attributes_json: *const c_char,
    length: isize,
) -> weave_status {
    // SAFETY: by the conventions of the interface.
    unsafe {
        set(options, |o| {
            let json = required_json(attributes_json, length, "attributes")?;
            o.attributes = Some(utf8(json, "attributes")?.to_owned());
            Ok(())
        })
    }
}

/// The share of traces that is kept. All calls of a trace share its fate, also in other processes with the same rate.
/// Variable WEAVE_SAMPLE_RATE; default 1.
///
/// @param options the settings.
/// @param sample_rate 0 (none) to 1 (all).
/// @return WEAVE_OK; WEAVE_INVALID_ARGUMENT when NULL or outside of it.
#[no_mangle]
pub unsafe extern "C" fn weave_options_set_sample_rate(options: *mut weave_options, sample_rate: f64) -> weave_status {
    // SAFETY: by the conventions of the interface.
    unsafe {
        set(options, |o| {
            if !(0.0..=1.0).contains(&sample_rate) {
                return Err(out_of_range("sample_rate", sample_rate, "from 0 to 1"));
            }
            o.sample_rate = Some(sample_rate);
            Ok(())
        })
    }
}

/// One more key whose values are replaced by "REDACTED", at any depth of inputs, in upper or lower case. Always redacted
/// are api_key, auth_headers and authorization. Variable WEAVE_REDACT_KEYS (separated by commas) adds to these.
///
/// @param options the settings.
/// @param key the key; copied.
/// @return WEAVE_OK; WEAVE_INVALID_ARGUMENT when NULL; WEAVE_INVALID_UTF8.
#[no_mangle]
pub unsafe extern "C" fn weave_options_add_redact_key(options: *mut weave_options, key: *const c_char) -> weave_status {
    // SAFETY: by the conventions of the interface.
    unsafe {
        set(options, |o| {
            o.redact_keys.push(text(key, "key")?.to_owned());
            Ok(())
        })
    }
}

/// A callback that sees each record before it is kept, and may change or drop it.
///
/// It runs on the thread that logs, also on several at once, and may call every function of the library.
///
/// @param options the settings.
/// @param filter_fn the callback; NULL for none.
/// @param user_data handed to the callback; must live until the last client with these settings is freed, and its calls.
/// @return WEAVE_OK; WEAVE_INVALID_ARGUMENT when options is NULL.
#[no_mangle]
pub unsafe extern "C" fn weave_options_set_filter(
    options: *mut weave_options,
    filter_fn: weave_filter_fn,
    user_data: *mut std::ffi::c_void,
) -> weave_status {
    // SAFETY: by the conventions of the interface.
    unsafe {
        set(options, |o| {
            o.filter = filter_fn.map(|callback| Arc::from(filter(callback, UserData(user_data))));
            Ok(())
        })
    }
}

/// A callback that is told how a sync goes on, and may stop it. It runs on the thread that called weave_sync; of a client
/// that is not offline, on the library's thread that sends. It must not call weave_sync, weave_flush, weave_finish or
/// weave_client_free, nor wait for a thread that is in the last two: these wait until it returns, and it is not called for
/// the client after them.
///
/// @param options the settings.
/// @param progress_fn the callback; NULL for none.
/// @param user_data handed to the callback; must live until the last client with these settings is finished or freed.
/// @return WEAVE_OK; WEAVE_INVALID_ARGUMENT when options is NULL.
#[no_mangle]
pub unsafe extern "C" fn weave_options_set_progress(
    options: *mut weave_options,
    progress_fn: weave_progress_fn,
    user_data: *mut std::ffi::c_void,
) -> weave_status {
    // SAFETY: by the conventions of the interface.
    unsafe {
        set(options, |o| {
            o.progress = progress_fn.map(|callback| Arc::from(progress(callback, UserData(user_data))));
            Ok(())
        })
    }
}
