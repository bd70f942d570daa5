//! What people see: tables, colours, progress, questions.

pub mod calls;
pub mod progress;
pub mod reading;
pub mod style;
pub mod table;
pub mod values;

use crate::outcome::Failure;
use std::io::{self, IsTerminal, Write};
use std::sync::Arc;
use weave::log::{self, Level};

/// Tells of a failure.
pub fn tell_failure(failure: &Failure) {
    // Where standard error is closed there is nobody to tell.
    let _ = writeln!(anstream::stderr(), "{} {}", style::BAD.paint("weave:"), failure.text);
}

/// Tells what wants a look. Lines of progress are out of the way then.
pub fn warn(text: &str) {
    progress::above(|| {
        let _ = writeln!(anstream::stderr(), "{} {text}", style::WARNING.paint("weave:"));
    });
}

/// Has the warnings of the library told. Lines of progress are out of the way then.
pub fn tell_warnings() {
    let tell = |level: Level, text: &str| {
        let style = if level == Level::Error { style::BAD } else { style::WARNING };
        progress::above(|| {
            let _ = writeln!(anstream::stderr(), "{} {text}", style.paint("weave:"));
        });
    };
    log::set(Some(Arc::new(tell)), Level::Warning);
}

/// Whether a person looks at the output and can answer.
pub fn is_person() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// Asks a person; anything but yes is no.
pub fn confirm(question: &str) -> io::Result<bool> {
    write!(anstream::stderr(), "{question} [y/N] ")?;
    io::stderr().flush()?;
    let mut answer = String::new();
    io::stdin().read_line(&mut answer)?;
    Ok(matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes"))
}
