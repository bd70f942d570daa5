//! Reading what a ring holds, and freeing it.

#![allow(unsafe_code)]

use super::frame::{self, Found};
use super::Ring;
use std::io;
use std::sync::atomic::Ordering;
use std::sync::Arc;

/// The right to read and free a ring. Another one can be had when it is dropped.
pub struct Consumer {
    ring: Arc<Ring>,
}

impl Consumer {
    pub(super) fn new(ring: Arc<Ring>) -> Consumer {
        Consumer { ring }
    }

    /// Its ring.
    pub fn ring(&self) -> &Arc<Ring> {
        &self.ring
    }

    /// The published frames from one position to another, both at ends of frames.
    pub fn frames(&self, from: u64, to: u64) -> Frames<'_> {
        let to = if self.ring.memory.is_here() { to.min(self.ring.head()) } else { 0 };
        Frames { ring: &self.ring, at: from.max(self.ring.freed()), to }
    }

    /// Gives everything below a position, the end of a frame, back to the producer: it is in data files on the disk, or
    /// will be found there after a crash.
    ///
    /// No frame can be borrowed meanwhile:
    ///
    /// ```compile_fail,E0502
    /// # fn wrong(mut consumer: weave::store::journal::ring::Consumer) {
    /// let frame = consumer.frames(0, 64).next();
    /// consumer.free(64);
    /// drop(frame);
    /// # }
    /// ```
    pub fn free(&mut self, to: u64) {
        let to = to.min(self.ring.head());
        if to > self.ring.freed() && self.ring.memory.is_here() {
            self.ring.memory.write_freed(to);
            self.ring.freed.0.store(to, Ordering::Release);
        }
    }

    /// Waits until what lies between two positions is on the disk, and how far the ring is freed.
    pub fn sync(&self, from: u64, to: u64) -> io::Result<()> {
        let capacity = self.ring.capacity();
        let length = to.saturating_sub(from).min(capacity as u64) as usize;
        if length > 0 {
            let offset = self.ring.offset(from);
            let in_this_lap = length.min(capacity - offset);
            self.ring.memory.sync(offset, in_this_lap)?;
            if length > in_this_lap {
                self.ring.memory.sync(0, length - in_this_lap)?;
            }
        }
        self.sync_header()
    }

    /// Waits until it is on the disk how far the ring is freed.
    pub fn sync_header(&self) -> io::Result<()> {
        self.ring.memory.sync_header()
    }
}

impl Drop for Consumer {
    fn drop(&mut self) {
        self.ring.has_consumer.store(false, Ordering::Release);
    }
}

/// Frames of a ring: the position behind each, and its content.
pub struct Frames<'a> {
    ring: &'a Ring,
    at: u64,
    to: u64,
}

/// Bytes of a ring that should be frames and are none. The next item stands behind them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Damaged<'a> {
    /// The position of the first of them.
    pub from: u64,
    /// The position behind them.
    pub to: u64,
    /// The bytes.
    pub bytes: &'a [u8],
    /// What is wrong with them.
    pub reason: String,
}

impl<'a> Iterator for Frames<'a> {
    type Item = Result<(u64, &'a [u8]), Damaged<'a>>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let bytes = self.rest_of_lap()?;
            let from = self.at;
            match self.look(bytes, from) {
                Found::Pad => self.at += bytes.len() as u64,
                Found::Frame(length) => {
                    self.at += frame::size(length) as u64;
                    return Some(Ok((self.at, bytes.get(frame::HEADER..frame::HEADER + length)?)));
                }
                Found::Nothing => return Some(Err(self.damaged(bytes, "there is no frame where one should be"))),
                Found::Torn(_) => return Some(Err(self.damaged(bytes, "the checksum of the frame is wrong"))),
            }
        }
    }
}

impl<'a> Frames<'a> {
    fn rest_of_lap(&self) -> Option<&'a [u8]> {
        let left = usize::try_from(self.to.checked_sub(self.at)?).ok().filter(|left| *left > 0)?;
        let offset = self.ring.offset(self.at);
        let length = left.min(self.ring.capacity() - offset);
        // SAFETY: what lies between `freed` and head is written by nobody. The consumer is borrowed for `'a`, so that
        // `freed` stays where it is.
        Some(unsafe { self.ring.memory.bytes(offset, length) })
    }

    fn look(&self, bytes: &[u8], position: u64) -> Found {
        let largest = frame::largest(self.ring.capacity());
        frame::read(bytes, self.ring.seed, largest, |there| there == position)
    }

    /// Goes on to the next frame in `bytes`, which begin with something that is none.
    fn damaged(&mut self, bytes: &'a [u8], reason: &str) -> Damaged<'a> {
        let from = self.at;
        let length = (frame::ALIGNMENT..bytes.len())
            .step_by(frame::ALIGNMENT)
            .find(|at| {
                let rest = bytes.get(*at..).unwrap_or_default();
                matches!(self.look(rest, from + *at as u64), Found::Frame(_) | Found::Pad)
            })
            .unwrap_or(bytes.len());
        self.at += length as u64;
        let reason = format!("{reason}, at position {from} of the ring");
        Damaged { from, to: self.at, bytes: bytes.get(..length).unwrap_or_default(), reason }
    }
}
