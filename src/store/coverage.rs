//! Which parts of which streams are in the data files of each folder, as their members say.

use super::journal::StreamId;
use super::member::Covered;
use super::packer::batch::Part;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// For each folder and stream, the parts that are in its data files.
#[derive(Debug, Default)]
pub struct Coverage {
    folders: HashMap<PathBuf, HashMap<StreamId, Parts>>,
}

/// Parts of one stream: from where to where, sorted, apart from each other.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parts(Vec<(u64, u64)>);

impl Parts {
    /// Adds a part.
    pub fn add(&mut self, from: u64, to: u64) {
        if from >= to {
            return;
        }
        let first = self.0.partition_point(|(_, end)| *end < from);
        let behind = self.0.partition_point(|(start, _)| *start <= to);
        let touched = self.0.get(first..behind).unwrap_or_default();
        let from = touched.first().map_or(from, |(start, _)| from.min(*start));
        let to = touched.last().map_or(to, |(_, end)| to.max(*end));
        self.0.splice(first..behind.max(first), [(from, to)]);
    }

    /// Where the part that holds everything from `from` on ends, at `to` at the latest; `from` itself if there is none.
    pub fn end_within(&self, from: u64, to: u64) -> u64 {
        let at = self.0.partition_point(|(_, end)| *end <= from);
        self.0.get(at).filter(|(start, _)| *start <= from).map_or(from, |(_, end)| to.min(*end))
    }

    /// Whether the record that ends at a position is in one of them.
    pub fn holds(&self, end: u64) -> bool {
        let at = self.0.partition_point(|(_, to)| *to < end);
        self.0.get(at).is_some_and(|(from, _)| *from < end)
    }
}

impl Coverage {
    /// Notes that a folder has a part of a stream.
    pub fn add(&mut self, folder: &Path, part: &Covered) {
        let folder = match self.folders.get_mut(folder) {
            Some(there) => there,
            None => self.folders.entry(folder.to_path_buf()).or_default(),
        };
        folder.entry(part.stream).or_default().add(part.from, part.to);
    }

    /// Notes that a folder has parts of streams.
    pub fn add_all(&mut self, folder: &Path, parts: &[(StreamId, Parts)]) {
        for (stream, parts) in parts {
            for (from, to) in &parts.0 {
                self.add(folder, &Covered { stream: *stream, from: *from, to: *to });
            }
        }
    }

    /// Notes that no folder has anything more to get of these parts. What a folder has stays one part of each stream
    /// so, however many others the records go to.
    pub fn add_to_all(&mut self, parts: &[Part]) {
        for folder in self.folders.values_mut() {
            parts.iter().for_each(|part| folder.entry(part.stream).or_default().add(part.from, part.to));
        }
    }

    /// What there is of some streams.
    pub fn of_streams(&self, wanted: impl Fn(&StreamId) -> bool) -> Coverage {
        let some = |parts: &HashMap<StreamId, Parts>| {
            parts.iter().filter(|(stream, _)| wanted(stream)).map(|(stream, parts)| (*stream, parts.clone())).collect()
        };
        Coverage { folders: self.folders.iter().map(|(folder, parts)| (folder.clone(), some(parts))).collect() }
    }

    /// What a folder has.
    pub fn of_folder(&self, folder: &Path) -> HashMap<StreamId, Parts> {
        self.folders.get(folder).cloned().unwrap_or_default()
    }

    /// Sets what a folder has.
    pub fn set_folder(&mut self, folder: &Path, parts: HashMap<StreamId, Parts>) {
        self.folders.insert(folder.to_path_buf(), parts);
    }

    /// What a folder has of the streams of a batch, in the order of its parts.
    pub fn of(&self, folder: &Path, parts: &[Part]) -> Vec<Parts> {
        let there = self.folders.get(folder);
        parts.iter().map(|part| there.and_then(|f| f.get(&part.stream)).cloned().unwrap_or_default()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn parts_hold_what_was_added_and_nothing_else(added in proptest::collection::vec((0u64..60, 0u64..12), 0..20)) {
            let mut parts = Parts::default();
            let mut all = [false; 80];
            for (from, length) in added {
                parts.add(from, from + length);
                all.iter_mut().skip(from as usize + 1).take(length as usize).for_each(|held| *held = true);
            }
            for (end, held) in all.iter().enumerate() {
                prop_assert_eq!(parts.holds(end as u64), *held, "at {}", end);
            }
            prop_assert!(parts.0.windows(2).all(|pair| pair[0].1 < pair[1].0));
        }
    }
}
