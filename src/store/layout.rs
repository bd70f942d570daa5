//! Where things lie in the offline directory, how they are named, and with which modes they are made.
//!
//! ```text
//! offline_dir/
//!   .weave/journals/ID/            a writer's journal (see journal)
//!   .weave/damaged/                what recovery could not read, with the reason
//!   entity/project/KIND/YYYYMMDD_0000.jsonl.gz   closed or growing; .synced.jsonl.gz when sent
//!   entity/project/KIND/YYYYMMDD_0000.dropped.gz what a data file held that the quota took (see quota)
//!   entity/project/KIND/YYYYMMDD_0000.deleted    empty: keeps the number of the day's last file from being used again
//!   entity/project/files/DIGEST    the bytes of a file, once per content
//!   entity/project/.sync/          what a sync remembers
//! ```

use crate::error::{Error, Result, Status};
use crate::record::kind::Kind;
use crate::store::disk::{self, Operation};
use crate::store::file_record::OLDER_FOLDER;
use crate::store::process;
use std::collections::HashMap;
use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{lchown, DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// The folder of an offline directory that belongs to the library.
pub const LIBRARY_FOLDER: &str = ".weave";

/// The file in that folder of a directory that was unpacked from another machine's bundles: the manifest of the last one.
pub const CARRIED_FILE: &str = "carried.jsonl";

/// Who a directory is in bundles.
pub const DEVICE_FILE: &str = "device.json";

/// Where a bundle's files are copied to before they are checked.
pub const UNPACKING_FOLDER: &str = "unpacking";

/// Numbers from here on are for data files that are made in such a directory, so that none meets the name of one that the
/// other machine makes on the same day.
const NUMBERS_HERE: u64 = 1_000_000;

/// The folder of a project in which a sync keeps its progress.
pub const SYNC_FOLDER: &str = ".sync";

/// The file in that folder with the records that a server did not take: JSON objects whose `lines` are lines of data
/// files. They may be sent again, and so need the bytes of the files that they name.
pub const REJECTED_FILE: &str = "rejected.jsonl";

/// What the name of a file in that folder ends in whose records are on the way back to those that wait.
pub const MOVING: &str = ".moving";

/// The folder in that folder with a receipt for each data file that was sent, `KIND-YYYYMMDD_0000.jsonl.gz`.
const RECEIPTS_FOLDER: &str = "receipts";

/// The entity under which projects are recorded whose entity is not known yet. It is bound at sync.
pub const UNBOUND_ENTITY: &str = "offline";

/// Who may read what the store makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Access {
    /// Directories 0700, files 0600.
    #[default]
    Owner,
    /// Directories 0770, files 0660.
    Group,
}

impl Access {
    fn directory(self) -> u32 {
        match self {
            Access::Owner => 0o700,
            Access::Group => 0o770,
        }
    }

    /// The mode of a file.
    pub fn file(self) -> u32 {
        match self {
            Access::Owner => 0o600,
            Access::Group => 0o660,
        }
    }

    /// Makes a directory and those above it; one that exists is left as it is.
    pub fn make_directory(self, path: &Path) -> Result<()> {
        if path.is_dir() {
            return Ok(());
        }
        if let Some(above) = path.parent().filter(|above| !above.as_os_str().is_empty()) {
            self.make_directory(above)?;
        }
        let made = disk::fault(Operation::MakeDirectory, path)
            .and_then(|()| DirBuilder::new().mode(self.directory()).create(path))
            .inspect(|()| disk::directory_made(path))
            .and_then(|()| self.let_in(path, self.directory()));
        match made {
            Err(cause) if cause.kind() == ErrorKind::AlreadyExists && path.is_dir() => Ok(()),
            Err(cause) => Err(Error::io("cannot make the directory", path, &cause).context("offline storage")),
            // A file in it is there after a power loss only if its own name is.
            Ok(()) => match path.parent() {
                Some(above) if !above.as_os_str().is_empty() => disk::sync_directory(above),
                _ => disk::sync_directory(Path::new(".")),
            },
        }
    }

    /// Makes a file that must not exist yet, open for writing.
    pub fn create_file(self, path: &Path) -> io::Result<File> {
        disk::fault(Operation::Create, path)?;
        let file = OpenOptions::new().read(true).append(true).create_new(true).mode(self.file()).open(path)?;
        disk::created(path);
        self.let_in(path, self.file())?;
        Ok(file)
    }

    /// The umask of most programs keeps the group from writing; who asked to let it in means it. What root makes in
    /// somebody's directory is theirs, or they could not go on with it.
    pub(super) fn let_in(self, path: &Path, mode: u32) -> io::Result<()> {
        if self == Access::Group {
            fs::set_permissions(path, Permissions::from_mode(mode))?;
        }
        let owner = path.parent().filter(|_| process::is_root()).and_then(|folder| fs::metadata(folder).ok());
        let Some(owner) = owner.filter(|owner| owner.uid() != 0) else { return Ok(()) };
        match lchown(path, Some(owner.uid()), Some(owner.gid())) {
            // Root in a container, or of another machine, may not give files away, and not every file system has
            // owners.
            Err(cause) if matches!(cause.raw_os_error(), Some(libc::EPERM | libc::EINVAL | libc::ENOTSUP)) => Ok(()),
            given => given,
        }
    }
}

/// A project's folder.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ProjectDir {
    /// The entity as recorded.
    pub entity: String,
    /// The project as recorded.
    pub project: String,
    /// The folder.
    pub path: PathBuf,
}

impl ProjectDir {
    /// The folder of the project `entity/project`.
    pub fn new(root: &Path, name: &str) -> Self {
        let (entity, project) = name.split_once('/').unwrap_or((UNBOUND_ENTITY, name));
        ProjectDir { entity: entity.to_string(), project: project.to_string(), path: root.join(entity).join(project) }
    }

    /// `entity/project` as recorded.
    pub fn name(&self) -> String {
        format!("{}/{}", self.entity, self.project)
    }

    /// Whether anything in it shows that it is one of the library's: a data file, what is left of one, or what a sync
    /// keeps. Somebody's own folders may have the same names, as `files` has.
    pub fn is_of_library(&self) -> Result<bool> {
        if self.sync_folder().is_dir() {
            return Ok(true);
        }
        for kind in Kind::ALL {
            if entries(&self.kind(kind))?.iter().any(|path| parse_number(path).is_some()) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The folder of a kind.
    pub fn kind(&self, kind: Kind) -> PathBuf {
        self.path.join(kind.folder())
    }

    /// Where the bytes of a file lie.
    pub fn file_body(&self, digest: &str) -> PathBuf {
        self.kind(Kind::Files).join(digest)
    }

    /// Where a sync keeps its progress.
    pub fn sync_folder(&self) -> PathBuf {
        self.path.join(SYNC_FOLDER)
    }
}

/// Whether data files lie in a folder of this name.
pub fn is_data_folder(name: &str) -> bool {
    Kind::ALL.iter().any(|kind| kind.folder() == name) || name == OLDER_FOLDER
}

/// A data file, told by its name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct DataFile {
    /// UTC date of creation, `YYYYMMDD`.
    pub date: String,
    /// Its number on that day.
    pub number: u64,
    /// Whether everything in it was sent.
    pub synced: bool,
    /// Whether it is made of gzip members.
    pub compressed: bool,
    /// Its path.
    pub path: PathBuf,
}

impl DataFile {
    /// Reads a name; `None` if it is not that of a data file.
    pub fn parse(path: &Path) -> Option<Self> {
        let (date, number, rest) = parse_number(path)?;
        let (synced, compressed) = match rest {
            "jsonl.gz" => (false, true),
            "jsonl" => (false, false),
            "synced.jsonl.gz" => (true, true),
            "synced.jsonl" => (true, false),
            _ => return None,
        };
        Some(DataFile { date: date.to_string(), number, synced, compressed, path: path.to_path_buf() })
    }

    /// The name of a file that is not sent yet.
    pub fn pending_name(date: &str, number: u64, compressed: bool) -> String {
        format!("{date}_{number:04}.jsonl{}", if compressed { ".gz" } else { "" })
    }

    /// The path that this file gets when everything in it was sent.
    pub fn synced_path(&self) -> PathBuf {
        let end = if self.compressed { "synced.jsonl.gz" } else { "synced.jsonl" };
        self.path.with_file_name(format!("{}_{:04}.{end}", self.date, self.number))
    }

    /// The path of the note on what this file held, when it was dropped.
    pub fn note_path(&self) -> PathBuf {
        self.path.with_file_name(format!("{}_{:04}.dropped.gz", self.date, self.number))
    }

    /// The path of the empty file that keeps the number when this one is deleted.
    pub fn number_path(&self) -> PathBuf {
        self.path.with_file_name(format!("{}_{:04}.deleted", self.date, self.number))
    }
}

/// The date and the number with which the name of a data file, or of what is left of one, begins, and what follows
/// behind the dot.
pub fn parse_number(path: &Path) -> Option<(&str, u64, &str)> {
    let (stem, rest) = path.file_name()?.to_str()?.split_once('.')?;
    let (date, number) = stem.split_once('_')?;
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    (date.len() == 8 && digits(date) && digits(number)).then_some((date, number.parse().ok()?, rest))
}

/// For each date the largest number that a data file of the folder has had.
pub fn last_numbers(folder: &Path) -> Result<HashMap<String, u64>> {
    let mut last = HashMap::new();
    for path in entries(folder)? {
        if let Some((date, number, _)) = parse_number(&path) {
            last.entry(date.to_string()).and_modify(|known| *known = number.max(*known)).or_insert(number);
        }
    }
    Ok(last)
}

/// The number for the next data file of a date: behind that of every file that has been, so that a name is never used
/// twice. What a sync or a journal noted of a file would else be taken for the next one's.
pub fn next_number(folder: &Path, date: &str) -> Result<u64> {
    let last = last_numbers(folder)?.get(date).copied();
    let next = last.max(last_receipt(folder, date)?).map_or(0, |number| number + 1);
    let is_carried =
        folder.ancestors().nth(3).is_some_and(|root| root.join(LIBRARY_FOLDER).join(CARRIED_FILE).exists());
    Ok(if is_carried { next.max(NUMBERS_HERE) } else { next })
}

/// The largest number of a date that has a receipt. It is there also when the file was deleted by hand.
fn last_receipt(folder: &Path, date: &str) -> Result<Option<u64>> {
    let (Some(project), Some(kind)) = (folder.parent(), folder.file_name()) else { return Ok(None) };
    let kind = format!("{}-", kind.to_string_lossy());
    let number = |path: PathBuf| {
        let (of, number, _) = parse_number(Path::new(path.file_name()?.to_str()?.strip_prefix(&kind)?))?;
        (of == date).then_some(number)
    };
    let receipts = readable_entries(&project.join(SYNC_FOLDER).join(RECEIPTS_FOLDER))?;
    Ok(receipts.into_iter().filter_map(number).max())
}

/// Whether records of a project are on the way back to those that wait, or were when a process was killed.
pub fn is_anything_moving(project: &ProjectDir) -> Result<bool> {
    let is_moving = |path: &PathBuf| path.to_string_lossy().ends_with(MOVING);
    Ok(entries(&project.sync_folder())?.iter().any(is_moving))
}

/// The projects of an offline directory, in order of name. Folders that this process may not read are passed over:
/// somebody else's, or the `lost+found` of a file system.
pub fn projects(root: &Path) -> Result<Vec<ProjectDir>> {
    let mut found = Vec::new();
    for entity in visible_folders(entries(root)?) {
        for project in visible_folders(readable_entries(&root.join(&entity))?) {
            let path = root.join(&entity).join(&project);
            if Kind::ALL.iter().any(|kind| path.join(kind.folder()).is_dir()) {
                found.push(ProjectDir { entity: entity.clone(), project, path });
            }
        }
    }
    found.sort();
    Ok(found)
}

/// The data files of a folder, oldest first; a folder that does not exist has none.
pub fn data_files(folder: &Path) -> Result<Vec<DataFile>> {
    let mut found: Vec<DataFile> = entries(folder)?.iter().filter_map(|path| DataFile::parse(path)).collect();
    found.sort_by(|a, b| (&a.date, a.number, a.synced).cmp(&(&b.date, b.number, b.synced)));
    Ok(found)
}

/// The paths in a folder; a folder that does not exist has none.
pub fn entries(folder: &Path) -> Result<Vec<PathBuf>> {
    entries_unless(folder, &[ErrorKind::NotFound])
}

/// The same; a folder that this process may not read has none either.
pub(super) fn readable_entries(folder: &Path) -> Result<Vec<PathBuf>> {
    entries_unless(folder, &[ErrorKind::NotFound, ErrorKind::PermissionDenied])
}

/// The paths in a folder, none when it cannot be read for one of these reasons.
fn entries_unless(folder: &Path, reasons: &[ErrorKind]) -> Result<Vec<PathBuf>> {
    let listed = fs::read_dir(folder).and_then(|listing| listing.map(|entry| Ok(entry?.path())).collect());
    match listed {
        Err(cause) if reasons.contains(&cause.kind()) => Ok(Vec::new()),
        listed => listed.map_err(|cause| Error::io("cannot read the directory", folder, &cause)),
    }
}

/// Fails with what to do when the offline directory is not there.
pub fn check_exists(root: &Path) -> Result<()> {
    if root.is_dir() {
        return Ok(());
    }
    Err(Error::new(
        Status::InvalidArgument,
        format!(
            "offline_dir: there is no directory {}; give the directory that the programs logged to",
            root.display()
        ),
    ))
}

fn visible_folders(entries: Vec<PathBuf>) -> impl Iterator<Item = String> {
    let folders = entries.into_iter().filter(|path| path.is_dir());
    let names = folders.filter_map(|path| path.file_name().and_then(|name| name.to_str()).map(str::to_string));
    names.filter(|name| !name.starts_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_data_files_are_read_and_others_are_left_alone() {
        let file = DataFile::parse(Path::new("/x/20261123_0007.synced.jsonl.gz")).unwrap();
        assert_eq!((file.date.as_str(), file.number, file.synced, file.compressed), ("20261123", 7, true, true));
        let plain = DataFile::parse(Path::new("20261123_12345.jsonl")).unwrap();
        assert_eq!((plain.number, plain.synced, plain.compressed), (12345, false, false));
        assert_eq!(plain.synced_path(), Path::new("20261123_12345.synced.jsonl"));
        for other in
            ["2026_0000.jsonl.gz", "20261123_.jsonl", "20261123_0000.json", "notes.txt", "20261123_0000.jsonl.gz.tmp"]
        {
            assert_eq!(DataFile::parse(Path::new(other)), None, "{other}");
        }
    }

    #[test]
    fn a_number_is_not_used_again_whatever_is_left_of_its_file() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(next_number(folder.path(), "20261123").unwrap(), 0);
        for (name, next) in [
            ("20261123_0004.synced.jsonl.gz", 5),
            ("20261124_0040.jsonl", 5),
            ("20261123_0005.jsonl.gz.dropping", 6),
            ("20261123_0006.dropped.gz", 7),
            ("20261123_0007.deleted", 8),
        ] {
            fs::write(folder.path().join(name), b"").unwrap();
            assert_eq!(next_number(folder.path(), "20261123").unwrap(), next, "{name}");
        }
    }

    #[test]
    fn a_file_made_where_another_machine_s_were_unpacked_never_has_the_name_of_one_of_these() {
        let root = tempfile::tempdir().unwrap();
        let folder = ProjectDir::new(root.path(), "team/demo").kind(Kind::Calls);
        fs::create_dir_all(&folder).unwrap();
        fs::create_dir_all(root.path().join(LIBRARY_FOLDER)).unwrap();
        fs::write(root.path().join(LIBRARY_FOLDER).join(CARRIED_FILE), b"").unwrap();
        assert_eq!(next_number(&folder, "20261123").unwrap(), NUMBERS_HERE);
        fs::write(folder.join("20261123_1000000.jsonl.gz"), b"").unwrap();
        assert_eq!(next_number(&folder, "20261123").unwrap(), NUMBERS_HERE + 1);
    }

    #[test]
    fn a_number_that_has_a_receipt_is_not_used_again_although_its_file_was_deleted_by_hand() {
        let project = tempfile::tempdir().unwrap();
        let receipts = project.path().join(SYNC_FOLDER).join(RECEIPTS_FOLDER);
        fs::create_dir_all(&receipts).unwrap();
        for name in ["calls-20261123_0007.jsonl.gz", "calls-20261124_0040.jsonl.gz", "files-20261123_0041.jsonl.gz"] {
            fs::write(receipts.join(name), b"").unwrap();
        }
        assert_eq!(next_number(&project.path().join("calls"), "20261123").unwrap(), 8);
    }

    #[test]
    fn what_root_makes_in_somebodys_directory_is_theirs() {
        if !process::is_root() {
            return; // nobody else may give files away
        }
        let root = tempfile::tempdir().unwrap();
        std::os::unix::fs::chown(root.path(), Some(12345), Some(54321)).unwrap();
        let folder = root.path().join("a/b");
        Access::Owner.make_directory(&folder).unwrap();
        Access::Owner.create_file(&folder.join("file")).unwrap();
        for path in [root.path().join("a"), folder.clone(), folder.join("file")] {
            let about = fs::metadata(&path).unwrap();
            assert_eq!((about.uid(), about.gid()), (12345, 54321), "{}", path.display());
        }
    }

    #[test]
    fn root_that_may_not_give_files_away_keeps_them() {
        let test = "store::layout::tests::root_that_may_not_give_files_away_keeps_them";
        process::without_capabilities(test, |root| drop(Access::Owner.create_file(&root.join("file")).unwrap()));
    }

    #[test]
    fn files_are_listed_by_date_and_number_not_by_text() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["20261123_10000.jsonl.gz", "20261123_9999.jsonl.gz", "20261122_0001.synced.jsonl.gz", "other"] {
            fs::write(folder.path().join(name), b"").unwrap();
        }
        let numbers: Vec<u64> = data_files(folder.path()).unwrap().iter().map(|f| f.number).collect();
        assert_eq!(numbers, [1, 9999, 10000]);
    }
}
