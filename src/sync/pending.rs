//! The records of one kind that wait to be sent, read from a project's data files.
//!
//! A file may go at any time, when a writer drops it to keep its quota: what was read of it is sent, and that is all.

use super::progress::{Progress, Ranges};
use crate::error::{Error, Result};
use crate::log;
use crate::record::time::Timestamp;
use crate::store::layout::{self, DataFile, ProjectDir};
use crate::store::reader::Reader;
use crate::store::{disk, lock};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use std::path::Path;

/// A record, told by its file (in the order of reading) and its number there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Place {
    file: usize,
    index: u64,
}

/// A line of a data file.
#[derive(Debug, Deserialize)]
pub struct Line<'a> {
    /// What it is.
    #[serde(rename = "type")]
    pub record_type: &'a str,
    /// When it was logged.
    pub timestamp: &'a str,
    /// The API request that it stands for.
    #[serde(borrow)]
    pub data: &'a RawValue,
}

/// The data files of a folder that are not synced yet.
pub struct Pending {
    files: Vec<FileState>,
}

struct FileState {
    file: DataFile,
    key: String,
    /// Its writer still has it: read what there is, and leave it open.
    live: bool,
    acknowledged: Ranges,
    reader: Option<Reader>,
    next: Option<(u64, Vec<u8>, Timestamp)>,
    records: u64,
    read_whole: bool,
    damage: Option<String>,
}

impl Pending {
    /// The files in the folder `name` of a project, with what is acknowledged of them.
    pub fn open(project: &ProjectDir, name: &str, progress: &Progress) -> Result<Self> {
        let mut files = Vec::new();
        for file in layout::data_files(&project.path.join(name))?.into_iter().filter(|file| !file.synced) {
            let key = format!("{name}/{}", file.path.file_name().unwrap_or_default().to_string_lossy());
            let acknowledged = progress.of(&key);
            // Looked at before reading: a file that is closed in between is finished by the next run.
            let live = lock::is_held(&file.path);
            files.push(FileState {
                file,
                key,
                live,
                acknowledged,
                reader: None,
                next: None,
                records: 0,
                read_whole: false,
                damage: None,
            });
        }
        Ok(Pending { files })
    }

    /// Whether there is any file.
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// Whether the writer of a record's file still has it.
    pub fn is_live(&self, place: Place) -> bool {
        self.files.get(place.file).is_some_and(|state| state.live)
    }

    /// What tells a record for ever: its file and its number.
    pub fn identity(&self, place: Place) -> String {
        let key = self.files.get(place.file).map(|state| state.key.as_str()).unwrap_or_default();
        format!("{key}#{}", place.index)
    }

    /// The next record that is not acknowledged: file after file.
    pub fn next(&mut self, line: &mut Vec<u8>) -> Result<Option<Place>> {
        for (number, state) in self.files.iter_mut().enumerate() {
            if let Some(index) = state.read(line)? {
                return Ok(Some(Place { file: number, index }));
            }
        }
        Ok(None)
    }

    /// The next record that is not acknowledged: by the time at which it was logged, over all files.
    pub fn next_by_time(&mut self, line: &mut Vec<u8>) -> Result<Option<Place>> {
        let mut first: Option<(usize, Timestamp)> = None;
        for (number, state) in self.files.iter_mut().enumerate() {
            if let Some(time) = state.peek()? {
                if first.is_none_or(|(_, earliest)| time < earliest) {
                    first = Some((number, time));
                }
            }
        }
        let taken = first.and_then(|(number, _)| Some((number, self.files.get_mut(number)?.next.take()?)));
        Ok(taken.map(|(file, (index, text, _))| {
            *line = text;
            Place { file, index }
        }))
    }

    /// Notes that the server has these records.
    pub fn acknowledge(&mut self, places: &[Place], progress: &mut Progress) -> Result<()> {
        let mut noted: BTreeMap<String, Ranges> = BTreeMap::new();
        for place in places {
            if let Some(state) = self.files.get_mut(place.file) {
                state.acknowledged.insert(place.index, place.index);
                noted.entry(state.key.clone()).or_default().insert(place.index, place.index);
            }
        }
        progress.acknowledge(&noted)
    }

    /// Marks the files that are closed and wholly acknowledged as synced. Returns what of the others cannot be read.
    pub fn finish(&mut self) -> Result<Vec<String>> {
        let mut unreadable = Vec::new();
        for state in self.files.iter_mut().filter(|state| !state.live && state.read_whole && !state.is_gone()) {
            if state.acknowledged.covers(state.records) {
                match rename_synced(&state.file) {
                    Err(_) if state.is_gone() => {}
                    renamed => renamed?,
                }
            } else {
                unreadable.extend(state.damage.take());
            }
        }
        Ok(unreadable)
    }
}

impl FileState {
    fn is_gone(&self) -> bool {
        matches!(self.file.path.try_exists(), Ok(false))
    }

    fn read(&mut self, line: &mut Vec<u8>) -> Result<Option<u64>> {
        if let Some((index, text, _)) = self.next.take() {
            *line = text;
            return Ok(Some(index));
        }
        if self.read_whole {
            return Ok(None);
        }
        let mut reader = match self.reader.take() {
            Some(reader) => reader,
            None => match Reader::open(&self.file.path) {
                Err(_) if self.is_gone() => {
                    self.read_whole = true;
                    return Ok(None);
                }
                opened => opened?,
            },
        };
        while let Some(index) = reader.next_line(line)? {
            self.records = index + 1;
            let blank = line.iter().all(u8::is_ascii_whitespace);
            if blank {
                self.acknowledged.insert(index, index);
            }
            if !self.acknowledged.contains(index) {
                self.reader = Some(reader);
                return Ok(Some(index));
            }
        }
        self.damage = reader.damage().map(str::to_string);
        if let Some(damage) = self.damage.as_ref().filter(|_| !self.live) {
            log::write(log::Level::Warning, || damage.to_string());
        }
        self.read_whole = true;
        Ok(None)
    }

    fn peek(&mut self) -> Result<Option<Timestamp>> {
        if self.next.is_none() {
            let mut text = Vec::new();
            if let Some(index) = self.read(&mut text)? {
                let time = serde_json::from_slice::<Line<'_>>(&text)
                    .ok()
                    .and_then(|line| Timestamp::parse(line.timestamp, "timestamp").ok())
                    .unwrap_or_else(|| Timestamp::from_micros(0).unwrap_or_else(Timestamp::now));
                self.next = Some((index, text, time));
            }
        }
        Ok(self.next.as_ref().map(|(_, _, time)| *time))
    }
}

fn rename_synced(file: &DataFile) -> Result<()> {
    let target = file.synced_path();
    disk::rename_new(&file.path, &target).map_err(|cause| Error::io("cannot mark as synced", &file.path, &cause))?;
    disk::sync_directory(target.parent().unwrap_or(Path::new(".")))
}
