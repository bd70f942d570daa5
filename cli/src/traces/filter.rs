//! Which calls are meant.

use super::call::{Call, State};
use memchr::memmem::Finder;
use weave::record::time::Timestamp;

/// What a call must be.
#[derive(Debug, Default)]
pub struct Filter {
    /// Its op's name has this text in it.
    pub op: Option<String>,
    /// How it stands.
    pub state: Option<State>,
    /// It began at this time or later.
    pub since: Option<Timestamp>,
    /// It began before this time.
    pub until: Option<Timestamp>,
    /// Its inputs, its output, or anything else that was stored of it has this text in it, as it stands in the line.
    pub text: Option<Finder<'static>>,
}

impl Filter {
    /// Whether a line has the text that is looked for.
    pub fn has_text(&self, line: &[u8]) -> bool {
        self.text.as_ref().is_none_or(|text| text.find(line).is_some())
    }

    /// Whether a call is meant, apart from the text.
    pub fn takes(&self, call: &Call) -> bool {
        let began = call.started_at.or(call.ended_at);
        self.op.as_ref().is_none_or(|op| call.op().contains(op.as_str()))
            && self.state.is_none_or(|state| call.state() == state)
            && self.since.is_none_or(|since| began.is_some_and(|at| at >= since))
            && self.until.is_none_or(|until| began.is_some_and(|at| at < until))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::traces::call::parse;
    use std::sync::Arc;

    fn call() -> Call {
        let text =
            r#"{"id":"a","op_name":"chat.turn","started_at":"2026-01-31T00:00:00Z","ended_at":"2026-01-31T00:00:01Z"}"#;
        parse(&Arc::from("team/demo"), text).unwrap()
    }

    fn at(text: &str) -> Option<Timestamp> {
        Some(Timestamp::parse(text, "time").unwrap())
    }

    #[test]
    fn a_call_must_be_all_that_is_asked_for() {
        let (none, chat) = (Filter::default(), Some("chat".to_string()));
        assert!(none.takes(&call()));
        assert!(Filter { op: chat.clone(), ..none }.takes(&call()));
        let failed = Filter { op: chat, state: Some(State::Failed), ..Filter::default() };
        assert!(!failed.takes(&call()));
    }

    #[test]
    fn since_takes_its_moment_in_and_until_leaves_it_out() {
        let since = |text| Filter { since: at(text), ..Filter::default() };
        let until = |text| Filter { until: at(text), ..Filter::default() };
        assert!(since("2026-01-31T00:00:00Z").takes(&call()) && !since("2026-01-31T00:00:00.1Z").takes(&call()));
        assert!(!until("2026-01-31T00:00:00Z").takes(&call()) && until("2026-01-31T00:00:00.1Z").takes(&call()));
    }
}
