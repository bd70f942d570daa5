//! Attributes of a span. Names are unique, as OTLP wants; the first value of a name counts.

use super::message::{AnyValue, ArrayValue, KeyValue, Value};
use serde_json::value::RawValue;
use serde_json::Value as Json;
use std::collections::BTreeMap;

/// The attributes of one span, by name.
#[derive(Debug, Default)]
pub struct Attributes(BTreeMap<String, Value>);

impl Attributes {
    /// Sets one, unless it is set.
    pub fn set(&mut self, name: &str, value: Value) {
        self.0.entry(name.to_string()).or_insert(value);
    }

    /// Sets one to a text that may be there.
    pub fn text(&mut self, name: &str, text: Option<&str>) {
        if let Some(text) = text {
            self.set(name, Value::Text(text.to_string()));
        }
    }

    /// One that is a text.
    pub fn text_of(&self, name: &str) -> Option<&str> {
        match self.0.get(name)? {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Sets one to the text of JSON that may be there.
    pub fn json(&mut self, name: &str, json: Option<&RawValue>) {
        self.text(name, json.map(RawValue::get));
    }

    /// Sets one to a JSON value; each of an object's fields by itself, with its name behind a dot.
    pub fn each(&mut self, name: &str, value: &Json) {
        match value {
            Json::Null => {}
            Json::Object(fields) => {
                for (field, value) in fields {
                    self.each(&format!("{name}.{field}"), value);
                }
            }
            value => self.set(name, plain(value)),
        }
    }

    /// Sets one to a JSON value that is no object, if it is there.
    pub fn value(&mut self, name: &str, value: Option<&Json>) {
        if let Some(value) = value.filter(|value| !value.is_null()) {
            self.set(name, plain(value));
        }
    }
}

impl From<Attributes> for Vec<KeyValue> {
    fn from(attributes: Attributes) -> Vec<KeyValue> {
        attributes.0.into_iter().map(|(key, value)| KeyValue { key, value: Some(value.into()) }).collect()
    }
}

/// A value of the same kind; JSON text for what OTLP has no kind for: whole numbers of 64 bits, lists in which not all are of
/// one kind. Larger numbers were made doubles when they were read.
fn plain(value: &Json) -> Value {
    match value {
        Json::String(text) => Value::Text(text.clone()),
        Json::Bool(truth) => Value::Bool(*truth),
        Json::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(whole), _) => Value::Int(whole),
            (None, Some(any)) if number.is_f64() => Value::Double(any),
            _ => Value::Text(number.to_string()),
        },
        Json::Array(values) => {
            let is_plain = |value: &Json| value.is_string() || value.is_boolean() || value.is_number();
            let kinds = |a: &Value, b: &Value| std::mem::discriminant(a) == std::mem::discriminant(b);
            let all: Vec<Value> = values.iter().filter(|value| is_plain(value)).map(plain).collect();
            match all.len() == values.len() && all.windows(2).all(|pair| kinds(&pair[0], &pair[1])) {
                true => Value::List(ArrayValue { values: all.into_iter().map(AnyValue::from).collect() }),
                false => Value::Text(value.to_string()),
            }
        }
        other => Value::Text(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn of(value: &Json) -> Vec<String> {
        let mut attributes = Attributes::default();
        attributes.each("a", value);
        attributes.0.into_iter().map(|(name, value)| format!("{name} {value:?}")).collect()
    }

    #[test]
    fn the_fields_of_objects_are_attributes_of_their_own() {
        let found = of(&json!({"b": {"c": "x", "d": 7}, "e": true, "f": null}));
        assert_eq!(found, ["a.b.c Text(\"x\")", "a.b.d Int(7)", "a.e Bool(true)"]);
    }

    #[test]
    fn what_opentelemetry_has_no_kind_for_is_json_text() {
        assert_eq!(of(&json!(u64::MAX)), [format!("a Text(\"{}\")", u64::MAX)]);
        assert_eq!(of(&json!([1, "x"])), ["a Text(\"[1,\\\"x\\\"]\")"]);
        assert!(of(&json!(["x", "y"]))[0].starts_with("a List"));
    }

    #[test]
    fn a_name_that_comes_twice_keeps_its_first_value() {
        assert_eq!(of(&json!({"b.c": 1, "b": {"c": 2}})).len(), 1);
    }
}
