//! The tokens of JSON as Python's `json.loads` reads them: RFC 8259, and beside it `NaN`, `Infinity`, `-Infinity` and
//! lone surrogate escapes (protocol, section 5).
//!
//! Owns the position in the text and nothing else: it allocates nothing and decodes nothing, so that checking a text
//! and building its tree share one reading of the grammar. This is the hot path of every logging call.

use wide::u8x16;

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

/// A position in a JSON text, given as bytes.
pub(super) struct Lexer<'t> {
    bytes: &'t [u8],
    pub at: usize,
    /// A line break was skipped between tokens.
    pub line_break: bool,
    /// Where the special bytes stand in the 64 bytes from `window_start`.
    window: Window,
    window_start: usize,
    /// The windows that were looked at hold a byte that is not ASCII.
    pub not_ascii: bool,
}

impl<'t> Lexer<'t> {
    #[inline(always)]
    pub fn new(bytes: &'t [u8]) -> Self {
        let window = Window::at(bytes, 0);
        Lexer { bytes, at: 0, line_break: false, window_start: 0, not_ascii: window.not_ascii, window }
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
        while let Some(byte @ ..=b' ') = self.peek() {
            match byte {
                b' ' | b'\t' => {}
                b'\n' | b'\r' => self.line_break = true,
                _ => return,
            }
            self.at += 1;
        }
    }

    /// Moves to the first quote, backslash or control character from here on, or to the end of the text.
    #[inline(always)]
    fn skip_plain(&mut self) {
        loop {
            let passed = self.at - self.window_start;
            if passed < WINDOW {
                let special = self.window.special >> passed;
                if special != 0 {
                    self.at += special.trailing_zeros() as usize;
                    return;
                }
                self.at = self.window_start + WINDOW;
            }
            if self.at >= self.bytes.len() {
                self.at = self.bytes.len();
                return;
            }
            // The next window but for long values without strings: where it lies is known before the string's start is.
            self.window_start += WINDOW;
            if self.at - self.window_start >= WINDOW {
                self.window_start = self.at;
            }
            self.window = Window::at(self.bytes, self.window_start);
            self.not_ascii |= self.window.not_ascii;
        }
    }

    /// Reads a string whose opening quote has just been passed.
    #[inline(always)]
    pub fn string(&mut self) -> Result<StringToken, Fault> {
        let start = self.at;
        let mut marks = 0;
        loop {
            self.skip_plain();
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

/// How many bytes are looked at together.
const WINDOW: usize = 64;
/// What the smallest vectors of processors hold.
const BLOCK: usize = 16;

/// What is known of 64 bytes. Strings end at special bytes; that their places come from one word, and not from a search
/// that begins where the string does, lets the processor work on several strings at once.
struct Window {
    /// A bit for each quote, backslash and control character; beyond the text there are none.
    special: u64,
    not_ascii: bool,
}

impl Window {
    #[inline(always)]
    fn at(bytes: &[u8], start: usize) -> Window {
        if let Some(window) = bytes.get(start..).and_then(<[u8]>::first_chunk) {
            return Window::of(window);
        }
        Window::last(bytes, start)
    }

    /// The window at the end of a text, which is shorter.
    #[inline(always)]
    fn last(bytes: &[u8], start: usize) -> Window {
        match bytes.last_chunk() {
            // Read as the end of a whole one.
            Some(window) => {
                let Window { special, not_ascii } = Window::of(window);
                let passed = (start + WINDOW).saturating_sub(bytes.len());
                Window { special: special.checked_shr(passed as u32).unwrap_or_default(), not_ascii }
            }
            None => {
                let mut window = [b' '; WINDOW];
                for (to, from) in window.iter_mut().zip(bytes.iter().skip(start)) {
                    *to = *from;
                }
                Window::of(&window)
            }
        }
    }

    #[inline(always)]
    fn of(window: &[u8; WINDOW]) -> Window {
        let (blocks, _) = window.as_chunks::<BLOCK>();
        let (mut special, mut all) = (0, u8x16::splat(0));
        for (index, block) in blocks.iter().enumerate() {
            let block = u8x16::new(*block);
            let quote = block.simd_eq(u8x16::splat(b'"'));
            let backslash = block.simd_eq(u8x16::splat(b'\\'));
            let control = block.min(u8x16::splat(0x1f)).simd_eq(block);
            special |= u64::from((quote | backslash | control).to_bitmask()) << (index * BLOCK);
            all |= block;
        }
        Window { special, not_ascii: all.to_bitmask() != 0 }
    }
}

#[inline(always)]
fn word_at(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

/// Whether all bytes of a word are digits.
#[inline(always)]
fn all_digits(word: u64) -> bool {
    const ONES: u64 = u64::from_le_bytes([1; 8]);
    let digits = word ^ (ONES * b'0' as u64);
    // What is above 9 carries into the high bit.
    (((digits & (ONES * 0x7f)) + ONES * (0x80 - 10)) | digits) & (ONES << 7) == 0
}
