//! `weave rejected list` and `show`.

use super::{each, Meant};
use crate::arguments::care::Which;
use crate::commands::{out, Context};
use crate::moments;
use crate::outcome::{Ending, Outcome};
use crate::sizes::count;
use crate::terminal::style::{BAD, FAINT, NAME};
use jiff::Timestamp;
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::{self, Write};
use weave::sync::rejected::{of_project, Entry};

/// What is told of records together: their project, kind, status and reason.
type Same = (String, String, Option<u16>, String);

/// Records with the same reason.
struct Group {
    records: u64,
    first: Option<String>,
    newest: String,
}

/// Lists them.
pub fn run(context: &Context, which: &Which, all: bool) -> Outcome {
    if context.json {
        return as_json(context, which, false);
    }
    let meant = Meant::find(context, which)?;
    let mut out = out();
    if meant.records() == 0 {
        if which.ids.is_empty() {
            writeln!(out, "Nothing is rejected{}.", narrowed(which))?;
        }
        return meant.check_known();
    }
    match all {
        true => tell_each(context, which, &mut out)?,
        false => tell_groups(context, which, &mut out)?,
    }
    writeln!(
        out,
        "\nweave rejected show ID prints one; weave rejected retry puts them back for weave sync; \
         weave rejected drop gives them up."
    )?;
    meant.check_known()
}

/// What a list was narrowed to, behind "Nothing is rejected".
pub fn narrowed(which: &Which) -> String {
    let kind = which.kind.as_ref().map(|kind| format!(" of {kind}"));
    let projects = (!which.projects.is_empty()).then(|| format!(" in {}", which.projects.join(", ")));
    kind.unwrap_or_default() + &projects.unwrap_or_default()
}

fn tell_groups(context: &Context, which: &Which, out: &mut dyn Write) -> Result<(), crate::outcome::Failure> {
    let mut groups: BTreeMap<Same, Group> = BTreeMap::new();
    each(context, which, &mut |project, entry| {
        let same = (project.to_string(), entry.kind.clone(), entry.status, without_id(&entry));
        let group =
            groups.entry(same).or_insert_with(|| Group { records: 0, first: entry.id.clone(), newest: String::new() });
        group.records += 1;
        if entry.at > group.newest {
            group.newest = entry.at;
        }
        Ok(())
    })?;
    let mut shown = None;
    for ((project, kind, status, reason), group) in &groups {
        if shown.as_ref() != Some(project) {
            let gap = if shown.is_some() { "\n" } else { "" };
            writeln!(out, "{gap}{}", NAME.paint(project))?;
            shown = Some(project.clone());
        }
        let records = format!("{} {kind}", count(group.records));
        writeln!(out, "  {}: {}", BAD.paint(records), reason_of(*status, reason))?;
        let id = group.first.as_deref().unwrap_or("no id");
        let example = if group.records == 1 { id.to_string() } else { format!("such as {id}; the last") };
        writeln!(out, "    {}", FAINT.paint(format!("{example} {}", ago(&group.newest))))?;
    }
    Ok(())
}

fn tell_each(context: &Context, which: &Which, out: &mut dyn Write) -> Result<(), crate::outcome::Failure> {
    let mut failed = Ok(());
    each(context, which, &mut |project, entry| {
        if failed.is_ok() {
            let id = entry.id.as_deref().unwrap_or("-");
            let (reason, at) = (reason_of(entry.status, &entry.reason), FAINT.paint(ago(&entry.at)));
            failed = writeln!(out, "{} {} {id} {at}: {reason}", NAME.paint(project), entry.kind);
        }
        Ok(())
    })?;
    Ok(failed?)
}

/// The reason without the record's own id, which would keep equal reasons apart.
fn without_id(entry: &Entry) -> String {
    match entry.id.as_deref().filter(|id| id.len() > 3) {
        Some(id) => entry.reason.replace(id, "…"),
        None => entry.reason.clone(),
    }
}

/// What the server said, without the request; `show` tells it all.
fn reason_of(status: Option<u16>, reason: &str) -> String {
    let said = status.and_then(|status| Some((status, reason.split_once(&format!(" answered {status}: "))?.1)));
    said.map_or(reason.to_string(), |(status, said)| format!("{status} {said}"))
}

fn ago(at: &str) -> String {
    at.parse::<Timestamp>().map_or(at.to_string(), moments::ago)
}

/// Prints records with their lines.
pub fn show(context: &Context, ids: &[String]) -> Outcome {
    let which = Which { projects: Vec::new(), kind: None, ids: ids.to_vec() };
    if context.json {
        return as_json(context, &which, true);
    }
    let meant = Meant::find(context, &which)?;
    let mut out = out();
    let mut failed = Ok(());
    each(context, &which, &mut |project, entry| {
        if failed.is_ok() {
            failed = tell_whole(&mut out, project, &entry);
        }
        Ok(())
    })?;
    failed?;
    meant.check_known()
}

fn tell_whole(out: &mut dyn Write, project: &str, entry: &Entry) -> io::Result<()> {
    let id = entry.id.as_deref().unwrap_or("without an id");
    writeln!(out, "{} {} of {}", NAME.paint(id), entry.kind, NAME.paint(project))?;
    writeln!(out, "  {}", BAD.paint(&entry.reason))?;
    writeln!(out, "  {} by {} for {}", ago(&entry.at), entry.server, entry.to)?;
    writeln!(out, "  from {}", entry.places.join(", "))?;
    for line in &entry.lines {
        let value: Value = serde_json::from_str(line.get()).unwrap_or_default();
        let text = serde_json::to_string_pretty(&value).unwrap_or_else(|_| line.get().to_string());
        writeln!(out, "{text}")?;
    }
    Ok(())
}

/// A JSON object a line, as `weave rejected export` writes them; with the lines that were rejected or without.
fn as_json(context: &Context, which: &Which, with_lines: bool) -> Outcome {
    let (mut out, mut failed) = (out(), Ok(()));
    each(context, which, &mut |project, entry| {
        if failed.is_ok() {
            failed = writeln!(out, "{}", of_project(project, &entry.to_json(with_lines)?));
        }
        Ok(())
    })?;
    failed?;
    drop(out);
    match which.ids.is_empty() {
        true => Ok(Ending::All),
        false => Meant::find(context, which)?.check_known(),
    }
}
