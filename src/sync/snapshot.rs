//! What is pending at one moment: the files of each folder, and how long they are.
//!
//! Writers go on during a sync. A call that is logged meanwhile may refer to an object that this sync has not read, whose
//! digest on the server it does not know. So what refers to other things is looked at before these: they were logged, and
//! are in data files, before what refers to them.
//!
//! Which journals there are is looked at before everything: what a process logged whose journal is not there is in data
//! files, all of it.

use crate::error::{Error, Result};
use crate::store::file_record::OLDER_FOLDER;
use crate::store::journal::{self, JournalId};
use crate::store::layout::{self, DataFile, ProjectDir};
use crate::store::lock;
use crate::sync::kept::carried::Carried;
use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::Path;
use std::sync::Arc;

/// The folders of a project, what refers before what is referred to.
pub(super) const FOLDERS: [&str; 8] =
    ["metadata", "feedback", "calls", "objects", "ops", "tables", "files", OLDER_FOLDER];

/// A data file that is not synced.
#[derive(Debug, Clone)]
pub struct Extent {
    /// The file.
    pub file: DataFile,
    /// How many bytes of it are looked at.
    pub length: u64,
    /// Whether its writer still had it, here or on the device that it was carried from, before the length was read.
    pub live: bool,
}

/// The journals of an offline directory.
pub type Journals = Arc<HashSet<JournalId>>;

/// The pending files of a project, by folder.
#[derive(Debug, Default)]
pub struct Snapshot {
    journals: Journals,
    extents: HashMap<&'static str, Vec<Extent>>,
}

impl Snapshot {
    /// Looks at projects together, since one may refer to another; one snapshot for each, or why
    /// its files cannot be looked at.
    pub fn take(root: &Path, projects: &[&ProjectDir]) -> Result<Vec<Result<Snapshot>>> {
        let carried = Carried::of(root)?;
        let here = journal::all(root)?;
        let journals = here.iter().filter_map(|path| journal::id_of(path)).chain(carried.journals());
        let journals: Journals = Arc::new(journals.collect());
        let empty = || Snapshot { journals: journals.clone(), extents: HashMap::new() };
        let mut snapshots: Vec<Result<Snapshot>> = projects.iter().map(|_| Ok(empty())).collect();
        for folder in FOLDERS {
            for (project, snapshot) in projects.iter().zip(&mut snapshots) {
                let Ok(there) = snapshot else { continue };
                match extents(project, folder, &carried) {
                    Ok(extents) => drop(there.extents.insert(folder, extents)),
                    Err(error) => *snapshot = Err(error),
                }
            }
        }
        Ok(snapshots)
    }

    /// The journals that were there.
    pub fn journals(&self) -> Journals {
        self.journals.clone()
    }

    /// Whether a journal's process was gone.
    pub fn is_gone(&self, journal: &JournalId) -> bool {
        !self.journals.contains(journal)
    }

    /// All files with their folders.
    pub fn all(&self) -> impl Iterator<Item = (&'static str, &Extent)> {
        FOLDERS.iter().flat_map(|folder| self.of(folder).iter().map(|extent| (*folder, extent)))
    }

    /// The files of a folder.
    pub fn of(&self, folder: &str) -> &[Extent] {
        self.extents.get(folder).map(Vec::as_slice).unwrap_or_default()
    }
}

fn extents(project: &ProjectDir, folder: &str, carried: &Carried) -> Result<Vec<Extent>> {
    let mut extents = Vec::new();
    for file in layout::data_files(&project.path.join(folder))?.into_iter().filter(|file| !file.synced) {
        let name = file.path.file_name().unwrap_or_default().to_string_lossy();
        let live = lock::is_held(&file.path) || carried.is_growing(&project.name(), &format!("{folder}/{name}"));
        let length = match fs::metadata(&file.path) {
            Ok(about) => about.len(),
            Err(_) if matches!(file.path.try_exists(), Ok(false)) => continue, // taken by a quota
            Err(cause) => return Err(Error::io("cannot read the data file", &file.path, &cause)),
        };
        extents.push(Extent { file, length, live });
    }
    Ok(extents)
}
