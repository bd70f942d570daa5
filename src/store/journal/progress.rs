//! What of a journal is in uncompressed data files.
//!
//! Plain lines cannot say which journal positions they cover, as gzip members do. So the intent of each append is noted
//! in the journal's folder before it is made; recovery looks whether the append was finished.

use crate::error::{Error, Result};
use crate::store::coverage::{Coverage, Parts};
use crate::store::disk;
use crate::store::held::HeldFile;
use crate::store::journal::StreamId;
use crate::store::layout::Access;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::ErrorKind;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

/// One append of lines to a file.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Append {
    /// The file, relative to the offline directory.
    pub file: PathBuf,
    /// Where the lines begin in it.
    pub offset: u64,
    /// Their length.
    pub length: u64,
    /// Their CRC-32.
    pub checksum: u32,
    /// The parts of streams that were in data files before the append.
    pub before: Vec<(StreamId, Parts)>,
    /// And those that are after it.
    pub after: Vec<(StreamId, Parts)>,
}

/// The last append of each folder.
pub struct Progress {
    path: PathBuf,
    last: BTreeMap<String, Append>,
}

impl Progress {
    /// Reads what is noted in a journal's folder.
    pub fn load(journal: &Path) -> Result<Self> {
        let path = journal.join("progress.json");
        let last = match fs::read(&path) {
            Ok(text) => serde_json::from_slice(&text).map_err(|cause| {
                Error::io("cannot read", &path, &std::io::Error::new(ErrorKind::InvalidData, cause))
            })?,
            Err(cause) if cause.kind() == ErrorKind::NotFound => BTreeMap::new(),
            Err(cause) => return Err(Error::io("cannot read", &path, &cause)),
        };
        Ok(Progress { path, last })
    }

    /// Notes an append that is about to be made in `folder` (relative to the offline directory).
    pub fn intend(&mut self, folder: &str, append: Append, access: Access) -> Result<()> {
        self.last.insert(folder.to_string(), append);
        let temporary = self.path.with_extension("tmp");
        let text = serde_json::to_vec(&self.last).unwrap_or_default();
        let _ = fs::remove_file(&temporary);
        let written = HeldFile::create(&temporary, access).and_then(|file| {
            file.append(&text)?;
            file.sync()?;
            disk::rename(&temporary, &self.path)
        });
        written.map_err(|cause| Error::io("cannot write", &self.path, &cause))
    }

    /// Adds what the folders have. An append that was cut short is taken off its file: its lines are still in the journal.
    pub fn add_to(&self, coverage: &mut Coverage, root: &Path) -> Result<()> {
        for (folder, append) in &self.last {
            let parts = if took_place(root, append)? { &append.after } else { &append.before };
            coverage.set_folder(&root.join(folder), parts.iter().cloned().collect());
        }
        Ok(())
    }
}

fn took_place(root: &Path, append: &Append) -> Result<bool> {
    let path = root.join(&append.file);
    let failed = |cause| Error::io("cannot check the data file", &path, &cause);
    let file = match OpenOptions::new().read(true).write(true).open(&path) {
        Ok(file) => file,
        // Renamed or deleted after a sync: then it was whole.
        Err(cause) if cause.kind() == ErrorKind::NotFound => return Ok(true),
        Err(cause) => return Err(failed(cause)),
    };
    let whole = is_whole(&file, append).map_err(failed)?;
    if !whole && file.metadata().map_err(failed)?.len() > append.offset {
        file.set_len(append.offset).map_err(failed)?;
    }
    Ok(whole)
}

fn is_whole(file: &File, append: &Append) -> std::io::Result<bool> {
    if file.metadata()?.len() < append.offset + append.length {
        return Ok(false);
    }
    let mut lines = vec![0; usize::try_from(append.length).unwrap_or_default()];
    file.read_exact_at(&mut lines, append.offset)?;
    Ok(crc32fast::hash(&lines) == append.checksum)
}
