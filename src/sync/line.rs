//! What a line of a data file says, told with as little reading as can be.

use crate::error::{Error, Result, Status};
use crate::record::kind::RecordType;
use serde::Deserialize;
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};

#[derive(Deserialize)]
struct Line<'a> {
    #[serde(rename = "type")]
    record_type: &'a str,
    timestamp: &'a str,
    #[serde(borrow)]
    data: &'a RawValue,
}

/// A line: its type, if this version knows it, and the API request that it stands for.
pub struct Parsed<'t> {
    /// What it is.
    pub record_type: Option<RecordType>,
    /// When it was logged.
    pub timestamp: &'t str,
    /// JSON text.
    pub data: &'t str,
}

/// Reads a line. One that is as this library wrote it (`own`) is not parsed.
pub fn parse(line: &[u8], own: bool) -> Result<Parsed<'_>> {
    let unreadable =
        |cause: &dyn std::fmt::Display| Error::new(Status::InvalidJson, format!("a line cannot be read: {cause}"));
    if let Some(parsed) = own.then(|| of_this_library(line)).flatten() {
        return Ok(parsed);
    }
    let line: Line<'_> = serde_json::from_slice(line).map_err(|cause| unreadable(&cause))?;
    let record_type = RecordType::from_name(line.record_type);
    Ok(Parsed { record_type, timestamp: line.timestamp, data: line.data.get() })
}

/// `{"type":"…","timestamp":"…","data":…}`, see `record::frame`.
fn of_this_library(line: &[u8]) -> Option<Parsed<'_>> {
    let line = std::str::from_utf8(line).ok()?;
    let (name, rest) = line.strip_prefix("{\"type\":\"")?.split_once('"')?;
    let (timestamp, rest) = rest.strip_prefix(",\"timestamp\":\"")?.split_once('"')?;
    let data = rest.strip_prefix(",\"data\":")?.strip_suffix('}')?;
    Some(Parsed { record_type: RecordType::from_name(name), timestamp, data })
}

/// The data of an object's record: `{"obj": {…}}`.
#[derive(Deserialize)]
pub struct ObjectRecord<'a> {
    /// The request's only field.
    #[serde(borrow)]
    pub obj: ObjectFields<'a>,
}

/// What of an object says what it is.
#[derive(Deserialize)]
pub struct ObjectFields<'a> {
    /// Its name.
    pub object_id: String,
    /// Its value.
    #[serde(borrow)]
    pub val: &'a RawValue,
}

/// The data of an op's record that is a name and a source text (protocol, section 6.8).
#[derive(Deserialize)]
pub struct OpSource {
    /// Its name.
    pub name: String,
    /// Its code.
    pub source_code: String,
}

/// The data of a table's record: `{"table": {"rows": […]}}`.
#[derive(Deserialize)]
pub struct TableRecord<'a> {
    /// The request's only field.
    #[serde(borrow)]
    pub table: TableFields<'a>,
}

/// What of a table says what it is.
#[derive(Deserialize)]
pub struct TableFields<'a> {
    /// One JSON object each.
    #[serde(borrow)]
    pub rows: Vec<&'a RawValue>,
}

/// An id, as far as one is told from another by it: a UUID is its own bits, and of anything else a hash serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct IdKey([u64; 2]);

impl IdKey {
    /// The key of an id.
    pub fn of(id: &str) -> IdKey {
        let mut text = uuid::Uuid::encode_buffer();
        let bits = match uuid::Uuid::try_parse(id) {
            Ok(uuid) if uuid.hyphenated().encode_lower(&mut text) == id => *uuid.as_bytes(),
            _ => {
                let hash = Sha256::digest(id.as_bytes());
                hash.first_chunk().copied().unwrap_or_default()
            }
        };
        let half = |at: usize| bits.get(at..at + 8).and_then(|b| b.first_chunk().copied()).unwrap_or_default();
        IdKey([u64::from_be_bytes(half(0)), u64::from_be_bytes(half(8))])
    }

    /// A number that is spread evenly over the ids.
    pub fn spread(&self) -> u64 {
        let IdKey([high, low]) = self;
        (high.rotate_left(32) ^ low).wrapping_mul(0x9E37_79B9_7F4A_7C15)
    }
}

/// A text field of an object, where nothing but plain texts stands before it, as this library writes it: found
/// without parsing. `{"project_id":"…","id":"…"`. `None` says nothing: whatever else stands before it may hold other
/// objects with such a field.
///
/// What stands behind it is not looked at: it may be anything, and even the same field again.
pub fn plain_text<'t>(data: &'t str, name: &str) -> Option<&'t str> {
    let mut rest = data.strip_prefix('{')?;
    loop {
        let (key, after) = rest.strip_prefix('"')?.split_once('"')?;
        let (value, after) = after.strip_prefix(":\"")?.split_once('"')?;
        // A backslash in a key may make it another one, and one before a quote may make that a part of the text.
        if key.contains('\\') || value.ends_with('\\') {
            return None;
        }
        if key == name {
            return (!value.contains('\\')).then_some(value);
        }
        rest = after.strip_prefix(',')?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::{json, Value};

    #[test]
    fn a_line_of_this_library_is_told_apart_without_parsing_and_says_the_same() {
        let line = br#"{"type":"call_start","timestamp":"2026-01-31T00:00:00.000000Z","data":{"start":{"id":"a"}}}"#;
        for own in [true, false] {
            let parsed = parse(line, own).unwrap();
            assert_eq!(parsed.record_type, Some(RecordType::CallStart));
            assert_eq!((parsed.timestamp, parsed.data), ("2026-01-31T00:00:00.000000Z", r#"{"start":{"id":"a"}}"#));
        }
    }

    #[test]
    fn lines_of_others_may_have_any_form_of_json() {
        let line = br#" {"data": {}, "timestamp": "t", "type": "other"} "#;
        assert_eq!(parse(line, true).unwrap().data, "{}");
        assert_eq!(parse(b"{", false).err().unwrap().status(), Status::InvalidJson);
    }

    #[test]
    fn keys_of_ids_differ_where_ids_do() {
        let uuid = "0197a3b2-0000-7000-8000-00000000abcd";
        assert_eq!(IdKey::of(uuid), IdKey::of(uuid));
        for other in [&uuid.to_uppercase(), &uuid.replace('-', ""), "0197a3b200007000", ""] {
            assert_ne!(IdKey::of(uuid), IdKey::of(other), "{other}");
        }
    }

    #[test]
    fn a_plain_field_is_found_and_one_with_an_escape_is_not() {
        let data = r#"{"project_id":"a/b","id":"1","op_name":"x"}"#;
        assert_eq!((plain_text(data, "id"), plain_text(data, "other")), (Some("1"), None));
        assert_eq!(plain_text(r#"{"project_id":"a\\","id":"1"}"#, "id"), None);
        assert_eq!(plain_text(r#"{"id": "1"}"#, "id"), None);
    }

    #[test]
    fn a_field_of_an_object_inside_is_none_of_the_object() {
        let data = r#"{"attributes":{"env":"prod","id":"7"},"id":"real"}"#;
        assert_eq!(plain_text(data, "id"), None);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]
        #[test]
        fn a_plain_field_is_what_a_parser_finds(fields in objects(), name in keys()) {
            let text = written(&fields);
            if let Some(found) = plain_text(&text, &name) {
                let parsed: Value = serde_json::from_str(&text).unwrap();
                prop_assert_eq!(parsed.get(&name).and_then(Value::as_str), Some(found), "{}", text);
            }
        }
    }

    fn keys() -> impl Strategy<Value = String> {
        prop_oneof![4 => "id|a|b", 1 => r#"[idab:,{}"\\\n]{0,3}"#]
    }

    /// Objects, the fields in any order, the keys of each all different.
    fn objects() -> impl Strategy<Value = Vec<(String, Value)>> {
        let leaf = prop_oneof![
            2 => "x|y".prop_map(Value::from),
            1 => r#"[idab:,{}"\\\n]{0,5}"#.prop_map(Value::from),
            1 => any::<i8>().prop_map(Value::from)
        ];
        let value = leaf.prop_recursive(2, 8, 3, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
                proptest::collection::hash_map(keys(), inner, 0..4).prop_map(|map| map.into_iter().collect()),
            ]
        });
        proptest::collection::hash_map(keys(), value, 0..4).prop_map(|fields| fields.into_iter().collect())
    }

    fn written(fields: &[(String, Value)]) -> String {
        let fields: Vec<String> = fields.iter().map(|(name, value)| format!("{}:{value}", json!(name))).collect();
        format!("{{{}}}", fields.join(","))
    }
}
