//! What a ring promises to producer and consumer, and in the child of a fork.

#![allow(unsafe_code)] // fork

use super::*;
use proptest::prelude::*;
use std::collections::VecDeque;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;

pub const STREAM: StreamId = *b"0123456789abcd\x01\0";
const CAPACITY: usize = 8192;

/// A ring in a folder of its own.
pub struct Made {
    _folder: tempfile::TempDir,
    pub path: PathBuf,
    pub ring: Arc<Ring>,
}

pub fn ring(capacity: usize) -> Made {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("00.ring");
    let ring = Ring::create(&path, STREAM, capacity, Access::Owner).unwrap();
    Made { _folder: folder, path, ring }
}

/// A record that tells its number, `length` bytes long.
pub fn record(number: u64, length: usize) -> Vec<u8> {
    number.to_le_bytes().iter().copied().cycle().take(length).collect()
}

pub fn append(producer: &mut Producer, record: &[u8]) -> Option<u64> {
    producer.append(|room| {
        room.get_mut(..record.len())?.copy_from_slice(record);
        Some(record.len())
    })
}

fn contents(consumer: &Consumer) -> Vec<Vec<u8>> {
    consumer.frames(0, u64::MAX).map(|frame| frame.unwrap().1.to_vec()).collect()
}

pub fn contents_of(file: &RingFile) -> Vec<Vec<u8>> {
    file.frames().into_iter().map(|(_, _, range)| file.bytes(range).to_vec()).collect()
}

#[test]
fn what_was_appended_is_read_in_order_by_the_consumer_and_from_the_file() {
    let made = ring(CAPACITY);
    let mut producer = made.ring.producer().unwrap();
    let records: Vec<Vec<u8>> = (0..20).map(|number| record(number, 1 + number as usize * 13)).collect();
    let ends: Vec<u64> = records.iter().map(|record| append(&mut producer, record).unwrap()).collect();
    let consumer = made.ring.consumer().unwrap();
    let file = RingFile::read(&made.path).unwrap().unwrap();
    assert_eq!(contents(&consumer), records);
    assert_eq!(consumer.frames(0, u64::MAX).map(|frame| frame.unwrap().0).collect::<Vec<_>>(), ends);
    assert_eq!(contents_of(&file), records);
    assert_eq!(file.frames().iter().map(|(_, end, _)| *end).collect::<Vec<_>>(), ends);
    assert_eq!((made.ring.records(), made.ring.head()), (20, ends[19]));
    assert_eq!((file.stream(), file.is_of_this_boot()), (STREAM, true));
}

#[test]
fn frames_are_read_from_one_end_of_a_frame_to_another() {
    let made = ring(CAPACITY);
    let mut producer = made.ring.producer().unwrap();
    let ends: Vec<u64> = (0..4).map(|number| append(&mut producer, &record(number, 20)).unwrap()).collect();
    let consumer = made.ring.consumer().unwrap();
    let read: Vec<_> = consumer.frames(ends[0], ends[2]).map(|frame| frame.unwrap()).collect();
    assert_eq!(read, [(ends[1], &record(1, 20)[..]), (ends[2], &record(2, 20)[..])]);
}

#[test]
fn a_full_ring_takes_nothing_until_something_is_freed() {
    let made = ring(CAPACITY);
    let mut producer = made.ring.producer().unwrap();
    let first = append(&mut producer, &record(0, 1000)).unwrap();
    while append(&mut producer, &record(1, 1000)).is_some() {}
    let head = made.ring.head();
    let mut consumer = made.ring.consumer().unwrap();
    let before = contents(&consumer);
    assert_eq!(append(&mut producer, &record(2, 1000)), None);
    assert_eq!((made.ring.head(), contents(&consumer)), (head, before));
    consumer.free(first);
    assert!(append(&mut producer, &record(3, 1000)).is_some());
    assert_eq!(append(&mut producer, &record(4, 1000)), None);
}

#[test]
fn the_longest_record_fits_and_a_longer_one_never_does() {
    let made = ring(CAPACITY);
    let mut producer = made.ring.producer().unwrap();
    let longest = made.ring.largest_record();
    assert_eq!(append(&mut producer, &record(0, longest + 1)), None);
    assert_eq!(append(&mut producer, &[]), None);
    assert!(append(&mut producer, &record(0, longest)).is_some());
}

#[test]
fn at_the_end_of_a_lap_a_record_is_encoded_once_more_at_the_start_of_the_next() {
    let made = ring(CAPACITY);
    let mut producer = made.ring.producer().unwrap();
    let mut consumer = made.ring.consumer().unwrap();
    for number in 0..7 {
        consumer.free(append(&mut producer, &record(number, 1000)).unwrap());
    }
    append(&mut producer, &record(7, 500)).unwrap();
    let mut rooms = Vec::new();
    let end = producer.append(|room| {
        rooms.push(room.len());
        let length = 600.min(room.len());
        room[..length].fill(b'x');
        (length == 600).then_some(length)
    });
    let left = CAPACITY - 7 * frame::size(1000) - frame::size(500);
    assert_eq!(rooms, [left - frame::HEADER, CAPACITY / 8]);
    assert_eq!(end, Some((CAPACITY + frame::size(600)) as u64));
    assert_eq!(contents(&consumer), [record(7, 500), vec![b'x'; 600]]);
}

#[test]
fn an_encoder_that_lies_about_its_length_keeps_nothing() {
    let made = ring(CAPACITY);
    let mut producer = made.ring.producer().unwrap();
    assert_eq!(producer.append(|room| Some(room.len() + 1)), None);
    assert_eq!((made.ring.head(), made.ring.records()), (0, 0));
}

#[test]
fn an_encoder_that_panics_keeps_nothing_and_the_next_record_is_whole() {
    let made = ring(CAPACITY);
    let mut producer = made.ring.producer().unwrap();
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        producer.append(|room| {
            room.fill(b'x');
            std::panic::resume_unwind(Box::new("in the host's code"))
        })
    }));
    assert!(panicked.is_err());
    append(&mut producer, b"whole").unwrap();
    assert_eq!(contents(&made.ring.consumer().unwrap()), [b"whole"]);
    assert_eq!(contents_of(&RingFile::read(&made.path).unwrap().unwrap()), [b"whole"]);
}

#[test]
fn there_is_one_producer_at_a_time_and_the_next_goes_on_behind_it() {
    let made = ring(CAPACITY);
    let mut first = made.ring.producer().unwrap();
    assert!(made.ring.producer().is_none());
    append(&mut first, b"first").unwrap();
    drop(first);
    append(&mut made.ring.producer().unwrap(), b"second").unwrap();
    assert_eq!(contents(&made.ring.consumer().unwrap()), [&b"first"[..], b"second"]);
    assert_eq!(made.ring.records(), 2);
}

#[test]
fn there_is_one_consumer_at_a_time() {
    let made = ring(CAPACITY);
    let first = made.ring.consumer().unwrap();
    assert!(made.ring.consumer().is_none());
    drop(first);
    assert!(made.ring.consumer().is_some());
}

#[test]
fn damaged_bytes_are_told_and_the_frames_behind_them_read() {
    let made = ring(CAPACITY);
    let mut producer = made.ring.producer().unwrap();
    let ends: Vec<u64> = (0..3).map(|number| append(&mut producer, &record(number, 40)).unwrap()).collect();
    let file = std::fs::File::options().write(true).open(&made.path).unwrap();
    file.write_all_at(b"x", header::PAGE as u64 + ends[0] + 20).unwrap();
    let consumer = made.ring.consumer().unwrap();
    let read: Vec<_> = consumer.frames(0, ends[2]).collect();
    assert_eq!(read[0], Ok((ends[0], &record(0, 40)[..])));
    let damaged = read[1].as_ref().unwrap_err();
    assert_eq!((damaged.from, damaged.to, damaged.bytes.len()), (ends[0], ends[1], frame::size(40)));
    assert!(damaged.reason.contains("checksum") && damaged.reason.contains("position 64"), "{}", damaged.reason);
    assert_eq!(read[2..], [Ok((ends[2], &record(2, 40)[..]))]);
}

#[test]
fn a_process_that_dies_while_it_encodes_over_earlier_laps_leaves_what_was_kept_before() {
    let made = ring(4096);
    let (mut producer, mut consumer) = (made.ring.producer().unwrap(), made.ring.consumer().unwrap());
    let mut kept: VecDeque<(u64, Vec<u8>)> = VecDeque::new();
    for number in 0..200 {
        let content = record(number, 50 + number as usize * 37 % 400);
        while made.ring.capacity() as u64 - (made.ring.head() - made.ring.freed()) < 1200 {
            consumer.free(kept.pop_front().unwrap().0);
        }
        let end = producer.append(|room| {
            let written = content.len().min(room.len());
            for part in [0, 8, written / 2, written] {
                room[..part].copy_from_slice(&content[..part]);
                let file = RingFile::read(&made.path).unwrap().unwrap();
                assert!(contents_of(&file).iter().eq(kept.iter().map(|(_, content)| content)), "record {number}");
                assert_eq!(file.damage(), None);
            }
            (written == content.len()).then_some(written)
        });
        kept.push_back((end.unwrap(), content));
    }
    assert!(made.ring.head() > 10 * 4096);
}

#[test]
fn any_part_can_be_synced_also_around_the_end_of_a_lap() {
    let made = ring(CAPACITY);
    let consumer = made.ring.consumer().unwrap();
    for (from, to) in [(0, 0), (0, 16), (8000, 9000), (4096, 4096 + 8192), (16, 1 << 40)] {
        consumer.sync(from, to).unwrap();
    }
}

#[test]
fn a_capacity_that_is_none_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("00.ring");
    for capacity in [0, 2048, 5000, 12288, 1 << 40] {
        let error = Ring::create(&path, STREAM, capacity, Access::Owner).err().unwrap();
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
        assert!(!path.exists());
    }
}

#[test]
fn in_the_child_of_a_fork_nothing_is_there() {
    let made = ring(CAPACITY);
    let mut producer = made.ring.producer().unwrap();
    append(&mut producer, b"of the parent").unwrap();
    let mut consumer = made.ring.consumer().unwrap();
    // SAFETY: the child only uses the ring, frees memory, and ends without running anything of the test harness.
    let child = unsafe { libc::fork() };
    if child == 0 {
        consumer.free(made.ring.head());
        let nothing = append(&mut producer, b"of the child").is_none()
            && consumer.frames(0, u64::MAX).next().is_none()
            && consumer.sync(0, 64).is_err();
        drop((producer, consumer));
        drop(made.ring);
        // SAFETY: ends this process.
        unsafe { libc::_exit(if nothing { 0 } else { 1 }) };
    }
    let mut status = 0;
    // SAFETY: waits for the child that was just made.
    assert_eq!(unsafe { libc::waitpid(child, &mut status, 0) }, child);
    assert_eq!(status, 0);
    assert_eq!(contents(&consumer), [b"of the parent"]);
}

#[derive(Debug, Clone)]
enum Step {
    Append(usize),
    Free(usize),
    NextProducer,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        6 => (0..=520_usize).prop_map(Step::Append),
        2 => (1..=60_usize).prop_map(Step::Append),
        3 => (1..=8_usize).prop_map(Step::Free),
        1 => Just(Step::NextProducer),
    ];
    proptest::collection::vec(step, 1..300)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

    /// Consumer and file hold what a queue would hold, over many laps.
    #[test]
    fn a_ring_is_a_queue(steps in steps()) {
        let made = ring(4096);
        let mut producer = made.ring.producer().unwrap();
        let mut consumer = made.ring.consumer().unwrap();
        let mut model: VecDeque<(u64, Vec<u8>)> = VecDeque::new();
        for (number, step) in steps.into_iter().enumerate() {
            match step {
                Step::Append(length) => {
                    let content = record(number as u64, length);
                    let before = made.ring.head();
                    let end = append(&mut producer, &content);
                    let may_be_kept = (1..=made.ring.largest_record()).contains(&length);
                    prop_assert!(may_be_kept || end.is_none());
                    prop_assert!(!may_be_kept || !model.is_empty() || end.is_some());
                    if let Some(end) = end {
                        prop_assert!(end >= before + frame::size(length) as u64);
                        prop_assert!(end - made.ring.freed() <= 4096);
                        model.push_back((end, content));
                    }
                }
                Step::Free(count) => {
                    if let Some((end, _)) = model.drain(..count.min(model.len())).next_back() {
                        consumer.free(end);
                    }
                }
                Step::NextProducer => {
                    drop(producer);
                    producer = made.ring.producer().unwrap();
                }
            }
        }
        let read: Vec<_> = consumer.frames(0, u64::MAX).map(|frame| frame.unwrap()).collect();
        prop_assert!(read.iter().copied().eq(model.iter().map(|(end, content)| (*end, &content[..]))));
        let file = RingFile::read(&made.path).unwrap().unwrap();
        prop_assert_eq!(file.freed(), made.ring.freed());
        prop_assert_eq!(file.damage(), None);
        let frames = file.frames();
        let found = frames.iter().map(|(_, end, range)| (*end, file.bytes(range.clone())));
        prop_assert!(found.eq(model.iter().map(|(end, content)| (*end, &content[..]))));
    }
}
