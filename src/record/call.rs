//! The fields of a call, as they are kept in the journal and written in a line.
//!
//! A call is kept field by field, so that the caller's thread only copies bytes; the JSON line is made later. A start and
//! an end that meet are one record: joining them is taking the union of their fields.

use super::ids::Id;
use super::kind::RecordType;
use super::sink::Sink;
use super::time::Timestamp;

/// A field of a call. The number is its place in the journal and its place in a line (protocol, section 6.1 and 6.2).
#[repr(u8)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Field {
    Id,
    TraceId,
    ParentId,
    OpName,
    DisplayName,
    ThreadId,
    TurnId,
    StartedAt,
    EndedAt,
    Attributes,
    Inputs,
    Output,
    Exception,
    Summary,
    OtelDump,
    WbRunId,
    WbRunStep,
    WbRunStepEnd,
}

enum Shape {
    Text,
    Json,
    Time,
    Number,
}

const FIELDS: [(Field, &str, Shape); 18] = [
    (Field::Id, "id", Shape::Text),
    (Field::TraceId, "trace_id", Shape::Text),
    (Field::ParentId, "parent_id", Shape::Text),
    (Field::OpName, "op_name", Shape::Text),
    (Field::DisplayName, "display_name", Shape::Text),
    (Field::ThreadId, "thread_id", Shape::Text),
    (Field::TurnId, "turn_id", Shape::Text),
    (Field::StartedAt, "started_at", Shape::Time),
    (Field::EndedAt, "ended_at", Shape::Time),
    (Field::Attributes, "attributes", Shape::Json),
    (Field::Inputs, "inputs", Shape::Json),
    (Field::Output, "output", Shape::Json),
    (Field::Exception, "exception", Shape::Text),
    (Field::Summary, "summary", Shape::Json),
    (Field::OtelDump, "otel_dump", Shape::Json),
    (Field::WbRunId, "wb_run_id", Shape::Text),
    (Field::WbRunStep, "wb_run_step", Shape::Number),
    (Field::WbRunStepEnd, "wb_run_step_end", Shape::Number),
];

/// The part of a call that one record carries: a start, an end, or both. Texts are checked already, JSON is one line.
#[derive(Debug, Clone, Copy, Default)]
pub struct Call<'a> {
    /// The call's id.
    pub id: &'a str,
    /// The trace it belongs to.
    pub trace_id: Option<&'a str>,
    /// The call that made it.
    pub parent_id: Option<&'a str>,
    /// A plain name, or the reference of an op.
    pub op_name: Option<&'a str>,
    /// The name to show instead.
    pub display_name: Option<&'a str>,
    /// The conversation it belongs to.
    pub thread_id: Option<&'a str>,
    /// The first call of this turn of the conversation.
    pub turn_id: Option<&'a str>,
    /// When it began.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// JSON object.
    pub attributes: Option<&'a str>,
    /// JSON object.
    pub inputs: Option<&'a str>,
    /// JSON value.
    pub output: Option<&'a str>,
    /// What failed; a non-empty text means failed.
    pub exception: Option<&'a str>,
    /// JSON object.
    pub summary: Option<&'a str>,
    /// JSON object: the OpenTelemetry span that it was imported from.
    pub otel_dump: Option<&'a str>,
    /// `entity/project/run` of a W&B run.
    pub wb_run_id: Option<&'a str>,
    /// The run's step at the start.
    pub wb_run_step: Option<u64>,
    /// The run's step at the end.
    pub wb_run_step_end: Option<u64>,
}

impl<'a> Call<'a> {
    /// Hands each field that is set to `visit`, in order, as the bytes that are kept.
    fn each(&self, mut visit: impl FnMut(Field, &[u8])) {
        let mut text = |field, value: Option<&str>| {
            if let Some(value) = value {
                visit(field, value.as_bytes());
            }
        };
        text(Field::Id, Some(self.id));
        text(Field::TraceId, self.trace_id);
        text(Field::ParentId, self.parent_id);
        text(Field::OpName, self.op_name);
        text(Field::DisplayName, self.display_name);
        text(Field::ThreadId, self.thread_id);
        text(Field::TurnId, self.turn_id);
        text(Field::Attributes, self.attributes);
        text(Field::Inputs, self.inputs);
        text(Field::Output, self.output);
        text(Field::Exception, self.exception);
        text(Field::Summary, self.summary);
        text(Field::OtelDump, self.otel_dump);
        text(Field::WbRunId, self.wb_run_id);
        let mut number = |field, value: Option<[u8; 8]>| {
            if let Some(value) = value {
                visit(field, &value);
            }
        };
        number(Field::StartedAt, self.started_at.map(|t| t.micros().to_le_bytes()));
        number(Field::EndedAt, self.ended_at.map(|t| t.micros().to_le_bytes()));
        number(Field::WbRunStep, self.wb_run_step.map(u64::to_le_bytes));
        number(Field::WbRunStepEnd, self.wb_run_step_end.map(u64::to_le_bytes));
    }

    /// How many bytes [`Call::encode`] writes.
    pub fn encoded_length(&self) -> usize {
        let mut length = 0;
        self.each(|_, bytes| length += 5 + bytes.len());
        length
    }

    /// Writes each field as its number, its length (four bytes, little-endian) and its bytes.
    pub fn encode(&self, out: &mut Sink<'_>) {
        self.each(|field, bytes| {
            let [a, b, c, d] = (bytes.len() as u32).to_le_bytes();
            out.put(&[field as u8, a, b, c, d]);
            out.put(bytes);
        });
    }
}

/// The fields of a call as they lie in the journal.
#[derive(Debug, Clone, Copy, Default)]
pub struct CallFields<'a> {
    values: [Option<&'a [u8]>; FIELDS.len()],
}

impl<'a> CallFields<'a> {
    /// Reads what [`Call::encode`] wrote; `None` if it was something else.
    pub fn decode(mut bytes: &'a [u8]) -> Option<Self> {
        let mut fields = CallFields::default();
        while let Some((number, rest)) = bytes.split_first() {
            let (length, rest) = rest.split_first_chunk::<4>()?;
            let (value, rest) = rest.split_at_checked(u32::from_le_bytes(*length) as usize)?;
            *fields.values.get_mut(usize::from(*number))? = Some(value);
            bytes = rest;
        }
        fields.get(Field::Id).map(|_| fields)
    }

    /// The call's id.
    pub fn id(&self) -> &'a [u8] {
        self.get(Field::Id).unwrap_or_default()
    }

    /// The call that this start and this end make together.
    pub fn join(start: &CallFields<'a>, end: &CallFields<'a>) -> CallFields<'a> {
        let mut joined = *start;
        for (field, ending) in joined.values.iter_mut().zip(end.values) {
            *field = ending.or(*field);
        }
        joined
    }

    fn get(&self, field: Field) -> Option<&'a [u8]> {
        self.values.get(field as usize).copied().flatten()
    }

    /// Appends the `data` of a line.
    pub fn render(&self, record_type: RecordType, project: &str, out: &mut Vec<u8>) {
        let envelope: &[u8] = match record_type {
            RecordType::CallStart => b"{\"start\":",
            RecordType::CallEnd => b"{\"end\":",
            _ => b"",
        };
        out.extend_from_slice(envelope);
        out.extend_from_slice(b"{\"project_id\":");
        write_text(project.as_bytes(), out);
        for ((_, name, shape), value) in FIELDS.iter().zip(self.values) {
            if let Some(value) = value {
                out.extend_from_slice(b",\"");
                out.extend_from_slice(name.as_bytes());
                out.extend_from_slice(b"\":");
                write_value(shape, value, out);
            }
        }
        out.push(b'}');
        if !envelope.is_empty() {
            out.push(b'}');
        }
    }
}

fn write_value(shape: &Shape, value: &[u8], out: &mut Vec<u8>) {
    let number = || value.first_chunk::<8>().copied().unwrap_or_default();
    match shape {
        Shape::Json => out.extend_from_slice(value),
        Shape::Text => write_text(value, out),
        Shape::Number => out.extend_from_slice(u64::from_le_bytes(number()).to_string().as_bytes()),
        Shape::Time => match Timestamp::from_micros(i64::from_le_bytes(number())) {
            Some(time) => write_text(time.to_string().as_bytes(), out),
            None => out.extend_from_slice(b"null"),
        },
    }
}

/// Appends a text as a JSON string.
pub fn write_text(text: &[u8], out: &mut Vec<u8>) {
    let text = String::from_utf8_lossy(text);
    // Writing into a Vec cannot fail, and a str is always valid JSON.
    let _ = serde_json::to_writer(out, text.as_ref());
}

/// The reference of a call (protocol, section 12.1).
pub fn call_ref(project: &str, id: &Id) -> String {
    format!("weave:///{project}/call/{id}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn start() -> Call<'static> {
        Call {
            id: "0195f1f2-9c2b-7d3e-b5a1-8c9d2e4f6a7b",
            trace_id: Some("0195f1f2-9c2b-7d3e-b5a1-8c9d2e4f6a7c"),
            op_name: Some("say \"hi\"\n"),
            started_at: Timestamp::from_micros(1_000_000),
            attributes: Some("{}"),
            inputs: Some(r#"{"a":1}"#),
            ..Call::default()
        }
    }

    fn end() -> Call<'static> {
        Call {
            id: "0195f1f2-9c2b-7d3e-b5a1-8c9d2e4f6a7b",
            ended_at: Timestamp::from_micros(2_500_000),
            output: Some("[1,2]"),
            summary: Some("{}"),
            wb_run_step_end: Some(u64::MAX),
            ..Call::default()
        }
    }

    fn encoded(call: &Call) -> Vec<u8> {
        Sink::collect(call.encoded_length(), |out| call.encode(out))
    }

    fn rendered(fields: &CallFields, record_type: RecordType) -> serde_json::Value {
        let mut line = Vec::new();
        fields.render(record_type, "team/demo", &mut line);
        serde_json::from_slice(&line).unwrap()
    }

    #[test]
    fn a_start_is_rendered_as_the_request_that_it_stands_for() {
        let bytes = encoded(&start());
        let line = rendered(&CallFields::decode(&bytes).unwrap(), RecordType::CallStart);
        let expected = serde_json::json!({"start": {
            "project_id": "team/demo", "id": "0195f1f2-9c2b-7d3e-b5a1-8c9d2e4f6a7b",
            "trace_id": "0195f1f2-9c2b-7d3e-b5a1-8c9d2e4f6a7c", "op_name": "say \"hi\"\n",
            "started_at": "1970-01-01T00:00:01.000000Z", "attributes": {}, "inputs": {"a": 1}}});
        assert_eq!(line, expected);
    }

    #[test]
    fn a_start_and_an_end_join_into_a_complete_call() {
        let (first, second) = (encoded(&start()), encoded(&end()));
        let joined = CallFields::join(&CallFields::decode(&first).unwrap(), &CallFields::decode(&second).unwrap());
        let line = rendered(&joined, RecordType::CallComplete);
        assert_eq!(line["started_at"], "1970-01-01T00:00:01.000000Z");
        assert_eq!(line["ended_at"], "1970-01-01T00:00:02.500000Z");
        assert_eq!(line["output"], serde_json::json!([1, 2]));
        assert_eq!(line["wb_run_step_end"], u64::MAX);
    }

    #[test]
    fn torn_fields_are_recognised() {
        let bytes = encoded(&start());
        for cut in [1, 4, 20, bytes.len() - 1] {
            assert!(CallFields::decode(&bytes[..cut]).is_none(), "cut at {cut}");
        }
        assert!(CallFields::decode(&[]).is_none(), "a call without an id is no call");
    }
}
