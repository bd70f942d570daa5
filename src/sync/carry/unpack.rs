//! At the base: an offline directory made, or continued, of a device's bundle. It can be cut short and run again.
//!
//! What is copied is checked and lies in `.weave/unpacking` first. Then what the device knew of it is noted, and then it
//! gets its place: no record is in a data file here of which it is not known whether the device, or a server, has it. All
//! of it is in doubt until it is acknowledged, since the device may come to a network too, or give another stick to
//! somebody else.

use super::blobs::{self, Fault};
use super::device::folder_name;
use super::manifest::{Body, File, Header, Manifest};
use super::Told;
use crate::error::{Error, Result, Status};
use crate::store::disk;
use crate::store::layout::{self, Access, DataFile, ProjectDir, LIBRARY_FOLDER, UNPACKING_FOLDER};
use crate::sync::kept::directory::Directory;
use crate::sync::kept::open_calls::OpenCalls;
use crate::sync::kept::progress::{self, Known};
use crate::sync::kept::ranges::Ranges;
use crate::sync::kept::receipts::{path_of, Receipt};
use crate::sync::kept::rejected::{Places, Rejected};
use crate::sync::kept::{carried, learned, put_back};
use crate::sync::server::stop::Stop;
use std::collections::{BTreeMap, HashSet};
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

/// What came of a bundle.
#[derive(Debug, Clone)]
pub struct Unpacked {
    /// What the bundle says of itself.
    pub header: Header,
    /// Files that were made or lengthened.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Files that were there already, or were sent.
    pub known: u64,
    /// What of the bundle cannot be used, and why.
    pub problems: Vec<String>,
}

/// What a bundle says of itself; an error tells that it is not whole.
pub fn header(bundle: &Path) -> Result<Header> {
    read(bundle).map(|manifest| manifest.header)
}

/// The directory that a bundle is unpacked into, below that for all devices.
pub fn directory_of(header: &Header, all: &Path) -> PathBuf {
    all.join(folder_name(&header.name, &header.device))
}

pub(super) fn read(bundle: &Path) -> Result<Manifest> {
    let path = Manifest::bundle_at(bundle);
    if !path.exists() {
        let text = format!(
            "{} is no whole bundle: {} is not there. Packing was cut short, or it is another folder; pack again on the device",
            bundle.display(),
            path.file_name().unwrap_or_default().to_string_lossy()
        );
        return Err(Error::new(Status::InvalidArgument, text));
    }
    Manifest::read(&path).map_err(|error| error.context("the bundle cannot be used; pack again on the device"))
}

/// Unpacks a bundle into a directory. Damaged and missing files are told, and the rest is unpacked.
pub fn unpack(bundle: &Path, into: &Path, told: &mut Told<'_>) -> Result<Unpacked> {
    let manifest = read(bundle)?;
    check_directory(into, &manifest)?;
    Access::Owner.make_directory(into)?;
    let directory = Directory::lock(into, Duration::ZERO, &Stop::new())?;
    // Once more, since another one may have been unpacked before the lock was taken.
    let former = check_directory(into, &manifest)?;
    let mut work = Work {
        bundle,
        directory: &directory,
        temporary: into.join(LIBRARY_FOLDER).join(UNPACKING_FOLDER),
        unpacked: Unpacked { header: manifest.header.clone(), files: 0, bytes: 0, known: 0, problems: Vec::new() },
        good: HashSet::new(),
        places: Vec::new(),
    };
    work.check(&manifest, told)?;
    blobs::sync_files(work.places.iter().map(|(copy, _)| copy))?;
    work.note(&manifest, former)?;
    work.place()?;
    Ok(work.unpacked)
}

/// The manifest of the former bundle of the same device. Nothing else may be in the directory.
fn check_directory(into: &Path, manifest: &Manifest) -> Result<Option<Manifest>> {
    let refuse = |what: &str| {
        let text = format!("{} {what}; give another directory, or none for one of this device's own", into.display());
        Err(Error::new(Status::InvalidArgument, text))
    };
    if !into.exists() {
        return Ok(None);
    }
    match Manifest::unpacked_into(into)? {
        Some(former) if former.header.device == manifest.header.device => Ok(Some(former)),
        Some(former) => refuse(&format!("is for bundles of another device ({})", former.header.name)),
        None if layout::projects(into)?.is_empty() => Ok(None),
        None => refuse("has records of programs of this machine"),
    }
}

/// What is checked, and what is to get its place.
struct Work<'w> {
    bundle: &'w Path,
    directory: &'w Directory,
    temporary: PathBuf,
    unpacked: Unpacked,
    /// Data files that are as the bundle says, or will be: project and name.
    good: HashSet<(String, String)>,
    /// From where to where.
    places: Vec<(PathBuf, PathBuf)>,
}

/// How a data file stands in the directory.
enum State {
    New,
    /// It is there, sent or not.
    Known,
    /// So much of it is there, and waits.
    Shorter(u64),
}

impl Work<'_> {
    /// Checks all that is not there yet, and copies it.
    fn check(&mut self, manifest: &Manifest, told: &mut Told<'_>) -> Result<()> {
        let all = manifest.files().map(|file| file.bytes).chain(manifest.bodies().map(|body| body.bytes)).sum();
        let mut done = 0;
        let mut sent = HashSet::new();
        for file in manifest.files() {
            let mut tell = |more| {
                done += more;
                told(done, all);
            };
            let key = (file.project.clone(), file.file.clone());
            let checked = self.state(file).and_then(|state| match state {
                State::Known => {
                    self.unpacked.known += 1;
                    tell(file.bytes);
                    Ok(())
                }
                State::New => self.copy(&file.project, &file.file, file.bytes, &file.sha256, None, &mut tell),
                State::Shorter(length) => {
                    self.copy(&file.project, &file.file, file.bytes, &file.sha256, Some(length), &mut tell)
                }
            });
            match checked {
                Ok(()) => {
                    let is_sent = !self.path(&file.project, &file.file).exists() && !self.is_to_come(file);
                    sent.extend(is_sent.then(|| key.clone()));
                    self.good.insert(key);
                    self.date(file);
                }
                Err(error) if error.status() == Status::Rejected => {
                    self.unpacked.problems.push(error.text().to_string())
                }
                Err(error) => return Err(error),
            }
        }
        for body in manifest.bodies() {
            let mut tell = |more| {
                done += more;
                told(done, all);
            };
            // Whose record was sent may have been cleaned up since.
            let is_sent = sent.contains(&(body.project.clone(), body.of.clone()));
            let there = fs::metadata(self.path(&body.project, &body.body)).is_ok_and(|about| about.len() == body.bytes);
            if is_sent || there {
                tell(body.bytes);
                continue;
            }
            let Body { project, body, bytes, sha256, .. } = body;
            match self.copy(project, body, *bytes, sha256, None, &mut tell) {
                Err(error) if error.status() == Status::Rejected => {
                    self.unpacked.problems.push(error.text().to_string())
                }
                copied => copied?,
            }
        }
        Ok(())
    }

    fn path(&self, project: &str, file: &str) -> PathBuf {
        ProjectDir::new(self.directory.root(), project).path.join(file)
    }

    fn is_to_come(&self, file: &File) -> bool {
        let path = self.path(&file.project, &file.file);
        self.places.iter().any(|(_, to)| *to == path)
    }

    fn state(&self, file: &File) -> Result<State> {
        let path = self.path(&file.project, &file.file);
        let refuse = |why: &str| Err(Error::new(Status::Rejected, format!("{}/{}: {why}", file.project, file.file)));
        let differs =
            "what was unpacked before under this name is another file. Two devices may have one id, as copies of \
                       one disk have: remove .weave/device.json of one of them, and unpack its bundle elsewhere";
        let data_file = match DataFile::parse(&path) {
            Some(data_file) => data_file,
            None => return refuse("this is no data file"),
        };
        for (path, is_pending) in [(path, true), (data_file.synced_path(), false)] {
            let Ok(about) = fs::metadata(&path) else { continue };
            let (here, there) = (about.len(), file.bytes);
            if here < there && is_pending {
                return Ok(State::Shorter(here));
            }
            if here < there {
                return refuse("it has grown although it was closed and sent whole");
            }
            return match blobs::hash(&path, there)?.as_ref() == Some(&file.sha256) {
                true => Ok(State::Known),
                false => refuse(differs),
            };
        }
        let folder = file.file.split_once('/').map_or("", |(folder, _)| folder);
        let receipt = path_of(&ProjectDir::new(self.directory.root(), &file.project), folder, &data_file);
        match Receipt::open(&receipt).map(|receipt| receipt.header) {
            Ok(header) if header.bytes == file.bytes && header.sha256 != file.sha256 => refuse(differs),
            Ok(header) if header.bytes < file.bytes => refuse("it has grown although it was closed and sent whole"),
            Ok(_) => Ok(State::Known),
            Err(_) => Ok(State::New),
        }
    }

    /// Copies one file to where it waits for its place. `Rejected` if it is not what the manifest says.
    fn copy(
        &mut self,
        project: &str,
        file: &str,
        bytes: u64,
        sha256: &str,
        prefix: Option<u64>,
        tell: &mut dyn FnMut(u64),
    ) -> Result<()> {
        let from = blobs::path(self.bundle, project, file);
        let to = blobs::path(&self.temporary, project, file);
        let refuse =
            |why: String| Err(Error::new(Status::Rejected, format!("{project}/{file} ({}): {why}", from.display())));
        Access::Owner.make_directory(to.parent().unwrap_or(&to))?;
        let access = self.directory.access();
        let (found, of_prefix) = match blobs::fill(&from, bytes, &to, prefix, tell) {
            Ok(found) => found,
            Err(Fault::Copy(error)) => return Err(error),
            Err(Fault::Source(cause)) => return refuse(format!("it is missing or cut short in the bundle: {cause}")),
        };
        let place = self.path(project, file);
        let fits = match prefix {
            Some(length) => blobs::hash(&place, length)? == of_prefix,
            None => true,
        };
        if found != sha256 {
            let _ = fs::remove_file(&to);
            return refuse("it is damaged in the bundle: its checksum does not fit".to_string());
        }
        if !fits {
            let _ = fs::remove_file(&to);
            return refuse("it does not continue what was unpacked before under this name".to_string());
        }
        fs::set_permissions(&to, Permissions::from_mode(access.file()))
            .map_err(|cause| Error::io("cannot set the mode of", &to, &cause))?;
        self.unpacked.files += 1;
        self.unpacked.bytes += bytes;
        self.places.push((to, place));
        Ok(())
    }

    /// A call that is closed in place of its program ends when its file was last written to.
    fn date(&self, file: &File) {
        let path = blobs::path(&self.temporary, &file.project, &file.file);
        let modified = UNIX_EPOCH + Duration::from_micros(u64::try_from(file.modified).unwrap_or_default());
        // A file system that keeps no times loses nothing but that.
        let _ = fs::File::options().append(true).open(path).and_then(|file| file.set_modified(modified));
    }

    /// Notes what the device knew of the files that are as the bundle says.
    fn note(&self, manifest: &Manifest, former: Option<Manifest>) -> Result<()> {
        let (root, access) = (self.directory.root(), self.directory.access());
        let is_newer = former.as_ref().is_none_or(|former| former.header.number < manifest.header.number);
        let is_older = former.as_ref().is_some_and(|former| former.header.number > manifest.header.number);
        for name in &manifest.header.projects {
            let project = ProjectDir::new(root, name);
            learned::take_over(&project.sync_folder(), &manifest.digests(name), access)?;
            let open = manifest.open_calls(name);
            // Of an older bundle they may have ended since.
            if is_newer && !open.is_empty() {
                OpenCalls::open(&project, access)?.add(open)?;
            }
        }
        if !is_older {
            let mut merged = manifest.clone();
            // Of projects that were not packed this time, what was told before still holds.
            if let Some(former) = former {
                merged.lines.extend(former.lines_besides(&manifest.header.projects));
                let is_other = |name: &String| !manifest.header.projects.contains(name);
                merged.header.projects.extend(former.header.projects.into_iter().filter(is_other));
            }
            merged.write_bundle(&carried::path_of(root))?;
        }
        for name in &manifest.header.projects {
            let project = ProjectDir::new(root, name);
            let (mut told, mut all, mut left) = (BTreeMap::new(), BTreeMap::new(), Places::new());
            for file in manifest.files().filter(|file| file.project == *name) {
                if !self.good.contains(&(file.project.clone(), file.file.clone())) {
                    continue;
                }
                let mut known = Known { by: file.acknowledged.clone(), sending: file.sending.clone() };
                known.cut(file.records);
                told.insert(file.file.clone(), known);
                all.insert(file.file.clone(), Ranges::from(vec![(0, file.records.saturating_sub(1))]));
                if !file.rejected.is_empty() {
                    left.insert(file.file.clone(), file.rejected.clone());
                }
            }
            put_back::finish(&project, access)?;
            Rejected::open(&project, access)?.add_left(&left)?;
            progress::take_over(&project, &told, &all, access)?;
        }
        Ok(())
    }

    /// Gives everything its place: bytes of files before the records that need them.
    fn place(&mut self) -> Result<()> {
        let access = self.directory.access();
        let is_data = |to: &Path| DataFile::parse(to).is_some();
        self.places.sort_by_key(|(_, to)| is_data(to));
        let mut folders = HashSet::new();
        for (from, to) in &self.places {
            let folder = to.parent().unwrap_or(to);
            access.make_directory(folder)?;
            disk::rename(from, to).map_err(|cause| Error::io("cannot put in its place", to, &cause))?;
            folders.insert(folder);
        }
        for folder in folders {
            disk::sync_directory(folder)?;
        }
        match self.temporary.exists() {
            true => disk::remove_directory(&self.temporary)
                .map_err(|cause| Error::io("cannot remove", &self.temporary, &cause)),
            false => Ok(()),
        }
    }
}
