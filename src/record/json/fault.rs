//! What is wrong with a JSON text, and where.

use crate::error::{Error, Status};
use std::fmt;

use super::lexer::MAX_INT_DIGITS;

/// A fault in a JSON text. It is made without allocation, because texts inside strings are only tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fault {
    kind: FaultKind,
    at: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FaultKind {
    Expected(&'static str),
    Control,
    Unterminated,
    Escape,
    Depth(usize),
    Digits,
}

impl Fault {
    #[inline(always)]
    pub(super) fn new(kind: FaultKind, at: usize) -> Self {
        Fault { kind, at }
    }

    /// The byte at which the fault was noticed.
    pub fn offset(&self) -> usize {
        self.at
    }

    /// Whether the text is nested more deeply than was allowed.
    pub fn is_depth(&self) -> bool {
        matches!(self.kind, FaultKind::Depth(_))
    }

    /// The fault as an error about a field.
    pub fn in_field(&self, field: &str) -> Error {
        let status = match self.kind {
            FaultKind::Depth(_) | FaultKind::Digits => Status::Rejected,
            _ => Status::InvalidJson,
        };
        Error::new(status, format!("{field}: {self}"))
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = self.at;
        match self.kind {
            FaultKind::Expected(what) => {
                write!(f, "not JSON: {what} is missing at byte {at}; pass exactly one JSON value")
            }
            FaultKind::Control => write!(
                f,
                "not JSON: a raw control character in a string at byte {at}; escape it, a line break as \\n for example"
            ),
            FaultKind::Unterminated => {
                write!(f, "not JSON: a string without an end at byte {at}; check the length that was passed")
            }
            FaultKind::Escape => {
                write!(f, "not JSON: an unknown escape in a string at byte {at}; write a backslash as \\\\")
            }
            FaultKind::Depth(limit) => write!(
                f,
                "nested more than {limit} levels deep at byte {at}, which servers refuse; flatten the value, or pass \
                 inner parts as text"
            ),
            FaultKind::Digits => write!(
                f,
                "an integer of more than {MAX_INT_DIGITS} digits at byte {at}, which servers refuse; pass it as a \
                 string"
            ),
        }
    }
}

impl std::error::Error for Fault {}
