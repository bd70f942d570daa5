//! Receipts: what the server has of a data file, where and since when. They stay when the file goes.
//!
//! A receipt is `.sync/receipts/KIND-YYYYMMDD_0000.jsonl.gz`: gzip members of JSON lines. The first line is the header,
//! then come lines `{"ids": [ … ]}` with up to 500 ids each ([`super::receipt_ids`]), in the order of the records. The
//! ids are compressed as they come, into a file beside it when they are many; since the header is known last, that file
//! is copied behind it. A receipt gets its name when it is whole and on the disk, before the data file is renamed.

use crate::error::{Error, Result, Status};
use crate::record::kind::Kind;
use crate::record::time::Timestamp;
use crate::store::disk;
use crate::store::layout::{self, Access, DataFile, ProjectDir};
use crate::store::member::Writer;
use crate::store::reader::Reader;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fs::{self, File};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};

const FOLDER: &str = "receipts";
const VERSION: u32 = 1;
const LEVEL: i32 = 6;
const MEMBER_BYTES: usize = 64 * 1024;
const IDS_A_LINE: usize = 500;

/// The first line of a receipt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// The version of the format.
    pub receipt: u32,
    /// The data file as it was called while pending, relative to the project's folder.
    pub file: String,
    /// SHA-256 of its bytes, in hexadecimal.
    pub sha256: String,
    /// How many bytes it has.
    pub bytes: u64,
    /// How many records.
    pub records: u64,
    /// How many of these were rejected; they have no id here.
    pub rejected: u64,
    /// How many an earlier sync sent to another destination; neither have they.
    #[serde(default, skip_serializing_if = "is_none")]
    pub elsewhere: u64,
    /// The trace server that took them.
    pub server: String,
    /// The `entity/project` there.
    pub to: String,
    /// When.
    pub synced_at: String,
    /// What the server says of its version.
    pub server_version: Option<String>,
}

/// What the builder cannot know by itself.
#[derive(Debug, Clone, Copy)]
pub struct About<'a> {
    /// How many records the file has.
    pub records: u64,
    /// How many of these were rejected.
    pub rejected: u64,
    /// How many were sent to another destination.
    pub elsewhere: u64,
    /// The trace server.
    pub server: &'a str,
    /// The `entity/project` on it.
    pub to: &'a str,
    /// Its version, where it says so.
    pub server_version: Option<&'a str>,
}

#[allow(clippy::trivially_copy_pass_by_ref)] // as serde wants it
fn is_none(count: &u64) -> bool {
    *count == 0
}

#[derive(Serialize, Deserialize)]
struct Ids {
    ids: Vec<Option<String>>,
}

/// A receipt in the making. The memory that it takes does not grow with the ids.
pub struct Builder {
    path: PathBuf,
    access: Access,
    writer: Writer,
    ids: Vec<Option<String>>,
    lines: Vec<u8>,
    in_member: u32,
    spilled: Option<File>,
}

impl Builder {
    /// Begins the receipt of a data file in a folder of a project.
    pub fn new(project: &ProjectDir, folder: &str, file: &DataFile, access: Access) -> Result<Builder> {
        let path = path_of(project, folder, file);
        let (ids, lines, writer) = (Vec::new(), Vec::new(), Writer::new(LEVEL)?);
        Ok(Builder { path, access, writer, ids, lines, in_member: 0, spilled: None })
    }

    /// Adds the id of a record that the server has; `None` for one that it can not be asked for.
    pub fn add(&mut self, id: Option<&str>) -> Result<()> {
        self.ids.push(id.map(str::to_string));
        if self.ids.len() >= IDS_A_LINE {
            self.end_line();
        }
        if self.lines.len() >= MEMBER_BYTES {
            self.spill()?;
        }
        Ok(())
    }

    /// Writes the receipt of the data file, which lies at `content` and is not written any more. It takes the place of
    /// one that was made before a crash.
    pub fn finish(mut self, content: &Path, about: &About<'_>) -> Result<PathBuf> {
        self.end_line();
        let last = self.member()?;
        let (sha256, bytes) = hashed(content)?;
        let header = Header {
            receipt: VERSION,
            file: key(&self.path).unwrap_or_default() + end_of(content),
            sha256,
            bytes,
            records: about.records,
            rejected: about.rejected,
            elsewhere: about.elsewhere,
            server: about.server.to_string(),
            to: about.to.to_string(),
            synced_at: Timestamp::now().to_string(),
            server_version: about.server_version.map(str::to_string),
        };
        let failed = |cause| Error::io("cannot write the receipt", &self.path, &cause);
        let mut first = serde_json::to_vec(&header).map_err(|cause| failed(cause.into()))?;
        first.push(b'\n');
        let first = self.writer.write(&first, 1, &[])?;
        let temporary = self.beside(".tmp");
        let mut file = self.make(&temporary)?;
        file.write_all(&first).map_err(failed)?;
        if let Some(mut spilled) = self.spilled.take() {
            spilled.rewind().and_then(|()| io::copy(&mut spilled, &mut file)).map_err(failed)?;
        }
        file.write_all(&last).map_err(failed)?;
        disk::sync(&file, &temporary).and_then(|()| disk::rename(&temporary, &self.path)).map_err(failed)?;
        disk::sync_directory(self.path.parent().unwrap_or(&self.path))?;
        Ok(self.path.clone())
    }

    fn end_line(&mut self) {
        if !self.ids.is_empty() {
            // Writing into a Vec cannot fail.
            let _ = serde_json::to_writer(&mut self.lines, &Ids { ids: std::mem::take(&mut self.ids) });
            self.lines.push(b'\n');
            self.in_member += 1;
        }
    }

    fn member(&mut self) -> Result<Vec<u8>> {
        if self.lines.is_empty() {
            return Ok(Vec::new());
        }
        let member = self.writer.write(&self.lines, self.in_member, &[])?;
        self.lines.clear();
        self.in_member = 0;
        Ok(member)
    }

    fn spill(&mut self) -> Result<()> {
        let member = self.member()?;
        let mut file = match self.spilled.take() {
            Some(file) => file,
            None => {
                let path = self.beside(".ids");
                let file = self.make(&path)?;
                // Its space is given back when it is closed, in whatever way.
                fs::remove_file(&path).map_err(|cause| Error::io("cannot remove", &path, &cause))?;
                file
            }
        };
        file.write_all(&member).map_err(|cause| Error::io("cannot write the receipt", &self.path, &cause))?;
        self.spilled = Some(file);
        Ok(())
    }

    fn beside(&self, end: &str) -> PathBuf {
        let mut path = self.path.clone().into_os_string();
        path.push(end);
        path.into()
    }

    fn make(&self, path: &Path) -> Result<File> {
        self.access.make_directory(self.path.parent().unwrap_or(path))?;
        let _ = fs::remove_file(path); // of one who was killed
        self.access.create_file(path).map_err(|cause| Error::io("cannot make", path, &cause))
    }
}

/// A receipt, open for reading.
pub struct Receipt {
    /// What it says of the file.
    pub header: Header,
    path: PathBuf,
    reader: Reader,
    line: Vec<u8>,
}

impl Receipt {
    /// Opens a receipt.
    pub fn open(path: &Path) -> Result<Receipt> {
        let (mut reader, mut line) = (Reader::open(path)?, Vec::new());
        let header: Option<Header> = match reader.next_line(&mut line)? {
            Some(_) => serde_json::from_slice(&line).ok(),
            None => None,
        };
        match header {
            Some(header) if header.receipt == VERSION => {
                Ok(Receipt { header, path: path.to_path_buf(), reader, line: Vec::new() })
            }
            Some(header) => Err(unreadable(path, &format!("its version is {}, not {VERSION}", header.receipt))),
            None => Err(unreadable(path, "its first line is not that of a receipt")),
        }
    }

    /// The next ids, in the order of the records; `None` at the end. One that is `None` can not be asked for.
    pub fn next_ids(&mut self) -> Result<Option<Vec<Option<String>>>> {
        match self.reader.next_line(&mut self.line)? {
            Some(_) => match serde_json::from_slice::<Ids>(&self.line) {
                Ok(Ids { ids }) => Ok(Some(ids)),
                Err(cause) => Err(unreadable(&self.path, &cause.to_string())),
            },
            None => match self.reader.damage() {
                Some(damage) => Err(Error::new(Status::Io, format!("a receipt is damaged: {damage}"))),
                None => Ok(None),
            },
        }
    }
}

/// The receipts of a project, by kind, date and number.
pub fn all(project: &ProjectDir) -> Result<Vec<PathBuf>> {
    let mut found = layout::entries(&project.sync_folder().join(FOLDER))?;
    found.retain(|path| key(path).is_some());
    found.sort();
    Ok(found)
}

/// When a data file was sent, if its receipt can be read.
pub fn synced_at(project: &ProjectDir, kind: Kind, file: &DataFile) -> Option<Timestamp> {
    let receipt = Receipt::open(&path_of(project, kind.folder(), file)).ok()?;
    Timestamp::parse(&receipt.header.synced_at, "synced_at").ok()
}

/// Where the receipt of a data file is.
pub fn path_of(project: &ProjectDir, folder: &str, file: &DataFile) -> PathBuf {
    let name = format!("{folder}-{}_{:04}.jsonl.gz", file.date, file.number);
    project.sync_folder().join(FOLDER).join(name)
}

/// The data file that a receipt's name stands for, without its ending.
fn key(path: &Path) -> Option<String> {
    let stem = path.file_name()?.to_str()?.strip_suffix(".jsonl.gz")?;
    let (folder, name) = stem.rsplit_once('-')?;
    layout::parse_number(Path::new(&format!("{name}.")))?;
    Some(format!("{folder}/{name}"))
}

fn end_of(content: &Path) -> &'static str {
    if content.extension().is_some_and(|end| end == "gz") {
        ".jsonl.gz"
    } else {
        ".jsonl"
    }
}

/// The SHA-256 of a file in hexadecimal, and how many bytes it has.
pub fn hashed(path: &Path) -> Result<(String, u64)> {
    let failed = |cause| Error::io("cannot read the data file", path, &cause);
    let mut file = File::open(path).map_err(failed)?;
    let (mut hash, mut bytes, mut chunk) = (Sha256::new(), 0, vec![0; 128 * 1024]);
    loop {
        let read = file.read(&mut chunk).map_err(failed)?;
        if read == 0 {
            break;
        }
        hash.update(chunk.get(..read).unwrap_or_default());
        bytes += read as u64;
    }
    Ok((hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect(), bytes))
}

fn unreadable(path: &Path, why: &str) -> Error {
    Error::new(Status::Io, format!("the receipt {} cannot be read: {why}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn data_file(root: &Path) -> (ProjectDir, DataFile) {
        let project = ProjectDir::new(root, "team/demo");
        fs::create_dir_all(project.path.join("calls")).unwrap();
        let path = project.path.join("calls/20260131_0007.jsonl.gz");
        fs::write(&path, b"abc").unwrap();
        (project, DataFile::parse(&path).unwrap())
    }

    fn about(records: u64) -> About<'static> {
        About { records, rejected: 1, elsewhere: 0, server: "http://x", to: "team/there", server_version: Some("1.2") }
    }

    fn made(root: &Path, ids: &[Option<String>]) -> (ProjectDir, DataFile, PathBuf) {
        let (project, file) = data_file(root);
        let mut builder = Builder::new(&project, "calls", &file, Access::Owner).unwrap();
        ids.iter().for_each(|id| builder.add(id.as_deref()).unwrap());
        let path = builder.finish(&file.path, &about(ids.len() as u64)).unwrap();
        (project, file, path)
    }

    #[test]
    fn a_receipt_reads_back_as_it_was_made_however_many_ids_it_has() {
        for count in [0, 3, 60_000] {
            let root = tempfile::tempdir().unwrap();
            let ids: Vec<_> =
                (0..count).map(|n| (n % 7 != 3).then(|| crate::record::ids::Id::new().to_string())).collect();
            let (project, file, path) = made(root.path(), &ids);
            let mut receipt = Receipt::open(&path).unwrap();
            let mut read = Vec::new();
            while let Some(some) = receipt.next_ids().unwrap() {
                read.extend(some);
            }
            assert!(read == ids, "{count}");
            let Header { file: of, sha256, bytes, records, to, rejected, .. } = receipt.header;
            assert_eq!((of.as_str(), bytes, to.as_str()), ("calls/20260131_0007.jsonl.gz", 3, "team/there"));
            assert_eq!((records, rejected), (count, 1));
            assert_eq!(sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
            assert_eq!(all(&project).unwrap(), [path]);
            assert!(synced_at(&project, Kind::Calls, &file).unwrap() <= Timestamp::now());
        }
    }

    #[test]
    fn one_that_was_begun_before_a_crash_is_made_anew() {
        let root = tempfile::tempdir().unwrap();
        let (project, ..) = data_file(root.path());
        let folder = project.sync_folder().join(FOLDER);
        fs::create_dir_all(&folder).unwrap();
        for end in ["", ".tmp", ".ids"] {
            fs::write(folder.join(format!("calls-20260131_0007.jsonl.gz{end}")), b"half").unwrap();
        }
        let ids: Vec<_> = (0..20_000).map(|n| Some(format!("{n:032}"))).collect();
        let (project, _, path) = made(root.path(), &ids);
        assert_eq!(Receipt::open(&path).unwrap().next_ids().unwrap().unwrap().len(), IDS_A_LINE);
        assert_eq!(fs::read_dir(project.sync_folder().join(FOLDER)).unwrap().count(), 1);
    }

    #[test]
    fn what_is_no_receipt_or_a_torn_one_is_told() {
        let root = tempfile::tempdir().unwrap();
        let ids: Vec<_> = (0..20_000).map(|_| Some(crate::record::ids::Id::new().to_string())).collect();
        let (_, _, path) = made(root.path(), &ids);
        let whole = fs::read(&path).unwrap();
        fs::write(&path, &whole[..whole.len() - 9]).unwrap();
        let mut receipt = Receipt::open(&path).unwrap();
        let error = std::iter::from_fn(|| receipt.next_ids().transpose()).find_map(Result::err).unwrap();
        assert!(error.text().contains("damaged"), "{error}");
        fs::write(&path, b"{\"a\":1}\n").unwrap();
        assert!(Receipt::open(&path).map(|_| ()).unwrap_err().text().contains("first line"));
    }
}
