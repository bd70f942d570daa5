//! What a device has that waits: data files up to their last whole record, and the bytes of files that their records need.

use crate::error::{Error, Result};
use crate::store::file_record::{is_name, FileLine, FOLDERS};
use crate::store::hop::Members;
use crate::store::layout::ProjectDir;
use crate::store::reader::{whole_lines, Reader};
use crate::sync::kept::progress::{self, Known};
use crate::sync::kept::ranges::Ranges;
use crate::sync::snapshot::{Extent, Snapshot};
use std::collections::{BTreeSet, HashMap};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

/// What waits of a project.
pub(super) struct OfProject {
    pub dir: ProjectDir,
    pub files: Vec<Waiting>,
    /// Data files that programs go on writing, `KIND/NAME`.
    pub growing: Vec<String>,
    pub bodies: Vec<Needed>,
    /// Bytes that a record needs and that are not there.
    pub missing: Vec<String>,
}

/// A data file.
pub(super) struct Waiting {
    /// `KIND/NAME`.
    pub file: String,
    pub path: PathBuf,
    /// So much of it holds whole records.
    pub bytes: u64,
    pub records: u64,
    pub modified: i64,
    pub known: Known,
}

/// Bytes of a file.
pub(super) struct Needed {
    /// `files/DIGEST`.
    pub body: String,
    pub path: PathBuf,
    pub bytes: u64,
    /// The data file of the record.
    pub of: String,
}

/// Looks at projects. Files of which every record is acknowledged do not wait.
pub(super) fn look(root: &Path, projects: Vec<ProjectDir>) -> Result<Vec<OfProject>> {
    let all: Vec<&ProjectDir> = projects.iter().collect();
    let snapshots = Snapshot::take(root, &all)?;
    let mut found = Vec::new();
    for (dir, snapshot) in projects.into_iter().zip(snapshots) {
        let mut known = progress::known(&dir)?;
        let mut of = OfProject { dir, files: Vec::new(), growing: Vec::new(), bodies: Vec::new(), missing: Vec::new() };
        for (folder, extent) in snapshot?.all() {
            if extent.live {
                of.growing.push(key_of(folder, extent));
            }
            of.files.extend(waiting(folder, extent, &mut known)?);
        }
        of.look_at_bodies()?;
        found.push(of);
    }
    Ok(found)
}

fn key_of(folder: &str, extent: &Extent) -> String {
    format!("{folder}/{}", extent.file.path.file_name().unwrap_or_default().to_string_lossy())
}

fn waiting(folder: &str, extent: &Extent, known: &mut HashMap<String, Known>) -> Result<Option<Waiting>> {
    let path = &extent.file.path;
    let file = key_of(folder, extent);
    let known = known.remove(&file).unwrap_or_default();
    let is_gone = || matches!(path.try_exists(), Ok(false)); // sent or dropped meanwhile
    let (bytes, records) = match whole(extent) {
        Err(_) if is_gone() => return Ok(None),
        found => found?,
    };
    if records == 0 || known.acknowledged().covers(records) {
        return Ok(None);
    }
    let about = match fs::metadata(path) {
        Err(_) if is_gone() => return Ok(None),
        about => about.map_err(|cause| Error::io("cannot read the data file", path, &cause))?,
    };
    let since = about.modified().ok().and_then(|at| at.duration_since(UNIX_EPOCH).ok());
    let modified = since.and_then(|since| i64::try_from(since.as_micros()).ok()).unwrap_or_default();
    Ok(Some(Waiting { file, path: path.clone(), bytes, records, modified, known }))
}

/// How many bytes of a file hold whole records, and how many records. Of a file that grows only what is whole is looked
/// at; of another one all, since what is damaged in it is for who sends it to tell.
pub(super) fn whole(extent: &Extent) -> Result<(u64, u64)> {
    let (path, length) = (&extent.file.path, extent.length);
    if extent.file.compressed {
        let Some(mut members) = Members::open(path)? else { return Ok((0, 0)) };
        let (mut end, mut records) = (0, 0);
        while let Some((at, header)) = members.next_member()? {
            if at + u64::from(header.length) > length {
                break;
            }
            (end, records) = (at + u64::from(header.length), records + u64::from(header.records));
        }
        if end == length || (extent.live && end > 0) {
            return Ok((end, records));
        }
    }
    let mut reader = Reader::open_up_to(path, length)?;
    while reader.advance()?.is_some() {}
    let bytes = match extent.live && !extent.file.compressed {
        true => whole_lines(path, length)?,
        false => length,
    };
    Ok((bytes, reader.position()))
}

impl OfProject {
    fn look_at_bodies(&mut self) -> Result<()> {
        let mut seen = BTreeSet::new();
        for waiting in self.files.iter().filter(|waiting| FOLDERS.iter().any(|folder| waiting.is_in(folder))) {
            let acknowledged: Ranges = waiting.known.acknowledged();
            let mut reader = match Reader::open_up_to(&waiting.path, waiting.bytes) {
                Err(_) if !waiting.path.exists() => continue,
                opened => opened?,
            };
            while let Some(index) = reader.advance()? {
                if acknowledged.contains(index) {
                    continue;
                }
                let Ok(FileLine { data }) = serde_json::from_slice(reader.line()) else { continue };
                let names: Vec<&str> = data.names().filter(|name| is_name(name)).collect();
                let there = names.iter().find(|name| self.dir.file_body(name).is_file());
                let Some(name) = there.or(names.first()).filter(|name| seen.insert(name.to_string())) else { continue };
                let path = self.dir.file_body(name);
                match fs::metadata(&path) {
                    Ok(about) => {
                        let (body, of) = (format!("files/{name}"), waiting.file.clone());
                        self.bodies.push(Needed { body, path, bytes: about.len(), of });
                    }
                    Err(_) => self.missing.push(format!("{}/files/{name}", self.dir.name())),
                }
            }
        }
        Ok(())
    }
}

impl Waiting {
    fn is_in(&self, folder: &str) -> bool {
        self.file.split_once('/').is_some_and(|(of, _)| of == folder)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::layout::DataFile;
    use crate::store::lock;
    use crate::store::member::Writer;

    fn extent(path: &Path, live: bool) -> Extent {
        Extent { file: DataFile::parse(path).unwrap(), length: fs::metadata(path).unwrap().len(), live }
    }

    #[test]
    fn of_a_file_that_grows_whole_records_wait_and_of_another_all_that_is_there() {
        let folder = tempfile::tempdir().unwrap();
        let packed = folder.path().join("20260131_0000.jsonl.gz");
        let member = Writer::new(1).unwrap().write(b"{}\n{}\n", 2, &[]).unwrap();
        fs::write(&packed, [member.as_slice(), &member, &member[..9]].concat()).unwrap();
        let two = 2 * member.len() as u64;
        assert_eq!(whole(&extent(&packed, true)).unwrap(), (two, 4));
        assert_eq!(whole(&extent(&packed, false)).unwrap(), (two + 9, 4));
        let shorter = Extent { length: two - 1, ..extent(&packed, true) };
        assert_eq!(whole(&shorter).unwrap(), (two / 2, 2), "what came after it was looked at is for the next time");
        let plain = folder.path().join("20260131_0001.jsonl");
        fs::write(&plain, b"{}\n{}\n{\"a").unwrap();
        assert_eq!(whole(&extent(&plain, true)).unwrap(), (6, 2));
    }

    #[test]
    fn what_is_acknowledged_whole_does_not_wait_although_it_may_grow_and_the_bytes_that_records_need_do() {
        let root = tempfile::tempdir().unwrap();
        let dir = ProjectDir::new(root.path(), "team/demo");
        fs::create_dir_all(dir.path.join("files")).unwrap();
        let line = |digest: &str| format!("{{\"type\":\"file_create\",\"data\":{{\"digest\":\"{digest}\"}}}}\n");
        fs::write(dir.path.join("files/20260131_0000.jsonl"), line("a") + &line("b") + &line("../c")).unwrap();
        fs::write(dir.path.join("files/20260131_0001.jsonl"), line("sent")).unwrap();
        fs::write(dir.path.join("files/20260131_0002.synced.jsonl"), line("old")).unwrap();
        for name in ["a", "sent", "old"] {
            fs::write(dir.file_body(name), name).unwrap();
        }
        let known = Known { by: [(String::new(), vec![(0, 0)].into())].into(), ..Known::default() };
        let told = [("files/20260131_0001.jsonl".to_string(), known)].into();
        progress::take_over(&dir, &told, &Default::default(), crate::store::layout::Access::Owner).unwrap();
        let _held = lock::try_hold(&dir.path.join("files/20260131_0001.jsonl")).unwrap();
        let of = look(root.path(), vec![dir]).unwrap().remove(0);
        let files: Vec<_> = of.files.iter().map(|file| (file.file.as_str(), file.records)).collect();
        assert_eq!(files, [("files/20260131_0000.jsonl", 3)]);
        assert_eq!(of.bodies.iter().map(|body| body.body.as_str()).collect::<Vec<_>>(), ["files/a"]);
        assert_eq!(of.growing, ["files/20260131_0001.jsonl"]);
        assert_eq!(of.missing, ["team/demo/files/b"]);
    }
}
