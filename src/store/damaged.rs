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

/// File systems take names of 255 bytes; what is put around a name needs some.
const MAX_NAME: usize = 200;

/// Keeps a copy of a file from a position on. The name tells where it was; a copy that is there already is
/// kept, since an attempt that was cut short is repeated.
pub fn set_aside(root: &Path, file: &Path, from: u64, reason: &str, access: Access) -> Result<()> {
    let folder = root.join(LIBRARY_FOLDER).join("damaged");
    access.make_directory(&folder)?;
    let place = file.strip_prefix(journal::folder(root)).or(file.strip_prefix(root)).unwrap_or(file);
    let name = match from {
        0 => name_of(place),
        _ => format!("{}-{from}", name_of(place)),
    };
    let (kept, note) = (folder.join(&name), folder.join(format!("{name}.txt")));
    if kept.exists() {
        return disk::sync_directory(&folder);
    }
    // Both are whole before either has its name, so that no copy is without its reason.
    let unfinished = [folder.join(format!(".{name}")), folder.join(format!(".{name}.txt"))];
    let [copied, noted] = &unfinished;
    unfinished.iter().for_each(|path| _ = disk::remove_file(path));
    copy(file, from, copied, access).map_err(|cause| Error::io("cannot set aside", file, &cause))?;
    let named = HeldFile::create(noted, access).and_then(|text| {
        text.append(format!("{}: {reason}\n", place.display()).as_bytes())?;
        text.sync()?;
        disk::rename(noted, &note)?;
        disk::rename(copied, &kept)
    });
    named.map_err(|cause| Error::io("cannot write", &note, &cause))?;
    disk::sync_directory(&folder)?;
    log::write(log::Level::Warning, || format!("what is damaged was set aside: {} ({reason})", kept.display()));
    Ok(())
}

/// Whether a copy of the whole file was kept.
pub fn is_set_aside(root: &Path, file: &Path) -> bool {
    let place = file.strip_prefix(journal::folder(root)).or(file.strip_prefix(root)).unwrap_or(file);
    root.join(LIBRARY_FOLDER).join("damaged").join(name_of(place)).exists()
}

/// Takes a file or folder itself away, with the reason.
pub fn take_away(root: &Path, path: &Path, reason: &str, access: Access) -> Result<()> {
    let failed = |cause| Error::io("cannot take away", path, &cause);
    keep(root, path, reason, access, |kept| disk::rename(path, kept).map_err(failed))?;
    path.parent().map_or(Ok(()), disk::sync_directory)
}

/// Keeps a copy of a file that changes, beside those that were kept of it before.
pub fn take_copy(root: &Path, path: &Path, reason: &str, access: Access) -> Result<()> {
    let failed = |cause| Error::io("cannot set aside", path, &cause);
    keep(root, path, reason, access, |kept| copy(path, 0, kept, access).map_err(failed))
}

/// Notes the reason under a free name, and has the file kept under it.
fn keep(root: &Path, path: &Path, reason: &str, access: Access, take: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
    let folder = root.join(LIBRARY_FOLDER).join("damaged");
    access.make_directory(&folder)?;
    let place = path.strip_prefix(journal::folder(root)).or(path.strip_prefix(root)).unwrap_or(path);
    let free = |number: u32| match number {
        0 => name_of(place),
        _ => format!("{}-again-{number}", name_of(place)),
    };
    let name = (0..).map(free).find(|name| !folder.join(name).exists()).unwrap_or_default();
    let (kept, note) = (folder.join(&name), folder.join(format!("{name}.txt")));
    let _ = disk::remove_file(&note); // of an attempt that was cut short
    let noted = HeldFile::create(&note, access).and_then(|text| {
        text.append(format!("{}: {reason}\n", place.display()).as_bytes())?;
        text.sync()
    });
    noted.map_err(|cause| Error::io("cannot write", &note, &cause))?;
    take(&kept)?;
    disk::sync_directory(&folder)
}

/// A name that no other file of the directory gets.
fn name_of(place: &Path) -> String {
    let parts: Vec<_> = place.components().map(|part| part.as_os_str().to_string_lossy()).collect();
    let name = parts.join("%");
    if name.len() <= MAX_NAME {
        return name;
    }
    let end: String = parts.last().map(|last| last.chars().take(MAX_NAME / 4).collect()).unwrap_or_default();
    format!("{:08x}%{end}", crc32fast::hash(name.as_bytes()))
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
