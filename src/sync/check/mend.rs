//! Putting a data file together again from what of it is whole.
//!
//! A copy is set aside first. Then `X.mended` is written and takes the file's name. In it each record has the number that
//! it had for whoever read the damaged file: a damaged member leaves as many empty lines, which count as acknowledged.
//! What no reader came to has no number that could be kept. It goes to a data file of its own, `X.rescued` until it gets
//! a name, and is noted as perhaps under way: an earlier sync may have sent it, before the damage, and so the server is
//! asked for it first. While `X.mended` is there, nothing has happened yet, and `X.rescued` counts for nothing; when only
//! `X.rescued` is left, it is still to get its name.

use super::data::{each_line, Content, Piece, Source, State, Tail};
use crate::error::{Error, Result};
use crate::store::hop::Members;
use crate::store::layout::{self, Access, DataFile, ProjectDir};
use crate::store::member::{self, Header, Writer};
use crate::store::reader::Reader;
use crate::store::{damaged, disk, lock};
use crate::sync::kept::lines::Appender;
use serde_json::json;
use std::fs::File;
use std::io::{ErrorKind, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

/// What is mended rarely is packed well.
const LEVEL: i32 = 6;

/// A member is written when it holds this much.
const MEMBER_BYTES: usize = 256 * 1024;

/// What the names of unfinished files end in.
pub(super) const MENDED: &str = "mended";
pub(super) const RESCUED: &str = "rescued";

/// Mends a file; what was done.
pub(super) fn mend(
    root: &Path,
    access: Access,
    source: &Source<'_>,
    content: &Content,
    reason: &str,
) -> Result<String> {
    let file = &source.file;
    let path = file.path.as_path();
    let Some(_held) = lock::try_hold(path)? else { return Err(super::changed(path)) };
    let failed = |cause| Error::io("cannot mend the data file", path, &cause);
    if path.metadata().map_err(failed)?.len() != content.length {
        return Err(super::changed(path));
    }
    let is_cut_alone = matches!(content.tail, Tail::Torn)
        && content.behind.is_empty()
        && content.between.is_empty()
        && content.members.iter().all(|piece| piece.state == State::Whole);
    if is_cut_alone || content.length == 0 {
        if content.length > content.end {
            damaged::set_aside(root, path, content.end, reason, access)?;
        }
        return cut(file, content.end);
    }
    damaged::set_aside(root, path, 0, reason, access)?;
    let mut mended = Output::create(&path.with_extension(MENDED), file.compressed, access)?;
    let mut rescued = None;
    let members = Members::open(path)?.ok_or_else(|| super::changed(path))?;
    for piece in &content.members {
        write_piece(&members, piece, file, &mut mended)?;
    }
    write_tail(path, content, &mut mended)?;
    let is_miscounted = |piece: &&Piece| piece.state == State::Miscounted && !file.synced;
    for piece in content.members.iter().filter(is_miscounted) {
        let out = rescue(&mut rescued, path, access)?;
        out.member(&members.lines(piece.at, &piece.header)?)?;
    }
    for piece in &content.behind {
        // What was sent whole is not sent again, and has no numbers that anybody needs.
        let out = if file.synced { &mut mended } else { rescue(&mut rescued, path, access)? };
        match piece.state {
            State::Whole => out.verbatim(&members, piece.at, &piece.header)?,
            _ => out.member(&members.lines(piece.at, &piece.header)?)?,
        }
    }
    for part in &content.between {
        let (mut lines, out) =
            (Vec::new(), if file.synced { &mut mended } else { rescue(&mut rescued, path, access)? });
        each_line(path, &part.bytes, &mut |line| {
            lines.extend_from_slice(line);
            lines.push(b'\n');
            if lines.len() >= MEMBER_BYTES {
                out.member(&lines)?;
                lines.clear();
            }
            Ok(())
        })?;
        out.member(&lines)?;
    }
    let is_anything_left = mended.length > 0;
    mended.seal()?;
    let records = match rescued {
        Some(rescued) => rescued.seal()?,
        None => 0,
    };
    disk::rename(&path.with_extension(MENDED), path).map_err(failed)?;
    disk::sync_directory(path.parent().unwrap_or(path))?;
    let mut told = vec!["a copy is set aside".to_string()];
    match is_anything_left {
        true => told.push("the file has what is whole".to_string()),
        false => told.push(cut(file, 0)?),
    }
    if records > 0 {
        let name = place(source.project, source.folder, file, access)?;
        told.push(format!("{records} records behind the damage are in {}/{name}", source.folder));
    }
    Ok(told.join("; "))
}

fn rescue<'r>(rescued: &'r mut Option<Output>, path: &Path, access: Access) -> Result<&'r mut Output> {
    let out = match rescued.take() {
        Some(out) => out,
        None => Output::create(&path.with_extension(RESCUED), true, access)?,
    };
    Ok(rescued.insert(out))
}

/// Cuts a file; one of which nothing is left keeps its number, in case a sync has noted something of it.
fn cut(file: &DataFile, length: u64) -> Result<String> {
    let path = &file.path;
    let failed = |cause| Error::io("cannot mend the data file", path, &cause);
    let opened = File::options().write(true).open(path).map_err(failed)?;
    disk::cut(&opened, path, length).map_err(failed)?;
    if length > 0 {
        return Ok("the torn end is set aside and cut off".to_string());
    }
    disk::rename(path, &file.number_path()).map_err(failed)?;
    disk::sync_directory(path.parent().unwrap_or(path))?;
    Ok("nothing of it is whole; an empty .deleted keeps its number".to_string())
}

fn write_piece(members: &Members, piece: &Piece, file: &DataFile, mended: &mut Output) -> Result<()> {
    let empty = vec![b'\n'; piece.header.records as usize];
    match piece.state {
        State::Whole => mended.verbatim(members, piece.at, &piece.header),
        State::Miscounted if file.synced => mended.member(&members.lines(piece.at, &piece.header)?),
        State::Damaged | State::Miscounted => mended.member(&empty),
    }
}

/// Lines of another writer: as they are when all of them can be read, else one by one.
fn write_tail(path: &Path, content: &Content, mended: &mut Output) -> Result<()> {
    let Tail::Lines { bad, damage, .. } = &content.tail else { return Ok(()) };
    if bad.is_empty() && damage.is_none() {
        return mended.bytes(path, content.end, content.length);
    }
    let (mut reader, mut lines, mut bad) = (Reader::open_from(path, content.end)?, Vec::new(), bad.iter().peekable());
    while let Some(number) = reader.advance()? {
        if bad.next_if_eq(&&number).is_none() {
            lines.extend_from_slice(reader.line());
        }
        lines.push(b'\n');
        if lines.len() >= MEMBER_BYTES {
            mended.member(&lines)?;
            lines.clear();
        }
    }
    mended.member(&lines)
}

/// Gives what was rescued of a file a name among those that wait.
pub(super) fn place(project: &ProjectDir, folder: &str, file: &DataFile, access: Access) -> Result<String> {
    let from = file.path.with_extension(RESCUED);
    let failed = |cause| Error::io("cannot name", &from, &cause);
    let to = project.path.join(folder);
    let records = count(&from)?;
    let mut number = layout::next_number(&to, &file.date)?;
    loop {
        let name = DataFile::pending_name(&file.date, number, true);
        let doubt = json!({"file": format!("{folder}/{name}"), "sending": [[0, records.saturating_sub(1)]]});
        let notes = project.sync_folder().join("progress.jsonl");
        Appender::new(notes, access).append(format!("{doubt}\n").as_bytes())?;
        match disk::rename_new(&from, &to.join(&name)) {
            Ok(()) => {
                disk::sync_directory(&to)?;
                return Ok(name);
            }
            Err(cause) if cause.kind() == ErrorKind::AlreadyExists => number += 1,
            Err(cause) => return Err(failed(cause)),
        }
    }
}

/// How many records a file has for a reader.
pub(super) fn count(path: &Path) -> Result<u64> {
    let mut reader = Reader::open(path)?;
    while reader.advance()?.is_some() {}
    Ok(reader.position())
}

/// A data file in the making.
struct Output {
    file: File,
    path: PathBuf,
    compressed: bool,
    writer: Writer,
    length: u64,
    records: u64,
    /// How many lines stand in it before what comes next, as long as that is known.
    lines: Option<u64>,
}

impl Output {
    fn create(path: &Path, compressed: bool, access: Access) -> Result<Output> {
        let _ = disk::remove_file(path); // of an attempt that was cut short
        let file = access.create_file(path).map_err(|cause| Error::io("cannot make", path, &cause))?;
        let writer = Writer::new(LEVEL)?;
        Ok(Output { file, path: path.to_path_buf(), compressed, writer, length: 0, records: 0, lines: Some(0) })
    }

    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.length += bytes.len() as u64;
        self.file.write_all(bytes).map_err(|cause| Error::io("cannot write", &self.path, &cause))
    }

    /// Adds lines, each with its end.
    fn member(&mut self, lines: &[u8]) -> Result<()> {
        let records = lines.iter().filter(|byte| **byte == b'\n').count();
        let records = u32::try_from(records).unwrap_or(u32::MAX);
        match (records, self.compressed) {
            (0, _) => Ok(()),
            (_, false) => {
                self.records += u64::from(records);
                self.write(lines)
            }
            (_, true) => {
                let member = self.writer.write(lines, records, &[])?;
                self.place(member, records)
            }
        }
    }

    /// Adds a member, which tells how many lines stand before it here.
    fn place(&mut self, mut member: Vec<u8>, records: u32) -> Result<()> {
        member::tell_before(&mut member, self.lines);
        self.records += u64::from(records);
        self.lines = self.lines.map(|lines| lines + u64::from(records));
        self.write(&member)
    }

    /// Adds a member as it stands, with what it says that it covers.
    fn verbatim(&mut self, members: &Members, at: u64, header: &Header) -> Result<()> {
        self.place(members.bytes(at, header)?, header.records)
    }

    /// Adds a part of another file.
    fn bytes(&mut self, path: &Path, from: u64, to: u64) -> Result<()> {
        let failed = |cause| Error::io("cannot read the data file", path, &cause);
        self.lines = None;
        let (file, mut at, mut chunk) = (File::open(path).map_err(failed)?, from, vec![0; MEMBER_BYTES]);
        while at < to {
            let length = MEMBER_BYTES.min(usize::try_from(to - at).unwrap_or(MEMBER_BYTES));
            let part = chunk.get_mut(..length).unwrap_or_default();
            file.read_exact_at(part, at).map_err(failed)?;
            self.length += part.len() as u64;
            self.file.write_all(part).map_err(|cause| Error::io("cannot write", &self.path, &cause))?;
            at += length as u64;
        }
        Ok(())
    }

    /// Brings it to the disk; how many records it got.
    fn seal(self) -> Result<u64> {
        disk::sync(&self.file, &self.path).map_err(|cause| Error::io("cannot sync", &self.path, &cause))?;
        Ok(self.records)
    }
}
