//! One process at work on one offline directory: what logging threads do, and what they and the packer tell each other.
//!
//! Locks, in the order in which they may be taken: `log`, then `control`. The packer holds neither while it reads,
//! compresses or writes data files.

use super::control::{closed, Control};
use super::data_file::FileOptions;
use super::journal::log::ends::Ends;
use super::journal::log::writer::Log;
use super::journal::pool::{self, Appended, Pool};
use super::journal::Folder;
use super::limits::{Sizes, MAX_RECORD_BYTES};
use super::options::{StoreOptions, WhenFull};
use super::packer::{thread, Packer};
use super::process::{self, lock};
use super::stats::{JournalKind, JournalStats, Stats};
use crate::error::{Error, Result, Status};
use crate::record::frame::Record;
use std::sync::atomic::{fence, AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// The journal of this process in one offline directory, and what is asked of its packer.
pub struct Session {
    generation: u32,
    when_full: WhenFull,
    journal_size: u64,
    /// The directory is not there any more: a session that follows takes what comes.
    vanished: AtomicBool,
    pool: Arc<Pool>,
    log: Mutex<Log>,
    log_ends: Ends,
    /// Everything in the log below this is in data files.
    log_packed: AtomicU64,
    /// Tells that the packer gave space back, or that it never will. Waited for with the log locked.
    room: Condvar,
    /// How many threads wait for that.
    waiting: AtomicUsize,
    /// Somebody found the journal full: it is to be packed, however little that is.
    is_full: AtomicBool,
    control: Control,
    counters: Counters,
}

#[derive(Default)]
struct Counters {
    refused: AtomicU64,
    blocked: AtomicU64,
    packed: AtomicU64,
    dropped: AtomicU64,
    failures: AtomicU64,
    /// Records that the store wrote about itself.
    own: AtomicU64,
}

impl Session {
    /// Makes a journal and has it packed from now on.
    pub fn start(options: &StoreOptions) -> Result<Arc<Session>> {
        let (session, packer) = Session::prepare(options, Sizes::USUAL)?;
        thread::adopt(packer)?;
        Ok(session)
    }

    /// Makes a journal, and the packer for it.
    pub(super) fn prepare(options: &StoreOptions, sizes: Sizes) -> Result<(Arc<Session>, Packer)> {
        let access = options.access();
        let folder = Folder::create(&options.dir, access)?;
        let made = Pool::create(&folder.path, folder.id, access, options.mapped_journal, sizes.ring);
        let pool = match made {
            Ok(pool) => pool,
            Err(error) => {
                let _ = folder.remove();
                return Err(error);
            }
        };
        let session = Arc::new(Session {
            generation: process::generation(),
            when_full: options.when_full,
            journal_size: options.journal_size,
            vanished: AtomicBool::new(false),
            pool,
            log: Mutex::new(Log::new(&folder.path, folder.id, access, sizes.segment)),
            log_ends: Ends::default(),
            log_packed: AtomicU64::new(0),
            room: Condvar::new(),
            waiting: AtomicUsize::new(0),
            is_full: AtomicBool::new(false),
            control: Control::default(),
            counters: Counters::default(),
        });
        let packer = Packer::new(session.clone(), folder, options, sizes)?;
        Ok((session, packer))
    }

    /// Whether this session still takes records: it is not that of a parent process, and its directory is there.
    #[inline]
    pub fn is_current(&self) -> bool {
        self.generation == process::generation() && !self.vanished.load(Ordering::Relaxed)
    }

    /// Whether this is the process that started the session, and not a child of it.
    pub fn is_of_this_process(&self) -> bool {
        self.generation == process::generation()
    }

    /// Keeps a record, and answers its length. When this returns, the record survives the death of the process.
    #[inline]
    pub fn append(&self, record: &Record<'_>) -> Result<usize> {
        match self.append_to_ring(record) {
            Some(length) => Ok(length),
            None => self.append_to_log(record).inspect_err(|error| {
                // One that no journal takes is the caller's mistake.
                if error.status() != Status::TooLarge {
                    self.counters.refused.fetch_add(1, Ordering::Relaxed);
                }
            }),
        }
    }

    /// Keeps a record that the store writes about itself.
    pub fn append_own(&self, record: &Record<'_>) -> Result<()> {
        self.append_to_log(record)?;
        self.counters.own.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    #[inline]
    fn append_to_ring(&self, record: &Record<'_>) -> Option<usize> {
        if !record.record_type.is_part_of_call() {
            return None;
        }
        match self.pool.append(record) {
            Appended::Kept { length, half_full } => {
                if half_full {
                    thread::wake();
                }
                Some(length)
            }
            Appended::NoRoom | Appended::Shut => None,
        }
    }

    #[cold]
    fn append_to_log(&self, record: &Record<'_>) -> Result<usize> {
        let length = record.encoded_length();
        if length > MAX_RECORD_BYTES {
            return Err(Error::new(
                Status::TooLarge,
                format!(
                    "{}: {length} bytes, and servers take at most {MAX_RECORD_BYTES} in one request; keep the large part \
                     in a file and put what its creation answered here",
                    record.record_type.name()
                ),
            ));
        }
        let mut log = lock(&self.log);
        let mut waiting = None;
        loop {
            self.check_room()?;
            let before = log.position() - self.log_packed.load(Ordering::Acquire);
            if before == 0 || before + length as u64 <= self.journal_size {
                log.append(record, length)?;
                self.log_ends.reach(log.position(), record.record_type.is_part_of_call());
                return Ok(length);
            }
            match &waiting {
                // Looked at once more: what the packer frees from now on it tells of.
                None => waiting = Some(self.begin_waiting()?),
                Some(waiting) => log = self.wait_for_room(log, waiting)?,
            }
            // The packer frees rings as well.
            if let Some(length) = self.append_to_ring(record) {
                return Ok(length);
            }
        }
    }

    /// Until when to wait for room, or that it is not to be waited for.
    fn begin_waiting(&self) -> Result<Waiting<'_>> {
        let WhenFull::Block(limit) = self.when_full else {
            self.ask_for_room();
            return Err(self.full());
        };
        self.counters.blocked.fetch_add(1, Ordering::Relaxed);
        self.waiting.fetch_add(1, Ordering::SeqCst);
        fence(Ordering::SeqCst); // with the one in `tell_of_room`: one of the two sees what the other has done
        Ok(Waiting { threads: &self.waiting, deadline: Instant::now() + limit })
    }

    fn ask_for_room(&self) {
        self.is_full.store(true, Ordering::SeqCst);
        thread::wake();
    }

    fn wait_for_room<'l>(&self, log: MutexGuard<'l, Log>, waiting: &Waiting<'_>) -> Result<MutexGuard<'l, Log>> {
        // While the packer cannot write, there will be no room.
        if let Some(error) = self.control.failure() {
            return Err(error.context("the journal is full"));
        }
        let left = waiting.deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(self.full());
        }
        self.ask_for_room();
        Ok(self.room.wait_timeout(log, left).unwrap_or_else(PoisonError::into_inner).0)
    }

    /// Refuses when the directory may not grow, or is closed.
    pub fn check_room(&self) -> Result<()> {
        match self.pool.gate() {
            pool::OPEN => Ok(()),
            pool::FULL => Err(over_quota()),
            _ => Err(closed()),
        }
    }

    fn full(&self) -> Error {
        Error::new(
            Status::NoSpace,
            format!(
                "the journal is full: {} bytes wait to be packed; log less, or give it more room (journal_size)",
                self.journal_size
            ),
        )
    }

    /// Sets how the files of a project are written.
    pub fn set_options(&self, project: &str, options: FileOptions) {
        self.control.set_options(project, options);
    }

    /// Waits until everything accepted so far is in data files on the disk, and, if asked, until those are closed.
    /// Returns how many records are not, when the time is over.
    pub fn flush(&self, limit: Option<Duration>, close: bool) -> Result<u64> {
        let deadline = limit.and_then(|limit| Instant::now().checked_add(limit));
        let request = self.control.ask(close);
        thread::wake();
        match self.control.wait(request, deadline) {
            Some(answer) => answer.map(|()| 0),
            None => Ok(self.stats().waiting.max(1)),
        }
    }

    /// Has the packer pack what is left and end, and waits for that as long as the limit says. What it cannot finish stays
    /// in the journal for the next start.
    pub fn stop(&self, limit: Duration) {
        let deadline = Instant::now() + limit;
        self.pool.set_gate(pool::CLOSED);
        self.wake_waiting();
        self.control.ask_to_stop();
        thread::wake();
        if self.control.wait_for_end(deadline) {
            thread::join_if_idle();
        }
    }

    /// What was counted.
    pub fn stats(&self) -> Stats {
        let of = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let packed = of(&self.counters.packed);
        let rings = self.pool.rings(0);
        let log = lock(&self.log);
        let accepted = (rings.iter().map(|ring| ring.records()).sum::<u64>() + log.records())
            .saturating_sub(of(&self.counters.own));
        let log_end = log.position();
        drop(log);
        let log_waits = log_end.saturating_sub(of(&self.log_packed)); // the packer goes on meanwhile
        let waiting_bytes = log_waits + rings.iter().map(|ring| ring.head().saturating_sub(ring.freed())).sum::<u64>();
        let (kind, bytes) = match self.pool.is_mapped() {
            true => (JournalKind::Mapped, rings.iter().map(|ring| ring.capacity() as u64).sum::<u64>() + log_waits),
            false => (JournalKind::Write, log_waits),
        };
        Stats {
            accepted,
            packed: packed.min(accepted),
            refused: of(&self.counters.refused),
            dropped: of(&self.counters.dropped),
            waiting: accepted.saturating_sub(packed),
            waiting_bytes,
            journal: JournalStats { kind, bytes },
            blocked: of(&self.counters.blocked),
            failures: of(&self.counters.failures),
            last_error: self.control.last_error(),
        }
    }
}

/// What the packer sees and answers.
impl Session {
    pub(super) fn pool(&self) -> &Arc<Pool> {
        &self.pool
    }

    pub(super) fn log(&self) -> &Mutex<Log> {
        &self.log
    }

    /// Where the log's last record ends, and its last one that is no part of a call. A call that is logged later may
    /// refer to that.
    pub(super) fn log_ends(&self) -> (u64, u64) {
        self.log_ends.get()
    }

    pub(super) fn control(&self) -> &Control {
        &self.control
    }

    /// Whether the journal was found full since the packer last asked with `take`.
    pub(super) fn was_full(&self, take: bool) -> bool {
        if take {
            self.is_full.swap(false, Ordering::SeqCst)
        } else {
            self.is_full.load(Ordering::Relaxed)
        }
    }

    /// Everything in the log below a position is in data files.
    pub(super) fn log_was_packed(&self, position: u64) {
        self.log_packed.store(position, Ordering::Release);
    }

    /// Space was given back.
    pub(super) fn tell_of_room(&self) {
        fence(Ordering::SeqCst);
        if self.waiting.load(Ordering::SeqCst) > 0 {
            self.wake_waiting();
        }
    }

    fn wake_waiting(&self) {
        // Taken, so that nobody is between looking for room and waiting for it.
        drop(lock(&self.log));
        self.room.notify_all();
    }

    pub(super) fn count_packed(&self, records: u64) {
        self.counters.packed.fetch_add(records, Ordering::Relaxed);
    }

    pub(super) fn set_dropped(&self, records: u64) {
        self.counters.dropped.store(records, Ordering::Relaxed);
    }

    /// What was asked for could not be done; it is tried again.
    pub(super) fn failed(&self, error: &Error) {
        self.counters.failures.fetch_add(1, Ordering::Relaxed);
        self.control.failed(error);
        self.wake_waiting();
    }

    /// The directory is gone: nothing more is taken here.
    pub(super) fn vanish(&self) {
        self.vanished.store(true, Ordering::Relaxed);
        self.pool.set_gate(pool::CLOSED);
    }

    /// The packer has ended, in whatever way.
    pub(super) fn ended(&self) {
        self.pool.set_gate(pool::CLOSED);
        self.control.ended();
        self.wake_waiting();
    }
}

/// A thread that waits for room.
struct Waiting<'s> {
    threads: &'s AtomicUsize,
    deadline: Instant,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.threads.fetch_sub(1, Ordering::SeqCst);
    }
}

fn over_quota() -> Error {
    Error::new(
        Status::NoSpace,
        "the offline directory has reached its quota; sync and clean it, raise max_directory_size, or let the quota policy \
         drop the oldest records",
    )
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn what_the_packer_does_while_its_work_is_counted_leaves_nothing_waiting() {
        let root = tempfile::tempdir().unwrap();
        let options = StoreOptions { dir: root.path().to_path_buf(), ..StoreOptions::default() };
        let (session, _packer) = Session::prepare(&options, Sizes::USUAL).unwrap();
        session.log_was_packed(1);
        assert_eq!(session.stats().waiting_bytes, 0);
    }
}
