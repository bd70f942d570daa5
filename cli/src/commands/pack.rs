//! `weave pack`: a bundle of what waits, to be carried to a machine with a network; and the receipt that came back.

use super::{end_on_signals, out, Context};
use crate::arguments::Pack;
use crate::outcome::{Ending, Failure, Outcome};
use crate::sizes::{count, counted, show};
use crate::terminal::progress::Progress;
use crate::terminal::style::{GOOD, NAME};
use crate::terminal::tell_failure;
use serde_json::{json, Value};
use std::io::{self, Write};
use std::time::Duration;
use weave::sync::carry::pack::{pack, preview, Packed, Request};
use weave::sync::carry::Taken;

/// How long to wait for a sync that runs, when nothing else is wanted: a client that is online syncs now and then.
const WAIT: Duration = Duration::from_secs(30);

/// Packs it.
pub fn run(context: &Context, given: &Pack) -> Outcome {
    context.projects(&given.projects)?;
    let projects: Vec<&str> = given.projects.iter().map(String::as_str).collect();
    let wait = given.wait.map_or(WAIT, |time| time.0);
    let request = Request { dir: &context.dir, projects: &projects, bundle: &given.bundle, wait };
    let packed = match given.dry_run {
        true => preview(&request)?,
        false => {
            end_on_signals()?;
            let mut progress = Progress::new(context.json);
            pack(&request, &mut |done, all| progress.tell_bytes("packing", done, all))?
        }
    };
    let mut out = out();
    match context.json {
        true => writeln!(out, "{}", as_json(&packed))?,
        false => tell(&mut out, given, &packed)?,
    }
    drop(out);
    let problems = packed.taken.iter().flat_map(|taken| &taken.problems);
    let mut ending = Ending::All;
    for problem in problems.cloned().chain(packed.missing.iter().map(|file| format!("{file}: the bytes are gone"))) {
        tell_failure(&Failure::nothing(problem));
        ending = Ending::Some;
    }
    Ok(ending)
}

fn tell(out: &mut dyn Write, given: &Pack, packed: &Packed) -> io::Result<()> {
    if let Some(Taken { records, rejected, problems }) = &packed.taken {
        match (records, problems.is_empty()) {
            (0, true) => writeln!(out, "The receipt says nothing that was not known.")?,
            (0, false) => writeln!(out, "The receipt was not taken.")?,
            (records, _) => {
                let records = GOOD.paint(count(*records));
                writeln!(out, "The receipt: {records} records are done. weave clean deletes what is sent whole.")?;
            }
        }
        if *rejected > 0 {
            writeln!(out, "{} of them were rejected: weave rejected list", count(*rejected))?;
        }
    }
    for of in &packed.projects {
        let bodies = match of.bodies {
            0 => String::new(),
            bodies => format!(", the bytes of {}", counted(bodies, "files")),
        };
        let (project, records) = (NAME.paint(&of.project), count(of.records));
        writeln!(out, "{project}: {records} records in {}{bodies}, {}", counted(of.files, "files"), show(of.bytes))?;
    }
    let (bundle, bytes, new) = (given.bundle.display(), show(packed.bytes), show(packed.new_bytes));
    match (packed.projects.is_empty(), given.dry_run) {
        (true, _) => writeln!(out, "Nothing waits."),
        (false, true) => writeln!(out, "{bytes} would be in {bundle}, {new} of it new."),
        (false, false) => {
            writeln!(out, "{bytes} in {bundle}, {new} of it new. On a machine with a network: weave unpack {bundle}")
        }
    }
}

/// `{"projects": {"entity/project": {"files", "records", "bodies", "bytes"}}, "bytes", "new_bytes", "missing", "receipt"}`.
fn as_json(packed: &Packed) -> Value {
    let of = packed.projects.iter().map(|of| {
        let about = json!({"files": of.files, "records": of.records, "bodies": of.bodies, "bytes": of.bytes});
        (of.project.clone(), about)
    });
    let receipt = packed
        .taken
        .as_ref()
        .map(|taken| json!({"records": taken.records, "rejected": taken.rejected, "problems": taken.problems}));
    json!({"projects": Value::Object(of.collect()), "bytes": packed.bytes, "new_bytes": packed.new_bytes,
           "missing": packed.missing, "receipt": receipt})
}
