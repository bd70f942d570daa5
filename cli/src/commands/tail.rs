//! `weave tail`: calls as they come into data files, until Ctrl-C.

use super::{out, Context};
use crate::arguments::Tail;
use crate::export::jsonl::Jsonl;
use crate::export::Form;
use crate::moments;
use crate::outcome::{Failure, Outcome};
use crate::sizes::count;
use crate::terminal::calls::{painted_state, started};
use crate::terminal::style::{BAD, FAINT, NAME};
use crate::terminal::values;
use crate::traces::call::{parse, part_of, Call, Part, State};
use crate::traces::chunks::{chunks, sources, Chunk, Source};
use crate::traces::filter::Filter;
use crate::traces::join::Joiner;
use std::collections::HashMap;
use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;
use std::time::Duration;
use weave::store::layout::ProjectDir;

/// How often it is looked whether a file has grown.
const LOOK: Duration = Duration::from_millis(250);

/// Tells of them.
pub fn run(context: &Context, given: &Tail) -> Outcome {
    let projects = context.projects(&given.projects)?;
    let state = given.failed.then_some(State::Failed);
    let filter = Filter { op: given.op.clone(), state, ..Filter::default() };
    let (mut seen, mut joiner) = (Seen::default(), Joiner::default());
    seen.more(&projects)?;
    if !context.json {
        writeln!(anstream::stderr(), "{}", FAINT.paint("Waiting for calls. Ctrl-C ends it."))?;
    }
    loop {
        thread::sleep(LOOK);
        // Programs may begin to log to projects that were not there before.
        let projects = if given.projects.is_empty() { context.projects(&[])? } else { projects.clone() };
        for chunk in seen.more(&projects)? {
            for call in calls(&chunk, &mut joiner)? {
                if (given.calls || call.parent_id.is_none()) && filter.takes(&call) {
                    tell(&call, context.json)?;
                }
            }
        }
    }
}

/// How much of each file was looked at, by its path while it is pending.
#[derive(Default)]
struct Seen(HashMap<PathBuf, (u64, usize)>);

impl Seen {
    /// The pieces that are there since the last look.
    fn more(&mut self, projects: &[ProjectDir]) -> weave::Result<Vec<Chunk>> {
        let mut found = Vec::new();
        for source in sources(projects, "calls")? {
            // What is synced was whole before.
            let length = source.file.path.metadata().map_or(0, |about| about.len());
            let known = self.0.entry(name(&source)).or_default();
            if length > known.0 {
                let pieces = chunks(&source)?;
                found.extend(pieces.iter().skip(known.1).cloned());
                *known = (length, pieces.len());
            }
        }
        Ok(found)
    }
}

/// The name of a file is another one when it was sent.
fn name(source: &Arc<Source>) -> PathBuf {
    source.file.synced_path()
}

/// The calls that ended or began in a piece.
fn calls(chunk: &Chunk, joiner: &mut Joiner) -> weave::Result<Vec<Call>> {
    let project = Arc::from(chunk.source.project.as_str());
    let (lines, mut found) = (chunk.lines()?, Vec::new());
    for line in lines.split_inclusive(|byte| *byte == b'\n') {
        let Some((part, text)) = part_of(line) else { continue };
        let Some(call) = parse(&project, text) else { continue };
        found.extend((part == Part::Start).then(|| call.clone()));
        found.extend(joiner.add(part, call));
    }
    Ok(found)
}

fn tell(call: &Call, json: bool) -> Result<(), Failure> {
    let mut out = out();
    if json {
        let mut lines = Jsonl::new(&mut out);
        lines.add(call)?;
        return lines.finish();
    }
    let (state, meaning) = painted_state(call.state());
    let took = call.micros().map(|micros| moments::span(Duration::from_micros(micros))).unwrap_or_default();
    let tokens = call.tokens().map(|tokens| format!("  {} tokens", count(tokens))).unwrap_or_default();
    let (at, name, id) = (started(call), NAME.paint(call.name()), FAINT.paint(&call.id));
    let reason = call.reason().map(|line| format!("  {}", BAD.paint(values::shortened(&line)))).unwrap_or_default();
    writeln!(out, "{at}  {}  {took:>7}  {name}{tokens}  {id}{reason}", meaning.paint(format!("{state:<7}")))?;
    Ok(out.flush()?)
}
