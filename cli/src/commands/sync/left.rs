//! What waits: how many records of each project and kind, where the files tell. A call that was stored in two parts has two.

use crate::sizes::counted;
use crate::terminal::style::NAME;
use serde_json::{json, Value};
use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::Path;
use weave::record::kind::Kind;
use weave::sync::directory::choose;
use weave::sync::inventory::{self, OfProject};
use weave::sync::results::Counted;

/// Records by project and by kind, as results name it.
#[derive(Debug, Default)]
pub struct Left(BTreeMap<String, BTreeMap<&'static str, u64>>);

impl Left {
    /// Of the chosen projects of a directory; of all where none is named.
    pub fn of(dir: &Path, projects: &[&str]) -> weave::Result<Left> {
        let inventory = inventory::take(dir)?;
        let chosen = choose(inventory.projects.iter().map(|project| project.dir.clone()).collect(), projects)?;
        let of_chosen = inventory.projects.iter().filter(|project| chosen.contains(&project.dir));
        let left = of_chosen.map(|project| (project.dir.name(), records(project)));
        Ok(Left(left.filter(|(_, of)| !of.is_empty()).collect()))
    }

    /// How many of a kind; 0 where nothing is known.
    pub fn records(&self, project: &str, kind: &str) -> u64 {
        self.0.get(project).and_then(|of| of.get(kind)).copied().unwrap_or_default()
    }

    /// Tells people of it.
    pub fn tell(&self, out: &mut dyn Write) -> io::Result<()> {
        for (project, of) in &self.0 {
            let of: Vec<String> = of.iter().map(|(kind, records)| counted(*records, kind)).collect();
            writeln!(out, "{}: {} left", NAME.paint(project), of.join(", "))?;
        }
        Ok(())
    }

    /// `{"entity/project": {"calls": 3, …}}`.
    pub fn as_json(&self) -> Value {
        json!(self.0)
    }
}

fn records(project: &OfProject) -> BTreeMap<&'static str, u64> {
    let what = |kind: Kind| match kind {
        Kind::Calls => Some(Counted::Calls),
        Kind::Ops => Some(Counted::Ops),
        Kind::Objects => Some(Counted::Objects),
        Kind::Tables => Some(Counted::Tables),
        Kind::Feedback => Some(Counted::Feedback),
        Kind::Files => Some(Counted::Files),
        Kind::Metadata => None, // notes stand between the prices
    };
    let of = project.kinds.iter().filter_map(|(kind, of)| Some((what(*kind)?.name(), of.records?)));
    of.filter(|(_, records)| *records > 0).collect()
}
