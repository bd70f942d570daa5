//! Old notes on dropped files: beyond their share of the quota each becomes a line of `.weave/dropped.jsonl`, and beyond
//! half that share the older half of the lines becomes one line.

use super::super::layout::{self, Access, DataFile, LIBRARY_FOLDER};
use super::super::{limits, retention};
use super::note::{self, OfType, Summary};
use crate::error::{Error, Result};
use crate::record::kind::Kind;
use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

/// Where the lines lie.
pub fn lines_path(root: &Path) -> PathBuf {
    root.join(LIBRARY_FOLDER).join("dropped.jsonl")
}

/// Turns the oldest notes into lines until the others have at most `share` bytes.
pub fn fold(root: &Path, access: Access, share: u64) -> Result<()> {
    let mut notes = Vec::new();
    for project in layout::projects(root)? {
        for folder in Kind::ALL.map(|kind| project.kind(kind)) {
            let last = layout::last_numbers(&folder)?;
            for path in layout::entries(&folder)? {
                let Some((date, number, "dropped.gz")) = layout::parse_number(&path) else { continue };
                let Ok(about) = fs::metadata(&path) else { continue };
                let is_last = last.get(date) == Some(&number);
                let date = date.to_string();
                notes.push((DataFile { date, number, synced: false, compressed: true, path }, about.len(), is_last));
            }
        }
    }
    notes.sort();
    let mut bytes: u64 = notes.iter().map(|(_, length, _)| length).sum();
    for (file, length, is_last) in notes {
        if bytes <= share {
            break;
        }
        let unknown = || Summary { dropped: note::place(&file.path), ..Summary::default() };
        append(root, access, &note::summary(&file.path)?.unwrap_or_else(unknown), share / 2)?;
        retention::remove(&file, is_last)?;
        bytes -= length;
    }
    Ok(())
}

fn append(root: &Path, access: Access, summary: &Summary, share: u64) -> Result<()> {
    let path = lines_path(root);
    let failed = |cause| Error::io("cannot write", &path, &cause);
    let mut lines = read(&path)?;
    // A crash after the line and before the note went: it is there already.
    if lines.last() == Some(summary) {
        return Ok(());
    }
    lines.push(summary.clone());
    let too_long = fs::metadata(&path).is_ok_and(|about| about.len() > share.min(limits::QUOTA_LINES_MAX));
    if too_long {
        let half = lines.len() / 2;
        let joined = lines.drain(..half).fold(Summary::default(), join);
        lines.insert(0, joined);
    }
    if too_long || !path.exists() {
        let temporary = path.with_extension("tmp");
        retention::gone(fs::remove_file(&temporary)).map_err(failed)?;
        let mut file = access.create_file(&temporary).map_err(failed)?;
        file.write_all(&text(&lines)).and_then(|()| file.sync_data()).map_err(failed)?;
        return fs::rename(&temporary, &path).map_err(failed);
    }
    let mut file = File::options().append(true).open(&path).map_err(failed)?;
    let before = file.metadata().map_err(failed)?.len();
    let written = file.write_all(&text(std::slice::from_ref(summary))).and_then(|()| file.sync_data());
    written.map_err(|cause| {
        // What was written of the line is cut off again.
        let _ = file.set_len(before);
        failed(cause)
    })
}

fn read(path: &Path) -> Result<Vec<Summary>> {
    let text = match fs::read(path) {
        Err(cause) if cause.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        read => read.map_err(|cause| Error::io("cannot read", path, &cause))?,
    };
    Ok(text.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice(line).ok()).collect())
}

fn text(lines: &[Summary]) -> Vec<u8> {
    let mut text = Vec::new();
    for line in lines {
        // Writing into a Vec cannot fail.
        let _ = serde_json::to_writer(&mut text, line);
        text.push(b'\n');
    }
    text
}

/// One line for what two lines say.
fn join(mut all: Summary, one: Summary) -> Summary {
    all.files = Some(all.files.unwrap_or(0) + one.files.unwrap_or(1));
    all.dropped = one.dropped; // the last of them
    all.at = one.at;
    all.bytes += one.bytes;
    all.records += one.records;
    for (name, OfType { records, first, last }) in one.types {
        all.types.entry(name).or_default().add(records, &first, &last);
    }
    all.damage = all.damage.or(one.damage);
    all
}
