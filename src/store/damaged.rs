//! What could not be read is kept: a copy in `.weave/damaged`, with the reason beside it.

use super::held::HeldFile;
use super::layout::{Access, LIBRARY_FOLDER};
use crate::error::{Error, Result};
use crate::log;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

/// Keeps a copy of a file from a position on. The name tells from which folder it is; a copy that is there already is
/// kept, since an attempt that was cut short is repeated.
pub fn set_aside(root: &Path, file: &Path, from: u64, reason: &str, access: Access) -> Result<()> {
    let folder = root.join(LIBRARY_FOLDER).join("damaged");
    access.make_directory(&folder)?;
    let part = |path: Option<&std::ffi::OsStr>| path.unwrap_or_default().to_string_lossy().into_owned();
    let name = format!("{}-{}", part(file.parent().and_then(Path::file_name)), part(file.file_name()));
    let name = if from == 0 { name } else { format!("{name}-{from}") };
    let kept = folder.join(&name);
    let note = folder.join(format!("{name}.txt"));
    if note.exists() {
        return Ok(());
    }
    let _ = std::fs::remove_file(&kept);
    copy(file, from, &kept, access).map_err(|cause| Error::io("cannot set aside", file, &cause))?;
    let noted = HeldFile::create(&note, access).and_then(|note| {
        note.append(format!("{reason}\n").as_bytes())?;
        note.sync()
    });
    noted.map_err(|cause| Error::io("cannot write", &note, &cause))?;
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
