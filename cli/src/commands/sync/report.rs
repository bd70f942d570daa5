//! What came of a sync, for people and for programs.

use super::left::Left;
use super::tallies;
use crate::sizes::counted;
use crate::terminal::style::{BAD, GOOD, NAME};
use serde_json::{json, value::RawValue, Map, Value};
use std::io::{self, Write};
use weave::sync::plan::Planned;
use weave::sync::Outcome;

/// What was sent, project by project.
pub fn tell(out: &mut dyn Write, outcome: &Outcome) -> io::Result<()> {
    let mut is_any = false;
    for project in outcome.results.projects() {
        let mut parts = Vec::new();
        for (what, synced, errors) in tallies(&outcome.results, project) {
            if synced > 0 {
                parts.push(GOOD.paint(counted(synced, what.name())).to_string());
            }
            if errors > 0 {
                parts.push(BAD.paint(format!("{} not taken", counted(errors, what.name()))).to_string());
            }
        }
        if !parts.is_empty() {
            writeln!(out, "{}: {}", NAME.paint(project), parts.join(", "))?;
        }
        is_any = true;
    }
    if !is_any {
        writeln!(out, "Nothing waits.")?;
    }
    Ok(())
}

/// `{"results": {"entity/project": {"calls": [synced, errors], …}}, "left": {"entity/project": {"calls": records, …}},
/// "error": null or {"status", "text"}}`.
pub fn as_json(outcome: &Outcome, left: &Left) -> String {
    let results = RawValue::from_string(outcome.results.to_json()).ok();
    let error = outcome.error().map(|error| json!({"status": error.status().text(), "text": error.text()}));
    let results = results.as_deref().map_or("{}", RawValue::get);
    let (left, error) = (left.as_json(), error.unwrap_or(Value::Null));
    format!("{{\"results\": {results}, \"left\": {left}, \"error\": {error}}}")
}

/// `{"entity/project": {"to": {"entity", "project"}, "counts": {"calls": {"records", "bytes"}, …}, "waiting", "unreadable"}}`.
pub fn plan_as_json(planned: &[Planned]) -> Value {
    let mut told = Map::new();
    for of in planned {
        let counts: Map<String, Value> = of
            .amounts
            .iter()
            .map(|(what, amount)| (what.name().to_string(), json!({"records": amount.records, "bytes": amount.bytes})))
            .collect();
        let about = json!({"to": {"entity": of.entity, "project": of.to}, "counts": counts,
                           "waiting": of.waiting, "unreadable": of.unreadable});
        told.insert(of.project.clone(), about);
    }
    Value::Object(told)
}
