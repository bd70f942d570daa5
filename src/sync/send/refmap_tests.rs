use super::*;
use proptest::prelude::*;
use std::path::Path;

/// `offline/demo` becomes `team/demo`, `team/kept` stays.
fn map(directory: &Path) -> RefMap {
    let mut map = RefMap::new();
    for (recorded, destination) in [("offline/demo", "team/demo"), ("team/kept", "team/kept")] {
        map.add(&ProjectDir::new(directory, recorded), "http://x", destination, Access::Owner).unwrap();
    }
    map
}

fn learned(directory: &Path) -> RefMap {
    let mut map = map(directory);
    map.learn("offline/demo", Named::Object("data"), "d1", "D1").unwrap();
    map.learn("offline/demo", Named::Op("data"), "d1", "O1").unwrap();
    map.learn("team/kept", Named::Table, "t1", "T1").unwrap();
    map.learn_all("team/kept", Named::Row, [("r1", "R1"), ("r2", "r2")]).unwrap();
    map
}

fn at<T>(test: impl FnOnce(RefMap) -> T) -> T {
    let directory = tempfile::tempdir().unwrap();
    test(learned(directory.path()))
}

#[test]
fn a_reference_gets_the_project_and_the_digests_of_the_server() {
    at(|map| {
        for (recorded, sent) in [
            ("weave:///offline/demo/object/data:d1", "weave:///team/demo/object/data:D1"),
            ("weave:///offline/demo/op/data:d1", "weave:///team/demo/op/data:O1"),
            ("weave:///offline/demo/object/other:d1", "weave:///team/demo/object/other:d1"),
            (
                "weave:///offline/demo/object/data:d1/attr/rows/id/r1",
                "weave:///team/demo/object/data:D1/attr/rows/id/r1",
            ),
            ("weave:///offline/demo/call/0190/key/a%2Fb", "weave:///team/demo/call/0190/key/a%2Fb"),
            ("weave:///team/kept/table/t1", "weave:///team/kept/table/T1"),
            (
                "weave:///team/kept/object/x:y/attr/rows/id/r1/key/id",
                "weave:///team/kept/object/x:y/attr/rows/id/R1/key/id",
            ),
            ("weave:///offline/demo/anything", "weave:///team/demo/anything"),
        ] {
            assert_eq!(map.reference(recorded).as_deref(), Some(sent), "{recorded}");
        }
    });
}

#[test]
fn a_reference_that_names_nothing_of_this_sync_stays() {
    at(|map| {
        for recorded in [
            "weave:///team/kept/object/data:d1",
            "weave:///team/kept/object/x:y/key/id/id/r2",
            "weave:///other/demo/object/data:d1",
            "weave:///offline/demonstration/object/data:d1",
            "weave:///offline/demo",
            "weave:///",
            "nothing",
        ] {
            assert_eq!(map.reference(recorded), None, "{recorded}");
        }
    });
}

#[test]
fn what_was_learned_is_known_to_the_next_sync() {
    let directory = tempfile::tempdir().unwrap();
    learned(directory.path()).persist().unwrap();
    let next = map(directory.path());
    let sent = next.reference("weave:///offline/demo/object/data:d1");
    assert_eq!(sent.as_deref(), Some("weave:///team/demo/object/data:D1"));
}

#[test]
fn texts_without_a_difference_are_sent_byte_for_byte() {
    at(|map| {
        for text in [
            r#"{ "a" : [1.50, "x\u001b[0m", "weave:///other/p/call/c"] }"#,
            r#"["weave:///team/kept/object/data:d1", "in text: weave:///other/p/call/c", "weave:\/\/\/team/kept/x/y"]"#,
            r#"{"weave:///offline/demo/call/c": 1}"#,
            r#"["say \"weave:///offline/demo/call/c"]"#,
        ] {
            assert!(matches!(map.value(text).unwrap(), Cow::Borrowed(same) if same == text), "{text}");
        }
    });
}

#[test]
fn references_are_replaced_in_place_and_all_else_is_kept() {
    at(|map| {
        let text = r#"{ "a" : 1.50, "b":"weave:///offline/demo/call/c" , "c":["weave:///team/kept/table/t1","\"é\n"]}"#;
        let sent = r#"{ "a" : 1.50, "b":"weave:///team/demo/call/c" , "c":["weave:///team/kept/table/T1","\"é\n"]}"#;
        assert_eq!(map.value(text).unwrap(), sent);
    });
}

#[test]
fn escaped_references_and_those_in_json_text_are_found() {
    at(|map| {
        for (text, sent) in [
            (r#"["weave:\/\/\/offline\/demo\/call\/c"]"#, r#"["weave:///team/demo/call/c"]"#),
            (r#"["\u0077eave:///offline/demo/call/c"]"#, r#"["weave:///team/demo/call/c"]"#),
            (r#"["{\"a\":\"weave:///offline/demo/call/c\"}"]"#, r#"["{\"a\": \"weave:///team/demo/call/c\"}"]"#),
            (r#"["weave:///offline/demo/call/c\"d"]"#, r#"["weave:///team/demo/call/c\"d"]"#),
        ] {
            assert_eq!(map.value(text).unwrap(), sent, "{text}");
        }
    });
}

#[test]
fn every_record_names_its_destination() {
    at(|map| {
        use RecordType::*;
        for (record_type, text, sent) in [
            (CallComplete, r#"{"project_id":"offline/demo","id":1.0}"#, r#"{"project_id":"team/demo","id":1.0}"#),
            (CallStart, r#"{"start":{"project_id":"offline/demo"}}"#, r#"{"start":{"project_id":"team/demo"}}"#),
            (CallEnd, r#"{"end":{"project_id":"offline/demo"}}"#, r#"{"end":{"project_id":"team/demo"}}"#),
            (ObjCreate, r#"{"obj":{"val":1,"project_id":"x"}}"#, r#"{"obj":{"val":1,"project_id":"team/demo"}}"#),
            (OpCreate, r#"{"obj": {"project_id": "y"}}"#, r#"{"obj":{"project_id":"team/demo"}}"#),
            (TableCreate, r#"{"table":{"rows":[]}}"#, r#"{"table":{"rows":[],"project_id":"team/demo"}}"#),
            (
                FeedbackCreate,
                r#"{"project_id":"offline/demo","weave_ref":"weave:///offline/demo/call/c"}"#,
                r#"{"project_id":"team/demo","weave_ref":"weave:///team/demo/call/c"}"#,
            ),
            (CostCreate, r#"{"project_id":"team/demo","costs":{}}"#, r#"{"project_id":"team/demo","costs":{}}"#),
        ] {
            assert_eq!(map.data(record_type, "offline/demo", text).unwrap(), sent, "{text}");
        }
    });
}

#[test]
fn data_of_a_project_that_keeps_its_name_is_sent_byte_for_byte() {
    at(|map| {
        let text = r#"{"project_id":"team/kept","inputs":{"project_id":"offline/demo","n":1e3}}"#;
        let sent = map.data(RecordType::CallComplete, "team/kept", text).unwrap();
        assert!(matches!(sent, Cow::Borrowed(same) if same == text));
    });
}

#[test]
fn data_that_is_no_record_is_refused() {
    at(|map| {
        for text in ["[]", r#"{"start":1}"#, "{", r#"{"obj":{}}"#] {
            let error = map.data(RecordType::CallStart, "offline/demo", text).unwrap_err();
            assert_eq!(error.status(), Status::InvalidJson, "{text}: {error}");
        }
        assert!(map.data(RecordType::CostCreate, "not/added", "{}").unwrap_err().text().contains("not/added"));
    });
}

/// Texts that hold references in every manner, and much that looks like one.
fn string() -> impl Strategy<Value = String> {
    let project = prop::sample::select(vec!["offline/demo", "team/kept", "other/p", "offline", ""]);
    let target = prop::sample::select(vec![
        "object/data:d1",
        "op/data:d1",
        "table/t1",
        "call/c",
        "object/x:y/attr/rows/id/r1",
        "object/\"q\\:d",
        "x",
        "",
    ]);
    let reference = (project, target).prop_map(|(project, target)| format!("weave:///{project}/{target}"));
    prop_oneof![
        3 => reference.clone(),
        1 => ("[\"\\\\ :/a\u{1b}é]{0,3}", reference, "[\"\\\\ :/a\u{1b}é]{0,3}")
            .prop_map(|(before, reference, after)| format!("{before}{reference}{after}")),
        1 => "[\"\\\\ :/wév\u{1b}]{0,6}",
    ]
}

fn values() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![string().prop_map(serde_json::Value::from), any::<i32>().prop_map(serde_json::Value::from)];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(serde_json::Value::from),
            prop::collection::vec((string(), inner.clone()), 0..4)
                .prop_map(|members| serde_json::Value::Object(members.into_iter().collect())),
            inner.prop_map(|value| serde_json::Value::from(value.to_string())),
        ]
    })
}

proptest! {
    #[test]
    fn the_way_over_bytes_and_the_way_over_values_agree(value in values(), pretty in any::<bool>()) {
        let text = if pretty { serde_json::to_string_pretty(&value).unwrap() } else { value.to_string() };
        at(|map| {
            let parsed = map.parsed(&text, None).unwrap();
            if let Some(spliced) = map.spliced(&text) {
                prop_assert_eq!(Value::parse(&spliced).unwrap(), Value::parse(&parsed).unwrap());
            }
            Ok(())
        })?;
    }
}
