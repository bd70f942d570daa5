//! Ops, objects, tables and datasets. Each answers the reference that later records can use at once.
//!
//! The digest in a reference is the server's, unless the value holds references: then the server's depends on its own
//! name for the project (protocol, section 11), and the sync replaces the reference wherever it was recorded.

use super::Client;
use crate::error::{Error, Result, Status};
use crate::record::digest::value_digest;
use crate::record::json::{accept, Rules, Value};
use crate::record::kind::RecordType;
use crate::record::names::object_name;
use crate::record::object::{check_value, create_body, dataset_value, op_value, rows_digest, table_body, OP_FILE};
use crate::record::refs::{Ref, Target};

impl Client {
    /// Creates an op from its source text, in any language. Answers its reference, to be used as the `op_name` of calls.
    pub fn create_op(&self, name: &str, source: &str) -> Result<String> {
        self.check_open()?;
        let name = object_name(name)?;
        if source.is_empty() {
            return Err(Error::new(
                Status::Rejected,
                "source: empty, and servers cannot give an empty file back; pass the op's text, or log calls by its name",
            ));
        }
        let file = self.create_file(OP_FILE, source.as_bytes())?;
        self.create(RecordType::OpCreate, &name, op_value(&file))
    }

    /// Creates an object of any JSON value. Answers its reference.
    pub fn create_object(&self, name: &str, value: &[u8]) -> Result<String> {
        self.check_open()?;
        let name = object_name(name)?;
        self.create(RecordType::ObjCreate, &name, sorted(value, "value")?)
    }

    /// Creates a table of rows, a JSON array of objects. Answers its reference.
    pub fn create_table(&self, rows: &[u8]) -> Result<String> {
        self.check_open()?;
        self.keep_table(sorted(rows, "rows")?)
    }

    /// Creates a dataset of rows. Answers its reference.
    pub fn create_dataset(&self, name: &str, description: Option<&str>, rows: &[u8]) -> Result<String> {
        self.check_open()?;
        let name = object_name(name)?;
        let description = description.map(|text| crate::record::check_call::text(text, "description")).transpose()?;
        let table = self.keep_table(sorted(rows, "rows")?)?;
        self.create(RecordType::ObjCreate, &name, dataset_value(&name, description.as_deref(), &table))
    }

    /// The reference of a row of a dataset, given the row.
    pub fn dataset_row_ref(&self, dataset: &str, row: &[u8]) -> Result<String> {
        self.check_open()?;
        let mut reference = Ref::parse(dataset).map_err(|error| error.context("dataset"))?;
        let row = sorted(row, "row")?;
        match &mut reference.target {
            Target::Object { extra, .. } if extra.is_empty() => {
                *extra = ["attr", "rows", "id", value_digest(&row).as_str()].map(str::to_owned).to_vec();
                reference.uri()
            }
            _ => Err(Error::new(
                Status::InvalidId,
                format!("dataset: \"{dataset}\" is not the reference of a dataset; pass what its creation answered"),
            )),
        }
    }

    fn keep_table(&self, rows: Value) -> Result<String> {
        let mut digest = rows_digest(&rows)?;
        if !self.is_disabled() {
            if let Some(body) = self.filtered(RecordType::TableCreate, table_body(self.project(), rows))? {
                // The filter may have changed rows: what is stored is what the reference must name.
                let rows = body.get("table").and_then(|table| table.get("rows")).unwrap_or(&Value::Null);
                digest = rows_digest(rows)?;
                self.keep_json(RecordType::TableCreate, &body)?;
            }
        }
        self.reference(Target::Table { digest })
    }

    fn create(&self, record_type: RecordType, name: &str, value: Value) -> Result<String> {
        check_value(&value)?;
        let mut digest = value_digest(&value);
        if !self.is_disabled() {
            if let Some(mut body) = self.filtered(record_type, create_body(self.project(), name, value))? {
                let kept = body.get_mut("obj").and_then(|object| object.get_mut("val")).ok_or_else(|| {
                    Error::new(
                        Status::InvalidJson,
                        "record.obj.val: missing after the filter; keep the keys of the record",
                    )
                })?;
                kept.sort_keys();
                check_value(kept)?;
                digest = value_digest(kept);
                self.keep_json(record_type, &body)?;
            }
        }
        let (name, extra) = (name.to_owned(), Vec::new());
        self.reference(match record_type {
            RecordType::OpCreate => Target::Op { name, digest, extra },
            _ => Target::Object { name, digest, extra },
        })
    }

    /// A reference into this project.
    pub(super) fn reference(&self, target: Target) -> Result<String> {
        let (entity, project) = self.project().split_once('/').unwrap_or_default();
        Ref { entity: entity.to_owned(), project: project.to_owned(), target }.uri()
    }
}

/// A value as it is stored and hashed: keys sorted, so that old and current servers agree on its digest.
fn sorted(text: &[u8], field: &str) -> Result<Value> {
    let text = accept(text, field, &Rules { sorted: true, ..Rules::default() })?;
    Value::parse(&text).map_err(|fault| fault.in_field(field))
}
