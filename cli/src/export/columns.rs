//! A call as a row: the fields and the names that the Weave API gives to a call, and its `status`.

use crate::traces::call::Call;
use serde_json::value::RawValue;
use weave::record::time::Timestamp;

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// Text.
    Text,
    /// JSON, as it was logged.
    Json,
    /// Time.
    Time,
    /// Whole numbers from 0.
    Number,
}

/// The value of one column of one call.
#[derive(Debug, Clone, Copy)]
pub enum Cell<'c> {
    /// Text.
    Text(&'c str),
    /// JSON.
    Json(&'c str),
    /// Time.
    Time(Timestamp),
    /// Number.
    Number(u64),
}

/// A column.
pub struct Column {
    /// Its name.
    pub name: &'static str,
    /// What it holds.
    pub shape: Shape,
    /// Its value, if the call has one.
    pub value: for<'c> fn(&'c Call) -> Option<Cell<'c>>,
}

/// All columns, in their order.
pub const COLUMNS: [Column; 20] = [
    text("project_id", |call| Some(Cell::Text(&call.project))),
    text("id", |call| Some(Cell::Text(&call.id))),
    text("trace_id", |call| of_text(&call.trace_id)),
    text("parent_id", |call| of_text(&call.parent_id)),
    text("op_name", |call| of_text(&call.op_name)),
    text("display_name", |call| of_text(&call.display_name)),
    text("thread_id", |call| of_text(&call.thread_id)),
    text("turn_id", |call| of_text(&call.turn_id)),
    column("started_at", Shape::Time, |call| call.started_at.map(Cell::Time)),
    column("ended_at", Shape::Time, |call| call.ended_at.map(Cell::Time)),
    text("status", |call| Some(Cell::Text(call.state().name()))),
    text("exception", |call| of_text(&call.exception)),
    column("attributes", Shape::Json, |call| of_json(&call.attributes)),
    column("inputs", Shape::Json, |call| of_json(&call.inputs)),
    column("output", Shape::Json, |call| of_json(&call.output)),
    column("summary", Shape::Json, |call| of_json(&call.summary)),
    column("otel_dump", Shape::Json, |call| of_json(&call.otel_dump)),
    text("wb_run_id", |call| of_text(&call.wb_run_id)),
    column("wb_run_step", Shape::Number, |call| call.wb_run_step.map(Cell::Number)),
    column("wb_run_step_end", Shape::Number, |call| call.wb_run_step_end.map(Cell::Number)),
];

const fn column(name: &'static str, shape: Shape, value: for<'c> fn(&'c Call) -> Option<Cell<'c>>) -> Column {
    Column { name, shape, value }
}

const fn text(name: &'static str, value: for<'c> fn(&'c Call) -> Option<Cell<'c>>) -> Column {
    column(name, Shape::Text, value)
}

fn of_text(text: &Option<String>) -> Option<Cell<'_>> {
    text.as_deref().map(Cell::Text)
}

fn of_json(json: &Option<Box<RawValue>>) -> Option<Cell<'_>> {
    json.as_deref().map(|json| Cell::Json(json.get()))
}
