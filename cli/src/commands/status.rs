//! `weave status`: what waits, what was sent, and where it would go. Nothing is inflated, and the server is not asked.

use super::{out, Context};
use crate::arguments::Status;
use crate::moments;
use crate::outcome::{Ending, Failure, Outcome};
use crate::sizes::{count, counted, show};
use crate::terminal::style::{Meaning, BAD, FAINT, GOOD, NAME, PLAIN, WARNING};
use crate::terminal::table::{Side, Table};
use jiff::Timestamp;
use serde_json::{json, Map, Value};
use std::io::Write;
use weave::client::Options;
use weave::store::layout::ProjectDir;
use weave::sync::inventory::{self, Inventory, OfKind, OfProject};
use weave::sync::server::address;
use weave::sync::targets::Targets;

/// Tells it.
pub fn run(context: &Context, given: &Status) -> Outcome {
    let chosen = context.projects(&given.projects)?;
    let inventory = inventory::take(&context.dir)?;
    let disk = Disk::of(context)?;
    let projects: Vec<(&OfProject, Target)> = inventory
        .projects
        .iter()
        .filter(|project| chosen.contains(&project.dir))
        .map(|project| Ok((project, Target::of(context, &inventory, &project.dir)?)))
        .collect::<Result<_, Failure>>()?;
    let mut out = out();
    if context.json {
        writeln!(out, "{}", as_json(context, &inventory, &disk, &projects))?;
        return Ok(Ending::All);
    }
    tell_directory(&mut out, context, &inventory, &disk)?;
    for (project, target) in &projects {
        tell_project(&mut out, project, target)?;
    }
    if projects.is_empty() {
        writeln!(out, "\nNo project is stored here.")?;
    }
    Ok(Ending::All)
}

/// The disk below the directory, and the bound that the environment sets.
struct Disk {
    free: u64,
    quota: Option<u64>,
}

impl Disk {
    fn of(context: &Context) -> Result<Disk, Failure> {
        let quota = Options::default().max_directory_size(&context.environment)?;
        let about = rustix::fs::statvfs(&context.dir).map_err(|cause| {
            Failure::nothing(format!("cannot look at the disk of {}: {cause}", context.dir.display()))
        })?;
        Ok(Disk { free: about.f_bavail.saturating_mul(about.f_frsize), quota })
    }
}

/// Where a project would go.
struct Target {
    entity: Option<String>,
    project: String,
    server: String,
}

impl Target {
    fn of(context: &Context, inventory: &Inventory, dir: &ProjectDir) -> Result<Target, Failure> {
        let environment = &context.environment;
        let all: Vec<ProjectDir> = inventory.projects.iter().map(|project| project.dir.clone()).collect();
        let choices = Options::default().choices(environment)?;
        let (entity, project) = Targets::given(&choices, environment, &all, &[dir])?.known(dir);
        let base = address::base(None, environment)?;
        let server = address::traces(None, &base, environment)?.as_str().to_string();
        Ok(Target { entity, project, server })
    }
}

fn tell_directory(out: &mut dyn Write, context: &Context, inventory: &Inventory, disk: &Disk) -> std::io::Result<()> {
    let quota = match disk.quota {
        Some(quota) => {
            let share = (inventory.bytes as f64 / quota as f64 * 100.0).round();
            format!("quota {} ({share}% used)", show(quota))
        }
        None => "no quota".to_string(),
    };
    let (bytes, free) = (show(inventory.bytes), show(disk.free));
    writeln!(out, "{}: {bytes}; {free} free on its disk, {quota}", NAME.paint(context.dir.display()))?;
    match inventory.writers {
        0 => writeln!(out, "No program is logging to it.")?,
        1 => writeln!(out, "{}", GOOD.paint("1 program is logging to it."))?,
        many => writeln!(out, "{}", GOOD.paint(format!("{many} programs are logging to it.")))?,
    }
    match inventory.abandoned {
        0 => Ok(()),
        1 => writeln!(
            out,
            "{}",
            WARNING.paint("1 program ended without a flush; the next sync takes over what it left.")
        ),
        many => {
            let text = format!("{many} programs ended without a flush; the next sync takes over what they left.");
            writeln!(out, "{}", WARNING.paint(text))
        }
    }
}

fn tell_project(out: &mut dyn Write, project: &OfProject, target: &Target) -> std::io::Result<()> {
    let to = match &target.entity {
        Some(entity) => format!("{entity}/{}", target.project),
        None => format!("{} of the account's default entity", target.project),
    };
    writeln!(out, "\n{} {} {to} on {}", NAME.paint(project.dir.name()), FAINT.paint("→"), target.server)?;
    let right = |name| (name, Side::Right);
    let mut table = Table::new(&[
        ("KIND", Side::Left),
        right("PENDING"),
        right("FILES"),
        right("SIZE"),
        ("OLDEST", Side::Left),
        ("NEWEST", Side::Left),
        right("SYNCED FILES"),
        right("SIZE"),
    ]);
    for (kind, of_kind) in &project.kinds {
        table.row(cells(kind.folder(), of_kind));
    }
    table.write(out, "  ")?;
    for (what, rejected) in &project.rejected {
        let rejected = BAD.paint(format!("{} rejected", counted(*rejected, what.name())));
        writeln!(out, "  {rejected}: weave rejected list tells why")?;
    }
    Ok(())
}

fn cells(name: &str, of: &OfKind) -> Vec<(String, Meaning)> {
    let waits = of.pending.files > 0;
    let records = match of.records {
        Some(records) => count(records),
        None => "?".to_string(),
    };
    let oldest = of.oldest.as_deref().and_then(moments::day).map(|day| day.strftime("%Y-%m-%d").to_string());
    let newest = of.newest.and_then(|at| Timestamp::from_microsecond(at.micros()).ok()).map(moments::ago);
    let growing = if of.growing > 0 { " (growing)" } else { "" };
    let files_and_bytes = |files: u64, bytes: u64| match files {
        0 => [(String::new(), PLAIN), (String::new(), PLAIN)],
        _ => [(count(files), PLAIN), (show(bytes), PLAIN)],
    };
    let mut cells = vec![(name.to_string(), PLAIN)];
    cells.push(if waits { (records, NAME) } else { (String::new(), PLAIN) });
    cells.extend(files_and_bytes(of.pending.files, of.pending.bytes));
    cells.push((oldest.unwrap_or_default(), PLAIN));
    cells.push((newest.map_or_else(String::new, |newest| format!("{newest}{growing}")), PLAIN));
    cells.extend(files_and_bytes(of.synced.files, of.synced.bytes));
    cells
}

fn as_json(context: &Context, inventory: &Inventory, disk: &Disk, projects: &[(&OfProject, Target)]) -> Value {
    let mut told = Vec::new();
    for (project, target) in projects {
        let mut kinds = Map::new();
        for (kind, of) in &project.kinds {
            let about = json!({
                "pending": {"records": of.records, "files": of.pending.files, "bytes": of.pending.bytes,
                            "growing": of.growing, "oldest": of.oldest.as_deref().and_then(moments::day).map(|day| day.to_string()),
                            "newest": of.newest.map(|at| at.to_string())},
                "synced": {"files": of.synced.files, "bytes": of.synced.bytes},
            });
            kinds.insert(kind.folder().to_string(), about);
        }
        let rejected: Map<String, Value> =
            project.rejected.iter().map(|(what, records)| (what.name().to_string(), json!(records))).collect();
        told.push(json!({
            "project": project.dir.name(),
            "to": {"server": target.server, "entity": target.entity, "project": target.project},
            "kinds": kinds,
            "rejected": rejected,
        }));
    }
    json!({
        "offline_dir": context.dir,
        "bytes": inventory.bytes,
        "free_bytes": disk.free,
        "quota": disk.quota,
        "writers": inventory.writers,
        "abandoned": inventory.abandoned,
        "projects": told,
    })
}
