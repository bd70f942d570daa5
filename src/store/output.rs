//! From batches of the journal to members of data files, each record exactly once.
//!
//! Used by the packer for the journal of this process and by recovery for abandoned ones. For each folder it knows up to
//! which position of the journal everything is in data files; a batch that is written a second time, after an error or
//! a crash, adds only what is missing.

use super::data_file::{FileOptions, GrowingFile};
use super::journal::progress::{Append, Progress};
use super::journal::reader::Batch;
use super::layout::{self, Access, ProjectDir};
use super::limits;
use super::member::{self, Covered, JournalId};
use crate::error::Result;
use crate::record::frame::Frame;
use crate::record::kind::{Kind, RecordType};
use std::collections::HashMap;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

/// The data files that one journal is packed into.
pub struct Output {
    root: PathBuf,
    access: Access,
    journal: JournalId,
    progress: Progress,
    covered: HashMap<Folder, u64>,
    files: HashMap<Folder, GrowingFile>,
    options: HashMap<String, FileOptions>,
    compressor: Option<member::Writer>,
}

/// A folder: the project's name as recorded, and the kind.
type Folder = (String, Kind);

impl Output {
    /// Data files for the journal in the folder `path`.
    pub fn new(root: &Path, access: Access, journal: JournalId, path: &Path) -> Result<Self> {
        Ok(Output {
            root: root.to_path_buf(),
            access,
            journal,
            progress: Progress::load(path)?,
            covered: HashMap::new(),
            files: HashMap::new(),
            options: HashMap::new(),
            compressor: None,
        })
    }

    /// Sets how the files of a project are written from now on.
    pub fn set_options(&mut self, project: &str, options: FileOptions) {
        self.options.insert(project.to_string(), options);
    }

    /// Writes what is not in data files yet. After an error it can be called again with the same or a longer batch.
    pub fn write(&mut self, batch: &Batch) -> Result<()> {
        for (folder, lines) in self.group(batch)? {
            self.append(&folder, &lines.text, lines.count, batch)?;
            self.covered.insert(folder, batch.to);
        }
        Ok(())
    }

    /// Makes everything written durable.
    pub fn sync(&mut self) -> Result<()> {
        self.files.values_mut().try_for_each(GrowingFile::sync)
    }

    /// Closes the data files: what comes next goes into new ones, and a sync may finish these.
    pub fn close(&mut self) -> Result<()> {
        self.sync()?;
        self.files.clear();
        Ok(())
    }

    /// Whether any file is open.
    pub fn has_files(&self) -> bool {
        !self.files.is_empty()
    }

    /// Closes the files that are old enough, also where nothing more is appended.
    pub fn close_aged(&mut self) -> Result<()> {
        let options = &self.options;
        for (_, mut file) in self.files.extract_if(|folder, file| file.is_aged(&options_of(options, folder))) {
            file.sync()?;
        }
        Ok(())
    }

    fn group(&mut self, batch: &Batch) -> Result<Vec<(Folder, Lines)>> {
        let mut groups: Vec<(Folder, Lines)> = Vec::new();
        let mut index: HashMap<(&str, Kind), usize> = HashMap::new();
        for frame in joined(batch, &mut |project, kind, end| self.is_missing(project, kind, end))? {
            let at = *index.entry((frame.project, frame.record_type.kind())).or_insert_with(|| {
                groups.push(((frame.project.to_string(), frame.record_type.kind()), Lines::default()));
                groups.len() - 1
            });
            if let Some((_, lines)) = groups.get_mut(at) {
                frame.render_line(&mut lines.text);
                lines.count += 1;
            }
        }
        Ok(groups)
    }

    fn is_missing(&mut self, project: &str, kind: Kind, end: u64) -> Result<bool> {
        let folder = (project.to_string(), kind);
        if let Some(covered) = self.covered.get(&folder) {
            return Ok(end > *covered);
        }
        let path = ProjectDir::new(&self.root, project).kind(kind);
        let relative = relative_folder(&folder);
        let covered = covered_by_members(&path, self.journal)?.max(self.progress.covered(&self.root, &relative)?);
        self.covered.insert(folder, covered);
        Ok(end > covered)
    }

    fn append(&mut self, folder: &Folder, lines: &[u8], count: u32, batch: &Batch) -> Result<()> {
        let options = options_of(&self.options, folder);
        let bytes = if options.compress {
            let part = Covered { journal: self.journal, from: batch.from, to: batch.to };
            &self.compressor(options.level.unwrap_or(limits::COMPRESSION_LEVEL))?.write(lines, count, &[part])?
        } else {
            lines
        };
        if self.files.get(folder).is_some_and(|file| file.is_full(bytes.len() as u64, &options)) {
            if let Some(mut full) = self.files.remove(folder) {
                full.sync()?;
            }
        }
        let file = match self.files.entry(folder.clone()) {
            std::collections::hash_map::Entry::Occupied(there) => there.into_mut(),
            std::collections::hash_map::Entry::Vacant(place) => {
                let path = ProjectDir::new(&self.root, &folder.0).kind(folder.1);
                place.insert(GrowingFile::create(&path, &options, self.access)?)
            }
        };
        if !options.compress {
            let append = Append {
                file: file.path().strip_prefix(&self.root).unwrap_or(file.path()).to_path_buf(),
                offset: file.length(),
                length: bytes.len() as u64,
                checksum: crc32fast::hash(bytes),
                before: self.covered.get(folder).copied().unwrap_or_default(),
                after: batch.to,
            };
            self.progress.intend(&relative_folder(folder), append, self.access)?;
        }
        file.append(bytes)
    }

    fn compressor(&mut self, level: i32) -> Result<&mut member::Writer> {
        let writer = match self.compressor.take() {
            Some(writer) if writer.level() == level => writer,
            _ => member::Writer::new(level)?,
        };
        Ok(self.compressor.insert(writer))
    }
}

fn options_of(options: &HashMap<String, FileOptions>, folder: &Folder) -> FileOptions {
    options.get(&folder.0).cloned().unwrap_or_default()
}

#[derive(Default)]
struct Lines {
    text: Vec<u8>,
    count: u32,
}

fn relative_folder(folder: &Folder) -> String {
    format!("{}/{}", folder.0, folder.1.folder())
}

/// The frames that are missing in data files, in order; a start and an end that are both missing become one complete
/// call, in the place of the start.
fn joined<'a>(batch: &'a Batch, is_missing: &mut dyn FnMut(&str, Kind, u64) -> Result<bool>) -> Result<Vec<Frame<'a>>> {
    let mut frames: Vec<Frame<'a>> = Vec::with_capacity(batch.len());
    let mut starts: HashMap<(&str, &[u8]), usize> = HashMap::new();
    for (end, frame) in batch.frames() {
        if !is_missing(frame.project, frame.record_type.kind(), end)? {
            continue;
        }
        let call = frame.call_id().map(|id| (frame.project, id));
        match (frame.record_type, call) {
            (RecordType::CallStart, Some(call)) => {
                starts.insert(call, frames.len());
            }
            (RecordType::CallEnd, Some(call)) => {
                if let Some(start) = starts.remove(&call).and_then(|at| frames.get_mut(at)) {
                    if let Some(complete) = Frame::join(start, &frame) {
                        *start = complete;
                        continue;
                    }
                }
            }
            _ => {}
        }
        frames.push(frame);
    }
    Ok(frames)
}

/// The position below which every record of a journal that belongs in this folder is in one of its members.
fn covered_by_members(folder: &Path, journal: JournalId) -> Result<u64> {
    let mut covered = 0;
    for file in layout::data_files(folder)?.into_iter().filter(|file| file.compressed) {
        for part in members(&file.path)?.iter().flat_map(|header| &header.covered) {
            if part.journal == journal {
                covered = covered.max(part.to);
            }
        }
    }
    Ok(covered)
}

/// The headers of the whole members of a file, up to the first thing that is none.
pub fn members(path: &Path) -> Result<Vec<member::Header>> {
    let failed = |cause| crate::error::Error::io("cannot read the data file", path, &cause);
    let file = match File::open(path) {
        Ok(file) => file,
        Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(cause) => return Err(failed(cause)),
    };
    let length = file.metadata().map_err(failed)?.len();
    let (mut at, mut found) = (0, Vec::new());
    let mut bytes = [0; member::USUAL_HEADER];
    while at + (bytes.len() as u64) <= length {
        file.read_exact_at(&mut bytes, at).map_err(failed)?;
        match member::parse_header(&bytes) {
            Some(header) if header.length > 0 && at + u64::from(header.length) <= length => {
                at += u64::from(header.length);
                found.push(header);
            }
            _ => break,
        }
    }
    Ok(found)
}
