//! The settings of the way to the server.

use std::ffi::c_char;
use std::path::PathBuf;
use std::time::Duration;

use super::error::weave_status;
use super::options::{out_of_range, set, weave_options};
use super::strings::text;

/// The API key of the account. It is never written to disk or to a log. Variable WANDB_API_KEY; else the netrc file.
///
/// @param options the settings.
/// @param api_key the key; copied.
/// @return WEAVE_OK; WEAVE_INVALID_ARGUMENT when NULL; WEAVE_INVALID_UTF8.
#[no_mangle]
pub unsafe extern "C" fn weave_options_set_api_key(
    options: *mut weave_options,
    api_key: *const c_char,
) -> weave_status {
    // SAFETY: by the conventions of the interface.
    unsafe {
        set(options, |o| {
            let api_key = text(api_key, "api_key")?;
            o.api_key = Some(api_key.to_owned());
            Ok(())
        })
    }
}

/// The address of the W&B server. Variable WANDB_BASE_URL; default https://api.wandb.ai.
///
/// @param options the settings.
/// @param base_url the address; copied.
/// @return WEAVE_OK; WEAVE_INVALID_ARGUMENT when NULL; WEAVE_INVALID_UTF8.
#[no_mangle]
pub unsafe extern "C" fn weave_options_set_base_url(
    options: *mut weave_options,
    base_url: *const c_char,
) -> weave_status {
    // SAFETY: by the conventions of the interface.
    unsafe {
        set(options, |o| {
            let base_url = text(base_url, "base_url")?;
            o.base_url = Some(base_url.to_owned());
            Ok(())
        })
    }
}

/// The address of the trace server. Variable WF_TRACE_SERVER_URL; default: what belongs to the W&B server.
///
/// @param options the settings.
/// @param trace_server_url the address; copied.
/// @return WEAVE_OK; WEAVE_INVALID_ARGUMENT when NULL; WEAVE_INVALID_UTF8.
#[no_mangle]
pub unsafe extern "C" fn weave_options_set_trace_server_url(
    options: *mut weave_options,
    trace_server_url: *const c_char,
) -> weave_status {
    // SAFETY: by the conventions of the interface.
    unsafe {
        set(options, |o| {
            let trace_server_url = text(trace_server_url, "trace_server_url")?;
            o.trace_server_url = Some(trace_server_url.to_owned());
            Ok(())
        })
    }
}

/// A PEM file of the certificate authorities to trust. Variable WEAVE_CA_FILE; else SSL_CERT_FILE, REQUESTS_CA_BUNDLE;
/// default: the built-in ones.
///
/// @param options the settings.
/// @param ca_file the file; copied.
/// @return WEAVE_OK; WEAVE_INVALID_ARGUMENT when NULL; WEAVE_INVALID_UTF8.
#[no_mangle]
pub unsafe extern "C" fn weave_options_set_ca_file(
    options: *mut weave_options,
    ca_file: *const c_char,
) -> weave_status {
    // SAFETY: by the conventions of the interface.
    unsafe {
        set(options, |o| {
            let ca_file = text(ca_file, "ca_file")?;
            o.ca_file = Some(PathBuf::from(ca_file));
            Ok(())
        })
    }
}

/// How long each step of a request may take: connecting (4 seconds at most, the name included), waiting for an answer;
/// ten times that for a body. Variable WEAVE_HTTP_TIMEOUT (seconds); default 30 seconds.
///
/// @param options the settings.
/// @param http_timeout_ms milliseconds, at least 1.
/// @return WEAVE_OK; WEAVE_INVALID_ARGUMENT when NULL or below 1.
#[no_mangle]
pub unsafe extern "C" fn weave_options_set_http_timeout(
    options: *mut weave_options,
    http_timeout_ms: i64,
) -> weave_status {
    // SAFETY: by the conventions of the interface.
    unsafe {
        set(options, |o| {
            let limit = u64::try_from(http_timeout_ms).ok().filter(|limit| *limit > 0);
            let limit =
                limit.ok_or_else(|| out_of_range("http_timeout_ms", http_timeout_ms, "at least 1 millisecond"))?;
            o.http_timeout = Some(Duration::from_millis(limit));
            Ok(())
        })
    }
}

/// Not offline: how long what was logged may wait before it is sent, while the server can be reached.
/// Variable WEAVE_SEND_INTERVAL (seconds); default 2 seconds.
///
/// @param options the settings.
/// @param send_interval_ms milliseconds, at least 100.
/// @return WEAVE_OK; WEAVE_INVALID_ARGUMENT when NULL or below 100.
#[no_mangle]
pub unsafe extern "C" fn weave_options_set_send_interval(
    options: *mut weave_options,
    send_interval_ms: i64,
) -> weave_status {
    // SAFETY: by the conventions of the interface.
    unsafe {
        set(options, |o| {
            let interval = u64::try_from(send_interval_ms).ok().filter(|interval| *interval >= 100);
            let interval = interval
                .ok_or_else(|| out_of_range("send_interval_ms", send_interval_ms, "at least 100 milliseconds"))?;
            o.send_interval = Some(Duration::from_millis(interval));
            Ok(())
        })
    }
}

/// Whether any certificate is trusted. For tests. Variable WEAVE_INSECURE_DISABLE_SSL; default false.
///
/// @param options the settings.
/// @param insecure true or false.
/// @return WEAVE_OK; WEAVE_INVALID_ARGUMENT when NULL.
#[no_mangle]
pub unsafe extern "C" fn weave_options_set_insecure(options: *mut weave_options, insecure: bool) -> weave_status {
    // SAFETY: by the conventions of the interface.
    unsafe {
        set(options, |o| {
            o.insecure = Some(insecure);
            Ok(())
        })
    }
}
