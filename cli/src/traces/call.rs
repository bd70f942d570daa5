//! What a line says of a call.

use serde::Deserialize;
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use std::sync::Arc;
use weave::record::kind::RecordType;
use weave::record::time::Timestamp;
use weave::sync::line;

/// A call, or the part of it that is known. Values are JSON text as they were logged.
#[derive(Debug, Clone, Default)]
pub struct Call {
    /// The project as recorded.
    pub project: Arc<str>,
    /// Its id.
    pub id: String,
    /// The trace that it belongs to.
    pub trace_id: Option<String>,
    /// The call that it is a part of.
    pub parent_id: Option<String>,
    /// The op as recorded: a reference or a name.
    pub op_name: Option<String>,
    /// The name to show instead of the op's.
    pub display_name: Option<String>,
    /// The conversation.
    pub thread_id: Option<String>,
    /// The turn of it.
    pub turn_id: Option<String>,
    /// When it began.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// Why it failed.
    pub exception: Option<String>,
    /// A JSON object.
    pub attributes: Option<Box<RawValue>>,
    /// A JSON object.
    pub inputs: Option<Box<RawValue>>,
    /// Any JSON.
    pub output: Option<Box<RawValue>>,
    /// A JSON object.
    pub summary: Option<Box<RawValue>>,
    /// A JSON object: the OpenTelemetry span that it was imported from.
    pub otel_dump: Option<Box<RawValue>>,
    /// The run of W&B.
    pub wb_run_id: Option<String>,
    /// A text that somebody looks for is in its lines.
    pub has_text: bool,
    /// The step of the run at the start.
    pub wb_run_step: Option<u64>,
    /// The step of the run at the end.
    pub wb_run_step_end: Option<u64>,
}

/// Which part of a call a line has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// Both.
    Whole,
    /// The start.
    Start,
    /// The end.
    End,
}

/// How a call stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It ended.
    Done,
    /// It ended with an error.
    Failed,
    /// Its end is not here.
    Running,
}

impl State {
    /// As Weave says it.
    pub fn name(self) -> &'static str {
        match self {
            State::Done => "success",
            State::Failed => "error",
            State::Running => "running",
        }
    }
}

/// The fields of a call in a record; what is left out counts as not given.
#[derive(Deserialize)]
struct Fields<'a> {
    id: String,
    #[serde(default)]
    trace_id: Option<String>,
    #[serde(default)]
    parent_id: Option<String>,
    #[serde(default)]
    op_name: Option<String>,
    #[serde(default)]
    display_name: Option<String>,
    #[serde(default)]
    thread_id: Option<String>,
    #[serde(default)]
    turn_id: Option<String>,
    #[serde(default)]
    started_at: Option<String>,
    #[serde(default)]
    ended_at: Option<String>,
    #[serde(default)]
    exception: Option<String>,
    #[serde(default)]
    wb_run_id: Option<String>,
    #[serde(default)]
    wb_run_step: Option<u64>,
    #[serde(default)]
    wb_run_step_end: Option<u64>,
    #[serde(borrow, default)]
    otel_dump: Option<&'a RawValue>,
    #[serde(borrow, default)]
    attributes: Option<&'a RawValue>,
    #[serde(borrow, default)]
    inputs: Option<&'a RawValue>,
    #[serde(borrow, default)]
    output: Option<&'a RawValue>,
    #[serde(borrow, default)]
    summary: Option<&'a RawValue>,
}

/// The text of a call's fields in a line, and which part it is; `None` for any other line.
pub fn part_of(line: &[u8]) -> Option<(Part, &str)> {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    let parsed = line::parse(line, true).ok()?;
    let inner = |name: &str| parsed.data.strip_prefix(name)?.strip_suffix('}');
    match parsed.record_type? {
        RecordType::CallComplete => Some((Part::Whole, parsed.data)),
        RecordType::CallStart => Some((Part::Start, inner("{\"start\":").or_else(|| within(parsed.data, "start"))?)),
        RecordType::CallEnd => Some((Part::End, inner("{\"end\":").or_else(|| within(parsed.data, "end"))?)),
        _ => None,
    }
}

/// When a line was logged.
pub fn logged_at(line: &[u8]) -> Option<Timestamp> {
    time_of_line(&line::parse(line.strip_suffix(b"\n").unwrap_or(line), true).ok()?)
}

/// When a line was logged that was taken apart.
pub fn time_of_line(line: &line::Parsed<'_>) -> Option<Timestamp> {
    Timestamp::parse(line.timestamp, "timestamp").ok()
}

/// A field of an object that anybody may have written.
fn within<'t>(data: &'t str, name: &str) -> Option<&'t str> {
    let fields: BTreeMap<&str, &'t RawValue> = serde_json::from_str(data).ok()?;
    fields.get(name).map(|value| value.get())
}

/// Reads the text of a call's fields; `None` if it is none.
pub fn parse(project: &Arc<str>, text: &str) -> Option<Call> {
    let fields: Fields<'_> = serde_json::from_str(text).ok()?;
    let time = |text: Option<String>| text.and_then(|text| Timestamp::parse(&text, "time").ok());
    let owned = |value: Option<&RawValue>| value.filter(|value| value.get() != "null").map(ToOwned::to_owned);
    Some(Call {
        project: project.clone(),
        id: fields.id,
        trace_id: fields.trace_id,
        parent_id: fields.parent_id,
        op_name: fields.op_name,
        display_name: fields.display_name,
        thread_id: fields.thread_id,
        turn_id: fields.turn_id,
        started_at: time(fields.started_at),
        ended_at: time(fields.ended_at),
        exception: fields.exception,
        attributes: owned(fields.attributes),
        inputs: owned(fields.inputs),
        output: owned(fields.output),
        summary: owned(fields.summary),
        otel_dump: owned(fields.otel_dump),
        wb_run_id: fields.wb_run_id,
        has_text: false,
        wb_run_step: fields.wb_run_step,
        wb_run_step_end: fields.wb_run_step_end,
    })
}

impl Call {
    /// The name of its op, without where it is published.
    pub fn op(&self) -> &str {
        let name = self.op_name.as_deref().unwrap_or_default();
        match name.strip_prefix("weave:///").and_then(|place| place.split_once("/op/")) {
            Some((_, op)) => op.rsplit_once(':').map_or(op, |(op, _)| op),
            None => name,
        }
    }

    /// The name to show.
    pub fn name(&self) -> &str {
        self.display_name.as_deref().filter(|name| !name.is_empty()).unwrap_or(self.op())
    }

    /// How it stands.
    pub fn state(&self) -> State {
        match (&self.exception, self.ended_at) {
            (Some(_), _) => State::Failed,
            (None, Some(_)) => State::Done,
            (None, None) => State::Running,
        }
    }

    /// Why it failed, in one line. Exceptions are JSON with type, message and traceback (protocol, section 10.4), or any
    /// text.
    pub fn reason(&self) -> Option<String> {
        #[derive(Deserialize)]
        struct Exception {
            #[serde(rename = "type")]
            kind: String,
            message: String,
        }
        let text = self.exception.as_deref()?;
        let whole = match serde_json::from_str::<Exception>(text) {
            Ok(exception) => format!("{}: {}", exception.kind, exception.message),
            Err(_) => text.to_string(),
        };
        Some(whole.lines().find(|line| !line.trim().is_empty()).unwrap_or_default().to_string())
    }

    /// How long it took, in microseconds.
    pub fn micros(&self) -> Option<u64> {
        u64::try_from(self.ended_at?.micros() - self.started_at?.micros()).ok()
    }

    /// The tokens that it and its children used, as its summary says.
    pub fn tokens(&self) -> Option<u64> {
        #[derive(Deserialize)]
        struct Summary {
            #[serde(default)]
            usage: BTreeMap<String, Usage>,
        }
        #[derive(Deserialize, Default)]
        #[serde(default)]
        struct Usage {
            total_tokens: Option<u64>,
            prompt_tokens: u64,
            completion_tokens: u64,
            input_tokens: u64,
            output_tokens: u64,
        }
        let summary: Summary = serde_json::from_str(self.summary.as_deref()?.get()).ok()?;
        let of = |usage: &Usage| {
            let parts = usage.prompt_tokens + usage.completion_tokens + usage.input_tokens + usage.output_tokens;
            usage.total_tokens.filter(|total| *total > 0).unwrap_or(parts)
        };
        (!summary.usage.is_empty()).then(|| summary.usage.values().map(of).sum())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(text: &str) -> Call {
        parse(&Arc::from("team/demo"), text).unwrap()
    }

    #[test]
    fn a_line_tells_which_part_of_a_call_it_is() {
        let line = |kind: &str, data: &str| format!("{{\"type\":\"{kind}\",\"timestamp\":\"t\",\"data\":{data}}}\n");
        for (line, part) in [
            (line("call_complete", r#"{"id":"a"}"#), Some(Part::Whole)),
            (line("call_start", r#"{"start":{"id":"a"}}"#), Some(Part::Start)),
            (line("call_end", r#"{"end":{"id":"a"}}"#), Some(Part::End)),
            (line("call_end", r#"{ "end" : {"id":"a"} }"#), Some(Part::End)),
            (line("call_update", r#"{"call_id":"a"}"#), None),
            ("{torn".to_string(), None),
        ] {
            let found = part_of(line.as_bytes());
            assert_eq!(found.map(|(part, _)| part), part, "{line}");
            assert!(found.is_none_or(|(_, text)| call(text).id == "a"), "{line}");
        }
    }

    #[test]
    fn the_name_of_an_op_is_told_without_its_place() {
        assert_eq!(call(r#"{"id":"a","op_name":"weave:///team/demo/op/chat:v1"}"#).op(), "chat");
        assert_eq!(call(r#"{"id":"a","op_name":"chat"}"#).op(), "chat");
        assert_eq!(call(r#"{"id":"a","op_name":"chat","display_name":"Hello"}"#).name(), "Hello");
    }

    #[test]
    fn why_a_call_failed_is_told_in_one_line() {
        let reason =
            |exception: &str| call(&serde_json::json!({"id": "a", "exception": exception}).to_string()).reason();
        let structured = r#"{"type":"TimeoutError","message":"no answer\nin 5 s","traceback":[]}"#;
        assert_eq!(reason(structured).as_deref(), Some("TimeoutError: no answer"));
        assert_eq!(reason("\nTraceback\n  more").as_deref(), Some("Traceback"));
        assert_eq!(call(r#"{"id":"a"}"#).reason(), None);
    }

    #[test]
    fn tokens_are_those_of_all_models_whatever_words_these_use() {
        let usage = r#"{"a":{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3},"b":{"input_tokens":4,"output_tokens":5}}"#;
        let call = call(&format!(r#"{{"id":"a","summary":{{"usage":{usage}}}}}"#));
        assert_eq!(call.tokens(), Some(12));
    }
}
