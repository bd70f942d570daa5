//! Ids: making UUIDv7s, and checking those that callers bring (protocol, section 4).

use super::time::Timestamp;
use crate::error::{Error, Result, Status};
use rand_xoshiro::rand_core::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use std::cell::RefCell;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

/// The longest id: a UUID with dashes.
pub const MAX_ID_LENGTH: usize = 36;

/// An id in its text form, held without an allocation.
///
/// It is laid out in words, so that it is copied and compared by words.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
#[repr(C, align(8))]
pub struct Id {
    text: [u8; MAX_ID_LENGTH],
    length: u32,
}

/// Raised in the child of a fork, where the generators of the parent's threads must not be used again.
static GENERATION: AtomicU32 = AtomicU32::new(0);

thread_local! {
    static GENERATOR: RefCell<Option<(u32, Xoshiro256PlusPlus)>> = const { RefCell::new(None) };
}

/// Tells that this process is the child of a fork: the next id of each thread comes from a fresh seed.
pub fn reseed_after_fork() {
    GENERATION.fetch_add(1, Ordering::Relaxed);
}

/// Random bytes for ids. The generator is seeded by the kernel once a thread, since asking the kernel for each id costs
/// ten times the id itself.
pub fn random_bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    with_generator(|generator| generator.fill_bytes(&mut bytes));
    bytes
}

#[inline]
fn with_generator<R>(draw: impl FnOnce(&mut Xoshiro256PlusPlus) -> R) -> R {
    GENERATOR.with_borrow_mut(|slot| {
        let generation = GENERATION.load(Ordering::Relaxed);
        match slot {
            Some((seeded, generator)) if *seeded == generation => draw(generator),
            _ => draw(&mut slot.insert((generation, seed())).1),
        }
    })
}

#[cold]
fn seed() -> Xoshiro256PlusPlus {
    let mut seed = [0u8; 32];
    if getrandom::fill(&mut seed).is_err() {
        // No kernel randomness (a chroot without /dev/urandom on an old kernel): time and addresses still differ.
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map(|d| d.as_nanos()).unwrap_or_default();
        let here = &seed as *const _ as usize as u128;
        let mixed = now ^ (here << 64) ^ u128::from(std::process::id());
        seed[..16].copy_from_slice(&mixed.to_le_bytes());
    }
    Xoshiro256PlusPlus::from_seed(seed)
}

impl Id {
    /// A UUIDv7 of this moment.
    pub fn new() -> Self {
        Self::at(Timestamp::now())
    }

    /// A UUIDv7 of a moment.
    #[inline]
    pub fn at(time: Timestamp) -> Self {
        let random = with_generator(|generator| [generator.next_u64(), generator.next_u64()]);
        Self::of(time, random)
    }

    /// Two UUIDv7s of a moment: those of a call and of the trace that it begins.
    #[inline(always)]
    pub fn pair_at(time: Timestamp) -> (Self, Self) {
        let [a, b, c, d] = with_generator(|generator| [(); 4].map(|()| generator.next_u64()));
        (Self::of(time, [a, b]), Self::of(time, [c, d]))
    }

    /// Lays a UUIDv7 out (RFC 9562, section 5.7): 48 bits of milliseconds, the version, 12 random bits, the variant, and
    /// 62 random bits.
    #[inline(always)]
    fn of(time: Timestamp, random: [u64; 2]) -> Self {
        let [low, high] = random;
        let first = time.millis() << 16 | 0x7000 | low & 0x0fff;
        let last = 1 << 63 | high & (u64::MAX >> 2);
        let [a, b, c, d] = [first >> 32, first & 0xffff_ffff, last >> 32, last & 0xffff_ffff].map(hex);
        const DASH: u64 = b'-' as u64;
        // By whole words: what is written in small pieces makes who reads it at once wait.
        let words = [
            a,
            DASH | (b & 0xffff_ffff) << 8 | DASH << 40 | (b >> 32) << 48,
            b >> 48 | DASH << 16 | (c & 0xffff_ffff) << 24 | DASH << 56,
            c >> 32 | d << 32,
        ];
        let mut text = [0; MAX_ID_LENGTH];
        let (front, end) = text.split_at_mut(32);
        for (place, word) in front.as_chunks_mut().0.iter_mut().zip(words) {
            *place = word.to_le_bytes();
        }
        end.copy_from_slice(&((d >> 32) as u32).to_le_bytes());
        Id { text, length: MAX_ID_LENGTH as u32 }
    }

    /// A call or parent id of a caller: a lower-case UUID with dashes, or a lower-case text of 16 characters.
    pub fn parse_call(text: &str, field: &str) -> Result<Self> {
        Self::parse(text, field, 16)
    }

    /// A trace id of a caller: a lower-case UUID with dashes, or a lower-case text of 32 characters.
    pub fn parse_trace(text: &str, field: &str) -> Result<Self> {
        Self::parse(text, field, 32)
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(self.as_bytes()).unwrap_or_default()
    }

    /// The id as text, in bytes.
    #[inline]
    pub fn as_bytes(&self) -> &[u8] {
        self.text.get(..self.length as usize).unwrap_or_default()
    }

    fn parse(given: &str, field: &str, plain_length: usize) -> Result<Self> {
        if !is_lower_uuid(given) && !is_lower_token(given, plain_length) {
            return Err(Error::new(
                Status::InvalidId,
                format!(
                    "{field}: \"{}\" cannot be an id; give a lower-case UUID with dashes, or {plain_length} lower-case \
                     letters and digits, or leave it out to get one",
                    given.chars().take(60).collect::<String>()
                ),
            ));
        }
        let mut text = [0; MAX_ID_LENGTH];
        for (to, from) in text.iter_mut().zip(given.bytes()) {
            *to = from;
        }
        Ok(Id { text, length: given.len().min(MAX_ID_LENGTH) as u32 })
    }
}

/// The eight hexadecimal digits of 32 bits, all at once; the first is the lowest byte.
#[inline(always)]
fn hex(bits: u64) -> u64 {
    const ONES: u64 = u64::from_le_bytes([1; 8]);
    // Each half of what is left goes to the upper half of its room, until each byte holds one digit.
    let bits = (bits | bits << 16) & 0x0000_ffff_0000_ffff;
    let bits = (bits | bits << 8) & 0x00ff_00ff_00ff_00ff;
    let digits = (bits | bits << 4) & (ONES * 0x0f);
    // 'a' stands 39 behind the '0' + 10 that it would be.
    let letters = (digits + ONES * 6) >> 4 & ONES;
    (digits + ONES * u64::from(b'0') + letters * 39).swap_bytes()
}

fn is_lower_uuid(text: &str) -> bool {
    text.len() == MAX_ID_LENGTH
        && text.bytes().enumerate().all(|(i, b)| match i {
            8 | 13 | 18 | 23 => b == b'-',
            _ => matches!(b, b'0'..=b'9' | b'a'..=b'f'),
        })
}

/// The server takes any lower-case text of the right length; only letters and digits stay whole in a reference.
fn is_lower_token(text: &str, length: usize) -> bool {
    text.len() == length && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
}

impl Default for Id {
    fn default() -> Self {
        Id::new()
    }
}

impl std::fmt::Debug for Id {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.as_str())
    }
}

impl std::fmt::Display for Id {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn a_made_id_is_a_lower_case_uuid_of_version_seven() {
        let id = Id::new();
        assert!(is_lower_uuid(id.as_str()), "{id}");
        assert_eq!(id.as_str().as_bytes()[14], b'7');
    }

    #[test]
    fn a_made_id_holds_its_moment_its_version_and_its_variant() {
        let time = Timestamp::from_micros(0x0195_f1f2_9c2b * 1000 + 999).unwrap();
        let (a, b) = Id::pair_at(time);
        for id in [a, b, Id::at(time)] {
            assert!(id.as_str().starts_with("0195f1f2-9c2b-7"), "{id}");
            let uuid = uuid::Uuid::parse_str(id.as_str()).unwrap();
            assert_eq!((uuid.get_version_num(), uuid.get_variant()), (7, uuid::Variant::RFC4122));
        }
        assert_eq!(&Id::of(time, [0x0abc, 0x0123_4567_89ab_cdef]).to_string()[14..], "7abc-8123-456789abcdef");
        assert!(Id::at(Timestamp::from_micros(-1).unwrap()).as_str().starts_with("00000000-0000-7"));
    }

    #[test]
    fn every_random_bit_of_an_id_varies() {
        let bits = |id: Id| uuid::Uuid::parse_str(id.as_str()).unwrap().as_u128();
        let time = Timestamp::from_micros(0).unwrap();
        let ids: Vec<u128> = (0..200).flat_map(|_| <[Id; 2]>::from(Id::pair_at(time))).map(bits).collect();
        let varied = ids.iter().fold(0, |all, id| all | id) & !ids.iter().fold(u128::MAX, |all, id| all & id);
        assert_eq!(varied, 0x0fff_3fff_ffff_ffff_ffff);
    }

    #[test]
    fn made_ids_differ_across_threads_and_after_a_fork() {
        let mut seen = HashSet::new();
        for round in 0..4 {
            let threads: Vec<_> =
                (0..4).map(|_| std::thread::spawn(|| (0..1000).map(|_| Id::new()).collect::<Vec<_>>())).collect();
            for thread in threads {
                for id in thread.join().unwrap() {
                    assert!(seen.insert(id), "{id} came twice in round {round}");
                }
            }
            reseed_after_fork();
        }
    }

    #[test]
    fn ids_of_callers_must_have_the_form_that_the_server_takes() {
        let uuid = "0195f1f2-9c2b-7d3e-b5a1-8c9d2e4f6a7b";
        assert_eq!(Id::parse_call(uuid, "id").unwrap().as_str(), uuid);
        assert_eq!(Id::parse_call("00f067aa0ba902b7", "id").unwrap().as_str(), "00f067aa0ba902b7");
        assert!(Id::parse_trace("4bf92f3577b34da6a3ce929d0e0e4736", "trace_id").is_ok());
        for bad in
            ["", "0195F1F2-9C2B-7D3E-B5A1-8C9D2E4F6A7B", "{0195f1f2-9c2b-7d3e-b5a1-8c9d2e4f6a7b}", "00F067AA0BA902B7"]
        {
            let error = Id::parse_call(bad, "parent_id").unwrap_err();
            assert_eq!(error.status(), Status::InvalidId);
            assert!(error.text().starts_with("parent_id"), "{error}");
        }
        assert!(Id::parse_call("4bf92f3577b34da6a3ce929d0e0e4736", "id").is_err(), "32 characters are a trace id only");
    }
}
