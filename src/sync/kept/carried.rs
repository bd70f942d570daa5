//! What a sync has to know of the device whose records it sends, in a directory that was unpacked (see `carry`).
//!
//! `.weave/carried.jsonl` is the manifest of the last bundle. Programs that ran when it was packed count as running: their
//! calls may go on. Data files that were growing stay open: the next bundle has more of them.

use super::lines;
use crate::error::Result;
use crate::store::journal::{self, JournalId};
use crate::store::layout::{CARRIED_FILE, LIBRARY_FOLDER};
use serde::Deserialize;
use std::collections::HashSet;
use std::path::{Path, PathBuf};

/// What was going on at the device.
#[derive(Debug, Default)]
pub(in crate::sync) struct Carried {
    journals: Vec<JournalId>,
    growing: HashSet<(String, String)>,
}

/// What of the manifest's lines is about that.
#[derive(Deserialize)]
struct Line {
    bundle: Option<Bundle>,
    growing: Option<Growing>,
}

#[derive(Deserialize)]
struct Bundle {
    #[serde(default)]
    journals: Vec<String>,
}

#[derive(Deserialize)]
struct Growing {
    project: String,
    file: String,
}

/// Where the manifest is kept.
pub(in crate::sync) fn path_of(root: &Path) -> PathBuf {
    root.join(LIBRARY_FOLDER).join(CARRIED_FILE)
}

impl Carried {
    /// Of a directory; nothing in one that was not unpacked.
    pub(in crate::sync) fn of(root: &Path) -> Result<Carried> {
        let mut carried = Carried::default();
        lines::each(&path_of(root), |line| {
            let Ok(Line { bundle, growing }) = serde_json::from_slice(line) else { return Ok(()) };
            let ids = bundle.into_iter().flat_map(|bundle| bundle.journals);
            carried.journals.extend(ids.filter_map(|id| journal::id_of(Path::new(&id))));
            carried.growing.extend(growing.map(|Growing { project, file }| (project, file)));
            Ok(())
        })?;
        Ok(carried)
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
