//! What is left of work that was broken off, and what is none of the library's files, by names alone.
//!
//! Only in the library's own folders something is taken away. What stands beside them belongs to somebody, who may have
//! put the offline directory among other things.

use super::{kept, mend, Check, Finding, Problem};
use crate::error::Result;
use crate::record::kind::Kind;
use crate::store::file_record::is_ours;
use crate::store::layout::{
    self, DataFile, ProjectDir, CARRIED_FILE, DEVICE_FILE, LIBRARY_FOLDER, MOVING, SYNC_FOLDER, UNPACKING_FOLDER,
};
use crate::store::quota::drop;
use crate::store::{damaged, disk, lock};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A file is written under another name for less than this.
const GRACE: Duration = Duration::from_secs(600);

/// The largest note on a dropped file.
const NOTE_LIMIT: u64 = 4 << 20;

/// What a name is.
enum Is {
    Known,
    Leftover(&'static str),
    Foreign,
}

/// Looks at the names in a directory.
pub(super) fn check(check: &mut Check, projects: &[ProjectDir]) -> Result<()> {
    let library = check.root.join(LIBRARY_FOLDER);
    kept::check_dropped(check)?;
    for path in layout::entries(&library)? {
        let is = match name_of(&path).as_str() {
            "journals" | "damaged" | "dropped.jsonl" | "sync.lock" => Is::Known,
            CARRIED_FILE | DEVICE_FILE | UNPACKING_FOLDER => Is::Known,
            name if name.ends_with(".tmp") => Is::Leftover("a list that was being written"),
            _ => Is::Foreign,
        };
        settle(check, &path, is);
    }
    for project in projects {
        of_project(check, project)?;
    }
    beside(check, projects)
}

fn of_project(check: &mut Check, project: &ProjectDir) -> Result<()> {
    for folder in crate::sync::snapshot::FOLDERS {
        for path in layout::entries(&project.path.join(folder))? {
            // Of a rescue that was not finished was told before the data files.
            if !is_rescued(&path) {
                settle(check, &path, of_kind(folder, &path));
            }
        }
    }
    for path in layout::entries(&project.sync_folder())? {
        let name = name_of(&path);
        let is = match name.as_str() {
            "progress.jsonl" | "open_calls.jsonl" | "digests.jsonl" | "rejected.jsonl" | "put_back.jsonl" => Is::Known,
            "receipts" => Is::Known,
            _ if name.ends_with(MOVING) => Is::Known,
            _ if name.ends_with(".tmp") => Is::Leftover("a list that was being written anew"),
            _ => Is::Foreign,
        };
        settle(check, &path, is);
    }
    for path in layout::entries(&project.sync_folder().join("receipts"))? {
        let name = name_of(&path);
        let is = match name.rsplit_once('-').map(|(_, of)| layout::parse_number(Path::new(of)).map(|(.., end)| end)) {
            Some(Some("jsonl.gz")) => Is::Known,
            Some(Some("jsonl.gz.tmp" | "jsonl.gz.ids")) => Is::Leftover("a receipt that was being written"),
            _ => Is::Foreign,
        };
        settle(check, &path, is);
    }
    Ok(())
}

fn of_kind(folder: &str, path: &Path) -> Is {
    let name = name_of(path);
    if path.is_dir() {
        return Is::Foreign;
    }
    match layout::parse_number(path).map(|(_, _, end)| end) {
        Some("jsonl.gz" | "jsonl" | "synced.jsonl.gz" | "synced.jsonl" | "dropped.gz" | "deleted") => Is::Known,
        Some(end) if end.ends_with(".dropping") => Is::Leftover("a file that was being dropped for the quota"),
        Some(end) if end.ends_with(mend::MENDED) => Is::Leftover("a file that was being mended"),
        Some(end) if end.ends_with(mend::RESCUED) => Is::Leftover("records that were being rescued"),
        Some("dropped.gz.tmp") => Is::Leftover("a note that was being written"),
        Some(_) => Is::Foreign,
        None if folder != Kind::Files.folder() => Is::Foreign,
        None if name.starts_with('.') && !is_ours(path) => Is::Foreign,
        None if name.starts_with('.') => Is::Leftover("bytes of a file that were being stored"),
        None => Is::Known,
    }
}

/// Whether a path in the folder of files is that of the bytes of one.
pub(super) fn is_body(path: &Path) -> bool {
    let is_hidden = name_of(path).starts_with('.');
    !is_hidden && layout::parse_number(path).is_none() && path.is_file()
}

fn settle(check: &mut Check, path: &Path, is: Is) {
    let (root, access) = (check.root.clone(), check.access);
    match is {
        Is::Known => {}
        Is::Foreign => {
            check.found(Finding::new(Problem::Foreign, path, "no file of the library has such a name"), || {
                damaged::take_away(&root, path, "it stood among the library's files and is none of them", access)?;
                Ok("taken away to .weave/damaged".to_string())
            })
        }
        Is::Leftover(what) => {
            let is_in_work = lock::is_held(path) || (check.is_syncing() && !check.repairs);
            if is_in_work || check.may_be_under_way(path, GRACE) {
                return;
            }
            check.found(Finding::new(Problem::Leftover, path, what), || remove(path, access));
        }
    }
}

fn remove(path: &Path, access: layout::Access) -> Result<String> {
    if name_of(path).ends_with(".dropping") {
        return drop::finish(path, access, NOTE_LIMIT).map(|_| "the dropping was finished".to_string());
    }
    disk::remove_file(path).map_err(|cause| crate::error::Error::io("cannot remove", path, &cause))?;
    Ok("removed".to_string())
}

/// Whether records were rescued from a file that was mended already: only a name is missing.
fn is_rescued(path: &Path) -> bool {
    path.extension().is_some_and(|end| end == mend::RESCUED) && !path.with_extension(mend::MENDED).exists()
}

/// Gives a name to what an earlier repair rescued and did not come to name.
pub(super) fn finish_rescues(check: &mut Check, projects: &[ProjectDir]) -> Result<()> {
    let access = check.access;
    for project in projects {
        for folder in crate::sync::snapshot::FOLDERS {
            for path in layout::entries(&project.path.join(folder))?.into_iter().filter(|path| is_rescued(path)) {
                check.found(
                    Finding::new(Problem::Leftover, &path, "records that were rescued and have no name yet"),
                    || {
                        let parse = |end: &str| DataFile::parse(&path.with_extension(end));
                        let file = parse("gz").or_else(|| parse("jsonl")).ok_or_else(|| super::changed(&path))?;
                        mend::place(project, folder, &file, access).map(|name| format!("they are in {folder}/{name}"))
                    },
                );
            }
        }
    }
    Ok(())
}

/// What is not in the library's folders is only told.
fn beside(check: &mut Check, projects: &[ProjectDir]) -> Result<()> {
    let mut beside: Vec<PathBuf> = layout::entries(&check.root)?;
    beside.retain(|path| {
        let is_entity = projects.iter().any(|project| project.path.parent() == Some(path));
        name_of(path) != LIBRARY_FOLDER && !is_entity
    });
    for project in projects {
        let folders = layout::entries(&project.path)?.into_iter();
        beside.extend(folders.filter(|path| {
            let name = name_of(path);
            name != SYNC_FOLDER && !(path.is_dir() && crate::sync::snapshot::FOLDERS.contains(&name.as_str()))
        }));
    }
    beside.sort();
    check.report.beside = beside;
    Ok(())
}

fn name_of(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}
