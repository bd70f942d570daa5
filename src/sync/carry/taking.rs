//! On the device: taking a receipt. What it says of a project is taken whole or not at all, since the start and the end of
//! a call may stand in two files.
//!
//! Only what is news changes anything: records of files that are pending here, whose bytes are those that the base had,
//! and that are not acknowledged. So a receipt may be taken again, or come late. The order is that of a sync: digests,
//! open calls and rejected records are on the disk before the records count as acknowledged. Until then they are in doubt,
//! since they were packed.

use super::blobs;
use super::device::Device;
use super::manifest::{Done, Line, Manifest};
use super::waiting::whole;
use crate::error::{Error, Result, Status};
use crate::log;
use crate::store::layout::{DataFile, ProjectDir};
use crate::store::reader::Reader;
use crate::sync::kept::directory::Directory;
use crate::sync::kept::learned;
use crate::sync::kept::marking::mark_synced;
use crate::sync::kept::open_calls::OpenCalls;
use crate::sync::kept::progress::{self, Known};
use crate::sync::kept::ranges::Ranges;
use crate::sync::kept::receipt_ids::{receipt_of, Namer};
use crate::sync::kept::receipts::About;
use crate::sync::kept::rejected::{Entry, Places, Rejected};
use crate::sync::kept::requeue::split;
use crate::sync::snapshot::{Extent, Snapshot};
use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::Path;

/// What came of a receipt.
#[derive(Debug, Clone, Default)]
pub struct Taken {
    /// Records that are acknowledged since.
    pub records: u64,
    /// How many entries of rejected records came along.
    pub rejected: u64,
    /// Why it, or what it says of a project, was not taken. Nothing was changed for that.
    pub problems: Vec<String>,
}

/// Takes a receipt, `None` if there is none; then gives files that were sent whole the name that says so.
pub(super) fn take(directory: &Directory, device: &Device, path: &Path) -> Result<Option<Taken>> {
    let taken = match path.exists() {
        false => None,
        true => Some(take_it(directory, device, path)?),
    };
    if taken.as_ref().is_some_and(|taken| taken.problems.is_empty()) {
        // It has said what it had to say, and would be told as old the next time.
        fs::remove_file(path).map_err(|cause| Error::io("cannot remove", path, &cause))?;
    }
    for project in directory.projects(&[])? {
        mark_whole_files(directory, &project)?;
    }
    Ok(taken)
}

fn take_it(directory: &Directory, device: &Device, path: &Path) -> Result<Taken> {
    let mut taken = Taken::default();
    let receipt = match Manifest::read(path) {
        Ok(receipt) => receipt,
        Err(error) => {
            taken.problems.push(format!("{}; have it written again (weave receipt)", error.text()));
            return Ok(taken);
        }
    };
    if receipt.header.device != device.id {
        let of = &receipt.header.name;
        taken
            .problems
            .push(format!("{} is a receipt for another device ({of}), or for another directory", path.display()));
        return Ok(taken);
    }
    for project in directory.projects(&[])? {
        if let Err(error) = take_project(&receipt, &project, directory, &mut taken) {
            if error.status() != Status::Rejected {
                return Err(error);
            }
            taken.problems.push(error.text().to_string());
        }
    }
    Ok(taken)
}

fn take_project(receipt: &Manifest, project: &ProjectDir, directory: &Directory, taken: &mut Taken) -> Result<()> {
    let (name, access) = (project.name(), directory.access());
    let done = receipt.lines.iter().filter_map(|line| match line {
        Line::Done(done) if done.project == name => Some(done),
        _ => None,
    });
    let (here, mut news, mut left) = (progress::known(project)?, BTreeMap::new(), Places::new());
    for done in done {
        if let Some(fresh) = fresh(done, project, here.get(&done.file))? {
            news.insert(done.file.clone(), fresh);
            if !done.left.is_empty() {
                left.insert(done.file.clone(), done.left.clone());
            }
        }
    }
    let mut rejected = Rejected::open(project, access)?;
    // Those that were brought here before the base put them back, or dropped them.
    rejected.forget(&left)?;
    news.retain(|_, known: &mut Known| !known.acknowledged().is_empty());
    if news.is_empty() {
        return Ok(());
    }
    learned::take_over(&project.sync_folder(), &receipt.digests(&name), access)?;
    note_open_calls(receipt, project, &news, directory)?;
    for line in &receipt.lines {
        let Line::Rejected { project: of, entry } = line else { continue };
        let Some(entry) = Entry::read(entry.get().as_bytes()).filter(|_| *of == name) else { continue };
        let mut places = entry.places.iter().filter_map(|place| split(place));
        if places.any(|(file, index)| news.get(file).is_some_and(|known| known.acknowledged().contains(index))) {
            taken.rejected += 1;
            rejected.add(entry)?;
        }
    }
    let is_news = |(file, records): (String, Ranges)| news.contains_key(&file).then_some((file, records));
    rejected.add_left(&left.into_iter().filter_map(is_news).collect())?;
    progress::take_over(project, &news, &BTreeMap::new(), access)?;
    taken.records += news.values().map(|known| known.acknowledged().count_below(u64::MAX)).sum::<u64>();
    Ok(())
}

/// What is news of a file; `None` if it does not wait here.
fn fresh(done: &Done, project: &ProjectDir, here: Option<&Known>) -> Result<Option<Known>> {
    let path = project.path.join(&done.file);
    if !path.exists() {
        return Ok(None);
    }
    if blobs::hash(&path, done.bytes)?.as_ref() != Some(&done.sha256) {
        let text = format!(
            "the receipt is not about the {} that is here: its bytes are others. Nothing of {} is taken from it",
            done.file, done.project
        );
        return Err(Error::new(Status::Rejected, text));
    }
    let acknowledged = here.map(Known::acknowledged).unwrap_or_default();
    let (_, records) = whole(&Extent { file: data_file(&path)?, length: done.bytes, live: true })?;
    let mut fresh = Known { by: done.acknowledged.clone(), ..Known::default() };
    fresh.by.values_mut().for_each(|of| of.remove_all(&acknowledged));
    fresh.cut(records);
    Ok(Some(fresh))
}

fn data_file(path: &Path) -> Result<DataFile> {
    let text = || format!("{} is no data file", path.display());
    DataFile::parse(path).ok_or_else(|| Error::new(Status::Rejected, text()))
}

/// Notes calls as open whose start is acknowledged from now on, and whose end is not. Others are known already.
fn note_open_calls(
    receipt: &Manifest,
    project: &ProjectDir,
    news: &BTreeMap<String, Known>,
    directory: &Directory,
) -> Result<()> {
    let open: HashMap<String, _> = receipt.open_calls(&project.name()).into_iter().collect();
    let mut found = Vec::new();
    if open.is_empty() {
        return Ok(());
    }
    // Starts are told apart by their names in receipts, which ask nobody.
    let namer = Namer::new(project, "", "", directory.access())?;
    for (file, known) in news.iter().filter(|(file, _)| file.starts_with("calls/")) {
        let (records, mut reader) = (known.acknowledged(), Reader::open(&project.path.join(file))?);
        for (first, last) in records.iter() {
            reader.skip_to(first);
            while let Some(index) = reader.advance()? {
                let names = namer.of_line("", reader.line());
                let is_start = names.id.flatten().is_some_and(|id| id.starts_with("start/"));
                let call = names.call.filter(|_| is_start).and_then(|id| Some((open.get(&id)?.clone(), id)));
                found.extend(call.map(|(call, id)| (id, call)));
                if index >= last {
                    break;
                }
            }
        }
    }
    match found.is_empty() {
        true => Ok(()),
        false => OpenCalls::open(project, directory.access())?.add(found),
    }
}

/// Files that are closed and acknowledged whole get their receipt and their name.
fn mark_whole_files(directory: &Directory, project: &ProjectDir) -> Result<()> {
    let known = progress::known(project)?;
    if known.is_empty() {
        return Ok(());
    }
    let rejected = Rejected::open(project, directory.access())?;
    for snapshot in Snapshot::take(directory.root(), &[project])? {
        for (folder, extent) in snapshot?.all().filter(|(_, extent)| !extent.live) {
            let name = extent.file.path.file_name().unwrap_or_default().to_string_lossy();
            let Some(known) = known.get(&format!("{folder}/{name}")) else { continue };
            if let Err(error) = mark_if_whole(directory, project, folder, extent, known, &rejected) {
                log::write(log::Level::Warning, || format!("{name} is not marked as synced: {error}"));
            }
        }
    }
    Ok(())
}

fn mark_if_whole(
    directory: &Directory,
    project: &ProjectDir,
    folder: &str,
    extent: &Extent,
    known: &Known,
    rejected: &Rejected,
) -> Result<()> {
    let named = known.by.iter().filter(|(to, _)| !to.is_empty());
    let most = named.max_by_key(|(_, records)| records.count_below(u64::MAX));
    let Some((server, to)) = most.and_then(|(to, _)| to.split_once(' ')) else { return Ok(()) };
    let acknowledged = known.acknowledged();
    if acknowledged.is_empty() || !acknowledged.covers(whole(extent)?.1) {
        return Ok(());
    }
    let mut elsewhere = Ranges::default();
    let destination = format!("{server} {to}");
    let others = known.by.iter().filter(|(of, _)| !of.is_empty() && **of != destination);
    others.for_each(|(_, records)| elsewhere.insert_all(records));
    let about = About { records: 0, rejected: 0, elsewhere: 0, server, to, server_version: None };
    mark_synced(directory.root(), &extent.file, extent.length, || {
        receipt_of(project, folder, &extent.file, (rejected, &elsewhere), about, directory.access())
    })
    .map(|_| ())
}
