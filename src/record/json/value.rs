//! The tree of a JSON value. Numbers keep what digests depend on: integers all their digits, floats that they are
//! floats (protocol, section 11).

use std::fmt;

use super::fault::Fault;
use super::grammar::{self, Events, MAX_DEPTH};
use super::lexer::{Literal, NumberKind, NumberToken, StringToken};
use super::object::Object;
use super::text::Text;

/// A JSON value.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A number without `.`, `e` and `E`
    Int(Int),
    /// Any other number, and `NaN`, `Infinity` and `-Infinity`
    Float(f64),
    /// A string
    Str(Text),
    /// An array
    Array(Vec<Value>),
    /// An object
    Object(Object),
}

/// An integer of any size, as its digits: no leading zeros, no plus sign, no `-0`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Int(Box<str>);

impl Int {
    fn from_token(digits: &str) -> Int {
        Int(if digits == "-0" { "0" } else { digits }.into())
    }

    /// The digits, after a `-` if it is negative.
    pub fn digits(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Int {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Value {
    /// Reads a text as Python's `json.loads` does: the last of duplicate keys wins. Nesting is limited to 1000 levels.
    pub fn parse(text: &str) -> Result<Value, Fault> {
        Value::parse_within(text, MAX_DEPTH)
    }

    /// The same with a limit of its own for the nesting.
    pub(crate) fn parse_within(text: &str, limit: usize) -> Result<Value, Fault> {
        let mut builder = Builder { text, open: Vec::new(), root: Value::Null };
        grammar::read(text.as_bytes(), limit, &mut builder)?;
        Ok(builder.root)
    }

    /// Whether this is `null`.
    pub fn is_null(&self) -> bool {
        matches!(self, Value::Null)
    }

    /// The boolean, if this is one.
    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Value::Bool(value) => Some(*value),
            _ => None,
        }
    }

    /// The integer, if this is one and fits.
    pub fn as_i64(&self) -> Option<i64> {
        match self {
            Value::Int(int) => int.digits().parse().ok(),
            _ => None,
        }
    }

    /// The number, integer or not, to the precision of a float.
    pub fn as_f64(&self) -> Option<f64> {
        match self {
            Value::Int(int) => int.digits().parse().ok(),
            Value::Float(value) => Some(*value),
            _ => None,
        }
    }

    /// The text, if this is a string without lone surrogates.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Value::Str(text) => text.as_str(),
            _ => None,
        }
    }

    /// The items, if this is an array.
    pub fn as_array(&self) -> Option<&Vec<Value>> {
        match self {
            Value::Array(items) => Some(items),
            _ => None,
        }
    }

    /// The items, if this is an array.
    pub fn as_array_mut(&mut self) -> Option<&mut Vec<Value>> {
        match self {
            Value::Array(items) => Some(items),
            _ => None,
        }
    }

    /// The members, if this is an object.
    pub fn as_object(&self) -> Option<&Object> {
        match self {
            Value::Object(object) => Some(object),
            _ => None,
        }
    }

    /// The members, if this is an object.
    pub fn as_object_mut(&mut self) -> Option<&mut Object> {
        match self {
            Value::Object(object) => Some(object),
            _ => None,
        }
    }

    /// The member with this key, if this is an object that has one.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.as_object()?.get(key)
    }

    /// The member with this key, if this is an object that has one.
    pub fn get_mut(&mut self, key: &str) -> Option<&mut Value> {
        self.as_object_mut()?.get_mut(key)
    }

    /// Sorts the keys of every object in it by code point.
    pub fn sort_keys(&mut self) {
        let mut rest = vec![self];
        while let Some(value) = rest.pop() {
            match value {
                Value::Array(items) => rest.extend(items),
                Value::Object(object) => {
                    object.sort_keys();
                    rest.extend(object.values_mut());
                }
                _ => {}
            }
        }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Value::Str(text.into())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Value::Str(text.into())
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Value::Bool(value)
    }
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Value::Int(Int(value.to_string().into()))
    }
}

impl From<u64> for Value {
    fn from(value: u64) -> Self {
        Value::Int(Int(value.to_string().into()))
    }
}

impl From<f64> for Value {
    fn from(value: f64) -> Self {
        Value::Float(value)
    }
}

impl From<Vec<Value>> for Value {
    fn from(items: Vec<Value>) -> Self {
        Value::Array(items)
    }
}

impl From<Object> for Value {
    fn from(object: Object) -> Self {
        Value::Object(object)
    }
}

/// Builds the tree from the events of the grammar.
struct Builder<'t> {
    text: &'t str,
    open: Vec<Open>,
    root: Value,
}

enum Open {
    Array(Vec<Value>),
    /// The members, and the key that waits for its value.
    Object(Vec<(Text, Value)>, Text),
}

impl Builder<'_> {
    fn slice(&self, start: usize, end: usize) -> &str {
        self.text.get(start..end).unwrap_or_default()
    }

    fn decode(&self, token: StringToken) -> Text {
        Text::decode(self.slice(token.start, token.end), token.marks)
    }

    fn add(&mut self, value: Value) {
        match self.open.last_mut() {
            Some(Open::Array(items)) => items.push(value),
            Some(Open::Object(members, key)) => members.push((std::mem::replace(key, Text::from("")), value)),
            None => self.root = value,
        }
    }
}

impl Events for Builder<'_> {
    fn open(&mut self, object: bool) {
        self.open.push(if object { Open::Object(Vec::new(), Text::from("")) } else { Open::Array(Vec::new()) });
    }

    fn close(&mut self) {
        match self.open.pop() {
            Some(Open::Array(items)) => self.add(Value::Array(items)),
            Some(Open::Object(members, _)) => self.add(Value::Object(members.into_iter().collect())),
            None => {}
        }
    }

    fn key(&mut self, token: StringToken) {
        let text = self.decode(token);
        if let Some(Open::Object(_, key)) = self.open.last_mut() {
            *key = text;
        }
    }

    fn string(&mut self, token: StringToken) {
        let text = self.decode(token);
        self.add(Value::Str(text));
    }

    fn number(&mut self, token: NumberToken) {
        let digits = self.slice(token.start, token.end);
        let value = match token.kind {
            NumberKind::Int => Value::Int(Int::from_token(digits)),
            // The grammar of JSON numbers lies within that of the parser, which rounds to nearest and overflows to
            // infinity; the fallback is never taken.
            NumberKind::Float | NumberKind::LargeFloat => Value::Float(digits.parse().unwrap_or(f64::NAN)),
        };
        self.add(value);
    }

    fn literal(&mut self, literal: Literal) {
        self.add(match literal {
            Literal::Null => Value::Null,
            Literal::True => Value::Bool(true),
            Literal::False => Value::Bool(false),
            Literal::NaN => Value::Float(f64::NAN),
            Literal::Infinity => Value::Float(f64::INFINITY),
            Literal::NegativeInfinity => Value::Float(f64::NEG_INFINITY),
        });
    }
}
