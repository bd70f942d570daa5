//! One rejected record, as it is listed and as it stands in `rejected.jsonl`.

use crate::error::{Error, Result, Status};
use crate::record::time::Timestamp;
use crate::sync::results::Counted;
use serde::{Deserialize, Serialize};
use serde_json::value::{to_raw_value, RawValue};

/// A record that was rejected: one line of a data file, or the start and the end of a call.
#[derive(Debug, Clone)]
pub struct Entry {
    /// What it counts as in the results of a sync.
    pub kind: String,
    /// What names it: a call's id, a feedback's, an object's reference.
    pub id: Option<String>,
    /// What the server answered; none when it was not the server that refused it.
    pub status: Option<u16>,
    /// Why.
    pub reason: String,
    /// Where its lines stood: `FOLDER/FILE#NUMBER`, the file as it was called while pending.
    pub places: Vec<String>,
    /// When it was rejected.
    pub at: String,
    /// The server that did.
    pub server: String,
    /// The `entity/project` that it was sent to.
    pub to: String,
    /// The lines as they stood there; one that is no JSON as a JSON text.
    pub lines: Vec<Box<RawValue>>,
}

/// As it is written: one place alone, or a list of them.
#[derive(Serialize, Deserialize)]
struct Written {
    kind: String,
    #[serde(default)]
    id: Option<String>,
    #[serde(default)]
    status: Option<u16>,
    reason: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    place: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    places: Vec<String>,
    at: String,
    server: String,
    to: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    lines: Vec<Box<RawValue>>,
}

impl Entry {
    /// A rejection that happens now. Each line comes with its place.
    pub fn new<'l>(
        kind: Counted,
        id: Option<String>,
        status: Option<u16>,
        reason: &str,
        lines: impl IntoIterator<Item = (String, &'l [u8])>,
    ) -> Entry {
        let (places, lines) = lines.into_iter().map(|(place, line)| (place, verbatim(line))).unzip();
        Entry {
            kind: kind.name().to_string(),
            id,
            status,
            reason: reason.to_string(),
            places,
            at: Timestamp::now().to_string(),
            server: String::new(),
            to: String::new(),
            lines,
        }
    }

    /// The same, with who rejected it.
    pub fn by(self, server: &str, to: &str) -> Entry {
        Entry { server: server.to_string(), to: to.to_string(), ..self }
    }

    /// As JSON, with the lines that were rejected or without.
    pub fn to_json(&self, with_lines: bool) -> Result<String> {
        let alone = self.places.len() == 1;
        let written = Written {
            kind: self.kind.clone(),
            id: self.id.clone(),
            status: self.status,
            reason: self.reason.clone(),
            place: self.places.first().filter(|_| alone).cloned(),
            places: if alone { Vec::new() } else { self.places.clone() },
            at: self.at.clone(),
            server: self.server.clone(),
            to: self.to.clone(),
            lines: if with_lines { self.lines.clone() } else { Vec::new() },
        };
        serde_json::to_string(&written).map_err(|cause| Error::new(Status::Panic, format!("a rejection: {cause}")))
    }

    /// The entry that a line of `rejected.jsonl` holds; none when it is something else.
    pub(in crate::sync) fn read(line: &[u8]) -> Option<Entry> {
        let Written { kind, id, status, reason, place, places, at, server, to, lines } =
            serde_json::from_slice(line).ok()?;
        let places = place.into_iter().chain(places).collect();
        Some(Entry { kind, id, status, reason, places, at, server, to, lines })
    }

    /// The text of each line, with its place.
    pub(super) fn texts(&self) -> impl Iterator<Item = (String, &str)> {
        self.lines.iter().enumerate().map(|(number, line)| {
            let text = serde_json::from_str(line.get()).unwrap_or_else(|_| line.get().to_string());
            (text, self.places.get(number).or(self.places.first()).map_or("", String::as_str))
        })
    }
}

/// A line as a JSON value: itself, or a JSON text when it is none.
fn verbatim(line: &[u8]) -> Box<RawValue> {
    let whole = || serde_json::from_slice::<&RawValue>(line).ok().map(RawValue::to_owned);
    whole().or_else(|| to_raw_value(&String::from_utf8_lossy(line)).ok()).unwrap_or_else(|| RawValue::NULL.to_owned())
}
