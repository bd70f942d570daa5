//! Appending to a ring.

#![allow(unsafe_code)]

use super::{frame, Ring};
use std::sync::atomic::{compiler_fence, Ordering};
use std::sync::Arc;

/// The right to append to a ring. Another one can be had when it is dropped.
pub struct Producer {
    ring: Arc<Ring>,
    head: u64,
    records: u64,
    /// What `freed` was when it was last looked at: the line belongs to the consumer.
    freed: u64,
}

impl Producer {
    pub(super) fn new(ring: Arc<Ring>) -> Producer {
        let (head, records, freed) = (ring.head(), ring.records(), ring.freed());
        Producer { ring, head, records, freed }
    }

    /// Its ring.
    pub fn ring(&self) -> &Arc<Ring> {
        &self.ring
    }

    /// Lets `encode` write a record straight into the ring and answers the position behind it. When this returns, the
    /// record survives the death of the process. `None`: there is no room now, or the record is too long for a ring;
    /// nothing of it is kept.
    ///
    /// `encode` gets memory with any bytes in it and answers how long the record is, at least one byte; `None` if it
    /// needs more room. It is then asked a second time if there is more room at the start of the next lap.
    #[inline]
    pub fn append(&mut self, mut encode: impl FnMut(&mut [u8]) -> Option<usize>) -> Option<u64> {
        if !self.ring.memory.is_here() {
            return None;
        }
        let capacity = self.ring.capacity();
        let largest = frame::size(frame::largest(capacity));
        if self.free() < 2 * largest {
            self.freed = self.ring.freed();
        }
        let free = self.free();
        let left_in_lap = capacity - self.ring.offset(self.head);
        if let Some(length) = self.encode_at(self.head, free.min(left_in_lap), &mut encode) {
            return Some(self.publish(self.head, length));
        }
        if left_in_lap >= largest || left_in_lap >= free {
            return None;
        }
        let next_lap = self.head + left_in_lap as u64;
        let length = self.encode_at(next_lap, free - left_in_lap, &mut encode)?;
        self.write_header(self.head, frame::pad_word(self.ring.seed, self.head));
        Some(self.publish(next_lap, length))
    }

    fn free(&self) -> usize {
        self.ring.capacity() - (self.head - self.freed) as usize
    }

    /// Writes the content of the frame at `position`, which may take `room` bytes up to the end of its lap.
    fn encode_at(
        &self,
        position: u64,
        room: usize,
        encode: &mut impl FnMut(&mut [u8]) -> Option<usize>,
    ) -> Option<usize> {
        let Ring { memory, .. } = &*self.ring;
        let offset = self.ring.offset(position);
        let room = room.saturating_sub(frame::HEADER).min(frame::largest(memory.capacity()));
        if room == 0 {
            return None;
        }
        // SAFETY: what lies from the head to a lap behind `freed` is the producer's alone: the consumer reads only what
        // is between `freed` and head. There is one producer, borrowed as mutable by `append`, and one such slice.
        let content = unsafe {
            // What an earlier lap left here must not be taken for a frame with the content that now follows. The fence
            // keeps the compiler from moving the content up; of a dead process's stores a first part is kept.
            memory.store(offset, 0, Ordering::Relaxed);
            compiler_fence(Ordering::SeqCst);
            memory.bytes_mut(offset + frame::HEADER, room)
        };
        encode(content).filter(|length| (1..=room).contains(length))
    }

    /// Publishes the frame at `position` with the content that [`Producer::encode_at`] wrote.
    fn publish(&mut self, position: u64, length: usize) -> u64 {
        // SAFETY: the content was just written and the mutable slice of it is gone; see `encode_at` for the rest.
        let content = unsafe { self.ring.memory.bytes(self.ring.offset(position) + frame::HEADER, length) };
        let word = frame::word(self.ring.seed, position, content);
        self.write_header(position, word);
        self.head = position + frame::size(length) as u64;
        self.records += 1;
        let published = &self.ring.published.0;
        published.records.store(self.records, Ordering::Relaxed);
        published.head.store(self.head, Ordering::Release);
        self.head
    }

    /// The word comes last: with it, and not before, the frame is one for a recovery.
    fn write_header(&self, position: u64, word: u64) {
        let offset = self.ring.offset(position);
        // SAFETY: see `encode_at`; positions of frames are multiples of 16.
        unsafe {
            self.ring.memory.store(offset + 8, position, Ordering::Relaxed);
            self.ring.memory.store(offset, word, Ordering::Release);
        }
    }
}

impl Drop for Producer {
    fn drop(&mut self) {
        self.ring.has_producer.store(false, Ordering::Release);
    }
}
