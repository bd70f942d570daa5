//! Deleting what was sent long enough ago.

use super::bodies::Bodies;
use super::file_record;
use super::layout::{self, DataFile, ProjectDir};
use super::needed::Needed;
use super::usage::Files;
use super::{journal, lock};
use crate::error::{Error, Result};
use crate::record::kind::Kind;
use crate::record::time::Timestamp;
use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

const BODY_GRACE: Duration = Duration::from_secs(60 * 60);

/// How long an empty file keeps a number: longer than a clock is set back by.
const NUMBER_DAYS: i64 = 60;

/// What is to be deleted.
pub struct Cleaning<'a> {
    /// How long ago the sync of a file must be.
    pub older_than: Duration,
    /// Nothing is deleted, only told.
    pub only_told: bool,
    /// When a data file was sent, where the layer above knows; else the time at which it was renamed counts.
    pub sent_at: &'a dyn Fn(&ProjectDir, Kind, &DataFile) -> Option<Timestamp>,
}

/// What was deleted, or would be, and what was kept of what was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Cleaned {
    /// Data files.
    pub files: u64,
    /// Bytes of data files and of what lies beside them.
    pub bytes: u64,
    /// Data files whose sync is not long enough ago.
    pub young: Files,
    /// Data files that are old enough, and that a process holds or a journal needs.
    pub in_use: Files,
}

impl Cleaning<'_> {
    /// Goes through the projects of a directory. Of each file that goes, `told` hears the path and how many bytes it has.
    ///
    /// A synced data file goes when its sync is long enough ago, nobody holds it, and no journal needs it. A file from
    /// the future is not old. Bytes of files are kept as long as a record needs them that was not sent, or was
    /// rejected, and all of them as long as a journal is there whose process is gone. Of what lies among them only what
    /// has a name that the library gives is deleted.
    pub fn run(&self, root: &Path, told: &mut dyn FnMut(&Path, u64)) -> Result<Cleaned> {
        layout::check_exists(root)?;
        let mut cleaned = Cleaned::default();
        for project in layout::projects(root)? {
            for kind in Kind::ALL {
                self.clean_kind(root, &project, kind, &mut cleaned, told)?;
            }
            self.clean_bodies(root, &project, BODY_GRACE, &mut cleaned, told)?;
        }
        Ok(cleaned)
    }

    /// The record of a file may still be in the journal of a living process: but no longer than `grace`.
    fn clean_bodies(
        &self,
        root: &Path,
        project: &ProjectDir,
        grace: Duration,
        cleaned: &mut Cleaned,
        told: &mut dyn FnMut(&Path, u64),
    ) -> Result<()> {
        if journal::is_any_left(root)? {
            return Ok(());
        }
        let Some(needed) = Bodies::needed(project)? else { return Ok(()) };
        // Looked at again for each, since a process may have begun meanwhile.
        let age = || match journal::all(root)?.is_empty() {
            true => Ok(self.older_than),
            false => Ok(self.older_than.max(grace)),
        };
        for (path, bytes) in bodies(&project.kind(Kind::Files), age()?, |name| needed.contains(name))? {
            if self.only_told || delete_body(&path, age)? {
                told(&path, bytes);
                cleaned.bytes += bytes;
            }
        }
        Ok(())
    }

    fn clean_kind(
        &self,
        root: &Path,
        project: &ProjectDir,
        kind: Kind,
        cleaned: &mut Cleaned,
        told: &mut dyn FnMut(&Path, u64),
    ) -> Result<()> {
        let folder = project.kind(kind);
        let last = layout::last_numbers(&folder)?;
        let files = layout::data_files(&folder)?;
        let needed = Needed::look(root)?;
        for file in files.iter().filter(|file| file.synced) {
            let Ok(about) = fs::metadata(&file.path) else { continue };
            let is_old = match (self.sent_at)(project, kind, file) {
                Some(sent_at) => is_past(time_of(sent_at), self.older_than),
                None => is_old(&file.path, self.older_than)?,
            };
            let is_last = last.get(&file.date) == Some(&file.number);
            if !is_old {
                cleaned.young.add(about.len());
                continue;
            }
            if lock::is_held(&file.path) || needed.needs(file)? {
                cleaned.in_use.add(about.len());
                continue;
            }
            if self.only_told || remove(file, is_last)? {
                told(&file.path, about.len());
                cleaned.files += 1;
                cleaned.bytes += about.len();
            }
        }
        match self.only_told {
            true => Ok(()),
            false => forget_numbers(&folder),
        }
    }
}

/// Deletes the synced data files of a directory that were renamed at least `older_than` ago, and returns how many.
pub fn clean_synced(root: &Path, older_than: Duration) -> Result<u64> {
    let cleaning = Cleaning { older_than, only_told: false, sent_at: &|_, _, _| None };
    cleaning.run(root, &mut |_, _| {}).map(|cleaned| cleaned.files)
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
    for (path, length) in bodies(folder, older_than, keep)? {
        if delete_body(&path, || Ok(older_than))? {
            freed += length;
        }
    }
    Ok(freed)
}

/// Deletes the bytes of a file unless they were stored again since they were found to be old, or are so now.
fn delete_body(path: &Path, older_than: impl Fn() -> Result<Duration>) -> Result<bool> {
    // Who stores them again has them locked until they look new.
    let Some(_held) = lock::try_hold(path)? else { return Ok(false) };
    if !is_old(path, older_than()?)? {
        return Ok(false);
    }
    match fs::remove_file(path) {
        Ok(()) => Ok(true),
        Err(cause) if cause.kind() == ErrorKind::NotFound => Ok(false),
        Err(cause) => Err(Error::io("cannot delete", path, &cause)),
    }
}

/// The bytes of files that are at least this old, but those that `keep` wants to be kept, with their lengths.
fn bodies(folder: &Path, older_than: Duration, keep: impl Fn(&str) -> bool) -> Result<Vec<(PathBuf, u64)>> {
    let mut found = Vec::new();
    for path in layout::entries(folder)? {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if !file_record::is_ours(&path) || keep(&name) || !path.is_file() || !is_old(&path, older_than)? {
            continue;
        }
        let length = fs::metadata(&path).map(|about| about.len()).unwrap_or_default();
        found.push((path, length));
    }
    Ok(found)
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
    Ok(is_past(changed, older_than))
}

fn time_of(time: Timestamp) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_micros(u64::try_from(time.micros()).unwrap_or_default())
}

/// Whether a time is at least so long ago. One in the future, by a clock that was set back, is not.
fn is_past(time: SystemTime, older_than: Duration) -> bool {
    SystemTime::now().duration_since(time).is_ok_and(|age| age >= older_than)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::digest::bytes_digest;
    use std::collections::HashSet;

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
    fn bytes_of_files_are_deleted_and_what_is_left_of_data_files_stays_as_what_is_somebody_elses() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("team/demo/files");
        fs::create_dir_all(&folder).unwrap();
        let (digest, note, notes) = (bytes_digest(b"1234"), "20260101_0000.dropped.gz", "notes.txt");
        for name in [&digest, &format!(".{digest}.temporary"), note, notes] {
            fs::write(folder.join(name), b"1234").unwrap();
        }
        assert_eq!(delete_bodies(&folder, Duration::ZERO, |name| name == "other").unwrap(), 8);
        let left: HashSet<_> = layout::entries(&folder).unwrap().into_iter().collect();
        assert_eq!(left, [note, notes].map(|name| folder.join(name)).into());
    }

    #[test]
    fn the_age_of_a_file_is_that_of_its_sync_and_one_in_the_future_is_kept() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("team/demo/calls");
        fs::create_dir_all(&folder).unwrap();
        for name in ["20260101_0000.synced.jsonl", "20260101_0001.synced.jsonl", "20260101_0002.jsonl"] {
            fs::write(folder.join(name), b"1234").unwrap();
        }
        let clean = |hours: i64, older_than: u64, only_told: bool| {
            let sent_at = move |_: &ProjectDir, _: Kind, file: &DataFile| {
                (file.number == 0).then(|| Timestamp::from_micros(Timestamp::now().micros() - hours * 3_600_000_000))?
            };
            let older_than = Duration::from_secs(older_than * 3600);
            let mut told = Vec::new();
            let cleaning = Cleaning { older_than, only_told, sent_at: &sent_at };
            let cleaned = cleaning.run(root.path(), &mut |path, bytes| told.push((path.to_path_buf(), bytes))).unwrap();
            assert_eq!(cleaned.files, told.len() as u64);
            told
        };
        let first = vec![(folder.join("20260101_0000.synced.jsonl"), 4)];
        assert_eq!(clean(-1, 0, true), [(folder.join("20260101_0001.synced.jsonl"), 4)]);
        assert_eq!(clean(5, 6, true), []);
        assert_eq!((clean(5, 4, true), clean(5, 4, false), clean(5, 4, false)), (first.clone(), first, vec![]));
    }

    #[test]
    fn a_file_that_is_held_stays() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("team/demo/calls");
        fs::create_dir_all(&folder).unwrap();
        let path = folder.join("20260101_0000.synced.jsonl");
        fs::write(&path, b"1234").unwrap();
        let held = lock::try_hold(&path).unwrap();
        assert_eq!(clean_synced(root.path(), Duration::ZERO).unwrap(), 0);
        drop(held);
        assert_eq!(clean_synced(root.path(), Duration::ZERO).unwrap(), 1);
    }

    #[test]
    fn bytes_that_were_stored_again_since_they_were_found_to_be_old_stay() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("digest");
        fs::write(&path, b"1234").unwrap();
        assert!(!delete_body(&path, || Ok(BODY_GRACE)).unwrap());
        assert!(path.exists());
    }

    #[test]
    fn bytes_that_are_stored_again_at_this_moment_stay() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("digest");
        fs::write(&path, b"1234").unwrap();
        let _held = lock::try_hold(&path).unwrap();
        assert!(!delete_body(&path, || Ok(Duration::ZERO)).unwrap());
        assert!(path.exists());
    }

    #[test]
    fn bytes_of_files_stay_while_a_journal_is_there_whose_process_is_gone() {
        let root = tempfile::tempdir().unwrap();
        let body = ProjectDir::new(root.path(), "team/demo").file_body(&bytes_digest(b""));
        fs::create_dir_all(body.parent().unwrap()).unwrap();
        fs::write(&body, b"1234").unwrap();
        let journal = journal::Folder::create(root.path(), layout::Access::Owner).unwrap().path;
        let cleaning = Cleaning { older_than: Duration::ZERO, only_told: false, sent_at: &|_, _, _| None };
        let clean = || {
            let (project, mut cleaned) = (ProjectDir::new(root.path(), "team/demo"), Cleaned::default());
            cleaning.clean_bodies(root.path(), &project, Duration::ZERO, &mut cleaned, &mut |_, _| {}).unwrap();
        };
        clean();
        assert!(body.exists());
        fs::remove_dir_all(journal).unwrap();
        clean();
        assert!(!body.exists());
    }
}
