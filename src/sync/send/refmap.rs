//! References as recorded, and as they must be sent: to the project that is written to, and with the digests that the
//! server gave to what they name.
//!
//! A text is rewritten where its bytes lie, without being parsed, as long as every reference in it stands plainly in a
//! string of its own. Only what cannot be told so (references in JSON text in strings, escapes) is parsed, and only if
//! the projects at hand make a difference.

use std::borrow::Cow;
use std::collections::HashMap;

use crate::error::{Error, Result, Status};
use crate::record::json::{compact, Value};
use crate::record::kind::RecordType;
use crate::record::refs::{map_refs, EXTERNAL};
use crate::store::layout::{Access, ProjectDir};
use crate::sync::kept::learned::Learned;

/// What can have another digest on the server than the recorded one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Named<'a> {
    /// An object of this name.
    Object(&'a str),
    /// An op of this name.
    Op(&'a str),
    /// A table.
    Table,
    /// A row of a table.
    Row,
}

impl Named<'_> {
    /// As a reference says it after the project; rows, which have no reference of their own, in the same manner.
    fn key(self, digest: &str) -> String {
        match self {
            Named::Object(name) => format!("object/{name}:{digest}"),
            Named::Op(name) => format!("op/{name}:{digest}"),
            Named::Table => format!("table/{digest}"),
            Named::Row => format!("row/{digest}"),
        }
    }
}

struct Known {
    destination: String,
    renamed: bool,
    learned: Learned,
}

impl Known {
    fn changes_nothing(&self) -> bool {
        !self.renamed && self.learned.is_empty()
    }
}

/// From recorded references to those of the server, for all the projects of a sync.
#[derive(Default)]
pub struct RefMap {
    projects: HashMap<String, Known>,
}

impl RefMap {
    /// A map that changes nothing.
    pub fn new() -> Self {
        RefMap::default()
    }

    /// Adds a recorded project that is sent to `destination` (`entity/project`) on `server`, with what earlier syncs
    /// to there learned. References to projects that are not added stay as they are.
    pub fn add(&mut self, project: &ProjectDir, server: &str, destination: &str, access: Access) -> Result<()> {
        let learned = Learned::load(&project.sync_folder(), &format!("{server} {destination}"), access)?;
        let name = project.name();
        let known = Known { destination: destination.to_owned(), renamed: name != destination, learned };
        self.projects.insert(name, known);
        Ok(())
    }

    /// Where a recorded project is sent.
    pub fn destination(&self, project: &str) -> Result<&str> {
        Ok(&self.known(project)?.destination)
    }

    /// Notes the digest that the server gave to something of a recorded project.
    pub fn learn(&mut self, project: &str, thing: Named<'_>, recorded: &str, digest: &str) -> Result<()> {
        self.learn_all(project, thing, [(recorded, digest)])
    }

    /// The same for many things of one kind, such as the rows of a table.
    pub fn learn_all<'a>(
        &mut self,
        project: &str,
        things: Named<'_>,
        digests: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<()> {
        let known = self.projects.get_mut(project).ok_or_else(|| not_added(project))?;
        // Most are as recorded: they are not worth a key while nothing else is known.
        let knows_nothing = known.learned.is_empty();
        let telling = digests.into_iter().filter(|(recorded, digest)| !knows_nothing || recorded != digest);
        known.learned.learn(telling.map(|(recorded, digest)| (things.key(recorded), recorded, digest)))
    }

    /// Makes what was learned durable. This comes before a record is counted as sent whose answer was learned from:
    /// nothing would teach it again.
    pub fn persist(&mut self) -> Result<()> {
        self.projects.values_mut().try_for_each(|known| known.learned.persist())
    }

    /// What a reference must read on the server; `None` if it stays as it is.
    pub fn reference(&self, text: &str) -> Option<String> {
        let path = text.strip_prefix(EXTERNAL)?;
        let (end, known) = self.project_of(path)?;
        let target = path.get(end..)?.strip_prefix('/')?;
        let sent = known.target(target);
        if !known.renamed && sent == target {
            return None;
        }
        Some(format!("{EXTERNAL}{}/{sent}", known.destination))
    }

    /// A JSON text with its references as the server must have them.
    pub fn value<'t>(&self, text: &'t str) -> Result<Cow<'t, str>> {
        match self.spliced(text) {
            Some(sent) => Ok(sent),
            None => self.parsed(text, None),
        }
    }

    /// The `data` of a record of a project, for its destination: the project that it names, and its references.
    pub fn data<'t>(&self, record_type: RecordType, project: &str, text: &'t str) -> Result<Cow<'t, str>> {
        let destination = self.destination(project)?;
        let envelope = envelope(record_type);
        let begin = match envelope {
            Some(name) => format!("{{\"{name}\":{{\"project_id\":"),
            None => "{\"project_id\":".to_owned(),
        };
        // As the library writes lines. What others wrote may have its members in another order.
        if let Some(rest) = text.strip_prefix(&begin) {
            let (recorded, sent) = (quoted(project), quoted(destination));
            if rest.starts_with(&sent) {
                return self.value(text);
            }
            if let Some(rest) = rest.strip_prefix(&recorded).and_then(|rest| self.spliced(rest)) {
                return Ok(Cow::Owned(format!("{begin}{sent}{rest}")));
            }
        }
        self.parsed(text, Some((envelope, destination)))
    }

    fn known(&self, project: &str) -> Result<&Known> {
        self.projects.get(project).ok_or_else(|| not_added(project))
    }

    /// The length of `entity/project` at the start of a path, and the project, if it was added.
    fn project_of(&self, path: &str) -> Option<(usize, &Known)> {
        let (end, _) = path.match_indices('/').nth(1)?;
        Some((end, self.projects.get(path.get(..end)?)?))
    }

    /// Rewrites a text where it lies. `None` when that cannot be done and the text must be parsed.
    fn spliced<'t>(&self, text: &'t str) -> Option<Cow<'t, str>> {
        if self.projects.values().all(Known::changes_nothing) {
            return Some(Cow::Borrowed(text));
        }
        if may_hide_a_reference(text) {
            return None;
        }
        let mut sent = String::new();
        let mut copied = 0;
        for (at, _) in text.match_indices(EXTERNAL) {
            let (before, from) = text.split_at_checked(at)?;
            let end = from.find(['"', '\\'])?;
            let (reference, after) = from.split_at_checked(end)?;
            if !before.ends_with('"') || before.ends_with("\\\"") {
                // Inside a longer string: JSON text perhaps, which the server looks into.
                if self.may_change(reference) {
                    return None;
                }
                continue;
            }
            if after.starts_with('\\') {
                return None;
            }
            let is_key = after.get(1..)?.trim_start().starts_with(':');
            if let (Some(other), false) = (self.reference(reference), is_key) {
                sent.push_str(text.get(copied..at - 1)?);
                sent.push_str(&quoted(&other));
                copied = at + end + 1;
            }
        }
        if copied == 0 {
            return Some(Cow::Borrowed(text));
        }
        sent.push_str(text.get(copied..)?);
        Some(Cow::Owned(sent))
    }

    /// Whether what begins like this reference, cut off anywhere, may be one that changes.
    fn may_change(&self, beginning: &str) -> bool {
        let path = beginning.strip_prefix(EXTERNAL).unwrap_or_default();
        match path.match_indices('/').nth(1) {
            Some(_) => self.project_of(path).is_some_and(|(_, known)| !known.changes_nothing()),
            None => true,
        }
    }

    /// Rewrites a text as a value; `project` is where its project stands and what it becomes.
    fn parsed<'t>(&self, text: &'t str, project: Option<(Option<&str>, &str)>) -> Result<Cow<'t, str>> {
        let mut value = Value::parse(text).map_err(|fault| fault.in_field("data"))?;
        let mut changed = false;
        if let Some((envelope, destination)) = project {
            let inner = match envelope {
                Some(name) => value.get_mut(name),
                None => Some(&mut value),
            };
            let object = inner.and_then(Value::as_object_mut).ok_or_else(|| {
                let name = envelope.map(|name| format!(" with the object \"{name}\"")).unwrap_or_default();
                Error::new(Status::InvalidJson, format!("data: it must be an object{name}"))
            })?;
            let former = object.insert("project_id", destination);
            changed = former.as_ref().and_then(Value::as_str) != Some(destination);
        }
        changed |= map_refs(&mut value, &mut |reference| Ok(self.reference(reference)))?;
        Ok(if changed { Cow::Owned(compact(&value)) } else { Cow::Borrowed(text) })
    }
}

impl Known {
    /// What follows the project in a reference, with the server's digests.
    fn target<'t>(&self, target: &'t str) -> Cow<'t, str> {
        if self.learned.is_empty() {
            return Cow::Borrowed(target);
        }
        let head = target.match_indices('/').nth(1).map_or(target, |(end, _)| target.get(..end).unwrap_or(target));
        let extra = target.get(head.len()..).unwrap_or_default();
        let mut sent = match self.learned.get(head) {
            Some(digest) => {
                let end = head.rfind([':', '/']).map_or(0, |at| at + 1);
                format!("{}{digest}", head.get(..end).unwrap_or_default())
            }
            None => head.to_owned(),
        };
        // Pairs of an edge and a value, each part after a slash.
        let mut parts = extra.split('/').skip(1);
        while let Some(edge) = parts.next() {
            sent.push('/');
            sent.push_str(edge);
            let Some(value) = parts.next() else { break };
            let row = if edge == "id" { self.learned.get(&Named::Row.key(value)) } else { None };
            sent.push('/');
            sent.push_str(row.unwrap_or(value));
        }
        Cow::Owned(sent)
    }
}

fn not_added(project: &str) -> Error {
    Error::new(Status::InvalidArgument, format!("project {project} is not part of this sync"))
}

/// The member of a record's data that holds its fields, where there is one (protocol, section 6).
fn envelope(record_type: RecordType) -> Option<&'static str> {
    match record_type {
        RecordType::CallStart => Some("start"),
        RecordType::CallEnd => Some("end"),
        RecordType::OpCreate | RecordType::ObjCreate => Some("obj"),
        RecordType::TableCreate => Some("table"),
        _ => None,
    }
}

/// Whether a printable character, which a reference may hold, is written as an escape.
fn may_hide_a_reference(text: &str) -> bool {
    let printable = |(at, found): (usize, &str)| {
        let next = text.as_bytes().get(at + found.len());
        next.is_some_and(|digit| (b'2'..=b'7').contains(digit))
    };
    text.contains("\\/") || text.match_indices("\\u00").any(printable)
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
#[path = "refmap_tests.rs"]
mod tests;
