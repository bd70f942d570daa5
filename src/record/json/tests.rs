//! What is accepted, refused and repaired, and how values read and write.

use std::borrow::Cow;

use proptest::prelude::*;

use super::*;
use crate::error::{Error, Status};

const OBJECT: Rules<'_> = Rules { object: true, sorted: false, redact: None };

fn stored(text: &str) -> String {
    accept(text.as_bytes(), "inputs", &Rules::default()).unwrap().into_owned()
}

fn refusal(text: &[u8], rules: &Rules<'_>) -> Error {
    accept(text, "inputs", rules).unwrap_err()
}

#[track_caller]
fn assert_untouched(text: &str) {
    let redact = Redact::default();
    let rules = Rules { redact: Some(&redact), ..Rules::default() };
    assert!(matches!(accept(text.as_bytes(), "inputs", &rules), Ok(Cow::Borrowed(found)) if found == text), "{text}");
}

#[test]
fn clean_texts_are_stored_as_they_are() {
    for text in [
        r#"{"a": [1, -2.50, 1e5, true, false, null], "é\n\"\\": "日本\u0000\u00e9\ud83d\ude00"}"#,
        r#"  "\ttext"  "#,
        r#""\ud800\udc00\udbff\udfff""#,
        "[]",
        "0",
        r#"{"a":1,"a":2}"#,
        r#"{"weave:///x":1}"#,
        r#"["weave:///e/p/object/name:digest/attr/rows/id/d", "weave:///e/p/call/0195", "file:///etc/hosts"]"#,
        r#""see weave:///e/p and weave:///x""#,
        r#""{\"a\": \"weave:///e/p/op/f:d\"}""#,
        r#""{not json weave:///x""#,
        r#"{"api_key": "REDACTED"}"#,
    ] {
        assert_untouched(text);
    }
}

#[test]
fn texts_that_are_not_json_are_refused_with_field_and_byte() {
    for (text, at) in [
        ("", 0),
        ("  ", 2),
        ("[1,]", 3),
        ("{\"a\":1,}", 7),
        ("{a:1}", 1),
        ("{\"a\" 1}", 5),
        ("[1 2]", 3),
        ("[1}", 2),
        ("01", 1),
        ("1.", 2),
        ("1e", 2),
        (".5", 0),
        ("-", 1),
        ("+1", 0),
        ("nul", 0),
        ("-NaN", 1),
        ("'a'", 0),
        ("\"a", 0),
        ("\"a\\x\"", 2),
        ("\"\\u12g4\"", 1),
        ("\"\\", 1),
        ("\"a\nb\"", 2),
        ("1 1", 2),
        ("[", 1),
        ("{\"a\":", 5),
        ("\u{feff}1", 0),
        ("\u{a0}1", 0),
    ] {
        let error = refusal(text.as_bytes(), &Rules::default());
        assert_eq!(error.status(), Status::InvalidJson, "{text:?}");
        assert!(error.text().starts_with("inputs: not JSON"), "{error}");
        assert!(error.text().contains(&format!("at byte {at};")), "{text:?}: {error}");
    }
}

#[test]
fn strings_are_read_the_same_wherever_in_them_a_byte_stands() {
    for length in 0..100 {
        for at in 0..length {
            let with = |part: &str| format!("[\"{}{part}{}\"]", "é".repeat(at), "x".repeat(length - at));
            assert_untouched(&with("\\n"));
            let error = refusal(with("\u{1f}").as_bytes(), &Rules::default());
            assert!(
                error.text().contains(&format!("control character in a string at byte {};", 2 + 2 * at)),
                "{error}"
            );
            let error = refusal(with("\"").as_bytes(), &Rules::default());
            assert!(error.text().contains(&format!("missing at byte {};", 3 + 2 * at)), "{error}");
        }
    }
}

#[test]
fn fractions_are_read_the_same_wherever_in_them_a_byte_stands() {
    for length in 1..40 {
        for at in 1..length {
            for byte in [b'/', b':', b'.', b'x', 0xc3] {
                let mut number = format!("[0.{}]", "9".repeat(length)).into_bytes();
                assert!(accept(&number, "inputs", &Rules::default()).is_ok());
                number[3 + at] = byte;
                assert!(accept(&number, "inputs", &Rules::default()).is_err(), "{number:?}");
            }
        }
    }
}

#[test]
fn text_that_is_not_utf8_is_refused() {
    let error = refusal(b"\"ab\xff\"", &Rules::default());
    assert_eq!(
        (error.status(), error.text()),
        (Status::InvalidUtf8, "inputs: not UTF-8 at byte 3; encode the text as UTF-8")
    );
}

#[test]
fn what_is_no_object_is_refused_where_one_is_needed() {
    for text in ["[]", "null", "\"{}\"", "{} {}"] {
        assert_eq!(refusal(text.as_bytes(), &OBJECT).status(), Status::InvalidJson, "{text}");
    }
    assert!(accept(b" \n{}", "inputs", &OBJECT).is_ok());
}

#[test]
fn nesting_is_accepted_up_to_150_levels() {
    let nested = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
    assert_untouched(&nested(150));
    assert_eq!(refusal(nested(151).as_bytes(), &Rules::default()).status(), Status::Rejected);
    assert_eq!(refusal("[".repeat(1_000_000).as_bytes(), &Rules::default()).status(), Status::Rejected);
}

#[test]
fn arrays_and_objects_close_in_the_order_in_which_they_were_opened() {
    let object = |level: usize| level * level % 7 < 3;
    let opened: String = (0..150).map(|level| if object(level) { "{\"a\":" } else { "[" }).collect();
    let closed: Vec<_> = (0..150).rev().map(|level| if object(level) { "}" } else { "]" }).collect();
    assert_untouched(&format!("{opened}1{}", closed.concat()));
    for wrong in 0..150 {
        let mut closed = closed.clone();
        closed[wrong] = if closed[wrong] == "}" { "]" } else { "}" };
        let error = refusal(format!("{opened}1{}", closed.concat()).as_bytes(), &Rules::default());
        assert!(error.text().contains(&format!("at byte {};", opened.len() + 1 + wrong)), "{error}");
    }
}

#[test]
fn nesting_inside_text_with_references_counts_as_well() {
    let text = |levels: usize| format!("[\"{}\\\"weave:///e/p/op/f:d\\\"{}\"]", "[".repeat(levels), "]".repeat(levels));
    assert_untouched(&text(149));
    assert_eq!(refusal(text(150).as_bytes(), &Rules::default()).status(), Status::Rejected);
}

#[test]
fn integers_are_accepted_up_to_4300_digits() {
    assert_untouched(&"9".repeat(4300));
    assert_untouched(&format!("-{}", "9".repeat(4300)));
    assert_eq!(refusal("9".repeat(4301).as_bytes(), &Rules::default()).status(), Status::Rejected);
}

#[test]
fn numbers_that_are_not_finite_become_null() {
    assert_eq!(stored("[NaN, Infinity, -Infinity, 1e400, -1e400]"), "[null,null,null,null,null]");
    assert_eq!(stored(&format!("[{}.5]", "9".repeat(400))), "[null]");
    assert_untouched("[1e308, 1e-400, 0e999]");
}

#[test]
fn lone_surrogates_become_replacement_characters() {
    assert_eq!(
        stored(r#"["a\ud83d", "\ude00\ud83d", "\ud83d\ude00\ud83d", "\ud83dx"]"#),
        "[\"a�\",\"��\",\"😀�\",\"�x\"]"
    );
    assert_eq!(stored(r#"{"\ud800":1,"\udfff":2,"a":3}"#), "{\"�\":2,\"a\":3}");
}

#[test]
fn what_is_stored_is_one_line_without_needless_escapes() {
    assert_eq!(stored("{\n  \"a\": 1.50\r\n}"), r#"{"a":1.5}"#);
    assert_eq!(
        stored(r#"["a\/b", "\u0041\u0022\u005c", "\u007f\u0000\n"]"#),
        "[\"a/b\",\"A\\\"\\\\\",\"\u{7f}\\u0000\\n\"]"
    );
    assert_eq!(stored(r#""weave:\/\/\/e\/p\/op\/f:d""#), r#""weave:///e/p/op/f:d""#);
}

#[test]
fn strings_that_only_begin_like_references_get_a_space() {
    for text in [
        "weave:///",
        "weave:///x",
        "weave:///e/p",
        "weave:///e/p/object",
        "weave:///e/p/object/",
        "weave:///e/p/object/:d",
        "weave:///e/p/object/a:",
        "weave:///e/p/unknown/x",
        "weave:////p/object/a:b",
        "weave:///e//object/a:b",
        "weave:///e/p/call/",
        "weave-trace-internal:///x/object/a:b",
        "weave-private:///x",
    ] {
        assert_eq!(stored(&format!("{{\"k\":\"{text}\"}}")), format!("{{\"k\":\" {text}\"}}"));
    }
}

#[test]
fn json_text_in_strings_is_repaired_and_written_as_python_does() {
    assert_eq!(
        stored(r#"["{\"k\":\"weave:///bad\",\"n\":[1.0,\"é\"],\"k2\":NaN}"]"#),
        r#"["{\"k\": \" weave:///bad\", \"n\": [1.0, \"\\u00e9\"], \"k2\": NaN}"]"#
    );
}

#[test]
fn json_text_that_is_a_single_string_is_repaired_too() {
    assert_eq!(stored(r#"" \n\"weave:///bad\"""#), r#""\" weave:///bad\"""#);
}

/// A string that holds JSON text that holds JSON text …, and in the innermost a malformed reference.
fn text_in_text(times: usize) -> Value {
    (0..times).fold(Value::from("weave:///bad"), |inner, _| python_dumps(&Value::Array(vec![inner])).into())
}

#[test]
fn json_text_in_json_text_is_followed_eight_deep() {
    let count = |times| stored(&python_dumps(&text_in_text(times))).matches(" weave:///bad").count();
    assert_eq!((count(8), count(9)), (1, 0));
}

#[test]
fn redacted_keys_lose_their_values_at_any_depth() {
    let redact = Redact::with_keys(["clé"]);
    let rules = Rules { redact: Some(&redact), ..OBJECT };
    let text =
        r#"{"Api_Key":"s","x":[{"AUTHORIZATION":{"a":1},"auth_headers":null,"cl\u00e9":"s","api_keys":1}],"clé":2}"#;
    let stored = r#"{"Api_Key":R,"x":[{"AUTHORIZATION":R,"auth_headers":R,"clé":R,"api_keys":1}],"clé":R}"#;
    assert_eq!(accept(text.as_bytes(), "inputs", &rules).unwrap(), stored.replace(":R", ":\"REDACTED\""));
}

#[test]
fn a_redacted_key_leaves_no_earlier_duplicate_behind() {
    let redact = Redact::default();
    let rules = Rules { redact: Some(&redact), ..OBJECT };
    let text = br#"{"api_key":"secret","api_key":"REDACTED","api\u005fkey":"REDACTED"}"#;
    assert_eq!(accept(text, "inputs", &rules).unwrap(), r#"{"api_key":"REDACTED"}"#);
}

#[test]
fn sorted_texts_have_their_keys_in_code_point_order() {
    let rules = Rules { sorted: true, ..Rules::default() };
    let text = "{\"b\": [{\"z\": 1, \"a\": 2.0}], \"😀\": 1, \"\u{e000}\": 2, \"a\": -0}";
    let found = accept(text.as_bytes(), "val", &rules).unwrap().into_owned();
    assert_eq!(found, "{\"a\":0,\"b\":[{\"a\":2.0,\"z\":1}],\"\u{e000}\":2,\"😀\":1}");
    assert!(matches!(accept(found.as_bytes(), "val", &rules), Ok(Cow::Borrowed(_))));
}

#[test]
fn of_duplicate_keys_the_first_gives_the_place_and_the_last_the_value() {
    let many: String = (0..40).map(|n| format!("\"k{}\":{n},", n % 20)).collect();
    for (text, expected) in [
        (r#"{"a":1,"b":2,"a":3}"#.to_owned(), r#"{"a":3,"b":2}"#.to_owned()),
        (r#"{"a":1,"\u0061":2,"a":3}"#.to_owned(), r#"{"a":3}"#.to_owned()),
        (
            format!("{{{}}}", many.trim_end_matches(',')),
            format!("{{{}}}", (0..20).map(|n| format!("\"k{n}\":{}", n + 20)).collect::<Vec<_>>().join(",")),
        ),
    ] {
        assert_eq!(compact(&Value::parse(&text).unwrap()), expected);
    }
}

#[test]
fn objects_keep_the_order_of_insertion() {
    let mut object = Object::new();
    assert_eq!(object.insert("b", 1_i64), None);
    assert_eq!(object.insert("a", "x"), None);
    assert_eq!(object.insert("b", Value::Null), Some(Value::from(1_i64)));
    assert_eq!(compact(&object.clone().into()), r#"{"b":null,"a":"x"}"#);
    assert_eq!((object.remove("b"), object.remove("b"), object.len()), (Some(Value::Null), None, 1));
}

#[test]
fn integers_keep_all_their_digits() {
    let digits = "123456789".repeat(400);
    let value = Value::parse(&digits).unwrap();
    assert_eq!((compact(&value), value.as_i64()), (digits, None));
    assert_eq!(Value::parse("-9223372036854775808").unwrap().as_i64(), Some(i64::MIN));
}

#[test]
fn trees_are_read_up_to_1000_levels() {
    let nested = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
    assert_eq!(compact(&Value::parse(&nested(1000)).unwrap()), nested(1000));
    assert!(Value::parse(&nested(1001)).unwrap_err().is_depth());
}

/// JSON values, their texts spelled as `compact` spells them.
fn values() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_filter_map("finite", |number| number.is_finite().then_some(Value::Float(number))),
        strings().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 40, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::vec((strings().prop_map(Text::from), inner), 0..6)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

fn strings() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        "[a-c\\\\\"/\\n\u{7f}é\u{e000}😀]{0,12}",
        prop::sample::select(vec![
            "weave:///x",
            "weave:///e/p/op/f:d",
            "weave-private:///x",
            "{\"a\":[\"weave:///x\"]}",
            " [ \"weave:///e/p/op/f:d\" ]",
            "\"weave:///x\"",
            "weave:///e/p/op/f:d\n",
            "api_key",
            "REDACTED",
        ])
        .prop_map(str::to_owned),
    ]
}

/// Texts near to JSON: pieces of it, in any order or in a sensible one.
fn texts() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        "\"",
        "\\",
        " ",
        "\n",
        "\t",
        "1",
        "0",
        "-",
        ".",
        "e",
        "E+",
        "400",
        "null",
        "true",
        "false",
        "NaN",
        "-Infinity",
        "\"a\"",
        "\"api_key\"",
        "\"\\ud83d\"",
        "\"\\ud83d\\ude00\"",
        "\"\\u0041\"",
        "\"\\/\"",
        "\"weave:///x\"",
        "\"weave:///e/p/call/c\"",
        "\"[\\\"weave:///x\\\"]\"",
        "\"\u{1}\"",
        "é",
        "\"é\"",
    ]);
    let pieces = prop::collection::vec(piece.clone(), 0..12).prop_map(|pieces| pieces.concat());
    let arrays = prop::collection::vec(piece.clone(), 0..6).prop_map(|items| format!("[{}]", items.join(",")));
    let objects = prop::collection::vec((piece.clone(), piece), 0..6).prop_map(|members| {
        let members: Vec<_> = members.iter().map(|(key, value)| format!("{key}: {value}")).collect();
        format!("{{{}}}", members.join(", "))
    });
    prop_oneof![pieces, arrays, objects, values().prop_map(|value| python_dumps(&value))]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_written_reads_back_the_same(value in values()) {
        for text in [compact(&value), python_dumps(&value)] {
            prop_assert_eq!(&Value::parse(&text).unwrap(), &value);
        }
        let mut sorted = value;
        let text = canonical(&sorted);
        sorted.sort_keys();
        prop_assert_eq!(Value::parse(&text).unwrap(), sorted);
    }

    #[test]
    fn accepted_texts_are_clean_the_second_time(text in texts(), object: bool, sorted: bool, secret: bool) {
        let redact = Redact::default();
        let rules = Rules { object, sorted, redact: secret.then_some(&redact) };
        if let Ok(first) = accept(text.as_bytes(), "inputs", &rules) {
            let second = accept(first.as_bytes(), "inputs", &rules).unwrap();
            prop_assert!(matches!(second, Cow::Borrowed(_)), "{} became {} and then {}", text, first, second);
            prop_assert!(!first.contains(['\n', '\r']));
            serde_json::from_str::<&serde_json::value::RawValue>(&first).unwrap();
        }
    }

    #[test]
    fn the_checker_finds_every_text_that_needs_a_repair(text in texts(), secret: bool) {
        let redact = Redact::default();
        let redact = secret.then_some(&redact);
        let rules = Rules { redact, ..Rules::default() };
        if let Ok(Cow::Borrowed(text)) = accept(text.as_bytes(), "inputs", &rules) {
            prop_assert!(!repair::repair(&mut Value::parse(text).unwrap(), redact).unwrap(), "{}", text);
        }
    }

    #[test]
    fn a_byte_changed_anywhere_is_judged_as_another_parser_does(
        parts in prop::collection::vec("[a-z \u{e9}]{0,90}", 0..12),
        place in any::<prop::sample::Index>(),
        byte in prop::sample::select(b"\"\\\x00\x1f\n {}[],:a0\x7f\x80\xc3\xff".to_vec()),
        spaced: bool,
    ) {
        let value = Value::from(parts.iter().map(|part| Value::from(part.as_str())).collect::<Vec<_>>());
        let mut text = if spaced { python_dumps(&value) } else { compact(&value) }.into_bytes();
        let at = place.index(text.len());
        text[at] = byte;
        let expected = serde_json::from_slice::<serde_json::Value>(&text).is_ok();
        prop_assert_eq!(accept(&text, "inputs", &Rules::default()).is_ok(), expected, "{:?}", text);
    }

    #[test]
    fn usage_is_found_where_it_stands(text in texts(), inner in texts()) {
        let text = format!("{{\"a\":{text},\"usage\":{inner},\"model\":\"m\"}}");
        if let Ok((stored, usage)) = accept_output(text.as_bytes()) {
            let (stored, usage) = (std::str::from_utf8(&stored).unwrap(), usage.unwrap());
            let key = |at: usize| stored[..at].rsplit(['{', ',']).next().unwrap().trim();
            prop_assert_eq!((key(usage.model), key(usage.usage)), ("\"model\"", "\"usage\""));
            prop_assert_eq!(accept(text.as_bytes(), "output", &Rules::default()).unwrap(), stored);
        }
    }

    #[test]
    fn texts_are_accepted_exactly_if_another_parser_takes_them(text in texts()) {
        let repaired_only_here = ["NaN", "Infinity", "\\ud83d\"", "400"].iter().any(|part| text.contains(part));
        if !repaired_only_here {
            let found = accept(text.as_bytes(), "inputs", &Rules::default()).is_ok();
            prop_assert_eq!(found, serde_json::from_str::<serde_json::Value>(&text).is_ok(), "{}", text);
        }
    }
}
