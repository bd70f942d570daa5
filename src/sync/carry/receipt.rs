//! At the base: writing down for a device what came of its records.
//!
//! It is about all files that wait on the device, as far as is known here: those of the bundle that it is written into,
//! and those of the last one that was unpacked. A call may have been sent whole of two files that came with two sticks.

use super::blobs;
use super::manifest::{Done, File, Header, Line, Manifest};
use super::unpack;
use crate::error::{Error, Result, Status};
use crate::store::layout::{DataFile, ProjectDir};
use crate::sync::kept::directory::Directory;
use crate::sync::kept::open_calls::OpenCalls;
use crate::sync::kept::progress;
use crate::sync::kept::ranges::Ranges;
use crate::sync::kept::receipts::{self, path_of, Receipt};
use crate::sync::kept::rejected::{Places, Rejected};
use crate::sync::kept::requeue::split;
use crate::sync::kept::{learned, put_back};
use crate::sync::server::stop::Stop;
use serde_json::value::RawValue;
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fs;
use std::path::Path;
use std::time::Duration;

/// What a receipt tells.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Written {
    /// Files that are acknowledged whole.
    pub whole: u64,
    /// Files of which something waits.
    pub partly: u64,
    /// Records that are acknowledged, those of earlier receipts and the rejected ones among them.
    pub records: u64,
    /// Entries of rejected records.
    pub rejected: u64,
}

/// Writes into a bundle what came of it in the directory that it was unpacked into.
pub fn write(bundle: &Path, from: &Path) -> Result<Written> {
    let manifest = unpack::read(bundle)?;
    let unpacked = || {
        let text = format!("{} was not unpacked into {}: unpack it and sync first", bundle.display(), from.display());
        Error::new(Status::InvalidArgument, text)
    };
    let newest = Manifest::unpacked_into(from)?.ok_or_else(unpacked)?;
    if newest.header.device != manifest.header.device {
        return Err(unpacked());
    }
    let directory = Directory::lock(from, Duration::ZERO, &Stop::new())?;
    let mut files: BTreeMap<(&str, &str), &File> = BTreeMap::new();
    // Of two lines about a file that of the newest bundle counts: it tells what the device has rejected.
    for file in manifest.files().chain(newest.files()) {
        files.insert((&file.project, &file.file), file);
    }
    let projects: BTreeSet<&str> = files.keys().map(|(project, _)| *project).collect();
    let (mut lines, mut written) = (Vec::new(), Written::default());
    for name in &projects {
        let of: Vec<&File> = files.values().filter(|file| file.project == *name).copied().collect();
        tell_project(&directory, name, &of, &mut lines, &mut written)?;
    }
    let projects = projects.iter().map(ToString::to_string).collect();
    let header = Header { projects, ..Header::new(&newest.header.device, &newest.header.name, newest.header.number) };
    Manifest { header, lines }.write_receipt(&Manifest::receipt_at(bundle))?;
    Ok(written)
}

fn tell_project(
    directory: &Directory,
    name: &str,
    files: &[&File],
    lines: &mut Vec<Line>,
    written: &mut Written,
) -> Result<()> {
    let (project, access) = (ProjectDir::new(directory.root(), name), directory.access());
    put_back::finish(&project, access)?;
    let rejected = Rejected::open(&project, access)?;
    let (known, left) = (progress::known(&project)?, rejected.left_places()?);
    let mut told = HashSet::new();
    for file in files {
        let Some(done) = done(&project, file, &known, &left)? else { continue };
        let acknowledged = union(&done.acknowledged);
        match acknowledged.covers(file.records) {
            true => written.whole += 1,
            false => written.partly += 1,
        }
        written.records += acknowledged.count_below(file.records);
        if !acknowledged.is_empty() {
            told.insert(done.file.clone());
            lines.push(Line::Done(done));
        }
    }
    rejected.each(|entry| {
        if entry.places.iter().filter_map(|place| split(place)).any(|(file, _)| told.contains(file)) {
            let entry = RawValue::from_string(entry.to_json(true)?);
            let entry = entry.map_err(|cause| Error::new(Status::Panic, format!("a rejection: {cause}")))?;
            lines.push(Line::Rejected { project: name.to_string(), entry });
            written.rejected += 1;
        }
        Ok(())
    })?;
    if OpenCalls::is_noted(&project) {
        OpenCalls::open(&project, access)?.each(|id, call| {
            lines.push(Line::Open { project: name.to_string(), id: id.to_string(), call: call.clone() });
            Ok(())
        })?;
    }
    let given = learned::given(&project.sync_folder())?;
    lines.extend(given.into_iter().map(|given| Line::Digest { project: name.to_string(), given }));
    Ok(())
}

fn union(by: &BTreeMap<String, Ranges>) -> Ranges {
    let mut all = Ranges::default();
    by.values().for_each(|records| all.insert_all(records));
    all
}

/// What came of a data file; `None` if it was not unpacked.
fn done(
    project: &ProjectDir,
    file: &File,
    known: &std::collections::HashMap<String, progress::Known>,
    left: &Places,
) -> Result<Option<Done>> {
    let path = project.path.join(&file.file);
    let (project_name, name) = (file.project.clone(), file.file.clone());
    if let Ok(about) = fs::metadata(&path) {
        let Some(sha256) = blobs::hash(&path, about.len())? else { return Ok(None) };
        let acknowledged = known.get(&file.file).map(|known| known.by.clone()).unwrap_or_default();
        let mut left = left.get(&file.file).cloned().unwrap_or_default();
        left.remove_all(&file.rejected); // what the device itself has set aside
        return Ok(Some(Done { project: project_name, file: name, bytes: about.len(), sha256, acknowledged, left }));
    }
    let Some(data_file) = DataFile::parse(&path) else { return Ok(None) };
    let folder = file.file.split_once('/').map_or("", |(folder, _)| folder);
    let Ok(Receipt { header, .. }) = Receipt::open(&path_of(project, folder, &data_file)) else { return Ok(None) };
    let receipts::Header { sha256, bytes, records, server, to, .. } = header;
    let all = Ranges::from(vec![(0, records.saturating_sub(1))]);
    let acknowledged = BTreeMap::from([(format!("{server} {to}"), all)]);
    Ok(Some(Done { project: project_name, file: name, bytes, sha256, acknowledged, left: Ranges::default() }))
}
