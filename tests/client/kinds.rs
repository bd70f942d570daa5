//! What is kept of ops, objects, datasets, files, feedback and costs.

use crate::*;

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
