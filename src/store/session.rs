//! One process at work on one offline directory: its journal, and the thread that packs it.
//!
//! Locks, in the order in which they may be taken: `journal`, then `state`. The packer holds neither while it reads,
//! compresses or writes data files.

use super::data_file::FileOptions;
use super::journal::reader::{Batch, Reader, Stop};
use super::journal::writer::Journal;
use super::layout::Access;
use super::limits::{AGE_CHECK, BATCH_AGE, BATCH_BYTES, DURABILITY_INTERVAL, POLL, RETRY_AFTER_FAILURE};
use super::output::Output;
use super::process;
use super::stats::Stats;
use crate::error::{Error, Result, Status};
use crate::log;
use crate::record::frame::Record;
use parking_lot::{Condvar, Mutex};
use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// The journal of this process in one offline directory, and its packer.
pub struct Session {
    generation: u32,
    journal: Mutex<Option<Journal>>,
    state: Mutex<State>,
    thread: Mutex<Option<JoinHandle<()>>>,
    asked: Condvar,
    answered: Condvar,
}

/// A place in the journal, and how many records stand before it.
#[derive(Debug, Clone, Copy, Default)]
struct Mark {
    position: u64,
    records: u64,
}

#[derive(Default)]
struct State {
    /// Everything before this was accepted.
    accepted: Mark,
    /// Everything before this is in data files on the disk.
    durable: Mark,
    /// Somebody waits for everything below this position.
    wanted: u64,
    /// How often closing the data files was asked for, and done.
    close_asked: u64,
    close_done: u64,
    stop: bool,
    stopped: bool,
    failure: Option<Error>,
    options: Vec<(String, FileOptions)>,
}

impl Session {
    /// Makes a journal and starts its packer.
    pub fn start(root: &Path, access: Access) -> Result<Arc<Session>> {
        let journal = Journal::create(root, access)?;
        let output = Output::new(root, access, journal.id(), journal.path())?;
        let reader = Reader::new(journal.path(), 0);
        let session = Arc::new(Session {
            generation: process::generation(),
            journal: Mutex::new(Some(journal)),
            state: Mutex::new(State::default()),
            thread: Mutex::new(None),
            asked: Condvar::new(),
            answered: Condvar::new(),
        });
        let worker = session.clone();
        let packer = Packer {
            output,
            reader,
            batch: Batch::default(),
            packed: Mark::default(),
            journal_synced: 0,
            synced: Instant::now(),
        };
        let thread = process::spawn_quiet("weave-packer", move || {
            let ended = Ended(worker);
            packer.run(&ended.0);
        })
        .map_err(|cause| Error::io("cannot start a thread for", root, &cause))?;
        *session.thread.lock() = Some(thread);
        Ok(session)
    }

    /// Whether this is the process that started the session, and not a child of it.
    pub fn is_of_this_process(&self) -> bool {
        self.generation == process::generation()
    }

    /// Keeps a record. When this returns, the record survives the death of the process.
    pub fn append(&self, record: &Record<'_>) -> Result<()> {
        let mut journal = self.journal.lock();
        let journal = journal.as_mut().ok_or_else(closed)?;
        let position = journal.append(record)?;
        let mut state = self.state.lock();
        state.accepted = Mark { position, records: state.accepted.records + 1 };
        Ok(())
    }

    /// Sets how the files of a project are written.
    pub fn set_options(&self, project: &str, options: FileOptions) {
        self.state.lock().options.push((project.to_string(), options));
    }

    /// What became of the records.
    pub fn stats(&self) -> Stats {
        let state = self.state.lock();
        Stats {
            accepted: state.accepted.records,
            packed: state.durable.records,
            waiting: state.accepted.records.saturating_sub(state.durable.records),
            waiting_bytes: state.accepted.position.saturating_sub(state.durable.position),
            last_error: state.failure.clone(),
            ..Stats::default()
        }
    }

    /// Waits until everything accepted so far is in data files on the disk, and, if asked, until those are closed.
    /// Returns how many records are not, when the time is over.
    pub fn flush(&self, limit: Option<Duration>, close: bool) -> Result<u64> {
        let deadline = limit.map(|limit| Instant::now() + limit);
        let mut state = self.state.lock();
        let wanted = state.accepted;
        state.wanted = state.wanted.max(wanted.position);
        if close {
            state.close_asked += 1;
        }
        let turn = state.close_asked;
        state.failure = None;
        self.asked.notify_one();
        while state.durable.position < wanted.position || (close && state.close_done < turn) {
            if let Some(error) = &state.failure {
                return Err(error.clone());
            }
            if state.stopped {
                return Err(closed());
            }
            let in_time = match deadline {
                Some(deadline) => !self.answered.wait_until(&mut state, deadline).timed_out(),
                None => {
                    self.answered.wait(&mut state);
                    true
                }
            };
            if !in_time {
                return Ok(wanted.records.saturating_sub(state.durable.records));
            }
        }
        Ok(0)
    }

    /// Has the packer pack what is left and end. When it does so within the limit, no thread is left behind; else it goes
    /// on by itself, and what it cannot finish stays in the journal for the next start.
    pub fn stop(&self, limit: Duration) {
        let deadline = Instant::now() + limit;
        let mut state = self.state.lock();
        state.stop = true;
        self.asked.notify_one();
        while !state.stopped {
            if self.answered.wait_until(&mut state, deadline).timed_out() {
                return;
            }
        }
        drop(state);
        let thread = self.thread.lock().take();
        if let Some(thread) = thread {
            // It has nothing left to do. A fault on it was told when it happened.
            let _ = thread.join();
        }
    }
}

/// Tells those who wait that the packer has ended, in whatever way: nobody may wait for ever.
struct Ended(Arc<Session>);

impl Drop for Ended {
    fn drop(&mut self) {
        self.0.state.lock().stopped = true;
        self.0.answered.notify_all();
    }
}

fn closed() -> Error {
    Error::new(Status::Closed, "the offline directory was closed in this process; call weave_init again")
}

/// What the packer's thread works with.
struct Packer {
    output: Output,
    reader: Reader,
    batch: Batch,
    packed: Mark,
    /// Everything below this position survives power loss in the journal itself.
    journal_synced: u64,
    synced: Instant,
}

/// What the packer is to do next.
struct Task {
    accepted: u64,
    pack: bool,
    close: Option<u64>,
    stop: bool,
}

impl Packer {
    fn run(mut self, session: &Session) {
        let mut waiting_since = None;
        loop {
            let task = self.wait(session, &mut waiting_since);
            let done = self.work(session, &task);
            let failed = done.is_err();
            if let Err(error) = &done {
                log::write(log::Level::Error, || error.text().to_string());
            }
            let mut state = session.state.lock();
            match done {
                Ok(durable) => {
                    state.durable = durable;
                    state.close_done = task.close.unwrap_or(state.close_done);
                    state.failure = None;
                }
                Err(error) => state.failure = Some(error),
            }
            session.answered.notify_all();
            if task.stop {
                // What could not be packed stays in the journal, for the next start.
                let whole = !failed && state.durable.position >= state.accepted.position;
                drop(state);
                self.end(session, whole);
                return;
            }
            if failed {
                session.asked.wait_for(&mut state, RETRY_AFTER_FAILURE);
            }
        }
    }

    /// Waits until there is something to do.
    fn wait(&mut self, session: &Session, waiting_since: &mut Option<Instant>) -> Task {
        let mut state = session.state.lock();
        loop {
            for (project, options) in state.options.drain(..) {
                self.output.set_options(&project, options);
            }
            let (accepted, durable) = (state.accepted.position, state.durable.position);
            let waiting = accepted - self.packed.position;
            match (waiting, &waiting_since) {
                (0, _) => *waiting_since = None,
                (_, None) => *waiting_since = Some(Instant::now()),
                _ => {}
            }
            let aged = waiting_since.is_some_and(|since| since.elapsed() >= BATCH_AGE);
            let close = (state.close_asked > state.close_done).then_some(state.close_asked);
            let wanted = state.wanted > durable || close.is_some() || state.stop;
            let look = self.output.has_files() && self.synced.elapsed() >= AGE_CHECK;
            let undurable = accepted > durable.max(self.journal_synced) && self.synced.elapsed() >= DURABILITY_INTERVAL;
            if wanted || aged || waiting >= BATCH_BYTES || undurable || look {
                let pack = wanted || aged || waiting >= BATCH_BYTES;
                if pack {
                    *waiting_since = None;
                }
                return Task { accepted, pack, close, stop: state.stop };
            }
            if accepted > durable {
                session.asked.wait_for(&mut state, POLL);
            } else {
                // Idle: a logging call wakes nobody, so look again now and then.
                session.asked.wait_for(&mut state, POLL * 2);
            }
        }
    }

    /// Does a task; returns the place to which everything is in data files on the disk.
    fn work(&mut self, session: &Session, task: &Task) -> Result<Mark> {
        if task.pack {
            self.pack(task.accepted)?;
        }
        if self.packed.position < task.accepted {
            self.sync_journal(session)?;
            self.journal_synced = task.accepted;
        }
        self.output.sync()?;
        self.output.close_aged()?;
        self.synced = Instant::now();
        if task.close.is_some() || task.stop {
            self.output.close()?;
        }
        if task.pack {
            if let Some(journal) = session.journal.lock().as_mut() {
                journal.free(self.packed.position)?;
            }
        }
        Ok(self.packed)
    }

    /// Packs what was accepted below `limit`.
    fn pack(&mut self, limit: u64) -> Result<()> {
        while self.packed.position < limit {
            // After a failure the same frames are written again: the output knows what is there already.
            if self.batch.is_empty() || self.batch.to <= self.packed.position {
                match self.reader.read(&mut self.batch, BATCH_BYTES, limit)? {
                    Stop::Full | Stop::End => {}
                    Stop::Damaged { path, reason } => {
                        let text = format!("the journal {} was damaged while in use: {reason}", path.display());
                        return Err(Error::new(Status::Io, text));
                    }
                }
                if self.batch.is_empty() {
                    let place = self.packed.position;
                    let text = format!(
                        "the journal ends at position {place}, before what was accepted: it was cut from outside"
                    );
                    return Err(Error::new(Status::Io, text));
                }
            }
            self.output.write(&self.batch)?;
            self.packed = Mark { position: self.batch.to, records: self.packed.records + self.batch.len() as u64 };
        }
        Ok(())
    }

    fn sync_journal(&self, session: &Session) -> Result<()> {
        let files = match session.journal.lock().as_mut() {
            Some(journal) => journal.take_unsynced()?,
            None => Vec::new(),
        };
        let path = Path::new("journal");
        files.iter().try_for_each(|file| file.sync_data().map_err(|cause| Error::io("cannot sync the", path, &cause)))
    }

    fn end(mut self, session: &Session, whole: bool) {
        let journal = session.journal.lock().take();
        let closed = self.output.close();
        if let (Some(journal), true, Ok(())) = (journal, whole, closed) {
            if let Err(error) = journal.remove() {
                log::write(log::Level::Warning, || error.text().to_string());
            }
        }
    }
}
