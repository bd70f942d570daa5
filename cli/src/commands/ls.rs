//! `weave ls`: the newest traces, or calls.

use super::{out, Context};
use crate::arguments::Ls;
use crate::export::jsonl::Jsonl;
use crate::export::Form;
use crate::moments;
use crate::outcome::Outcome;
use crate::sizes::count;
use crate::terminal::calls::{painted_state, started};
use crate::terminal::reading::Reading;
use crate::terminal::style::{FAINT, NAME, PLAIN, WARNING};
use crate::terminal::table::{Side, Table};
use crate::traces::call::{Call, State};
use crate::traces::filter::Filter;
use crate::traces::newest::{self, Wanted};
use memchr::memmem::Finder;
use std::io::Write;
use std::time::Duration;

/// Lists them.
pub fn run(context: &Context, given: &Ls) -> Outcome {
    let projects = context.projects(&given.projects)?;
    let filter = filter(given);
    let wanted = Wanted { filter: &filter, only_roots: !given.calls, count: given.number, with_values: context.json };
    let mut reading = Reading::new(context.json);
    let calls = newest::find(&projects, &wanted, &mut |told| reading.tell(told))?;
    let ending = reading.end();
    let mut out = out();
    if context.json {
        let mut lines = Jsonl::new(&mut out);
        calls.iter().try_for_each(|call| lines.add(call))?;
        return Ok(ending);
    }
    if calls.is_empty() {
        let what = if given.calls { "call" } else { "trace" };
        writeln!(anstream::stderr(), "{}", WARNING.paint(format!("No such {what} is stored here.")))?;
        return Ok(ending);
    }
    table(&calls, projects.len() > 1).write(&mut out, "")?;
    Ok(ending)
}

fn filter(given: &Ls) -> Filter {
    let filter = given.began.within(given.which.filter());
    Filter {
        state: filter.state.or(given.running.then_some(State::Running)),
        text: given.text.as_ref().map(|text| Finder::new(text).into_owned()),
        ..filter
    }
}

fn table(calls: &[Call], with_project: bool) -> Table {
    let mut columns = vec![
        ("STARTED", Side::Left),
        ("TOOK", Side::Right),
        ("STATUS", Side::Left),
        ("TOKENS", Side::Right),
        ("NAME", Side::Left),
        ("ID", Side::Left),
    ];
    if with_project {
        columns.push(("PROJECT", Side::Left));
    }
    let mut table = Table::new(&columns);
    for call in calls {
        let took = call.micros().map(|micros| moments::span(Duration::from_micros(micros)));
        let mut cells = vec![
            (started(call), PLAIN),
            (took.unwrap_or_default(), PLAIN),
            painted_state(call.state()),
            (call.tokens().map(count).unwrap_or_default(), PLAIN),
            (call.name().to_string(), NAME),
            (call.id.clone(), FAINT),
        ];
        if with_project {
            cells.push((call.project.to_string(), PLAIN));
        }
        table.row(cells);
    }
    table
}
