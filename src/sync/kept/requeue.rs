//! Putting records back among those that are to be sent, each exactly once, whenever it is cut short.
//!
//! The lines are written to a file in `.sync`, where no reader looks for records, and that is brought to the disk. Then
//! its owner (the rejected records, or a verification) notes durably which records it moves by that name. Then the file
//! gets the next free name of its kind. So, when a note is found: the file lies in `.sync` still and gets its name now,
//! or it does not and has had it, whatever became of it since. A file that no note names was never moved and is removed.
//! No number is noted: another writer may take it in between.
//!
//! Touches `.sync`, the folder of the kind, and nothing of the network.

use super::lines::Appender;
use crate::error::{Error, Result, Status};
use crate::record::ids::Id;
use crate::record::kind::RecordType;
use crate::record::time::Timestamp;
use crate::store::disk;
use crate::store::layout::{self, Access, DataFile, ProjectDir, MOVING};
use crate::store::member::Writer;
use serde::Deserialize;
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{ErrorKind, Write};
use std::path::PathBuf;

/// What is moved rarely is packed well.
const LEVEL: i32 = 6;

/// A member is written when it holds this much.
const MEMBER_BYTES: usize = 256 * 1024;

/// A file that is moved is closed when it holds this many records or bytes, so that a note of it stays short.
const FILE_RECORDS: u64 = 10_000;
const FILE_BYTES: u64 = 64 * 1024 * 1024;

/// A data file in the making.
pub(in crate::sync) struct Moving {
    path: PathBuf,
    name: String,
    file: File,
    writer: Writer,
    lines: Vec<u8>,
    in_member: u32,
    records: u64,
    bytes: u64,
}

impl Moving {
    /// Begins a file for an owner, by whose name it is told from those of others.
    pub(in crate::sync) fn begin(project: &ProjectDir, owner: &str, access: Access) -> Result<Moving> {
        let folder = project.sync_folder();
        access.make_directory(&folder)?;
        let name = format!("{owner}-{}{MOVING}", Id::new());
        let path = folder.join(&name);
        let file = access.create_file(&path).map_err(|cause| Error::io("cannot make", &path, &cause))?;
        let (lines, writer) = (Vec::new(), Writer::new(LEVEL)?);
        Ok(Moving { path, name, file, writer, lines, in_member: 0, records: 0, bytes: 0 })
    }

    /// Adds a line that stood at `place`; says whether the file is full now.
    pub(in crate::sync) fn add(&mut self, line: &str, place: &str) -> Result<bool> {
        self.lines.extend_from_slice(with_id(line, place).as_bytes());
        self.lines.push(b'\n');
        self.in_member += 1;
        self.records += 1;
        if self.lines.len() >= MEMBER_BYTES {
            self.write()?;
        }
        Ok(self.records >= FILE_RECORDS || self.bytes + self.lines.len() as u64 >= FILE_BYTES)
    }

    /// Brings the file to the disk. Its name is what the note is about.
    pub(in crate::sync) fn seal(mut self) -> Result<String> {
        self.write()?;
        disk::sync(&self.file, &self.path).map_err(|cause| Error::io("cannot sync", &self.path, &cause))?;
        disk::sync_directory(self.path.parent().unwrap_or(&self.path))?;
        Ok(self.name)
    }

    fn write(&mut self) -> Result<()> {
        if self.in_member > 0 {
            let member = self.writer.write(&self.lines, self.in_member, &[])?;
            self.file.write_all(&member).map_err(|cause| Error::io("cannot write", &self.path, &cause))?;
            self.bytes += self.lines.len() as u64;
            self.lines.clear();
            self.in_member = 0;
        }
        Ok(())
    }
}

/// Gives a moved file the next free name in a folder, if it has none yet.
pub(in crate::sync) fn place(project: &ProjectDir, name: &str, folder: &str, access: Access) -> Result<()> {
    if !layout::is_data_folder(folder) || !name.ends_with(MOVING) || name.contains('/') {
        return Err(Error::new(
            Status::Io,
            format!("{}: a note names \"{name}\" for \"{folder}\", which cannot be", project.sync_folder().display()),
        ));
    }
    let from = project.sync_folder().join(name);
    let to = project.path.join(folder);
    let failed = |cause| Error::io("cannot put back", &from, &cause);
    if !from.try_exists().map_err(failed)? {
        return Ok(());
    }
    access.make_directory(&to)?;
    let date = Timestamp::now().date_digits();
    let mut number = layout::next_number(&to, &date)?;
    loop {
        match disk::rename_new(&from, &to.join(DataFile::pending_name(&date, number, true))) {
            Ok(()) => break,
            Err(cause) if cause.kind() == ErrorKind::AlreadyExists => number += 1,
            Err(cause) => return Err(failed(cause)),
        }
    }
    disk::sync_directory(&to)?;
    disk::sync_directory(&project.sync_folder())
}

/// Removes an owner's files that no note names. Called when those that one names have their place.
pub(in crate::sync) fn remove_unnamed(project: &ProjectDir, owner: &str) -> Result<()> {
    for path in layout::entries(&project.sync_folder())? {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if name.starts_with(&format!("{owner}-")) && name.ends_with(MOVING) {
            disk::remove_file(&path).map_err(|cause| Error::io("cannot remove", &path, &cause))?;
        }
    }
    Ok(())
}

/// Notes as acknowledged what is to be moved from files that are still pending, so that it is not sent from there too. Of
/// a file that cannot be looked at just now that is noted as well.
pub(in crate::sync) fn acknowledge(project: &ProjectDir, places: &[String], access: Access) -> Result<()> {
    let mut files: BTreeMap<&str, Vec<(u64, u64)>> = BTreeMap::new();
    for (file, index) in places.iter().filter_map(|place| split(place)) {
        files.entry(file).or_default().push((index, index));
    }
    let is_gone = |file: &str| matches!(project.path.join(file).try_exists(), Ok(false));
    let mut text = String::new();
    for (file, records) in files.into_iter().filter(|(file, _)| !is_gone(file)) {
        text.push_str(&serde_json::json!({"file": file, "records": records}).to_string());
        text.push('\n');
    }
    match text.is_empty() {
        true => Ok(()),
        false => Appender::new(project.sync_folder().join("progress.jsonl"), access).append(text.as_bytes()),
    }
}

/// The file of a place and the number of the record in it.
pub(in crate::sync) fn split(place: &str) -> Option<(&str, u64)> {
    let (file, index) = place.rsplit_once('#')?;
    Some((file, index.parse().ok()?))
}

/// The folder of a place.
pub(in crate::sync) fn folder_of(place: &str) -> Option<&str> {
    place.split_once('/').map(|(folder, _)| folder).filter(|folder| layout::is_data_folder(folder))
}

/// The id of feedback that was recorded without one: made of the place of its record, so that it is the same each time
/// it is sent. Feedback without an id would be a new row each time (protocol, section 15).
pub(in crate::sync) fn feedback_id(place: &str) -> String {
    let digest = Sha256::digest(place.as_bytes());
    let bytes = digest.first_chunk::<16>().copied().unwrap_or_default();
    uuid::Builder::from_custom_bytes(bytes).into_uuid().to_string()
}

#[derive(Deserialize)]
struct Line<'a> {
    #[serde(rename = "type")]
    record_type: &'a str,
    timestamp: &'a str,
    #[serde(borrow)]
    data: BTreeMap<String, &'a RawValue>,
}

/// A line as it is put back: the same, but feedback takes along the id that it had by its first place.
fn with_id<'l>(line: &'l str, place: &str) -> Cow<'l, str> {
    let Ok(parsed) = serde_json::from_str::<Line<'_>>(line) else { return Cow::Borrowed(line) };
    let has_id = parsed.data.get("id").is_some_and(|id| id.get() != "null");
    if parsed.record_type != RecordType::FeedbackCreate.name() || has_id {
        return Cow::Borrowed(line);
    }
    let id = serde_json::json!(feedback_id(place)).to_string();
    let mut fields = vec![format!("\"id\":{id}")];
    let others = parsed.data.iter().filter(|(name, _)| *name != "id");
    fields.extend(others.map(|(name, value)| format!("{}:{}", serde_json::json!(name), value.get())));
    // The project stands first, as in every line of the library's.
    fields.sort_by_key(|field| !field.starts_with("\"project_id\":"));
    let (record_type, timestamp) = (serde_json::json!(parsed.record_type), serde_json::json!(parsed.timestamp));
    let data = fields.join(",");
    Cow::Owned(format!("{{\"type\":{record_type},\"timestamp\":{timestamp},\"data\":{{{data}}}}}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::reader::Reader;
    use std::fs;

    fn project(root: &std::path::Path) -> ProjectDir {
        ProjectDir::new(root, "team/demo")
    }

    fn moved(project: &ProjectDir, lines: &[&str]) -> String {
        let mut moving = Moving::begin(project, "test", Access::Owner).unwrap();
        for (number, line) in lines.iter().enumerate() {
            assert!(!moving.add(line, &format!("feedback/20260101_0000.jsonl.gz#{number}")).unwrap());
        }
        moving.seal().unwrap()
    }

    fn pending(project: &ProjectDir) -> Vec<Vec<String>> {
        let read = |file: &DataFile| {
            let (mut reader, mut line, mut lines) = (Reader::open(&file.path).unwrap(), Vec::new(), Vec::new());
            while reader.next_line(&mut line).unwrap().is_some() {
                lines.push(String::from_utf8(line.clone()).unwrap());
            }
            lines
        };
        layout::data_files(&project.path.join("feedback")).unwrap().iter().map(read).collect()
    }

    #[test]
    fn what_is_placed_twice_is_there_once_behind_all_that_has_been() {
        let root = tempfile::tempdir().unwrap();
        let project = project(root.path());
        let folder = project.path.join("feedback");
        fs::create_dir_all(&folder).unwrap();
        let today = Timestamp::now().date_digits();
        fs::write(folder.join(format!("{today}_0004.deleted")), b"").unwrap();
        let name = moved(&project, &["{\"type\":\"x\"}"]);
        assert!(pending(&project).is_empty());
        place(&project, &name, "feedback", Access::Owner).unwrap();
        place(&project, &name, "feedback", Access::Owner).unwrap();
        assert_eq!(pending(&project), [["{\"type\":\"x\"}"]]);
        assert!(folder.join(format!("{today}_0005.jsonl.gz")).exists());
    }

    #[test]
    fn a_file_that_no_note_names_is_removed_and_those_of_others_stay() {
        let root = tempfile::tempdir().unwrap();
        let project = project(root.path());
        let (mine, other) = (moved(&project, &["{}"]), project.sync_folder().join("other-1.moving"));
        fs::write(&other, b"").unwrap();
        remove_unnamed(&project, "test").unwrap();
        assert!(!project.sync_folder().join(mine).exists() && other.exists());
    }

    #[test]
    fn feedback_takes_the_id_of_its_first_place_along() {
        let root = tempfile::tempdir().unwrap();
        let project = project(root.path());
        let without =
            r#"{"type":"feedback_create","timestamp":"t","data":{"a":1.50,"id":null,"project_id":"team/demo"}}"#;
        let with = r#"{"type": "feedback_create", "timestamp": "t", "data": {"id": "x", "n": 1}}"#;
        let name = moved(&project, &[without, with]);
        place(&project, &name, "feedback", Access::Owner).unwrap();
        let id = feedback_id("feedback/20260101_0000.jsonl.gz#0");
        let expected = format!(
            r#"{{"type":"feedback_create","timestamp":"t","data":{{"project_id":"team/demo","id":"{id}","a":1.50}}}}"#
        );
        assert_eq!(pending(&project), [[expected, with.to_string()]]);
    }

    #[test]
    fn only_what_is_still_pending_is_acknowledged() {
        let root = tempfile::tempdir().unwrap();
        let project = project(root.path());
        fs::create_dir_all(project.path.join("calls")).unwrap();
        fs::write(project.path.join("calls/a.jsonl"), b"").unwrap();
        let places = ["calls/a.jsonl#3", "calls/gone.jsonl#1", "calls/a.jsonl#7"].map(str::to_string);
        acknowledge(&project, &places, Access::Owner).unwrap();
        let noted = fs::read_to_string(project.sync_folder().join("progress.jsonl")).unwrap();
        assert_eq!(noted, "{\"file\":\"calls/a.jsonl\",\"records\":[[3,3],[7,7]]}\n");
    }

    #[test]
    fn what_lies_in_a_file_that_cannot_be_looked_at_is_acknowledged() {
        let root = tempfile::tempdir().unwrap();
        let project = project(root.path());
        fs::create_dir_all(project.path.join("calls")).unwrap();
        std::os::unix::fs::symlink("a.jsonl", project.path.join("calls/a.jsonl")).unwrap();
        acknowledge(&project, &["calls/a.jsonl#3".to_string()], Access::Owner).unwrap();
        let noted = fs::read_to_string(project.sync_folder().join("progress.jsonl")).unwrap();
        assert_eq!(noted, "{\"file\":\"calls/a.jsonl\",\"records\":[[3,3]]}\n");
    }

    #[test]
    fn a_note_leads_nowhere_outside_of_the_project() {
        let root = tempfile::tempdir().unwrap();
        let project = project(root.path());
        for (name, folder) in [("../x.moving", "calls"), ("x.moving", "../../x"), ("x", "calls")] {
            assert!(place(&project, name, folder, Access::Owner).is_err(), "{name} {folder}");
        }
    }
}
