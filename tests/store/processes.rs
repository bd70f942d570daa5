//! Writers that are killed, and writers that fork.

use super::*;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Command, Stdio};

#[test]
fn what_was_not_packed_when_a_process_was_killed_is_recovered_once() {
    for (compress, mapped) in [("1", "1"), ("0", "1"), ("1", "0"), ("0", "0")] {
        let dir = tempfile::tempdir().unwrap();
        let mut acknowledged = Vec::new();
        for round in 0..5 {
            acknowledged.extend(kill_a_writer_after(dir.path(), compress, mapped, 200 + round * 37));
            recover(&options(dir.path())).unwrap();
            recover(&options(dir.path())).unwrap();
        }
        let found = ids_in(dir.path());
        for id in &acknowledged {
            assert_eq!(found.get(id), Some(&1), "{id} was acknowledged");
        }
        assert!(found.values().all(|count| *count == 1));
        assert_eq!(fs::read_dir(dir.path().join(".weave/journals")).unwrap().count(), 0);
    }
}

/// Starts this test program as a writer that prints each id after it was accepted, kills it when it has printed `count`
/// of them, and returns all that it had printed.
pub fn kill_a_writer_after(dir: &Path, compress: &str, mapped: &str, count: usize) -> Vec<String> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "processes::writer_to_be_killed", "--nocapture", "--ignored"])
        .env("WRITER_DIR", dir)
        .env("WRITER_COMPRESS", compress)
        .env("WRITER_MAPPED", mapped)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines =
        BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok).filter(|l| l.len() == 36);
    let mut ids: Vec<String> = lines.by_ref().take(count).collect();
    child.kill().unwrap();
    child.wait().unwrap();
    ids.extend(lines);
    ids
}

#[test]
#[ignore = "started as a process of its own by the tests that kill it"]
fn writer_to_be_killed() {
    use std::io::Write;
    let dir = PathBuf::from(std::env::var_os("WRITER_DIR").unwrap());
    let is_set = |name| std::env::var(name).unwrap() == "1";
    let (compress, mapped_journal) = (is_set("WRITER_COMPRESS"), is_set("WRITER_MAPPED"));
    let store = Store::open(&StoreOptions { compress, mapped_journal, ..options(&dir) }).unwrap();
    store.add_project(PROJECT, &serde_json::json!({}), true).unwrap();
    let mut out = std::io::stdout();
    for n in 0.. {
        let id = Id::new().to_string();
        log(&store, RecordType::CallStart, &id).unwrap();
        writeln!(out, "{id}").unwrap();
        if n % 50 == 49 {
            store.flush(Some(Duration::from_millis(1))).unwrap();
        }
    }
}

/// Has the child of a fork do something with the store of its parent, and answer whether all is well.
fn in_the_child_of_a_fork(name: &str) {
    let dir = tempfile::tempdir().unwrap();
    let program = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "processes::forking_writer", "--nocapture", "--ignored"])
        .envs([("WRITER_DIR", dir.path().as_os_str()), ("WRITER_WAY", name.as_ref())])
        .output()
        .unwrap();
    assert!(program.status.success(), "{}", String::from_utf8_lossy(&program.stderr));
}

#[test]
fn what_the_child_of_a_fork_writes_is_closed_for_its_syncs() {
    in_the_child_of_a_fork("seal");
}

#[test]
fn a_store_that_the_child_of_a_fork_opens_and_closes_leaves_that_of_its_parent_open() {
    in_the_child_of_a_fork("second");
}

#[test]
fn the_child_of_a_fork_opens_a_directory_anew_that_it_has_closed() {
    in_the_child_of_a_fork("again");
}

#[test]
#[ignore = "started as a process of its own by the tests that have it fork"]
#[allow(unsafe_code)]
fn forking_writer() {
    let dir = PathBuf::from(std::env::var_os("WRITER_DIR").unwrap());
    let store = Store::open(&options(&dir)).unwrap();
    // SAFETY: the child ends with `_exit`, and what it calls meanwhile is made for it.
    let child = unsafe { libc::fork() };
    if child == 0 {
        let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            log(&store, RecordType::CallStart, "00f067aa0ba902b7").unwrap();
            match std::env::var("WRITER_WAY").unwrap().as_str() {
                "seal" => weave::store::seal_own_files(&dir).unwrap(),
                "second" => {
                    Store::open(&options(&dir)).unwrap().close();
                    log(&store, RecordType::CallStart, "00f067aa0ba902b8").unwrap();
                    store.close();
                }
                _ => {
                    store.close();
                    let again = Store::open(&options(&dir)).unwrap();
                    log(&again, RecordType::CallStart, "00f067aa0ba902b8").unwrap();
                    again.close();
                }
            }
            let files = data_files(&ProjectDir::new(&dir, PROJECT).kind(Kind::Calls)).unwrap();
            assert!(!files.is_empty() && files.iter().all(|file| !weave::store::lock::is_held(&file.path)));
        }));
        // SAFETY: nothing of the parent's is to be run at the end.
        unsafe { libc::_exit(i32::from(done.is_err())) };
    }
    let mut status = 0;
    // SAFETY: the status is written to a variable that lives through the call.
    unsafe { libc::waitpid(child, &mut status, 0) };
    assert_eq!(status, 0);
}
