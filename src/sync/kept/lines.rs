//! Files of JSON lines that only grow, or are replaced as a whole.

use crate::error::{Error, Result};
use crate::store::disk;
use crate::store::layout::Access;
use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, BufWriter, ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// The end of a file of lines.
pub(in crate::sync) struct Appender {
    path: PathBuf,
    access: Access,
    file: Option<File>,
    unsynced: bool,
}

impl Appender {
    /// The file at `path`, which need not exist.
    pub(in crate::sync) fn new(path: PathBuf, access: Access) -> Self {
        Appender { path, access, file: None, unsynced: false }
    }

    /// The file at `path`, replaced by one that holds these lines; on the disk when this returns.
    pub(in crate::sync) fn replace(path: PathBuf, access: Access, lines: &[u8]) -> Result<Self> {
        Self::replace_by(path, access, |write| write(lines))
    }

    /// The same with what `fill` writes, which may read the former file meanwhile.
    pub(in crate::sync) fn replace_by(
        path: PathBuf,
        access: Access,
        fill: impl FnOnce(&mut dyn FnMut(&[u8]) -> Result<()>) -> Result<()>,
    ) -> Result<Self> {
        let failed = |cause| Error::io("cannot write", &path, &cause);
        let folder = path.parent().unwrap_or(Path::new("."));
        access.make_directory(folder)?;
        let temporary = path.with_extension("tmp");
        let _ = disk::remove_file(&temporary);
        let mut file = BufWriter::new(access.create_file(&temporary).map_err(failed)?);
        fill(&mut |lines| file.write_all(lines).map_err(failed))?;
        let file = file.into_inner().map_err(|cause| failed(cause.into_error()))?;
        disk::sync(&file, &temporary).map_err(failed)?;
        disk::rename(&temporary, &path).map_err(failed)?;
        disk::sync_directory(folder)?;
        Ok(Appender { path, access, file: Some(file), unsynced: false })
    }

    /// Where it is.
    pub(in crate::sync) fn path(&self) -> &Path {
        &self.path
    }

    /// Adds whole lines. What a crash or a failed write tore before is closed with a line end first.
    pub(in crate::sync) fn write(&mut self, lines: &[u8]) -> Result<()> {
        let mut file = match self.file.take() {
            Some(file) => file,
            None => self.open()?,
        };
        file.write_all(lines).map_err(|cause| Error::io("cannot write", &self.path, &cause))?;
        // Kept only after a whole write: opened again, the file is closed with a line end first.
        self.file = Some(file);
        self.unsynced = true;
        Ok(())
    }

    /// Waits until what was added is on the disk.
    pub(in crate::sync) fn sync(&mut self) -> Result<()> {
        if let (Some(file), true) = (&self.file, self.unsynced) {
            disk::sync(file, &self.path).map_err(|cause| Error::io("cannot sync", &self.path, &cause))?;
            self.unsynced = false;
        }
        Ok(())
    }

    /// Adds whole lines, and waits until they are on the disk.
    pub(in crate::sync) fn append(&mut self, lines: &[u8]) -> Result<()> {
        self.write(lines)?;
        self.sync()
    }

    /// Forgets the open file, because another one takes its name.
    pub(in crate::sync) fn let_go(&mut self) {
        self.file = None;
    }

    fn open(&self) -> Result<File> {
        let failed = |cause| Error::io("cannot open", &self.path, &cause);
        let folder = self.path.parent().unwrap_or(Path::new("."));
        self.access.make_directory(folder)?;
        match self.access.create_file(&self.path) {
            Ok(file) => {
                disk::sync_directory(folder)?;
                return Ok(file);
            }
            Err(cause) if cause.kind() == ErrorKind::AlreadyExists => {}
            Err(cause) => return Err(failed(cause)),
        }
        let mut file = OpenOptions::new().read(true).append(true).open(&self.path).map_err(failed)?;
        let mut last = [b'\n'];
        if file.metadata().map_err(failed)?.len() > 0 {
            file.seek(SeekFrom::End(-1)).and_then(|_| file.read_exact(&mut last)).map_err(failed)?;
        }
        if last != [b'\n'] {
            file.write_all(b"\n").map_err(failed)?;
        }
        Ok(file)
    }
}

/// Gives every line of a file to `take`; a file that is not there has none. A line that a crash tore comes as it is.
pub(in crate::sync) fn each(path: &Path, mut take: impl FnMut(&[u8]) -> Result<()>) -> Result<()> {
    let failed = |cause| Error::io("cannot read", path, &cause);
    let file = match File::open(path) {
        Err(cause) if cause.kind() == ErrorKind::NotFound => return Ok(()),
        opened => opened.map_err(failed)?,
    };
    let (mut lines, mut line) = (BufReader::new(file), Vec::new());
    while lines.read_until(b'\n', &mut line).map_err(failed)? > 0 {
        take(line.strip_suffix(b"\n").unwrap_or(&line))?;
        line.clear();
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    fn read(path: &Path) -> Vec<String> {
        let mut lines = Vec::new();
        each(path, |line| {
            lines.push(String::from_utf8(line.to_vec()).unwrap());
            Ok(())
        })
        .unwrap();
        lines
    }

    #[test]
    fn a_torn_line_does_not_swallow_the_next_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(".sync/file.jsonl");
        assert!(read(&path).is_empty());
        Appender::new(path.clone(), Access::Owner).append(b"{\"a\":1}\n").unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        fs::write(&path, b"{\"a\":1}\n{\"b").unwrap();
        let mut next = Appender::new(path.clone(), Access::Owner);
        next.append(b"{\"c\":2}\n").unwrap();
        next.append(b"{\"d\":3}\n").unwrap();
        assert_eq!(read(&path), ["{\"a\":1}", "{\"b", "{\"c\":2}", "{\"d\":3}"]);
    }
}
