//! What calls refer to, sent when a call needs it: so that under a budget what matters most goes first, and what it
//! refers to before it.

use super::files;
use super::objects;
use super::pending::Place;
use super::sender::Sender;
use super::singly::Singly;
use crate::error::Result;
use crate::record::kind::RecordType;
use crate::record::refs::EXTERNAL;
use crate::record::time::Timestamp;
use crate::store::file_record::FOLDERS;
use crate::sync::line::{parse, Parsed};
use crate::sync::results::Counted;
use std::collections::HashMap;

/// How far references in referred records are followed; what lies deeper is sent in its own turn.
const DEPTH: usize = 32;

/// The length of a digest (protocol, section 11).
const DIGEST: usize = 43;

/// The pending files, tables, ops and objects of a project, by what a reference says of them.
pub struct Needs {
    folders: Vec<Singly>,
    /// Every version of a thing, in the order in which it was logged.
    waiting: HashMap<String, Vec<(usize, Place)>>,
}

impl Needs {
    /// Looks at what is pending.
    pub fn open(sender: &Sender<'_, '_, '_>) -> Result<Needs> {
        let folders = FOLDERS.iter().map(|folder| (*folder, Counted::Files)).chain(objects::FOLDERS);
        let mut opened = Vec::new();
        let mut found: HashMap<String, Vec<(Timestamp, usize, Place)>> = HashMap::new();
        for (number, (folder, what)) in folders.enumerate() {
            let mut pending = sender.pending(folder);
            while let Some(place) = pending.advance()? {
                let (line, own) = pending.line();
                let Ok(line) = parse(line, own) else { continue };
                let time = Timestamp::parse(line.timestamp, "timestamp").unwrap_or_else(|_| Timestamp::now());
                found.entry(key_of(&line)).or_default().push((time, number, place));
            }
            opened.push(Singly::new(what, pending));
        }
        let in_order = |(key, mut places): (String, Vec<(Timestamp, usize, Place)>)| {
            places.sort();
            (key, places.into_iter().map(|(_, number, place)| (number, place)).collect())
        };
        Ok(Needs { folders: opened, waiting: found.into_iter().map(in_order).collect() })
    }

    /// Sends what a text refers to and was not sent yet.
    pub fn send_for(&mut self, sender: &mut Sender<'_, '_, '_>, text: &str) -> Result<()> {
        self.send_below(sender, text, DEPTH)
    }

    fn send_below(&mut self, sender: &mut Sender<'_, '_, '_>, text: &str, depth: usize) -> Result<()> {
        if self.waiting.is_empty() || depth == 0 {
            return Ok(());
        }
        for key in keys_in(text) {
            for (number, place) in self.waiting.remove(&key).unwrap_or_default() {
                let Some(folder) = self.folders.get_mut(number) else { continue };
                let Some(line) = folder.pending.fetch(place)? else { continue };
                self.send_below(sender, &String::from_utf8_lossy(&line), depth - 1)?;
                let Some(folder) = self.folders.get_mut(number) else { continue };
                match folder.what {
                    Counted::Files => files::send_one(sender, folder, place, &line)?,
                    _ => objects::send_one(sender, folder, place, &line)?,
                }
            }
        }
        Ok(())
    }
}

/// What a reference to a record says of it.
fn key_of(line: &Parsed<'_>) -> String {
    match line.record_type {
        Some(RecordType::FileCreate) => files::digest_of(line.data),
        Some(RecordType::TableCreate) => format!("table/{}", objects::table_digest_of(line.data)),
        Some(RecordType::OpCreate) => format!("op/{}", objects::name_of(line.data)),
        _ => format!("object/{}", objects::name_of(line.data)),
    }
}

/// The keys of everything that a text may refer to. A text that only looks like a reference costs nothing.
fn keys_in(text: &str) -> Vec<String> {
    let mut keys = Vec::new();
    for (at, _) in text.match_indices(EXTERNAL) {
        let path = text.get(at + EXTERNAL.len()..).unwrap_or_default();
        let path = path.split(['"', '\\']).next().unwrap_or_default();
        let mut parts = path.split('/').skip(2);
        if let (Some(kind), Some(head)) = (parts.next(), parts.next()) {
            let name = if kind == "table" { head } else { head.split(':').next().unwrap_or(head) };
            keys.push(format!("{kind}/{name}"));
        }
    }
    let is_digest = |token: &&str| token.len() == DIGEST && token.bytes().all(|byte| byte.is_ascii_alphanumeric());
    keys.extend(text.split(['"', '\\']).filter(is_digest).map(str::to_string));
    keys
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_and_digests_are_found_wherever_they_stand() {
        let digest = "6jAV4T6F42RKlabeB2RO0BXkbFFPrKyU2yyQedpotB8";
        let text = format!(
            r#"{{"op_name":"weave:///a/b/op/f:{digest}","x":["weave:///a/b/object/n:v/attr/rows"],
                "y":"{{\"t\": \"weave:///a/b/table/abc\"}}","files":{{"f":"{digest}"}}}}"#
        );
        assert_eq!(keys_in(&text), ["op/f", "object/n", "table/abc", digest]);
        assert!(keys_in("weave:///a/b").is_empty());
    }
}
