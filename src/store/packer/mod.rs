//! The packer: it moves records from the journal of this process into data files.
//!
//! It runs on a thread of its own ([`thread`]) and takes a turn now and then: it packs whole batches, syncs what has to
//! survive a power loss, and carries out what sessions ask for. Between turns nothing is half done.

pub mod batch;
pub mod output;
mod source;
#[cfg(all(test, not(loom)))]
mod tests;
pub mod thread;

use super::control::Request;
use super::coverage::Coverage;
use super::damaged;
use super::journal::progress::Progress;
use super::journal::{pool, Folder};
use super::layout::Access;
use super::limits::{
    Sizes, BATCH_AGE, FAST_LEVEL, HOUSEKEEPING, IDLE_POLL, POLL, QUIET_LIMIT, RETRY_AFTER_FAILURE, SMALL_LEVEL,
    SYNC_EARLY,
};
use super::options::StoreOptions;
use super::quota::{Quota, State};
use super::session::Session;
use crate::error::{Error, Result, Status};
use crate::log;
use output::Output;
use source::{Ends, Sources};
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
    sources: Sources,
    /// When the oldest record that waits was seen first.
    waiting_since: Option<Instant>,
    synced: Instant,
    housekept: Instant,
    /// When it looks again, and how long it pauses while it finds nothing to do.
    due: Instant,
    pause: Duration,
    /// Whether the last turn failed, and the request that it was for.
    failed: bool,
    tried: Option<u64>,
    quota: Option<Quota>,
    /// The journal could not be synced: what is in it survives a power loss only once it is packed.
    journal_is_suspect: bool,
    /// The directory was removed, and with it the files of the journal: what is still in memory is saved.
    vanished: bool,
}

impl Packer {
    /// A packer of the session whose journal is in `folder`.
    pub fn new(session: Arc<Session>, folder: Folder, options: &StoreOptions, sizes: Sizes) -> Result<Self> {
        let access = options.access();
        let now = Instant::now();
        let output = Output::new(&options.dir, access, Progress::new(&folder.path), Coverage::default());
        let sources = Sources::new(&folder);
        thread::expect();
        Ok(Packer {
            output,
            sources,
            session,
            root: options.dir.clone(),
            access,
            folder: Some(folder),
            durability: options.durability_interval.mul_f64(SYNC_EARLY),
            sizes,
            waiting_since: None,
            synced: now,
            housekept: now,
            due: now,
            pause: POLL,
            failed: false,
            tried: None,
            quota: options.quota.map(|bytes| Quota::new(&options.dir, bytes, options.quota_policy, access)),
            journal_is_suspect: false,
            vanished: false,
        })
    }

    /// The offline directory.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Takes a turn if it is time to, or something is asked for. Answers when the next one is due; `None` when it ended.
    pub fn turn_if_due(&mut self) -> Option<Instant> {
        let request = self.session.control().request();
        let is_wanted = match self.failed {
            // What waits for room does so because of the failure, and asks again and again.
            true => request.stop || request.asked > self.tried,
            // A ring half full wakes the thread before the pause is over.
            false => request.asked.is_some() || self.session.was_full(false) || self.waiting() >= self.sizes.batch,
        };
        // Somewhat early is as good: journals that are idle are looked at together then, and wake the processor no more
        // often than one.
        let early = if self.failed { Duration::ZERO } else { self.pause / 2 };
        if Instant::now() + early < self.due && !is_wanted {
            return Some(self.due);
        }
        self.tried = request.asked;
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
            Ok(_) => self.session.control().succeeded(request.asked),
            Err(error) => {
                log::write(log::Level::Error, || error.text().to_string());
                self.session.failed(&error);
            }
        }
        if request.stop || (self.vanished && !self.failed && self.waiting() == 0) {
            self.end();
            return None;
        }
        if !self.failed && !self.durability.is_zero() && (self.waiting() > 0 || self.output.is_unsynced()) {
            self.due = self.due.min(self.synced + self.durability);
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
        let done = self.work(request);
        // Also when nothing can be written: the quota may make the room for it.
        let kept = if self.housekept.elapsed() >= HOUSEKEEPING { self.keep_house() } else { Ok(()) };
        done.and_then(|whole_batch| kept.map(|()| whole_batch))
    }

    fn work(&mut self, request: &Request) -> Result<bool> {
        for (project, mut options) in self.session.control().take_options() {
            if let Some(quota) = &self.quota {
                options.max_size = quota.max_file_size(options.max_size);
            }
            self.output.set_options(&project, options);
        }
        let quiet = !request.stop || self.session.pool().close(QUIET_LIMIT);
        self.sources.attach(self.session.pool());
        let seen = Instant::now();
        let ends = self.sources.ends(&self.session);
        let waiting = self.sources.waiting_below(&ends);
        self.waiting_since = (waiting > 0).then(|| self.waiting_since.unwrap_or(seen));
        let aged = self.waiting_since.is_some_and(|since| seen - since >= BATCH_AGE);
        let is_worth_it = waiting >= self.sizes.worth_packing || self.journal_is_suspect;
        let everything = request.asked.is_some()
            || self.session.was_full(true)
            || aged
            || self.vanished
            || (self.sync_is_due() && is_worth_it);
        let least = if everything { 1 } else { self.sizes.batch };
        if waiting >= least {
            self.look_for_folder();
        }
        while self.sources.waiting_below(&ends) >= least {
            self.pack(&ends)?;
            self.waiting_since = None;
            if self.sync_is_due() {
                self.sync(&ends, seen)?;
            }
        }
        if self.sources.are_to_be_freed() {
            self.free()?; // an earlier attempt failed
        }
        if self.sync_is_due() || request.asked.is_some() {
            self.sync(&ends, seen)?;
        }
        if request.close {
            self.output.close()?;
        }
        if !quiet {
            let text =
                "a call is being logged while the offline directory is closed; its record is left to the next start";
            return Err(Error::new(Status::Busy, text));
        }
        Ok(waiting >= self.sizes.batch)
    }

    fn waiting(&self) -> u64 {
        self.sources.waiting(&self.session)
    }

    /// Packs one batch of what stands below `ends`, and gives its space back to the journal. An error when there is
    /// none, so that nobody tries for ever.
    fn pack(&mut self, ends: &Ends) -> Result<()> {
        let level = if self.waiting() >= 3 * self.sizes.batch { FAST_LEVEL } else { SMALL_LEVEL };
        self.output.set_level(level);
        let set_aside = |path: &Path, reason: &str| damaged::set_aside(&self.root, path, 0, reason, self.access);
        self.sources.read_log(ends, self.sizes.batch, &self.session, set_aside)?;
        let mut taken = self.sources.take(ends, self.sizes.batch);
        for (path, reason) in taken.broken.drain(..) {
            set_aside(&path, &reason)?;
        }
        let records = self.output.write(&taken.batch)?.records;
        let (reached, before) = (taken.reached, self.sources.waiting_below(ends));
        self.sources.packed(&reached);
        if self.sources.waiting_below(ends) >= before {
            let text = format!("{before} bytes in the journal can not be read; they are left to the next start");
            return Err(Error::new(Status::Io, text));
        }
        self.session.count_packed(records);
        self.free()
    }

    /// Gives the space of what is packed back to the journal.
    fn free(&mut self) -> Result<()> {
        // What survives a power loss in the journal must do so in data files before it is gone there.
        if self.sources.frees_what_is_synced() {
            self.output.sync()?;
        }
        self.sources.free(&self.session)
    }

    fn sync_is_due(&self) -> bool {
        !self.durability.is_zero() && self.synced.elapsed() >= self.durability
    }

    /// Makes everything that stands below `ends` survive a power loss: in data files, or in the journal. It was all that
    /// there was at the time `seen`.
    fn sync(&mut self, ends: &Ends, seen: Instant) -> Result<()> {
        self.output.sync()?;
        if let Err(error) = self.sources.sync(ends, &self.session) {
            self.journal_is_suspect = true;
            return Err(error);
        }
        self.synced = seen;
        Ok(())
    }

    fn keep_house(&mut self) -> Result<()> {
        self.housekept = Instant::now();
        self.look_for_folder();
        let closed = self.output.close_aged();
        self.enforce_quota().and(closed)
    }

    fn enforce_quota(&mut self) -> Result<()> {
        let written = self.output.take_written();
        if let Some(quota) = &mut self.quota {
            let state = quota.enforce(written)?;
            self.session.pool().set_gate(if state == State::Full { pool::FULL } else { pool::OPEN });
            self.session.set_dropped(quota.dropped());
        }
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
        self.sources.let_go_of_rings();
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
