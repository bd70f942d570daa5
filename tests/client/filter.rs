//! What is kept when secrets are redacted and a filter has its say.

use crate::*;

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
