//! Ids of traces and spans, of 16 and 8 bytes, made of Weave's. The same call has the same ids in every export.

use sha2::{Digest, Sha256};

/// The id of a trace: the bytes of a UUID, or 32 hexadecimal digits as they are. Anything else is hashed.
pub fn trace(id: &str) -> [u8; 16] {
    uuid(id).or_else(|| digits(id)).unwrap_or_else(|| hashed(id))
}

/// The id of a span: 16 hexadecimal digits as they are. Of a UUID of version 4 or 7 the last half, which has 62 random
/// bits; two spans of a trace of a million are the same by chance once in nine million such traces. Anything else is hashed:
/// the last half of other UUIDs is the same for all that a machine makes.
pub fn span(id: &str) -> [u8; 8] {
    let half = || {
        let bytes = uuid(id).filter(|bytes| matches!(bytes[6] >> 4, 4 | 7))?;
        bytes.last_chunk().copied()
    };
    digits(id).or_else(half).filter(|id| *id != [0; 8]).unwrap_or_else(|| hashed(id))
}

fn uuid(id: &str) -> Option<[u8; 16]> {
    let dashes = id.len() == 36 && [8, 13, 18, 23].iter().all(|place| id.as_bytes()[*place] == b'-');
    digits(&dashes.then(|| id.replace('-', ""))?)
}

/// The bytes of so many hexadecimal digits.
fn digits<const N: usize>(text: &str) -> Option<[u8; N]> {
    let digits = text.as_bytes();
    if digits.len() != 2 * N || !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    let mut bytes = [0; N];
    for (byte, digits) in bytes.iter_mut().zip(digits.chunks(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
    }
    (bytes != [0; N]).then_some(bytes) // no id in OpenTelemetry
}

fn hashed<const N: usize>(id: &str) -> [u8; N] {
    let mut bytes = [0; N];
    for (byte, hash) in bytes.iter_mut().zip(Sha256::digest(id.as_bytes())) {
        *byte = hash;
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    #[test]
    fn a_uuid_is_the_id_of_a_trace_and_its_last_half_that_of_a_span() {
        let id = "0195f1f2-9c2b-7d3e-b5a1-8c9d2e4f6a7b";
        assert_eq!(hex(&trace(id)), "0195f1f29c2b7d3eb5a18c9d2e4f6a7b");
        assert_eq!(hex(&span(id)), "b5a18c9d2e4f6a7b");
    }

    #[test]
    fn ids_that_come_from_opentelemetry_are_kept() {
        assert_eq!(hex(&trace("0af7651916cd43dd8448eb211c80319c")), "0af7651916cd43dd8448eb211c80319c");
        assert_eq!(hex(&span("b7ad6b7169203331")), "b7ad6b7169203331");
    }

    #[test]
    fn spans_of_uuids_of_other_versions_differ_although_their_last_halves_do_not() {
        let of = |first: &str| span(&format!("{first}-1dd2-11b2-8000-00155d123456"));
        assert_ne!(of("00000001"), of("00000002"));
    }

    #[test]
    fn anything_else_has_an_id_too_and_none_is_zero() {
        for id in ["", "zzzzzzzzzzzzzzzz", "0000000000000000", "00000000-0000-4000-0000-000000000000"] {
            assert_ne!(span(id), [0; 8], "{id}");
            assert_ne!(trace(id), [0; 16], "{id}");
        }
    }
}
