//! What the sending of every kind of record shares: the run, one of its projects, what is counted and told, and when to
//! stop.

use super::batch::Batch;
use super::channel::Channel;
use super::judge::{Judge, Suspect, Verdict};
use super::pending::{Pending, Place};
use super::pool::Pool;
use super::refmap::RefMap;
use crate::error::{Error, Result, Status};
use crate::record::kind::RecordType;
use crate::store::layout::{Access, DataFile, ProjectDir};
use crate::sync::choices::Choices;
use crate::sync::kept::marking;
use crate::sync::kept::progress::Progress;
use crate::sync::kept::receipt_ids::receipt_of;
use crate::sync::kept::receipts::About;
use crate::sync::kept::rejected::{Entry, Rejected};
use crate::sync::line::IdKey;
use crate::sync::results::{Counted, Results, Tally};
use crate::sync::server::failure::{Failure, FailureKind};
use crate::sync::server::retry::RetryPolicy;
use crate::sync::server::stop::Stop;
use crate::sync::server::transport::Transport;
use crate::sync::snapshot::Snapshot;
use crate::sync::Update;
use serde_json::json;
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::collections::{BTreeMap, HashSet};
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

/// The fields of a JSON object; values are kept as they were written.
pub type Fields = BTreeMap<String, Box<RawValue>>;

/// Hears how a sync goes on; answers whether it shall go on.
pub type Report<'r> = dyn FnMut(&Update<'_>) -> bool + 'r;

/// What all projects of a sync share.
pub struct Run<'scope, 'env> {
    /// The offline directory.
    pub root: &'env Path,
    /// The modes of what is written in it.
    pub access: Access,
    /// What the caller chose.
    pub choices: &'env Choices,
    /// The way to the server.
    pub transport: &'env Transport,
    /// How often a request is tried.
    pub policy: &'env RetryPolicy,
    /// The caller's wish to stop, and the end of the time that it gave.
    pub stop: Stop,
    /// How many bytes of bodies were sent, or are about to be.
    pub sent_bytes: u64,
    /// What sends batches.
    pub pool: Pool<'scope, 'env>,
    /// Where references lead on the server.
    pub refs: RefMap,
    /// What is told at the end.
    pub results: Results,
    /// What is told meanwhile.
    pub report: &'env mut Report<'env>,
    /// Whether it answered that it wants an end.
    pub is_told_to_end: bool,
    /// What the server says of its version, once it was asked.
    pub server_version: Option<Option<String>>,
}

/// A project that is being sent.
pub struct Project<'env> {
    /// As it is stored.
    pub dir: &'env ProjectDir,
    /// Its name as recorded.
    pub recorded: String,
    /// What is pending of it.
    pub snapshot: Snapshot,
    /// Requests for it.
    pub channel: Arc<Channel<'env>>,
    /// What was acknowledged.
    pub progress: Progress,
    /// What the server refused.
    pub rejected: Rejected,
    /// Calls that are not on the server although their turn has come: what only makes sense with them must wait too.
    pub unsent: HashSet<IdKey>,
    /// Calls whose end was taken although their start had been sent alone.
    pub ended: Vec<String>,
    /// What an earlier run sent last is over for certain at this time.
    pub doubts_until: Instant,
}

/// A record that the server refused.
#[derive(Debug)]
pub struct Refused {
    /// Where it stands.
    pub place: Place,
    /// What it counts as.
    pub what: Counted,
    /// Its id, if it has one.
    pub id: String,
}

/// Sends the records of one project.
pub struct Sender<'s, 'scope, 'env> {
    /// What it shares with others.
    pub run: &'s mut Run<'scope, 'env>,
    /// The project.
    pub project: &'s mut Project<'env>,
}

impl Sender<'_, '_, '_> {
    /// The text of a record as it is sent: under the target's name, references leading where they lead on the server.
    pub fn addressed<'t>(&self, record_type: RecordType, data: &'t str) -> Result<Cow<'t, str>> {
        self.run.refs.data(record_type, &self.project.recorded, data)
    }

    /// The pending records of a folder.
    pub fn pending(&self, folder: &str) -> Pending {
        let Project { snapshot, progress, rejected, .. } = &self.project;
        Pending::open(folder, snapshot, progress, rejected)
    }

    /// An empty batch; whether the server may have what will be in it.
    pub fn batch(&self, in_doubt: bool) -> Batch {
        Batch::new(in_doubt, self.run.choices.max_rate)
    }

    /// An error when it is time to stop, or when sending so much more would go over a limit.
    pub fn check_limits(&mut self, bytes: usize) -> Result<()> {
        if self.run.stop.is_due() {
            return Err(self.stopped());
        }
        let sent = self.run.sent_bytes.saturating_add(bytes as u64);
        if let Some(limit) = self.run.choices.max_bytes.filter(|limit| sent > *limit) {
            return Err(Error::new(
                Status::Timeout,
                format!(
                    "the sync stopped before it sent more than {limit} bytes (max_sync_bytes); sync again for the rest"
                ),
            ));
        }
        self.run.sent_bytes = sent;
        Ok(())
    }

    /// How many bytes may still be sent.
    pub fn left_bytes(&self) -> u64 {
        self.run.choices.max_bytes.map_or(u64::MAX, |limit| limit.saturating_sub(self.run.sent_bytes))
    }

    /// Why the sync stops.
    pub fn stopped(&self) -> Error {
        self.run.stop.error()
    }

    /// Notes that the server has these records, which count as `count`.
    pub fn accepted(&mut self, pending: &mut Pending, places: &[Place], what: Counted, count: u64) -> Result<()> {
        pending.acknowledge(places, &mut self.project.progress)?;
        self.run.results.add_synced(&self.project.recorded, what, count);
        self.run.results.add_done(&self.project.recorded, what, places.len() as u64);
        self.tell(what)
    }

    /// Counts a record that was not taken, and stays pending.
    pub fn not_taken(&mut self, what: Counted, reason: &str) -> Result<()> {
        self.run.results.add_errors(&self.project.recorded, what, 1, reason);
        self.tell(what)
    }

    /// Sets a record aside that the server refuses: it stands among the rejected ones from then on.
    pub fn set_aside(
        &mut self,
        pending: &mut Pending,
        places: &[Place],
        what: Counted,
        id: &str,
        status: Option<u16>,
        reason: &str,
    ) -> Result<()> {
        // So that after a crash it is looked for among the rejected ones before it is sent.
        pending.sending(places, &mut self.project.progress)?;
        let mut lines = Vec::new();
        for place in places {
            lines.push((pending.identity(*place), pending.fetch(*place)?.unwrap_or_default()));
        }
        let id = Some(id.to_string()).filter(|id| !id.is_empty());
        let lines = lines.iter().map(|(place, line)| (place.clone(), line.as_slice()));
        let server = self.run.transport.traces().as_str();
        let entry = Entry::new(what, id, status, reason, lines).by(server, &self.project.channel.target);
        self.project.rejected.add(entry)?;
        pending.acknowledge(places, &mut self.project.progress)?;
        self.run.results.add_done(&self.project.recorded, what, places.len() as u64);
        self.not_taken(what, reason)
    }

    /// What becomes of records that the server refused one by one. An error ends the sending: it is no record's fault.
    pub fn refused_by(
        &mut self,
        pending: &mut Pending,
        judge: &mut Judge<Refused>,
        refused: Refused,
        failure: Failure,
    ) -> Result<()> {
        if failure.kind() == FailureKind::Unsupported {
            // What this server cannot do is no reason to keep the rest from it (protocol, section 7).
            return self.not_taken(refused.what, &failure.to_string());
        }
        if !failure.may_be_a_records_fault() {
            return Err(failure.into());
        }
        self.project.channel.check_is_open(&failure)?;
        match judge.refused(refused, failure) {
            Verdict::Wait => Ok(()),
            Verdict::Refused(suspects) => self.condemn(pending, suspects),
            Verdict::AllAreRefused(error) => Err(error.context(&self.project.channel.target)),
        }
    }

    /// Sets aside records that are to blame for their refusal; the others stay pending, and are not tried again.
    pub fn condemn(&mut self, pending: &mut Pending, suspects: Vec<Suspect<Refused>>) -> Result<()> {
        for (Refused { place, what, id }, failure, is_certain) in suspects {
            match is_certain {
                true => self.set_aside(pending, &[place], what, &id, failure.status(), &failure.to_string())?,
                false => self.not_taken(what, &failure.to_string())?,
            }
        }
        Ok(())
    }

    /// Gives the files that were sent whole the name that says so, and tells of those that cannot be read whole.
    pub fn finish(&mut self, pending: &mut Pending) -> Result<()> {
        self.project.progress.sync()?;
        for damage in pending.unreadable() {
            self.run.results.add_reason(&self.project.recorded, damage.to_string());
        }
        for (file, length) in pending.complete() {
            marking::mark_synced(self.run.root, file, length, || self.write_receipt(pending.folder(), file))?;
        }
        Ok(())
    }

    /// Writes down what the server has of a file before the file is renamed.
    fn write_receipt(&mut self, folder: &str, file: &DataFile) -> Result<()> {
        let transport = self.run.transport;
        let version = self.run.server_version.get_or_insert_with(|| {
            // It is good to know, and no more.
            transport.server_info().ok().and_then(|info| info.trace_server_version)
        });
        let (server, to) = (transport.traces().as_str(), self.project.channel.target.as_str());
        let about = About { records: 0, rejected: 0, elsewhere: 0, server, to, server_version: version.as_deref() };
        let name = file.path.file_name().unwrap_or_default().to_string_lossy();
        let elsewhere = self.project.progress.elsewhere(&format!("{folder}/{name}"));
        let without_id = (&self.project.rejected, &elsewhere);
        receipt_of(self.project.dir, folder, file, without_id, about, self.run.access)
    }

    fn tell(&mut self, what: Counted) -> Result<()> {
        let recorded = &self.project.recorded;
        let tally = self.run.results.tally(recorded, what);
        let records = self.run.results.done(recorded, what);
        let Tally { synced, errors } = tally;
        let update = Update { project: recorded, kind: what.name(), synced, errors, records };
        // Once it wanted an end, what is under way is waited for and counted, and that is all.
        self.run.is_told_to_end = self.run.is_told_to_end || !(self.run.report)(&update);
        match self.run.is_told_to_end || self.run.stop.is_asked() {
            true => Err(Error::new(Status::Cancelled, "stopped on request; what was not sent is kept")),
            false => Ok(()),
        }
    }
}

/// The text of an object with these fields; project and id stand first, where they are found without parsing.
pub fn object_text(fields: &Fields) -> String {
    const FIRST: [&str; 2] = ["project_id", "id"];
    let mut text = String::from("{");
    let first = FIRST.iter().filter_map(|name| fields.get_key_value(*name));
    for (name, value) in first.chain(fields.iter().filter(|(name, _)| !FIRST.contains(&name.as_str()))) {
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

/// Whether an error says that a record cannot be sent as it is, and not that something else went wrong.
pub fn is_records_fault(error: &Error) -> bool {
    use Status::{InvalidId, InvalidJson, InvalidName, Rejected, TooLarge};
    matches!(error.status(), InvalidJson | InvalidId | InvalidName | Rejected | TooLarge)
}

/// The error of a record that does not have the form of its request.
pub fn not_json(cause: serde_json::Error) -> Error {
    Error::new(Status::InvalidJson, format!("the record is not as the API wants it: {cause}"))
}
