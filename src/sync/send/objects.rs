//! Sending tables, ops and objects, in the order in which they were recorded.
//!
//! What holds references may have another digest on the server than the one recorded (protocol, section 11). The
//! server's answer is learned, and everything that is sent later refers to it by that.

use super::files::upload;
use super::pending::Place;
use super::refmap::Named;
use super::sender::{is_records_fault, not_json, Project, Run, Sender};
use super::singly::Singly;
use crate::error::{Error, Result, Status};
use crate::record::digest::{table_digest, value_digest};
use crate::record::json::Value;
use crate::record::kind::RecordType;
use crate::sync::line::{parse, ObjectRecord, OpSource, Parsed, TableRecord};
use crate::sync::results::Counted;
use crate::sync::run::ends_the_run;
use crate::sync::server::failure::{Failure, FailureKind};
use crate::sync::server::transport::Content;
use serde::Deserialize;
use serde_json::json;
use serde_json::value::RawValue;

/// Larger tables go in parts (protocol, section 8).
const TABLE_ROWS: usize = 1000;
const TABLE_BYTES: usize = 10 * 1024 * 1024;

#[derive(Deserialize)]
struct Created {
    digest: String,
    #[serde(default)]
    row_digests: Vec<String>,
}

/// The folders, in the order of which those go that were logged at the same time.
pub const FOLDERS: [(&str, Counted); 3] =
    [("tables", Counted::Tables), ("ops", Counted::Ops), ("objects", Counted::Objects)];

/// Why a record was not taken.
enum Refusal {
    /// For a reason of its own.
    Record(Error),
    /// By the server.
    Server(Failure),
    /// It is no record's fault.
    Run(Error),
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        match is_records_fault(&error) {
            true => Refusal::Record(error),
            false => Refusal::Run(error),
        }
    }
}

impl From<Failure> for Refusal {
    fn from(failure: Failure) -> Self {
        Refusal::Server(failure)
    }
}

/// Sends the pending tables, ops and objects of projects, in the order in which they were logged: a reference can only
/// have been handed out before it was used, also by another project. To send one again changes nothing, as long as no
/// later version was sent. An error of one project ends that project, and stands in its place in `ended`.
pub fn send<'env>(run: &mut Run<'_, 'env>, projects: &mut [Project<'env>], ended: &mut [Option<Error>]) -> Result<()> {
    let (mut folders, mut order) = (Vec::new(), Vec::new());
    for (number, (project, ended)) in projects.iter_mut().zip(ended.iter_mut()).enumerate() {
        for (folder, what) in FOLDERS {
            let mut folder = Singly::new(what, Sender { run, project }.pending(folder));
            match folder.pending.times() {
                Ok(times) => order.extend(times.into_iter().map(|(time, place)| (time, folders.len(), place))),
                Err(error) => *ended = ended.take().or(Some(error)),
            }
            folders.push((number, folder));
        }
    }
    order.sort();
    let mut sent = Ok(());
    for (_, folder, place) in order {
        let Some((number, folder)) = folders.get_mut(folder) else { continue };
        let (Some(project), Some(ended @ None)) = (projects.get_mut(*number), ended.get_mut(*number)) else { continue };
        let mut sender = Sender { run, project };
        let done = folder.pending.fetch(place).and_then(|line| match line {
            Some(line) => send_one(&mut sender, folder, place, &line),
            None => Ok(()), // its file is gone
        });
        match done {
            Err(error) if ends_the_run(error.status()) => {
                sent = Err(error);
                break;
            }
            done => *ended = done.err(),
        }
    }
    for (number, folder) in &mut folders {
        let (Some(project), Some(ended)) = (projects.get_mut(*number), ended.get_mut(*number)) else { continue };
        let mut sender = Sender { run, project };
        let finished = match sent.is_ok() && ended.is_none() {
            true => folder.finish(&mut sender),
            false => sender.finish(&mut folder.pending),
        };
        match finished {
            Err(error) if ends_the_run(error.status()) => sent = sent.and(Err(error)),
            finished => *ended = ended.take().or(finished.err()),
        }
    }
    sent
}

/// Sends one record.
pub fn send_one(sender: &mut Sender<'_, '_, '_>, folder: &mut Singly, place: Place, line: &[u8]) -> Result<()> {
    let line = match parse(line, false) {
        Ok(line) => line,
        Err(error) => return folder.set_aside(sender, place, "", error.text()),
    };
    sender.check_limits(line.data.len())?;
    match send_line(sender, &line) {
        Ok(()) => {
            // Nothing would teach it again once the record counts as sent.
            sender.run.refs.persist()?;
            folder.accepted(sender, place)
        }
        Err(Refusal::Run(error)) => Err(error),
        Err(Refusal::Record(error)) => folder.set_aside(sender, place, &name_of(line.data), error.text()),
        Err(Refusal::Server(failure)) => folder.refused(sender, place, &name_of(line.data), failure),
    }
}

/// The name of an object or op; empty for a table.
pub fn name_of(data: &str) -> String {
    let object = serde_json::from_str::<ObjectRecord<'_>>(data).map(|record| record.obj.object_id);
    object.or_else(|_| serde_json::from_str::<OpSource>(data).map(|op| op.name)).unwrap_or_default()
}

/// The digest of a table as it was recorded; empty for what is none.
pub fn table_digest_of(data: &str) -> String {
    let digests = serde_json::from_str::<TableRecord<'_>>(data).map_err(not_json).and_then(|record| {
        record.table.rows.iter().map(|row| parsed(row).map(|row| value_digest(&row))).collect::<Result<Vec<String>>>()
    });
    digests.map(|digests| table_digest(digests.iter().map(String::as_str))).unwrap_or_default()
}

fn send_line(sender: &mut Sender<'_, '_, '_>, line: &Parsed<'_>) -> std::result::Result<(), Refusal> {
    match line.record_type {
        Some(RecordType::TableCreate) => send_table(sender, line.data),
        Some(RecordType::OpCreate) => match serde_json::from_str::<OpSource>(line.data) {
            Ok(op) => send_op_source(sender, &op),
            Err(_) => send_object(sender, RecordType::OpCreate, line.data),
        },
        Some(RecordType::ObjCreate) => send_object(sender, RecordType::ObjCreate, line.data),
        _ => Err(Error::new(Status::InvalidJson, "a record of this type does not belong here").into()),
    }
}

fn send_object(
    sender: &mut Sender<'_, '_, '_>,
    record_type: RecordType,
    data: &str,
) -> std::result::Result<(), Refusal> {
    let record: ObjectRecord<'_> = serde_json::from_str(data).map_err(not_json)?;
    let recorded = value_digest(&parsed(record.obj.val)?);
    let body = sender.addressed(record_type, data)?;
    let answer = create(sender, "/obj/create", body.as_bytes())?;
    let name = record.obj.object_id.as_str();
    let thing = if record_type == RecordType::OpCreate { Named::Op(name) } else { Named::Object(name) };
    sender.run.refs.learn(&sender.project.recorded, thing, &recorded, &answer.digest)?;
    Ok(())
}

fn send_op_source(sender: &Sender<'_, '_, '_>, op: &OpSource) -> std::result::Result<(), Refusal> {
    let channel = &sender.project.channel;
    let digest = upload(channel, "obj.py", Content::Bytes(op.source_code.as_bytes()))?;
    let value = json!({"_type": "CustomWeaveType", "files": {"obj.py": digest}, "weave_type": {"type": "Op"}});
    let body = json!({"obj": {"project_id": channel.target, "object_id": op.name, "val": value}});
    create(sender, "/obj/create", body.to_string().as_bytes())?;
    Ok(())
}

fn send_table(sender: &mut Sender<'_, '_, '_>, data: &str) -> std::result::Result<(), Refusal> {
    let record: TableRecord<'_> = serde_json::from_str(data).map_err(not_json)?;
    let rows = &record.table.rows;
    let mut recorded = Vec::with_capacity(rows.len());
    for row in rows {
        recorded.push(value_digest(&parsed(row)?));
    }
    let answer = match rows.len() > TABLE_ROWS || data.len() > TABLE_BYTES {
        true => send_in_parts(sender, rows)?,
        false => {
            let body = sender.addressed(RecordType::TableCreate, data)?;
            create(sender, "/table/create", body.as_bytes())?
        }
    };
    let (refs, project) = (&mut sender.run.refs, &sender.project.recorded);
    let whole = table_digest(recorded.iter().map(String::as_str));
    refs.learn(project, Named::Table, &whole, &answer.digest)?;
    let pairs = recorded.iter().map(String::as_str).zip(answer.row_digests.iter().map(String::as_str));
    refs.learn_all(project, Named::Row, pairs)?;
    Ok(())
}

/// Sends a large table: its rows in parts, then the table as their digests in order. Servers without that route get the
/// first part and the rows behind it appended.
fn send_in_parts(sender: &Sender<'_, '_, '_>, rows: &[&RawValue]) -> std::result::Result<Created, Refusal> {
    let mut all = Vec::with_capacity(rows.len());
    let parts = parts(rows);
    for part in &parts {
        let texts: Vec<&str> = part.iter().map(|row| row.get()).collect();
        let project = json!(sender.project.recorded);
        let data = format!("{{\"table\":{{\"project_id\":{project},\"rows\":[{}]}}}}", texts.join(","));
        let body = sender.addressed(RecordType::TableCreate, &data)?;
        all.extend(create(sender, "/table/create", body.as_bytes())?.row_digests);
    }
    let body = json!({"project_id": sender.project.channel.target, "row_digests": all}).to_string();
    match sender.project.channel.post("/table/create_from_digests", body.as_bytes()) {
        Ok(answer) => Ok(Created { row_digests: all, ..answer.json::<Created>()? }),
        Err(failure) if failure.kind() == FailureKind::RouteMissing => append_parts(sender, &parts, all),
        Err(failure) => Err(failure.into()),
    }
}

fn append_parts(
    sender: &Sender<'_, '_, '_>,
    parts: &[&[&RawValue]],
    row_digests: Vec<String>,
) -> std::result::Result<Created, Refusal> {
    let mut digest = String::new();
    for (number, part) in parts.iter().enumerate() {
        let sent: Result<Vec<String>> =
            part.iter().map(|row| sender.run.refs.value(row.get()).map(|text| text.into_owned())).collect();
        let sent = sent?;
        let project = json!(sender.project.channel.target);
        let (path, body) = if number == 0 {
            let rows = sent.join(",");
            ("/table/create", format!("{{\"table\":{{\"project_id\":{project},\"rows\":[{rows}]}}}}"))
        } else {
            let updates: Vec<String> = sent.iter().map(|row| format!("{{\"append\":{{\"row\":{row}}}}}")).collect();
            let base = json!(digest);
            let updates = updates.join(",");
            ("/table/update", format!("{{\"project_id\":{project},\"base_digest\":{base},\"updates\":[{updates}]}}"))
        };
        digest = create(sender, path, body.as_bytes())?.digest;
    }
    Ok(Created { digest, row_digests })
}

fn parts<'r, 't>(rows: &'r [&'t RawValue]) -> Vec<&'r [&'t RawValue]> {
    let (mut found, mut start, mut bytes) = (Vec::new(), 0, 0);
    for (number, row) in rows.iter().enumerate() {
        let full = number - start >= TABLE_ROWS || bytes + row.get().len() > TABLE_BYTES;
        if full && number > start {
            found.extend(rows.get(start..number));
            (start, bytes) = (number, 0);
        }
        bytes += row.get().len();
    }
    found.extend(rows.get(start..));
    found
}

fn create(sender: &Sender<'_, '_, '_>, path: &str, body: &[u8]) -> std::result::Result<Created, Failure> {
    sender.project.channel.post(path, body)?.json()
}

fn parsed(text: &RawValue) -> Result<Value> {
    Value::parse(text.get()).map_err(|fault| Error::new(Status::InvalidJson, format!("the record is no JSON: {fault}")))
}
