//! What a sync remembers of a project, in `.sync`, and the directory's list of what was dropped long ago.

use super::{mend, Check, Finding, Problem};
use crate::error::Result;
use crate::store::layout::{self, Access, ProjectDir, LIBRARY_FOLDER, MOVING};
use crate::store::{damaged, disk};
use crate::sync::kept::lines::{self, Appender};
use crate::sync::kept::put_back;
use crate::sync::kept::receipts::{self, Receipt};
use crate::sync::snapshot::FOLDERS;
use serde_json::json;
use std::path::Path;

/// The files of lines, and what is lost with a line of each.
const FILES: [(&str, &str); 5] = [
    ("progress.jsonl", "which records are acknowledged or under way"),
    ("open_calls.jsonl", "a call of which only the start was sent: its end may wait for ever"),
    ("digests.jsonl", "a digest of the server: references to that object may lead nowhere"),
    ("rejected.jsonl", "a rejected record: it is in its data file, if that is there still"),
    ("put_back.jsonl", "what was put back: a verification could put it back once more"),
];

/// The lines of a file that are no JSON objects.
#[derive(Default)]
struct Lines {
    good: Vec<u8>,
    bad: u64,
    /// The only bad line is the last one, and has no end: it was being written, and nobody relied on it.
    is_torn_alone: bool,
}

/// Looks at what a sync keeps of a project, and at the receipts.
pub(super) fn check(check: &mut Check, project: &ProjectDir) -> Result<()> {
    let folder = project.sync_folder();
    for (name, about) in FILES {
        check_lines(check, &folder.join(name), about, Some(project))?;
    }
    let moving: Vec<_> =
        layout::entries(&folder)?.into_iter().filter(|path| path.to_string_lossy().ends_with(MOVING)).collect();
    for path in moving {
        let access = check.access;
        check.found(Finding::new(Problem::Leftover, &path, "records that were being put back"), || {
            put_back::finish(project, access)?;
            Ok("finished, or given up where it had not begun".to_string())
        });
    }
    for path in receipts::all(project)? {
        check_receipt(check, project, &path)?;
    }
    Ok(())
}

/// Looks at the directory's list of what was dropped long ago.
pub(super) fn check_dropped(check: &mut Check) -> Result<()> {
    let list = check.root.join(LIBRARY_FOLDER).join("dropped.jsonl");
    check_lines(check, &list, "what a quota took long ago", None)
}

fn read(path: &Path) -> Result<Lines> {
    let mut read = Lines::default();
    let ends_whole = std::fs::read(path).map_or(true, |bytes| bytes.last().is_none_or(|last| *last == b'\n'));
    let mut last_is_bad = false;
    lines::each(path, |line| {
        let is_object = serde_json::from_slice::<serde_json::Map<String, serde_json::Value>>(line).is_ok();
        last_is_bad = !is_object && !line.is_empty();
        match is_object {
            true => {
                read.good.extend_from_slice(line);
                read.good.push(b'\n');
            }
            // Nobody minds an empty line.
            false => read.bad += u64::from(!line.is_empty()),
        }
        Ok(())
    })?;
    read.is_torn_alone = read.bad == 1 && last_is_bad && !ends_whole;
    Ok(read)
}

fn check_lines(check: &mut Check, path: &Path, about: &str, project: Option<&ProjectDir>) -> Result<()> {
    if check.is_syncing() && !check.repairs {
        return Ok(()); // a line may be half written at this moment
    }
    let Lines { mut good, bad, is_torn_alone } = read(path)?;
    if bad == 0 {
        return Ok(());
    }
    let text = match is_torn_alone {
        true => "its last line is torn; it was being written, and nothing relied on it".to_string(),
        false => format!("{bad} of its lines cannot be read: {about}"),
    };
    let is_progress = path.file_name().is_some_and(|name| name == "progress.jsonl");
    let (root, access) = (check.root.clone(), check.access);
    check.found(Finding { lost: bad, ..Finding::new(Problem::Memory, path, &text) }, || {
        damaged::take_copy(&root, path, &text, access)?;
        let mut told = "a copy is set aside; the other lines stay".to_string();
        if let Some(project) = project.filter(|_| is_progress && !is_torn_alone) {
            let doubts = doubts(project)?;
            told.push_str("; everything that waits is looked up on the server before it is sent");
            good.extend_from_slice(doubts.as_bytes());
        }
        Appender::replace(path.to_path_buf(), access, &good)?;
        Ok(told)
    });
    Ok(())
}

/// Notes that put everything that is pending in doubt. What is acknowledged still is.
fn doubts(project: &ProjectDir) -> Result<String> {
    let mut text = String::new();
    for folder in FOLDERS {
        for file in layout::data_files(&project.path.join(folder))?.into_iter().filter(|file| !file.synced) {
            let records = mend::count(&file.path)?;
            if let Some(last) = records.checked_sub(1) {
                let name = file.path.file_name().unwrap_or_default().to_string_lossy();
                let doubt = json!({"file": format!("{folder}/{name}"), "sending": [[0, last]]});
                text.push_str(&format!("{doubt}\n"));
            }
        }
    }
    Ok(text)
}

fn check_receipt(check: &mut Check, project: &ProjectDir, path: &Path) -> Result<()> {
    let Some(problem) = problem_of(path) else { return Ok(()) };
    let (root, access) = (check.root.clone(), check.access);
    check.found(Finding::new(Problem::Receipt, path, &problem), || {
        keep_number(project, path, access)?;
        damaged::take_away(&root, path, &problem, access)?;
        Ok("taken away to .weave/damaged; its file counts as sent when it was renamed".to_string())
    });
    Ok(())
}

fn problem_of(path: &Path) -> Option<String> {
    let mut receipt = match Receipt::open(path) {
        Ok(receipt) => receipt,
        Err(error) => return Some(error.text().to_string()),
    };
    let stem = path.file_name()?.to_str()?.strip_suffix(".jsonl.gz")?;
    let of = receipt.header.file.split(".jsonl").next().unwrap_or_default().replace('/', "-");
    if of != stem {
        return Some(format!("it is of {}, and has the name of another one", receipt.header.file));
    }
    loop {
        match receipt.next_ids() {
            Ok(Some(_)) => {}
            Ok(None) => return None,
            Err(error) => return Some(error.text().to_string()),
        }
    }
}

/// The number of a data file that is gone is kept by its receipt; without that, an empty file keeps it.
fn keep_number(project: &ProjectDir, receipt: &Path, access: Access) -> Result<()> {
    let name = receipt.file_name().unwrap_or_default().to_string_lossy();
    let Some((folder, of)) = name.rsplit_once('-') else { return Ok(()) };
    let folder = project.path.join(folder);
    let Some((date, number, _)) = layout::parse_number(Path::new(of)) else { return Ok(()) };
    let last = layout::last_numbers(&folder)?.get(date).copied();
    if !folder.is_dir() || last.is_some_and(|last| last >= number) {
        return Ok(());
    }
    let path = folder.join(format!("{date}_{number:04}.deleted"));
    let failed = |cause| crate::error::Error::io("cannot make", &path, &cause);
    access.create_file(&path).map_err(failed)?;
    disk::sync_directory(&folder)
}
