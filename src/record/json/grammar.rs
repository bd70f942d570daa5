//! The grammar over the tokens, told as events: to the checker, which only looks, and to the tree builder.

use super::fault::{Fault, FaultKind};
use super::lexer::{Lexer, Literal, NumberToken, StringToken};

/// The deepest nesting that is ever read; trees are dropped recursively, on stacks that belong to the host.
pub(crate) const MAX_DEPTH: usize = 1000;

/// What reading a text tells.
pub(super) trait Events {
    fn open(&mut self, object: bool);
    fn close(&mut self);
    fn key(&mut self, token: StringToken);
    fn string(&mut self, token: StringToken);
    fn number(&mut self, token: NumberToken);
    fn literal(&mut self, literal: Literal);
}

/// What is known of a text that was read.
pub(super) struct Seen {
    /// There are line breaks between its tokens.
    pub line_break: bool,
    /// It may hold what is not ASCII, and it is for the caller to see that it is UTF-8. Tokens begin and end at
    /// characters then.
    pub not_ascii: bool,
}

/// Reads one JSON value that fills the text, nested at most `limit` levels (at most [`MAX_DEPTH`]).
#[inline(always)]
pub(super) fn read<E: Events>(text: &[u8], limit: usize, events: &mut E) -> Result<Seen, Fault> {
    let mut lexer = Lexer::new(text);
    let mut levels = Levels::new(limit);
    'value: loop {
        lexer.skip_space();
        match lexer.peek() {
            Some(b'"') => {
                lexer.at += 1;
                events.string(lexer.string()?);
            }
            Some(b'{') => {
                levels.push(true, lexer.at)?;
                lexer.at += 1;
                events.open(true);
                lexer.skip_space();
                if !lexer.eat(b'}') {
                    key(&mut lexer, events)?;
                    continue 'value;
                }
                levels.pop();
                events.close();
            }
            Some(b'[') => {
                levels.push(false, lexer.at)?;
                lexer.at += 1;
                events.open(false);
                lexer.skip_space();
                if !lexer.eat(b']') {
                    continue 'value;
                }
                levels.pop();
                events.close();
            }
            Some(b'0'..=b'9') => events.number(lexer.number()?),
            _ => match lexer.literal() {
                Some(literal) => events.literal(literal),
                None if lexer.peek() == Some(b'-') => events.number(lexer.number()?),
                None => return Err(Fault::new(FaultKind::Expected("a value"), lexer.at)),
            },
        }
        loop {
            lexer.skip_space();
            match (lexer.peek(), levels.in_object()) {
                (Some(b','), Some(object)) => {
                    lexer.at += 1;
                    if object {
                        lexer.skip_space();
                        key(&mut lexer, events)?;
                    }
                    continue 'value;
                }
                (Some(b'}'), Some(true)) | (Some(b']'), Some(false)) => {
                    lexer.at += 1;
                    levels.pop();
                    events.close();
                }
                (None, None) => return Ok(Seen { line_break: lexer.line_break, not_ascii: lexer.not_ascii }),
                (_, None) => return Err(Fault::new(FaultKind::Expected("the end of the text"), lexer.at)),
                (_, Some(true)) => return Err(Fault::new(FaultKind::Expected("',' or '}'"), lexer.at)),
                (_, Some(false)) => return Err(Fault::new(FaultKind::Expected("',' or ']'"), lexer.at)),
            }
        }
    }
}

/// Reads a member's name and its colon.
#[inline(always)]
fn key<E: Events>(lexer: &mut Lexer<'_>, events: &mut E) -> Result<(), Fault> {
    if !lexer.eat(b'"') {
        return Err(Fault::new(FaultKind::Expected("a name in double quotes"), lexer.at));
    }
    events.key(lexer.string()?);
    lexer.skip_space();
    if !lexer.eat(b':') {
        return Err(Fault::new(FaultKind::Expected("':'"), lexer.at));
    }
    Ok(())
}

/// The open arrays and objects: one bit a level, the innermost apart.
struct Levels {
    objects: [u64; MAX_DEPTH / 64 + 1],
    depth: usize,
    limit: usize,
    innermost: Option<bool>,
}

impl Levels {
    #[inline(always)]
    fn new(limit: usize) -> Self {
        Levels { objects: [0; MAX_DEPTH / 64 + 1], depth: 0, limit: limit.min(MAX_DEPTH), innermost: None }
    }

    #[inline(always)]
    fn push(&mut self, object: bool, at: usize) -> Result<(), Fault> {
        if self.depth >= self.limit {
            return Err(Fault::new(FaultKind::Depth(self.limit), at));
        }
        if let Some(word) = self.objects.get_mut(self.depth / 64) {
            let bit = self.depth % 64;
            *word = *word & !(1 << bit) | u64::from(object) << bit;
        }
        self.depth += 1;
        self.innermost = Some(object);
        Ok(())
    }

    #[inline(always)]
    fn pop(&mut self) {
        self.depth = self.depth.saturating_sub(1);
        self.innermost = self.depth.checked_sub(1).and_then(|level| {
            let word = self.objects.get(level / 64)?;
            Some(word >> (level % 64) & 1 == 1)
        });
    }

    /// Whether the innermost level is an object; none at the top.
    #[inline(always)]
    fn in_object(&self) -> Option<bool> {
        self.innermost
    }
}
