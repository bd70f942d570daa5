//! Where bytes lie in a bundle, and how they get there.
//!
//! File systems of sticks tell no upper from lower case, know no modes and no links, and forbid characters that names of
//! projects may have. So the bytes of `PROJECT/FILE` lie under a name made of its SHA-256, in folders of 256, since FAT
//! takes no more than some ten thousand long names in one.

use super::sealed::{hex, sync_folder};
use crate::error::{Error, Result};
use crate::store::disk;
use crate::store::layout;
use sha2::{Digest, Sha256};
use std::collections::HashSet;
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Read};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

const FOLDER: &str = "weave-data";
const CHUNK: usize = 1 << 20;

/// Where the bytes of a file of a project lie.
pub(super) fn path(bundle: &Path, project: &str, file: &str) -> PathBuf {
    let name = hex(Sha256::digest(format!("{project}/{file}")));
    let (group, rest) = (name.get(..2).unwrap_or_default(), name.get(2..32).unwrap_or_default());
    bundle.join(FOLDER).join(group).join(rest)
}

/// What went wrong with one of the two files.
pub(super) enum Fault {
    /// The source is gone, or shorter than it was.
    Source(io::Error),
    /// The copy cannot be written.
    Copy(Error),
}

/// Makes `to` the first `bytes` bytes of `from`; the SHA-256 of these, and that of the first `prefix`. What `to` has of them already is read and left: so a copy that was cut short goes on, and one that
/// has grown is lengthened. `told` hears of each piece.
pub(super) fn fill(
    from: &Path,
    bytes: u64,
    to: &Path,
    prefix: Option<u64>,
    told: &mut dyn FnMut(u64),
) -> std::result::Result<(String, Option<String>), Fault> {
    let failed = |cause| Fault::Copy(Error::io("cannot write", to, &cause));
    let mut source = File::open(from).map_err(Fault::Source)?;
    if let Some(folder) = to.parent() {
        fs::create_dir_all(folder).map_err(failed)?;
    }
    let copy = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(to).map_err(failed)?;
    let length = copy.metadata().map_err(failed)?.len();
    let (mut hash, mut of_prefix, mut at, mut is_same) = (Sha256::new(), None, 0, true);
    let (mut chunk, mut there) = (vec![0; CHUNK], vec![0; CHUNK]);
    while at < bytes {
        let end = prefix.filter(|end| *end > at && *end < bytes).unwrap_or(bytes);
        let wanted = usize::try_from(end - at).unwrap_or(CHUNK).min(CHUNK);
        let piece = chunk.get_mut(..wanted).unwrap_or_default();
        source.read_exact(piece).map_err(Fault::Source)?;
        hash.update(&*piece);
        is_same = is_same && at + wanted as u64 <= length;
        if is_same {
            let there = there.get_mut(..wanted).unwrap_or_default();
            // What cannot be read back is written again.
            is_same = disk::read_at(&copy, there, at).is_ok_and(|read| read == wanted) && there == piece;
        }
        if !is_same {
            copy.write_all_at(piece, at).map_err(failed)?;
        }
        at += wanted as u64;
        if prefix == Some(at) {
            of_prefix = Some(hex(hash.clone().finalize()));
        }
        told(wanted as u64);
    }
    if length > bytes {
        copy.set_len(bytes).map_err(failed)?;
    }
    Ok((hex(hash.finalize()), of_prefix))
}

/// Brings copies to the disk. All together, so that the disk writes some while others are still being read.
pub(super) fn sync_files<'p>(copies: impl IntoIterator<Item = &'p PathBuf>) -> Result<()> {
    for copy in copies {
        let synced = File::open(copy).and_then(|file| file.sync_all());
        synced.map_err(|cause| Error::io("cannot sync", copy, &cause))?;
    }
    Ok(())
}

/// The SHA-256 of the first `bytes` bytes of a file; `None` if it has fewer, or is not there.
pub(super) fn hash(path: &Path, bytes: u64) -> Result<Option<String>> {
    let failed = |cause| Error::io("cannot read", path, &cause);
    let file = match File::open(path) {
        Err(cause) if cause.kind() == ErrorKind::NotFound => return Ok(None),
        opened => opened.map_err(failed)?,
    };
    let (mut hash, mut read, mut chunk) = (Sha256::new(), 0, vec![0; CHUNK]);
    let mut file = file.take(bytes);
    loop {
        match file.read(&mut chunk).map_err(failed)? {
            0 => break,
            length => {
                hash.update(chunk.get(..length).unwrap_or_default());
                read += length as u64;
            }
        }
    }
    Ok((read == bytes).then(|| hex(hash.finalize())))
}

/// Brings the names of what was copied to the disk.
pub(super) fn sync_names(bundle: &Path) -> Result<()> {
    let folder = bundle.join(FOLDER);
    for group in layout::entries(&folder)? {
        sync_folder(&group)?;
    }
    if folder.is_dir() {
        sync_folder(&folder)?;
    }
    sync_folder(bundle)
}

/// Removes the bytes that none of these files has. What has another form of name is somebody else's.
pub(super) fn keep_only(bundle: &Path, wanted: &HashSet<PathBuf>) -> Result<()> {
    for group in layout::entries(&bundle.join(FOLDER))? {
        let is_ours = |blob: &PathBuf| {
            let name = blob.file_name().unwrap_or_default().as_encoded_bytes();
            name.len() == 30 && name.iter().all(u8::is_ascii_hexdigit)
        };
        for blob in layout::entries(&group)?.into_iter().filter(|blob| is_ours(blob) && !wanted.contains(blob)) {
            fs::remove_file(&blob).map_err(|cause| Error::io("cannot remove", &blob, &cause))?;
        }
        let _ = fs::remove_dir(&group); // when nothing is in it
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(from: &Path, bytes: u64, to: &Path) -> String {
        fill(from, bytes, to, None, &mut |_| {}).unwrap_or_else(|_| panic!("a fault")).0
    }

    #[test]
    fn whatever_stands_there_a_copy_becomes_the_beginning_of_its_source() {
        let folder = tempfile::tempdir().unwrap();
        let (from, to) = (folder.path().join("from"), folder.path().join("a/to"));
        let content: Vec<u8> = (0..3 * CHUNK + 17).map(|n| (n % 251) as u8).collect();
        fs::write(&from, &content).unwrap();
        let length = content.len() - 5;
        let (mut damaged, mut longer) = (content[..length].to_vec(), content.clone());
        damaged[CHUNK + 3] ^= 1;
        longer.extend(b"more");
        fs::create_dir(folder.path().join("a")).unwrap();
        for there in [&[], &content[..7], &content[..2 * CHUNK], &damaged, &longer] {
            fs::write(&to, there).unwrap();
            let sha = filled(&from, length as u64, &to);
            assert!(fs::read(&to).unwrap() == content[..length]);
            assert_eq!(Some(sha), hash(&to, length as u64).unwrap());
        }
        let prefix =
            fill(&from, length as u64, &to, Some(CHUNK as u64 + 9), &mut |_| {}).unwrap_or_else(|_| panic!()).1;
        assert_eq!(prefix, hash(&from, CHUNK as u64 + 9).unwrap());
    }

    #[test]
    fn a_source_that_is_gone_or_shorter_is_told_from_a_copy_that_cannot_be_written() {
        let folder = tempfile::tempdir().unwrap();
        let (from, to) = (folder.path().join("from"), folder.path().join("to"));
        assert!(matches!(fill(&from, 3, &to, None, &mut |_| {}), Err(Fault::Source(_))));
        fs::write(&from, b"12").unwrap();
        assert!(matches!(fill(&from, 3, &to, None, &mut |_| {}), Err(Fault::Source(_))));
        assert!(matches!(fill(&from, 2, Path::new("/dev/full"), None, &mut |_| {}), Err(Fault::Copy(_))));
        assert_eq!(hash(&from, 3).unwrap(), None);
    }

    #[test]
    fn names_in_a_bundle_are_those_that_every_file_system_takes() {
        let path = path(Path::new("b"), "Team/a:b*?", "files/Ab_-9");
        let name = path.strip_prefix("b/weave-data").unwrap().to_str().unwrap();
        assert!(
            name.bytes().all(|byte| byte == b'/' || byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte)),
            "{name}"
        );
        assert_ne!(path, super::path(Path::new("b"), "team/a:b*?", "files/Ab_-9"));
    }
}
