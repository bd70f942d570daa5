//! Calls given as JSON: many finished calls in one go, and a call that the program's filter changed.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::rollup;
use super::start::{summary_object, CallOptions, Lineage};
use super::summary::{Output, Summary};
use super::Client;
use crate::error::{Error, Result, Status};
use crate::record::call::Call;
use crate::record::check_call;
use crate::record::ids::Id;
use crate::record::json::{accept, compact, Object, Redact, Rules, Value};
use crate::record::kind::RecordType;
use crate::record::time::Timestamp;

/// A call as JSON. Unknown keys are refused: a misspelt one would be lost in silence.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Shape<'j> {
    project_id: Option<String>,
    id: Option<String>,
    trace_id: Option<String>,
    parent_id: Option<String>,
    op_name: Option<String>,
    display_name: Option<String>,
    thread_id: Option<String>,
    turn_id: Option<String>,
    kind: Option<String>,
    #[serde(borrow)]
    started_at: Option<&'j RawValue>,
    #[serde(borrow)]
    ended_at: Option<&'j RawValue>,
    #[serde(borrow)]
    attributes: Option<&'j RawValue>,
    #[serde(borrow)]
    inputs: Option<&'j RawValue>,
    #[serde(borrow)]
    output: Option<&'j RawValue>,
    exception: Option<String>,
    #[serde(borrow)]
    summary: Option<&'j RawValue>,
    #[serde(borrow)]
    otel_dump: Option<&'j RawValue>,
    wb_run_id: Option<String>,
    wb_run_step: Option<u64>,
    wb_run_step_end: Option<u64>,
}

/// A checked call that owns its fields.
pub(super) struct GivenCall {
    id: Id,
    trace_id: Option<Id>,
    parent_id: Option<Id>,
    op_name: Option<String>,
    display_name: Option<String>,
    thread_id: Option<String>,
    turn_id: Option<String>,
    started_at: Option<Timestamp>,
    ended_at: Option<Timestamp>,
    attributes: Option<String>,
    inputs: Option<String>,
    output: Option<String>,
    exception: Option<String>,
    summary: Option<String>,
    otel_dump: Option<String>,
    wb_run_id: Option<String>,
    wb_run_step: Option<u64>,
    wb_run_step_end: Option<u64>,
}

impl Client {
    /// Logs finished calls, given as a JSON array of objects with the fields of a call: `op_name`, the others if known.
    /// All of them are checked before any is kept. Answers how many were kept, also beside an error.
    ///
    /// Their summaries count as they are: they come with the sums of their children already.
    pub fn log_calls(&self, calls: &[u8]) -> (u64, Result<()>) {
        let mut kept = 0;
        let result = self.check_calls(calls).and_then(|calls| {
            for call in calls {
                self.keep_call(RecordType::CallComplete, &call.as_call(), Timestamp::now())?;
                kept += 1;
            }
            Ok(())
        });
        (kept, result)
    }

    fn check_calls(&self, calls: &[u8]) -> Result<Vec<GivenCall>> {
        self.check_open()?;
        if self.is_disabled() {
            return Ok(Vec::new());
        }
        let text = accept(calls, "calls", &Rules::default())?;
        let items: Vec<&RawValue> = serde_json::from_str(&text).map_err(|_| {
            Error::new(Status::InvalidJson, "calls: not a JSON array; pass the calls as [{\"op_name\": …}, …]")
        })?;
        let mut checked = Vec::with_capacity(items.len());
        for (index, item) in items.into_iter().enumerate() {
            let in_item = |error: Error| error.context(format_args!("calls[{index}]"));
            let shape = Shape::read(item.get()).map_err(in_item)?;
            checked.extend(GivenCall::finished(self, shape).map_err(in_item)?);
        }
        Ok(checked)
    }
}

impl GivenCall {
    /// A finished call of [`Client::log_calls`]; `None` when its trace is not sampled.
    fn finished(client: &Client, shape: Shape<'_>) -> Result<Option<GivenCall>> {
        if shape.project_id.as_deref().is_some_and(|project| project != client.project()) {
            return Err(Error::new(
                Status::InvalidArgument,
                "project_id: of another project than the client's; log the call with a client of its project",
            ));
        }
        let options = CallOptions {
            id: shape.id.clone(),
            trace_id: shape.trace_id.clone(),
            parent_id: shape.parent_id.clone(),
            thread_id: shape.thread_id.clone(),
            turn_id: shape.turn_id.clone(),
            ..CallOptions::default()
        };
        let now = Timestamp::now();
        let lineage = Lineage::of(&options, client, now)?;
        if !lineage.sampled {
            return Ok(None);
        }
        let mut call = GivenCall::of_shape(&shape, lineage.id, &client.redact)?;
        check_call::op_name(call.op_name.as_deref().unwrap_or_default())?;
        call.trace_id = Some(lineage.trace_id);
        call.thread_id = lineage.thread_id.as_deref().map(str::to_owned);
        call.turn_id = lineage.turn_id().map(str::to_owned);
        let mut attributes = String::new();
        client.system.write(call.attributes.as_deref(), shape.kind.as_deref(), &mut attributes)?;
        call.attributes = Some(attributes);
        call.inputs.get_or_insert_with(|| "{}".to_owned());
        let given = shape.summary.map(|summary| summary_object(summary.get().as_bytes())).transpose()?;
        let summary = Summary::of(
            call.output.as_deref().and_then(Output::of),
            call.exception.is_some(),
            None,
            &rollup::Totals::default(),
            None,
        );
        let text = String::from_utf8(summary.text.into_owned()).unwrap_or_default();
        call.summary = Some(match given {
            None => text,
            Some(given) => over(&text, &given)?,
        });
        call.ended_at = call.ended_at.or(Some(now));
        call.started_at = call.started_at.or(call.ended_at);
        Ok(Some(call))
    }

    /// A call as the program's filter changed it: the data of a record, which must still be about the same call.
    pub(super) fn of_record(
        record_type: RecordType,
        data: &str,
        client: &Client,
        before: &Call<'_>,
    ) -> Result<GivenCall> {
        let envelope = match record_type {
            RecordType::CallStart => Some("start"),
            RecordType::CallEnd => Some("end"),
            _ => None,
        };
        let wrong =
            || Error::new(Status::InvalidJson, "record: not of the shape that the filter was given; keep its keys");
        let mut value = Value::parse(data).map_err(|fault| fault.in_field("record"))?;
        if let Some(envelope) = envelope {
            value = value.get(envelope).cloned().ok_or_else(wrong)?;
        }
        let text = compact(&value);
        let shape = Shape::read(&text).map_err(|error| error.context("record"))?;
        let same = shape.project_id.as_deref() == Some(client.project())
            && bytes(&shape.id) == Some(before.id)
            && bytes(&shape.trace_id) == before.trace_id
            && bytes(&shape.parent_id) == before.parent_id;
        if !same {
            return Err(Error::new(
                Status::Rejected,
                "record: the filter changed project_id, id, trace_id or parent_id, by which other records know the call; \
                 leave them as they were",
            ));
        }
        let mut call = GivenCall::of_shape(
            &shape,
            Id::parse_call(shape.id.as_deref().unwrap_or_default(), "id")?,
            &client.redact,
        )?;
        if let Some(op_name) = &call.op_name {
            check_call::op_name(op_name)?;
        }
        let required = |before: bool, now: bool| before && !now;
        if required(before.op_name.is_some(), call.op_name.is_some())
            || required(before.inputs.is_some(), call.inputs.is_some())
            || required(before.attributes.is_some(), call.attributes.is_some())
            || required(before.summary.is_some(), shape.summary.is_some())
            || required(before.started_at.is_some(), call.started_at.is_some())
            || required(before.ended_at.is_some(), call.ended_at.is_some())
        {
            return Err(wrong());
        }
        if let Some(summary) = shape.summary {
            call.summary = Some(compact(&summary_object(summary.get().as_bytes())?.into()));
        }
        Ok(call)
    }

    fn of_shape(shape: &Shape<'_>, id: Id, redact: &Redact) -> Result<GivenCall> {
        let json = |value: Option<&RawValue>, field: &str, rules: &Rules<'_>| {
            value.map(|value| accept(value.get().as_bytes(), field, rules).map(Cow::into_owned)).transpose()
        };
        let text = |value: &Option<String>, field: &str| {
            let value = value.as_deref().filter(|value| !value.is_empty());
            value.map(|value| check_call::text(value, field).map(Cow::into_owned)).transpose()
        };
        let object = Rules { object: true, ..Rules::default() };
        if let Some(run) = &shape.wb_run_id {
            check_call::wb_run_id(run)?;
        }
        let parent_id = shape.parent_id.as_deref().filter(|id| !id.is_empty());
        let display_name = shape.display_name.as_deref().filter(|name| !name.is_empty());
        Ok(GivenCall {
            id,
            trace_id: shape.trace_id.as_deref().map(|id| Id::parse_trace(id, "trace_id")).transpose()?,
            parent_id: parent_id.map(|id| Id::parse_call(id, "parent_id")).transpose()?,
            op_name: shape.op_name.clone(),
            display_name: display_name.map(|name| check_call::display_name(name).map(Cow::into_owned)).transpose()?,
            thread_id: text(&shape.thread_id, "thread_id")?,
            turn_id: text(&shape.turn_id, "turn_id")?,
            started_at: time(shape.started_at, "started_at")?,
            ended_at: time(shape.ended_at, "ended_at")?,
            attributes: json(shape.attributes, "attributes", &object)?,
            inputs: json(shape.inputs, "inputs", &Rules { redact: Some(redact), ..object })?,
            output: json(shape.output, "output", &Rules::default())?,
            exception: text(&shape.exception, "exception")?,
            summary: None,
            otel_dump: json(shape.otel_dump, "otel_dump", &object)?,
            wb_run_id: shape.wb_run_id.clone(),
            wb_run_step: shape.wb_run_step,
            wb_run_step_end: shape.wb_run_step_end,
        })
    }

    pub(super) fn as_call(&self) -> Call<'_> {
        Call {
            id: self.id.as_bytes(),
            trace_id: self.trace_id.as_ref().map(Id::as_bytes),
            parent_id: self.parent_id.as_ref().map(Id::as_bytes),
            op_name: bytes(&self.op_name),
            display_name: bytes(&self.display_name),
            thread_id: bytes(&self.thread_id),
            turn_id: bytes(&self.turn_id),
            started_at: self.started_at,
            ended_at: self.ended_at,
            attributes: bytes(&self.attributes),
            inputs: bytes(&self.inputs),
            output: bytes(&self.output),
            exception: bytes(&self.exception),
            summary: bytes(&self.summary),
            otel_dump: bytes(&self.otel_dump),
            wb_run_id: bytes(&self.wb_run_id),
            wb_run_step: self.wb_run_step,
            wb_run_step_end: self.wb_run_step_end,
        }
    }
}

impl<'j> Shape<'j> {
    fn read(text: &'j str) -> Result<Shape<'j>> {
        serde_json::from_str(text).map_err(|error| {
            // What stands before " at line" names the key; the place is one in a text that the program never saw.
            let told = error.to_string();
            let told = told.split(" at line ").next().unwrap_or_default();
            Error::new(Status::InvalidJson, format!("{told}; give the fields of a call (docs/records.md)"))
        })
    }
}

fn bytes(text: &Option<String>) -> Option<&[u8]> {
    text.as_deref().map(str::as_bytes)
}

/// A time as text, or as microseconds since 1970. One that is 0 reads back as "not yet", so it is refused.
fn time(given: Option<&RawValue>, field: &str) -> Result<Option<Timestamp>> {
    let Some(given) = given.map(RawValue::get).filter(|given| *given != "null") else { return Ok(None) };
    let time = match serde_json::from_str::<Cow<'_, str>>(given) {
        Ok(text) => Timestamp::parse(&text, field)?,
        Err(_) => given.parse().ok().and_then(Timestamp::from_micros).ok_or_else(|| {
            Error::new(
                Status::InvalidArgument,
                format!("{field}: {given} is not a time; give a text or whole microseconds since 1970"),
            )
        })?,
    };
    if field == "ended_at" && time.micros() == 0 {
        return Err(Error::new(
            Status::Rejected,
            "ended_at: servers show a call that ended at the first instant of 1970 as running; give its real time",
        ));
    }
    Ok(Some(time))
}

/// The computed summary with what is given over it.
fn over(computed: &str, given: &Object) -> Result<String> {
    let mut merged = Value::parse(computed).map_err(|fault| fault.in_field("summary"))?;
    if let Some(merged) = merged.as_object_mut() {
        for (key, value) in given {
            merged.insert(key.as_str().unwrap_or_default(), value.clone());
        }
    }
    Ok(compact(&merged))
}
