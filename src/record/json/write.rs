//! JSON texts of values: as Python writes them, on which digests rest (protocol, section 11), and as they are stored.

use std::fmt::Write;

use super::text::Text;
use super::value::Value;

/// The text of which digests are made: Python's `json.dumps(value, sort_keys=True)`.
pub fn canonical(value: &Value) -> String {
    write(value, Style { sorted: true, python: true })
}

/// Python's `json.dumps(value)`: the same in the order of insertion.
pub fn python_dumps(value: &Value) -> String {
    write(value, Style { sorted: false, python: true })
}

/// The text that is stored: one line, characters as they are, no spaces. Infinities and NaN, which JSON cannot hold,
/// are written as null.
pub fn compact(value: &Value) -> String {
    write(value, Style { sorted: false, python: false })
}

#[derive(Clone, Copy)]
struct Style {
    sorted: bool,
    /// ASCII only, a space after the separators, and Python's names for what is no number.
    python: bool,
}

enum Open<'v> {
    Array(std::slice::Iter<'v, Value>),
    Object(std::vec::IntoIter<&'v (Text, Value)>),
}

fn write(value: &Value, style: Style) -> String {
    let (comma, colon) = if style.python { (", ", ": ") } else { (",", ":") };
    let mut out = String::new();
    let mut open: Vec<Open<'_>> = Vec::new();
    let mut next = Some(value);
    loop {
        let mut begun = false;
        match next.take() {
            Some(Value::Null) => out.push_str("null"),
            Some(Value::Bool(true)) => out.push_str("true"),
            Some(Value::Bool(false)) => out.push_str("false"),
            Some(Value::Int(int)) => out.push_str(int.digits()),
            Some(Value::Float(number)) => write_float(&mut out, *number, style.python),
            Some(Value::Str(text)) => write_string(&mut out, text, style.python),
            Some(Value::Array(items)) => {
                out.push('[');
                open.push(Open::Array(items.iter()));
                begun = true;
            }
            Some(Value::Object(object)) => {
                out.push('{');
                let mut members: Vec<_> = object.iter().collect();
                if style.sorted {
                    members.sort_by(|(a, _), (b, _)| a.cmp(b));
                }
                open.push(Open::Object(members.into_iter()));
                begun = true;
            }
            None => {}
        }
        while next.is_none() {
            match open.last_mut() {
                Some(Open::Array(items)) => match items.next() {
                    Some(item) => {
                        out.push_str(if begun { "" } else { comma });
                        next = Some(item);
                    }
                    None => out.push(']'),
                },
                Some(Open::Object(members)) => match members.next() {
                    Some((key, member)) => {
                        out.push_str(if begun { "" } else { comma });
                        write_string(&mut out, key, style.python);
                        out.push_str(colon);
                        next = Some(member);
                    }
                    None => out.push('}'),
                },
                None => return out,
            }
            begun = false;
            if next.is_none() {
                open.pop();
            }
        }
    }
}

fn write_string(out: &mut String, text: &Text, ascii: bool) {
    out.push('"');
    match text.as_str() {
        Some(text) => {
            let clean = |byte: &u8| *byte >= 0x20 && *byte != b'"' && *byte != b'\\' && !(ascii && *byte >= 0x7f);
            let mut rest = text;
            while !rest.is_empty() {
                let plain = rest.bytes().position(|byte| !clean(&byte)).unwrap_or(rest.len());
                out.push_str(rest.get(..plain).unwrap_or_default());
                let mut after = rest.get(plain..).unwrap_or_default().chars();
                if let Some(character) = after.next() {
                    write_code_point(out, character as u32, ascii);
                }
                rest = after.as_str();
            }
        }
        None => text.code_points().for_each(|point| write_code_point(out, point, ascii)),
    }
    out.push('"');
}

fn write_code_point(out: &mut String, point: u32, ascii: bool) {
    match point {
        0x22 => out.push_str("\\\""),
        0x5c => out.push_str("\\\\"),
        0x08 => out.push_str("\\b"),
        0x0c => out.push_str("\\f"),
        0x0a => out.push_str("\\n"),
        0x0d => out.push_str("\\r"),
        0x09 => out.push_str("\\t"),
        _ => match char::from_u32(point) {
            Some(character) if (' '..='~').contains(&character) || !ascii && character >= ' ' => out.push(character),
            Some(character) => character.encode_utf16(&mut [0; 2]).iter().for_each(|&unit| write_unit(out, unit)),
            None => write_unit(out, point as u16),
        },
    }
}

fn write_unit(out: &mut String, unit: u16) {
    out.push_str("\\u");
    for shift in [12, 8, 4, 0] {
        out.extend(char::from_digit(u32::from(unit >> shift & 0xf), 16));
    }
}

/// A float as Python's `repr` writes it.
fn write_float(out: &mut String, number: f64, python: bool) {
    if !number.is_finite() {
        out.push_str(match (python, number.is_nan(), number > 0.0) {
            (false, ..) => "null",
            (true, true, _) => "NaN",
            (true, false, true) => "Infinity",
            (true, false, false) => "-Infinity",
        });
        return;
    }
    // The fewest digits that read back the same, as d.ddde±x.
    let shortest = format!("{number:e}");
    let (mantissa, exponent) = shortest.split_once('e').unwrap_or((&shortest, "0"));
    let exponent: i32 = exponent.parse().unwrap_or_default();
    let (sign, mantissa) = mantissa.strip_prefix('-').map_or(("", mantissa), |rest| ("-", rest));
    out.push_str(sign);
    if !(-4..16).contains(&exponent) {
        let (sign, size) = if exponent < 0 { ('-', -exponent) } else { ('+', exponent) };
        // A String takes every write.
        let _ = write!(out, "{mantissa}e{sign}{size:02}");
        return;
    }
    let mut digits = mantissa.chars().filter(|&character| character != '.');
    if exponent < 0 {
        out.push_str("0.");
        (1..-exponent).for_each(|_| out.push('0'));
        out.extend(digits);
        return;
    }
    (0..=exponent).for_each(|_| out.push(digits.next().unwrap_or('0')));
    out.push('.');
    out.push(digits.next().unwrap_or('0'));
    out.extend(digits);
}
