//! Percent-encoding of the parts of references that may hold anything (protocol, sections 12.2 and 12.3).

use std::fmt::Write;

/// Escapes every byte that is not a letter, a digit or one of `_.-~`.
pub(super) fn encode(part: &str) -> String {
    let mut out = String::with_capacity(part.len());
    for byte in part.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'_' | b'.' | b'-' | b'~' => out.push(byte.into()),
            // A String takes every write.
            _ => _ = write!(out, "%{byte:02X}"),
        }
    }
    out
}

/// Undoes escapes; what looks like one and is none stays, and bytes that are not UTF-8 become U+FFFD.
pub(super) fn decode(part: &str) -> String {
    let mut out = Vec::with_capacity(part.len());
    let mut rest = part.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        rest = after;
        match after {
            [high, low, tail @ ..] if first == b'%' => match (hex(*high), hex(*low)) {
                (Some(high), Some(low)) => {
                    out.push(high << 4 | low);
                    rest = tail;
                }
                _ => out.push(first),
            },
            _ => out.push(first),
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).map(|value| value as u8)
}
