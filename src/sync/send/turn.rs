//! Which calls go first when a budget may not suffice for all: those that failed and those that have feedback, then small
//! ones, then the rest.

use super::sender::Sender;
use crate::error::Result;
use crate::sync::line::{parse, plain_text, IdKey};
use std::collections::HashSet;

/// A call of up to so many bytes is small.
const SMALL: usize = 16 * 1024;

/// Calls with feedback that are told from others: some MiB of ids.
const WITH_FEEDBACK: usize = 100_000;

/// What of the calls is sent in one go through the files.
pub enum Turn {
    /// Everything.
    All,
    /// Calls that failed, and these.
    Failed(HashSet<IdKey>),
    /// Small calls.
    Small,
    /// What is left.
    Rest,
    /// No calls, but the updates that were too many before.
    Updates,
}

impl Turn {
    /// The turns of a sync.
    pub fn all(sender: &Sender<'_, '_, '_>) -> Result<Vec<Turn>> {
        if !sender.run.choices.has_budget() {
            return Ok(vec![Turn::All]);
        }
        Ok(vec![Turn::Failed(with_feedback(sender)?), Turn::Small, Turn::Rest])
    }

    /// Whether a call belongs to this turn, as far as its text tells without parsing.
    pub fn takes(&self, call: &str) -> bool {
        match self {
            Turn::All | Turn::Rest => true,
            Turn::Small => call.len() <= SMALL,
            Turn::Failed(with_feedback) => {
                call.contains("\"exception\":\"")
                    || plain_text(call, "id").is_some_and(|id| with_feedback.contains(&IdKey::of(id)))
            }
            Turn::Updates => false,
        }
    }

    /// Whether calls are sent at all.
    pub fn takes_calls(&self) -> bool {
        !matches!(self, Turn::Updates)
    }

    /// Whether updates of calls are taken: with the last of the calls, and behind them.
    pub fn takes_updates(&self) -> bool {
        matches!(self, Turn::All | Turn::Rest | Turn::Updates)
    }

    /// Whether every call was looked at before, or is now: what cannot be used is told of, and what is left is left.
    pub fn is_last(&self) -> bool {
        matches!(self, Turn::All | Turn::Rest)
    }
}

/// The calls that pending feedback is about.
fn with_feedback(sender: &Sender<'_, '_, '_>) -> Result<HashSet<IdKey>> {
    let mut found = HashSet::new();
    let mut pending = sender.pending("feedback");
    while let Some(_place) = pending.advance()? {
        let (line, own) = pending.line();
        let Ok(parsed) = parse(line, own) else { continue };
        if let Some((_, rest)) = parsed.data.split_once("/call/") {
            let id = rest.split(['"', '/', '\\']).next().unwrap_or_default();
            if found.len() < WITH_FEEDBACK {
                found.insert(IdKey::of(id));
            }
        }
    }
    Ok(found)
}
