//! The requests that are not to be repeated blindly: what a repetition would show twice is looked up first (protocol,
//! sections 9 and 15).

use super::batch::Batch;
use super::channel::{id_of, Channel};
use crate::sync::price;
use crate::sync::server::failure::{Failure, FailureKind};
use serde_json::value::RawValue;
use serde_json::Value;
use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::Ordering;

/// Where a batch goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Route {
    /// Finished calls.
    Complete,
    /// Calls that run.
    Starts,
    /// The ends of calls whose start the server has.
    Ends,
    /// Feedback.
    Feedback,
    /// Prices, each a request of its own.
    Costs,
}

/// What became of a batch: which of its items the server has, and why it has not the rest.
#[derive(Debug)]
pub struct Sent {
    /// One for each item.
    pub there: Vec<bool>,
    /// So many of the first items were tried: where each is a request of its own, a failure keeps the others from it.
    pub tried: usize,
    /// Whether the server took any of them now; what it is found to have already does not show that it takes anything.
    pub has_written: bool,
    /// Whether all are there, else what happened to the request.
    pub outcome: Result<(), Failure>,
}

/// What a look-up finds of an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Found {
    Nothing,
    /// A call whose start was sent alone, by another machine that has the records too.
    Running,
    All,
}

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

impl Route {
    /// Sends a batch, once; of one in doubt only what the server has not.
    pub fn send(self, channel: &Channel<'_>, batch: &mut Batch) -> Sent {
        let mut there = vec![false; batch.len()];
        if batch.in_doubt {
            match self.look_up(channel, batch) {
                Ok(found) => {
                    there = found.iter().map(|found| *found == Found::All).collect();
                    let running = |number: &usize| found.get(*number) == Some(&Found::Running);
                    let running: Vec<usize> = (0..batch.len()).filter(running).collect();
                    if let Err(failure) = end_running(channel, batch, &running, &mut there) {
                        let has_written = running.iter().any(|number| there.get(*number) == Some(&true));
                        return Sent { there, tried: batch.len(), has_written, outcome: Err(failure) };
                    }
                }
                Err(failure) => {
                    return Sent { there, tried: batch.len(), has_written: false, outcome: Err(failure) };
                }
            }
        }
        let missing: Vec<usize> = (0..batch.len()).filter(|number| there.get(*number) == Some(&false)).collect();
        if missing.is_empty() {
            return Sent { there, tried: batch.len(), has_written: false, outcome: Ok(()) };
        }
        let outcome = if missing.len() == batch.len() {
            self.post(channel, batch)
        } else {
            self.post(channel, &mut batch.select(|number| there.get(number) == Some(&false)))
        };
        let (taken, tried, outcome) = match outcome {
            Ok(()) => (missing.len(), batch.len(), Ok(())),
            Err(Failed::Together(failure)) => (0, batch.len(), Err(failure)),
            Err(Failed::At(number, failure)) => {
                (number, missing.get(number).map_or(batch.len(), |failed| failed + 1), Err(failure))
            }
        };
        for number in missing.into_iter().take(taken) {
            if let Some(place) = there.get_mut(number) {
                *place = true;
            }
        }
        Sent { there, tried, has_written: taken > 0, outcome }
    }

    /// What of a batch the server has.
    fn look_up(self, channel: &Channel<'_>, batch: &Batch) -> Result<Vec<Found>, Failure> {
        let is_there = |there| if there { Found::All } else { Found::Nothing };
        let ids: Vec<String> = batch.items().map(|(text, _)| id_of(text)).collect();
        let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
        Ok(match self {
            Route::Complete => {
                let found = channel.lookup().calls(&ids)?;
                let of = |id: &&str| match found.get(*id) {
                    None => Found::Nothing,
                    Some(false) => Found::Running,
                    Some(true) => Found::All,
                };
                ids.iter().map(of).collect()
            }
            Route::Ends => {
                let found = channel.lookup().calls(&ids)?;
                ids.iter().map(|id| is_there(found.get(*id).copied().unwrap_or(false))).collect()
            }
            Route::Starts => {
                let found = channel.lookup().calls(&ids)?;
                ids.iter().map(|id| is_there(found.contains_key(*id))).collect()
            }
            Route::Feedback => {
                let found = channel.lookup().feedback(&ids)?;
                ids.iter().map(|id| is_there(found.contains(*id))).collect()
            }
            Route::Costs => {
                let looked_up: Result<Vec<Found>, Failure> =
                    batch.items().map(|(text, _)| has_cost(channel, text).map(is_there)).collect();
                looked_up?
            }
        })
    }

    fn post(self, channel: &Channel<'_>, batch: &mut Batch) -> Result<(), Failed> {
        match self {
            Route::Complete => post_complete(channel, batch).map_err(Failed::Together),
            Route::Starts => one_by_one(batch, |text| post_part(channel, text, "start")),
            Route::Ends => one_by_one(batch, |text| post_part(channel, text, "end")),
            Route::Feedback => post_feedback(channel, batch),
            Route::Costs => one_by_one(batch, |text| channel.post_once("/cost/create", text.as_bytes()).map(|_| ())),
        }
    }
}

/// How items were not taken.
enum Failed {
    /// All of them, in one request.
    Together(Failure),
    /// The one with this number; those before it were taken, those behind it not tried.
    At(usize, Failure),
}

fn one_by_one(batch: &Batch, post: impl Fn(&str) -> Result<(), Failure>) -> Result<(), Failed> {
    batch.items().enumerate().try_for_each(|(number, (text, _))| post(text).map_err(|why| Failed::At(number, why)))
}

fn post_complete(channel: &Channel<'_>, batch: &mut Batch) -> Result<(), Failure> {
    let older = &channel.without_complete_calls;
    if !older.load(Ordering::Relaxed) {
        match channel.post_once(&channel.route("calls/complete"), batch.body()) {
            Err(failure) if failure.kind() == FailureKind::RouteMissing => older.store(true, Ordering::Relaxed),
            outcome => return outcome.map(|_| ()),
        }
    }
    let halves: Vec<String> = batch.items().flat_map(|(text, _)| start_and_end(text)).collect();
    let body = format!("{{\"batch\":[{}]}}", halves.join(","));
    channel.post_once("/call/upsert_batch", body.as_bytes()).map(|_| ())
}

/// Sends a start or an end alone.
fn post_part(channel: &Channel<'_>, text: &str, mode: &str) -> Result<(), Failure> {
    let older = &channel.without_complete_calls;
    if !older.load(Ordering::Relaxed) {
        let body = format!("{{\"{mode}\":{text}}}");
        match channel.post_once(&channel.route(&format!("call/{mode}")), body.as_bytes()) {
            Err(failure) if failure.kind() == FailureKind::RouteMissing => older.store(true, Ordering::Relaxed),
            outcome => return outcome.map(|_| ()),
        }
    }
    let body = format!("{{\"batch\":[{{\"mode\":\"{mode}\",\"req\":{{\"{mode}\":{text}}}}}]}}");
    channel.post_once("/call/upsert_batch", body.as_bytes()).map(|_| ())
}

/// Sends the ends of complete calls that run on the server, and notes in `there` which it took.
fn end_running(channel: &Channel<'_>, batch: &Batch, running: &[usize], there: &mut [bool]) -> Result<(), Failure> {
    let items = batch.items().zip(there).enumerate().filter(|(number, _)| running.contains(number));
    for (_, ((text, _), there)) in items {
        let all: BTreeMap<String, Box<RawValue>> = serde_json::from_str(text).unwrap_or_default();
        let names = END_FIELDS.iter().chain(&["trace_id", "started_at"]);
        let end: BTreeMap<&str, &RawValue> = names.filter_map(|name| Some((*name, all.get(*name)?.as_ref()))).collect();
        post_part(channel, &serde_json::to_string(&end).unwrap_or_default(), "end")?;
        *there = true;
    }
    Ok(())
}

/// The two halves of a complete call, as an older server takes them. Their text was made here, so it has the fields.
fn start_and_end(text: &str) -> [String; 2] {
    let all: BTreeMap<String, Box<RawValue>> = serde_json::from_str(text).unwrap_or_default();
    let half = |mode: &str, names: &[&str]| {
        let fields: BTreeMap<&str, &RawValue> =
            names.iter().filter_map(|name| Some((*name, all.get(*name)?.as_ref()))).collect();
        let fields = serde_json::to_string(&fields).unwrap_or_default();
        format!("{{\"mode\":\"{mode}\",\"req\":{{\"{mode}\":{fields}}}}}")
    };
    [half("start", &START_FIELDS), half("end", &END_FIELDS)]
}

fn post_feedback(channel: &Channel<'_>, batch: &mut Batch) -> Result<(), Failed> {
    let singly = &channel.without_feedback_batches;
    if !singly.load(Ordering::Relaxed) {
        match channel.post_once("/feedback/batch/create", batch.body()) {
            Err(failure) if failure.kind() == FailureKind::RouteMissing => singly.store(true, Ordering::Relaxed),
            outcome => return outcome.map(|_| ()).map_err(Failed::Together),
        }
    }
    one_by_one(batch, |text| channel.post_once("/feedback/create", text.as_bytes()).map(|_| ()))
}

/// Whether the project has these prices.
fn has_cost(channel: &Channel<'_>, text: &str) -> Result<bool, Failure> {
    let body: Value = serde_json::from_str(text).unwrap_or_default();
    let Some(costs) = body.get("costs") else { return Ok(false) };
    price::are_there(costs, &mut HashMap::new(), |model| channel.lookup().prices(model))
}
