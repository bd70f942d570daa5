//! On the device: writing a bundle of what waits. It can be cut short at any instant and run again.
//!
//! The manifest is written last. It names lengths and checksums, and what it names is only ever lengthened or removed when
//! it is not named any more: so there is a whole bundle at each instant after the first one, of what waited then. Before
//! the manifest, the device notes that another machine may send these records from then on: a sync of its own asks the
//! server for them before it sends them.

use super::blobs::{self, Fault};
use super::device::Device;
use super::manifest::{Body, File, Header, Line, Manifest};
use super::taking::{self, Taken};
use super::waiting::{self, OfProject};
use super::Told;
use crate::error::{Error, Result, Status};
use crate::log;
use crate::store::journal;
use crate::store::layout::{Access, ProjectDir};
use crate::store::{self, StoreOptions};
use crate::sync::kept::directory::Directory;
use crate::sync::kept::open_calls::OpenCalls;
use crate::sync::kept::progress::{self, Progress};
use crate::sync::kept::ranges::Ranges;
use crate::sync::kept::rejected::{Places, Rejected};
use crate::sync::kept::{learned, put_back};
use crate::sync::server::stop::Stop;
use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What is to be packed.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// The offline directory.
    pub dir: &'a Path,
    /// Only these projects: all if there is none.
    pub projects: &'a [&'a str],
    /// The folder of the bundle.
    pub bundle: &'a Path,
    /// How long to wait for a sync that runs.
    pub wait: Duration,
}

/// What a bundle has, or would have.
#[derive(Debug, Clone, Default)]
pub struct Packed {
    /// Of each project.
    pub projects: Vec<Amounts>,
    /// What the bundle needs on its disk.
    pub bytes: u64,
    /// How much of that was not there before, as far as lengths tell.
    pub new_bytes: u64,
    /// Bytes of files that records need and that are not there.
    pub missing: Vec<String>,
    /// What became of a receipt that was in the bundle.
    pub taken: Option<Taken>,
}

/// What a bundle has of a project.
#[derive(Debug, Clone, Default)]
pub struct Amounts {
    /// The project as recorded.
    pub project: String,
    /// Data files.
    pub files: u64,
    /// Records in them that nobody has acknowledged.
    pub records: u64,
    /// Files whose bytes go along.
    pub bodies: u64,
    /// All bytes.
    pub bytes: u64,
}

/// Tells what would be packed. Nothing is changed: what programs that are gone left in their journals is left out.
pub fn preview(request: &Request<'_>) -> Result<Packed> {
    let projects = crate::sync::directory::choose(crate::store::layout::projects(request.dir)?, request.projects)?;
    let waiting = waiting::look(request.dir, projects)?;
    Ok(amounts(request.bundle, &waiting))
}

/// Takes the receipt that it finds in the bundle, and writes what waits into it.
pub fn pack(request: &Request<'_>, told: &mut Told<'_>) -> Result<Packed> {
    let root = request.dir;
    let directory = Directory::lock(root, request.wait, &Stop::new())?;
    let access = directory.access();
    let mut device = match Device::of(root)? {
        Some(device) => device,
        None => {
            let device = Device::new();
            device.save(root, access)?;
            device
        }
    };
    let former = former(request.bundle, &device)?;
    recover(root, access)?;
    let projects = directory.projects(request.projects)?;
    for project in &projects {
        put_back::finish(project, access)?;
        // Written anew, so that it does not grow with each packing where no sync ever runs.
        Progress::open(project, access)?;
    }
    let taken = taking::take(&directory, &device, &Manifest::receipt_at(request.bundle))?;
    // Before the files: what a program logged that ends meanwhile may come with the next bundle.
    let journals = journal::all(root)?;
    let mut all = waiting::look(root, projects)?;
    let mut packed = amounts(request.bundle, &all);
    packed.taken = taken;
    fs::create_dir_all(request.bundle).map_err(|cause| Error::io("cannot make", request.bundle, &cause))?;
    if let Some(former) = former {
        forget_others(request.bundle, former, &all)?;
    }
    let mut lines = copy(request.bundle, &mut all, packed.bytes, told).map_err(unfinished)?;
    let copies: Vec<PathBuf> = lines.iter().filter_map(|line| blob_of(request.bundle, line)).collect();
    blobs::sync_files(&copies).map_err(unfinished)?;
    blobs::sync_names(request.bundle)?;
    for of in &all {
        note_carried(of, access)?;
        lines.extend(state(&of.dir, access)?);
        let growing = of.growing.iter().cloned();
        lines.extend(growing.map(|file| Line::Growing { project: of.dir.name(), file }));
        tell_rejected(&of.dir, access, &mut lines)?;
    }
    device.bundles += 1;
    device.save(root, access)?;
    let journals = journals.iter().filter_map(|path| journal::id_of(path)).map(|id| journal::name_of(&id));
    let header = Header {
        projects: all.iter().map(|of| of.dir.name()).collect(),
        journals: journals.collect(),
        ..Header::new(&device.id, &device.name, device.bundles)
    };
    Manifest { header, lines }.write_bundle(&Manifest::bundle_at(request.bundle)).map_err(unfinished)?;
    Ok(packed)
}

fn recover(root: &Path, access: Access) -> Result<()> {
    let options =
        StoreOptions { dir: root.to_path_buf(), group_access: access == Access::Group, ..StoreOptions::default() };
    if let Err(error) = store::recover(&options) {
        log::write(log::Level::Warning, || format!("{error}; it is tried again by the next sync or pack"));
    }
    Ok(())
}

/// The bundle that is there already. One that cannot be read is written anew; one of another device is left alone.
fn former(bundle: &Path, device: &Device) -> Result<Option<Manifest>> {
    let path = Manifest::bundle_at(bundle);
    if !path.exists() {
        return Ok(None);
    }
    let Ok(former) = Manifest::read(&path) else { return Ok(None) };
    match former.header.device == device.id {
        true => Ok(Some(former)),
        false => Err(Error::new(
            Status::InvalidArgument,
            format!(
                "{} is a bundle of another device ({}); give each device a folder of its own",
                bundle.display(),
                former.header.name
            ),
        )),
    }
}

/// Makes room: takes out what does not wait any more, first of the manifest.
fn forget_others(bundle: &Path, former: Manifest, waiting: &[OfProject]) -> Result<()> {
    let wanted = blobs_of(bundle, waiting);
    let is_wanted = |line: &Line| blob_of(bundle, line).is_none_or(|blob| wanted.contains(&blob));
    let before = former.lines.len();
    let lines: Vec<Line> = former.lines.into_iter().filter(is_wanted).collect();
    if lines.len() < before {
        Manifest { header: former.header, lines }.write_bundle(&Manifest::bundle_at(bundle)).map_err(unfinished)?;
    }
    blobs::keep_only(bundle, &wanted)
}

/// Where the bytes are that a line of the manifest is about.
fn blob_of(bundle: &Path, line: &Line) -> Option<PathBuf> {
    match line {
        Line::File(File { project, file, .. }) => Some(blobs::path(bundle, project, file)),
        Line::Body(Body { project, body, .. }) => Some(blobs::path(bundle, project, body)),
        _ => None,
    }
}

fn blobs_of(bundle: &Path, waiting: &[OfProject]) -> HashSet<PathBuf> {
    let of = |of: &OfProject| {
        let names = of.files.iter().map(|file| &file.file).chain(of.bodies.iter().map(|body| &body.body));
        names.map(|name| blobs::path(bundle, &of.dir.name(), name)).collect::<Vec<_>>()
    };
    waiting.iter().flat_map(of).collect()
}

/// Copies what waits, and takes out of it what has gone meanwhile.
fn copy(bundle: &Path, waiting: &mut [OfProject], all_bytes: u64, told: &mut Told<'_>) -> Result<Vec<Line>> {
    let (mut lines, mut done) = (Vec::new(), 0);
    let mut copy_one = |path: &Path, bytes: u64, project: &str, name: &str| {
        let mut tell = |more| {
            done += more;
            told(done, all_bytes);
        };
        match blobs::fill(path, bytes, &blobs::path(bundle, project, name), None, &mut tell) {
            Ok((sha256, _)) => Ok(Some(sha256)),
            Err(Fault::Copy(error)) => Err(error),
            Err(Fault::Source(cause)) => {
                // Sent by nobody, since the lock is held: it was dropped to keep the quota.
                log::write(log::Level::Warning, || format!("{} is left out: {cause}", path.display()));
                Ok(None)
            }
        }
    };
    for of in waiting {
        let project = of.dir.name();
        // Bytes of files first: a record in the bundle then has them.
        for body in &of.bodies {
            if let Some(sha256) = copy_one(&body.path, body.bytes, &project, &body.body)? {
                let (project, name, of) = (project.clone(), body.body.clone(), body.of.clone());
                lines.push(Line::Body(Body { project, body: name, of, bytes: body.bytes, sha256 }));
            }
        }
        let mut there = Vec::new();
        for waiting in std::mem::take(&mut of.files) {
            if let Some(sha256) = copy_one(&waiting.path, waiting.bytes, &project, &waiting.file)? {
                lines.push(Line::File(File {
                    project: project.clone(),
                    file: waiting.file.clone(),
                    bytes: waiting.bytes,
                    sha256,
                    records: waiting.records,
                    modified: waiting.modified,
                    acknowledged: waiting.known.by.clone(),
                    sending: waiting.known.sending.clone(),
                    rejected: Ranges::default(),
                }));
                there.push(waiting);
            }
        }
        of.files = there;
    }
    Ok(lines)
}

/// Notes that another machine has these records from now on.
fn note_carried(of: &OfProject, access: Access) -> Result<()> {
    let all = |records: u64| Ranges::from(vec![(0, records.saturating_sub(1))]);
    let carried: BTreeMap<String, Ranges> =
        of.files.iter().map(|file| (file.file.clone(), all(file.records))).collect();
    progress::take_over(&of.dir, &BTreeMap::new(), &carried, access)
}

/// What of a project's open calls and digests the other machine must know.
fn state(dir: &ProjectDir, access: Access) -> Result<Vec<Line>> {
    let (project, mut lines) = (dir.name(), Vec::new());
    if OpenCalls::is_noted(dir) {
        OpenCalls::open(dir, access)?.each(|id, call| {
            lines.push(Line::Open { project: project.clone(), id: id.to_string(), call: call.clone() });
            Ok(())
        })?;
    }
    let given = learned::given(&dir.sync_folder())?;
    lines.extend(given.into_iter().map(|given| Line::Digest { project: project.clone(), given }));
    Ok(lines)
}

/// Adds to the lines of files which of their records were rejected: they count as acknowledged.
fn tell_rejected(dir: &ProjectDir, access: Access, lines: &mut [Line]) -> Result<()> {
    let (project, rejected): (_, Places) = (dir.name(), Rejected::open(dir, access)?.all_places()?);
    for line in lines {
        if let Line::File(file) = line {
            if let Some(records) = rejected.get(&file.file).filter(|_| file.project == project) {
                file.rejected = records.clone();
            }
        }
    }
    Ok(())
}

fn amounts(bundle: &Path, waiting: &[OfProject]) -> Packed {
    let mut packed = Packed::default();
    for of in waiting {
        let project = of.dir.name();
        let mut amounts = Amounts { project: project.clone(), ..Amounts::default() };
        let files = of.files.iter().map(|file| (&file.file, file.bytes));
        for (name, bytes) in files.chain(of.bodies.iter().map(|body| (&body.body, body.bytes))) {
            let there = fs::metadata(blobs::path(bundle, &project, name)).map_or(0, |about| about.len());
            amounts.bytes += bytes;
            packed.new_bytes += bytes.saturating_sub(there);
        }
        for file in &of.files {
            amounts.files += 1;
            amounts.records += file.records - file.known.acknowledged().count_below(file.records);
        }
        amounts.bodies = of.bodies.len() as u64;
        packed.bytes += amounts.bytes;
        packed.missing.extend(of.missing.iter().cloned());
        if amounts.files > 0 {
            packed.projects.push(amounts);
        }
    }
    packed
}

/// What was copied is used by the next attempt.
fn unfinished(error: Error) -> Error {
    let next = match error.status() {
        Status::NoSpace => "make room there or give a larger disk, and pack again",
        _ => "pack again",
    };
    let text = format!("{}. The bundle is not complete; what was copied is kept: {next}", error.text());
    Error::new(error.status(), text)
}
