//! A producer and a consumer on threads of their own.

use super::tests::{contents_of, ring};
use super::*;
use std::sync::atomic::AtomicBool;

/// The length of a record with a number.
fn length(number: u64, longest: usize) -> usize {
    8 + (number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) as usize % (longest - 8)
}

/// Appends the record with a number; every byte of it tells which it is.
pub fn append_numbered(producer: &mut Producer, number: u64, longest: usize) -> Option<u64> {
    producer.append(|room| {
        let content = room.get_mut(..length(number, longest))?;
        let (head, rest) = content.split_at_mut(8);
        head.copy_from_slice(&number.to_le_bytes());
        rest.fill(number as u8);
        Some(8 + rest.len())
    })
}

/// The number of a record, all of which must be as it was appended.
pub fn number_of(content: &[u8], longest: usize) -> u64 {
    let (head, rest) = content.split_at(8);
    let number = u64::from_le_bytes(head.try_into().unwrap());
    assert_eq!(content.len(), length(number, longest), "record {number}");
    assert!(rest.iter().all(|byte| *byte == number as u8), "record {number}");
    number
}

#[test]
fn a_million_records_pass_from_one_thread_to_another() {
    const RECORDS: u64 = 1_000_000;
    let made = ring(256 * 1024);
    let mut producer = made.ring.producer().unwrap();
    let mut consumer = made.ring.consumer().unwrap();
    std::thread::scope(|scope| {
        scope.spawn(move || {
            for number in 0..RECORDS {
                while append_numbered(&mut producer, number, 64).is_none() {
                    std::thread::yield_now();
                }
            }
        });
        let mut expected = 0;
        while expected < RECORDS {
            let (from, to) = (made.ring.freed(), made.ring.head());
            for frame in consumer.frames(from, to) {
                assert_eq!(number_of(frame.unwrap().1, 64), expected);
                expected += 1;
            }
            if from == to {
                std::thread::yield_now();
            }
            consumer.free(to);
        }
    });
    assert_eq!(made.ring.records(), RECORDS);
    assert_eq!(made.ring.freed(), made.ring.head());
}

#[test]
fn a_copy_of_the_file_has_what_was_appended_before_it_began_and_nothing_else() {
    const LONGEST: usize = 512;
    let made = ring(64 * 1024);
    let (producer, mut consumer) = (made.ring.producer().unwrap(), made.ring.consumer().unwrap());
    let (ended, kept) = (AtomicBool::new(false), std::sync::atomic::AtomicU64::new(0));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut producer = producer;
            while !ended.load(Ordering::Relaxed) {
                match append_numbered(&mut producer, kept.load(Ordering::Relaxed), LONGEST) {
                    Some(_) => kept.fetch_add(1, Ordering::Release),
                    None => continue,
                };
            }
        });
        let _end = OnDrop(&ended);
        let mut freed = 0;
        for round in 0..300 {
            while kept.load(Ordering::Acquire) == freed {
                std::thread::yield_now();
            }
            let before = kept.load(Ordering::Acquire);
            let copy = std::fs::read(&made.path).unwrap();
            let after = kept.load(Ordering::Acquire);
            let file = RingFile::read_from(&copy[..]).unwrap().unwrap();
            let found: Vec<u64> = contents_of(&file).iter().map(|content| number_of(content, LONGEST)).collect();
            let sure = (before - freed) as usize;
            assert!(found.len() >= sure, "round {round}: {} of {sure}", found.len());
            assert!(found[..sure].iter().copied().eq(freed..before), "round {round}");
            assert!(found[sure..].is_sorted() && found[sure..].iter().all(|n| (before..=after).contains(n)));
            let part = length(round, sure + 8) - 8;
            let ends: Vec<u64> = consumer.frames(0, u64::MAX).map(|frame| frame.unwrap().0).collect();
            consumer.free(ends[part]);
            freed += part as u64 + 1;
        }
    });
}

/// Ends the other thread when an assertion of this one fails, too.
struct OnDrop<'a>(&'a AtomicBool);

impl Drop for OnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}
