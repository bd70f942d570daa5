//! The messages of OTLP's traces (opentelemetry-proto 1.x, `trace/v1/trace.proto` and what it needs), as protobuf and as
//! JSON: there ids are hexadecimal, numbers of 64 bits are texts, and names are in camel case (OTLP, "JSON Protobuf
//! Encoding"). Fields that are never set here are left out.

use prost::{Message, Oneof};
use serde::{Serialize, Serializer};
use std::fmt::{Display, Write};

/// What is posted, and a line of a file.
#[derive(Clone, PartialEq, Message, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TracesData {
    /// Spans by where they are from.
    #[prost(message, repeated, tag = "1")]
    pub resource_spans: Vec<ResourceSpans>,
}

/// The spans of a project.
#[derive(Clone, PartialEq, Message, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ResourceSpans {
    /// The project.
    #[prost(message, optional, tag = "1")]
    pub resource: Option<Resource>,
    /// Its spans.
    #[prost(message, repeated, tag = "2")]
    pub scope_spans: Vec<ScopeSpans>,
}

/// What spans are from.
#[derive(Clone, PartialEq, Message, Serialize)]
pub struct Resource {
    /// What it is.
    #[prost(message, repeated, tag = "1")]
    pub attributes: Vec<KeyValue>,
}

/// The spans that one library made.
#[derive(Clone, PartialEq, Message, Serialize)]
pub struct ScopeSpans {
    /// The library.
    #[prost(message, optional, tag = "1")]
    pub scope: Option<Scope>,
    /// Its spans.
    #[prost(message, repeated, tag = "2")]
    pub spans: Vec<Span>,
}

/// A library.
#[derive(Clone, PartialEq, Message, Serialize)]
pub struct Scope {
    /// Its name.
    #[prost(string, tag = "1")]
    pub name: String,
    /// Its version.
    #[prost(string, tag = "2")]
    pub version: String,
}

/// A span.
#[derive(Clone, PartialEq, Message, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Span {
    /// 16 bytes.
    #[prost(bytes = "vec", tag = "1")]
    #[serde(serialize_with = "hex")]
    pub trace_id: Vec<u8>,
    /// 8 bytes.
    #[prost(bytes = "vec", tag = "2")]
    #[serde(serialize_with = "hex")]
    pub span_id: Vec<u8>,
    /// 8 bytes, or none.
    #[prost(bytes = "vec", tag = "4")]
    #[serde(serialize_with = "hex", skip_serializing_if = "Vec::is_empty")]
    pub parent_span_id: Vec<u8>,
    /// Its name.
    #[prost(string, tag = "5")]
    pub name: String,
    /// [`INTERNAL`] or [`CLIENT`].
    #[prost(int32, tag = "6")]
    pub kind: i32,
    /// Nanoseconds since 1970.
    #[prost(fixed64, tag = "7")]
    #[serde(serialize_with = "text")]
    pub start_time_unix_nano: u64,
    /// The same.
    #[prost(fixed64, tag = "8")]
    #[serde(serialize_with = "text")]
    pub end_time_unix_nano: u64,
    /// What it is about.
    #[prost(message, repeated, tag = "9")]
    pub attributes: Vec<KeyValue>,
    /// What happened in it.
    #[prost(message, repeated, tag = "11")]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub events: Vec<Event>,
    /// How it ended, where that is said.
    #[prost(message, optional, tag = "15")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<Status>,
}

/// A kind of span: within a program.
pub const INTERNAL: i32 = 1;
/// A kind of span: a request to another one.
pub const CLIENT: i32 = 3;

/// An event.
#[derive(Clone, PartialEq, Message, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Event {
    /// Nanoseconds since 1970.
    #[prost(fixed64, tag = "1")]
    #[serde(serialize_with = "text")]
    pub time_unix_nano: u64,
    /// Its name.
    #[prost(string, tag = "2")]
    pub name: String,
    /// What it is about.
    #[prost(message, repeated, tag = "3")]
    pub attributes: Vec<KeyValue>,
}

/// A status.
#[derive(Clone, PartialEq, Message, Serialize)]
pub struct Status {
    /// Why.
    #[prost(string, tag = "2")]
    pub message: String,
    /// [`ERROR`].
    #[prost(int32, tag = "3")]
    pub code: i32,
}

/// A code of a status.
pub const ERROR: i32 = 2;

/// An attribute.
#[derive(Clone, PartialEq, Message, Serialize)]
pub struct KeyValue {
    /// Its name.
    #[prost(string, tag = "1")]
    pub key: String,
    /// Its value.
    #[prost(message, optional, tag = "2")]
    pub value: Option<AnyValue>,
}

/// The value of an attribute.
#[derive(Clone, PartialEq, Message, Serialize)]
pub struct AnyValue {
    /// One of these.
    #[prost(oneof = "Value", tags = "1, 2, 3, 4, 5")]
    #[serde(flatten)]
    pub value: Option<Value>,
}

/// What a value can be.
#[derive(Clone, PartialEq, Oneof, Serialize)]
pub enum Value {
    /// Text.
    #[prost(string, tag = "1")]
    #[serde(rename = "stringValue")]
    Text(String),
    /// Truth.
    #[prost(bool, tag = "2")]
    #[serde(rename = "boolValue")]
    Bool(bool),
    /// Whole number.
    #[prost(int64, tag = "3")]
    #[serde(rename = "intValue")]
    Int(#[serde(serialize_with = "text")] i64),
    /// Any number.
    #[prost(double, tag = "4")]
    #[serde(rename = "doubleValue")]
    Double(f64),
    /// List.
    #[prost(message, tag = "5")]
    #[serde(rename = "arrayValue")]
    List(ArrayValue),
}

/// A list.
#[derive(Clone, PartialEq, Message, Serialize)]
pub struct ArrayValue {
    /// What is in it.
    #[prost(message, repeated, tag = "1")]
    pub values: Vec<AnyValue>,
}

/// What a collector answers.
#[derive(Clone, PartialEq, Message)]
pub struct Answer {
    /// What it did not take, or a warning.
    #[prost(message, optional, tag = "1")]
    pub partial_success: Option<PartialSuccess>,
}

impl Answer {
    /// Reads one in JSON: numbers of 64 bits are texts there, or numbers.
    pub fn of_json(text: &[u8]) -> Option<Answer> {
        let fields: serde_json::Map<String, serde_json::Value> = serde_json::from_slice(text).ok()?;
        let partial = fields.get("partialSuccess").map(|partial| {
            let rejected = &partial["rejectedSpans"];
            let rejected = rejected.as_i64().or_else(|| rejected.as_str()?.parse().ok());
            let error_message = partial["errorMessage"].as_str().unwrap_or_default().to_string();
            PartialSuccess { rejected_spans: rejected.unwrap_or_default(), error_message }
        });
        Some(Answer { partial_success: partial })
    }
}

/// What a collector did not take.
#[derive(Clone, PartialEq, Message)]
pub struct PartialSuccess {
    /// So many spans.
    #[prost(int64, tag = "1")]
    pub rejected_spans: i64,
    /// Why, or a warning.
    #[prost(string, tag = "2")]
    pub error_message: String,
}

impl From<Value> for AnyValue {
    fn from(value: Value) -> AnyValue {
        AnyValue { value: Some(value) }
    }
}

fn hex<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    let mut digits = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        let _ = write!(digits, "{byte:02x}"); // cannot fail: it is memory
    }
    serializer.serialize_str(&digits)
}

fn text<S: Serializer, N: Display>(number: &N, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_has_ids_in_hexadecimal_and_long_numbers_as_texts() {
        let value = |value: Value| Some(AnyValue::from(value));
        let span = Span {
            trace_id: vec![0xAB; 16],
            span_id: vec![1; 8],
            name: "f".into(),
            kind: INTERNAL,
            start_time_unix_nano: 1_769_817_600_000_000_000,
            attributes: vec![
                KeyValue { key: "n".into(), value: value(Value::Int(-7)) },
                KeyValue { key: "x".into(), value: value(Value::Double(0.5)) },
            ],
            ..Span::default()
        };
        let expected = serde_json::json!({
            "traceId": "ab".repeat(16), "spanId": "01".repeat(8), "name": "f", "kind": 1,
            "startTimeUnixNano": "1769817600000000000", "endTimeUnixNano": "0",
            "attributes": [{"key": "n", "value": {"intValue": "-7"}}, {"key": "x", "value": {"doubleValue": 0.5}}],
        });
        assert_eq!(serde_json::to_value(span).unwrap(), expected);
    }
}
