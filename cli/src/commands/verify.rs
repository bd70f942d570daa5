//! `weave verify`: ask the server for everything that receipts say it has.

use super::{out, stop_on_signals, Context};
use crate::arguments::care::Verify;
use crate::outcome::{ending_of, Ending, Failure, Outcome};
use crate::sizes::count;
use crate::terminal::progress::Progress;
use crate::terminal::style::{Meaning, BAD, FAINT, GOOD, NAME};
use serde_json::{json, Value};
use std::collections::BTreeMap;
use std::io::{self, Write};
use weave::client::Options;
use weave::sync::verify::{self, Verification};
use weave::sync::Stop;

/// How many missing ids of a kind are named.
const NAMED: usize = 10;

/// What the server does not have, by project and kind.
type Missing = BTreeMap<(String, &'static str), Vec<Item>>;

struct Item {
    id: String,
    file: String,
    deleted: bool,
}

/// Asks.
pub fn run(context: &Context, given: &Verify) -> Outcome {
    context.projects(&given.projects)?;
    let stop = Stop::new();
    stop_on_signals(&stop)?;
    let projects: Vec<&str> = given.projects.iter().map(String::as_str).collect();
    let options = Options::default();
    let verification = Verification {
        offline_dir: &context.dir,
        projects: &projects,
        connection: &options.connection(),
        environment: &context.environment,
        stop: stop.clone(),
        put_back: given.put_back,
    };
    let mut missing = Missing::new();
    let mut progress = Progress::new(context.json);
    let outcome = verify::run(
        &verification,
        &mut |update| {
            progress.tell(&format!("{} {}", update.project, update.kind), update.records, 0);
            true
        },
        &mut |of| {
            let item = Item { id: of.id.to_string(), file: of.file.to_string(), deleted: of.deleted };
            missing.entry((of.project.to_string(), of.kind.name())).or_default().push(item);
        },
    );
    drop(progress);
    let outcome = outcome?;
    let mut out = out();
    match context.json {
        true => writeln!(out, "{}", as_json(&outcome, &missing))?,
        false => tell(&mut out, given, &outcome, &missing)?,
    }
    drop(out);
    match (&outcome.stopped, outcome.error()) {
        (Some(stopped), _) => {
            let asked = outcome.counts().1 > 0;
            let ending = match ending_of(stopped.status()) {
                Ending::Nothing if asked => Ending::Some,
                ending => ending,
            };
            Err(Failure { ending, ..Failure::nothing(format!("not everything was asked: {}", stopped.text())) })
        }
        (None, Some(_)) => Ok(Ending::Some),
        (None, None) => Ok(Ending::All),
    }
}

fn tell(out: &mut dyn Write, given: &Verify, outcome: &verify::Outcome, missing: &Missing) -> io::Result<()> {
    let mut is_any = false;
    for (project, (found, asked)) in outcome.by_project() {
        let style: Meaning = if found == asked { GOOD } else { BAD };
        let counts = format!("{} of {}", count(found), count(asked));
        writeln!(out, "{}: {} are on the server", NAME.paint(project), style.paint(counts))?;
        for ((_, kind), items) in missing.iter().filter(|((of, _), _)| of == project) {
            tell_missing(out, kind, items, given.all)?;
        }
        is_any = true;
    }
    if outcome.not_asked() > 0 {
        writeln!(out, "{} records have no id to ask for, such as updates of calls.", count(outcome.not_asked()))?;
    }
    if outcome.put_back > 0 {
        writeln!(out, "{} records were put back. weave sync sends them.", count(outcome.put_back))?;
    } else if !missing.is_empty() && !given.put_back {
        writeln!(out, "weave verify --put-back puts back what its files still hold; weave sync then sends it.")?;
    }
    if !is_any && outcome.notes().next().is_none() {
        writeln!(out, "Nothing was sent yet: there is no receipt.")?;
    }
    Ok(())
}

fn tell_missing(out: &mut dyn Write, kind: &str, items: &[Item], all: bool) -> io::Result<()> {
    writeln!(out, "  {}", BAD.paint(format!("{} {kind} are missing:", count(items.len() as u64))))?;
    let named = if all { items.len() } else { NAMED };
    for item in items.iter().take(named) {
        let deleted = if item.deleted { ", deleted there" } else { "" };
        writeln!(out, "    {} {}", item.id, FAINT.paint(format!("of {}{deleted}", item.file)))?;
    }
    match items.len().saturating_sub(named) {
        0 => Ok(()),
        more => writeln!(out, "    and {} more; --all names them", count(more as u64)),
    }
}

/// `{"results": {"entity/project": {"calls": [found, asked], …}}, "missing": [{"project", "kind", "id", "file",
/// "deleted"}], "put_back", "not_asked", "notes": [], "stopped": null or a text}`.
fn as_json(outcome: &verify::Outcome, missing: &Missing) -> Value {
    let missing = missing.iter().flat_map(|((project, kind), items)| {
        items.iter().map(move |item| {
            json!({"project": project, "kind": kind, "id": item.id, "file": item.file, "deleted": item.deleted})
        })
    });
    json!({
        "results": serde_json::from_str::<Value>(&outcome.to_json()).unwrap_or_default(),
        "missing": missing.collect::<Value>(),
        "put_back": outcome.put_back,
        "not_asked": outcome.not_asked(),
        "notes": outcome.notes().collect::<Vec<_>>(),
        "stopped": outcome.stopped.as_ref().map(|error| error.text().to_string()),
    })
}
