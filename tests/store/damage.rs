//! Torn and damaged journals and data files, and what is in the way of packing.

use super::processes::kill_a_writer_after;
use super::*;
use proptest::prelude::*;

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
