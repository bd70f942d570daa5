//! Sending tables, ops and objects, in the order in which they were recorded.
//!
//! What holds references may have another digest on the server than the one recorded (protocol, section 11). The
//! server's answer is learned, and everything that is sent later refers to it by that.

use super::files::upload;
use super::pending::{Line, Pending};
use super::refmap::Named;
use super::results::Counted;
use super::sender::{not_json, Sender};
use super::server::failure::FailureKind;
use super::server::transport::Content;
use crate::error::{Error, Result, Status};
use crate::record::digest::{table_digest, value_digest};
use crate::record::json::Value;
use crate::record::kind::RecordType;
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

#[derive(Deserialize)]
struct ObjectRecord<'a> {
    #[serde(borrow)]
    obj: ObjectFields<'a>,
}

#[derive(Deserialize)]
struct ObjectFields<'a> {
    object_id: String,
    #[serde(borrow)]
    val: &'a RawValue,
}

/// An op as a name and its source text (protocol, section 6.8).
#[derive(Deserialize)]
struct OpSource {
    name: String,
    source_code: String,
}

#[derive(Deserialize)]
struct TableRecord<'a> {
    #[serde(borrow)]
    table: TableFields<'a>,
}

#[derive(Deserialize)]
struct TableFields<'a> {
    #[serde(borrow)]
    rows: Vec<&'a RawValue>,
}

/// What became of one record: taken, or refused for a reason of its own.
type Outcome = std::result::Result<(), String>;

/// Sends the pending tables, ops and objects of a project.
pub fn send(sender: &mut Sender<'_>) -> Result<()> {
    send_folder(sender, "tables", Counted::Tables)?;
    send_folder(sender, "ops", Counted::Ops)?;
    send_folder(sender, "objects", Counted::Objects)
}

fn send_folder(sender: &mut Sender<'_>, folder: &str, what: Counted) -> Result<()> {
    let mut pending = Pending::open(sender.project, folder, &sender.progress)?;
    let mut text = Vec::new();
    while let Some(place) = pending.next_by_time(&mut text)? {
        let outcome = match serde_json::from_slice::<Line<'_>>(&text) {
            Ok(line) => send_line(sender, &line)?,
            Err(cause) => Err(format!("a line cannot be read: {cause}")),
        };
        match outcome {
            Ok(()) => {
                // Nothing would teach it again once the record counts as sent.
                sender.refs.persist()?;
                sender.accepted(&mut pending, &[place], what, 1)?;
            }
            Err(reason) => sender.refused(what, &reason)?,
        }
    }
    sender.finish(&mut pending)
}

fn send_line(sender: &mut Sender<'_>, line: &Line<'_>) -> Result<Outcome> {
    let sent = match RecordType::from_name(line.record_type) {
        Some(RecordType::TableCreate) => send_table(sender, line.data),
        Some(RecordType::OpCreate) => match serde_json::from_str::<OpSource>(line.data.get()) {
            Ok(op) => send_op_source(sender, &op),
            Err(_) => send_object(sender, RecordType::OpCreate, line.data),
        },
        Some(RecordType::ObjCreate) => send_object(sender, RecordType::ObjCreate, line.data),
        _ => Err(Error::new(
            Status::InvalidJson,
            format!("a record of type \"{}\" does not belong here", line.record_type),
        )),
    };
    match sent {
        Ok(()) => Ok(Ok(())),
        Err(error) if is_the_records(error.status()) => Ok(Err(error.text().to_string())),
        Err(error) => Err(error),
    }
}

/// Whether an error is the record's own. Access to the project is asked for before a refusal is counted as one.
fn is_the_records(status: Status) -> bool {
    matches!(
        status,
        Status::InvalidJson
            | Status::InvalidId
            | Status::InvalidName
            | Status::Rejected
            | Status::TooLarge
            | Status::Io
    )
}

fn send_object(sender: &mut Sender<'_>, record_type: RecordType, data: &RawValue) -> Result<()> {
    let record: ObjectRecord<'_> = serde_json::from_str(data.get()).map_err(not_json)?;
    let recorded = value_digest(&parsed(record.obj.val)?);
    let body = sender.addressed(record_type, data.get())?;
    let answer = create(sender, "/obj/create", body.as_bytes())?;
    let name = record.obj.object_id.as_str();
    let thing = if record_type == RecordType::OpCreate { Named::Op(name) } else { Named::Object(name) };
    let project = sender.recorded.clone();
    sender.refs.learn(&project, thing, &recorded, &answer.digest)
}

fn send_op_source(sender: &mut Sender<'_>, op: &OpSource) -> Result<()> {
    let digest = upload(sender, "obj.py", Content::Bytes(op.source_code.as_bytes()))?;
    let value = json!({"_type": "CustomWeaveType", "files": {"obj.py": digest}, "weave_type": {"type": "Op"}});
    let body = json!({"obj": {"project_id": sender.target, "object_id": op.name, "val": value}});
    create(sender, "/obj/create", body.to_string().as_bytes()).map(|_| ())
}

fn send_table(sender: &mut Sender<'_>, data: &RawValue) -> Result<()> {
    let record: TableRecord<'_> = serde_json::from_str(data.get()).map_err(not_json)?;
    let rows = &record.table.rows;
    let mut recorded = Vec::with_capacity(rows.len());
    for row in rows {
        recorded.push(value_digest(&parsed(row)?));
    }
    let answer = match rows.len() > TABLE_ROWS || data.get().len() > TABLE_BYTES {
        true => send_in_parts(sender, rows)?,
        false => {
            let body = sender.addressed(RecordType::TableCreate, data.get())?;
            create(sender, "/table/create", body.as_bytes())?
        }
    };
    let project = sender.recorded.clone();
    let whole = table_digest(recorded.iter().map(String::as_str));
    sender.refs.learn(&project, Named::Table, &whole, &answer.digest)?;
    let pairs = recorded.iter().map(String::as_str).zip(answer.row_digests.iter().map(String::as_str));
    sender.refs.learn_all(&project, Named::Row, pairs.filter(|(recorded, sent)| recorded != sent))
}

/// Sends a large table: its rows in parts, then the table as their digests in order. Servers without that route get the
/// first part and the rows behind it appended.
fn send_in_parts(sender: &Sender<'_>, rows: &[&RawValue]) -> Result<Created> {
    let mut all = Vec::with_capacity(rows.len());
    let parts = parts(rows);
    for part in &parts {
        let texts: Vec<&str> = part.iter().map(|row| row.get()).collect();
        let project = json!(sender.recorded);
        let data = format!("{{\"table\":{{\"project_id\":{project},\"rows\":[{}]}}}}", texts.join(","));
        let body = sender.addressed(RecordType::TableCreate, &data)?;
        all.extend(create(sender, "/table/create", body.as_bytes())?.row_digests);
    }
    let body = json!({"project_id": sender.target, "row_digests": all}).to_string();
    match sender.post("/table/create_from_digests", body.as_bytes()) {
        Ok(answer) => Ok(Created { row_digests: all, ..answer.json::<Created>()? }),
        Err(failure) if failure.kind() == FailureKind::RouteMissing => append_parts(sender, &parts, all),
        Err(failure) => Err(failure.into()),
    }
}

fn append_parts(sender: &Sender<'_>, parts: &[&[&RawValue]], row_digests: Vec<String>) -> Result<Created> {
    let mut digest = String::new();
    for (number, part) in parts.iter().enumerate() {
        let sent: Result<Vec<String>> =
            part.iter().map(|row| sender.refs.value(row.get()).map(|text| text.into_owned())).collect();
        let sent = sent?;
        let project = json!(sender.target);
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

fn create(sender: &Sender<'_>, path: &str, body: &[u8]) -> Result<Created> {
    match sender.post(path, body) {
        Ok(answer) => Ok(answer.json()?),
        Err(failure) => {
            sender.check_project_is_open(&failure)?;
            Err(match failure.may_be_a_records_fault() {
                true => Error::new(Status::Rejected, failure.to_string()),
                false => failure.into(),
            })
        }
    }
}

fn parsed(text: &RawValue) -> Result<Value> {
    Value::parse(text.get()).map_err(|fault| Error::new(Status::InvalidJson, format!("the record is no JSON: {fault}")))
}
