//! The quota on an offline directory: whole closed files are deleted to keep it, those that were sent first.
//!
//! Called by the packer of every process that has the directory open. One of them makes room at a time; the lock is on
//! the library's folder itself, so that none has to be made on a full disk.
//!
//! The journals are not counted: they have limits of their own, and nothing in them can be deleted.

pub mod drop;
mod fold;
mod note;
#[cfg(test)]
mod tests;

use super::bodies::Bodies;
use super::data_file::FileOptions;
use super::layout::{self, Access, DataFile, ProjectDir, LIBRARY_FOLDER};
use super::needed::Needed;
use super::options::QuotaPolicy;
use super::{journal, limits, lock, recovery, retention, usage};
use crate::error::Result;
use crate::log;
use crate::record::kind::Kind;
pub use note::Summary;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// In this order files of one date and number are dropped: what others refer to comes last.
const DROP_ORDER: [Kind; 7] =
    [Kind::Calls, Kind::Feedback, Kind::Metadata, Kind::Files, Kind::Tables, Kind::Objects, Kind::Ops];

/// Whether new records may be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// There is room.
    Room,
    /// The quota is reached and nothing may be deleted: records are to be refused.
    Full,
}

/// Keeps one offline directory within its quota.
pub struct Quota {
    root: PathBuf,
    bytes: u64,
    policy: QuotaPolicy,
    access: Access,
    state: State,
    /// What was there at the last look, and what this process has written since.
    usage: u64,
    written: u64,
    looked: Option<Instant>,
    /// How long that look took.
    cost: Duration,
    /// How long the bytes of a file stay although no data file names them.
    body_grace: Duration,
    dropped: u64,
}

struct Candidate {
    file: DataFile,
    kind: Kind,
    bytes: u64,
    is_last: bool,
}

impl Quota {
    /// A quota of so many bytes for everything in `root` beside the journals.
    pub fn new(root: &Path, bytes: u64, policy: QuotaPolicy, access: Access) -> Self {
        Quota {
            root: root.to_path_buf(),
            bytes,
            policy,
            access,
            state: State::Room,
            usage: 0,
            written: 0,
            looked: None,
            cost: Duration::ZERO,
            body_grace: limits::QUOTA_BODY_GRACE,
            dropped: 0,
        }
    }

    /// The largest data file that the quota allows, so that there is always one that is closed and can be deleted.
    pub fn max_file_size(&self, wanted: u64) -> u64 {
        wanted.min((self.bytes / limits::QUOTA_FILES).max(limits::QUOTA_FILE_MIN))
    }

    /// How many records that were not sent this process has dropped.
    pub fn dropped(&self) -> u64 {
        self.dropped
    }

    /// Makes room where it is needed. `written` bytes were written since the last time; the directory is measured only
    /// when these may have filled it, and now and then for what other processes write.
    pub fn enforce(&mut self, written: u64) -> Result<State> {
        self.written += written;
        if !self.is_due() {
            return Ok(self.state);
        }
        let library = self.root.join(LIBRARY_FOLDER);
        self.access.make_directory(&library)?;
        // Another process makes room now; how much there is then is measured the next time.
        let Some(_lock) = lock::try_hold(&library)? else { return Ok(self.state) };
        let begun = Instant::now();
        let done = self.make_room();
        (self.looked, self.cost) = (Some(Instant::now()), begun.elapsed());
        done?;
        self.written = 0;
        // Between the two marks it stays as it is, so that it does not change with every file.
        if self.usage > self.high() {
            self.state = State::Full;
        } else if self.usage <= self.low() || self.policy == QuotaPolicy::DropOldest {
            self.state = State::Room;
        }
        Ok(self.state)
    }

    /// Above this, room is made: early enough that the quota is not passed until the next look.
    fn high(&self) -> u64 {
        self.bytes - self.bytes / 32
    }

    /// Down to this room is made.
    fn low(&self) -> u64 {
        self.bytes - self.bytes / 16
    }

    fn is_due(&self) -> bool {
        let Some(age) = self.looked.map(|at| at.elapsed()) else { return true };
        // Whether others have made room: but a directory with very many files is not measured all the time.
        let is_cheap = self.cost < Duration::from_secs(1) || age >= self.cost * 10;
        let room = self.high().saturating_sub(self.usage);
        match self.state {
            State::Full => is_cheap,
            // Others may have written as much.
            State::Room => self.written > room || (self.written > room / 4 && is_cheap) || age >= limits::QUOTA_LOOK,
        }
    }

    fn measure(&self) -> Result<u64> {
        let journals = usage::bytes_below(&journal::folder(&self.root))?;
        Ok(usage::bytes_below(&self.root)?.saturating_sub(journals))
    }

    fn make_room(&mut self) -> Result<()> {
        let projects = layout::projects(&self.root)?;
        self.finish_drops(&projects)?;
        self.usage = self.measure()?;
        let is_full = self.state == State::Full;
        if self.usage > if is_full { self.low() } else { self.high() } {
            if journal::is_any_left(&self.root)? {
                self.recover()?;
            }
            self.delete_synced(&projects)?;
            self.delete_bodies(&projects)?;
            if self.policy == QuotaPolicy::DropOldest && self.usage > self.low() {
                self.drop_oldest(&projects)?;
                self.delete_bodies(&projects)?;
            }
            for project in &projects {
                Kind::ALL.iter().try_for_each(|kind| retention::forget_numbers(&project.kind(*kind)))?;
            }
        }
        // Last: it needs a little space itself.
        attempt(fold::fold(&self.root, self.access, self.bytes / limits::QUOTA_NOTES));
        self.usage = self.measure()?;
        Ok(())
    }

    /// Packs what dead processes left: as long as it waits, files and bytes stay that were sent long since, and what
    /// was not sent would be dropped in their place.
    fn recover(&mut self) -> Result<()> {
        let max_size = self.max_file_size(limits::MAX_FILE_SIZE);
        let files = FileOptions { max_size, ..FileOptions::default() };
        attempt(recovery::recover(&self.root, self.access, &files, limits::Sizes::USUAL));
        self.usage = self.measure()?;
        Ok(())
    }

    fn finish_drops(&mut self, projects: &[ProjectDir]) -> Result<()> {
        for folder in projects.iter().flat_map(|project| Kind::ALL.map(|kind| project.kind(kind))) {
            for dropping in drop::unfinished(&folder)? {
                self.dropped += attempt(drop::finish(&dropping, self.access, self.note_limit())).unwrap_or(0);
            }
        }
        Ok(())
    }

    fn delete_synced(&mut self, projects: &[ProjectDir]) -> Result<()> {
        let candidates = candidates(projects, true)?;
        let needed = Needed::look(&self.root)?;
        for Candidate { file, bytes, is_last, .. } in candidates {
            if self.usage <= self.low() {
                break;
            }
            if attempt(delete(&file, is_last, &needed)) == Some(true) {
                self.usage = self.usage.saturating_sub(bytes);
            }
        }
        Ok(())
    }

    fn drop_oldest(&mut self, projects: &[ProjectDir]) -> Result<()> {
        let candidates = candidates(projects, false)?;
        let needed = Needed::look(&self.root)?;
        for Candidate { file, kind, bytes, .. } in candidates {
            if self.usage <= self.low() {
                break;
            }
            if bytes == 0 {
                continue; // a file that was just made is not locked yet
            }
            let Some(Some(_held)) = attempt(lock::try_hold(&file.path)) else { continue };
            if attempt(needed.needs(&file)) != Some(false) {
                continue;
            }
            if let Some(Some(records)) = attempt(drop::drop_file(&file, self.access, self.note_limit())) {
                self.dropped += records;
                let note = fs::metadata(file.note_path()).map(|about| about.len()).unwrap_or_default();
                self.usage = (self.usage + note).saturating_sub(bytes);
                if kind == Kind::Files {
                    self.delete_bodies(projects)?;
                }
            }
        }
        Ok(())
    }

    /// Deletes bytes of files that no record needs any more.
    fn delete_bodies(&mut self, projects: &[ProjectDir]) -> Result<()> {
        if journal::is_any_left(&self.root)? {
            return Ok(());
        }
        for project in projects {
            if self.usage <= self.low() {
                break;
            }
            let Some(Some(needed)) = attempt(Bodies::needed(project)) else { continue };
            let folder = project.kind(Kind::Files);
            let freed = retention::delete_bodies(&folder, self.body_grace, |name| needed.contains(name));
            self.usage = self.usage.saturating_sub(attempt(freed).unwrap_or(0));
        }
        Ok(())
    }

    fn note_limit(&self) -> u64 {
        (self.bytes / limits::QUOTA_NOTE).clamp(limits::QUOTA_NOTE_MIN, limits::QUOTA_NOTE_MAX)
    }
}

/// What cannot be done with one file must not keep the others from making room.
fn attempt<T>(done: Result<T>) -> Option<T> {
    if let Err(error) = &done {
        log::write(log::Level::Warning, || format!("making room for the quota: {error}"));
    }
    done.ok()
}

/// Deletes a closed file, unless somebody has it or a journal needs it.
fn delete(file: &DataFile, is_last: bool, needed: &Needed) -> Result<bool> {
    let Some(_held) = lock::try_hold(&file.path)? else { return Ok(false) };
    if needed.needs(file)? {
        return Ok(false);
    }
    retention::remove(file, is_last).map(|_| true)
}

/// The data files of every project, oldest first.
fn candidates(projects: &[ProjectDir], synced: bool) -> Result<Vec<Candidate>> {
    let mut found = Vec::new();
    for project in projects {
        for (rank, kind) in DROP_ORDER.into_iter().enumerate() {
            let folder = project.kind(kind);
            let last = layout::last_numbers(&folder)?;
            for file in layout::data_files(&folder)?.into_iter().filter(|file| file.synced == synced) {
                let Ok(about) = fs::metadata(&file.path) else { continue };
                let is_last = last.get(&file.date) == Some(&file.number);
                found.push((rank, Candidate { file, kind, bytes: about.len(), is_last }));
            }
        }
    }
    found.sort_by(|(a_rank, a), (b_rank, b)| {
        (&a.file.date, a.file.number, a_rank, &a.file.path).cmp(&(&b.file.date, b.file.number, b_rank, &b.file.path))
    });
    Ok(found.into_iter().map(|(_, candidate)| candidate).collect())
}
