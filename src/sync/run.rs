//! One sync of an offline directory: which projects, and in which order.

use super::choices::Choices;
use super::kept::directory::{choose, Directory};
use super::kept::open_calls::OpenCalls;
use super::kept::progress::Progress;
use super::kept::put_back;
use super::kept::rejected::Rejected;
use super::results::Results;
use super::send::channel::Channel;
use super::send::pool::Pool;
use super::send::refmap::RefMap;
use super::send::sender::{Project, Report, Run, Sender};
use super::send::{calls, feedback, files, objects};
use super::server::connection::Connection;
use super::server::environment::Environment;
use super::server::project;
use super::server::retry::Retry;
use super::server::stop::Stop;
use super::server::transport::Transport;
use super::snapshot::{Snapshot, FOLDERS};
use super::targets::{check_destination, Targets};
use crate::error::{Error, Result, Status};
use crate::log;
use crate::store::layout::{self, Access, ProjectDir, UNBOUND_ENTITY};
use crate::store::{self, StoreOptions};
use std::collections::HashSet;
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::sync::Arc;
use std::time::Instant;

/// What to sync, and how.
pub struct Request<'a> {
    /// The offline directory.
    pub offline_dir: &'a Path,
    /// Only these projects: `entity/project` as recorded, or `project` of whatever entity; all if there is none.
    pub projects: &'a [&'a str],
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
    /// How many records of the kind are done in this run, taken or set aside: of a call that was stored in two parts, two.
    pub records: u64,
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
pub fn run(request: &Request<'_>, report: &mut Report<'_>) -> Result<Outcome> {
    let root = request.offline_dir;
    let choices = &request.choices;
    let stop = request.stop.at(choices.max_time.and_then(|time| Instant::now().checked_add(time)));
    let Begun { directory, all, pending } = begin(request, &stop)?;
    let (access, pending): (_, Vec<&ProjectDir>) = (directory.access(), pending.iter().collect());
    if pending.is_empty() {
        return Ok(Outcome { results: Results::new(), stopped: None });
    }
    check_destination(choices, &pending)?;
    let destination = request.connection.resolve(request.environment)?;
    let transport = Transport::new(&destination, &request.stop)?.with_rate(choices.max_rate);
    let outcome = std::thread::scope(|scope| {
        let mut run = Run {
            root,
            access,
            choices,
            transport: &transport,
            policy: &destination.retry,
            stop,
            sent_bytes: 0,
            pool: Pool::new(scope, choices.connections),
            refs: RefMap::new(),
            results: Results::new(),
            report,
            is_told_to_end: false,
            server_version: None,
        };
        let ended = send_all(&mut run, request, &all, &pending).err();
        // What was cut by the end of the time says that it was cancelled.
        let is_late = |error: &Error| error.status() == Status::Cancelled && !run.is_told_to_end;
        let ended = ended.map(|error| if is_late(&error) { run.stop.error() } else { error });
        Outcome { results: run.results, stopped: ended }
    });
    Ok(outcome)
}

/// An offline directory that is about to be sent.
pub(super) struct Begun {
    /// Its lock is held.
    pub directory: Directory,
    /// All its projects.
    pub all: Vec<ProjectDir>,
    /// Those of the wanted ones of which something waits.
    pub pending: Vec<ProjectDir>,
}

/// Locks the directory, has what programs left in their journals packed, and finds what waits.
pub(super) fn begin(request: &Request<'_>, stop: &Stop) -> Result<Begun> {
    let (root, choices) = (request.offline_dir, &request.choices);
    let directory = Directory::lock(root, choices.wait, stop)?;
    let access = directory.access();
    if choices.seal {
        store::seal_own_files(root)?;
    }
    let options =
        StoreOptions { dir: root.to_path_buf(), group_access: access == Access::Group, ..StoreOptions::default() };
    if let Err(error) = store::recover(&options) {
        log::write(log::Level::Warning, || format!("{error}; it is tried again by the next sync"));
    }
    let (all, mut pending) = (directory.projects(&[])?, Vec::new());
    // Of the same list: a project that is made meanwhile is left to the next sync.
    for project in choose(all.clone(), request.projects)? {
        put_back::finish(&project, access)?;
        if has_pending(&project, choices)? {
            pending.push(project);
        }
    }
    Ok(Begun { directory, all, pending })
}

fn send_all<'env>(
    run: &mut Run<'_, 'env>,
    request: &Request<'_>,
    all: &[ProjectDir],
    pending: &[&'env ProjectDir],
) -> Result<()> {
    let server = run.transport.traces().as_str().to_string();
    let snapshots = Snapshot::take(run.root, pending)?;
    let targets = Targets::settle(run, request, all, pending)?;
    // Every project, since one may refer to another.
    for project in all {
        if let Ok(target) = targets.of(project) {
            run.refs.add(project, &server, &target, run.access)?;
        }
    }
    let (mut projects, mut ended) = (Vec::new(), Vec::new());
    for (project, snapshot) in pending.iter().zip(snapshots) {
        run.results.project(&project.name());
        let target = targets.of(project);
        match snapshot.and_then(|snapshot| open_project(run, project, snapshot, &target?)) {
            Ok(project) => {
                projects.push(project);
                ended.push(None);
            }
            Err(error) => end_project(run, &project.name(), error, pending.len())?,
        }
    }
    let sent = send_kinds(run, &mut projects, &mut ended);
    for (project, error) in projects.iter().zip(ended) {
        if let Some(error) = error {
            let told = end_project(run, &project.recorded, error, pending.len());
            // Why the run ended goes before why a project did.
            sent.as_ref().map_or(Ok(()), |()| told)?;
        }
    }
    sent
}

/// Sends all kinds of records of all projects. An error of one project ends that one, and stands in its place in `ended`.
fn send_kinds<'env>(
    run: &mut Run<'_, 'env>,
    projects: &mut [Project<'env>],
    ended: &mut [Option<Error>],
) -> Result<()> {
    // The order is the protocol's (section 15): what is referred to before what refers to it. Under a budget, only what
    // the calls that matter refer to; but what one project refers to in another goes first, whatever it matters.
    let on_demand = run.choices.has_budget() && projects.len() == 1;
    if on_demand {
        each(run, projects, ended, |sender| calls::send(sender, true))?;
    }
    each(run, projects, ended, files::send)?;
    objects::send(run, projects, ended)?;
    each(run, projects, ended, |sender| {
        if !on_demand {
            calls::send(sender, false)?;
        }
        feedback::send(sender)?;
        feedback::send_costs(sender)
    })
}

/// Has each project do a part of the work, unless an error ended it before.
fn each<'env>(
    run: &mut Run<'_, 'env>,
    projects: &mut [Project<'env>],
    ended: &mut [Option<Error>],
    work: impl Fn(&mut Sender<'_, '_, 'env>) -> Result<()>,
) -> Result<()> {
    for (project, ended) in projects.iter_mut().zip(ended).filter(|(_, ended)| ended.is_none()) {
        match work(&mut Sender { run, project }) {
            Err(error) if ends_the_run(error.status()) => {
                run.results.add_reason(&project.recorded, error.text().to_string());
                return Err(error);
            }
            Err(error) => *ended = Some(error),
            Ok(()) => {}
        }
    }
    Ok(())
}

/// Notes why a project ended; when it is the only one, or the error would meet others too, that ends the run.
fn end_project(run: &mut Run<'_, '_>, recorded: &str, error: Error, of: usize) -> Result<()> {
    run.results.add_reason(recorded, error.text().to_string());
    if of == 1 || ends_the_run(error.status()) {
        return Err(error);
    }
    log::write(log::Level::Error, || error.text().to_string());
    Ok(())
}

fn open_project<'env>(
    run: &mut Run<'_, 'env>,
    dir: &'env ProjectDir,
    snapshot: Snapshot,
    target: &str,
) -> Result<Project<'env>> {
    let (entity, name) = target.split_once('/').unwrap_or((UNBOUND_ENTITY, target));
    let name = project::ensure(run.transport, &Retry { policy: run.policy, stop: &run.stop }, entity, name)?;
    let target = format!("{entity}/{name}");
    run.refs.add(dir, run.transport.traces().as_str(), &target, run.access)?;
    let mut progress = Progress::open(dir, run.access)?;
    progress.send_to(&format!("{} {target}", run.transport.traces().as_str()))?;
    let channel = Channel {
        transport: run.transport,
        policy: run.policy,
        brief: run.policy.brief(),
        stop: run.stop.clone(),
        target,
        without_complete_calls: AtomicBool::new(false),
        without_feedback_batches: AtomicBool::new(false),
    };
    // Nothing is noted while a batch is tried again.
    let quiet = run.transport.request_limit().saturating_add(run.policy.max_elapsed);
    let wait = progress.wait_for_doubts(run.transport.answer_limit(), quiet);
    Ok(Project {
        rejected: Rejected::open(dir, run.access)?,
        snapshot,
        dir,
        recorded: dir.name(),
        channel: Arc::new(channel),
        progress,
        unsent: HashSet::new(),
        ended: Vec::new(),
        doubts_until: Instant::now() + wait,
    })
}

/// Whether an error would meet every other project too.
pub fn ends_the_run(status: Status) -> bool {
    use Status::{Cancelled, Network, NoSpace, Server, Timeout, Unauthorized};
    matches!(status, Network | Unauthorized | Server | Cancelled | Timeout | NoSpace)
}

fn has_pending(project: &ProjectDir, choices: &Choices) -> Result<bool> {
    for folder in FOLDERS {
        if layout::data_files(&project.path.join(folder))?.iter().any(|file| !file.synced) {
            return Ok(true);
        }
    }
    Ok(choices.close_orphans && OpenCalls::is_noted(project))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::kind::Kind;

    #[test]
    fn a_project_that_is_made_while_a_sync_begins_is_known_to_it_or_left_to_the_next_one() {
        let root = tempfile::tempdir().unwrap();
        let (connection, environment) = (Connection::default(), Environment::given(&[], root.path(), root.path()));
        let request = Request {
            offline_dir: root.path(),
            projects: &[],
            connection: &connection,
            environment: &environment,
            choices: Choices::default(),
            stop: Stop::new(),
        };
        std::thread::scope(|scope| {
            let writer = scope.spawn(|| {
                for number in 0..300 {
                    let calls = ProjectDir::new(root.path(), &format!("team/p{number}")).kind(Kind::Calls);
                    std::fs::create_dir_all(&calls).unwrap();
                    std::fs::write(calls.join("20260101_0000.jsonl"), "{}\n").unwrap();
                }
            });
            while !writer.is_finished() {
                let Begun { all, pending, .. } = begin(&request, &Stop::new()).unwrap();
                assert!(pending.iter().all(|project| all.contains(project)));
            }
        });
    }
}
