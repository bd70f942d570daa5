//! Ids: making UUIDv7s, and checking those that callers bring (protocol, section 4).

use crate::error::{Error, Result, Status};
use rand_xoshiro::rand_core::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use std::cell::RefCell;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

/// The longest id: a UUID with dashes.
pub const MAX_ID_LENGTH: usize = 36;

/// An id in its text form, held without an allocation.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Id {
    length: u8,
    text: [u8; MAX_ID_LENGTH],
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
    GENERATOR.with_borrow_mut(|slot| {
        let generation = GENERATION.load(Ordering::Relaxed);
        let generator = match slot {
            Some((seeded, generator)) if *seeded == generation => generator,
            _ => &mut slot.insert((generation, seed())).1,
        };
        generator.fill_bytes(&mut bytes);
    });
    bytes
}

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
        let millis = SystemTime::now().duration_since(UNIX_EPOCH).map(|d| d.as_millis()).unwrap_or_default();
        let uuid =
            uuid::Builder::from_unix_timestamp_millis(u64::try_from(millis).unwrap_or_default(), &random_bytes());
        let mut text = [0; MAX_ID_LENGTH];
        uuid.into_uuid().hyphenated().encode_lower(&mut text);
        Id { length: MAX_ID_LENGTH as u8, text }
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
        self.text.get(..usize::from(self.length)).and_then(|b| std::str::from_utf8(b).ok()).unwrap_or_default()
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
        Ok(Id { length: given.len().min(MAX_ID_LENGTH) as u8, text })
    }
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
