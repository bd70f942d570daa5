//! `weave doctor`: what logging and syncing stand on, a line each, with what to do about it.

mod directory;
mod server;

use super::{out, Context};
use crate::arguments::{care::Doctor, Common};
use crate::outcome::{Ending, Outcome};
use crate::terminal::style::{Meaning, BAD, FAINT, GOOD, WARNING};
use serde_json::{json, Value};
use std::io::{self, Write};
use weave::store::limits::FORMAT_VERSION;

/// How something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// As it should be.
    Ok,
    /// It works, and somebody should look at it.
    Warning,
    /// Logging or syncing fails by it.
    Failed,
    /// The server does not let the key in.
    Refused,
}

/// One thing that was looked at.
pub struct Check {
    name: &'static str,
    state: State,
    text: String,
    advice: Option<String>,
}

impl Check {
    /// It is well.
    pub fn ok(name: &'static str, text: impl Into<String>) -> Check {
        Check { name, state: State::Ok, text: text.into(), advice: None }
    }

    /// It is not well, and this can be done.
    pub fn bad(name: &'static str, state: State, text: impl Into<String>, advice: impl Into<String>) -> Check {
        Check { name, state, text: text.into(), advice: Some(advice.into()) }
    }
}

/// Looks at everything.
pub fn run(context: &Context, common: &Common, given: &Doctor) -> Outcome {
    let version = env!("CARGO_PKG_VERSION");
    let mut checks = vec![Check::ok("version", format!("libweave {version}, storage format {FORMAT_VERSION}"))];
    checks.extend(directory::look(context, common));
    checks.extend(server::look(context, given.timeout.0));
    let worst = checks.iter().map(|check| check.state).max().unwrap_or(State::Ok);
    let mut out = out();
    match context.json {
        true => writeln!(out, "{}", as_json(&checks, worst))?,
        false => tell(&mut out, &checks)?,
    }
    Ok(match worst {
        State::Ok => Ending::All,
        State::Warning => Ending::Some,
        State::Failed => Ending::Nothing,
        State::Refused => Ending::Refused,
    })
}

impl State {
    fn name(self) -> &'static str {
        match self {
            State::Ok => "ok",
            State::Warning => "warning",
            State::Failed => "failed",
            State::Refused => "refused",
        }
    }

    fn meaning(self) -> Meaning {
        match self {
            State::Ok => GOOD,
            State::Warning => WARNING,
            State::Failed | State::Refused => BAD,
        }
    }
}

fn tell(out: &mut dyn Write, checks: &[Check]) -> io::Result<()> {
    for check in checks {
        let state = check.state.meaning().paint(check.state.name());
        let gap = " ".repeat(8usize.saturating_sub(check.state.name().len()));
        writeln!(out, "{state}{gap}{:<14}{}", check.name, check.text)?;
        if let Some(advice) = &check.advice {
            writeln!(out, "{:22}{} {advice}", "", FAINT.paint("→"))?;
        }
    }
    Ok(())
}

/// `{"worst": "ok", "checks": [{"name", "state", "text", "advice"}]}`.
fn as_json(checks: &[Check], worst: State) -> Value {
    let told = checks.iter().map(
        |check| json!({"name": check.name, "state": check.state.name(), "text": check.text, "advice": check.advice}),
    );
    json!({"worst": worst.name(), "checks": told.collect::<Value>()})
}
