//! Records that a verification did not find on the server, put back from their synced files to be sent again, once.
//!
//! What was put back is noted in `.sync/put_back.jsonl`: `{"file", "records", "ids", "moving", "to"}`, which records of
//! which file, their ids, and the file that moves them (see `requeue`). What has such an id is not put back again, from
//! this file or from the one that it lies in since: a server shows some of what somebody has deleted as if it had never
//! been there, and would get it again and again.

use super::lines::{self, Appender};
use super::open_calls::{OpenCall, OpenCalls};
use super::ranges::Ranges;
use super::receipt_ids::{Namer, Names};
use super::rejected::Rejected;
use super::requeue::{self, Moving};
use crate::error::Result;
use crate::record::kind::Kind;
use crate::store::layout::{self, Access, DataFile, ProjectDir};
use crate::store::reader::Reader;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::{HashMap, HashSet};
use std::path::PathBuf;

const FILE: &str = "put_back.jsonl";
const OWNER: &str = "missing";

#[derive(Serialize, Deserialize)]
struct Note {
    file: String,
    records: Vec<(u64, u64)>,
    #[serde(default)]
    ids: Vec<String>,
    moving: String,
    to: String,
}

/// Ids that are sought, by their hashes.
#[derive(Default)]
pub(in crate::sync) struct Sought(HashSet<[u8; 16]>);

impl Sought {
    /// Adds an id of a receipt.
    pub(in crate::sync) fn add(&mut self, id: &str) {
        self.0.insert(hash(id));
    }

    pub(in crate::sync) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn has(&self, id: &str) -> bool {
        self.0.contains(&hash(id))
    }

    /// A call is put back with all that is known of it: whatever part is missing, the others alone say little.
    fn has_call(&self, call: &str) -> bool {
        ["", "start/", "end/"].iter().any(|form| self.has(&format!("{form}{call}")))
    }
}

/// What was put back in a project, open for adding to it. Whoever has it holds the directory's lock.
pub(in crate::sync) struct PutBack<'p> {
    project: &'p ProjectDir,
    access: Access,
    log: Appender,
    files: HashMap<String, Ranges>,
    /// Put back before this was opened: an object that lies in two files is put back from both, so that its latest version
    /// comes last again.
    ids: Sought,
}

/// Finishes what a crash left of putting records back, those that were rejected among them. Whoever looks at what is
/// pending does so before; it holds the directory's lock.
pub(in crate::sync) fn finish(project: &ProjectDir, access: Access) -> Result<()> {
    if layout::is_anything_moving(project)? {
        Rejected::open(project, access)?;
        PutBack::open(project, access)?;
    }
    Ok(())
}

/// Records of one file on their way back, and the ids of those that have one.
struct Taken {
    moving: Moving,
    records: Ranges,
    ids: Vec<String>,
}

impl Taken {
    fn begin(project: &ProjectDir, access: Access) -> Result<Taken> {
        Ok(Taken { moving: Moving::begin(project, OWNER, access)?, records: Ranges::default(), ids: Vec::new() })
    }
}

/// What became of the records that were sought.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(in crate::sync) struct Done {
    /// Records that were put back now.
    pub(in crate::sync) put_back: u64,
    /// Records, or ids, that were put back before.
    pub(in crate::sync) before: u64,
}

impl<'p> PutBack<'p> {
    /// Reads what was put back, and finishes what a crash left of it.
    pub(in crate::sync) fn open(project: &'p ProjectDir, access: Access) -> Result<PutBack<'p>> {
        let log = Appender::new(project.sync_folder().join(FILE), access);
        let (mut files, mut ids) = (HashMap::<String, Ranges>::new(), Sought::default());
        lines::each(log.path(), |line| {
            if let Ok(note) = serde_json::from_slice::<Note>(line) {
                requeue::place(project, &note.moving, &note.to, access)?;
                let known = files.entry(note.file).or_default();
                note.records.iter().for_each(|(first, last)| known.insert(*first, *last));
                note.ids.iter().for_each(|id| ids.add(id));
            }
            Ok(())
        })?;
        requeue::remove_unnamed(project, OWNER)?;
        Ok(PutBack { project, access, log, files, ids })
    }

    /// Puts the records back that are sought and lie in a file, `file` by its name while pending; `None` when it is gone.
    pub(in crate::sync) fn take(&mut self, file: &str, sought: &Sought, namer: &Namer) -> Result<Option<Done>> {
        let left = Sought(sought.0.difference(&self.ids.0).copied().collect());
        let (mut done, mut taken) = (Done { put_back: 0, before: (sought.0.len() - left.0.len()) as u64 }, None);
        if left.is_empty() {
            return Ok(Some(done));
        }
        let Some((folder, path)) = self.content(file) else { return Ok(None) };
        let (mut reader, mut line) = (Reader::open(&path)?, Vec::new());
        while let Some(index) = reader.next_line(&mut line)? {
            let place = format!("{file}#{index}");
            let Names { id, call } = namer.of_line(&place, &line);
            let id = id.flatten();
            let by_id = id.as_ref().is_some_and(|id| left.has(id));
            if !by_id && !call.is_some_and(|call| left.has_call(&call)) {
                continue;
            }
            if self.files.get(file).is_some_and(|known| known.contains(index)) {
                done.before += 1;
                continue;
            }
            let mut open = match taken.take() {
                Some(open) => open,
                None => Taken::begin(self.project, self.access)?,
            };
            let is_full = open.moving.add(&String::from_utf8_lossy(&line), &place)?;
            open.records.insert(index, index);
            open.ids.extend(id);
            done.put_back += 1;
            match is_full {
                true => self.put(file, &folder, open)?,
                false => taken = Some(open),
            }
        }
        if let Some(open) = taken {
            self.put(file, &folder, open)?;
        }
        Ok(Some(done))
    }

    fn put(&mut self, file: &str, folder: &str, taken: Taken) -> Result<()> {
        let Taken { moving, records, ids } = taken;
        if folder == Kind::Calls.folder() {
            self.note_open_calls(&ids)?;
        }
        let name = moving.seal()?;
        let note = Note {
            file: file.to_string(),
            records: records.iter().collect(),
            ids,
            moving: name.clone(),
            to: folder.to_string(),
        };
        let mut text = serde_json::to_vec(&note).unwrap_or_default();
        text.push(b'\n');
        self.log.append(&text)?;
        self.files.entry(note.file).or_default().insert_all(&records);
        requeue::place(self.project, &name, folder, self.access)
    }

    /// An end whose start is not put back with it belongs to a start that the server has, or that is put back from another
    /// file: it is sent as the end of an open call. The start that it would wait for was sent long ago.
    fn note_open_calls(&self, ids: &[String]) -> Result<()> {
        let starts: HashSet<&str> = ids.iter().filter_map(|id| id.strip_prefix("start/")).collect();
        let ends = ids.iter().filter_map(|id| id.strip_prefix("end/")).filter(|call| !starts.contains(call));
        let ends: Vec<&str> = ends.collect();
        if ends.is_empty() {
            return Ok(());
        }
        let mut open = OpenCalls::open(self.project, self.access)?;
        let unknown: Vec<&str> = ends.into_iter().filter(|call| !open.contains(call)).collect();
        open.add(unknown.into_iter().map(|call| (call.to_string(), OpenCall::default())))
    }

    fn content(&self, file: &str) -> Option<(String, PathBuf)> {
        let (folder, _) = file.split_once('/')?;
        let pending = DataFile::parse(&self.project.path.join(file))?;
        let is_gone = |path: &PathBuf| matches!(path.try_exists(), Ok(false));
        let path = [pending.synced_path(), pending.path].into_iter().find(|path| !is_gone(path))?;
        Some((folder.to_string(), path))
    }
}

fn hash(id: &str) -> [u8; 16] {
    Sha256::digest(id.as_bytes()).first_chunk::<16>().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    const FILE_KEY: &str = "calls/20260101_0000.jsonl";

    fn project(root: &std::path::Path) -> ProjectDir {
        let project = ProjectDir::new(root, "team/demo");
        fs::create_dir_all(project.path.join("calls")).unwrap();
        let line = |kind: &str, data: &str| format!("{{\"type\":\"{kind}\",\"timestamp\":\"t\",\"data\":{data}}}\n");
        let lines = [
            line("call_start", r#"{"start":{"id":"a"}}"#),
            line("call_complete", r#"{"id":"b"}"#),
            line("call_update", r#"{"call_id":"a"}"#),
        ];
        fs::write(project.path.join("calls/20260101_0000.synced.jsonl"), lines.concat()).unwrap();
        project
    }

    fn take(project: &ProjectDir, ids: &[&str]) -> Option<Done> {
        let mut sought = Sought::default();
        ids.iter().for_each(|id| sought.add(id));
        let namer = Namer::new(project, "http://x", "team/demo", Access::Owner).unwrap();
        PutBack::open(project, Access::Owner).unwrap().take(FILE_KEY, &sought, &namer).unwrap()
    }

    fn pending(project: &ProjectDir) -> Vec<String> {
        let mut lines = Vec::new();
        for file in layout::data_files(&project.path.join("calls")).unwrap().iter().filter(|file| !file.synced) {
            let (mut reader, mut line) = (Reader::open(&file.path).unwrap(), Vec::new());
            while reader.next_line(&mut line).unwrap().is_some() {
                lines.push(String::from_utf8(line.clone()).unwrap());
            }
        }
        lines
    }

    #[test]
    fn what_is_missing_is_put_back_once_and_the_rest_of_the_file_stays() {
        let root = tempfile::tempdir().unwrap();
        let project = project(root.path());
        assert_eq!(take(&project, &["start/a"]), Some(Done { put_back: 2, before: 0 }));
        assert_eq!(take(&project, &["start/a"]), Some(Done { put_back: 0, before: 1 }));
        let lines = pending(&project);
        assert!(lines.len() == 2 && lines[0].contains("call_start") && lines[1].contains("call_update"), "{lines:?}");
        assert!(project.path.join("calls/20260101_0000.synced.jsonl").exists());
    }

    #[test]
    fn nothing_is_doubled_or_lost_whichever_step_a_crash_came_after() {
        // Before the note: the file in the making is forgotten, and the record still to be put back.
        let root = tempfile::tempdir().unwrap();
        let one = project(root.path());
        let mut moving = Moving::begin(&one, OWNER, Access::Owner).unwrap();
        moving.add("{\"type\":\"x\"}", "calls/a#0").unwrap();
        let name = moving.seal().unwrap();
        assert_eq!(take(&one, &["b"]), Some(Done { put_back: 1, before: 0 }));
        assert!(!one.sync_folder().join(name).exists());
        assert_eq!(pending(&one).len(), 1);
        // After the note: it gets its place, and is not put back again.
        let root = tempfile::tempdir().unwrap();
        let two = project(root.path());
        let mut moving = Moving::begin(&two, OWNER, Access::Owner).unwrap();
        moving.add("{\"type\":\"x\"}", "calls/a#0").unwrap();
        let (file, moving, to) = (FILE_KEY.into(), moving.seal().unwrap(), "calls".into());
        let note = Note { file, records: vec![(1, 1)], ids: vec![], moving, to };
        let mut text = serde_json::to_vec(&note).unwrap();
        text.extend(b"\n{\"torn");
        fs::write(two.sync_folder().join(FILE), text).unwrap();
        assert_eq!(take(&two, &["b"]), Some(Done { put_back: 0, before: 1 }));
        assert_eq!(pending(&two), ["{\"type\":\"x\"}"]);
    }

    #[test]
    fn what_lies_in_two_files_is_put_back_from_both_at_once_and_then_from_none() {
        let root = tempfile::tempdir().unwrap();
        let project = project(root.path());
        let first = project.path.join("calls/20260101_0000.synced.jsonl");
        fs::copy(&first, project.path.join("calls/20260101_0001.synced.jsonl")).unwrap();
        let mut sought = Sought::default();
        sought.add("b");
        let namer = Namer::new(&project, "http://x", "team/demo", Access::Owner).unwrap();
        for done in [Done { put_back: 1, before: 0 }, Done { put_back: 0, before: 1 }] {
            let mut put_back = PutBack::open(&project, Access::Owner).unwrap();
            for file in [FILE_KEY, "calls/20260101_0001.jsonl"] {
                assert_eq!(put_back.take(file, &sought, &namer).unwrap(), Some(done));
            }
        }
    }

    #[test]
    fn a_file_that_is_gone_is_told() {
        let root = tempfile::tempdir().unwrap();
        let project = project(root.path());
        fs::remove_file(project.path.join("calls/20260101_0000.synced.jsonl")).unwrap();
        assert_eq!(take(&project, &["b"]), None);
    }
}
