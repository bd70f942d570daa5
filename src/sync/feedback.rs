//! Sending feedback and costs.

use super::pending::{Line, Pending};
use super::results::Counted;
use super::sender::{batch_body, object_text, raw, text_of, Batch, Fields, Item, Sender};
use super::server::failure::{Failure, FailureKind};
use crate::error::Result;
use crate::record::kind::RecordType;
use serde_json::json;
use sha2::{Digest, Sha256};
use std::cell::Cell;

/// Sends the pending feedback of a project, in batches.
pub fn send(sender: &mut Sender<'_>) -> Result<()> {
    let mut pending = Pending::open(sender.project, "feedback", &sender.progress)?;
    let singly = Cell::new(false);
    let post = |sender: &Sender<'_>, items: &[Item]| post_feedback(sender, items, &singly);
    let (mut text, mut batch) = (Vec::new(), Batch::default());
    while let Some(place) = pending.next(&mut text)? {
        let line = serde_json::from_slice::<Line<'_>>(&text);
        let fields = line.and_then(|line| serde_json::from_str::<Fields>(line.data.get()));
        match fields {
            Ok(fields) => {
                let fields = with_id(fields, &pending.identity(place))?;
                let text = sender.addressed(RecordType::FeedbackCreate, &object_text(&fields))?;
                if batch.push(Item { text, places: vec![place] }) {
                    sender.deliver(&mut pending, &batch.take(), Counted::Feedback, &post)?;
                }
            }
            Err(cause) => sender.refused(Counted::Feedback, &format!("a line cannot be read: {cause}"))?,
        }
    }
    sender.deliver(&mut pending, &batch.take(), Counted::Feedback, &post)?;
    sender.finish(&mut pending)
}

/// Sends the pending costs of a project, and passes over the notes that stand beside them.
///
/// Each cost is a request of its own: there is no id by which the server could tell a repeated one (protocol, section
/// 15), so as little as possible is in doubt after a cut.
pub fn send_costs(sender: &mut Sender<'_>) -> Result<()> {
    let mut pending = Pending::open(sender.project, "metadata", &sender.progress)?;
    let mut text = Vec::new();
    while let Some(place) = pending.next(&mut text)? {
        let line = serde_json::from_slice::<Line<'_>>(&text);
        let record_type = line.as_ref().ok().and_then(|line| RecordType::from_name(line.record_type));
        match (line, record_type) {
            (Ok(line), Some(RecordType::CostCreate)) => {
                let body = sender.addressed(RecordType::CostCreate, line.data.get())?;
                match sender.post("/cost/create", body.as_bytes()) {
                    Ok(_) => sender.accepted(&mut pending, &[place], Counted::Costs, 1)?,
                    Err(failure) => sender.refused_by(Counted::Costs, failure)?,
                }
            }
            // Notes of this library, or of a later version of it: nothing to send.
            (Ok(_), _) => pending.acknowledge(&[place], &mut sender.progress)?,
            (Err(cause), _) => sender.refused(Counted::Costs, &format!("a line cannot be read: {cause}"))?,
        }
    }
    sender.finish(&mut pending)
}

fn post_feedback(sender: &Sender<'_>, items: &[Item], singly: &Cell<bool>) -> std::result::Result<(), Failure> {
    if !singly.get() {
        let body = batch_body(items.iter().map(|item| item.text.as_str()));
        match sender.post("/feedback/batch/create", &body) {
            Err(failure) if failure.kind() == FailureKind::RouteMissing => singly.set(true),
            outcome => return outcome.map(|_| ()),
        }
    }
    items.iter().try_for_each(|item| sender.post("/feedback/create", item.text.as_bytes()).map(|_| ()))
}

/// Feedback without an id is a new row each time it is sent. One that was recorded without gets an id that is the same
/// each time.
fn with_id(mut fields: Fields, identity: &str) -> Result<Fields> {
    if text_of(&fields, "id").is_none() {
        let digest = Sha256::digest(identity.as_bytes());
        let bytes = digest.first_chunk::<16>().copied().unwrap_or_default();
        let id = uuid::Builder::from_custom_bytes(bytes).into_uuid();
        fields.insert("id".to_string(), raw(&json!(id.to_string()))?);
    }
    Ok(fields)
}
