//! Where the usage of a language model stands in the output of a call (protocol, section 10), found while the text is
//! checked, so that outputs without one cost no search.

use super::lexer::StringToken;

/// Looks at the keys of a text while it is read.
pub(super) trait Watch {
    fn level(&mut self, change: i32);
    fn key(&mut self, text: &[u8], token: StringToken);
}

/// Sees nothing.
pub(super) struct Ignored;

impl Watch for Ignored {
    #[inline(always)]
    fn level(&mut self, _change: i32) {}

    #[inline(always)]
    fn key(&mut self, _text: &[u8], _token: StringToken) {}
}

/// The positions behind the keys, at the top level, of a model and its usage; of equal keys, the last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UsageAt {
    /// Behind `"model"`.
    pub model: usize,
    /// Behind `"usage"`.
    pub usage: usize,
}

/// Looks for both keys.
#[derive(Default)]
pub(super) struct UsageWatch {
    level: u32,
    /// 0 for what was not seen, which is no position behind a key.
    model: u32,
    usage: u32,
}

impl UsageWatch {
    #[inline]
    pub(super) fn found(&self) -> Option<UsageAt> {
        let found = self.model != 0 && self.usage != 0;
        found.then_some(UsageAt { model: self.model as usize, usage: self.usage as usize })
    }
}

impl Watch for UsageWatch {
    #[inline(always)]
    fn level(&mut self, change: i32) {
        self.level = self.level.wrapping_add_signed(change);
    }

    #[inline(always)]
    fn key(&mut self, text: &[u8], token: StringToken) {
        if self.level == 1 && token.end - token.start == 5 {
            match text.get(token.start..token.end) {
                // Beyond 4 GiB nothing is found, and nothing is kept.
                Some(b"model") => self.model = u32::try_from(token.end + 1).unwrap_or_default(),
                Some(b"usage") => self.usage = u32::try_from(token.end + 1).unwrap_or_default(),
                _ => {}
            }
        }
    }
}
