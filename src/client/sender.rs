//! The thread that sends what online sessions log: one a process, for all of them.
//!
//! It looks now and then whether something was logged, so that logging threads need not wake it. A flush asks it for a
//! pass and waits. It begins with the first online session and ends with the last; the child of a fork has one of its own
//! from its first record on.
//!
//! The state's lock is never held while something is packed, sent, or told to the program.

use super::online::Online;
use crate::error::{Error, Result, Status};
use crate::log::{self, Level};
use crate::store::process::{self, lock, PerProcess};
use crate::sync::server::environment::FOREVER;
use crate::sync::server::retry::jitter;
use crate::sync::Stop;
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle, ThreadId};
use std::time::{Duration, Instant};

/// How long what was logged waits while the line is good: long enough for a batch, short enough to watch a program.
pub(super) const INTERVAL: Duration = Duration::from_secs(2);
/// The shortest such time: each pass costs some requests.
pub(super) const SHORTEST_INTERVAL: Duration = Duration::from_millis(100);

/// The wait after a first failure; it doubles from there.
const FIRST_WAIT: Duration = Duration::from_secs(1);
/// The longest wait after a failure: a server that is back is found within this.
const LONGEST_WAIT: Duration = Duration::from_secs(300);

/// How soon a flush tries again when another sync has the directory.
const BUSY_WAIT: Duration = Duration::from_millis(100);
/// How long it does so.
const BUSY_LIMIT: Duration = Duration::from_secs(30);

/// How long finishing waits for a pass that it told to stop. Requests end at once; reading and writing files may go on.
pub(super) const LEAVE_LIMIT: Duration = Duration::from_millis(500);

/// A time that never comes.
const NEVER: Duration = FOREVER;

#[derive(Default)]
struct Sender {
    state: Mutex<State>,
    /// Something is asked for, or was done.
    changed: Condvar,
}

#[derive(Default)]
struct State {
    lines: Vec<Line>,
    /// The thread, and its number: one that was told to end is not asked for anything more.
    thread: Option<(u64, ThreadId)>,
    handle: Option<JoinHandle<()>>,
    started: u64,
    /// The threads that have not ended.
    alive: Vec<u64>,
    /// The session for which a pass is under way, and the way to end it.
    under_way: Option<(u64, Stop)>,
}

/// A session, and how sending what it logs stands.
struct Line {
    online: Arc<Online>,
    /// When to look next.
    due: Instant,
    /// How many records had been accepted when the last pass that succeeded began; `None`: it is not known that all were
    /// sent. What an earlier process left is sent by the first pass.
    sent: Option<u64>,
    /// When to send once more although nothing was logged since: a call that has not ended is sent only after a while.
    once_more: Option<Instant>,
    /// How often a pass was asked for, and which of these wishes the last one fulfilled, with what outcome.
    asked: u64,
    done: u64,
    outcome: Result<()>,
    /// Failures since the last success, and their kinds, each of which is told aloud once.
    failures: u32,
    told: Vec<Status>,
    busy_since: Option<Instant>,
}

static SENDER: PerProcess<Sender> = PerProcess::new();

impl Sender {
    fn wait<'s>(&self, state: MutexGuard<'s, State>, time: Duration) -> MutexGuard<'s, State> {
        self.changed.wait_timeout(state, time).unwrap_or_else(PoisonError::into_inner).0
    }
}

impl State {
    fn line(&mut self, id: u64) -> Option<&mut Line> {
        self.lines.iter_mut().find(|line| line.online.id == id)
    }

    /// Whether the calling thread is the sender: it runs a progress function of the program, and cannot wait for itself.
    fn is_own(&self) -> bool {
        self.thread.is_some_and(|(_, id)| id == thread::current().id())
    }
}

/// Whether the calling thread is the sender.
pub(super) fn is_own() -> bool {
    lock(&SENDER.get().state).is_own()
}

/// Has this process send what a session logs.
pub(super) fn watch(online: &Arc<Online>) -> Result<()> {
    let sender = SENDER.get();
    let mut state = lock(&sender.state);
    if state.thread.is_none() {
        let number = state.started + 1;
        let handle = process::spawn_quiet("weave-sender", move || run(number)).map_err(|cause| {
            Error::new(
                Status::Io,
                format!("cannot start a thread that sends {}: {cause}; what is logged is kept", online.project),
            )
        })?;
        state.started = number;
        state.thread = Some((number, handle.thread().id()));
        state.alive.push(number);
        state.handle = Some(handle);
    }
    if state.line(online.id).is_none() {
        state.lines.push(Line::new(online));
    }
    sender.changed.notify_all();
    Ok(())
}

/// How long to wait for what is being sent.
#[derive(Clone, Copy)]
pub(super) enum Until {
    /// Up to a time.
    Time(Instant),
    /// As long as the server takes something now and then.
    Silence,
    /// As long as it takes.
    Done,
}

/// Has what a session logged sent now, and waits for that. When the time is over, the sending goes on.
pub(super) fn send_now(online: &Arc<Online>, until: Until) -> Result<()> {
    let began = Instant::now();
    let left = || match until {
        Until::Time(time) => time.saturating_duration_since(Instant::now()),
        Until::Silence => online.patience.saturating_sub(online.heard().max(began).elapsed()),
        Until::Done => NEVER,
    };
    let late = || {
        let text = match until {
            Until::Silence => format!("the server has taken nothing for {} s", online.patience.as_secs_f64()),
            _ => "the time limit was reached before everything was sent".to_owned(),
        };
        Err(Error::new(Status::Timeout, format!("{text}; the rest is kept, and sent later")))
    };
    if left().is_zero() {
        return late();
    }
    watch(online)?;
    let sender = SENDER.get();
    let mut state = lock(&sender.state);
    if state.is_own() {
        return Err(Error::new(Status::Busy, "a progress function cannot wait for the sending that it is told of"));
    }
    let Some(line) = state.line(online.id) else { return Err(gone(online)) };
    line.asked += 1;
    line.due = Instant::now();
    let wish = line.asked;
    sender.changed.notify_all();
    loop {
        match state.line(online.id) {
            None => return Err(gone(online)),
            Some(line) if line.done >= wish => return line.outcome.clone(),
            Some(_) if left().is_zero() => return late(),
            Some(_) => state = sender.wait(state, left()),
        }
    }
}

/// Stops sending what a session logs, and waits so long for what is under way. Nothing of the program is called for the
/// session afterwards.
pub(super) fn leave(online: &Online, limit: Duration) {
    let sender = SENDER.get();
    let mut state = lock(&sender.state);
    let Some(place) = state.lines.iter().position(|line| line.online.id == online.id) else { return };
    let (line, is_own) = (state.lines.swap_remove(place), state.is_own());
    let stop = state.under_way.as_ref().filter(|(id, _)| *id == online.id).map(|(_, stop)| stop.clone());
    let ending = state.thread.filter(|_| state.lines.is_empty()).map(|(number, _)| number);
    let mut handle = None;
    if ending.is_some() {
        (state.thread, state.under_way) = (None, None);
        handle = state.handle.take();
    }
    sender.changed.notify_all();
    drop(state);
    drop(line);
    if let Some(stop) = stop {
        stop.ask();
    }
    online.hush(is_own);
    if is_own {
        return;
    }
    let deadline = Instant::now() + limit;
    let mut state = lock(&sender.state);
    loop {
        let busy = match ending {
            Some(number) => state.alive.contains(&number),
            None => state.under_way.as_ref().is_some_and(|(id, _)| *id == online.id),
        };
        let left = deadline.saturating_duration_since(Instant::now());
        if !busy || left.is_zero() {
            drop(state);
            // What has not ended does so by itself.
            if let Some(handle) = handle.filter(|_| !busy) {
                let _ = handle.join();
            }
            return;
        }
        state = sender.wait(state, left);
    }
}

fn gone(online: &Online) -> Error {
    Error::new(
        Status::Closed,
        format!("{}: the client was finished meanwhile; what is not sent is kept", online.project),
    )
}

fn run(number: u64) {
    let sender = SENDER.get();
    let mut state = lock(&sender.state);
    while state.thread.is_some_and(|(current, _)| current == number) {
        let now = Instant::now();
        let Some(line) = state.lines.iter().min_by_key(|line| line.due) else { break };
        if line.due > now {
            let pause = line.due - now;
            state = sender.wait(state, pause);
            continue;
        }
        let (online, asked, stop) = (line.online.clone(), line.asked, Stop::new());
        let idle_at = line.is_idle(now).then_some(line.sent).flatten();
        state.under_way = Some((online.id, stop.clone()));
        drop(state);
        let done = pass(&online, idle_at, &stop);
        state = lock(&sender.state);
        if state.thread.is_some_and(|(current, _)| current == number) {
            state.under_way = None;
            let said = state.line(online.id).and_then(|line| line.settle(asked, done));
            sender.changed.notify_all();
            if let Some((level, text)) = said {
                drop(state);
                log::write(level, || text);
                state = lock(&sender.state);
            }
        }
    }
    state.alive.retain(|other| *other != number);
    sender.changed.notify_all();
}

/// What came of a look at a session.
enum Done {
    /// Nothing was logged since the last pass.
    Nothing,
    /// A pass: how many records had been accepted when it began, and whether it tried to send them all.
    Pass(u64, Result<bool>),
}

/// Sends what a session has logged, unless it is idle and had logged as much already when the last pass began.
fn pass(online: &Online, idle_at: Option<u64>, stop: &Stop) -> Done {
    let looked = catch_unwind(AssertUnwindSafe(|| {
        let accepted = online.store.stats().accepted;
        match idle_at {
            Some(sent) if sent == accepted => Done::Nothing,
            _ => Done::Pass(accepted, online.pass(stop)),
        }
    }));
    looked.unwrap_or_else(|_| {
        let text = "a fault inside the library was caught while it sent; what is stored is kept";
        Done::Pass(0, Err(Error::new(Status::Panic, text)))
    })
}

impl Line {
    fn new(online: &Arc<Online>) -> Line {
        Line {
            online: online.clone(),
            due: Instant::now() + online.interval.min(NEVER),
            sent: None,
            once_more: None,
            asked: 0,
            done: 0,
            outcome: Ok(()),
            failures: 0,
            told: Vec::new(),
            busy_since: None,
        }
    }

    /// Whether there is nothing to send as long as nothing was logged.
    fn is_idle(&self, now: Instant) -> bool {
        self.asked == self.done && self.once_more.is_none_or(|at| at > now)
    }

    /// Notes what came of a look, and when the next one is due. `asked` is how often a pass was asked for when it began.
    /// Answers what is to be told to the program.
    fn settle(&mut self, asked: u64, done: Done) -> Option<(Level, String)> {
        let now = Instant::now();
        let usual = now + self.online.interval.min(NEVER);
        // A wish that came meanwhile is for another pass.
        let is_asked = self.asked > asked;
        let next = |at: Instant| if is_asked { now } else { at };
        self.due = next(usual);
        let Done::Pass(accepted, outcome) = done else { return None };
        if let Err(error) = &outcome {
            if error.status() == Status::Busy {
                self.wait_for_others(asked, error, now);
                return None;
            }
        }
        (self.busy_since, self.done) = (None, asked);
        self.outcome = outcome.clone().map(drop);
        match outcome {
            Ok(all) => {
                self.was_sent(all.then_some(accepted), now);
                self.told.clear();
                let failures = std::mem::take(&mut self.failures);
                (failures > 0).then(|| (Level::Info, format!("sending {} works again", self.online.project)))
            }
            // The server was reached, and what it refused stays where the sync says.
            Err(error) if error.status() == Status::Incomplete => {
                self.was_sent(Some(accepted), now);
                self.failures = 0;
                self.tell(&error, "")
            }
            Err(error) => {
                self.sent = None;
                self.failures += 1;
                let wait = backoff(self.failures, jitter());
                self.due = next(now + wait);
                self.tell(&error, &format!("; it is tried again in {} s", wait.as_secs_f64().ceil()))
            }
        }
    }

    /// Notes that a pass reached the server. A call that had not ended may be old enough after a while to be sent as one
    /// that runs, so there is one more pass then.
    fn was_sent(&mut self, sent: Option<u64>, now: Instant) {
        let is_more = self.once_more.is_some_and(|at| at <= now);
        if self.sent != sent || !is_more {
            let age = self.online.open_after() + self.online.interval.min(NEVER);
            self.once_more = Some(now + age);
        } else {
            self.once_more = None;
        }
        self.sent = sent;
    }

    /// Another sync has the directory: that is no failure.
    fn wait_for_others(&mut self, asked: u64, error: &Error, now: Instant) {
        let since = *self.busy_since.get_or_insert(now);
        if self.asked > self.done && now - since < BUSY_LIMIT {
            self.due = now + BUSY_WAIT;
        } else {
            self.busy_since = None;
            (self.done, self.outcome) = (asked, Err(error.clone()));
        }
    }

    /// The first failure of a kind aloud, those like it in a low voice.
    fn tell(&mut self, error: &Error, then: &str) -> Option<(Level, String)> {
        let known = self.told.contains(&error.status());
        if !known {
            self.told.push(error.status());
        }
        let level = if known { Level::Debug } else { Level::Warning };
        Some((level, format!("sending {}: {error}{then}", self.online.project)))
    }
}

/// The wait after so many failures in a row, less up to a quarter, so that many programs do not come back together.
fn backoff(failures: u32, jitter: f64) -> Duration {
    let doubled = FIRST_WAIT.saturating_mul(1 << failures.saturating_sub(1).min(20));
    doubled.min(LONGEST_WAIT).mul_f64(1.0 - 0.25 * jitter.clamp(0.0, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_from_a_second_to_five_minutes_less_the_jitter() {
        let waits: Vec<u64> = (1..12).map(|failures| backoff(failures, 0.0).as_secs()).collect();
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]);
        assert_eq!(backoff(1, 1.0), Duration::from_millis(750));
        assert_eq!(backoff(u32::MAX, 0.0), LONGEST_WAIT);
    }
}
