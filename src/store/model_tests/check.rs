//! What is found in an offline directory, and what must hold of it.

use super::history::{text, Key};
use super::steps::Part;
use crate::record::kind::Kind;
use crate::store::hop::Members;
use crate::store::layout::{self, ProjectDir};
use crate::store::lock;
use crate::store::reader::Reader;
use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

/// Where each record is, and the texts in it.
pub type Found = HashMap<Key, (String, Vec<String>)>;

/// Every data file.
pub fn data_files(root: &Path) -> impl Iterator<Item = PathBuf> {
    let folders = layout::projects(root).unwrap().into_iter();
    let folders: Vec<PathBuf> = folders.flat_map(|project| Kind::ALL.map(|kind| project.kind(kind))).collect();
    folders.into_iter().flat_map(|folder| layout::data_files(&folder).unwrap()).map(|file| file.path)
}

/// Reads every record; none may be there twice.
pub fn found(root: &Path) -> Result<Found, String> {
    let mut found = Found::new();
    for path in data_files(root) {
        let mut reader = Reader::open(&path).unwrap();
        let mut line = Vec::new();
        while let Some(number) = reader.next_line(&mut line).unwrap() {
            let place = format!("{}, record {number}", path.strip_prefix(root).unwrap().display());
            let value: serde_json::Value =
                serde_json::from_slice(&line).map_err(|cause| format!("no JSON ({cause}): {place}"))?;
            let data = ["start", "end"].iter().find_map(|part| value["data"].get(part)).unwrap_or(&value["data"]);
            let id = data["id"].as_str().ok_or(format!("no id: {place}"))?;
            let id = u64::from_str_radix(id, 16).unwrap();
            let parts = match value["type"].as_str().unwrap_or_default() {
                "call_start" => vec![Part::Start],
                "call_end" => vec![Part::End],
                "call_complete" => vec![Part::Start, Part::End],
                "obj_create" => vec![Part::Object],
                "cost_create" => vec![Part::Cost],
                other => return Err(format!("a record of type {other}: {place}")),
            };
            let texts = [data, &data["inputs"], &data["output"]].map(|there| there["text"].as_str().map(String::from));
            let texts: Vec<String> = texts.into_iter().flatten().collect();
            for part in parts {
                if let Some((other, _)) = found.insert((part, id), (place.clone(), texts.clone())) {
                    return Err(format!("{part:?} {id} is there twice: {other}; {place}"));
                }
            }
        }
    }
    Ok(found)
}

/// Data files that nobody writes are whole for every reader, and their ends tell how many lines they have.
/// An empty one may be left where it could not be removed.
pub fn files_are_whole(root: &Path, may_be_empty: bool) -> Result<(), String> {
    for path in data_files(root).filter(|path| !lock::is_held(path)) {
        let bytes = fs::read(&path).unwrap();
        let mut lines = Vec::new();
        if bytes.is_empty() && may_be_empty {
            continue;
        }
        if path.extension().is_some_and(|end| end == "gz") {
            let mut members = Members::open(&path).unwrap().unwrap();
            let mut all = 0;
            while let Some((_, header)) = members.next_member().unwrap() {
                all += u64::from(header.records);
            }
            if members.position() != bytes.len() as u64 {
                return Err(format!("{} is torn at {} of {}", path.display(), members.position(), bytes.len()));
            }
            let told = members.lines_told_at_end().unwrap();
            if told != Some(all) {
                return Err(format!("{} tells of {told:?} lines and has {all}", path.display()));
            }
            flate2::read::MultiGzDecoder::new(bytes.as_slice())
                .read_to_end(&mut lines)
                .map_err(|cause| format!("{} is no gzip file, {} bytes: {cause}", path.display(), bytes.len()))?;
        } else {
            lines = bytes;
        }
        let is_json = |line: &&[u8]| serde_json::from_slice::<serde::de::IgnoredAny>(line).is_ok();
        let ends = lines.is_empty() || lines.ends_with(b"\n");
        if !ends || !lines.split_inclusive(|byte| *byte == b'\n').all(|line| is_json(&line)) {
            return Err(format!("{} has something else than lines", path.display()));
        }
    }
    Ok(())
}

fn damaged(root: &Path) -> Vec<PathBuf> {
    layout::entries(&root.join(layout::LIBRARY_FOLDER).join("damaged")).unwrap()
}

/// What is set aside has a reason; without a loss of power nothing is.
pub fn damaged_has_reasons(root: &Path, power_was_lost: bool) -> Result<(), String> {
    let all = damaged(root);
    if !power_was_lost && !all.is_empty() {
        let told = all.iter().filter(|path| path.extension().is_some_and(|end| end == "txt"));
        let reasons: Vec<String> = told.map(|path| fs::read_to_string(path).unwrap()).collect();
        return Err(format!("set aside without need: {reasons:?}"));
    }
    let is_copy = |path: &&PathBuf| {
        let name = path.file_name().unwrap().to_str().unwrap();
        !name.starts_with('.') && !name.ends_with(".txt")
    };
    for path in all.iter().filter(is_copy) {
        let note = PathBuf::from(format!("{}.txt", path.display()));
        if fs::read(&note).unwrap_or_default().is_empty() {
            return Err(format!("{} has no reason", path.display()));
        }
    }
    Ok(())
}

/// What recovery took off the files that a loss of power left is set aside.
pub fn nothing_was_cut_in_silence(root: &Path, left: &BTreeMap<PathBuf, Vec<u8>>) -> Result<(), String> {
    let kept: Vec<Vec<u8>> = damaged(root).iter().map(|path| fs::read(path).unwrap()).collect();
    for (path, before) in left {
        let now = fs::read(path).unwrap_or_default();
        let cut = before.get(now.len()..).unwrap_or_default();
        if cut.iter().any(|byte| *byte != 0) && !kept.iter().any(|kept| kept.ends_with(cut) || kept.starts_with(cut)) {
            return Err(format!("{} was cut at {} of {} and not kept", path.display(), now.len(), before.len()));
        }
    }
    Ok(())
}

/// The bytes of a file are what was stored.
pub fn body(root: &Path, project: &str, number: u64, length: usize, must_be_there: bool) -> Result<(), String> {
    let path = ProjectDir::new(root, project).file_body(&format!("digest{number}"));
    match fs::read(&path) {
        Ok(bytes) if bytes == text(number, Part::Object, length).as_bytes() => Ok(()),
        Ok(bytes) => Err(format!("{} is wrong, {} bytes of {length}", path.display(), bytes.len())),
        Err(_) if !must_be_there => Ok(()),
        Err(cause) => Err(format!("{}: {cause}", path.display())),
    }
}
