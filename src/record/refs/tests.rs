//! References read and written, and found in values.

use proptest::prelude::*;

use super::*;
use crate::record::json::{compact, Value};

/// Replaces the project of every reference, and fails on the name `stop`.
fn moved(text: &str) -> Result<(String, bool)> {
    let mut value = Value::parse(text).unwrap();
    let changed = map_refs(&mut value, &mut |uri| {
        let reference = Ref::parse(uri)?;
        Ref { project: "new".into(), ..reference }.uri().map(Some)
    })?;
    Ok((compact(&value), changed))
}

#[test]
fn references_are_replaced_in_strings_at_any_depth_but_not_in_keys() {
    let before = r#"{"weave:///e/p/call/c":["weave:///e/p/call/c",{"a":"weave:///e/p/table/d"},"x weave:///e/p/x"]}"#;
    let after =
        r#"{"weave:///e/p/call/c":["weave:///e/new/call/c",{"a":"weave:///e/new/table/d"},"x weave:///e/p/x"]}"#;
    assert_eq!(moved(before), Ok((after.into(), true)));
}

#[test]
fn json_text_is_written_anew_only_if_a_reference_in_it_changes() {
    assert_eq!(
        moved(r#"["{\"a\":\"weave:///e/p/call/c\"}", "{\"a\":\"weave:///e/new/call/c\"}"]"#),
        Ok((r#"["{\"a\": \"weave:///e/new/call/c\"}","{\"a\":\"weave:///e/new/call/c\"}"]"#.into(), true))
    );
}

#[test]
fn a_value_without_references_is_left_alone() {
    let text = r#"{"a":[1,"b",{"c":null}]}"#;
    assert_eq!(moved(text), Ok((text.into(), false)));
}

#[test]
fn the_first_error_ends_the_walk() {
    assert_eq!(moved(r#"["weave:///e/p/call/c","weave:///x"]"#).unwrap_err().status(), Status::InvalidId);
}

fn part() -> impl Strategy<Value = String> {
    "[^/:]{1,8}"
}

fn extra() -> impl Strategy<Value = Vec<String>> {
    prop::collection::vec(".{0,8}", 0..4)
}

fn targets() -> impl Strategy<Value = Target> {
    prop_oneof![
        (part(), part(), extra()).prop_map(|(name, digest, extra)| Target::Object { name, digest, extra }),
        (part(), part(), extra()).prop_map(|(name, digest, extra)| Target::Op { name, digest, extra }),
        (part(), extra()).prop_map(|(id, extra)| Target::Call { id, extra }),
        part().prop_map(|digest| Target::Table { digest }),
        part().prop_map(|trace_id| Target::AgentTurn { trace_id }),
        ".{1,8}".prop_map(|conversation_id| Target::AgentConversation { conversation_id }),
        part().prop_map(|span_id| Target::AgentSpan { span_id }),
    ]
}

proptest! {
    #[test]
    fn what_is_formatted_parses_to_the_same(entity in part(), project in part(), target in targets()) {
        let reference = Ref { entity, project, target };
        let uri = reference.uri().unwrap();
        prop_assert!(is_ref(&uri));
        prop_assert_eq!(Ref::parse(&uri), Ok(reference));
    }

    #[test]
    fn what_servers_take_as_a_reference_also_parses(uri in "weave:///[a:/%]{0,12}(object|op|call|table)?[a:/]{0,8}") {
        if is_ref(&uri) {
            prop_assert!(Ref::parse(&uri).is_ok());
        }
    }
}
