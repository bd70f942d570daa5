//! The fields of starts and ends, and the complete calls that they make.

use super::sender::{not_json, raw, text_of, Fields};
use crate::error::{Error, Result, Status};
use crate::record::time::Timestamp;
use crate::sync::kept::open_calls::OpenCall;
use serde::Deserialize;
use serde_json::json;

#[derive(Deserialize)]
struct Started {
    start: Fields,
}

#[derive(Deserialize)]
struct Ended {
    end: Fields,
}

/// The fields of a start or an end, of the request that its line holds.
pub fn of_part(data: &str, is_start: bool) -> Result<Fields> {
    let fields = match is_start {
        true => serde_json::from_str::<Started>(data).map(|started| started.start),
        false => serde_json::from_str::<Ended>(data).map(|ended| ended.end),
    };
    let fields = fields.map_err(|cause| wrong(&format!("a part of a call cannot be read: {cause}")))?;
    match text_of(&fields, "id") {
        Some(_) => Ok(fields),
        None => Err(Error::new(Status::InvalidId, "a part of a call has no id")),
    }
}

/// The complete call that a start and an end make.
pub fn joined(start: Fields, end: Fields) -> Result<Fields> {
    let mut all = start;
    for (name, value) in end {
        if value.get() != "null" || !all.contains_key(&name) {
            all.insert(name, value);
        }
    }
    with_trace(with_defaults(all, &["attributes", "inputs", "summary"])?)
}

/// The complete call of a start whose program ended without ending it.
pub fn interrupted(start: Fields, at: Option<Timestamp>) -> Result<Fields> {
    let end = json!({
        "ended_at": at.unwrap_or_else(Timestamp::now).to_string(),
        "exception": "interrupted: the program that logged this call ended before the call did",
        "summary": {"status_counts": {"success": 0, "error": 1}},
    });
    let end: Fields = serde_json::from_str(&end.to_string()).map_err(not_json)?;
    joined(start, end)
}

/// The end of a call that an earlier sync sent as one that runs, and whose program ended without ending it.
pub fn interrupted_end(project: &str, id: &str, call: &OpenCall) -> Result<Fields> {
    let started = call.started_at.as_ref().and_then(|at| Timestamp::parse(at, "started_at").ok());
    let named = json!({"project_id": project, "id": id, "trace_id": call.trace_id, "started_at": call.started_at});
    let start: Fields = serde_json::from_str(&named.to_string()).map_err(not_json)?;
    let mut end = interrupted(start, started)?;
    end.retain(|name, value| value.get() != "null" && !matches!(name.as_str(), "attributes" | "inputs"));
    Ok(end)
}

/// What older writers left out and a complete call must have: empty objects.
pub fn with_defaults(mut fields: Fields, names: &[&str]) -> Result<Fields> {
    for name in names {
        if fields.get(*name).is_none_or(|value| value.get() == "null") {
            fields.insert((*name).to_string(), raw(&json!({}))?);
        }
    }
    Ok(fields)
}

/// A call that was recorded without a trace is the root of its own; the id must be the same each time it is sent.
pub fn with_trace(mut fields: Fields) -> Result<Fields> {
    if text_of(&fields, "trace_id").is_none() {
        if let Some(id) = text_of(&fields, "id") {
            fields.insert("trace_id".to_string(), raw(&json!(id))?);
        }
    }
    with_defaults(fields, &["attributes", "inputs"])
}

/// The error of a record that is none of a call.
pub fn wrong(what: &str) -> Error {
    Error::new(Status::InvalidJson, what)
}
