//! The store as its users see it: what is accepted is found in the data files, exactly once, whatever happens.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod damage;
mod processes;

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::path::Path;
use std::time::Duration;
use weave::record::call::Call;
use weave::record::frame::{Body, Record};
use weave::record::ids::Id;
use weave::record::kind::{Kind, RecordType};
use weave::record::time::Timestamp;
use weave::store::layout::{data_files, ProjectDir};
use weave::store::reader::Reader;
use weave::store::{recover, retention, Store, StoreOptions};
use weave::Status;

const PROJECT: &str = "team/demo";

fn options(dir: &Path) -> StoreOptions {
    StoreOptions { dir: dir.to_path_buf(), ..StoreOptions::default() }
}

fn log(store: &Store, record_type: RecordType, id: &str) -> weave::Result<()> {
    let (id, now) = (id.as_bytes(), Timestamp::now());
    let call = match record_type {
        RecordType::CallEnd => {
            Call { id, ended_at: Some(now), output: Some(b"1"), summary: Some(b"{}"), ..Call::default() }
        }
        _ => Call { id, op_name: Some(b"op"), started_at: Some(now), inputs: Some(b"{\"x\":1}"), ..Call::default() },
    };
    store.append(&Record { record_type, timestamp: now, project: PROJECT, body: Body::Call(&call) }).map(|_| ())
}

fn lines_of(dir: &Path, kind: Kind) -> Vec<serde_json::Value> {
    let mut lines = Vec::new();
    for file in data_files(&ProjectDir::new(dir, PROJECT).kind(kind)).unwrap() {
        let (mut reader, mut line) = (Reader::open(&file.path).unwrap(), Vec::new());
        while reader.next_line(&mut line).unwrap().is_some() {
            lines.push(serde_json::from_slice(&line).unwrap());
        }
        assert_eq!(reader.damage(), None);
    }
    lines
}

fn call_id(line: &serde_json::Value) -> String {
    let data = &line["data"];
    [&data["id"], &data["start"]["id"], &data["end"]["id"]].iter().find_map(|v| v.as_str()).unwrap().to_string()
}

fn ids_in(dir: &Path) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for line in lines_of(dir, Kind::Calls) {
        *counts.entry(call_id(&line)).or_default() += 1;
    }
    counts
}

#[test]
fn a_flushed_record_is_in_a_data_file_that_any_gzip_reader_reads() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(&options(dir.path())).unwrap();
    log(&store, RecordType::CallStart, "00f067aa0ba902b7").unwrap();
    assert_eq!(store.flush(None).unwrap(), 0);
    let files = data_files(&ProjectDir::new(dir.path(), PROJECT).kind(Kind::Calls)).unwrap();
    let mut text = String::new();
    flate2::read::MultiGzDecoder::new(fs::File::open(&files[0].path).unwrap()).read_to_string(&mut text).unwrap();
    let line: serde_json::Value = serde_json::from_str(text.trim_end()).unwrap();
    assert_eq!(line["type"], "call_start");
    assert_eq!(line["data"]["start"]["project_id"], PROJECT);
}

#[test]
fn a_start_and_an_end_that_meet_are_one_complete_call() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(&options(dir.path())).unwrap();
    for id in ["00f067aa0ba902b7", "00f067aa0ba902b8"] {
        log(&store, RecordType::CallStart, id).unwrap();
    }
    log(&store, RecordType::CallEnd, "00f067aa0ba902b7").unwrap();
    store.flush(None).unwrap();
    log(&store, RecordType::CallEnd, "00f067aa0ba902b8").unwrap();
    store.flush(None).unwrap();
    let found: Vec<(String, String)> = lines_of(dir.path(), Kind::Calls)
        .iter()
        .map(|l| (l["type"].as_str().unwrap().to_string(), call_id(l)))
        .collect();
    let expected =
        [("call_complete", "00f067aa0ba902b7"), ("call_start", "00f067aa0ba902b8"), ("call_end", "00f067aa0ba902b8")];
    assert_eq!(found, expected.map(|(t, id)| (t.to_string(), id.to_string())));
}

#[test]
fn a_call_that_ends_on_another_thread_is_one_complete_call_too() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(&options(dir.path())).unwrap();
    for _ in 0..6 {
        let id = Id::new().to_string();
        log(&store, RecordType::CallStart, &id).unwrap();
        std::thread::scope(|scope| scope.spawn(|| log(&store, RecordType::CallEnd, &id).unwrap()).join().unwrap());
        store.flush(None).unwrap();
    }
    let types: Vec<_> = lines_of(dir.path(), Kind::Calls).iter().map(|line| line["type"].clone()).collect();
    assert_eq!(types, ["call_complete"; 6]);
}

#[test]
fn an_end_is_not_that_of_a_start_that_the_same_thread_logged_later() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(&options(dir.path())).unwrap();
    for record_type in [RecordType::CallEnd, RecordType::CallStart] {
        log(&store, record_type, "00f067aa0ba902b7").unwrap();
    }
    store.flush(None).unwrap();
    let types: Vec<_> = lines_of(dir.path(), Kind::Calls).iter().map(|line| line["type"].clone()).collect();
    assert_eq!(types, ["call_end", "call_start"]);
}

#[test]
fn the_first_line_of_a_writer_names_the_format_and_the_writer() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(&options(dir.path())).unwrap();
    store.add_project(PROJECT, &serde_json::json!({"source": "test"}), false).unwrap();
    let lines = lines_of(dir.path(), Kind::Metadata);
    assert_eq!(lines[0]["type"], "writer");
    assert_eq!((&lines[0]["data"]["format_version"], &lines[0]["data"]["source"]), (&1.into(), &"test".into()));
    assert_eq!((&lines[1]["type"], &lines[1]["data"]["bound"]), (&"project".into(), &false.into()));
}

#[test]
fn files_are_rotated_before_they_grow_beyond_their_size() {
    for compress in [true, false] {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(&StoreOptions { max_file_size: 3000, compress, ..options(dir.path()) }).unwrap();
        store.add_project(PROJECT, &serde_json::json!({}), true).unwrap();
        let ids: Vec<String> = (0..100).map(|_| Id::new().to_string()).collect();
        for id in &ids {
            log(&store, RecordType::CallStart, id).unwrap();
            store.flush(None).unwrap();
        }
        let files = data_files(&ProjectDir::new(dir.path(), PROJECT).kind(Kind::Calls)).unwrap();
        assert!(files.len() > 2, "{} files", files.len());
        assert!(files.iter().all(|f| f.compressed == compress && fs::metadata(&f.path).unwrap().len() <= 3000));
        assert_eq!(lines_of(dir.path(), Kind::Calls).iter().map(call_id).collect::<Vec<_>>(), ids);
    }
}

#[test]
fn a_file_that_is_old_enough_is_closed_also_when_nothing_more_is_logged() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(&StoreOptions { max_file_age: Duration::from_millis(1), ..options(dir.path()) }).unwrap();
    store.add_project(PROJECT, &serde_json::json!({}), true).unwrap();
    log(&store, RecordType::CallStart, "00f067aa0ba902b7").unwrap();
    store.flush(None).unwrap();
    let file = &data_files(&ProjectDir::new(dir.path(), PROJECT).kind(Kind::Calls)).unwrap()[0].path;
    let deadline = std::time::Instant::now() + Duration::from_secs(60);
    while weave::store::lock::is_held(file) {
        assert!(std::time::Instant::now() < deadline, "the file is still open");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn writers_in_several_threads_lose_and_double_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(&options(dir.path())).unwrap();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| (0..2000).for_each(|_| log(&store, RecordType::CallStart, Id::new().as_str()).unwrap()));
        }
    });
    store.flush(None).unwrap();
    let found = ids_in(dir.path());
    assert_eq!((found.len(), found.values().max()), (8000, Some(&1)));
}

#[test]
fn a_store_that_is_opened_twice_is_one() {
    let dir = tempfile::tempdir().unwrap();
    let (first, second) = (Store::open(&options(dir.path())).unwrap(), Store::open(&options(dir.path())).unwrap());
    log(&first, RecordType::CallStart, "00f067aa0ba902b7").unwrap();
    second.flush(None).unwrap();
    assert_eq!(ids_in(dir.path()).len(), 1);
    assert_eq!(fs::read_dir(dir.path().join(".weave/journals")).unwrap().count(), 1);
}

#[test]
fn a_closed_store_leaves_no_journal_and_refuses_records_until_it_is_opened_again() {
    let dir = tempfile::tempdir().unwrap();
    let journals = || fs::read_dir(dir.path().join(".weave/journals")).unwrap().count();
    let (first, second) = (Store::open(&options(dir.path())).unwrap(), Store::open(&options(dir.path())).unwrap());
    log(&first, RecordType::CallStart, "00f067aa0ba902b7").unwrap();
    first.close();
    assert_eq!(journals(), 1, "the second one still has it");
    second.close();
    assert_eq!(journals(), 0);
    assert_eq!(ids_in(dir.path()).len(), 1);
    assert_eq!(log(&first, RecordType::CallStart, "00f067aa0ba902b8").unwrap_err().status(), Status::Closed);
    let third = Store::open(&options(dir.path())).unwrap();
    log(&third, RecordType::CallStart, "00f067aa0ba902b9").unwrap();
    third.close();
    assert_eq!(ids_in(dir.path()).len(), 2);
}

#[test]
fn directories_and_files_are_private_unless_the_group_is_let_in() {
    use std::os::unix::fs::PermissionsExt;
    for (group_access, expected) in [(false, (0o700, 0o600)), (true, (0o770, 0o660))] {
        let parent = tempfile::tempdir().unwrap();
        let dir = parent.path().join("a/b");
        let store = Store::open(&StoreOptions { group_access, ..options(&dir) }).unwrap();
        log(&store, RecordType::CallStart, "00f067aa0ba902b7").unwrap();
        store.flush(None).unwrap();
        let file = &data_files(&ProjectDir::new(&dir, PROJECT).kind(Kind::Calls)).unwrap()[0].path.clone();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(file.parent().unwrap()), mode(file)), expected);
    }
}

#[test]
fn a_directory_that_cannot_be_made_is_an_error_that_names_it() {
    let parent = tempfile::tempdir().unwrap();
    fs::write(parent.path().join("file"), b"").unwrap();
    let error = Store::open(&options(&parent.path().join("file/below"))).err().unwrap();
    assert_eq!(error.status(), Status::Io);
    assert!(error.text().contains("cannot make the directory") && error.text().contains("/file:"), "{error}");
}

#[test]
fn a_record_over_the_limit_is_refused_and_the_next_one_is_kept() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(&options(dir.path())).unwrap();
    let long = format!("\"{}\"", "x".repeat(31 * 1024 * 1024));
    let body = Body::Json(&long);
    let record = Record { record_type: RecordType::CostCreate, timestamp: Timestamp::now(), project: PROJECT, body };
    assert_eq!(store.append(&record).unwrap_err().status(), Status::TooLarge);
    log(&store, RecordType::CallStart, "00f067aa0ba902b7").unwrap();
    store.flush(None).unwrap();
    assert_eq!(ids_in(dir.path()).len(), 1);
}

#[test]
fn the_bytes_of_a_file_are_stored_once_per_content() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(&options(dir.path())).unwrap();
    store.put_file(PROJECT, "digest", b"bytes").unwrap();
    store.put_file(PROJECT, "digest", b"bytes").unwrap();
    let folder = ProjectDir::new(dir.path(), PROJECT).kind(Kind::Files);
    let names: Vec<_> = fs::read_dir(&folder).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(names, ["digest"]);
    assert_eq!(fs::read(folder.join("digest")).unwrap(), b"bytes");
}

#[test]
fn bytes_that_somebody_may_be_deleting_are_not_taken_for_stored() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(&options(dir.path())).unwrap();
    store.put_file(PROJECT, "digest", b"bytes").unwrap();
    let body = ProjectDir::new(dir.path(), PROJECT).file_body("digest");
    let deleting = weave::store::lock::try_hold(&body).unwrap();
    assert_eq!(store.put_file(PROJECT, "digest", b"bytes").unwrap_err().status(), Status::Busy);
    fs::remove_file(&body).unwrap();
    drop(deleting);
    store.put_file(PROJECT, "digest", b"bytes").unwrap();
    assert_eq!(fs::read(&body).unwrap(), b"bytes");
}

#[test]
fn only_synced_files_that_are_old_enough_are_deleted() {
    let dir = tempfile::tempdir().unwrap();
    let folder = ProjectDir::new(dir.path(), PROJECT).kind(Kind::Calls);
    fs::create_dir_all(&folder).unwrap();
    for name in ["20260101_0000.jsonl.gz", "20260101_0001.synced.jsonl.gz"] {
        fs::write(folder.join(name), b"").unwrap();
    }
    assert_eq!(retention::clean_synced(dir.path(), Duration::from_secs(3600)).unwrap(), 0);
    assert_eq!(retention::clean_synced(dir.path(), Duration::ZERO).unwrap(), 1);
    assert!(folder.join("20260101_0000.jsonl.gz").exists());
}
