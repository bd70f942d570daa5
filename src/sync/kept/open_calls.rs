//! Calls whose start was sent alone: remembered until their end has been sent too, even when the file of the start is
//! long gone.
//!
//! Kept in `.sync/open_calls.jsonl`: a line when a start is about to be sent, another when its end was taken.

use super::lines::{self, Appender};
use crate::error::Result;
use crate::store::journal::{self, JournalId};
use crate::store::layout::{Access, ProjectDir};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::fs;
use std::path::Path;

/// What is needed to send the end of an open call.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenCall {
    /// The call's trace.
    pub trace_id: Option<String>,
    /// When it began, as sent: with it the server finds the call faster.
    pub started_at: Option<String>,
    /// The journal of the program that began it, in hexadecimal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub writer: Option<String>,
}

impl OpenCall {
    /// Of the text of a call or of its start.
    pub fn of(text: &str, writer: Option<JournalId>) -> OpenCall {
        let known: OpenCall = serde_json::from_str(text).unwrap_or_default();
        OpenCall { writer: writer.map(|id| journal::name_of(&id)), ..known }
    }

    /// The journal of the program that began it, if that is known.
    pub fn writer(&self) -> Option<JournalId> {
        journal::id_of(Path::new(self.writer.as_ref()?))
    }
}

#[derive(Serialize, Deserialize)]
struct Entry {
    id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    open: Option<OpenCall>,
}

const FILE: &str = "open_calls.jsonl";

/// The open calls of a project.
pub struct OpenCalls {
    log: Appender,
    calls: HashMap<String, OpenCall>,
}

impl OpenCalls {
    /// Reads what earlier runs noted.
    pub fn open(project: &ProjectDir, access: Access) -> Result<Self> {
        let path = project.sync_folder().join(FILE);
        let mut calls = HashMap::new();
        lines::each(&path, |line| {
            match serde_json::from_slice::<Entry>(line) {
                Ok(Entry { id, open: Some(open) }) => drop(calls.insert(id, open)),
                Ok(Entry { id, open: None }) => drop(calls.remove(&id)),
                Err(_) => {} // torn
            }
            Ok(())
        })?;
        let whole = calls.iter().map(|(id, open): (&String, &OpenCall)| line(id, Some(open.clone())));
        let log = Appender::replace(path, access, &whole.collect::<Vec<_>>().concat())?;
        Ok(OpenCalls { log, calls })
    }

    /// Whether anything is noted of a project.
    pub fn is_noted(project: &ProjectDir) -> bool {
        fs::metadata(project.sync_folder().join(FILE)).is_ok_and(|about| about.len() > 0)
    }

    /// The open call with this id.
    pub fn get(&self, id: &str) -> Option<&OpenCall> {
        self.calls.get(id)
    }

    /// The open calls.
    pub fn iter(&self) -> impl Iterator<Item = (&String, &OpenCall)> {
        self.calls.iter()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.calls.is_empty()
    }

    /// Notes that the starts of calls are about to be sent.
    pub fn add(&mut self, calls: impl IntoIterator<Item = (String, OpenCall)>) -> Result<()> {
        let calls: Vec<(String, OpenCall)> = calls.into_iter().collect();
        self.note(calls.iter().map(|(id, open)| line(id, Some(open.clone()))).collect())?;
        self.calls.extend(calls);
        Ok(())
    }

    /// Notes that the ends of calls were taken.
    pub fn remove(&mut self, ids: &[String]) -> Result<()> {
        self.note(ids.iter().map(|id| line(id, None)).collect())?;
        ids.iter().for_each(|id| drop(self.calls.remove(id)));
        Ok(())
    }

    fn note(&mut self, lines: Vec<Vec<u8>>) -> Result<()> {
        if lines.is_empty() {
            return Ok(());
        }
        self.log.append(&lines.concat())
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
        let writer = Some([7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 0, 0]);
        let call = OpenCall::of(r#"{"id": "a", "trace_id": "t", "inputs": {}}"#, writer);
        assert_eq!((call.trace_id.as_deref(), call.writer()), (Some("t"), writer));
        open().add([("a".to_string(), call.clone())]).unwrap();
        assert_eq!(open().get("a"), Some(&call));
        open().remove(&["a".to_string()]).unwrap();
        assert!(open().is_empty());
    }
}
