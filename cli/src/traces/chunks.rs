//! Data files in pieces: the members of the library's own, some lines of plain ones, and the whole of any other gzip file.

use std::fs::File;
use std::io::{self, BufRead, BufReader, ErrorKind, Read, Seek, SeekFrom};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use weave::store::hop::Members;
use weave::store::layout::{self, DataFile, ProjectDir};
use weave::store::member::Header;
use weave::store::reader::{whole_lines, Reader};
use weave::{Error, Status};

/// About so much of a plain file is one piece.
const PLAIN: u64 = 1 << 20;

/// A data file of a project.
#[derive(Debug)]
pub struct Source {
    /// The project as recorded.
    pub project: String,
    /// The file.
    pub file: DataFile,
}

/// A piece of a data file.
#[derive(Debug, Clone)]
pub struct Chunk {
    /// Where it is from.
    pub source: Arc<Source>,
    what: What,
}

#[derive(Debug, Clone)]
enum What {
    Member { at: u64, header: Header },
    Lines { from: u64, to: u64 },
    Stream,
}

/// The data files of a folder of some projects, in the order in which they were begun, as far as their names tell.
pub fn sources(projects: &[ProjectDir], folder: &str) -> weave::Result<Vec<Arc<Source>>> {
    let mut found = Vec::new();
    for project in projects {
        for file in layout::data_files(&project.path.join(folder))? {
            found.push(Arc::new(Source { project: project.name(), file }));
        }
    }
    found.sort_by(|a, b| (&a.file.date, a.file.number, &a.project).cmp(&(&b.file.date, b.file.number, &b.project)));
    Ok(found)
}

/// The pieces of a file, in their order. A file that a sync renames meanwhile is found under its other name; one that is
/// deleted has none.
pub fn chunks(source: &Arc<Source>) -> weave::Result<Vec<Chunk>> {
    let path = current(&source.file);
    let chunk = |what| Chunk { source: source.clone(), what };
    if !source.file.compressed {
        let length = path.metadata().map_or(0, |about| about.len());
        return Ok(lines(source, 0, length));
    }
    let Some(mut members) = Members::open(&path)? else { return Ok(Vec::new()) };
    let mut found = Vec::new();
    while let Some((at, header)) = members.next_member()? {
        found.push(chunk(What::Member { at, header }));
    }
    match members.position() == members.length || members.is_torn_end(members.position())? {
        true => Ok(found),
        false => Ok(vec![chunk(What::Stream)]), // of another writer, or damaged
    }
}

/// The pieces of a file that programs write which begin at `from`, and where the last of them ends. Of another writer's
/// gzip file there are none: it is one stream.
pub fn chunks_from(source: &Arc<Source>, from: u64) -> weave::Result<(Vec<Chunk>, u64)> {
    let path = current(&source.file);
    if !source.file.compressed {
        let length = path.metadata().map_or(from, |about| about.len());
        let end = whole_lines(&path, length)?.max(from);
        return Ok((lines(source, from, end), end));
    }
    let Some(mut members) = Members::open(&path)? else { return Ok((Vec::new(), from)) };
    members.go_to(from);
    let mut found = Vec::new();
    while let Some((at, header)) = members.next_member()? {
        found.push(Chunk { source: source.clone(), what: What::Member { at, header } });
    }
    Ok((found, members.position()))
}

fn lines(source: &Arc<Source>, from: u64, end: u64) -> Vec<Chunk> {
    let of = |from| What::Lines { from, to: (from + PLAIN).min(end) };
    (from..end).step_by(PLAIN as usize).map(|from| Chunk { source: source.clone(), what: of(from) }).collect()
}

impl Chunk {
    /// How many bytes its lines are, as far as that is known before they are read.
    pub fn size(&self) -> Option<u64> {
        match &self.what {
            What::Member { header, .. } => Some(header.raw_length.into()),
            What::Lines { from, to } => Some(to - from),
            What::Stream => None,
        }
    }

    /// Whether its records are copies, put back to be sent again: they are from no journal.
    pub fn is_put_back(&self) -> bool {
        matches!(&self.what, What::Member { header, .. } if header.covered.is_empty())
    }

    /// Its lines in parts of a bounded size, until there are enough: for what is too large to be in memory at once. What
    /// is damaged is left out, and told to `damaged`.
    pub fn parts(
        &self,
        damaged: &mut dyn FnMut(&Error),
        mut take: impl FnMut(&[u8]) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        if self.size().is_some() {
            return take(&self.lines(damaged));
        }
        let mut lines = Vec::new();
        let read = self.stream(&mut |line| {
            lines.extend_from_slice(line);
            lines.push(b'\n');
            if (lines.len() as u64) < PLAIN {
                return ControlFlow::Continue(());
            }
            let goes_on = take(&lines);
            lines.clear();
            goes_on
        });
        match read {
            Ok(ControlFlow::Break(())) => return ControlFlow::Break(()),
            Ok(ControlFlow::Continue(())) => {}
            Err(error) => damaged(&error),
        }
        take(&lines)
    }

    /// Gives each line of a stream, until there are enough; an error for what is damaged, behind all that can be read.
    fn stream(&self, take: &mut dyn FnMut(&[u8]) -> ControlFlow<()>) -> weave::Result<ControlFlow<()>> {
        let mut reader = Reader::open(&current(&self.source.file))?;
        while reader.advance()?.is_some() {
            if take(reader.line()).is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        match reader.damage() {
            Some(damage) => Err(Error::new(Status::Io, damage)),
            None => Ok(ControlFlow::Continue(())),
        }
    }

    /// Its lines, one behind the other. What is damaged is left out, and told to `damaged`.
    pub fn lines(&self, damaged: &mut dyn FnMut(&Error)) -> Vec<u8> {
        let mut all = Vec::new();
        if let Err(error) = self.read(&mut all) {
            damaged(&error);
        }
        all
    }

    fn read(&self, all: &mut Vec<u8>) -> weave::Result<()> {
        let path = current(&self.source.file);
        let failed = |cause| Error::io("cannot read the data file", &path, &cause);
        match &self.what {
            What::Member { at, header } => {
                if let Some(members) = Members::open(&path)? {
                    *all = members.lines(*at, header)?;
                }
            }
            What::Lines { from, to } => match plain(&path, *from, *to) {
                Err(cause) if cause.kind() == ErrorKind::NotFound => {}
                lines => *all = lines.map_err(failed)?,
            },
            What::Stream => {
                let _ = self.stream(&mut |line| {
                    all.extend_from_slice(line);
                    all.push(b'\n');
                    ControlFlow::Continue(())
                })?;
            }
        }
        Ok(())
    }
}

/// The lines that begin in a part of a plain file.
fn plain(path: &Path, from: u64, to: u64) -> io::Result<Vec<u8>> {
    let mut file = BufReader::new(File::open(path)?);
    let mut at = from;
    if from > 0 {
        // The line that the byte before belongs to is the former piece's.
        file.seek(SeekFrom::Start(from - 1))?;
        at = from - 1 + file.skip_until(b'\n')? as u64;
    }
    let mut lines = Vec::new();
    if at < to {
        file.by_ref().take(to - at).read_to_end(&mut lines)?;
        if lines.last() != Some(&b'\n') {
            file.read_until(b'\n', &mut lines)?;
        }
    }
    Ok(lines)
}

/// Where a file is now: a sync renames what it has sent.
fn current(file: &DataFile) -> PathBuf {
    let synced = file.synced_path();
    if !file.synced && !file.path.exists() && synced.exists() {
        return synced;
    }
    file.path.clone()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::io::Write;
    use std::process::{Command, Stdio};

    fn source(path: PathBuf) -> Arc<Source> {
        Arc::new(Source { project: "team/demo".into(), file: DataFile::parse(&path).unwrap() })
    }

    #[test]
    fn each_line_of_a_plain_file_is_in_one_piece_wherever_pieces_end() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("20260131_0000.jsonl");
        let lines: Vec<String> = (0..200).map(|n| format!("{{\"n\":{n}}}\n")).collect();
        fs::write(&path, lines.concat()).unwrap();
        let length = lines.concat().len() as u64;
        for size in [1, 7, 8, 64, 1000] {
            let pieces = (0..length).step_by(size).map(|from| plain(&path, from, (from + size as u64).min(length)));
            let all: Vec<u8> = pieces.flat_map(Result::unwrap).collect();
            assert_eq!(String::from_utf8(all).unwrap(), lines.concat(), "{size}");
        }
    }

    #[test]
    fn a_stream_of_another_writer_comes_whole_or_in_parts() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("20260131_0000.jsonl.gz");
        let lines: Vec<String> =
            (0..40_000).map(|n| format!("{{\"n\":{n},\"of\":\"a line that is not short\"}}\n")).collect();
        let written =
            Command::new("gzip").arg("-c").stdin(Stdio::piped()).stdout(fs::File::create(&path).unwrap()).spawn();
        let mut gzip = written.unwrap();
        gzip.stdin.take().unwrap().write_all(lines.concat().as_bytes()).unwrap();
        assert!(gzip.wait().unwrap().success());
        let chunk = chunks(&source(path)).unwrap().remove(0);
        let mut parts = Vec::new();
        let _ = chunk.parts(&mut |error| panic!("{error}"), |part| {
            parts.push(String::from_utf8(part.to_vec()).unwrap());
            ControlFlow::Continue(())
        });
        assert!(parts.len() > 1);
        assert_eq!(parts.concat(), lines.concat());
        assert_eq!(chunk.lines(&mut |error| panic!("{error}")), lines.concat().as_bytes());
    }

    #[test]
    fn a_file_that_a_sync_renames_is_read_under_its_other_name_and_a_deleted_one_is_empty() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("20260131_0000.jsonl");
        fs::write(&path, "{}\n").unwrap();
        let chunk = chunks(&source(path.clone())).unwrap().remove(0);
        let synced = folder.path().join("20260131_0000.synced.jsonl");
        fs::rename(&path, &synced).unwrap();
        assert_eq!(chunk.lines(&mut |error| panic!("{error}")), b"{}\n");
        fs::remove_file(&synced).unwrap();
        assert_eq!(chunk.lines(&mut |error| panic!("{error}")), b"");
    }
}
