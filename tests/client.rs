//! What a session records: each test logs through the client and reads the data files back.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::Path;
use std::sync::Arc;

use serde_json::{json, Value};
use tempfile::TempDir;
use weave::client::{exception_text, CallOptions, Client, Context, Decision, Options, Parent};
use weave::record::kind::Kind;
use weave::record::time::Timestamp;
use weave::store::layout::{data_files, ProjectDir};
use weave::store::reader::Reader;
use weave::Status;

struct Session {
    dir: TempDir,
    client: Arc<Client>,
}

fn session() -> Session {
    session_with(Options::default())
}

fn session_with(options: Options) -> Session {
    let dir = TempDir::new().unwrap();
    let client = open("team/demo", dir.path(), options);
    Session { dir, client }
}

fn open(project: &str, dir: &Path, options: Options) -> Arc<Client> {
    let options = Options { offline: Some(true), offline_dir: Some(dir.to_owned()), ..options };
    Client::init(project, &options).unwrap()
}

impl Session {
    fn log(&self, op_name: &str, output: &str, options: &CallOptions) -> String {
        self.client.log_call(op_name, None, Some(output.as_bytes()), options).unwrap().to_string()
    }

    fn records(&self, kind: Kind) -> Vec<Value> {
        self.client.flush(None).unwrap();
        records(self.dir.path(), self.client.project(), kind)
    }

    /// The data of every call, with starts and ends that were joined.
    fn calls(&self) -> Vec<Value> {
        self.records(Kind::Calls).into_iter().map(|mut line| line["data"].take()).collect()
    }

    /// The one call of this op.
    fn call(&self, op_name: &str) -> Value {
        let mut found: Vec<Value> = self.calls().into_iter().filter(|call| call["op_name"] == op_name).collect();
        assert_eq!(found.len(), 1, "{op_name}: {found:?}");
        found.remove(0)
    }
}

fn records(dir: &Path, project: &str, kind: Kind) -> Vec<Value> {
    let mut lines = Vec::new();
    for file in data_files(&ProjectDir::new(dir, project).kind(kind)).unwrap() {
        let mut reader = Reader::open(&file.path).unwrap();
        let mut line = Vec::new();
        while reader.next_line(&mut line).unwrap().is_some() {
            lines.push(serde_json::from_slice(&line).unwrap());
        }
    }
    lines
}

fn below(parent: Parent) -> CallOptions {
    CallOptions { parent: Some(parent), ..CallOptions::default() }
}

fn in_thread(thread: &str) -> CallOptions {
    CallOptions { thread_id: Some(thread.into()), ..CallOptions::default() }
}

const ANSWER: &str = r#"{"model":"gpt","usage":{"prompt_tokens":3,"completion_tokens":4}}"#;

#[test]
fn a_finished_call_is_kept_with_all_that_was_given() {
    let session = session();
    let options = CallOptions {
        display_name: Some("Ask".into()),
        attributes: Some(r#"{"env":"test"}"#.into()),
        summary: Some(r#"{"score":0.5}"#.into()),
        exception: Some(exception_text(Some("E"), "m", None).unwrap()),
        started_at: Timestamp::from_micros(1_000_000),
        ended_at: Timestamp::from_micros(2_000_000),
        kind: Some("llm".into()),
        wb_run_id: Some("team/demo/run1".into()),
        wb_run_step: Some(1),
        wb_run_step_end: Some(2),
        ..CallOptions::default()
    };
    let id = session.client.log_call("ask", Some(br#"{"q":"why"}"#), Some(b"[1]"), &options).unwrap();
    let call = session.call("ask");
    assert_eq!(call["id"], id.as_str());
    assert_eq!(call["project_id"], "team/demo");
    assert_eq!(call["display_name"], "Ask");
    assert_eq!(call["inputs"], json!({"q": "why"}));
    assert_eq!(call["output"], json!([1]));
    assert_eq!(call["attributes"]["env"], "test");
    assert_eq!(call["attributes"]["weave"]["kind"], "llm");
    assert_eq!(call["summary"], json!({"score": 0.5, "status_counts": {"success": 0, "error": 1}}));
    assert_eq!(call["exception"], r#"{"type":"E","message":"m","traceback":[]}"#);
    assert_eq!(call["started_at"], "1970-01-01T00:00:01.000000Z");
    assert_eq!(call["ended_at"], "1970-01-01T00:00:02.000000Z");
    assert_eq!((&call["wb_run_step"], &call["wb_run_step_end"]), (&json!(1), &json!(2)));
    assert!(call.get("parent_id").is_none() && call["trace_id"] != call["id"]);
}

#[test]
fn a_child_repeats_its_parents_trace_and_names_it() {
    let session = session();
    let parent = session.client.start_call("parent", None, &CallOptions::default()).unwrap();
    session.log("child", "1", &below(parent.as_parent()));
    parent.end(None).unwrap();
    let (parent, child) = (session.call("parent"), session.call("child"));
    assert_eq!(child["trace_id"], parent["trace_id"]);
    assert_eq!(child["parent_id"], parent["id"]);
}

#[test]
fn a_call_whose_thread_is_not_its_parents_begins_a_turn() {
    let session = session();
    let start = |name: &str, options: &CallOptions| session.client.start_call(name, None, options).unwrap();
    let turn = start("turn", &in_thread("t1"));
    let inside = start("inside", &below(turn.as_parent()));
    let other = start("other", &CallOptions { thread_id: Some("t2".into()), ..below(inside.as_parent()) });
    let none = start("none", &CallOptions { thread_id: Some(String::new()), ..below(inside.as_parent()) });
    let told = |call: &weave::client::LiveCall| (call.context().thread_id.clone(), call.context().turn_id.clone());
    assert_eq!(told(&turn), (Some("t1".into()), Some(turn.id().to_string())));
    assert_eq!(told(&inside), (Some("t1".into()), Some(turn.id().to_string())));
    assert_eq!(told(&other), (Some("t2".into()), Some(other.id().to_string())));
    assert_eq!(told(&none), (None, None));
}

#[test]
fn usage_and_status_add_up_through_every_level() {
    let session = session();
    let root = session.client.start_call("root", None, &CallOptions::default()).unwrap();
    let middle = session.client.start_call("middle", None, &below(root.as_parent())).unwrap();
    for _ in 0..2 {
        session.log("leaf", ANSWER, &below(middle.as_parent()));
    }
    middle.set_exception("failed".into()).unwrap();
    middle.end(Some(ANSWER.as_bytes())).unwrap();
    root.end(None).unwrap();
    let usage = json!({"gpt": {"requests": 2, "prompt_tokens": 6, "completion_tokens": 8}});
    let root = session.call("root");
    assert_eq!(root["summary"], json!({"usage": usage, "status_counts": {"success": 3, "error": 1}}));
}

#[test]
fn children_on_many_threads_add_up() {
    let session = session();
    let root = session.client.start_call("root", None, &CallOptions::default()).unwrap();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..50 {
                    let child = session.client.start_call("child", None, &below(root.as_parent())).unwrap();
                    child.end(Some(ANSWER.as_bytes())).unwrap();
                }
            });
        }
    });
    root.end(None).unwrap();
    assert_eq!(session.call("root")["summary"]["usage"]["gpt"]["requests"], 200);
    assert_eq!(session.calls().len(), 201);
}

#[test]
fn a_parent_may_end_before_its_child() {
    let session = session();
    let parent = session.client.start_call("parent", None, &CallOptions::default()).unwrap();
    let child = session.client.start_call("child", None, &below(parent.as_parent())).unwrap();
    parent.end(Some(ANSWER.as_bytes())).unwrap();
    child.end(Some(b"1")).unwrap();
    assert_eq!(session.call("parent")["summary"], json!({"status_counts": {"success": 1, "error": 0}}));
    assert_eq!(session.call("child")["output"], 1);
}

#[test]
fn a_call_ends_once() {
    let session = session();
    let call = session.client.start_call("once", None, &CallOptions::default()).unwrap();
    call.end(None).unwrap();
    assert_eq!(call.end(None).unwrap_err().status(), Status::Closed);
    assert_eq!(call.set_summary(b"{}").unwrap_err().status(), Status::Closed);
    assert_eq!(session.calls().len(), 1);
}

#[test]
fn an_end_that_is_refused_leaves_the_call_open() {
    let session = session();
    let call = session.client.start_call("again", None, &CallOptions::default()).unwrap();
    call.set_summary(br#"{"kept":1}"#).unwrap();
    let error = call.end(Some(b"{")).unwrap_err();
    assert!(error.text().starts_with("output"), "{error}");
    call.end(Some(b"{}")).unwrap();
    assert_eq!(session.call("again")["summary"]["kept"], 1);
}

#[test]
fn a_call_that_never_ends_is_kept_as_a_start() {
    let session = session();
    drop(session.client.start_call("open", None, &CallOptions::default()).unwrap());
    let lines = session.records(Kind::Calls);
    assert_eq!((lines.len(), &lines[0]["type"]), (1, &json!("call_start")));
    assert_eq!(lines[0]["data"]["start"]["op_name"], "open");
}

#[test]
fn a_context_carries_the_parent_to_another_client() {
    let session = session();
    let parent = session.client.start_call("parent", None, &in_thread("t")).unwrap();
    let line = parent.context().to_string();
    let elsewhere = open("team/demo", session.dir.path(), Options::default());
    let options = below(Parent::Context(Context::parse(&line).unwrap()));
    let child = elsewhere.start_call("child", None, &options).unwrap();
    child.end(None).unwrap();
    parent.end(None).unwrap();
    let (parent, child) = (session.call("parent"), session.call("child"));
    for key in ["trace_id", "thread_id", "turn_id"] {
        assert_eq!(child[key], parent[key], "{key}");
    }
    assert_eq!(child["parent_id"], parent["id"]);
}

#[test]
fn a_parent_of_another_project_is_refused() {
    let session = session();
    let parent = session.client.start_call("parent", None, &CallOptions::default()).unwrap();
    let other = open("team/other", session.dir.path(), Options::default());
    let error = other.log_call("child", None, None, &below(parent.as_parent())).unwrap_err();
    assert!(error.text().starts_with("parent"), "{error}");
}

#[test]
fn ids_of_the_past_are_kept_and_must_belong_together() {
    let session = session();
    let options = CallOptions {
        id: Some("00f067aa0ba902b7".into()),
        trace_id: Some("4bf92f3577b34da6a3ce929d0e0e4736".into()),
        parent_id: Some("00f067aa0ba902b8".into()),
        ..CallOptions::default()
    };
    session.log("past", "1", &options);
    let call = session.call("past");
    assert_eq!((&call["id"], &call["parent_id"]), (&json!("00f067aa0ba902b7"), &json!("00f067aa0ba902b8")));
    let without_trace = CallOptions { trace_id: None, ..options.clone() };
    let error = session.client.log_call("past", None, None, &without_trace).unwrap_err();
    assert!(error.text().starts_with("trace_id"), "{error}");
    let no_parent = CallOptions { trace_id: None, id: None, parent_id: Some(String::new()), ..options };
    session.log("root", "1", &no_parent);
    assert!(session.call("root").get("parent_id").is_none());
}

#[test]
fn secret_keys_of_inputs_are_redacted_at_any_depth() {
    let session = session_with(Options { redact_keys: vec!["token".into()], ..Options::default() });
    let inputs = br#"{"API_KEY":"a","deep":[{"authorization":{"x":1},"Token":"b"}],"open":"c"}"#;
    session.client.log_call("ask", Some(inputs), None, &CallOptions::default()).unwrap();
    assert_eq!(
        session.call("ask")["inputs"],
        json!({"API_KEY": "REDACTED", "deep": [{"authorization": "REDACTED", "Token": "REDACTED"}], "open": "c"})
    );
}

fn filtering(filter: impl Fn(&mut weave::client::FilteredRecord<'_>) -> Decision + Send + Sync + 'static) -> Session {
    session_with(Options { filter: Some(Arc::new(filter)), ..Options::default() })
}

#[test]
fn a_filter_may_change_what_is_kept() {
    let session = filtering(|record| {
        let changed = record.json().replace("hunter2", "***");
        record.set_json(changed.as_bytes()).unwrap();
        Decision::Keep
    });
    session.client.log_call("ask", Some(br#"{"q":"hunter2"}"#), None, &CallOptions::default()).unwrap();
    let live = session.client.start_call("live", Some(br#"{"q":"hunter2"}"#), &CallOptions::default()).unwrap();
    live.end(Some(br#""hunter2""#)).unwrap();
    assert_eq!(session.call("ask")["inputs"]["q"], "***");
    assert_eq!(session.call("live")["inputs"]["q"], "***");
    assert_eq!(session.call("live")["output"], "***");
}

#[test]
fn an_object_that_a_filter_changed_is_named_by_what_is_kept() {
    let session = filtering(|record| {
        let changed = record.json().replace("hunter2", "***");
        record.set_json(changed.as_bytes()).unwrap();
        Decision::Keep
    });
    let plain = self::session();
    assert_eq!(
        session.client.create_object("o", br#"{"a":"hunter2"}"#).unwrap(),
        plain.client.create_object("o", br#"{"a":"***"}"#).unwrap()
    );
}

#[test]
fn a_filter_may_not_change_what_others_know_the_record_by() {
    let session = filtering(|record| {
        let id = weave::record::ids::Id::new();
        let mut data: Value = serde_json::from_str(record.json()).unwrap();
        data["id"] = json!(id.as_str());
        record.set_json(data.to_string().as_bytes()).unwrap();
        Decision::Keep
    });
    let error = session.client.log_call("ask", None, None, &CallOptions::default()).unwrap_err();
    assert_eq!(error.status(), Status::Rejected);
    assert_eq!(session.calls().len(), 0);
}

#[test]
fn a_start_that_a_filter_drops_takes_its_end_with_it() {
    let session = filtering(|record| match record.json().contains("\"noise\"") {
        true => Decision::Drop,
        false => Decision::Keep,
    });
    let noise = session.client.start_call("noise", None, &CallOptions::default()).unwrap();
    session.log("child", ANSWER, &below(noise.as_parent()));
    noise.end(Some(b"1")).unwrap();
    noise.set_display_name("still nothing").unwrap();
    let calls = session.calls();
    assert_eq!((calls.len(), &calls[0]["op_name"]), (1, &json!("child")));
    assert_eq!(session.client.dropped(), 1);
}

#[test]
fn what_became_of_records_is_counted_and_mistakes_are_not() {
    let session = filtering(|record| match record.json().contains("\"noise\"") {
        true => Decision::Drop,
        false => Decision::Keep,
    });
    let before = session.client.stats();
    session.log("kept", "1", &CallOptions::default());
    session.log("noise", "1", &CallOptions::default());
    let large = format!("\"{}\"", "x".repeat(32 << 20));
    for (output, status) in [(large.as_str(), Status::TooLarge), ("{", Status::InvalidJson)] {
        let refused = session.client.log_call("op", None, Some(output.as_bytes()), &CallOptions::default());
        assert_eq!(refused.unwrap_err().status(), status);
    }
    let stats = session.client.stats();
    assert_eq!((stats.accepted, stats.refused), (before.accepted + 1, 0));
    assert_eq!(stats.packed + stats.waiting, stats.accepted);
    session.client.flush(None).unwrap();
    let stats = session.client.stats();
    assert_eq!((stats.packed, stats.waiting, stats.waiting_bytes), (stats.accepted, 0, 0));
    let told = stats.to_json(session.client.dropped());
    assert_eq!(
        (&told["packed"], &told["filtered"], &told["last_error"]),
        (&json!(stats.packed), &json!(1), &json!(null))
    );
    let disabled = Client::init("p", &Options { disabled: Some(true), ..Options::default() }).unwrap();
    assert_eq!(disabled.stats(), Default::default());
}

#[test]
fn a_trace_that_is_not_sampled_has_ids_and_is_not_kept() {
    let session = session_with(Options { sample_rate: Some(0.0), ..Options::default() });
    let parent = session.client.start_call("parent", None, &CallOptions::default()).unwrap();
    assert_eq!(session.log("child", "1", &below(parent.as_parent())).len(), 36);
    parent.end(None).unwrap();
    let everything = open("team/demo", session.dir.path(), Options::default());
    let line = parent.context().to_string();
    let options = below(Parent::Context(Context::parse(&line).unwrap()));
    everything.log_call("elsewhere", None, None, &options).unwrap();
    assert_eq!(session.calls().len(), 0, "children follow, in this process and in others");
}

#[test]
fn a_trace_is_sampled_as_a_whole() {
    let session = session_with(Options { sample_rate: Some(0.5), ..Options::default() });
    for _ in 0..200 {
        let trace = weave::record::ids::Id::new().to_string();
        let options = CallOptions { trace_id: Some(trace), ..CallOptions::default() };
        for _ in 0..2 {
            session.log("part", "1", &options);
        }
    }
    let mut traces = std::collections::HashMap::new();
    for call in session.calls() {
        *traces.entry(call["trace_id"].to_string()).or_insert(0) += 1;
    }
    assert!(traces.values().all(|parts| *parts == 2));
    assert!((20..180).contains(&traces.len()), "{} of 200", traces.len());
}

#[test]
fn a_disabled_session_keeps_nothing_and_fails_at_nothing() {
    let options = Options { disabled: Some(true), ..Options::default() };
    let client = Client::init("team/demo", &options).unwrap();
    assert_eq!(client.offline_dir(), None);
    let call = client.start_call("a", Some(b"not looked at"), &CallOptions::default()).unwrap();
    client.log_call("b", None, None, &below(call.as_parent())).unwrap();
    call.end(None).unwrap();
    assert!(client.create_op("op", "source").unwrap().starts_with("weave:///team/demo/op/op:"));
    client.create_file("f", b"bytes").unwrap();
    client.add_note("not looked at", "note").unwrap();
    client.create_cost("m", 1.0, 1.0, None).unwrap();
    assert_eq!(client.finish(None).unwrap(), 0);
}

#[test]
fn a_finished_session_takes_nothing_more() {
    let session = session();
    let open = session.client.start_call("open", None, &CallOptions::default()).unwrap();
    session.client.finish(None).unwrap();
    session.client.finish(None).unwrap();
    let refused = [
        session.client.log_call("late", None, None, &CallOptions::default()).err(),
        session.client.create_object("o", b"1").err(),
        session.client.flush(None).err(),
        open.end(None).err(),
    ];
    for error in refused {
        assert_eq!(error.unwrap().status(), Status::Closed);
    }
}

#[test]
fn many_calls_are_all_checked_before_any_is_kept() {
    let session = session();
    let bad = br#"[{"op_name":"a"},{"op_name":"b","inputs":[1]}]"#;
    let (kept, result) = session.client.log_calls(bad);
    assert_eq!(kept, 0);
    assert!(result.unwrap_err().text().starts_with("calls[1]: inputs"));
    for (calls, place) in [
        (r#"[{"inputs":{}}]"#, "calls[0]: op_name"),
        (r#"[{"op_name":"a","nmae":1}]"#, "calls[0]: unknown field `nmae`"),
        (r#"[{"op_name":"a","ended_at":"1970-01-01T00:00:00Z"}]"#, "calls[0]: ended_at"),
        (r#"[{"op_name":"a","wb_run_step":-1}]"#, "calls[0]: invalid value: integer `-1`"),
        (r#"{"op_name":"a"}"#, "calls: not a JSON array"),
    ] {
        let error = session.client.log_calls(calls.as_bytes()).1.unwrap_err();
        assert!(error.text().starts_with(place), "{error}");
    }
    assert_eq!(session.calls().len(), 0);
}

#[test]
fn calls_of_the_past_keep_their_times_and_summaries() {
    let session = session();
    let calls = br#"[{"op_name":"root","id":"00f067aa0ba902b7","trace_id":"4bf92f3577b34da6a3ce929d0e0e4736",
        "started_at":"2026-01-01T00:00:00Z","ended_at":1767225601000000,"inputs":{"api_key":"x","n":NaN},"output":1,
        "exception":"failed","kind":"agent","attributes":{"a":1},
        "summary":{"usage":{"gpt":{"requests":2}},"status_counts":{"success":5,"error":1},"weave":{"status":"x"}}}]"#;
    let (kept, result) = session.client.log_calls(calls);
    result.unwrap();
    assert_eq!(kept, 1);
    let call = session.call("root");
    assert_eq!(call["started_at"], "2026-01-01T00:00:00.000000Z");
    assert_eq!(call["ended_at"], "2026-01-01T00:00:01.000000Z");
    assert_eq!(call["inputs"], json!({"api_key": "REDACTED", "n": null}));
    let usage = json!({"gpt": {"requests": 2}});
    assert_eq!(call["summary"], json!({"usage": usage, "status_counts": {"success": 5, "error": 1}}));
    assert_eq!((&call["attributes"]["a"], &call["attributes"]["weave"]["kind"]), (&json!(1), &json!("agent")));
}

#[test]
fn an_op_is_an_object_that_names_its_source() {
    let session = session();
    let reference = session.client.create_op("my op!", "fn op() {}").unwrap();
    let digest = reference.strip_prefix("weave:///team/demo/op/my-op:").unwrap();
    assert_eq!(digest.len(), 43);
    session.log(&reference, "1", &CallOptions::default());
    let op = &session.records(Kind::Ops)[0]["data"]["obj"];
    assert_eq!(op["object_id"], "my-op");
    let file = op["val"]["files"]["obj.py"].as_str().unwrap();
    let body = ProjectDir::new(session.dir.path(), "team/demo").file_body(file);
    assert_eq!(std::fs::read(body).unwrap(), b"fn op() {}");
    assert_eq!(session.call(&reference)["op_name"], reference);
}

#[test]
fn an_object_is_stored_with_sorted_keys() {
    let session = session();
    let one = session.client.create_object("o", br#"{"b":1,"a":{"d":1,"c":2}}"#).unwrap();
    let same = session.client.create_object("o", br#"{"a":{"c":2,"d":1},"b":1}"#).unwrap();
    assert_eq!(one, same);
    let kept = &session.records(Kind::Objects)[0]["data"]["obj"]["val"];
    assert_eq!(kept.to_string(), r#"{"a":{"c":2,"d":1},"b":1}"#);
}

#[test]
fn a_dataset_names_its_table_and_its_rows() {
    let session = session();
    let reference = session.client.create_dataset("data", Some("rows"), br#"[{"q":1},{"q":2}]"#).unwrap();
    let table = session.client.create_table(br#"[{"q":1},{"q":2}]"#).unwrap();
    let dataset = &session.records(Kind::Objects)[0]["data"]["obj"];
    assert_eq!(dataset["val"]["rows"], table);
    assert_eq!(dataset["val"]["description"], "rows");
    let row = session.client.dataset_row_ref(&reference, br#"{"q":1}"#).unwrap();
    assert!(row.starts_with(&format!("{reference}/attr/rows/id/")), "{row}");
    assert!(session.client.dataset_row_ref(&table, b"{}").is_err(), "a table is no dataset");
}

#[test]
fn a_file_is_kept_with_its_bytes_and_an_empty_one_is_refused() {
    let session = session();
    let digest = session.client.create_file("a.bin", b"\0\xff").unwrap();
    let body = ProjectDir::new(session.dir.path(), "team/demo").file_body(&digest);
    assert_eq!(std::fs::read(body).unwrap(), b"\0\xff");
    assert_eq!(
        session.records(Kind::Files)[0]["data"],
        json!({"project_id": "team/demo", "name": "a.bin", "digest": digest, "size": 2})
    );
    assert_eq!(session.client.create_file("a.bin", b"").unwrap_err().status(), Status::Rejected);
}

#[test]
fn audio_is_stored_with_its_metadata() {
    let session = session();
    let value: Value = serde_json::from_str(&session.client.create_audio("wav", b"RIFF").unwrap()).unwrap();
    assert_eq!(value["files"].as_object().unwrap().len(), 2);
    assert_eq!(session.records(Kind::Files).len(), 2);
}

#[test]
fn feedback_refers_to_its_call() {
    let session = session();
    let call = session.log("ask", "1", &CallOptions::default());
    let id = session.client.add_reaction(&call, "👍").unwrap();
    session.client.add_note(&format!("weave:///team/demo/call/{call}"), "good").unwrap();
    session.client.create_feedback(&call, "quality", br#"{"score":1}"#, None, Some("me")).unwrap();
    let items: Vec<Value> = session.records(Kind::Feedback).into_iter().map(|mut line| line["data"].take()).collect();
    assert_eq!(items[0]["id"], id.as_str());
    for item in &items {
        assert_eq!(item["weave_ref"], format!("weave:///team/demo/call/{call}"));
    }
    assert_eq!(items[2]["creator"], "me");
    assert_eq!(session.client.add_note("nobody", "x").unwrap_err().status(), Status::InvalidId);
}

#[test]
fn a_new_display_name_is_a_record_of_its_own() {
    let session = session();
    let call = session.client.start_call("ask", None, &CallOptions::default()).unwrap();
    call.set_display_name("Asked").unwrap();
    call.end(None).unwrap();
    let updates: Vec<Value> =
        session.records(Kind::Calls).into_iter().filter(|line| line["type"] == "call_update").collect();
    let expected = json!({"project_id": "team/demo", "call_id": call.id().as_str(), "display_name": "Asked"});
    assert_eq!((updates.len(), &updates[0]["data"]), (1, &expected));
}

#[test]
fn prices_are_kept_with_the_project() {
    let session = session();
    session.client.create_cost("gpt", 0.25, 0.5, None).unwrap();
    let costs: Vec<Value> =
        session.records(Kind::Metadata).into_iter().filter(|line| line["type"] == "cost_create").collect();
    assert_eq!(costs[0]["data"]["costs"]["gpt"]["prompt_token_cost"], 0.25);
}

#[test]
fn a_call_beyond_the_size_of_a_request_is_refused() {
    let session = session();
    let inputs = format!(r#"{{"a":"{}"}}"#, "x".repeat(32 << 20));
    let error = session.client.log_call("big", Some(inputs.as_bytes()), None, &CallOptions::default()).unwrap_err();
    assert_eq!(error.status(), Status::TooLarge);
    assert_eq!(session.calls().len(), 0);
}

#[test]
fn a_project_without_an_entity_is_marked_as_unbound() {
    let dir = TempDir::new().unwrap();
    let options = Options { entity: None, ..Options::default() };
    let client = open("alone", dir.path(), options);
    client.flush(None).unwrap();
    if std::env::var_os("WANDB_ENTITY").is_none() {
        assert_eq!(client.project(), "offline/alone");
        let about = records(dir.path(), "offline/alone", Kind::Metadata).remove(1);
        assert_eq!(about["data"]["bound"], false);
    }
    let named = open("alone", dir.path(), Options { entity: Some("team".into()), ..Options::default() });
    assert_eq!(named.project(), "team/alone");
}

#[test]
fn names_that_would_leave_the_directory_are_refused() {
    let dir = TempDir::new().unwrap();
    let options = Options { offline: Some(true), offline_dir: Some(dir.path().to_owned()), ..Options::default() };
    for name in ["", "..", "../up", "a/..", "a/b/c", "/a", "a\0b", "a/\n"] {
        let error = Client::init(name, &options).err().unwrap();
        assert_eq!(error.status(), Status::InvalidName, "{name:?}: {error}");
    }
}

#[test]
fn data_of_the_server_is_not_available_offline() {
    let error = session().client.query("/calls/stream_query", b"{}").unwrap_err();
    assert_eq!(error.status(), Status::Offline);
}

#[test]
fn a_broken_session_refuses_further_work() {
    let session = session();
    session.log("before", "1", &CallOptions::default());
    session.client.break_off();
    let error = session.client.log_call("after", None, None, &CallOptions::default()).unwrap_err();
    assert_eq!(error.status(), Status::Panic);
}
