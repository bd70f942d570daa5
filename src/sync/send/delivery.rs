//! Bringing batches of one kind to the server exactly once: what is under way, what is in doubt, what is refused.
//!
//! A batch whose answer was lost may have arrived. It waits until the request cannot be carried out any more, and then
//! the server is asked for its ids; only what is not there is sent again (protocol, section 15). A batch that is refused
//! is split until the bad record stands alone.

use super::batch::Batch;
use super::channel::{id_of, Channel};
use super::judge::{Judge, Verdict};
use super::pending::{Lost, Pending};
use super::pool::Done;
use super::route::Route;
use super::sender::Sender;
use crate::error::Result;
use crate::sync::line::IdKey;
use crate::sync::results::Counted;
use crate::sync::server::failure::{Failure, FailureKind};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How much may wait for its time before nothing further is read.
const WAITING_BYTES: usize = 8 * 1024 * 1024;

/// What an object takes in a body beside its text, and its share of what encloses it, at most.
const ITEM_BYTES: u64 = 16;

/// The sending of batches over one route.
pub struct Delivery<'c> {
    route: Route,
    what: Counted,
    channel: Arc<Channel<'c>>,
    /// Parts of refused batches, the next one last.
    parts: Vec<Batch>,
    /// Batches that wait for their time.
    waiting: Vec<Batch>,
    judge: Judge<Batch>,
    /// Records that may be under way although nobody waits for them any more.
    lost: Lost,
    /// What earlier runs left in doubt is not to be asked for before this time.
    doubts_until: Instant,
}

impl<'c> Delivery<'c> {
    /// Nothing is under way yet.
    pub fn new(route: Route, what: Counted, sender: &Sender<'_, '_, 'c>) -> Self {
        Delivery {
            route,
            what,
            channel: sender.project.channel.clone(),
            parts: Vec::new(),
            waiting: Vec::new(),
            judge: Judge::default(),
            lost: Lost::default(),
            doubts_until: sender.project.doubts_until,
        }
    }

    /// Sends a batch when its turn comes, which may be later. An error ends the sending: it is no record's fault.
    pub fn send(&mut self, sender: &mut Sender<'_, '_, 'c>, pending: &mut Pending, mut batch: Batch) -> Result<()> {
        if batch.is_empty() {
            return Ok(());
        }
        if batch.in_doubt && pending.has_doubts() {
            batch.due = Some(self.doubts_until);
        }
        pending.sending(batch.places(), &mut sender.project.progress)?;
        match batch.due.is_some_and(|due| due > Instant::now()) {
            true => self.waiting.push(batch),
            false => self.submit(sender, pending, batch)?,
        }
        self.go_on(sender, pending)
    }

    /// Takes what was answered meanwhile, and sends what has waited long enough. Waits when too much is waiting.
    pub fn go_on(&mut self, sender: &mut Sender<'_, '_, 'c>, pending: &mut Pending) -> Result<()> {
        while let Some(done) = sender.run.pool.done(false) {
            self.take(sender, pending, done)?;
        }
        self.send_parts(sender, pending)?;
        while self.waiting.iter().map(Batch::bytes).sum::<usize>() > WAITING_BYTES {
            self.wait(sender, pending)?;
        }
        self.send_due(sender, pending)
    }

    /// Waits until everything is answered for.
    pub fn finish(&mut self, sender: &mut Sender<'_, '_, 'c>, pending: &mut Pending) -> Result<()> {
        let mut ended = Ok(());
        while ended.is_ok() {
            self.send_parts(sender, pending)?;
            ended = match sender.run.pool.done(true) {
                Some(done) => self.take(sender, pending, done),
                None if self.parts.is_empty() && self.waiting.is_empty() => break,
                None if self.parts.is_empty() => self.wait(sender, pending),
                None => Ok(()),
            };
        }
        if ended.is_ok() {
            for suspect in self.judge.close() {
                self.condemn(sender, pending, suspect)?;
            }
        }
        ended
    }

    /// After an error: takes the answers to what is under way, sends nothing more, and answers which records may have
    /// arrived without being acknowledged.
    pub fn abandon(&mut self, sender: &mut Sender<'_, '_, 'c>, pending: &mut Pending) -> Lost {
        while let Some(done) = sender.run.pool.done(true) {
            let Done { batch, sent } = done;
            let there = |number: usize| sent.there.get(number).copied().unwrap_or(false);
            let taken = batch.select(|number| sent.outcome.is_ok() || there(number));
            if !taken.is_empty() {
                // What cannot be noted stays in doubt.
                let _ = self.accepted(sender, pending, &taken);
            }
            if let Err(failure) = &sent.outcome {
                let left = batch.select(|number| !there(number));
                if left.in_doubt || may_have_arrived(failure) {
                    self.lost.add(left.places(), over_at(sender, failure));
                }
            }
        }
        for batch in self.waiting.drain(..).chain(self.parts.drain(..)).filter(|batch| batch.in_doubt) {
            self.lost.add(batch.places(), batch.due.unwrap_or_else(Instant::now));
        }
        std::mem::take(&mut self.lost)
    }

    fn submit(&mut self, sender: &mut Sender<'_, '_, 'c>, pending: &mut Pending, batch: Batch) -> Result<()> {
        while sender.run.pool.is_full() {
            let Some(done) = sender.run.pool.done(true) else { break };
            self.take(sender, pending, done)?;
        }
        let Err(error) = sender.check_limits(batch.bytes()) else {
            self.hand_over(sender, batch);
            return Ok(());
        };
        // What still fits is sent.
        let (left, mut bytes) = (sender.left_bytes(), 0);
        let fits: Vec<bool> = batch
            .items()
            .map(|(text, _)| {
                bytes += text.len() as u64 + ITEM_BYTES;
                bytes <= left
            })
            .collect();
        let (first, rest) =
            (batch.select(|n| fits.get(n) == Some(&true)), batch.select(|n| fits.get(n) != Some(&true)));
        if rest.in_doubt {
            self.lost.add(rest.places(), Instant::now());
        }
        if !first.is_empty() && sender.check_limits(first.bytes()).is_ok() {
            self.hand_over(sender, first);
        } else if first.in_doubt {
            self.lost.add(first.places(), Instant::now());
        }
        Err(error)
    }

    fn hand_over(&mut self, sender: &mut Sender<'_, '_, 'c>, mut batch: Batch) {
        batch.due = None;
        batch.begun.get_or_insert_with(Instant::now);
        sender.run.pool.submit(&self.channel, self.route, batch);
    }

    fn send_parts(&mut self, sender: &mut Sender<'_, '_, 'c>, pending: &mut Pending) -> Result<()> {
        while let Some(part) = self.parts.pop() {
            self.submit(sender, pending, part)?;
            // One after the other: when every record is refused, that is seen before all of them were tried.
            if let Some(done) = sender.run.pool.done(true) {
                self.take(sender, pending, done)?;
            }
        }
        Ok(())
    }

    fn send_due(&mut self, sender: &mut Sender<'_, '_, 'c>, pending: &mut Pending) -> Result<()> {
        let now = Instant::now();
        let is_due = |batch: &Batch| batch.due.is_none_or(|due| due <= now);
        while let Some(number) = self.waiting.iter().position(is_due) {
            let batch = self.waiting.swap_remove(number);
            self.submit(sender, pending, batch)?;
        }
        Ok(())
    }

    /// Waits for the first batch whose time comes.
    fn wait(&mut self, sender: &mut Sender<'_, '_, 'c>, pending: &mut Pending) -> Result<()> {
        let Some(due) = self.waiting.iter().filter_map(|batch| batch.due).min() else {
            return self.send_due(sender, pending);
        };
        if sender.run.stop.pause(due.saturating_duration_since(Instant::now())) {
            return Err(sender.stopped());
        }
        self.send_due(sender, pending)
    }

    /// What became of a batch.
    fn take(&mut self, sender: &mut Sender<'_, '_, 'c>, pending: &mut Pending, done: Done) -> Result<()> {
        let Done { mut batch, sent } = done;
        let failure = match sent.outcome {
            Ok(()) => return self.accepted(sender, pending, &batch),
            Err(failure) => failure,
        };
        let there = |number: usize| sent.there.get(number).copied().unwrap_or(false);
        if sent.there.contains(&true) {
            self.accepted(sender, pending, &batch.select(there))?;
            // What came after these was not tried as often as they were.
            (batch.attempts, batch.begun) = (0, None);
        }
        let mut untried = batch.select(|number| number >= sent.tried && !there(number));
        if !untried.is_empty() || sent.there.contains(&true) {
            batch = batch.select(|number| number < sent.tried && !there(number));
        }
        batch.in_doubt |= may_have_arrived(&failure);
        batch.attempts += 1;
        let elapsed = batch.begun.map(|begun| begun.elapsed()).unwrap_or_default();
        // A fault that may be one record's is found by splitting; of one record alone it must persist.
        let few = sender.run.policy.max_attempts_without_hope;
        let split = failure.may_be_a_records_fault() && batch.len() > 1 && batch.attempts >= few;
        let wait = sender.run.policy.next_wait(&failure, batch.attempts, elapsed).filter(|_| !split);
        let (now, over) = (Instant::now(), over_at(sender, &failure));
        if !untried.is_empty() {
            // They wait with it for a server that is busy, but not for the look-up that it alone needs. What an earlier run
            // may have sent of them was looked up just now.
            untried.in_doubt = false;
            untried.due = Some(now + wait.filter(|_| failure.is_over()).unwrap_or_default());
            self.waiting.push(untried);
        }
        if let Some(wait) = wait {
            // A line that is cut or silent may be that of a server that is gone: nobody needs to wait for the look-up then.
            if let Err(gone) = if failure.is_over() { Ok(()) } else { self.channel.is_reachable() } {
                self.lost.add(batch.places(), over);
                return Err(gone.into());
            }
            batch.due = Some(if batch.in_doubt { over.max(now + wait) } else { now + wait });
            self.waiting.push(batch);
            return Ok(());
        }
        if !failure.may_be_a_records_fault() {
            if batch.in_doubt {
                self.lost.add(batch.places(), over);
            }
            return Err(failure.into());
        }
        self.channel.check_is_open(&failure)?;
        self.refused(sender, pending, batch, failure)
    }

    /// Splits a refused batch; a record that stands alone is judged.
    fn refused(
        &mut self,
        sender: &mut Sender<'_, '_, 'c>,
        pending: &mut Pending,
        batch: Batch,
        failure: Failure,
    ) -> Result<()> {
        let half = batch.len() / 2;
        if half > 0 {
            for is_first in [false, true] {
                let mut part = batch.select(|number| (number < half) == is_first);
                (part.attempts, part.begun) = (0, None);
                self.parts.push(part);
            }
            return Ok(());
        }
        match self.judge.refused(batch, failure) {
            Verdict::Wait => Ok(()),
            Verdict::Refused(suspects) => {
                suspects.into_iter().try_for_each(|suspect| self.condemn(sender, pending, suspect))
            }
            Verdict::AllAreRefused(error) => Err(error.context(&sender.project.channel.target)),
        }
    }

    fn condemn(
        &mut self,
        sender: &mut Sender<'_, '_, 'c>,
        pending: &mut Pending,
        (batch, failure, is_certain): (Batch, Failure, bool),
    ) -> Result<()> {
        for (text, places) in batch.items() {
            let id = id_of(text);
            sender.project.unsent.insert(IdKey::of(&id));
            if is_certain {
                sender.set_aside(pending, places, self.what, &id, failure.status(), &failure.to_string())?;
            } else {
                self.lost.add(if batch.in_doubt { places } else { &[] }, Instant::now());
                pending.pass_over(places);
                sender.not_taken(self.what, &failure.to_string())?;
            }
        }
        Ok(())
    }

    fn accepted(&mut self, sender: &mut Sender<'_, '_, 'c>, pending: &mut Pending, batch: &Batch) -> Result<()> {
        pending.acknowledge(batch.places(), &mut sender.project.progress)?;
        for suspect in self.judge.passed() {
            self.condemn(sender, pending, suspect)?;
        }
        if self.route == Route::Ends {
            sender.project.ended.extend(batch.items().map(|(text, _)| id_of(text)));
        }
        sender.count(self.what, batch.len() as u64)
    }
}

/// Whether the server may have what a failed request held.
fn may_have_arrived(failure: &Failure) -> bool {
    failure.may_have_been_applied() || failure.kind() == FailureKind::Cancelled
}

/// When a failed request is over for certain: before that, a look-up proves nothing.
fn over_at(sender: &Sender<'_, '_, '_>, failure: &Failure) -> Instant {
    let is_over = failure.is_over() && failure.kind() != FailureKind::Cancelled;
    Instant::now() + if is_over { Duration::ZERO } else { sender.run.transport.answer_limit() }
}
