//! What is kept of calls: their fields, their place in a trace, how they end.

use crate::*;

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
