//! What every entry point does: a panic becomes a status, errno stays as it was, the thread is not cancelled inside, and
//! the text of an error is kept for the thread.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::sync::Once;

use super::error::weave_status;
use crate::client::Client;
use crate::error::{Error, Result, Status};
use crate::log;

thread_local! {
    static LAST_ERROR: RefCell<String> = const { RefCell::new(String::new()) };
    /// How many entry points this thread is in; a callback may call another.
    static DEPTH: Cell<u32> = const { Cell::new(0) };
}

static QUIET: Once = Once::new();

/// Runs the body of an entry point that answers a status.
pub(super) fn guard(body: impl FnOnce() -> Result<()>) -> weave_status {
    match contain(body) {
        Ok(Ok(())) => weave_status::WEAVE_OK,
        Ok(Err(error)) => fail(&error),
        Err(error) => fail(&error),
    }
}

/// The same for work on a client, which takes nothing more after a fault.
pub(super) fn guard_client(client: &Client, body: impl FnOnce() -> Result<()>) -> weave_status {
    match contain(body) {
        Ok(Ok(())) => weave_status::WEAVE_OK,
        Ok(Err(error)) => fail(&error),
        Err(error) => {
            client.break_off();
            fail(&error)
        }
    }
}

/// Runs the body of an entry point that answers a value; `otherwise` after a fault.
pub(super) fn quietly<T>(otherwise: T, body: impl FnOnce() -> T) -> T {
    match contain(body) {
        Ok(value) => value,
        Err(error) => {
            fail(&error);
            otherwise
        }
    }
}

/// Runs the body of an entry point that makes something; NULL (with a text) when that fails.
pub(super) fn made<T>(body: impl FnOnce() -> Result<*mut T>) -> *mut T {
    match contain(body) {
        Ok(Ok(pointer)) => pointer,
        Ok(Err(error)) | Err(error) => {
            fail(&error);
            std::ptr::null_mut()
        }
    }
}

/// Gives the thread's last error text to `f`.
pub(super) fn with_last_error<R>(otherwise: R, f: impl FnOnce(&str) -> R) -> R {
    // At the end of a thread the text may be gone already.
    let mut f = Some(f);
    match LAST_ERROR.try_with(|text| f.take().map(|f| f(&text.borrow()))) {
        Ok(Some(result)) => result,
        _ => otherwise,
    }
}

fn fail(error: &Error) -> weave_status {
    let _ = LAST_ERROR.try_with(|text| {
        if let Ok(mut text) = text.try_borrow_mut() {
            text.clear();
            text.push_str(error.text());
        }
    });
    error.status().into()
}

fn contain<T>(body: impl FnOnce() -> T) -> Result<T> {
    QUIET.call_once(install_hook);
    let errno = errno();
    let cancellation = Cancellation::off();
    // One look-up of the thread's counter: in a shared library each costs a call.
    let result = DEPTH.with(|depth| {
        depth.set(depth.get() + 1);
        let result = catch_unwind(AssertUnwindSafe(body));
        depth.set(depth.get().saturating_sub(1));
        result
    });
    cancellation.restore();
    set_errno(errno);
    result.map_err(fault)
}

#[cold]
fn fault(panic: Box<dyn Any + Send>) -> Error {
    let text = format!("a fault inside the library was caught ({}); please report it", told(panic.as_ref()));
    // A payload may panic again when it is dropped.
    let _ = catch_unwind(AssertUnwindSafe(move || drop(panic)));
    log::write(log::Level::Error, || text.clone());
    Error::new(Status::Panic, text)
}

/// The thread's cancellation, which is off inside the library: to cancel a thread unwinds its stack, which must not
/// reach through Rust, and would leave locks held. A request that comes meanwhile waits for the host's own code.
struct Cancellation {
    #[cfg(not(target_os = "android"))]
    before: libc::c_int,
}

#[cfg(not(target_os = "android"))]
impl Cancellation {
    fn off() -> Self {
        #[cfg(any(target_os = "macos", target_os = "ios"))]
        const DISABLE: libc::c_int = 0;
        #[cfg(not(any(target_os = "macos", target_os = "ios")))]
        const DISABLE: libc::c_int = 1;
        let mut before = 0;
        // SAFETY: the place is valid for a write.
        unsafe { pthread_setcancelstate(DISABLE, &mut before) };
        Cancellation { before }
    }

    fn restore(self) {
        // SAFETY: the state is what the same function answered; NULL is allowed on every system but for old ones, hence
        // a place for what is not wanted.
        unsafe { pthread_setcancelstate(self.before, &mut 0) };
    }
}

#[cfg(not(target_os = "android"))]
extern "C" {
    // The libc crate lacks it for most systems.
    fn pthread_setcancelstate(state: libc::c_int, before: *mut libc::c_int) -> libc::c_int;
}

/// There is no cancellation of threads.
#[cfg(target_os = "android")]
impl Cancellation {
    fn off() -> Self {
        Cancellation {}
    }

    fn restore(self) {}
}

fn told(panic: &(dyn Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no text")
}

/// A panic of the library must not be printed to the host's stderr; others are told as before.
fn install_hook() {
    let former = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        let inside = DEPTH.try_with(|depth| depth.get() > 0).unwrap_or(false);
        match std::thread::current().name() {
            // A thread of the library's own: nobody above it hears of it otherwise.
            Some(name) if name.starts_with("weave-") => {
                log::write(log::Level::Error, || format!("a fault on the thread {name} of the library: {info}"));
            }
            _ if inside => {}
            _ => former(info),
        }
    }));
}

#[cfg(any(target_os = "linux", target_os = "android"))]
fn errno_place() -> *mut i32 {
    #[cfg(target_os = "linux")]
    // SAFETY: takes nothing and answers a pointer that is valid for the thread.
    unsafe {
        libc::__errno_location()
    }
    #[cfg(target_os = "android")]
    // SAFETY: as above.
    unsafe {
        libc::__errno()
    }
}

#[cfg(any(target_os = "macos", target_os = "ios", target_os = "freebsd"))]
fn errno_place() -> *mut i32 {
    // SAFETY: takes nothing and answers a pointer that is valid for the thread.
    unsafe { libc::__error() }
}

fn errno() -> i32 {
    // SAFETY: the place of this thread's errno is valid and aligned.
    unsafe { *errno_place() }
}

fn set_errno(value: i32) {
    // SAFETY: as above.
    unsafe { *errno_place() = value }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn last_error() -> String {
        with_last_error(String::new(), str::to_owned)
    }

    #[test]
    fn an_error_becomes_its_status_and_its_text_stays_after_a_success() {
        let failed = guard(|| Err(Error::new(Status::Busy, "held by somebody")));
        assert_eq!(failed, weave_status::WEAVE_BUSY);
        assert_eq!(guard(|| Ok(())), weave_status::WEAVE_OK);
        assert_eq!(last_error(), "held by somebody");
    }

    #[test]
    fn a_panic_becomes_a_status_with_its_text() {
        assert_eq!(guard(|| panic!("for the test {}", 1)), weave_status::WEAVE_PANIC);
        assert!(last_error().contains("for the test 1"), "{}", last_error());
    }

    #[test]
    fn errno_is_left_as_it_was() {
        set_errno(77);
        guard(|| {
            set_errno(5);
            Ok(())
        });
        assert_eq!(errno(), 77);
    }
}
