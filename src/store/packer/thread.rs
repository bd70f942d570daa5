//! The one thread of the library: it packs every journal of the process.
//!
//! It looks at the journals by itself, more and more seldom while nothing happens; a logging thread wakes it only when a
//! ring is half full. It ends with the last journal of the process.

use super::Packer;
use crate::error::{Error, Result};
use crate::log;
use crate::store::limits::IDLE_POLL;
use crate::store::process::{self, lock, PerProcess};
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::sync::Mutex;
use std::thread::{JoinHandle, Thread};
use std::time::Instant;

#[derive(Default)]
struct Worker {
    /// Journals that wait to be taken over by the thread.
    incoming: Vec<Packer>,
    /// Journals that are not closed yet.
    open: usize,
    /// The thread, and its number: one that was told to end is not given anything more.
    thread: Option<(u64, Thread)>,
    started: u64,
    handle: Option<JoinHandle<()>>,
}

static WORKER: PerProcess<Mutex<Worker>> = PerProcess::new();

/// Has a journal packed from now on.
pub fn adopt(packer: Packer) -> Result<()> {
    let mut worker = lock(WORKER.get());
    if worker.thread.is_none() {
        let number = worker.started + 1;
        let handle = process::spawn_quiet("weave-packer", move || run(number))
            .map_err(|cause| Error::io("cannot start a thread for", packer.root(), &cause))?;
        worker.started = number;
        worker.thread = Some((number, handle.thread().clone()));
        worker.handle = Some(handle);
    }
    worker.incoming.push(packer);
    drop(worker);
    wake();
    Ok(())
}

/// Has the thread look at its journals now.
pub fn wake() {
    let thread = lock(WORKER.get()).thread.clone();
    if let Some((_, thread)) = thread {
        thread.unpark();
    }
}

/// A journal was opened.
pub fn expect() {
    lock(WORKER.get()).open += 1;
}

/// A journal was closed.
pub fn release() {
    let mut worker = lock(WORKER.get());
    worker.open = worker.open.saturating_sub(1);
}

/// When every journal is closed, waits for the thread to end, so that none is left behind.
pub fn join_if_idle() {
    let mut worker = lock(WORKER.get());
    if worker.open > 0 {
        return;
    }
    worker.thread = None;
    let handle = worker.handle.take();
    drop(worker);
    if let Some(handle) = handle {
        handle.thread().unpark();
        // It has nothing left to do. A fault on it was told when it happened.
        let _ = handle.join();
    }
}

fn run(number: u64) {
    let mut packers: Vec<Packer> = Vec::new();
    loop {
        {
            let mut worker = lock(WORKER.get());
            if worker.thread.as_ref().is_none_or(|(current, _)| *current != number) {
                return;
            }
            packers.append(&mut worker.incoming);
        }
        let mut next = Instant::now() + IDLE_POLL;
        packers.retain_mut(|packer| {
            let due = catch_unwind(AssertUnwindSafe(|| packer.turn_if_due())).unwrap_or_else(|_| {
                log::write(log::Level::Error, || {
                    "a fault in the packer: its journal is left for the next start".into()
                });
                None
            });
            next = due.map_or(next, |due| next.min(due));
            due.is_some()
        });
        let pause = next.saturating_duration_since(Instant::now());
        if !pause.is_zero() {
            std::thread::park_timeout(pause);
        }
    }
}
