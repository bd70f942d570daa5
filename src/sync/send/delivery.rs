//! Bringing batches of one kind to the server exactly once: what is under way, what is in doubt, what is refused.
//!
//! A batch whose answer was lost may have arrived. It waits until the request cannot be carried out any more, and then
//! the server is asked for its ids; only what is not there is sent again (protocol, section 15). A refused batch is
//! split until the bad record stands alone.
//!
//! A batch stands in one place at any time: it waits (`waiting`, `parts`), is under way (the pool), or was refused (the
//! judge, `judged`). Nothing that can fail stands between two places. So whatever ends the sending,
//! [`Delivery::abandon`] finds everything that is in doubt; what it forgot would be sent again without a look-up.

use super::batch::Batch;
use super::channel::{id_of, Channel};
use super::judge::{Judge, Suspect, Verdict};
use super::pending::{Lost, Pending, Place};
use super::pool::Done;
use super::route::{Route, Sent};
use super::sender::Sender;
use crate::error::Result;
use crate::sync::line::IdKey;
use crate::sync::results::Counted;
use crate::sync::server::failure::{Failure, FailureKind};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How much may wait for its time before nothing further is read.
const WAITING_BYTES: usize = 8 * 1024 * 1024;

/// While so many refused batches wait for another attempt, no further parts are sent: when a server fails for all, some
/// are tried as often as it takes to see that, and the others are not.
const ON_TRIAL: usize = 20;

/// What an object takes in a body beside its text, and its share of what encloses it, at most.
const ITEM_BYTES: u64 = 16;

/// The sending of batches over one route.
pub struct Delivery<'c> {
    route: Route,
    what: Counted,
    channel: Arc<Channel<'c>>,
    /// Parts of refused batches, the ones that were refused last behind the others.
    parts: VecDeque<Batch>,
    /// Batches that wait for their turn, or for their time.
    waiting: Vec<Batch>,
    judge: Judge<Batch>,
    /// Refused records that were judged, and are still to be set aside or passed over.
    judged: VecDeque<Suspect<Batch>>,
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
            parts: VecDeque::new(),
            waiting: Vec::new(),
            judge: Judge::default(),
            judged: VecDeque::new(),
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
        self.waiting.push(batch);
        self.go_on(sender, pending)
    }

    /// Takes what was answered meanwhile, and sends what has waited long enough. Waits when too much is waiting.
    pub fn go_on(&mut self, sender: &mut Sender<'_, '_, 'c>, pending: &mut Pending) -> Result<()> {
        while let Some(done) = sender.run.pool.done(false) {
            self.take(sender, pending, done)?;
        }
        self.send_parts(sender, pending)?;
        self.send_due(sender, pending)?;
        while self.waiting.iter().chain(&self.parts).map(Batch::bytes).sum::<usize>() > WAITING_BYTES {
            self.wait(sender, pending)?;
            self.send_parts(sender, pending)?;
        }
        Ok(())
    }

    /// Waits until everything is answered for.
    pub fn finish(&mut self, sender: &mut Sender<'_, '_, 'c>, pending: &mut Pending) -> Result<()> {
        loop {
            self.send_parts(sender, pending)?;
            match sender.run.pool.done(true) {
                Some(done) => self.take(sender, pending, done)?,
                // Parts are only kept back by what waits.
                None if self.waiting.is_empty() => break,
                None => self.wait(sender, pending)?,
            }
        }
        self.judged.extend(self.judge.close());
        self.condemn(sender, pending)
    }

    /// After an error: takes the answers to what is under way, sends nothing more, and answers which records may have
    /// arrived without being acknowledged.
    pub fn abandon(&mut self, sender: &mut Sender<'_, '_, 'c>, pending: &mut Pending) -> Lost {
        while let Some(Done { batch, sent }) = sender.run.pool.done(true) {
            // What was taken is noted although somebody wants an end.
            let _ = self.accepted(sender, pending, &batch, &sent);
            if let Err(failure) = &sent.outcome {
                self.waiting.push(left_of(batch, &sent, failure, over_at(sender, failure)).0);
            }
        }
        let refused = self.judged.drain(..).chain(self.judge.close()).map(|(batch, ..)| batch);
        let left: Vec<Batch> = self.waiting.drain(..).chain(self.parts.drain(..)).chain(refused).collect();
        left.iter().for_each(|batch| self.lose(batch));
        if pending.has_doubts() {
            // Of these some may not have come to their turn.
            self.lost.over = self.lost.over.max(Some(self.doubts_until));
        }
        std::mem::take(&mut self.lost)
    }

    /// Nobody waits for a batch any more.
    fn lose(&mut self, batch: &Batch) {
        if batch.in_doubt {
            self.lost.add(batch.places(), batch.due.unwrap_or_else(Instant::now));
        }
    }

    /// Takes answers until another batch may be sent.
    fn make_room(&mut self, sender: &mut Sender<'_, '_, 'c>, pending: &mut Pending) -> Result<()> {
        while sender.run.pool.is_full() {
            let Some(done) = sender.run.pool.done(true) else { break };
            self.take(sender, pending, done)?;
        }
        Ok(())
    }

    /// Sends a batch; of one that goes over a limit what still fits.
    fn hand_over(&mut self, sender: &mut Sender<'_, '_, 'c>, mut batch: Batch) -> Result<()> {
        let allowed = sender.check_limits(batch.bytes());
        if allowed.is_err() {
            let (left, mut bytes) = (sender.left_bytes(), 0);
            let fits: Vec<bool> = batch
                .items()
                .map(|(text, _)| {
                    bytes += text.len() as u64 + ITEM_BYTES;
                    bytes <= left
                })
                .collect();
            self.waiting.push(batch.select(|n| fits.get(n) != Some(&true)));
            batch = batch.select(|n| fits.get(n) == Some(&true));
            if batch.is_empty() || sender.check_limits(batch.bytes()).is_err() {
                self.waiting.push(batch);
                return allowed;
            }
        }
        batch.due = None;
        batch.begun.get_or_insert_with(Instant::now);
        sender.run.pool.submit(&self.channel, self.route, batch);
        allowed
    }

    fn send_parts(&mut self, sender: &mut Sender<'_, '_, 'c>, pending: &mut Pending) -> Result<()> {
        let on_trial = |waiting: &[Batch]| waiting.iter().filter(|batch| batch.refused_at.is_some()).count();
        while !self.parts.is_empty() && on_trial(&self.waiting) < ON_TRIAL {
            self.make_room(sender, pending)?;
            // The nearest one, so that the record at fault is found soon. In two minds the farthest and largest one:
            // many such records may stand side by side, and whether the server takes others tells whose fault it is.
            let part = if self.judge.is_in_two_minds() { self.parts.pop_front() } else { self.parts.pop_back() };
            part.map_or(Ok(()), |part| self.hand_over(sender, part))?;
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
            // What is answered meanwhile is put behind it.
            self.make_room(sender, pending)?;
            let batch = self.waiting.swap_remove(number);
            self.hand_over(sender, batch)?;
        }
        Ok(())
    }

    /// Waits for the first batch whose time comes.
    fn wait(&mut self, sender: &mut Sender<'_, '_, 'c>, pending: &mut Pending) -> Result<()> {
        let first = self.waiting.iter().map(|batch| batch.due).min().flatten();
        let wait = first.map(|due| due.saturating_duration_since(Instant::now())).unwrap_or_default();
        if sender.run.stop.pause(wait) {
            return Err(sender.stopped());
        }
        self.send_due(sender, pending)
    }

    /// What became of a batch. An error is told when all of it has its place.
    fn take(
        &mut self,
        sender: &mut Sender<'_, '_, 'c>,
        pending: &mut Pending,
        Done { batch, sent }: Done,
    ) -> Result<()> {
        let mut ended = self.accepted(sender, pending, &batch, &sent);
        if let Err(failure) = sent.outcome.as_ref() {
            let (batch, mut untried) = left_of(batch, &sent, failure, over_at(sender, failure));
            let wait = wait_for(sender, &batch, failure);
            if !untried.is_empty() {
                // They wait with it for a server that is busy, but not for the look-up that it alone needs.
                untried.due = wait.filter(|_| failure.is_over()).map(|wait| Instant::now() + wait);
                self.waiting.push(untried);
            }
            ended = ended.and_then(|()| self.check(failure, wait));
            match wait {
                None if ended.is_ok() => ended = self.refused(sender, batch, failure),
                _ => self.put_off(batch, wait),
            }
        }
        ended?;
        self.condemn(sender, pending)
    }

    /// Ends the sending when a failure is nobody's fault and does not pass, or when nothing can be reached any more.
    fn check(&self, failure: &Failure, wait: Option<Duration>) -> Result<()> {
        match wait {
            // A line that is cut or silent may be that of a server that is gone: then the look-up is not waited for.
            Some(_) if !failure.is_over() => Ok(self.channel.is_reachable()?),
            Some(_) => Ok(()),
            // What this server cannot do is no reason to keep the rest from it (protocol, section 7).
            None if failure.kind() == FailureKind::Unsupported => Ok(()),
            None if failure.may_be_a_records_fault() => self.channel.check_is_open(failure),
            None => Err(failure.clone().into()),
        }
    }

    fn put_off(&mut self, mut batch: Batch, wait: Option<Duration>) {
        batch.due = batch.due.max(wait.map(|wait| Instant::now() + wait));
        self.waiting.push(batch);
    }

    /// Splits a refused batch; a record that stands alone is judged.
    fn refused(&mut self, sender: &Sender<'_, '_, 'c>, batch: Batch, failure: &Failure) -> Result<()> {
        if failure.kind() == FailureKind::Unsupported {
            self.judged.push_back((batch, failure.clone(), false));
            return Ok(());
        }
        let (half, now) = (batch.len() / 2, Instant::now());
        if half > 0 {
            for is_first in [false, true] {
                let mut part = batch.select(|number| (number < half) == is_first);
                (part.attempts, part.begun, part.refused_at) = (0, None, Some(now));
                self.parts.push_back(part);
            }
            return Ok(());
        }
        let refused_at = batch.refused_at.unwrap_or(now);
        match self.judge.refused_since(batch, failure.clone(), refused_at) {
            Verdict::Wait => Ok(()),
            Verdict::Refused(suspects) => {
                self.judged.extend(suspects);
                Ok(())
            }
            Verdict::AllAreRefused(error) => Err(error.context(&sender.project.channel.target)),
        }
    }

    /// Sets aside the records that are to blame for their refusal, and passes over the others.
    fn condemn(&mut self, sender: &mut Sender<'_, '_, 'c>, pending: &mut Pending) -> Result<()> {
        while let Some((batch, failure, is_certain)) = self.judged.pop_front() {
            // Before anything can fail: once it is set aside it counts as acknowledged, and not as lost.
            self.lose(&batch);
            for (text, places) in batch.items() {
                let id = id_of(text);
                sender.project.unsent.insert(IdKey::of(&id));
                if is_certain {
                    sender.set_aside(pending, places, self.what, &id, failure.status(), &failure.to_string())?;
                } else {
                    pending.pass_over(places);
                    sender.not_taken(self.what, &failure.to_string())?;
                }
            }
        }
        Ok(())
    }

    /// Notes what the server has of a batch.
    fn accepted(
        &mut self,
        sender: &mut Sender<'_, '_, 'c>,
        pending: &mut Pending,
        batch: &Batch,
        sent: &Sent,
    ) -> Result<()> {
        if let (true, Some(begun)) = (sent.has_written, batch.begun) {
            self.judged.extend(self.judge.passed_since(begun));
        }
        let taken = || batch.items().zip(&sent.there).filter(|(_, there)| **there).map(|(item, _)| item);
        let count = taken().count() as u64;
        if count == 0 {
            return Ok(());
        }
        if self.route == Route::Ends {
            sender.project.ended.extend(taken().map(|(text, _)| id_of(text)));
        }
        let places: Vec<Place> = taken().flat_map(|(_, places)| places.iter().copied()).collect();
        sender.accepted(pending, &places, self.what, count)
    }
}

/// What is left of a batch that failed: what was tried, in doubt when it may have arrived, until the request is over;
/// and what was not.
fn left_of(mut batch: Batch, sent: &Sent, failure: &Failure, over: Instant) -> (Batch, Batch) {
    let there = |number: usize| sent.there.get(number) == Some(&true);
    let mut untried = batch.select(|number| number >= sent.tried && !there(number));
    // What an earlier run may have sent of them was looked up just now.
    (untried.in_doubt, untried.attempts, untried.begun) = (false, 0, None);
    if sent.there.contains(&true) {
        // What came after these was not tried as often as they were.
        (batch.attempts, batch.begun) = (0, None);
    }
    if !untried.is_empty() || sent.there.contains(&true) {
        batch = batch.select(|number| number < sent.tried && !there(number));
    }
    batch.in_doubt |= may_have_arrived(failure);
    batch.due = batch.in_doubt.then_some(over);
    batch.attempts += 1;
    if failure.may_be_a_records_fault() {
        batch.refused_at.get_or_insert_with(Instant::now);
    }
    (batch, untried)
}

/// How long a batch that failed waits before it is sent again, if it is.
fn wait_for(sender: &Sender<'_, '_, '_>, batch: &Batch, failure: &Failure) -> Option<Duration> {
    let policy = sender.run.policy;
    // A fault that may be one record's is found by splitting; of one record alone it must persist.
    let split = failure.may_be_a_records_fault() && batch.len() > 1;
    let elapsed = batch.begun.map(|begun| begun.elapsed()).unwrap_or_default();
    let wait = policy.next_wait(failure, batch.attempts, elapsed);
    wait.filter(|_| !split || batch.attempts < policy.max_attempts_without_hope)
}

/// Whether the server may have what a failed request held. What something in between answers in the server's place, or
/// makes of its answer, says nothing.
fn may_have_arrived(failure: &Failure) -> bool {
    failure.may_have_been_applied() || matches!(failure.kind(), FailureKind::Cancelled | FailureKind::Foreign)
}

/// When a failed request is over for certain: before that, a look-up proves nothing.
fn over_at(sender: &Sender<'_, '_, '_>, failure: &Failure) -> Instant {
    // What a stop or a fault of this library cut may go on.
    let is_over = failure.is_over() && !matches!(failure.kind(), FailureKind::Cancelled | FailureKind::Refused);
    Instant::now() + if is_over { Duration::ZERO } else { sender.run.transport.answer_limit() }
}
