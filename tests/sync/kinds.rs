//! Tables, objects, files, feedback and costs.

use super::*;

#[test]
fn references_resolve_where_the_server_gives_another_digest() {
    let server = Server::shared();
    let writer = Writer::new("team/dataset");
    let project = "team/dataset";
    let rows = json!([{"question": "a"}, {"question": "b"}]);
    let digest = |value: &Value| value_digest(&Json::parse(&value.to_string()).unwrap());
    let row_digests: Vec<String> = rows.as_array().unwrap().iter().map(digest).collect();
    let table = table_digest(row_digests.iter().map(String::as_str));
    writer.record(RecordType::TableCreate, &json!({"table": {"project_id": project, "rows": rows}}));
    let value = json!({"_bases": ["Object", "BaseModel"], "_class_name": "Dataset", "_type": "Dataset", "description": null,
                       "name": "d", "rows": format!("weave:///{project}/table/{table}")});
    let recorded = digest(&value);
    writer.record(RecordType::ObjCreate, &json!({"obj": {"project_id": project, "object_id": "d", "val": value}}));
    writer.flush();
    let row = format!("weave:///{project}/object/d:{recorded}/attr/rows/id/{}", row_digests[1]);
    writer.finished_call(&json!({"row": row}).to_string());
    let outcome = writer.sync(&server.url());
    assert_eq!(outcome.error(), None);
    assert_eq!((writer.counts(&outcome, "tables"), writer.counts(&outcome, "objects")), ((1, 0), (1, 0)));
    let sent = calls(server, project)[0]["inputs"]["row"].as_str().unwrap().to_string();
    assert_ne!(sent, row, "the server's digest depends on its own project id");
    let read = server.post("/refs/read_batch", &json!({"refs": [sent]}));
    assert_eq!(read["vals"], json!([{"question": "b"}]));
    // What was learned holds for later runs too.
    writer.finished_call(&json!({"row": row}).to_string());
    assert_eq!(writer.sync(&server.url()).error(), None);
    assert!(calls(server, project).iter().all(|call| call["inputs"]["row"] == sent.as_str()));
}

#[test]
fn a_large_table_goes_in_parts() {
    let server = Server::shared();
    let writer = Writer::new("team/large");
    let rows: Vec<Value> = (0..2500).map(|n| json!({"n": n})).collect();
    writer.record(RecordType::TableCreate, &json!({"table": {"project_id": "team/large", "rows": rows}}));
    let outcome = writer.sync(&server.url());
    assert_eq!((outcome.error(), writer.counts(&outcome, "tables")), (None, (1, 0)));
    let digests: Vec<String> = rows.iter().map(|row| value_digest(&Json::parse(&row.to_string()).unwrap())).collect();
    let table = table_digest(digests.iter().map(String::as_str));
    let read = server.post("/table/query", &json!({"project_id": "team/large", "digest": table}));
    assert_eq!(read["rows"].as_array().unwrap().len(), 2500);
}

#[test]
fn files_are_sent_from_where_they_lie_and_one_that_changed_is_told() {
    let server = Server::shared();
    let writer = Writer::new("team/files");
    let digest = bytes_digest(b"some bytes");
    writer.store.put_file("team/files", &digest, b"some bytes").unwrap();
    let data = json!({"project_id": "team/files", "name": "a.txt", "digest": digest, "size": 10});
    writer.record(RecordType::FileCreate, &data);
    let outcome = writer.sync(&server.url());
    assert_eq!((outcome.error(), writer.counts(&outcome, "files")), (None, (1, 0)));
    let read = server.post_bytes("/file/content", &json!({"project_id": "team/files", "digest": digest})).unwrap();
    assert_eq!(read, b"some bytes");

    let body = ProjectDir::new(writer.dir.path(), "team/files").file_body(&digest);
    std::fs::write(body, b"other bytes").unwrap();
    writer.record(RecordType::FileCreate, &data);
    let outcome = writer.sync(&server.url());
    assert_eq!(writer.counts(&outcome, "files"), (0, 1));
    assert!(outcome.error().unwrap().text().contains("changed"), "{:?}", outcome.error());
}

#[test]
fn feedback_and_costs_are_sent_once() {
    let server = Server::start(&[]);
    let writer = Writer::new("team/feedback");
    let id = Id::new().to_string();
    let item = json!({"project_id": "team/feedback", "id": id, "weave_ref": "weave:///team/feedback/call/x",
                      "feedback_type": "wandb.note.1", "payload": {"note": "good"}});
    writer.record(RecordType::FeedbackCreate, &item);
    let price = json!({"m": {"prompt_token_cost": 1.0, "completion_token_cost": 2.0}});
    writer.record(RecordType::CostCreate, &json!({"project_id": "team/feedback", "costs": price}));
    let outcome = writer.sync(&server.url());
    assert_eq!(outcome.error(), None);
    assert_eq!((writer.counts(&outcome, "feedback"), writer.counts(&outcome, "costs")), ((1, 0), (1, 0)));
    assert_eq!(writer.sync(&server.url()).results.to_json(), "{}");
    assert_eq!(most_often_written(&server), 1);
    let costs = server.post("/cost/query", &json!({"project_id": "team/feedback"}));
    assert_eq!(costs["results"].as_array().unwrap().len(), 1);
}

#[test]
fn versions_go_in_the_order_of_their_logging_and_the_last_is_the_latest() {
    let server = Server::shared();
    let writer = Writer::new("team/versions");
    for value in [1, 2, 1, 3] {
        let object = json!({"obj": {"project_id": "team/versions", "object_id": "thing", "val": {"v": value}}});
        writer.record(RecordType::ObjCreate, &object);
        writer.store.seal(None).unwrap();
    }
    let outcome = writer.sync(&server.url());
    assert_eq!((outcome.error(), writer.counts(&outcome, "objects")), (None, (4, 0)));
    let request = json!({"project_id": "team/versions", "object_id": "thing", "digest": "latest"});
    assert_eq!(server.post("/obj/read", &request)["obj"]["val"], json!({"v": 3}));
}

#[test]
fn a_reference_to_another_project_follows_the_digest_that_its_server_gave() {
    let server = Server::shared();
    let writer = Writer::new("team/second");
    writer.store.add_project("team/first", &json!({}), true).unwrap();
    let digest = |value: &Value| value_digest(&Json::parse(&value.to_string()).unwrap());
    let inner = json!({"self": "weave:///team/first/call/x"});
    let reference = format!("weave:///team/first/object/inner:{}", digest(&inner));
    let object = json!({"obj": {"project_id": "team/first", "object_id": "inner", "val": inner}});
    Writer { project: "team/first".into(), store: writer.store.clone(), dir: tempfile::tempdir().unwrap() }
        .record(RecordType::ObjCreate, &object);
    let outer = json!({"obj": {"project_id": "team/second", "object_id": "outer", "val": {"inner": reference}}});
    writer.record(RecordType::ObjCreate, &outer);
    writer.finished_call(&json!({"inner": reference}).to_string());
    assert_eq!(writer.sync(&server.url()).error(), None);
    let sent = calls(server, "team/second")[0]["inputs"]["inner"].clone();
    assert_ne!(sent, json!(reference), "the server's digest depends on its own project id");
    let request = json!({"project_id": "team/second", "object_id": "outer", "digest": "latest"});
    assert_eq!(server.post("/obj/read", &request)["obj"]["val"]["inner"], sent);
    assert_eq!(server.post("/refs/read_batch", &json!({"refs": [sent]}))["vals"], json!([inner]));
}

#[test]
fn versions_of_one_file_stay_in_their_order_when_the_clock_was_set_back() {
    let server = Server::shared();
    let writer = Writer::new("team/clock");
    for (value, micros) in [(1, 2_000_000_000_000_000), (2, 1_000_000_000_000_000)] {
        let object = json!({"obj": {"project_id": "team/clock", "object_id": "thing", "val": {"v": value}}});
        let (body, timestamp) = (&object.to_string(), Timestamp::from_micros(micros).unwrap());
        let record =
            Record { record_type: RecordType::ObjCreate, timestamp, project: "team/clock", body: Body::Json(body) };
        writer.store.append(&record).unwrap();
    }
    assert_eq!(writer.sync(&server.url()).error(), None);
    let request = json!({"project_id": "team/clock", "object_id": "thing", "digest": "latest"});
    assert_eq!(server.post("/obj/read", &request)["obj"]["val"], json!({"v": 2}));
}

#[test]
fn more_files_than_a_process_may_open_are_sent_in_the_order_of_their_records() {
    let server = Server::shared();
    let writer = Writer::new("team/many");
    for value in 0..300 {
        let object = json!({"obj": {"project_id": "team/many", "object_id": "thing", "val": {"v": value}}});
        writer.record(RecordType::ObjCreate, &object);
        writer.store.seal(None).unwrap();
    }
    let opened = || std::fs::read_dir("/proc/self/fd").unwrap().count();
    let (before, mut most) = (opened(), 0);
    let outcome =
        run(writer.dir.path(), &server.url(), KEY, None, Choices::default(), &mut || most = most.max(opened()))
            .unwrap();
    assert_eq!((outcome.error(), writer.counts(&outcome, "objects")), (None, (300, 0)));
    assert!(most < before + 150, "{most} files were open at once");
    let request = json!({"project_id": "team/many", "object_id": "thing", "digest": "latest"});
    assert_eq!(server.post("/obj/read", &request)["obj"]["val"], json!({"v": 299}));
}
