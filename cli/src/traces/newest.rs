//! The newest calls of a directory: files are read from their ends, those first that were written last, and no further
//! than it takes.

use super::call::{logged_at, parse, part_of, Call, Part};
use super::chunks::{chunks, sources, Chunk, Source};
use super::filter::Filter;
use super::join::Joiner;
use super::renamed::{updates, Renamed, Update};
use super::{scan, size_of, Told};
use std::cmp::Reverse;
use std::collections::HashMap;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use weave::record::time::Timestamp;
use weave::store::layout::ProjectDir;

/// A record may stand so long behind others of its file that were logged after it: threads that log much are packed in
/// turns.
const SLACK: Duration = Duration::from_secs(5);

/// What is looked for.
pub struct Wanted<'a> {
    /// Which calls.
    pub filter: &'a Filter,
    /// Only those that are no part of another.
    pub only_roots: bool,
    /// How many.
    pub count: usize,
    /// Whether inputs, outputs and the like are wanted too.
    pub with_values: bool,
}

/// The newest calls that are wanted, the newest first.
pub fn find(projects: &[ProjectDir], wanted: &Wanted<'_>, told: &mut dyn FnMut(Told<'_>)) -> weave::Result<Vec<Call>> {
    let mut files: Vec<(SystemTime, Arc<Source>)> = Vec::new();
    for source in sources(projects, "calls")? {
        files.push((written(&source), source));
    }
    files.sort_by_key(|(written, source)| Reverse((*written, source.file.date.clone(), source.file.number)));
    let mut newest = Newest {
        wanted,
        joiner: Joiner::default(),
        renamed: Renamed::default(),
        put_back: HashMap::new(),
        kept: Vec::new(),
    };
    let (mut done, all) = (0, files.iter().map(|(_, source)| size_of(source)).sum());
    for (written, source) in files {
        let nothing_newer = |bound: Timestamp| written < time_of(bound);
        let is_before = |since: Timestamp| written + SLACK < time_of(since);
        if newest.bound().is_some_and(nothing_newer) || wanted.filter.since.is_some_and(is_before) {
            break;
        }
        match chunks(&source) {
            Ok(chunks) => newest.read(chunks, &mut |error| told(Told::Damage(error))),
            Err(error) => told(Told::Damage(&error)),
        }
        done += size_of(&source);
        told(Told::Read { done, all });
    }
    Ok(newest.finish())
}

fn written(source: &Source) -> SystemTime {
    let about = source.file.path.metadata().or_else(|_| source.file.synced_path().metadata());
    about.and_then(|about| about.modified()).unwrap_or(UNIX_EPOCH)
}

fn time_of(at: Timestamp) -> SystemTime {
    UNIX_EPOCH + Duration::from_micros(u64::try_from(at.micros()).unwrap_or_default())
}

struct Newest<'a> {
    wanted: &'a Wanted<'a>,
    joiner: Joiner,
    renamed: Renamed,
    /// Which parts of which calls were copied from further back, to be sent again.
    put_back: HashMap<String, Vec<Part>>,
    /// The calls found; between pieces no more than are wanted, the newest first.
    kept: Vec<Call>,
}

/// What was read of a piece: the calls from its end, and the time of its oldest line.
struct Read {
    parts: Vec<(Part, Call)>,
    are_put_back: bool,
    updates: Vec<Update>,
    oldest: Option<Timestamp>,
}

impl Newest<'_> {
    /// The time at which the last of the calls began that are kept, if there are enough.
    fn bound(&self) -> Option<Timestamp> {
        let last = self.kept.get(self.wanted.count.checked_sub(1)?)?;
        began(last)
    }

    fn read(&mut self, chunks: Vec<Chunk>, damaged: &mut dyn FnMut(&weave::Error)) {
        let wanted = self.wanted;
        let read = |chunk: &Chunk, lines: &[u8]| read(chunk, lines, wanted);
        let _ = scan::each(chunks.into_iter().rev(), damaged, read, |read: Read| {
            self.renamed.add(read.updates);
            for (part, call) in read.parts {
                if self.is_copied(part, &call.id, read.are_put_back) {
                    continue;
                }
                if let Some(call) = self.joiner.add(part, call) {
                    self.keep(call);
                }
            }
            self.shrink();
            // What stands before this piece was logged before, and so began before.
            let slack = SLACK.as_micros() as i64;
            let is_before = |bound: Timestamp| read.oldest.is_some_and(|at| at.micros() + slack <= bound.micros());
            match self.bound().is_some_and(is_before) || wanted.filter.since.is_some_and(is_before) {
                true => ControlFlow::Break(()),
                false => ControlFlow::Continue(()),
            }
        });
    }

    /// Whether a part was read already, where it was put back to.
    fn is_copied(&mut self, part: Part, id: &str, is_put_back: bool) -> bool {
        let known = self.put_back.get(id).is_some_and(|parts| parts.contains(&part) || parts.contains(&Part::Whole));
        if is_put_back {
            self.put_back.entry(id.to_string()).or_default().push(part);
        }
        known
    }

    fn keep(&mut self, call: Call) {
        let Wanted { filter, only_roots, .. } = self.wanted;
        let is_root = call.parent_id.is_none();
        if call.has_text && (is_root || !only_roots) && filter.takes(&call) && began(&call).is_some() {
            self.kept.push(call);
        }
    }

    fn shrink(&mut self) {
        self.kept.sort_by(|a, b| (began(b), &b.id).cmp(&(began(a), &a.id)));
        self.kept.dedup_by(|a, b| a.id == b.id);
        self.kept.truncate(self.wanted.count);
    }

    /// Starts that are left have no end: their calls run.
    fn finish(mut self) -> Vec<Call> {
        for call in std::mem::take(&mut self.joiner).left().filter(|call| call.started_at.is_some()) {
            self.keep(call);
        }
        self.shrink();
        self.kept.iter_mut().for_each(|call| self.renamed.name(call));
        self.kept
    }
}

fn began(call: &Call) -> Option<Timestamp> {
    call.started_at.or(call.ended_at)
}

fn read(chunk: &Chunk, lines: &[u8], wanted: &Wanted<'_>) -> Read {
    let project = Arc::from(chunk.source.project.as_str());
    let (mut parts, mut oldest) = (Vec::new(), None);
    for line in lines.split_inclusive(|byte| *byte == b'\n') {
        oldest = oldest.into_iter().chain(logged_at(line)).min();
        let Some((part, text)) = part_of(line) else { continue };
        let has_text = wanted.filter.has_text(line);
        // The other part of a call may have the text.
        if part == Part::Whole && !has_text {
            continue;
        }
        let Some(mut call) = parse(&project, text) else { continue };
        call.has_text = has_text;
        if !wanted.with_values {
            (call.attributes, call.inputs, call.output) = (None, None, None);
        }
        parts.push((part, call));
    }
    parts.reverse();
    Read { parts, are_put_back: chunk.is_put_back(), updates: updates(lines), oldest }
}
