//! What is read from a ring's file when the file is damaged, cut, or made by somebody else.

use super::file::RingFile;
use super::header::{self, Header, PAGE};
use super::tests::{append, contents_of, record, ring, STREAM};
use super::*;
use proptest::prelude::*;
use std::collections::HashMap;

const CAPACITY: usize = 4096;

/// A file of a ring after some laps, with frames on both sides of the end of one; what was ever appended, by position, and the positions of what is not freed.
struct Sample {
    bytes: Vec<u8>,
    ever: HashMap<u64, Vec<u8>>,
    waiting: Vec<u64>,
}

fn sample() -> Sample {
    let made = ring(CAPACITY);
    let (mut producer, mut consumer) = (made.ring.producer().unwrap(), made.ring.consumer().unwrap());
    let mut ever = HashMap::new();
    let mut ends = Vec::new();
    for number in 0.. {
        let content = record(number, 20 + number as usize * 37 % 300);
        let end = append(&mut producer, &content).unwrap();
        ever.insert(end - frame::size(content.len()) as u64, content);
        ends.push(end);
        if number >= 12 {
            consumer.free(ends[number as usize - 12]);
        }
        let lap = |position| position / CAPACITY as u64;
        if number > 50 && lap(made.ring.freed()) != lap(end - 1000) {
            break;
        }
    }
    let mut waiting: Vec<u64> = ever.keys().copied().filter(|position| *position >= made.ring.freed()).collect();
    waiting.sort_unstable();
    Sample { bytes: std::fs::read(&made.path).unwrap(), ever, waiting }
}

impl Sample {
    /// The bytes of the file that a frame takes, padding aside.
    fn place(&self, position: u64) -> std::ops::Range<usize> {
        let start = PAGE + frame::offset(position, CAPACITY);
        start..start + frame::HEADER + self.ever[&position].len()
    }
}

fn found(file: &RingFile) -> Vec<(u64, Vec<u8>)> {
    file.frames().into_iter().map(|(from, _, range)| (from, file.bytes(range).to_vec())).collect()
}

fn read(bytes: &[u8]) -> Option<RingFile> {
    RingFile::read_from(bytes).unwrap()
}

#[test]
fn a_flipped_bit_costs_the_frame_that_it_is_in_at_most() {
    let sample = sample();
    // Between the two the page holds nothing.
    for at in (0..header::FREED_COPY + 8).chain(PAGE..sample.bytes.len()) {
        let bits = if at < PAGE { 0..8 } else { at % 8..at % 8 + 1 };
        for bit in bits {
            let mut bytes = sample.bytes.clone();
            bytes[at] ^= 1 << bit;
            let file = read(&bytes).unwrap();
            let found = found(&file);
            for (position, content) in &found {
                assert_eq!(sample.ever.get(position), Some(content), "bit {bit} of byte {at}: {position}");
            }
            assert!(found.is_sorted_by_key(|(position, _)| position));
            if at < header::FREED {
                assert!(found.is_empty() && file.damage().is_some(), "bit {bit} of byte {at}");
                continue;
            }
            for position in &sample.waiting {
                let is_there = found.iter().any(|(there, _)| there == position);
                assert!(is_there || sample.place(*position).contains(&at), "bit {bit} of byte {at}: {position}");
                let is_last = Some(position) == sample.waiting.last();
                assert!(is_there || is_last || file.damage().is_some(), "bit {bit} of byte {at}: {position}");
            }
        }
    }
}

#[test]
fn a_cut_file_is_told_and_gives_what_is_left() {
    let sample = sample();
    for cut in 1..sample.bytes.len() {
        let file = read(&sample.bytes[..cut]).unwrap();
        assert!(file.damage().is_some(), "cut at {cut}");
        let left = sample.waiting.iter().filter(|position| cut >= PAGE && sample.place(**position).end <= cut);
        let left: Vec<_> = left.map(|position| (*position, sample.ever[position].clone())).collect();
        if cut >= PAGE {
            assert_eq!(found(&file), left, "cut at {cut}");
        }
    }
}

#[test]
fn a_page_lost_with_the_power_costs_the_frames_in_it_and_no_others() {
    let made = ring(8 * PAGE);
    let mut producer = made.ring.producer().unwrap();
    let records: Vec<Vec<u8>> = (0..200).map(|number| record(number, 100)).collect();
    records.iter().for_each(|record| assert!(append(&mut producer, record).is_some()));
    let mut bytes = std::fs::read(&made.path).unwrap();
    bytes[3 * PAGE..4 * PAGE].fill(0);
    let file = read(&bytes).unwrap();
    let size = frame::size(100);
    let lost = 2 * PAGE / size..(3 * PAGE).div_ceil(size);
    let left = records.iter().enumerate().filter(|(at, _)| !lost.contains(at)).map(|(_, record)| record.clone());
    assert_eq!(contents_of(&file), left.collect::<Vec<_>>());
    assert!(file.damage().unwrap().contains(&format!("position {}", lost.start * size)));
}

#[test]
fn a_ring_whose_making_was_not_finished_is_none() {
    assert!(read(&[]).is_none());
    assert!(read(&[0; 100]).is_none());
    assert!(read(&[0; PAGE + CAPACITY]).is_none());
}

#[test]
fn what_is_no_ring_is_damaged_and_empty() {
    let file = read(&[b'x'; PAGE + CAPACITY]).unwrap();
    assert_eq!((file.frames(), file.stream()), (vec![], [0; 16]));
    assert!(file.damage().unwrap().contains("header"));
}

#[test]
fn frames_of_another_ring_are_none() {
    let (a, b) = (ring(CAPACITY), ring(CAPACITY));
    append(&mut a.ring.producer().unwrap(), b"of a").unwrap();
    let mut bytes = std::fs::read(&b.path).unwrap();
    bytes[PAGE..].copy_from_slice(&std::fs::read(&a.path).unwrap()[PAGE..]);
    assert_eq!(found(&read(&bytes).unwrap()), []);
}

#[test]
fn a_record_that_holds_an_image_of_a_frame_is_one_record() {
    let made = ring(CAPACITY);
    let mut producer = made.ring.producer().unwrap();
    // The image stands where its position says, with a checksum that somebody could make who knows all but the seed.
    let image_at = 2 * frame::HEADER as u64;
    let mut content = vec![0; 16];
    content.extend_from_slice(&frame::word(0, image_at, b"forged").to_le_bytes());
    content.extend_from_slice(&image_at.to_le_bytes());
    content.extend_from_slice(b"forged");
    append(&mut producer, &content).unwrap();
    let mut bytes = std::fs::read(&made.path).unwrap();
    assert_eq!(contents_of(&read(&bytes).unwrap()), [content]);
    bytes[PAGE] ^= 1; // so that everything is searched
    assert_eq!(found(&read(&bytes).unwrap()), []);
}

/// A file with a valid header whose numbers and content are anything.
fn hostile(capacity: usize, freed: [u64; 2], content: &[u8]) -> Vec<u8> {
    let mut header = Header::new(STREAM, PAGE).unwrap();
    header.capacity = capacity;
    let mut bytes = header.encode().to_vec();
    freed.iter().for_each(|freed| bytes.extend_from_slice(&freed.to_le_bytes()));
    bytes.resize(PAGE, 0);
    bytes.extend_from_slice(content);
    bytes
}

#[test]
fn a_capacity_that_no_ring_has_is_not_believed() {
    for capacity in [0, 1, 4095, 4097, 128 << 20, 1 << 40, usize::MAX] {
        let file = read(&hostile(capacity, [0; 2], &[0; PAGE])).unwrap();
        assert_eq!(file.frames(), []);
        assert!(file.damage().unwrap().contains("header"), "{capacity}");
    }
}

#[test]
fn a_file_made_to_keep_the_search_busy_is_given_up() {
    const CAPACITY: usize = 256 * 1024;
    let longest = frame::largest(CAPACITY) as u64;
    let frames: Vec<u8> = (0..CAPACITY as u64)
        .step_by(16)
        .flat_map(|position| [longest, position].map(u64::to_le_bytes).concat())
        .collect();
    let file = read(&hostile(CAPACITY, [0; 2], &frames)).unwrap();
    assert_eq!(file.frames(), []);
    assert!(file.damage().unwrap().contains("not by accident"));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever the file says: no panic, and a bounded number of frames that lie in it, each at its place.
    #[test]
    fn a_hostile_file_is_read_within_its_bounds(
        freed in prop_oneof![any::<u64>(), 0..20_000_u64, (u64::MAX - 9_000)..=u64::MAX],
        near in any::<bool>(),
        other in any::<u64>(),
        content in proptest::collection::vec(any::<u8>(), 0..2 * CAPACITY),
        frames in proptest::collection::vec((0..CAPACITY / 16, 0..4_u64, any::<u32>(), any::<bool>()), 0..40),
    ) {
        let mut bytes = hostile(CAPACITY, [freed, if near { freed } else { other }], &content);
        let seed = Header::decode(&bytes).unwrap().checksum();
        // Headers that look right, some over contents of which the checksum is.
        for (slot, lap, length, is_pad) in frames {
            let offset = slot * 16;
            let position = (freed & !(CAPACITY as u64 - 1)).wrapping_add(lap * CAPACITY as u64 + offset as u64);
            let length = length as usize % 600;
            let Some(content) = bytes.get(PAGE + offset + 16..PAGE + offset + 16 + length) else { continue };
            let word = if is_pad { frame::pad_word(seed, position) } else { frame::word(seed, position, content) };
            bytes[PAGE + offset..PAGE + offset + 8].copy_from_slice(&word.to_le_bytes());
            bytes[PAGE + offset + 8..PAGE + offset + 16].copy_from_slice(&position.to_le_bytes());
        }
        let file = read(&bytes).unwrap();
        file.damage();
        let mut total = 0;
        for (from, end, range) in file.frames() {
            prop_assert!(from >= file.freed() && end > from);
            prop_assert_eq!(range.start, frame::offset(from, CAPACITY) + frame::HEADER);
            prop_assert_eq!(frame::size(range.len()) as u64, end - from);
            prop_assert_eq!(file.bytes(range.clone()).len(), range.len());
            total += range.len();
        }
        prop_assert!(total <= 2 * CAPACITY + frame::largest(CAPACITY));
    }
}
