//! What only the operating system's own functions can do for a guest in somebody else's process: hearing of a fork,
//! keeping signals away from a thread, renaming without replacing, a barrier over all threads.

#![allow(unsafe_code)]

use super::held;
use crate::record::ids;
use once_cell::race::OnceBox;
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, Once, PoisonError};
use std::thread::{Builder, JoinHandle, Scope, ScopedJoinHandle};

static GENERATION: AtomicU32 = AtomicU32::new(1);
static WATCHING: Once = Once::new();

/// A number that is another one in the child of a fork than in its parent; never 0.
pub fn generation() -> u32 {
    if !WATCHING.is_completed() {
        WATCHING.call_once(|| {
            // SAFETY: the handlers only use atomics and close(2), which is safe in the child of a fork of a threaded
            // process. The library is never unloaded (it is linked with nodelete), so that they stay valid.
            unsafe { libc::pthread_atfork(Some(before_fork), Some(in_parent), Some(in_child)) };
        });
    }
    GENERATION.load(Ordering::Relaxed)
}

extern "C" fn before_fork() {
    held::pause_opening();
}

extern "C" fn in_parent() {
    held::resume_opening();
}

extern "C" fn in_child() {
    GENERATION.fetch_add(1, Ordering::Relaxed);
    ids::reseed_after_fork();
    held::close_all();
    held::resume_opening();
}

/// A value that each process has for itself: the child of a fork begins with a fresh one, since a lock in its parent's
/// may be held by a thread that the child does not have.
///
/// Locks in such values are those of the standard library: they wait in the kernel. Those of `parking_lot` wait in a
/// table of the process, which a fork may copy while a thread that is gone has it locked.
pub struct PerProcess<T> {
    first: OnceBox<Node<T>>,
}

struct Node<T> {
    generation: u32,
    value: T,
    next: OnceBox<Node<T>>,
}

#[allow(clippy::new_without_default)] // a value for each process is no default
impl<T: Default> PerProcess<T> {
    /// Holds nothing yet.
    pub const fn new() -> Self {
        PerProcess { first: OnceBox::new() }
    }

    /// The value of this process.
    pub fn get(&self) -> &T {
        let mut place = &self.first;
        loop {
            let generation = generation();
            let node = place.get_or_init(|| Box::new(Node { generation, value: T::default(), next: OnceBox::new() }));
            if node.generation == generation {
                return &node.value;
            }
            place = &node.next;
        }
    }
}

/// Locks a mutex of the standard library. A panic under a lock is caught at the edge of the library and told there; it
/// must not block the host afterwards.
pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Starts a thread on which no handler of the host runs: every signal is blocked on it.
pub fn spawn_quiet(name: &str, body: impl FnOnce() + Send + 'static) -> io::Result<JoinHandle<()>> {
    with_signals_blocked(|| Builder::new().name(name.to_string()).spawn(body))
}

/// The same for a thread that ends within a scope.
pub fn spawn_quiet_in<'scope>(
    scope: &'scope Scope<'scope, '_>,
    name: &str,
    body: impl FnOnce() + Send + 'scope,
) -> io::Result<ScopedJoinHandle<'scope, ()>> {
    with_signals_blocked(|| Builder::new().name(name.to_string()).spawn_scoped(scope, body))
}

/// A thread has the mask of the one that starts it.
fn with_signals_blocked<T>(start: impl FnOnce() -> T) -> T {
    // SAFETY: both sets are plain data, filled by the functions they are passed to; the mask of this thread is put back
    // before anything else of the caller runs.
    unsafe {
        let mut every: libc::sigset_t = std::mem::zeroed();
        let mut before: libc::sigset_t = std::mem::zeroed();
        libc::sigfillset(&mut every);
        libc::pthread_sigmask(libc::SIG_SETMASK, &every, &mut before);
        let started = start();
        libc::pthread_sigmask(libc::SIG_SETMASK, &before, std::ptr::null_mut());
        started
    }
}

/// Makes every other thread of the process pass a full memory barrier, so that threads in a hurry need none of their
/// own. False where the kernel has no such call.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub fn barrier_on_all_threads() -> bool {
    const REGISTER: libc::c_int = 1 << 4; // MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED
    const BARRIER: libc::c_int = 1 << 3; // MEMBARRIER_CMD_PRIVATE_EXPEDITED
                                         // SAFETY: the call takes numbers only.
    unsafe {
        libc::syscall(libc::SYS_membarrier, REGISTER, 0, 0) == 0
            && libc::syscall(libc::SYS_membarrier, BARRIER, 0, 0) == 0
    }
}

/// No other system has such a call.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub fn barrier_on_all_threads() -> bool {
    false
}

/// The size of a page of memory: 4096 bytes on x86-64, up to 64 KiB elsewhere.
pub fn page_size() -> usize {
    // SAFETY: the call takes a number only.
    usize::try_from(unsafe { libc::sysconf(libc::_SC_PAGESIZE) }).unwrap_or(4096)
}

/// Whether the process may do anything to anybody's files.
pub fn is_root() -> bool {
    // SAFETY: the call takes nothing and cannot fail.
    unsafe { libc::geteuid() == 0 }
}

/// The largest file that this process may write; writing beyond it would raise a signal that kills by default.
pub fn file_size_limit() -> u64 {
    // SAFETY: the struct is plain data, filled by the function.
    unsafe {
        let mut limit: libc::rlimit = std::mem::zeroed();
        match libc::getrlimit(libc::RLIMIT_FSIZE, &mut limit) {
            0 => limit.rlim_cur,
            _ => u64::MAX,
        }
    }
}

/// Refuses a file that this process may not write. The kernel would do so with a signal that kills by default.
pub fn check_file_size(bytes: u64) -> io::Result<()> {
    let limit = file_size_limit();
    if bytes <= limit {
        return Ok(());
    }
    let text = format!("the process may not write files over {limit} bytes (RLIMIT_FSIZE); raise that limit");
    Err(io::Error::new(io::ErrorKind::FileTooLarge, text))
}

/// Gives a file another name, unless something has that name already.
pub fn rename_new(from: &Path, to: &Path) -> io::Result<()> {
    match rename_at_once(from, to) {
        // Without it: a hard link fails when the name is taken.
        Err(cause) if matches!(cause.raw_os_error(), Some(libc::EINVAL | libc::ENOSYS)) => {
            std::fs::hard_link(from, to).and_then(|()| std::fs::remove_file(from))
        }
        done => done,
    }
}

/// EINVAL or ENOSYS where the file system or the kernel cannot.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn rename_at_once(from: &Path, to: &Path) -> io::Result<()> {
    use std::os::unix::ffi::OsStrExt;
    let text = |path: &Path| std::ffi::CString::new(path.as_os_str().as_bytes()).map_err(io::Error::other);
    let (source, target) = (text(from)?, text(to)?);
    let (from, to, flag) = (source.as_ptr(), target.as_ptr(), libc::RENAME_NOREPLACE);
    // Not renameat2(3), which older C libraries lack.
    // SAFETY: both are NUL-terminated texts that live through the call.
    let result = unsafe { libc::syscall(libc::SYS_renameat2, libc::AT_FDCWD, from, libc::AT_FDCWD, to, flag) };
    if result == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn rename_at_once(_from: &Path, _to: &Path) -> io::Result<()> {
    Err(io::Error::from_raw_os_error(libc::ENOSYS))
}

/// Runs the body of a test as root without capabilities, in a folder that is somebody else's: in a process of its own,
/// which runs that test alone. Who is not root has none of them and runs it at once.
#[cfg(test)]
pub fn without_capabilities(test: &str, body: impl FnOnce(&Path)) {
    use std::os::unix::fs::PermissionsExt;
    const FOLDER: &str = "FOLDER_OF_THE_TEST";
    if let Some(folder) = std::env::var_os(FOLDER) {
        return body(Path::new(&folder));
    }
    let folder = tempfile::tempdir().unwrap();
    if !is_root() {
        return body(folder.path());
    }
    std::os::unix::fs::chown(folder.path(), Some(12345), Some(54321)).unwrap();
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o777)).unwrap();
    let mut again = std::process::Command::new("setpriv");
    again.args(["--bounding-set=-all", "--inh-caps=-all"]).arg(std::env::current_exe().unwrap());
    again.args(["--exact", test]).env(FOLDER, folder.path());
    match again.output() {
        Ok(output) => assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout)),
        Err(cause) => println!("skipped: setpriv: {cause}"),
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
