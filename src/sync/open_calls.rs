//! Calls whose start was sent alone: remembered until their end has been sent too, even when the file of the start is
//! long gone.
//!
//! Kept in `.sync/open_calls.jsonl`: a line when a start is about to be sent, another when its end was taken.

use crate::error::{Error, Result};
use crate::store::layout::{Access, ProjectDir};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::path::PathBuf;

/// What is needed to send the end of an open call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenCall {
    /// The call's trace.
    pub trace_id: Option<String>,
    /// When it began, as sent: with it the server finds the call faster.
    pub started_at: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct Entry {
    id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    open: Option<OpenCall>,
}

/// The open calls of a project.
pub struct OpenCalls {
    path: PathBuf,
    log: File,
    calls: HashMap<String, OpenCall>,
}

impl OpenCalls {
    /// Reads what earlier runs noted.
    pub fn open(project: &ProjectDir, access: Access) -> Result<Self> {
        let path = project.sync_folder().join("open_calls.jsonl");
        let failed = |cause| Error::io("cannot use", &path, &cause);
        let text = match fs::read(&path) {
            Ok(text) => text,
            Err(cause) if cause.kind() == ErrorKind::NotFound => Vec::new(),
            Err(cause) => return Err(failed(cause)),
        };
        let mut calls = HashMap::new();
        for entry in text.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice::<Entry>(line).ok()) {
            match entry.open {
                Some(open) => calls.insert(entry.id, open),
                None => calls.remove(&entry.id),
            };
        }
        let temporary = path.with_extension("tmp");
        let _ = fs::remove_file(&temporary);
        let mut log = access.create_file(&temporary).map_err(failed)?;
        let whole = calls.iter().map(|(id, open)| line(id, Some(open.clone()))).collect::<Vec<_>>().concat();
        log.write_all(&whole).and_then(|()| log.sync_data()).map_err(failed)?;
        fs::rename(&temporary, &path).map_err(failed)?;
        Ok(OpenCalls { path, log, calls })
    }

    /// The open call with this id.
    pub fn get(&self, id: &str) -> Option<&OpenCall> {
        self.calls.get(id)
    }

    /// Notes that the start of a call is about to be sent.
    pub fn add(&mut self, id: &str, open: OpenCall) -> Result<()> {
        self.note(line(id, Some(open.clone())))?;
        self.calls.insert(id.to_string(), open);
        Ok(())
    }

    /// Notes that the end of a call was taken.
    pub fn remove(&mut self, id: &str) -> Result<()> {
        self.note(line(id, None))?;
        self.calls.remove(id);
        Ok(())
    }

    fn note(&mut self, line: Vec<u8>) -> Result<()> {
        let written = self.log.write_all(&line).and_then(|()| self.log.sync_data());
        written.map_err(|cause| Error::io("cannot write", &self.path, &cause))
    }
}

fn line(id: &str, open: Option<OpenCall>) -> Vec<u8> {
    let mut line = serde_json::to_vec(&Entry { id: id.to_string(), open }).unwrap_or_default();
    line.push(b'\n');
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_open_call_is_remembered_until_its_end_was_taken() {
        let root = tempfile::tempdir().unwrap();
        let project = ProjectDir::new(root.path(), "team/demo");
        fs::create_dir_all(project.sync_folder()).unwrap();
        let open = || OpenCalls::open(&project, Access::Owner).unwrap();
        let call = OpenCall { trace_id: Some("t".into()), started_at: None };
        open().add("a", call.clone()).unwrap();
        assert_eq!(open().get("a"), Some(&call));
        open().remove("a").unwrap();
        assert_eq!(open().get("a"), None);
    }
}
