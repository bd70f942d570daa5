//! The store as its users see it: what is accepted is found in the data files, exactly once, whatever happens.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use proptest::prelude::*;
use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
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
fn what_was_not_packed_when_a_process_was_killed_is_recovered_once() {
    for (compress, mapped) in [("1", "1"), ("0", "1"), ("1", "0"), ("0", "0")] {
        let dir = tempfile::tempdir().unwrap();
        let mut acknowledged = Vec::new();
        for round in 0..5 {
            acknowledged.extend(kill_a_writer_after(dir.path(), compress, mapped, 200 + round * 37));
            recover(&options(dir.path())).unwrap();
            recover(&options(dir.path())).unwrap();
        }
        let found = ids_in(dir.path());
        for id in &acknowledged {
            assert_eq!(found.get(id), Some(&1), "{id} was acknowledged");
        }
        assert!(found.values().all(|count| *count == 1));
        assert_eq!(fs::read_dir(dir.path().join(".weave/journals")).unwrap().count(), 0);
    }
}

/// Starts this test program as a writer that prints each id after it was accepted, kills it when it has printed `count`
/// of them, and returns all that it had printed.
fn kill_a_writer_after(dir: &Path, compress: &str, mapped: &str, count: usize) -> Vec<String> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "writer_to_be_killed", "--nocapture", "--ignored"])
        .env("WRITER_DIR", dir)
        .env("WRITER_COMPRESS", compress)
        .env("WRITER_MAPPED", mapped)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines =
        BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok).filter(|l| l.len() == 36);
    let mut ids: Vec<String> = lines.by_ref().take(count).collect();
    child.kill().unwrap();
    child.wait().unwrap();
    ids.extend(lines);
    ids
}

#[test]
#[ignore = "started as a process of its own by the tests that kill it"]
fn writer_to_be_killed() {
    use std::io::Write;
    let dir = PathBuf::from(std::env::var_os("WRITER_DIR").unwrap());
    let is_set = |name| std::env::var(name).unwrap() == "1";
    let (compress, mapped_journal) = (is_set("WRITER_COMPRESS"), is_set("WRITER_MAPPED"));
    let store = Store::open(&StoreOptions { compress, mapped_journal, ..options(&dir) }).unwrap();
    store.add_project(PROJECT, &serde_json::json!({}), true).unwrap();
    let mut out = std::io::stdout();
    for n in 0.. {
        let id = Id::new().to_string();
        log(&store, RecordType::CallStart, &id).unwrap();
        writeln!(out, "{id}").unwrap();
        if n % 50 == 49 {
            store.flush(Some(Duration::from_millis(1))).unwrap();
        }
    }
}

/// Has the child of a fork do something with the store of its parent, and answer whether all is well.
fn in_the_child_of_a_fork(name: &str) {
    let dir = tempfile::tempdir().unwrap();
    let program = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "forking_writer", "--nocapture", "--ignored"])
        .envs([("WRITER_DIR", dir.path().as_os_str()), ("WRITER_WAY", name.as_ref())])
        .output()
        .unwrap();
    assert!(program.status.success(), "{}", String::from_utf8_lossy(&program.stderr));
}

#[test]
fn what_the_child_of_a_fork_writes_is_closed_for_its_syncs() {
    in_the_child_of_a_fork("seal");
}

#[test]
fn a_store_that_the_child_of_a_fork_opens_and_closes_leaves_that_of_its_parent_open() {
    in_the_child_of_a_fork("second");
}

#[test]
fn the_child_of_a_fork_opens_a_directory_anew_that_it_has_closed() {
    in_the_child_of_a_fork("again");
}

#[test]
#[ignore = "started as a process of its own by the tests that have it fork"]
#[allow(unsafe_code)]
fn forking_writer() {
    let dir = PathBuf::from(std::env::var_os("WRITER_DIR").unwrap());
    let store = Store::open(&options(&dir)).unwrap();
    // SAFETY: the child ends with `_exit`, and what it calls meanwhile is made for it.
    let child = unsafe { libc::fork() };
    if child == 0 {
        let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            log(&store, RecordType::CallStart, "00f067aa0ba902b7").unwrap();
            match std::env::var("WRITER_WAY").unwrap().as_str() {
                "seal" => weave::store::seal_own_files(&dir).unwrap(),
                "second" => {
                    Store::open(&options(&dir)).unwrap().close();
                    log(&store, RecordType::CallStart, "00f067aa0ba902b8").unwrap();
                    store.close();
                }
                _ => {
                    store.close();
                    let again = Store::open(&options(&dir)).unwrap();
                    log(&again, RecordType::CallStart, "00f067aa0ba902b8").unwrap();
                    again.close();
                }
            }
            let files = data_files(&ProjectDir::new(&dir, PROJECT).kind(Kind::Calls)).unwrap();
            assert!(!files.is_empty() && files.iter().all(|file| !weave::store::lock::is_held(&file.path)));
        }));
        // SAFETY: nothing of the parent's is to be run at the end.
        unsafe { libc::_exit(i32::from(done.is_err())) };
    }
    let mut status = 0;
    // SAFETY: the status is written to a variable that lives through the call.
    unsafe { libc::waitpid(child, &mut status, 0) };
    assert_eq!(status, 0);
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

#[test]
fn a_torn_journal_gives_up_nothing_that_stands_before_the_tear() {
    let dir = tempfile::tempdir().unwrap();
    let ids = kill_a_writer_after(dir.path(), "1", "0", 30);
    let journal = fs::read_dir(dir.path().join(".weave/journals")).unwrap().next().unwrap().unwrap().path();
    let segment = journal.join("00000000000000000000.log");
    let whole = fs::metadata(&segment).unwrap().len();
    fs::File::options().write(true).open(&segment).unwrap().set_len(whole - 3).unwrap();
    recover(&options(dir.path())).unwrap();
    let found = ids_in(dir.path());
    assert!(ids.iter().take(ids.len() - 1).all(|id| found.get(id) == Some(&1)));
}

#[test]
fn a_damaged_journal_is_set_aside_and_what_can_be_read_is_kept() {
    let dir = tempfile::tempdir().unwrap();
    let ids = kill_a_writer_after(dir.path(), "1", "0", 30);
    let journal = fs::read_dir(dir.path().join(".weave/journals")).unwrap().next().unwrap().unwrap().path();
    let segment = journal.join("00000000000000000000.log");
    let mut bytes = fs::read(&segment).unwrap();
    let at = bytes.len() - 20;
    bytes[at] ^= 1;
    fs::write(&segment, bytes).unwrap();
    recover(&options(dir.path())).unwrap();
    assert!(ids_in(dir.path()).len() >= ids.len() - 2);
    let aside: Vec<_> = fs::read_dir(dir.path().join(".weave/damaged")).unwrap().collect();
    assert_eq!(aside.len(), 2, "the segment and the reason");
}

#[test]
fn a_journal_whose_header_is_damaged_is_set_aside_and_never_deleted() {
    let dir = tempfile::tempdir().unwrap();
    kill_a_writer_after(dir.path(), "1", "0", 30);
    let journal = fs::read_dir(dir.path().join(".weave/journals")).unwrap().next().unwrap().unwrap().path();
    let segment = journal.join("00000000000000000000.log");
    let mut bytes = fs::read(&segment).unwrap();
    bytes[0] ^= 1;
    fs::write(&segment, &bytes).unwrap();
    recover(&options(dir.path())).unwrap();
    let aside = fs::read_dir(dir.path().join(".weave/damaged")).unwrap().map(|e| fs::read(e.unwrap().path()).unwrap());
    assert!(aside.into_iter().any(|kept| kept == bytes));
}

#[test]
fn what_cannot_be_packed_is_told_by_flush_and_packed_once_when_the_cause_is_gone() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(&options(dir.path())).unwrap();
    let calls = ProjectDir::new(dir.path(), PROJECT).kind(Kind::Calls);
    store.add_project(PROJECT, &serde_json::json!({}), true).unwrap();
    fs::write(&calls, b"in the way").unwrap();
    log(&store, RecordType::CallStart, "00f067aa0ba902b7").unwrap();
    let cost = Body::Json("{}");
    let timestamp = Timestamp::now();
    store.append(&Record { record_type: RecordType::CostCreate, timestamp, project: PROJECT, body: cost }).unwrap();
    let error = store.flush(None).unwrap_err();
    assert_eq!(error.status(), Status::Io);
    assert!(error.text().contains("calls"), "{error}");
    fs::remove_file(&calls).unwrap();
    store.flush(None).unwrap();
    assert_eq!(ids_in(dir.path()).len(), 1);
    let costs = lines_of(dir.path(), Kind::Metadata).iter().filter(|line| line["type"] == "cost_create").count();
    assert_eq!(costs, 1);
}

#[test]
fn a_journal_that_was_cut_from_outside_is_an_error_and_no_endless_wait() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(&StoreOptions { mapped_journal: false, ..options(dir.path()) }).unwrap();
    log(&store, RecordType::CallStart, "00f067aa0ba902b7").unwrap();
    let journal = fs::read_dir(dir.path().join(".weave/journals")).unwrap().next().unwrap().unwrap().path();
    let segment = fs::File::options().write(true).open(journal.join("00000000000000000000.log")).unwrap();
    segment.set_len(24).unwrap();
    for _ in 0..2 {
        assert_eq!(store.flush(None).unwrap_err().status(), Status::Io);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn a_data_file_that_is_cut_anywhere_is_read_up_to_its_last_whole_member(cut in 0usize..100) {
        let dir = tempfile::tempdir().unwrap();
        let mut writer = weave::store::member::Writer::new(6).unwrap();
        let members: Vec<Vec<u8>> = (0..3).map(|n| writer.write(format!("{{\"n\":{n}}}\n").as_bytes(), 1, &[]).unwrap()).collect();
        let bytes = members.concat();
        let cut = cut * bytes.len() / 99;
        let path = dir.path().join("20260101_0000.jsonl.gz");
        fs::write(&path, &bytes[..cut]).unwrap();
        let whole = (1..=3).filter(|n| members[..*n].concat().len() <= cut).count();
        let (mut reader, mut line, mut read) = (Reader::open(&path).unwrap(), Vec::new(), 0);
        while reader.next_line(&mut line).unwrap().is_some() {
            read += 1;
        }
        prop_assert_eq!(read, whole);
    }
}

#[test]
fn a_damaged_member_costs_itself_and_the_numbers_behind_it_stay() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = weave::store::member::Writer::new(6).unwrap();
    let mut members: Vec<Vec<u8>> =
        (0..3).map(|n| writer.write(format!("{{\"n\":{n}}}\n").as_bytes(), 1, &[]).unwrap()).collect();
    let middle = members[1].len() - 6;
    members[1][middle] ^= 0xff;
    let path = dir.path().join("20260101_0000.jsonl.gz");
    fs::write(&path, members.concat()).unwrap();
    let (mut reader, mut line, mut read) = (Reader::open(&path).unwrap(), Vec::new(), Vec::new());
    while let Some(index) = reader.next_line(&mut line).unwrap() {
        read.push((index, String::from_utf8(line.clone()).unwrap()));
    }
    assert_eq!(read, [(0, "{\"n\":0}".to_string()), (2, "{\"n\":2}".to_string())]);
    assert!(reader.damage().unwrap().contains("damaged"));
}

#[test]
fn gzip_files_of_other_writers_and_plain_lines_are_read_too() {
    use std::io::Write;
    let dir = tempfile::tempdir().unwrap();
    let zip = |text: &str| {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(text.as_bytes()).unwrap();
        encoder.finish().unwrap()
    };
    let foreign = [zip("{\"n\":0}\n{\"n\":"), zip("1}\n"), zip("{\"n\":2}")].concat();
    for (name, bytes) in [("a.gz", foreign), ("b", b"{\"n\":0}\n{\"n\":1}\n{\"n\":2}".to_vec())] {
        let path = dir.path().join(name);
        fs::write(&path, bytes).unwrap();
        let (mut reader, mut line, mut read) = (Reader::open(&path).unwrap(), Vec::new(), Vec::new());
        while reader.next_line(&mut line).unwrap().is_some() {
            read.push(String::from_utf8(line.clone()).unwrap());
        }
        assert_eq!(read, ["{\"n\":0}", "{\"n\":1}", "{\"n\":2}"], "{name}");
    }
}
