//! The keys whose values are not to be kept (protocol, section 10).

/// What stands in the place of a redacted value.
pub(super) const REDACTED: &str = "REDACTED";

const OFFICIAL_KEYS: [&str; 3] = ["api_key", "auth_headers", "authorization"];

/// A set of key names, compared without regard to ASCII case.
#[derive(Debug, Clone)]
pub struct Redact {
    keys: Vec<String>,
    /// One bit for each length that a key of the set has (63 and more share one): most keys are told apart by it.
    lengths: u64,
    /// The same of their first bytes, whatever their case.
    firsts: u32,
}

impl Redact {
    /// The keys that the official client redacts, and these.
    pub fn with_keys<K: AsRef<str>>(more: impl IntoIterator<Item = K>) -> Self {
        let mut redact = Redact { keys: Vec::new(), lengths: 0, firsts: 0 };
        OFFICIAL_KEYS.iter().for_each(|key| redact.add(key));
        more.into_iter().for_each(|key| redact.add(key.as_ref()));
        redact
    }

    fn add(&mut self, key: &str) {
        self.lengths |= length_bit(key.as_bytes());
        self.firsts |= first_bit(key.as_bytes());
        self.keys.push(key.to_owned());
    }

    /// Whether the value of this key is to be replaced.
    #[inline]
    pub(super) fn has(&self, key: &[u8]) -> bool {
        self.lengths & length_bit(key) != 0
            && self.firsts & first_bit(key) != 0
            && self.keys.iter().any(|name| name.as_bytes().eq_ignore_ascii_case(key))
    }
}

impl Default for Redact {
    fn default() -> Self {
        Redact::with_keys::<&str>([])
    }
}

/// ASCII letters differ from their other case above the five bits.
#[inline]
fn first_bit(key: &[u8]) -> u32 {
    1 << (key.first().copied().unwrap_or_default() & 31)
}

#[inline]
fn length_bit(key: &[u8]) -> u64 {
    1 << key.len().min(63)
}
