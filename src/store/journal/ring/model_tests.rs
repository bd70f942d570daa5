//! Every order in which producer and consumer can meet on their atomics, and writers of the log and the packer on its
//! ends (`make test-loom`).
//!
//! The memory tells of two accesses that no order separates, so that these tests fail when a position is published or
//! freed too early, or with too weak an order.

use super::*;
use crate::store::journal::log::ends::Ends;
use loom::thread;

/// Room for four frames.
const CAPACITY: usize = 128;
const FRAME: u64 = 32;

/// A ring that stands at a position.
fn ring(position: u64) -> Arc<Ring> {
    let memory = Memory::create(Path::new(""), CAPACITY, Access::Owner).unwrap();
    memory.write_freed(position);
    let ring = Ring::with(memory, [0; 16], 1);
    ring.freed.0.store(position, Ordering::Relaxed);
    ring.published.0.head.store(position, Ordering::Relaxed);
    Arc::new(ring)
}

fn append(producer: &mut Producer, number: u8) -> Option<u64> {
    producer.append(|room| {
        room.fill(number);
        Some(room.len())
    })
}

/// Reads and frees what is there; answers the first bytes of the records.
fn drain(consumer: &mut Consumer) -> Vec<u8> {
    let (from, to) = (consumer.ring().freed(), consumer.ring().head());
    let found = consumer.frames(from, to).map(|frame| frame.unwrap().1[0]).collect();
    consumer.free(to);
    found
}

#[test]
fn records_pass_through_recycled_memory_in_order_and_are_never_overwritten() {
    loom::model(|| {
        let ring = ring(0);
        let (mut producer, mut consumer) = (ring.producer().unwrap(), ring.consumer().unwrap());
        (0..4).for_each(|number| assert!(append(&mut producer, number).is_some()));
        let other = thread::spawn(move || {
            let mut kept = 4;
            for _ in 0..2 {
                if let Some(end) = append(&mut producer, kept) {
                    kept += 1;
                    // A recovery, which begins at what is freed in the file, does not look for what was overwritten.
                    assert!(end - producer.ring().memory.written_freed() <= CAPACITY as u64);
                }
            }
            kept
        });
        let mut found = drain(&mut consumer);
        found.extend(drain(&mut consumer));
        let kept = other.join().unwrap();
        found.extend(drain(&mut consumer));
        assert!(found.into_iter().eq(0..kept));
        assert_eq!(ring.records(), u64::from(kept));
    });
}

#[test]
fn a_record_at_the_start_of_a_lap_comes_with_the_pad_before_it() {
    loom::model(|| {
        // Sixteen bytes are left in the lap: room for a pad.
        let ring = ring(CAPACITY as u64 - 16);
        let (mut producer, mut consumer) = (ring.producer().unwrap(), ring.consumer().unwrap());
        let other = thread::spawn(move || {
            assert_eq!(append(&mut producer, 0), Some(CAPACITY as u64 + FRAME));
            append(&mut producer, 1).unwrap();
        });
        let mut found = drain(&mut consumer);
        other.join().unwrap();
        found.extend(drain(&mut consumer));
        assert_eq!(found, [0, 1]);
    });
}

#[test]
fn two_threads_that_want_to_produce_do_so_one_after_the_other() {
    loom::model(|| {
        let ring = ring(0);
        let produce = |ring: Arc<Ring>, number| {
            move || {
                let mut producer = ring.producer()?;
                append(&mut producer, number)
            }
        };
        let other = thread::spawn(produce(ring.clone(), 1));
        let ends = [produce(ring.clone(), 0)(), other.join().unwrap()];
        let kept = ends.iter().flatten().count() as u64;
        assert!(kept > 0 && ends[0] != ends[1]);
        assert_eq!((ring.records(), ring.head()), (kept, kept * FRAME));
        let mut found = drain(&mut ring.consumer().unwrap());
        found.sort_unstable();
        let expected: Vec<u8> = (0..2).filter(|number| ends[usize::from(*number)].is_some()).collect();
        assert_eq!(found, expected);
    });
}

#[test]
fn the_next_consumer_goes_on_where_the_last_one_stopped() {
    loom::model(|| {
        let ring = ring(0);
        let mut producer = ring.producer().unwrap();
        (0..2).for_each(|number| assert!(append(&mut producer, number).is_some()));
        let consume = |ring: Arc<Ring>| move || ring.consumer().map(|mut consumer| drain(&mut consumer));
        let other = thread::spawn(consume(ring.clone()));
        let found = [consume(ring.clone())(), other.join().unwrap()];
        assert_eq!(found.into_iter().flatten().flatten().collect::<Vec<_>>(), [0, 1]);
    });
}

#[test]
fn what_a_call_may_refer_to_is_never_seen_to_end_behind_the_end_of_the_log() {
    loom::model(|| {
        let ends = Arc::new(Ends::default());
        let writer = ends.clone();
        let other = thread::spawn(move || {
            writer.reach(1, false);
            writer.reach(2, true);
            writer.reach(3, false);
        });
        let (all, others) = ends.get();
        assert!(others <= all);
        other.join().unwrap();
        assert_eq!(ends.get(), (3, 3));
    });
}
