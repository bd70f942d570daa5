//! Which records are taken, and what is counted.

use crate::*;

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
