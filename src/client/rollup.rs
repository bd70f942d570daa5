//! The summary of a call: its own usage and status, and the sums of its children's (protocol, section 10).
//!
//! A leaf that names a model and its usage in its output has that usage. A call with children has the sums of the
//! numbers in their summaries, at every depth, and counts itself once. What the program adds by hand counts as the call's
//! own.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{IgnoredAny, MapAccess, Visitor};
use serde::Deserializer;
use serde_json::value::RawValue;

use crate::record::check_call;
use crate::record::json::{Object, Value};

/// Numbers by key, at any depth.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Totals(BTreeMap<String, Sum>);

#[derive(Debug, Clone, PartialEq)]
enum Sum {
    Int(i128),
    Float(f64),
    Map(Totals),
}

impl Totals {
    /// Whether nothing was added.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds the numbers of a summary; texts, lists and the like have no sum.
    pub fn add(&mut self, summary: &Object) {
        for (key, value) in summary {
            if let (Some(key), Some(sum)) = (key.as_str(), Sum::of(value)) {
                self.add_sum(key, sum);
            }
        }
    }

    /// Adds other sums.
    pub fn add_totals(&mut self, other: &Totals) {
        for (key, sum) in &other.0 {
            self.add_sum(key, sum.clone());
        }
    }

    /// Adds the usage of a model.
    pub fn add_usage(&mut self, model: &str, usage: &Object) {
        let mut of_model = Totals::default();
        of_model.add(usage);
        let of_model = Totals(BTreeMap::from([(model.to_owned(), Sum::Map(of_model))]));
        self.add_sum("usage", Sum::Map(of_model));
    }

    /// Counts calls.
    pub fn count(&mut self, succeeded: u64, failed: u64) {
        let counts = [("success", succeeded), ("error", failed)];
        let counts = counts.map(|(key, number)| (key.to_owned(), Sum::Int(number.into())));
        self.add_sum("status_counts", Sum::Map(Totals(BTreeMap::from(counts))));
    }

    /// The sums as an object.
    pub fn to_object(&self) -> Object {
        let mut object = Object::new();
        for (key, sum) in &self.0 {
            object.insert(key, sum.to_value());
        }
        object
    }

    fn add_sum(&mut self, key: &str, sum: Sum) {
        match self.0.get_mut(key) {
            Some(present) => present.add(sum),
            None => _ = self.0.insert(key.to_owned(), sum),
        }
    }
}

impl Sum {
    fn of(value: &Value) -> Option<Sum> {
        match value {
            Value::Int(int) => match int.digits().parse() {
                Ok(number) => Some(Sum::Int(number)),
                Err(_) => value.as_f64().map(Sum::Float),
            },
            Value::Float(number) => Some(Sum::Float(*number)),
            Value::Object(members) => {
                let mut totals = Totals::default();
                totals.add(members);
                Some(Sum::Map(totals))
            }
            _ => None,
        }
    }

    fn add(&mut self, other: Sum) {
        match (&mut *self, other) {
            (Sum::Map(mine), Sum::Map(theirs)) => mine.add_totals(&theirs),
            (Sum::Map(_), _) => {}
            (mine, Sum::Map(theirs)) => *mine = Sum::Map(theirs),
            (Sum::Int(mine), Sum::Int(theirs)) => *mine = mine.saturating_add(theirs),
            (Sum::Int(mine), Sum::Float(theirs)) => *self = Sum::Float(*mine as f64 + theirs),
            (Sum::Float(mine), Sum::Int(theirs)) => *mine += theirs as f64,
            (Sum::Float(mine), Sum::Float(theirs)) => *mine += theirs,
        }
    }

    fn to_value(&self) -> Value {
        match self {
            Sum::Int(number) => Value::parse(&number.to_string()).unwrap_or(Value::Null),
            Sum::Float(number) => Value::Float(*number),
            Sum::Map(totals) => totals.to_object().into(),
        }
    }
}

/// Puts the members of `over` into `under`, at every depth; `over` wins.
pub fn merge(under: &mut Object, over: &Object) {
    for (key, value) in over {
        let key = key.as_str().unwrap_or_default();
        if let (Some(Value::Object(mine)), Value::Object(theirs)) = (under.get_mut(key), value) {
            merge(mine, theirs);
        } else {
            under.insert(key, value.clone());
        }
    }
}

/// Model and usage of an output that names both at its top level; nothing when servers would refuse the usage, since the
/// program did not mean it as one.
pub fn output_usage(output: &str) -> Option<(String, Object)> {
    if !output.contains("\"usage\"") || !output.contains("\"model\"") {
        return None;
    }
    let (model, usage) = serde_json::Deserializer::from_str(output).deserialize_map(TopLevel).ok()?;
    let mut usage = Value::parse(usage?.get()).ok()?;
    check_call::usage(&mut usage, "output.usage").ok()?;
    let mut members = Object::new();
    members.insert("requests", 1i64);
    for (key, value) in usage.as_object()? {
        members.insert(key.as_str()?, value.clone());
    }
    Some((serde_json::from_str(model?.get()).ok()?, members))
}

/// Looks at the top level of an object only; the last of equal keys wins.
struct TopLevel;

impl<'de> Visitor<'de> for TopLevel {
    type Value = (Option<&'de RawValue>, Option<&'de RawValue>);

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Self::Value, A::Error> {
        let (mut model, mut usage) = (None, None);
        while let Some(key) = members.next_key::<std::borrow::Cow<'de, str>>()? {
            match key.as_ref() {
                "model" => model = Some(members.next_value()?),
                "usage" => usage = Some(members.next_value()?),
                _ => drop(members.next_value::<IgnoredAny>()?),
            }
        }
        Ok((model, usage))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::json::compact;

    fn object(json: &str) -> Object {
        Value::parse(json).unwrap().as_object().unwrap().clone()
    }

    fn summed(summaries: &[&str]) -> String {
        let mut totals = Totals::default();
        summaries.iter().for_each(|summary| totals.add(&object(summary)));
        compact(&totals.to_object().into())
    }

    #[test]
    fn numbers_are_added_key_by_key_at_every_depth() {
        assert_eq!(
            summed(&[r#"{"usage":{"a":{"n":1},"b":{"n":2}},"x":1}"#, r#"{"usage":{"a":{"n":3,"m":1}},"x":0.5}"#]),
            r#"{"usage":{"a":{"m":1,"n":4},"b":{"n":2}},"x":1.5}"#
        );
    }

    #[test]
    fn what_is_no_number_has_no_sum() {
        assert_eq!(summed(&[r#"{"a":"t","b":[1],"c":true,"d":null,"e":1}"#]), r#"{"e":1}"#);
    }

    #[test]
    fn an_object_goes_before_a_number_under_the_same_key() {
        assert_eq!(summed(&[r#"{"a":1}"#, r#"{"a":{"b":2}}"#, r#"{"a":3}"#]), r#"{"a":{"b":2}}"#);
    }

    #[test]
    fn each_call_counts_once() {
        let mut totals = Totals::default();
        totals.count(1, 0);
        totals.count(0, 1);
        totals.count(1, 0);
        assert_eq!(compact(&totals.to_object().into()), r#"{"status_counts":{"error":1,"success":2}}"#);
    }

    #[test]
    fn merging_reaches_every_depth() {
        let mut under = object(r#"{"a":{"b":1,"c":2},"d":3}"#);
        merge(&mut under, &object(r#"{"a":{"b":9},"e":4}"#));
        assert_eq!(compact(&under.into()), r#"{"a":{"b":9,"c":2},"d":3,"e":4}"#);
    }

    #[test]
    fn usage_is_found_at_the_top_of_an_output() {
        let (model, usage) =
            output_usage(r#"{"model":"gpt","usage":{"prompt_tokens":3,"details":{"cached":1}},"choices":[]}"#).unwrap();
        assert_eq!(model, "gpt");
        assert_eq!(compact(&usage.into()), r#"{"requests":1,"prompt_tokens":3,"details":{"cached":1}}"#);
        let (model, _) = output_usage(r#"{"model":"a","usage":{},"model":"b"}"#).unwrap();
        assert_eq!(model, "b", "the last of equal keys counts");
    }

    #[test]
    fn what_is_no_usage_is_left_alone() {
        for output in [
            r#"{"model":"gpt"}"#,
            r#"{"usage":{"prompt_tokens":3}}"#,
            r#"{"a":{"model":"gpt","usage":{}}}"#,
            r#"["model","usage"]"#,
            r#"{"model":1,"usage":{}}"#,
            r#"{"model":"gpt","usage":{"prompt_tokens":1.5}}"#,
            r#"{"model":"gpt","usage":null}"#,
        ] {
            assert!(output_usage(output).is_none(), "{output}");
        }
    }
}
