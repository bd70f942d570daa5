//! What of a project was acknowledged by the server: for each data file, which records.
//!
//! Kept in `.sync/progress.jsonl`, a line for each acknowledgement, on the disk before the next request. Records are told
//! by their number in the file, which never changes: a data file only grows.

use crate::error::{Error, Result};
use crate::store::layout::{Access, ProjectDir};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};
use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

/// Numbers, as ranges.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ranges(BTreeMap<u64, u64>);

impl Ranges {
    /// Adds the numbers from `first` to `last`, both included.
    pub fn insert(&mut self, first: u64, last: u64) {
        let (mut first, mut last) = (first, last.max(first));
        if let Some((start, end)) = self.0.range(..=first).next_back().map(|(s, e)| (*s, *e)) {
            if end.saturating_add(1) >= first {
                (first, last) = (start, last.max(end));
            }
        }
        let touched: Vec<(u64, u64)> =
            self.0.range(first..=last.saturating_add(1)).map(|(start, end)| (*start, *end)).collect();
        for (start, end) in touched {
            self.0.remove(&start);
            last = last.max(end);
        }
        self.0.insert(first, last);
    }

    /// Whether a number is in it.
    pub fn contains(&self, number: u64) -> bool {
        self.0.range(..=number).next_back().is_some_and(|(_, end)| *end >= number)
    }

    /// Whether every number below `count` is in it.
    pub fn covers(&self, count: u64) -> bool {
        count == 0 || self.0.first_key_value().is_some_and(|(start, end)| *start == 0 && *end >= count - 1)
    }

    /// The ranges, each with its first and last number.
    pub fn iter(&self) -> impl Iterator<Item = (u64, u64)> + '_ {
        self.0.iter().map(|(first, last)| (*first, *last))
    }
}

/// One line of the log: these records of this file.
#[derive(Serialize, Deserialize)]
struct Acknowledged {
    file: String,
    records: Vec<(u64, u64)>,
}

/// What was acknowledged of one project.
pub struct Progress {
    path: PathBuf,
    log: File,
    files: HashMap<String, Ranges>,
}

impl Progress {
    /// Reads what earlier runs noted. A torn last line was never relied upon.
    pub fn open(project: &ProjectDir, access: Access) -> Result<Self> {
        let folder = project.sync_folder();
        access.make_directory(&folder)?;
        let path = folder.join("progress.jsonl");
        let failed = |cause| Error::io("cannot use", &path, &cause);
        let text = match fs::read(&path) {
            Ok(text) => text,
            Err(cause) if cause.kind() == ErrorKind::NotFound => Vec::new(),
            Err(cause) => return Err(failed(cause)),
        };
        let mut files: HashMap<String, Ranges> = HashMap::new();
        for line in text.split(|byte| *byte == b'\n') {
            if let Ok(noted) = serde_json::from_slice::<Acknowledged>(line) {
                let ranges = files.entry(noted.file).or_default();
                noted.records.iter().for_each(|(first, last)| ranges.insert(*first, *last));
            }
        }
        files.retain(|file, _| project.path.join(file).exists());
        let log = write_whole(&path, &files, access)?;
        Ok(Progress { path, log, files })
    }

    /// What is acknowledged of a file, named relative to the project's folder.
    pub fn of(&self, file: &str) -> Ranges {
        self.files.get(file).cloned().unwrap_or_default()
    }

    /// Notes that the server has these records.
    pub fn acknowledge(&mut self, records: &BTreeMap<String, Ranges>) -> Result<()> {
        let mut lines = Vec::new();
        for (file, ranges) in records {
            let known = self.files.entry(file.clone()).or_default();
            ranges.iter().for_each(|(first, last)| known.insert(first, last));
            push_line(&mut lines, file, ranges);
        }
        let written = self.log.write_all(&lines).and_then(|()| self.log.sync_data());
        written.map_err(|cause| Error::io("cannot write", &self.path, &cause))
    }
}

/// Replaces the log by one that says the same in one line a file.
fn write_whole(path: &Path, files: &HashMap<String, Ranges>, access: Access) -> Result<File> {
    let failed = |cause| Error::io("cannot write", path, &cause);
    let temporary = path.with_extension("tmp");
    let _ = fs::remove_file(&temporary);
    let mut file = access.create_file(&temporary).map_err(failed)?;
    let mut lines = Vec::new();
    files.iter().for_each(|(name, ranges)| push_line(&mut lines, name, ranges));
    file.write_all(&lines).and_then(|()| file.sync_data()).map_err(failed)?;
    fs::rename(&temporary, path).map_err(failed)?;
    Ok(file)
}

fn push_line(lines: &mut Vec<u8>, file: &str, ranges: &Ranges) {
    let line = Acknowledged { file: file.to_string(), records: ranges.iter().collect() };
    // Writing into a Vec cannot fail.
    let _ = serde_json::to_writer(&mut *lines, &line);
    lines.push(b'\n');
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    proptest! {
        #[test]
        fn ranges_hold_what_was_put_in(parts in proptest::collection::vec((0u64..60, 0u64..8), 0..20)) {
            let (mut ranges, mut model) = (Ranges::default(), BTreeSet::new());
            for (first, length) in parts {
                ranges.insert(first, first + length);
                model.extend(first..=first + length);
            }
            for number in 0..80 {
                prop_assert_eq!(ranges.contains(number), model.contains(&number));
                prop_assert_eq!(ranges.covers(number), (0..number).all(|n| model.contains(&n)));
            }
            let apart = ranges.iter().zip(ranges.iter().skip(1)).all(|(a, b)| a.1 + 1 < b.0);
            prop_assert!(apart, "neighbours are one range");
        }
    }

    #[test]
    fn acknowledged_records_are_known_to_the_next_run_and_those_of_gone_files_are_forgotten() {
        let root = tempfile::tempdir().unwrap();
        let project = ProjectDir::new(root.path(), "team/demo");
        fs::create_dir_all(project.path.join("calls")).unwrap();
        fs::write(project.path.join("calls/a"), b"").unwrap();
        let mut ranges = Ranges::default();
        ranges.insert(2, 5);
        let noted =
            BTreeMap::from([("calls/a".to_string(), ranges.clone()), ("calls/gone".to_string(), ranges.clone())]);
        Progress::open(&project, Access::Owner).unwrap().acknowledge(&noted).unwrap();
        let next = Progress::open(&project, Access::Owner).unwrap();
        assert_eq!(next.of("calls/a"), ranges);
        assert_eq!(next.of("calls/gone"), Ranges::default());
    }
}
