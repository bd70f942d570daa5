//! Under which ids a receipt names what a line holds, so that a server can be asked for it.
//!
//! | Line | Id |
//! | --- | --- |
//! | `call_complete` | the call's id: the call is there, and has ended |
//! | `call_start` | `start/ID`: the call is there |
//! | `call_end` | `end/ID`: the call is there, and has ended |
//! | `call_update` | none: the name may have changed again since |
//! | `obj_create`, `op_create` | `object/NAME:DIGEST`, `op/NAME:DIGEST`, the digest as the server gave it |
//! | `table_create`, `file_create` | `table/DIGEST`, `file/DIGEST` |
//! | `feedback_create` | the feedback's id |
//! | `cost_create` | `price/` and the JSON of the models' prices, as sent: a server tells them by nothing else |

use super::learned::Learned;
use super::ranges::Ranges;
use super::receipts::{About, Builder};
use super::rejected::Rejected;
use super::requeue::feedback_id;
use crate::error::{Error, Result, Status};
use crate::record::digest::{bytes_digest, table_digest, value_digest};
use crate::record::json::Value;
use crate::record::kind::RecordType;
use crate::store::layout::{Access, DataFile, ProjectDir};
use crate::store::reader::Reader;
use crate::sync::line::{parse, plain_text, ObjectFields, ObjectRecord, OpSource, Parsed, TableRecord};
use crate::sync::price;
use serde::Deserialize;

/// What of a line names the record.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Names {
    /// The receipt's id. `Some(None)`: there is a record, and no id to ask for it by.
    pub id: Option<Option<String>>,
    /// The call that the record belongs to, updates included.
    pub call: Option<String>,
}

/// The fields that name something, of every type's data.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Data {
    id: Option<String>,
    call_id: Option<String>,
    digest: Option<String>,
    start: Option<Part>,
    end: Option<Part>,
}

#[derive(Deserialize)]
struct Part {
    id: Option<String>,
}

/// Writes the receipt of a data file that was sent whole; its counts are made here. Records that were rejected, or sent to
/// another destination by an earlier sync, have no id in it. A file that cannot be read whole gets
/// none: with it the file would count as sent, and be deleted in time.
pub(in crate::sync) fn receipt_of(
    project: &ProjectDir,
    folder: &str,
    file: &DataFile,
    (rejected, elsewhere): (&Rejected, &Ranges),
    about: About<'_>,
    access: Access,
) -> Result<()> {
    let namer = Namer::new(project, about.server, about.to, access)?;
    let mut receipt = Builder::new(project, folder, file, access)?;
    let key = format!("{folder}/{}", file.path.file_name().unwrap_or_default().to_string_lossy());
    let mut about = about;
    let mut reader = match Reader::open(&file.path) {
        Err(_) if matches!(file.path.try_exists(), Ok(false)) => return Ok(()), // taken by a quota
        opened => opened?,
    };
    while let Some(index) = reader.advance()? {
        about.records = index + 1;
        let place = if rejected.is_empty() { String::new() } else { format!("{key}#{index}") };
        if !rejected.is_empty() && rejected.contains(&place) {
            about.rejected += 1;
            continue;
        }
        if elsewhere.contains(index) {
            about.elsewhere += 1;
            continue;
        }
        let finished = parse(reader.line(), reader.is_own()).ok();
        let finished = finished.filter(|line| line.record_type == Some(RecordType::CallComplete));
        match finished.and_then(|line| plain_text(line.data, "id")) {
            Some(id) => receipt.add(Some(id))?,
            None => {
                let place = format!("{key}#{index}");
                if let Some(id) = namer.of_line(&place, reader.line()).id {
                    receipt.add(id.as_deref())?;
                }
            }
        }
    }
    match reader.damage() {
        Some(damage) => Err(Error::new(Status::Io, format!("no receipt is made: {damage}"))),
        None => receipt.finish(&file.path, &about).map(|_| ()),
    }
}

/// Names the records of a project as one destination knows them.
pub struct Namer {
    learned: Learned,
}

impl Namer {
    /// For what was sent to `to` (`entity/project`) on `server`.
    pub fn new(project: &ProjectDir, server: &str, to: &str, access: Access) -> Result<Namer> {
        Ok(Namer { learned: Learned::load(&project.sync_folder(), &format!("{server} {to}"), access)? })
    }

    /// The names of the record that a line holds; nothing for one that is no record, or no JSON.
    pub fn of_line(&self, place: &str, line: &[u8]) -> Names {
        let Ok(Parsed { record_type: Some(record_type), data: text, timestamp }) = parse(line, false) else {
            return Names::default();
        };
        let data = || serde_json::from_str::<Data>(text).unwrap_or_default();
        let call =
            |form: &str, id: Option<String>| Names { id: Some(id.as_ref().map(|id| format!("{form}{id}"))), call: id };
        let named = |id: Option<String>| Names { id: Some(id), call: None };
        match record_type {
            RecordType::CallComplete => call("", data().id),
            RecordType::CallStart => call("start/", data().start.and_then(|part| part.id)),
            RecordType::CallEnd => call("end/", data().end.and_then(|part| part.id)),
            RecordType::CallUpdate => Names { id: None, call: data().call_id },
            RecordType::ObjCreate => named(self.object("object", text)),
            RecordType::OpCreate => named(self.op_source(text).or_else(|| self.object("op", text))),
            RecordType::TableCreate => named(self.table(text)),
            RecordType::FileCreate => named(data().digest.map(|digest| format!("file/{digest}"))),
            RecordType::FeedbackCreate => named(Some(data().id.unwrap_or_else(|| feedback_id(place)))),
            RecordType::CostCreate => named(prices(text, timestamp)),
            RecordType::Writer | RecordType::Project => Names::default(),
        }
    }

    fn object(&self, kind: &str, data: &str) -> Option<String> {
        let ObjectFields { object_id, val } = serde_json::from_str::<ObjectRecord<'_>>(data).ok()?.obj;
        let recorded = value_digest(&Value::parse(val.get()).ok()?);
        let digest = self.on_server(&format!("{kind}/{object_id}:{recorded}"), &recorded);
        Some(format!("{kind}/{object_id}:{digest}"))
    }

    fn op_source(&self, data: &str) -> Option<String> {
        let OpSource { name, source_code } = serde_json::from_str(data).ok()?;
        let digest = bytes_digest(source_code.as_bytes());
        let value = format!(
            "{{\"_type\":\"CustomWeaveType\",\"files\":{{\"obj.py\":\"{digest}\"}},\"weave_type\":{{\"type\":\"Op\"}}}}"
        );
        Some(format!("op/{name}:{}", value_digest(&Value::parse(&value).ok()?)))
    }

    fn table(&self, data: &str) -> Option<String> {
        let rows = serde_json::from_str::<TableRecord<'_>>(data).ok()?.table.rows;
        let digests: Option<Vec<String>> =
            rows.iter().map(|row| Some(value_digest(&Value::parse(row.get()).ok()?))).collect();
        let recorded = table_digest(digests?.iter().map(String::as_str));
        let digest = self.on_server(&format!("table/{recorded}"), &recorded);
        Some(format!("table/{digest}"))
    }

    /// A server gives another digest to what holds references (protocol, section 11).
    fn on_server<'d>(&'d self, what: &str, recorded: &'d str) -> &'d str {
        self.learned.get(what).unwrap_or(recorded)
    }
}

fn prices(data: &str, logged_at: &str) -> Option<String> {
    let body = price::with_date(serde_json::from_str(data).ok()?, logged_at);
    body.get("costs").map(|prices| format!("price/{prices}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sync::kept::receipts::path_of;
    use serde_json::{json, Value as Json};

    fn names(record_type: &str, data: Json) -> Names {
        let root = tempfile::tempdir().unwrap();
        let project = ProjectDir::new(root.path(), "team/demo");
        let mut learned = Learned::load(&project.sync_folder(), "http://x team/demo", Access::Owner).unwrap();
        let digest = value_digest(&Value::parse("{\"a\":1}").unwrap());
        learned.learn([(format!("object/thing:{digest}"), digest.as_str(), "other")]).unwrap();
        let namer = Namer::new(&project, "http://x", "team/demo", Access::Owner).unwrap();
        let line = json!({"type": record_type, "timestamp": "t", "data": data}).to_string();
        namer.of_line("feedback/20260101_0000.jsonl.gz#1", line.as_bytes())
    }

    fn id(record_type: &str, data: Json) -> Option<String> {
        names(record_type, data).id.unwrap()
    }

    #[test]
    fn a_file_that_cannot_be_read_whole_gets_no_receipt() {
        let root = tempfile::tempdir().unwrap();
        let project = ProjectDir::new(root.path(), "team/demo");
        let path = project.path.join("calls/20260101_0000.jsonl");
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, "{\"type\":\"call_complete\",\"timestamp\":\"t\",\"data\":{\"id\":\"a\"}}\n{\"ty")
            .unwrap();
        let file = DataFile::parse(&path).unwrap();
        let about =
            About { records: 0, rejected: 0, elsewhere: 0, server: "http://x", to: "team/demo", server_version: None };
        let rejected = Rejected::open(&project, Access::Owner).unwrap();
        let error =
            receipt_of(&project, "calls", &file, (&rejected, &Ranges::default()), about, Access::Owner).unwrap_err();
        assert!(error.status() == Status::Io && error.text().contains("the last line is torn"), "{error}");
        assert!(!path_of(&project, "calls", &file).exists());
    }

    #[test]
    fn the_parts_of_a_call_are_told_apart_and_belong_to_it() {
        let parts = [
            names("call_complete", json!({"id": "c"})),
            names("call_start", json!({"start": {"id": "c"}})),
            names("call_end", json!({"end": {"id": "c"}})),
            names("call_update", json!({"call_id": "c"})),
        ];
        assert!(parts.iter().all(|names| names.call.as_deref() == Some("c")));
        let ids: Vec<_> = parts.into_iter().map(|names| names.id.flatten()).collect();
        assert_eq!(ids, [Some("c".into()), Some("start/c".into()), Some("end/c".into()), None]);
    }

    #[test]
    fn an_object_has_the_digest_that_the_server_gave_it() {
        assert_eq!(
            id("obj_create", json!({"obj": {"object_id": "thing", "val": {"a": 1}}})).unwrap(),
            "object/thing:other"
        );
        let digest = value_digest(&Value::parse("{\"a\":2}").unwrap());
        let object = json!({"obj": {"object_id": "thing", "val": {"a": 2}}});
        assert_eq!(id("op_create", object).unwrap(), format!("op/thing:{digest}"));
    }

    #[test]
    fn other_things_have_their_digest_or_id_or_what_they_say_and_notes_have_none() {
        let empty = table_digest([]);
        assert_eq!(id("table_create", json!({"table": {"rows": []}})).unwrap(), format!("table/{empty}"));
        assert_eq!(id("file_create", json!({"digest": "d"})).unwrap(), "file/d");
        assert_eq!(id("feedback_create", json!({"id": "f"})).unwrap(), "f");
        let made = feedback_id("feedback/20260101_0000.jsonl.gz#1");
        assert_eq!(id("feedback_create", json!({})).unwrap(), made);
        let prices = json!({"costs": {"m": {"prompt_token_cost": 1.5}}});
        assert_eq!(id("cost_create", prices).unwrap(), r#"price/{"m":{"effective_date":"t","prompt_token_cost":1.5}}"#);
        assert_eq!(names("writer", json!({})), Names::default());
    }
}
