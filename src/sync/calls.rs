//! Sending calls: finished ones as complete calls in batches, unfinished ones as a start, and to servers that do not
//! know complete calls as starts and ends (protocol, section 9).

use super::open_calls::{OpenCall, OpenCalls};
use super::pending::{Line, Pending, Place};
use super::results::Counted;
use super::sender::{batch_body, object_text, raw, text_of, Batch, Fields, Item, Sender};
use super::server::failure::{Failure, FailureKind};
use crate::error::{Error, Result, Status};
use crate::log;
use crate::record::kind::RecordType;
use crate::store::layout::Access;
use serde::Deserialize;
use serde_json::json;
use serde_json::value::RawValue;
use std::cell::Cell;
use std::collections::HashMap;

const START_FIELDS: [&str; 14] = [
    "project_id",
    "id",
    "op_name",
    "display_name",
    "trace_id",
    "parent_id",
    "thread_id",
    "turn_id",
    "started_at",
    "attributes",
    "inputs",
    "otel_dump",
    "wb_run_id",
    "wb_run_step",
];
const END_FIELDS: [&str; 7] = ["project_id", "id", "ended_at", "summary", "output", "exception", "wb_run_step_end"];

/// A start or an end that waits for the other.
struct Part {
    place: Place,
    fields: Fields,
}

struct Calls {
    pending: Pending,
    batch: Batch,
    starts: HashMap<String, Part>,
    ends: HashMap<String, Part>,
    updates: Vec<(Place, String)>,
    open: OpenCalls,
    /// The server does not know complete calls.
    legacy: Cell<bool>,
}

#[derive(Deserialize)]
struct Started {
    start: Fields,
}

#[derive(Deserialize)]
struct Ended {
    end: Fields,
}

/// Sends the pending calls of a project, then the updates of calls.
pub fn send(sender: &mut Sender<'_>, access: Access) -> Result<()> {
    let pending = Pending::open(sender.project, "calls", &sender.progress)?;
    if pending.is_empty() {
        return Ok(());
    }
    let mut calls = Calls {
        pending,
        batch: Batch::default(),
        starts: HashMap::new(),
        ends: HashMap::new(),
        updates: Vec::new(),
        open: OpenCalls::open(sender.project, access)?,
        legacy: Cell::new(false),
    };
    calls.read(sender)?;
    calls.send_batch(sender)?;
    calls.send_starts(sender)?;
    calls.send_ends(sender)?;
    calls.send_updates(sender)?;
    sender.finish(&mut calls.pending)
}

impl Calls {
    fn read(&mut self, sender: &mut Sender<'_>) -> Result<()> {
        let mut text = Vec::new();
        while let Some(place) = self.pending.next(&mut text)? {
            match serde_json::from_slice::<Line<'_>>(&text) {
                Ok(line) => {
                    if let Err(error) = self.take(sender, place, &line)? {
                        sender.refused(Counted::Calls, error.text())?;
                    }
                }
                Err(cause) => sender.refused(Counted::Calls, &format!("a line cannot be read: {cause}"))?,
            }
        }
        Ok(())
    }

    /// Takes one record. The outer result ends the sending, the inner one is the record's own fault.
    fn take(&mut self, sender: &mut Sender<'_>, place: Place, line: &Line<'_>) -> Result<Result<()>> {
        let text = match RecordType::from_name(line.record_type) {
            Some(RecordType::CallComplete) => sender.addressed(RecordType::CallComplete, line.data.get()),
            Some(RecordType::CallStart) => match parts(line.data, |started: Started| started.start) {
                Ok((id, fields)) => return self.pair(sender, id, place, fields, true),
                Err(error) => Err(error),
            },
            Some(RecordType::CallEnd) => match parts(line.data, |ended: Ended| ended.end) {
                Ok((id, fields)) => return self.pair(sender, id, place, fields, false),
                Err(error) => Err(error),
            },
            Some(RecordType::CallUpdate) => match sender.addressed(RecordType::CallUpdate, line.data.get()) {
                Ok(text) => {
                    self.updates.push((place, text));
                    return Ok(Ok(()));
                }
                Err(error) => Err(error),
            },
            _ => {
                Err(Error::new(Status::InvalidJson, format!("\"{}\" is no type of a call's record", line.record_type)))
            }
        };
        match text {
            Ok(text) => self.add(sender, Item { text, places: vec![place] }).map(Ok),
            Err(error) => Ok(Err(error)),
        }
    }

    /// Joins a start with its end, in whatever order and from whatever files they come.
    fn pair(
        &mut self,
        sender: &mut Sender<'_>,
        id: String,
        place: Place,
        fields: Fields,
        is_start: bool,
    ) -> Result<Result<()>> {
        let part = Part { place, fields };
        // A start that may have been sent alone must not be followed by a complete call, but by its end.
        if self.open.get(&id).is_some() {
            let waiting = if is_start { &mut self.starts } else { &mut self.ends };
            waiting.insert(id, part);
            return Ok(Ok(()));
        }
        let (mine, others) =
            if is_start { (&mut self.starts, &mut self.ends) } else { (&mut self.ends, &mut self.starts) };
        let Some(other) = others.remove(&id) else {
            mine.insert(id, part);
            return Ok(Ok(()));
        };
        let (start, end) = if is_start { (part, other) } else { (other, part) };
        let places = vec![start.place, end.place];
        let joined = complete(start.fields, end.fields).map(|fields| object_text(&fields));
        match joined.and_then(|text| sender.addressed(RecordType::CallComplete, &text)) {
            Ok(text) => self.add(sender, Item { text, places }).map(Ok),
            Err(error) => Ok(Err(error)),
        }
    }

    fn add(&mut self, sender: &mut Sender<'_>, item: Item) -> Result<()> {
        match self.batch.push(item) {
            true => self.send_batch(sender),
            false => Ok(()),
        }
    }

    fn send_batch(&mut self, sender: &mut Sender<'_>) -> Result<()> {
        let items = self.batch.take();
        let legacy = &self.legacy;
        sender.deliver(&mut self.pending, &items, Counted::Calls, &|sender, items| post_complete(sender, items, legacy))
    }

    /// Sends the starts whose end is nowhere. A start in a file that is still written waits: its end may be on the way.
    fn send_starts(&mut self, sender: &mut Sender<'_>) -> Result<()> {
        for (id, part) in std::mem::take(&mut self.starts) {
            if self.pending.is_live(part.place) {
                sender.unsent.insert(id);
                continue;
            }
            let about = OpenCall {
                trace_id: text_of(&part.fields, "trace_id"),
                started_at: text_of(&part.fields, "started_at"),
            };
            let text = object_text(&with_trace(part.fields)?);
            let item = Item { text: sender.addressed(RecordType::CallComplete, &text)?, places: vec![part.place] };
            if self.open.get(&id).is_none() {
                self.open.add(&id, about)?;
            }
            let legacy = &self.legacy;
            sender.deliver(&mut self.pending, &[item], Counted::Calls, &|sender, items| {
                post_parts(sender, items, "start", legacy)
            })?;
        }
        Ok(())
    }

    /// Sends the ends of calls whose start was sent alone.
    fn send_ends(&mut self, sender: &mut Sender<'_>) -> Result<()> {
        for (id, part) in std::mem::take(&mut self.ends) {
            let Some(open) = self.open.get(&id) else {
                log::write(log::Level::Warning, || {
                    format!("call {id}: the end is stored and the start is not; it waits")
                });
                continue;
            };
            let mut fields = part.fields;
            for (name, value) in [("trace_id", &open.trace_id), ("started_at", &open.started_at)] {
                if let Some(value) = value {
                    fields.insert(name.to_string(), raw(&json!(value))?);
                }
            }
            let text = object_text(&with_defaults(fields, &["summary"])?);
            let item = Item { text: sender.addressed(RecordType::CallComplete, &text)?, places: vec![part.place] };
            let errors = sender.results.total().errors;
            let legacy = &self.legacy;
            sender.deliver(&mut self.pending, &[item], Counted::Calls, &|sender, items| {
                post_parts(sender, items, "end", legacy)
            })?;
            if sender.results.total().errors == errors {
                self.open.remove(&id)?;
            }
        }
        Ok(())
    }

    /// In complete mode an update of a call that is not stored is accepted and lost (protocol, section 15): after all
    /// calls, and not while the call itself waits.
    fn send_updates(&mut self, sender: &mut Sender<'_>) -> Result<()> {
        for (place, text) in std::mem::take(&mut self.updates) {
            let call = serde_json::from_str(&text).ok().and_then(|fields| text_of(&fields, "call_id"));
            if call.is_some_and(|call| sender.unsent.contains(&call)) {
                continue;
            }
            match sender.post("/call/update", text.as_bytes()) {
                Ok(_) => sender.accepted(&mut self.pending, &[place], Counted::CallUpdates, 1)?,
                Err(failure) => sender.refused_by(Counted::CallUpdates, failure)?,
            }
        }
        Ok(())
    }
}

fn post_complete(sender: &Sender<'_>, items: &[Item], legacy: &Cell<bool>) -> std::result::Result<(), Failure> {
    if !legacy.get() {
        let body = batch_body(items.iter().map(|item| item.text.as_str()));
        match sender.post(&sender.route("calls/complete"), &body) {
            Err(failure) if failure.kind() == FailureKind::RouteMissing => legacy.set(true),
            outcome => return outcome.map(|_| ()),
        }
    }
    let halves: Vec<String> = items.iter().flat_map(|item| start_and_end(&item.text)).collect();
    sender.post("/call/upsert_batch", &batch_body(halves.iter().map(String::as_str))).map(|_| ())
}

fn post_parts(
    sender: &Sender<'_>,
    items: &[Item],
    mode: &str,
    legacy: &Cell<bool>,
) -> std::result::Result<(), Failure> {
    for item in items {
        if !legacy.get() {
            let body = format!("{{\"{mode}\":{}}}", item.text);
            match sender.post(&sender.route(&format!("call/{mode}")), body.as_bytes()) {
                Err(failure) if failure.kind() == FailureKind::RouteMissing => legacy.set(true),
                Err(failure) => return Err(failure),
                Ok(_) => continue,
            }
        }
        let part = format!("{{\"mode\":\"{mode}\",\"req\":{{\"{mode}\":{}}}}}", item.text);
        sender.post("/call/upsert_batch", &batch_body(std::iter::once(part.as_str())))?;
    }
    Ok(())
}

/// The two halves of a complete call, as an older server takes them. Their text was made here, so it has the fields.
fn start_and_end(text: &str) -> Vec<String> {
    let all: Fields = serde_json::from_str(text).unwrap_or_default();
    let half = |mode: &str, names: &[&str]| {
        let fields: std::collections::BTreeMap<&str, &RawValue> =
            names.iter().filter_map(|name| Some((*name, all.get(*name)?.as_ref()))).collect();
        let fields = serde_json::to_string(&fields).unwrap_or_default();
        format!("{{\"mode\":\"{mode}\",\"req\":{{\"{mode}\":{fields}}}}}")
    };
    vec![half("start", &START_FIELDS), half("end", &END_FIELDS)]
}

/// Reads a start or an end: its id and its fields.
fn parts<'a, T: Deserialize<'a>>(data: &'a RawValue, inner: impl Fn(T) -> Fields) -> Result<(String, Fields)> {
    let wrapped: T = serde_json::from_str(data.get())
        .map_err(|cause| Error::new(Status::InvalidJson, format!("a part of a call cannot be read: {cause}")))?;
    let fields = inner(wrapped);
    match text_of(&fields, "id") {
        Some(id) => Ok((id, fields)),
        None => Err(Error::new(Status::InvalidId, "a part of a call has no id")),
    }
}

/// The complete call that a start and an end make.
fn complete(start: Fields, end: Fields) -> Result<Fields> {
    let mut all = start;
    for (name, value) in end {
        if value.get() != "null" || !all.contains_key(&name) {
            all.insert(name, value);
        }
    }
    with_trace(with_defaults(all, &["attributes", "inputs", "summary"])?)
}

/// What older writers left out and a complete call must have: empty objects.
fn with_defaults(mut fields: Fields, names: &[&str]) -> Result<Fields> {
    for name in names {
        if fields.get(*name).is_none_or(|value| value.get() == "null") {
            fields.insert((*name).to_string(), raw(&json!({}))?);
        }
    }
    Ok(fields)
}

/// A call that was recorded without a trace is the root of its own; the id must be the same each time it is sent.
fn with_trace(mut fields: Fields) -> Result<Fields> {
    if text_of(&fields, "trace_id").is_none() {
        if let Some(id) = text_of(&fields, "id") {
            fields.insert("trace_id".to_string(), raw(&json!(id))?);
        }
    }
    with_defaults(fields, &["attributes", "inputs"])
}
