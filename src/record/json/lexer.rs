//! The tokens of JSON as Python's `json.loads` reads them: RFC 8259, and beside it `NaN`, `Infinity`, `-Infinity` and
//! lone surrogate escapes (protocol, section 5).
//!
//! Owns the position in the text and nothing else: it allocates nothing and decodes nothing, so that checking a text
//! and building its tree share one reading of the grammar. This is the hot path of every logging call.

use super::fault::{Fault, FaultKind};

/// The longest integer that the server's parser reads (protocol, section 5).
pub(super) const MAX_INT_DIGITS: usize = 4300;

/// The string has an escape, so that its text differs from its bytes.
pub(super) const ESCAPED: u8 = 1;
/// An escape stands for printable ASCII, which needs none but for the quote and the backslash.
pub(super) const NEEDLESS: u8 = 2;
/// An escape stands for half of a surrogate pair, with no other half.
pub(super) const LONE: u8 = 4;

/// Where a string's content stands (between the quotes) and what was seen in it.
#[derive(Clone, Copy)]
pub(super) struct StringToken {
    pub start: usize,
    pub end: usize,
    pub marks: u8,
}

/// Where a number stands and how it is to be read.
#[derive(Clone, Copy)]
pub(super) struct NumberToken {
    pub start: usize,
    pub end: usize,
    pub kind: NumberKind,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum NumberKind {
    /// Without `.`, `e` and `E`.
    Int,
    /// Certainly finite.
    Float,
    /// So many digits before the point or in the exponent that it may overflow.
    LargeFloat,
}

/// The words of the grammar.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Literal {
    Null,
    True,
    False,
    NaN,
    Infinity,
    NegativeInfinity,
}

/// A position in a JSON text.
pub(super) struct Lexer<'t> {
    bytes: &'t [u8],
    pub at: usize,
    /// A line break was skipped between tokens.
    pub line_break: bool,
}

impl<'t> Lexer<'t> {
    pub fn new(text: &'t str) -> Self {
        Lexer { bytes: text.as_bytes(), at: 0, line_break: false }
    }

    #[inline(always)]
    pub fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    #[inline(always)]
    pub fn eat(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    #[inline(always)]
    pub fn skip_space(&mut self) {
        while let Some(byte) = self.peek() {
            match byte {
                b' ' | b'\t' => {}
                b'\n' | b'\r' => self.line_break = true,
                _ => return,
            }
            self.at += 1;
        }
    }

    /// Reads a string whose opening quote has just been passed.
    #[inline(always)]
    pub fn string(&mut self) -> Result<StringToken, Fault> {
        let start = self.at;
        let mut marks = 0;
        loop {
            self.at = end_of_plain(self.bytes, self.at);
            match self.peek() {
                Some(b'"') => {
                    let end = self.at;
                    self.at += 1;
                    return Ok(StringToken { start, end, marks });
                }
                Some(b'\\') => {
                    let (length, mark) = escape(self.bytes, self.at)?;
                    self.at += length;
                    marks |= mark;
                }
                Some(_) => return Err(Fault::new(FaultKind::Control, self.at)),
                None => return Err(Fault::new(FaultKind::Unterminated, start.saturating_sub(1))),
            }
        }
    }

    /// Reads a number whose first byte is `-` or a digit; `-Infinity` is left to [`Lexer::literal`].
    #[inline(always)]
    pub fn number(&mut self) -> Result<NumberToken, Fault> {
        let start = self.at;
        self.at += usize::from(self.peek() == Some(b'-'));
        let first = self.at;
        if !self.eat(b'0') {
            self.skip_digits();
        }
        let int_digits = self.at - first;
        if int_digits == 0 {
            return Err(Fault::new(FaultKind::Expected("a digit"), self.at));
        }
        let mut kind = NumberKind::Int;
        if self.peek() == Some(b'.') {
            kind = NumberKind::Float;
            self.at += 1;
            self.at_least_one_digit()?;
        }
        let mut exponent_digits = 0;
        if let Some(b'e' | b'E') = self.peek() {
            kind = NumberKind::Float;
            self.at += 1;
            self.at += usize::from(matches!(self.peek(), Some(b'+' | b'-')));
            exponent_digits = self.at_least_one_digit()?;
        }
        if kind == NumberKind::Int {
            if int_digits > MAX_INT_DIGITS {
                return Err(Fault::new(FaultKind::Digits, start));
            }
        } else if int_digits > 200 || exponent_digits > 2 {
            // Below this bound a number is less than 1e200 * 1e99, so it is finite.
            kind = NumberKind::LargeFloat;
        }
        Ok(NumberToken { start, end: self.at, kind })
    }

    #[inline(always)]
    fn skip_digits(&mut self) {
        while let Some(b'0'..=b'9') = self.peek() {
            self.at += 1;
        }
    }

    #[inline(always)]
    fn at_least_one_digit(&mut self) -> Result<usize, Fault> {
        let first = self.at;
        // Fractions are long.
        while word_at(self.bytes, self.at).is_some_and(all_digits) {
            self.at += 8;
        }
        self.skip_digits();
        if self.at == first {
            return Err(Fault::new(FaultKind::Expected("a digit"), self.at));
        }
        Ok(self.at - first)
    }

    /// Reads a word, if one stands here.
    #[inline(always)]
    pub fn literal(&mut self) -> Option<Literal> {
        let rest = self.bytes.get(self.at..)?;
        let (length, literal) = match rest.first()? {
            b'n' if rest.starts_with(b"null") => (4, Literal::Null),
            b't' if rest.starts_with(b"true") => (4, Literal::True),
            b'f' if rest.starts_with(b"false") => (5, Literal::False),
            b'N' if rest.starts_with(b"NaN") => (3, Literal::NaN),
            b'I' if rest.starts_with(b"Infinity") => (8, Literal::Infinity),
            b'-' if rest.starts_with(b"-Infinity") => (9, Literal::NegativeInfinity),
            _ => return None,
        };
        self.at += length;
        Some(literal)
    }
}

/// The length of the escape at a position (both halves of a surrogate pair are one) and what it is. Takes and answers
/// plain values: a lexer whose address is passed around cannot live in registers.
fn escape(bytes: &[u8], at: usize) -> Result<(usize, u8), Fault> {
    let fault = Fault::new(FaultKind::Escape, at);
    match bytes.get(at + 1) {
        Some(b'"' | b'\\' | b'b' | b'f' | b'n' | b'r' | b't') => Ok((2, ESCAPED)),
        Some(b'/') => Ok((2, ESCAPED | NEEDLESS)),
        Some(b'u') => match hex4(bytes, at + 2).ok_or(fault)? {
            0x20..=0x7e => Ok((6, ESCAPED | NEEDLESS)),
            0xd800..=0xdbff if low_surrogate(bytes, at + 6).is_some() => Ok((12, ESCAPED)),
            0xd800..=0xdfff => Ok((6, ESCAPED | LONE)),
            _ => Ok((6, ESCAPED)),
        },
        _ => Err(fault),
    }
}

/// The four hexadecimal digits at a position.
pub(super) fn hex4(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..at + 4)?.iter().try_fold(0, |unit, &digit| Some(unit << 4 | (digit as char).to_digit(16)? as u16))
}

/// The second half of a surrogate pair, if its escape stands at a position.
pub(super) fn low_surrogate(bytes: &[u8], at: usize) -> Option<u16> {
    if bytes.get(at..at + 2)? != b"\\u" {
        return None;
    }
    hex4(bytes, at + 2).filter(|unit| (0xdc00..=0xdfff).contains(unit))
}

/// The first position that holds a quote, a backslash or a control character, or the end of the text.
#[inline(always)]
fn end_of_plain(bytes: &[u8], mut at: usize) -> usize {
    // Most strings end in the first words; longer ones are then skipped by blocks, which the compiler turns into
    // vector instructions that tell whether a byte is special, but not cheaply which.
    for _ in 0..3 {
        match word_at(bytes, at).map(special_bytes) {
            Some(0) => at += 8,
            Some(special) => return at + special.trailing_zeros() as usize / 8,
            None => return end_of_plain_bytewise(bytes, at),
        }
    }
    while let Some(block) = bytes.get(at..).and_then(<[u8]>::first_chunk::<32>) {
        if block.iter().fold(false, |special, &byte| special | is_special(byte)) {
            break;
        }
        at += 32;
    }
    while let Some(word) = word_at(bytes, at) {
        let special = special_bytes(word);
        if special != 0 {
            return at + special.trailing_zeros() as usize / 8;
        }
        at += 8;
    }
    end_of_plain_bytewise(bytes, at)
}

#[inline(always)]
fn end_of_plain_bytewise(bytes: &[u8], mut at: usize) -> usize {
    while bytes.get(at).is_some_and(|&byte| !is_special(byte)) {
        at += 1;
    }
    at
}

#[inline(always)]
fn is_special(byte: u8) -> bool {
    (byte == b'"') | (byte == b'\\') | (byte < 0x20)
}

#[inline(always)]
fn word_at(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

/// Marks the high bit of special bytes. Bytes above a marked one may be marked falsely, by borrowing; the lowest mark
/// is always true.
#[inline(always)]
fn special_bytes(word: u64) -> u64 {
    const ONES: u64 = u64::from_le_bytes([1; 8]);
    let quote = word ^ (ONES * b'"' as u64);
    let backslash = word ^ (ONES * b'\\' as u64);
    let below = quote.wrapping_sub(ONES) | backslash.wrapping_sub(ONES) | word.wrapping_sub(ONES * 0x20);
    below & !word & (ONES << 7)
}

/// Whether all bytes of a word are digits.
#[inline(always)]
fn all_digits(word: u64) -> bool {
    const ONES: u64 = u64::from_le_bytes([1; 8]);
    let digits = word ^ (ONES * b'0' as u64);
    // What is above 9 carries into the high bit.
    (((digits & (ONES * 0x7f)) + ONES * (0x80 - 10)) | digits) & (ONES << 7) == 0
}
