//! How a command ends: the exit code, and what went wrong.

use std::io;
use std::process::ExitCode;
use weave::{Error, Status};

/// What came of a command. The numbers are exit codes, which scripts rely on.
#[repr(u8)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Ending {
    /// All was done.
    All = 0,
    /// Some of it failed, or is left.
    Some = 1,
    /// Nothing could be tried.
    Nothing = 2,
    /// It was refused: by the server, or by who was asked.
    Refused = 3,
}

impl From<Ending> for ExitCode {
    fn from(ending: Ending) -> ExitCode {
        ExitCode::from(ending as u8)
    }
}

/// Why a command ended early: a text that says what happened and what to do.
#[derive(Debug)]
pub struct Failure {
    /// The exit code.
    pub ending: Ending,
    /// For a person.
    pub text: String,
    /// Nobody reads the output any more.
    pub is_broken_pipe: bool,
}

impl Failure {
    /// Nothing could be tried.
    pub fn nothing(text: impl Into<String>) -> Failure {
        Failure { ending: Ending::Nothing, text: text.into(), is_broken_pipe: false }
    }

    /// It was refused.
    pub fn refused(text: impl Into<String>) -> Failure {
        Failure { ending: Ending::Refused, ..Failure::nothing(text) }
    }
}

/// How a command ends by an error of the library.
pub fn ending_of(status: Status) -> Ending {
    match status {
        Status::Ok => Ending::All,
        Status::Incomplete | Status::Timeout | Status::Cancelled => Ending::Some,
        Status::Unauthorized | Status::Forbidden | Status::Rejected => Ending::Refused,
        _ => Ending::Nothing,
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Failure {
        Failure { ending: ending_of(error.status()), ..Failure::nothing(error.text()) }
    }
}

/// Of the output: files have errors of the library.
impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Failure {
        let is_broken_pipe = error.kind() == io::ErrorKind::BrokenPipe;
        Failure { is_broken_pipe, ..Failure::nothing(format!("cannot write the output: {error}")) }
    }
}

impl From<serde_json::Error> for Failure {
    fn from(error: serde_json::Error) -> Failure {
        io::Error::from(error).into()
    }
}

/// What a command answers.
pub type Outcome = Result<Ending, Failure>;
