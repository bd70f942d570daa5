//! Deleting what was sent long enough ago, by the times that receipts tell.

use super::kept::directory::Directory;
use super::kept::{put_back, receipts};
use super::server::stop::Stop;
use crate::error::Result;
use crate::log;
use crate::store::layout::Access;
use crate::store::retention::{Cleaned, Cleaning};
use crate::store::{self, StoreOptions};
use std::path::Path;
use std::time::Duration;

/// Deletes the synced data files of a directory that were sent at least `older_than` ago, and the bytes of files that no
/// record needs any more. What processes that are gone left in their journals is packed before, since it may need some.
/// Receipts stay. Of each file that goes, `told` hears the path and the bytes.
pub fn clean(dir: &Path, older_than: Duration, told: &mut dyn FnMut(&Path, u64)) -> Result<Cleaned> {
    // A record that is put back meanwhile would lose its bytes, and so would one that is noted and has no place yet.
    let directory = Directory::lock(dir, Duration::ZERO, &Stop::new())?;
    let group_access = directory.access() == Access::Group;
    let options = StoreOptions { dir: dir.to_path_buf(), group_access, ..StoreOptions::default() };
    if let Err(error) = store::recover(&options) {
        log::write(log::Level::Warning, || format!("{error}; what its journal may need is kept"));
    }
    for project in directory.projects(&[])? {
        put_back::finish(&project, directory.access())?;
    }
    cleaning(older_than, false).run(dir, told)
}

/// Tells what [`clean`] would delete now.
pub fn preview(dir: &Path, older_than: Duration, told: &mut dyn FnMut(&Path, u64)) -> Result<Cleaned> {
    cleaning(older_than, true).run(dir, told)
}

fn cleaning(older_than: Duration, only_told: bool) -> Cleaning<'static> {
    Cleaning { older_than, only_told, sent_at: &receipts::synced_at }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::digest::bytes_digest;
    use crate::store::journal::Folder;
    use crate::store::layout::{DataFile, ProjectDir};
    use crate::store::usage::Files;
    use std::fs;

    #[test]
    fn a_file_is_as_old_as_its_receipt_says_and_the_receipt_stays() {
        let root = tempfile::tempdir().unwrap();
        let project = ProjectDir::new(root.path(), "team/demo");
        fs::create_dir_all(project.path.join("calls")).unwrap();
        let path = project.path.join("calls/20260131_0007.synced.jsonl");
        fs::write(&path, b"abc").unwrap();
        let file = DataFile::parse(&path).unwrap();
        let about = receipts::About { records: 1, rejected: 0, elsewhere: 0, server: "", to: "", server_version: None };
        let receipt =
            receipts::Builder::new(&project, "calls", &file, Access::Owner).unwrap().finish(&path, &about).unwrap();
        let mut told = Vec::new();
        let day = Duration::from_secs(86_400);
        let young = Files { files: 1, bytes: 3 };
        assert_eq!(preview(root.path(), day, &mut |_, _| {}).unwrap(), Cleaned { young, ..Cleaned::default() });
        preview(root.path(), Duration::ZERO, &mut |path, bytes| told.push((path.to_path_buf(), bytes))).unwrap();
        assert!(path.exists());
        assert_eq!(told, [(path.clone(), 3)]);
        let cleaned = Cleaned { files: 1, bytes: 3, ..Cleaned::default() };
        assert_eq!(clean(root.path(), Duration::ZERO, &mut |_, _| {}).unwrap(), cleaned);
        assert!(!path.exists() && receipt.exists());
    }

    #[test]
    fn a_journal_that_was_left_is_packed_and_does_not_keep_the_bytes_of_sent_files() {
        let root = tempfile::tempdir().unwrap();
        let body = ProjectDir::new(root.path(), "team/demo").file_body(&bytes_digest(b"abc"));
        fs::create_dir_all(body.parent().unwrap()).unwrap();
        fs::write(&body, b"abc").unwrap();
        drop(Folder::create(root.path(), Access::Owner).unwrap());
        clean(root.path(), Duration::ZERO, &mut |_, _| {}).unwrap();
        assert!(!body.exists());
    }
}
