//! The checks of a call's fields that are not JSON values of their own (protocol, sections 4, 10 and 16).
//!
//! What servers refuse, or store and can never show again, is refused or repaired here, while its author is watching.

use std::borrow::Cow;

use super::json::{accept, Object, Rules, Value};
use super::refs::{Ref, Target, PREFIXES};
use crate::error::{Error, Result, Status};

/// The longest plain op name, in code points.
const MAX_OP_NAME: usize = 128;
/// The longest display name, in code points.
const MAX_DISPLAY_NAME: usize = 1024;
/// What is kept of a longer one, before `...`.
const CUT_DISPLAY_NAME: usize = 1021;
/// The keys of one model's usage that must be integers.
const TOKEN_KEYS: [&str; 8] = [
    "requests",
    "prompt_tokens",
    "input_tokens",
    "completion_tokens",
    "output_tokens",
    "total_tokens",
    "cache_read_input_tokens",
    "cache_creation_input_tokens",
];
/// The keys that `summary.status_counts` may have.
const STATUS_KEYS: [&str; 4] = ["success", "error", "running", "descendant_error"];

/// A text that is sent as a string value. One that begins like a reference and is none gets a leading space, as in JSON.
pub fn text<'t>(value: &'t str, field: &str) -> Result<Cow<'t, str>> {
    if !PREFIXES.iter().any(|prefix| value.contains(prefix)) {
        return Ok(Cow::Borrowed(value));
    }
    let mut quoted = Vec::with_capacity(value.len() + 2);
    super::call::write_text(value.as_bytes(), &mut quoted);
    let accepted = accept(&quoted, field, &Rules::default())?;
    let repaired = Value::parse(&accepted).map_err(|fault| fault.in_field(field))?;
    Ok(match repaired.as_str() {
        Some(repaired) if repaired != value => Cow::Owned(repaired.to_owned()),
        _ => Cow::Borrowed(value),
    })
}

/// The name of a call's op: a plain text, or the reference of an op with its digest.
#[inline]
pub fn op_name(name: &str) -> Result<()> {
    if PREFIXES.iter().any(|prefix| name.starts_with(prefix)) {
        let reference = Ref::parse(name).map_err(|error| error.context("op_name"))?;
        return match &reference.target {
            Target::Op { name, digest, extra }
                if !name.is_empty() && extra.is_empty() && !matches!(digest.as_str(), "" | "*" | "latest") =>
            {
                Ok(())
            }
            _ => Err(Error::new(
                Status::InvalidId,
                format!(
                    "op_name: \"{name}\" is not the reference of one version of an op; pass what the creation of the \
                     op answered (weave:///ENTITY/PROJECT/op/NAME:DIGEST), or a plain name"
                ),
            )),
        };
    }
    if name.is_empty() {
        return Err(Error::new(Status::InvalidName, "op_name: empty; name what is called"));
    }
    if name.len() > MAX_OP_NAME && name.chars().count() > MAX_OP_NAME {
        return Err(Error::new(
            Status::InvalidName,
            format!("op_name: longer than {MAX_OP_NAME} characters; shorten it and put the rest into display_name"),
        ));
    }
    Ok(())
}

/// A display name, cut to what servers take.
pub fn display_name(name: &str) -> Result<Cow<'_, str>> {
    let name = text(name, "display_name")?;
    if name.len() <= MAX_DISPLAY_NAME || name.chars().count() <= MAX_DISPLAY_NAME {
        return Ok(name);
    }
    Ok(Cow::Owned(name.chars().take(CUT_DISPLAY_NAME).chain("...".chars()).collect()))
}

/// The run of W&B that a call belongs to.
pub fn wb_run_id(id: &str) -> Result<()> {
    let parts: Vec<&str> = id.split('/').collect();
    if parts.len() == 3 && parts.iter().all(|part| !part.is_empty()) {
        return Ok(());
    }
    Err(Error::new(Status::InvalidId, format!("wb_run_id: \"{id}\" is not a run; write it as ENTITY/PROJECT/RUN_ID")))
}

/// Brings a summary of the caller into the shape that servers take: `weave` belongs to the server and goes, as does what
/// is null and must not be; counts must be integers. Answers whether `weave` was taken out.
pub fn summary(summary: &mut Object) -> Result<bool> {
    let taken = summary.remove("weave").is_some();
    for key in ["usage", "status_counts"] {
        if summary.get(key).is_some_and(Value::is_null) {
            summary.remove(key);
        }
    }
    if let Some(models) = summary.get_mut("usage") {
        let models = models.as_object_mut().ok_or_else(|| {
            wrong(
                "summary.usage",
                "is no object",
                "write {\"MODEL\": {\"prompt_tokens\": 1, \"completion_tokens\": 1}}",
            )
        })?;
        let names: Vec<String> = models.iter().filter_map(|(name, _)| name.as_str().map(str::to_owned)).collect();
        for name in names {
            if let Some(value) = models.get_mut(&name) {
                usage(value, &format!("summary.usage.{name}"))?;
            }
        }
    }
    if let Some(counts) = summary.get_mut("status_counts") {
        let counts = counts.as_object_mut().ok_or_else(|| {
            wrong("summary.status_counts", "is no object", "write {\"success\": 1, \"error\": 0}, or leave it out")
        })?;
        let names: Vec<String> = counts.iter().filter_map(|(name, _)| name.as_str().map(str::to_owned)).collect();
        for name in names {
            let field = format!("summary.status_counts.{name}");
            if !STATUS_KEYS.contains(&name.as_str()) {
                return Err(wrong(&field, "is not known", "use success, error, running or descendant_error"));
            }
            if let Some(value) = counts.get_mut(&name) {
                count(value, &field)?;
            }
        }
    }
    Ok(taken)
}

/// Whether a member of a usage must be an integer.
pub fn is_token_count(key: &[u8]) -> bool {
    TOKEN_KEYS.iter().any(|name| name.as_bytes() == key)
}

/// Checks the usage of one model, `{"prompt_tokens": n, …}`; numbers that stand for integers become integers.
pub fn usage(usage: &mut Value, field: &str) -> Result<()> {
    let members = usage
        .as_object_mut()
        .ok_or_else(|| wrong(field, "is no object", "write {\"prompt_tokens\": 1, \"completion_tokens\": 1}"))?;
    for key in TOKEN_KEYS {
        match members.get_mut(key) {
            Some(value) if !value.is_null() => count(value, &format!("{field}.{key}"))?,
            _ => {}
        }
    }
    Ok(())
}

/// Servers take `1.0` and `"7"` for integers; what is stored is the integer, so that it can be added.
fn count(value: &mut Value, field: &str) -> Result<()> {
    const LARGEST: f64 = 9_007_199_254_740_992.0;
    let whole = match value {
        Value::Int(_) => value.as_i64(),
        Value::Float(number) if number.fract() == 0.0 && number.abs() <= LARGEST => Some(*number as i64),
        Value::Str(text) => text.as_str().and_then(|text| text.trim().parse().ok()),
        _ => None,
    };
    *value = whole.ok_or_else(|| wrong(field, "is no integer", "give a whole number, or leave it out"))?.into();
    Ok(())
}

fn wrong(field: &str, fault: &str, cure: &str) -> Error {
    Error::new(Status::Rejected, format!("{field}: {fault}, and servers refuse the call for it; {cure}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(json: &str) -> Result<String> {
        let mut value = Value::parse(json).unwrap();
        summary(value.as_object_mut().unwrap())?;
        Ok(super::super::json::compact(&value))
    }

    #[test]
    fn a_plain_op_name_has_at_most_128_characters() {
        assert!(op_name(&"ä".repeat(128)).is_ok());
        assert_eq!(op_name(&"ä".repeat(129)).unwrap_err().status(), Status::InvalidName);
        assert_eq!(op_name("").unwrap_err().status(), Status::InvalidName);
    }

    #[test]
    fn an_op_reference_needs_a_digest_and_must_be_of_an_op() {
        assert!(op_name("weave:///team/demo/op/ask:AbC").is_ok());
        for bad in [
            "weave:///team/demo/op/ask",
            "weave:///team/demo/op/ask:*",
            "weave:///team/demo/object/ask:AbC",
            "weave:///team",
            "weave-trace-internal:///x/op/ask:AbC",
        ] {
            let error = op_name(bad).unwrap_err();
            assert_eq!(error.status(), Status::InvalidId, "{bad}");
            assert!(error.text().starts_with("op_name"), "{error}");
        }
    }

    #[test]
    fn a_long_display_name_is_cut_to_1024_characters() {
        let cut = display_name(&"ä".repeat(1025)).unwrap().into_owned();
        assert_eq!(cut.chars().count(), 1024);
        assert!(cut.ends_with("ä..."));
        assert_eq!(display_name(&"ä".repeat(1024)).unwrap().chars().count(), 1024);
    }

    #[test]
    fn a_text_that_only_looks_like_a_reference_gets_a_leading_space() {
        assert_eq!(text("weave:///oops", "thread_id").unwrap(), " weave:///oops");
        assert_eq!(text("weave:///team/demo/call/00f067aa0ba902b7", "thread_id").unwrap().chars().next(), Some('w'));
        assert_eq!(text(r#"{"k":"weave:///oops"}"#, "exception").unwrap(), r#"{"k": " weave:///oops"}"#);
    }

    #[test]
    fn a_run_has_three_parts() {
        assert!(wb_run_id("team/demo/run1").is_ok());
        for bad in ["run1", "team/run1", "team//run1", "a/b/c/d"] {
            assert_eq!(wb_run_id(bad).unwrap_err().status(), Status::InvalidId, "{bad}");
        }
    }

    #[test]
    fn what_the_server_owns_or_refuses_as_null_is_left_out_of_a_summary() {
        assert_eq!(checked(r#"{"weave":1,"usage":null,"status_counts":null,"a":1}"#).unwrap(), r#"{"a":1}"#);
    }

    #[test]
    fn counts_that_stand_for_integers_become_integers() {
        assert_eq!(
            checked(r#"{"usage":{"m":{"requests":1.0,"prompt_tokens":"7","total_tokens":null,"free":1.5}}}"#).unwrap(),
            r#"{"usage":{"m":{"requests":1,"prompt_tokens":7,"total_tokens":null,"free":1.5}}}"#
        );
    }

    #[test]
    fn counts_that_servers_refuse_are_refused_with_their_place() {
        for (json, place) in [
            (r#"{"usage":{"gpt":{"prompt_tokens":1.5}}}"#, "summary.usage.gpt.prompt_tokens"),
            (r#"{"usage":{"gpt":{"prompt_tokens":"x"}}}"#, "summary.usage.gpt.prompt_tokens"),
            (r#"{"usage":{"gpt":3}}"#, "summary.usage.gpt"),
            (r#"{"usage":[]}"#, "summary.usage"),
            (r#"{"status_counts":{"failed":1}}"#, "summary.status_counts.failed"),
            (r#"{"status_counts":{"error":"x"}}"#, "summary.status_counts.error"),
        ] {
            let error = checked(json).unwrap_err();
            assert_eq!(error.status(), Status::Rejected);
            assert!(error.text().starts_with(place), "{error}");
        }
    }
}
