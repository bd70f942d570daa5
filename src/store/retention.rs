//! Deleting what was sent long enough ago.

use super::layout::{self, DataFile};
use super::needed::Needed;
use crate::error::{Error, Result};
use crate::record::kind::Kind;
use crate::record::time::Timestamp;
use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::path::Path;
use std::time::{Duration, SystemTime};

const BODY_GRACE: Duration = Duration::from_secs(60 * 60);

/// How long an empty file keeps a number: longer than a clock is set back by.
const NUMBER_DAYS: i64 = 60;

/// Deletes the synced data files of a directory that were synced at least `older_than` ago, and returns how many.
///
/// The time of a sync is the time at which the file was renamed. A file from the future is not old. Bytes of files are
/// kept as long as a record in a file that is not synced may need them.
pub fn clean_synced(root: &Path, older_than: Duration) -> Result<u64> {
    layout::check_exists(root)?;
    let mut deleted = 0;
    for project in layout::projects(root)? {
        for kind in Kind::ALL {
            let folder = project.kind(kind);
            let last = layout::last_numbers(&folder)?;
            let files = layout::data_files(&folder)?;
            let needed = Needed::look(root)?;
            for file in files.iter().filter(|file| file.synced) {
                let is_last = last.get(&file.date) == Some(&file.number);
                if is_old(&file.path, older_than)? && !needed.needs(file)? && remove(file, is_last)? {
                    deleted += 1;
                }
            }
            forget_numbers(&folder)?;
        }
        let folder = project.kind(Kind::Files);
        if layout::data_files(&folder)?.iter().all(|file| file.synced) {
            // The record of a file may still be in the journal of a living process, but not for long.
            let older_than = if Needed::look(root)?.is_empty() { older_than } else { older_than.max(BODY_GRACE) };
            delete_bodies(&folder, older_than, |_| false)?;
        }
    }
    Ok(deleted)
}

/// Deletes a data file, or what is left of one; false if it was gone. When it has the last number of its day, an empty
/// file stays to keep the number from being used again. That takes no space, so that it can be done on a full disk.
pub(super) fn remove(file: &DataFile, is_last: bool) -> Result<bool> {
    let removed = match is_last {
        false => fs::remove_file(&file.path),
        // Emptied first: one that is found empty is deleted by the next round.
        true => File::options()
            .write(true)
            .truncate(true)
            .open(&file.path)
            .and_then(|_| fs::rename(&file.path, file.number_path())),
    };
    match removed {
        Ok(()) => Ok(true),
        Err(cause) if cause.kind() == ErrorKind::NotFound => Ok(false),
        Err(cause) => Err(Error::io("cannot delete", &file.path, &cause)),
    }
}

/// Deletes the empty files that keep a number which another file of the day keeps too, or of days long past.
pub(super) fn forget_numbers(folder: &Path) -> Result<()> {
    let long_ago = Timestamp::now().micros() - NUMBER_DAYS * 86_400_000_000;
    let long_ago = Timestamp::from_micros(long_ago).map(Timestamp::date_digits).unwrap_or_default();
    let last = layout::last_numbers(folder)?;
    for path in layout::entries(folder)? {
        let Some((date, number, "deleted")) = layout::parse_number(&path) else { continue };
        if date < long_ago.as_str() || last.get(date) != Some(&number) {
            gone(fs::remove_file(&path)).map_err(|cause| Error::io("cannot delete", &path, &cause))?;
        }
    }
    Ok(())
}

/// Deletes bytes of files that are at least this old, but those that `keep` wants to be kept; how many bytes went.
pub(super) fn delete_bodies(folder: &Path, older_than: Duration, keep: impl Fn(&str) -> bool) -> Result<u64> {
    let mut freed = 0;
    for path in layout::entries(folder)? {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if layout::parse_number(&path).is_some() || keep(&name) || !path.is_file() || !is_old(&path, older_than)? {
            continue;
        }
        let length = fs::metadata(&path).map(|about| about.len()).unwrap_or_default();
        gone(fs::remove_file(&path)).map_err(|cause| Error::io("cannot delete", &path, &cause))?;
        freed += length;
    }
    Ok(freed)
}

/// What is deleted by somebody else meanwhile is deleted too.
pub(super) fn gone(done: io::Result<()>) -> io::Result<()> {
    match done {
        Err(cause) if cause.kind() == ErrorKind::NotFound => Ok(()),
        done => done,
    }
}

fn is_old(path: &Path, older_than: Duration) -> Result<bool> {
    let changed = match fs::metadata(path) {
        Ok(about) => std::os::unix::fs::MetadataExt::ctime(&about),
        Err(cause) if cause.kind() == ErrorKind::NotFound => return Ok(false),
        Err(cause) => return Err(Error::io("cannot read", path, &cause)),
    };
    let changed = SystemTime::UNIX_EPOCH + Duration::from_secs(u64::try_from(changed).unwrap_or_default());
    Ok(SystemTime::now().duration_since(changed).is_ok_and(|age| age >= older_than))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_of_a_deleted_file_is_not_used_again() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("team/demo/calls");
        fs::create_dir_all(&folder).unwrap();
        let today = Timestamp::now().date_digits();
        for number in [3, 4] {
            fs::write(folder.join(format!("{today}_000{number}.synced.jsonl.gz")), b"sent").unwrap();
        }
        assert_eq!(clean_synced(root.path(), Duration::ZERO).unwrap(), 2);
        let left: Vec<_> = layout::entries(&folder).unwrap();
        assert_eq!(left, [folder.join(format!("{today}_0004.deleted"))]);
        assert_eq!(fs::metadata(&left[0]).unwrap().len(), 0);
        assert_eq!(layout::next_number(&folder, &today).unwrap(), 5);

        fs::write(folder.join(format!("{today}_0005.jsonl.gz")), b"next").unwrap();
        fs::write(folder.join("20200101_0000.deleted"), b"").unwrap();
        clean_synced(root.path(), Duration::ZERO).unwrap();
        assert_eq!(layout::entries(&folder).unwrap(), [folder.join(format!("{today}_0005.jsonl.gz"))]);
    }

    #[test]
    fn bytes_of_files_are_deleted_and_what_is_left_of_data_files_stays() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("team/demo/files");
        fs::create_dir_all(&folder).unwrap();
        for name in ["digest", ".digest.temporary", "20260101_0000.dropped.gz"] {
            fs::write(folder.join(name), b"1234").unwrap();
        }
        assert_eq!(delete_bodies(&folder, Duration::ZERO, |name| name == "other").unwrap(), 8);
        assert_eq!(layout::entries(&folder).unwrap(), [folder.join("20260101_0000.dropped.gz")]);
    }
}
