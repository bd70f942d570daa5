//! Whole calls of starts and ends that stand in different places.

use super::call::{Call, Part};
use std::collections::HashMap;

/// What waits for its other half. It is in memory: few calls are stored in two parts, and fewer of these far apart.
#[derive(Default)]
pub struct Joiner {
    starts: HashMap<String, Call>,
    ends: HashMap<String, Call>,
}

impl Joiner {
    /// Adds a part; the whole call when it is complete. Parts may come in any order. A part that comes again is the same.
    pub fn add(&mut self, part: Part, call: Call) -> Option<Call> {
        match part {
            Part::Whole => Some(call),
            Part::Start => match self.ends.remove(&call.id) {
                Some(end) => Some(joined(call, end)),
                None => self.starts.insert(call.id.clone(), call).and(None),
            },
            Part::End => match self.starts.remove(&call.id) {
                Some(start) => Some(joined(start, call)),
                None => self.ends.insert(call.id.clone(), call).and(None),
            },
        }
    }

    /// The ids of calls whose start has found no end yet.
    pub fn started(&self) -> impl Iterator<Item = &str> {
        self.starts.keys().map(String::as_str)
    }

    /// What has found no other half: calls that run, and ends alone.
    pub fn left(self) -> impl Iterator<Item = Call> {
        self.starts.into_values().chain(self.ends.into_values())
    }
}

fn joined(start: Call, end: Call) -> Call {
    Call {
        ended_at: end.ended_at.or(start.ended_at),
        exception: end.exception.or(start.exception),
        output: end.output.or(start.output),
        summary: end.summary.or(start.summary),
        has_text: start.has_text || end.has_text,
        wb_run_step_end: end.wb_run_step_end.or(start.wb_run_step_end),
        ..start
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::traces::call::{parse, State};
    use std::sync::Arc;

    #[test]
    fn start_and_end_are_one_call_in_whatever_order_they_come() {
        let project = Arc::from("team/demo");
        let start = parse(&project, r#"{"id":"a","op_name":"f","started_at":"2026-01-31T00:00:00Z"}"#).unwrap();
        let end = parse(&project, r#"{"id":"a","ended_at":"2026-01-31T00:00:01Z","output":7}"#).unwrap();
        for parts in [[(Part::Start, &start), (Part::End, &end)], [(Part::End, &end), (Part::Start, &start)]] {
            let mut joiner = Joiner::default();
            let [first, second] = parts.map(|(part, call)| joiner.add(part, call.clone()));
            assert!(first.is_none());
            let call = second.unwrap();
            assert_eq!((call.op(), call.micros(), call.state()), ("f", Some(1_000_000), State::Done));
            assert_eq!(joiner.left().count(), 0);
        }
    }

    #[test]
    fn a_start_without_an_end_runs() {
        let mut joiner = Joiner::default();
        joiner.add(Part::Start, parse(&Arc::from("p"), r#"{"id":"a"}"#).unwrap());
        assert_eq!(joiner.left().map(|call| call.state()).collect::<Vec<_>>(), [State::Running]);
    }
}
