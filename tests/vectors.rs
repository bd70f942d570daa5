//! Digests, references and names against what the official client and server compute (`tests/vectors/README.md`).

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use base64::engine::general_purpose::STANDARD;
use base64::Engine;
use serde_json::Value as Json;
use std::collections::HashSet;
use std::fmt::Debug;
use weave::record::digest::{bytes_digest, table_digest, value_digest};
use weave::record::json::{canonical, python_dumps, Value, MAX_LEVELS};
use weave::record::names::object_name;
use weave::record::refs::{map_prefixed, Ref, Target, INTERNAL};
use weave::{Error, Result, Status};

/// Fails unless the vector holds.
type Check = fn(&Json);

/// Each file with its number of vectors.
const FILES: [(&str, usize, Check); 8] = [
    ("object_digests", 493, object_digest_matches),
    ("row_digests", 119, row_digest_matches),
    ("table_digests", 38, table_digest_matches),
    ("file_digests", 43, file_digest_matches),
    ("ref_format", 166, ref_is_formatted),
    ("ref_parse", 100, ref_is_parsed),
    ("ref_conversion", 26, refs_are_converted),
    ("object_names", 151, name_is_published),
];

fn vectors(file: &str) -> Vec<Json> {
    let path = format!("{}/tests/vectors/{file}.json", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    let mut file: Json = serde_json::from_str(&text).unwrap();
    match file["vectors"].take() {
        Json::Array(vectors) => vectors,
        _ => panic!("{path} has no vectors"),
    }
}

/// Runs every vector of a file and answers how many there were.
fn run(name: &str) -> usize {
    let (_, expected, check) = FILES.iter().find(|(file, ..)| *file == name).unwrap();
    let vectors = vectors(name);
    for vector in &vectors {
        check(vector);
    }
    println!("{name}: {} vectors", vectors.len());
    assert_eq!(vectors.len(), *expected, "vectors in {name}.json");
    vectors.len()
}

#[test]
fn digests_of_493_objects() {
    run("object_digests");
}

#[test]
fn digests_of_119_rows() {
    run("row_digests");
}

#[test]
fn digests_of_38_tables() {
    run("table_digests");
}

#[test]
fn digests_of_43_files() {
    run("file_digests");
}

#[test]
fn formats_of_166_references() {
    run("ref_format");
}

#[test]
fn parses_of_100_references() {
    run("ref_parse");
}

#[test]
fn conversions_of_26_values_with_references() {
    run("ref_conversion");
}

#[test]
fn names_of_151_objects() {
    run("object_names");
}

#[test]
fn all_1136_vectors_in_total() {
    let total: usize = FILES.iter().map(|(file, ..)| run(file)).sum();
    println!("total: {total} vectors");
    assert_eq!(total, 1136);
}

fn text<'v>(vector: &'v Json, field: &str) -> &'v str {
    vector[field].as_str().unwrap_or_else(|| panic!("{field} is no text in {vector}"))
}

fn texts(value: &Json) -> Vec<String> {
    value.as_array().unwrap().iter().map(|text| text.as_str().unwrap().to_owned()).collect()
}

/// A vector names either the result or an error, of which only the fact matters.
fn agree<T: PartialEq + Debug>(found: Result<T>, vector: &Json, expected: impl FnOnce(&Json) -> T) {
    match vector.get("result") {
        Some(result) => assert_eq!(found.as_ref().ok(), Some(&expected(result)), "{vector} gave {found:?}"),
        None => assert!(found.is_err() && vector.get("error").is_some(), "{vector} gave {found:?}"),
    }
}

fn object_digest_matches(vector: &Json) {
    row_digest_matches(vector);
}

fn row_digest_matches(vector: &Json) {
    let value = Value::parse(text(vector, "input")).unwrap();
    assert_eq!(canonical(&value), text(vector, "canonical"), "{vector}");
    assert_eq!(value_digest(&value), text(vector, "digest"), "{vector}");
}

fn table_digest_matches(vector: &Json) {
    let rows: Vec<String> =
        texts(&vector["rows"]).iter().map(|row| value_digest(&Value::parse(row).unwrap())).collect();
    assert_eq!(rows, texts(&vector["row_digests"]), "{vector}");
    assert_eq!(table_digest(rows.iter().map(String::as_str)), text(vector, "digest"), "{vector}");
}

fn file_digest_matches(vector: &Json) {
    let content = STANDARD.decode(text(vector, "content")).unwrap();
    assert_eq!(content.len() as u64, vector["size"].as_u64().unwrap());
    assert_eq!(bytes_digest(&content), text(vector, "digest"));
}

/// The reference that a vector spells out field by field.
fn reference(fields: &Json) -> Ref {
    let field = |name: &str| text(fields, name).to_owned();
    let extra = || texts(&fields["extra"]);
    let target = match text(fields, "kind") {
        "object" => Target::Object { name: field("name"), digest: field("digest"), extra: extra() },
        "op" => Target::Op { name: field("name"), digest: field("digest"), extra: extra() },
        "call" => Target::Call { id: field("id"), extra: extra() },
        "table" => Target::Table { digest: field("digest") },
        "agent_turn" => Target::AgentTurn { trace_id: field("trace_id") },
        "agent_conversation" => Target::AgentConversation { conversation_id: field("conversation_id") },
        "agent_span" => Target::AgentSpan { span_id: field("span_id") },
        kind => panic!("unknown kind {kind}"),
    };
    Ref { entity: field("entity"), project: field("project"), target }
}

fn ref_is_formatted(vector: &Json) {
    agree(reference(vector).uri(), vector, |result| result.as_str().unwrap().to_owned());
}

fn ref_is_parsed(vector: &Json) {
    agree(Ref::parse(text(vector, "uri")), vector, reference);
}

/// What a server does to the references in a value that it is sent.
fn refs_are_converted(vector: &Json) {
    let mut value = Value::parse(text(vector, "input")).unwrap();
    let refused = || Error::new(Status::InvalidId, "refused");
    let mut convert = |uri: &str| {
        let mut parts = uri.strip_prefix("weave:///").ok_or_else(refused)?.splitn(3, '/');
        let (Some(entity), Some(project), Some(rest)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(refused());
        };
        let id = match (entity, project) {
            ("my-entity", "my-project") => "UHJvamVjdEludGVybmFsSWQ6MTIzNDU=",
            ("other", "proj") => "UHJvamVjdEludGVybmFsSWQ6Nw==",
            _ => return Err(refused()),
        };
        Ok(Some(format!("{INTERNAL}{id}/{rest}")))
    };
    let converted = map_prefixed(&mut value, MAX_LEVELS, &mut convert).map(|_| value);
    let found = converted.map(|value| (python_dumps(&value), canonical(&value), value_digest(&value)));
    agree(found, vector, |result| {
        (text(result, "converted").to_owned(), text(result, "canonical").to_owned(), text(result, "digest").to_owned())
    });
}

fn name_is_published(vector: &Json) {
    agree(object_name(text(vector, "name")), vector, |result| result.as_str().unwrap().to_owned());
}

#[test]
fn word_characters_are_those_of_the_official_client() {
    let path = format!("{}/tests/vectors/word_characters.json", env!("CARGO_MANIFEST_DIR"));
    let file: Json = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let ranges = file["ranges"].as_array().unwrap().iter();
    let words: HashSet<u32> =
        ranges.flat_map(|range| range[0].as_u64().unwrap() as u32..=range[1].as_u64().unwrap() as u32).collect();
    // A name of one character is accepted exactly if that is a word character; '_' and '.' are separators as well.
    for character in ('\0'..=char::MAX).filter(|character| !matches!(character, '_' | '.')) {
        let accepted = object_name(character.encode_utf8(&mut [0; 4])).is_ok();
        assert_eq!(accepted, words.contains(&u32::from(character)), "{character:?}");
    }
}
