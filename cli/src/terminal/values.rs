//! JSON for people: a line for each field, long texts shortened, nothing else changed.

use weave::record::json::{compact, Value};

/// The longest text that is shown whole, in letters.
const LONGEST: usize = 500;

/// The most items of an array, and fields of an object, that are shown.
const MOST: usize = 50;

/// A value, each line indented. What is no JSON is shown as it is.
pub fn pretty(text: &str, full: bool) -> String {
    match Value::parse(text) {
        Ok(value) => {
            let mut shown = String::from("  ");
            write(&mut shown, &value, 1, full);
            shown
        }
        Err(_) => indented(text),
    }
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("  {line}")).collect::<Vec<_>>().join("\n")
}

/// A line of a text, cut when it is long.
pub fn shortened(line: &str) -> String {
    let cut: String = line.chars().take(120).collect();
    if cut.len() < line.len() {
        format!("{cut}…")
    } else {
        cut
    }
}

fn write(shown: &mut String, value: &Value, depth: usize, full: bool) {
    let most = if full { usize::MAX } else { MOST };
    match (value.as_object(), value.as_array(), value.as_str()) {
        (Some(object), ..) => {
            let fields = object.iter().map(|(name, value)| (Some(name.as_str().unwrap_or_default()), value));
            block(shown, ["{", "}"], fields, most, depth, full);
        }
        (_, Some(array), _) => block(shown, ["[", "]"], array.iter().map(|value| (None, value)), most, depth, full),
        (.., Some(text)) => shown.push_str(&quoted(text, full)),
        _ => shown.push_str(&compact(value)),
    }
}

fn block<'v>(
    shown: &mut String,
    [open, close]: [&str; 2],
    items: impl ExactSizeIterator<Item = (Option<&'v str>, &'v Value)>,
    most: usize,
    depth: usize,
    full: bool,
) {
    shown.push_str(open);
    let count = items.len();
    for (place, (name, value)) in items.take(most).enumerate() {
        shown.push_str(if place > 0 { ",\n" } else { "\n" });
        shown.push_str(&"  ".repeat(depth + 1));
        if let Some(name) = name {
            shown.push_str(&format!("{}: ", quoted(name, true)));
        }
        write(shown, value, depth + 1, full);
    }
    if count > most {
        shown.push_str(&format!(",\n{}… {} more", "  ".repeat(depth + 1), count - most));
    }
    if count > 0 {
        shown.push_str(&format!("\n{}", "  ".repeat(depth)));
    }
    shown.push_str(close);
}

fn quoted(text: &str, full: bool) -> String {
    let length = text.chars().count();
    if full || length <= LONGEST {
        return serde_json::json!(text).to_string();
    }
    let cut: String = text.chars().take(LONGEST).collect();
    format!("{} … {} letters more", serde_json::json!(cut), length - LONGEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_field_has_its_line_in_the_order_of_the_text() {
        let shown = pretty(r#"{"b":1.5,"a":[12345678901234567890123,{}],"c":[]}"#, false);
        let lines = [
            "  {",
            "    \"b\": 1.5,",
            "    \"a\": [",
            "      12345678901234567890123,",
            "      {}",
            "    ],",
            "    \"c\": []",
            "  }",
        ];
        assert_eq!(shown, lines.join("\n"));
    }

    #[test]
    fn long_texts_and_lists_are_shortened_unless_all_is_wanted() {
        let text = serde_json::json!(["x".repeat(600), 1]).to_string();
        assert!(pretty(&text, false).contains("\" … 100 letters more"));
        assert!(pretty(&text, true).contains(&"x".repeat(600)));
        let list = serde_json::json!((0..60).collect::<Vec<_>>()).to_string();
        assert!(pretty(&list, false).contains("… 10 more"));
    }
}
