//! Finds the references in a value: in every string, never in keys, and in JSON text inside strings as the server does
//! (protocol, section 12.5).

use crate::error::{Error, Result, Status};
use crate::record::json::{python_dumps, Text, Value, MAX_DEPTH};

use super::{EXTERNAL, PREFIXES};

/// How often JSON text in JSON text is followed.
const MAX_TEXTS_IN_TEXTS: usize = 8;

/// Gives every string that begins with `weave:///` to `f`, and puts what `f` answers in its place. JSON text in which
/// something changed is written anew as Python's `json.dumps` writes it. Answers whether anything changed.
pub fn map_refs(value: &mut Value, f: &mut impl FnMut(&str) -> Result<Option<String>>) -> Result<bool> {
    map_prefixed(value, MAX_DEPTH, &mut |text| if text.starts_with(EXTERNAL) { f(text) } else { Ok(None) })
}

/// The same for every string that begins with one of [`PREFIXES`]. JSON text nested so deeply that it and what it
/// stands in go beyond `limit` is an error, since servers refuse it.
pub fn map_prefixed(
    value: &mut Value,
    limit: usize,
    f: &mut dyn FnMut(&str) -> Result<Option<String>>,
) -> Result<bool> {
    map_values(value, 0, limit, f)
}

fn map_values(
    value: &mut Value,
    texts: usize,
    limit: usize,
    f: &mut dyn FnMut(&str) -> Result<Option<String>>,
) -> Result<bool> {
    let mut changed = false;
    let mut rest = vec![(value, limit)];
    while let Some((value, limit)) = rest.pop() {
        let inside = limit.saturating_sub(1);
        match value {
            Value::Str(text) => changed |= map_text(text, texts, limit, f)?,
            Value::Array(items) => rest.extend(items.iter_mut().rev().map(|item| (item, inside))),
            Value::Object(object) => rest.extend(object.values_mut().rev().map(|member| (member, inside))),
            _ => {}
        }
    }
    Ok(changed)
}

fn map_text(
    text: &mut Text,
    texts: usize,
    limit: usize,
    f: &mut dyn FnMut(&str) -> Result<Option<String>>,
) -> Result<bool> {
    // Texts with lone surrogates are repaired before anything of them is stored.
    let Some(found) = text.as_str() else { return Ok(false) };
    if PREFIXES.iter().any(|prefix| found.starts_with(prefix)) {
        let Some(other) = f(found)?.filter(|other| other != found) else { return Ok(false) };
        *text = other.into();
        return Ok(true);
    }
    if texts >= MAX_TEXTS_IN_TEXTS || !PREFIXES.iter().any(|prefix| found.contains(prefix)) {
        return Ok(false);
    }
    let mut inner = match Value::parse_within(found, limit) {
        Ok(inner) => inner,
        Err(fault) if fault.is_depth() => {
            return Err(Error::new(
                Status::Rejected,
                "a string holds JSON text with references that is nested too deeply, which servers refuse; flatten it",
            ));
        }
        Err(_) => return Ok(false),
    };
    let changed = map_values(&mut inner, texts + 1, limit, f)?;
    if changed {
        *text = python_dumps(&inner).into();
    }
    Ok(changed)
}
