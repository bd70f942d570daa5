//! Damage of every kind to one data file: what was whole is still there, once, under the number that it had.

use super::*;
use crate::store::hop::Members;
use crate::store::layout::{DataFile, ProjectDir};
use crate::store::member::{self, Writer};
use crate::store::reader::Reader;
use crate::sync::kept::progress;
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::fs;

fn quiet(_: &str, _: u64, _: u64) {}

/// A record that damage does not make of another one.
fn line(number: usize) -> String {
    format!("{{\"n\":\"{:016x}\"}}\n", (number as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15))
}

struct Directory {
    root: tempfile::TempDir,
    project: ProjectDir,
    file: PathBuf,
}

impl Directory {
    /// A file of so many members, of so many lines each.
    fn new(members: &[usize]) -> Directory {
        let root = tempfile::tempdir().unwrap();
        let project = ProjectDir::new(root.path(), "team/demo");
        let file = project.path.join("calls/20260131_0000.jsonl.gz");
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        let (mut bytes, mut number) = (Vec::new(), 0);
        for count in members {
            let lines: String = (0..*count).map(|n| line(number + n)).collect();
            let mut member = Writer::new(6).unwrap().write(lines.as_bytes(), *count as u32, &[]).unwrap();
            member::tell_before(&mut member, Some(number as u64));
            bytes.extend(member);
            number += count;
        }
        fs::write(&file, bytes).unwrap();
        Directory { root, project, file }
    }

    fn damage(&self, change: impl FnOnce(&mut Vec<u8>)) {
        let mut bytes = fs::read(&self.file).unwrap();
        change(&mut bytes);
        fs::write(&self.file, bytes).unwrap();
    }

    /// What a reader finds that is JSON, by data file and number.
    fn read(&self) -> BTreeMap<(String, u64), String> {
        let mut found = BTreeMap::new();
        for DataFile { path, .. } in layout::data_files(&self.project.path.join("calls")).unwrap() {
            let mut reader = Reader::open(&path).unwrap();
            while let Some(number) = reader.advance().unwrap() {
                let line = String::from_utf8_lossy(reader.line()).into_owned();
                if serde_json::from_str::<serde_json::Value>(&line).is_ok() {
                    found.insert((path.file_name().unwrap().to_string_lossy().into_owned(), number), line);
                }
            }
        }
        found
    }

    /// The data files whose end tells of another number of lines than they have.
    fn liars(&self) -> Vec<PathBuf> {
        let mut files = layout::data_files(&self.project.path.join("calls")).unwrap();
        files.retain(|file| {
            let told = Members::open(&file.path).unwrap().unwrap().lines_told_at_end().unwrap();
            told.is_some_and(|told| told != mend::count(&file.path).unwrap())
        });
        files.into_iter().map(|file| file.path).collect()
    }

    fn repair(&self) -> Report {
        repair(self.root.path(), &quiet).unwrap()
    }
}

/// A change of a file, as a fraction of its length.
#[derive(Debug, Clone)]
enum Change {
    Overwrite(f64, Vec<u8>),
    Cut(f64),
    Remove(f64, usize),
    Insert(f64, Vec<u8>),
}

fn change() -> impl Strategy<Value = Change> {
    let bytes = || proptest::collection::vec(any::<u8>(), 1..40);
    prop_oneof![
        (0.0..1.0, bytes()).prop_map(|(at, bytes)| Change::Overwrite(at, bytes)),
        (0.0..1.0).prop_map(Change::Cut),
        (0.0..1.0, 1..40usize).prop_map(|(at, length)| Change::Remove(at, length)),
        (0.0..1.0, bytes()).prop_map(|(at, bytes)| Change::Insert(at, bytes)),
    ]
}

impl Change {
    fn apply(&self, to: &mut Vec<u8>) {
        let place = |at: &f64| (*at * to.len() as f64) as usize;
        match self {
            Change::Overwrite(at, bytes) => {
                let at = place(at);
                to.iter_mut().skip(at).zip(bytes).for_each(|(to, byte)| *to = *byte);
            }
            Change::Cut(at) => to.truncate(place(at)),
            Change::Remove(at, length) => {
                let at = place(at);
                to.drain(at..(at + length).min(to.len()));
            }
            Change::Insert(at, bytes) => {
                let at = place(at);
                to.splice(at..at, bytes.iter().copied());
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, ..ProptestConfig::default() })]

    #[test]
    fn a_repair_keeps_what_a_reader_found_under_its_number_and_loses_nothing_that_is_whole(
        members in proptest::collection::vec(1..30usize, 1..6), changes in proptest::collection::vec(change(), 1..3)) {
        let directory = Directory::new(&members);
        let written: Vec<String> = directory.read().into_values().collect();
        directory.damage(|bytes| changes.iter().for_each(|change| change.apply(bytes)));
        // A compressed file that does not begin as one is read as lines, in which chance may find some.
        let begins = fs::read(&directory.file).unwrap();
        prop_assume!(begins.is_empty() || begins.starts_with(&[0x1f, 0x8b]));
        let before = directory.read();
        let expected = look(directory.root.path(), &quiet).unwrap().records;
        directory.repair();
        let after = directory.read();
        for (place, line) in &before {
            // Where a header lies of how many lines there are, numbers cannot be kept: what stands there is rescued.
            let is_rescued = after.iter().any(|((file, _), kept)| *file != place.0 && kept == line);
            let there = after.get(place);
            prop_assert!(there == Some(line) || (there.is_none() && is_rescued), "{place:?} {line}: {after:?}");
        }
        for line in &written {
            // A damaged stream may give the text of another record, before and after.
            let times = |found: &BTreeMap<_, String>| found.values().filter(|other| *other == line).count();
            prop_assert!(times(&after) <= times(&before).max(1), "{line} is there twice: {after:?}");
        }
        prop_assert!(after.len() as u64 >= expected, "{} of {expected}", after.len());
        let second = look(directory.root.path(), &quiet).unwrap();
        prop_assert!(second.findings.is_empty(), "{:?}", second.findings);
        prop_assert_eq!(directory.liars(), [] as [PathBuf; 0]);
    }
}

#[test]
fn what_is_rescued_is_in_doubt() {
    let directory = Directory::new(&[2, 2, 2]);
    directory.damage(|bytes| drop(bytes.splice(60..80, *b"garbage")));
    directory.repair();
    let rescued: Vec<_> = directory.read().into_keys().map(|(file, _)| file).collect();
    assert!(rescued.iter().all(|file| file == "20260131_0001.jsonl.gz") && !rescued.is_empty(), "{rescued:?}");
    let progress = progress::Progress::open(&directory.project, Access::Owner).unwrap();
    let doubt = progress.in_doubt("calls/20260131_0001.jsonl.gz");
    assert_eq!(doubt.count_below(100), rescued.len() as u64);
}

#[test]
fn a_repair_that_was_cut_short_before_its_file_had_its_name_is_begun_anew() {
    let directory = Directory::new(&[2, 2]);
    directory.damage(|bytes| bytes.truncate(bytes.len() - 3));
    for end in ["mended", "rescued"] {
        fs::write(directory.file.with_extension(end), b"half").unwrap();
    }
    let report = directory.repair();
    assert!(report.findings.iter().all(|finding| !finding.is_left()), "{report:?}");
    assert_eq!(directory.read().len(), 2);
}

#[test]
fn what_was_rescued_and_not_named_gets_its_name() {
    let directory = Directory::new(&[2]);
    fs::rename(&directory.file, directory.file.with_extension("rescued")).unwrap();
    directory.repair();
    assert_eq!(directory.read().len(), 2);
    assert!(look(directory.root.path(), &quiet).unwrap().findings.is_empty());
}
