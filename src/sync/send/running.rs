//! Calls that run, or whose other half is nowhere: starts that are sent alone, ends of calls whose start was, and the
//! calls of programs that are gone.

use super::calls::Calls;
use super::channel::id_of;
use super::delivery::Delivery;
use super::pairs::Part;
use super::parts::{interrupted, interrupted_end, with_defaults, with_trace};
use super::pending::Place;
use super::route::Route;
use super::sender::{object_text, raw, text_of, Fields, Sender};
use crate::error::Result;
use crate::record::kind::RecordType;
use crate::record::time::Timestamp;
use crate::store::journal::JournalId;
use crate::sync::kept::open_calls::{OpenCall, OpenCalls};
use crate::sync::line::IdKey;
use crate::sync::results::Counted;
use serde_json::json;
use std::collections::HashSet;

/// So many open calls are sent at a time.
const CHUNK: usize = 500;

/// The open calls of a project.
pub(super) struct Running {
    open: OpenCalls,
    /// Starts to be sent alone, or that may have been, and their writers.
    starts: Vec<(Place, Option<JournalId>)>,
    /// Ends of calls whose start was sent alone.
    ends: Vec<Place>,
    /// Starts of calls that were closed in place of their program, with the calls' ids.
    closed: Vec<(Place, String)>,
}

impl Running {
    pub(super) fn new(open: OpenCalls) -> Running {
        Running { open, starts: Vec::new(), ends: Vec::new(), closed: Vec::new() }
    }

    /// Whether the start of a call was sent alone, or may have been.
    pub(super) fn is_open(&self, id: &str) -> bool {
        self.open.contains(id)
    }

    /// Keeps a part of an open call, to be sent alone.
    pub(super) fn keep(&mut self, place: Place, is_start: bool) {
        match is_start {
            true => self.starts.push((place, None)),
            false => self.ends.push(place),
        }
    }
}

impl<'c> Calls<'c> {
    /// What becomes of parts whose other half is nowhere.
    pub(super) fn take_left(&mut self, sender: &mut Sender<'_, '_, 'c>, left: Vec<(IdKey, Part)>) -> Result<()> {
        let young_since = sender.run.choices.young_since();
        for (key, part) in left {
            let fields = match self.fields_of(&part) {
                Ok(Some(fields)) => fields,
                Ok(None) => continue,
                Err(error) => {
                    self.judge(sender, true, &[part.place], error)?;
                    continue;
                }
            };
            if !part.is_start {
                sender.project.unsent.insert(key);
                // While its writer lives the start may be on its way.
                if part.writer.is_gone {
                    let id = text_of(&fields, "id").unwrap_or_default();
                    let reason = format!("call {id}: its end is stored and its start is not; the end waits for it");
                    sender.run.results.add_reason(&sender.project.recorded, reason);
                }
                continue;
            }
            let started = text_of(&fields, "started_at").and_then(|at| Timestamp::parse(&at, "started_at").ok());
            if !part.writer.is_gone && started.is_some_and(|started| started.micros() > young_since) {
                sender.project.unsent.insert(key);
            } else if part.writer.is_gone && sender.run.choices.close_orphans {
                self.close(sender, &part, fields, started)?;
            } else {
                self.running.starts.push((part.place, part.writer.journal));
            }
        }
        Ok(())
    }

    /// Sends a call whose program is gone as one that was interrupted.
    fn close(
        &mut self,
        sender: &mut Sender<'_, '_, 'c>,
        part: &Part,
        start: Fields,
        started: Option<Timestamp>,
    ) -> Result<()> {
        let end = self.pending.last_written(part.place).into_iter().chain(started).max();
        let whole = object_text(&interrupted(start, end)?);
        let id = id_of(&whole);
        // Should this run be killed, the next one must not send the start alone.
        self.running.open.add([(id.clone(), OpenCall::of(&whole, part.writer.journal))])?;
        let whole = match sender.addressed(RecordType::CallComplete, &whole) {
            Ok(whole) => whole,
            Err(error) => return self.judge(sender, true, &[part.place], error).map(|_| ()),
        };
        self.running.closed.push((part.place, id));
        let mut batch = sender.batch(self.pending.is_in_doubt(part.place));
        batch.push(&whole, &[part.place]);
        self.delivery.send(sender, &mut self.pending, batch)
    }

    /// Sends starts alone, and then the ends of calls whose start was.
    pub(super) fn send_running(&mut self, sender: &mut Sender<'_, '_, 'c>) -> Result<()> {
        self.note_ended(sender)?;
        let mut starts = std::mem::take(&mut self.running.starts);
        starts.sort();
        starts.dedup_by_key(|(place, _)| *place);
        for chunk in starts.chunks(CHUNK) {
            let (mut parts, mut noted) = (Vec::new(), Vec::new());
            for (place, writer) in chunk {
                let Some(fields) = self.fields_to_send(sender, *place, true)? else { continue };
                let text = object_text(&with_trace(fields)?);
                let id = id_of(&text);
                if self.running.open.get(&id)?.is_none() {
                    noted.push((id, OpenCall::of(&text, *writer)));
                }
                parts.push((Some(*place), text));
            }
            self.running.open.add(noted)?;
            self.send_parts(sender, Route::Starts, parts)?;
        }
        let mut ends = std::mem::take(&mut self.running.ends);
        ends.sort();
        ends.dedup();
        let mut known: HashSet<IdKey> = self.running.closed.iter().map(|(_, id)| IdKey::of(id)).collect();
        for chunk in ends.chunks(CHUNK) {
            let mut parts = Vec::new();
            for place in chunk {
                let Some(fields) = self.fields_to_send(sender, *place, false)? else { continue };
                let mut fields = with_defaults(fields, &["summary"])?;
                let id = text_of(&fields, "id").unwrap_or_default();
                if let Some(open) = self.running.open.get(&id)? {
                    for (name, value) in [("trace_id", &open.trace_id), ("started_at", &open.started_at)] {
                        if let Some(value) = value {
                            fields.insert(name.to_string(), raw(&json!(value))?);
                        }
                    }
                }
                known.insert(IdKey::of(&id));
                parts.push((Some(*place), object_text(&fields)));
            }
            self.send_parts(sender, Route::Ends, parts)?;
        }
        if sender.run.choices.close_orphans {
            let orphans = self.ends_of_orphans(sender, &known)?;
            for chunk in orphans.chunks(CHUNK) {
                self.send_parts(sender, Route::Ends, chunk.to_vec())?;
            }
        }
        Ok(())
    }

    /// Notes which calls are open no more: the server has their end.
    pub(super) fn note_ended(&mut self, sender: &mut Sender<'_, '_, 'c>) -> Result<()> {
        let mut ended = std::mem::take(&mut sender.project.ended);
        let pending = &self.pending;
        self.running.closed.retain(|(place, id)| {
            let is_done = pending.is_acknowledged(*place);
            if is_done {
                ended.push(id.clone());
            }
            !is_done
        });
        self.running.open.remove(&ended)
    }

    /// The fields of a part that is sent alone; `None` when its file is gone, or it is none and was set aside.
    fn fields_to_send(
        &mut self,
        sender: &mut Sender<'_, '_, 'c>,
        place: Place,
        is_start: bool,
    ) -> Result<Option<Fields>> {
        match self.fields_at(place, is_start) {
            Err(error) => self.judge(sender, true, &[place], error).map(|_| None),
            found => found,
        }
    }

    /// Ends of calls whose start was sent alone by an earlier run, and whose writer is gone.
    fn ends_of_orphans(
        &self,
        sender: &Sender<'_, '_, 'c>,
        known: &HashSet<IdKey>,
    ) -> Result<Vec<(Option<Place>, String)>> {
        let mut orphans = Vec::new();
        self.running.open.each(|id, call| {
            let is_gone = call.writer().is_some_and(|writer| sender.project.snapshot.is_gone(&writer));
            if is_gone && !known.contains(&IdKey::of(id)) {
                let end = interrupted_end(&sender.project.recorded, id, call)?;
                orphans.push((None, object_text(&end)));
            }
            Ok(())
        })?;
        Ok(orphans)
    }

    fn send_parts(
        &mut self,
        sender: &mut Sender<'_, '_, 'c>,
        route: Route,
        parts: Vec<(Option<Place>, String)>,
    ) -> Result<()> {
        let next = Delivery::new(route, Counted::Calls, sender);
        let mut former = std::mem::replace(&mut self.delivery, next);
        self.lost.add_all(former.abandon(sender, &mut self.pending));
        for (place, text) in parts {
            let text = match sender.addressed(RecordType::CallComplete, &text) {
                Ok(text) => text.into_owned(),
                Err(error) => {
                    self.judge(sender, true, place.as_slice(), error)?;
                    continue;
                }
            };
            // Without a record that says so, it is not known whether it was sent before.
            let in_doubt = place.is_none_or(|place| self.pending.is_in_doubt(place));
            let mut batch = sender.batch(in_doubt);
            batch.push(&text, place.as_slice());
            self.delivery.send(sender, &mut self.pending, batch)?;
        }
        self.delivery.finish(sender, &mut self.pending)
    }
}
