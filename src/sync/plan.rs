//! What a sync would send now, found as it sends: the same files, the same records, the same pairs of starts and ends.
//! Nothing is sent, and nothing is noted but what a sync notes before it begins.
//!
//! What only the server can say is taken as the usual case: it refuses nothing, and has the calls that updates are about
//! when they are not among those that wait here.

use super::kept::open_calls::OpenCalls;
use super::kept::progress::Progress;
use super::kept::rejected::Rejected;
use super::line::{parse, IdKey, Parsed};
use super::results::Counted;
use super::run::{begin, Begun, Request};
use super::send::calls::id_of_part;
use super::send::objects;
use super::send::pairs::{Bounds, Pairs, Part};
use super::send::parts::of_part;
use super::send::pending::Pending;
use super::send::sender::text_of;
use super::snapshot::Snapshot;
use super::targets::Targets;
use crate::error::Result;
use crate::record::kind::RecordType;
use crate::record::time::Timestamp;
use crate::store::file_record::{FileRecord, FOLDERS};
use crate::store::layout::{Access, ProjectDir};
use std::collections::{BTreeMap, HashSet};

/// What a sync would send of a project.
#[derive(Debug)]
pub struct Planned {
    /// The project as recorded.
    pub project: String,
    /// The entity to which it would go; `None` for the account's default, which only the server knows.
    pub entity: Option<String>,
    /// The project there.
    pub to: String,
    /// By what it counts as.
    pub amounts: BTreeMap<Counted, Amount>,
    /// Parts of calls that wait for their other halves.
    pub waiting: u64,
    /// Lines that cannot be read and would be set aside.
    pub unreadable: u64,
}

/// Records to be sent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Amount {
    /// How many: a start and its end are one.
    pub records: u64,
    /// The bytes of their lines, or of the files.
    pub bytes: u64,
}

/// Looks at what waits. Like a sync it holds the directory's lock, and takes over what programs that are gone left.
pub fn plan(request: &Request<'_>) -> Result<Vec<Planned>> {
    let Begun { directory, all, pending } = begin(request, &request.stop)?;
    let pending: Vec<&ProjectDir> = pending.iter().collect();
    let targets = Targets::given(&request.choices, request.environment, &all, &pending)?;
    let snapshots = Snapshot::take(request.offline_dir, &pending)?;
    let mut planned = Vec::new();
    for (dir, snapshot) in pending.into_iter().zip(snapshots) {
        let (entity, to) = targets.known(dir);
        let project = dir.name();
        let mut of = Planned { project, entity, to, amounts: BTreeMap::new(), waiting: 0, unreadable: 0 };
        let mut look = Look::new(request, dir, snapshot?, directory.access(), &mut of)?;
        look.at_all()?;
        planned.push(of);
    }
    Ok(planned)
}

struct Look<'a> {
    request: &'a Request<'a>,
    dir: &'a ProjectDir,
    snapshot: Snapshot,
    access: Access,
    progress: Progress,
    rejected: Rejected,
    of: &'a mut Planned,
}

impl<'a> Look<'a> {
    fn new(
        request: &'a Request<'a>,
        dir: &'a ProjectDir,
        snapshot: Snapshot,
        access: Access,
        of: &'a mut Planned,
    ) -> Result<Look<'a>> {
        let (progress, rejected) = (Progress::open(dir, access)?, Rejected::open(dir, access)?);
        Ok(Look { request, dir, snapshot, access, progress, rejected, of })
    }

    fn at_all(&mut self) -> Result<()> {
        for folder in FOLDERS {
            self.at_records(folder, |look, line| {
                let record: Option<FileRecord> = serde_json::from_str(line.data).ok();
                let body = record.as_ref().and_then(FileRecord::kept_as).map(|name| look.dir.file_body(name));
                let bytes = body.and_then(|body| body.metadata().ok()).map_or(0, |about| about.len());
                Some((Counted::Files, bytes))
            })?;
        }
        for (folder, what) in objects::FOLDERS {
            self.at_records(folder, |_, line| Some((what, line.data.len() as u64)))?;
        }
        self.at_calls()?;
        self.at_records("feedback", |_, line| Some((Counted::Feedback, line.data.len() as u64)))?;
        self.at_records("metadata", |_, line| match line.record_type {
            Some(RecordType::CostCreate) => Some((Counted::Costs, line.data.len() as u64)),
            _ => None,
        })
    }

    fn pending(&self, folder: &str) -> Pending {
        Pending::open(folder, &self.snapshot, &self.progress, &self.rejected)
    }

    fn at_records(
        &mut self,
        folder: &str,
        amount: impl Fn(&Self, &Parsed<'_>) -> Option<(Counted, u64)>,
    ) -> Result<()> {
        let mut pending = self.pending(folder);
        while pending.advance()?.is_some() {
            let (line, own) = pending.line();
            match parse(line, own) {
                Ok(line) => amount(self, &line).into_iter().for_each(|(what, bytes)| self.add(what, bytes)),
                Err(_) => self.of.unreadable += 1,
            }
        }
        Ok(())
    }

    fn at_calls(&mut self) -> Result<()> {
        let (mut pending, mut pairs) = (self.pending("calls"), Pairs::new(Bounds::USUAL));
        let open = OpenCalls::open(self.dir, self.access)?;
        let (mut is_first_pass, mut ending) = (true, HashSet::new());
        loop {
            while let Some(place) = pending.advance()? {
                let (line, own) = pending.line();
                let parsed = parse(line, own);
                let is_start = match &parsed {
                    Ok(Parsed { record_type: Some(RecordType::CallStart), .. }) => true,
                    Ok(Parsed { record_type: Some(RecordType::CallEnd), .. }) => false,
                    _ if !is_first_pass => continue,
                    Ok(Parsed { record_type: Some(RecordType::CallComplete), data, .. }) => {
                        self.add(Counted::Calls, data.len() as u64);
                        continue;
                    }
                    Ok(Parsed { record_type: Some(RecordType::CallUpdate), data, .. }) => {
                        self.add(Counted::CallUpdates, data.len() as u64);
                        continue;
                    }
                    _ => {
                        self.of.unreadable += 1;
                        continue;
                    }
                };
                let Ok(id) = parsed.and_then(|parsed| id_of_part(parsed.data, is_start)) else {
                    self.of.unreadable += u64::from(is_first_pass);
                    continue;
                };
                let key = IdKey::of(&id);
                if !pairs.takes(key) {
                    continue;
                }
                if open.contains(&id) {
                    self.add(Counted::Calls, line.len() as u64);
                    ending.insert(key);
                    continue;
                }
                let length = line.len() as u64;
                match pairs.other(key, is_start) {
                    Some(other) => {
                        let others = pending.fetch(other.place)?.map_or(0, |line| line.len() as u64);
                        self.add(Counted::Calls, length + others);
                    }
                    None => {
                        let line = Some(line.to_vec().into_boxed_slice());
                        let writer = pending.writer(place);
                        pairs.keep(key, Part { place, is_start, own, writer, line });
                    }
                }
            }
            for (_, part) in pairs.left() {
                self.at_part(&mut pending, &part)?;
            }
            pending.rewind();
            is_first_pass = false;
            if !pairs.next_pass() {
                break;
            }
        }
        if self.request.choices.close_orphans {
            open.each(|id, call| {
                let is_gone = call.writer().is_some_and(|writer| self.snapshot.is_gone(&writer));
                if is_gone && !ending.contains(&IdKey::of(id)) {
                    self.add(Counted::Calls, 0);
                }
                Ok(())
            })?;
        }
        Ok(())
    }

    /// A start or an end that has found no other half.
    fn at_part(&mut self, pending: &mut Pending, part: &Part) -> Result<()> {
        let Some(line) = pending.fetch(part.place)? else { return Ok(()) };
        let fields = parse(&line, part.own).and_then(|parsed| of_part(parsed.data, part.is_start));
        let Ok(fields) = fields else {
            self.of.unreadable += 1;
            return Ok(());
        };
        let started = text_of(&fields, "started_at").and_then(|at| Timestamp::parse(&at, "started_at").ok());
        let is_young = started.is_some_and(|started| started.micros() > self.request.choices.young_since());
        match part.is_start && (part.writer.is_gone || !is_young) {
            true => self.add(Counted::Calls, line.len() as u64),
            false => self.of.waiting += 1,
        }
        Ok(())
    }

    fn add(&mut self, what: Counted, bytes: u64) {
        let amount = self.of.amounts.entry(what).or_default();
        amount.records += 1;
        amount.bytes += bytes;
    }
}
