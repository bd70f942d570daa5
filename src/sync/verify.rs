//! Asking the server for everything that receipts say it has, and putting back what it does not.
//!
//! Receipts of another server than the one that is asked are passed over, and told. What lies in two synced files, because
//! it was put back once, is asked for by both receipts, and not put back a second time.

mod found;

use super::kept::directory::{access_of, choose, Directory};
use super::kept::put_back::{Done, PutBack, Sought};
use super::kept::receipt_ids::Namer;
use super::kept::receipts::{self, Header, Receipt};
use super::lookup::{Known, Lookup, MOST_IDS};
use super::price;
use super::server::connection::{Connection, Destination};
use super::server::environment::Environment;
use super::server::failure::{Failure, FailureKind};
use super::server::retry::Retry;
use super::server::stop::Stop;
use super::server::transport::Transport;
use super::Update;
use crate::error::{Result, Status};
use crate::record::digest::bytes_digest;
use crate::record::kind::Kind;
use crate::store::layout::{self, Access, ProjectDir};
pub use found::{Asked, Outcome};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::path::Path;
use std::time::Duration;

/// What to verify.
pub struct Verification<'a> {
    /// The offline directory.
    pub offline_dir: &'a Path,
    /// Only these projects, as for a sync; none means all.
    pub projects: &'a [&'a str],
    /// How to reach the server.
    pub connection: &'a Connection,
    /// Where what is not given is looked up.
    pub environment: &'a Environment,
    /// The way to stop it from another thread.
    pub stop: Stop,
    /// Whether what is missing is put back to be sent again.
    pub put_back: bool,
}

/// Something that the server does not have.
#[derive(Debug, Clone, Copy)]
pub struct Missing<'a> {
    /// The project as recorded.
    pub project: &'a str,
    /// What it is.
    pub kind: Asked,
    /// Its id as it stands in the receipt.
    pub id: &'a str,
    /// The data file that it was in, as it was called while pending.
    pub file: &'a str,
    /// Whether the server had it once: somebody has deleted it there. It is not put back.
    pub deleted: bool,
}

/// Verifies. `report` hears after each question how many of a kind were found (`synced`) and how many not (`errors`), and
/// ends it by answering false; `missing` hears of everything that the server does not have.
///
/// An error means that nothing was asked; what went wrong later stands in the outcome.
pub fn run(
    request: &Verification<'_>,
    report: &mut dyn FnMut(&Update<'_>) -> bool,
    missing: &mut dyn FnMut(&Missing<'_>),
) -> Result<Outcome> {
    layout::check_exists(request.offline_dir)?;
    // Only putting back changes anything. Receipts are whole as soon as they have their names.
    let lock = || Directory::lock(request.offline_dir, Duration::ZERO, &request.stop);
    let _directory = request.put_back.then(lock).transpose()?;
    let access = access_of(request.offline_dir);
    let projects = choose(layout::projects(request.offline_dir)?, request.projects)?;
    let mut outcome = Outcome::default();
    let mut verified = Vec::new();
    for project in projects {
        let receipts = receipts::all(&project)?;
        without_receipt(&project, &mut outcome)?;
        if !receipts.is_empty() {
            verified.push((project, receipts));
        }
    }
    if verified.is_empty() {
        return Ok(outcome);
    }
    let destination = request.connection.resolve(request.environment)?;
    let transport = Transport::new(&destination, &request.stop)?;
    let mut run = Run { request, access, destination, transport, outcome, report, missing };
    for (project, receipts) in &verified {
        if let Err(error) = run.project(project, receipts) {
            match error.status() {
                Status::Network | Status::Unauthorized | Status::Server | Status::Cancelled | Status::NoSpace => {
                    run.outcome.stopped = Some(error);
                    break;
                }
                _ => run.outcome.note(format!("{}: {error}", project.name())),
            }
        }
    }
    Ok(run.outcome)
}

/// Tells of synced files of which nothing says what was in them.
fn without_receipt(project: &ProjectDir, outcome: &mut Outcome) -> Result<()> {
    let mut count = 0;
    for kind in Kind::ALL {
        let files = layout::data_files(&project.kind(kind))?.into_iter().filter(|file| file.synced);
        count += files.filter(|file| !receipts::path_of(project, kind.folder(), file).exists()).count();
    }
    if count > 0 {
        outcome.note(format!("{}: {count} synced files have no receipt, and were not verified", project.name()));
    }
    Ok(())
}

struct Run<'a> {
    request: &'a Verification<'a>,
    access: Access,
    destination: Destination,
    transport: Transport,
    outcome: Outcome,
    report: &'a mut dyn FnMut(&Update<'_>) -> bool,
    missing: &'a mut dyn FnMut(&Missing<'_>),
}

impl Run<'_> {
    fn project(&mut self, project: &ProjectDir, receipts: &[std::path::PathBuf]) -> Result<()> {
        self.outcome.begin(&project.name());
        let mut put_back = match self.request.put_back {
            true => Some(PutBack::open(project, self.access)?),
            false => None,
        };
        let mut open = BTreeSet::new();
        for path in receipts {
            match Receipt::open(path) {
                Ok(receipt) if receipt.header.server != self.transport.traces().as_str() => {
                    let server = &receipt.header.server;
                    self.outcome.note(format!(
                        "{}: there are receipts of {server}, which was not asked; give its address to verify them",
                        project.name()
                    ));
                }
                Ok(receipt) => self.receipt(project, receipt, &mut put_back, &mut open)?,
                Err(error) => self.outcome.note(error.text().to_string()),
            }
        }
        Ok(())
    }

    fn receipt(
        &mut self,
        project: &ProjectDir,
        mut receipt: Receipt,
        put_back: &mut Option<PutBack<'_>>,
        open: &mut BTreeSet<String>,
    ) -> Result<()> {
        let Header { to, file, elsewhere, .. } = receipt.header.clone();
        if elsewhere > 0 {
            let name = project.name();
            self.outcome.note(format!(
                "{name}: {elsewhere} records of {file} went to another destination, and were not verified"
            ));
        }
        let folder = file.split_once('/').map_or("", |(folder, _)| folder).to_string();
        if !open.contains(&to) {
            self.lookup(&to, |lookup| lookup.check_open())?;
            open.insert(to.clone());
        }
        let mut sought = Sought::default();
        let mut waiting: BTreeMap<Asked, Vec<String>> = BTreeMap::new();
        let recorded = project.name();
        loop {
            let ids = match receipt.next_ids() {
                Ok(ids) => ids,
                Err(error) => {
                    self.outcome.note(error.text().to_string());
                    None
                }
            };
            let is_end = ids.is_none();
            for id in ids.into_iter().flatten() {
                match id {
                    Some(id) => waiting.entry(Asked::of(&folder, &id)).or_default().push(id),
                    None => self.outcome.not_asked += 1,
                }
            }
            for (kind, ids) in &mut waiting {
                while ids.len() >= MOST_IDS || (is_end && !ids.is_empty()) {
                    let some: Vec<String> = ids.drain(..ids.len().min(MOST_IDS)).collect();
                    self.ask((&recorded, &file), &to, *kind, &some, &mut sought)?;
                }
            }
            if is_end {
                break;
            }
        }
        match put_back {
            Some(put_back) if !sought.is_empty() => self.put_back(project, &receipt, put_back, &sought),
            _ => Ok(()),
        }
    }

    /// Asks for ids of one kind, and counts.
    fn ask(
        &mut self,
        (project, file): (&str, &str),
        to: &str,
        kind: Asked,
        ids: &[String],
        sought: &mut Sought,
    ) -> Result<()> {
        // An empty file cannot be read back from every server (protocol, section 6.5).
        let empty = format!("file/{}", bytes_digest(b""));
        let ids: Vec<&str> = ids.iter().map(String::as_str).filter(|id| *id != empty).collect();
        let known = self.lookup(to, |lookup| known(lookup, kind, &ids))?;
        for (id, known) in ids.iter().zip(known) {
            if known == Known::Late {
                let limit = "the time that a body may take (10 times http_timeout, or once in silence)";
                self.outcome.note(format!("{project}: {id} did not come within {limit}, and was not verified"));
                continue;
            }
            self.outcome.count(project, kind, known == Known::Found);
            if known == Known::Found {
                continue;
            }
            let deleted = known == Known::Deleted;
            (self.missing)(&Missing { project, kind, id, file, deleted });
            let end = if deleted { " (deleted on the server)" } else { "" };
            self.outcome.name_missing(format!("{project} {} {id}{end}", kind.name()));
            if !deleted {
                sought.add(id);
            }
        }
        let (found, asked) = self.outcome.counts_of(project, kind);
        // The stop is the caller's, and perhaps others' too: it is not asked for here.
        let goes_on =
            (self.report)(&Update { project, kind: kind.name(), synced: found, errors: asked - found, records: asked });
        match !goes_on || self.request.stop.is_due() {
            true => Err(Failure::new(FailureKind::Cancelled, "verification", "").into()),
            false => Ok(()),
        }
    }

    fn put_back(
        &mut self,
        project: &ProjectDir,
        receipt: &Receipt,
        put_back: &mut PutBack<'_>,
        sought: &Sought,
    ) -> Result<()> {
        let (header, name) = (&receipt.header, project.name());
        let namer = Namer::new(project, &header.server, &header.to, self.access)?;
        match put_back.take(&header.file, sought, &namer)? {
            Some(Done { put_back: 0, before: 0 }) => {
                self.outcome.note(format!("{name}: {} does not hold what is missing of it", header.file));
            }
            Some(Done { put_back, before }) => {
                self.outcome.put_back += put_back;
                if before > 0 {
                    let file = &header.file;
                    self.outcome.note(format!("{name}: {before} of {file} were put back before, and are not again"));
                }
            }
            None => {
                self.outcome.note(format!("{name}: {} is deleted, and nothing of it can be put back", header.file));
            }
        }
        Ok(())
    }

    fn lookup<T>(&self, to: &str, ask: impl FnOnce(&Lookup<'_>) -> Result<T>) -> Result<T> {
        let retry = Retry { policy: &self.destination.retry, stop: &self.request.stop };
        ask(&Lookup { transport: &self.transport, retry, project: to })
    }
}

/// What the server knows of each id, in their order.
fn known(lookup: &Lookup<'_>, kind: Asked, ids: &[&str]) -> Result<Vec<Known>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let bare: Vec<&str> = ids.iter().map(|id| bare(kind, id)).collect();
    let whether = |found: bool| if found { Known::Found } else { Known::Missing };
    let among = |found: HashSet<String>| bare.iter().map(|id| whether(found.contains(*id))).collect();
    match kind {
        Asked::Calls | Asked::CallEnds => {
            let found = lookup.calls(&bare).map_err(|failure| lookup.told(failure))?;
            let is_there = |id: &str, bare: &str| match found.get(bare) {
                Some(has_ended) => *has_ended || id.starts_with("start/"),
                None => false,
            };
            Ok(ids.iter().zip(&bare).map(|(id, bare)| whether(is_there(id, bare))).collect())
        }
        Asked::Feedback => lookup.feedback(&bare).map(among).map_err(|failure| lookup.told(failure)),
        Asked::Costs => {
            let mut of_models = HashMap::new();
            let is_there = |prices: &&str| {
                let prices = serde_json::from_str(prices).unwrap_or_default();
                price::are_there(&prices, &mut of_models, |model| lookup.prices(model)).map(whether)
            };
            bare.iter().map(is_there).collect::<std::result::Result<_, _>>().map_err(|failure| lookup.told(failure))
        }
        Asked::Tables => lookup.tables(&bare).map(among),
        Asked::Files => bare.iter().map(|digest| lookup.file(digest)).collect(),
        Asked::Ops | Asked::Objects => bare
            .iter()
            .map(|id| {
                let (name, digest) = id.rsplit_once(':').unwrap_or((id, ""));
                lookup.object(name, digest)
            })
            .collect(),
    }
}

/// An id without the form in front.
fn bare(kind: Asked, id: &str) -> &str {
    match kind {
        Asked::Feedback => id,
        _ => id.split_once('/').map_or(id, |(_, bare)| bare),
    }
}
