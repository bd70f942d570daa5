//! Files that stay open for long: the locks, journals and data files of a writer.
//!
//! The child of a fork inherits every open file, and with it the locks on them: a writer that is gone would seem alive
//! for as long as its child lives. So the child closes these files, in the handler that runs before anything else in it.
//! What the child's copy of the memory still says of them is never used again.

#![allow(unsafe_code)]

use super::disk::{self, Operation};
use super::layout::Access;
use super::process;
use std::fs::{File, OpenOptions};
use std::io;
use std::mem::ManuallyDrop;
use std::os::fd::AsRawFd;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicU64, Ordering};

/// A free place holds 0, a taken one the descriptor plus 1. A process with more open files than this keeps the rest
/// open in its children.
static OPEN: [AtomicI32; 1024] = [const { AtomicI32::new(0) }; 1024];

/// Set while a file is opened and not yet in the table, and while the process forks.
static OPENING: AtomicBool = AtomicBool::new(false);

/// How often a thread looks whether it may go on. A handler of the host that forks while its own thread opens a file
/// would wait for ever otherwise.
const PATIENCE: usize = 100_000;

/// How far ahead the limit on files is looked at.
const SIZE_STEP: u64 = 64 * 1024;

/// Keeps other threads from opening files, until [`resume_opening`].
pub fn pause_opening() {
    for _ in 0..PATIENCE {
        if OPENING.compare_exchange_weak(false, true, Ordering::Acquire, Ordering::Relaxed).is_ok() {
            return;
        }
        std::thread::yield_now();
    }
}

/// Lets files be opened again.
pub fn resume_opening() {
    OPENING.store(false, Ordering::Release);
}

/// Closes every file in the table. For the child of a fork alone.
pub fn close_all() {
    for place in &OPEN {
        let held = place.swap(0, Ordering::Relaxed);
        if held != 0 {
            // SAFETY: the descriptor is open, since its owner takes it out of the table before closing it; no owner in
            // this process will close it again (see `drop`).
            unsafe { libc::close(held - 1) };
        }
    }
}

/// A file that is written at its end only, by one writer, and closed in the child of a fork.
pub struct HeldFile {
    file: ManuallyDrop<File>,
    path: PathBuf,
    /// Changed by the one writer alone.
    length: AtomicU64,
    /// The process may write it up to this size.
    checked: AtomicU64,
    generation: u32,
    place: Option<&'static AtomicI32>,
}

impl HeldFile {
    /// Makes a file that must not exist yet.
    pub fn create(path: &Path, access: Access) -> io::Result<Self> {
        disk::fault(Operation::Create, path)?;
        Self::open(path, OpenOptions::new().create_new(true), access).inspect_err(|cause| {
            if cause.kind() != io::ErrorKind::AlreadyExists {
                let _ = disk::remove_file(path);
            }
        })
    }

    /// Opens a file, or makes it.
    pub fn open_or_create(path: &Path, access: Access) -> io::Result<Self> {
        disk::fault(Operation::Create, path)?;
        Self::open(path, OpenOptions::new().create(true).truncate(false), access)
    }

    fn open(path: &Path, options: &mut OpenOptions, access: Access) -> io::Result<Self> {
        let generation = process::generation();
        pause_opening();
        let opened = options.read(true).write(true).mode(access.file()).open(path).map(|file| {
            let held = file.as_raw_fd() + 1;
            let free =
                |place: &&AtomicI32| place.compare_exchange(0, held, Ordering::Relaxed, Ordering::Relaxed).is_ok();
            (file, OPEN.iter().find(free))
        });
        resume_opening();
        let (file, place) = opened?;
        disk::created(path);
        let held = HeldFile {
            file: ManuallyDrop::new(file),
            path: path.to_path_buf(),
            length: AtomicU64::new(0),
            checked: AtomicU64::new(0),
            generation,
            place,
        };
        access.let_in(path, access.file())?;
        held.length.store(held.file.metadata()?.len(), Ordering::Relaxed);
        Ok(held)
    }

    /// Where it was made.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// How many bytes it has.
    pub fn length(&self) -> u64 {
        self.length.load(Ordering::Relaxed)
    }

    /// The file itself, for reading and locking.
    pub fn file(&self) -> &File {
        &self.file
    }

    /// Writes at the end. After an error some of the bytes may stand behind [`HeldFile::length`].
    pub fn append(&self, bytes: &[u8]) -> io::Result<()> {
        let end = self.length();
        self.may_grow_to(end + bytes.len() as u64)?;
        let allowed = disk::fault_in_write(&self.path, bytes.len());
        let cut = bytes.get(..allowed.as_ref().map_or_else(|short| short.written, |()| bytes.len())).unwrap_or(bytes);
        self.file.write_all_at(cut, end)?;
        allowed.map_err(|short| short.cause)?;
        disk::written(&self.path, end, bytes);
        self.length.store(end + bytes.len() as u64, Ordering::Relaxed);
        Ok(())
    }

    /// Refuses a size that the process may not give to a file. The limit is asked for now and then: to do so each time
    /// would cost a tenth of a write.
    pub fn may_grow_to(&self, bytes: u64) -> io::Result<()> {
        if bytes > self.checked.load(Ordering::Relaxed) {
            let checked = bytes.next_multiple_of(SIZE_STEP);
            if process::check_file_size(checked).is_ok() {
                self.checked.store(checked, Ordering::Relaxed);
            } else {
                process::check_file_size(bytes)?;
            }
        }
        Ok(())
    }

    /// Cuts off what stands behind [`HeldFile::length`] after a failed append.
    pub fn mend(&self) -> io::Result<()> {
        disk::fault(Operation::Truncate, &self.path)?;
        self.file.set_len(self.length())
    }

    /// Brings the content to the disk after that has failed, with what stands from `offset` on written once more.
    pub fn sync_again(&self, offset: u64) -> io::Result<()> {
        disk::sync_again(&self.file, &self.path, offset, self.length())
    }

    /// Brings the content to the disk.
    pub fn sync(&self) -> io::Result<()> {
        disk::sync(&self.file, &self.path)
    }
}

impl Drop for HeldFile {
    fn drop(&mut self) {
        if self.generation != process::generation() {
            return; // closed already, and the number may be another file's
        }
        if let Some(place) = self.place {
            place.store(0, Ordering::Relaxed);
        }
        // By name, since a child that could not close its copy would keep the lock.
        let _ = self.file.unlock();
        // SAFETY: dropped once, and not used afterwards.
        unsafe { ManuallyDrop::drop(&mut self.file) };
    }
}
