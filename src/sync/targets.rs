//! Where recorded projects go: to the name that they were recorded under, unless the caller maps them elsewhere or their
//! entity was not known.

use super::choices::Choices;
use super::run::{ends_the_run, Request};
use super::send::sender::Run;
use super::server::environment::Environment;
use super::server::project;
use super::server::retry::Retry;
use crate::error::{Error, Result, Status};
use crate::record::names::split_project;
use crate::store::layout::{ProjectDir, UNBOUND_ENTITY};
use std::collections::HashMap;

/// The destinations of projects.
pub struct Targets {
    /// By their recorded name, what the caller gave.
    given: HashMap<String, (Option<String>, String)>,
    /// The entity of what has none; `None` for the account's default, which only the server knows.
    entity: Option<String>,
    /// Why the server did not tell it.
    unknown: Option<Error>,
}

impl Targets {
    /// Settles where projects go; the server is asked for the account's entity when it is needed and not given. An account
    /// without one is no error for projects that need none.
    pub(super) fn settle(
        run: &Run<'_, '_>,
        request: &Request<'_>,
        all: &[ProjectDir],
        pending: &[&ProjectDir],
    ) -> Result<Targets> {
        let mut targets = Targets::given(run.choices, request.environment, all, pending)?;
        if targets.entity.is_none() && all.iter().any(|project| targets.parts_of(project).0.is_none()) {
            match project::default_entity(run.transport, &Retry { policy: run.policy, stop: &run.stop }) {
                Err(error) if ends_the_run(error.status()) => return Err(error),
                Err(error) => targets.unknown = Some(error),
                Ok(entity) => targets.entity = Some(entity),
            }
        }
        Ok(targets)
    }

    /// What of it is known without the server.
    pub fn given(
        choices: &Choices,
        environment: &Environment,
        all: &[ProjectDir],
        pending: &[&ProjectDir],
    ) -> Result<Targets> {
        let mut given = HashMap::new();
        for (recorded, target) in &choices.destinations {
            let name = full_name(recorded)?;
            if !all.iter().any(|project| project.name() == name) {
                return Err(Error::new(
                    Status::InvalidArgument,
                    format!("destinations: there is no project \"{recorded}\" in the offline directory"),
                ));
            }
            given.insert(name, parts(target)?);
        }
        if let Some(target) = &choices.destination {
            for project in pending {
                given.insert(project.name(), parts(target)?);
            }
        }
        let entity = choices.entity.clone().or_else(|| environment.text("WANDB_ENTITY"));
        Ok(Targets { given, entity, unknown: None })
    }

    /// The `entity/project` to which a project goes.
    pub fn of(&self, project: &ProjectDir) -> Result<String> {
        let (entity, name) = self.known(project);
        let unknown = || Error::new(Status::InvalidArgument, "entity: not known yet");
        let entity = entity.ok_or_else(|| self.unknown.clone().unwrap_or_else(unknown))?;
        Ok(format!("{entity}/{name}"))
    }

    /// The entity, as far as it is known, and the project.
    pub fn known(&self, project: &ProjectDir) -> (Option<String>, String) {
        let (entity, name) = self.parts_of(project);
        (entity.or(self.entity.as_deref()).map(str::to_string), name.to_string())
    }

    /// The entity, if one was recorded or given, and the project.
    fn parts_of<'p>(&'p self, project: &'p ProjectDir) -> (Option<&'p str>, &'p str) {
        match self.given.get(&project.name()) {
            Some((entity, name)) => (entity.as_deref(), name),
            None if project.entity == UNBOUND_ENTITY => (None, &project.project),
            None => (Some(&project.entity), &project.project),
        }
    }
}

/// The one destination is of one project.
pub fn check_destination(choices: &Choices, pending: &[&ProjectDir]) -> Result<()> {
    if choices.destination.is_none() || pending.len() <= 1 {
        return Ok(());
    }
    let names: Vec<String> = pending.iter().map(|project| project.name()).collect();
    Err(Error::new(
        Status::InvalidArgument,
        format!(
            "destination: several projects wait ({}); name the one to send in project_name, or map each of them",
            names.join(", ")
        ),
    ))
}

fn parts(name: &str) -> Result<(Option<String>, String)> {
    let (entity, project) = split_project(name)?;
    Ok((entity.map(str::to_string), project.to_string()))
}

/// A project that is named without an entity is one whose entity was not known when it was recorded.
fn full_name(recorded: &str) -> Result<String> {
    let (entity, project) = split_project(recorded)?;
    Ok(format!("{}/{project}", entity.unwrap_or(UNBOUND_ENTITY)))
}
