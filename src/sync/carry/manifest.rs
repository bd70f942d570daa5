//! The lines of a bundle's manifest and of a receipt. What another machine wrote is not believed: names must be those of
//! data files and of bytes of files, so that no path leads out of a project.

use super::sealed;
use crate::error::{Error, Result, Status};
use crate::record::names::split_project;
use crate::store::file_record::is_name;
use crate::store::layout::{is_data_folder, DataFile};
use crate::sync::kept::carried;
use crate::sync::kept::learned::Given;
use crate::sync::kept::open_calls::OpenCall;
use crate::sync::kept::ranges::Ranges;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};

/// The version of both formats.
const VERSION: u32 = 1;

const BUNDLE: &str = "weave-bundle.jsonl";
const RECEIPT: &str = "weave-receipt.jsonl";

/// A line.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Line {
    Bundle(Header),
    Receipt(Header),
    File(File),
    Body(Body),
    /// A data file that its program goes on writing, also when all of it is acknowledged so far.
    Growing {
        project: String,
        file: String,
    },
    Open {
        project: String,
        id: String,
        call: OpenCall,
    },
    Digest {
        project: String,
        given: Given,
    },
    Done(Done),
    Rejected {
        project: String,
        entry: Box<RawValue>,
    },
}

/// The first line.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Header {
    /// The version of the format.
    pub version: u32,
    /// The device's id.
    pub device: String,
    /// Its name.
    pub name: String,
    /// Of the device's bundles: which.
    pub number: u64,
    /// When it was written.
    pub at: String,
    /// The projects that it is about.
    pub projects: Vec<String>,
    /// The journals of programs that ran when the bundle was packed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub journals: Vec<String>,
}

/// A data file of a device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct File {
    pub project: String,
    pub file: String,
    pub bytes: u64,
    pub sha256: String,
    pub records: u64,
    /// When it was last written to, microseconds since 1970.
    pub modified: i64,
    /// What is acknowledged of it, by the destination.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub acknowledged: BTreeMap<String, Ranges>,
    /// What a sync of the device may have sent without hearing of it.
    #[serde(default, skip_serializing_if = "Ranges::is_empty")]
    pub sending: Ranges,
    /// What of the acknowledged is among the device's rejected records, or was.
    #[serde(default, skip_serializing_if = "Ranges::is_empty")]
    pub rejected: Ranges,
}

/// The bytes of a file that a record in `of` needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Body {
    pub project: String,
    /// `files/DIGEST`.
    pub body: String,
    pub of: String,
    pub bytes: u64,
    pub sha256: String,
}

/// What became of a data file at the base.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Done {
    pub project: String,
    pub file: String,
    /// So much of it was there.
    pub bytes: u64,
    /// SHA-256 of that.
    pub sha256: String,
    /// What is acknowledged of it, by the destination.
    pub acknowledged: BTreeMap<String, Ranges>,
    /// What of that was rejected and then put back or dropped at the base.
    #[serde(default, skip_serializing_if = "Ranges::is_empty")]
    pub left: Ranges,
}

/// A manifest or a receipt.
#[derive(Debug, Clone)]
pub(super) struct Manifest {
    pub header: Header,
    pub lines: Vec<Line>,
}

impl Header {
    pub(super) fn new(device: &str, name: &str, number: u64) -> Header {
        let at = crate::record::time::Timestamp::now().to_string();
        let (device, name) = (device.to_string(), name.to_string());
        Header { version: VERSION, device, name, number, at, projects: Vec::new(), journals: Vec::new() }
    }
}

impl Line {
    fn project(&self) -> Option<&str> {
        match self {
            Line::Bundle(_) | Line::Receipt(_) => None,
            Line::File(File { project, .. })
            | Line::Body(Body { project, .. })
            | Line::Growing { project, .. }
            | Line::Open { project, .. }
            | Line::Digest { project, .. }
            | Line::Done(Done { project, .. })
            | Line::Rejected { project, .. } => Some(project),
        }
    }

    fn is_sound(&self, projects: &HashSet<&str>) -> bool {
        self.project().is_none_or(|project| projects.contains(project))
            && match self {
                Line::File(File { file, .. }) | Line::Done(Done { file, .. }) => is_data_file(file),
                Line::Body(Body { body, of, .. }) => {
                    is_data_file(of) && body.strip_prefix("files/").is_some_and(is_name)
                }
                _ => true,
            }
    }
}

impl Manifest {
    pub(super) fn bundle_at(bundle: &Path) -> PathBuf {
        bundle.join(BUNDLE)
    }

    pub(super) fn receipt_at(bundle: &Path) -> PathBuf {
        bundle.join(RECEIPT)
    }

    /// Reads a file of either kind.
    pub(super) fn read(path: &Path) -> Result<Manifest> {
        let bad = |why: &str| Error::new(Status::Io, format!("{} {why}", path.display()));
        let mut lines: Vec<Line> = sealed::read(path)?;
        if lines.is_empty() {
            return Err(bad("is empty"));
        }
        let header = match lines.remove(0) {
            Line::Bundle(header) | Line::Receipt(header) => header,
            _ => return Err(bad("does not begin as a bundle or a receipt does")),
        };
        if header.version != VERSION {
            let why =
                format!("has version {} of the format, and this program knows {VERSION}; update it", header.version);
            return Err(bad(&why));
        }
        let is_project = |name: &&str| matches!(split_project(name), Ok((Some(_), _)));
        let projects: HashSet<&str> = header.projects.iter().map(String::as_str).collect();
        if let Some(name) = projects.iter().find(|name| !is_project(name)) {
            return Err(bad(&format!("holds a name that cannot be: {name:?}")));
        }
        match lines.iter().position(|line| !line.is_sound(&projects)) {
            Some(number) => Err(bad(&format!("holds a name that cannot be, in line {}", number + 2))),
            None => Ok(Manifest { header, lines }),
        }
    }

    /// The manifest of the bundle that a directory was unpacked from last; `None` in one that was not unpacked.
    pub(super) fn unpacked_into(root: &Path) -> Result<Option<Manifest>> {
        let path = carried::path_of(root);
        match path.exists() {
            true => Manifest::read(&path).map(Some),
            false => Ok(None),
        }
    }

    /// Writes the manifest of a bundle.
    pub(super) fn write_bundle(&self, path: &Path) -> Result<()> {
        self.write(path, Line::Bundle(self.header.clone()))
    }

    /// Writes a receipt.
    pub(super) fn write_receipt(&self, path: &Path) -> Result<()> {
        self.write(path, Line::Receipt(self.header.clone()))
    }

    fn write(&self, path: &Path, first: Line) -> Result<()> {
        let lines: Vec<&Line> = std::iter::once(&first).chain(&self.lines).collect();
        sealed::write(path, &lines)
    }

    pub(super) fn files(&self) -> impl Iterator<Item = &File> {
        self.lines.iter().filter_map(|line| match line {
            Line::File(file) => Some(file),
            _ => None,
        })
    }

    pub(super) fn bodies(&self) -> impl Iterator<Item = &Body> {
        self.lines.iter().filter_map(|line| match line {
            Line::Body(body) => Some(body),
            _ => None,
        })
    }

    /// The digests of a project.
    pub(super) fn digests(&self, project: &str) -> Vec<Given> {
        let of = |line: &Line| match line {
            Line::Digest { project: of, given } if of == project => Some(given.clone()),
            _ => None,
        };
        self.lines.iter().filter_map(of).collect()
    }

    /// The open calls of a project.
    pub(super) fn open_calls(&self, project: &str) -> Vec<(String, OpenCall)> {
        let of = |line: &Line| match line {
            Line::Open { project: of, id, call } if of == project => Some((id.clone(), call.clone())),
            _ => None,
        };
        self.lines.iter().filter_map(of).collect()
    }

    /// The lines of projects other than these.
    pub(super) fn lines_besides(&self, projects: &[String]) -> Vec<Line> {
        let is_other = |line: &&Line| line.project().is_some_and(|of| !projects.iter().any(|project| project == of));
        self.lines.iter().filter(is_other).cloned().collect()
    }
}

fn is_data_file(file: &str) -> bool {
    let Some((folder, name)) = file.split_once('/') else { return false };
    is_data_folder(folder) && !name.contains('/') && DataFile::parse(Path::new(name)).is_some_and(|file| !file.synced)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_leads_out_of_a_project() {
        for file in ["calls/20260131_0000.jsonl.gz", "files_metadata/20260131_0000.jsonl"] {
            assert!(is_data_file(file), "{file}");
        }
        for file in
            ["../20260131_0000.jsonl", "calls/../20260131_0000.jsonl", "calls/x", "calls/20260131_0000.synced.jsonl"]
        {
            assert!(!is_data_file(file), "{file}");
        }
    }

    #[test]
    fn another_version_and_a_name_that_cannot_be_are_told() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("m.jsonl");
        let header = Header::new("id", "name", 1);
        let open = |project: &str| Line::Open { project: project.into(), id: "a".into(), call: OpenCall::default() };
        let write = |header: &Header, projects: &[&str], project: &str| {
            let projects = projects.iter().map(ToString::to_string).collect();
            let header = Header { projects, ..header.clone() };
            Manifest { header, lines: vec![open(project)] }.write_bundle(&path).unwrap();
            Manifest::read(&path)
        };
        assert_eq!(write(&header, &["team/demo"], "team/demo").unwrap().open_calls("team/demo").len(), 1);
        for (projects, project) in [(["../demo"], "../demo"), (["demo"], "demo"), (["team/demo"], "team/other")] {
            assert!(write(&header, &projects, project).unwrap_err().text().contains("cannot be"), "{project}");
        }
        let later = Header { version: 2, ..header };
        assert!(write(&later, &["team/demo"], "team/demo").unwrap_err().text().contains("version 2"));
    }
}
