//! An offline directory that one process at a time sends from and puts in order: its lock, the modes of what is made in
//! it, and the projects in it.

use crate::error::{Error, Result, Status};
use crate::record::names::split_project;
use crate::store::held::HeldFile;
use crate::store::layout::{self, Access, ProjectDir, LIBRARY_FOLDER};
use crate::store::lock;
use crate::sync::server::stop::Stop;
use std::collections::HashSet;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How often it is looked whether the other one has ended.
const LOOK: Duration = Duration::from_millis(100);

/// An offline directory whose lock is held as long as this lives.
pub struct Directory {
    root: PathBuf,
    access: Access,
    _lock: HeldFile,
}

impl Directory {
    /// Takes the lock, at once or while `wait` lasts; `BUSY` when another one has it until then.
    pub fn lock(root: &Path, wait: Duration, stop: &Stop) -> Result<Directory> {
        layout::check_exists(root)?;
        let access = access_of(root);
        let folder = root.join(LIBRARY_FOLDER);
        access.make_directory(&folder)?;
        let begun = Instant::now();
        loop {
            if let Some(held) = lock::try_acquire(&folder.join("sync.lock"), access)? {
                return Ok(Directory { root: root.to_path_buf(), access, _lock: held });
            }
            let left = wait.saturating_sub(begun.elapsed());
            if stop.is_due() {
                return Err(stop.error());
            }
            if left.is_zero() {
                return Err(Error::new(
                    Status::Busy,
                    format!("another sync of {} is running; try again when it has ended", root.display()),
                ));
            }
            stop.pause(left.min(LOOK));
        }
    }

    /// The directory.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The modes of what is made in it.
    pub fn access(&self) -> Access {
        self.access
    }

    /// Its projects, or those that are wanted.
    pub fn projects(&self, wanted: &[&str]) -> Result<Vec<ProjectDir>> {
        choose(layout::projects(&self.root)?, wanted)
    }
}

/// Of these projects all, or those that are wanted: `entity/project` as recorded, or `project` of whatever entity.
pub fn choose(mut all: Vec<ProjectDir>, wanted: &[&str]) -> Result<Vec<ProjectDir>> {
    let mut chosen = HashSet::new();
    for name in wanted {
        let (entity, project) = split_project(name)?;
        let fits = |of: &&ProjectDir| of.project == project && entity.is_none_or(|entity| of.entity == entity);
        let found: Vec<PathBuf> = all.iter().filter(fits).map(|project| project.path.clone()).collect();
        if found.is_empty() {
            let there: Vec<String> = all.iter().map(ProjectDir::name).collect();
            return Err(Error::new(
                Status::InvalidArgument,
                format!(
                    "project_name: there is no project \"{name}\" in the offline directory; there are: {}",
                    there.join(", ")
                ),
            ));
        }
        chosen.extend(found);
    }
    all.retain(|project| wanted.is_empty() || chosen.contains(&project.path));
    Ok(all)
}

/// What is made in a directory gets the modes that the directory has.
pub fn access_of(root: &Path) -> Access {
    match root.metadata() {
        Ok(about) if about.permissions().mode() & 0o020 != 0 => Access::Group,
        _ => Access::Owner,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_is_locked_once_and_the_second_waits_as_long_as_it_is_told() {
        let root = tempfile::tempdir().unwrap();
        let first = Directory::lock(root.path(), Duration::ZERO, &Stop::new()).unwrap();
        let busy = Directory::lock(root.path(), Duration::ZERO, &Stop::new()).map(|_| ()).unwrap_err();
        assert_eq!(busy.status(), Status::Busy);
        let waiting = std::thread::spawn({
            let root = root.path().to_path_buf();
            move || Directory::lock(&root, Duration::from_secs(600), &Stop::new()).is_ok()
        });
        drop(first);
        assert!(waiting.join().unwrap());
    }

    #[test]
    fn who_waits_can_be_stopped() {
        let root = tempfile::tempdir().unwrap();
        let _first = Directory::lock(root.path(), Duration::ZERO, &Stop::new()).unwrap();
        let stop = Stop::new();
        stop.ask();
        assert!(Directory::lock(root.path(), Duration::from_secs(600), &stop).is_err());
    }
}
