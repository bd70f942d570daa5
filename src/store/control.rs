//! What is asked of the packer of a session, and what it answers.

use super::data_file::FileOptions;
use super::process::lock;
use crate::error::{Error, Result, Status};
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Requests and answers. Threads of the host ask and wait; the packer answers.
#[derive(Default)]
pub struct Control {
    state: Mutex<State>,
    answered: Condvar,
}

#[derive(Default)]
struct State {
    /// How often packing everything was asked for, and done.
    asked: u64,
    done: u64,
    /// The request, counted as above, after which the data files are to be closed.
    close: Option<u64>,
    stop: bool,
    stopped: bool,
    /// Why the last attempt of the packer failed, and the requests that it was for.
    failure: Option<(u64, Error)>,
    last_error: Option<Error>,
    options: Vec<(String, FileOptions)>,
}

/// What the packer is to do.
pub struct Request {
    /// Everything that is in the journal now is to be packed; to be named in the answer.
    pub asked: Option<u64>,
    /// Then the data files are to be closed.
    pub close: bool,
    /// Then the packer is to end.
    pub stop: bool,
}

impl Control {
    /// Sets how the files of a project are written.
    pub fn set_options(&self, project: &str, options: FileOptions) {
        lock(&self.state).options.push((project.to_string(), options));
    }

    /// Asks for everything accepted so far to be packed, and names the request.
    pub fn ask(&self, close: bool) -> u64 {
        let mut state = lock(&self.state);
        state.asked += 1;
        if close {
            state.close = Some(state.asked);
        }
        state.asked
    }

    /// Asks the packer to end.
    pub fn ask_to_stop(&self) {
        lock(&self.state).stop = true;
    }

    /// What became of a request; `None` while nothing did.
    #[cfg(test)]
    pub fn answer(&self, request: u64) -> Option<Result<()>> {
        lock(&self.state).answer(request)
    }

    /// Waits for what becomes of a request; `None` when the time is over.
    pub fn wait(&self, request: u64, deadline: Option<Instant>) -> Option<Result<()>> {
        self.wait_until(deadline, |state| state.answer(request))
    }

    /// Waits for the packer to end. False when the time is over.
    pub fn wait_for_end(&self, deadline: Instant) -> bool {
        self.wait_until(Some(deadline), |state| state.stopped.then_some(())).is_some()
    }

    fn wait_until<T>(&self, deadline: Option<Instant>, done: impl Fn(&State) -> Option<T>) -> Option<T> {
        let mut state = lock(&self.state);
        loop {
            if let Some(answer) = done(&state) {
                return Some(answer);
            }
            let left = deadline.map_or(Duration::from_secs(3600), |at| at.saturating_duration_since(Instant::now()));
            if left.is_zero() {
                return None;
            }
            state = self.answered.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Why the last attempt failed, unless one succeeded since.
    pub fn failure(&self) -> Option<Error> {
        lock(&self.state).failure.as_ref().map(|(_, error)| error.clone())
    }

    /// Why the last failed attempt failed.
    pub fn last_error(&self) -> Option<Error> {
        lock(&self.state).last_error.clone()
    }

    /// Takes over how the files of projects are to be written from now on.
    pub fn take_options(&self) -> Vec<(String, FileOptions)> {
        std::mem::take(&mut lock(&self.state).options)
    }

    /// What is to be done now. It may be asked again before anything is done.
    pub fn request(&self) -> Request {
        let state = lock(&self.state);
        Request {
            asked: (state.asked > state.done || state.stop).then_some(state.asked),
            close: state.close.is_some() || state.stop,
            stop: state.stop,
        }
    }

    /// A request was carried out.
    pub fn succeeded(&self, asked: Option<u64>) {
        let mut state = lock(&self.state);
        state.failure = None;
        if let Some(asked) = asked {
            state.done = asked;
            state.close = state.close.filter(|close| *close > asked);
            self.answered.notify_all();
        }
    }

    /// What was asked for could not be done; it is tried again.
    pub fn failed(&self, error: &Error) {
        let mut state = lock(&self.state);
        state.failure = Some((state.asked, error.clone()));
        state.last_error = Some(error.clone());
        self.answered.notify_all();
    }

    /// The packer has ended.
    pub fn ended(&self) {
        lock(&self.state).stopped = true;
        self.answered.notify_all();
    }
}

impl State {
    fn answer(&self, request: u64) -> Option<Result<()>> {
        match &self.failure {
            _ if self.done >= request => Some(Ok(())),
            Some((asked, error)) if *asked >= request => Some(Err(error.clone())),
            _ => self.stopped.then(|| Err(closed())),
        }
    }
}

/// What those hear who come too late.
pub fn closed() -> Error {
    Error::new(Status::Closed, "the offline directory was closed in this process; call weave_init again")
}
