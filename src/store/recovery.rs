//! Packing journals whose process is gone.
//!
//! Every record that was accepted gets into data files exactly once, however often a recovery is itself cut short: the
//! members say what they cover, and a journal is removed only when everything is on the disk. Two recoveries at once are
//! kept apart by the journal's lock. Memory is bounded: one ring, or one batch of the log, at a time.

use super::coverage::Coverage;
use super::damaged;
use super::data_file::FileOptions;
use super::disk;
use super::held::HeldFile;
use super::journal::log::reader::{Frames, Reader, Stop};
use super::journal::progress::Progress;
use super::journal::ring::RingFile;
use super::journal::{self, StreamId};
use super::layout::{self, Access};
use super::limits::{self, Sizes};
use super::lock;
use super::packer::batch::Batch;
use super::packer::output::{Output, Written};
use super::survey::{survey, Sought};
use crate::error::{Error, Result};
use crate::log;
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// How many journals are taken at a time: each holds its lock open.
const AT_A_TIME: usize = 64;

/// A journal whose process is gone, locked by this one.
struct Abandoned {
    path: PathBuf,
    id: StreamId,
    rings: Vec<PathBuf>,
    of_this_boot: bool,
    batch: u64,
    _lock: HeldFile,
}

/// Packs every abandoned journal of an offline directory. A journal that cannot be packed now is left for the next time
/// and does not keep the others from being packed; the first such failure is returned at the end.
pub fn recover(root: &Path, access: Access, options: &FileOptions, sizes: Sizes) -> Result<()> {
    let mut failure = None;
    // What is locked from now on may be of a process that is gone. Where folders cannot be locked, nobody is told.
    let _recovering = lock::share(&journal::folder(root), limits::RECOVERY_LOCK_LIMIT);
    if let Err(error) = journal::remove_unborn(root, access) {
        note(&mut failure, &journal::folder(root), error);
    }
    for some in journal::all(root)?.chunks(AT_A_TIME) {
        let mut journals = Vec::new();
        for path in some {
            match Abandoned::take(path, access, sizes.batch) {
                Ok(taken) => journals.extend(taken),
                Err(error) => note(&mut failure, path, error),
            }
        }
        if journals.is_empty() {
            continue;
        }
        let coverage = survey(root, access, &sought(&journals)?)?;
        for journal in journals {
            if let Err(error) = journal.pack(root, access, options, &coverage) {
                note(&mut failure, &journal.path, error);
            }
        }
    }
    failure.map_or(Ok(()), Err)
}

fn note(failure: &mut Option<Error>, path: &Path, error: Error) {
    let error = error.context(format!("recovery of {}", path.display()));
    log::write(log::Level::Warning, || error.text().to_string());
    failure.get_or_insert(error);
}

fn sought(journals: &[Abandoned]) -> Result<Sought> {
    let mut freed = HashMap::new();
    for journal in journals {
        freed.extend(journal::freed(&journal.path)?);
    }
    Ok(Sought {
        journals: journals.iter().map(|journal| journal.id).collect(),
        freed,
        power_was_lost: journals.iter().any(|journal| !journal.of_this_boot),
    })
}

impl Abandoned {
    /// `None` if its process lives, another recovery has it, or it was removed meanwhile.
    fn take(path: &Path, access: Access, batch: u64) -> Result<Option<Self>> {
        let Some(id) = journal::id_of(path) else {
            log::write(log::Level::Warning, || {
                format!("{} has not the name of a journal and is left as it is; move it away", path.display())
            });
            return Ok(None);
        };
        // Who removed it was killed at the last step. Its lock, which is made again here, tells nothing of a power loss.
        let is_removed = layout::entries(path)?.is_empty();
        let Some(lock) = lock::try_acquire(&journal::lock_path(path), access)? else { return Ok(None) };
        let rings = journal::ring_files(path)?;
        let of_this_boot = is_removed || journal::is_of_this_boot(path)?;
        Ok(Some(Abandoned { path: path.to_path_buf(), id, rings, of_this_boot, batch, _lock: lock }))
    }

    fn pack(&self, root: &Path, access: Access, options: &FileOptions, coverage: &Coverage) -> Result<()> {
        let mut coverage = coverage.of_streams(|stream| journal::stream(stream, 0) == self.id);
        let progress = Progress::load(&self.path, root, access)?;
        progress.add_to(&mut coverage, root, access, !self.of_this_boot)?;
        let mut output = Output::new(root, access, progress, coverage);
        self.pack_log(root, access, options, &mut output)?;
        for ring in &self.rings {
            self.pack_ring(root, access, options, &mut output, ring)?;
        }
        output.close()?;
        journal::remove(&self.path)
    }

    fn pack_log(&self, root: &Path, access: Access, options: &FileOptions, output: &mut Output) -> Result<()> {
        let (mut reader, mut frames) = (Reader::new(&self.path, 0), Frames::default());
        loop {
            let stop = reader.read(&mut frames, self.batch, u64::MAX)?;
            let mut batch = Batch::default();
            batch.begin(journal::stream(&self.id, 0), frames.from);
            frames.iter().for_each(|(end, record)| batch.add(end, record));
            let written = write(output, options, &batch)?;
            if !written.unknown.is_empty() {
                for (_, path) in journal::log::segments(&self.path)? {
                    damaged::set_aside(root, &path, 0, UNKNOWN, access)?;
                }
            }
            if frames.to > frames.from {
                self.free_log(output, frames.to)?;
            }
            match stop {
                Stop::Full => {}
                Stop::End => return Ok(()),
                Stop::Damaged { path, reason } => damaged::set_aside(root, &path, 0, &reason, access)?,
            }
        }
    }

    /// Deletes the segments that are packed: on a full disk the next ones need their space.
    fn free_log(&self, output: &mut Output, position: u64) -> Result<()> {
        let all = journal::log::segments(&self.path)?;
        let packed = all.iter().zip(all.iter().skip(1)).filter(|(_, next)| next.0 <= position);
        for (done, ((_, path), _)) in packed.enumerate() {
            if done == 0 {
                output.sync()?;
            }
            disk::remove_file(path).map_err(|cause| Error::io("cannot free", path, &cause))?;
        }
        Ok(())
    }

    fn pack_ring(
        &self,
        root: &Path,
        access: Access,
        options: &FileOptions,
        output: &mut Output,
        path: &Path,
    ) -> Result<()> {
        let ring = RingFile::read(path).map_err(|cause| Error::io("cannot read the journal", path, &cause))?;
        let Some(ring) = ring else {
            // The process was killed while it made the ring, before anything was in it; or the header is damaged.
            return damaged::set_aside_unless_empty(root, path, "its header is damaged", access);
        };
        if let Some(reason) = ring.damage() {
            damaged::set_aside(root, path, 0, &reason, access)?;
        }
        let mut frames = ring.frames().into_iter().peekable();
        while let Some((from, ..)) = frames.peek() {
            let mut batch = Batch::default();
            batch.begin(ring.stream(), *from);
            while let Some((_, end, range)) = frames.next_if(|_| batch.length() < self.batch) {
                batch.add(end, ring.bytes(range));
            }
            if !write(output, options, &batch)?.unknown.is_empty() {
                damaged::set_aside(root, path, 0, UNKNOWN, access)?;
            }
        }
        Ok(())
    }
}

const UNKNOWN: &str = "it holds records that this version of the library does not know";

fn write(output: &mut Output, options: &FileOptions, batch: &Batch<'_>) -> Result<Written> {
    for project in batch.projects() {
        output.set_options(project, options.clone());
    }
    output.write(batch)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::process::Command;

    #[test]
    fn a_journal_that_is_recovered_is_locked_and_still_told_as_one_whose_process_may_be_gone() {
        let root = tempfile::tempdir().unwrap();
        let journal::Folder { path, id, .. } = journal::Folder::create(root.path(), Access::Owner).unwrap();
        // Who opens a pipe waits for the other side: the recovery stands still here in the midst of its work.
        let ring = journal::ring_path(&path, 0);
        assert!(Command::new("mkfifo").arg(&ring).status().unwrap().success());
        std::thread::scope(|scope| {
            let recovery = scope.spawn(|| recover(root.path(), Access::Owner, &FileOptions::default(), Sizes::USUAL));
            let other_side = fs::File::options().write(true).open(&ring).unwrap();
            let told = (journal::is_in_use(root.path(), &id), journal::is_any_left(root.path()).unwrap());
            fs::remove_file(&ring).unwrap();
            drop(other_side);
            let _ = recovery.join().unwrap(); // the ring is gone
            assert_eq!(told, (true, true));
        });
    }

    #[test]
    fn a_journal_that_was_removed_but_for_its_folder_tells_of_no_power_loss() {
        let root = tempfile::tempdir().unwrap();
        let journal::Folder { path, .. } = journal::Folder::create(root.path(), Access::Owner).unwrap();
        fs::remove_file(journal::lock_path(&path)).unwrap();
        let calls = root.path().join("team/project/calls");
        fs::create_dir_all(&calls).unwrap();
        let torn = calls.join("20260131_0000.jsonl.gz");
        fs::write(&torn, [0x1f, 0x8b, 8, 4]).unwrap();
        recover(root.path(), Access::Owner, &FileOptions::default(), Sizes::USUAL).unwrap();
        assert!(!path.exists() && !torn.exists());
        assert!(!root.path().join(".weave/damaged").exists());
    }
}
