//! One sync of an offline directory: which projects, to where, in which order.

use super::choices::Choices;
use super::progress::Progress;
use super::refmap::RefMap;
use super::results::Results;
use super::sender::Sender;
use super::server::connection::{Connection, Destination};
use super::server::environment::Environment;
use super::server::project;
use super::server::retry::Retry;
use super::server::stop::Stop;
use super::server::transport::Transport;
use super::{calls, feedback, files, objects};
use crate::error::{Error, Result, Status};
use crate::log;
use crate::record::kind::Kind;
use crate::record::names::split_project;
use crate::store::held::HeldFile;
use crate::store::layout::{self, Access, ProjectDir, LIBRARY_FOLDER, UNBOUND_ENTITY};
use crate::store::{self, lock, StoreOptions};
use std::collections::HashSet;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// What to sync, and how.
pub struct Request<'a> {
    /// The offline directory.
    pub offline_dir: &'a Path,
    /// Only this project: `entity/project` as recorded, or `project` of whatever entity.
    pub project: Option<&'a str>,
    /// How to reach the server.
    pub connection: &'a Connection,
    /// Where what is not given is looked up.
    pub environment: &'a Environment,
    /// What else the caller chose.
    pub choices: Choices,
    /// The way to stop it from another thread.
    pub stop: Stop,
}

/// How far a sync is, told after each acknowledgement.
#[derive(Debug, Clone, Copy)]
pub struct Update<'a> {
    /// The project as recorded.
    pub project: &'a str,
    /// What is being sent, as it stands in the results.
    pub kind: &'a str,
    /// How many of these the server has taken in this run.
    pub synced: u64,
    /// How many it has refused.
    pub errors: u64,
}

/// What a sync did.
#[derive(Debug)]
pub struct Outcome {
    /// Counts per project and kind.
    pub results: Results,
    /// Why the sync ended before everything was tried. Everything not acknowledged is kept.
    pub stopped: Option<Error>,
}

impl Outcome {
    /// The error to hand to the caller: why it stopped, else what was refused, else nothing.
    pub fn error(&self) -> Option<Error> {
        self.stopped.clone().or_else(|| self.results.error())
    }
}

/// Sends what is pending. `report` hears of each acknowledgement, and ends the sync by answering false.
///
/// An error means that nothing was tried; what went wrong later stands in the outcome.
pub fn run(request: &Request<'_>, report: &mut dyn FnMut(&Update<'_>) -> bool) -> Result<Outcome> {
    let root = request.offline_dir;
    layout::check_exists(root)?;
    let access = access_of(root);
    let _lock = lock_directory(root, access)?;
    store::seal_own_files(root)?;
    let options =
        StoreOptions { dir: root.to_path_buf(), group_access: access == Access::Group, ..StoreOptions::default() };
    if let Err(error) = store::recover(&options) {
        log::write(log::Level::Warning, || format!("{error}; it is tried again by the next sync"));
    }
    let all = layout::projects(root)?;
    let chosen = choose(&all, request.project)?;
    let mut pending = Vec::new();
    for project in chosen {
        if has_pending(project)? {
            pending.push(project);
        }
    }
    let mut outcome = Outcome { results: Results::new(), stopped: None };
    if pending.is_empty() {
        return Ok(outcome);
    }
    if request.choices.destination.is_some() && pending.len() > 1 {
        let names: Vec<String> = pending.iter().map(|project| project.name()).collect();
        return Err(Error::new(
            Status::InvalidArgument,
            format!("destination: several projects wait ({}); name the one to send in project_name", names.join(", ")),
        ));
    }
    let destination = request.connection.resolve(request.environment)?;
    let mut run =
        Run { request, destination: &destination, transport: Transport::new(&destination, &request.stop)?, access };
    outcome.stopped = run.send_all(&all, &pending, &mut outcome.results, report).err();
    Ok(outcome)
}

struct Run<'a> {
    request: &'a Request<'a>,
    destination: &'a Destination,
    transport: Transport,
    access: Access,
}

impl Run<'_> {
    fn send_all(
        &mut self,
        all: &[ProjectDir],
        pending: &[&ProjectDir],
        results: &mut Results,
        report: &mut dyn FnMut(&Update<'_>) -> bool,
    ) -> Result<()> {
        let server = self.transport.traces().as_str().to_string();
        let given = self.request.choices.destination.as_deref().map(split_project).transpose()?;
        let bare = all.iter().any(|project| project.entity == UNBOUND_ENTITY) || matches!(given, Some((None, _)));
        let entity = if bare { self.entity_of_unbound()? } else { UNBOUND_ENTITY.to_string() };
        let target = |project: &ProjectDir| match given {
            Some((wanted, name)) if pending.contains(&project) => format!("{}/{name}", wanted.unwrap_or(&entity)),
            _ if project.entity == UNBOUND_ENTITY => format!("{entity}/{}", project.project),
            _ => project.name(),
        };
        let mut refs = RefMap::new();
        // Every project, since one may refer to another.
        for project in all {
            refs.add(project, &server, &target(project), self.access)?;
        }
        for project in pending {
            results.project(&project.name());
            match self.send_project(project, &target(project), &mut refs, results, report) {
                Err(error) if ends_the_run(error.status()) => {
                    results.add_reason(&project.name(), error.text().to_string());
                    return Err(error);
                }
                Err(error) => {
                    log::write(log::Level::Error, || error.text().to_string());
                    results.add_reason(&project.name(), error.text().to_string());
                    if pending.len() == 1 {
                        return Err(error);
                    }
                }
                Ok(()) => {}
            }
        }
        Ok(())
    }

    /// The order is the protocol's (section 15): what is referred to before what refers to it.
    fn send_project(
        &self,
        project: &ProjectDir,
        target: &str,
        refs: &mut RefMap,
        results: &mut Results,
        report: &mut dyn FnMut(&Update<'_>) -> bool,
    ) -> Result<()> {
        let (entity, name) = target.split_once('/').unwrap_or((UNBOUND_ENTITY, target));
        let target =
            format!("{entity}/{}", self.retrying(|retry| project::ensure(&self.transport, retry, entity, name))?);
        refs.add(project, self.transport.traces().as_str(), &target, self.access)?;
        let mut sender = Sender {
            transport: &self.transport,
            policy: &self.destination.retry,
            project,
            recorded: project.name(),
            target,
            progress: Progress::open(project, self.access)?,
            refs,
            unsent: HashSet::new(),
            results,
            report,
            stop: &self.request.stop,
        };
        files::send(&mut sender)?;
        objects::send(&mut sender)?;
        calls::send(&mut sender, self.access)?;
        feedback::send(&mut sender)?;
        feedback::send_costs(&mut sender)
    }

    fn entity_of_unbound(&self) -> Result<String> {
        let given = self.request.choices.entity.clone().or_else(|| self.request.environment.text("WANDB_ENTITY"));
        match given {
            Some(entity) => Ok(entity),
            None => self.retrying(|retry| project::default_entity(&self.transport, retry)),
        }
    }

    fn retrying<T>(&self, ask: impl FnOnce(&Retry<'_>) -> Result<T>) -> Result<T> {
        ask(&Retry { policy: &self.destination.retry, stop: &self.request.stop })
    }
}

/// Whether an error would meet every other project too.
fn ends_the_run(status: Status) -> bool {
    matches!(status, Status::Network | Status::Unauthorized | Status::Server | Status::Cancelled | Status::NoSpace)
}

fn choose<'p>(all: &'p [ProjectDir], wanted: Option<&str>) -> Result<Vec<&'p ProjectDir>> {
    let Some(wanted) = wanted else { return Ok(all.iter().collect()) };
    let (entity, name) = split_project(wanted)?;
    let fits = |project: &&ProjectDir| project.project == name && entity.is_none_or(|entity| project.entity == entity);
    let chosen: Vec<&ProjectDir> = all.iter().filter(fits).collect();
    if chosen.is_empty() {
        let there: Vec<String> = all.iter().map(ProjectDir::name).collect();
        return Err(Error::new(
            Status::InvalidArgument,
            format!(
                "project_name: there is no project \"{wanted}\" in the offline directory; there are: {}",
                there.join(", ")
            ),
        ));
    }
    Ok(chosen)
}

fn has_pending(project: &ProjectDir) -> Result<bool> {
    for folder in Kind::ALL.map(Kind::folder).into_iter().chain(["files_metadata"]) {
        if layout::data_files(&project.path.join(folder))?.iter().any(|file| !file.synced) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// What a sync writes gets the modes that the directory has.
fn access_of(root: &Path) -> Access {
    match root.metadata() {
        Ok(about) if about.permissions().mode() & 0o020 != 0 => Access::Group,
        _ => Access::Owner,
    }
}

fn lock_directory(root: &Path, access: Access) -> Result<HeldFile> {
    let folder = root.join(LIBRARY_FOLDER);
    access.make_directory(&folder)?;
    lock::try_acquire(&folder.join("sync.lock"), access)?.ok_or_else(|| {
        Error::new(Status::Busy, format!("another sync of {} is running; try again when it has ended", root.display()))
    })
}
