//! The rings of a journal, and who may write to them.
//!
//! A thread that logs gets a ring for itself and keeps it until it ends, so that it takes no lock and shares no memory
//! with other threads. When all rings but one are taken, the rest of the threads share the last one under a lock.
//!
//! Touches the rings and the memory of its thread, nothing else.

use super::ring::{Producer, Ring};
use super::{ring_path, stream, JournalId};
use crate::error::{Error, Result};
use crate::log;
use crate::record::frame::Record;
use crate::record::sink::Sink;
use crate::store::layout::Access;
use crate::store::limits::MAX_RINGS;
use crate::store::process::{self, lock};
use std::cell::RefCell;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::atomic::{compiler_fence, AtomicBool, AtomicU64, AtomicU8, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// What became of a record.
#[derive(Debug, PartialEq, Eq)]
pub enum Appended {
    /// It is kept.
    Kept {
        /// Its length as encoded.
        length: usize,
        /// The ring is half full: the packer should look at it.
        half_full: bool,
    },
    /// No ring takes it now, or it is too large for one.
    NoRoom,
    /// Nothing is taken any more, or not now: see [`Pool::gate`].
    Shut,
}

/// Every record is taken.
pub const OPEN: u8 = 0;
/// Records are refused until there is room.
pub const FULL: u8 = 1;
/// Records are refused for good.
pub const CLOSED: u8 = 2;

/// The rings of one journal.
pub struct Pool {
    id: u64,
    journal: JournalId,
    folder: PathBuf,
    access: Access,
    ring_bytes: usize,
    gate: AtomicU8,
    /// Whether this journal can have rings at all.
    mapped: AtomicBool,
    rings: Mutex<Vec<Arc<Slot>>>,
    /// How many rings were made, for the packer to see without the lock.
    made: AtomicUsize,
    /// Set when a thread gave its ring back, or another ring can be made.
    available: AtomicBool,
    shared: Mutex<Option<Lease>>,
}

/// A ring, and whether a record is being written to it.
#[repr(align(128))] // two cache lines, which processors fetch together
struct Slot {
    busy: AtomicBool,
    ring: Arc<Ring>,
}

struct Lease {
    pool: Arc<Pool>,
    slot: Arc<Slot>,
    /// `None` only while it is dropped.
    producer: Option<Producer>,
    /// The position at which the packer is told next that the ring is half full, by what is known.
    half_full_at: u64,
}

static NEXT: AtomicU64 = AtomicU64::new(0);

thread_local! {
    static LEASES: RefCell<Vec<Lease>> = const { RefCell::new(Vec::new()) };
}

impl Pool {
    /// Makes the first ring in a journal's folder. Where memory cannot be mapped, or is not wanted, every append answers
    /// [`Appended::NoRoom`].
    pub fn create(
        folder: &Path,
        journal: JournalId,
        access: Access,
        mapped: bool,
        ring_bytes: usize,
    ) -> Result<Arc<Pool>> {
        let pool = Pool {
            id: NEXT.fetch_add(1, Ordering::Relaxed),
            journal,
            folder: folder.to_path_buf(),
            access,
            ring_bytes,
            gate: AtomicU8::new(OPEN),
            mapped: AtomicBool::new(mapped),
            rings: Mutex::new(Vec::new()),
            made: AtomicUsize::new(0),
            available: AtomicBool::new(mapped),
            shared: Mutex::new(None),
        };
        if mapped {
            pool.add_ring(&mut lock(&pool.rings))?;
        }
        Ok(Arc::new(pool))
    }

    /// Whether this journal has rings.
    pub fn is_mapped(&self) -> bool {
        self.mapped.load(Ordering::Relaxed)
    }

    /// Which records are taken: [`OPEN`], [`FULL`] or [`CLOSED`].
    pub fn gate(&self) -> u8 {
        self.gate.load(Ordering::Relaxed)
    }

    /// Lets records in, or not. What is closed stays closed.
    pub fn set_gate(&self, gate: u8) {
        let _ = self.gate.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |now| (now != CLOSED).then_some(gate));
    }

    /// How many rings there are.
    pub fn made(&self) -> usize {
        self.made.load(Ordering::Acquire)
    }

    /// The rings from number `from` on.
    pub fn rings(&self, from: usize) -> Vec<Arc<Ring>> {
        lock(&self.rings).iter().skip(from).map(|slot| slot.ring.clone()).collect()
    }

    /// Writes a record to a ring.
    #[inline]
    pub fn append(self: &Arc<Self>, record: &Record<'_>) -> Appended {
        // A destructor of the host that logs when the thread's own values are gone already shares a ring.
        let own = LEASES.try_with(|leases| {
            // A signal handler that logs while its thread is logging finds the leases taken.
            let mut leases = leases.try_borrow_mut().ok()?;
            let lease = match leases.iter_mut().find(|lease| lease.pool.id == self.id) {
                Some(lease) => lease,
                None => self.lease_for_thread(&mut leases)?,
            };
            Some(lease.append(record))
        });
        match own {
            Ok(Some(appended)) => appended,
            _ => self.append_shared(record),
        }
    }

    #[cold]
    fn lease_for_thread<'l>(self: &Arc<Self>, leases: &'l mut Vec<Lease>) -> Option<&'l mut Lease> {
        if !self.available.load(Ordering::Relaxed) {
            return None;
        }
        leases.retain(|lease| lease.pool.gate() != CLOSED);
        leases.push(self.lease(MAX_RINGS - 1)?);
        leases.last_mut()
    }

    /// Of the first `limit` rings one that nobody writes to, made if needed.
    fn lease(self: &Arc<Self>, limit: usize) -> Option<Lease> {
        if self.gate() == CLOSED || !self.is_mapped() {
            return None;
        }
        let mut rings = lock(&self.rings);
        let free = rings.iter().take(limit).find_map(|slot| Some((slot.clone(), slot.ring.producer()?)));
        let (slot, producer) = match free {
            Some(found) => found,
            None if rings.len() < limit => {
                let made = self.add_ring(&mut rings);
                if let Err(error) = &made {
                    drop(rings);
                    log::write(log::Level::Warning, || format!("{error}; records go to the journal's log"));
                }
                let slot = made.ok().flatten()?;
                let producer = slot.ring.producer()?;
                (slot, producer)
            }
            None => {
                self.available.store(false, Ordering::Relaxed);
                return None;
            }
        };
        Some(Lease { pool: self.clone(), slot, producer: Some(producer), half_full_at: 0 })
    }

    fn add_ring(&self, rings: &mut Vec<Arc<Slot>>) -> Result<Option<Arc<Slot>>> {
        let number = rings.len() as u16;
        let path = ring_path(&self.folder, number);
        match Ring::create(&path, stream(&self.journal, number + 1), self.ring_bytes, self.access) {
            Ok(ring) => {
                let slot = Arc::new(Slot { busy: AtomicBool::new(false), ring });
                rings.push(slot.clone());
                self.made.store(rings.len(), Ordering::Release);
                Ok(Some(slot))
            }
            Err(cause) if cause.kind() == ErrorKind::Unsupported && rings.is_empty() => {
                self.mapped.store(false, Ordering::Relaxed);
                Ok(None)
            }
            Err(cause) => Err(Error::io("cannot make the journal", &path, &cause)),
        }
    }

    #[cold]
    fn append_shared(self: &Arc<Self>, record: &Record<'_>) -> Appended {
        if !self.is_mapped() {
            return if self.gate() == OPEN { Appended::NoRoom } else { Appended::Shut };
        }
        let mut shared = lock(&self.shared);
        if shared.is_none() {
            *shared = self.lease(MAX_RINGS);
        }
        match shared.as_mut() {
            Some(lease) => lease.append(record),
            None => Appended::NoRoom,
        }
    }

    /// Closes the gate and waits until no record is being written. False if that cannot be known.
    pub fn close(&self, limit: Duration) -> bool {
        self.set_gate(CLOSED);
        if !self.is_mapped() {
            return true;
        }
        // After this, a thread that goes on sees the closed gate, or is seen to be busy.
        if !process::barrier_on_all_threads() {
            return false;
        }
        let deadline = Instant::now() + limit;
        let slots = lock(&self.rings).clone();
        while slots.iter().any(|slot| slot.busy.load(Ordering::Acquire)) {
            if Instant::now() >= deadline {
                return false;
            }
            std::thread::yield_now();
        }
        *lock(&self.shared) = None;
        true
    }
}

impl Lease {
    #[inline]
    fn append(&mut self, record: &Record<'_>) -> Appended {
        let Some(producer) = &mut self.producer else { return Appended::NoRoom };
        // Who closes the gate makes this thread pass a barrier afterwards and then waits while it is busy: so the two
        // need only stay in order here.
        let busy = Busy::new(&self.slot.busy);
        if self.pool.gate() != OPEN {
            return Appended::Shut;
        }
        let mut length = 0;
        let end = producer.append(|memory| {
            let mut sink = Sink::new(memory);
            record.encode(&mut sink);
            length = sink.length()?;
            Some(length)
        });
        drop(busy);
        let Some(end) = end else { return Appended::NoRoom };
        let half_full = end >= self.half_full_at && {
            let ring_bytes = self.pool.ring_bytes as u64;
            self.half_full_at = producer.ring().freed() + ring_bytes / 2;
            let half_full = end >= self.half_full_at;
            if half_full {
                // To wake the packer takes a lock, so it is not done for each record while the ring is that full.
                self.half_full_at = end + ring_bytes / 16;
            }
            half_full
        };
        Appended::Kept { length, half_full }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.producer = None;
        self.pool.available.store(true, Ordering::Relaxed);
    }
}

/// Tells that a record is being written, for as long as it lives.
struct Busy<'s>(&'s AtomicBool);

impl<'s> Busy<'s> {
    #[inline]
    fn new(flag: &'s AtomicBool) -> Self {
        flag.store(true, Ordering::Relaxed);
        compiler_fence(Ordering::SeqCst);
        Busy(flag)
    }
}

impl Drop for Busy<'_> {
    #[inline]
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}
