//! Sending the records of one project: requests with retries, batches that are split until a bad record stands alone,
//! and what is noted of each answer.

use super::pending::{Pending, Place};
use super::progress::Progress;
use super::refmap::RefMap;
use super::results::{Counted, Results};
use super::server::address::escape;
use super::server::failure::{Failure, FailureKind};
use super::server::retry::{Retry, RetryId, RetryPolicy};
use super::server::stop::Stop;
use super::server::transport::{Answer, Transport};
use super::Update;
use crate::error::{Error, Result};
use crate::record::kind::RecordType;
use crate::store::layout::ProjectDir;
use serde_json::json;
use serde_json::value::RawValue;
use std::collections::{BTreeMap, HashSet};

/// A batch is sent when it holds this much; the server takes 31 MiB (protocol, section 8), and a smaller request that is
/// cut off costs less to repeat.
const BATCH_BYTES: usize = 4 * 1024 * 1024;
const BATCH_ITEMS: usize = 1000;

/// The fields of a JSON object; values are kept as they were written.
pub type Fields = BTreeMap<String, Box<RawValue>>;

/// Part of a batch: the text that is sent, and the records that it stands for.
pub struct Item {
    /// A JSON object.
    pub text: String,
    /// The records that are acknowledged with it.
    pub places: Vec<Place>,
}

/// A request that sends items.
pub type Post<'p> = dyn Fn(&Sender<'_>, &[Item]) -> std::result::Result<(), Failure> + 'p;

/// Sends the records of one project.
pub struct Sender<'a> {
    /// The way to the server.
    pub transport: &'a Transport,
    /// How often a request is tried.
    pub policy: &'a RetryPolicy,
    /// The project as stored.
    pub project: &'a ProjectDir,
    /// Its name as recorded.
    pub recorded: String,
    /// The `entity/project` that it is sent to.
    pub target: String,
    /// What was acknowledged.
    pub progress: Progress,
    /// Where references lead on the server.
    pub refs: &'a mut RefMap,
    /// Ids of what is not on the server although its turn has come: what only makes sense with it must wait too.
    pub unsent: HashSet<String>,
    /// What is told at the end.
    pub results: &'a mut Results,
    /// Tells the caller how it goes; its answer is whether to go on.
    pub report: &'a mut dyn FnMut(&Update<'_>) -> bool,
    /// Whether the caller wants an end.
    pub stop: &'a Stop,
}

impl Sender<'_> {
    /// Posts JSON to the trace server, with retries.
    pub fn post(&self, path: &str, body: &[u8]) -> std::result::Result<Answer, Failure> {
        self.attempt(path, |id| self.transport.post_json(path, body, id))
    }

    /// Makes a request, with retries.
    pub fn attempt<T>(
        &self,
        what: &str,
        request: impl FnMut(&RetryId) -> std::result::Result<T, Failure>,
    ) -> std::result::Result<T, Failure> {
        Retry { policy: self.policy, stop: self.stop }.run(what, request)
    }

    /// The path of a route under the project.
    pub fn route(&self, rest: &str) -> String {
        let (entity, project) = self.target.split_once('/').unwrap_or(("", &self.target));
        format!("/v2/{}/{}/{rest}", escape(entity), escape(project))
    }

    /// The text of a record as it is sent: under the target's name, references leading where they lead on the server.
    pub fn addressed(&self, record_type: RecordType, data: &str) -> Result<String> {
        self.refs.data(record_type, &self.recorded, data).map(|text| text.into_owned())
    }

    /// Sends items by `post`, splitting a refused batch until the bad ones stand alone; those are counted with the
    /// server's reason and stay pending. An error ends the sending: it is no record's fault.
    pub fn deliver(&mut self, pending: &mut Pending, items: &[Item], what: Counted, post: &Post<'_>) -> Result<()> {
        if items.is_empty() {
            return Ok(());
        }
        match post(self, items) {
            Ok(()) => {
                let places: Vec<Place> = items.iter().flat_map(|item| item.places.iter().copied()).collect();
                self.accepted(pending, &places, what, items.len() as u64)
            }
            Err(failure) if !failure.may_be_a_records_fault() => Err(failure.into()),
            Err(failure) => {
                self.check_project_is_open(&failure)?;
                match items.split_at(items.len() / 2) {
                    ([], alone) => {
                        self.unsent.extend(alone.iter().filter_map(|item| id_of(&item.text)));
                        self.refused(what, &failure.to_string())
                    }
                    (first, second) => {
                        self.deliver(pending, first, what, post)?;
                        self.deliver(pending, second, what, post)
                    }
                }
            }
        }
    }

    /// Notes that the server has these records, which count as `count`.
    pub fn accepted(&mut self, pending: &mut Pending, places: &[Place], what: Counted, count: u64) -> Result<()> {
        pending.acknowledge(places, &mut self.progress)?;
        self.results.add_synced(&self.recorded, what, count);
        self.tell(what)
    }

    /// Marks what was sent whole, and tells of files with records that cannot be read: they stay where they are.
    pub fn finish(&mut self, pending: &mut Pending) -> Result<()> {
        for damage in pending.finish()? {
            self.results.add_reason(&self.recorded, damage);
        }
        Ok(())
    }

    /// Counts a record that the server does not take. It stays pending.
    pub fn refused(&mut self, what: Counted, reason: &str) -> Result<()> {
        self.results.add_errors(&self.recorded, what, 1, reason);
        self.tell(what)
    }

    /// Counts a refusal of one record, or ends the sending where it is no record's fault.
    pub fn refused_by(&mut self, what: Counted, failure: Failure) -> Result<()> {
        if !failure.may_be_a_records_fault() {
            return Err(failure.into());
        }
        self.check_project_is_open(&failure)?;
        self.refused(what, &failure.to_string())
    }

    /// A refusal that would meet every record is not the fault of this one.
    pub fn check_project_is_open(&self, failure: &Failure) -> Result<()> {
        let of_all = |kind| matches!(kind, FailureKind::Forbidden | FailureKind::NotFound | FailureKind::ServerError);
        if !of_all(failure.kind()) {
            return Ok(());
        }
        let question = json!({"project_id": self.target, "limit": 1, "columns": ["id"]}).to_string();
        let place = "/calls/stream_query";
        match self.attempt(place, |id| self.transport.post_query(place, question.as_bytes(), id)) {
            Err(closed) if of_all(closed.kind()) || closed.is_transient() => {
                Err(Error::from(closed).context(format!("project {}", self.target)))
            }
            _ => Ok(()),
        }
    }

    fn tell(&mut self, what: Counted) -> Result<()> {
        let tally = self.results.tally(&self.recorded, what);
        let update = Update { project: &self.recorded, kind: what.name(), synced: tally.synced, errors: tally.errors };
        if !(self.report)(&update) {
            self.stop.ask();
        }
        if self.stop.is_due() {
            return Err(Failure::new(FailureKind::Cancelled, "sync", "").into());
        }
        Ok(())
    }
}

fn id_of(text: &str) -> Option<String> {
    text_of(&serde_json::from_str(text).ok()?, "id")
}

/// Items on their way into a request.
#[derive(Default)]
pub struct Batch {
    items: Vec<Item>,
    bytes: usize,
}

impl Batch {
    /// Adds an item; says whether the batch is full now.
    pub fn push(&mut self, item: Item) -> bool {
        self.bytes += item.text.len();
        self.items.push(item);
        self.bytes >= BATCH_BYTES || self.items.len() >= BATCH_ITEMS
    }

    /// The items, leaving none.
    pub fn take(&mut self) -> Vec<Item> {
        self.bytes = 0;
        std::mem::take(&mut self.items)
    }
}

/// `{"batch": [ITEM, …]}`.
pub fn batch_body<'t>(items: impl Iterator<Item = &'t str>) -> Vec<u8> {
    let mut body = b"{\"batch\":[".to_vec();
    for (number, text) in items.enumerate() {
        if number > 0 {
            body.push(b',');
        }
        body.extend_from_slice(text.as_bytes());
    }
    body.extend_from_slice(b"]}");
    body
}

/// The text of an object with these fields; the project stands first, where it is found without parsing.
pub fn object_text(fields: &Fields) -> String {
    let mut text = String::from("{");
    let project = fields.get_key_value("project_id");
    for (name, value) in project.into_iter().chain(fields.iter().filter(|(name, _)| *name != "project_id")) {
        text.push_str(if text.len() == 1 { "" } else { "," });
        text.push_str(&json!(name).to_string());
        text.push(':');
        text.push_str(value.get());
    }
    text.push('}');
    text
}

/// A value as JSON text.
pub fn raw(value: &serde_json::Value) -> Result<Box<RawValue>> {
    serde_json::value::to_raw_value(value).map_err(not_json)
}

/// A text field.
pub fn text_of(fields: &Fields, name: &str) -> Option<String> {
    fields.get(name).and_then(|value| serde_json::from_str(value.get()).ok())
}

/// The error of a record that does not have the form of its request.
pub fn not_json(cause: serde_json::Error) -> Error {
    Error::new(crate::Status::InvalidJson, format!("the record is not as the API wants it: {cause}"))
}
