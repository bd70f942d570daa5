//! Whether data files can be read: every member inflated, its checksum and its lines checked, on all cores.

use super::{mend, on_all_cores, Check, Finding, Problem, Tell};
use crate::error::{Result, Status};
use crate::store::damaged;
use crate::store::hop::Members;
use crate::store::layout::{self, DataFile, ProjectDir};
use crate::store::lock;
use crate::store::member;
use crate::store::reader::Reader;
use crate::sync::kept::progress;
use crate::sync::kept::receipts::{self, Header};
use sha2::{Digest, Sha256};
use std::collections::HashSet;
use std::fs;
use std::ops::Range;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// What a program has just made is not torn but under way.
const GRACE: Duration = Duration::from_secs(10);

/// A byte of deflate makes at most so many: a header that says more lies.
const LARGEST_RATIO: u64 = 1032;

/// So many empty lines can stand for records that are lost. No member has as many; a header that says more lies.
const MOST_EMPTY: u32 = 1 << 18;

/// A data file and where it belongs.
pub(super) struct Source<'p> {
    pub(super) project: &'p ProjectDir,
    pub(super) folder: &'static str,
    pub(super) file: DataFile,
}

/// What stands in a data file, in the order and with the numbers by which a sync reads it.
#[derive(Default)]
pub(super) struct Content {
    /// How long it was.
    pub(super) length: u64,
    /// The members of this library that stand one behind the other from the beginning on.
    pub(super) members: Vec<Piece>,
    /// What follows them.
    pub(super) tail: Tail,
    /// Where that begins.
    pub(super) end: u64,
    /// Intact members that no reader comes to, because of what stands before them.
    pub(super) behind: Vec<Piece>,
    /// What stands between these, begins as gzip, and is no member of this library: one whose header is damaged.
    pub(super) between: Vec<Part>,
    /// A member tells of other lines before it than stand there. Nobody asks that of a file that was sent.
    is_misplaced: bool,
    /// Why it is not as its receipt says.
    misfit: Option<String>,
}

/// A part of a file that is read as one stream.
pub(super) struct Part {
    pub(super) bytes: Range<u64>,
    /// How many lines of it are JSON.
    lines: u64,
}

/// A member.
pub(super) struct Piece {
    pub(super) at: u64,
    pub(super) header: member::Header,
    pub(super) state: State,
    /// How many records are in it; 0 when it is damaged.
    lines: u64,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    Whole,
    /// It does not inflate to what its checksum says; readers pass over it, and count its records.
    Damaged,
    /// It is intact, and has another number of lines than it says.
    Miscounted,
}

/// What follows the members of this library.
#[derive(Default)]
pub(super) enum Tail {
    #[default]
    Nothing,
    /// A member that was cut short, or space that was never written.
    Torn,
    /// Bytes that are nothing.
    Garbage,
    /// Lines of another writer, or without compression.
    Lines {
        /// How many.
        count: u64,
        /// The numbers, within these, of those that are no JSON.
        bad: Vec<u64>,
        /// What keeps the rest from being read.
        damage: Option<String>,
    },
}

impl Content {
    /// The records that can be read, and those that cannot, as far as these are known.
    pub(super) fn records(&self) -> (u64, u64) {
        let whole: u64 = self.members.iter().chain(&self.behind).map(|piece| piece.lines).sum::<u64>()
            + self.between.iter().map(|part| part.lines).sum::<u64>();
        let damaged = self.members.iter().filter(|piece| piece.state == State::Damaged);
        let lost: u64 = damaged.map(|piece| u64::from(piece.header.records)).sum();
        let (lines, bad) = match &self.tail {
            Tail::Lines { count, bad, .. } => (*count - bad.len() as u64, bad.len() as u64),
            _ => (0, 0),
        };
        (whole + lines, lost + bad)
    }

    fn has_damage(&self) -> bool {
        let is_torn = matches!(self.tail, Tail::Garbage | Tail::Lines { damage: Some(_), .. });
        is_torn
            || self.is_misplaced
            || !self.behind.is_empty()
            || !self.between.is_empty()
            || self.members.iter().any(|piece| piece.state != State::Whole)
    }

    /// What is wrong with it, and how to say so.
    fn problem(&self, file: &DataFile) -> Option<(Problem, String)> {
        let (whole, lost) = self.records();
        if self.has_damage() {
            let damaged = self.members.iter().filter(|piece| piece.state != State::Whole).count();
            let mut told = Vec::new();
            if damaged > 0 {
                let are = if damaged == 1 { "is" } else { "are" };
                told.push(format!("{damaged} of its {} parts {are} damaged", self.members.len()));
            }
            if self.is_misplaced {
                told.push("one of its parts tells of other lines before it than stand there".to_string());
            }
            match &self.tail {
                Tail::Garbage | Tail::Torn => told.push(format!("nothing can be read at byte {}", self.end)),
                Tail::Lines { damage: Some(damage), .. } => told.push(damage.clone()),
                _ => {}
            }
            let more = if lost > 0 { format!(", {lost} cannot") } else { String::new() };
            return Some((Problem::Damaged, format!("{}; {whole} records can be read{more}", told.join(", "))));
        }
        match &self.tail {
            Tail::Torn => Some((
                Problem::Torn,
                format!("its end is torn at byte {}; records that stand before it: {whole}", self.end),
            )),
            Tail::Lines { bad, .. } if !bad.is_empty() => {
                Some((Problem::NotRecords, format!("{} of its {} lines are no JSON", bad.len(), whole + lost)))
            }
            Tail::Nothing if self.length == 0 && file.compressed => Some((Problem::Torn, "it is empty".to_string())),
            _ => None,
        }
    }
}

/// Looks at every data file.
pub(super) fn check(check: &mut Check, projects: &[ProjectDir], tell: &Tell<'_>) -> Result<()> {
    let mut sources = Vec::new();
    for project in projects {
        for folder in crate::sync::snapshot::FOLDERS {
            let files = layout::data_files(&project.path.join(folder))?;
            sources.extend(files.into_iter().map(|file| Source { project, folder, file }));
        }
    }
    let looked = look_at_all(&check.root, &sources, tell);
    for (source, looked) in sources.iter().zip(looked) {
        match looked {
            Ok(None) => {} // sent or deleted meanwhile
            Ok(Some(content)) => one(check, source, &content)?,
            Err(error) => {
                let finding = Finding::new(Problem::Damaged, &source.file.path, error.text());
                check.found(finding, || Err(error));
            }
        }
    }
    Ok(())
}

fn one(check: &mut Check, source: &Source<'_>, content: &Content) -> Result<()> {
    let path = &source.file.path;
    let (whole, lost) = content.records();
    check.report.files += 1;
    check.report.records += whole;
    let Some((problem, text)) = content.problem(&source.file) else {
        content.misfit.iter().for_each(|text| misfit(check, path, text));
        return Ok(());
    };
    if check.may_be_under_way(path, GRACE) {
        return Ok(());
    }
    if lock::is_held(path) {
        // The end of a file that grows is being written.
        if problem != Problem::Torn {
            let finding = Finding::new(problem, path, format!("{text}; a program is writing it"));
            check.found(Finding { saved: whole, lost, ..finding }, || Err(super::changed(path)));
        }
        return Ok(());
    }
    let known = server_has(source, content)?;
    let text = if known > 0 { format!("{text}; the server has {known} of these") } else { text };
    let finding = Finding { saved: whole, lost, ..Finding::new(problem, path, &text) };
    let (root, access) = (check.root.clone(), check.access);
    check.found(finding, || mend::mend(&root, access, source, content, &text));
    Ok(())
}

/// How many of the records that cannot be read were acknowledged.
fn server_has(source: &Source<'_>, content: &Content) -> Result<u64> {
    if source.file.synced {
        return Ok(content.records().1);
    }
    let name = source.file.path.file_name().unwrap_or_default().to_string_lossy();
    let Some(acknowledged) = progress::read(source.project)?.remove(&format!("{}/{name}", source.folder)) else {
        return Ok(0);
    };
    let (mut first, mut known) = (0, 0);
    for piece in &content.members {
        let behind = first + u64::from(piece.header.records);
        if piece.state == State::Damaged {
            known += acknowledged.count_below(behind) - acknowledged.count_below(first);
        }
        first = behind;
    }
    Ok(known)
}

/// A synced file that is not as its receipt says.
fn misfit(check: &mut Check, path: &Path, text: &str) {
    let (root, access) = (check.root.clone(), check.access);
    check.found(Finding::new(Problem::Receipt, path, text), || {
        damaged::set_aside(&root, path, 0, text, access)?;
        Ok("a copy is set aside; file and receipt stay as they are".to_string())
    });
}

/// Why a synced file is not as its receipt says; `None` if it is, or if a copy that was set aside tells why not.
fn misfit_of(root: &Path, source: &Source<'_>) -> Result<Option<String>> {
    let path = receipts::path_of(source.project, source.folder, &source.file);
    if !source.file.synced || !path.exists() || damaged::is_set_aside(root, &source.file.path) {
        return Ok(None);
    }
    let Ok(receipt) = receipts::Receipt::open(&path) else { return Ok(None) }; // told with what a sync keeps
    let (sha256, bytes) = match receipts::hashed(&source.file.path) {
        Err(_) if !source.file.path.exists() => return Ok(None), // deleted meanwhile
        hashed => hashed?,
    };
    let Header { sha256: noted, bytes: length, .. } = receipt.header;
    Ok(((sha256, bytes) != (noted, length))
        .then(|| format!("it has another digest than its receipt says, and {bytes} bytes where that says {length}")))
}

/// Looks at files on all cores; what was found of each, in their order.
fn look_at_all(root: &Path, sources: &[Source<'_>], tell: &Tell<'_>) -> Vec<Result<Option<Content>>> {
    let all: u64 =
        sources.iter().filter_map(|source| fs::metadata(&source.file.path).ok()).map(|about| about.len()).sum();
    let done = AtomicU64::new(0);
    let advanced = |bytes: u64| {
        let done = done.fetch_add(bytes, Ordering::Relaxed) + bytes;
        tell("data files", done, all);
    };
    on_all_cores(sources, |source| {
        let Some(content) = look_at(&source.file, &advanced)? else { return Ok(None) };
        Ok(Some(Content { misfit: misfit_of(root, source)?, ..content }))
    })
}

/// Looks at one file; `None` if it is not there any more.
pub(super) fn look_at(file: &DataFile, advanced: &dyn Fn(u64)) -> Result<Option<Content>> {
    let Some(mut members) = Members::open(&file.path)? else { return Ok(None) };
    let mut content = Content { length: members.length, ..Content::default() };
    let mut before = 0;
    while let Some((at, header)) = members.next_member()? {
        advanced(u64::from(header.length));
        let (state, lines) = state_of(&members, at, &header)?;
        content.is_misplaced |= !file.synced && header.before.is_some_and(|told| u64::from(told) != before);
        before += u64::from(header.records);
        let follows = members.position();
        if state != State::Whole && !leaves_numbers(&mut members, at, &header)? {
            members.go_to(at);
            content.tail = Tail::Garbage;
            break;
        }
        members.go_to(follows);
        content.members.push(Piece { at, header, state, lines });
    }
    content.end = members.position();
    advanced(content.length - content.end);
    if content.end < content.length && matches!(content.tail, Tail::Nothing) {
        content.tail = tail(file, &members, content.end)?;
    }
    if matches!(content.tail, Tail::Torn | Tail::Garbage | Tail::Lines { damage: Some(_), .. }) {
        content.behind = behind(&mut members)?;
        if matches!(content.tail, Tail::Lines { .. }) && !content.behind.is_empty() {
            leave_out_what_was_read(&file.path, content.end, &mut content.behind)?;
        }
        if !matches!(content.tail, Tail::Lines { .. }) {
            content.between = between(file, &members, &content)?;
        }
    }
    Ok(Some(content))
}

/// The intact members from where nothing can be read on.
fn behind(members: &mut Members) -> Result<Vec<Piece>> {
    let mut found = Vec::new();
    loop {
        while let Some((at, header)) = members.next_member()? {
            let (state, lines) = state_of(members, at, &header)?;
            if state == State::Damaged {
                members.go_to(at); // its length may lie
                break;
            }
            found.push(Piece { at, header, state, lines });
        }
        if !members.find_next()? {
            return Ok(found);
        }
    }
}

/// What can be read as a stream between the members from where nothing can be read on.
fn between(file: &DataFile, members: &Members, content: &Content) -> Result<Vec<Part>> {
    let (mut found, mut from) = (Vec::new(), content.end);
    let pieces = content.behind.iter().map(|piece| piece.at..piece.at + u64::from(piece.header.length));
    for piece in pieces.chain(std::iter::once(content.length..content.length)) {
        let bytes = from..piece.start;
        from = piece.end;
        if bytes.is_empty() || !members.is_gzip(bytes.start)? {
            continue;
        }
        let mut lines = 0;
        each_line(&file.path, &bytes, &mut |_| {
            lines += 1;
            Ok(())
        })?;
        if lines > 0 {
            found.push(Part { bytes, lines });
        }
    }
    Ok(found)
}

/// Gives each line of a part of a file that is JSON.
pub(super) fn each_line(path: &Path, bytes: &Range<u64>, take: &mut dyn FnMut(&[u8]) -> Result<()>) -> Result<()> {
    let mut reader = Reader::open_part(path, bytes.clone())?;
    while reader.advance()?.is_some() {
        if serde_json::from_slice::<serde::de::IgnoredAny>(reader.line()).is_ok() {
            take(reader.line())?;
        }
    }
    Ok(())
}

/// How a member is, and how many records are in it: an empty line stands for one that an earlier repair found lost.
fn state_of(members: &Members, at: u64, header: &member::Header) -> Result<(State, u64)> {
    if u64::from(header.raw_length) > u64::from(header.length) * LARGEST_RATIO {
        return Ok((State::Damaged, 0));
    }
    match members.lines(at, header) {
        Err(error) if error.status() == Status::Io => Ok((State::Damaged, 0)),
        Err(error) => Err(error),
        Ok(lines) => {
            let (mut count, mut filled) = (0, 0);
            for line in lines.split_inclusive(|byte| *byte == b'\n') {
                count += u64::from(line.ends_with(b"\n"));
                filled += u64::from(line != b"\n");
            }
            let is_right = count == u64::from(header.records);
            Ok((if is_right { State::Whole } else { State::Miscounted }, filled))
        }
    }
}

/// Whether a member that is not whole leaves the numbers of what follows it: readers go on behind its length, and count
/// the lines that it says it has.
fn leaves_numbers(members: &mut Members, at: u64, header: &member::Header) -> Result<bool> {
    members.go_to(at);
    let is_over_another = members.find_next()? && members.position() < at + u64::from(header.length);
    Ok(header.records <= MOST_EMPTY && !is_over_another)
}

/// What stands behind the members, as a reader takes it. But what begins a compressed file and is no gzip is no line.
fn tail(file: &DataFile, members: &Members, at: u64) -> Result<Tail> {
    let is_torn = file.compressed && members.is_torn_end(at)?;
    let is_nothing = file.compressed && !members.is_gzip(at)?;
    if is_nothing {
        return Ok(if is_torn { Tail::Torn } else { Tail::Garbage });
    }
    match lines(&file.path, at)? {
        Tail::Lines { count: 0, damage: Some(_), .. } if is_torn => Ok(Tail::Torn),
        Tail::Lines { count: 0, damage: Some(_), .. } if file.compressed => Ok(Tail::Garbage),
        lines => Ok(lines),
    }
}

/// Leaves out the members of which a reader gave every line: it goes through several as one stream, when the header of
/// the first is damaged.
fn leave_out_what_was_read(path: &Path, at: u64, behind: &mut Vec<Piece>) -> Result<()> {
    let Some(members) = Members::open(path)? else { return Ok(()) };
    let hash = |line: &[u8]| Sha256::digest(line).first_chunk::<16>().copied().unwrap_or_default();
    let (mut reader, mut read) = (Reader::open_from(path, at)?, HashSet::new());
    while reader.advance()?.is_some() {
        read.insert(hash(reader.line()));
    }
    let mut left = Vec::new();
    for piece in behind.drain(..) {
        let lines = members.lines(piece.at, &piece.header)?;
        if !lines.split_inclusive(|byte| *byte == b'\n').all(|line| read.contains(&hash(line.trim_ascii_end()))) {
            left.push(piece);
        }
    }
    *behind = left;
    Ok(())
}

fn lines(path: &Path, at: u64) -> Result<Tail> {
    let (mut reader, mut count, mut bad) = (Reader::open_from(path, at)?, 0, Vec::new());
    while reader.advance()?.is_some() {
        let line = reader.line();
        let is_empty = line.iter().all(u8::is_ascii_whitespace);
        if !is_empty && serde_json::from_slice::<serde::de::IgnoredAny>(line).is_err() {
            bad.push(count);
        }
        count += 1;
    }
    let damage = reader.damage().and_then(|damage| damage.rsplit_once(": ")).map(|(_, damage)| damage.to_string());
    Ok(Tail::Lines { count, bad, damage })
}
