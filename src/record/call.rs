//! The fields of a call, as they are kept in the journal and written in a line.
//!
//! A call is kept field by field, so that the caller's thread only copies bytes; the JSON line is made later. A start and
//! an end that meet are one record: joining them is taking the union of their fields.

use super::ids::{Id, MAX_ID_LENGTH};
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

/// How each field stands in a line, by its number.
const FIELDS: [(&[u8], Shape); 18] = [
    (b",\"id\":", Shape::Text),
    (b",\"trace_id\":", Shape::Text),
    (b",\"parent_id\":", Shape::Text),
    (b",\"op_name\":", Shape::Text),
    (b",\"display_name\":", Shape::Text),
    (b",\"thread_id\":", Shape::Text),
    (b",\"turn_id\":", Shape::Text),
    (b",\"started_at\":", Shape::Time),
    (b",\"ended_at\":", Shape::Time),
    (b",\"attributes\":", Shape::Json),
    (b",\"inputs\":", Shape::Json),
    (b",\"output\":", Shape::Json),
    (b",\"exception\":", Shape::Text),
    (b",\"summary\":", Shape::Json),
    (b",\"otel_dump\":", Shape::Json),
    (b",\"wb_run_id\":", Shape::Text),
    (b",\"wb_run_step\":", Shape::Number),
    (b",\"wb_run_step_end\":", Shape::Number),
];

/// The part of a call that one record carries: a start, an end, or both. Texts are UTF-8 that was checked already, and
/// are only copied here; JSON is one line.
#[derive(Debug, Clone, Copy, Default)]
pub struct Call<'a> {
    /// The call's id.
    pub id: &'a [u8],
    /// The trace it belongs to.
    pub trace_id: Option<&'a [u8]>,
    /// The call that made it.
    pub parent_id: Option<&'a [u8]>,
    /// A plain name, or the reference of an op.
    pub op_name: Option<&'a [u8]>,
    /// The name to show instead.
    pub display_name: Option<&'a [u8]>,
    /// The conversation it belongs to.
    pub thread_id: Option<&'a [u8]>,
    /// The first call of this turn of the conversation.
    pub turn_id: Option<&'a [u8]>,
    /// When it began.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// JSON object.
    pub attributes: Option<&'a [u8]>,
    /// JSON object.
    pub inputs: Option<&'a [u8]>,
    /// JSON value.
    pub output: Option<&'a [u8]>,
    /// What failed; a non-empty text means failed.
    pub exception: Option<&'a [u8]>,
    /// JSON object.
    pub summary: Option<&'a [u8]>,
    /// JSON object: the OpenTelemetry span that it was imported from.
    pub otel_dump: Option<&'a [u8]>,
    /// `entity/project/run` of a W&B run.
    pub wb_run_id: Option<&'a [u8]>,
    /// The run's step at the start.
    pub wb_run_step: Option<u64>,
    /// The run's step at the end.
    pub wb_run_step_end: Option<u64>,
}

impl Call<'_> {
    #[inline(always)]
    fn texts(&self) -> [(Field, Option<&[u8]>); 14] {
        [
            (Field::Id, Some(self.id)),
            (Field::TraceId, self.trace_id),
            (Field::ParentId, self.parent_id),
            (Field::OpName, self.op_name),
            (Field::DisplayName, self.display_name),
            (Field::ThreadId, self.thread_id),
            (Field::TurnId, self.turn_id),
            (Field::Attributes, self.attributes),
            (Field::Inputs, self.inputs),
            (Field::Output, self.output),
            (Field::Exception, self.exception),
            (Field::Summary, self.summary),
            (Field::OtelDump, self.otel_dump),
            (Field::WbRunId, self.wb_run_id),
        ]
    }

    #[inline(always)]
    fn numbers(&self) -> [(Field, Option<[u8; 8]>); 4] {
        let micros = |time: Option<Timestamp>| time.map(|time| time.micros().to_le_bytes());
        [
            (Field::StartedAt, micros(self.started_at)),
            (Field::EndedAt, micros(self.ended_at)),
            (Field::WbRunStep, self.wb_run_step.map(u64::to_le_bytes)),
            (Field::WbRunStepEnd, self.wb_run_step_end.map(u64::to_le_bytes)),
        ]
    }

    /// How many bytes [`Call::encode`] writes.
    #[inline]
    pub fn encoded_length(&self) -> usize {
        let texts = self.texts().into_iter().filter_map(|(_, text)| text).map(|text| HEAD + text.len()).sum::<usize>();
        texts + self.numbers().into_iter().filter_map(|(_, number)| number).count() * (HEAD + 8)
    }

    /// Writes each field that is set as its number, its length (four bytes, little-endian) and its bytes.
    #[inline]
    pub fn encode(&self, out: &mut Sink<'_>) {
        for (field, text) in self.texts() {
            if let Some(text) = text {
                out.put(&head(field, text.len()));
                match <&[u8; MAX_ID_LENGTH]>::try_from(text) {
                    // Of a known length: the copy is a few moves.
                    Ok(id) => out.put(id),
                    Err(_) => out.put(text),
                }
            }
        }
        for (field, number) in self.numbers() {
            if let Some(number) = number {
                out.put(&head(field, number.len()));
                out.put(&number);
            }
        }
    }
}

/// What stands before a field's bytes.
const HEAD: usize = 5;

#[inline(always)]
fn head(field: Field, length: usize) -> [u8; HEAD] {
    let [a, b, c, d] = (length as u32).to_le_bytes();
    [field as u8, a, b, c, d]
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
        for ((name, shape), value) in FIELDS.iter().zip(self.values) {
            if let Some(value) = value {
                out.extend_from_slice(name);
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
            Some(time) => write_time(time, out),
            None => out.extend_from_slice(b"null"),
        },
    }
}

/// Appends a time as a JSON string.
pub(super) fn write_time(time: Timestamp, out: &mut Vec<u8>) {
    match time.digits() {
        Some(digits) => {
            out.push(b'"');
            out.extend_from_slice(&digits);
            out.push(b'"');
        }
        None => write_text(time.to_string().as_bytes(), out),
    }
}

/// Appends a text as a JSON string.
pub fn write_text(text: &[u8], out: &mut Vec<u8>) {
    let special = |byte: u8| !(0x20..0x80).contains(&byte) | (byte == b'"') | (byte == b'\\');
    if !text.iter().fold(false, |any, &byte| any | special(byte)) {
        out.reserve(text.len() + 2);
        out.push(b'"');
        out.extend_from_slice(text);
        out.push(b'"');
        return;
    }
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
            id: b"0195f1f2-9c2b-7d3e-b5a1-8c9d2e4f6a7b",
            trace_id: Some(b"0195f1f2-9c2b-7d3e-b5a1-8c9d2e4f6a7c"),
            op_name: Some(b"say \"hi\"\n"),
            started_at: Timestamp::from_micros(1_000_000),
            attributes: Some(b"{}"),
            inputs: Some(br#"{"a":1}"#),
            ..Call::default()
        }
    }

    fn end() -> Call<'static> {
        Call {
            id: b"0195f1f2-9c2b-7d3e-b5a1-8c9d2e4f6a7b",
            ended_at: Timestamp::from_micros(2_500_000),
            output: Some(b"[1,2]"),
            summary: Some(b"{}"),
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

    proptest::proptest! {
        #[test]
        fn texts_are_written_as_json(text in "[ -~]{0,80}|\\PC{0,40}|[\0-\u{ff}]{0,20}") {
            let mut written = Vec::new();
            write_text(text.as_bytes(), &mut written);
            proptest::prop_assert_eq!(written, serde_json::to_vec(&text).unwrap());
        }
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
