//! Sending calls: finished ones in batches, starts and ends joined from wherever they stand, and those that run.

use super::batch::Batch;
use super::delivery::Delivery;
use super::needs::Needs;
use super::pairs::{Bounds, Pairs, Part};
use super::parts::{joined, of_part};
use super::pending::{Lost, Pending, Place};
use super::route::Route;
use super::running::Running;
use super::sender::{is_records_fault, object_text, text_of, Fields, Sender};
use super::turn::Turn;
use super::updates::Updates;
use crate::error::{Error, Result};
use crate::record::kind::RecordType;
use crate::sync::kept::open_calls::OpenCalls;
use crate::sync::line::{parse, plain_text, IdKey, Parsed};
use crate::sync::results::Counted;

/// What is known of the calls of a project while they are sent.
pub(super) struct Calls<'c> {
    pub(super) pending: Pending,
    pub(super) delivery: Delivery<'c>,
    /// The next batch, and the next one of records that an earlier run may have sent.
    fresh: Batch,
    doubtful: Batch,
    pairs: Pairs,
    updates: Updates,
    pub(super) running: Running,
    pub(super) lost: Lost,
    /// What calls refer to, when it was not sent before them.
    needs: Option<Needs>,
}

/// A complete call, made of a start and an end that stand at these places.
struct Whole {
    text: String,
    places: [Place; 2],
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
        updates: Updates::default(),
        running: Running::new(open),
        lost: Lost::default(),
        needs: on_demand.then(|| Needs::open(sender)).transpose()?,
    };
    let sent = calls.send_all(sender);
    let settled = calls.settle(sender, sent.is_ok());
    let noted = calls.note_ended(sender);
    let finished = sender.finish(&mut calls.pending);
    sent.and(settled).and(noted).and(finished)
}

impl<'c> Calls<'c> {
    fn send_all(&mut self, sender: &mut Sender<'_, '_, 'c>) -> Result<()> {
        for turn in &Turn::all(sender)? {
            let mut is_first_pass = true;
            loop {
                self.read(sender, turn, is_first_pass)?;
                self.send_batches(sender)?;
                let left = self.pairs.left();
                if turn.is_last() {
                    self.take_left(sender, left)?;
                }
                // Another pass comes by some of what this one sent: it is acknowledged then, or passed over.
                self.delivery.finish(sender, &mut self.pending)?;
                self.pending.rewind();
                if !self.pairs.next_pass() {
                    break;
                }
                is_first_pass = false;
            }
            self.pairs = Pairs::new(Bounds::USUAL);
        }
        self.send_running(sender)?;
        self.updates.send(sender, &mut self.pending)?;
        while self.updates.begin_next() {
            sender.check_limits(0)?;
            self.read(sender, &Turn::Updates, true)?;
            self.pending.rewind();
            self.updates.send(sender, &mut self.pending)?;
        }
        Ok(())
    }

    fn read(&mut self, sender: &mut Sender<'_, '_, 'c>, turn: &Turn, is_first_pass: bool) -> Result<()> {
        while let Some(place) = self.pending.advance()? {
            let (line, own) = self.pending.line();
            let parsed = parse(line, own);
            let is_full = match &parsed {
                Ok(Parsed { record_type: Some(RecordType::CallComplete), data, .. }) => {
                    if !is_first_pass || !turn.takes(data) {
                        continue;
                    }
                    if let Some(needs) = &mut self.needs {
                        needs.send_for(sender, data)?;
                    }
                    let text = sender.addressed(RecordType::CallComplete, data);
                    let is_in_doubt = self.pending.is_in_doubt(place);
                    let batch = if is_in_doubt { &mut self.doubtful } else { &mut self.fresh };
                    match text.map(|text| batch.push(&text, &[place])) {
                        Ok(is_full) => is_full,
                        Err(error) => self.judge(sender, turn.is_last(), &[place], error)?,
                    }
                }
                Ok(Parsed { record_type: Some(kind @ (RecordType::CallStart | RecordType::CallEnd)), .. }) => {
                    if !turn.takes_calls() {
                        continue;
                    }
                    let (line, is_start) = (line.to_vec(), *kind == RecordType::CallStart);
                    match self.pair(sender, turn, place, (line, own), is_start) {
                        Ok(None) => continue,
                        Ok(Some(whole)) => self.send_whole(sender, turn, whole)?,
                        Err(error) => self.judge(sender, turn.is_last(), &[place], error)?,
                    }
                }
                Ok(Parsed { record_type: Some(RecordType::CallUpdate), data, timestamp }) => {
                    if !is_first_pass || !turn.takes_updates() || !self.updates.is_room() {
                        continue;
                    }
                    match sender.addressed(RecordType::CallUpdate, data) {
                        Ok(text) => {
                            let (text, logged_at) = (text.into_owned(), (*timestamp).to_string());
                            self.updates.keep(place, text, &logged_at, self.pending.writer(place).is_gone);
                            false
                        }
                        Err(error) => self.judge(sender, turn.is_last(), &[place], error)?,
                    }
                }
                Ok(_) => {
                    let error = super::parts::wrong("this is no type of a call's record");
                    self.judge(sender, turn.is_last(), &[place], error)?
                }
                Err(error) => self.judge(sender, turn.is_last(), &[place], error.clone())?,
            };
            if is_full {
                self.send_batches(sender)?;
            }
        }
        Ok(())
    }

    /// Sets records aside that cannot be sent, unless that is not their fault. In the last turn: once is enough. No batch is
    /// full by that.
    pub(super) fn judge(
        &mut self,
        sender: &mut Sender<'_, '_, 'c>,
        is_last: bool,
        places: &[Place],
        error: Error,
    ) -> Result<bool> {
        if !is_records_fault(&error) {
            return Err(error);
        }
        if is_last {
            sender.set_aside(&mut self.pending, places, Counted::Calls, "", None, error.text())?;
        }
        Ok(false)
    }

    /// Joins a start with its end, in whatever order and from whatever files they come. An error is about the part that
    /// was read last.
    fn pair(
        &mut self,
        sender: &mut Sender<'_, '_, 'c>,
        turn: &Turn,
        place: Place,
        (line, own): (Vec<u8>, bool),
        is_start: bool,
    ) -> Result<Option<Whole>> {
        let id = id_of_part(parse(&line, own)?.data, is_start)?;
        let key = IdKey::of(&id);
        if !self.pairs.takes(key) {
            return Ok(None);
        }
        // A start that may have been sent alone must not be followed by a complete call, but by its end.
        if self.running.is_open(&id) {
            of_part(parse(&line, own)?.data, is_start)?;
            if turn.is_last() {
                self.running.keep(place, is_start);
            }
            return Ok(None);
        }
        let other = self.pairs.other(key, is_start);
        let mine = |calls: &mut Self, line: Vec<u8>| {
            let writer = calls.pending.writer(place);
            calls.pairs.keep(key, Part { place, is_start, own, writer, line: Some(line.into_boxed_slice()) });
        };
        let Some(other) = other else {
            mine(self, line);
            return Ok(None);
        };
        let fields = of_part(parse(&line, own)?.data, is_start)?;
        let others = match self.fields_of(&other) {
            Ok(Some(others)) => others,
            other_is_useless => {
                if let Err(error) = other_is_useless {
                    self.judge(sender, turn.is_last(), &[other.place], error)?;
                }
                mine(self, line);
                return Ok(None);
            }
        };
        let (start, end) = if is_start { (fields, others) } else { (others, fields) };
        let places = if is_start { [place, other.place] } else { [other.place, place] };
        let text = object_text(&joined(start, end)?);
        Ok(turn.takes(&text).then_some(Whole { text, places }))
    }

    /// The fields of a part; `None` when its file is gone.
    pub(super) fn fields_of(&mut self, part: &Part) -> Result<Option<Fields>> {
        match &part.line {
            Some(line) => of_part(parse(line, part.own)?.data, part.is_start).map(Some),
            None => self.fields_at(part.place, part.is_start),
        }
    }

    /// The fields of the part at a place; `None` when its file is gone.
    pub(super) fn fields_at(&mut self, place: Place, is_start: bool) -> Result<Option<Fields>> {
        let Some(line) = self.pending.fetch(place)? else { return Ok(None) };
        of_part(parse(&line, false)?.data, is_start).map(Some)
    }

    /// Puts a joined call into its batch; whether that is full then.
    fn send_whole(&mut self, sender: &mut Sender<'_, '_, 'c>, turn: &Turn, whole: Whole) -> Result<bool> {
        if let Some(needs) = &mut self.needs {
            needs.send_for(sender, &whole.text)?;
        }
        match sender.addressed(RecordType::CallComplete, &whole.text) {
            Ok(text) => {
                let is_in_doubt = whole.places.iter().any(|place| self.pending.is_in_doubt(*place));
                let batch = if is_in_doubt { &mut self.doubtful } else { &mut self.fresh };
                Ok(batch.push(&text, &whole.places))
            }
            Err(error) => self.judge(sender, turn.is_last(), &whole.places, error),
        }
    }

    fn send_batches(&mut self, sender: &mut Sender<'_, '_, 'c>) -> Result<()> {
        let fresh = std::mem::replace(&mut self.fresh, sender.batch(false));
        self.delivery.send(sender, &mut self.pending, fresh)?;
        let doubtful = std::mem::replace(&mut self.doubtful, sender.batch(true));
        self.delivery.send(sender, &mut self.pending, doubtful)
    }

    /// Notes what may have arrived without being acknowledged: nothing, unless something went wrong.
    fn settle(&mut self, sender: &mut Sender<'_, '_, 'c>, is_all: bool) -> Result<()> {
        self.lost.add_all(self.delivery.abandon(sender, &mut self.pending));
        self.lost.is_all = is_all;
        self.pending.settle(&self.lost, &mut sender.project.progress)
    }
}

pub(in crate::sync) fn id_of_part(data: &str, is_start: bool) -> Result<String> {
    let inner = data.strip_prefix(if is_start { "{\"start\":" } else { "{\"end\":" });
    match inner.and_then(|inner| plain_text(inner, "id")) {
        Some(id) => Ok(id.to_string()),
        None => {
            let id = text_of(&of_part(data, is_start)?, "id");
            id.ok_or_else(|| super::parts::wrong("a part of a call has no id"))
        }
    }
}
