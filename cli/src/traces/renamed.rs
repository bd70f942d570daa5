//! The names that calls were given after they began: updates stand in lines of their own.

use super::call::{time_of_line, Call};
use super::chunks::Source;
use super::{whole, Told};
use memchr::memmem::Finder;
use serde::Deserialize;
use std::collections::HashMap;
use std::ops::ControlFlow;
use std::sync::Arc;
use weave::record::kind::RecordType;
use weave::record::time::Timestamp;
use weave::sync::{line, Stop};

/// The last name of each call that was renamed, by the call's id. They are few, and in memory.
#[derive(Debug, Default)]
pub struct Renamed(HashMap<String, Update>);

/// An update of a call.
#[derive(Debug, Deserialize)]
pub struct Update {
    call_id: String,
    #[serde(default)]
    display_name: Option<String>,
    #[serde(skip)]
    logged: Option<Timestamp>,
}

impl Renamed {
    /// Adds updates, in whatever order. Of those of one moment the last counts.
    pub fn add(&mut self, updates: Vec<Update>) {
        for update in updates {
            if self.0.get(&update.call_id).is_none_or(|known| update.logged >= known.logged) {
                self.0.insert(update.call_id.clone(), update);
            }
        }
    }

    /// Gives a call the name that it was given at last.
    pub fn name(&self, call: &mut Call) {
        if let Some(update) = self.0.get(&call.id) {
            call.display_name.clone_from(&update.display_name);
        }
    }
}

/// The updates in some lines.
pub fn updates(lines: &[u8]) -> Vec<Update> {
    let update = |line: &[u8]| {
        let parsed = line::parse(line, true).ok()?;
        let is_update = parsed.record_type? == RecordType::CallUpdate;
        let update: Update = is_update.then(|| serde_json::from_str(parsed.data).ok())??;
        Some(Update { logged: time_of_line(&parsed), ..update })
    };
    // Most files have none, which is told much sooner of all lines together than of each.
    match Finder::new(b"call_update").find(lines) {
        Some(_) => lines.split(|byte| *byte == b'\n').filter_map(update).collect(),
        None => Vec::new(),
    }
}

/// The updates in these files.
pub fn of(sources: &[Arc<Source>], stop: &Stop, told: &mut dyn FnMut(Told<'_>)) -> Renamed {
    let mut found = Renamed::default();
    let _ = whole::each_part(
        sources,
        stop,
        told,
        |_| true,
        |_, lines| updates(lines),
        |updates| {
            found.add(updates);
            ControlFlow::Continue(())
        },
    );
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn update(at: u32, name: &str) -> String {
        format!(
            "{{\"type\":\"call_update\",\"timestamp\":\"2026-01-31T00:00:0{at}.000000Z\",\
             \"data\":{{\"call_id\":\"a\",\"display_name\":\"{name}\"}}}}\n"
        )
    }

    fn named(renamed: &Renamed, id: &str) -> Option<String> {
        let mut call = Call { id: id.into(), ..Call::default() };
        renamed.name(&mut call);
        call.display_name
    }

    #[test]
    fn the_last_name_counts_in_whatever_order_updates_come() {
        let (first, last) = (update(1, "first"), update(2, "last"));
        for lines in [[&first, &last], [&last, &first]] {
            let mut renamed = Renamed::default();
            lines.iter().for_each(|line| renamed.add(updates(line.as_bytes())));
            assert_eq!(named(&renamed, "a").as_deref(), Some("last"));
        }
        let mut renamed = Renamed::default();
        renamed.add(updates((last + &update(2, "of the same moment")).as_bytes()));
        assert_eq!(named(&renamed, "a").as_deref(), Some("of the same moment"));
    }

    #[test]
    fn lines_that_are_no_updates_name_nothing() {
        let other =
            "{\"type\":\"call_complete\",\"timestamp\":\"t\",\"data\":{\"id\":\"b\",\"output\":\"call_update\"}}\n";
        let mut renamed = Renamed::default();
        renamed.add(updates((other.to_string() + "{torn call_update\n").as_bytes()));
        assert_eq!((named(&renamed, "a"), named(&renamed, "b")), (None, None));
    }
}
