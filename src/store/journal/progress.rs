//! What of a journal is in uncompressed data files.
//!
//! Plain lines cannot say which journal positions they cover, as gzip members do. So the intent of each append is noted
//! in the journal's folder before it is made, and kept until the file was synced: recovery looks which appends were
//! finished, and after a loss of power which of those are still there.

use crate::error::{Error, Result};
use crate::store::coverage::{Coverage, Parts};
use crate::store::damaged;
use crate::store::disk;
use crate::store::held::HeldFile;
use crate::store::journal::StreamId;
use crate::store::layout::{Access, DataFile};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::ErrorKind;
use std::os::unix::fs::FileExt;
use std::path::{Component, Path, PathBuf};

/// Appends of a folder that are not synced. With more, a file is synced before the next one: each is written down again
/// with every further one.
pub const MAX_UNSYNCED: usize = 16;

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
    /// The parts of streams that are in data files after it.
    pub after: Vec<(StreamId, Parts)>,
}

/// What is known of a folder.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Noted {
    /// The parts of streams that are in data files on the disk.
    synced: Vec<(StreamId, Parts)>,
    /// The appends since then, one behind the other. The last one may not have been made.
    unsynced: Vec<Append>,
}

impl Noted {
    /// Whether it is of plain data files of an offline directory: others are never cut.
    fn is_of_data_files(&self) -> bool {
        self.unsynced.iter().all(|append| {
            let is_ours = DataFile::parse(&append.file).is_some_and(|file| !file.compressed);
            is_ours && append.file.components().all(|part| matches!(part, Component::Normal(_)))
        })
    }
}

/// What is noted of each folder, by its path relative to the offline directory.
pub struct Progress {
    path: PathBuf,
    folders: BTreeMap<PathBuf, Noted>,
}

/// Where it is noted in a journal's folder.
pub fn path(journal: &Path) -> PathBuf {
    journal.join("progress.json")
}

impl Progress {
    /// Nothing is noted yet of a journal.
    pub fn new(journal: &Path) -> Self {
        Progress { path: path(journal), folders: BTreeMap::new() }
    }

    /// Reads what is noted in a journal's folder. Notes that cannot be read are set aside: their journal is packed as if
    /// there were none, since a record that is there twice is better than none.
    pub fn load(journal: &Path, root: &Path, access: Access) -> Result<Self> {
        let path = path(journal);
        let folders = match fs::read(&path) {
            Ok(text) => match serde_json::from_slice::<BTreeMap<PathBuf, Noted>>(&text) {
                Ok(folders) if folders.values().all(|noted| noted.is_of_data_files()) => folders,
                _ => {
                    damaged::set_aside(root, &path, 0, "what a journal notes of plain data files is damaged", access)?;
                    BTreeMap::new()
                }
            },
            Err(cause) if cause.kind() == ErrorKind::NotFound => BTreeMap::new(),
            Err(cause) => return Err(Error::io("cannot read", &path, &cause)),
        };
        Ok(Progress { path, folders })
    }

    /// Notes that everything in a folder is on the disk.
    pub fn was_synced(&mut self, folder: &Path, there: Vec<(StreamId, Parts)>) {
        self.folders.insert(folder.to_path_buf(), Noted { synced: there, unsynced: Vec::new() });
    }

    /// How many appends to a folder are noted.
    pub fn unsynced(&self, folder: &Path) -> usize {
        self.folders.get(folder).map_or(0, |noted| noted.unsynced.len())
    }

    /// Notes an append that is about to be made in a folder.
    pub fn intend(&mut self, folder: &Path, append: Append, access: Access) -> Result<()> {
        let noted = self.folders.entry(folder.to_path_buf()).or_default();
        // An append that failed is made again.
        noted.unsynced.retain(|there| there.file == append.file && there.offset < append.offset);
        noted.unsynced.push(append);
        let temporary = self.path.with_extension("tmp");
        let text = serde_json::to_vec(&self.folders).unwrap_or_default();
        let _ = disk::remove_file(&temporary);
        let written = HeldFile::create(&temporary, access).and_then(|file| {
            file.append(&text)?;
            file.sync()?;
            disk::rename(&temporary, &self.path)
        });
        written.map_err(|cause| Error::io("cannot write", &self.path, &cause))?;
        self.path.parent().map_or(Ok(()), disk::sync_directory)
    }

    /// Adds what the folders have, and sees to it that it is on the disk. What an append has left that was cut short is
    /// taken off its file: its lines are still in the journal, or were not on the disk for as long as is promised.
    pub fn add_to(&self, coverage: &mut Coverage, root: &Path, access: Access, power_was_lost: bool) -> Result<()> {
        for (folder, noted) in &self.folders {
            let folder = root.join(folder);
            coverage.add_all(&folder, &noted.synced);
            for append in &noted.unsynced {
                if !took_place(root, append, access, power_was_lost)? {
                    break;
                }
                coverage.add_all(&folder, &append.after);
            }
        }
        Ok(())
    }
}

fn took_place(root: &Path, append: &Append, access: Access, power_was_lost: bool) -> Result<bool> {
    let path = root.join(&append.file);
    let failed = |cause| Error::io("cannot check the data file", &path, &cause);
    let file = match OpenOptions::new().read(true).write(true).open(&path) {
        Ok(file) => file,
        // Renamed or deleted after a sync: then it was whole.
        Err(cause) if cause.kind() == ErrorKind::NotFound => return Ok(true),
        Err(cause) => return Err(failed(cause)),
    };
    if is_whole(&file, append).map_err(failed)? {
        let end = append.offset + append.length;
        return disk::sync_again(&file, &path, append.offset, end).map(|()| true).map_err(failed);
    }
    if file.metadata().map_err(failed)?.len() > append.offset {
        if power_was_lost {
            damaged::set_aside(root, &path, append.offset, damaged::TORN, access)?;
        }
        disk::cut(&file, &path, append.offset).map_err(failed)?;
    }
    Ok(false)
}

fn is_whole(file: &File, append: &Append) -> std::io::Result<bool> {
    if append.offset.checked_add(append.length).is_none_or(|end| end > file.metadata().map_or(0, |about| about.len())) {
        return Ok(false);
    }
    let mut lines = vec![0; usize::try_from(append.length).unwrap_or_default()];
    file.read_exact_at(&mut lines, append.offset)?;
    Ok(crc32fast::hash(&lines) == append.checksum)
}
