//! The records of a project that a server does not take: kept with its reason, listed, exported, put back, dropped.
//!
//! They stand in `.sync/rejected.jsonl`, a line each, on the disk before the record counts as acknowledged. In memory are
//! only hashes of their places. A line `{"moving": [places], "as": FILE, "to": FOLDER}` says that these were put back to
//! be sent again (see `requeue`); the next one who opens the file finishes what was begun and writes it anew without
//! them. What is dropped or put back from a data file that is still pending stays known by its place (see `left`).
//! Whoever opens it holds the directory's lock.

mod carried;
mod entry;
mod left;

use super::directory::{choose, Directory};
use super::lines::{self, Appender};
use super::ranges::Ranges;
use super::requeue::{self, Moving};
use crate::error::{Error, Result, Status};
use crate::store::disk;
use crate::store::layout::{self, Access, ProjectDir, REJECTED_FILE};
use crate::sync::line::IdKey;
use crate::sync::results::Counted;
use crate::sync::server::stop::Stop;
pub use carried::Places;
pub use entry::Entry;
use left::Left;
use serde::Deserialize;
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, HashSet};
use std::fs::{self, File, OpenOptions};
use std::io::{BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

const OWNER: &str = "rejected";

/// What of a line says what it is, and of which records.
#[derive(Deserialize)]
struct About {
    #[serde(default)]
    kind: String,
    #[serde(default)]
    id: Option<String>,
    #[serde(default)]
    place: Option<String>,
    #[serde(default)]
    places: Vec<String>,
    #[serde(default)]
    moving: Vec<String>,
    #[serde(rename = "as", default)]
    file: Option<String>,
    #[serde(default)]
    to: Option<String>,
    #[serde(default)]
    left: Option<String>,
    #[serde(default)]
    records: Ranges,
}

/// The rejected records of a project, open for adding to them.
pub struct Rejected {
    project: ProjectDir,
    access: Access,
    log: Appender,
    places: HashSet<[u8; 16]>,
    left: Left,
    calls: HashSet<IdKey>,
}

impl Rejected {
    /// Opens them, and finishes what a crash left of putting some back.
    pub fn open(project: &ProjectDir, access: Access) -> Result<Rejected> {
        let log = Appender::new(path_of(project), access);
        let (project, places, calls) = (project.clone(), HashSet::new(), HashSet::new());
        let mut rejected = Rejected { project, access, log, places, left: Left::default(), calls };
        rejected.settle()?;
        let Rejected { log, places, calls, .. } = &mut rejected;
        lines::each(log.path(), |line| {
            let Some(about) = about(line) else { return Ok(()) };
            if about.kind == Counted::Calls.name() {
                calls.extend(about.id.as_deref().map(IdKey::of));
            }
            places.extend(about.entry().iter().map(|place| hash(place)));
            Ok(())
        })?;
        Ok(rejected)
    }

    /// Whether there is none, nor any that was dropped or put back while its data file is pending.
    pub fn is_empty(&self) -> bool {
        self.places.is_empty() && self.left.is_empty()
    }

    /// Whether the record at a place is among them, or was dropped or put back while its data file is pending. One that is
    /// must not be sent from there, but acknowledged: a crash came between. Nor does the server have it from there.
    pub fn contains(&self, place: &str) -> bool {
        self.places.contains(&hash(place)) || self.left.contains(place)
    }

    /// Whether a call is among them.
    pub fn has_call(&self, id: &str) -> bool {
        self.calls.contains(&IdKey::of(id))
    }

    /// Adds an entry, which is on the disk when this returns. Lines whose place is among them already are left out.
    pub fn add(&mut self, entry: Entry) -> Result<()> {
        let Entry { places, lines, .. } = &entry;
        let both = places.iter().cloned().zip(lines.iter().cloned());
        let (places, lines): (Vec<_>, Vec<_>) = both.filter(|(place, _)| !self.contains(place)).unzip();
        if places.is_empty() {
            return Ok(());
        }
        let entry = Entry { places, lines, ..entry };
        self.log.append(format!("{}\n", entry.to_json(true)?).as_bytes())?;
        self.places.extend(entry.places.iter().map(|place| hash(place)));
        if entry.kind == Counted::Calls.name() {
            self.calls.extend(entry.id.as_deref().map(IdKey::of));
        }
        Ok(())
    }

    /// Gives each entry to `take`, in the order in which they came.
    pub fn each(&self, take: impl FnMut(Entry) -> Result<()>) -> Result<()> {
        each(&self.project, take)
    }

    /// Puts entries back to where they are sent from; how many.
    fn retry(&mut self, which: &Which<'_>) -> Result<u64> {
        let mut open: BTreeMap<String, (Moving, Vec<String>)> = BTreeMap::new();
        let (project, access, mut count) = (self.project.clone(), self.access, 0);
        each(&project, |entry| {
            if !which.fits(&entry) {
                return Ok(());
            }
            let folder = entry.places.first().and_then(|place| requeue::folder_of(place)).ok_or_else(|| {
                Error::new(Status::Io, format!("{}: an entry has no place", path_of(&project).display()))
            })?;
            let (mut moving, mut places) = match open.remove(folder) {
                Some(begun) => begun,
                None => (Moving::begin(&project, OWNER, access)?, Vec::new()),
            };
            let mut is_full = false;
            for (text, place) in entry.texts() {
                is_full = moving.add(&text, place)?;
            }
            places.extend(entry.places.iter().cloned());
            count += 1;
            match is_full {
                true => self.put_back(moving, &places, folder),
                false => {
                    open.insert(folder.to_string(), (moving, places));
                    Ok(())
                }
            }
        })?;
        for (folder, (moving, places)) in open {
            self.put_back(moving, &places, &folder)?;
        }
        self.settle()?;
        Ok(count)
    }

    fn put_back(&mut self, moving: Moving, places: &[String], folder: &str) -> Result<()> {
        requeue::acknowledge(&self.project, places, self.access)?;
        let name = moving.seal()?;
        let note = serde_json::json!({"moving": places, "as": name, "to": folder});
        self.log.append(format!("{note}\n").as_bytes())?;
        requeue::place(&self.project, &name, folder, self.access)
    }

    fn discard(&mut self, which: &Which<'_>) -> Result<u64> {
        let (mut gone, mut count) = (HashSet::new(), 0);
        let (project, access, left) = (&self.project, self.access, &mut self.left);
        each(project, |entry| {
            if which.fits(&entry) {
                count += 1;
                requeue::acknowledge(project, &entry.places, access)?;
                gone.extend(entry.places.iter().map(|place| hash(place)));
                left.add_places(&entry.places);
            }
            Ok(())
        })?;
        left.keep_pending(project);
        if !gone.is_empty() {
            self.write_anew(&gone)?;
        }
        Ok(count)
    }

    /// Gives what was moved its place, and writes the file anew without it, and without what is of files that are not
    /// pending any more.
    fn settle(&mut self) -> Result<()> {
        let mut gone = HashSet::new();
        let (project, access, left) = (&self.project, self.access, &mut self.left);
        lines::each(self.log.path(), |line| {
            match about(line) {
                Some(About { moving, file: Some(name), to: Some(folder), .. }) => {
                    requeue::place(project, &name, &folder, access)?;
                    gone.extend(moving.iter().map(|place| hash(place)));
                    left.add_places(&moving);
                }
                Some(About { left: Some(file), records, .. }) => left.add(&file, &records),
                _ => {}
            }
            Ok(())
        })?;
        if left.keep_pending(project) || !gone.is_empty() {
            self.write_anew(&gone)?;
        }
        requeue::remove_unnamed(&self.project, OWNER)
    }

    /// Writes the file anew without the entries of some places and without the notes of moving, with what is left of
    /// pending files. When it would be empty the file goes, which needs no space.
    fn write_anew(&mut self, gone: &HashSet<[u8; 16]>) -> Result<()> {
        let path = self.log.path().to_path_buf();
        let stays = |line: &[u8]| {
            about(line).is_some_and(|about| {
                let is_note = !about.moving.is_empty() || about.left.is_some();
                !is_note && !about.entry().iter().any(|place| gone.contains(&hash(place)))
            })
        };
        let mut is_needed = !self.left.is_empty();
        lines::each(&path, |line| {
            is_needed |= stays(line);
            Ok(())
        })?;
        self.log.let_go();
        let failed = |cause| Error::io("cannot write", &path, &cause);
        if is_needed {
            let temporary = path.with_extension("tmp");
            let _ = fs::remove_file(&temporary);
            let mut file = BufWriter::new(self.access.create_file(&temporary).map_err(failed)?);
            lines::each(&path, |line| match stays(line) {
                true => file.write_all(line).and_then(|()| file.write_all(b"\n")).map_err(failed),
                false => Ok(()),
            })?;
            file.write_all(self.left.lines().as_bytes()).map_err(failed)?;
            let file = file.into_inner().map_err(|cause| failed(cause.into_error()))?;
            disk::sync(&file, &temporary).and_then(|()| disk::rename(&temporary, &path)).map_err(failed)?;
        } else {
            disk::remove_file(&path).map_err(failed)?;
        }
        self.places.retain(|place| !gone.contains(place));
        disk::sync_directory(path.parent().unwrap_or(Path::new(".")))
    }
}

impl About {
    /// The places of an entry; none for any other line.
    fn entry(&self) -> Vec<String> {
        self.place.iter().chain(&self.places).cloned().collect()
    }
}

fn about(line: &[u8]) -> Option<About> {
    serde_json::from_slice(line).ok()
}

fn hash(place: &str) -> [u8; 16] {
    Sha256::digest(place.as_bytes()).first_chunk::<16>().copied().unwrap_or_default()
}

fn path_of(project: &ProjectDir) -> PathBuf {
    project.sync_folder().join(REJECTED_FILE)
}

/// Gives each entry of a project to `take`, but those that were moved.
fn each(project: &ProjectDir, mut take: impl FnMut(Entry) -> Result<()>) -> Result<()> {
    let path = path_of(project);
    let mut gone = HashSet::new();
    lines::each(&path, |line| {
        gone.extend(about(line).iter().flat_map(|about| &about.moving).map(|place| hash(place)));
        Ok(())
    })?;
    lines::each(&path, |line| match Entry::read(line) {
        Some(entry) if !entry.places.iter().any(|place| gone.contains(&hash(place))) => take(entry),
        _ => Ok(()),
    })
}

/// Which entries are meant.
struct Which<'a> {
    kind: Option<&'a str>,
    ids: Option<HashSet<&'a str>>,
}

impl<'a> Which<'a> {
    fn new(kind: Option<&'a str>, ids: Option<&'a [String]>) -> Result<Which<'a>> {
        let names = Counted::ALL.map(Counted::name);
        if let Some(unknown) = kind.filter(|kind| !names.contains(kind)) {
            return Err(Error::new(
                Status::InvalidArgument,
                format!("kind: there is no \"{unknown}\"; give one of {}", names.join(", ")),
            ));
        }
        Ok(Which { kind, ids: ids.map(|ids| ids.iter().map(String::as_str).collect()) })
    }

    fn fits(&self, entry: &Entry) -> bool {
        self.kind.is_none_or(|kind| entry.kind == kind)
            && self.ids.as_ref().is_none_or(|ids| entry.id.as_deref().is_some_and(|id| ids.contains(id)))
    }
}

/// Gives every rejected record to `take`, with its project as recorded. Nothing is changed, and no lock is needed.
pub fn list(
    dir: &Path,
    project: Option<&str>,
    kind: Option<&str>,
    take: &mut dyn FnMut(&str, Entry) -> Result<()>,
) -> Result<()> {
    layout::check_exists(dir)?;
    let which = Which::new(kind, None)?;
    for project in choose(layout::projects(dir)?, project.as_slice())? {
        each(&project, |entry| if which.fits(&entry) { take(&project.name(), entry) } else { Ok(()) })?;
    }
    Ok(())
}

/// Writes the rejected records with their lines to a file that must not exist yet, one JSON object a line; how many.
pub fn export(dir: &Path, project: Option<&str>, kind: Option<&str>, to: &Path) -> Result<u64> {
    layout::check_exists(dir)?;
    Which::new(kind, None)?;
    choose(layout::projects(dir)?, project.as_slice())?;
    let failed = |cause| Error::io("cannot write", to, &cause);
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(to).map_err(failed)?;
    let written = write_out(dir, project, kind, file, to);
    if written.is_err() {
        let _ = fs::remove_file(to);
    }
    written
}

fn write_out(dir: &Path, project: Option<&str>, kind: Option<&str>, file: File, to: &Path) -> Result<u64> {
    let failed = |cause| Error::io("cannot write", to, &cause);
    let (mut out, mut count) = (BufWriter::new(file), 0);
    list(dir, project, kind, &mut |project, entry| {
        count += 1;
        writeln!(out, "{}", of_project(project, &entry.to_json(true)?)).map_err(failed)
    })?;
    let file = out.into_inner().map_err(|cause| failed(cause.into_error()))?;
    file.sync_all().map_err(failed)?;
    Ok(count)
}

/// The JSON of an entry, with its project in front.
pub fn of_project(project: &str, entry: &str) -> String {
    format!("{{\"project\":{},{}", serde_json::json!(project), entry.strip_prefix('{').unwrap_or(entry))
}

/// How many records of a project are rejected, by what they count as.
pub fn counts(project: &ProjectDir) -> Result<BTreeMap<Counted, u64>> {
    let mut counts = BTreeMap::new();
    each(project, |entry| {
        if let Some(kind) = Counted::ALL.into_iter().find(|what| what.name() == entry.kind) {
            *counts.entry(kind).or_default() += 1;
        }
        Ok(())
    })?;
    Ok(counts)
}

/// Puts rejected records back to be sent by the next sync: all, or of one project, one kind, with these ids; how many.
pub fn retry(dir: &Path, project: Option<&str>, kind: Option<&str>, ids: Option<&[String]>) -> Result<u64> {
    on_each(dir, project, kind, ids, Rejected::retry)
}

/// Gives rejected records up for good; how many.
pub fn discard(dir: &Path, project: Option<&str>, kind: Option<&str>, ids: Option<&[String]>) -> Result<u64> {
    on_each(dir, project, kind, ids, Rejected::discard)
}

fn on_each(
    dir: &Path,
    project: Option<&str>,
    kind: Option<&str>,
    ids: Option<&[String]>,
    act: impl Fn(&mut Rejected, &Which<'_>) -> Result<u64>,
) -> Result<u64> {
    let which = Which::new(kind, ids)?;
    let directory = Directory::lock(dir, Duration::ZERO, &Stop::new())?;
    let mut count = 0;
    for project in directory.projects(project.as_slice())? {
        count += act(&mut Rejected::open(&project, directory.access())?, &which)?;
    }
    Ok(count)
}

#[cfg(test)]
#[path = "rejected_tests.rs"]
mod tests;
