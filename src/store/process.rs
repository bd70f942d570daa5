//! What only the operating system's own functions can do for a guest in somebody else's process: hearing of a fork,
//! keeping signals away from a thread, renaming without replacing.

#![allow(unsafe_code)]

use crate::record::ids;
use once_cell::sync::OnceCell;
use std::ffi::CString;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::JoinHandle;

static GENERATION: AtomicU32 = AtomicU32::new(0);
static WATCHING: OnceCell<()> = OnceCell::new();

/// A number that is another one in the child of a fork than in its parent.
pub fn generation() -> u32 {
    WATCHING.get_or_init(|| {
        // SAFETY: the handler only adds to atomics, which is safe in the child of a fork of a threaded process. The
        // library is never unloaded (it is linked with nodelete), so that the handler stays valid.
        unsafe { libc::pthread_atfork(None, None, Some(in_child)) };
    });
    GENERATION.load(Ordering::Relaxed)
}

extern "C" fn in_child() {
    GENERATION.fetch_add(1, Ordering::Relaxed);
    ids::reseed_after_fork();
}

/// Starts a thread on which no handler of the host runs: every signal is blocked on it.
pub fn spawn_quiet(name: &str, body: impl FnOnce() + Send + 'static) -> io::Result<JoinHandle<()>> {
    // SAFETY: both sets are plain data, filled by the functions they are passed to; the mask of this thread is put back
    // before anything else of the caller runs.
    unsafe {
        let mut every: libc::sigset_t = std::mem::zeroed();
        let mut before: libc::sigset_t = std::mem::zeroed();
        libc::sigfillset(&mut every);
        libc::pthread_sigmask(libc::SIG_SETMASK, &every, &mut before);
        let spawned = std::thread::Builder::new().name(name.to_string()).spawn(body);
        libc::pthread_sigmask(libc::SIG_SETMASK, &before, std::ptr::null_mut());
        spawned
    }
}

/// Gives a file another name, unless something has that name already.
pub fn rename_new(from: &Path, to: &Path) -> io::Result<()> {
    let text = |path: &Path| CString::new(path.as_os_str().as_bytes()).map_err(io::Error::other);
    let (source, target) = (text(from)?, text(to)?);
    // SAFETY: both are NUL-terminated texts that live through the call.
    let result = unsafe {
        libc::renameat2(libc::AT_FDCWD, source.as_ptr(), libc::AT_FDCWD, target.as_ptr(), libc::RENAME_NOREPLACE)
    };
    if result == 0 {
        return Ok(());
    }
    let cause = io::Error::last_os_error();
    match cause.raw_os_error() {
        // File systems without the flag: a hard link fails when the name is taken.
        Some(libc::EINVAL | libc::ENOSYS) => std::fs::hard_link(from, to).and_then(|()| std::fs::remove_file(from)),
        _ => Err(cause),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn renaming_never_replaces() {
        let folder = tempfile::tempdir().unwrap();
        let (a, b) = (folder.path().join("a"), folder.path().join("b"));
        std::fs::write(&a, "a").unwrap();
        std::fs::write(&b, "b").unwrap();
        assert_eq!(rename_new(&a, &b).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(std::fs::read(&b).unwrap(), b"b");
        rename_new(&a, &folder.path().join("c")).unwrap();
        assert!(!a.exists());
    }
}
