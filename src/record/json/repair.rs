//! Takes out of a value what servers refuse, or accept and then cannot read back (protocol, sections 5, 12.4, 16).

use crate::error::Result;
use crate::record::refs::{is_ref, map_prefixed};

use super::accept::MAX_LEVELS;
use super::redact::{Redact, REDACTED};
use super::value::Value;

/// Repairs a value in place, and tells whether anything changed.
pub(super) fn repair(value: &mut Value, redact: Option<&Redact>) -> Result<bool> {
    let mut changed = false;
    let mut rest = vec![&mut *value];
    while let Some(value) = rest.pop() {
        match value {
            Value::Float(number) if !number.is_finite() => {
                *value = Value::Null;
                changed = true;
            }
            Value::Str(text) => changed |= text.replace_lone_surrogates(),
            Value::Array(items) => rest.extend(items.iter_mut()),
            Value::Object(object) => {
                let mut renamed = false;
                for (key, member) in object.members_mut() {
                    renamed |= key.replace_lone_surrogates();
                    let secret = redact.is_some_and(|redact| redact.has(key.as_bytes()));
                    if secret && member.as_str() != Some(REDACTED) {
                        *member = REDACTED.into();
                        changed = true;
                    }
                }
                if renamed {
                    object.merge_duplicates();
                    changed = true;
                }
                rest.extend(object.values_mut());
            }
            _ => {}
        }
    }
    changed |= map_prefixed(value, MAX_LEVELS, &mut |text| Ok((!is_ref(text)).then(|| format!(" {text}"))))?;
    Ok(changed)
}
