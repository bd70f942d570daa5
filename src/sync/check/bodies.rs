//! The bytes of files: whether each is what its name says, has a record, and is there for every record that waits.

use super::{on_all_cores, Check, Finding, Problem, Tell};
use crate::error::{Error, Result};
use crate::record::digest::reader_digest;
use crate::record::kind::Kind;
use crate::store::damaged;
use crate::store::file_record::{is_digest, FileLine, FileRecord, RejectedFile, FOLDERS};
use crate::store::layout::{self, Access, DataFile, ProjectDir, REJECTED_FILE};
use crate::store::reader::Reader;
use crate::sync::kept::progress;
use crate::sync::kept::rejected::{Entry, Rejected};
use crate::sync::kept::{lines, requeue};
use crate::sync::results::Counted;
use std::collections::HashSet;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// The bytes of a file come before its record, which may be in a journal for a while.
const GRACE: Duration = Duration::from_secs(60 * 60);

/// A record that waits.
struct Waiting {
    place: String,
    kept_as: String,
    line: Vec<u8>,
}

/// The records of files of a project.
#[derive(Default)]
struct Records {
    /// The names of all bytes that a record names, in whatever state it is.
    named: HashSet<String>,
    waiting: Vec<Waiting>,
    /// Some records cannot be read: which bytes they name is not known.
    has_damage: bool,
}

/// Looks at the bytes of all files.
pub(super) fn check(check: &mut Check, projects: &[ProjectDir], tell: &Tell<'_>) -> Result<()> {
    for project in projects {
        let records = Records::read(project)?;
        let mut wrong = HashSet::new();
        let bodies = bodies(&project.kind(Kind::Files))?;
        let size = |path: &PathBuf| path.metadata().map_or(0, |about| about.len());
        let all = bodies.iter().map(size).sum();
        let done = AtomicU64::new(0);
        let digests = on_all_cores(&bodies, |path| {
            let (digest, bytes) = (other_digest(path, &name_of(path)), size(path));
            tell("bytes of files", done.fetch_add(bytes, Ordering::Relaxed) + bytes, all);
            digest
        });
        for (path, digest) in bodies.iter().zip(digests) {
            let name = name_of(path);
            if let Some(digest) = digest? {
                wrong.insert(name.clone());
                let text = format!("they have the digest {digest}");
                take_away(check, Finding::new(Problem::WrongBytes, path, text));
            } else if !records.named.contains(&name) {
                orphan(check, &records, path);
            }
        }
        let is_gone = |waiting: &&Waiting| {
            wrong.contains(&waiting.kept_as) || matches!(project.file_body(&waiting.kept_as).try_exists(), Ok(false))
        };
        for waiting in records.waiting.iter().filter(is_gone) {
            missing(check, project, waiting, wrong.contains(&waiting.kept_as));
        }
    }
    Ok(())
}

fn name_of(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

fn bodies(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut bodies = layout::entries(folder)?;
    bodies.retain(|path| super::strays::is_body(path));
    bodies.sort();
    Ok(bodies)
}

/// Another digest than the name; what is not named by a digest says nothing. Whoever stores bytes writes them under
/// another name first, so that they are whole.
fn other_digest(path: &Path, name: &str) -> Result<Option<String>> {
    if !is_digest(name) {
        return Ok(None);
    }
    let failed = |cause| Error::io("cannot read", path, &cause);
    let file = match File::open(path) {
        Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => return Ok(None), // deleted meanwhile
        opened => opened.map_err(failed)?,
    };
    let digest = reader_digest(file).map_err(failed)?;
    Ok((digest != name).then_some(digest))
}

fn orphan(check: &mut Check, records: &Records, path: &Path) {
    if records.has_damage || check.is_anything_left() || check.may_be_under_way(path, GRACE) {
        return;
    }
    take_away(check, Finding::new(Problem::OrphanBytes, path, "no record of the project names them"));
}

fn take_away(check: &mut Check, finding: Finding) {
    let (root, access, path, reason) = (check.root.clone(), check.access, finding.path.clone(), finding.text.clone());
    check.found(finding, || {
        damaged::take_away(&root, &path, &reason, access)?;
        Ok("taken away to .weave/damaged".to_string())
    });
}

/// A record without its bytes is set aside as a rejected one: whoever finds them can put both back.
fn missing(check: &mut Check, project: &ProjectDir, waiting: &Waiting, is_wrong: bool) {
    let why = if is_wrong { "are others than those that were recorded" } else { "are not there" };
    let text = format!("the bytes of the file {} {why}", waiting.kept_as);
    let file = waiting.place.split('#').next().unwrap_or_default();
    let finding = Finding { lost: 1, ..Finding::new(Problem::MissingBytes, &project.path.join(file), &text) };
    let access = check.access;
    check.found(finding, || {
        set_aside(project, waiting, &text, access)?;
        Ok(format!(
            "its record stands among the rejected ones; put the bytes back at files/{}, then weave rejected retry",
            waiting.kept_as
        ))
    });
}

fn set_aside(project: &ProjectDir, waiting: &Waiting, reason: &str, access: Access) -> Result<()> {
    let lines = [(waiting.place.clone(), waiting.line.as_slice())];
    let entry = Entry::new(Counted::Files, Some(waiting.kept_as.clone()), None, reason, lines);
    Rejected::open(project, access)?.add(entry)?;
    requeue::acknowledge(project, std::slice::from_ref(&waiting.place), access)
}

impl Records {
    fn read(project: &ProjectDir) -> Result<Records> {
        let acknowledged = progress::read(project)?;
        let mut records = Records::default();
        for folder in FOLDERS {
            for file in layout::data_files(&project.path.join(folder))? {
                let name = file.path.file_name().unwrap_or_default().to_string_lossy();
                let key = format!("{folder}/{name}");
                let sent = acknowledged.get(&key);
                records.of_file(&file, |number| file.synced || sent.is_some_and(|sent| sent.contains(number)), &key)?;
            }
        }
        lines::each(&project.sync_folder().join(REJECTED_FILE), |line| {
            if let Ok(rejected) = serde_json::from_slice::<RejectedFile>(line) {
                rejected.lines.iter().for_each(|line| records.name(&line.data));
            }
            Ok(())
        })?;
        records.has_damage |= layout::is_anything_moving(project)?;
        Ok(records)
    }

    fn of_file(&mut self, file: &DataFile, is_sent: impl Fn(u64) -> bool, key: &str) -> Result<()> {
        let mut reader = match Reader::open(&file.path) {
            Err(_) if !file.path.exists() => return Ok(()), // sent meanwhile
            opened => opened?,
        };
        while let Some(number) = reader.advance()? {
            let Ok(line) = serde_json::from_slice::<FileLine>(reader.line()) else { continue };
            self.name(&line.data);
            if let Some(kept_as) = line.data.kept_as().filter(|_| !is_sent(number)) {
                let (place, kept_as) = (format!("{key}#{number}"), kept_as.to_string());
                self.waiting.push(Waiting { place, kept_as, line: reader.line().to_vec() });
            }
        }
        self.has_damage |= reader.damage().is_some();
        Ok(())
    }

    fn name(&mut self, data: &FileRecord) {
        self.named.extend(data.names().map(str::to_string));
    }
}
