//! Calls as people see them.

use super::style::{Meaning, BAD, GOOD, WARNING};
use crate::traces::call::{Call, State};
use jiff::tz::TimeZone;
use jiff::Timestamp;

/// How a call stands, in its colour.
pub fn painted_state(state: State) -> (String, Meaning) {
    let meaning = match state {
        State::Done => GOOD,
        State::Failed => BAD,
        State::Running => WARNING,
    };
    (state.name().to_string(), meaning)
}

/// When a call began, in the time zone of the machine.
pub fn started(call: &Call) -> String {
    let at = call.started_at.and_then(|at| Timestamp::from_microsecond(at.micros()).ok());
    at.map(|at| TimeZone::system().to_datetime(at).strftime("%Y-%m-%d %H:%M:%S").to_string()).unwrap_or_default()
}
