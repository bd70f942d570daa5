//! Playing a history: the processes, what they were promised, and what must hold after each recovery.

use super::check::{self, Found};
use super::steps::{Choices, Entry, Part, Step, What};
use crate::error::Result;
use crate::record::call::Call;
use crate::record::frame::{Body, Record};
use crate::record::kind::RecordType;
use crate::record::time::Timestamp;
use crate::store::data_file::FileOptions;
use crate::store::disk::faults::{self, Disk, Faults, Random};
use crate::store::layout::Access;
use crate::store::limits::Sizes;
use crate::store::options::{StoreOptions, WhenFull};
use crate::store::packer::Packer;
use crate::store::session::Session;
use crate::store::{journal, put_file, recovery};
use std::collections::{BTreeMap, HashMap};
use std::panic::{catch_unwind, resume_unwind, AssertUnwindSafe};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// Small, so that a few records fill each.
pub const SIZES: Sizes = Sizes { ring: 16 * 1024, segment: 6 * 1024, batch: 3 * 1024, worth_packing: 1024 };

/// A start, an end or something else, by its number.
pub type Key = (Part, u64);

/// What is known of a record.
#[derive(Debug, Clone, Copy)]
struct Known {
    entry: Entry,
    /// The process that logged it.
    process: u64,
    state: Promise,
}

/// What was promised of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Promise {
    /// Nothing was answered, or the power was lost before it was on the disk: it may be there.
    None,
    /// It was accepted: it survives the end of the process.
    Kept,
    /// It survives the loss of power.
    Durable,
}

struct Process {
    number: u64,
    choices: Choices,
    session: Arc<Session>,
    packer: Packer,
}

/// A history while it is played.
pub struct History {
    base: tempfile::TempDir,
    disk: Arc<Disk>,
    root: PathBuf,
    boots: u8,
    processes: Vec<Process>,
    started: u64,
    known: HashMap<Key, Known>,
    bodies: BTreeMap<u64, (usize, Promise)>,
    failing: bool,
    has_failed: bool,
    power_was_lost: bool,
    /// The data files as the last loss of power left them.
    left: BTreeMap<PathBuf, Vec<u8>>,
    operations: u64,
}

impl Drop for History {
    fn drop(&mut self) {
        self.disk.forget();
    }
}

fn project(number: u64) -> String {
    format!("team/project{number}")
}

/// A text that only the record with this number has. It does not compress well.
pub fn text(number: u64, part: Part, length: usize) -> String {
    let mut random = Random(number * 8 + part as u64);
    (0..length).map(|_| char::from(b'a' + (random.number() % 26) as u8)).collect()
}

impl History {
    /// Plays a history to its end; answers how many operations on the disk it took.
    pub fn play(steps: &[Step]) -> std::result::Result<u64, String> {
        let memory = Path::new("/dev/shm");
        let base = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }.unwrap();
        let root = base.path().join("0");
        std::fs::create_dir(&root).unwrap();
        let mut history = History {
            disk: Disk::watch(&root),
            base,
            root,
            boots: 0,
            processes: Vec::new(),
            started: 0,
            known: HashMap::new(),
            bodies: BTreeMap::new(),
            failing: false,
            has_failed: false,
            power_was_lost: false,
            left: BTreeMap::new(),
            operations: 0,
        };
        history.start_machine();
        for Step(seed, what) in steps {
            history.disk.seed(*seed);
            history.take(what).map_err(|failure| format!("{failure}, in step {what:?}"))?;
        }
        history.kill();
        history.set_faults(Faults::default());
        history.recover(true).map_err(|failure| format!("{failure}, at the end"))?;
        Ok(history.operations + history.disk.operations())
    }

    fn start_machine(&mut self) {
        self.boots += 1;
        faults::set_boot(Some([self.boots; 16]));
    }

    fn set_faults(&mut self, faults: Faults) {
        self.failing = faults != Faults::default();
        self.has_failed |= self.failing;
        self.disk.set_faults(faults);
    }

    /// Does something as the processes; when they are killed meanwhile, ends them and answers nothing.
    fn alive<T>(&mut self, act: impl FnOnce(&mut Self) -> T) -> Option<T> {
        let done = catch_unwind(AssertUnwindSafe(|| act(self)));
        let done = match done {
            Err(cause) if !cause.is::<faults::Killed>() => resume_unwind(cause),
            done => done.ok(),
        };
        if self.disk.is_killed() {
            self.kill();
            return None;
        }
        done
    }

    fn kill(&mut self) {
        self.processes.clear();
        self.disk.revive();
    }

    fn take(&mut self, what: &What) -> std::result::Result<(), String> {
        match what {
            What::Open(choices) => self.open(*choices),
            What::Log { session, entry } => self.log(*session, *entry, false),
            What::LogOnThread { session, entry } => self.log(*session, *entry, true),
            What::PutFile { number, length } => self.put_file(*number, *length),
            What::Turn { session, interval_is_over } => {
                self.turn(*session, *interval_is_over);
            }
            What::Flush { session, close } => return self.flush(*session, *close),
            What::Choose { session, compress } => self.choose(*session, *compress),
            What::Close { session } => self.close(*session),
            What::Fail(faults) => self.set_faults(*faults),
            What::Mend => self.set_faults(Faults::default()),
            What::Kill => self.kill(),
            What::KillAfter(operations) => self.disk.kill_after(*operations),
            What::Recover { compress } => return self.recover(*compress),
            What::LosePower => self.lose_power(),
        }
        Ok(())
    }

    fn open(&mut self, choices: Choices) {
        if self.processes.len() == 2 {
            return;
        }
        let options = self.options(choices);
        let opened = self.alive(|_| {
            let (session, packer) = Session::prepare(&options, SIZES)?;
            (0..3).for_each(|number| session.set_options(&project(number), options.files()));
            Ok::<_, crate::error::Error>((session, packer))
        });
        if let Some(Ok((session, packer))) = opened {
            self.started += 1;
            self.processes.push(Process { number: self.started, choices, session, packer });
        }
    }

    fn options(&self, choices: Choices) -> StoreOptions {
        StoreOptions {
            dir: self.root.clone(),
            max_file_size: choices.max_file_size,
            compress: choices.compress,
            mapped_journal: choices.mapped,
            journal_size: choices.journal_size,
            when_full: WhenFull::Refuse,
            ..StoreOptions::default()
        }
    }

    fn choose(&self, which: u64, compress: bool) {
        let Some(at) = self.process(which) else { return };
        let Process { choices, session, .. } = &self.processes[at];
        let files = self.options(Choices { compress, ..*choices }).files();
        (0..3).for_each(|number| session.set_options(&project(number), files.clone()));
    }

    fn process(&self, which: u64) -> Option<usize> {
        (!self.processes.is_empty()).then(|| which as usize % self.processes.len())
    }

    fn log(&mut self, which: u64, entry: Entry, on_thread: bool) {
        let Some(at) = self.process(which) else { return };
        let process = self.processes[at].number;
        let session = self.processes[at].session.clone();
        let keys = keys(&entry);
        let appended = self.alive(|history| match on_thread {
            false => append(&session, &entry),
            true => {
                let boot = [history.boots; 16];
                let appended = std::thread::scope(|scope| {
                    let append = || {
                        faults::set_boot(Some(boot));
                        append(&session, &entry)
                    };
                    scope.spawn(append).join()
                });
                appended.unwrap_or_else(|cause| resume_unwind(cause))
            }
        });
        let state = match appended {
            Some(Ok(())) => Promise::Kept,
            Some(Err(_)) => return, // nothing of it is kept
            None => Promise::None,
        };
        self.known.extend(keys.into_iter().map(|key| (key, Known { entry, process, state })));
    }

    fn put_file(&mut self, number: u64, length: usize) {
        let length = self.bodies.get(&number).map_or(length, |(length, _)| *length);
        let options = StoreOptions { dir: self.root.clone(), ..StoreOptions::default() };
        let body = text(number, Part::Object, length);
        let put = self.alive(|_| put_file(&options, &project(0), &format!("digest{number}"), body.as_bytes()));
        let promise = if matches!(put, Some(Ok(()))) { Promise::Durable } else { Promise::None };
        let there = self.bodies.entry(number).or_insert((length, promise));
        there.1 = there.1.max(promise);
    }

    /// Answers whether the packer goes on.
    fn turn(&mut self, which: u64, interval_is_over: bool) -> bool {
        let Some(at) = self.process(which) else { return false };
        let number = self.processes[at].number;
        let Some((goes_on, synced)) = self.alive(|history| history.processes[at].packer.turn_now(interval_is_over))
        else {
            return false;
        };
        if synced {
            self.promise(number);
        }
        goes_on
    }

    /// Everything that a process was told to be kept is now on the disk.
    fn promise(&mut self, process: u64) {
        let kept = |known: &&mut Known| known.process == process && known.state == Promise::Kept;
        self.known.values_mut().filter(kept).for_each(|known| known.state = Promise::Durable);
    }

    fn flush(&mut self, which: u64, close: bool) -> std::result::Result<(), String> {
        let Some(at) = self.process(which) else { return Ok(()) };
        let (number, session) = (self.processes[at].number, self.processes[at].session.clone());
        let request = session.control().ask(close);
        for _ in 0..3 {
            self.turn(which, false);
            match session.control().answer(request) {
                Some(Ok(())) if self.processes.iter().any(|process| process.number == number) => {
                    self.promise(number);
                    // What a loss of power has torn is mended by the next recovery.
                    return if self.left.is_empty() { self.check_flushed(number) } else { Ok(()) };
                }
                Some(Err(_)) if self.failing => {}
                Some(Err(error)) if self.processes.iter().any(|process| process.number == number) => {
                    return Err(format!("flush on a healthy disk: {error}"));
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn close(&mut self, which: u64) {
        let Some(at) = self.process(which) else { return };
        let number = self.processes[at].number;
        self.processes[at].session.stop(Duration::ZERO);
        for _ in 0..3 {
            let goes_on = self.turn(which, false);
            if self.processes.iter().all(|process| process.number != number) {
                return; // killed
            }
            if !goes_on {
                break;
            }
        }
        self.processes.remove(at);
    }

    fn recover(&mut self, compress: bool) -> std::result::Result<(), String> {
        let root = self.root.clone();
        let files = FileOptions { compress, max_size: 5000, ..FileOptions::default() };
        let recovered = self.alive(|_| recovery::recover(&root, Access::Owner, &files, SIZES));
        match recovered {
            Some(Ok(())) if !self.failing => self.check_recovered(),
            Some(Err(error)) if !self.failing => Err(format!("recovery on a healthy disk: {error}")),
            _ => Ok(()),
        }
    }

    fn lose_power(&mut self) {
        self.kill();
        self.set_faults(Faults::default());
        let root = self.base.path().join(self.boots.to_string());
        std::fs::create_dir(&root).unwrap();
        self.disk.after_power_loss(&root);
        self.disk.forget();
        self.operations += self.disk.operations();
        std::fs::remove_dir_all(&self.root).unwrap();
        self.root = root;
        self.disk = Disk::watch(&self.root);
        self.start_machine();
        self.power_was_lost = true;
        self.left = check::data_files(&self.root).map(|path| (path.clone(), std::fs::read(path).unwrap())).collect();
        let forget = |state: &mut Promise| {
            if *state == Promise::Kept {
                *state = Promise::None;
            }
        };
        self.known.values_mut().for_each(|known| forget(&mut known.state));
    }

    fn is_alive(&self, process: u64) -> bool {
        self.processes.iter().any(|alive| alive.number == process)
    }

    /// What must hold when everything abandoned was recovered.
    fn check_recovered(&mut self) -> std::result::Result<(), String> {
        let journals = journal::all(&self.root).unwrap().len();
        if journals != self.processes.len() {
            return Err(format!("{journals} journals are left with {} processes", self.processes.len()));
        }
        check::files_are_whole(&self.root, self.has_failed)?;
        check::damaged_has_reasons(&self.root, self.power_was_lost)?;
        check::nothing_was_cut_in_silence(&self.root, &self.left)?;
        self.left.clear();
        let found = self.found()?;
        let alive: Vec<u64> = self.processes.iter().map(|process| process.number).collect();
        for (key, known) in &mut self.known {
            let is_there = found.contains_key(key);
            if !is_there && known.state > Promise::None && !alive.contains(&known.process) {
                return Err(format!("{key:?} is lost: {known:?}"));
            }
            if is_there && !alive.contains(&known.process) {
                // Recovery has seen to it, unless a disk that failed said otherwise before.
                known.state = known.state.max(if self.has_failed { Promise::Kept } else { Promise::Durable });
            }
        }
        for (number, (length, promise)) in &self.bodies {
            check::body(&self.root, &project(0), *number, *length, *promise == Promise::Durable)?;
        }
        Ok(())
    }

    /// What must hold when a process has flushed.
    fn check_flushed(&self, process: u64) -> std::result::Result<(), String> {
        let found = self.found()?;
        let lost = |(key, known): &(&Key, &Known)| {
            known.process == process && known.state == Promise::Durable && !found.contains_key(key)
        };
        self.known.iter().find(lost).map_or(Ok(()), |(key, known)| Err(format!("{key:?} is not flushed: {known:?}")))
    }

    /// What is in data files: each record once, and as it was logged.
    fn found(&self) -> std::result::Result<Found, String> {
        let found = check::found(&self.root)?;
        for (key, (place, texts)) in &found {
            let Some(known) = self.known.get(key) else { return Err(format!("{key:?} was never accepted: {place}")) };
            let length = known.entry.length;
            if !texts.contains(&text(key.1, known.entry.part, length)) {
                return Err(format!("{key:?} is not what was logged: {place}, by {}", self.is_alive(known.process)));
            }
        }
        Ok(found)
    }
}

/// The parts that a record has: a start and an end may be logged as one, and are one when they meet.
fn keys(entry: &Entry) -> Vec<Key> {
    match entry.part {
        Part::Complete => vec![(Part::Start, entry.number), (Part::End, entry.number)],
        part => vec![(part, entry.number)],
    }
}

fn append(session: &Session, entry: &Entry) -> Result<()> {
    let (id, text) = (format!("{:016x}", entry.number), text(entry.number, entry.part, entry.length));
    let timestamp = Timestamp::now();
    let said = format!("{{\"id\":\"{id}\",\"text\":\"{text}\"}}");
    let (call, says) = (Call { id: id.as_bytes(), ..Call::default() }, Some(said.as_bytes()));
    let start = Call { op_name: Some(b"op"), started_at: Some(timestamp), inputs: says, ..call };
    let end = Call { ended_at: Some(timestamp), output: says, ..call };
    let complete = Call { ended_at: Some(timestamp), ..start };
    let (record_type, body) = match entry.part {
        Part::Start => (RecordType::CallStart, Body::Call(&start)),
        Part::End => (RecordType::CallEnd, Body::Call(&end)),
        Part::Complete => (RecordType::CallComplete, Body::Call(&complete)),
        Part::Object => (RecordType::ObjCreate, Body::Json(&said)),
        Part::Cost => (RecordType::CostCreate, Body::Json(&said)),
    };
    session.append(&Record { record_type, timestamp, project: &project(entry.project), body }).map(|_| ())
}
