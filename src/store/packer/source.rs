//! What the packer takes records from: the log and the rings of one journal, and how far each is.

use super::batch::Batch;
use crate::error::{Error, Result, Status};
use crate::store::disk::{self, Operation};
use crate::store::held::HeldFile;
use crate::store::journal::log::reader::{Frames, Reader, Stop};
use crate::store::journal::pool::Pool;
use crate::store::journal::ring::Consumer;
use crate::store::journal::{ring_path, stream, Folder, StreamId};
use crate::store::process::lock;
use crate::store::retention::gone;
use crate::store::session::Session;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The streams of a journal.
pub struct Sources {
    folder: PathBuf,
    log: LogSource,
    rings: Vec<RingSource>,
    /// The ring that comes first in the next batch.
    first: usize,
    /// How many rings and which segment of the log the folder had when its names were last brought to the disk.
    named: (usize, Option<PathBuf>),
}

struct LogSource {
    stream: StreamId,
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

/// Where each stream ended at one moment: the rings first, so that what a call in them refers to is below the others.
pub struct Ends {
    log: u64,
    /// Where the last record of the log ends that a call may refer to.
    pub(super) others: u64,
    rings: Vec<u64>,
}

/// Records that were taken for a batch.
pub struct Taken<'s> {
    /// The records.
    pub batch: Batch<'s>,
    /// Where the streams are when the batch is in data files.
    pub reached: Reached,
    /// Files of rings that hold something that is no record, and what is wrong with it.
    pub broken: Vec<(PathBuf, String)>,
}

/// How far a batch goes: in the log, and in the rings by their numbers.
pub struct Reached {
    log: Option<u64>,
    rings: Vec<(usize, u64)>,
}

impl Sources {
    /// The streams of a journal that is empty.
    pub fn new(folder: &Folder) -> Self {
        let log = LogSource {
            stream: stream(&folder.id, 0),
            reader: Reader::new(&folder.path, 0),
            frames: Frames::default(),
            marks: Marks::default(),
            unsynced: Vec::new(),
            newest: None,
        };
        Sources { folder: folder.path.clone(), log, rings: Vec::new(), first: 0, named: (0, None) }
    }

    /// Takes in the rings that were made since the last time.
    pub fn attach(&mut self, pool: &Pool) {
        if pool.made() == self.rings.len() {
            return;
        }
        for ring in pool.rings(self.rings.len()) {
            if let Some(consumer) = ring.consumer() {
                let path = ring_path(&self.folder, self.rings.len() as u16);
                self.rings.push(RingSource { path, consumer, marks: Marks::default() });
            }
        }
    }

    /// Lets go of the rings, before their files are removed.
    pub fn let_go_of_rings(&mut self) {
        self.rings.clear();
    }

    /// Where each stream ends now.
    pub fn ends(&self, session: &Session) -> Ends {
        let rings = self.rings.iter().map(|ring| ring.consumer.ring().head()).collect();
        let (log, others) = session.log_ends();
        Ends { log, others, rings }
    }

    /// How many bytes are not in data files.
    pub fn waiting(&self, session: &Session) -> u64 {
        self.waiting_below(&self.ends(session))
    }

    /// How many bytes below `ends` are not in data files.
    pub fn waiting_below(&self, ends: &Ends) -> u64 {
        ends.log.saturating_sub(self.log.marks.packed) + self.waiting_in_rings(ends)
    }

    fn waiting_in_rings(&self, ends: &Ends) -> u64 {
        self.rings.iter().zip(&ends.rings).map(|(ring, end)| end.saturating_sub(ring.marks.packed)).sum()
    }

    /// Reads records of the log for a batch of about `size` bytes, unless those that were read are not packed yet. The
    /// rings have the larger part of a batch, since they are what spares the callers the log; but what is in the log must
    /// not stay there. A segment that is damaged is passed over when `set_aside` has kept a copy of it.
    pub fn read_log(
        &mut self,
        ends: &Ends,
        size: u64,
        session: &Session,
        set_aside: impl Fn(&Path, &str) -> Result<()>,
    ) -> Result<()> {
        let for_rings =
            if ends.others > self.log.marks.packed { 0 } else { self.waiting_in_rings(ends).min(size / 4 * 3) };
        let size = size - for_rings;
        let LogSource { reader, frames, marks, .. } = &mut self.log;
        while marks.packed < ends.log && frames.to <= marks.packed {
            match reader.read(frames, size, ends.log)? {
                Stop::Full | Stop::End if frames.to > marks.packed => {}
                Stop::Full | Stop::End => {
                    let text = format!(
                        "the journal ends at position {}, before what was accepted: it was cut from outside",
                        marks.packed
                    );
                    return Err(Error::new(Status::Io, text));
                }
                Stop::Damaged { path, reason } => {
                    // Nothing more goes into it, so that the copy has all of it, and the reader finds the next one.
                    let kept = lock(session.log()).leave(&path).and_then(|()| set_aside(&path, &reason));
                    if kept.is_err() || reader.has_ended() {
                        (*reader, *frames) = (Reader::new(&self.folder, marks.packed), Frames::default());
                    }
                    kept?;
                }
            }
        }
        Ok(())
    }

    /// Takes the next records below `ends`, some `size` bytes: those that were read from the log, and of the rings.
    pub fn take(&mut self, ends: &Ends, size: u64) -> Taken<'_> {
        // Another ring comes first each time, so that none waits for the others.
        self.first = (self.first + 1) % self.rings.len().max(1);
        let mut batch = Batch::default();
        let mut reached = Reached { log: None, rings: Vec::new() };
        let mut broken = Vec::new();
        if self.log.frames.to > self.log.marks.packed {
            batch.begin(self.log.stream, self.log.marks.packed);
            self.log.frames.iter().for_each(|(end, record)| batch.add(end, record));
            batch.reach(self.log.frames.to);
            reached.log = Some(self.log.frames.to);
        }
        // What is referred to comes into data files before what refers to it, so that a sync meanwhile finds it.
        if ends.others > reached.log.unwrap_or(self.log.marks.packed) {
            return Taken { batch, reached, broken };
        }
        let all = self.rings.iter().zip(&ends.rings).enumerate();
        for (number, (ring, end)) in all.clone().skip(self.first).chain(all.take(self.first)) {
            if ring.marks.packed >= *end || batch.length() >= size {
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
                if batch.length() >= size {
                    break;
                }
            }
            reached.rings.extend(batch.parts.last().map(|part| (number, part.to)));
        }
        Taken { batch, reached, broken }
    }

    /// What was taken is in data files.
    pub fn packed(&mut self, reached: &Reached) {
        self.log.marks.packed = reached.log.unwrap_or(self.log.marks.packed);
        for (number, to) in &reached.rings {
            if let Some(ring) = self.rings.get_mut(*number) {
                ring.marks.packed = *to;
            }
        }
    }

    /// Whether something is packed and its space not given back.
    pub fn are_to_be_freed(&self) -> bool {
        let mut marks = std::iter::once(&self.log.marks).chain(self.rings.iter().map(|ring| &ring.marks));
        marks.any(|marks| marks.freed < marks.packed)
    }

    /// Whether something that is to be freed survives a power loss in the journal.
    pub fn frees_what_is_synced(&self) -> bool {
        let mut marks = std::iter::once(&self.log.marks).chain(self.rings.iter().map(|ring| &ring.marks));
        marks.any(|marks| marks.freed < marks.packed && marks.freed < marks.synced)
    }

    /// Gives the space of what is packed back to the journal.
    pub fn free(&mut self, session: &Session) -> Result<()> {
        for ring in self.rings.iter_mut().filter(|ring| ring.marks.freed < ring.marks.packed) {
            ring.consumer.free(ring.marks.packed);
            ring.marks.freed = ring.marks.packed;
        }
        let freed = self.log.free(session);
        session.tell_of_room();
        freed
    }

    /// Makes what stands below `ends` and is not packed survive a power loss in the journal.
    pub fn sync(&mut self, ends: &Ends, session: &Session) -> Result<()> {
        for (ring, end) in self.rings.iter_mut().zip(&ends.rings) {
            let from = ring.marks.packed.max(ring.marks.synced);
            if from < *end {
                let synced = disk::fault(Operation::Sync, &ring.path).and_then(|()| ring.consumer.sync(from, *end));
                synced.map_err(failed(&ring.path))?;
                disk::synced(&ring.path);
                ring.marks.synced = *end;
            }
        }
        let LogSource { marks, unsynced, newest, .. } = &mut self.log;
        if marks.packed.max(marks.synced) < ends.log {
            unsynced.extend(lock(session.log()).take_unsynced());
            unsynced.iter().try_for_each(|file| file.sync().map_err(failed(file.path())))?;
            *newest = unsynced.drain(..).next_back().map(|file| file.path().to_path_buf());
            marks.synced = ends.log;
        }
        // Content survives a power loss only with the name of its file.
        let files = (self.rings.len(), self.log.newest.clone());
        if self.named != files {
            disk::sync_directory(&self.folder)?;
            self.named = files;
        }
        Ok(())
    }
}

impl LogSource {
    fn free(&mut self, session: &Session) -> Result<()> {
        let LogSource { marks, unsynced, .. } = self;
        if marks.freed == marks.packed {
            return Ok(());
        }
        unsynced.clear();
        session.log_was_packed(marks.packed);
        loop {
            let Some(path) = lock(session.log()).packed(marks.packed) else { break };
            gone(disk::remove_file(&path)).map_err(|cause| Error::io("cannot free", &path, &cause))?;
            lock(session.log()).was_deleted();
        }
        marks.freed = marks.packed;
        Ok(())
    }
}

fn failed(path: &Path) -> impl Fn(io::Error) -> Error + '_ {
    move |cause| Error::io("cannot sync the journal", path, &cause)
}
