//! Statuses and the text of the last error.

use std::ffi::c_char;

use super::guard::{quietly, with_last_error};
use crate::error::Status;

/// What a function answers. The numbers never change.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum weave_status {
    /// Done. For a logging function: the record is kept.
    WEAVE_OK = 0,
    /// NULL where a value is needed, a number out of range, an unknown option value.
    WEAVE_INVALID_ARGUMENT = 1,
    /// A text is not UTF-8.
    WEAVE_INVALID_UTF8 = 2,
    /// A text is not JSON, or not of the required shape.
    WEAVE_INVALID_JSON = 3,
    /// A project, object, op or file name that cannot be used.
    WEAVE_INVALID_NAME = 4,
    /// A call, trace or parent id, or a reference, of the wrong form.
    WEAVE_INVALID_ID = 5,
    /// The server would refuse or never show this record.
    WEAVE_REJECTED = 6,
    /// Over the size that one request may have.
    WEAVE_TOO_LARGE = 7,
    /// A file operation failed.
    WEAVE_IO = 8,
    /// The disk or the quota is full.
    WEAVE_NO_SPACE = 9,
    /// The client is finished, or the call has ended.
    WEAVE_CLOSED = 10,
    /// The time given was not enough; what is left is kept and reported.
    WEAVE_TIMEOUT = 11,
    /// Data of the server was asked for while offline.
    WEAVE_OFFLINE = 12,
    /// No API key, or the server refused it.
    WEAVE_UNAUTHORIZED = 13,
    /// The key has no access to the project.
    WEAVE_FORBIDDEN = 14,
    /// The server could not be reached.
    WEAVE_NETWORK = 15,
    /// The server answered with an error.
    WEAVE_SERVER = 16,
    /// A sync ended with errors; the results name them, and the records are kept.
    WEAVE_INCOMPLETE = 17,
    /// Another process holds what is needed.
    WEAVE_BUSY = 18,
    /// The progress callback or weave_stop_ask asked to stop.
    WEAVE_CANCELLED = 19,
    /// A fault inside the library was caught; the client refuses further work.
    WEAVE_PANIC = 20,
}

impl From<Status> for weave_status {
    fn from(status: Status) -> Self {
        match status {
            Status::Ok => weave_status::WEAVE_OK,
            Status::InvalidArgument => weave_status::WEAVE_INVALID_ARGUMENT,
            Status::InvalidUtf8 => weave_status::WEAVE_INVALID_UTF8,
            Status::InvalidJson => weave_status::WEAVE_INVALID_JSON,
            Status::InvalidName => weave_status::WEAVE_INVALID_NAME,
            Status::InvalidId => weave_status::WEAVE_INVALID_ID,
            Status::Rejected => weave_status::WEAVE_REJECTED,
            Status::TooLarge => weave_status::WEAVE_TOO_LARGE,
            Status::Io => weave_status::WEAVE_IO,
            Status::NoSpace => weave_status::WEAVE_NO_SPACE,
            Status::Closed => weave_status::WEAVE_CLOSED,
            Status::Timeout => weave_status::WEAVE_TIMEOUT,
            Status::Offline => weave_status::WEAVE_OFFLINE,
            Status::Unauthorized => weave_status::WEAVE_UNAUTHORIZED,
            Status::Forbidden => weave_status::WEAVE_FORBIDDEN,
            Status::Network => weave_status::WEAVE_NETWORK,
            Status::Server => weave_status::WEAVE_SERVER,
            Status::Incomplete => weave_status::WEAVE_INCOMPLETE,
            Status::Busy => weave_status::WEAVE_BUSY,
            Status::Cancelled => weave_status::WEAVE_CANCELLED,
            Status::Panic => weave_status::WEAVE_PANIC,
        }
    }
}

/// Every status, to find one by the number that C gives.
const ALL: [Status; 21] = [
    Status::Ok,
    Status::InvalidArgument,
    Status::InvalidUtf8,
    Status::InvalidJson,
    Status::InvalidName,
    Status::InvalidId,
    Status::Rejected,
    Status::TooLarge,
    Status::Io,
    Status::NoSpace,
    Status::Closed,
    Status::Timeout,
    Status::Offline,
    Status::Unauthorized,
    Status::Forbidden,
    Status::Network,
    Status::Server,
    Status::Incomplete,
    Status::Busy,
    Status::Cancelled,
    Status::Panic,
];

/// Copies the text of the calling thread's last failure: what happened, to which field, file or address, and what to do
/// about it. Success does not clear it.
///
/// @param buffer takes the text, cut if need be, and always a NUL; may be NULL when capacity is 0.
/// @param capacity the size of the buffer in bytes.
/// @return the length of the whole text in bytes, without the NUL; 0 when nothing failed on this thread yet.
#[no_mangle]
pub unsafe extern "C" fn weave_last_error(buffer: *mut c_char, capacity: usize) -> usize {
    // Without the guard: it would put its own text over the one that is asked for.
    with_last_error(0, |text| {
        if let (false, Some(room)) = (buffer.is_null(), capacity.checked_sub(1)) {
            let cut = (0..=room.min(text.len())).rev().find(|cut| text.is_char_boundary(*cut)).unwrap_or(0);
            // SAFETY: the caller's buffer has `capacity` bytes, and cut + 1 <= capacity.
            unsafe {
                std::ptr::copy_nonoverlapping(text.as_ptr(), buffer.cast(), cut);
                buffer.add(cut).write(0);
            }
        }
        text.len()
    })
}

/// The short, constant text of a status.
///
/// @param status any number.
/// @return the text, which lives for ever; never NULL.
#[no_mangle]
pub extern "C" fn weave_status_text(status: i32) -> *const c_char {
    quietly(c"unknown status".as_ptr(), || match ALL.into_iter().find(|known| *known as i32 == status) {
        Some(status) => c_text(status).as_ptr(),
        None => c"unknown status".as_ptr(),
    })
}

/// The text of a status as C reads it.
fn c_text(status: Status) -> &'static std::ffi::CStr {
    static TEXTS: once_cell::sync::OnceCell<Vec<std::ffi::CString>> = once_cell::sync::OnceCell::new();
    let texts = TEXTS
        .get_or_init(|| ALL.iter().map(|status| std::ffi::CString::new(status.text()).unwrap_or_default()).collect());
    texts.get(status as usize).map_or(c"", |text| text.as_c_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Error;
    use crate::ffi::guard::guard;

    #[test]
    fn the_statuses_of_c_have_the_numbers_of_the_core() {
        for (index, status) in ALL.into_iter().enumerate() {
            assert_eq!(status as usize, index);
            assert_eq!(weave_status::from(status) as i32, status as i32);
        }
    }

    #[test]
    fn every_number_has_a_text() {
        for status in ALL {
            assert_eq!(c_text(status).to_str(), Ok(status.text()));
        }
        // SAFETY: the text lives for ever.
        let unknown = unsafe { std::ffi::CStr::from_ptr(weave_status_text(99)) };
        assert_eq!(unknown, c"unknown status");
    }

    #[test]
    fn the_last_error_is_cut_to_the_buffer_at_a_character() {
        guard(|| Err(Error::new(Status::Io, "dïsk")));
        let mut buffer = [1 as c_char; 8];
        // SAFETY: the capacities are not above the buffer's size.
        unsafe {
            assert_eq!(weave_last_error(buffer.as_mut_ptr(), 8), 5);
            assert_eq!(std::ffi::CStr::from_ptr(buffer.as_ptr()).to_str(), Ok("dïsk"));
            assert_eq!(weave_last_error(buffer.as_mut_ptr(), 3), 5);
            assert_eq!(std::ffi::CStr::from_ptr(buffer.as_ptr()).to_str(), Ok("d"));
            assert_eq!(weave_last_error(std::ptr::null_mut(), 0), 5);
        }
    }
}
