//! What could not be read is kept: a copy in `.weave/damaged`, with the reason beside it.

use super::disk;
use super::held::HeldFile;
use super::journal;
use super::layout::{Access, LIBRARY_FOLDER};
use crate::error::{Error, Result};
use crate::log;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

/// Why the end of a data file is set aside.
pub const TORN: &str = "the end of a data file was torn by a power loss";

/// Keeps a copy of a file from a position on. The name tells where it was; a copy that is there already is
/// kept, since an attempt that was cut short is repeated.
pub fn set_aside(root: &Path, file: &Path, from: u64, reason: &str, access: Access) -> Result<()> {
    let folder = root.join(LIBRARY_FOLDER).join("damaged");
    access.make_directory(&folder)?;
    let place = file.strip_prefix(journal::folder(root)).or(file.strip_prefix(root)).unwrap_or(file);
    let parts: Vec<_> = place.components().map(|part| part.as_os_str().to_string_lossy()).collect();
    let name = parts.join("%");
    let name = if from == 0 { name } else { format!("{name}-{from}") };
    let kept = folder.join(&name);
    let note = folder.join(format!("{name}.txt"));
    if note.exists() {
        return Ok(());
    }
    let _ = disk::remove_file(&kept);
    copy(file, from, &kept, access).map_err(|cause| Error::io("cannot set aside", file, &cause))?;
    // The note tells that the copy is whole.
    let unfinished = folder.join(format!(".{name}.txt"));
    let _ = disk::remove_file(&unfinished);
    let noted = HeldFile::create(&unfinished, access).and_then(|file| {
        file.append(format!("{reason}\n").as_bytes())?;
        file.sync()?;
        disk::rename(&unfinished, &note)
    });
    noted.map_err(|cause| Error::io("cannot write", &note, &cause))?;
    disk::sync_directory(&folder)?;
    log::write(log::Level::Warning, || format!("what is damaged was set aside: {} ({reason})", kept.display()));
    Ok(())
}

/// The same for a whole file, of which a copy is of use only if something is in it.
pub fn set_aside_unless_empty(root: &Path, file: &Path, reason: &str, access: Access) -> Result<()> {
    let bytes = std::fs::read(file).map_err(|cause| Error::io("cannot read", file, &cause))?;
    match bytes.iter().any(|byte| *byte != 0) {
        true => set_aside(root, file, 0, reason, access),
        false => Ok(()),
    }
}

fn copy(file: &Path, mut at: u64, kept: &Path, access: Access) -> io::Result<()> {
    let source = File::open(file)?;
    let target = HeldFile::create(kept, access)?;
    let mut chunk = vec![0; 64 * 1024];
    loop {
        match source.read_at(&mut chunk, at) {
            Ok(0) => return target.sync(),
            Ok(read) => {
                target.append(chunk.get(..read).unwrap_or_default())?;
                at += read as u64;
            }
            Err(cause) if cause.kind() == io::ErrorKind::Interrupted => {}
            Err(cause) => return Err(cause),
        }
    }
}
