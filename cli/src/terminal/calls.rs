//! Calls as people and programs see them.

use super::style::{Meaning, BAD, GOOD, WARNING};
use crate::traces::call::{Call, State};
use jiff::tz::TimeZone;
use jiff::Timestamp;
use serde_json::value::RawValue;
use serde_json::{json, Map, Value};

/// How a call stands, in its colour.
pub fn painted_state(state: State) -> (String, Meaning) {
    let meaning = match state {
        State::Done => GOOD,
        State::Failed => BAD,
        State::Running => WARNING,
    };
    (state.name().to_string(), meaning)
}

/// When a call began, in the time zone of the machine.
pub fn started(call: &Call) -> String {
    let at = call.started_at.and_then(|at| Timestamp::from_microsecond(at.micros()).ok());
    at.map(|at| TimeZone::system().to_datetime(at).strftime("%Y-%m-%d %H:%M:%S").to_string()).unwrap_or_default()
}

/// A call as one JSON object, with the words of the Weave API. Values stand in it as they were logged.
pub fn as_json(call: &Call) -> String {
    let about = json!({
        "project": call.project.as_ref(),
        "id": call.id,
        "trace_id": call.trace_id,
        "parent_id": call.parent_id,
        "op_name": call.op_name,
        "display_name": call.display_name,
        "thread_id": call.thread_id,
        "turn_id": call.turn_id,
        "started_at": call.started_at.map(|at| at.to_string()),
        "ended_at": call.ended_at.map(|at| at.to_string()),
        "status": call.state().name(),
        "exception": call.exception,
        "wb_run_id": call.wb_run_id,
    });
    let known: Map<String, Value> = about.as_object().cloned().unwrap_or_default();
    let mut fields: Vec<String> = known.iter().map(|(name, value)| format!("{}:{value}", json!(name))).collect();
    let values = [
        ("attributes", &call.attributes),
        ("inputs", &call.inputs),
        ("output", &call.output),
        ("summary", &call.summary),
    ];
    for (name, value) in values {
        fields.push(format!("\"{name}\":{}", value.as_deref().map_or("null", RawValue::get)));
    }
    format!("{{{}}}", fields.join(","))
}
