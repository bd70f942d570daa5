//! The packer: it moves records from the journal of this process into data files.
//!
//! It runs on a thread of its own ([`thread`]) and takes a turn now and then: it packs whole batches, syncs what has to
//! survive a power loss, and carries out what sessions ask for. Between turns nothing is half done.

pub mod batch;
pub mod output;
pub mod thread;

use super::coverage::Coverage;
use super::damaged;
use super::disk::{self, Operation};
use super::held::HeldFile;
use super::journal::log::reader::{Frames, Reader, Stop};
use super::journal::progress::Progress;
use super::journal::ring::Consumer;
use super::journal::{pool, ring_path, stream, Folder};
use super::layout::Access;
use super::limits::{
    Sizes, BATCH_AGE, FAST_LEVEL, HOUSEKEEPING, IDLE_POLL, POLL, QUIET_LIMIT, RETRY_AFTER_FAILURE, SMALL_LEVEL,
    SYNC_EARLY,
};
use super::options::StoreOptions;
use super::process::lock;
use super::quota::{Quota, State};
use super::session::{Request, Session};
use crate::error::{Error, Result, Status};
use crate::log;
use batch::Batch;
use output::Output;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What moves the records of one journal.
pub struct Packer {
    session: Arc<Session>,
    root: PathBuf,
    access: Access,
    folder: Option<Folder>,
    durability: Duration,
    sizes: Sizes,
    output: Output,
    log: LogSource,
    rings: Vec<RingSource>,
    /// The ring that comes first in the next batch.
    first_ring: usize,
    /// When the oldest record that waits was seen first.
    waiting_since: Option<Instant>,
    synced: Instant,
    housekept: Instant,
    /// When it looks again, and how long it pauses while it finds nothing to do.
    due: Instant,
    pause: Duration,
    failed: bool,
    quota: Option<Quota>,
    /// The journal could not be synced: what is in it survives a power loss only once it is packed.
    journal_is_suspect: bool,
    /// How many rings and which segment of the log the journal's folder had when it was synced.
    named: (usize, Option<PathBuf>),
    /// The directory was removed, and with it the files of the journal: what is still in memory is saved.
    vanished: bool,
}

/// How far one stream is.
#[derive(Debug, Clone, Copy, Default)]
struct Marks {
    /// Everything below this is in data files.
    packed: u64,
    /// Everything below this survives a power loss in the journal itself.
    synced: u64,
    /// Everything below this was given back to the journal.
    freed: u64,
}

struct LogSource {
    reader: Reader,
    frames: Frames,
    marks: Marks,
    /// Files that are not on the disk for certain.
    unsynced: Vec<Arc<HeldFile>>,
    /// The last one that is.
    newest: Option<PathBuf>,
}

struct RingSource {
    path: PathBuf,
    consumer: Consumer,
    marks: Marks,
}

impl Packer {
    /// A packer of the session whose journal is in `folder`.
    pub fn new(session: Arc<Session>, folder: Folder, options: &StoreOptions, sizes: Sizes) -> Result<Self> {
        let access = options.access();
        let now = Instant::now();
        let output = Output::new(&options.dir, access, Progress::new(&folder.path), Coverage::default());
        let log = LogSource {
            reader: Reader::new(&folder.path, 0),
            frames: Frames::default(),
            marks: Marks::default(),
            unsynced: Vec::new(),
            newest: None,
        };
        thread::expect();
        Ok(Packer {
            output,
            log,
            session,
            root: options.dir.clone(),
            access,
            folder: Some(folder),
            durability: options.durability_interval.mul_f64(SYNC_EARLY),
            sizes,
            rings: Vec::new(),
            first_ring: 0,
            waiting_since: None,
            synced: now,
            housekept: now,
            due: now,
            pause: POLL,
            failed: false,
            quota: options.quota.map(|bytes| Quota::new(&options.dir, bytes, options.quota_policy, access)),
            journal_is_suspect: false,
            named: (0, None),
            vanished: false,
        })
    }

    /// The offline directory.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Takes a turn if it is time to, or something is asked for. Answers when the next one is due; `None` when it ended.
    pub fn turn_if_due(&mut self) -> Option<Instant> {
        let request = self.session.request();
        let asked = request.asked.is_some();
        // A ring half full wakes the thread before the pause is over.
        if Instant::now() < self.due && !asked && (self.failed || self.waiting() < self.sizes.batch) {
            return Some(self.due);
        }
        let done = self.turn(&request);
        self.failed = done.is_err();
        let pause = match &done {
            Ok(true) => POLL,
            Ok(false) => (self.pause * 2).clamp(POLL, IDLE_POLL),
            Err(_) => RETRY_AFTER_FAILURE,
        };
        self.pause = pause;
        self.due = Instant::now() + pause;
        match done {
            Ok(_) => self.session.succeeded(request.asked),
            Err(error) => {
                log::write(log::Level::Error, || error.text().to_string());
                self.session.failed(&error);
            }
        }
        if request.stop || (self.vanished && !self.failed && self.waiting() == 0) {
            self.end();
            return None;
        }
        if !self.durability.is_zero() && (self.waiting() > 0 || self.output.is_unsynced()) {
            self.due = self.due.min((self.synced + self.durability).max(Instant::now()));
        }
        Some(self.due)
    }

    /// Takes a turn whatever the time is, as if the durability interval were over or had just begun. Answers whether it
    /// goes on, and whether everything accepted was made durable.
    #[cfg(test)]
    pub(in crate::store) fn turn_now(&mut self, interval_is_over: bool) -> (bool, bool) {
        let now = Instant::now();
        let begun = if interval_is_over { now.checked_sub(self.durability).unwrap_or(now) } else { now };
        (self.due, self.synced) = (now, begun);
        let goes_on = self.turn_if_due().is_some();
        (goes_on, self.synced != begun)
    }

    /// Does what there is to do. Answers whether a whole batch was packed.
    fn turn(&mut self, request: &Request) -> Result<bool> {
        for (project, options) in &request.options {
            let mut options = options.clone();
            options.max_size =
                self.quota.as_ref().map_or(options.max_size, |quota| quota.max_file_size(options.max_size));
            self.output.set_options(project, options);
        }
        let quiet = !request.stop || self.session.pool().close(QUIET_LIMIT);
        self.attach_rings();
        let now = Instant::now();
        let waiting = self.waiting();
        self.waiting_since = (waiting > 0).then(|| self.waiting_since.unwrap_or(now));
        let aged = self.waiting_since.is_some_and(|since| now - since >= BATCH_AGE);
        let sync_is_due = !self.durability.is_zero() && now - self.synced >= self.durability;
        let is_worth_it = waiting >= self.sizes.worth_packing || self.journal_is_suspect;
        let everything = request.asked.is_some() || aged || self.vanished || (sync_is_due && is_worth_it);
        let mut packed = false;
        let ends = self.ends();
        if self.waiting_below(&ends) >= if everything { 1 } else { self.sizes.batch } {
            self.look_for_folder();
        }
        while self.waiting_below(&ends) >= if everything { 1 } else { self.sizes.batch } {
            packed |= self.waiting_below(&ends) >= self.sizes.batch;
            self.pack(&ends)?;
            self.waiting_since = None;
        }
        if sync_is_due || request.asked.is_some() {
            self.sync()?;
        }
        if request.close {
            self.output.close()?;
        }
        if now - self.housekept >= HOUSEKEEPING {
            self.housekept = now;
            self.keep_house()?;
        }
        if !quiet {
            let text =
                "a call is being logged while the offline directory is closed; its record is left to the next start";
            return Err(Error::new(Status::Busy, text));
        }
        Ok(packed)
    }

    /// Rings that were made since the last turn.
    fn attach_rings(&mut self) {
        if self.session.pool().made() == self.rings.len() {
            return;
        }
        let folder = self.folder.as_ref().map(|folder| folder.path.clone()).unwrap_or_default();
        for ring in self.session.pool().rings(self.rings.len()) {
            if let Some(consumer) = ring.consumer() {
                let path = ring_path(&folder, self.rings.len() as u16);
                self.rings.push(RingSource { path, consumer, marks: Marks::default() });
            }
        }
    }

    /// Where each stream ends now: the log, then the rings.
    fn ends(&self) -> Vec<u64> {
        std::iter::once(self.session.log_end()).chain(self.rings.iter().map(|r| r.consumer.ring().head())).collect()
    }

    fn marks(&self) -> impl Iterator<Item = &Marks> {
        std::iter::once(&self.log.marks).chain(self.rings.iter().map(|ring| &ring.marks))
    }

    fn waiting_below(&self, ends: &[u64]) -> u64 {
        self.marks().zip(ends).map(|(marks, end)| end.saturating_sub(marks.packed)).sum()
    }

    fn waiting(&self) -> u64 {
        let rings = self.rings.iter().map(|ring| ring.consumer.ring().head() - ring.marks.packed).sum::<u64>();
        self.session.log_end().saturating_sub(self.log.marks.packed) + rings
    }

    /// Packs one batch of what stands below `ends`, and gives its space back to the journal.
    fn pack(&mut self, ends: &[u64]) -> Result<()> {
        let level = if self.waiting() >= 3 * self.sizes.batch { FAST_LEVEL } else { SMALL_LEVEL };
        self.output.set_level(level);
        let (log_end, ring_ends) = ends.split_first().map(|(log, rings)| (*log, rings)).unwrap_or_default();
        let in_rings: u64 =
            self.rings.iter().zip(ring_ends).map(|(ring, end)| end.saturating_sub(ring.marks.packed)).sum();
        // Rings first, since they are what spares the callers the log; but what is in the log must not stay there.
        self.read_log(log_end, self.sizes.batch - in_rings.min(self.sizes.batch / 4 * 3))?;
        let mut batch = Batch::default();
        let log = Some(&self.log.frames).filter(|frames| frames.to > self.log.marks.packed);
        if let (Some(frames), Some(folder)) = (log, &self.folder) {
            batch.begin(stream(&folder.id, 0), self.log.marks.packed);
            frames.iter().for_each(|(end, record)| batch.add(end, record));
        }
        let log_to = log.map(|frames| frames.to);
        let mut reached = Vec::new();
        let mut broken = Vec::new();
        // Another one comes first each time, so that none waits for the others.
        self.first_ring = (self.first_ring + 1) % self.rings.len().max(1);
        let all = self.rings.iter().zip(ring_ends).enumerate();
        for (number, (ring, end)) in all.clone().skip(self.first_ring).chain(all.take(self.first_ring)) {
            if ring.marks.packed == *end || batch.length() >= self.sizes.batch {
                continue;
            }
            batch.begin(ring.consumer.ring().stream(), ring.marks.packed);
            for frame in ring.consumer.frames(ring.marks.packed, *end) {
                match frame {
                    Ok((end, record)) => batch.add(end, record),
                    Err(damage) => {
                        batch.reach(damage.to);
                        broken.push((ring.path.clone(), damage.reason));
                    }
                }
                if batch.length() >= self.sizes.batch {
                    break;
                }
            }
            reached.extend(batch.parts.last().map(|part| (number, part.to)));
        }
        for (path, reason) in broken {
            damaged::set_aside(&self.root, &path, 0, &reason, self.access)?;
        }
        let records = self.output.write(&batch)?.records;
        drop(batch);
        self.log.marks.packed = log_to.unwrap_or(self.log.marks.packed);
        for (number, to) in reached {
            if let Some(ring) = self.rings.get_mut(number) {
                ring.marks.packed = to;
            }
        }
        self.session.count_packed(records);
        self.free()
    }

    /// Reads the next records of the log, of about `size` bytes, unless those that were read are not packed yet.
    fn read_log(&mut self, end: u64, size: u64) -> Result<()> {
        let LogSource { reader, frames, marks, .. } = &mut self.log;
        if marks.packed >= end || frames.to > marks.packed {
            return Ok(());
        }
        match reader.read(frames, size, end)? {
            Stop::Full | Stop::End if !frames.is_empty() => Ok(()),
            Stop::Full | Stop::End => Err(Error::new(
                Status::Io,
                format!(
                    "the journal ends at position {}, before what was accepted: it was cut from outside",
                    marks.packed
                ),
            )),
            Stop::Damaged { path, reason } => Err(Error::new(
                Status::Io,
                format!("the journal {} was damaged while in use: {reason}", path.display()),
            )),
        }
    }

    /// Gives the space of what is packed back to the journal. What survived a power loss there must do so in data files
    /// first.
    fn free(&mut self) -> Result<()> {
        if self.marks().any(|marks| marks.freed < marks.packed && marks.freed < marks.synced) {
            self.output.sync()?;
        }
        for ring in self.rings.iter_mut().filter(|ring| ring.marks.freed < ring.marks.packed) {
            ring.consumer.free(ring.marks.packed);
            ring.marks.freed = ring.marks.packed;
        }
        if self.log.marks.freed < self.log.marks.packed {
            let packed = lock(self.session.log()).take_packed(self.log.marks.packed)?;
            for path in packed {
                disk::remove_file(&path).map_err(|cause| Error::io("cannot free", &path, &cause))?;
            }
            self.log.unsynced.clear();
            self.log.marks.freed = self.log.marks.packed;
            self.session.log_was_packed(self.log.marks.packed);
        }
        self.session.tell_of_room();
        Ok(())
    }

    /// Makes everything accepted so far survive a power loss: in data files, or in the journal.
    fn sync(&mut self) -> Result<()> {
        let started = Instant::now();
        let ends = self.ends();
        self.output.sync()?;
        let synced = self.sync_journal(&ends);
        self.journal_is_suspect |= synced.is_err();
        synced?;
        self.synced = started;
        Ok(())
    }

    fn sync_journal(&mut self, ends: &[u64]) -> Result<()> {
        let Some(folder) = &self.folder else { return Ok(()) };
        let failed = |cause: io::Error| Error::io("cannot sync the journal", &folder.path, &cause);
        for (ring, end) in self.rings.iter_mut().zip(ends.iter().skip(1)) {
            let from = ring.marks.packed.max(ring.marks.synced);
            if from < *end {
                disk::fault(Operation::Sync, &ring.path).map_err(failed)?;
                ring.consumer.sync(from, *end).map_err(failed)?;
                disk::synced(&ring.path);
                ring.marks.synced = *end;
            }
        }
        let log_end = ends.first().copied().unwrap_or_default();
        if self.log.marks.packed.max(self.log.marks.synced) < log_end {
            self.log.unsynced.extend(lock(self.session.log()).take_unsynced());
            self.log.unsynced.iter().try_for_each(|file| file.sync()).map_err(failed)?;
            self.log.newest = self.log.unsynced.drain(..).next_back().map(|file| file.path().to_path_buf());
            self.log.marks.synced = log_end;
        }
        // Content survives a power loss only with the name of its file.
        let files = (self.rings.len(), self.log.newest.clone());
        if self.named != files {
            disk::sync_directory(&folder.path)?;
            self.named = files;
        }
        Ok(())
    }

    fn keep_house(&mut self) -> Result<()> {
        self.output.close_aged()?;
        let written = self.output.take_written();
        if let Some(quota) = &mut self.quota {
            let state = quota.enforce(written)?;
            self.session.pool().set_gate(if state == State::Full { pool::FULL } else { pool::OPEN });
            self.session.set_dropped(quota.dropped());
        }
        self.look_for_folder();
        Ok(())
    }

    /// When somebody removed the offline directory, the data files that are open are in no place any more. What is still
    /// in the journal is packed into others, and the session ends; the one that follows makes the directory again.
    fn look_for_folder(&mut self) {
        if !self.vanished && self.folder.as_ref().is_some_and(|folder| !folder.is_there()) {
            self.vanished = true;
            self.session.vanish();
            self.output.forget();
            log::write(log::Level::Error, || {
                format!("the offline directory {} was removed while in use; it is made again", self.root.display())
            });
        }
    }

    /// Lets go of the journal: removes it when everything in it is on the disk, else leaves it for the next start.
    fn end(&mut self) {
        let whole = !self.failed && self.waiting() == 0;
        let Some(folder) = self.folder.take().filter(|_| whole && !self.vanished) else { return };
        self.rings.clear();
        if let Err(error) = folder.remove() {
            log::write(log::Level::Warning, || error.text().to_string());
        }
    }
}

impl Drop for Packer {
    fn drop(&mut self) {
        thread::release();
        self.session.ended();
    }
}
