//! Texts and JSON from C, and results to C.

use std::ffi::{c_char, CStr, CString};

use super::guard::quietly;
use crate::error::{Error, Result, Status};

/// A text of the caller; NULL is an error.
///
/// # Safety
/// `text` is NULL or points to a NUL-terminated text that stays as it is for `'a`.
pub(super) unsafe fn text<'a>(text: *const c_char, field: &str) -> Result<&'a str> {
    // SAFETY: the same contract.
    unsafe { optional(text, field) }?.ok_or_else(|| null(field))
}

/// A text of the caller; NULL is none.
///
/// # Safety
/// As for [`text`].
pub(super) unsafe fn optional<'a>(text: *const c_char, field: &str) -> Result<Option<&'a str>> {
    if text.is_null() {
        return Ok(None);
    }
    // SAFETY: not NULL, hence NUL-terminated and unchanging by the contract.
    let bytes = unsafe { CStr::from_ptr(text) }.to_bytes();
    utf8(bytes, field).map(Some)
}

/// JSON of the caller: a negative length means NUL-terminated, NULL or length 0 that there is none.
///
/// # Safety
/// `json` is NULL or points to `length` bytes (or a NUL-terminated text) that stay as they are for `'a`.
pub(super) unsafe fn json<'a>(json: *const c_char, length: isize) -> Option<&'a [u8]> {
    if json.is_null() || length == 0 {
        return None;
    }
    match usize::try_from(length) {
        // SAFETY: not NULL, hence of this length by the contract.
        Ok(length) => Some(unsafe { std::slice::from_raw_parts(json.cast(), length) }),
        // SAFETY: not NULL, hence NUL-terminated by the contract.
        Err(_) => Some(unsafe { CStr::from_ptr(json) }.to_bytes()).filter(|bytes| !bytes.is_empty()),
    }
}

/// The same where JSON is needed.
///
/// # Safety
/// As for [`json`].
pub(super) unsafe fn required_json<'a>(text: *const c_char, length: isize, field: &str) -> Result<&'a [u8]> {
    // SAFETY: the same contract.
    unsafe { json(text, length) }.ok_or_else(|| null(field))
}

/// Text of the caller with a length, as for JSON; length 0 is the empty text, and NULL is one with length 0 only.
///
/// # Safety
/// As for [`json`].
pub(super) unsafe fn long_text<'a>(text: *const c_char, length: isize, field: &str) -> Result<&'a str> {
    if text.is_null() && length != 0 {
        return Err(null(field));
    }
    // SAFETY: the same contract.
    let bytes = unsafe { json(text, length) }.unwrap_or_default();
    utf8(bytes, field)
}

/// Bytes of the caller as text.
pub(super) fn utf8<'a>(bytes: &'a [u8], field: &str) -> Result<&'a str> {
    std::str::from_utf8(bytes).map_err(|error| {
        let at = error.valid_up_to();
        Error::new(Status::InvalidUtf8, format!("{field}: not UTF-8 at byte {at}; encode the text as UTF-8"))
    })
}

/// Bytes of the caller; the length must not be negative.
///
/// # Safety
/// `bytes` is NULL or points to `length` bytes that stay as they are for `'a`.
pub(super) unsafe fn bytes<'a>(bytes: *const std::ffi::c_void, length: isize) -> Result<&'a [u8]> {
    match usize::try_from(length) {
        Ok(0) => Ok(&[]),
        Ok(_) if bytes.is_null() => Err(null("data")),
        // SAFETY: not NULL, hence of this length by the contract.
        Ok(length) => Ok(unsafe { std::slice::from_raw_parts(bytes.cast(), length) }),
        Err(_) => {
            Err(Error::new(Status::InvalidArgument, format!("length: {length}; bytes need a length of 0 or more")))
        }
    }
}

/// The object behind a handle.
///
/// # Safety
/// `handle` is NULL or was made by this library and is not freed for `'a`.
pub(super) unsafe fn object<'a, T>(handle: *const T, name: &str) -> Result<&'a T> {
    // SAFETY: NULL or valid by the contract.
    unsafe { handle.as_ref() }.ok_or_else(|| null(name))
}

/// The object behind a handle that one thread uses at a time.
///
/// # Safety
/// As for [`object`], and no other reference to it lives.
pub(super) unsafe fn object_mut<'a, T>(handle: *mut T, name: &str) -> Result<&'a mut T> {
    // SAFETY: NULL or valid and unshared by the contract.
    unsafe { handle.as_mut() }.ok_or_else(|| null(name))
}

/// Frees what a `_new` made.
///
/// # Safety
/// `handle` is NULL or was made by `Box::into_raw` and is not freed yet.
pub(super) unsafe fn free<T>(handle: *mut T) {
    quietly((), || {
        if !handle.is_null() {
            // SAFETY: by the contract.
            drop(unsafe { Box::from_raw(handle) });
        }
    });
}

/// Writes an output, unless the caller does not want it.
///
/// # Safety
/// `place` is NULL or valid for a write.
pub(super) unsafe fn put<T>(place: *mut T, value: T) {
    if !place.is_null() {
        // SAFETY: by the contract.
        unsafe { place.write(value) };
    }
}

/// Writes a text that the caller frees with weave_string_free.
///
/// # Safety
/// `place` is NULL or valid for a write.
pub(super) unsafe fn put_text(place: *mut *mut c_char, text: String) -> Result<()> {
    if !place.is_null() {
        let text = c_string(text)?.into_raw();
        // SAFETY: by the contract.
        unsafe { place.write(text) };
    }
    Ok(())
}

/// Writes an id into a buffer of WEAVE_ID_SIZE bytes.
///
/// # Safety
/// `place` is NULL or valid for WEAVE_ID_SIZE bytes.
pub(super) unsafe fn put_id(place: *mut c_char, id: &crate::record::ids::Id) {
    if place.is_null() {
        return;
    }
    let id = id.as_bytes();
    debug_assert!(id.len() < super::call::WEAVE_ID_SIZE);
    // SAFETY: ids have at most 36 bytes, fewer than the buffer's by the contract.
    unsafe {
        std::ptr::copy_nonoverlapping(id.as_ptr(), place.cast(), id.len());
        place.add(id.len()).write(0);
    }
}

/// A text for C; one with a NUL cannot be.
pub(super) fn c_string(text: impl Into<String>) -> Result<CString> {
    CString::new(text.into())
        .map_err(|_| Error::new(Status::InvalidArgument, "a text holds a NUL character; take it out"))
}

pub(super) fn null(field: &str) -> Error {
    Error::new(Status::InvalidArgument, format!("{field}: NULL or empty where a value is needed"))
}

/// A time of the caller's in microseconds since 1970; 0 means none.
pub(super) fn time(micros: i64, field: &str) -> Result<Option<crate::record::time::Timestamp>> {
    if micros == 0 {
        return Ok(None);
    }
    crate::record::time::Timestamp::from_micros(micros).map(Some).ok_or_else(|| {
        Error::new(
            Status::InvalidArgument,
            format!("{field}: {micros} is no time; give microseconds since 1970 within the years -9999 to 9999, or 0"),
        )
    })
}

/// A time limit in milliseconds; negative means none.
pub(super) fn limit(timeout_ms: i64) -> Option<std::time::Duration> {
    u64::try_from(timeout_ms).ok().map(std::time::Duration::from_millis)
}

/// Frees a text that the library gave through a `char **`.
///
/// @param text the text; NULL is fine.
#[no_mangle]
pub unsafe extern "C" fn weave_string_free(text: *mut c_char) {
    quietly((), || {
        if !text.is_null() {
            // SAFETY: the caller gives what put_text wrote, once.
            drop(unsafe { CString::from_raw(text) });
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_ends_at_its_length_or_at_its_nul() {
        let given = c"{\"a\":1}";
        // SAFETY: a literal with a NUL.
        let read = |length| unsafe { json(given.as_ptr(), length) };
        assert_eq!(read(-1), Some(&b"{\"a\":1}"[..]));
        assert_eq!(read(2), Some(&b"{\""[..]));
        assert_eq!(read(0), None);
        // SAFETY: NULL is allowed.
        assert_eq!(unsafe { json(std::ptr::null(), 5) }, None);
    }

    #[test]
    fn a_text_that_is_not_utf8_names_its_field() {
        // SAFETY: a literal with a NUL.
        let error = unsafe { text(c"\xff".as_ptr(), "op_name") }.unwrap_err();
        assert_eq!(error.status(), Status::InvalidUtf8);
        assert!(error.text().starts_with("op_name"), "{error}");
    }

    #[test]
    fn bytes_need_a_length() {
        // SAFETY: nothing is read.
        assert!(unsafe { bytes(c"x".as_ptr().cast(), -1) }.is_err());
        // SAFETY: nothing is read.
        assert!(unsafe { bytes(std::ptr::null(), 1) }.is_err());
        // SAFETY: nothing is read.
        assert_eq!(unsafe { bytes(std::ptr::null(), 0) }.unwrap(), b"");
    }
}
