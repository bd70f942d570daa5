//! Sending calls: finished ones in batches, starts and ends joined from wherever they stand, and those that run.

use super::batch::Batch;
use super::channel::id_of;
use super::delivery::Delivery;
use super::judge::Judge;
use super::needs::Needs;
use super::pairs::{Bounds, Pairs, Part};
use super::parts::{interrupted, interrupted_end, joined, of_part, with_defaults, with_trace};
use super::pending::{Lost, Pending, Place};
use super::route::Route;
use super::sender::{object_text, raw, text_of, Fields, Refused, Sender};
use super::turn::Turn;
use crate::error::Result;
use crate::record::kind::RecordType;
use crate::record::time::Timestamp;
use crate::store::journal::{self, JournalId};
use crate::sync::kept::open_calls::{OpenCall, OpenCalls};
use crate::sync::line::{parse, plain_text, IdKey, Parsed};
use crate::sync::results::Counted;
use serde_json::json;
use std::collections::HashSet;

/// So many open calls are sent at a time.
const OPEN_CHUNK: usize = 500;

/// Updates that are kept until the calls have been sent; those beyond are read again.
const UPDATES: usize = 4096;

struct Calls<'c> {
    pending: Pending,
    delivery: Delivery<'c>,
    /// The next batch, and the next one of records that an earlier run may have sent.
    fresh: Batch,
    doubtful: Batch,
    pairs: Pairs,
    updates: Vec<(Place, String)>,
    more_updates: bool,
    open: OpenCalls,
    /// Parts of calls whose start was sent alone, or may have been.
    open_starts: Vec<(Place, Option<JournalId>)>,
    open_ends: Vec<Place>,
    lost: Lost,
    /// What calls refer to, when it was not sent before them.
    needs: Option<Needs>,
}

/// Sends the pending calls of a project, then the updates of calls. `on_demand`: what they refer to was not sent yet, and
/// is sent when a call needs it.
pub fn send(sender: &mut Sender<'_, '_, '_>, on_demand: bool) -> Result<()> {
    let pending = sender.pending("calls");
    let open = OpenCalls::open(sender.project.dir, sender.run.access)?;
    if pending.is_empty() && (open.is_empty() || !sender.run.choices.close_orphans) {
        return Ok(());
    }
    let mut calls = Calls {
        pending,
        delivery: Delivery::new(Route::Complete, Counted::Calls, sender),
        fresh: sender.batch(false),
        doubtful: sender.batch(true),
        pairs: Pairs::new(Bounds::USUAL),
        updates: Vec::new(),
        more_updates: false,
        open,
        open_starts: Vec::new(),
        open_ends: Vec::new(),
        lost: Lost::default(),
        needs: on_demand.then(|| Needs::open(sender)).transpose()?,
    };
    let sent = calls.send_all(sender);
    let settled = calls.settle(sender, sent.is_ok());
    let finished = sender.finish(&mut calls.pending);
    sent.and(settled).and(finished)
}

impl<'c> Calls<'c> {
    fn send_all(&mut self, sender: &mut Sender<'_, '_, 'c>) -> Result<()> {
        let turns = Turn::all(sender)?;
        for (number, turn) in turns.iter().enumerate() {
            let is_last = number + 1 == turns.len();
            let mut is_first_pass = true;
            loop {
                self.read(sender, turn, is_first_pass)?;
                self.send_batches(sender)?;
                let left = self.pairs.left();
                if is_last {
                    self.take_left(sender, left)?;
                }
                self.pending.rewind();
                if !self.pairs.next_pass() {
                    break;
                }
                is_first_pass = false;
            }
            self.delivery.finish(sender, &mut self.pending)?;
            self.pairs = Pairs::new(Bounds::USUAL);
        }
        self.send_open(sender)?;
        self.send_updates(sender)?;
        while std::mem::take(&mut self.more_updates) {
            self.read(sender, &Turn::Updates, true)?;
            self.pending.rewind();
            self.send_updates(sender)?;
        }
        Ok(())
    }

    fn read(&mut self, sender: &mut Sender<'_, '_, 'c>, turn: &Turn, is_first_pass: bool) -> Result<()> {
        while let Some(place) = self.pending.advance()? {
            let (line, own) = self.pending.line();
            let parsed = parse(line, own);
            let full = match &parsed {
                Ok(Parsed { record_type: Some(RecordType::CallComplete), data, .. }) => {
                    if !is_first_pass || !turn.takes(data) {
                        continue;
                    }
                    if let Some(needs) = &mut self.needs {
                        needs.send_for(sender, data)?;
                    }
                    sender.addressed(RecordType::CallComplete, data).map(|text| {
                        let in_doubt = self.pending.is_in_doubt(place);
                        let batch = if in_doubt { &mut self.doubtful } else { &mut self.fresh };
                        batch.push(&text, &[place])
                    })
                }
                Ok(Parsed { record_type: Some(RecordType::CallStart), .. }) => {
                    let line = line.to_vec();
                    self.pair(sender, turn, place, line, true)
                }
                Ok(Parsed { record_type: Some(RecordType::CallEnd), .. }) => {
                    let line = line.to_vec();
                    self.pair(sender, turn, place, line, false)
                }
                Ok(Parsed { record_type: Some(RecordType::CallUpdate), data, .. }) => {
                    let is_room = self.updates.len() < UPDATES;
                    self.more_updates |= turn.takes_updates() && !is_room;
                    match is_first_pass && turn.takes_updates() && is_room {
                        true => sender.addressed(RecordType::CallUpdate, data).map(|text| {
                            self.updates.push((place, text.into_owned()));
                            false
                        }),
                        false => continue,
                    }
                }
                Ok(_) => Err(super::parts::wrong("this is no type of a call's record")),
                Err(error) => Err(error.clone()),
            };
            match full {
                Ok(true) => self.send_batches(sender)?,
                Ok(false) => {}
                Err(error) if error.status() == crate::Status::Io => return Err(error),
                Err(error) if turn.judges_records() && is_first_pass => {
                    sender.set_aside(&mut self.pending, &[place], Counted::Calls, "", None, error.text())?;
                }
                Err(_) => {}
            }
        }
        Ok(())
    }

    /// Joins a start with its end, in whatever order and from whatever files they come. Answers whether a batch is full.
    fn pair(
        &mut self,
        sender: &mut Sender<'_, '_, 'c>,
        turn: &Turn,
        place: Place,
        line: Vec<u8>,
        is_start: bool,
    ) -> Result<bool> {
        if turn.takes_updates() && !turn.takes_calls() {
            return Ok(false);
        }
        let text = parse(&line, true)?.data.to_string();
        let id = match plain_text(text.split_once(":").map_or("", |(_, inner)| inner), "id") {
            Some(id) => id.to_string(),
            None => text_of(&of_part(&text, is_start)?, "id")
                .ok_or_else(|| super::parts::wrong("a part of a call has no id"))?,
        };
        let key = IdKey::of(&id);
        if !self.pairs.takes(key) {
            return Ok(false);
        }
        // A start that may have been sent alone must not be followed by a complete call, but by its end.
        if self.open.contains(&id) {
            of_part(&text, is_start)?;
            match is_start {
                true => self.open_starts.push((place, None)),
                false => self.open_ends.push(place),
            }
            return Ok(false);
        }
        let Some(other) = self.pairs.other(key, is_start) else {
            let (writer, writer_lives) = self.pending.writer(place);
            let line = Some(line.into_boxed_slice());
            self.pairs.keep(key, Part { place, is_start, writer, writer_lives, line });
            return Ok(false);
        };
        let other_line = match other.line {
            Some(line) => line.into_vec(),
            None => self.pending.fetch(other.place)?.unwrap_or_default(),
        };
        let other_text = parse(&other_line, true)?.data;
        let (mine, others) = (of_part(&text, is_start)?, of_part(other_text, !is_start)?);
        let (start, end) = if is_start { (mine, others) } else { (others, mine) };
        let places = if is_start { [place, other.place] } else { [other.place, place] };
        let whole = object_text(&joined(start, end)?);
        if !turn.takes(&whole) {
            return Ok(false);
        }
        if let Some(needs) = &mut self.needs {
            needs.send_for(sender, &whole)?;
        }
        let whole = sender.addressed(RecordType::CallComplete, &whole)?;
        Ok(self.batch_for(&places).push(&whole, &places))
    }

    /// The batch for a record that stands at these places.
    fn batch_for(&mut self, places: &[Place]) -> &mut Batch {
        match places.iter().any(|place| self.pending.is_in_doubt(*place)) {
            true => &mut self.doubtful,
            false => &mut self.fresh,
        }
    }

    fn send_batches(&mut self, sender: &mut Sender<'_, '_, 'c>) -> Result<()> {
        let fresh = std::mem::replace(&mut self.fresh, sender.batch(false));
        self.delivery.send(sender, &mut self.pending, fresh)?;
        let doubtful = std::mem::replace(&mut self.doubtful, sender.batch(true));
        self.delivery.send(sender, &mut self.pending, doubtful)
    }

    /// What becomes of parts whose other half is nowhere.
    fn take_left(&mut self, sender: &mut Sender<'_, '_, 'c>, left: Vec<(IdKey, Part)>) -> Result<()> {
        let old = Timestamp::now().micros() - sender.run.choices.open_after.as_micros().min(i64::MAX as u128) as i64;
        for (key, part) in left {
            let line = match part.line {
                Some(line) => line.into_vec(),
                None => self.pending.fetch(part.place)?.unwrap_or_default(),
            };
            let fields = of_part(parse(&line, true)?.data, part.is_start)?;
            if !part.is_start {
                sender.project.unsent.insert(key);
                // While its writer lives the start may be on its way.
                if !part.writer_lives {
                    let id = text_of(&fields, "id").unwrap_or_default();
                    let reason = format!("call {id}: its end is stored and its start is not; the end waits for it");
                    sender.run.results.add_reason(&sender.project.recorded, reason);
                }
                continue;
            }
            let started = text_of(&fields, "started_at").and_then(|at| Timestamp::parse(&at, "started_at").ok());
            if part.writer_lives && started.is_some_and(|started| started.micros() > old) {
                sender.project.unsent.insert(key);
            } else if !part.writer_lives && sender.run.choices.close_orphans {
                let end = self.pending.last_written(part.place).into_iter().chain(started).max();
                let whole = object_text(&interrupted(fields, end)?);
                // Its end may turn up all the same.
                self.open.add([(id_of(&whole), OpenCall::of(&whole, part.writer))])?;
                let whole = sender.addressed(RecordType::CallComplete, &whole)?;
                let in_doubt = self.pending.is_in_doubt(part.place);
                let mut batch = sender.batch(in_doubt);
                batch.push(&whole, &[part.place]);
                self.delivery.send(sender, &mut self.pending, batch)?;
            } else {
                self.open_starts.push((part.place, part.writer));
            }
        }
        Ok(())
    }

    /// Sends starts alone, and then the ends of calls whose start was.
    fn send_open(&mut self, sender: &mut Sender<'_, '_, 'c>) -> Result<()> {
        let mut starts = std::mem::take(&mut self.open_starts);
        starts.sort();
        for chunk in starts.chunks(OPEN_CHUNK) {
            let (mut parts, mut noted) = (Vec::new(), Vec::new());
            for (place, writer) in chunk {
                let text = object_text(&with_trace(self.part(*place, true)?)?);
                let id = id_of(&text);
                if self.open.get(&id)?.is_none() {
                    noted.push((id, OpenCall::of(&text, *writer)));
                }
                parts.push((Some(*place), text));
            }
            self.open.add(noted)?;
            self.send_parts(sender, Route::Starts, parts)?;
        }
        let mut ends = std::mem::take(&mut self.open_ends);
        ends.sort();
        let mut known = HashSet::new();
        for chunk in ends.chunks(OPEN_CHUNK) {
            let mut parts = Vec::new();
            for place in chunk {
                let mut fields = with_defaults(self.part(*place, false)?, &["summary"])?;
                let id = text_of(&fields, "id").unwrap_or_default();
                if let Some(open) = self.open.get(&id)? {
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
            for chunk in orphans.chunks(OPEN_CHUNK) {
                self.send_parts(sender, Route::Ends, chunk.to_vec())?;
            }
        }
        let ended = std::mem::take(&mut sender.project.ended);
        self.open.remove(&ended)
    }

    fn part(&mut self, place: Place, is_start: bool) -> Result<Fields> {
        let line = self.pending.fetch(place)?.unwrap_or_default();
        of_part(parse(&line, true)?.data, is_start)
    }

    /// Ends of calls whose start was sent alone by an earlier run, and whose writer is gone.
    fn ends_of_orphans(
        &self,
        sender: &Sender<'_, '_, 'c>,
        known: &HashSet<IdKey>,
    ) -> Result<Vec<(Option<Place>, String)>> {
        let mut orphans = Vec::new();
        self.open.each(|id, call| {
            let is_gone = call.writer().is_some_and(|writer| !journal::is_in_use(sender.run.root, &writer));
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
            let text = sender.addressed(RecordType::CallComplete, &text)?.into_owned();
            // Without a record that says so, it is not known whether it was sent before.
            let in_doubt = place.is_none_or(|place| self.pending.is_in_doubt(place));
            let mut batch = sender.batch(in_doubt);
            batch.push(&text, place.as_slice());
            self.delivery.send(sender, &mut self.pending, batch)?;
        }
        self.delivery.finish(sender, &mut self.pending)
    }

    /// In complete mode an update of a call that is not stored is accepted and lost (protocol, section 15): after all
    /// calls, and not while the call itself waits. With a call that was set aside its updates are, to be sent again with it.
    fn send_updates(&mut self, sender: &mut Sender<'_, '_, 'c>) -> Result<()> {
        let mut judge = Judge::default();
        for (place, text) in std::mem::take(&mut self.updates) {
            let call = serde_json::from_str(&text).ok().and_then(|fields| text_of(&fields, "call_id"));
            let call = call.unwrap_or_default();
            if sender.project.rejected.has_call(&call) {
                let reason = "the call is among the rejected ones";
                sender.set_aside(&mut self.pending, &[place], Counted::CallUpdates, &call, None, reason)?;
                continue;
            }
            if sender.project.unsent.contains(&IdKey::of(&call)) {
                continue;
            }
            sender.check_limits(text.len())?;
            match sender.project.channel.post("/call/update", text.as_bytes()) {
                Ok(_) => {
                    sender.accepted(&mut self.pending, &[place], Counted::CallUpdates, 1)?;
                    sender.condemn(&mut self.pending, judge.passed())?;
                }
                Err(failure) => {
                    let refused = Refused { place, what: Counted::CallUpdates, id: call };
                    sender.refused_by(&mut self.pending, &mut judge, refused, failure)?;
                }
            }
        }
        sender.condemn(&mut self.pending, judge.close())
    }

    /// Notes what may have arrived without being acknowledged: nothing, unless something went wrong.
    fn settle(&mut self, sender: &mut Sender<'_, '_, 'c>, is_all: bool) -> Result<()> {
        self.lost.add_all(self.delivery.abandon(sender, &mut self.pending));
        self.lost.is_all = is_all;
        self.pending.settle(&self.lost, &mut sender.project.progress)
    }
}
