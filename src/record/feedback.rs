//! Feedback: the item that is sent, and the rules of its types (protocol, section 6.6).

use super::emoji::is_one_emoji;
use super::ids::Id;
use super::json::{python_dumps, Object, Value};
use super::object::object;
use super::refs::{Ref, Target};
use crate::error::{Error, Result, Status};

/// The type of a reaction.
pub const REACTION: &str = "wandb.reaction.1";
/// The type of a note.
pub const NOTE: &str = "wandb.note.1";

/// The longest payload, in characters of its JSON text as Python writes it.
const MAX_PAYLOAD: usize = 1_048_576;
/// The longest note, in characters.
const MAX_NOTE: usize = 1024;
/// The references that an item may carry.
const REFS: [&str; 4] = ["annotation_ref", "runnable_ref", "call_ref", "trigger_ref"];

/// The payload of a reaction.
pub fn reaction(emoji: &str) -> Value {
    object([("emoji", emoji.into())])
}

/// The payload of a note.
pub fn note(text: &str) -> Value {
    object([("note", text.into())])
}

/// The item of a feedback. `refs` are the references that its type asks for, by their names.
pub fn item(
    project: &str,
    id: &Id,
    weave_ref: &str,
    feedback_type: &str,
    payload: Value,
    refs: &Object,
    creator: Option<&str>,
) -> Result<Value> {
    check(feedback_type, &payload, refs)?;
    let mut members = vec![
        ("project_id", project.into()),
        ("id", id.as_str().into()),
        ("weave_ref", weave_ref.into()),
        ("feedback_type", feedback_type.into()),
        ("payload", payload),
    ];
    for name in REFS {
        if let Some(value) = refs.get(name) {
            members.push((name, value.clone()));
        }
    }
    members.extend(creator.map(|creator| ("creator", creator.into())));
    Ok(object(members))
}

/// Checks an item that was made elsewhere, by the same rules.
pub fn check_item(item: &Value) -> Result<()> {
    let mut refs = Object::new();
    for name in REFS {
        if let Some(value) = item.get(name).filter(|value| !value.is_null()) {
            refs.insert(name, value.clone());
        }
    }
    let feedback_type = item.get("feedback_type").and_then(Value::as_str).unwrap_or_default();
    check(feedback_type, item.get("payload").unwrap_or(&Value::Null), &refs)
}

fn check(feedback_type: &str, payload: &Value, refs: &Object) -> Result<()> {
    if payload.as_object().is_none() {
        return Err(Error::new(Status::InvalidJson, "payload: not a JSON object; wrap the value as {\"value\": …}"));
    }
    let text = |key: &str| payload.get(key).and_then(Value::as_str);
    let wanted: &[&str] = if feedback_type.is_empty() {
        return Err(Error::new(Status::InvalidArgument, "feedback_type: empty; give a name, such as quality"));
    } else if feedback_type == REACTION {
        if !text("emoji").is_some_and(is_one_emoji) {
            return Err(rejected("payload.emoji: servers take exactly one emoji here; give one such as \u{1F44D}"));
        }
        &[]
    } else if feedback_type == NOTE {
        let length = text("note").map_or(0, |note| note.chars().count());
        if length == 0 || length > MAX_NOTE {
            return Err(rejected("payload.note: servers take texts of 1 to 1024 characters; shorten or split it"));
        }
        &[]
    } else if let Some(name) = feedback_type.strip_prefix("wandb.annotation.") {
        if payload.get("value").is_none() {
            return Err(rejected("payload.value: missing; an annotation is {\"value\": …}"));
        }
        names_it(refs, "annotation_ref", name, false)?;
        &["annotation_ref"]
    } else if let Some(name) = feedback_type.strip_prefix("wandb.runnable.") {
        if payload.get("output").is_none() {
            return Err(rejected("payload.output: missing; the feedback of a runnable is {\"output\": …}"));
        }
        let is_op = names_it(refs, "runnable_ref", name, true)?;
        if is_op && refs.get("call_ref").is_none() {
            return Err(rejected("call_ref: missing; when the runnable is an op, give the reference of its call"));
        }
        &["runnable_ref", "call_ref", "trigger_ref"]
    } else if feedback_type.starts_with("wandb.") {
        return Err(rejected(
            "feedback_type: names that begin with \"wandb.\" belong to the server; choose another, or one of \
             wandb.reaction.1, wandb.note.1, wandb.annotation.NAME, wandb.runnable.NAME",
        ));
    } else {
        &[]
    };
    for (name, value) in refs {
        let name = name.as_str().unwrap_or_default();
        if !wanted.contains(&name) {
            return Err(rejected(&format!("{name}: servers refuse it with the type {feedback_type}; leave it out")));
        }
        let reference = value.as_str().map(Ref::parse);
        let fits = match reference {
            Some(Ok(reference)) => name != "call_ref" || matches!(reference.target, Target::Call { .. }),
            _ => false,
        };
        if !fits {
            return Err(Error::new(
                Status::InvalidId,
                format!("{name}: not a reference of the right kind; pass what the creation of the thing answered"),
            ));
        }
    }
    if python_dumps(payload).len() > MAX_PAYLOAD {
        return Err(Error::new(
            Status::TooLarge,
            "payload: over 1048576 characters of JSON; keep the large part in a file or an object and refer to it",
        ));
    }
    Ok(())
}

/// Whether the reference `key` is there and names the object (or op) that the type names; answers whether it is an op.
fn names_it(refs: &Object, key: &str, wanted: &str, op_allowed: bool) -> Result<bool> {
    let reference = refs.get(key).and_then(Value::as_str).and_then(|text| Ref::parse(text).ok());
    match reference.map(|reference| reference.target) {
        Some(Target::Object { name, .. }) if name == wanted => Ok(false),
        Some(Target::Op { name, .. }) if name == wanted && op_allowed => Ok(true),
        _ => Err(rejected(&format!(
            "{key}: servers ask here for the reference of {wanted:?}, the name in feedback_type"
        ))),
    }
}

fn rejected(text: &str) -> Error {
    Error::new(Status::Rejected, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(feedback_type: &str, payload: &str, refs: &str) -> Result<Value> {
        let refs = Value::parse(refs).unwrap();
        let payload = Value::parse(payload).unwrap();
        let target = "weave:///team/demo/call/00f067aa0ba902b7";
        item("team/demo", &Id::new(), target, feedback_type, payload, refs.as_object().unwrap(), None)
    }

    fn refused(feedback_type: &str, payload: &str, refs: &str) -> String {
        made(feedback_type, payload, refs).unwrap_err().text().to_owned()
    }

    #[test]
    fn a_reaction_is_exactly_one_emoji() {
        for good in ["👍", "👩‍👩‍👧‍👦", "👍🏽", "🇩🇪"] {
            assert!(made(REACTION, &format!(r#"{{"emoji":"{good}"}}"#), "{}").is_ok(), "{good}");
        }
        for bad in ["", "👍👍", "a", "thumbs up"] {
            assert!(refused(REACTION, &format!(r#"{{"emoji":"{bad}"}}"#), "{}").starts_with("payload.emoji"), "{bad}");
        }
    }

    #[test]
    fn a_note_has_1_to_1024_characters() {
        assert!(made(NOTE, &format!(r#"{{"note":"{}"}}"#, "ä".repeat(1024)), "{}").is_ok());
        for bad in [String::new(), "ä".repeat(1025)] {
            assert!(refused(NOTE, &format!(r#"{{"note":"{bad}"}}"#), "{}").starts_with("payload.note"));
        }
    }

    #[test]
    fn an_annotation_needs_its_spec_by_name() {
        let spec = r#"{"annotation_ref":"weave:///team/demo/object/grade:AbC"}"#;
        assert!(made("wandb.annotation.grade", r#"{"value":1}"#, spec).is_ok());
        assert!(refused("wandb.annotation.other", r#"{"value":1}"#, spec).starts_with("annotation_ref"));
        assert!(refused("wandb.annotation.grade", r#"{"value":1}"#, "{}").starts_with("annotation_ref"));
        assert!(refused("wandb.annotation.grade", "{}", spec).starts_with("payload.value"));
    }

    #[test]
    fn the_feedback_of_an_op_needs_its_call() {
        let op = r#"{"runnable_ref":"weave:///team/demo/op/judge:AbC"}"#;
        assert!(refused("wandb.runnable.judge", r#"{"output":1}"#, op).starts_with("call_ref"));
        let both = r#"{"runnable_ref":"weave:///team/demo/op/judge:AbC","call_ref":"weave:///team/demo/call/1"}"#;
        assert!(made("wandb.runnable.judge", r#"{"output":1}"#, both).is_ok());
    }

    #[test]
    fn references_that_do_not_belong_are_refused() {
        let refs = r#"{"call_ref":"weave:///team/demo/call/1"}"#;
        assert!(refused("quality", "{}", refs).starts_with("call_ref"));
        assert!(refused(NOTE, r#"{"note":"n"}"#, refs).starts_with("call_ref"));
        assert!(refused("quality", "{}", r#"{"other":"x"}"#).starts_with("other"));
    }

    #[test]
    fn names_of_the_server_and_payloads_that_are_too_large_are_refused() {
        assert!(refused("wandb.mine", "{}", "{}").starts_with("feedback_type"));
        assert!(refused("", "{}", "{}").starts_with("feedback_type"));
        assert!(refused("quality", "1", "{}").starts_with("payload"));
        // Six characters for each: \u00e4.
        let large = format!(r#"{{"a":"{}"}}"#, "ä".repeat(MAX_PAYLOAD / 6));
        assert_eq!(made("quality", &large, "{}").unwrap_err().status(), Status::TooLarge);
    }
}
