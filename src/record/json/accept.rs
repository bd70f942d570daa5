//! The check of every JSON text that a caller hands in. One pass finds whether it is clean; a tree is made only of
//! what is not.

use std::borrow::Cow;

use crate::error::{Error, Result, Status};
use crate::record::refs::{is_ref, PREFIXES};

use super::grammar::{self, Events, Seen};
use super::lexer::{Literal, NumberKind, NumberToken, StringToken, ESCAPED, LONE, NEEDLESS};
use super::redact::{Redact, REDACTED};
use super::repair::repair;
use super::text::Text;
pub use super::usage_watch::UsageAt;
use super::usage_watch::{Ignored, UsageWatch, Watch};
use super::value::Value;
use super::write::compact;

/// The deepest nesting that is accepted: the hosted service refuses more than 200 levels of a whole request
/// (protocol, section 5).
pub const MAX_LEVELS: usize = 150;

/// What is asked of a text beside being JSON.
#[derive(Debug, Clone, Copy, Default)]
pub struct Rules<'r> {
    /// It must be an object.
    pub object: bool,
    /// Its keys are sorted, so that old and current servers agree on its digest (protocol, section 1).
    pub sorted: bool,
    /// The values of these keys are replaced, at any depth.
    pub redact: Option<&'r Redact>,
}

/// Checks a text, and answers what is to be stored: the text itself if it is clean, else a repaired one.
///
/// NaN and infinities become null, lone surrogates U+FFFD, and strings that begin like a reference and are none get a
/// leading space, also inside JSON text in strings. What is stored is one line without needless escapes, so that
/// references stand in it as they are. Refused is what servers refuse: nesting over [`MAX_LEVELS`], integers over 4300
/// digits.
pub fn accept<'t>(text: &'t [u8], field: &str, rules: &Rules<'_>) -> Result<Cow<'t, str>> {
    match accept_bytes(text, field, rules)? {
        Cow::Borrowed(text) => utf8(text, field).map(Cow::Borrowed),
        Cow::Owned(text) => Ok(Cow::Owned(String::from_utf8(text).unwrap_or_default())),
    }
}

/// The same for those who only copy the answer on: its bytes are UTF-8, which need not be shown once more.
#[inline(always)]
pub fn accept_bytes<'t>(text: &'t [u8], field: &str, rules: &Rules<'_>) -> Result<Cow<'t, [u8]>> {
    match is_clean(text, rules) {
        true => Ok(Cow::Borrowed(text)),
        false => repaired(text, field, rules),
    }
}

/// The same for the output of a call, and where in what is to be stored its usage stands.
#[inline(always)]
pub fn accept_output(text: &[u8]) -> Result<(Cow<'_, [u8]>, Option<UsageAt>)> {
    match clean_output(text) {
        Some(usage) => Ok((Cow::Borrowed(text), usage.found())),
        None => {
            let stored = repaired(text, "output", &Rules::default())?;
            let usage = find_usage(&stored);
            Ok((stored, usage))
        }
    }
}

/// Where in a clean text its usage stands.
pub fn find_usage(text: &[u8]) -> Option<UsageAt> {
    let mut checker = Checker::new(text, None, UsageWatch::default());
    grammar::read(text, MAX_LEVELS, &mut checker).ok()?;
    checker.watch.found()
}

// Both answer what fits into registers: what a function hands over in memory costs the next one a wait.

fn is_clean(text: &[u8], rules: &Rules<'_>) -> bool {
    let mut checker = Checker::new(text, rules.redact, Ignored);
    let Ok(seen) = grammar::read(text, MAX_LEVELS, &mut checker) else { return false };
    !rules.sorted && checker.is_clean(&seen) && (!rules.object || is_object(text))
}

fn clean_output(text: &[u8]) -> Option<UsageWatch> {
    let mut checker = Checker::new(text, None, UsageWatch::default());
    let seen = grammar::read(text, MAX_LEVELS, &mut checker).ok()?;
    checker.is_clean(&seen).then_some(checker.watch)
}

#[inline(always)]
fn is_object(text: &[u8]) -> bool {
    text.iter().find(|&&byte| byte > b' ') == Some(&b'{')
}

/// What is to be stored of a text that is not clean, or need not be.
#[cold]
fn repaired<'t>(text: &'t [u8], field: &str, rules: &Rules<'_>) -> Result<Cow<'t, [u8]>> {
    let valid = utf8(text, field)?;
    let mut checker = Checker::new(text, rules.redact, Ignored);
    let seen = grammar::read(text, MAX_LEVELS, &mut checker).map_err(|fault| fault.in_field(field))?;
    if rules.object && !is_object(text) {
        return Err(Error::new(
            Status::InvalidJson,
            format!("{field}: not a JSON object; wrap the value as {{\"name\": value}}"),
        ));
    }
    let rewrite = rules.sorted || checker.must_rewrite(&seen);
    let mut value = Value::parse(valid).map_err(|fault| fault.in_field(field))?;
    let repaired = repair(&mut value, rules.redact).map_err(|error| error.context(field))?;
    if !rewrite && !repaired {
        return Ok(Cow::Borrowed(text));
    }
    if rules.sorted {
        value.sort_keys();
    }
    let stored = compact(&value).into_bytes();
    Ok(if stored == text { Cow::Borrowed(text) } else { Cow::Owned(stored) })
}

fn utf8<'t>(text: &'t [u8], field: &str) -> Result<&'t str> {
    std::str::from_utf8(text).map_err(|error| {
        let at = error.valid_up_to();
        Error::new(Status::InvalidUtf8, format!("{field}: not UTF-8 at byte {at}; encode the text as UTF-8"))
    })
}

/// Finds what needs a repair.
struct Checker<'t, 'r, W> {
    text: &'t [u8],
    redact: Option<&'r Redact>,
    /// The next value belongs to a key that is redacted.
    secret_next: bool,
    /// What was seen in any of the strings.
    marks: u8,
    /// The text must be written anew.
    rewrite: bool,
    /// A string must be looked into.
    look: bool,
    watch: W,
}

impl<'t, 'r, W> Checker<'t, 'r, W> {
    fn new(text: &'t [u8], redact: Option<&'r Redact>, watch: W) -> Self {
        Checker { text, redact, secret_next: false, marks: 0, rewrite: false, look: false, watch }
    }

    #[inline(always)]
    fn must_rewrite(&self, seen: &Seen) -> bool {
        self.rewrite || self.marks & (NEEDLESS | LONE) != 0 || seen.line_break
    }

    /// Whether the text may be stored as it is.
    #[inline(always)]
    fn is_clean(&self, seen: &Seen) -> bool {
        // Outside of strings there is nothing but ASCII in JSON.
        let is_utf8 = !seen.not_ascii || std::str::from_utf8(self.text).is_ok();
        is_utf8 && !self.must_rewrite(seen) && !self.look
    }

    #[inline(always)]
    fn slice(&self, token: StringToken) -> &[u8] {
        self.text.get(token.start..token.end).unwrap_or_default()
    }

    #[inline(always)]
    fn value(&mut self) {
        if self.secret_next {
            self.secret_next = false;
            self.rewrite = true;
        }
    }
}

/// Whether a key is to be redacted, whatever escapes it is written with.
#[inline(always)]
fn is_secret(redact: &Redact, raw: &[u8], marks: u8) -> bool {
    if marks & ESCAPED == 0 {
        return redact.has(raw);
    }
    redact.has(Text::decode(&String::from_utf8_lossy(raw), marks).as_bytes())
}

/// Whether a string may need the repair of references. It may be judged by what stands between its quotes: texts with
/// escaped slashes, colons or letters are written anew anyway.
#[inline(always)]
fn may_need_look(raw: &[u8]) -> bool {
    match raw.first() {
        Some(b'w') => raw.starts_with(b"weave") && needs_look(raw),
        // JSON text that holds a string begins with a bracket or with the quote, after white space.
        Some(b'{' | b'[' | b'\\' | b' ') => needs_look(raw),
        _ => false,
    }
}

#[cold]
fn needs_look(raw: &[u8]) -> bool {
    // What is not UTF-8 is refused.
    let Ok(raw) = std::str::from_utf8(raw) else { return false };
    if PREFIXES.iter().any(|prefix| raw.starts_with(prefix)) {
        return !is_ref(raw);
    }
    let mut start = raw;
    while let Some(rest) = [" ", "\\n", "\\r", "\\t"].iter().find_map(|space| start.strip_prefix(space)) {
        start = rest;
    }
    start.starts_with(['{', '[', '\\']) && raw.contains(":///") && PREFIXES.iter().any(|prefix| raw.contains(prefix))
}

impl<W: Watch> Events for Checker<'_, '_, W> {
    #[inline(always)]
    fn open(&mut self, _object: bool) {
        self.value();
        self.watch.level(1);
    }

    #[inline(always)]
    fn close(&mut self) {
        self.watch.level(-1);
    }

    #[inline(always)]
    fn key(&mut self, token: StringToken) {
        self.marks |= token.marks;
        self.watch.key(self.text, token);
        if let Some(redact) = self.redact {
            self.secret_next = is_secret(redact, self.slice(token), token.marks);
        }
    }

    #[inline(always)]
    fn string(&mut self, token: StringToken) {
        self.marks |= token.marks;
        if self.secret_next && self.slice(token) == REDACTED.as_bytes() {
            self.secret_next = false;
        }
        self.value();
        if !self.look {
            self.look = may_need_look(self.slice(token));
        }
    }

    #[inline(always)]
    fn number(&mut self, token: NumberToken) {
        self.value();
        if token.kind == NumberKind::LargeFloat {
            let finite = self
                .text
                .get(token.start..token.end)
                .and_then(|number| std::str::from_utf8(number).ok()?.parse::<f64>().ok());
            self.rewrite |= !finite.is_some_and(f64::is_finite);
        }
    }

    #[inline(always)]
    fn literal(&mut self, literal: Literal) {
        self.value();
        self.rewrite |= matches!(literal, Literal::NaN | Literal::Infinity | Literal::NegativeInfinity);
    }
}
