//! `weave fsck`: find what is torn, damaged, left behind or foreign, and put it in order.

use super::{end_on_signals, out, Context};
use crate::arguments::care::Fsck;
use crate::outcome::{Ending, Outcome};
use crate::sizes::{count, counted};
use crate::terminal::progress::Progress;
use crate::terminal::style::{BAD, FAINT, GOOD, NAME, WARNING};
use serde_json::{json, Value};
use std::io::{self, Write};
use std::path::Path;
use std::sync::Mutex;
use weave::sync::check::{self, Finding, Report};

/// How many things of others are named that stand beside the library's.
const NAMED: usize = 5;

/// Looks, and repairs when that is wanted.
pub fn run(context: &Context, given: &Fsck) -> Outcome {
    context.check_ours()?;
    end_on_signals()?;
    let progress = Mutex::new(Progress::new(context.json));
    let tell = |part: &str, done: u64, all: u64| {
        // Whoever finds it locked has nothing to add to what is shown just now.
        if let Ok(mut progress) = progress.try_lock() {
            progress.tell_bytes(part, done, all);
        }
    };
    let report = match given.repair {
        true => check::repair(&context.dir, &tell),
        false => check::look(&context.dir, &tell),
    };
    drop(progress);
    let report = report?;
    let mut out = out();
    match context.json {
        true => writeln!(out, "{}", as_json(context, &report))?,
        false => tell_all(&mut out, context, given.repair, &report)?,
    }
    match report.findings.iter().any(Finding::is_left) {
        true => Ok(Ending::Some),
        false => Ok(Ending::All),
    }
}

fn tell_all(out: &mut dyn Write, context: &Context, repairs: bool, report: &Report) -> io::Result<()> {
    for finding in &report.findings {
        tell_one(out, context, finding)?;
    }
    if !report.beside.is_empty() {
        let names: Vec<String> = report.beside.iter().take(NAMED).map(|path| shown(context, path)).collect();
        let more = match report.beside.len().saturating_sub(NAMED) {
            0 => String::new(),
            more => format!(" and {} more", count(more as u64)),
        };
        writeln!(out, "{}", FAINT.paint(format!("Not the library's, and left alone: {}{more}", names.join(", "))))?;
    }
    let read = format!("{} data files with {} records can be read", count(report.files), count(report.records));
    let all = report.findings.len() as u64;
    let left = report.findings.iter().filter(|finding| finding.is_left()).count() as u64;
    let findings = counted(all, "findings");
    match (all, repairs) {
        (0, _) => writeln!(out, "{} {read}.", GOOD.paint("All is in order:")),
        (_, false) => {
            let text = format!("{findings}, and nothing was changed;");
            writeln!(out, "{} {read}. weave fsck --repair puts in order what can be.", BAD.paint(text))
        }
        (_, true) => {
            let (saved, lost) = report.findings.iter().fold((0, 0), |sum, of| (sum.0 + of.saved, sum.1 + of.lost));
            let text = format!("{findings}, {} repaired, {} left;", count(all - left), count(left));
            let style = if left == 0 { GOOD } else { BAD };
            writeln!(
                out,
                "{} {} records of these are saved, {} are lost.",
                style.paint(text),
                count(saved),
                count(lost)
            )
        }
    }
}

fn tell_one(out: &mut dyn Write, context: &Context, finding: &Finding) -> io::Result<()> {
    let path = shown(context, &finding.path);
    writeln!(out, "{} {}: {}", WARNING.paint(finding.problem.name()), NAME.paint(path), finding.text)?;
    match &finding.repaired {
        None => writeln!(out, "  {}", finding.problem.meaning()),
        Some(Ok(done)) => writeln!(out, "  {} {done}", GOOD.paint("repaired:")),
        Some(Err(error)) => writeln!(out, "  {} {}", BAD.paint("not repaired:"), error.text()),
    }
}

/// A path as a terminal can show it: names may hold anything.
fn shown(context: &Context, path: &Path) -> String {
    let text = context.shown(path).to_string();
    text.chars().flat_map(|c| if c.is_control() { c.escape_default().collect() } else { vec![c] }).collect()
}

/// `{"findings": [{"problem", "path", "text", "meaning", "saved", "lost", "repaired": null or a text, "error": null or a
/// text}], "beside": [], "files", "records"}`.
fn as_json(context: &Context, report: &Report) -> Value {
    let told = report.findings.iter().map(|finding| {
        let (repaired, error) = match &finding.repaired {
            None => (None, None),
            Some(Ok(done)) => (Some(done.as_str()), None),
            Some(Err(error)) => (None, Some(error.text())),
        };
        json!({
            "problem": finding.problem.name(), "path": context.shown(&finding.path).to_string(), "text": finding.text,
            "meaning": finding.problem.meaning(), "saved": finding.saved, "lost": finding.lost,
            "repaired": repaired, "error": error,
        })
    });
    let beside = report.beside.iter().map(|path| context.shown(path).to_string());
    json!({"findings": told.collect::<Value>(), "beside": beside.collect::<Value>(),
           "files": report.files, "records": report.records})
}
