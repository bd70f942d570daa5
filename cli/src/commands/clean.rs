//! `weave clean`: delete what was sent long enough ago.

use super::{out, Context};
use crate::arguments::care::Clean;
use crate::moments::Age;
use crate::outcome::{Ending, Outcome};
use crate::sizes::{counted, show};
use crate::terminal::style::{FAINT, GOOD};
use serde_json::{json, Value};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use weave::store::retention::Cleaned;
use weave::store::usage::Files;
use weave::sync::{cleaning, inventory};

/// Deletes it, or tells what would be deleted.
pub fn run(context: &Context, given: &Clean) -> Outcome {
    context.check_ours()?;
    let (dir, age) = (&context.dir, given.older_than);
    let mut gone: Vec<(PathBuf, u64)> = Vec::new();
    let mut told = |path: &Path, bytes: u64| {
        if given.dry_run {
            gone.push((path.to_path_buf(), bytes));
        }
    };
    let cleaned = match given.dry_run {
        true => cleaning::preview(dir, age.0, &mut told)?,
        false => cleaning::clean(dir, age.0, &mut told)?,
    };
    gone.sort();
    let pending = pending(dir)?;
    let mut out = out();
    if context.json {
        writeln!(out, "{}", as_json(context, given.dry_run, &gone, &cleaned, pending))?;
        return Ok(Ending::All);
    }
    for (path, bytes) in &gone {
        writeln!(out, "{} {}", context.shown(path), FAINT.paint(show(*bytes)))?;
    }
    tell(&mut out, given.dry_run, age, &cleaned)?;
    tell_kept(&mut out, given.dry_run, age, &cleaned, pending)?;
    Ok(Ending::All)
}

/// The data files that were not sent, or not wholly.
fn pending(dir: &Path) -> weave::Result<Files> {
    let inventory = inventory::take(dir)?;
    let all = inventory.projects.iter().flat_map(|project| project.kinds.values());
    Ok(all.fold(Files::default(), |sum, of| Files {
        files: sum.files + of.pending.files,
        bytes: sum.bytes + of.pending.bytes,
    }))
}

fn tell(out: &mut dyn Write, only_told: bool, age: Age, cleaned: &Cleaned) -> io::Result<()> {
    let (files, bytes) = (counted(cleaned.files, "data files"), show(cleaned.bytes));
    let sent = format!("sent at least {age} ago");
    match (cleaned.bytes + cleaned.files, only_told) {
        (0, true) => writeln!(out, "Nothing would be deleted."),
        (0, false) => writeln!(out, "Nothing was deleted."),
        (_, true) => writeln!(out, "Would delete {files}, {sent}, with what only they need: {}", GOOD.paint(bytes)),
        (_, false) => writeln!(out, "Deleted {files}, {sent}, with what only they needed: {}", GOOD.paint(bytes)),
    }
}

/// What stays, and why.
fn tell_kept(out: &mut dyn Write, only_told: bool, age: Age, cleaned: &Cleaned, pending: Files) -> io::Result<()> {
    let mut line = |kept: Files, why: String| match kept.files {
        0 => Ok(()),
        files => writeln!(out, "Kept {}, {}: {why}", counted(files, "data files"), show(kept.bytes)),
    };
    line(cleaned.young, format!("sent less than {age} ago; --older-than sets another time"))?;
    line(cleaned.in_use, "sent, but a program that runs still needs them".to_string())?;
    line(pending, "not sent, or not wholly; weave sync sends them".to_string())?;
    if cleaned.young.files + cleaned.in_use.files + pending.files == 0 && !only_told {
        writeln!(out, "No data file is left.")?;
    }
    Ok(())
}

fn as_json(context: &Context, only_told: bool, gone: &[(PathBuf, u64)], cleaned: &Cleaned, pending: Files) -> Value {
    let files = |kept: Files| json!({"files": kept.files, "bytes": kept.bytes});
    let mut told = json!({
        "dry_run": only_told,
        "deleted": {"files": cleaned.files, "bytes": cleaned.bytes},
        "kept": {"young": files(cleaned.young), "in_use": files(cleaned.in_use), "pending": files(pending)},
    });
    if only_told {
        let paths = gone.iter().map(|(path, bytes)| json!({"path": context.shown(path).to_string(), "bytes": bytes}));
        told["paths"] = paths.collect();
    }
    told
}
