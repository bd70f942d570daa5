//! `weave show`: one call with all that is stored of it, or a trace as a tree.

use super::{out, Context};
use crate::arguments::Show;
use crate::export::jsonl::Jsonl;
use crate::export::Form;
use crate::moments;
use crate::outcome::{Failure, Outcome};
use crate::sizes::count;
use crate::terminal::calls::{painted_state, started};
use crate::terminal::reading::Reading;
use crate::terminal::style::{one_line, BAD, FAINT, NAME, PLAIN};
use crate::terminal::table::width;
use crate::terminal::values;
use crate::traces::call::Call;
use crate::traces::find::{self, Found};
use crate::traces::tree;
use serde_json::value::RawValue;
use std::io::{self, Write};
use std::time::Duration;

/// Shows it.
pub fn run(context: &Context, given: &Show) -> Outcome {
    let projects = context.projects(&[])?;
    let mut out = out();
    let mut reading = Reading::new(context.json);
    let found = find::find(&projects, given.id.trim(), &mut |told| reading.tell(told))?;
    let ending = reading.end();
    match found {
        Found::Nothing => {
            let here = context.dir.display();
            let text =
                format!("no call and no trace with the id {} is stored in {here}; weave ls lists them", given.id);
            return Err(Failure::nothing(text));
        }
        Found::Call(call, _) if context.json => Jsonl::new(&mut out).add(&call)?,
        Found::Call(call, all) => {
            tell_call(&mut out, &call, given.full)?;
            let below: Vec<tree::Line<'_>> = tree::lines(&all, Some(&call.id));
            if below.len() > 1 {
                writeln!(out, "\n{}", NAME.paint("Calls"))?;
                tell_tree(&mut out, &below)?;
            }
        }
        Found::Trace(all) if context.json => {
            let mut lines = Jsonl::new(&mut out);
            all.iter().try_for_each(|call| lines.add(call))?;
        }
        Found::Trace(all) => tell_tree(&mut out, &tree::lines(&all, None))?,
    }
    Ok(ending)
}

fn tell_call(out: &mut dyn Write, call: &Call, full: bool) -> io::Result<()> {
    let (state, meaning) = painted_state(call.state());
    writeln!(out, "{}  {}", NAME.paint(one_line(call.name())), meaning.paint(state))?;
    let took = call.micros().map(|micros| moments::span(Duration::from_micros(micros)));
    let lines = [
        ("op", call.op_name.clone()),
        ("project", Some(call.project.to_string())),
        ("id", Some(call.id.clone())),
        ("trace", call.trace_id.clone()),
        ("parent", call.parent_id.clone()),
        ("thread", call.thread_id.clone()),
        ("turn", call.turn_id.clone()),
        ("run", call.wb_run_id.clone()),
        ("started", Some(started(call))),
        ("took", took),
        ("tokens", call.tokens().map(count)),
    ];
    for (name, value) in lines {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            writeln!(out, "  {} {}", FAINT.paint(format!("{name:<8}")), PLAIN.paint(value))?;
        }
    }
    if let Some(exception) = &call.exception {
        let reason = call.reason().unwrap_or_default();
        writeln!(out, "\n{}\n  {}", NAME.paint("Error"), BAD.paint(&reason))?;
        let whole = values::pretty(exception, full);
        if whole.trim() != reason {
            writeln!(out, "{}", PLAIN.paint(whole))?;
        }
    }
    let parts = [
        ("Inputs", &call.inputs),
        ("Output", &call.output),
        ("Attributes", &call.attributes),
        ("Summary", &call.summary),
    ];
    for (name, value) in parts {
        if let Some(value) = value.as_deref().map(RawValue::get) {
            writeln!(out, "\n{}\n{}", NAME.paint(name), PLAIN.paint(values::pretty(value, full)))?;
        }
    }
    Ok(())
}

fn tell_tree(out: &mut dyn Write, lines: &[tree::Line<'_>]) -> io::Result<()> {
    for tree::Line { branches, call } in lines {
        let (state, meaning) = painted_state(call.state());
        let mut about = vec![meaning.paint(state).to_string()];
        about.extend(call.micros().map(|micros| moments::span(Duration::from_micros(micros))));
        about.extend(call.tokens().map(|tokens| format!("{} tokens", count(tokens))));
        let id = FAINT.paint(&call.id);
        writeln!(out, "{}{}  {}  {id}", FAINT.paint(branches), NAME.paint(one_line(call.name())), about.join("  "))?;
        if let Some(reason) = call.reason() {
            let space = " ".repeat(width(branches) + 2);
            writeln!(out, "{space}{}", BAD.paint(values::shortened(&reason)))?;
        }
    }
    Ok(())
}
