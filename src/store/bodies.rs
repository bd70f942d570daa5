//! Which bytes of files are needed: those that a record names which was not sent, or which was rejected and may be sent
//! again.

use super::file_record::{FileLine, FileRecord, RejectedFile, FOLDERS};
use super::layout::{self, ProjectDir, REJECTED_FILE};
use super::lock;
use super::reader::Reader;
use crate::error::{Error, Result};
use std::collections::HashSet;
use std::fs::File;
use std::io::{BufRead, BufReader, ErrorKind};
use std::path::Path;

/// The names of the bytes of files that a project needs.
#[derive(Debug, Default)]
pub struct Bodies(HashSet<[u8; 16]>);

impl Bodies {
    /// Those of a project; `None` if not all records that were not sent can be read, or some are on the way back.
    pub fn needed(project: &ProjectDir) -> Result<Option<Self>> {
        let mut needed = Bodies::default();
        let rejected = project.sync_folder().join(REJECTED_FILE);
        // Before and after, since a record may change from one to the other meanwhile.
        needed.add_rejected(&rejected)?;
        for folder in FOLDERS {
            if !needed.add_pending(&project.path.join(folder))? {
                return Ok(None);
            }
        }
        needed.add_rejected(&rejected)?;
        Ok(if layout::is_anything_moving(project)? { None } else { Some(needed) })
    }

    /// Whether bytes are among them.
    pub fn contains(&self, name: &str) -> bool {
        self.0.contains(&key(name))
    }

    fn add(&mut self, record: &FileRecord) {
        self.0.extend(record.names().map(key));
    }

    fn add_pending(&mut self, folder: &Path) -> Result<bool> {
        for file in layout::data_files(folder)?.into_iter().filter(|file| !file.synced) {
            let (mut reader, mut line) = match Reader::open(&file.path) {
                Err(_) if !file.path.exists() => continue, // sent or dropped meanwhile
                opened => (opened?, Vec::new()),
            };
            while reader.next_line(&mut line)?.is_some() {
                match serde_json::from_slice::<FileLine>(&line) {
                    Ok(line) => self.add(&line.data),
                    Err(_) if line.iter().all(u8::is_ascii_whitespace) => continue,
                    Err(_) => return Ok(false),
                };
            }
            // The end of a file that grows may be under way: then its record is in a journal too, and its bytes are
            // recent.
            if reader.damage().is_some() && !lock::is_held(&file.path) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn add_rejected(&mut self, path: &Path) -> Result<()> {
        let failed = |cause| Error::io("cannot read", path, &cause);
        let file = match File::open(path) {
            Err(cause) if cause.kind() == ErrorKind::NotFound => return Ok(()),
            opened => opened.map_err(failed)?,
        };
        for line in BufReader::new(file).split(b'\n') {
            if let Ok(rejected) = serde_json::from_slice::<RejectedFile>(&line.map_err(failed)?) {
                rejected.lines.iter().for_each(|line| self.add(&line.data));
            }
        }
        Ok(())
    }
}

/// What a name is told by.
fn key(name: &str) -> [u8; 16] {
    let mut key = [0; 16];
    key.iter_mut().zip(name.bytes()).for_each(|(to, from)| *to = from);
    key
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn bytes_are_needed_by_what_is_pending_and_by_what_was_rejected() {
        let root = tempfile::tempdir().unwrap();
        let project = ProjectDir::new(root.path(), "team/demo");
        let line = |digest: &str| format!("{{\"type\":\"file_create\",\"data\":{{\"digest\":\"{digest}\"}}}}");
        for (name, text) in [
            ("files/20260101_0000.jsonl", line("pending")),
            ("files/20260101_0001.synced.jsonl", line("sent")),
            ("files_metadata/20260101_0000.jsonl", line("x\",\"file_id\":\"older")),
            (
                ".sync/rejected.jsonl",
                format!("{{\"place\":\"a\",\"lines\":[{}]}}\n{{\"moving\":[]}}\n", line("refused")),
            ),
        ] {
            let path = project.path.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, format!("{text}\n")).unwrap();
        }
        let needed = Bodies::needed(&project).unwrap().unwrap();
        let found = ["pending", "sent", "older", "refused", "other"].map(|name| needed.contains(name));
        assert_eq!(found, [true, false, true, true, false]);
    }

    #[test]
    fn nothing_is_known_when_a_record_that_was_not_sent_cannot_be_read() {
        let root = tempfile::tempdir().unwrap();
        let project = ProjectDir::new(root.path(), "team/demo");
        let folder = project.path.join("files");
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("20260101_0000.jsonl"), b"{\"data\":\n{}\n").unwrap();
        assert!(Bodies::needed(&project).unwrap().is_none());
    }

    #[test]
    fn nothing_is_known_while_records_are_on_the_way_back() {
        let root = tempfile::tempdir().unwrap();
        let project = ProjectDir::new(root.path(), "team/demo");
        fs::create_dir_all(project.sync_folder()).unwrap();
        assert!(Bodies::needed(&project).unwrap().is_some());
        fs::write(project.sync_folder().join("missing-1.moving"), b"").unwrap();
        assert!(Bodies::needed(&project).unwrap().is_none());
    }
}
