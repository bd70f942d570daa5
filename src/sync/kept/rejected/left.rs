//! Records that were rejected, and then dropped or put back, while their data file is still pending.
//!
//! They count as acknowledged, so nothing sends them from that file; but its receipt must not say that the server has
//! them. So `rejected.jsonl` keeps a line `{"left": FILE, "records": [[17, 17]]}` of each such file, until it is renamed,
//! dropped or gone. The name of a data file is never used again.

use super::requeue::split;
use crate::store::layout::ProjectDir;
use crate::sync::kept::ranges::Ranges;
use std::collections::BTreeMap;

/// Which records, by the name of their data file.
#[derive(Default)]
pub(super) struct Left(BTreeMap<String, Ranges>);

impl Left {
    /// Adds records of a file.
    pub(super) fn add(&mut self, file: &str, records: &Ranges) {
        self.0.entry(file.to_string()).or_default().insert_all(records);
    }

    /// Adds the records at some places.
    pub(super) fn add_places(&mut self, places: &[String]) {
        for (file, index) in places.iter().filter_map(|place| split(place)) {
            self.0.entry(file.to_string()).or_default().insert(index, index);
        }
    }

    /// Forgets the files that are not pending; says whether there was any.
    pub(super) fn keep_pending(&mut self, project: &ProjectDir) -> bool {
        let before = self.0.len();
        // One that cannot be looked at may still be there.
        self.0.retain(|file, _| !matches!(project.path.join(file).try_exists(), Ok(false)));
        self.0.len() < before
    }

    pub(super) fn contains(&self, place: &str) -> bool {
        !self.is_empty()
            && split(place).is_some_and(|(file, index)| self.0.get(file).is_some_and(|of| of.contains(index)))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The lines to be kept.
    pub(super) fn lines(&self) -> String {
        let line = |(file, records)| format!("{}\n", serde_json::json!({"left": file, "records": records}));
        self.0.iter().map(line).collect()
    }
}
