//! The journal: where a record is kept from the moment that it is accepted until it is in a data file.
//!
//! A journal belongs to one process. Its folder holds `lock`, held while the process lives; rings of mapped memory for
//! calls ([`ring`], leased to threads by [`pool`]); and the log, written with `write(2)`, for everything else ([`log`]).
//! Each of them is a stream: its records have an order, and a position counts its bytes from the first one.

pub mod log;
pub mod pool;
pub mod progress;
pub mod ring;

use super::disk;
use super::held::HeldFile;
use super::layout::{self, Access, LIBRARY_FOLDER};
use super::lock;
use crate::error::{Error, Result, Status};
use crate::record::ids::random_bytes;
use ring::RingFile;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// The id of a journal: random, its last two bytes zero.
pub type JournalId = [u8; 16];

/// The id of a stream: that of its journal, with its number in the last two bytes, little-endian. 0 is the log.
pub type StreamId = [u8; 16];

/// The id of the stream with a number.
pub fn stream(journal: &JournalId, number: u16) -> StreamId {
    let mut stream = *journal;
    let [.., low, high] = &mut stream;
    [*low, *high] = number.to_le_bytes();
    stream
}

/// The folder that holds the journals of an offline directory.
pub fn folder(root: &Path) -> PathBuf {
    root.join(LIBRARY_FOLDER).join("journals")
}

/// The lock of a journal.
pub fn lock_path(journal: &Path) -> PathBuf {
    journal.join("lock")
}

/// A journal's folder, locked by this process.
pub struct Folder {
    /// The journal's id.
    pub id: JournalId,
    /// Where it is.
    pub path: PathBuf,
    lock: HeldFile,
}

impl Folder {
    /// Makes the folder of a new journal, locked from its first moment.
    pub fn create(root: &Path, access: Access) -> Result<Self> {
        let all = folder(root);
        access.make_directory(&all)?;
        let mut tries = 0;
        loop {
            let id: JournalId = stream(&random_bytes(), 0);
            let name = name_of(&id);
            // Under its final name a journal is always locked or abandoned; the dot keeps recovery away until then.
            let unborn = all.join(format!(".{name}"));
            match Self::try_create(&all, id, &unborn, all.join(&name), access) {
                // A recovery took it for one that was left behind, before it was locked: it holds the lock and removes it.
                Err(error) if tries < 100 && (error.status() == Status::Busy || !unborn.exists()) => tries += 1,
                created => return created,
            }
        }
    }

    fn try_create(all: &Path, id: JournalId, unborn: &Path, path: PathBuf, access: Access) -> Result<Self> {
        access.make_directory(unborn)?;
        let lock = lock::try_acquire(&lock_path(unborn), access)?.ok_or_else(|| {
            Error::new(Status::Busy, format!("the journal {} is locked by another process", unborn.display()))
        })?;
        lock.append(&ring::this_boot()).map_err(|cause| Error::io("cannot make the journal", unborn, &cause))?;
        disk::rename(unborn, &path).map_err(|cause| Error::io("cannot make the journal", &path, &cause))?;
        disk::sync_directory(all)?;
        Ok(Folder { id, path, lock })
    }

    /// Whether the folder is still in its place. Somebody may have removed the offline directory.
    pub fn is_there(&self) -> bool {
        lock::is_at(self.lock.file(), &lock_path(&self.path))
    }

    /// Removes the journal, of which everything is in data files on the disk.
    pub fn remove(self) -> Result<()> {
        remove(&self.path)
    }
}

/// Whether the process that a journal belongs to lives, or somebody recovers it.
pub fn is_in_use(root: &Path, journal: &JournalId) -> bool {
    lock::is_held(&lock_path(&folder(root).join(name_of(journal))))
}

/// Whether there may be a journal whose process is gone, also while somebody recovers it: however old its records are,
/// they may not be in data files yet. Those of a process that lives are so for a moment only.
pub fn is_any_left(root: &Path) -> Result<bool> {
    let is_left = |path: &PathBuf| id_of(path).is_some() && !lock::is_held(&lock_path(path));
    // In this order: a recovery that has one of them locked began before, and what it has ended is in data files.
    Ok(all(root)?.iter().any(is_left) || lock::is_held(&folder(root)))
}

/// The name of a journal's folder: its id in hexadecimal.
pub fn name_of(journal: &JournalId) -> String {
    journal.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The journals in an offline directory, those that are in use among them.
pub fn all(root: &Path) -> Result<Vec<PathBuf>> {
    let hidden = |path: &Path| path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
    Ok(layout::entries(&folder(root))?.into_iter().filter(|path| path.is_dir() && !hidden(path)).collect())
}

/// Removes what is left of journals whose process was killed while it made them. Nothing is in them.
pub fn remove_unborn(root: &Path, access: Access) -> Result<()> {
    for path in layout::entries(&folder(root))? {
        let hidden = path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
        if hidden && path.is_dir() && disk::remove_empty_directory(&path).is_err() && lock_path(&path).exists() {
            if let Some(_lock) = lock::try_acquire(&lock_path(&path), access)? {
                remove(&path)?;
            }
        }
    }
    Ok(())
}

/// The id of the journal at a path; `None` if that is not the name of one.
pub fn id_of(path: &Path) -> Option<JournalId> {
    let name = path.file_name()?.to_str()?;
    let mut id = JournalId::default();
    for (byte, at) in id.iter_mut().zip((0..).step_by(2)) {
        *byte = u8::from_str_radix(name.get(at..at + 2)?, 16).ok()?;
    }
    (name.len() == 32 && stream(&id, 0) == id).then_some(id)
}

/// The ring files of a journal.
pub fn ring_files(journal: &Path) -> Result<Vec<PathBuf>> {
    let mut rings: Vec<PathBuf> = layout::entries(journal)?;
    rings.retain(|path| path.extension().is_some_and(|end| end == "ring"));
    rings.sort();
    Ok(rings)
}

/// The path of the ring with a number.
pub fn ring_path(journal: &Path, number: u16) -> PathBuf {
    journal.join(format!("{number:02}.ring"))
}

/// Whether a journal was certainly made since the machine was started: its lock file tells.
pub fn is_of_this_boot(journal: &Path) -> Result<bool> {
    let path = lock_path(journal);
    let made_in = fs::read(&path).map_err(|cause| Error::io("cannot read the journal", &path, &cause))?;
    Ok(made_in == ring::this_boot() && made_in != [0; 16])
}

/// The position of each stream below which nothing is needed any more.
pub fn freed(journal: &Path) -> Result<Vec<(StreamId, u64)>> {
    let mut freed = Vec::new();
    if let Some(id) = id_of(journal) {
        freed.push((id, log::first_position(journal)?));
    }
    for path in ring_files(journal)? {
        match RingFile::read(&path) {
            // Its process ends, and removes the journal.
            Err(cause) if cause.kind() == ErrorKind::NotFound => {}
            ring => {
                let ring = ring.map_err(|cause| Error::io("cannot read the journal", &path, &cause))?;
                freed.extend(ring.map(|ring| (ring.stream(), ring.freed())));
            }
        }
    }
    Ok(freed)
}

/// Removes the journal at `path`; its lock goes last, so that nobody takes a half-removed journal for another.
pub fn remove(path: &Path) -> Result<()> {
    let failed = |cause| Error::io("cannot remove the journal", path, &cause);
    let mut files = layout::entries(path)?;
    files.retain(|file| *file != lock_path(path));
    // Without what is noted of plain files, a recovery would pack a ring that is left a second time.
    files.sort_by_key(|file| *file == progress::path(path));
    for file in files {
        disk::remove_file(&file).map_err(failed)?;
    }
    disk::remove_directory(path).map_err(failed)
}
