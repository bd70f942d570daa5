//! A sync as its users see it: what was stored is on the server, once, under the right names; what went wrong is told,
//! and kept.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::server::{free_port, Server, KEY};
use serde_json::{json, Value};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use weave::record::call::Call;
use weave::record::digest::{bytes_digest, table_digest, value_digest};
use weave::record::frame::{Body, Record};
use weave::record::ids::Id;
use weave::record::json::Value as Json;
use weave::record::kind::{Kind, RecordType};
use weave::record::time::Timestamp;
use weave::store::hop::Members;
use weave::store::layout::{data_files, Access, ProjectDir};
use weave::store::options::QuotaPolicy;
use weave::store::quota::Quota;
use weave::store::{retention, Store, StoreOptions};
use weave::sync::{self, Choices, Connection, Environment, Outcome, Request, Secret, Stop};
use weave::Status;

/// A program that logs, and the directory it logs to.
struct Writer {
    dir: tempfile::TempDir,
    store: Arc<Store>,
    project: String,
}

impl Writer {
    fn new(project: &str) -> Writer {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(&StoreOptions { dir: dir.path().to_path_buf(), ..StoreOptions::default() }).unwrap();
        store.add_project(project, &json!({}), !project.starts_with("offline/")).unwrap();
        Writer { dir, store, project: project.to_string() }
    }

    fn record(&self, record_type: RecordType, data: &Value) {
        let body = &data.to_string();
        let record =
            Record { record_type, timestamp: Timestamp::now(), project: &self.project, body: Body::Json(body) };
        self.store.append(&record).unwrap();
    }

    fn call(&self, record_type: RecordType, call: &Call<'_>) {
        let record =
            Record { record_type, timestamp: Timestamp::now(), project: &self.project, body: Body::Call(call) };
        self.store.append(&record).unwrap();
    }

    fn start(&self, id: &str, inputs: &str) {
        let started_at = Some(Timestamp::now());
        let call = Call {
            id: id.as_bytes(),
            trace_id: Some(id.as_bytes()),
            op_name: Some(b"step"),
            started_at,
            attributes: Some(b"{}"),
            inputs: Some(inputs.as_bytes()),
            ..Call::default()
        };
        self.call(RecordType::CallStart, &call);
    }

    fn end(&self, id: &str) {
        let ended_at = Some(Timestamp::now());
        let call =
            Call { id: id.as_bytes(), ended_at, output: Some(b"\"done\""), summary: Some(b"{}"), ..Call::default() };
        self.call(RecordType::CallEnd, &call);
    }

    fn finished_call(&self, inputs: &str) -> String {
        let id = Id::new().to_string();
        self.start(&id, inputs);
        self.end(&id);
        id
    }

    fn flush(&self) {
        self.store.flush(None).unwrap();
    }

    fn sync(&self, server: &str) -> Outcome {
        sync_dir(self.dir.path(), server, KEY, None)
    }

    fn sync_with(&self, server: &str, choices: Choices) -> Outcome {
        let connection = connection(server, KEY);
        let environment = Environment::given(&[], self.dir.path(), self.dir.path());
        let request = Request {
            offline_dir: self.dir.path(),
            project: None,
            connection: &connection,
            environment: &environment,
            choices,
            stop: Stop::new(),
        };
        sync::run(&request, &mut |_| true).unwrap()
    }

    fn counts(&self, outcome: &Outcome, kind: &str) -> (u64, u64) {
        let results: Value = serde_json::from_str(&outcome.results.to_json()).unwrap();
        let pair = &results[&self.project][kind];
        (pair[0].as_u64().unwrap(), pair[1].as_u64().unwrap())
    }

    fn pending(&self, kind: Kind) -> usize {
        let folder = ProjectDir::new(self.dir.path(), &self.project).kind(kind);
        data_files(&folder).unwrap().iter().filter(|file| !file.synced).count()
    }
}

fn sync_dir(dir: &Path, server: &str, key: &str, project: Option<&str>) -> Outcome {
    try_sync(dir, server, key, project).unwrap()
}

fn connection(server: &str, key: &str) -> Connection {
    let (url, api_key) = (Some(server.to_string()), Some(Secret::new(key)));
    Connection { base_url: url.clone(), trace_server_url: url, api_key, ..Connection::default() }
}

fn try_sync(dir: &Path, server: &str, key: &str, project: Option<&str>) -> weave::Result<Outcome> {
    run(dir, server, key, project, &mut || {})
}

/// A sync that calls `acknowledged` whenever the server has taken something.
fn run(
    dir: &Path,
    server: &str,
    key: &str,
    project: Option<&str>,
    acknowledged: &mut dyn FnMut(),
) -> weave::Result<Outcome> {
    let connection = connection(server, key);
    let environment = Environment::given(&[], dir, dir);
    let request = Request {
        offline_dir: dir,
        project,
        connection: &connection,
        environment: &environment,
        choices: Choices::default(),
        stop: Stop::new(),
    };
    sync::run(&request, &mut |_| {
        acknowledged();
        true
    })
}

/// Calls that run are sent however young they are.
fn at_once() -> Choices {
    Choices { open_after: Duration::ZERO, ..Choices::default() }
}

fn calls(server: &Server, project: &str) -> Vec<Value> {
    let answer = server.post_bytes("/calls/stream_query", &json!({"project_id": project}));
    let text = String::from_utf8(answer).unwrap();
    text.lines().filter(|line| !line.is_empty()).map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn most_often_written(server: &Server) -> u64 {
    server.get("/test/writes")[0][2].as_u64().unwrap_or(0)
}

#[test]
fn finished_calls_are_on_the_server_once_and_their_files_are_marked() {
    let server = Server::start(&[]);
    let writer = Writer::new("team/finished");
    let ids: Vec<String> = (0..1500).map(|n| writer.finished_call(&json!({"n": n}).to_string())).collect();
    let outcome = writer.sync(&server.url());
    assert_eq!((outcome.error(), writer.counts(&outcome, "calls")), (None, (1500, 0)));
    let mut found: Vec<String> =
        calls(&server, "team/finished").iter().map(|c| c["id"].as_str().unwrap().to_string()).collect();
    let mut expected = ids;
    found.sort();
    expected.sort();
    assert_eq!(found, expected);
    assert_eq!(writer.pending(Kind::Calls), 0);
    let again = writer.sync(&server.url());
    assert_eq!(again.results.to_json(), "{}");
    assert_eq!(most_often_written(&server), 1);
}

#[test]
fn a_start_and_an_end_from_different_files_are_one_complete_call() {
    let server = Server::shared();
    let writer = Writer::new("team/paired");
    let id = Id::new().to_string();
    writer.start(&id, "{\"a\":1}");
    writer.store.seal(None).unwrap();
    writer.end(&id);
    let outcome = writer.sync(&server.url());
    assert_eq!((outcome.error(), writer.counts(&outcome, "calls")), (None, (1, 0)));
    let found = &calls(server, "team/paired")[0];
    assert_eq!((&found["inputs"], &found["output"]), (&json!({"a": 1}), &json!("done")));
    assert!(found["ended_at"].is_string());
}

#[test]
fn an_open_call_is_sent_as_a_start_and_ended_by_a_later_sync() {
    for mode in [&[][..], &["--calls-mode", "legacy"]] {
        let server = Server::start(mode);
        let writer = Writer::new("team/open");
        let id = Id::new().to_string();
        writer.start(&id, "{}");
        assert_eq!(writer.sync_with(&server.url(), at_once()).error(), None);
        assert!(calls(&server, "team/open")[0]["ended_at"].is_null());
        assert_eq!(writer.pending(Kind::Calls), 0);
        writer.end(&id);
        assert_eq!(writer.sync_with(&server.url(), at_once()).error(), None);
        let found = calls(&server, "team/open");
        assert_eq!((found.len(), &found[0]["output"]), (1, &json!("done")));
        assert_eq!(writer.pending(Kind::Calls), 0);
        assert_eq!(most_often_written(&server), 1);
    }
}

#[test]
fn an_older_server_gets_starts_and_ends() {
    let server = Server::start(&["--calls-mode", "legacy"]);
    let writer = Writer::new("team/older");
    writer.finished_call("{\"q\":\"why?\"}");
    let outcome = writer.sync(&server.url());
    assert_eq!((outcome.error(), writer.counts(&outcome, "calls")), (None, (1, 0)));
    assert_eq!(calls(&server, "team/older")[0]["inputs"], json!({"q": "why?"}));
}

#[test]
fn a_project_in_the_older_call_mode_takes_finished_and_open_calls_too() {
    let server = Server::start(&[]);
    server.make_project("team", "merged");
    let started_at = Timestamp::now().to_string();
    let first = json!({"start": {"project_id": "team/merged", "id": Id::new().as_str(), "trace_id": Id::new().as_str(),
                       "op_name": "first", "started_at": started_at, "attributes": {}, "inputs": {}}});
    server.post("/call/start", &first);
    let writer = Writer::new("team/merged");
    writer.finished_call("{\"n\":1}");
    let open = Id::new().to_string();
    writer.start(&open, "{}");
    assert_eq!(writer.sync_with(&server.url(), at_once()).error(), None);
    writer.end(&open);
    assert_eq!(writer.sync_with(&server.url(), at_once()).error(), None);
    let ended = calls(&server, "team/merged").iter().filter(|call| call["output"] == "done").count();
    assert_eq!((calls(&server, "team/merged").len(), ended), (3, 2));
    assert_eq!(most_often_written(&server), 1);
}

#[test]
fn a_project_without_an_entity_goes_to_the_default_entity_and_its_references_follow() {
    let server = Server::shared();
    let writer = Writer::new("offline/unbound");
    let reference = "weave:///offline/unbound/object/thing:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    writer.finished_call(&json!({"thing": reference}).to_string());
    let outcome = writer.sync(&server.url());
    assert_eq!((outcome.error(), writer.counts(&outcome, "calls")), (None, (1, 0)));
    let found = &calls(server, "test-entity/unbound")[0];
    assert_eq!(found["inputs"]["thing"], reference.replace("offline/unbound", "test-entity/unbound"));
}

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
    let read = server.post_bytes("/file/content", &json!({"project_id": "team/files", "digest": digest}));
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
fn an_update_of_a_call_comes_after_the_call() {
    let server = Server::shared();
    let writer = Writer::new("team/renamed");
    let id = Id::new().to_string();
    let update = json!({"project_id": "team/renamed", "call_id": id, "display_name": "better"});
    writer.record(RecordType::CallUpdate, &update);
    writer.flush();
    writer.start(&id, "{}");
    writer.end(&id);
    let outcome = writer.sync(&server.url());
    assert_eq!((outcome.error(), writer.counts(&outcome, "call_updates")), (None, (1, 0)));
    assert_eq!(calls(server, "team/renamed")[0]["display_name"], "better");
}

#[test]
fn an_update_waits_for_a_call_that_the_server_did_not_take() {
    let refusing = Server::start(&["--reject-marker", "poison"]);
    let writer = Writer::new("team/waiting");
    let id = writer.finished_call("{\"x\":\"poison\"}");
    writer.finished_call("{}");
    let update = json!({"project_id": "team/waiting", "call_id": id, "display_name": "better"});
    writer.record(RecordType::CallUpdate, &update);
    let outcome = writer.sync(&refusing.url());
    assert_eq!((writer.counts(&outcome, "calls"), writer.counts(&outcome, "call_updates")), ((1, 1), (0, 0)));
    let server = Server::shared();
    assert_eq!(writer.sync(&server.url()).error(), None);
    assert_eq!(calls(server, "team/waiting")[0]["display_name"], "better");
    assert_eq!(writer.pending(Kind::Calls), 0);
}

#[test]
fn a_bad_record_stands_alone_and_its_neighbours_are_taken() {
    let server = Server::start(&["--reject-marker", "poison"]);
    let writer = Writer::new("team/split");
    for n in 0..20 {
        writer.finished_call(if n == 7 { "{\"x\":\"poison\"}" } else { "{\"x\":1}" });
    }
    let outcome = writer.sync(&server.url());
    assert_eq!(writer.counts(&outcome, "calls"), (19, 1));
    assert_eq!(outcome.error().unwrap().status(), Status::Incomplete);
    assert_eq!(calls(&server, "team/split").len(), 19);
    assert_eq!(writer.pending(Kind::Calls), 1, "what was not taken is kept");
    let again = writer.sync(&server.url());
    assert_eq!(writer.counts(&again, "calls"), (0, 1), "only the bad one is tried again");
    assert_eq!(most_often_written(&server), 1);
}

#[test]
fn a_sync_that_met_failures_is_finished_by_a_second_one() {
    let server = Server::start(&["--fail-first", "1000", "--fail-status", "503", "--fault-paths", "feedback"]);
    let writer = Writer::new("team/second");
    writer.finished_call("{}");
    let item = json!({"project_id": "team/second", "id": Id::new().to_string(), "feedback_type": "custom",
                      "weave_ref": "weave:///team/second/call/x", "payload": {"a": 1}});
    writer.record(RecordType::FeedbackCreate, &item);
    let connection = connection(&server.url(), KEY);
    let few = Environment::given(&[("WEAVE_RETRY_MAX_ATTEMPTS", "1")], writer.dir.path(), writer.dir.path());
    let request = Request {
        offline_dir: writer.dir.path(),
        project: None,
        choices: Choices::default(),
        stop: Stop::new(),
        connection: &connection,
        environment: &few,
    };
    let first = sync::run(&request, &mut |_| true).unwrap();
    assert_eq!(first.error().unwrap().status(), Status::Server);
    assert_eq!((writer.pending(Kind::Calls), writer.pending(Kind::Feedback)), (0, 1));
    let healthy = Server::start(&[]);
    let second = writer.sync(&healthy.url());
    assert_eq!((second.error(), writer.counts(&second, "feedback")), (None, (1, 0)));
}

#[test]
fn a_server_that_fails_for_everything_rejects_no_record() {
    let server = Server::start(&["--fail-rate", "1", "--fail-status", "500"]);
    let writer = Writer::new("team/broken");
    (0..100).for_each(|_| drop(writer.finished_call("{}")));
    let outcome = writer.sync(&server.url());
    assert_eq!(outcome.error().unwrap().status(), Status::Server);
    assert_eq!((writer.counts(&outcome, "calls"), writer.pending(Kind::Calls)), ((0, 0), 1));
}

#[test]
fn a_damaged_part_of_a_data_file_is_told_and_costs_only_itself() {
    let server = Server::shared();
    let writer = Writer::new("team/damaged");
    for _ in 0..3 {
        writer.finished_call("{}");
        writer.flush();
    }
    writer.store.seal(None).unwrap();
    let folder = ProjectDir::new(writer.dir.path(), "team/damaged").kind(Kind::Calls);
    let path = data_files(&folder).unwrap()[0].path.clone();
    let mut members = Members::open(&path).unwrap().unwrap();
    let _first = members.next_member().unwrap().unwrap();
    let (at, second) = members.next_member().unwrap().unwrap();
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[at as usize + second.length as usize - 6] ^= 0xff;
    std::fs::write(&path, bytes).unwrap();
    let outcome = writer.sync(&server.url());
    assert_eq!(writer.counts(&outcome, "calls"), (2, 0));
    let error = outcome.error().unwrap();
    assert!(error.status() == Status::Incomplete && error.text().contains("damaged"), "{error}");
    assert_eq!(writer.pending(Kind::Calls), 1, "it stays for those who repair it");
}

#[test]
fn records_that_a_quota_takes_while_they_are_sent_are_no_errors_and_later_ones_are_sent() {
    let server = Server::shared();
    let writer = Writer::new("team/taken");
    let object = json!({"obj": {"project_id": "team/taken", "object_id": "thing", "val": 1}});
    writer.record(RecordType::ObjCreate, &object);
    writer.finished_call("{}");
    let Writer { store, dir, project } = writer;
    store.close();
    drop(store);
    while std::fs::read_dir(dir.path().join(".weave/journals")).unwrap().count() > 0 {
        std::thread::yield_now();
    }
    let mut quota = Quota::new(dir.path(), 1, QuotaPolicy::DropOldest, Access::Owner);
    let mut take = || {
        quota.enforce(0).unwrap();
    };
    let outcome = run(dir.path(), &server.url(), KEY, None, &mut take).unwrap();
    assert_eq!(outcome.error(), None, "{}", outcome.results.to_json());
    assert!(quota.dropped() >= 2, "the object that was just sent, and the call");
    let options = StoreOptions { dir: dir.path().to_path_buf(), ..StoreOptions::default() };
    let writer = Writer { store: Store::open(&options).unwrap(), dir, project };
    assert_eq!((writer.counts(&outcome, "objects"), writer.counts(&outcome, "calls")), ((1, 0), (0, 0)));
    writer.finished_call("{}");
    writer.flush();
    let outcome = writer.sync(&server.url());
    assert_eq!((outcome.error(), writer.counts(&outcome, "calls")), (None, (1, 0)));
}

#[test]
fn nothing_is_lost_or_tried_for_long_when_nobody_answers() {
    let writer = Writer::new("team/dead");
    writer.finished_call("{}");
    let outcome = writer.sync(&format!("http://127.0.0.1:{}", free_port()));
    let error = outcome.error().unwrap();
    assert_eq!(error.status(), Status::Network);
    assert!(error.text().contains("kept"), "{error}");
    assert_eq!(writer.pending(Kind::Calls), 1);
    assert_eq!(writer.sync(&Server::shared().url()).error(), None);
}

#[test]
fn a_wrong_key_and_a_refused_project_are_told_apart() {
    let server = Server::shared();
    let writer = Writer::new("forbidden/project");
    writer.finished_call("{}");
    let refused = writer.sync(&server.url()).error().unwrap();
    assert_eq!(refused.status(), Status::Forbidden, "{refused}");
    let unknown = sync_dir(writer.dir.path(), &server.url(), "wrong", None).error().unwrap();
    assert_eq!(unknown.status(), Status::Unauthorized, "{unknown}");
    assert_eq!(writer.pending(Kind::Calls), 1);
}

#[test]
fn only_the_named_project_is_sent() {
    let server = Server::shared();
    let writer = Writer::new("team/named");
    writer.finished_call("{}");
    writer.store.add_project("team/other", &json!({}), true).unwrap();
    let other = Writer { project: "team/other".into(), store: writer.store.clone(), dir: tempfile::tempdir().unwrap() };
    other.finished_call("{}");
    let outcome = sync_dir(writer.dir.path(), &server.url(), KEY, Some("named"));
    assert_eq!(writer.counts(&outcome, "calls"), (1, 0));
    assert!(!outcome.results.to_json().contains("team/other"));
    let error = try_sync(writer.dir.path(), &server.url(), KEY, Some("absent")).unwrap_err();
    assert!(error.text().contains("team/named"), "{error}");
}

#[test]
fn a_project_can_be_sent_under_another_name_and_its_references_follow() {
    let server = Server::shared();
    let writer = Writer::new("team/recorded");
    let reference = "weave:///team/recorded/object/thing:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    writer.finished_call(&json!({"thing": reference}).to_string());
    let connection = connection(&server.url(), KEY);
    let dir = writer.dir.path();
    let environment = Environment::given(&[], dir, dir);
    let destination = Some("lab/elsewhere".to_string());
    let request = Request {
        offline_dir: dir,
        project: None,
        choices: Choices { destination, ..Choices::default() },
        stop: Stop::new(),
        connection: &connection,
        environment: &environment,
    };
    let outcome = sync::run(&request, &mut |_| true).unwrap();
    assert_eq!((outcome.error(), writer.counts(&outcome, "calls")), (None, (1, 0)));
    let found = &calls(server, "lab/elsewhere")[0];
    assert_eq!(found["inputs"]["thing"], reference.replace("team/recorded", "lab/elsewhere"));
}

#[test]
fn the_progress_callback_hears_of_each_step_and_can_end_the_sync() {
    let server = Server::shared();
    let writer = Writer::new("team/progress");
    (0..2001).for_each(|_| drop(writer.finished_call("{}")));
    let connection = connection(&server.url(), KEY);
    let environment = Environment::given(&[], writer.dir.path(), writer.dir.path());
    let dir = writer.dir.path();
    let request = Request {
        offline_dir: dir,
        project: None,
        connection: &connection,
        environment: &environment,
        choices: Choices::default(),
        stop: Stop::new(),
    };
    let mut heard = Vec::new();
    let outcome = sync::run(&request, &mut |update| {
        heard.push((update.kind.to_string(), update.synced));
        update.synced < 1000
    });
    let outcome = outcome.unwrap();
    assert_eq!(outcome.error().unwrap().status(), Status::Cancelled);
    assert!(heard.iter().rev().skip(1).all(|(kind, synced)| kind == "calls" && *synced < 1000), "{heard:?}");
    let rest = writer.sync(&server.url());
    let (first, second) = (writer.counts(&outcome, "calls").0, writer.counts(&rest, "calls").0);
    assert_eq!((rest.error(), first + second), (None, 2001), "what was under way was waited for");
}

#[test]
fn two_syncs_of_one_directory_never_run_at_once() {
    let server = Server::shared();
    let writer = Writer::new("team/twice");
    writer.finished_call("{}");
    let held =
        weave::store::lock::try_acquire(&writer.dir.path().join(".weave/sync.lock"), Default::default()).unwrap();
    let error = try_sync(writer.dir.path(), &server.url(), KEY, None).unwrap_err();
    assert_eq!(error.status(), Status::Busy);
    drop(held);
    assert_eq!(writer.sync(&server.url()).error(), None);
}

#[test]
fn synced_files_can_be_deleted_and_the_bytes_of_sent_files_with_them() {
    let server = Server::shared();
    let writer = Writer::new("team/cleaned");
    let digest = bytes_digest(b"xyz");
    writer.store.put_file("team/cleaned", &digest, b"xyz").unwrap();
    let data = json!({"project_id": "team/cleaned", "name": "x", "digest": digest, "size": 3});
    writer.record(RecordType::FileCreate, &data);
    assert_eq!(writer.sync(&server.url()).error(), None);
    let dir = writer.dir.path().to_path_buf();
    let body = ProjectDir::new(&dir, "team/cleaned").file_body(&digest);
    assert!(body.exists());
    let Writer { store, dir: _keep, .. } = writer;
    drop(store);
    while std::fs::read_dir(dir.join(".weave/journals")).unwrap().count() > 0 {
        std::thread::yield_now();
    }
    assert!(retention::clean_synced(&dir, std::time::Duration::ZERO).unwrap() >= 2);
    assert!(!body.exists());
}
