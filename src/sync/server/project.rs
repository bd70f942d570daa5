//! The project on the server: found, or made (protocol, section 3).

use serde::Deserialize;
use serde_json::{json, Value};

use super::failure::FailureKind;
use super::retry::Retry;
use super::transport::Transport;
use crate::error::{Error, Result, Status};

const DEFAULT_ENTITY: &str = "query DefaultEntity { viewer { username defaultEntity { name } } }";

const FIND: &str = "query Project($name: String!, $entityName: String!) \
                    { project(name: $name, entityName: $entityName) { name } }";

const MAKE: &str = "mutation UpsertModel($name: String!, $id: String, $entity: String!, $description: String, \
                    $repo: String) { upsertModel(input: { id: $id, name: $name, entityName: $entity, \
                    description: $description, repo: $repo }) { model { name description } } }";

/// A project's name and the id under which the server stores it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct InternalId {
    /// `entity/project`.
    #[serde(rename = "external_project_id")]
    pub project: String,
    /// The id that stored references hold.
    #[serde(rename = "internal_project_id")]
    pub id: String,
}

/// Whose key it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// The name of the account.
    pub name: Option<String>,
    /// The entity that it writes to when none is named.
    pub default_entity: Option<String>,
}

/// The account of the key.
pub fn account(transport: &Transport, retry: &Retry<'_>) -> Result<Account> {
    let data = ask(transport, retry, "the account's default entity", DEFAULT_ENTITY, json!({}))?;
    let viewer = data.get("viewer").filter(|viewer| !viewer.is_null());
    let viewer = viewer.ok_or_else(|| {
        Error::new(
            Status::Unauthorized,
            "the server does not know the account of this API key: check api_key, WANDB_API_KEY or ~/.netrc, or name \
             the project as entity/project",
        )
    })?;
    let text = |path: &str| viewer.pointer(path).and_then(Value::as_str).filter(|name| !name.is_empty());
    let (name, entity) = (text("/username"), text("/defaultEntity/name"));
    Ok(Account { name: name.map(str::to_owned), default_entity: entity.map(str::to_owned) })
}

/// The entity that the account writes to when none is named.
pub fn default_entity(transport: &Transport, retry: &Retry<'_>) -> Result<String> {
    account(transport, retry)?.default_entity.ok_or_else(|| {
        Error::new(
            Status::InvalidName,
            "the account has no default entity: name the project as entity/project, or set WANDB_ENTITY",
        )
    })
}

/// Makes sure that the project exists, and gives the name under which it does: the server may change characters that
/// it does not allow, and the name that it answers is the one to use from then on.
pub fn ensure(transport: &Transport, retry: &Retry<'_>, entity: &str, project: &str) -> Result<String> {
    let doing = format!("project {entity}/{project}");
    let found = ask(transport, retry, &doing, FIND, json!({ "name": project, "entityName": entity }))?;
    if let Some(name) = found.pointer("/project/name").and_then(Value::as_str) {
        return Ok(name.to_owned());
    }
    let variables = json!({ "name": project, "entity": entity, "description": null });
    let made = ask(transport, retry, &doing, MAKE, variables)?;
    match made.pointer("/upsertModel/model/name").and_then(Value::as_str) {
        Some(name) => Ok(name.to_owned()),
        None => Err(Error::new(
            Status::Forbidden,
            format!("{doing}: the server neither found nor made it; check the entity's name and the key's rights"),
        )),
    }
}

/// The internal ids of the projects that exist; `None` from a server without the route.
pub fn internal_ids(transport: &Transport, retry: &Retry<'_>, projects: &[String]) -> Result<Option<Vec<InternalId>>> {
    let body = json!({ "project_ids": projects }).to_string();
    let answer = retry.run("the projects' internal ids", |id| {
        transport.post_json("/service/projects_info", body.as_bytes(), id)?.json::<Vec<InternalId>>()
    });
    match answer {
        Ok(ids) => Ok(Some(ids)),
        Err(failure) if failure.kind() == FailureKind::RouteMissing => Ok(None),
        Err(failure) => Err(Error::from(failure).context("the projects' internal ids")),
    }
}

fn ask(transport: &Transport, retry: &Retry<'_>, doing: &str, query: &str, variables: Value) -> Result<Value> {
    retry.run(doing, |id| transport.graphql(query, variables.clone(), id)).map_err(|failure| match failure.kind() {
        // The server answered, and said no to this question: others may be answered.
        FailureKind::Refused => Error::new(Status::Forbidden, failure.to_string()).context(doing),
        _ => Error::from(failure).context(doing),
    })
}
