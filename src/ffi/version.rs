//! The version.

use std::ffi::c_char;

use super::guard::quietly;

const VERSION: &std::ffi::CStr =
    match std::ffi::CStr::from_bytes_with_nul(concat!(env!("CARGO_PKG_VERSION"), "\0").as_bytes()) {
        Ok(version) => version,
        Err(_) => c"",
    };

/// The version of the library, such as "0.1.0". The header's own is WEAVE_VERSION.
///
/// The text lives for ever.
#[no_mangle]
pub extern "C" fn weave_version() -> *const c_char {
    quietly(std::ptr::null(), || VERSION.as_ptr())
}
