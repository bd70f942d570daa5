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
        if self.style == Style::new() {
            return self.text.fmt(f);
        }
        write!(f, "{}", self.style)?;
        self.text.fmt(f)?;
        write!(f, "{:#}", self.style)
    }
}
