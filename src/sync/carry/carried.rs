//! At the base: what a sync has to know of the device whose records it sends.
//!
//! `.weave/carried.jsonl` is the manifest of the last bundle. Programs that ran when it was packed count as running: their
//! calls may go on. Data files that were growing stay open: the next bundle has more of them.

use super::manifest::{Line, Manifest};
use crate::error::Result;
use crate::store::journal::{self, JournalId};
use crate::store::layout::{CARRIED_FILE, LIBRARY_FOLDER};
use std::collections::HashSet;
use std::path::{Path, PathBuf};

/// What was going on at the device.
#[derive(Debug, Default)]
pub(in crate::sync) struct Carried {
    journals: Vec<JournalId>,
    growing: HashSet<(String, String)>,
}

/// Where the manifest is kept.
pub(super) fn path_of(root: &Path) -> PathBuf {
    root.join(LIBRARY_FOLDER).join(CARRIED_FILE)
}

/// The manifest of the last bundle; `None` in a directory that was not unpacked.
pub(super) fn manifest(root: &Path) -> Result<Option<Manifest>> {
    let path = path_of(root);
    match path.exists() {
        true => Manifest::read(&path).map(Some),
        false => Ok(None),
    }
}

impl Carried {
    /// Of a directory; nothing in one that was not unpacked.
    pub(in crate::sync) fn of(root: &Path) -> Result<Carried> {
        let Some(manifest) = manifest(root)? else { return Ok(Carried::default()) };
        let growing = manifest.lines.iter().filter_map(|line| match line {
            Line::Growing { project, file } => Some((project.clone(), file.clone())),
            _ => None,
        });
        Ok(Carried {
            journals: manifest.header.journals.iter().filter_map(|id| journal::id_of(Path::new(id))).collect(),
            growing: growing.collect(),
        })
    }

    /// The journals of programs that ran.
    pub(in crate::sync) fn journals(&self) -> impl Iterator<Item = JournalId> + '_ {
        self.journals.iter().copied()
    }

    /// Whether a data file, `KIND/NAME`, was growing.
    pub(in crate::sync) fn is_growing(&self, project: &str, file: &str) -> bool {
        !self.growing.is_empty() && self.growing.contains(&(project.to_string(), file.to_string()))
    }
}
