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
use crate::store::journal::{self, StreamId};
use crate::store::layout::{Access, DataFile};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind};
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
    let Some((file, length)) = open(&path)? else { return took_place_before_a_sync(&path, append) };
    if is_on_the_disk(&file, &path, append)? {
        return Ok(true);
    }
    if length > append.offset {
        if power_was_lost {
            damaged::set_aside(root, &path, append.offset, damaged::TORN, access)?;
        }
        disk::cut(&file, &path, append.offset).map_err(|cause| failed(&path, cause))?;
    }
    Ok(false)
}

/// The same of a file that is not there any more. What was deleted, or emptied to be, was whole: see [`is_unfinished`].
fn took_place_before_a_sync(path: &Path, append: &Append) -> Result<bool> {
    let Some(synced) = DataFile::parse(path).map(|file| file.synced_path()) else { return Ok(true) };
    match open(&synced)? {
        None | Some((_, 0)) => Ok(true),
        Some((file, _)) => is_on_the_disk(&file, &synced, append),
    }
}

/// Opens a file that is there, and tells its length.
fn open(path: &Path) -> Result<Option<(File, u64)>> {
    let opened = OpenOptions::new().read(true).write(true).open(path);
    match opened.and_then(|file| file.metadata().map(|about| (file, about.len()))) {
        Err(cause) if cause.kind() == ErrorKind::NotFound => Ok(None),
        opened => opened.map(Some).map_err(|cause| failed(path, cause)),
    }
}

/// Whether the lines are in the file, which are on the disk then.
fn is_on_the_disk(file: &File, path: &Path, append: &Append) -> Result<bool> {
    let (from, to) = (append.offset, append.offset + append.length);
    match is_whole(file, append) {
        Ok(true) => disk::sync_again(file, path, from, to).map(|()| true),
        whole => whole,
    }
    .map_err(|cause| failed(path, cause))
}

/// Whether a journal notes an append to a plain file that is not in it. The lines are still in that journal; a recovery
/// that does not find the file takes them for packed. So such a file must not go, and not be marked as synced.
pub fn is_unfinished(root: &Path, file: &DataFile) -> Result<bool> {
    for journal in journal::all(root)? {
        let notes = match fs::read(path(&journal)) {
            Err(cause) if cause.kind() == ErrorKind::NotFound => continue,
            read => read.map_err(|cause| failed(&path(&journal), cause))?,
        };
        // Without them all of the journal is packed.
        let Ok(folders) = serde_json::from_slice::<BTreeMap<PathBuf, Noted>>(&notes) else { continue };
        for append in folders.values().flat_map(|noted| &noted.unsynced) {
            let noted = DataFile::parse(&root.join(&append.file));
            if noted.is_none_or(|noted| noted.path != file.path && noted.synced_path() != file.path) {
                continue;
            }
            let Some((there, _)) = open(&file.path)? else { return Ok(false) };
            if !is_whole(&there, append).map_err(|cause| failed(&file.path, cause))? {
                return Ok(true);
            }
        }
    }
    Ok(false)
}

fn failed(path: &Path, cause: io::Error) -> Error {
    Error::io("cannot check the data file", path, &cause)
}

fn is_whole(file: &File, append: &Append) -> io::Result<bool> {
    if append.offset.checked_add(append.length).is_none_or(|end| end > file.metadata().map_or(0, |about| about.len())) {
        return Ok(false);
    }
    let mut lines = vec![0; usize::try_from(append.length).unwrap_or_default()];
    file.read_exact_at(&mut lines, append.offset)?;
    Ok(crc32fast::hash(&lines) == append.checksum)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::member::Covered;

    const STREAM: StreamId = [7; 16];
    const FOLDER: &str = "team/demo/calls";
    const LINES: [&[u8]; 2] = [b"{\"n\":0}\n", b"{\"n\":1}\n"];

    /// The notes of two appends to a file.
    fn noted(journal: &Path) -> Progress {
        let mut progress = Progress::new(journal);
        for (number, lines) in LINES.iter().enumerate() {
            let mut after = Coverage::default();
            after.add(Path::new(""), &Covered { stream: STREAM, from: 0, to: number as u64 + 1 });
            let append = Append {
                file: Path::new(FOLDER).join("20260101_0000.jsonl"),
                offset: (number * lines.len()) as u64,
                length: lines.len() as u64,
                checksum: crc32fast::hash(lines),
                after: after.of_folder(Path::new("")).into_iter().collect(),
            };
            progress.intend(Path::new(FOLDER), append, Access::Owner).unwrap();
        }
        progress
    }

    #[test]
    fn an_append_to_a_file_that_was_synced_took_place_if_its_lines_are_in_it_or_it_was_deleted() {
        let whole = LINES.concat();
        for (left, covered) in [(None, 2), (Some(&whole[..0]), 2), (Some(&whole[..9]), 1), (Some(&whole[..]), 2)] {
            let root = tempfile::tempdir().unwrap();
            let folder = root.path().join(FOLDER);
            fs::create_dir_all(&folder).unwrap();
            if let Some(left) = left {
                fs::write(folder.join("20260101_0000.synced.jsonl"), left).unwrap();
            }
            let mut coverage = Coverage::default();
            noted(root.path()).add_to(&mut coverage, root.path(), Access::Owner, false).unwrap();
            let there = &coverage.of_folder(&folder)[&STREAM];
            assert_eq!((1..=2).filter(|end| there.holds(*end)).count(), covered, "{left:?}");
        }
    }

    #[test]
    fn a_file_without_the_lines_that_a_journal_notes_is_unfinished_under_either_name() {
        let root = tempfile::tempdir().unwrap();
        let journal = journal::Folder::create(root.path(), Access::Owner).unwrap();
        noted(&journal.path);
        let folder = root.path().join(FOLDER);
        fs::create_dir_all(&folder).unwrap();
        for name in ["20260101_0000.jsonl", "20260101_0000.synced.jsonl"] {
            for (number, lines) in [LINES[0].to_vec(), LINES.concat()].iter().enumerate() {
                let file = DataFile::parse(&folder.join(name)).unwrap();
                fs::write(&file.path, lines).unwrap();
                assert_eq!(is_unfinished(root.path(), &file).unwrap(), number == 0, "{name}");
            }
        }
        fs::write(folder.join("20260101_0001.jsonl"), LINES[0]).unwrap();
        let other = DataFile::parse(&folder.join("20260101_0001.jsonl")).unwrap();
        assert!(!is_unfinished(root.path(), &other).unwrap());
    }
}
