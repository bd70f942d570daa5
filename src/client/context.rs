//! A call as one line of text, to carry a parent to another thread, process or machine.
//!
//! `weave1;project=P;trace=T;call=C;sampled=1;thread=TH;turn=TU`; `thread` and `turn` only when there are any. Values
//! are percent-encoded, so that the line fits into a header, an environment variable or a command line. Parts that are
//! not known are passed over.

use crate::error::{Error, Result, Status};
use crate::record::ids::Id;

const VERSION: &str = "weave1";

/// What a child needs to know of its parent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Context {
    /// `entity/project` as recorded.
    pub project: String,
    /// The trace.
    pub trace_id: Id,
    /// The parent.
    pub call_id: Id,
    /// Whether the trace is kept.
    pub sampled: bool,
    /// The conversation.
    pub thread_id: Option<String>,
    /// The turn of the conversation.
    pub turn_id: Option<String>,
}

impl std::fmt::Display for Context {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{VERSION};project={};trace={};call={}", Encoded(&self.project), self.trace_id, self.call_id)?;
        write!(f, ";sampled={}", u8::from(self.sampled))?;
        for (name, value) in [("thread", &self.thread_id), ("turn", &self.turn_id)] {
            if let Some(value) = value {
                write!(f, ";{name}={}", Encoded(value))?;
            }
        }
        Ok(())
    }
}

impl Context {
    /// Reads the line back.
    pub fn parse(line: &str) -> Result<Context> {
        let mut parts = line.trim().split(';');
        if parts.next() != Some(VERSION) {
            return Err(wrong("does not begin with weave1"));
        }
        let (mut project, mut trace, mut call, mut thread, mut turn) = (None, None, None, None, None);
        let mut sampled = true;
        for part in parts.filter(|part| !part.is_empty()) {
            let (name, value) = part.split_once('=').ok_or_else(|| wrong("has a part without '='"))?;
            let value = decode(value).ok_or_else(|| wrong("has a value that is not percent-encoded UTF-8"))?;
            match name {
                "project" => project = Some(value),
                "trace" => trace = Some(Id::parse_trace(&value, "context: trace")?),
                "call" => call = Some(Id::parse_call(&value, "context: call")?),
                "sampled" => match value.as_str() {
                    "0" => sampled = false,
                    "1" => sampled = true,
                    _ => return Err(wrong("has a part \"sampled\" that is neither 0 nor 1")),
                },
                "thread" => thread = Some(value),
                "turn" => turn = Some(value),
                _ => {}
            }
        }
        Ok(Context {
            project: project.ok_or_else(|| wrong("has no part \"project\""))?,
            trace_id: trace.ok_or_else(|| wrong("has no part \"trace\""))?,
            call_id: call.ok_or_else(|| wrong("has no part \"call\""))?,
            sampled,
            thread_id: thread,
            turn_id: turn,
        })
    }
}

fn wrong(fault: &str) -> Error {
    Error::new(
        Status::InvalidArgument,
        format!("context: the text {fault}; pass the whole line that the parent's context was given as"),
    )
}

struct Encoded<'t>(&'t str);

impl std::fmt::Display for Encoded<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for byte in self.0.bytes() {
            match byte {
                b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'_' | b'.' | b'-' | b'~' | b'/' => {
                    write!(f, "{}", char::from(byte))?
                }
                _ => write!(f, "%{byte:02X}")?,
            }
        }
        Ok(())
    }
}

fn decode(text: &str) -> Option<String> {
    let mut bytes = text.bytes();
    let mut out = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            out.push(byte);
            continue;
        }
        let mut digit = || char::from(bytes.next()?).to_digit(16);
        out.push((digit()? * 16 + digit()?) as u8);
    }
    String::from_utf8(out).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn context() -> Context {
        Context {
            project: "team/demo; ü".into(),
            trace_id: Id::new(),
            call_id: Id::new(),
            sampled: false,
            thread_id: Some("a;b=c%\n".into()),
            turn_id: Some("0195f1f2-9c2b-7d3e-b5a1-8c9d2e4f6a7b".into()),
        }
    }

    #[test]
    fn a_context_reads_back_as_written() {
        let with_thread = context();
        assert_eq!(Context::parse(&with_thread.to_string()).unwrap(), with_thread);
        let without = Context { thread_id: None, turn_id: None, sampled: true, ..context() };
        assert_eq!(Context::parse(&format!(" {without}\n")).unwrap(), without);
    }

    #[test]
    fn a_context_is_one_line_without_spaces() {
        assert!(context().to_string().bytes().all(|b| b.is_ascii_graphic()));
    }

    #[test]
    fn parts_of_later_versions_are_passed_over() {
        assert!(Context::parse(&format!("{};color=red", context())).is_ok());
    }

    #[test]
    fn a_text_that_is_no_context_is_refused_with_its_fault() {
        let id = Id::new();
        for (line, fault) in [
            ("", "weave1"),
            ("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "weave1"),
            ("weave1;trace", "without '='"),
            (&format!("weave1;project=a/b;trace={id}"), "\"call\""),
            (&format!("weave1;project=a/b;call={id}"), "\"trace\""),
            (&format!("weave1;trace={id};call={id}"), "\"project\""),
            (&format!("weave1;project=a/b;trace={id};call={id};sampled=yes"), "\"sampled\""),
            (&format!("weave1;project=a/b;trace={id};call={id};thread=%zz"), "percent"),
            ("weave1;project=a/b;trace=x;call=y", "trace"),
        ] {
            let error = Context::parse(line).unwrap_err();
            assert!(error.text().contains(fault), "{line}: {error}");
        }
    }
}
