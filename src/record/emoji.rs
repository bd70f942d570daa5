//! What one emoji is. The crate `emojis` knows; build.rs writes down what it knows as plain text, since the crate's own
//! tables have more than the question asks for, and every text in them costs a relocation.

/// Each emoji in its full form, one a line.
const ALL: &str = include_str!(concat!(env!("OUT_DIR"), "/emojis.txt"));

/// Asks for a picture rather than a letter; a text may lack it, or end with one more.
const AS_PICTURE: char = '\u{FE0F}';

/// Whether a text is exactly one emoji.
pub fn is_one_emoji(text: &str) -> bool {
    ALL.lines().any(|emoji| is_the_emoji(text, emoji))
}

fn is_the_emoji(text: &str, emoji: &str) -> bool {
    let mut left = text.chars().peekable();
    for wanted in emoji.chars() {
        if left.next_if_eq(&wanted).is_none() && wanted != AS_PICTURE {
            return false;
        }
    }
    left.next_if_eq(&AS_PICTURE);
    left.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn skin_tones_families_and_flags_are_one_emoji() {
        for one in ["👍", "👍🏽", "👩‍👩‍👧‍👦", "👩🏿‍❤️‍👨🏼", "🇩🇪", "1️⃣"]
        {
            assert!(is_one_emoji(one), "{one}");
        }
    }

    #[test]
    fn the_sign_for_a_picture_may_be_there_or_not() {
        for one in ["❤️", "❤", "⏰", "⏰\u{FE0F}", "👩🏿‍❤‍👨🏼"] {
            assert!(is_one_emoji(one), "{one}");
        }
    }

    #[test]
    fn no_emoji_several_and_parts_are_not_one() {
        for other in ["", "a", "1", "thumbs up", "👍👍", "👍a", "👍\u{200D}", "👍\u{FE0E}", "\u{FE0F}", "\u{200D}", "🇩"]
        {
            assert!(!is_one_emoji(other), "{other:?}");
        }
    }
}
