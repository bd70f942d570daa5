//! What happens when records come faster than they can be packed, or when nothing can be packed at all.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;
use weave::record::call::Call;
use weave::record::frame::{Body, Record};
use weave::record::ids::Id;
use weave::record::kind::{Kind, RecordType};
use weave::record::time::Timestamp;
use weave::store::layout::{data_files, ProjectDir};
use weave::store::options::{QuotaPolicy, WhenFull};
use weave::store::reader::Reader;
use weave::store::{Store, StoreOptions};
use weave::Status;

const PROJECT: &str = "team/demo";

/// Room for a few records only, so that a fast caller meets its end.
fn narrow(dir: &Path, when_full: WhenFull) -> StoreOptions {
    StoreOptions {
        dir: dir.to_path_buf(),
        mapped_journal: false,
        journal_size: 4096,
        when_full,
        ..StoreOptions::default()
    }
}

fn log(store: &Store) -> weave::Result<String> {
    let (now, id) = (Timestamp::now(), Id::new().to_string());
    let call = Call { id: id.as_bytes(), started_at: Some(now), inputs: Some(b"{}"), ..Call::default() };
    let record =
        Record { record_type: RecordType::CallStart, timestamp: now, project: PROJECT, body: Body::Call(&call) };
    store.append(&record).map(|_| id)
}

fn stored(dir: &Path) -> BTreeMap<String, usize> {
    let mut ids = BTreeMap::new();
    for file in data_files(&ProjectDir::new(dir, PROJECT).kind(Kind::Calls)).unwrap() {
        let (mut reader, mut line) = (Reader::open(&file.path).unwrap(), Vec::new());
        while reader.next_line(&mut line).unwrap().is_some() {
            let record: serde_json::Value = serde_json::from_slice(&line).unwrap();
            *ids.entry(record["data"]["start"]["id"].as_str().unwrap().to_string()).or_default() += 1;
        }
    }
    ids
}

#[test]
fn a_full_journal_makes_callers_wait_and_everything_is_kept() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(&narrow(dir.path(), WhenFull::Block(Duration::from_secs(60)))).unwrap();
    let accepted: Vec<String> = (0..2000).map(|_| log(&store).unwrap()).collect();
    store.flush(None).unwrap();
    let stats = store.stats();
    assert!(stats.blocked > 0);
    assert_eq!((stats.accepted, stats.packed, stats.refused), (2000, 2000, 0));
    let found = stored(dir.path());
    assert!(found.len() == 2000 && accepted.iter().all(|id| found.get(id) == Some(&1)));
}

#[test]
fn a_full_journal_refuses_at_once_when_asked_to_and_what_was_accepted_is_kept() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(&narrow(dir.path(), WhenFull::Refuse)).unwrap();
    let (mut accepted, mut refused) = (Vec::new(), 0);
    for _ in 0..2000 {
        match log(&store) {
            Ok(id) => accepted.push(id),
            Err(error) => {
                assert_eq!(error.status(), Status::NoSpace);
                refused += 1;
            }
        }
    }
    store.flush(None).unwrap();
    let stats = store.stats();
    assert!(refused > 0);
    assert_eq!((stats.refused, stats.accepted, stats.blocked), (refused, accepted.len() as u64, 0));
    let found = stored(dir.path());
    assert!(found.len() == accepted.len() && accepted.iter().all(|id| found.get(id) == Some(&1)));
}

#[test]
fn nobody_waits_for_a_packer_that_cannot_write() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(&narrow(dir.path(), WhenFull::Block(Duration::from_secs(3600)))).unwrap();
    let calls = ProjectDir::new(dir.path(), PROJECT).kind(Kind::Calls);
    std::fs::create_dir_all(calls.parent().unwrap()).unwrap();
    std::fs::write(&calls, b"in the way").unwrap();
    let error = (0..2000).find_map(|_| log(&store).err()).expect("a full journal that cannot be packed refuses");
    assert!(error.text().contains("the journal is full") && error.text().contains("calls"), "{error}");
    let stats = store.stats();
    assert!(stats.refused == 1 && stats.failures > 0 && stats.last_error.is_some());
    std::fs::remove_file(&calls).unwrap();
    store.flush(None).unwrap();
    assert_eq!(stored(dir.path()).len() as u64, store.stats().accepted);
}

#[test]
fn a_quota_that_is_reached_refuses_until_there_is_room() {
    let dir = tempfile::tempdir().unwrap();
    let ballast = dir.path().join("team/other/calls/20260101_0000.jsonl");
    std::fs::create_dir_all(ballast.parent().unwrap()).unwrap();
    std::fs::write(&ballast, vec![b'\n'; 3 << 20]).unwrap();
    let options = StoreOptions {
        dir: dir.path().to_path_buf(),
        quota: Some(2 << 20),
        quota_policy: QuotaPolicy::Refuse,
        ..StoreOptions::default()
    };
    let store = Store::open(&options).unwrap();
    let until = |wanted: bool| {
        let reached = (0..3000).any(|_| {
            std::thread::sleep(Duration::from_millis(20));
            match log(&store) {
                Ok(_) => wanted,
                Err(error) => {
                    assert_eq!(error.status(), Status::NoSpace);
                    !wanted
                }
            }
        });
        assert!(reached, "a record was never {}", if wanted { "kept" } else { "refused" });
    };
    until(false);
    assert!(store.stats().refused > 0);
    std::fs::remove_file(&ballast).unwrap();
    until(true);
}
