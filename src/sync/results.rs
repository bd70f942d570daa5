//! What a sync did: counts per recorded project and kind, and the first reasons of what was not taken.

use std::collections::BTreeMap;

use crate::error::{Error, Status};
use crate::record::kind::RecordType;

/// How many reasons are kept of each project; the rest are counted.
const REASONS: usize = 20;

/// What is counted, in the order in which it is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[allow(missing_docs)]
pub enum Counted {
    Files,
    Tables,
    Ops,
    Objects,
    Calls,
    CallUpdates,
    Feedback,
    Costs,
}

impl Counted {
    /// Everything that is counted, in the order in which it is sent.
    pub const ALL: [Counted; 8] = [
        Counted::Files,
        Counted::Tables,
        Counted::Ops,
        Counted::Objects,
        Counted::Calls,
        Counted::CallUpdates,
        Counted::Feedback,
        Counted::Costs,
    ];

    /// Its name in the results.
    pub fn name(self) -> &'static str {
        match self {
            Counted::Files => "files",
            Counted::Tables => "tables",
            Counted::Ops => "ops",
            Counted::Objects => "objects",
            Counted::Calls => "calls",
            Counted::CallUpdates => "call_updates",
            Counted::Feedback => "feedback",
            Counted::Costs => "costs",
        }
    }

    /// As what a record counts; a note about the project counts as nothing. A start and its end are one call, which
    /// the caller sees to.
    pub fn of(record_type: RecordType) -> Option<Counted> {
        match record_type {
            RecordType::FileCreate => Some(Counted::Files),
            RecordType::TableCreate => Some(Counted::Tables),
            RecordType::OpCreate => Some(Counted::Ops),
            RecordType::ObjCreate => Some(Counted::Objects),
            RecordType::CallStart | RecordType::CallEnd | RecordType::CallComplete => Some(Counted::Calls),
            RecordType::CallUpdate => Some(Counted::CallUpdates),
            RecordType::FeedbackCreate => Some(Counted::Feedback),
            RecordType::CostCreate => Some(Counted::Costs),
            RecordType::Writer | RecordType::Project => None,
        }
    }
}

/// Counts of one kind in one project.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    /// Accepted by the server.
    pub synced: u64,
    /// Not accepted.
    pub errors: u64,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct OfProject {
    tallies: BTreeMap<Counted, Tally>,
    done: BTreeMap<Counted, u64>,
    reasons: Vec<String>,
    further_reasons: u64,
}

/// The results of a sync, under the recorded `entity/project`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Results {
    projects: BTreeMap<String, OfProject>,
}

impl Results {
    /// Results with nothing in them.
    pub fn new() -> Self {
        Results::default()
    }

    /// Names a project, so that it is told of even if nothing of it was pending.
    pub fn project(&mut self, project: &str) {
        self.of(project);
    }

    /// Counts what the server took.
    pub fn add_synced(&mut self, project: &str, what: Counted, count: u64) {
        self.of(project).tallies.entry(what).or_default().synced += count;
    }

    /// Counts what the server did not take, with the reason they share.
    pub fn add_errors(&mut self, project: &str, what: Counted, count: u64, reason: &str) {
        let of_project = self.of(project);
        of_project.tallies.entry(what).or_default().errors += count;
        self.add_reason(project, format!("{}: {reason}", what.name()));
    }

    /// Counts records that are done: taken, or set aside.
    pub fn add_done(&mut self, project: &str, what: Counted, records: u64) {
        *self.of(project).done.entry(what).or_default() += records;
    }

    /// How many records of a kind are done.
    pub fn done(&self, project: &str, what: Counted) -> u64 {
        self.projects.get(project).and_then(|of| of.done.get(&what)).copied().unwrap_or_default()
    }

    /// Notes what went wrong with a project as a whole, or with something in it that is no record.
    pub fn add_reason(&mut self, project: &str, reason: String) {
        let of_project = self.of(project);
        if of_project.reasons.contains(&reason) {
            return;
        }
        if of_project.reasons.len() < REASONS {
            of_project.reasons.push(reason);
        } else {
            of_project.further_reasons += 1;
        }
    }

    /// The counts of a kind in a project.
    pub fn tally(&self, project: &str, what: Counted) -> Tally {
        self.projects.get(project).and_then(|of| of.tallies.get(&what)).copied().unwrap_or_default()
    }

    /// The projects, by name.
    pub fn projects(&self) -> impl Iterator<Item = &str> {
        self.projects.keys().map(String::as_str)
    }

    /// The counts of everything.
    pub fn total(&self) -> Tally {
        let tallies = self.projects.values().flat_map(|of| of.tallies.values());
        tallies.fold(Tally::default(), |sum, tally| Tally {
            synced: sum.synced + tally.synced,
            errors: sum.errors + tally.errors,
        })
    }

    /// The reasons noted for a project, each once, the first ones only.
    pub fn reasons(&self, project: &str) -> &[String] {
        self.projects.get(project).map_or(&[], |of| &of.reasons)
    }

    /// The error that tells of what was not synced, or `None` when all was.
    pub fn error(&self) -> Option<Error> {
        let mut text = String::new();
        for (project, of) in &self.projects {
            let errors: u64 = of.tallies.values().map(|tally| tally.errors).sum();
            if errors == 0 && of.reasons.is_empty() {
                continue;
            }
            text.push_str(if text.is_empty() { "" } else { "\n" });
            text.push_str(&format!("{project}: {errors} not synced; {}", of.reasons.join("; ")));
            if of.further_reasons > 0 {
                text.push_str(&format!("; and {} more", of.further_reasons));
            }
        }
        (!text.is_empty()).then(|| Error::new(Status::Incomplete, text))
    }

    /// `{"entity/project": {"files": [synced, errors], …}}`: projects by name, every kind in the order of sending.
    pub fn to_json(&self) -> String {
        let mut json = String::from("{");
        for (project, of) in &self.projects {
            json.push_str(if json.len() == 1 { "" } else { ", " });
            json.push_str(&serde_json::Value::from(project.as_str()).to_string());
            let counts = Counted::ALL.map(|what| {
                let tally = of.tallies.get(&what).copied().unwrap_or_default();
                format!("\"{}\": [{}, {}]", what.name(), tally.synced, tally.errors)
            });
            json.push_str(&format!(": {{{}}}", counts.join(", ")));
        }
        json.push('}');
        json
    }

    fn of(&mut self, project: &str) -> &mut OfProject {
        self.projects.entry(project.to_owned()).or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_json_counts_every_kind_of_each_project_in_the_order_of_sending() {
        let mut results = Results::new();
        results.add_synced("team/b", Counted::Calls, 2);
        results.add_errors("team/b", Counted::Calls, 1, "refused");
        results.add_synced("team/b", Counted::Files, 5);
        results.project("team/\"a\"");
        assert_eq!(
            results.to_json(),
            r#"{"team/\"a\"": {"files": [0, 0], "tables": [0, 0], "ops": [0, 0], "objects": [0, 0], "calls": [0, 0], "#
                .to_owned()
                + r#""call_updates": [0, 0], "feedback": [0, 0], "costs": [0, 0]}, "#
                + r#""team/b": {"files": [5, 0], "tables": [0, 0], "ops": [0, 0], "objects": [0, 0], "calls": [2, 1], "#
                + r#""call_updates": [0, 0], "feedback": [0, 0], "costs": [0, 0]}}"#
        );
        assert_eq!(Results::new().to_json(), "{}");
        assert_eq!(results.total(), Tally { synced: 7, errors: 1 });
    }

    #[test]
    fn a_sync_without_errors_has_no_error() {
        let mut results = Results::new();
        results.add_synced("team/a", Counted::Costs, 1);
        assert_eq!(results.error(), None);
    }

    #[test]
    fn the_error_names_project_kind_and_reason_once() {
        let mut results = Results::new();
        results.add_errors("team/a", Counted::Calls, 2, "bad id");
        results.add_errors("team/a", Counted::Calls, 1, "bad id");
        results.add_reason("team/b", "no access".to_owned());
        let error = results.error().unwrap();
        assert_eq!(error.status(), Status::Incomplete);
        assert_eq!(error.text(), "team/a: 3 not synced; calls: bad id\nteam/b: 0 not synced; no access");
    }

    #[test]
    fn reasons_are_bounded_and_the_rest_counted() {
        let mut results = Results::new();
        for n in 0..25 {
            results.add_errors("team/a", Counted::Objects, 1, &format!("reason {n}"));
        }
        assert_eq!(results.reasons("team/a").len(), 20);
        assert!(results.error().unwrap().text().ends_with("objects: reason 19; and 5 more"));
        assert_eq!(results.tally("team/a", Counted::Objects), Tally { synced: 0, errors: 25 });
    }

    #[test]
    fn every_record_that_is_sent_is_counted() {
        let uncounted: Vec<_> = RecordType::ALL.into_iter().filter(|t| Counted::of(*t).is_none()).collect();
        assert_eq!(uncounted, [RecordType::Writer, RecordType::Project]);
    }
}
