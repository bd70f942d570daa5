//! The summary of a call whose output names a model and its usage, in the usual shape: an object of integers, and of
//! objects of integers. It is written from the text of the output in one go; whatever is unusual is left to
//! [`rollup`](super::rollup), which says the same of the same output.

use crate::record::check_call;
use crate::record::json::UsageAt;

/// More members than any usage of the usual shape has.
const MAX_MEMBERS: usize = 24;
/// Integers of so many digits fit into 64 bits.
const MAX_DIGITS: usize = 18;

/// The summary of a leaf with this clean output; `None` if the usage is of an unusual shape.
pub(super) fn summary(output: &[u8], at: UsageAt, failed: bool) -> Option<Vec<u8>> {
    let model = value(output, &mut colon(output, at.model)?)?;
    let Shape::Text = model.shape else { return None };
    let usage = value(output, &mut colon(output, at.usage)?)?;
    let Shape::Object = usage.shape else { return None };
    let mut members = Members::read(usage.text)?;
    for member in members.all() {
        let is_count = check_call::is_token_count(member.key);
        if member.key == b"requests" || is_count && !matches!(member.value.shape, Shape::Integer | Shape::Null) {
            return None;
        }
    }
    members.add(b"requests", Value { shape: Shape::Integer, text: b"1" })?;
    let mut out = Vec::with_capacity(usage.text.len() + 128);
    out.extend_from_slice(match failed {
        true => b"{\"status_counts\":{\"error\":1,\"success\":0},\"usage\":{",
        false => b"{\"status_counts\":{\"error\":0,\"success\":1},\"usage\":{",
    });
    out.extend_from_slice(model.text);
    out.push(b':');
    members.write(&mut out)?;
    out.extend_from_slice(b"}}");
    Some(out)
}

#[derive(Clone, Copy)]
struct Value<'t> {
    shape: Shape,
    text: &'t [u8],
}

#[derive(Clone, Copy, PartialEq)]
enum Shape {
    Integer,
    /// In which there are no objects and arrays.
    Object,
    /// Without escapes.
    Text,
    Null,
    Bool,
}

#[derive(Clone, Copy)]
struct Member<'t> {
    key: &'t [u8],
    value: Value<'t>,
}

/// The members of an object.
struct Members<'t> {
    members: [Member<'t>; MAX_MEMBERS],
    count: usize,
}

impl<'t> Members<'t> {
    fn read(object: &'t [u8]) -> Option<Self> {
        let none = Member { key: b"", value: Value { shape: Shape::Null, text: b"" } };
        let mut members = Members { members: [none; MAX_MEMBERS], count: 0 };
        let mut at = 1;
        skip_space(object, &mut at);
        if object.get(at) == Some(&b'}') {
            return Some(members);
        }
        loop {
            skip_space(object, &mut at);
            let key = text(object, &mut at)?;
            skip_space(object, &mut at);
            let mut after = colon(object, at)?;
            let value = value(object, &mut after)?;
            at = after;
            members.add(key.get(1..key.len() - 1)?, value)?;
            skip_space(object, &mut at);
            match object.get(at)? {
                b',' => at += 1,
                b'}' => return Some(members),
                _ => return None,
            }
        }
    }

    fn add(&mut self, key: &'t [u8], value: Value<'t>) -> Option<()> {
        *self.members.get_mut(self.count)? = Member { key, value };
        self.count += 1;
        Some(())
    }

    fn all(&self) -> &[Member<'t>] {
        self.members.get(..self.count).unwrap_or_default()
    }

    /// Writes the sums in the order of their keys; what is no number has none.
    fn write(&mut self, out: &mut Vec<u8>) -> Option<()> {
        let members = self.members.get_mut(..self.count)?;
        members.sort_unstable_by_key(|member| member.key);
        let repeats = members.iter().zip(members.iter().skip(1)).any(|(one, next)| one.key == next.key);
        if repeats {
            return None;
        }
        out.push(b'{');
        let mut first = true;
        for member in members.iter().filter(|member| matches!(member.value.shape, Shape::Integer | Shape::Object)) {
            out.extend_from_slice(if first { b"\"" } else { b",\"" });
            first = false;
            out.extend_from_slice(member.key);
            out.extend_from_slice(b"\":");
            match member.value.shape {
                Shape::Object => Members::read(member.value.text)?.write(out)?,
                _ => out.extend_from_slice(member.value.text),
            }
        }
        out.push(b'}');
        Some(())
    }
}

fn skip_space(json: &[u8], at: &mut usize) {
    while json.get(*at).is_some_and(|byte| *byte <= b' ') {
        *at += 1;
    }
}

/// The position behind the colon at a position.
fn colon(json: &[u8], mut at: usize) -> Option<usize> {
    skip_space(json, &mut at);
    (json.get(at) == Some(&b':')).then_some(at + 1)
}

/// The string at a position, with its quotes.
fn text<'t>(json: &'t [u8], at: &mut usize) -> Option<&'t [u8]> {
    let rest = json.get(*at..)?.strip_prefix(b"\"")?;
    let length = rest.iter().position(|byte| matches!(byte, b'"' | b'\\'))?;
    if rest.get(length) != Some(&b'"') {
        return None;
    }
    let from = *at;
    *at += length + 2;
    json.get(from..*at)
}

fn value<'t>(json: &'t [u8], at: &mut usize) -> Option<Value<'t>> {
    skip_space(json, at);
    let rest = json.get(*at..)?;
    let (shape, length) = match rest.first()? {
        b'"' => return text(json, at).map(|text| Value { shape: Shape::Text, text }),
        b'{' => (Shape::Object, object_length(rest)?),
        b'n' => (Shape::Null, 4),
        b't' => (Shape::Bool, 4),
        b'f' => (Shape::Bool, 5),
        first @ (b'-' | b'0'..=b'9') => {
            let digits = usize::from(*first == b'-');
            let length = digits + rest.iter().skip(digits).take_while(|byte| byte.is_ascii_digit()).count();
            // "-0" is written otherwise.
            if length > MAX_DIGITS || rest.starts_with(b"-0") || matches!(rest.get(length), Some(b'.' | b'e' | b'E')) {
                return None;
            }
            (Shape::Integer, length)
        }
        _ => return None,
    };
    *at += length;
    Some(Value { shape, text: rest.get(..length)? })
}

/// The length of an object whose members may be objects without objects and arrays in them.
fn object_length(json: &[u8]) -> Option<usize> {
    let (mut level, mut at) = (0, 0);
    loop {
        match json.get(at)? {
            b'"' => {
                text(json, &mut at)?;
                continue;
            }
            b'{' => level += 1,
            b'}' => level -= 1,
            b'[' => return None,
            _ => {}
        }
        at += 1;
        if level == 0 {
            return Some(at);
        }
        if level > 2 {
            return None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::rollup::{output_usage, Totals};
    use crate::record::json::{accept_output, compact};
    use proptest::prelude::*;

    fn at_once(output: &str) -> Option<String> {
        let (stored, at) = accept_output(output.as_bytes()).unwrap();
        summary(&stored, at?, false).map(|text| String::from_utf8(text).unwrap())
    }

    /// The same by way of the tree of values.
    fn by_tree(output: &str) -> Option<String> {
        let (stored, _) = accept_output(output.as_bytes()).unwrap();
        let (model, usage) = output_usage(std::str::from_utf8(&stored).unwrap())?;
        let mut totals = Totals::default();
        totals.add_usage(&model, &usage);
        totals.count(1, 0);
        Some(compact(&totals.to_object().into()))
    }

    #[test]
    fn usage_as_providers_give_it_is_written_at_once() {
        for (output, usage) in [
            (r#"{"model":"gpt","usage":{"prompt_tokens":3}}"#, r#"{"prompt_tokens":3,"requests":1}"#),
            (
                r#"{"usage": {"total_tokens": 5, "prompt_tokens": 3, "details": {"b": 2, "a": 1, "t": "x"},
                    "tier": "x", "cache_read_input_tokens": null}, "model": "gpt", "choices": [{"usage": 1}]}"#,
                r#"{"details":{"a":1,"b":2},"prompt_tokens":3,"requests":1,"total_tokens":5}"#,
            ),
            (r#"{"model":"gpt","usage":{}}"#, r#"{"requests":1}"#),
        ] {
            let expected = format!(r#"{{"status_counts":{{"error":0,"success":1}},"usage":{{"gpt":{usage}}}}}"#);
            assert_eq!(at_once(output).as_ref(), Some(&expected));
            assert_eq!(by_tree(output), Some(expected));
        }
        let failed = summary(br#"{"model":"m","usage":{}}"#, UsageAt { model: 8, usage: 20 }, true).unwrap();
        assert!(failed.starts_with(br#"{"status_counts":{"error":1,"success":0},"usage":{"m":"#));
    }

    fn keys() -> impl Strategy<Value = String> {
        let known = ["prompt_tokens", "total_tokens", "requests", "model", "usage", "a", "b", "\u{e9}", "\\u0061", ""];
        prop::sample::select(known.to_vec()).prop_map(str::to_owned)
    }

    fn values() -> impl Strategy<Value = String> {
        let plain = [
            "0",
            "-0",
            "7",
            "-12",
            "1.5",
            "1e3",
            "123456789012345678",
            "1234567890123456789",
            "null",
            "true",
            "false",
            "\"t\"",
            "\"5\"",
            "\"}\"",
            "\"\\\"{\"",
            "[1]",
            "{}",
            "\"weave:///x\"",
        ];
        prop::sample::select(plain.to_vec()).prop_map(str::to_owned).prop_recursive(3, 24, 5, |inner| {
            prop::collection::vec((keys(), inner), 0..5).prop_map(|members| object(&members))
        })
    }

    fn object(members: &[(String, String)]) -> String {
        let members: Vec<_> = members.iter().map(|(key, value)| format!("\"{key}\": {value}")).collect();
        format!("{{{}}}", members.join(","))
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 4000, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn what_is_written_at_once_is_what_the_tree_says(
            mut members in prop::collection::vec((keys(), values()), 0..4),
            usage in prop::collection::vec((keys(), values()), 0..6),
            model in prop::sample::select(vec!["\"gpt\"", "\"\"", "\"\u{e9}\"", "1", "\"a\\nb\""]),
        ) {
            members.push(("usage".to_owned(), object(&usage)));
            members.push(("model".to_owned(), model.to_owned()));
            let output = object(&members);
            if let Some(written) = at_once(&output) {
                prop_assert_eq!(Some(written), by_tree(&output), "{}", output);
            }
        }
    }
}
