//! Verifying against the local server: everything that was sent is found, what is missing is told and put back once.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::network::gateway;
use common::offline::{connection, Offline};
use common::server::Server;
use serde_json::{json, Value};
use std::io::{Read, Write};
use std::time::Duration;
use weave::record::digest::value_digest;
use weave::record::json::Value as Json;
use weave::record::kind::{Kind, RecordType};
use weave::record::time::Timestamp;
use weave::store::layout::data_files;
use weave::sync::Choices;
use weave::sync::{cleaning, Connection};
use weave::Status;

/// One of everything, and so many calls.
fn logged(project: &str, calls: usize) -> (Offline, Vec<String>) {
    let offline = Offline::new(project);
    let calls: Vec<(String, String)> = (0..calls).map(|_| offline.call_line("step")).collect();
    let (ids, lines): (Vec<String>, Vec<String>) = calls.into_iter().unzip();
    offline.write_file(Kind::Calls, 0, &lines);
    offline.file(b"bytes");
    offline.file(b"");
    let rows = json!([{"q": 1}, {"q": 2}]);
    offline.log(RecordType::TableCreate, &json!({"table": {"project_id": project, "rows": rows}}));
    offline.object("config", &json!({"a": 1}));
    // Its digest on the server depends on the project's id there.
    let digest = value_digest(&Json::parse("{\"a\":1}").unwrap());
    offline.object("holder", &json!({"config": format!("weave:///{project}/object/config:{digest}")}));
    offline.feedback(&ids[0], "well done");
    let prices = json!({"m": {"prompt_token_cost": 1.0, "completion_token_cost": 2.0}});
    offline.log(RecordType::CostCreate, &json!({"project_id": project, "costs": prices}));
    (offline, ids)
}

fn start_and_end(offline: &Offline) -> (String, String) {
    let (id, complete) = offline.call_line("halves");
    let data = serde_json::from_str::<Value>(&complete).unwrap()["data"].clone();
    let pick = |names: &[&str]| {
        names.iter().map(|name| (name.to_string(), data[*name].clone())).collect::<serde_json::Map<_, _>>()
    };
    let start = pick(&["project_id", "id", "trace_id", "op_name", "started_at", "attributes", "inputs"]);
    let end = pick(&["project_id", "id", "ended_at", "summary"]);
    let line = |kind: &str, data: Value| {
        json!({"type": kind, "timestamp": Timestamp::now().to_string(), "data": data}).to_string()
    };
    offline.write_file(Kind::Calls, 1, &[line("call_start", json!({"start": start}))]);
    offline.write_file(Kind::Calls, 2, &[line("call_end", json!({"end": end}))]);
    (id, complete)
}

/// As if another server stood at the address of the one that everything was sent to.
fn another_database(offline: &Offline, server: &Server) {
    std::fs::remove_dir_all(offline.folder().sync_folder().join("receipts")).unwrap();
    offline.make_receipts(&server.url());
}

fn delete(server: &Server, project: &str, ids: &[String]) {
    server.post("/calls/delete", &json!({"project_id": project, "call_ids": ids}));
}

#[test]
fn everything_that_was_sent_is_found_on_the_server() {
    let server = Server::shared();
    let (offline, _) = logged("team/verified", 1201);
    start_and_end(&offline);
    assert_eq!(offline.sync(&server.url()).error(), None);
    let (outcome, missing) = offline.verify(&server.url(), true);
    assert_eq!((outcome.error(), missing), (None, vec![]));
    let counts: Value = serde_json::from_str(&outcome.to_json()).unwrap();
    assert_eq!(
        counts["team/verified"],
        json!({"files": [1, 1], "tables": [1, 1], "ops": [0, 0], "objects": [2, 2], "calls": [1202, 1202],
               "call_ends": [1, 1], "feedback": [1, 1], "costs": [1, 1]})
    );
    assert!(outcome.text().starts_with("1 209 of 1 209 are on the server"), "{}", outcome.text());
}

#[test]
fn what_is_missing_is_told_put_back_once_and_sent_as_it_was() {
    let server = Server::start(&[]);
    let (offline, ids) = logged("team/missing", 5);
    assert_eq!(offline.sync(&server.url()).error(), None);
    let gone = [ids[3].clone(), ids[4].clone()];
    delete(&server, "team/missing", &gone);
    let prices = server.post("/cost/query", &json!({"project_id": "team/missing"}));
    let price = json!({"$expr": {"$in": [{"$getField": "id"}, [{"$literal": prices["results"][0]["id"]}]]}});
    server.post("/cost/purge", &json!({"project_id": "team/missing", "query": price}));
    let (outcome, missing) = offline.verify(&server.url(), false);
    let error = outcome.error().unwrap();
    assert!(error.text().starts_with("8 of 11 are on the server; missing: team/missing calls "), "{error}");
    assert_eq!((error.status(), &missing[..2], outcome.put_back), (Status::Incomplete, &gone[..], 0));
    assert!(missing[2].starts_with(r#"price/{"m":{"completion_token_cost":2.0,"effective_date":"#), "{missing:?}");
    for put_back in [3, 0] {
        let (outcome, missing) = offline.verify(&server.url(), true);
        assert_eq!((missing.len(), outcome.put_back), (3, put_back), "{}", outcome.text());
        assert_eq!((offline.pending(Kind::Calls), offline.pending(Kind::Metadata)), (1, 1));
    }
    assert_eq!(offline.sync(&server.url()).error(), None);
    let (outcome, missing) = offline.verify(&server.url(), true);
    assert_eq!((outcome.error(), missing), (None, vec![]));
    assert_eq!((offline.pending(Kind::Calls), offline.pending(Kind::Metadata)), (0, 0));
}

#[test]
fn what_is_missing_again_after_it_was_put_back_and_sent_is_told_and_stays_away() {
    let server = Server::shared();
    let offline = Offline::new("team/hidden");
    let (id, line) = offline.call_line("deleted");
    offline.write_file(Kind::Calls, 0, &[line]);
    for put_back in [1, 0] {
        assert_eq!(offline.sync(&server.url()).error(), None);
        delete(server, "team/hidden", std::slice::from_ref(&id));
        assert_eq!(offline.verify(&server.url(), true).0.put_back, put_back);
    }
    assert_eq!(offline.pending(Kind::Calls), 0);
    let (outcome, missing) = offline.verify(&server.url(), true);
    assert_eq!(missing, [id.as_str(), id.as_str()]);
    assert!(outcome.text().contains("were put back before, and are not again"), "{}", outcome.text());
}

#[test]
fn an_end_that_is_put_back_alone_is_sent_as_the_end_of_the_call_that_the_server_has() {
    let server = Server::shared();
    let offline = Offline::new("team/halves");
    let (id, line) = start_and_end(&offline);
    assert_eq!(offline.sync(&server.url()).error(), None);
    let data = serde_json::from_str::<Value>(&line).unwrap()["data"].clone();
    // As a server that was put back to an earlier state.
    server.post("/v2/team/halves/call/start", &json!({"start": data}));
    let (outcome, missing) = offline.verify(&server.url(), true);
    assert_eq!((outcome.put_back, missing), (1, vec![format!("end/{id}")]));
    assert_eq!(offline.sync(&server.url()).error(), None);
    assert_eq!(offline.verify(&server.url(), false).1, [""; 0]);
}

/// Leaves a directory as a kill of the verification leaves it that has noted what it puts back: the file of a kind has no
/// place yet.
fn cut_before_its_place(offline: &Offline, kind: Kind) {
    let sync = offline.folder().sync_folder();
    let note: Value = serde_json::from_str(&std::fs::read_to_string(sync.join("put_back.jsonl")).unwrap()).unwrap();
    let placed = data_files(&offline.folder().kind(kind)).unwrap().into_iter().find(|file| !file.synced).unwrap();
    std::fs::rename(&placed.path, sync.join(note["moving"].as_str().unwrap())).unwrap();
}

#[test]
fn what_was_noted_as_put_back_is_sent_by_the_next_sync_though_it_has_no_place_yet() {
    let server = Server::shared();
    let offline = Offline::new("team/noted");
    let (id, line) = offline.call_line("step");
    offline.write_file(Kind::Calls, 0, &[line]);
    assert_eq!(offline.sync(&server.url()).error(), None);
    delete(server, "team/noted", std::slice::from_ref(&id));
    assert_eq!(offline.verify(&server.url(), true).0.put_back, 1);
    cut_before_its_place(&offline, Kind::Calls);
    assert_eq!(offline.sync(&server.url()).error(), None);
    assert_eq!(offline.verify(&server.url(), false).1, [""; 0]);
}

#[test]
fn cleaning_keeps_the_bytes_of_a_file_that_was_noted_as_put_back_and_has_no_place_yet() {
    let (server, other) = (Server::shared(), Server::start(&[]));
    let offline = Offline::new("team/bytes");
    let digest = offline.file(b"needed again");
    offline.close();
    assert_eq!(offline.sync(&server.url()).error(), None);
    another_database(&offline, &other);
    other.make_project("team", "bytes");
    assert_eq!(offline.verify(&other.url(), true).0.put_back, 1);
    cut_before_its_place(&offline, Kind::Files);
    cleaning::clean(offline.root(), Duration::ZERO, &mut |_, _| {}).unwrap();
    assert!(offline.folder().file_body(&digest).exists());
    assert_eq!(offline.pending(Kind::Files), 1);
}

#[test]
fn a_receipt_does_not_vouch_for_what_another_server_got() {
    let (first, second) = (Server::start(&[]), Server::start(&[]));
    let offline = Offline::new("team/two-servers");
    let lines: Vec<String> = (0..5).map(|_| offline.call_line("step").1).collect();
    offline.write_file(Kind::Calls, 0, &lines);
    let some = Choices { max_bytes: Some(2 * lines[0].len() as u64), ..Choices::default() };
    assert_eq!(offline.sync_with(&first.url(), some).error().unwrap().status(), Status::Timeout);
    assert_eq!(offline.sync(&second.url()).error(), None);
    let (outcome, missing) = offline.verify(&second.url(), true);
    assert!(missing.is_empty(), "{missing:?}");
    let (found, asked) = outcome.counts();
    assert!(found == asked && (1..5).contains(&asked), "{found} of {asked}");
    assert!(outcome.error().unwrap().text().contains("to another destination"), "{}", outcome.text());
}

#[test]
fn a_call_that_has_not_ended_on_the_server_is_missing_though_it_is_there() {
    let server = Server::shared();
    let offline = Offline::new("team/unended");
    let (id, line) = offline.call_line("cut");
    offline.write_file(Kind::Calls, 0, std::slice::from_ref(&line));
    assert_eq!(offline.sync(&server.url()).error(), None);
    let data = serde_json::from_str::<Value>(&line).unwrap()["data"].clone();
    server.post("/v2/team/unended/call/start", &json!({"start": data}));
    assert_eq!(offline.verify(&server.url(), false).1, [id]);
}

#[test]
fn what_cannot_be_put_back_is_told() {
    let server = Server::shared();
    let (offline, ids) = logged("team/wiped", 5);
    assert_eq!(offline.sync(&server.url()).error(), None);
    delete(server, "team/wiped", &ids[..1]);
    let delete_object = json!({"project_id": "team/wiped", "object_id": "config"});
    server.post("/obj/delete", &delete_object);
    for file in data_files(&offline.folder().kind(Kind::Calls)).unwrap() {
        std::fs::remove_file(file.path).unwrap();
    }
    let (outcome, missing) = offline.verify(&server.url(), true);
    assert_eq!((missing.len(), outcome.put_back), (2, 0), "{}", outcome.text());
    assert!(outcome.text().contains("calls/20260101_0000.jsonl is deleted"), "{}", outcome.text());
    assert!(outcome.text().contains("(deleted on the server)"), "{}", outcome.text());
    assert_eq!((offline.pending(Kind::Calls), offline.pending(Kind::Objects)), (0, 0));
}

#[test]
fn receipts_of_another_server_and_files_without_one_are_told_and_not_counted() {
    let (server, other) = (Server::shared(), Server::start(&[]));
    let (offline, _) = logged("team/elsewhere", 5);
    assert_eq!(offline.sync(&server.url()).error(), None);
    let (outcome, missing) = offline.verify(&other.url(), true);
    assert_eq!((outcome.counts(), missing.len()), ((0, 0), 0));
    let error = outcome.error().unwrap();
    assert!(error.status() == Status::Incomplete && error.text().contains(&server.url()), "{error}");
    let (_, line) = offline.call_line("older");
    std::fs::write(offline.folder().kind(Kind::Calls).join("20250101_0000.synced.jsonl"), line).unwrap();
    let (outcome, _) = offline.verify(&server.url(), false);
    assert!(outcome.text().contains("1 synced files have no receipt"), "{}", outcome.text());
}

#[test]
fn a_file_that_does_not_come_in_time_is_told_and_the_rest_is_asked_for() {
    let server = Server::shared();
    let port = gateway(server.port(), |path, answer, client| {
        if path == "/file/content" && answer.ends_with(b"slow") {
            client.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ns")?;
            return client.read(&mut [0]).map(|_| ()); // until the client goes
        }
        client.write_all(answer)
    });
    let url = format!("http://127.0.0.1:{port}");
    let offline = Offline::new("team/slow");
    let slow = offline.file(b"slow");
    offline.file(b"quick");
    offline.object("config", &json!(1));
    assert_eq!(offline.sync(&url).error(), None);
    let hasty = Connection { timeout: Some(Duration::from_secs(3)), ..connection(&url) };
    let (outcome, missing) = offline.verify_over(&hasty, false);
    assert_eq!((outcome.counts(), missing), ((2, 2), vec![]));
    let error = outcome.error().unwrap();
    assert_eq!(error.status(), Status::Incomplete);
    assert!(error.text().contains(&format!("team/slow: file/{slow} did not come within the time")), "{error}");
}

#[test]
fn a_closed_project_is_told_and_nothing_of_it_counts_as_missing() {
    let (server, other) = (Server::start(&[]), Server::start(&[]));
    let (offline, _) = logged("team/closed", 5);
    assert_eq!(offline.sync(&server.url()).error(), None);
    another_database(&offline, &other);
    let (outcome, missing) = offline.verify(&other.url(), true);
    assert_eq!((outcome.counts(), missing.len()), ((0, 0), 0));
    assert!(outcome.error().unwrap().text().contains("team/closed"), "{}", outcome.text());
    assert_eq!(offline.pending(Kind::Calls), 0);
}

#[test]
fn a_dead_server_ends_it_with_the_reason() {
    let server = Server::start(&[]);
    let (offline, _) = logged("team/dead", 5);
    assert_eq!(offline.sync(&server.url()).error(), None);
    let url = server.url();
    drop(server);
    let (outcome, _) = offline.verify(&url, false);
    assert_eq!(outcome.error().unwrap().status(), Status::Network);
}
