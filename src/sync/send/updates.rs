//! Updates of calls, sent when the calls have been.
//!
//! In complete mode a server accepts an update of a call that it does not have, and loses it (protocol, section 15). So it
//! is asked for the calls before, and an update whose call is not there waits. A program's updates may be in data files
//! before its calls are.

use super::judge::Judge;
use super::pending::{Pending, Place};
use super::sender::{text_of, Refused, Sender};
use crate::error::Result;
use crate::record::time::Timestamp;
use crate::sync::line::IdKey;
use crate::sync::lookup::MOST_IDS;
use crate::sync::results::Counted;
use std::collections::HashSet;
use std::time::Duration;

/// So many are kept until the calls have been sent; those beyond are read again.
const MOST: usize = 4096;

/// An update of a program that is gone waits so long for its call, which another program may bring.
const PATIENCE: Duration = Duration::from_secs(24 * 3600);

/// Updates that wait for the calls to be sent.
#[derive(Default)]
pub(super) struct Updates {
    kept: Vec<Update>,
    are_more: bool,
}

struct Update {
    place: Place,
    text: String,
    call: String,
    /// Nobody will bring its call any more.
    is_orphan: bool,
}

impl Updates {
    /// Whether another one can be kept. If not, it is noted that there are more.
    pub(super) fn is_room(&mut self) -> bool {
        let is_room = self.kept.len() < MOST;
        self.are_more |= !is_room;
        is_room
    }

    /// Whether there are more than could be kept, to be read now.
    pub(super) fn begin_next(&mut self) -> bool {
        std::mem::take(&mut self.are_more)
    }

    /// Keeps one, until [`Updates::send`].
    pub(super) fn keep(&mut self, place: Place, text: String, logged_at: &str, writer_is_gone: bool) {
        let fields = serde_json::from_str(&text).ok();
        let call = fields.and_then(|fields| text_of(&fields, "call_id")).unwrap_or_default();
        let old = i64::try_from(PATIENCE.as_micros()).unwrap_or(i64::MAX);
        let is_old = Timestamp::parse(logged_at, "timestamp")
            .is_ok_and(|logged_at| logged_at.micros() < Timestamp::now().micros() - old);
        self.kept.push(Update { place, text, call, is_orphan: writer_is_gone && is_old });
    }

    /// Sends those that are kept. What stays pending is not given again in this run.
    pub(super) fn send(&mut self, sender: &mut Sender<'_, '_, '_>, pending: &mut Pending) -> Result<()> {
        let kept = std::mem::take(&mut self.kept);
        let there = calls_there(sender, &kept)?;
        let mut judge = Judge::default();
        for Update { place, text, call, is_orphan } in kept {
            if sender.project.rejected.has_call(&call) {
                // To be sent again with it.
                let reason = "the call is among the rejected ones";
                sender.set_aside(pending, &[place], Counted::CallUpdates, &call, None, reason)?;
                continue;
            }
            if !there.contains(&call) {
                if is_orphan {
                    let reason = "the call is neither on the server nor among those that are stored here";
                    sender.set_aside(pending, &[place], Counted::CallUpdates, &call, None, reason)?;
                }
                pending.pass_over(&[place]);
                continue;
            }
            sender.check_limits(text.len())?;
            match sender.project.channel.post("/call/update", text.as_bytes()) {
                Ok(_) => {
                    sender.accepted(pending, &[place], Counted::CallUpdates, 1)?;
                    sender.condemn(pending, judge.passed())?;
                }
                Err(failure) => {
                    pending.pass_over(&[place]);
                    let refused = Refused { place, what: Counted::CallUpdates, id: call };
                    sender.refused_by(pending, &mut judge, refused, failure)?;
                }
            }
        }
        sender.condemn(pending, judge.close())
    }
}

/// Which of the calls that updates are about the server has.
fn calls_there(sender: &Sender<'_, '_, '_>, updates: &[Update]) -> Result<HashSet<String>> {
    let project = &sender.project;
    let may_be = |call: &&str| !project.unsent.contains(&IdKey::of(call)) && !project.rejected.has_call(call);
    let calls: HashSet<&str> = updates.iter().map(|update| update.call.as_str()).filter(may_be).collect();
    let calls: Vec<&str> = calls.into_iter().collect();
    let mut there = HashSet::new();
    for some in calls.chunks(MOST_IDS) {
        there.extend(project.channel.lookup().calls(some)?.into_keys());
    }
    Ok(there)
}
