//! Feedback and prices.

use std::ffi::c_char;

use super::client::{weave_client, with};
use super::error::weave_status;
use super::strings::{json, optional, put_id, required_json, text};

/// Gives feedback on a call or an object.
///
/// @param client the session.
/// @param target a call's id, or the reference of a call or object.
/// @param feedback_type any name that does not begin with "wandb.", or "wandb.annotation.NAME", "wandb.runnable.NAME".
/// @param payload_json a JSON object of at most 1048576 characters; {"value": …} for an annotation, {"output": …} for a
/// runnable.
/// @param payload_length its length in bytes; negative: NUL-terminated.
/// @param refs_json a JSON object with what the type asks for: "annotation_ref", or "runnable_ref" and "call_ref"; NULL
/// for none.
/// @param refs_length its length in bytes; negative: NUL-terminated.
/// @param creator who gives it; NULL for the account that syncs.
/// @param feedback_id takes the feedback's id: WEAVE_ID_SIZE bytes; may be NULL.
/// @return WEAVE_OK; WEAVE_INVALID_ARGUMENT, WEAVE_INVALID_UTF8, WEAVE_INVALID_JSON, WEAVE_INVALID_ID; WEAVE_REJECTED for
/// what breaks the type's rules; WEAVE_TOO_LARGE, WEAVE_CLOSED, WEAVE_IO, WEAVE_NO_SPACE.
#[no_mangle]
pub unsafe extern "C" fn weave_feedback_create(
    client: *mut weave_client,
    target: *const c_char,
    feedback_type: *const c_char,
    payload_json: *const c_char,
    payload_length: isize,
    refs_json: *const c_char,
    refs_length: isize,
    creator: *const c_char,
    feedback_id: *mut c_char,
) -> weave_status {
    // SAFETY: by the conventions of the interface.
    unsafe {
        with(client, |client| {
            let (target, feedback_type) = (text(target, "target")?, text(feedback_type, "feedback_type")?);
            let payload = required_json(payload_json, payload_length, "payload_json")?;
            let (refs, creator) = (json(refs_json, refs_length), optional(creator, "creator")?);
            put_id(feedback_id, &client.create_feedback(target, feedback_type, payload, refs, creator)?);
            Ok(())
        })
    }
}

/// Adds a reaction to a call or an object.
///
/// @param client the session.
/// @param target a call's id, or the reference of a call or object.
/// @param emoji exactly one emoji.
/// @param feedback_id takes the feedback's id: WEAVE_ID_SIZE bytes; may be NULL.
/// @return as weave_feedback_create; WEAVE_REJECTED when it is not exactly one emoji.
#[no_mangle]
pub unsafe extern "C" fn weave_feedback_add_reaction(
    client: *mut weave_client,
    target: *const c_char,
    emoji: *const c_char,
    feedback_id: *mut c_char,
) -> weave_status {
    // SAFETY: by the conventions of the interface.
    unsafe {
        with(client, |client| {
            put_id(feedback_id, &client.add_reaction(text(target, "target")?, text(emoji, "emoji")?)?);
            Ok(())
        })
    }
}

/// Adds a note to a call or an object.
///
/// @param client the session.
/// @param target a call's id, or the reference of a call or object.
/// @param note 1 to 1024 characters.
/// @param feedback_id takes the feedback's id: WEAVE_ID_SIZE bytes; may be NULL.
/// @return as weave_feedback_create; WEAVE_REJECTED when the note is empty or too long.
#[no_mangle]
pub unsafe extern "C" fn weave_feedback_add_note(
    client: *mut weave_client,
    target: *const c_char,
    note: *const c_char,
    feedback_id: *mut c_char,
) -> weave_status {
    // SAFETY: by the conventions of the interface.
    unsafe {
        with(client, |client| {
            put_id(feedback_id, &client.add_note(text(target, "target")?, text(note, "note")?)?);
            Ok(())
        })
    }
}

/// Sets the prices of a model in the project; servers compute the costs of calls from usage and prices.
///
/// @param client the session.
/// @param model the model, as it stands in usage.
/// @param prompt_token_cost the price of one token that goes in, at least 0.
/// @param completion_token_cost the price of one token that comes out, at least 0.
/// @param options_json a JSON object with what is known of "effective_date", "provider_id", "prompt_token_cost_unit",
/// "completion_token_cost_unit" ("USD" by default), "cache_read_input_token_cost", "cache_creation_input_token_cost";
/// NULL for none.
/// @param length its length in bytes; negative: NUL-terminated.
/// @return WEAVE_OK; WEAVE_INVALID_ARGUMENT, WEAVE_INVALID_UTF8, WEAVE_INVALID_JSON, WEAVE_REJECTED; WEAVE_CLOSED, WEAVE_IO,
/// WEAVE_NO_SPACE.
#[no_mangle]
pub unsafe extern "C" fn weave_cost_create(
    client: *mut weave_client,
    model: *const c_char,
    prompt_token_cost: f64,
    completion_token_cost: f64,
    options_json: *const c_char,
    length: isize,
) -> weave_status {
    // SAFETY: by the conventions of the interface.
    unsafe {
        with(client, |client| {
            let more = json(options_json, length);
            client.create_cost(text(model, "model")?, prompt_token_cost, completion_token_cost, more)
        })
    }
}
