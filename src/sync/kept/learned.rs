//! Digests that a server gave to what was recorded under others (protocol, section 11: a digest over references depends
//! on the server's id of the project).
//!
//! They are kept in `.sync/digests.jsonl` of the recorded project, one line each,
//! `{"digest": "…", "to": "SERVER ENTITY/PROJECT", "what": "object/NAME:DIGEST"}`: what is known of one project says
//! nothing of another. Lines are only ever appended; of several about the same thing the last counts; a torn line is
//! passed over.
//!
//! A server may get another address. What was sent to the former one is not sent again and teaches nothing more, so for
//! the same `ENTITY/PROJECT` its digests hold until the server at the new address gives others.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::lines::{self, Appender};
use crate::error::Result;
use crate::store::layout::Access;

const FILE: &str = "digests.jsonl";

#[derive(Deserialize)]
struct Line<'a> {
    to: Cow<'a, str>,
    what: Cow<'a, str>,
    digest: Cow<'a, str>,
}

/// A digest that a destination gave, to be told to another machine.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Given {
    /// `SERVER ENTITY/PROJECT`.
    pub to: String,
    /// To what.
    pub what: String,
    /// The digest.
    pub digest: String,
}

/// All digests that are known in a folder, the last of each.
pub fn given(folder: &Path) -> Result<Vec<Given>> {
    let mut last = BTreeMap::new();
    lines::each(&folder.join(FILE), |line| {
        if let Ok(Given { to, what, digest }) = serde_json::from_slice(line) {
            last.insert((to, what), digest);
        }
        Ok(())
    })?;
    Ok(last.into_iter().map(|((to, what), digest)| Given { to, what, digest }).collect())
}

/// Adds digests that another machine was given, where nothing is known here; on the disk when this returns.
pub fn take_over(folder: &Path, told: &[Given], access: Access) -> Result<()> {
    let known: HashSet<(String, String)> =
        given(folder)?.into_iter().map(|Given { to, what, .. }| (to, what)).collect();
    let mut text = String::new();
    for Given { to, what, digest } in told {
        if !known.contains(&(to.clone(), what.clone())) {
            text.push_str(&serde_json::json!({ "to": to, "what": what, "digest": digest }).to_string());
            text.push('\n');
        }
    }
    match text.is_empty() {
        true => Ok(()),
        false => Appender::new(folder.join(FILE), access).append(text.as_bytes()),
    }
}

/// The digests that one destination gave to the things of one recorded project.
pub(in crate::sync) struct Learned {
    log: Appender,
    to: String,
    /// From what a reference says after the project, such as `object/NAME:DIGEST`, to the server's digest.
    digests: HashMap<Box<str>, Box<str>>,
}

impl Learned {
    /// Loads what earlier syncs to the same destination learned. `folder` need not exist.
    pub(in crate::sync) fn load(folder: &Path, to: &str, access: Access) -> Result<Learned> {
        let path = folder.join(FILE);
        // A project's name may hold spaces, and an address may not.
        let project = |to: &str| to.split_once(' ').map_or(to, |(_, project)| project).to_owned();
        let (mut digests, mut elsewhere) = (HashMap::new(), HashMap::new());
        lines::each(&path, |line| {
            if let Ok(Line { to: of, what, digest }) = serde_json::from_slice(line) {
                if of == to {
                    digests.insert(what.into(), digest.into());
                } else if project(&of) == project(to) {
                    elsewhere.insert(what.into(), digest.into());
                }
            }
            Ok(())
        })?;
        elsewhere.extend(digests);
        let digests = elsewhere;
        Ok(Learned { log: Appender::new(path, access), to: to.to_owned(), digests })
    }

    /// The server's digest of a thing, where it is another than the recorded one.
    pub(in crate::sync) fn get(&self, what: &str) -> Option<&str> {
        self.digests.get(what).map(AsRef::as_ref)
    }

    pub(in crate::sync) fn is_empty(&self) -> bool {
        self.digests.is_empty()
    }

    /// Notes the server's digests of things: pairs of the kind, a `/` and the name that ends with the recorded digest,
    /// and the server's digest. What is known already is not noted again.
    pub(in crate::sync) fn learn<'a>(
        &mut self,
        things: impl IntoIterator<Item = (String, &'a str, &'a str)>,
    ) -> Result<()> {
        let mut lines = String::new();
        let mut fresh = Vec::new();
        for (what, recorded, digest) in things {
            if self.get(&what).unwrap_or(recorded) == digest {
                continue;
            }
            let line = serde_json::json!({ "to": self.to, "what": what, "digest": digest });
            lines.push_str(&line.to_string());
            lines.push('\n');
            fresh.push((what, digest));
        }
        if fresh.is_empty() {
            return Ok(());
        }
        self.log.write(lines.as_bytes())?;
        self.digests.extend(fresh.into_iter().map(|(what, digest)| (what.into(), digest.into())));
        Ok(())
    }

    /// Makes what was noted durable. Whoever counts a record as sent does this before.
    pub(in crate::sync) fn persist(&mut self) -> Result<()> {
        self.log.sync()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn load(folder: &Path, to: &str) -> Learned {
        Learned::load(folder, to, Access::Owner).unwrap()
    }

    fn learn(learned: &mut Learned, what: &str, recorded: &str, digest: &str) {
        learned.learn([(what.to_owned(), recorded, digest)]).unwrap();
        learned.persist().unwrap();
    }

    #[test]
    fn what_was_learned_is_known_to_a_later_sync_to_the_same_destination_alone() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().join(".sync");
        learn(&mut load(&folder, "http://x team/a"), "object/n:d1", "d1", "d2");
        assert_eq!(load(&folder, "http://x team/a").get("object/n:d1"), Some("d2"));
        assert_eq!(load(&folder, "http://x team/b").get("object/n:d1"), None);
        assert_eq!(std::fs::metadata(folder.join(FILE)).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(std::fs::metadata(folder).unwrap().permissions().mode() & 0o777, 0o700);
    }

    #[test]
    fn what_a_server_gave_at_its_former_address_holds_until_the_one_at_the_new_address_gives_another() {
        let folder = tempfile::tempdir().unwrap();
        learn(&mut load(folder.path(), "http://x team/a"), "object/n:d1", "d1", "d2");
        let mut moved = load(folder.path(), "http://y team/a");
        assert_eq!(moved.get("object/n:d1"), Some("d2"));
        learn(&mut moved, "object/n:d1", "d1", "d1");
        assert_eq!(load(folder.path(), "http://y team/a").get("object/n:d1"), Some("d1"));
        assert_eq!(load(folder.path(), "http://x team/a").get("object/n:d1"), Some("d2"));
    }

    #[test]
    fn projects_whose_names_end_alike_behind_a_space_are_told_apart() {
        let folder = tempfile::tempdir().unwrap();
        learn(&mut load(folder.path(), "http://x team/my project"), "object/n:d1", "d1", "d2");
        assert_eq!(load(folder.path(), "http://x team/your project").get("object/n:d1"), None);
        assert_eq!(load(folder.path(), "http://y team/my project").get("object/n:d1"), Some("d2"));
    }

    #[test]
    fn a_digest_that_is_as_recorded_or_known_is_not_written() {
        let folder = tempfile::tempdir().unwrap();
        let mut learned = load(folder.path(), "to");
        learn(&mut learned, "object/n:d1", "d1", "d1");
        assert!(!folder.path().join(FILE).exists() && learned.is_empty());
        learn(&mut learned, "object/n:d1", "d1", "d2");
        learn(&mut load(folder.path(), "to"), "object/n:d1", "d1", "d2");
        assert_eq!(std::fs::read_to_string(folder.path().join(FILE)).unwrap().lines().count(), 1);
    }

    #[test]
    fn what_another_machine_was_given_is_known_unless_something_is_known_here() {
        let (there, here) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        learn(&mut load(there.path(), "to"), "table/a", "a", "a2");
        learn(&mut load(there.path(), "to"), "table/b", "b", "b2");
        learn(&mut load(here.path(), "to"), "table/b", "b", "b3");
        let given = given(there.path()).unwrap();
        (0..2).for_each(|_| take_over(here.path(), &given, Access::Owner).unwrap());
        let learned = load(here.path(), "to");
        assert_eq!((learned.get("table/a"), learned.get("table/b")), (Some("a2"), Some("b3")));
        assert_eq!(std::fs::read_to_string(here.path().join(FILE)).unwrap().lines().count(), 2);
    }

    #[test]
    fn the_last_line_about_a_thing_counts() {
        let folder = tempfile::tempdir().unwrap();
        let mut learned = load(folder.path(), "to");
        learn(&mut learned, "table/t", "t", "t2");
        learn(&mut learned, "table/t", "t", "t");
        assert_eq!(load(folder.path(), "to").get("table/t"), Some("t"));
    }

    #[test]
    fn a_torn_line_costs_only_itself() {
        let folder = tempfile::tempdir().unwrap();
        let mut learned = load(folder.path(), "to");
        learn(&mut learned, "table/a", "a", "a2");
        learn(&mut learned, "table/b", "b", "b2");
        let path = folder.path().join(FILE);
        let whole = std::fs::read(&path).unwrap();
        std::fs::write(&path, &whole[..whole.len() - 5]).unwrap();
        let mut later = load(folder.path(), "to");
        assert_eq!((later.get("table/a"), later.get("table/b")), (Some("a2"), None));
        learn(&mut later, "table/c", "c", "c2");
        let last = load(folder.path(), "to");
        assert_eq!((last.get("table/a"), last.get("table/b"), last.get("table/c")), (Some("a2"), None, Some("c2")));
    }
}
