//! Calls in the forms that other programs read.
//!
//! [`columns`] says which fields a call has as a row, for [`jsonl`], [`csv`] and [`parquet`]; [`otlp`] makes spans of calls.
//! [`output`] is the file that they go to.

pub mod columns;
pub mod csv;
pub mod jsonl;
pub mod otlp;
pub mod output;
pub mod parquet;

use crate::outcome::Failure;
use crate::traces::call::Call;

/// What takes calls in one of the forms.
pub trait Form {
    /// Adds a call.
    fn add(&mut self, call: &Call) -> Result<(), Failure>;

    /// Writes what is left, and the end of the whole.
    fn finish(&mut self) -> Result<(), Failure>;
}
