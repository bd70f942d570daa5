//! `weave tail`: calls as they come into data files, until Ctrl-C.

use super::{out, Context};
use crate::arguments::Tail;
use crate::export::jsonl::Jsonl;
use crate::export::Form;
use crate::moments;
use crate::outcome::{Failure, Outcome};
use crate::sizes::count;
use crate::terminal::calls::{painted_state, started};
use crate::terminal::reading::Reading;
use crate::terminal::style::{one_line, BAD, FAINT, NAME};
use crate::terminal::values;
use crate::traces::call::{parse, part_of, Call, Part};
use crate::traces::chunks::{chunks_from, sources, Chunk, Source};
use crate::traces::join::Joiner;
use crate::traces::renamed::{updates, Renamed};
use crate::traces::{size_of, Told};
use std::collections::HashMap;
use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;
use std::time::Duration;
use weave::store::layout::ProjectDir;
use weave::store::lock;

/// How often it is looked whether a file has grown.
const LOOK: Duration = Duration::from_millis(250);

/// Tells of them.
pub fn run(context: &Context, given: &Tail) -> Outcome {
    let projects = context.projects(&given.projects)?;
    let filter = given.which.filter();
    let (mut seen, mut joiner, mut renamed) = (Seen::default(), Joiner::default(), Renamed::default());
    let mut reading = Reading::new(true);
    seen.pass_over(&projects)?;
    if !context.json {
        writeln!(anstream::stderr(), "{}", FAINT.paint("Waiting for calls. Ctrl-C ends it."))?;
    }
    loop {
        thread::sleep(LOOK);
        // Programs may begin to log to projects that were not there before.
        let projects = if given.projects.is_empty() { context.projects(&[])? } else { projects.clone() };
        for chunk in seen.more(&projects)? {
            let lines = chunk.lines(&mut |error| reading.tell(Told::Damage(error)));
            for call in calls(&chunk.source, &lines, &mut joiner, &mut renamed) {
                if (given.calls || call.parent_id.is_none()) && filter.takes(&call) {
                    tell(&call, context.json)?;
                }
            }
        }
    }
}

/// How far each file was looked at, by the path that it has when it was sent.
#[derive(Default)]
struct Seen(HashMap<PathBuf, u64>);

impl Seen {
    /// What is there already is not told. A file that no program writes has an end that stays.
    fn pass_over(&mut self, projects: &[ProjectDir]) -> weave::Result<()> {
        for source in sources(projects, "calls")? {
            let read = match lock::is_held(&source.file.path) {
                true => chunks_from(&source, 0)?.1,
                false => size_of(&source),
            };
            self.0.insert(source.file.synced_path(), read);
        }
        Ok(())
    }

    /// The pieces that are there since the last look.
    fn more(&mut self, projects: &[ProjectDir]) -> weave::Result<Vec<Chunk>> {
        let mut found = Vec::new();
        for source in sources(projects, "calls")? {
            let read = self.0.entry(source.file.synced_path()).or_default();
            if size_of(&source) > *read {
                let (pieces, end) = chunks_from(&source, *read)?;
                *read = end;
                // What is put back to be sent again was told when it was logged.
                found.extend(pieces.into_iter().filter(|piece| !piece.is_put_back()));
            }
        }
        Ok(found)
    }
}

/// The calls that ended or began in some lines, by the names that they have so far.
fn calls(source: &Source, lines: &[u8], joiner: &mut Joiner, renamed: &mut Renamed) -> Vec<Call> {
    let (project, mut found) = (Arc::from(source.project.as_str()), Vec::new());
    renamed.add(updates(lines));
    for line in lines.split_inclusive(|byte| *byte == b'\n') {
        let Some((part, text)) = part_of(line) else { continue };
        let Some(call) = parse(&project, text) else { continue };
        found.extend((part == Part::Start).then(|| call.clone()));
        found.extend(joiner.add(part, call));
    }
    found.iter_mut().for_each(|call| renamed.name(call));
    found
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
    let (at, name, id) = (started(call), NAME.paint(one_line(call.name())), FAINT.paint(&call.id));
    let reason = call.reason().map(|line| format!("  {}", BAD.paint(values::shortened(&line)))).unwrap_or_default();
    writeln!(out, "{at}  {}  {took:>7}  {name}{tokens}  {id}{reason}", meaning.paint(format!("{state:<7}")))?;
    Ok(out.flush()?)
}
