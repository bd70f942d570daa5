//! The one error type of the crate: a fixed status number and a text for a person.
//!
//! Every text says what happened, to which field, file or address, and what to do about it.

use std::fmt;

/// What a function answers. The numbers are part of the C interface: they are never changed, and a retired number is
/// never used again.
#[repr(i32)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Status {
    /// Done. For a logging function: the record is kept.
    Ok = 0,
    /// NULL where a value is needed, a number out of range, an unknown option value.
    InvalidArgument = 1,
    /// A text is not UTF-8.
    InvalidUtf8 = 2,
    /// A text is not JSON, or not of the required shape.
    InvalidJson = 3,
    /// A project, object, op or file name that cannot be used.
    InvalidName = 4,
    /// A call, trace or parent id, or a reference, of the wrong form.
    InvalidId = 5,
    /// The server would refuse or never show this record.
    Rejected = 6,
    /// Over the size that one request may have.
    TooLarge = 7,
    /// A file operation failed.
    Io = 8,
    /// The disk or the quota is full.
    NoSpace = 9,
    /// The client is finished, or the call has ended.
    Closed = 10,
    /// The time given was not enough; what is left is kept and reported.
    Timeout = 11,
    /// Data of the server was asked for while offline.
    Offline = 12,
    /// No API key, or the server refused it.
    Unauthorized = 13,
    /// The key has no access to the project.
    Forbidden = 14,
    /// The server could not be reached.
    Network = 15,
    /// The server answered with an error.
    Server = 16,
    /// A sync ended with errors; the results name them, and the records are kept.
    Incomplete = 17,
    /// Another process holds what is needed.
    Busy = 18,
    /// The progress callback asked to stop.
    Cancelled = 19,
    /// A fault inside the library was caught; the client refuses further work.
    Panic = 20,
}

impl Status {
    /// The short, constant text of a status.
    pub fn text(self) -> &'static str {
        match self {
            Status::Ok => "ok",
            Status::InvalidArgument => "invalid argument",
            Status::InvalidUtf8 => "text is not UTF-8",
            Status::InvalidJson => "invalid JSON",
            Status::InvalidName => "invalid name",
            Status::InvalidId => "invalid id or reference",
            Status::Rejected => "the server would refuse this record",
            Status::TooLarge => "too large",
            Status::Io => "file operation failed",
            Status::NoSpace => "no space left",
            Status::Closed => "already finished",
            Status::Timeout => "time limit reached",
            Status::Offline => "not available offline",
            Status::Unauthorized => "no valid API key",
            Status::Forbidden => "no access to the project",
            Status::Network => "server not reachable",
            Status::Server => "server error",
            Status::Incomplete => "incomplete: some records were not synced",
            Status::Busy => "held by another process",
            Status::Cancelled => "cancelled",
            Status::Panic => "internal fault",
        }
    }
}

/// A failure: its status and its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    status: Status,
    text: String,
}

/// The result of every fallible function of the crate.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// A failure of the given kind, told in a text for a person.
    pub fn new(status: Status, text: impl Into<String>) -> Self {
        Error { status, text: text.into() }
    }

    /// A failed file operation: what was being done, to which path, and the system's reason.
    pub fn io(doing: &str, path: &std::path::Path, cause: &std::io::Error) -> Self {
        use std::io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
        let status = match cause.kind() {
            StorageFull | QuotaExceeded | FileTooLarge => Status::NoSpace,
            _ => Status::Io,
        };
        Error::new(status, format!("{doing} {}: {cause}", path.display()))
    }

    /// The kind of failure.
    pub fn status(&self) -> Status {
        self.status
    }

    /// The text for a person.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The same failure, with what was being done in front of its text.
    pub fn context(self, doing: impl fmt::Display) -> Self {
        Error { status: self.status, text: format!("{doing}: {}", self.text) }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for Error {}
