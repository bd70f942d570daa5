//! The names that calls were given after they were logged: updates stand in lines of their own, behind the calls.

use super::chunks::Source;
use super::whole;
use memchr::memmem::Finder;
use serde::Deserialize;
use std::collections::HashMap;
use std::ops::ControlFlow;
use std::sync::Arc;
use weave::record::kind::RecordType;
use weave::sync::{line, Stop};

/// The last name of each call that was renamed, by the call's id. They are few, and in memory.
#[derive(Debug, Default)]
pub struct Renamed(HashMap<String, Option<String>>);

/// An update of a call.
#[derive(Debug, Deserialize)]
pub struct Update {
    call_id: String,
    #[serde(default)]
    display_name: Option<String>,
}

impl Renamed {
    /// Adds an update that was logged after those before.
    pub fn add(&mut self, update: Update) {
        self.0.insert(update.call_id, update.display_name);
    }

    /// The name that a call was given at last.
    pub fn name(&self, id: &str) -> Option<&Option<String>> {
        self.0.get(id)
    }
}

/// The updates in some lines.
pub fn updates(lines: &[u8]) -> Vec<Update> {
    let update = |line: &[u8]| {
        let parsed = line::parse(line, true).ok()?;
        (parsed.record_type? == RecordType::CallUpdate).then(|| serde_json::from_str(parsed.data).ok())?
    };
    // Most files have none, which is told much sooner of all lines together than of each.
    match Finder::new(b"call_update").find(lines) {
        Some(_) => lines.split(|byte| *byte == b'\n').filter_map(update).collect(),
        None => Vec::new(),
    }
}

/// The updates in these files.
pub fn of(sources: &[Arc<Source>], stop: &Stop) -> weave::Result<Renamed> {
    let mut found = Renamed::default();
    let _ = whole::each_part(
        sources,
        stop,
        |_| true,
        |_, lines| updates(lines),
        |updates| {
            updates.into_iter().for_each(|update| found.add(update));
            ControlFlow::Continue(())
        },
    )?;
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_name_counts_and_other_lines_do_not() {
        let update = |name: &str| {
            format!("{{\"type\":\"call_update\",\"timestamp\":\"t\",\"data\":{{\"call_id\":\"a\",\"display_name\":{name}}}}}\n")
        };
        let other =
            "{\"type\":\"call_complete\",\"timestamp\":\"t\",\"data\":{\"id\":\"b\",\"output\":\"call_update\"}}\n";
        let lines = update("\"first\"") + other + "{torn call_update\n" + &update("\"last\"");
        let mut renamed = Renamed::default();
        updates(lines.as_bytes()).into_iter().for_each(|update| renamed.add(update));
        assert_eq!(renamed.name("a"), Some(&Some("last".to_string())));
        assert_eq!(renamed.name("b"), None);
    }
}
