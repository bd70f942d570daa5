//! The records of one kind that wait to be sent, read from a project's data files.
//!
//! A file may go at any time, when a writer drops it to keep its quota: what was read of it is sent, and that is all.

use crate::error::Result;
use crate::log;
use crate::record::time::Timestamp;
use crate::store::journal::JournalId;
use crate::store::layout::DataFile;
use crate::store::reader::Reader;
use crate::sync::kept::progress::{Progress, Settled};
use crate::sync::kept::ranges::Ranges;
use crate::sync::kept::rejected::Rejected;
use crate::sync::line::parse;
use crate::sync::snapshot::{Extent, Journals, Snapshot};
use std::collections::{BTreeMap, VecDeque};
use std::time::Instant;

/// How many files are kept open for going back to single records; each holds a member in memory.
const FETCHERS: usize = 8;

/// A record, told by its file (in the order of reading) and its number there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Place {
    file: u32,
    index: u64,
}

impl Place {
    /// The record with this number in the file with that one.
    pub fn new(file: u32, index: u64) -> Place {
        Place { file, index }
    }
}

/// Who logged a record.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Writer {
    /// The journal of the process, if the record's file tells it.
    pub journal: Option<JournalId>,
    /// The process was gone, and all that it logged in data files, before these were looked at.
    pub is_gone: bool,
}

/// Records that may have arrived without being acknowledged, at the end of a sync.
#[derive(Debug, Default)]
pub struct Lost {
    /// The records.
    pub places: Vec<Place>,
    /// Whether there are no others: every record was tried.
    pub is_all: bool,
    /// When the last request with them is over for certain.
    pub over: Option<Instant>,
}

impl Lost {
    /// Adds records whose request is over at a time.
    pub fn add(&mut self, places: &[Place], over: Instant) {
        self.places.extend_from_slice(places);
        self.over = self.over.max(Some(over));
    }

    /// Adds what another one has.
    pub fn add_all(&mut self, other: Lost) {
        self.places.extend(other.places);
        self.over = self.over.max(other.over);
    }
}

/// The data files of a folder that are not synced yet.
pub struct Pending {
    folder: String,
    files: Vec<FileState>,
    /// The file that is being read.
    current: usize,
    /// Files that have a fetcher, the one that was used last at the end.
    fetched: VecDeque<usize>,
    journals: Journals,
}

struct FileState {
    file: DataFile,
    key: String,
    length: u64,
    /// Its writer still has it: read what there is, and leave it open.
    live: bool,
    acknowledged: Ranges,
    in_doubt: Ranges,
    /// Not to be tried again in this run.
    passed_over: Ranges,
    reader: Option<Reader>,
    /// A reader that goes back to single records.
    fetcher: Option<Reader>,
    records: u64,
    /// This pass has come to the end of the file.
    at_end: bool,
    /// Some pass has: `records` is how many there are.
    read_whole: bool,
    damage: Option<String>,
}

impl Pending {
    /// The files in the folder `name` of a project, as far as they are in its snapshot, with what is acknowledged of them.
    ///
    /// What is in doubt and stands among the rejected ones was set aside before a crash: it counts as acknowledged.
    pub fn open(name: &str, snapshot: &Snapshot, progress: &Progress, rejected: &Rejected) -> Self {
        let mut files = Vec::new();
        for Extent { file, length, live } in snapshot.of(name).iter().cloned() {
            let key = format!("{name}/{}", file.path.file_name().unwrap_or_default().to_string_lossy());
            let (mut acknowledged, in_doubt) = (progress.acknowledged(&key), progress.in_doubt(&key));
            let doubts = in_doubt.iter().filter(|_| !rejected.is_empty());
            for index in doubts.flat_map(|(first, last)| first..=last) {
                if rejected.contains(&format!("{key}#{index}")) {
                    acknowledged.insert(index, index);
                }
            }
            files.push(FileState {
                acknowledged,
                in_doubt,
                passed_over: Ranges::default(),
                file,
                key,
                length,
                live,
                reader: None,
                fetcher: None,
                records: 0,
                at_end: false,
                read_whole: false,
                damage: None,
            });
        }
        Pending { folder: name.to_string(), files, current: 0, fetched: VecDeque::new(), journals: snapshot.journals() }
    }

    /// The folder's name.
    pub fn folder(&self) -> &str {
        &self.folder
    }

    /// Whether there is any file.
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// Whether an earlier run may have sent something here without hearing of it.
    pub fn has_doubts(&self) -> bool {
        self.files.iter().any(|state| !state.in_doubt.is_empty())
    }

    /// Whether an earlier run may have sent this record.
    pub fn is_in_doubt(&self, place: Place) -> bool {
        self.state(place).is_some_and(|state| state.in_doubt.contains(place.index))
    }

    /// Who logged the record that was read last. Without compression the file does not tell: it may have been anybody.
    pub fn writer(&self, place: Place) -> Writer {
        let journal = self.state(place).and_then(|state| state.reader.as_ref()).and_then(Reader::journal);
        let is_gone = match journal {
            Some(journal) => !self.journals.contains(&journal),
            None => self.journals.is_empty() && !self.state(place).is_some_and(|state| state.live),
        };
        Writer { journal, is_gone }
    }

    /// Whether the server has a record, or it was set aside.
    pub fn is_acknowledged(&self, place: Place) -> bool {
        self.state(place).is_some_and(|state| state.acknowledged.contains(place.index))
    }

    /// When the file of a record was last written to.
    pub fn last_written(&self, place: Place) -> Option<Timestamp> {
        let modified = self.state(place)?.file.path.metadata().and_then(|about| about.modified()).ok()?;
        let since = modified.duration_since(std::time::UNIX_EPOCH).ok()?;
        Timestamp::from_micros(i64::try_from(since.as_micros()).ok()?)
    }

    /// What tells a record for ever: its file and its number.
    pub fn identity(&self, place: Place) -> String {
        format!("{}#{}", self.key(place), place.index)
    }

    fn key(&self, place: Place) -> &str {
        self.state(place).map(|state| state.key.as_str()).unwrap_or_default()
    }

    fn state(&self, place: Place) -> Option<&FileState> {
        self.files.get(place.file as usize)
    }

    /// Begins again with the first file.
    pub fn rewind(&mut self) {
        self.current = 0;
        self.files.iter_mut().for_each(|state| (state.reader, state.at_end) = (None, false));
    }

    /// Goes on to the next record that is not acknowledged: file after file.
    pub fn advance(&mut self) -> Result<Option<Place>> {
        while let Some(state) = self.files.get_mut(self.current) {
            if let Some(index) = state.advance()? {
                return Ok(Some(Place::new(self.current as u32, index)));
            }
            self.current += 1;
        }
        Ok(None)
    }

    /// The line that [`Pending::advance`] found, and whether it is as this library wrote it.
    pub fn line(&self) -> (&[u8], bool) {
        let reader = self.files.get(self.current).and_then(|state| state.reader.as_ref());
        reader.map(|reader| (reader.line(), reader.is_own())).unwrap_or_default()
    }

    /// Every record that is not acknowledged, with the time at which it was logged: such that records of one file stay in
    /// their order, also where a clock was set back between them.
    pub fn times(&mut self) -> Result<Vec<(Timestamp, Place)>> {
        let mut found: Vec<(Timestamp, Place)> = Vec::new();
        while let Some(place) = self.advance()? {
            let (line, own) = self.line();
            let logged_at = parse(line, own).and_then(|line| Timestamp::parse(line.timestamp, "timestamp")).ok();
            let before = found.last().filter(|(_, last)| last.file == place.file).map(|(time, _)| *time);
            found.push((logged_at.max(before).or(Timestamp::from_micros(0)).unwrap_or_else(Timestamp::now), place));
        }
        Ok(found)
    }

    /// Reads a record again. Going forward through a file is cheap, going back is not; some files can be read in turns.
    ///
    /// `None` when the record is not there any more, most often because its file was dropped to keep a quota. Then there
    /// is nothing to send and nothing to tell; an empty line in its place would be told of as one that cannot be read.
    pub fn fetch(&mut self, place: Place) -> Result<Option<Vec<u8>>> {
        let number = place.file as usize;
        let Some(state) = self.files.get_mut(number) else { return Ok(None) };
        let found = state.fetch(place.index)?;
        self.fetched.retain(|file| *file != number);
        self.fetched.push_back(number);
        if self.fetched.len() > FETCHERS {
            let oldest = self.fetched.pop_front().and_then(|file| self.files.get_mut(file));
            oldest.into_iter().for_each(|state| state.fetcher = None);
        }
        Ok(found)
    }

    /// Notes that these records may be under way from now on.
    pub fn sending(&mut self, places: &[Place], progress: &mut Progress) -> Result<()> {
        progress.sending(&self.by_file(places))
    }

    /// Notes that the server has these records, or that they were set aside.
    pub fn acknowledge(&mut self, places: &[Place], progress: &mut Progress) -> Result<()> {
        for place in places {
            if let Some(state) = self.files.get_mut(place.file as usize) {
                state.acknowledged.insert(place.index, place.index);
            }
        }
        progress.acknowledge(&self.by_file(places))
    }

    /// Does not give these records again in this run.
    pub fn pass_over(&mut self, places: &[Place]) {
        for place in places {
            if let Some(state) = self.files.get_mut(place.file as usize) {
                state.passed_over.insert(place.index, place.index);
            }
        }
    }

    /// Notes what is acknowledged, and that nothing is under way any more but what was lost.
    pub fn settle(&self, lost: &Lost, progress: &mut Progress) -> Result<()> {
        let mut places = self.by_file(&lost.places);
        let wait = lost.over.map(|over| over.saturating_duration_since(Instant::now())).unwrap_or_default();
        let over = Timestamp::now().micros().saturating_add(i64::try_from(wait.as_micros()).unwrap_or(i64::MAX));
        let over = Timestamp::from_micros(over).unwrap_or_else(Timestamp::now);
        progress.settle(self.files.iter().map(|state| {
            let (file, acknowledged) = (state.key.as_str(), &state.acknowledged);
            let mut left = places.remove(file).unwrap_or_default();
            // What was in doubt and did not come to its turn still is.
            let mut untried = if lost.is_all { Ranges::default() } else { state.in_doubt.clone() };
            left.remove_all(acknowledged);
            untried.remove_all(acknowledged);
            left.insert_all(&untried);
            Settled { file, acknowledged, left, over: untried.is_empty().then_some(over) }
        }))
    }

    fn by_file(&self, places: &[Place]) -> BTreeMap<&str, Ranges> {
        let mut found: BTreeMap<&str, Ranges> = BTreeMap::new();
        let mut rest = places;
        while let Some(first) = rest.first() {
            // Most stand one behind the other.
            let follow = rest
                .iter()
                .zip(0..)
                .take_while(|(place, n)| place.file == first.file && Some(place.index) == first.index.checked_add(*n));
            let count = follow.count();
            let last = first.index + count as u64 - 1;
            found.entry(self.key(*first)).or_default().insert(first.index, last);
            rest = rest.get(count..).unwrap_or_default();
        }
        found
    }

    /// The files that are closed and wholly acknowledged, with the length that was read.
    pub fn complete(&self) -> impl Iterator<Item = (&DataFile, u64)> {
        self.files.iter().filter(|state| state.is_complete()).map(|state| (&state.file, state.length))
    }

    /// What of the closed files cannot be read: they are not sent whole.
    pub fn unreadable(&self) -> impl Iterator<Item = &str> {
        self.files.iter().filter(|state| !state.live).filter_map(|state| state.damage.as_deref())
    }
}

impl FileState {
    fn is_gone(&self) -> bool {
        matches!(self.file.path.try_exists(), Ok(false))
    }

    fn is_complete(&self) -> bool {
        // Behind damage there may be records that were not counted.
        let is_whole = self.read_whole && self.damage.is_none();
        !self.live && is_whole && self.acknowledged.covers(self.records) && !self.is_gone()
    }

    fn open(&self) -> Result<Option<Reader>> {
        match Reader::open_up_to(&self.file.path, self.length) {
            Err(_) if self.is_gone() => Ok(None),
            opened => opened.map(Some),
        }
    }

    fn advance(&mut self) -> Result<Option<u64>> {
        if self.at_end {
            return Ok(None);
        }
        if self.reader.is_none() {
            self.reader = self.open()?;
        }
        let Some(reader) = &mut self.reader else {
            self.at_end = true;
            return Ok(None);
        };
        loop {
            reader.skip_to(self.acknowledged.first_missing(reader.position()));
            let Some(index) = reader.advance()? else { break };
            if reader.line().iter().all(u8::is_ascii_whitespace) {
                self.acknowledged.insert(index, index);
            } else if !self.acknowledged.contains(index) && !self.passed_over.contains(index) {
                return Ok(Some(index));
            }
        }
        self.records = reader.position();
        self.damage = reader.damage().map(str::to_string);
        if let Some(damage) = self.damage.as_ref().filter(|_| !self.live) {
            log::write(log::Level::Warning, || damage.to_string());
        }
        self.reader = None;
        (self.at_end, self.read_whole) = (true, true);
        Ok(None)
    }

    fn fetch(&mut self, index: u64) -> Result<Option<Vec<u8>>> {
        let ahead = self.fetcher.take().filter(|fetcher| fetcher.position() <= index);
        let Some(mut fetcher) = ahead.map_or_else(|| self.open(), |fetcher| Ok(Some(fetcher)))? else {
            return Ok(None);
        };
        fetcher.skip_to(index);
        let found = fetcher.advance()?.filter(|found| *found == index).map(|_| fetcher.line().to_vec());
        self.fetcher = Some(fetcher);
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::layout::{Access, ProjectDir};
    use crate::sync::kept::rejected::Entry;
    use crate::sync::results::Counted;
    use std::fs;
    use std::time::Duration;

    const FILE: &str = "calls/20260131_0000.jsonl";

    /// A project whose first record, of two, was on its way when a sync was killed.
    fn project() -> (tempfile::TempDir, ProjectDir) {
        let root = tempfile::tempdir().unwrap();
        let project = ProjectDir::new(root.path(), "team/demo");
        fs::create_dir_all(project.path.join("calls")).unwrap();
        fs::write(project.path.join(FILE), "{}\n{}\n").unwrap();
        progress_of(&project).sending(&BTreeMap::from([(FILE, vec![(0, 0)].into())])).unwrap();
        (root, project)
    }

    fn progress_of(project: &ProjectDir) -> Progress {
        Progress::open(project, Access::Owner).unwrap()
    }

    fn pending_of(project: &ProjectDir, progress: &Progress) -> Pending {
        let root = project.path.ancestors().nth(2).unwrap();
        let snapshot = Snapshot::take(root, &[project]).unwrap().remove(0).unwrap();
        let rejected = Rejected::open(project, Access::Owner).unwrap();
        Pending::open("calls", &snapshot, progress, &rejected)
    }

    #[test]
    fn what_was_set_aside_and_not_acknowledged_is_still_known_when_nothing_is_in_doubt_any_more() {
        let (_root, project) = project();
        let lines = [(format!("{FILE}#0"), b"{}".as_slice())];
        let entry = Entry::new(Counted::Calls, None, None, "why", lines);
        Rejected::open(&project, Access::Owner).unwrap().add(entry).unwrap();
        for _ in 0..2 {
            let mut progress = progress_of(&project);
            let mut pending = pending_of(&project, &progress);
            assert_eq!(pending.advance().unwrap(), Some(Place::new(0, 1)));
            pending.settle(&Lost { is_all: true, ..Lost::default() }, &mut progress).unwrap();
        }
    }

    #[test]
    fn what_a_killed_sync_sent_is_not_taken_for_over_because_the_next_one_was_stopped() {
        let (_root, project) = project();
        let mut progress = progress_of(&project);
        pending_of(&project, &progress).settle(&Lost::default(), &mut progress).unwrap();
        drop(progress);
        let answer = Duration::from_secs(30);
        assert_eq!(progress_of(&project).wait_for_doubts(answer, answer), answer);
    }
}
