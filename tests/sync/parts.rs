//! Starts, ends and updates when something comes between them: budgets, programs that end during a sync, lines that are
//! none, servers that cannot do something.

use super::*;
use std::fs;
use weave::sync::rejected;

/// Writes a data file as another tool would.
fn write_file(writer: &Writer, kind: Kind, number: u32, lines: &[String]) {
    let folder = ProjectDir::new(writer.dir.path(), &writer.project).kind(kind);
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join(format!("20260101_{number:04}.jsonl")), lines.join("\n") + "\n").unwrap();
}

fn line(record_type: &str, timestamp: &str, data: &Value) -> String {
    format!(r#"{{"type":"{record_type}","timestamp":"{timestamp}","data":{data}}}"#)
}

/// What was set aside in a directory, and why.
fn set_aside(dir: &Path) -> Vec<String> {
    let mut reasons = Vec::new();
    rejected::list(dir, None, None, &mut |_, entry| {
        reasons.push(entry.reason.clone());
        Ok(())
    })
    .unwrap();
    reasons
}

fn new_id() -> String {
    Id::new().to_string()
}

#[test]
fn a_budget_that_ends_before_what_a_call_refers_to_sets_nothing_aside() {
    let server = Server::start(&[]);
    let writer = Writer::new("team/x");
    let value = json!({"text": "o".repeat(50_000)});
    let digest = value_digest(&Json::parse(&value.to_string()).unwrap());
    let object = json!({"obj": {"project_id": "team/x", "object_id": "large", "val": value}});
    writer.record(RecordType::ObjCreate, &object);
    let id = new_id();
    let reference = format!("weave:///team/x/object/large:{digest}");
    writer.start(&id, &json!({"config": reference, "text": "t".repeat(17_000)}).to_string());
    writer.store.seal(None).unwrap();
    writer.end(&id);
    let budget = Choices { max_bytes: Some(30_000), ..Choices::default() };
    assert_eq!(writer.sync_with(&server.url(), budget).error().unwrap().status(), Status::Timeout);
    assert_eq!(set_aside(writer.dir.path()), Vec::<String>::new());
    assert_eq!(writer.sync(&server.url()).error(), None);
    assert_eq!(calls(&server, "team/x")[0]["output"], "done");
}

#[test]
fn within_a_budget_an_open_call_is_started_and_ended_once() {
    let server = Server::start(&[]);
    let writer = Writer::new("team/x");
    let budget = || Choices { max_time: Some(Duration::from_secs(600)), ..at_once() };
    let id = new_id();
    writer.start(&id, "{}");
    let outcome = writer.sync_with(&server.url(), budget());
    assert_eq!((outcome.error(), writer.counts(&outcome, "calls")), (None, (1, 0)));
    writer.end(&id);
    let outcome = writer.sync_with(&server.url(), budget());
    assert_eq!((outcome.error(), writer.counts(&outcome, "calls")), (None, (1, 0)));
    assert_eq!(most_often_written(&server), 1);
}

#[test]
fn any_number_of_updates_may_wait_for_their_calls() {
    let server = Server::shared();
    let writer = Writer::new("team/many-wait");
    for _ in 0..4200 {
        let id = new_id();
        writer.start(&id, "{}");
        let update = json!({"project_id": writer.project, "call_id": id, "display_name": "later"});
        writer.record(RecordType::CallUpdate, &update);
    }
    let outcome = writer.sync(&server.url());
    assert_eq!((outcome.error(), writer.counts(&outcome, "call_updates")), (None, (0, 0)));
}

#[test]
fn an_update_whose_call_is_not_in_a_data_file_yet_waits_for_it() {
    let server = Server::shared();
    let writer = Writer::new("team/ahead");
    let id = new_id();
    let update = json!({"project_id": writer.project, "call_id": id, "display_name": "better"});
    writer.record(RecordType::CallUpdate, &update);
    let outcome = writer.sync(&server.url());
    assert_eq!((outcome.error(), writer.counts(&outcome, "call_updates")), (None, (0, 0)));
    writer.start(&id, "{}");
    writer.end(&id);
    let outcome = writer.sync(&server.url());
    assert_eq!((outcome.error(), writer.counts(&outcome, "call_updates")), (None, (1, 0)));
    assert_eq!(calls(server, &writer.project)[0]["display_name"], "better");
}

#[test]
fn an_update_whose_call_does_not_come_for_a_day_is_set_aside_when_its_program_is_gone() {
    let server = Server::shared();
    let writer = Writer::new("team/nowhere");
    let update = |name: &str| json!({"project_id": "team/nowhere", "call_id": new_id(), "display_name": name});
    let lines = [
        line("call_update", "2026-01-01T10:00:00.000000Z", &update("old")),
        line("call_update", &Timestamp::now().to_string(), &update("of today")),
    ];
    write_file(&writer, Kind::Calls, 0, &lines);
    let dir = writer.end_of_the_program();
    let outcome = sync_dir(dir.path(), &server.url(), KEY, None);
    assert_eq!(outcome.error().unwrap().status(), Status::Incomplete);
    let reasons = set_aside(dir.path());
    assert!(reasons.len() == 1 && reasons[0].contains("neither on the server"), "{reasons:?}");
}

#[test]
fn a_call_that_ends_while_a_sync_runs_is_not_closed_as_interrupted() {
    let server = Server::start(&[]);
    let writer = Writer::new("team/x");
    writer.record(RecordType::ObjCreate, &json!({"obj": {"project_id": "team/x", "object_id": "o", "val": 1}}));
    let id = new_id();
    writer.start(&id, "{}");
    writer.store.seal(None).unwrap();
    let (dir, mut program) = (writer.dir.path().to_owned(), Some(writer));
    let choices = || Choices { seal: false, close_orphans: true, ..at_once() };
    let mut left = None;
    let outcome = run(&dir, &server.url(), KEY, None, choices(), &mut || {
        if let Some(writer) = program.take() {
            writer.end(&id);
            left = Some(writer.end_of_the_program());
        }
    });
    assert_eq!(outcome.unwrap().error(), None);
    let outcome = sync_with(&dir, &server.url(), choices());
    assert_eq!(outcome.error(), None);
    let found = &calls(&server, "team/x")[0];
    assert_eq!((&found["output"], &found["exception"]), (&json!("done"), &Value::Null));
}

#[test]
fn a_closed_call_counts_once() {
    let server = Server::start(&[]);
    let writer = Writer::new("team/x");
    writer.start(&new_id(), "{}");
    let dir = writer.end_of_the_program();
    let closing = Choices { close_orphans: true, ..Choices::default() };
    let outcome = sync_with(dir.path(), &server.url(), closing);
    assert_eq!((outcome.error(), outcome.results.total().synced), (None, 1));
}

#[test]
fn a_part_that_is_none_is_set_aside_and_one_that_another_tool_wrote_is_sent() {
    let server = Server::start(&[]);
    let writer = Writer::new("team/x");
    let now = Timestamp::now().to_string();
    let started = json!({"start": {"project_id": "team/x", "id": new_id(), "trace_id": new_id(), "op_name": "odd",
                                   "started_at": now, "attributes": {}, "inputs": {}}});
    let odd = format!(r#"{{"type":"call_start","timestamp":"{now}","data":{started},"more":1}}"#);
    let none = line("call_end", &now, &json!({"end": {"project_id": "team/x", "ended_at": now}}));
    write_file(&writer, Kind::Calls, 0, &[none, odd]);
    writer.finished_call("{}");
    let outcome = writer.sync_with(&server.url(), at_once());
    assert_eq!(writer.counts(&outcome, "calls"), (2, 1));
    assert_eq!((set_aside(writer.dir.path()).len(), calls(&server, "team/x").len()), (1, 2));
}

#[test]
fn what_a_server_cannot_do_keeps_nothing_else_from_it() {
    let server = Server::start(&["--fail-rate", "1", "--fail-status", "501", "--fault-paths", "^/call/update"]);
    let writer = Writer::new("team/x");
    let id = writer.finished_call("{}");
    let update = json!({"project_id": "team/x", "call_id": id, "display_name": "better"});
    writer.record(RecordType::CallUpdate, &update);
    let item = json!({"project_id": "team/x", "id": new_id(), "weave_ref": format!("weave:///team/x/call/{id}"),
                      "feedback_type": "custom", "payload": {}});
    writer.record(RecordType::FeedbackCreate, &item);
    let outcome = writer.sync(&server.url());
    assert_eq!((writer.counts(&outcome, "call_updates"), writer.counts(&outcome, "feedback")), ((0, 1), (1, 0)));
    assert_eq!(set_aside(writer.dir.path()), Vec::<String>::new());
}
