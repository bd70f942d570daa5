//! The members of a JSON object: unique keys in the order of insertion, as a Python dict keeps them.

use super::text::Text;
use super::value::Value;

/// A JSON object. Looking a key up walks the members: objects that are looked into are small.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Object(Vec<(Text, Value)>);

impl Object {
    /// An object without members.
    pub fn new() -> Self {
        Object::default()
    }

    /// The number of members.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are no members.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The value of a key.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.0.iter().find(|(name, _)| name == key).map(|(_, value)| value)
    }

    /// The value of a key.
    pub fn get_mut(&mut self, key: &str) -> Option<&mut Value> {
        self.0.iter_mut().find(|(name, _)| name == key).map(|(_, value)| value)
    }

    /// Sets a key. A key that is there keeps its place; its former value is returned.
    pub fn insert(&mut self, key: &str, value: impl Into<Value>) -> Option<Value> {
        let value = value.into();
        match self.get_mut(key) {
            Some(place) => Some(std::mem::replace(place, value)),
            None => {
                self.0.push((key.into(), value));
                None
            }
        }
    }

    /// Takes a key out; the others keep their order.
    pub fn remove(&mut self, key: &str) -> Option<Value> {
        let index = self.0.iter().position(|(name, _)| name == key)?;
        Some(self.0.remove(index).1)
    }

    /// The members in order.
    pub fn iter(&self) -> std::slice::Iter<'_, (Text, Value)> {
        self.0.iter()
    }

    /// The values in order.
    pub fn values_mut(&mut self) -> impl DoubleEndedIterator<Item = &mut Value> {
        self.0.iter_mut().map(|(_, value)| value)
    }

    /// The members themselves. Who changes a key sees to it that keys stay unique, with [`Object::merge_duplicates`].
    pub(super) fn members_mut(&mut self) -> &mut Vec<(Text, Value)> {
        &mut self.0
    }

    /// Sorts the keys by code point, here only.
    pub(super) fn sort_keys(&mut self) {
        self.0.sort_by(|(a, _), (b, _)| a.cmp(b));
    }

    /// Of members with equal keys, the first keeps its place and takes the last one's value.
    pub(super) fn merge_duplicates(&mut self) {
        let members = &mut self.0;
        let mut order: Vec<usize> = (0..members.len()).collect();
        let key = |index: &usize| members.get(*index).map(|(name, _)| name);
        order.sort_by(|a, b| key(a).cmp(&key(b)).then(a.cmp(b)));
        let mut moves = Vec::new();
        for run in order.chunk_by(|a, b| key(a) == key(b)) {
            if let [first, .., last] = run {
                moves.push((*first, *last, run.to_vec()));
            }
        }
        if moves.is_empty() {
            return;
        }
        let mut dropped = vec![false; members.len()];
        for (first, last, run) in moves {
            members.swap(first, last);
            for index in run.into_iter().skip(1) {
                if let Some(flag) = dropped.get_mut(index) {
                    *flag = true;
                }
            }
        }
        let mut flags = dropped.into_iter();
        members.retain(|_| !flags.next().unwrap_or_default());
    }
}

/// Collects members; of equal keys the first gives the place and the last the value.
impl FromIterator<(Text, Value)> for Object {
    fn from_iter<I: IntoIterator<Item = (Text, Value)>>(members: I) -> Self {
        let mut object = Object(members.into_iter().collect());
        let few = object.0.get(..object.0.len().min(12)).unwrap_or_default();
        let may_repeat = few.len() < object.0.len()
            || few
                .iter()
                .enumerate()
                .any(|(index, (key, _))| few.iter().skip(index + 1).any(|(other, _)| other == key));
        if may_repeat {
            object.merge_duplicates();
        }
        object
    }
}

impl<'o> IntoIterator for &'o Object {
    type Item = &'o (Text, Value);
    type IntoIter = std::slice::Iter<'o, (Text, Value)>;
    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}
