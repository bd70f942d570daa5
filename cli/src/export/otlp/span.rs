//! A call as a span.

use super::attributes::Attributes;
use super::message::{Event, Span, Status, Value, CLIENT, ERROR, INTERNAL};
use super::{failure, genai, ids};
use crate::traces::call::Call;
use serde_json::Value as Json;
use weave::record::time::Timestamp;

/// The span of a call; `None` while it runs: OpenTelemetry tells of spans that ended.
pub fn of(call: &Call) -> Option<Span> {
    let end = call.ended_at?;
    let start = call.started_at.unwrap_or(end);
    let mut attributes = Attributes::default();
    let given = call.attributes.as_deref().and_then(|given| serde_json::from_str::<Json>(given.get()).ok());
    let given = given.unwrap_or_default();
    conventional(&given, &mut attributes);
    let kind = given.pointer("/weave/kind").or(given.get("kind")).and_then(Json::as_str);
    let operation = genai::describe(call, kind, &mut attributes);
    own(call, &given, &mut attributes);
    let (status, events) = failed(call, end, &mut attributes).unzip();
    let display_name = call.display_name.as_deref().filter(|name| !name.is_empty());
    let name = match (&operation, display_name) {
        (Some(operation), None) => operation.name.clone(),
        _ => call.name().to_string(),
    };
    Some(Span {
        trace_id: ids::trace(call.trace_id.as_deref().unwrap_or(&call.id)).to_vec(),
        span_id: ids::span(&call.id).to_vec(),
        parent_span_id: call.parent_id.as_deref().map(|id| ids::span(id).to_vec()).unwrap_or_default(),
        name: if name.is_empty() { "call".to_string() } else { name },
        kind: if operation.is_some_and(|operation| operation.is_request) { CLIENT } else { INTERNAL },
        start_time_unix_nano: nanos(start),
        end_time_unix_nano: nanos(end.max(start)),
        attributes: attributes.into(),
        events: events.into_iter().collect(),
        status,
    })
}

/// What the program said in the words of the conventions itself rules over what is made of the call.
fn conventional(given: &Json, attributes: &mut Attributes) {
    for (name, value) in given.as_object().into_iter().flatten() {
        if name == "gen_ai" || name.starts_with("gen_ai.") {
            attributes.each(name, value);
        }
    }
}

/// The call as Weave has it.
fn own(call: &Call, given: &Json, attributes: &mut Attributes) {
    attributes.text("weave.call_id", Some(&call.id));
    attributes.text("weave.trace_id", call.trace_id.as_deref());
    attributes.text("weave.parent_id", call.parent_id.as_deref());
    attributes.text("weave.op_name", call.op_name.as_deref());
    attributes.text("weave.display_name", call.display_name.as_deref());
    attributes.text("weave.thread_id", call.thread_id.as_deref());
    attributes.text("weave.turn_id", call.turn_id.as_deref());
    attributes.text("weave.wb_run_id", call.wb_run_id.as_deref());
    for (name, step) in [("weave.wb_run_step", call.wb_run_step), ("weave.wb_run_step_end", call.wb_run_step_end)] {
        attributes.value(name, step.map(Json::from).as_ref());
    }
    attributes.json("weave.inputs", call.inputs.as_deref());
    attributes.json("weave.output", call.output.as_deref());
    attributes.json("weave.summary", call.summary.as_deref());
    for (name, value) in given.as_object().into_iter().flatten() {
        if name != "gen_ai" && !name.starts_with("gen_ai.") {
            attributes.each(&format!("weave.attributes.{name}"), value);
        }
    }
}

fn failed(call: &Call, at: Timestamp, attributes: &mut Attributes) -> Option<(Status, Event)> {
    let exception = failure::read(call.exception.as_deref()?);
    attributes.text("error.type", Some(exception.kind.as_deref().unwrap_or("_OTHER")));
    let mut about = Attributes::default();
    about.text("exception.type", exception.kind.as_deref());
    about.text("exception.stacktrace", exception.stack.as_deref());
    about.set("exception.message", Value::Text(exception.message.clone()));
    let event = Event { time_unix_nano: nanos(at), name: "exception".to_string(), attributes: about.into() };
    Some((Status { message: exception.message, code: ERROR }, event))
}

/// Nanoseconds since 1970; what lies before is its first moment.
fn nanos(time: Timestamp) -> u64 {
    u64::try_from(time.micros()).unwrap_or_default().saturating_mul(1000)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::traces::call::parse;
    use serde_json::json;
    use std::sync::Arc;

    fn span(call: Json) -> Option<Json> {
        let span = of(&parse(&Arc::from("team/demo"), &call.to_string()).unwrap());
        span.map(|span| serde_json::to_value(span).unwrap())
    }

    fn attribute(span: &Json, name: &str) -> Json {
        let attributes = span["attributes"].as_array().unwrap();
        attributes
            .iter()
            .find(|attribute| attribute["key"] == name)
            .map(|found| found["value"].clone())
            .unwrap_or_default()
    }

    fn call() -> Json {
        json!({"id": "0195f1f2-9c2b-7d3e-b5a1-8c9d2e4f6a7b", "trace_id": "0195f1f2-9c2b-7d3e-b5a1-8c9d2e4f6a7c",
            "parent_id": "b7ad6b7169203331", "op_name": "weave:///team/demo/op/answer:v1", "attributes": {"env": {"n": 7}},
            "started_at": "2026-01-31T00:00:00Z", "ended_at": "2026-01-31T00:00:01.5Z", "inputs": {"x": 1.10}})
    }

    #[test]
    fn a_call_is_a_span_within_its_trace() {
        let span = span(call()).unwrap();
        assert_eq!(span["traceId"], "0195f1f29c2b7d3eb5a18c9d2e4f6a7c");
        assert_eq!(span["spanId"], "b5a18c9d2e4f6a7b");
        assert_eq!(span["parentSpanId"], "b7ad6b7169203331");
        assert_eq!((&span["name"], &span["kind"]), (&"answer".into(), &1.into()));
        assert_eq!(span["startTimeUnixNano"], "1769817600000000000");
        assert_eq!(span["endTimeUnixNano"], "1769817601500000000");
        assert_eq!(attribute(&span, "weave.attributes.env.n"), json!({"intValue": "7"}));
        assert_eq!(attribute(&span, "weave.op_name"), json!({"stringValue": "weave:///team/demo/op/answer:v1"}));
    }

    #[test]
    fn a_failure_is_a_status_and_an_event() {
        let mut call = call();
        call["exception"] = json!({"type": "ValueError", "message": "no"}).to_string().into();
        let span = span(call).unwrap();
        assert_eq!(span["status"], json!({"message": "no", "code": 2}));
        assert_eq!(
            (&span["events"][0]["name"], &span["events"][0]["timeUnixNano"]),
            (&"exception".into(), &span["endTimeUnixNano"])
        );
        assert_eq!(attribute(&span["events"][0], "exception.type"), json!({"stringValue": "ValueError"}));
        assert_eq!(attribute(&span, "error.type"), json!({"stringValue": "ValueError"}));
    }

    #[test]
    fn what_runs_is_no_span_yet() {
        assert_eq!(span(json!({"id": "a", "op_name": "f", "started_at": "2026-01-31T00:00:00Z"})), None);
    }

    #[test]
    fn what_the_program_said_in_the_conventions_words_is_kept() {
        let mut call = call();
        call["attributes"] = json!({"gen_ai": {"request": {"model": "mine"}}, "weave": {"kind": "llm"}});
        call["inputs"] = json!({"model": "gpt-4o"});
        let span = span(call).unwrap();
        assert_eq!(attribute(&span, "gen_ai.request.model"), json!({"stringValue": "mine"}));
        assert_eq!(span["kind"], 3);
    }
}
