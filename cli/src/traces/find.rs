//! One call by its id, or all calls of a trace.
//!
//! Ids are UUIDs that begin with the time at which they were made (protocol, section 4), and a record is written after
//! that. So files that were written last before it are passed over, and in the file that was growing then the first
//! piece is found by halving. An id of another kind is looked for everywhere.

use super::call::{logged_at, parse, part_of, Call, Part};
use super::chunks::{chunks, sources, Chunk, Source};
use super::join::Joiner;
use super::renamed::{updates, Renamed};
use super::{scan, size_of, Told};
use memchr::memmem::Finder;
use std::collections::HashSet;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};
use weave::record::time::Timestamp;
use weave::store::layout::ProjectDir;
use weave::Error;

/// Clocks of machines differ, and records of one moment stand in whatever order.
const SLACK_MICROS: i64 = 300_000_000;

/// So long after its root a trace is followed, and a name that one of its calls was given.
const AFTER_MICROS: i64 = 600_000_000;

/// What was found for an id.
pub enum Found {
    /// A call, and below it all calls of its trace, itself among them.
    Call(Box<Call>, Vec<Call>),
    /// The calls of a trace.
    Trace(Vec<Call>),
    /// Nothing.
    Nothing,
}

/// Looks for an id: first from the time on that it tells, then everywhere.
pub fn find(projects: &[ProjectDir], id: &str, told: &mut dyn FnMut(Told<'_>)) -> weave::Result<Found> {
    let files = sources(projects, "calls")?;
    let from = time_of(id);
    for bound in [from, None] {
        let (call, has_passed_over) = first_with(&files, id, bound, told);
        let Some(call) = call else {
            if has_passed_over {
                continue;
            }
            break;
        };
        let trace = call.trace_id.clone().unwrap_or_default();
        let since = [time_of(&trace), bound].into_iter().flatten().min().filter(|_| bound.is_some());
        let all = all_of(&files, &trace, since, told);
        return Ok(match all.iter().position(|other| other.id == id) {
            Some(place) => Found::Call(Box::new(all.get(place).cloned().unwrap_or(call)), all),
            None => Found::Trace(all),
        });
    }
    Ok(Found::Nothing)
}

/// The time that an id begins with.
fn time_of(id: &str) -> Option<Timestamp> {
    let digits: String = id.chars().filter(|c| *c != '-').collect();
    let is_uuid7 = digits.len() == 32 && digits.get(12..13) == Some("7");
    let millis = i64::from_str_radix(digits.get(..12).filter(|_| is_uuid7)?, 16).ok()?;
    Timestamp::from_micros(millis.checked_mul(1000)?)
}

/// A call that has this id, or is of the trace that has it; and whether something was passed over.
fn first_with(
    files: &[Arc<Source>],
    id: &str,
    since: Option<Timestamp>,
    told: &mut dyn FnMut(Told<'_>),
) -> (Option<Call>, bool) {
    let (mut found, finder) = (None, Finder::new(id));
    // An end tells its call, but not the trace of it.
    let is_wanted =
        |part: Part, call: &Call| part != Part::End && (call.id == id || call.trace_id.as_deref() == Some(id));
    let work = |chunk: &Chunk, lines: &[u8]| parts_with(chunk, lines, Some(&finder), &is_wanted);
    let has_passed_over = look(files, since, told, &work, &mut |parts, _| {
        found = parts.into_iter().next().map(|(_, call)| call);
        if found.is_some() {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    });
    (found, has_passed_over)
}

/// All calls of a trace, until some time after its root has ended.
fn all_of(files: &[Arc<Source>], trace: &str, since: Option<Timestamp>, told: &mut dyn FnMut(Told<'_>)) -> Vec<Call> {
    let (finder, mut joiner, mut all, mut end) = (Finder::new(trace), Joiner::default(), Vec::new(), None);
    let is_wanted = |part: Part, call: &Call| part != Part::End && call.trace_id.as_deref() == Some(trace);
    let mut renamed = Renamed::default();
    let of_trace = |chunk: &Chunk, lines: &[u8]| (parts_with(chunk, lines, Some(&finder), &is_wanted), updates(lines));
    look(files, since, told, &of_trace, &mut |(parts, updates), logged| {
        renamed.add(updates);
        for (part, call) in parts {
            if part == Part::Whole && call.parent_id.is_none() {
                end = end.max(call.ended_at);
            }
            all.extend(joiner.add(part, call));
        }
        let is_over = |end: Timestamp| logged.is_some_and(|at| at.micros() > end.micros() + AFTER_MICROS);
        if end.is_some_and(is_over) {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    });
    // The end of a call does not tell its trace.
    let open: HashSet<String> = joiner.started().map(str::to_string).collect();
    if !open.is_empty() {
        let is_end = |part: Part, call: &Call| part == Part::End && open.contains(&call.id);
        let ends = |chunk: &Chunk, lines: &[u8]| parts_with(chunk, lines, None, &is_end);
        let (mut found, wanted) = (Vec::new(), open.len());
        look(files, since, told, &ends, &mut |parts, _| {
            found.extend(parts);
            if found.len() >= wanted {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        });
        all.extend(found.into_iter().filter_map(|(part, call)| joiner.add(part, call)));
    }
    all.extend(joiner.left());
    all.sort_by(|a, b| (a.started_at, &a.id).cmp(&(b.started_at, &b.id)));
    all.dedup_by(|a, b| a.id == b.id);
    all.iter_mut().for_each(|call| renamed.name(call));
    all
}

/// The parts of calls in a piece that are wanted. A piece that lacks a text that all of them have is not taken apart.
fn parts_with(
    chunk: &Chunk,
    lines: &[u8],
    text: Option<&Finder<'_>>,
    is_wanted: &(dyn Fn(Part, &Call) -> bool + Sync),
) -> Vec<(Part, Call)> {
    let has_text = |bytes: &[u8]| text.is_none_or(|text| text.find(bytes).is_some());
    if !has_text(lines) {
        return Vec::new();
    }
    let project = Arc::from(chunk.source.project.as_str());
    let parts = lines.split_inclusive(|byte| *byte == b'\n').filter(|line| has_text(line)).filter_map(|line| {
        let (part, text) = part_of(line)?;
        Some((part, parse(&project, text)?))
    });
    parts.filter(|(part, call)| is_wanted(*part, call)).collect()
}

/// Reads pieces from a time on: `take` is given what `work` made of each, and when its first line was logged. Whether
/// anything was passed over.
fn look<R: Send>(
    files: &[Arc<Source>],
    since: Option<Timestamp>,
    told: &mut dyn FnMut(Told<'_>),
    work: &(impl Fn(&Chunk, &[u8]) -> R + Sync),
    take: &mut dyn FnMut(R, Option<Timestamp>) -> ControlFlow<()>,
) -> bool {
    let since = since.and_then(|since| Timestamp::from_micros(since.micros() - SLACK_MICROS));
    let mut has_passed_over = false;
    let (mut done, all) = (0, files.iter().map(|source| size_of(source)).sum());
    for source in files {
        done += size_of(source);
        if since.is_some_and(|since| was_written_before(source, since)) {
            has_passed_over = true;
            continue;
        }
        let pieces = match chunks(source) {
            Ok(pieces) => pieces,
            Err(error) => {
                told(Told::Damage(&error));
                continue;
            }
        };
        let first = since.map_or(0, |since| first_since(&pieces, since));
        has_passed_over |= first > 0;
        let timed = |chunk: &Chunk, lines: &[u8]| {
            let first = lines.split(|byte| *byte == b'\n').next().and_then(logged_at);
            (work(chunk, lines), first)
        };
        let damaged = &mut |error: &Error| told(Told::Damage(error));
        if scan::each(pieces.into_iter().skip(first), damaged, timed, |(found, logged)| take(found, logged)).is_break()
        {
            break;
        }
        told(Told::Read { done, all });
    }
    has_passed_over
}

fn was_written_before(source: &Source, since: Timestamp) -> bool {
    let about = source.file.path.metadata().or_else(|_| source.file.synced_path().metadata());
    let bound = UNIX_EPOCH + Duration::from_micros(u64::try_from(since.micros()).unwrap_or_default());
    about.and_then(|about| about.modified()).is_ok_and(|written| written < bound)
}

/// The place of the last piece that begins before a time, by halving: pieces stand in the order in which they were
/// packed. One whose time cannot be read is taken for a later one, so that nothing is passed over.
fn first_since(pieces: &[Chunk], since: Timestamp) -> usize {
    let (mut low, mut high) = (0, pieces.len());
    while low < high {
        let middle = low + (high - low) / 2;
        let Some(piece) = pieces.get(middle) else { break };
        let lines = piece.lines(&mut |_| {});
        match lines.split(|byte| *byte == b'\n').next().and_then(logged_at) {
            Some(at) if at < since => low = middle + 1,
            _ => high = middle,
        }
    }
    low.saturating_sub(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_is_read_from_a_uuid_of_version_7_alone() {
        let at = |id| time_of(id).map(|at| at.to_string());
        assert_eq!(at("01a22991-76c7-7406-bd8f-3d40d8215bd0").as_deref(), Some("2026-11-29T23:08:48.711000Z"));
        for other in ["01a22991-76c7-4406-bd8f-3d40d8215bd0", "0123456789abcdef", "", "ä"] {
            assert_eq!(at(other), None, "{other}");
        }
    }
}
