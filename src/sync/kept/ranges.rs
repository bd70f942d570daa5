//! Sets of record numbers, as ranges: most records of a file are sent in order.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Numbers, as ranges.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Vec<(u64, u64)>", into = "Vec<(u64, u64)>")]
pub struct Ranges(BTreeMap<u64, u64>);

impl Ranges {
    /// Adds the numbers from `first` to `last`, both included.
    pub fn insert(&mut self, first: u64, last: u64) {
        let (mut first, mut last) = (first, last.max(first));
        for (start, end) in self.touching(first.saturating_sub(1), last.saturating_add(1)) {
            self.0.remove(&start);
            (first, last) = (first.min(start), last.max(end));
        }
        self.0.insert(first, last);
    }

    /// Whether a number is in it.
    pub fn contains(&self, number: u64) -> bool {
        self.0.range(..=number).next_back().is_some_and(|(_, end)| *end >= number)
    }

    /// Whether every number below `count` is in it.
    pub fn covers(&self, count: u64) -> bool {
        count == 0 || self.0.first_key_value().is_some_and(|(start, end)| *start == 0 && *end >= count - 1)
    }

    /// How many numbers below `end` are in it.
    pub fn count_below(&self, end: u64) -> u64 {
        self.0.range(..end).map(|(first, last)| (last + 1).min(end) - first).sum()
    }

    /// The ranges, each with its first and last number.
    pub fn iter(&self) -> impl Iterator<Item = (u64, u64)> + '_ {
        self.0.iter().map(|(first, last)| (*first, *last))
    }

    /// Adds all of another set.
    pub fn insert_all(&mut self, other: &Ranges) {
        other.iter().for_each(|(first, last)| self.insert(first, last));
    }

    /// Takes out the numbers of another set.
    pub fn remove_all(&mut self, other: &Ranges) {
        for (first, last) in other.iter() {
            for (start, end) in self.touching(first, last) {
                self.0.remove(&start);
                if start < first {
                    self.0.insert(start, first - 1);
                }
                if end > last {
                    self.0.insert(last + 1, end);
                }
            }
        }
    }

    /// The ranges that have a number from `first` to `last`. There may be a range for every other record of a file:
    /// what stands before these is not gone through.
    fn touching(&self, first: u64, last: u64) -> Vec<(u64, u64)> {
        let reaching = self.0.range(..first).next_back().filter(|(_, end)| **end >= first);
        reaching.into_iter().chain(self.0.range(first..=last)).map(|(start, end)| (*start, *end)).collect()
    }

    /// The first number from `from` on that is not in it.
    pub fn first_missing(&self, from: u64) -> u64 {
        match self.0.range(..=from).next_back() {
            Some((_, end)) if *end >= from => end.saturating_add(1),
            _ => from,
        }
    }

    /// Whether nothing is in it.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl From<Vec<(u64, u64)>> for Ranges {
    fn from(pairs: Vec<(u64, u64)>) -> Self {
        let mut ranges = Ranges::default();
        pairs.into_iter().for_each(|(first, last)| ranges.insert(first, last));
        ranges
    }
}

impl From<Ranges> for Vec<(u64, u64)> {
    fn from(ranges: Ranges) -> Self {
        ranges.iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    fn set(parts: Vec<(u64, u64)>) -> (Ranges, BTreeSet<u64>) {
        let (mut ranges, mut model) = (Ranges::default(), BTreeSet::new());
        for (first, length) in parts {
            ranges.insert(first, first + length);
            model.extend(first..=first + length);
        }
        (ranges, model)
    }

    proptest! {
        #[test]
        fn ranges_hold_what_was_put_in_and_not_taken_out(
            parts in proptest::collection::vec((0u64..60, 0u64..8), 0..20),
            out in proptest::collection::vec((0u64..60, 0u64..8), 0..5)) {
            let ((mut ranges, mut model), (out, gone)) = (set(parts), set(out));
            ranges.remove_all(&out);
            model.retain(|number| !gone.contains(number));
            for number in 0..80 {
                prop_assert_eq!(ranges.contains(number), model.contains(&number));
                prop_assert_eq!(ranges.covers(number), (0..number).all(|n| model.contains(&n)));
                prop_assert_eq!(ranges.first_missing(number), (number..).find(|n| !model.contains(n)).unwrap());
            }
            let apart = ranges.iter().zip(ranges.iter().skip(1)).all(|(a, b)| a.1 + 1 < b.0);
            prop_assert!(apart, "neighbours are one range");
        }
    }

    /// Where each range is looked for from the beginning, this takes minutes.
    #[test]
    fn ranges_are_taken_out_of_very_many() {
        let every_other = || Ranges::from((0..100_000).map(|number| (number * 2, number * 2)).collect::<Vec<_>>());
        let mut ranges = every_other();
        ranges.remove_all(&every_other());
        assert!(ranges.is_empty());
    }
}
