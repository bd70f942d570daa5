//! What of a project was acknowledged by the server, and what may be on its way: for each data file, which records.
//!
//! Kept in `.sync/progress.jsonl`. A line says of a file which `records` were acknowledged, or which may be `sending`,
//! in place of what was said of that before, and the same of further files in `and`. What is sent without an id that
//! the server knows it by, or is shown twice when it is sent twice, stands in a `sending` line on the disk before the
//! request: what stands there and was never acknowledged is in doubt, and is looked up before it is sent again
//! (protocol, section 15). So acknowledgements need not be on the disk at once: one that a loss of power takes away is
//! found again by the look-up.
//!
//! What is noted at once is one line, which is there or not: were only the start of a call acknowledged, its end, in
//! another file, would wait for it for ever. What stands in memory is what could be written.
//!
//! What went into a bundle, or came out of one, is `carried` (see `carry`): another machine may send it, or may have done
//! so. It is in doubt until it is acknowledged, whatever a sync settles.
//!
//! A line `{"to"}` says where what is acknowledged behind it was sent: a receipt tells of one destination.
//!
//! Records are told by their number in the file, which never changes: a data file only grows.

#[cfg(test)]
mod tests;
mod told;

use super::lines::{self, Appender};
use super::ranges::Ranges;
use crate::error::Result;
use crate::record::time::Timestamp;
use crate::store::layout::{Access, ProjectDir};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};
pub use told::{known, take_over, Known};

/// So many records are noted as being sent at a time: a wait for the disk for each batch would be the larger part of a
/// fast sync, and looking up some thousand ids after a crash costs a few requests.
const AHEAD: u64 = 8192;

/// One line of the log.
#[derive(Default, Serialize, Deserialize)]
struct Line {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    to: Option<String>,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    file: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    records: Option<Ranges>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sending: Option<Ranges>,
    /// What another machine has too, and may send.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    carried: Option<Ranges>,
    /// When the last request with what is `sending` is over for certain; not known while a run sends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    over: Option<String>,
    /// What is said of further files.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    and: Vec<Line>,
}

#[derive(Debug, Default, Clone)]
struct OfFile {
    acknowledged: Ranges,
    /// The same by the destination, as far as that is known.
    by: BTreeMap<String, Ranges>,
    /// May be under way, as far as it is not acknowledged.
    sending: Ranges,
    over: Option<Timestamp>,
    /// Another machine may send it, as far as it is not acknowledged.
    carried: Ranges,
}

/// What became of a file in a run.
pub struct Settled<'f> {
    /// Its name, relative to the project's folder.
    pub file: &'f str,
    /// All that is acknowledged of it.
    pub acknowledged: &'f Ranges,
    /// What may have arrived all the same.
    pub left: Ranges,
    /// When the last request with that is over; `None` if that is for an earlier run to say, which may not have known.
    pub over: Option<Timestamp>,
}

/// What was acknowledged of one project.
pub struct Progress {
    log: Appender,
    files: HashMap<String, OfFile>,
    /// `SERVER ENTITY/PROJECT`, of what is acknowledged now.
    to: String,
    last_noted: Option<SystemTime>,
}

/// What of each data file of a project is acknowledged, by its name relative to the project's folder. Nothing is changed.
pub fn read(project: &ProjectDir) -> Result<HashMap<String, Ranges>> {
    let files = noted(&path_of(project))?;
    Ok(files.into_iter().map(|(file, of_file)| (file, of_file.acknowledged)).collect())
}

fn path_of(project: &ProjectDir) -> PathBuf {
    project.sync_folder().join("progress.jsonl")
}

fn noted(path: &Path) -> Result<HashMap<String, OfFile>> {
    let (mut files, mut to): (HashMap<String, OfFile>, String) = Default::default();
    lines::each(path, |line| {
        let Ok(noted) = serde_json::from_slice::<Line>(line) else { return Ok(()) };
        noted.take_into(&mut files, &mut to);
        Ok(())
    })?;
    Ok(files)
}

impl Progress {
    /// Reads what earlier runs noted. A torn last line was never relied upon.
    pub fn open(project: &ProjectDir, access: Access) -> Result<Self> {
        let path = path_of(project);
        let last_noted = fs::metadata(&path).and_then(|about| about.modified()).ok();
        let mut files = noted(&path)?;
        // One that cannot be looked at now is not gone.
        files.retain(|file, _| !matches!(project.path.join(file).try_exists(), Ok(false)));
        for of_file in files.values_mut() {
            of_file.sending.remove_all(&of_file.acknowledged);
            of_file.carried.remove_all(&of_file.acknowledged);
        }
        let mut lines = Vec::new();
        let mut by: BTreeMap<&str, Vec<Line>> = BTreeMap::new();
        for (name, of_file) in &files {
            for (to, records) in &of_file.by {
                let line = Line { file: name.clone(), records: Some(records.clone()), ..Line::default() };
                by.entry(to).or_default().push(line);
            }
            let line = Line {
                file: name.clone(),
                records: Some(of_file.unattributed()),
                sending: Some(of_file.sending.clone()),
                carried: Some(of_file.carried.clone()).filter(|carried| !carried.is_empty()),
                over: of_file.over.map(|over| over.to_string()),
                ..Line::default()
            };
            line.push_to(&mut lines);
        }
        for (to, of_files) in by {
            Line { to: Some(to.to_string()), ..Line::default() }.push_to(&mut lines);
            of_files.iter().for_each(|line| line.push_to(&mut lines));
        }
        Ok(Progress { log: Appender::replace(path, access, &lines)?, files, to: String::new(), last_noted })
    }

    /// Notes that what is acknowledged from now on was sent to `to`: `SERVER ENTITY/PROJECT`.
    pub fn send_to(&mut self, to: &str) -> Result<()> {
        self.note(vec![Line { to: Some(to.to_string()), ..Line::default() }], Appender::write)
    }

    /// What of a file was acknowledged by another destination than that of this run.
    pub fn elsewhere(&self, file: &str) -> Ranges {
        let mut elsewhere = Ranges::default();
        let by = self.files.get(file).into_iter().flat_map(|of_file| &of_file.by);
        by.filter(|(to, _)| **to != self.to).for_each(|(_, records)| elsewhere.insert_all(records));
        elsewhere
    }

    /// What is acknowledged of a file, named relative to the project's folder.
    pub fn acknowledged(&self, file: &str) -> Ranges {
        self.files.get(file).map(|of_file| of_file.acknowledged.clone()).unwrap_or_default()
    }

    /// What an earlier run, or another machine, may have sent of a file without hearing of it.
    pub fn in_doubt(&self, file: &str) -> Ranges {
        let Some(of_file) = self.files.get(file) else { return Ranges::default() };
        let mut in_doubt = of_file.sending.clone();
        in_doubt.insert_all(&of_file.carried);
        in_doubt
    }

    /// How long to wait until what earlier runs sent is over for certain: before that, a look-up proves nothing. An
    /// answer takes `answer` at most, and a whole request `request`.
    pub fn wait_for_doubts(&self, answer: Duration, request: Duration) -> Duration {
        // A run that was killed was so since it noted something last.
        let age = self.last_noted.and_then(|noted| SystemTime::now().duration_since(noted).ok()).unwrap_or_default();
        let unknown = if age > request + answer { Duration::ZERO } else { answer };
        let doubts = self.files.values().filter(|of_file| !of_file.sending.is_empty());
        let waits = doubts.map(|of_file| match of_file.over {
            Some(over) => Duration::from_micros(u64::try_from(over.micros() - Timestamp::now().micros()).unwrap_or(0)),
            None => unknown,
        });
        waits.max().unwrap_or_default().min(answer)
    }

    /// Notes that these records, and those behind them for a while, may be under way; on the disk when this returns.
    pub fn sending(&mut self, records: &BTreeMap<&str, Ranges>) -> Result<()> {
        let mut lines = Vec::new();
        for (file, ranges) in records {
            let known = self.files.get(*file);
            let is_noted = |known: &OfFile| {
                // What an earlier run sent is over at its time, and what this one sends is not.
                known.over.is_none() && ranges.iter().all(|(first, last)| known.sending.first_missing(first) > last)
            };
            if known.is_some_and(is_noted) {
                continue;
            }
            let mut sending = known.map(|known| known.sending.clone()).unwrap_or_default();
            ranges.iter().for_each(|(first, last)| sending.insert(first, last.max(first + AHEAD)));
            lines.push(Line { file: (*file).to_string(), sending: Some(sending), ..Line::default() });
        }
        self.note(lines, Appender::append)
    }

    /// Notes that the server has these records, or that they stand among the rejected ones: of all files, or of none.
    pub fn acknowledge(&mut self, records: &BTreeMap<&str, Ranges>) -> Result<()> {
        let line = |(file, ranges): (&&str, &Ranges)| Line {
            file: (*file).to_string(),
            records: Some(ranges.clone()),
            ..Line::default()
        };
        self.note(records.iter().map(line).collect(), Appender::write)
    }

    /// Notes what became of files.
    ///
    /// What is acknowledged stands in the same line as what is left in doubt: that it was may not have been written
    /// before, or be lost with the power, and what is neither acknowledged nor in doubt is sent again.
    pub fn settle<'f>(&mut self, files: impl IntoIterator<Item = Settled<'f>>) -> Result<()> {
        let mut lines = Vec::new();
        for Settled { file, acknowledged, mut left, over } in files {
            let known = self.files.get(file);
            // What is carried stays in doubt by itself; that it was under way here is noted before it is.
            let mut only_carried = known.map(|known| known.carried.clone()).unwrap_or_default();
            known.iter().for_each(|known| only_carried.remove_all(&known.sending));
            left.remove_all(&only_carried);
            if left.is_empty() && known.is_none_or(|known| known.sending.is_empty()) {
                continue;
            }
            lines.push(Line {
                file: file.to_string(),
                records: Some(acknowledged.clone()),
                sending: Some(left),
                over: over.or_else(|| known?.over).map(|over| over.to_string()),
                ..Line::default()
            });
        }
        self.note(lines, Appender::write)
    }

    fn note(&mut self, lines: Vec<Line>, write: impl Fn(&mut Appender, &[u8]) -> Result<()>) -> Result<()> {
        let mut lines = lines.into_iter();
        let Some(first) = lines.next() else { return Ok(()) };
        let (line, mut text) = (Line { and: lines.collect(), ..first }, Vec::new());
        line.push_to(&mut text);
        write(&mut self.log, &text)?;
        line.take_into(&mut self.files, &mut self.to);
        Ok(())
    }

    /// Brings what was noted to the disk.
    pub fn sync(&mut self) -> Result<()> {
        self.log.sync()
    }
}

impl OfFile {
    /// What is acknowledged, and not known by whom.
    fn unattributed(&self) -> Ranges {
        let mut unknown = self.acknowledged.clone();
        self.by.values().for_each(|records| unknown.remove_all(records));
        unknown
    }
}

impl Line {
    fn push_to(&self, lines: &mut Vec<u8>) {
        // Writing into a Vec cannot fail.
        let _ = serde_json::to_writer(&mut *lines, self);
        lines.push(b'\n');
    }

    fn take_into(self, files: &mut HashMap<String, OfFile>, to: &mut String) {
        if let Some(next) = self.to {
            *to = next;
            return;
        }
        let of_file = files.entry(self.file).or_default();
        if let Some(records) = &self.records {
            let mut fresh = records.clone();
            fresh.remove_all(&of_file.acknowledged);
            of_file.acknowledged.insert_all(records);
            if !to.is_empty() {
                of_file.by.entry(to.clone()).or_default().insert_all(&fresh);
            }
        }
        if let Some(carried) = &self.carried {
            of_file.carried.insert_all(carried);
        }
        if let Some(sending) = self.sending {
            of_file.sending = sending;
            of_file.over = self.over.and_then(|time| Timestamp::parse(&time, "over").ok());
        }
        self.and.into_iter().for_each(|line| line.take_into(files, to));
    }
}
