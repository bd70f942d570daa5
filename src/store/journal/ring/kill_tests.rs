//! A process that fills and empties a ring is killed; the file must hold what it had been promised.

#![allow(unsafe_code)] // the board is bare mapped memory

use super::tests::{contents_of, STREAM};
use super::thread_tests::{append_numbered, number_of};
use super::*;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

const CAPACITY: usize = 64 * 1024;
const LONGEST: usize = CAPACITY / 8; // most of the time goes into copying, where the kills shall fall
const FOLDER: &str = "RING_TEST_FOLDER";
const KILLS: u64 = 30;

/// What the victim notes on the board, in mapped memory: how many records are kept, may be freed, are freed.
const KEPT: usize = 0;
const MAY_BE_FREED: usize = 8;
const FREED: usize = 16;

#[test]
#[ignore = "the victim of the test below, in a process of its own"]
fn victim() {
    let Some(folder) = std::env::var_os(FOLDER).map(PathBuf::from) else { return };
    let ring = Ring::create(&folder.join("00.ring"), STREAM, CAPACITY, Access::Owner).unwrap();
    let board = Memory::create(&folder.join("board"), header::PAGE, Access::Owner).unwrap();
    // SAFETY: the board is accessed as atomic words only.
    let note = |place, number| unsafe { board.store(place, number, Ordering::Release) };
    let (mut producer, mut consumer) = (ring.producer().unwrap(), ring.consumer().unwrap());
    std::thread::scope(|scope| {
        scope.spawn(move || {
            for number in 0.. {
                while append_numbered(&mut producer, number, LONGEST).is_none() {
                    std::thread::yield_now();
                }
                note(KEPT, number + 1);
            }
        });
        let mut freed = 0;
        loop {
            let ends: Vec<u64> = consumer.frames(0, u64::MAX).map(|frame| frame.unwrap().0).collect();
            let part = ends.len() * (1 + freed as usize % 5) / 5;
            if part > 0 {
                note(MAY_BE_FREED, freed + part as u64);
                consumer.free(ends[part - 1]);
                freed += part as u64;
                note(FREED, freed);
            }
        }
    });
}

fn noted(board: &[u8], place: usize) -> u64 {
    board.get(header::PAGE + place..).and_then(|rest| rest.first_chunk()).map_or(0, |word| u64::from_le_bytes(*word))
}

fn start_victim(folder: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "store::journal::ring::kill_tests::victim"])
        .env(FOLDER, folder)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

#[test]
fn a_killed_process_leaves_every_record_that_was_kept_and_not_freed() {
    let mut in_flight = 0;
    for kill in 0..KILLS {
        let folder = tempfile::tempdir().unwrap();
        let read_board = || std::fs::read(folder.path().join("board")).unwrap_or_default();
        let mut victim = start_victim(folder.path());
        // Some in the first lap, most in recycled memory.
        while noted(&read_board(), KEPT) < kill * 20 {
            assert!(victim.try_wait().unwrap().is_none(), "the victim ended by itself");
        }
        victim.kill().unwrap();
        victim.wait().unwrap();

        let board = read_board();
        let [kept, may_be_freed, freed] = [KEPT, MAY_BE_FREED, FREED].map(|place| noted(&board, place));
        let Ok(file) = RingFile::read(&folder.path().join("00.ring")) else {
            assert_eq!(kept, 0);
            continue;
        };
        let found: Vec<u64> = file.iter().flat_map(contents_of).map(|content| number_of(&content, LONGEST)).collect();
        assert_eq!(file.and_then(|file| file.damage()), None);
        let first = found.first().copied().unwrap_or(may_be_freed);
        let last = first + found.len() as u64;
        assert!(found.iter().copied().eq(first..last), "{found:?}");
        assert!((freed..=may_be_freed).contains(&first), "{first}, freed {freed} to {may_be_freed}");
        assert!(last == kept || last == kept + 1, "up to {last}, kept {kept}");
        in_flight += last - kept;
    }
    println!("{in_flight} of {KILLS} kills fell between publishing a record and noting it");
}
