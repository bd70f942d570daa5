//! Messages of the library.

use std::ffi::{c_char, c_void};
use std::sync::Arc;

use super::callbacks::UserData;
use super::guard::quietly;
use super::strings::c_string;
use crate::log::{self, Level};

/// How important a message is.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum weave_log_level {
    /// Something failed.
    WEAVE_LOG_ERROR = 1,
    /// Something will fail, or was changed.
    WEAVE_LOG_WARNING = 2,
    /// What the library does.
    WEAVE_LOG_INFO = 3,
    /// In detail.
    WEAVE_LOG_DEBUG = 4,
}

/// Takes a message: its level (a weave_log_level), and its text, which lives as long as the callback runs.
pub type weave_log_fn = Option<unsafe extern "C" fn(level: i32, message: *const c_char, user_data: *mut c_void)>;

/// Sets what takes the library's messages, for the whole process. Without it they are not made: the library never prints.
///
/// The callback runs on any thread, also on several at once, and must not call functions that log or sync.
///
/// @param callback takes the messages; NULL for silence.
/// @param max_level the least important level that is told, a weave_log_level; others are taken as the nearest.
/// @param user_data handed to the callback; must live as long as the process: another thread may still be in the
/// callback when it is replaced.
#[no_mangle]
pub extern "C" fn weave_set_log_callback(callback: weave_log_fn, max_level: i32, user_data: *mut c_void) {
    quietly((), || {
        let level = match max_level {
            ..=1 => Level::Error,
            2 => Level::Warning,
            3 => Level::Info,
            4.. => Level::Debug,
        };
        let user_data = UserData(user_data);
        log::set(
            callback.map(|callback| {
                let sink = move |level: Level, message: &str| {
                    if let Ok(message) = c_string(message.replace('\0', " ")) {
                        // SAFETY: the program's own callback and data, with a text that lives until it returns.
                        unsafe { callback(level as i32, message.as_ptr(), user_data.get()) };
                    }
                };
                Arc::new(sink) as Arc<log::Sink>
            }),
            level,
        );
    });
}
