//! What an exception says: a text, or the JSON that Weave's Python client makes of one.

use serde::Deserialize;
use std::fmt::Write;

/// An exception.
#[derive(Debug, PartialEq, Eq)]
pub struct Exception {
    /// Its type.
    pub kind: Option<String>,
    /// What it says.
    pub message: String,
    /// Where it came from.
    pub stack: Option<String>,
}

#[derive(Deserialize)]
struct OfPython {
    #[serde(rename = "type")]
    kind: String,
    message: String,
    #[serde(default)]
    traceback: Option<Vec<Frame>>,
}

#[derive(Deserialize)]
struct Frame {
    filename: String,
    #[serde(default)]
    line_number: Option<u64>,
    #[serde(default)]
    function_name: String,
    #[serde(default)]
    text: Option<String>,
}

/// Reads one.
pub fn read(text: &str) -> Exception {
    let Ok(OfPython { kind, message, traceback }) = serde_json::from_str(text) else {
        return Exception { kind: None, message: text.to_string(), stack: None };
    };
    let stack = traceback.filter(|frames| !frames.is_empty()).map(|frames| stack(&frames, &kind, &message));
    Exception { kind: Some(kind), message, stack }
}

/// As Python prints it.
fn stack(frames: &[Frame], kind: &str, message: &str) -> String {
    let mut text = "Traceback (most recent call last):\n".to_string();
    for frame in frames {
        let line = frame.line_number.map_or("?".to_string(), |line| line.to_string());
        // Writing to memory cannot fail.
        let _ = writeln!(text, "  File \"{}\", line {line}, in {}", frame.filename, frame.function_name);
        if let Some(code) = &frame.text {
            let _ = writeln!(text, "    {code}");
        }
    }
    text + kind + ": " + message
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_the_message() {
        let expected = Exception { kind: None, message: "out of tokens".into(), stack: None };
        assert_eq!(read("out of tokens"), expected);
    }

    #[test]
    fn what_pythons_client_wrote_has_a_type_and_a_stack() {
        let frame = r#"{"filename":"a.py","line_number":3,"function_name":"f","text":"g()"}"#;
        let text = format!(r#"{{"type":"ValueError","message":"no","traceback":[{frame}]}}"#);
        let found = read(&text);
        assert_eq!((found.kind.as_deref(), found.message.as_str()), (Some("ValueError"), "no"));
        let stack = "Traceback (most recent call last):\n  File \"a.py\", line 3, in f\n    g()\nValueError: no";
        assert_eq!(found.stack.as_deref(), Some(stack));
        assert_eq!(read(r#"{"type":"ValueError","message":"no","traceback":[]}"#).stack, None);
    }
}
