//! Several requests under way at once: threads that send batches, for as long as a sync runs.

use super::batch::Batch;
use super::channel::Channel;
use super::route::{Route, Sent};
use crate::store::process::{self, lock};
use crate::sync::server::failure::{Failure, FailureKind};
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::sync::mpsc::{channel, Receiver, Sender};
use std::sync::{Arc, Mutex};
use std::thread::Scope;

/// A batch that is to be sent.
struct Job<'a> {
    channel: Arc<Channel<'a>>,
    route: Route,
    batch: Batch,
}

/// A batch that was sent, and what became of it.
pub struct Done {
    /// The batch.
    pub batch: Batch,
    /// What became of it.
    pub sent: Sent,
}

/// The threads, started as they are needed.
pub struct Pool<'scope, 'env> {
    scope: &'scope Scope<'scope, 'env>,
    size: usize,
    threads: usize,
    under_way: usize,
    jobs: Sender<Job<'env>>,
    taken: Arc<Mutex<Receiver<Job<'env>>>>,
    tell: Sender<Done>,
    told: Receiver<Done>,
}

impl<'scope, 'env> Pool<'scope, 'env> {
    /// No thread yet, and up to `size` of them.
    pub fn new(scope: &'scope Scope<'scope, 'env>, size: usize) -> Self {
        let ((jobs, taken), (tell, told)) = (channel(), channel());
        Pool {
            scope,
            size: size.max(1),
            threads: 0,
            under_way: 0,
            jobs,
            taken: Arc::new(Mutex::new(taken)),
            tell,
            told,
        }
    }

    /// Whether as many are under way as may be; one more waits, so that no thread has to.
    pub fn is_full(&self) -> bool {
        self.under_way > self.size
    }

    /// Sends a batch. On the caller's thread where there can be no other.
    pub fn submit(&mut self, channel: &Arc<Channel<'env>>, route: Route, batch: Batch) {
        self.under_way += 1;
        if self.threads < self.size.min(self.under_way) && self.start_thread() {
            self.threads += 1;
        }
        let job = Job { channel: channel.clone(), route, batch };
        if self.threads == 0 {
            let _ = self.tell.send(job.send());
        } else if let Err(unsent) = self.jobs.send(job) {
            let _ = self.tell.send(unsent.0.send());
        }
    }

    /// What was sent meanwhile; `wait` for it when nothing is told yet. `None` when nothing is under way, or is told.
    pub fn done(&mut self, wait: bool) -> Option<Done> {
        if self.under_way == 0 {
            return None;
        }
        let done = if wait { self.told.recv().ok() } else { self.told.try_recv().ok() };
        self.under_way -= usize::from(done.is_some());
        done
    }

    fn start_thread(&self) -> bool {
        let (taken, tell) = (self.taken.clone(), self.tell.clone());
        let started = process::spawn_quiet_in(self.scope, "weave-sync", move || loop {
            let job = lock(&taken).recv();
            match job {
                Ok(job) => {
                    if tell.send(job.send()).is_err() {
                        return;
                    }
                }
                Err(_) => return,
            }
        });
        started.is_ok()
    }
}

impl Job<'_> {
    /// A fault on the way must not leave others waiting for the answer.
    fn send(self) -> Done {
        let Job { channel, route, mut batch } = self;
        let sent = catch_unwind(AssertUnwindSafe(|| route.send(&channel, &mut batch))).unwrap_or_else(|_| {
            // Nobody knows how far it came.
            batch.in_doubt = true;
            Sent {
                there: Vec::new(),
                tried: usize::MAX,
                has_written: false,
                outcome: Err(Failure::new(FailureKind::Refused, "sync", "a fault inside the library")),
            }
        });
        Done { batch, sent }
    }
}
