//! `weave rejected`: what servers refused, to be seen, put back, given up or carried away.

mod list;

use super::{out, Context};
use crate::arguments::care::{Action, Which};
use crate::outcome::{Ending, Failure, Outcome};
use crate::sizes::count;
use crate::terminal::style::NAME;
use crate::terminal::{confirm, is_person};
use serde_json::json;
use std::collections::{BTreeMap, HashSet};
use std::io::Write;
use std::path::Path;
use weave::sync::rejected::{self, Entry};

/// Does what was asked for.
pub fn run(context: &Context, action: &Action) -> Outcome {
    context.check_ours()?;
    match action {
        Action::List { which, all } => list::run(context, which, *all),
        Action::Show { ids } => list::show(context, ids),
        Action::Retry(which) => retry(context, which),
        Action::Drop { which, yes } => discard(context, which, *yes),
        Action::Export { file, project, kind } => export(context, file, project.as_deref(), kind.as_deref()),
    }
}

/// Gives each entry that is meant to `take`.
fn each(
    context: &Context,
    which: &Which,
    take: &mut dyn FnMut(&str, Entry) -> weave::Result<()>,
) -> Result<(), Failure> {
    let ids: HashSet<&str> = which.ids.iter().map(String::as_str).collect();
    for project in context.projects(&which.projects)? {
        rejected::list(&context.dir, Some(&project.name()), which.kind.as_deref(), &mut |project, entry| {
            let is_meant = ids.is_empty() || entry.id.as_deref().is_some_and(|id| ids.contains(id));
            if is_meant {
                take(project, entry)
            } else {
                Ok(())
            }
        })?;
    }
    Ok(())
}

/// The entries that are meant: of each project with any how many of each kind; and which of the ids there are.
struct Meant {
    projects: BTreeMap<String, BTreeMap<String, u64>>,
    unknown: Vec<String>,
}

impl Meant {
    fn find(context: &Context, which: &Which) -> Result<Meant, Failure> {
        let mut projects: BTreeMap<String, BTreeMap<String, u64>> = BTreeMap::new();
        let mut unknown: HashSet<&String> = which.ids.iter().collect();
        each(context, which, &mut |project, entry| {
            *projects.entry(project.to_string()).or_default().entry(entry.kind).or_default() += 1;
            if let Some(id) = entry.id {
                unknown.remove(&id);
            }
            Ok(())
        })?;
        let unknown = which.ids.iter().filter(|id| unknown.contains(id)).cloned().collect();
        Ok(Meant { projects, unknown })
    }

    fn records(&self) -> u64 {
        self.projects.values().flat_map(BTreeMap::values).sum()
    }

    /// `3 calls and 1 feedback of team/demo, 2 files of team/other`.
    fn text(&self) -> String {
        let kinds = |of: &BTreeMap<String, u64>| {
            of.iter().map(|(kind, records)| format!("{} {kind}", count(*records))).collect::<Vec<_>>().join(" and ")
        };
        let projects = self.projects.iter().map(|(project, of)| format!("{} of {project}", kinds(of)));
        projects.collect::<Vec<_>>().join(", ")
    }

    /// What to say when some of the ids that were given are not there.
    fn check_known(&self) -> Outcome {
        match self.unknown.as_slice() {
            [] => Ok(Ending::All),
            unknown => {
                let text =
                    format!("no rejected record has the id {}; see weave rejected list --all", unknown.join(", "));
                let ending = if self.records() == 0 { Ending::Nothing } else { Ending::Some };
                Err(Failure { ending, ..Failure::nothing(text) })
            }
        }
    }
}

fn retry(context: &Context, which: &Which) -> Outcome {
    change(context, which, "put_back", |project, kind, ids| rejected::retry(&context.dir, Some(project), kind, ids))
}

fn discard(context: &Context, which: &Which, is_sure: bool) -> Outcome {
    let meant = Meant::find(context, which)?;
    if meant.records() > 0 && !is_sure {
        let text = meant.text();
        if context.json || !is_person() {
            return Err(Failure::refused(format!(
                "this gives up {text} for good; add --yes if that is meant. weave rejected export FILE keeps a copy"
            )));
        }
        let answer = confirm(&format!("Give up {text} for good?"));
        if !answer.map_err(|cause| Failure::nothing(format!("cannot ask: {cause}; add --yes")))? {
            return Err(Failure::refused("nothing was given up"));
        }
    }
    change(context, which, "dropped", |project, kind, ids| rejected::discard(&context.dir, Some(project), kind, ids))
}

/// Puts back or drops, project by project; `done` is what became of them.
fn change(
    context: &Context,
    which: &Which,
    done: &'static str,
    act: impl Fn(&str, Option<&str>, Option<&[String]>) -> weave::Result<u64>,
) -> Outcome {
    let meant = Meant::find(context, which)?;
    let ids = (!which.ids.is_empty()).then_some(which.ids.as_slice());
    let mut counts = BTreeMap::new();
    for project in meant.projects.keys() {
        counts.insert(project, act(project, which.kind.as_deref(), ids)?);
    }
    let mut out = out();
    if context.json {
        writeln!(out, "{}", json!({ done: counts }))?;
        drop(out);
        return meant.check_known();
    }
    let is_retry = done == "put_back";
    for (project, records) in &counts {
        let told = if is_retry { "put back to those that wait" } else { "given up" };
        writeln!(out, "{}: {} {told}", NAME.paint(project), count(*records))?;
    }
    match (counts.is_empty(), is_retry) {
        (true, _) if which.ids.is_empty() => writeln!(out, "Nothing is rejected{}.", list::narrowed(which))?,
        (false, true) => writeln!(out, "weave sync sends them.")?,
        _ => {}
    }
    drop(out);
    meant.check_known()
}

fn export(context: &Context, file: &Path, project: Option<&str>, kind: Option<&str>) -> Outcome {
    let records = rejected::export(&context.dir, project, kind, file)?;
    let mut out = out();
    match context.json {
        true => writeln!(out, "{}", json!({"exported": records, "file": file}))?,
        false if records == 0 => writeln!(out, "Nothing is rejected; {} is empty.", file.display())?,
        false => writeln!(out, "{} records are copied to {}; they stay rejected.", count(records), file.display())?,
    }
    Ok(Ending::All)
}
