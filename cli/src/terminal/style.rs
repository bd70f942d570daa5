//! The few colours, each for one meaning.

use anstyle::{AnsiColor, Style};
use std::fmt::{self, Display};

/// A meaning.
#[derive(Debug, Clone, Copy)]
pub struct Meaning(Style);

/// What is all right.
pub const GOOD: Meaning = Meaning(AnsiColor::Green.on_default());
/// What failed.
pub const BAD: Meaning = Meaning(AnsiColor::Red.on_default().bold());
/// What wants a look.
pub const WARNING: Meaning = Meaning(AnsiColor::Yellow.on_default());
/// Names.
pub const NAME: Meaning = Meaning(Style::new().bold());
/// What is beside the point.
pub const FAINT: Meaning = Meaning(Style::new().dimmed());
/// As it is.
pub const PLAIN: Meaning = Meaning(Style::new());

impl Meaning {
    /// A text in this colour. Its width does not count the colour.
    pub fn paint<T: Display>(self, text: T) -> Painted<T> {
        Painted { style: self.0, text }
    }
}

/// A text with a colour.
pub struct Painted<T> {
    style: Style,
    text: T,
}

impl<T: Display> Display for Painted<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = harmless(&self.text.to_string());
        if self.style == Style::new() {
            return f.write_str(&text);
        }
        write!(f, "{}{text}{:#}", self.style, self.style)
    }
}

/// The same in one line: names may have several.
pub fn one_line(text: &str) -> String {
    harmless(text).replace(['\n', '\t'], " ")
}

/// A text whose letters do not command the terminal, whoever logged it: those that would stand as escapes.
pub fn harmless(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '\t' | '\n' => shown.push(letter),
            // Those that turn the direction of writing could show a text as another one.
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => shown.extend(letter.escape_unicode()),
            _ if letter.is_control() => shown.extend(letter.escape_default()),
            _ => shown.push(letter),
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_was_logged_commands_the_terminal() {
        assert_eq!(harmless("\u{1b}[2Ja\r\u{9b}b\u{202e}c"), "\\u{1b}[2Ja\\r\\u{9b}b\\u{202e}c");
        assert_eq!(one_line("a\nb\tc\u{1b}"), "a b c\\u{1b}");
        assert_eq!(NAME.paint("\u{1b}[31m").to_string().matches('\u{1b}').count(), 2, "the colour's own");
    }
}
