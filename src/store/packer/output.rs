//! From batches of the journal to members of data files, each record exactly once.
//!
//! Used by the packer for the journal of this process and by recovery for abandoned ones. For each folder it knows which
//! parts of the journal's streams are in data files; a batch that is written a second time, after an error or a crash,
//! adds only what is missing.

use super::batch::{Batch, Part};
use crate::error::Result;
use crate::record::frame::Frame;
use crate::record::kind::{Kind, RecordType};
use crate::record::names;
use crate::store::coverage::{Coverage, Parts};
use crate::store::data_file::{FileOptions, GrowingFile};
use crate::store::journal::progress::{self, Append, Progress};
use crate::store::layout::{Access, ProjectDir};
use crate::store::member::{self, Covered};
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// The data files that one journal is packed into.
pub struct Output {
    root: PathBuf,
    access: Access,
    progress: Progress,
    coverage: Coverage,
    files: HashMap<Folder, GrowingFile>,
    options: HashMap<String, FileOptions>,
    /// The level of compression for projects that did not choose one.
    level: i32,
    compressor: Option<member::Writer>,
    written: u64,
}

/// A folder: the project's name as recorded, and the kind.
type Folder = (String, Kind);

/// What became of a batch.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// How many records of programs are in data files now.
    pub records: u64,
    /// The parts with something in them that is not a record of this version.
    pub unknown: Vec<Part>,
}

impl Output {
    /// Data files for a journal that is empty, or of which nothing is in data files but what `progress` and `coverage`
    /// say.
    pub fn new(root: &Path, access: Access, progress: Progress, coverage: Coverage) -> Self {
        Output {
            root: root.to_path_buf(),
            access,
            progress,
            coverage,
            files: HashMap::new(),
            options: HashMap::new(),
            level: 1,
            compressor: None,
            written: 0,
        }
    }

    /// Sets how the files of a project are written from now on.
    pub fn set_options(&mut self, project: &str, options: FileOptions) {
        self.options.insert(project.to_string(), options);
    }

    /// Sets the level of compression for projects that did not choose one.
    pub fn set_level(&mut self, level: i32) {
        self.level = level;
    }

    /// Writes what is not in data files yet. After an error it can be called again with the same or a longer batch.
    pub fn write(&mut self, batch: &Batch<'_>) -> Result<Written> {
        let (mut groups, written) = self.group(batch);
        // What is referred to before what refers to it, so that a sync meanwhile finds it.
        groups.sort_by_key(|group| group.folder.1.rank());
        for group in &mut groups {
            self.append(group, batch)?;
        }
        self.coverage.add_to_all(&batch.parts);
        Ok(written)
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

    /// Whether anything written is not durable yet.
    pub fn is_unsynced(&self) -> bool {
        self.files.values().any(GrowingFile::is_unsynced)
    }

    /// Lets go of the data files, which are not in their places any more.
    pub fn forget(&mut self) {
        self.files.clear();
    }

    /// Closes the files that are old enough, also where nothing more is appended.
    pub fn close_aged(&mut self) -> Result<()> {
        let options = &self.options;
        for file in self.files.iter_mut().filter(|(folder, file)| file.is_aged(&options_of(options, folder))) {
            file.1.sync()?;
        }
        self.files.retain(|folder, file| !file.is_aged(&options_of(options, folder)));
        Ok(())
    }

    /// How many bytes were written since the last time that this was asked.
    pub fn take_written(&mut self) -> u64 {
        std::mem::take(&mut self.written)
    }

    /// Renders the records that are missing, by folder. A start and an end that are both missing become one complete
    /// call, in the place of the first of them.
    fn group<'b>(&self, batch: &Batch<'b>) -> (Vec<Group>, Written) {
        let mut groups: Vec<Group> = Vec::new();
        let mut written = Written::default();
        let mut frames: Vec<(usize, Frame<'b>)> = Vec::with_capacity(batch.records.len());
        // Starts and ends without the other half: their parts, and their places in `frames`.
        let mut halves: HashMap<(&str, &[u8]), (usize, usize)> = HashMap::new();
        let mut last = usize::MAX;
        for (part, end, bytes) in &batch.records {
            let Some(frame) = Frame::decode(bytes).filter(|frame| is_known(frame, &groups, last)) else {
                written.unknown.extend(batch.parts.get(*part).filter(|part| !written.unknown.contains(part)));
                continue;
            };
            written.records += u64::from(!frame.record_type.is_of_the_store());
            let kind = frame.record_type.kind();
            // Records of one folder mostly follow each other.
            if groups.get(last).is_none_or(|group| !group.is_of(frame.project, kind)) {
                last = groups.iter().position(|group| group.is_of(frame.project, kind)).unwrap_or_else(|| {
                    let path = ProjectDir::new(&self.root, frame.project).kind(kind);
                    groups.push(Group::new((frame.project.to_string(), kind), &self.coverage, &path, batch));
                    groups.len() - 1
                });
            }
            let Some(group) = groups.get(last) else { continue };
            if group.holds(*part, *end) {
                continue;
            }
            if let (RecordType::CallStart | RecordType::CallEnd, Some(id)) = (frame.record_type, frame.call_id()) {
                let half = halves.insert((frame.project, id), (*part, frames.len()));
                if let Some((of, (_, other))) = half.and_then(|(of, at)| Some((of, frames.get_mut(at)?))) {
                    let complete = match (other.record_type, frame.record_type) {
                        (RecordType::CallStart, RecordType::CallEnd) => Frame::join(other, &frame),
                        // Of two streams it is not known which was first. In one, the end is that of an earlier start.
                        (RecordType::CallEnd, RecordType::CallStart) if of != *part => Frame::join(&frame, other),
                        _ => None,
                    };
                    if let Some(complete) = complete {
                        *other = complete;
                        halves.remove(&(frame.project, id));
                        continue;
                    }
                }
            }
            frames.push((last, frame));
        }
        for (group, frame) in &frames {
            if let Some(group) = groups.get_mut(*group) {
                frame.render_line(&mut group.lines);
                group.count += 1;
            }
        }
        groups.retain(|group| group.count > 0);
        (groups, written)
    }

    fn append(&mut self, group: &mut Group, batch: &Batch<'_>) -> Result<()> {
        let options = options_of(&self.options, &group.folder);
        let level = options.level.unwrap_or(self.level);
        let mut bytes = match options.compress {
            true => self.compressor(level)?.write(&group.lines, group.count, &group.covered)?,
            false => std::mem::take(&mut group.lines),
        };
        if self.files.get(&group.folder).is_some_and(|file| file.is_full(bytes.len() as u64, &options)) {
            if let Some(mut full) = self.files.remove(&group.folder) {
                if let Err(error) = full.sync() {
                    self.files.insert(group.folder.clone(), full);
                    return Err(error);
                }
            }
        }
        let file = match self.files.entry(group.folder.clone()) {
            std::collections::hash_map::Entry::Occupied(there) => there.into_mut(),
            std::collections::hash_map::Entry::Vacant(place) => {
                place.insert(GrowingFile::create(&group.path, &options, self.access)?)
            }
        };
        let mut after = self.coverage.of_folder(&group.path);
        for part in &batch.parts {
            after.entry(part.stream).or_default().add(part.from, part.to);
        }
        if !options.compress {
            let folder = group.path.strip_prefix(&self.root).unwrap_or(&group.path);
            if self.progress.unsynced(folder) >= progress::MAX_UNSYNCED {
                file.sync()?;
            }
            if !file.is_unsynced() {
                self.progress.was_synced(folder, self.coverage.of_folder(&group.path).into_iter().collect());
            }
            let append = Append {
                file: file.path().strip_prefix(&self.root).unwrap_or(file.path()).to_path_buf(),
                offset: file.length(),
                length: bytes.len() as u64,
                checksum: crc32fast::hash(&bytes),
                after: after.clone().into_iter().collect(),
            };
            self.progress.intend(folder, append, self.access)?;
        }
        file.append(&mut bytes, group.count)?;
        self.written += bytes.len() as u64;
        self.coverage.set_folder(&group.path, after);
        Ok(())
    }

    fn compressor(&mut self, level: i32) -> Result<&mut member::Writer> {
        let writer = match self.compressor.take() {
            Some(writer) if writer.level() == level => writer,
            _ => member::Writer::new(level)?,
        };
        Ok(self.compressor.insert(writer))
    }
}

/// Whether a record is of a project that can be there: a damaged journal must not have files made elsewhere.
fn is_known(frame: &Frame<'_>, groups: &[Group], last: usize) -> bool {
    groups.get(last).is_some_and(|group| group.folder.0 == frame.project) || names::split_project(frame.project).is_ok()
}

fn options_of(options: &HashMap<String, FileOptions>, folder: &Folder) -> FileOptions {
    options.get(&folder.0).cloned().unwrap_or_default()
}

/// The lines of a batch for one folder.
struct Group {
    folder: Folder,
    path: PathBuf,
    /// For each part of the batch, what the folder has of its stream already.
    there: Vec<Parts>,
    /// What the member will say that it covers.
    covered: Vec<Covered>,
    lines: Vec<u8>,
    count: u32,
}

impl Group {
    fn new(folder: Folder, coverage: &Coverage, path: &Path, batch: &Batch<'_>) -> Self {
        let there = coverage.of(path, &batch.parts);
        // A member vouches for what it holds itself: one before it may turn out to be damaged.
        let covered = batch.parts.iter().zip(&there).map(|(part, there)| Covered {
            stream: part.stream,
            from: there.end_within(part.from, part.to),
            to: part.to,
        });
        let covered = covered.filter(|part| part.from < part.to).collect();
        Group { folder, path: path.to_path_buf(), there, covered, lines: Vec::new(), count: 0 }
    }

    fn is_of(&self, project: &str, kind: Kind) -> bool {
        self.folder.1 == kind && self.folder.0 == project
    }

    fn holds(&self, part: usize, end: u64) -> bool {
        self.there.get(part).is_some_and(|parts| parts.holds(end))
    }
}
