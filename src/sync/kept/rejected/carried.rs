//! What two machines tell each other of rejected records (see `carry`).

use super::{about, each, hash, lines, About, Entry, Rejected};
use crate::error::Result;
use crate::sync::kept::ranges::Ranges;
use crate::sync::kept::requeue::split;
use std::collections::{BTreeMap, HashSet};

/// Records, by the name of their data file.
pub type Places = BTreeMap<String, Ranges>;

impl Rejected {
    /// Where records stood that were rejected, and those that were dropped or put back while their file is pending: they
    /// count as acknowledged, and no server has them from there.
    pub fn all_places(&self) -> Result<Places> {
        let mut places = self.left_places()?;
        self.each(|entry| {
            for (file, index) in entry.places.iter().filter_map(|place| split(place)) {
                places.entry(file.to_string()).or_default().insert(index, index);
            }
            Ok(())
        })?;
        Ok(places)
    }

    /// Where those stood alone that were dropped or put back.
    pub fn left_places(&self) -> Result<Places> {
        let mut places = Places::new();
        lines::each(self.log.path(), |line| {
            if let Some(About { left: Some(file), records, .. }) = about(line) {
                places.entry(file).or_default().insert_all(&records);
            }
            Ok(())
        })?;
        Ok(places)
    }

    /// Notes records as those of another machine's rejected ones: it has them, and what becomes of them is its business.
    pub fn add_left(&mut self, places: &Places) -> Result<()> {
        let mut text = String::new();
        for (file, records) in places {
            text.push_str(&format!("{}\n", serde_json::json!({"left": file, "records": records})));
            self.left.add(file, records);
        }
        match text.is_empty() {
            true => Ok(()),
            false => self.log.append(text.as_bytes()),
        }
    }

    /// Takes out the entries of records that another machine has put back or dropped; how many.
    pub fn forget(&mut self, places: &Places) -> Result<u64> {
        let is_meant = |entry: &Entry| {
            let mut of_entry = entry.places.iter().filter_map(|place| split(place));
            of_entry.any(|(file, index)| places.get(file).is_some_and(|records| records.contains(index)))
        };
        let (mut gone, mut count) = (HashSet::new(), 0);
        each(&self.project, |entry| {
            if is_meant(&entry) {
                count += 1;
                gone.extend(entry.places.iter().map(|place| hash(place)));
                self.left.add_places(&entry.places);
            }
            Ok(())
        })?;
        self.left.keep_pending(&self.project);
        if count > 0 {
            self.write_anew(&gone)?;
        }
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::layout::{Access, ProjectDir};
    use crate::sync::results::Counted;

    const FILE: &str = "calls/20260131_0000.jsonl";

    fn project(root: &std::path::Path) -> ProjectDir {
        let project = ProjectDir::new(root, "team/demo");
        std::fs::create_dir_all(project.path.join("calls")).unwrap();
        std::fs::write(project.path.join(FILE), b"{}\n{}\n{}\n").unwrap();
        project
    }

    fn open(project: &ProjectDir) -> Rejected {
        Rejected::open(project, Access::Owner).unwrap()
    }

    fn places(first: u64, last: u64) -> Places {
        Places::from([(FILE.to_string(), vec![(first, last)].into())])
    }

    #[test]
    fn what_another_machine_rejected_is_known_by_its_place_and_not_listed() {
        let root = tempfile::tempdir().unwrap();
        let project = project(root.path());
        open(&project).add_left(&places(1, 2)).unwrap();
        let rejected = open(&project);
        assert!(rejected.contains(&format!("{FILE}#1")) && !rejected.contains(&format!("{FILE}#0")));
        assert_eq!(rejected.all_places().unwrap(), places(1, 2));
        rejected.each(|_| panic!("nothing is listed")).unwrap();
    }

    #[test]
    fn what_another_machine_put_back_is_not_listed_and_not_sent_from_here() {
        let root = tempfile::tempdir().unwrap();
        let project = project(root.path());
        for number in [0, 1] {
            let lines = [(format!("{FILE}#{number}"), b"{}".as_slice())];
            open(&project).add(Entry::new(Counted::Calls, None, None, "why", lines)).unwrap();
        }
        assert_eq!(open(&project).forget(&places(1, 1)).unwrap(), 1);
        let rejected = open(&project);
        let mut listed = Vec::new();
        rejected
            .each(|entry| {
                listed.extend(entry.places);
                Ok(())
            })
            .unwrap();
        assert_eq!(listed, [format!("{FILE}#0")]);
        assert!(rejected.contains(&format!("{FILE}#1")));
        assert_eq!((rejected.left_places().unwrap(), rejected.all_places().unwrap()), (places(1, 1), places(0, 1)));
    }
}
