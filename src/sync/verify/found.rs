//! What a verification found: counts for each project and kind, and the text that sums them up.

use crate::error::{Error, Status};
use crate::log;
use std::collections::{BTreeMap, BTreeSet};

/// How many missing ids the text names, and how many notes it has.
const NAMED: usize = 20;

/// What is asked for, in the order of sending.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs)]
pub enum Asked {
    Files,
    Tables,
    Ops,
    Objects,
    Calls,
    CallEnds,
    Feedback,
    Costs,
}

impl Asked {
    const ALL: [Asked; 8] = [
        Asked::Files,
        Asked::Tables,
        Asked::Ops,
        Asked::Objects,
        Asked::Calls,
        Asked::CallEnds,
        Asked::Feedback,
        Asked::Costs,
    ];

    /// Its name in the results.
    pub fn name(self) -> &'static str {
        match self {
            Asked::Files => "files",
            Asked::Tables => "tables",
            Asked::Ops => "ops",
            Asked::Objects => "objects",
            Asked::Calls => "calls",
            Asked::CallEnds => "call_ends",
            Asked::Feedback => "feedback",
            Asked::Costs => "costs",
        }
    }

    pub(super) fn of(folder: &str, id: &str) -> Asked {
        match (folder, id.split_once('/').map(|(form, _)| form)) {
            ("calls", Some("end")) => Asked::CallEnds,
            ("calls", _) => Asked::Calls,
            ("feedback", _) => Asked::Feedback,
            ("metadata", _) => Asked::Costs,
            (_, Some("file")) => Asked::Files,
            (_, Some("table")) => Asked::Tables,
            (_, Some("op")) => Asked::Ops,
            _ => Asked::Objects,
        }
    }
}

/// What a verification found.
#[derive(Debug, Default)]
pub struct Outcome {
    /// By recorded project and kind: how many were found, of how many.
    projects: BTreeMap<String, BTreeMap<Asked, (u64, u64)>>,
    missing: Vec<String>,
    notes: BTreeSet<String>,
    /// How many records have nothing to ask for them by.
    pub(super) not_asked: u64,
    /// How many records were put back to be sent again.
    pub put_back: u64,
    /// Why it ended before everything was asked.
    pub stopped: Option<Error>,
}

impl Outcome {
    /// How many of how many were found, in all.
    pub fn counts(&self) -> (u64, u64) {
        let all = self.projects.values().flat_map(BTreeMap::values);
        all.fold((0, 0), |(found, asked), (f, a)| (found + f, asked + a))
    }

    /// By recorded project: how many of how many were found.
    pub fn by_project(&self) -> impl Iterator<Item = (&str, (u64, u64))> {
        let sum = |of: &BTreeMap<Asked, (u64, u64)>| of.values().fold((0, 0), |(f, a), more| (f + more.0, a + more.1));
        self.projects.iter().map(move |(name, of)| (name.as_str(), sum(of)))
    }

    /// How many records have nothing to ask for them by.
    pub fn not_asked(&self) -> u64 {
        self.not_asked
    }

    /// What could not be asked, and why; the first ones. Each was told to the log.
    pub fn notes(&self) -> impl Iterator<Item = &str> {
        self.notes.iter().map(String::as_str)
    }

    /// `{"entity/project": {"calls": [found, asked], …}}`: projects by name, every kind in the order of sending.
    pub fn to_json(&self) -> String {
        let kinds = |of: &BTreeMap<Asked, (u64, u64)>| {
            let counts = Asked::ALL.map(|kind| {
                let (found, asked) = of.get(&kind).copied().unwrap_or_default();
                format!("\"{}\": [{found}, {asked}]", kind.name())
            });
            format!("{{{}}}", counts.join(", "))
        };
        let projects = self.projects.iter().map(|(name, of)| format!("{}: {}", serde_json::json!(name), kinds(of)));
        format!("{{{}}}", projects.collect::<Vec<_>>().join(", "))
    }

    /// "4 812 of 4 812", what is missing (the first ones), and what could not be asked.
    pub fn text(&self) -> String {
        let (found, asked) = self.counts();
        let mut text = format!("{} of {} are on the server", spaced(found), spaced(asked));
        if !self.missing.is_empty() {
            text.push_str(&format!("; missing: {}", self.missing.join(", ")));
            let more = (asked - found).saturating_sub(self.missing.len() as u64);
            if more > 0 {
                text.push_str(&format!(" and {} more", spaced(more)));
            }
        }
        if self.put_back > 0 {
            text.push_str(&format!("; {} records were put back, and the next sync sends them", spaced(self.put_back)));
        }
        if self.not_asked > 0 {
            text.push_str(&format!("; {} records have no id to ask for", spaced(self.not_asked)));
        }
        for note in &self.notes {
            text.push_str(&format!("; {note}"));
        }
        text
    }

    /// The error to hand to the caller: why it stopped, else what is missing or was not asked, else nothing.
    pub fn error(&self) -> Option<Error> {
        let (found, asked) = self.counts();
        let whole = found == asked && self.notes.is_empty();
        self.stopped.clone().or_else(|| (!whole).then(|| Error::new(Status::Incomplete, self.text())))
    }

    /// Of one kind of one project.
    pub(super) fn counts_of(&self, project: &str, kind: Asked) -> (u64, u64) {
        self.projects.get(project).and_then(|of| of.get(&kind)).copied().unwrap_or_default()
    }

    /// Lists a project, though nothing of it may be asked for.
    pub(super) fn begin(&mut self, project: &str) {
        self.projects.entry(project.to_string()).or_default();
    }

    pub(super) fn count(&mut self, project: &str, kind: Asked, is_found: bool) {
        let counts = self.projects.entry(project.to_string()).or_default().entry(kind).or_default();
        *counts = (counts.0 + u64::from(is_found), counts.1 + 1);
    }

    /// Names in the text what is missing; the first ones only.
    pub(super) fn name_missing(&mut self, what: String) {
        if self.missing.len() < NAMED {
            self.missing.push(what);
        }
    }

    pub(super) fn note(&mut self, note: String) {
        log::write(log::Level::Warning, || note.clone());
        if self.notes.len() < NAMED {
            self.notes.insert(note);
        }
    }
}

/// A number with a space between thousands.
fn spaced(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(' ');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_at_a_glance() {
        assert_eq!([0, 812, 4812, 1_234_567].map(spaced), ["0", "812", "4 812", "1 234 567"]);
    }

    #[test]
    fn the_outcome_tells_what_is_missing_and_is_an_error_then() {
        let mut outcome = Outcome::default();
        outcome.projects.entry("team/a".into()).or_default().insert(Asked::Calls, (4812, 4812));
        assert_eq!((outcome.text().as_str(), outcome.error()), ("4 812 of 4 812 are on the server", None));
        outcome.projects.entry("team/a".into()).or_default().insert(Asked::Objects, (0, 2));
        outcome.missing.push("team/a objects object/n:d".into());
        let error = outcome.error().unwrap();
        assert_eq!(error.status(), Status::Incomplete);
        assert_eq!(error.text(), "4 812 of 4 814 are on the server; missing: team/a objects object/n:d and 1 more");
        assert!(outcome.to_json().contains("\"objects\": [0, 2], \"calls\": [4812, 4812], \"call_ends\": [0, 0]"));
    }

    #[test]
    fn an_id_says_what_is_asked_for() {
        let of =
            [("calls", "x"), ("calls", "start/x"), ("calls", "end/x"), ("files_metadata", "file/d"), ("ops", "op/a:d")];
        let kinds = of.map(|(folder, id)| Asked::of(folder, id).name());
        assert_eq!(kinds, ["calls", "calls", "call_ends", "files", "ops"]);
    }
}
