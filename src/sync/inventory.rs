//! What an offline directory holds, told in a moment: of each project and kind what waits, what was sent and what was
//! rejected. From names, sizes and the headers of members alone; nothing is inflated, locked or changed.

use super::kept::{progress, rejected};
use super::results::Counted;
use crate::error::Result;
use crate::record::kind::Kind;
use crate::record::time::Timestamp;
use crate::store::hop::Members;
use crate::store::journal;
use crate::store::layout::{self, DataFile, ProjectDir};
use crate::store::lock;
use crate::store::usage::{self, Files};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::UNIX_EPOCH;

/// What an offline directory holds.
#[derive(Debug, Default)]
pub struct Inventory {
    /// The bytes of everything in it.
    pub bytes: u64,
    /// Programs that have it open for logging.
    pub writers: u64,
    /// Journals whose program is gone. The next start or sync packs what is in them.
    pub abandoned: u64,
    /// Its projects, by name.
    pub projects: Vec<OfProject>,
}

/// What a project holds.
#[derive(Debug)]
pub struct OfProject {
    /// Where it lies.
    pub dir: ProjectDir,
    /// By kind; those without a file are left out.
    pub kinds: BTreeMap<Kind, OfKind>,
    /// Records that a server rejected, by what they count as.
    pub rejected: BTreeMap<Counted, u64>,
}

/// The data files of one kind.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OfKind {
    /// Files that were not sent, or not wholly.
    pub pending: Files,
    /// Records in these that no server has acknowledged; `None` when a file does not tell how many it has: one that is not
    /// compressed, or of another writer.
    pub records: Option<u64>,
    /// Files of these that a program is writing.
    pub growing: u64,
    /// Files that were sent.
    pub synced: Files,
    /// The day of the oldest pending file, `YYYYMMDD`.
    pub oldest: Option<String>,
    /// When a pending file was last written to.
    pub newest: Option<Timestamp>,
}

/// Looks through an offline directory. What programs and syncs do meanwhile may be seen or not.
pub fn take(root: &Path) -> Result<Inventory> {
    layout::check_exists(root)?;
    let mut inventory = Inventory { bytes: usage::bytes_below(root)?, ..Inventory::default() };
    for path in journal::all(root)? {
        let is_live = journal::id_of(&path).is_some_and(|id| journal::is_in_use(root, &id));
        *(if is_live { &mut inventory.writers } else { &mut inventory.abandoned }) += 1;
    }
    for dir in layout::projects(root)? {
        inventory.projects.push(of_project(dir)?);
    }
    Ok(inventory)
}

fn of_project(dir: ProjectDir) -> Result<OfProject> {
    let acknowledged = progress::read(&dir)?;
    let mut kinds = BTreeMap::new();
    for kind in Kind::ALL {
        let files = layout::data_files(&dir.kind(kind))?;
        if files.is_empty() {
            continue;
        }
        let mut of_kind = OfKind { records: Some(0), ..OfKind::default() };
        for file in &files {
            let Ok(about) = fs::metadata(&file.path) else { continue }; // renamed or deleted meanwhile
            if file.synced {
                of_kind.synced.add(about.len());
                continue;
            }
            let name = file.path.file_name().unwrap_or_default().to_string_lossy();
            let sent = acknowledged.get(&format!("{}/{name}", kind.folder()));
            let records = records(file)?.map(|all| all.saturating_sub(sent.map_or(0, |sent| sent.count_below(all))));
            of_kind.pending.add(about.len());
            of_kind.records = of_kind.records.zip(records).map(|(sum, more)| sum + more);
            of_kind.growing += u64::from(lock::is_held(&file.path));
            of_kind.oldest = of_kind.oldest.take().or_else(|| Some(file.date.clone()));
            let written = about.modified().ok().and_then(|at| at.duration_since(UNIX_EPOCH).ok());
            let written = written.and_then(|since| Timestamp::from_micros(i64::try_from(since.as_micros()).ok()?));
            of_kind.newest = of_kind.newest.max(written);
        }
        kinds.insert(kind, of_kind);
    }
    let rejected = rejected::counts(&dir)?;
    Ok(OfProject { dir, kinds, rejected })
}

/// How many records a file has: as its last member says, else as the headers of all of them say.
fn records(file: &DataFile) -> Result<Option<u64>> {
    if !file.compressed {
        return Ok(None);
    }
    let Some(mut members) = Members::open(&file.path)? else { return Ok(Some(0)) };
    if let Some(records) = members.lines_told_at_end()? {
        return Ok(Some(records));
    }
    let mut records = 0;
    while let Some((_, header)) = members.next_member()? {
        records += u64::from(header.records);
    }
    let is_told = members.position() == members.length || members.is_torn_end(members.position())?;
    Ok(is_told.then_some(records))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::layout::Access;
    use crate::store::member::Writer;
    use crate::sync::kept::progress::Progress;
    use crate::sync::kept::ranges::Ranges;

    fn folder(root: &Path) -> ProjectDir {
        let dir = ProjectDir::new(root, "team/demo");
        fs::create_dir_all(dir.kind(Kind::Calls)).unwrap();
        dir
    }

    fn members(counts: &[u32]) -> Vec<u8> {
        let mut writer = Writer::new(1).unwrap();
        counts
            .iter()
            .flat_map(|count| writer.write("{}\n".repeat(*count as usize).as_bytes(), *count, &[]).unwrap())
            .collect()
    }

    #[test]
    fn records_that_wait_are_counted_by_the_headers_without_those_that_were_acknowledged() {
        let root = tempfile::tempdir().unwrap();
        let dir = folder(root.path());
        fs::write(dir.kind(Kind::Calls).join("20260131_0000.jsonl.gz"), members(&[5, 7])).unwrap();
        fs::write(dir.kind(Kind::Calls).join("20260131_0001.synced.jsonl.gz"), members(&[3])).unwrap();
        let acknowledged: Ranges = vec![(0, 3), (10, 20)].into();
        let mut progress = Progress::open(&dir, Access::Owner).unwrap();
        progress.acknowledge(&BTreeMap::from([("calls/20260131_0000.jsonl.gz", acknowledged)])).unwrap();
        let inventory = take(root.path()).unwrap();
        let calls = &inventory.projects[0].kinds[&Kind::Calls];
        assert_eq!((calls.records, calls.pending.files, calls.synced.files), (Some(12 - 4 - 2), 1, 1));
        assert_eq!(calls.oldest.as_deref(), Some("20260131"));
    }

    #[test]
    fn a_torn_end_does_not_hide_how_many_records_stand_before_it() {
        let root = tempfile::tempdir().unwrap();
        let dir = folder(root.path());
        let mut bytes = members(&[5, 7]);
        bytes.truncate(bytes.len() - 3);
        fs::write(dir.kind(Kind::Calls).join("20260131_0000.jsonl.gz"), bytes).unwrap();
        assert_eq!(take(root.path()).unwrap().projects[0].kinds[&Kind::Calls].records, Some(5));
    }

    #[test]
    fn files_that_do_not_tell_their_records_are_told_as_unknown() {
        let root = tempfile::tempdir().unwrap();
        let dir = folder(root.path());
        fs::write(dir.kind(Kind::Calls).join("20260131_0000.jsonl"), "{}\n").unwrap();
        let calls = take(root.path()).unwrap().projects[0].kinds[&Kind::Calls].clone();
        assert_eq!((calls.records, calls.pending), (None, Files { files: 1, bytes: 3 }));
    }
}
