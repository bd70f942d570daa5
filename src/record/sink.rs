//! Where an encoded record goes: memory of a fixed size that is already there, such as a part of the journal.

/// Takes bytes one after the other until its memory is full.
pub struct Sink<'a> {
    /// What is not filled yet; nothing after an overflow.
    rest: &'a mut [u8],
    size: usize,
    overflowed: bool,
}

impl<'a> Sink<'a> {
    /// A sink that fills `memory` from its start.
    pub fn new(memory: &'a mut [u8]) -> Self {
        Sink { size: memory.len(), rest: memory, overflowed: false }
    }

    /// Takes `bytes`, or none of them when they do not fit, nor anything after that.
    #[inline(always)]
    pub fn put(&mut self, bytes: &[u8]) {
        match std::mem::take(&mut self.rest).split_at_mut_checked(bytes.len()) {
            Some((room, rest)) => {
                room.copy_from_slice(bytes);
                self.rest = rest;
            }
            None => self.overflowed = true,
        }
    }

    /// How many bytes were taken; `None` if something did not fit.
    pub fn length(&self) -> Option<usize> {
        (!self.overflowed).then_some(self.size - self.rest.len())
    }

    /// What `write` writes, which takes `length` bytes.
    pub fn collect(length: usize, write: impl FnOnce(&mut Sink<'_>)) -> Vec<u8> {
        let mut bytes = vec![0; length];
        let mut sink = Sink::new(&mut bytes);
        write(&mut sink);
        debug_assert_eq!(sink.length(), Some(length));
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_ends_the_record() {
        let mut memory = [0; 4];
        let mut sink = Sink::new(&mut memory);
        sink.put(b"abc");
        assert_eq!(sink.length(), Some(3));
        sink.put(b"de");
        sink.put(b"f");
        assert_eq!(sink.length(), None);
        assert_eq!(&memory, b"abc\0");
    }
}
