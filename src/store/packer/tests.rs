//! Turns of the packer, in one process.

use super::*;
use crate::record::call::Call;
use crate::record::frame::{Body, Record};
use crate::record::kind::{Kind, RecordType};
use crate::record::time::Timestamp;
use crate::store::data_file::FileOptions;
use crate::store::journal::{self, progress};
use crate::store::layout::ProjectDir;
use crate::store::options::WhenFull;
use crate::store::reader::Reader;

fn append(session: &Session, project: &str) -> Result<usize> {
    let (timestamp, body) = (Timestamp::now(), Body::Json("{}"));
    session.append(&Record { record_type: RecordType::ObjCreate, timestamp, project, body })
}

#[test]
fn how_files_are_written_is_kept_until_a_turn_is_taken() {
    let root = tempfile::tempdir().unwrap();
    let options = StoreOptions { dir: root.path().to_path_buf(), ..StoreOptions::default() };
    let (session, mut packer) = Session::prepare(&options, Sizes::USUAL).unwrap();
    packer.turn_if_due().unwrap();
    let uncompressed = FileOptions { compress: false, ..FileOptions::default() };
    session.set_options("team/p", uncompressed);
    packer.due = Instant::now() + Duration::from_secs(60);
    packer.turn_if_due().unwrap();
    append(&session, "team/p").unwrap();
    session.control().ask(false);
    packer.turn_if_due().unwrap();
    let objects = std::fs::read_dir(ProjectDir::new(root.path(), "team/p").kind(Kind::Objects)).unwrap();
    let names: Vec<_> = objects.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    assert!(names.len() == 1 && names[0].ends_with(".jsonl"), "{names:?}");
}

#[test]
fn what_a_call_may_refer_to_is_in_data_files_before_the_call() {
    let root = tempfile::tempdir().unwrap();
    let options = StoreOptions { dir: root.path().to_path_buf(), ..StoreOptions::default() };
    let (session, mut packer) = Session::prepare(&options, Sizes { batch: 4096, ..Sizes::USUAL }).unwrap();
    let record = |record_type, body| Record { record_type, timestamp: Timestamp::now(), project: "team/p", body };
    let text = format!("{{\"obj\":\"{}\"}}", "x".repeat(3000));
    for _ in 0..4 {
        session.append(&record(RecordType::ObjCreate, Body::Json(&text))).unwrap();
    }
    let call = Call { id: b"00f067aa0ba902b7", ..Call::default() };
    session.append(&record(RecordType::CallComplete, Body::Call(&call))).unwrap();
    packer.sources.attach(session.pool());
    let ends = packer.sources.ends(&session);
    let project = ProjectDir::new(root.path(), "team/p");
    while !project.kind(Kind::Calls).exists() {
        let before = packer.sources.waiting_below(&ends);
        packer.pack(&ends).unwrap();
        let objects = std::fs::read_dir(project.kind(Kind::Objects)).map_or(0, Iterator::count);
        assert!(objects > 0 && packer.sources.waiting_below(&ends) < before);
    }
    assert_eq!(packer.sources.waiting_below(&ends), 0, "the call came last");
}

#[test]
fn a_journal_of_which_nothing_can_be_taken_is_an_error() {
    let root = tempfile::tempdir().unwrap();
    let options = StoreOptions { dir: root.path().to_path_buf(), ..StoreOptions::default() };
    let (session, mut packer) = Session::prepare(&options, Sizes::USUAL).unwrap();
    let call = Body::Call(&Call::default());
    let record =
        Record { record_type: RecordType::CallComplete, timestamp: Timestamp::now(), project: "team/p", body: call };
    session.append(&record).unwrap();
    packer.sources.attach(session.pool());
    let mut ends = packer.sources.ends(&session);
    ends.others = 1; // what comes first is nowhere
    assert_eq!(packer.pack(&ends).unwrap_err().status(), Status::Io);
}

#[test]
fn what_failed_is_tried_early_for_a_newer_request_alone() {
    let root = tempfile::tempdir().unwrap();
    let dir = root.path().to_path_buf();
    let options = StoreOptions { dir, journal_size: 1, when_full: WhenFull::Refuse, ..StoreOptions::default() };
    let (session, mut packer) = Session::prepare(&options, Sizes::USUAL).unwrap();
    std::fs::write(root.path().join("team"), b"in the way").unwrap();
    append(&session, "team/p").unwrap();
    let mut failures_after_a_look = || {
        packer.due = Instant::now() + Duration::from_secs(60);
        packer.turn_if_due().unwrap();
        session.stats().failures
    };
    session.control().ask(false);
    assert_eq!(failures_after_a_look(), 1);
    append(&session, "team/p").unwrap_err();
    assert_eq!(failures_after_a_look(), 1, "the journal is full, and the request is the same");
    session.control().ask(false);
    assert_eq!(failures_after_a_look(), 2);
}

#[test]
fn notes_of_plain_files_do_not_grow_with_what_goes_to_other_projects() {
    let root = tempfile::tempdir().unwrap();
    let dir = root.path().to_path_buf();
    let options = StoreOptions { dir, compress: false, ..StoreOptions::default() };
    let (session, mut packer) = Session::prepare(&options, Sizes::USUAL).unwrap();
    let projects = ["team/a", "team/b"];
    projects.iter().for_each(|project| session.set_options(project, options.files()));
    for project in projects.iter().cycle().take(20) {
        append(&session, project).unwrap();
        session.control().ask(false);
        packer.turn_if_due().unwrap();
    }
    let notes = std::fs::read(progress::path(&packer.folder.as_ref().unwrap().path)).unwrap();
    let notes: serde_json::Value = serde_json::from_slice(&notes).unwrap();
    for project in projects {
        let streams = notes[format!("{project}/objects")]["unsynced"][0]["after"].as_array().unwrap();
        let parts: Vec<usize> = streams.iter().map(|stream| stream[1].as_array().unwrap().len()).collect();
        assert_eq!(parts, [1], "{project}");
    }
}

#[test]
fn a_segment_that_could_not_be_deleted_is_deleted_later_and_those_behind_it_not_before() {
    let root = tempfile::tempdir().unwrap();
    let dir = root.path().to_path_buf();
    let options = StoreOptions { dir, mapped_journal: false, ..StoreOptions::default() };
    let (session, mut packer) = Session::prepare(&options, Sizes { segment: 1, ..Sizes::USUAL }).unwrap();
    for _ in 0..3 {
        append(&session, "team/p").unwrap();
    }
    let journal = packer.folder.as_ref().unwrap().path.clone();
    let segments = || journal::log::segments(&journal).unwrap();
    let before = segments();
    let ends = packer.sources.ends(&session);
    packer.sources.read_log(&ends, 4096, &session, |_, _| Ok(())).unwrap();
    std::fs::remove_file(&before[0].1).unwrap();
    std::fs::create_dir(&before[0].1).unwrap();
    packer.pack(&ends).unwrap_err();
    assert_eq!(segments()[..3], before);
    std::fs::remove_dir(&before[0].1).unwrap();
    packer.turn_if_due().unwrap();
    assert_eq!(segments().len(), 1, "an empty one");
}

#[test]
fn room_is_made_for_the_quota_also_while_nothing_can_be_packed() {
    let root = tempfile::tempdir().unwrap();
    let options = StoreOptions { dir: root.path().to_path_buf(), quota: Some(100_000), ..StoreOptions::default() };
    let synced = root.path().join("other/p/calls/20260101_0000.synced.jsonl");
    std::fs::create_dir_all(synced.parent().unwrap()).unwrap();
    std::fs::write(&synced, vec![b'\n'; 200_000]).unwrap();
    std::fs::write(root.path().join("team"), b"in the way").unwrap();
    let (session, mut packer) = Session::prepare(&options, Sizes::USUAL).unwrap();
    append(&session, "team/p").unwrap();
    packer.housekept = packer.housekept.checked_sub(HOUSEKEEPING).unwrap();
    let request = session.control().ask(false);
    packer.turn_if_due().unwrap();
    assert!(session.control().answer(request).unwrap().is_err());
    assert!(!synced.exists());
}

/// Logs two records, damages the first one in its segment, and has both packed; answers how many are in data files.
fn pack_damaged(root: &Path, sizes: Sizes) -> usize {
    let options = StoreOptions { dir: root.to_path_buf(), mapped_journal: false, ..StoreOptions::default() };
    let (session, mut packer) = Session::prepare(&options, sizes).unwrap();
    for _ in 0..2 {
        append(&session, "team/p").unwrap();
    }
    let segment = journal::log::segments(&packer.folder.as_ref().unwrap().path).unwrap()[0].1.clone();
    let mut bytes = std::fs::read(&segment).unwrap();
    bytes[40] ^= 1;
    std::fs::write(&segment, &bytes).unwrap();
    // Where copies are kept, something else is at first.
    let damaged = root.join(".weave/damaged");
    std::fs::write(&damaged, b"in the way").unwrap();
    for is_in_the_way in [true, true, false] {
        if !is_in_the_way {
            std::fs::remove_file(&damaged).unwrap();
        }
        let request = session.control().ask(false);
        packer.turn_if_due().unwrap();
        assert_eq!(session.control().answer(request).unwrap().is_err(), is_in_the_way);
    }
    let copies: Vec<Vec<u8>> =
        std::fs::read_dir(&damaged).unwrap().map(|entry| std::fs::read(entry.unwrap().path()).unwrap()).collect();
    assert!(copies.contains(&bytes));
    assert!(!segment.exists());
    let objects = ProjectDir::new(root, "team/p").kind(Kind::Objects);
    let Some(file) = crate::store::layout::data_files(&objects).unwrap().pop() else { return 0 };
    let (mut reader, mut line, mut records) = (Reader::open(&file.path).unwrap(), Vec::new(), 0);
    while reader.next_line(&mut line).unwrap().is_some() {
        records += 1;
    }
    records
}

#[test]
fn a_segment_that_is_damaged_while_in_use_is_set_aside_before_it_goes_and_the_next_one_is_packed() {
    let root = tempfile::tempdir().unwrap();
    assert_eq!(pack_damaged(root.path(), Sizes { segment: 1, ..Sizes::USUAL }), 1);
}

#[test]
fn the_segment_that_grows_is_set_aside_too_when_it_is_damaged() {
    let root = tempfile::tempdir().unwrap();
    assert_eq!(pack_damaged(root.path(), Sizes::USUAL), 0);
}
