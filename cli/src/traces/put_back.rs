//! Records that stand in two files: those that a server refused, or did not have, and that were put back to be sent again.
//! Their lines were copied to a file behind the first one. The last copy counts.
//!
//! Their members tell them apart: what a journal was packed into says which part of the journal it covers, and what was
//! put back covers none.

use super::call::{part_of, Part};
use super::chunks::{Chunk, Source};
use super::whole;
use serde::Deserialize;
use std::collections::HashMap;
use std::ops::ControlFlow;
use std::sync::Arc;
use weave::sync::Stop;

/// How many lines of each call were put back, by the call's id. They are few, and in memory.
#[derive(Debug, Default)]
pub struct PutBack(HashMap<String, Lines>);

/// Starts and ends of a call; a whole call is one of each.
#[derive(Debug, Default, Clone, Copy)]
struct Lines {
    starts: u32,
    ends: u32,
    starts_seen: u32,
    ends_seen: u32,
}

#[derive(Deserialize)]
struct Id {
    id: String,
}

impl PutBack {
    /// Counts a line that was put back.
    fn add(&mut self, part: Part, id: String) {
        let lines = self.0.entry(id).or_default();
        lines.starts += u32::from(part != Part::End);
        lines.ends += u32::from(part != Part::Start);
    }

    /// Whether a line is the one that counts. Each is asked for once, in the order of the files.
    pub fn counts(&mut self, part: Part, id: &str, is_put_back: bool) -> bool {
        let Some(lines) = self.0.get_mut(id) else { return true };
        let (has_start, has_end) = (part != Part::End, part != Part::Start);
        if !is_put_back {
            return (has_start && lines.starts == 0) || (has_end && lines.ends == 0);
        }
        lines.starts_seen += u32::from(has_start);
        lines.ends_seen += u32::from(has_end);
        (!has_start || lines.starts_seen == lines.starts) && (!has_end || lines.ends_seen == lines.ends)
    }
}

/// What was put back, in these files. Of damage who reads the calls is told.
pub fn of(sources: &[Arc<Source>], stop: &Stop) -> PutBack {
    let ids = |lines: &[u8]| {
        let parts = lines.split(|byte| *byte == b'\n').filter_map(part_of);
        let id = |(part, text)| Some((part, serde_json::from_str::<Id>(text).ok()?.id));
        parts.filter_map(id).collect::<Vec<_>>()
    };
    let mut found = PutBack::default();
    let _ = whole::each_part(
        sources,
        stop,
        &mut |_| {},
        Chunk::is_put_back,
        |_, lines| ids(lines),
        |ids| {
            ids.into_iter().for_each(|(part, id)| found.add(part, id));
            ControlFlow::Continue(())
        },
    );
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put_back(lines: &[(Part, &str)]) -> PutBack {
        let mut found = PutBack::default();
        lines.iter().for_each(|(part, id)| found.add(*part, id.to_string()));
        found
    }

    #[test]
    fn the_last_copy_counts() {
        let mut found = put_back(&[(Part::Whole, "a"), (Part::Whole, "a")]);
        assert!(found.counts(Part::Whole, "b", false));
        assert!(!found.counts(Part::Whole, "a", false));
        assert!(!found.counts(Part::Whole, "a", true));
        assert!(found.counts(Part::Whole, "a", true));
    }

    #[test]
    fn of_an_end_that_was_put_back_the_start_counts_where_it_stands() {
        let mut found = put_back(&[(Part::End, "a")]);
        assert!(found.counts(Part::Start, "a", false));
        assert!(!found.counts(Part::End, "a", false));
        assert!(found.counts(Part::End, "a", true));
    }

    #[test]
    fn a_whole_call_that_was_put_back_stands_for_both_of_its_lines() {
        let mut found = put_back(&[(Part::Whole, "a")]);
        assert!(!found.counts(Part::Start, "a", false) && !found.counts(Part::End, "a", false));
        assert!(found.counts(Part::Whole, "a", true));
    }
}
