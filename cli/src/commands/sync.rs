//! `weave sync`: send what waits.

mod left;
mod report;
mod watch;

use super::{out, stop_on_signals, Context};
use crate::arguments::Sync;
use crate::outcome::{ending_of, Ending, Failure, Outcome};
use crate::sizes::{counted, show};
use crate::terminal::progress::Progress;
use crate::terminal::style::NAME;
use crate::terminal::{confirm, is_person};
use left::Left;
use std::fs;
use std::io::Write;
use std::path::Path;
use weave::client::{Options, SyncSettings};
use weave::store::layout::{ProjectDir, UNBOUND_ENTITY};
use weave::sync::inventory::{self, Inventory};
use weave::sync::plan::{self, Planned};
use weave::sync::results::Counted;
use weave::sync::targets::Targets;
use weave::sync::{self, Choices, Connection, Request, Results, Stop};

/// Sends it.
pub fn run(context: &Context, given: &Sync) -> Outcome {
    let sending = Sending::new(context, given)?;
    if given.dry_run {
        return sending.tell_plan();
    }
    sending.confirm()?;
    if given.watch {
        return watch::run(&sending);
    }
    sending.send_once()
}

/// What is to be sent, and how.
struct Sending<'c> {
    context: &'c Context,
    projects: Vec<&'c str>,
    connection: Connection,
    choices: Choices,
    stop: Stop,
    is_sure: bool,
}

impl<'c> Sending<'c> {
    fn new(context: &'c Context, given: &'c Sync) -> Result<Sending<'c>, Failure> {
        let destinations = given.map.as_deref().map(read_map).transpose()?.unwrap_or_default();
        let stop = Stop::new();
        let options = Options {
            sync: SyncSettings {
                destination: given.to.clone(),
                destinations,
                open_call_age: None,
                close_interrupted: given.close_interrupted.then_some(true),
                max_time: given.max_time.map(|time| time.0),
                max_bytes: given.max_bytes,
                max_rate: given.limit_rate,
                connections: given.connections,
                wait: given.wait.map(|time| time.0),
                stop: stop.clone(),
            },
            ..Options::default()
        };
        let projects = given.projects.iter().map(String::as_str).collect();
        context.projects(&given.projects)?;
        Ok(Sending {
            context,
            projects,
            connection: options.connection(),
            choices: options.choices(&context.environment)?,
            stop,
            is_sure: given.yes,
        })
    }

    fn request(&self) -> Request<'_> {
        Request {
            offline_dir: &self.context.dir,
            projects: &self.projects,
            connection: &self.connection,
            environment: &self.context.environment,
            choices: self.choices.clone(),
            stop: self.stop.clone(),
        }
    }

    /// A person is asked before something goes elsewhere than where it was recorded for.
    fn confirm(&self) -> Result<(), Failure> {
        if self.is_sure || self.context.json || !is_person() {
            return Ok(());
        }
        let inventory = inventory::take(&self.context.dir)?;
        let mut moved = self.moved(&inventory)?;
        moved.sort();
        if moved.is_empty() {
            return Ok(());
        }
        let question = format!("Send {}?", moved.join(", "));
        match confirm(&question).map_err(|cause| Failure::nothing(format!("cannot ask: {cause}; add --yes")))? {
            true => Ok(()),
            false => Err(Failure::refused("nothing was sent")),
        }
    }

    /// The projects that go elsewhere, as `recorded to entity/project`.
    fn moved(&self, inventory: &Inventory) -> Result<Vec<String>, Failure> {
        let given = self.choices.destination.is_some() || !self.choices.destinations.is_empty();
        let all: Vec<ProjectDir> = inventory.projects.iter().map(|project| project.dir.clone()).collect();
        let chosen = weave::sync::directory::choose(all.clone(), &self.projects)?;
        let pending: Vec<&ProjectDir> = chosen.iter().collect();
        let targets = Targets::given(&self.choices, &self.context.environment, &all, &pending)?;
        let name = |dir: &ProjectDir| {
            let (entity, project) = targets.known(dir);
            entity.map_or(project.clone(), |entity| format!("{entity}/{project}"))
        };
        let goes_elsewhere = |dir: &&&ProjectDir| {
            let (entity, project) = targets.known(dir);
            project != dir.project || (dir.entity != UNBOUND_ENTITY && entity.as_ref() != Some(&dir.entity))
        };
        let moved = pending.iter().filter(goes_elsewhere).filter(|_| given);
        Ok(moved.map(|dir| format!("{} to {}", dir.name(), name(dir))).collect())
    }

    /// One sync, told to people as it goes.
    fn send_once(&self) -> Outcome {
        self.stop_on_signals()?;
        let outcome = self.send()?;
        let error = outcome.error();
        let mut out = out();
        if self.context.json {
            writeln!(out, "{}", report::as_json(&outcome, &self.left()?))?;
        } else {
            report::tell(&mut out, &outcome)?;
            if error.is_some() {
                self.left()?.tell(&mut out)?;
            }
        }
        drop(out);
        let Some(error) = error else { return Ok(Ending::All) };
        let sent = outcome.results.total().synced > 0;
        let ending = match ending_of(error.status()) {
            Ending::Nothing if sent => Ending::Some,
            ending => ending,
        };
        Err(Failure { ending, ..Failure::nothing(error.text()) })
    }

    fn send(&self) -> Result<sync::Outcome, Failure> {
        let all = self.left()?;
        let mut progress = Progress::new(self.context.json);
        let outcome = sync::run(&self.request(), &mut |update| {
            let part = format!("{} {}", update.project, update.kind);
            progress.tell(&part, update.records, all.records(update.project, update.kind));
            true
        })?;
        Ok(outcome)
    }

    fn left(&self) -> weave::Result<Left> {
        Left::of(&self.context.dir, &self.projects)
    }

    fn stop_on_signals(&self) -> Result<(), Failure> {
        stop_on_signals(&self.stop)
    }

    fn tell_plan(&self) -> Outcome {
        let planned = plan::plan(&self.request())?;
        let mut out = out();
        if self.context.json {
            writeln!(out, "{}", report::plan_as_json(&planned))?;
            return Ok(Ending::All);
        }
        for of in &planned {
            tell_planned(&mut out, of)?;
        }
        if planned.is_empty() {
            writeln!(out, "Nothing waits.")?;
        }
        Ok(Ending::All)
    }
}

fn tell_planned(out: &mut dyn Write, of: &Planned) -> std::io::Result<()> {
    let to = match &of.entity {
        Some(entity) => format!("{entity}/{}", of.to),
        None => format!("{} of the account's default entity", of.to),
    };
    writeln!(out, "{} would go to {to}:", NAME.paint(&of.project))?;
    for (what, amount) in &of.amounts {
        writeln!(out, "  {}, {}", counted(amount.records, what.name()), show(amount.bytes))?;
    }
    if of.waiting > 0 {
        writeln!(out, "  {} of calls without the other half would wait", counted(of.waiting, "parts"))?;
    }
    if of.unreadable > 0 {
        writeln!(out, "  {} that cannot be read would be set aside", counted(of.unreadable, "lines"))?;
    }
    if of.amounts.is_empty() && of.waiting == 0 && of.unreadable == 0 {
        writeln!(out, "  nothing, but its files would be marked as sent")?;
    }
    Ok(())
}

/// Reads `RECORDED=ENTITY/PROJECT`, one a line; empty lines and those that begin with `#` count for nothing.
fn read_map(path: &Path) -> Result<Vec<(String, String)>, Failure> {
    let text = fs::read_to_string(path)
        .map_err(|cause| Failure::nothing(format!("--map: cannot read {}: {cause}", path.display())))?;
    let lines = text.lines().map(str::trim).enumerate();
    lines
        .filter(|(_, line)| !line.is_empty() && !line.starts_with('#'))
        .map(|(number, line)| {
            let (recorded, to) = line.split_once('=').ok_or_else(|| {
                let place = format!("{}, line {}", path.display(), number + 1);
                Failure::nothing(format!("--map: {place}: {line:?} is no RECORDED=ENTITY/PROJECT"))
            })?;
            Ok((recorded.trim().to_string(), to.trim().to_string()))
        })
        .collect()
}

/// How many of each kind were sent, and how many were not.
fn tallies<'r>(results: &'r Results, project: &'r str) -> impl Iterator<Item = (Counted, u64, u64)> + 'r {
    Counted::ALL.into_iter().filter_map(move |what| {
        let tally = results.tally(project, what);
        (tally.synced > 0 || tally.errors > 0).then_some((what, tally.synced, tally.errors))
    })
}
