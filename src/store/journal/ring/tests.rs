//! What a ring promises to producer, consumer and recovery, on one thread and on two.

use super::*;
use std::path::PathBuf;

const STREAM: StreamId = *b"0123456789abcd\x01\0";
const CAPACITY: usize = 8192;

struct Made {
    _folder: tempfile::TempDir,
    path: PathBuf,
    ring: Arc<Ring>,
}

fn ring(capacity: usize) -> Made {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("00.ring");
    let ring = Ring::create(&path, STREAM, capacity, Access::Owner).unwrap();
    Made { _folder: folder, path, ring }
}

impl Made {
    fn on_disk(&self) -> RingFile {
        RingFile::read(&self.path).unwrap().unwrap()
    }
}

/// A record that tells its number, `length` bytes long.
fn record(number: u64, length: usize) -> Vec<u8> {
    number.to_le_bytes().iter().copied().cycle().take(length).collect()
}

fn append(producer: &mut Producer, record: &[u8]) -> Option<u64> {
    producer.append(|room| {
        room.get_mut(..record.len())?.copy_from_slice(record);
        Some(record.len())
    })
}

fn contents(consumer: &Consumer) -> Vec<Vec<u8>> {
    let ring = consumer.ring();
    consumer.frames(ring.freed(), ring.head()).map(|frame| frame.unwrap().1.to_vec()).collect()
}

fn contents_of(file: &RingFile) -> Vec<Vec<u8>> {
    file.frames().into_iter().map(|(_, _, range)| file.bytes(range).to_vec()).collect()
}

#[test]
fn what_was_appended_is_read_in_order_by_the_consumer_and_from_the_file() {
    let made = ring(CAPACITY);
    let mut producer = made.ring.producer().unwrap();
    let records: Vec<Vec<u8>> = (0..20).map(|number| record(number, 1 + number as usize * 13)).collect();
    let ends: Vec<u64> = records.iter().map(|record| append(&mut producer, record).unwrap()).collect();
    let consumer = made.ring.consumer().unwrap();
    assert_eq!(contents(&consumer), records);
    assert_eq!(consumer.frames(0, u64::MAX).map(|frame| frame.unwrap().0).collect::<Vec<_>>(), ends);
    assert_eq!(contents_of(&made.on_disk()), records);
    assert_eq!(made.on_disk().frames().iter().map(|(_, end, _)| *end).collect::<Vec<_>>(), ends);
    assert_eq!((made.ring.records(), made.ring.head()), (20, ends[19]));
}
