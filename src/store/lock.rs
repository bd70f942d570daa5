//! Locks between processes: `flock` on a file, with a check that the file locked is still the one at its path.
//!
//! Never a process id: ids are used again, and mean nothing on another machine or in another container.

use super::held::HeldFile;
use super::layout::Access;
use crate::error::{Error, Result, Status};
use std::fs::{self, File, TryLockError};
use std::io::{self, ErrorKind};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

type TryLock = fn(&File) -> std::result::Result<(), TryLockError>;

/// How often it is looked whether who has a lock has given it back.
const LOOK: Duration = Duration::from_millis(1);

/// Takes the lock file at `path`, making it if needed; `None` if another process has it. It is given back when the file
/// is dropped, or when the process ends in whatever way.
pub fn try_acquire(path: &Path, access: Access) -> Result<Option<HeldFile>> {
    let failed = |cause| Error::io("cannot lock", path, &cause);
    let held = HeldFile::open_or_create(path, access).map_err(failed)?;
    match held.file().try_lock() {
        Ok(()) => Ok(is_at(held.file(), path).then_some(held)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(cause)) => Err(failed(cause)),
    }
}

/// The lock of a file or folder, held for a piece of work. It is given back by name, not by closing: the child of a fork
/// in between has the descriptor too, and would hold the lock as long as it lives.
pub struct Held(File);

impl Held {
    /// Makes the file look as if it were written now.
    pub fn touch(&self) -> io::Result<()> {
        self.0.set_modified(SystemTime::now())
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let _ = self.0.unlock();
    }
}

/// Takes the lock of a file or folder that is there already; `None` if another process has it, or if it is gone.
pub fn try_hold(path: &Path) -> Result<Option<Held>> {
    try_with(path, File::try_lock)
}

fn try_with(path: &Path, try_lock: TryLock) -> Result<Option<Held>> {
    let file = match File::open(path) {
        Err(cause) if cause.kind() == ErrorKind::NotFound => return Ok(None),
        opened => opened.map_err(|cause| Error::io("cannot open", path, &cause))?,
    };
    match try_lock(&file) {
        Ok(()) => Ok(Some(Held(file)).filter(|held| is_at(&held.0, path))),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(cause)) => Err(Error::io("cannot lock", path, &cause)),
    }
}

/// The same, waiting for who has it, but no longer than the limit says; `None` if the file is gone.
pub fn hold(path: &Path, limit: Duration) -> Result<Option<Held>> {
    wait_with(path, limit, File::try_lock)
}

/// The same, of a lock that others may have too who share it.
pub fn share(path: &Path, limit: Duration) -> Result<Option<Held>> {
    wait_with(path, limit, File::try_lock_shared)
}

fn wait_with(path: &Path, limit: Duration, try_lock: TryLock) -> Result<Option<Held>> {
    let begun = Instant::now();
    loop {
        match try_with(path, try_lock)? {
            None if !path.exists() => return Ok(None),
            None if begun.elapsed() < limit => std::thread::sleep(LOOK),
            None => return Err(Error::new(Status::Busy, format!("{} is locked by another process", path.display()))),
            held => return Ok(held),
        }
    }
}

/// Whether some process holds a lock on the file at `path`. A file that cannot be opened is not held.
pub fn is_held(path: &Path) -> bool {
    File::open(path).is_ok_and(|file| match file.try_lock() {
        Err(TryLockError::WouldBlock) => true,
        _ => {
            drop(Held(file));
            false
        }
    })
}

/// Whether the file is the one at `path`. A file may be removed and made again between opening and locking it; the lock is
/// then on a file nobody else sees.
pub fn is_at(file: &File, path: &Path) -> bool {
    match (file.metadata(), fs::metadata(path)) {
        (Ok(ours), Ok(theirs)) => ours.dev() == theirs.dev() && ours.ino() == theirs.ino(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_is_held_once_and_given_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        let first = try_acquire(&path, Access::Owner).unwrap();
        assert!(first.is_some());
        assert!(is_held(&path));
        assert!(try_acquire(&path, Access::Owner).unwrap().is_none());
        assert!(try_hold(&path).unwrap().is_none());
        drop(first);
        assert!(!is_held(&path));
        assert!(try_acquire(&path, Access::Owner).unwrap().is_some());
    }

    #[test]
    fn who_waits_for_a_lock_gets_it_when_it_is_given_back_and_not_before() {
        let folder = tempfile::tempdir().unwrap();
        let held = try_hold(folder.path()).unwrap();
        assert_eq!(hold(folder.path(), Duration::ZERO).map(|_| ()).unwrap_err().status(), Status::Busy);
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| hold(folder.path(), Duration::from_secs(600)).unwrap().is_some());
            drop(held);
            assert!(waiting.join().unwrap());
        });
    }

    #[test]
    fn those_who_share_a_lock_keep_it_from_others_together() {
        let folder = tempfile::tempdir().unwrap();
        let [first, second] = [(); 2].map(|()| share(folder.path(), Duration::ZERO).unwrap().unwrap());
        drop(first);
        assert!(is_held(folder.path()));
        drop(second);
        assert!(!is_held(folder.path()));
    }

    #[test]
    fn a_child_of_a_fork_does_not_keep_a_lock_that_was_held_for_a_moment() {
        let folder = tempfile::tempdir().unwrap();
        let held = try_hold(folder.path()).unwrap().unwrap();
        let descriptor_of_the_child = held.0.try_clone().unwrap();
        assert!(is_held(folder.path()));
        drop(held);
        assert!(!is_held(folder.path()));
        drop(descriptor_of_the_child);
    }
}
