//! Feedback on calls and objects, and new display names of calls.

use super::Client;
use crate::error::{Error, Result, Status};
use crate::record::call::call_ref;
use crate::record::check_call;
use crate::record::feedback::{check_item, item, note, reaction, NOTE, REACTION};
use crate::record::ids::Id;
use crate::record::json::{accept, Object, Rules, Value};
use crate::record::kind::RecordType;
use crate::record::object::object;
use crate::record::refs::{is_ref, EXTERNAL};

impl Client {
    /// Gives feedback on a call (its id) or an object (its reference). `refs` is a JSON object with the references that
    /// the type asks for. Answers the feedback's id.
    pub fn create_feedback(
        &self,
        target: &str,
        feedback_type: &str,
        payload: &[u8],
        refs: Option<&[u8]>,
        creator: Option<&str>,
    ) -> Result<Id> {
        let payload = parsed(payload, "payload")?;
        let refs = refs.map(|refs| parsed(refs, "refs")).transpose()?;
        let refs = refs.as_ref().and_then(Value::as_object).cloned().unwrap_or_default();
        self.keep_feedback(target, feedback_type, payload, &refs, creator)
    }

    /// Adds a reaction: exactly one emoji.
    pub fn add_reaction(&self, target: &str, emoji: &str) -> Result<Id> {
        self.keep_feedback(target, REACTION, reaction(emoji), &Object::new(), None)
    }

    /// Adds a note of 1 to 1024 characters.
    pub fn add_note(&self, target: &str, text: &str) -> Result<Id> {
        let text = check_call::text(text, "note")?;
        self.keep_feedback(target, NOTE, note(&text), &Object::new(), None)
    }

    /// Gives a call another name to show.
    pub fn update_call(&self, call_id: &str, display_name: &str) -> Result<()> {
        self.check_open()?;
        if self.is_disabled() {
            return Ok(());
        }
        let id = Id::parse_call(call_id, "call_id")?;
        let display_name = check_call::display_name(display_name)?;
        let body = object([
            ("project_id", self.project().into()),
            ("call_id", id.as_str().into()),
            ("display_name", display_name.as_ref().into()),
        ]);
        if let Some(body) = self.filtered(RecordType::CallUpdate, body)? {
            let name = body.get("display_name").and_then(Value::as_str).ok_or_else(|| {
                Error::new(Status::Rejected, "record.display_name: no text after the filter; give the name to show")
            })?;
            check_call::display_name(name)?;
            self.keep_json(RecordType::CallUpdate, &body)?;
        }
        Ok(())
    }

    fn keep_feedback(
        &self,
        target: &str,
        feedback_type: &str,
        payload: Value,
        refs: &Object,
        creator: Option<&str>,
    ) -> Result<Id> {
        self.check_open()?;
        let id = Id::new();
        if self.is_disabled() {
            return Ok(id);
        }
        let target = if target.starts_with(EXTERNAL) && is_ref(target) {
            target.to_owned()
        } else {
            call_ref(self.project(), &Id::parse_call(target, "target")?)
        };
        let creator = creator.map(|creator| check_call::text(creator, "creator")).transpose()?;
        let body = item(self.project(), &id, &target, feedback_type, payload, refs, creator.as_deref())?;
        if let Some(body) = self.filtered(RecordType::FeedbackCreate, body)? {
            check_item(&body)?;
            self.keep_json(RecordType::FeedbackCreate, &body)?;
        }
        Ok(id)
    }
}

fn parsed(text: &[u8], field: &str) -> Result<Value> {
    let text = accept(text, field, &Rules { object: true, ..Rules::default() })?;
    Value::parse(&text).map_err(|fault| fault.in_field(field))
}
