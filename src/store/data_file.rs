//! A data file while it is written: made by one writer, locked by it while it grows, never written by another.

use super::disk;
use super::held::HeldFile;
use super::layout::{self, Access, DataFile};
use super::limits;
use super::lock;
use super::member;
use crate::error::{Error, Result};
use crate::record::time::Timestamp;
use std::fs::TryLockError;
use std::io::ErrorKind;
use std::path::Path;
use std::time::{Duration, Instant};

/// How the data files of a project are written.
#[derive(Debug, Clone)]
pub struct FileOptions {
    /// A file is closed before it would grow beyond this many bytes on disk.
    pub max_size: u64,
    /// A file is closed when it is this old.
    pub max_age: Duration,
    /// Gzip members, or plain lines.
    pub compress: bool,
    /// Level of compression, 1 to 12; `None`: as the rate of records allows.
    pub level: Option<i32>,
}

impl Default for FileOptions {
    fn default() -> Self {
        FileOptions { max_size: limits::MAX_FILE_SIZE, max_age: limits::MAX_FILE_AGE, compress: true, level: None }
    }
}

/// A data file that grows.
pub struct GrowingFile {
    file: HeldFile,
    date: String,
    compressed: bool,
    born: Instant,
    /// How many lines are in it.
    lines: u64,
    /// What is on the disk for certain.
    synced: u64,
    /// A sync failed: the kernel may take pages for written that are not.
    suspect: bool,
    /// Something stands behind its end that could not be cut off yet.
    torn: bool,
}

impl GrowingFile {
    /// Makes the next data file of a folder.
    pub fn create(folder: &Path, options: &FileOptions, access: Access) -> Result<Self> {
        access.make_directory(folder)?;
        let date = Timestamp::now().date_digits();
        let mut number = layout::next_number(folder, &date)?;
        loop {
            let path = folder.join(DataFile::pending_name(&date, number, options.compress));
            match HeldFile::create(&path, access) {
                Ok(file) => match file.file().try_lock() {
                    // A recovery that came in between takes an empty file away.
                    Ok(()) if !lock::is_at(file.file(), &path) => number += 1,
                    Ok(()) => {
                        if let Err(error) = disk::sync_directory(folder) {
                            let _ = disk::remove_file(&path);
                            return Err(error);
                        }
                        let born = Instant::now();
                        return Ok(GrowingFile {
                            file,
                            date,
                            compressed: options.compress,
                            born,
                            lines: 0,
                            synced: 0,
                            suspect: false,
                            torn: false,
                        });
                    }
                    // Somebody looks at this very moment whether the file is in use, and finds that it is not.
                    Err(TryLockError::WouldBlock) => number += 1,
                    Err(TryLockError::Error(cause)) => return Err(Error::io("cannot lock", &path, &cause)),
                },
                Err(cause) if cause.kind() == ErrorKind::AlreadyExists => number += 1,
                Err(cause) => return Err(Error::io("cannot make the data file", &path, &cause)),
            }
        }
    }

    /// The file's path.
    pub fn path(&self) -> &Path {
        self.file.path()
    }

    /// How many bytes are in it.
    pub fn length(&self) -> u64 {
        self.file.length()
    }

    /// Whether `more` bytes belong in the next file.
    pub fn is_full(&self, more: u64, options: &FileOptions) -> bool {
        let is_over = self.length() > 0 && self.length() + more > options.max_size;
        is_over || self.torn || self.compressed != options.compress || self.is_aged(options)
    }

    /// Whether the file has been open for as long as it may be, or since another day.
    pub fn is_aged(&self, options: &FileOptions) -> bool {
        self.born.elapsed() >= options.max_age || self.date != Timestamp::now().date_digits()
    }

    /// Appends a whole member, which tells how many lines stand before it then, or the lines alone. After an error
    /// nothing of them is in the file.
    pub fn append(&mut self, bytes: &mut [u8], lines: u32) -> Result<()> {
        if self.compressed {
            member::tell_before(bytes, Some(self.lines));
        }
        if let Err(cause) = self.file.append(bytes) {
            let error = Error::io("cannot write the data file", self.path(), &cause);
            // Behind a torn end that cannot be cut off nothing may follow: the next record goes into another file.
            self.torn = self.file.mend().is_err();
            return Err(error);
        }
        self.lines += u64::from(lines);
        Ok(())
    }

    /// Whether something in it is not durable yet.
    pub fn is_unsynced(&self) -> bool {
        self.synced < self.length()
    }

    /// Makes what was appended durable. When it fails, it is written again before it is tried again.
    pub fn sync(&mut self) -> Result<()> {
        if self.torn {
            self.file.mend().map_err(|cause| Error::io("cannot mend the data file", self.path(), &cause))?;
            self.torn = false;
        }
        if !self.is_unsynced() {
            return Ok(());
        }
        let length = self.length();
        let synced = match self.suspect {
            true => self.file.sync_again(self.synced),
            false => self.file.sync(),
        };
        self.suspect = synced.is_err();
        synced.map_err(|cause| Error::io("cannot sync the data file", self.path(), &cause))?;
        self.synced = length;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::hop::Members;
    use crate::store::member::Writer;
    use sha2::{Digest, Sha256};
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_file_gets_the_number_behind_the_largest_of_its_day_and_is_private() {
        let folder = tempfile::tempdir().unwrap();
        let date = Timestamp::now().date_digits();
        fs::write(folder.path().join(format!("{date}_0004.synced.jsonl.gz")), b"").unwrap();
        let file = GrowingFile::create(folder.path(), &FileOptions::default(), Access::Owner).unwrap();
        assert_eq!(file.path(), folder.path().join(format!("{date}_0005.jsonl.gz")));
        assert_eq!(fs::metadata(file.path()).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn two_writers_never_share_a_file() {
        let folder = tempfile::tempdir().unwrap();
        let create = || GrowingFile::create(folder.path(), &FileOptions::default(), Access::Owner).unwrap();
        let (first, second) = (create(), create());
        assert_ne!(first.path(), second.path());
        assert!(lock::is_held(first.path()) && lock::is_held(second.path()));
    }

    #[test]
    fn a_file_is_full_before_it_would_grow_beyond_its_size() {
        let folder = tempfile::tempdir().unwrap();
        let options = FileOptions { max_size: 10, ..FileOptions::default() };
        let mut file = GrowingFile::create(folder.path(), &options, Access::Owner).unwrap();
        assert!(!file.is_full(100, &options), "an empty file takes any record");
        file.append(&mut b"1234567".to_owned(), 1).unwrap();
        assert!(!file.is_full(3, &options));
        assert!(file.is_full(4, &options));
    }

    #[test]
    fn the_end_of_a_file_tells_how_many_lines_it_has() {
        let folder = tempfile::tempdir().unwrap();
        let mut file = GrowingFile::create(folder.path(), &FileOptions::default(), Access::Owner).unwrap();
        let told = |path: &Path| Members::open(path).unwrap().unwrap().lines_told_at_end().unwrap();
        assert_eq!(told(file.path()), None);
        // What cannot be made smaller makes members that are longer than what is read at a time.
        let long: Vec<u8> = (0..200_000u32).flat_map(|n| Sha256::digest(n.to_le_bytes())).collect();
        for (lines, count, all) in [(&b"{}\n{}\n"[..], 2, 2), (&long[..300_000], 9, 11), (b"{}\n", 1, 12)] {
            let mut member = Writer::new(1).unwrap().write(lines, count, &[]).unwrap();
            file.append(&mut member, count).unwrap();
            assert_eq!(told(file.path()), Some(all));
        }
        let mut torn = fs::read(file.path()).unwrap();
        torn.pop();
        fs::write(folder.path().join("torn"), torn).unwrap();
        assert_eq!(told(&folder.path().join("torn")), None);
    }
}
