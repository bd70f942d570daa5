//! Packing journals whose process is gone.
//!
//! Every record that was accepted gets into data files exactly once, however often a recovery is itself cut short: the
//! members say what they cover, and the journal is removed only when everything is on the disk. Two recoveries at once
//! are kept apart by the journal's lock.

use super::data_file::FileOptions;
use super::journal::reader::{Batch, Reader, Stop};
use super::journal::{self, writer};
use super::layout::{self, Access, LIBRARY_FOLDER};
use super::limits::BATCH_BYTES;
use super::lock;
use super::output::Output;
use crate::error::{Error, Result};
use crate::log;
use std::fs;
use std::path::{Path, PathBuf};

/// Packs every abandoned journal of an offline directory. A journal that cannot be packed now is left for the next time
/// and does not keep the others from being packed; the first such failure is returned at the end.
pub fn recover(root: &Path, access: Access, options: &FileOptions) -> Result<()> {
    let mut failure = None;
    for path in abandoned(root)? {
        if let Err(error) = recover_one(root, &path, access, options) {
            let error = error.context(format!("recovery of {}", path.display()));
            log::write(log::Level::Warning, || error.text().to_string());
            failure.get_or_insert(error);
        }
    }
    failure.map_or(Ok(()), Err)
}

fn abandoned(root: &Path) -> Result<Vec<PathBuf>> {
    let hidden = |path: &Path| path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
    Ok(layout::entries(&journal::folder(root))?.into_iter().filter(|path| path.is_dir() && !hidden(path)).collect())
}

fn recover_one(root: &Path, path: &Path, access: Access, options: &FileOptions) -> Result<()> {
    let Ok(Some(_lock)) = lock::try_acquire(&journal::lock_path(path), access) else {
        return Ok(()); // its process lives, another recovery has it, or it was removed meanwhile
    };
    let Some(id) = Reader::id(path)? else {
        for segment in Reader::segments_with_content(path)? {
            set_aside(root, &segment, "its header is damaged", access)?;
        }
        return writer::remove(path);
    };
    let mut output = Output::new(root, access, id, path)?;
    let (mut reader, mut batch) = (Reader::new(path, 0), Batch::default());
    loop {
        let stop = reader.read(&mut batch, BATCH_BYTES, u64::MAX)?;
        let mut seen: Vec<&str> = batch.frames().map(|(_, frame)| frame.project).collect();
        seen.dedup();
        for project in seen {
            output.set_options(project, options.clone());
        }
        output.write(&batch)?;
        match stop {
            Stop::Full => {}
            Stop::End => break,
            Stop::Damaged { path, reason } => set_aside(root, &path, &reason, access)?,
        }
    }
    output.close()?;
    writer::remove(path)
}

/// Keeps a copy of a segment that could not be read to its end, with the reason beside it.
fn set_aside(root: &Path, segment: &Path, reason: &str, access: Access) -> Result<()> {
    let folder = root.join(LIBRARY_FOLDER).join("damaged");
    access.make_directory(&folder)?;
    let part = |path: Option<&std::ffi::OsStr>| path.unwrap_or_default().to_string_lossy().into_owned();
    let journal = part(segment.parent().and_then(Path::file_name));
    let kept = folder.join(format!("{journal}-{}", part(segment.file_name())));
    fs::copy(segment, &kept).map_err(|cause| Error::io("cannot set aside", segment, &cause))?;
    let note = kept.with_extension("txt");
    fs::write(&note, format!("{reason}\n")).map_err(|cause| Error::io("cannot write", &note, &cause))?;
    log::write(log::Level::Warning, || {
        format!("a damaged part of a journal was set aside: {} ({reason})", kept.display())
    });
    Ok(())
}
