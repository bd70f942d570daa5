//! The quota on real directories.

use super::*;
use crate::record::digest::bytes_digest;
use crate::record::ids::Id;
use crate::store::member::{Covered, Writer};
use crate::store::reader::Reader;
use std::fs::File;
use std::io::Write;
use std::process::Command;

const QUOTA: u64 = 1 << 20;
const DATE: &str = "20260101";

struct Directory {
    root: tempfile::TempDir,
}

impl Directory {
    fn new() -> Self {
        Directory { root: tempfile::tempdir().unwrap() }
    }

    fn path(&self, place: &str) -> PathBuf {
        self.root.path().join(place)
    }

    /// A data file of about so many KiB, and the ids of the calls in it.
    fn file(&self, place: &str, kilobytes: usize) -> Vec<String> {
        write_file(&self.path(place), kilobytes, &[])
    }

    fn quota(&self, policy: QuotaPolicy) -> Quota {
        Quota::new(self.root.path(), QUOTA, policy, Access::Owner)
    }

    fn bytes(&self) -> u64 {
        usage::bytes_below(self.root.path()).unwrap()
    }

    /// The files, without what the quota itself makes.
    fn files(&self) -> Vec<String> {
        let mut found = Vec::new();
        for project in layout::projects(self.root.path()).unwrap() {
            for kind in Kind::ALL {
                let files = layout::data_files(&project.kind(kind)).unwrap();
                found.extend(files.iter().map(|file| note::place(&file.path)));
            }
        }
        found.sort();
        found
    }
}

fn write_file(path: &Path, kilobytes: usize, covered: &[Covered]) -> Vec<String> {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let (mut file, mut ids, mut writer) = (File::create(path).unwrap(), Vec::new(), Writer::new(1).unwrap());
    while (file.metadata().unwrap().len() as usize) < kilobytes * 1024 {
        let mut lines = String::new();
        for _ in 0..10 {
            let id = Id::new().to_string();
            // Ids do not get much shorter by compression.
            let noise: String = (0..20).map(|_| Id::new().to_string()).collect();
            lines += &format!(
                "{{\"type\":\"call_complete\",\"timestamp\":\"2026-01-01T00:00:09.000000Z\",\"data\":{{\"id\":\"{id}\",\
                 \"op_name\":\"greet\",\"started_at\":\"2026-01-01T00:00:0{}.000000Z\",\"inputs\":{{\"noise\":\"{noise}\"}}}}}}\n",
                ids.len() % 10
            );
            ids.push(id);
        }
        file.write_all(&writer.write(lines.as_bytes(), 10, covered).unwrap()).unwrap();
    }
    ids
}

fn lines(path: &Path) -> Vec<serde_json::Value> {
    let (mut reader, mut line, mut found) = (Reader::open(path).unwrap(), Vec::new(), Vec::new());
    while reader.next_line(&mut line).unwrap().is_some() {
        found.push(serde_json::from_slice(&line).unwrap());
    }
    assert_eq!(reader.damage(), None);
    found
}

fn listed_ids(note: &Path) -> Vec<String> {
    lines(note).iter().skip(1).map(|line| line["id"].as_str().unwrap().to_string()).collect()
}

#[test]
fn nothing_is_touched_below_the_quota() {
    let dir = Directory::new();
    dir.file("team/demo/calls/20260101_0000.synced.jsonl.gz", 300);
    dir.file("team/demo/calls/20260101_0001.jsonl.gz", 300);
    let before = dir.bytes();
    let mut quota = dir.quota(QuotaPolicy::DropOldest);
    assert_eq!(quota.enforce(0).unwrap(), State::Room);
    assert_eq!((dir.bytes(), quota.dropped()), (before, 0));
}

#[test]
fn synced_files_go_first_the_oldest_of_all_projects_and_no_more_than_needed() {
    let dir = Directory::new();
    dir.file("team/b/calls/20260101_0000.synced.jsonl.gz", 200);
    dir.file("team/a/calls/20260101_0001.synced.jsonl.gz", 200);
    dir.file("team/a/ops/20260102_0000.synced.jsonl.gz", 200);
    dir.file("team/a/calls/20251231_0000.jsonl.gz", 600);
    assert_eq!(dir.quota(QuotaPolicy::DropOldest).enforce(0).unwrap(), State::Room);
    assert_eq!(
        dir.files(),
        ["team/a/calls/20251231_0000.jsonl.gz", "team/a/ops/20260102_0000.synced.jsonl.gz"],
        "what is not sent is older and stays"
    );
}

#[test]
fn refusing_keeps_what_is_not_sent_and_takes_records_again_when_there_is_room() {
    let dir = Directory::new();
    dir.file("team/demo/calls/20260101_0000.jsonl.gz", 600);
    dir.file("team/demo/calls/20260101_0001.jsonl.gz", 600);
    let (mut quota, before) = (dir.quota(QuotaPolicy::Refuse), dir.files());
    assert_eq!(quota.enforce(0).unwrap(), State::Full);
    assert_eq!((dir.files(), quota.dropped()), (before, 0));
    let sent = DataFile::parse(&dir.path("team/demo/calls/20260101_0000.jsonl.gz")).unwrap();
    fs::rename(&sent.path, sent.synced_path()).unwrap();
    assert_eq!(quota.enforce(0).unwrap(), State::Room);
    assert_eq!(dir.files(), ["team/demo/calls/20260101_0001.jsonl.gz"]);
}

#[test]
fn a_full_directory_is_left_by_small_steps_too() {
    let dir = Directory::new();
    for number in 0..16 {
        dir.file(&format!("team/demo/calls/{DATE}_{number:04}.jsonl.gz"), 64);
    }
    let mut quota = dir.quota(QuotaPolicy::Refuse);
    assert_eq!(quota.enforce(0).unwrap(), State::Full);
    for number in 0..16 {
        let sent = DataFile::parse(&dir.path(&format!("team/demo/calls/{DATE}_{number:04}.jsonl.gz"))).unwrap();
        fs::rename(&sent.path, sent.synced_path()).unwrap();
        let state = quota.enforce(0).unwrap();
        assert!(!sent.synced_path().exists(), "what was sent is deleted at once while it is full");
        if state == State::Room {
            assert!(number > 0, "one file is not enough");
            return;
        }
    }
    panic!("there is never room again");
}

#[test]
fn dropping_takes_the_oldest_and_leaves_a_record_of_what_it_held() {
    let dir = Directory::new();
    let ids = dir.file("team/demo/calls/20260101_0007.jsonl.gz", 64);
    dir.file("team/demo/calls/20260102_0000.jsonl.gz", 950);
    let mut quota = dir.quota(QuotaPolicy::DropOldest);
    assert_eq!(quota.enforce(0).unwrap(), State::Room);
    assert_eq!(dir.files(), ["team/demo/calls/20260102_0000.jsonl.gz"]);
    assert_eq!(quota.dropped(), ids.len() as u64);

    let note = dir.path("team/demo/calls/20260101_0007.dropped.gz");
    let told = lines(&note);
    let count = ids.len();
    assert_eq!(told[0]["dropped"], "team/demo/calls/20260101_0007.jsonl.gz");
    assert_eq!((&told[0]["records"], &told[0]["listed"]), (&count.into(), &count.into()));
    let of_type = &told[0]["types"]["call_complete"];
    assert_eq!(of_type["records"], count);
    assert_eq!(of_type["first"], "2026-01-01T00:00:00.000000Z");
    assert_eq!(of_type["last"], "2026-01-01T00:00:09.000000Z");
    assert_eq!(listed_ids(&note), ids);
    assert_eq!((&told[2]["op_name"], &told[2]["time"]), (&"greet".into(), &"2026-01-01T00:00:01.000000Z".into()));
    assert_eq!(layout::next_number(note.parent().unwrap(), DATE).unwrap(), 8, "its name is not used again");
}

#[test]
fn a_note_tells_every_type_of_record_by_its_id() {
    let dir = Directory::new();
    let place = dir.path("team/demo/calls/20260101_0000.jsonl");
    fs::create_dir_all(place.parent().unwrap()).unwrap();
    let of = |name: &str, data: &str| format!("{{\"type\":\"{name}\",\"timestamp\":\"t\",\"data\":{data}}}\n");
    let text = of("call_start", r#"{"start":{"id":"1","op_name":"o","started_at":"s"}}"#)
        + &of("call_end", r#"{"end":{"id":"2","started_at":null}}"#)
        + &of("call_update", r#"{"call_id":"3"}"#)
        + &of("obj_create", r#"{"obj":{"project_id":"p","object_id":"4","val":{"id":5}}}"#)
        + &of("file_create", r#"{"name":"n","digest":"5"}"#)
        + &of("table_create", r#"{"table":{"rows":[]}}"#)
        + "torn";
    fs::write(&place, &text).unwrap();
    let (summary, note) = note::read(&place, &DataFile::parse(&place).unwrap(), QUOTA).unwrap();
    assert_eq!((summary.records, summary.listed, summary.bytes), (6, 6, text.len() as u64));
    assert!(summary.damage.unwrap().contains("torn"));
    let path = dir.path("note");
    fs::write(&path, note).unwrap();
    let told: Vec<String> = lines(&path).iter().skip(1).map(|line| line.to_string()).collect();
    assert_eq!(
        told,
        [
            r#"{"id":"1","op_name":"o","time":"s","type":"call_start"}"#,
            r#"{"id":"2","time":"t","type":"call_end"}"#,
            r#"{"id":"3","time":"t","type":"call_update"}"#,
            r#"{"id":"4","time":"t","type":"obj_create"}"#,
            r#"{"id":"5","time":"t","type":"file_create"}"#,
            r#"{"time":"t","type":"table_create"}"#,
        ]
    );
}

#[test]
fn a_note_has_a_limit_and_says_how_much_it_lists() {
    let dir = Directory::new();
    let place = "team/demo/calls/20260101_0000.jsonl.gz";
    let ids = dir.file(place, 3000);
    let file = DataFile::parse(&dir.path(place)).unwrap();
    let (summary, note) = note::read(&file.path, &file, 64 * 1024).unwrap();
    assert!(note.len() < 64 * 1024, "{}", note.len());
    assert_eq!(summary.records, ids.len() as u64);
    assert!(summary.listed > 100 && summary.listed < summary.records, "{}", summary.listed);
    let path = dir.path("note");
    fs::write(&path, note).unwrap();
    assert_eq!(listed_ids(&path), ids[..summary.listed as usize]);
}

#[test]
fn a_file_that_grows_and_one_that_a_journal_needs_stay() {
    let dir = Directory::new();
    dir.file("team/demo/calls/20260101_0000.jsonl.gz", 400);
    let growing = lock::try_hold(&dir.path("team/demo/calls/20260101_0000.jsonl.gz")).unwrap();
    assert!(growing.is_some());
    let journal = journal::stream(&[3; 16], 0);
    let folder = dir.path(&format!(".weave/journals/{}", journal::name_of(&journal)));
    fs::create_dir_all(&folder).unwrap();
    let _living = lock::try_acquire(&journal::lock_path(&folder), Access::Owner).unwrap().unwrap();
    let part = Covered { stream: journal, from: 0, to: 1 };
    write_file(&dir.path("team/demo/calls/20260101_0001.synced.jsonl.gz"), 400, &[part]);
    write_file(&dir.path("team/demo/calls/20260101_0002.jsonl.gz"), 400, &[part]);
    let before = dir.files();
    assert_eq!(dir.quota(QuotaPolicy::DropOldest).enforce(0).unwrap(), State::Full);
    assert_eq!(dir.files(), before);
    // Closed, and the journal is gone: the synced one is enough.
    std::mem::drop(growing);
    fs::remove_dir_all(dir.path(".weave/journals")).unwrap();
    assert_eq!(dir.quota(QuotaPolicy::DropOldest).enforce(0).unwrap(), State::Room);
    assert_eq!(dir.files(), [before[0].clone(), before[2].clone()]);
}

#[test]
fn many_enforcers_at_once_drop_no_more_than_one_would() {
    let (alone, together) = (Directory::new(), Directory::new());
    for dir in [&alone, &together] {
        for number in 0..20 {
            dir.file(&format!("team/demo/calls/{DATE}_{number:04}.jsonl.gz"), 64);
        }
    }
    assert_eq!(alone.quota(QuotaPolicy::DropOldest).enforce(0).unwrap(), State::Room);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for _ in 0..20 {
                    together.quota(QuotaPolicy::DropOldest).enforce(0).unwrap();
                }
            });
        }
    });
    assert!(alone.files().len() < 20);
    assert_eq!(together.files(), alone.files());
}

#[test]
fn what_a_crash_left_half_way_is_finished_and_never_read_as_records() {
    let place = "team/demo/calls/20260101_0000.jsonl.gz";
    type Make = fn(&Path, &Path);
    let states: [(&str, Make); 5] = [
        ("renamed", |_, _| {}),
        ("the note was being written", |_, note| {
            fs::write(note.with_extension("gz.tmp"), b"\x1f\x8b half").unwrap();
        }),
        ("the note is there", |dropping, note| {
            let file = DataFile::parse(&dropping.with_extension("")).unwrap();
            fs::write(note, super::note::read(dropping, &file, QUOTA).unwrap().1).unwrap();
        }),
        ("its end was given up", |dropping, _| {
            let file = File::options().write(true).open(dropping).unwrap();
            file.set_len(file.metadata().unwrap().len() / 2).unwrap();
        }),
        ("all of it was given up", |dropping, _| {
            File::options().write(true).open(dropping).unwrap().set_len(0).unwrap();
        }),
    ];
    for (state, make) in states {
        let dir = Directory::new();
        let ids = dir.file(place, 64);
        let file = DataFile::parse(&dir.path(place)).unwrap();
        let dropping = dir.path(&format!("{place}.dropping"));
        fs::rename(&file.path, &dropping).unwrap();
        make(&dropping, &file.note_path());
        assert_eq!(dir.files(), Vec::<String>::new(), "{state}");
        assert_eq!(dir.quota(QuotaPolicy::Refuse).enforce(0).unwrap(), State::Room, "{state}");
        let left: Vec<PathBuf> = layout::entries(file.path.parent().unwrap()).unwrap();
        assert_eq!(left, [file.note_path()], "{state}");
        let listed = listed_ids(&file.note_path());
        assert_eq!(listed, ids[..listed.len()], "{state}");
        let expected = match state {
            "its end was given up" => 1..ids.len(),
            "all of it was given up" => 0..1,
            _ => ids.len()..ids.len() + 1,
        };
        assert!(expected.contains(&listed.len()), "{state}: {} of {}", listed.len(), ids.len());
    }
}

#[test]
fn bytes_of_files_go_when_no_pending_record_names_them() {
    let dir = Directory::new();
    let folder = dir.path("team/demo/files");
    fs::create_dir_all(&folder).unwrap();
    let bytes = vec![0; 500 * 1024];
    let (pending, sent) = (&bytes_digest(b"pending"), &bytes_digest(b"sent"));
    for name in [pending, sent] {
        fs::write(folder.join(name), &bytes).unwrap();
    }
    let record = |digest: &str| {
        format!("{{\"type\":\"file_create\",\"timestamp\":\"t\",\"data\":{{\"digest\":\"{digest}\"}}}}\n")
    };
    fs::write(folder.join("20260101_0000.jsonl"), record(pending)).unwrap();
    fs::write(folder.join("20260101_0001.synced.jsonl"), record(sent)).unwrap();
    dir.file("team/demo/calls/20260101_0000.jsonl.gz", 100);

    let mut quota = dir.quota(QuotaPolicy::Refuse);
    assert_eq!(quota.enforce(0).unwrap(), State::Full, "the record of a young file may still be in a journal");
    quota.body_grace = Duration::ZERO;
    assert_eq!(quota.enforce(0).unwrap(), State::Room);
    assert!(folder.join(pending).exists() && !folder.join(sent).exists());

    // When its record is dropped, nothing names the other.
    dir.file("team/demo/calls/20260101_0001.jsonl.gz", 500);
    let mut quota = dir.quota(QuotaPolicy::DropOldest);
    quota.body_grace = Duration::ZERO;
    assert_eq!(quota.enforce(0).unwrap(), State::Room);
    assert!(!folder.join(pending).exists());
    assert_eq!(listed_ids(&folder.join("20260101_0000.dropped.gz")), [pending.as_str()]);
    assert_eq!(dir.files(), ["team/demo/calls/20260101_0001.jsonl.gz"]);
}

#[test]
fn bytes_of_files_stay_until_the_journal_of_a_dead_process_is_packed() {
    let dir = Directory::new();
    let body = dir.path("team/demo/files").join(bytes_digest(b""));
    fs::create_dir_all(body.parent().unwrap()).unwrap();
    fs::write(&body, vec![0; 1100 * 1024]).unwrap();
    let living = journal::Folder::create(dir.root.path(), Access::Owner).unwrap();
    let left = journal::Folder::create(dir.root.path(), Access::Owner).unwrap().path;
    let mut quota = dir.quota(QuotaPolicy::Refuse);
    quota.body_grace = Duration::ZERO;
    let recovering = lock::share(&journal::folder(dir.root.path()), Duration::ZERO).unwrap().unwrap();
    let recovered = lock::try_hold(&journal::lock_path(&left)).unwrap().unwrap();
    assert_eq!(quota.enforce(0).unwrap(), State::Full, "somebody packs it");
    assert!(body.exists());
    std::mem::drop((recovered, recovering));
    assert_eq!(quota.enforce(0).unwrap(), State::Room);
    assert!(!left.exists() && !body.exists());
    std::mem::drop(living);
}

#[test]
fn old_notes_become_lines_and_take_a_small_part_of_the_quota() {
    let dir = Directory::new();
    let mut quota = dir.quota(QuotaPolicy::DropOldest);
    let mut dropped = Vec::new();
    for number in 0..60 {
        let place = format!("team/demo/calls/{DATE}_{number:04}.jsonl.gz");
        dropped.push((place.clone(), dir.file(&place, 64).len() as u64));
        quota.enforce(64 * 1024).unwrap();
    }
    dropped.truncate(60 - dir.files().len());
    let lines: Vec<Summary> = fs::read_to_string(fold::lines_path(dir.root.path()))
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert!(lines.len() > 10);
    let notes: Vec<PathBuf> = layout::entries(&dir.path("team/demo/calls"))
        .unwrap()
        .into_iter()
        .filter(|path| path.to_string_lossy().ends_with(".dropped.gz"))
        .collect();
    let bytes: u64 = notes.iter().map(|path| fs::metadata(path).unwrap().len()).sum();
    assert!(!notes.is_empty() && bytes <= QUOTA / limits::QUOTA_NOTES, "{bytes}");
    let mut told: Vec<Summary> =
        lines.into_iter().chain(notes.iter().map(|path| note::summary(path).unwrap().unwrap())).collect();
    told.sort_by(|a, b| a.dropped.cmp(&b.dropped));
    let told: Vec<(String, u64)> = told.into_iter().map(|one| (one.dropped, one.records)).collect();
    assert_eq!(told, dropped, "every file is told of once");
    assert_eq!(quota.dropped(), dropped.iter().map(|(_, records)| records).sum::<u64>());
    assert!(dir.bytes() <= QUOTA);
}

#[test]
fn the_lines_on_files_dropped_long_ago_become_few_and_still_count_everything() {
    let dir = Directory::new();
    let (mut records, folder) = (0, dir.path("team/demo/calls"));
    fs::create_dir_all(dir.path(LIBRARY_FOLDER)).unwrap();
    for number in 0..60 {
        let file = DataFile::parse(&folder.join(format!("{DATE}_{number:04}.jsonl.gz"))).unwrap();
        records += write_file(&file.path, 1, &[]).len() as u64;
        drop::drop_file(&file, Access::Owner, QUOTA).unwrap();
        fold::fold(dir.root.path(), Access::Owner, 4096).unwrap();
    }
    fold::fold(dir.root.path(), Access::Owner, 0).unwrap();
    let lines = fs::read_to_string(fold::lines_path(dir.root.path())).unwrap();
    assert!(lines.len() < 4096, "{}", lines.len());
    let told: Vec<Summary> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(told.iter().map(|one| one.files.unwrap_or(1)).sum::<u64>(), 60);
    assert_eq!(told.iter().map(|one| one.records).sum::<u64>(), records);
    assert_eq!(told.iter().map(|one| one.types["call_complete"].records).sum::<u64>(), records);
    assert_eq!(layout::entries(&folder).unwrap(), [folder.join(format!("{DATE}_0059.deleted"))]);
}

#[test]
fn what_was_written_counts_until_the_directory_could_be_measured() {
    let dir = Directory::new();
    let mut quota = dir.quota(QuotaPolicy::Refuse);
    assert_eq!(quota.enforce(0).unwrap(), State::Room);
    dir.file("team/demo/calls/20260101_0000.synced.jsonl.gz", 1100);
    let journals = journal::folder(dir.root.path());
    fs::write(&journals, b"in the way").unwrap();
    quota.enforce(1100 * 1024).unwrap_err();
    fs::remove_file(&journals).unwrap();
    quota.enforce(0).unwrap();
    assert_eq!(dir.files(), Vec::<String>::new());
}

#[test]
fn a_small_quota_makes_small_files() {
    let quota = |bytes| Quota::new(Path::new("/nowhere"), bytes, QuotaPolicy::Refuse, Access::Owner);
    assert_eq!(quota(16_000_000_000).max_file_size(100_000_000), 100_000_000);
    assert_eq!(quota(160_000_000).max_file_size(100_000_000), 10_000_000);
    assert_eq!(quota(100_000).max_file_size(100_000_000), 64 * 1024);
    assert_eq!(quota(100_000).max_file_size(5), 5);
}

/// A file system of a few megabytes, where the one who runs the tests may mount one.
struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    fn mount() -> Option<Self> {
        let dir = tempfile::tempdir().unwrap();
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=4m", "tmpfs"])
            .arg(dir.path())
            .output()
            .is_ok_and(|output| output.status.success());
        if !mounted {
            println!("skipped: mounting a small file system is not allowed here");
        }
        mounted.then_some(SmallDisk(dir))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.0.path()).status();
    }
}

#[test]
fn room_is_made_on_a_disk_without_a_free_byte() {
    let Some(disk) = SmallDisk::mount() else { return };
    let root = disk.0.path().join("offline");
    let place = |number: u32| root.join(format!("team/demo/calls/{DATE}_{number:04}.jsonl.gz"));
    let mut ids = Vec::new();
    for number in 0..20 {
        ids.push(write_file(&place(number), 64, &[]));
    }
    fs::create_dir_all(root.join(LIBRARY_FOLDER)).unwrap();
    let mut filler = File::create(disk.0.path().join("filler")).unwrap();
    while filler.write_all(&[1; 512]).is_ok() {}
    assert!(fs::write(disk.0.path().join("more"), [1; 5000]).is_err(), "the disk is full");

    let mut quota = Quota::new(&root, QUOTA, QuotaPolicy::DropOldest, Access::Owner);
    assert_eq!(quota.enforce(0).unwrap(), State::Room);
    assert!(usage::bytes_below(&root).unwrap() <= QUOTA);
    assert!(!place(0).exists() && place(19).exists());
    let summaries = fs::read_to_string(fold::lines_path(&root)).unwrap_or_default();
    assert!(quota.dropped() > 0);
    for (number, ids) in ids.iter().enumerate().filter(|(number, _)| !place(*number as u32).exists()) {
        let file = DataFile::parse(&place(number as u32)).unwrap();
        if summaries.contains(&note::place(&file.path)) {
            continue;
        }
        assert_eq!(&listed_ids(&file.note_path()), ids);
    }
}
