//! Rejected records against the local server: what is tried again is sent, with the same ids.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::offline::Offline;
use common::server::Server;
use serde_json::{json, Value};
use std::io::Write;
use weave::record::kind::{Kind, RecordType};
use weave::record::time::Timestamp;
use weave::store::layout::Access;
use weave::sync::cleaning;
use weave::sync::receipts::{self, Receipt};
use weave::sync::rejected::{self, Entry, Rejected};
use weave::sync::results::Counted;
use weave::sync::Choices;

/// Takes the only record of a file out of what is pending, as a sync does that has rejected it.
fn reject(offline: &Offline, kind: Kind, counted: Counted, id: Option<String>, line: &str) {
    let name = "20260101_0000";
    let place = format!("{}/{name}.jsonl#0", kind.folder());
    let mut rejected = Rejected::open(&offline.folder(), Access::Owner).unwrap();
    let entry = Entry::new(counted, id, Some(422), "no", [(place, line.as_bytes())]).by("http://x", &offline.project);
    rejected.add(entry).unwrap();
    offline.write_file(kind, 0, &[line.to_string()]);
    let folder = offline.folder().kind(kind);
    std::fs::rename(folder.join(format!("{name}.jsonl")), folder.join(format!("{name}.synced.jsonl"))).unwrap();
}

#[test]
fn a_call_that_is_tried_again_is_on_the_server_once() {
    let server = Server::start(&[]);
    let offline = Offline::new("team/again");
    let (id, line) = offline.call_line("again");
    reject(&offline, Kind::Calls, Counted::Calls, Some(id.clone()), &line);
    offline.sync(&server.url());
    assert_eq!(rejected::retry(offline.root(), None, Some("calls"), Some(std::slice::from_ref(&id))).unwrap(), 1);
    for _ in 0..2 {
        assert_eq!(offline.sync(&server.url()).error(), None);
    }
    let writes = server.get("/test/writes");
    let of_call = writes.as_array().unwrap().iter().filter(|write| write[1] == id.as_str() && write[0] == "start");
    assert_eq!(of_call.map(|write| write[2].clone()).collect::<Vec<_>>(), [json!(1)]);
    assert!(Rejected::open(&offline.folder(), Access::Owner).unwrap().is_empty());
}

#[test]
fn a_retry_that_was_killed_before_its_file_had_a_place_is_finished_by_the_next_sync() {
    let server = Server::shared();
    let offline = Offline::new("team/killed");
    let (id, line) = offline.call_line("again");
    reject(&offline, Kind::Calls, Counted::Calls, Some(id.clone()), &line);
    let sync = offline.folder().sync_folder();
    std::fs::write(sync.join("rejected-1.moving"), line + "\n").unwrap();
    let note = json!({"moving": ["calls/20260101_0000.jsonl#0"], "as": "rejected-1.moving", "to": "calls"});
    let mut noted = std::fs::OpenOptions::new().append(true).open(sync.join("rejected.jsonl")).unwrap();
    writeln!(noted, "{note}").unwrap();
    assert_eq!(offline.sync(&server.url()).error(), None);
    let asked = json!({"project_id": "team/killed", "filter": {"call_ids": [id]}, "columns": ["id"]});
    assert!(!server.post_bytes("/calls/stream_query", &asked).unwrap().is_empty());
}

#[test]
fn feedback_without_an_id_is_sent_under_that_of_its_first_place() {
    let server = Server::shared();
    let send = |project: &str, is_rejected: bool| -> Value {
        let offline = Offline::new(project);
        let (call, _) = offline.call_line("x");
        let data = json!({"project_id": project, "weave_ref": format!("weave:///{project}/call/{call}"),
                          "feedback_type": "wandb.note.1", "payload": {"note": "n"}});
        let line =
            json!({"type": "feedback_create", "timestamp": Timestamp::now().to_string(), "data": data}).to_string();
        if is_rejected {
            reject(&offline, Kind::Feedback, Counted::Feedback, None, &line);
            assert_eq!(rejected::retry(offline.root(), None, None, None).unwrap(), 1);
        } else {
            offline.write_file(Kind::Feedback, 0, &[line]);
        }
        assert_eq!(offline.sync(&server.url()).error(), None);
        server.post("/feedback/query", &json!({"project_id": project}))["result"][0]["id"].clone()
    };
    let (first, second) = (send("team/direct", false), send("team/retried", true));
    assert!(first.is_string());
    assert_eq!(first, second);
}

#[test]
fn the_bytes_of_a_rejected_file_are_kept_until_it_is_sent() {
    let server = Server::shared();
    let offline = Offline::new("team/bytes");
    let digest = offline.file(b"needed later");
    let body = offline.folder().file_body(&digest);
    let data = json!({"project_id": "team/bytes", "name": "x", "digest": digest, "size": 12});
    let line = json!({"type": "file_create", "timestamp": Timestamp::now().to_string(), "data": data}).to_string();
    offline.sync(&server.url());
    reject(&offline, Kind::Files, Counted::Files, Some(format!("file/{digest}")), &line);
    offline.close();
    let clean = || cleaning::clean(offline.root(), std::time::Duration::ZERO, &mut |_, _| {}).unwrap();
    clean();
    assert!(body.exists());
    assert_eq!(rejected::retry(offline.root(), None, Some("files"), None).unwrap(), 1);
    clean();
    assert!(body.exists());
    assert_eq!(offline.sync(&server.url()).error(), None);
    clean();
    assert!(!body.exists());
}

#[test]
fn objects_are_put_back_in_the_order_in_which_they_were_rejected() {
    let server = Server::shared();
    let offline = Offline::new("team/order");
    let mut rejected = Rejected::open(&offline.folder(), Access::Owner).unwrap();
    for number in 0..3 {
        let data = json!({"obj": {"project_id": "team/order", "object_id": "thing", "val": number}});
        let line =
            json!({"type": RecordType::ObjCreate.name(), "timestamp": Timestamp::now().to_string(), "data": data});
        let lines = [(format!("objects/20260101_0000.jsonl#{number}"), line.to_string())];
        let lines = lines.iter().map(|(place, line)| (place.clone(), line.as_bytes()));
        rejected.add(Entry::new(Counted::Objects, None, Some(500), "no", lines)).unwrap();
    }
    assert_eq!(rejected::retry(offline.root(), None, None, None).unwrap(), 3);
    assert_eq!(offline.sync(&server.url()).error(), None);
    let latest = json!({"project_id": "team/order", "object_id": "thing", "digest": "latest"});
    assert_eq!(server.post("/obj/read", &latest)["obj"]["val"], json!(2));
}

/// The receipts of the files of feedback: how many records were rejected, and the ids.
fn feedback_receipts(offline: &Offline) -> Vec<(u64, Vec<String>)> {
    let read = |path: &std::path::PathBuf| {
        let (mut receipt, mut ids) = (Receipt::open(path).unwrap(), Vec::new());
        while let Some(more) = receipt.next_ids().unwrap() {
            ids.extend(more.into_iter().flatten());
        }
        receipt.header.file.starts_with("feedback/").then_some((receipt.header.rejected, ids))
    };
    receipts::all(&offline.folder()).unwrap().iter().filter_map(read).collect()
}

#[test]
fn the_receipt_of_a_file_does_not_name_what_was_dropped_or_tried_again_while_it_was_written() {
    for (project, is_dropped) in [("team/dropped", true), ("team/moved", false)] {
        let refusing = Server::start(&["--reject-marker", "poison"]);
        let offline = Offline::new(project);
        let (call, _) = offline.call_line("x");
        let [first, refused, last] = ["first", "poison", "last"].map(|note| offline.feedback(&call, note));
        offline.flush();
        let outcome = offline.sync_with(&refusing.url(), Choices { seal: false, ..Choices::default() });
        assert!(outcome.error().is_some(), "one is refused");
        assert_eq!(offline.pending(Kind::Feedback), 1, "its file is still written");
        let act = if is_dropped { rejected::discard } else { rejected::retry };
        assert_eq!(act(offline.root(), None, None, None).unwrap(), 1);
        offline.close();

        let server = refusing.healed();
        assert_eq!(offline.sync(&server.url()).error(), None);
        assert_eq!(offline.pending(Kind::Feedback), 0);
        let mut expected = vec![(1, vec![first, last])];
        if !is_dropped {
            expected.push((0, vec![refused]));
        }
        assert_eq!(feedback_receipts(&offline), expected);
        let (outcome, missing) = offline.verify(&server.url(), true);
        assert_eq!((outcome.error(), missing, outcome.put_back), (None, vec![], 0));
        assert!(Rejected::open(&offline.folder(), Access::Owner).unwrap().is_empty());
    }
}
