//! Sending feedback and costs.

use super::delivery::Delivery;
use super::pending::{Lost, Pending};
use super::route::Route;
use super::sender::{not_json, object_text, raw, text_of, Fields, Sender};
use crate::error::Result;
use crate::record::kind::RecordType;
use crate::sync::kept::requeue::feedback_id;
use crate::sync::line::{parse, Parsed};
use crate::sync::price;
use crate::sync::results::Counted;
use serde_json::json;

/// Sends the pending feedback of a project, in batches.
pub fn send(sender: &mut Sender<'_, '_, '_>) -> Result<()> {
    send_folder(sender, "feedback", Route::Feedback, Counted::Feedback, |line, identity| {
        let fields = with_id(serde_json::from_str(line.data).map_err(not_json)?, identity)?;
        Ok(Some((RecordType::FeedbackCreate, object_text(&fields))))
    })
}

/// Sends the pending costs of a project, and passes over the notes that stand beside them.
pub fn send_costs(sender: &mut Sender<'_, '_, '_>) -> Result<()> {
    send_folder(sender, "metadata", Route::Costs, Counted::Costs, |line, _| match line.record_type {
        Some(RecordType::CostCreate) => {
            let body = serde_json::from_str(line.data).map_err(not_json)?;
            Ok(Some((RecordType::CostCreate, price::with_date(body, line.timestamp).to_string())))
        }
        // Notes of this library, or of a later version of it: nothing to send.
        _ => Ok(None),
    })
}

/// Sends what `text` makes of each record of a folder; `None` is nothing to be sent.
fn send_folder(
    sender: &mut Sender<'_, '_, '_>,
    folder: &str,
    route: Route,
    what: Counted,
    text: impl Fn(&Parsed<'_>, &str) -> Result<Option<(RecordType, String)>>,
) -> Result<()> {
    let mut pending = sender.pending(folder);
    if pending.is_empty() {
        return Ok(());
    }
    let mut delivery = Delivery::new(route, what, sender);
    let mut sent = send_all(sender, &mut pending, &mut delivery, what, &text);
    if sent.is_ok() {
        sent = delivery.finish(sender, &mut pending);
    }
    let lost = Lost { is_all: sent.is_ok(), ..delivery.abandon(sender, &mut pending) };
    let settled = pending.settle(&lost, &mut sender.project.progress);
    sent.and(settled).and(sender.finish(&mut pending))
}

fn send_all<'c>(
    sender: &mut Sender<'_, '_, 'c>,
    pending: &mut Pending,
    delivery: &mut Delivery<'c>,
    what: Counted,
    text: &impl Fn(&Parsed<'_>, &str) -> Result<Option<(RecordType, String)>>,
) -> Result<()> {
    let (mut fresh, mut doubtful) = (sender.batch(false), sender.batch(true));
    while let Some(place) = pending.advance()? {
        let (line, own) = pending.line();
        let made = parse(line, own).and_then(|line| text(&line, &pending.identity(place)));
        let made = made.and_then(|made| match made {
            Some((record_type, text)) => sender.addressed(record_type, &text).map(|text| Some(text.into_owned())),
            None => Ok(None),
        });
        match made {
            Ok(Some(text)) => {
                let batch = if pending.is_in_doubt(place) { &mut doubtful } else { &mut fresh };
                if batch.push(&text, &[place]) {
                    let empty = sender.batch(batch.in_doubt);
                    let full = std::mem::replace(batch, empty);
                    delivery.send(sender, pending, full)?;
                }
            }
            Ok(None) => pending.acknowledge(&[place], &mut sender.project.progress)?,
            Err(error) => sender.set_aside(pending, &[place], what, "", None, error.text())?,
        }
    }
    delivery.send(sender, pending, fresh)?;
    delivery.send(sender, pending, doubtful)
}

fn with_id(mut fields: Fields, identity: &str) -> Result<Fields> {
    if text_of(&fields, "id").is_none() {
        fields.insert("id".to_string(), raw(&json!(feedback_id(identity)))?);
    }
    Ok(fields)
}
