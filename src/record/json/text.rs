//! The text of a JSON string. Python reads lone surrogate escapes, so a text may hold what UTF-8 cannot.

use std::cmp::Ordering;
use std::fmt;

use super::lexer::{hex4, low_surrogate, ESCAPED};

/// A string of a JSON value: UTF-8, or with lone surrogates written as if they were characters (WTF-8).
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Text(Repr);

/// The second form is used only for texts that do hold a lone surrogate, so that equal texts have equal forms.
#[derive(Clone, PartialEq, Eq, Hash)]
enum Repr {
    Utf8(String),
    Wtf8(Vec<u8>),
}

const REPLACEMENT: &[u8; 3] = b"\xef\xbf\xbd";

impl Text {
    /// The text of a string token, given what stands between its quotes.
    pub(super) fn decode(raw: &str, marks: u8) -> Text {
        if marks & ESCAPED == 0 {
            return raw.into();
        }
        let bytes = raw.as_bytes();
        let mut out = Vec::with_capacity(bytes.len());
        let mut at = 0;
        while let Some(rest) = bytes.get(at..) {
            let plain = rest.iter().position(|&byte| byte == b'\\').unwrap_or(rest.len());
            out.extend(rest.iter().take(plain));
            at += plain;
            let Some(&letter) = bytes.get(at + 1) else { break };
            at += 2;
            match letter {
                b'b' => out.push(8),
                b'f' => out.push(12),
                b'n' => out.push(b'\n'),
                b'r' => out.push(b'\r'),
                b't' => out.push(b'\t'),
                b'u' => {
                    let unit = u32::from(hex4(bytes, at).unwrap_or_default());
                    at += 4;
                    match low_surrogate(bytes, at) {
                        Some(low) if (0xd800..=0xdbff).contains(&unit) => {
                            at += 6;
                            push_code_point(&mut out, 0x10000 + ((unit - 0xd800) << 10) + (u32::from(low) - 0xdc00));
                        }
                        _ => push_code_point(&mut out, unit),
                    }
                }
                other => out.push(other),
            }
        }
        Text(String::from_utf8(out).map_or_else(|error| Repr::Wtf8(error.into_bytes()), Repr::Utf8))
    }

    /// The text, unless it holds a lone surrogate.
    pub fn as_str(&self) -> Option<&str> {
        match &self.0 {
            Repr::Utf8(text) => Some(text),
            Repr::Wtf8(_) => None,
        }
    }

    /// UTF-8 or WTF-8 bytes; their order is the order of the code points.
    pub fn as_bytes(&self) -> &[u8] {
        match &self.0 {
            Repr::Utf8(text) => text.as_bytes(),
            Repr::Wtf8(bytes) => bytes,
        }
    }

    /// Puts U+FFFD in the place of each lone surrogate, and tells whether there was one.
    pub fn replace_lone_surrogates(&mut self) -> bool {
        let Repr::Wtf8(bytes) = &mut self.0 else { return false };
        // A surrogate is ED A0..BF xx, and ED begins nothing else with such a second byte. The replacement is as long.
        for at in 0..bytes.len() {
            if let Some(place @ [0xed, 0xa0..=0xbf, _]) = bytes.get_mut(at..at + 3) {
                place.copy_from_slice(REPLACEMENT);
            }
        }
        let text = String::from_utf8_lossy(bytes).into_owned();
        self.0 = Repr::Utf8(text);
        true
    }

    /// The code points, lone surrogates among them.
    pub(super) fn code_points(&self) -> impl Iterator<Item = u32> + '_ {
        let mut bytes = self.as_bytes().iter().map(|&byte| u32::from(byte));
        std::iter::from_fn(move || {
            let first = bytes.next()?;
            let (mut point, more) = match first {
                0..=0x7f => (first, 0),
                0x80..=0xdf => (first & 0x1f, 1),
                0xe0..=0xef => (first & 0x0f, 2),
                _ => (first & 0x07, 3),
            };
            for _ in 0..more {
                point = point << 6 | bytes.next()? & 0x3f;
            }
            Some(point)
        })
    }
}

fn push_code_point(out: &mut Vec<u8>, point: u32) {
    match char::from_u32(point) {
        Some(character) => out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes()),
        None => out.extend([0xe0 | (point >> 12) as u8, 0x80 | (point >> 6 & 0x3f) as u8, 0x80 | (point & 0x3f) as u8]),
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Text(Repr::Utf8(text.to_owned()))
    }
}

impl From<String> for Text {
    fn from(text: String) -> Self {
        Text(Repr::Utf8(text))
    }
}

impl PartialEq<str> for Text {
    fn eq(&self, other: &str) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl Ord for Text {
    fn cmp(&self, other: &Self) -> Ordering {
        self.as_bytes().cmp(other.as_bytes())
    }
}

impl PartialOrd for Text {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&String::from_utf8_lossy(self.as_bytes()), f)
    }
}
