//! Looking through an offline directory for what is torn, damaged, left behind or foreign, and putting it in order.
//!
//! A check changes nothing. A repair holds the lock of a sync, packs what dead programs left, and sets aside in
//! `.weave/damaged`, with the reason, a copy of whatever it changes. It keeps two promises: the number of a record that
//! a sync has noted stays the same, so that nothing is taken for sent that was not, or sent twice; and what a living
//! program writes, which it has locked, is never touched.
//!
//! `data` looks at data files and `mend` puts them together again; `journals`, `kept` (`.sync`), `bodies` (the bytes of
//! files) and `strays` (what is left of broken off work, and what is none of the library's) do both for what they own.

mod bodies;
mod data;
mod journals;
mod kept;
mod mend;
mod strays;
#[cfg(test)]
mod tests;

use super::kept::directory::{access_of, Directory};
use super::server::stop::Stop;
use crate::error::{Error, Result};
use crate::store::journal;
use crate::store::layout::{self, Access, LIBRARY_FOLDER};
use crate::store::lock;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Mutex;
use std::thread;
use std::time::{Duration, SystemTime};

/// What may be wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Problem {
    /// A program ended without a flush, and its records are in its journal.
    Left,
    /// The end of a data file was never written whole.
    Torn,
    /// Something in a data file, a receipt or a note cannot be read.
    Damaged,
    /// Lines of a data file are no records.
    NotRecords,
    /// What a sync remembers has lines that cannot be read.
    Memory,
    /// A synced file is not as its receipt says, or the receipt cannot be read.
    Receipt,
    /// The bytes of a file that waits are not there.
    MissingBytes,
    /// The bytes of a file are others than those that were recorded.
    WrongBytes,
    /// Bytes of a file that no record names.
    OrphanBytes,
    /// What is left of work that was broken off.
    Leftover,
    /// Something in the library's own folders that is none of its files.
    Foreign,
}

impl Problem {
    /// A word for it.
    pub fn name(self) -> &'static str {
        match self {
            Problem::Left => "left",
            Problem::Torn => "torn",
            Problem::Damaged => "damaged",
            Problem::NotRecords => "no records",
            Problem::Memory => "sync notes",
            Problem::Receipt => "receipt",
            Problem::MissingBytes => "missing bytes",
            Problem::WrongBytes => "wrong bytes",
            Problem::OrphanBytes => "orphan bytes",
            Problem::Leftover => "leftover",
            Problem::Foreign => "foreign",
        }
    }

    /// What it means for the data.
    pub fn meaning(self) -> &'static str {
        match self {
            Problem::Left => "nothing is lost: the next start or sync packs these records, and so does a repair",
            Problem::Torn => "what stands before it is whole and is sent; what was torn is in the program's journal, or was never promised",
            Problem::Damaged => "what cannot be read is lost, unless the server has it; the file is never marked as sent",
            Problem::NotRecords => "a sync cannot send these lines, and sets them aside as rejected",
            Problem::Memory => "what these lines noted is not known any more; a repair has the server asked before anything is sent that they may have been about",
            Problem::Receipt => "the server has what was sent; weave verify cannot ask for it by this receipt, or not for all of it",
            Problem::MissingBytes => "the record cannot be sent, and keeps its data file from being marked as sent, until the bytes are there again",
            Problem::WrongBytes => "they are not what was logged, and the server would take them under another name",
            Problem::OrphanBytes => "no record needs them: their program died before it logged them, or their record is lost",
            Problem::Leftover => "nothing is lost by it: the work is done again, or was finished otherwise",
            Problem::Foreign => "no sync and no program looks at it",
        }
    }
}

/// Something that is wrong.
#[derive(Debug)]
pub struct Finding {
    /// What.
    pub problem: Problem,
    /// Where.
    pub path: PathBuf,
    /// More exactly.
    pub text: String,
    /// How many records of it can be read.
    pub saved: u64,
    /// How many cannot, as far as that is known.
    pub lost: u64,
    /// What a repair did; `None` when nothing was to be repaired.
    pub repaired: Option<Result<String>>,
}

impl Finding {
    fn new(problem: Problem, path: &Path, text: impl Into<String>) -> Finding {
        Finding { problem, path: path.to_path_buf(), text: text.into(), saved: 0, lost: 0, repaired: None }
    }

    /// Whether it is still there.
    pub fn is_left(&self) -> bool {
        !matches!(self.repaired, Some(Ok(_)))
    }
}

/// What was found.
#[derive(Debug, Default)]
pub struct Report {
    /// What is wrong, or was.
    pub findings: Vec<Finding>,
    /// What is none of the library's and stands beside its folders: nothing is done about that.
    pub beside: Vec<PathBuf>,
    /// Data files that were read.
    pub files: u64,
    /// Records in them that can be read.
    pub records: u64,
}

/// Hears how many bytes of a part were looked at, of how many.
pub type Tell<'t> = dyn Fn(&str, u64, u64) + Sync + 't;

/// Looks through a directory and changes nothing.
pub fn look(root: &Path, tell: &Tell<'_>) -> Result<Report> {
    run(root, None, tell)
}

/// Looks through a directory and puts in order what it finds. Holds the directory's lock.
pub fn repair(root: &Path, tell: &Tell<'_>) -> Result<Report> {
    let directory = Directory::lock(root, Duration::ZERO, &Stop::new())?;
    run(root, Some(&directory), tell)
}

fn run(root: &Path, directory: Option<&Directory>, tell: &Tell<'_>) -> Result<Report> {
    layout::check_exists(root)?;
    let mut check = Check {
        root: root.to_path_buf(),
        access: access_of(root),
        repairs: directory.is_some(),
        is_logged_to: false,
        report: Report::default(),
    };
    // In this order: what is packed is looked at as a data file, what of these is lost is asked for no bytes any more.
    journals::check(&mut check)?;
    let mut projects = Vec::new();
    for project in layout::projects(root)? {
        if project.is_of_library()? {
            projects.push(project);
        }
    }
    strays::finish_rescues(&mut check, &projects)?;
    data::check(&mut check, &projects, tell)?;
    for project in &projects {
        kept::check(&mut check, project)?;
    }
    bodies::check(&mut check, &projects, tell)?;
    strays::check(&mut check, &projects)?;
    Ok(check.report)
}

/// A check under way.
struct Check {
    root: PathBuf,
    access: Access,
    repairs: bool,
    /// Whether a program has the directory open.
    is_logged_to: bool,
    report: Report,
}

impl Check {
    /// Takes a finding, and repairs it when that is wanted. `fix` says what it did.
    fn found(&mut self, mut finding: Finding, fix: impl FnOnce() -> Result<String>) {
        if self.repairs {
            finding.repaired = Some(fix());
        }
        self.report.findings.push(finding);
    }

    /// Whether a living program may be writing what seems unfinished: nothing is said of it then.
    fn may_be_under_way(&self, path: &Path, grace: Duration) -> bool {
        let modified = path.symlink_metadata().and_then(|about| about.modified());
        let age = modified.ok().and_then(|at| SystemTime::now().duration_since(at).ok());
        self.is_logged_to && age.is_none_or(|age| age < grace)
    }

    /// Whether a sync runs: it writes what it keeps at any moment.
    fn is_syncing(&self) -> bool {
        lock::is_held(&self.root.join(LIBRARY_FOLDER).join("sync.lock"))
    }

    /// The projects' files cannot all be known while a dead program's journal is not packed.
    fn is_anything_left(&self) -> bool {
        journal::is_any_left(&self.root).unwrap_or(true)
    }
}

/// Does something with each of some items, on all cores; what came of each, in their order.
fn on_all_cores<T: Sync, R: Send>(items: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let (next, found) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let cores = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        for _ in 0..cores.min(items.len()) {
            scope.spawn(|| loop {
                let place = next.fetch_add(1, Ordering::Relaxed);
                let Some(item) = items.get(place) else { break };
                let done = work(item);
                if let Ok(mut found) = found.lock() {
                    found.push((place, done));
                }
            });
        }
    });
    let mut found = found.into_inner().unwrap_or_default();
    found.sort_by_key(|(place, _)| *place);
    found.into_iter().map(|(_, done)| done).collect()
}

fn changed(path: &Path) -> Error {
    Error::new(crate::error::Status::Busy, format!("{} is in use or has changed meanwhile; try again", path.display()))
}
