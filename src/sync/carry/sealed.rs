//! Files of JSON lines that are whole, or are told as torn or damaged: the last line has the number and the SHA-256 of
//! those before it. They are written beside their place, brought to the disk and renamed.

use crate::error::{Error, Result, Status};
use crate::store::disk;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::path::Path;

#[derive(Serialize, Deserialize)]
struct Last {
    end: End,
}

#[derive(Serialize, Deserialize)]
struct End {
    lines: u64,
    sha256: String,
}

/// A digest in hexadecimal.
pub(super) fn hex(bytes: impl AsRef<[u8]>) -> String {
    bytes.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Writes a file. What stood there before stays until the new one is whole.
pub(super) fn write<L: Serialize>(path: &Path, lines: &[L]) -> Result<()> {
    let failed = |cause: std::io::Error| Error::io("cannot write", path, &cause);
    let mut text = Vec::new();
    for line in lines {
        serde_json::to_writer(&mut text, line).map_err(|cause| failed(cause.into()))?;
        text.push(b'\n');
    }
    let end = End { lines: lines.len() as u64, sha256: hex(Sha256::digest(&text)) };
    serde_json::to_writer(&mut text, &Last { end }).map_err(|cause| failed(cause.into()))?;
    text.push(b'\n');
    let temporary = path.with_extension("tmp");
    let mut file = File::create(&temporary).map_err(failed)?;
    file.write_all(&text).map_err(failed)?;
    disk::sync(&file, &temporary).map_err(failed)?;
    fs::rename(&temporary, path).map_err(failed)?;
    sync_folder(path.parent().unwrap_or(Path::new(".")))
}

/// Brings the names in a folder to the disk, where the file system of a stick can do that.
pub(super) fn sync_folder(path: &Path) -> Result<()> {
    match File::open(path).and_then(|folder| folder.sync_all()) {
        Err(cause) if matches!(cause.kind(), ErrorKind::InvalidInput | ErrorKind::Unsupported) => Ok(()),
        synced => synced.map_err(|cause| Error::io("cannot sync the directory", path, &cause)),
    }
}

/// Reads a file that is there; an error says why it does not count.
pub(super) fn read<L: DeserializeOwned>(path: &Path) -> Result<Vec<L>> {
    let bad = |why: &str| Error::new(Status::Io, format!("{} {why}", path.display()));
    let text = fs::read(path).map_err(|cause| Error::io("cannot read", path, &cause))?;
    let body = text.strip_suffix(b"\n").ok_or_else(|| bad("is torn"))?;
    let at = body.iter().rposition(|byte| *byte == b'\n').map_or(0, |newline| newline + 1);
    let (lines, last) = body.split_at(at);
    let Last { end } = serde_json::from_slice(last).map_err(|_| bad("is torn, or another kind of file"))?;
    if end.sha256 != hex(Sha256::digest(lines)) {
        return Err(bad("is damaged: its checksum does not fit"));
    }
    let lines = lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    let read =
        |line: &[u8]| serde_json::from_slice(line).map_err(|cause| bad(&format!("holds an unknown line: {cause}")));
    lines.map(read).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_reads_back_whole_and_no_shorter_or_changed_one_does() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file.jsonl");
        for lines in [vec![], vec![1, 22, 333]] {
            write(&path, &lines).unwrap();
            assert_eq!(read::<u32>(&path).unwrap(), lines);
        }
        let whole = fs::read(&path).unwrap();
        for length in 0..whole.len() {
            fs::write(&path, &whole[..length]).unwrap();
            assert!(read::<u32>(&path).is_err(), "{length}");
        }
        for at in 0..whole.len() {
            let mut changed = whole.clone();
            changed[at] ^= 1;
            fs::write(&path, &changed).unwrap();
            assert!(read::<u32>(&path).map_or(true, |lines| lines == [1, 22, 333]), "{at}");
        }
    }
}
