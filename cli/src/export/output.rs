//! The file that an export goes to: whole, or not there. It is written under another name beside its own, and renamed at
//! the end.

use crate::outcome::{Ending, Failure};
use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, ErrorKind, Write};
use std::path::{Path, PathBuf};
use tempfile::NamedTempFile;

/// An open output.
pub enum Output {
    /// A file in the making, and where it is to be.
    File {
        /// What is removed again unless it is kept.
        file: NamedTempFile,
        /// Its name when it is whole.
        path: PathBuf,
        /// Whether it may take the place of another.
        force: bool,
    },
    /// A pipe, a device, or standard output: what is written there is gone.
    Passing,
}

impl Output {
    /// Opens it, and what is to be written to. `-` is standard output.
    pub fn open(path: &Path, force: bool) -> Result<(Output, Box<dyn Write + Send>), Failure> {
        if path == Path::new("-") {
            return Ok((Output::Passing, Box::new(BufWriter::new(io::stdout()))));
        }
        let failed = |cause: io::Error| Failure::nothing(format!("cannot write {}: {cause}", path.display()));
        match fs::metadata(path) {
            Ok(about) if about.is_dir() => {
                return Err(Failure::nothing(format!("{} is a folder; name a file in it", path.display())));
            }
            Ok(about) if !about.is_file() => {
                let file = OpenOptions::new().write(true).open(path).map_err(failed)?;
                return Ok((Output::Passing, named(file, path)));
            }
            Ok(_) if !force => return Err(is_there(path)),
            _ => {}
        }
        // What a link points to is replaced, and not the link.
        let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        if !folder.is_dir() {
            return Err(Failure::nothing(format!("there is no folder {}", folder.display())));
        }
        let mut prefix = OsString::from(".");
        prefix.push(path.file_name().unwrap_or_default());
        prefix.push(".");
        // Only its owner may read it, as is the default of this crate: it has what prompts have.
        let file = tempfile::Builder::new().prefix(&prefix).suffix(".part").tempfile_in(folder);
        // The name that it had for the moment helps nobody.
        let file = file.map_err(|cause| failed(cause.kind().into()))?;
        let writer = named(file.as_file().try_clone().map_err(failed)?, &path);
        Ok((Output::File { file, path, force }, writer))
    }

    /// Gives it its name, when all was written. The size of the file, where there is one.
    pub fn keep(self) -> Result<Option<u64>, Failure> {
        let Output::File { file, path, force } = self else { return Ok(None) };
        let failed = |cause: &io::Error| Failure::nothing(format!("cannot write {}: {cause}", path.display()));
        file.as_file().sync_all().map_err(|cause| failed(&cause))?;
        let size = file.as_file().metadata().map_err(|cause| failed(&cause))?.len();
        let kept = if force { file.persist(&path) } else { file.persist_noclobber(&path) };
        match kept {
            Ok(_) => Ok(Some(size)),
            Err(failure) if failure.error.kind() == ErrorKind::AlreadyExists => Err(is_there(&path)),
            Err(failure) => Err(failed(&failure.error)),
        }
    }
}

fn is_there(path: &Path) -> Failure {
    Failure::nothing(format!("{} is there already; name another file, or add --force to replace it", path.display()))
}

fn named(file: File, path: &Path) -> Box<dyn Write + Send> {
    Box::new(BufWriter::with_capacity(1 << 18, Named { file, path: path.to_path_buf() }))
}

/// A file whose errors name it and say what to do.
struct Named {
    file: File,
    path: PathBuf,
}

impl Write for Named {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes).map_err(|cause| {
            let hint = match cause.kind() {
                ErrorKind::StorageFull | ErrorKind::QuotaExceeded => "; make room, or name a file on another disk",
                _ => "",
            };
            io::Error::new(cause.kind(), format!("{}: {cause}{hint}", self.path.display()))
        })
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// An export that ended before it was whole.
pub fn stopped() -> Failure {
    Failure { ending: Ending::Some, ..Failure::nothing("stopped; no file was left behind") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{symlink, PermissionsExt};

    fn names(folder: &Path) -> Vec<String> {
        let name = |entry: io::Result<fs::DirEntry>| entry.unwrap().file_name().into_string().unwrap();
        let mut names: Vec<String> = fs::read_dir(folder).unwrap().map(name).collect();
        names.sort();
        names
    }

    fn write(path: &Path, force: bool) -> Result<Option<u64>, Failure> {
        let (output, mut out) = Output::open(path, force)?;
        out.write_all(b"new").unwrap();
        out.flush().unwrap();
        output.keep()
    }

    #[test]
    fn it_has_its_name_when_it_is_whole_and_is_its_owners_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("calls.csv");
        let (output, mut out) = Output::open(&path, false).unwrap();
        out.write_all(b"half").unwrap();
        assert!(!path.exists());
        out.flush().unwrap();
        assert_eq!(output.keep().unwrap(), Some(4));
        assert_eq!(names(folder.path()), ["calls.csv"]);
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn one_that_is_not_kept_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        drop(Output::open(&folder.path().join("calls.csv"), false).unwrap());
        assert!(names(folder.path()).is_empty());
    }

    #[test]
    fn a_file_that_is_there_is_replaced_only_by_force_and_through_links() {
        let folder = tempfile::tempdir().unwrap();
        let (path, link) = (folder.path().join("calls.csv"), folder.path().join("link.csv"));
        fs::write(&path, "old").unwrap();
        symlink(&path, &link).unwrap();
        assert!(write(&path, false).unwrap_err().text.contains("--force"));
        assert_eq!(fs::read(&path).unwrap(), b"old");
        write(&link, true).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
        assert_eq!(names(folder.path()), ["calls.csv", "link.csv"]);
    }

    #[test]
    fn one_that_came_meanwhile_is_not_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("calls.csv");
        let (output, _) = Output::open(&path, false).unwrap();
        fs::write(&path, "other").unwrap();
        assert!(output.keep().is_err());
        assert_eq!(fs::read(&path).unwrap(), b"other");
    }
}
