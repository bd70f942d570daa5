//! Calls whose start was sent alone: remembered until their end has been sent too, even when the file of the start is
//! long gone.
//!
//! Kept in `.sync/open_calls.jsonl`: a line when a start is about to be sent, another when its end was taken.

use super::lines::{self, Appender};
use crate::error::{Error, Result};
use crate::store::journal::{self, JournalId};
use crate::store::layout::{Access, ProjectDir};
use crate::sync::line::IdKey;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Seek, SeekFrom};
use std::path::{Path, PathBuf};

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

/// The open calls of a project. In memory is only where the line of each stands.
pub struct OpenCalls {
    path: PathBuf,
    log: Appender,
    length: u64,
    calls: HashMap<IdKey, u64>,
}

impl OpenCalls {
    /// Reads what earlier runs noted, and writes it anew without what has ended.
    pub fn open(project: &ProjectDir, access: Access) -> Result<Self> {
        let path = project.sync_folder().join(FILE);
        let (mut places, mut at) = (HashMap::new(), 0);
        lines::each(&path, |line| {
            match serde_json::from_slice::<Entry>(line) {
                Ok(Entry { id, open: Some(_) }) => {
                    places.insert(IdKey::of(&id), at);
                }
                Ok(Entry { id, open: None }) => {
                    places.remove(&IdKey::of(&id));
                }
                Err(_) => {} // torn
            }
            at += line.len() as u64 + 1;
            Ok(())
        })?;
        let mut calls = OpenCalls { log: Appender::new(path.clone(), access), path, length: at, calls: places };
        if at > 0 {
            calls.compact(access)?;
        }
        Ok(calls)
    }

    /// Whether anything is noted of a project.
    pub fn is_noted(project: &ProjectDir) -> bool {
        fs::metadata(project.sync_folder().join(FILE)).is_ok_and(|about| about.len() > 0)
    }

    /// Whether a call is open.
    pub fn contains(&self, id: &str) -> bool {
        self.calls.contains_key(&IdKey::of(id))
    }

    /// The open call with this id.
    pub fn get(&self, id: &str) -> Result<Option<OpenCall>> {
        let Some(at) = self.calls.get(&IdKey::of(id)) else { return Ok(None) };
        let failed = |cause| Error::io("cannot read", &self.path, &cause);
        let mut file = File::open(&self.path).map_err(failed)?;
        file.seek(SeekFrom::Start(*at)).map_err(failed)?;
        let mut line = Vec::new();
        BufReader::new(file).read_until(b'\n', &mut line).map_err(failed)?;
        Ok(serde_json::from_slice::<Entry>(&line).ok().and_then(|entry| entry.open))
    }

    /// Gives every open call to `take`.
    pub fn each(&self, mut take: impl FnMut(&str, &OpenCall) -> Result<()>) -> Result<()> {
        let mut at = 0;
        lines::each(&self.path, |line| {
            let here = at;
            at += line.len() as u64 + 1;
            match serde_json::from_slice::<Entry>(line) {
                Ok(Entry { id, open: Some(open) }) if self.calls.get(&IdKey::of(&id)) == Some(&here) => {
                    take(&id, &open)
                }
                _ => Ok(()),
            }
        })
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.calls.is_empty()
    }

    /// Notes that the starts of calls are about to be sent.
    pub fn add(&mut self, calls: impl IntoIterator<Item = (String, OpenCall)>) -> Result<()> {
        let (mut lines, mut places) = (Vec::new(), Vec::new());
        for (id, open) in calls {
            places.push((IdKey::of(&id), self.length + lines.len() as u64));
            lines.extend(line(&id, Some(open)));
        }
        self.note(&lines)?;
        self.calls.extend(places);
        Ok(())
    }

    /// Notes that the ends of calls were taken.
    pub fn remove(&mut self, ids: &[String]) -> Result<()> {
        self.note(&ids.iter().flat_map(|id| line(id, None)).collect::<Vec<u8>>())?;
        for id in ids {
            self.calls.remove(&IdKey::of(id));
        }
        Ok(())
    }

    fn note(&mut self, lines: &[u8]) -> Result<()> {
        if !lines.is_empty() {
            self.log.append(lines)?;
            self.length += lines.len() as u64;
        }
        Ok(())
    }

    fn compact(&mut self, access: Access) -> Result<()> {
        let (mut places, mut at) = (HashMap::new(), 0);
        self.log = Appender::replace_by(self.path.clone(), access, |write| {
            self.each(|id, open| {
                let line = line(id, Some(open.clone()));
                places.insert(IdKey::of(id), at);
                at += line.len() as u64;
                write(&line)
            })
        })?;
        (self.calls, self.length) = (places, at);
        Ok(())
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
        assert_eq!(open().get("a").unwrap(), Some(call.clone()));
        let mut noted = Vec::new();
        open()
            .each(|id, call| {
                noted.push((id.to_string(), call.clone()));
                Ok(())
            })
            .unwrap();
        assert_eq!(noted, [("a".to_string(), call)]);
        open().remove(&["a".to_string()]).unwrap();
        assert!(open().is_empty());
    }
}
