//! Numbers of bytes, as people write and read them.

/// Reads `200kB`, `1.5 MiB`, `1000`.
pub fn parse(text: &str) -> Result<u64, String> {
    let wanted = || format!("{text:?} is no size; give bytes, or such as 200kB, 50MB, 1.5GiB");
    let text = text.trim();
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let factor: f64 = match unit.trim().to_ascii_lowercase().as_str() {
        "" | "b" => 1.0,
        "k" | "kb" => 1e3,
        "m" | "mb" => 1e6,
        "g" | "gb" => 1e9,
        "t" | "tb" => 1e12,
        "kib" => 1024.0,
        "mib" => 1024.0 * 1024.0,
        "gib" => 1024.0 * 1024.0 * 1024.0,
        "tib" => 1024.0 * 1024.0 * 1024.0 * 1024.0,
        _ => return Err(wanted()),
    };
    let bytes = number.parse::<f64>().map_err(|_| wanted())? * factor;
    // Above 2^53 a number of bytes is no size of anything here.
    if !(1.0..=9e15).contains(&bytes) {
        return Err(wanted());
    }
    Ok(bytes as u64)
}

/// `0 B`, `812 B`, `1.5 MB`.
pub fn show(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["kB", "MB", "GB", "TB", "PB"];
    if bytes < 1000 {
        return format!("{bytes} B");
    }
    let mut value = bytes as f64;
    for unit in UNITS {
        value /= 1000.0;
        if value < 9.95 {
            return format!("{value:.1} {unit}");
        }
        if value < 999.5 || unit == "PB" {
            return format!("{value:.0} {unit}");
        }
    }
    format!("{bytes} B")
}

/// A count with its digits in groups: `1 204 332`.
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            grouped.push('\u{202f}');
        }
        grouped.push(digit);
    }
    grouped
}

/// How many of what, the word being as for many, as the results of a sync have it: `1 call`, `12 call updates`.
pub fn counted(number: u64, things: &str) -> String {
    let things = things.replace('_', " ");
    let one = things.strip_suffix('s').filter(|_| number == 1);
    format!("{} {}", count(number), one.unwrap_or(&things))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_as_people_write_them() {
        for (text, bytes) in [("1000", 1000), ("200kB", 200_000), ("1.5 MiB", 1_572_864), ("2g", 2_000_000_000)] {
            assert_eq!(parse(text), Ok(bytes), "{text}");
        }
        for text in ["", "kB", "-1", "1 xB", "0", "1e9999", "9999999 TB"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn sizes_are_shown_in_two_or_three_digits() {
        let shown = [0, 999, 1000, 9_949, 9_950, 999_499, 999_500, 1_500_000, 12_345_678_901].map(show);
        assert_eq!(shown, ["0 B", "999 B", "1.0 kB", "9.9 kB", "10 kB", "999 kB", "1.0 MB", "1.5 MB", "12 GB"]);
    }

    #[test]
    fn one_thing_is_told_in_the_singular() {
        assert_eq!(
            [counted(0, "calls"), counted(1, "calls"), counted(2, "call_updates"), counted(1, "feedback")],
            ["0 calls", "1 call", "2 call updates", "1 feedback"]
        );
    }

    #[test]
    fn counts_are_shown_in_groups_of_three() {
        assert_eq!([7, 1204, 1_204_332].map(count), ["7", "1\u{202f}204", "1\u{202f}204\u{202f}332"]);
    }
}
