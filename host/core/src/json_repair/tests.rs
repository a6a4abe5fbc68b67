//! Tests the parsing of damaged JSON with an example of each repair and with property tests.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{objects, parse};

#[track_caller]
fn assert_parsed(text: &[u8], value: &Value) {
    assert_eq!(parse(text).unwrap(), *value, "{}", String::from_utf8_lossy(text));
}

#[test]
fn half_a_surrogate_pair_becomes_the_replacement_character() {
    assert_parsed(br#"{"a":"half \ud83d smile"}"#, &json!({ "a": "half \u{fffd} smile" }));
    assert_parsed(br#"{"a":"\ud83d"}"#, &json!({ "a": "\u{fffd}" }));
    assert_parsed(br#"{"a":"\ude00\ud83d"}"#, &json!({ "a": "\u{fffd}\u{fffd}" }));
    assert_parsed(br#"{"a":"\uD83D\uD83D\uDE00"}"#, &json!({ "a": "\u{fffd}\u{1f600}" }));
    assert_parsed(br#"{"a\udfff":"\ud83d\n\\ud83d\\"}"#, &json!({ "a\u{fffd}": "\u{fffd}\n\\ud83d\\" }));
}

#[test]
fn a_whole_surrogate_pair_stays() {
    assert_parsed(br#"["\ud83d","\ud83d\ude00"]"#, &json!(["\u{fffd}", "\u{1f600}"]));
}

#[test]
fn bytes_that_are_not_utf8_become_the_replacement_character() {
    assert_parsed(b"{\"a\":\"caf\xe9\",\"b\":1}", &json!({ "a": "caf\u{fffd}", "b": 1 }));
    assert_parsed(b"{\"a\":\"\xed\xa0\xbd\"}", &json!({ "a": "\u{fffd}\u{fffd}\u{fffd}" }));
}

#[test]
fn numbers_out_of_range_become_null() {
    assert_parsed(br#"{"cost":1e999,"n":-1e999,"b":[1,2.5e3]}"#, &json!({ "cost": null, "n": null, "b": [1, 2500.0] }));
    assert_parsed(
        br#"{"a":NaN,"b":-Infinity,"c":01,"d":true}"#,
        &json!({ "a": null, "b": null, "c": null, "d": true }),
    );
}

#[test]
fn raw_control_characters_and_unknown_escapes_stay_readable() {
    assert_parsed(b"{\"a\":\"\x1b[1m\tx\x00\"}", &json!({ "a": "\u{1b}[1m\tx\0" }));
    assert_parsed(br#"{"a":"C:\dir \u12 \ud83d"}"#, &json!({ "a": "C:\\dir \\u12 \u{fffd}" }));
}

#[test]
fn a_byte_order_mark_in_front_is_skipped() {
    assert_parsed(b"\xef\xbb\xbf\x00{\"a\":1}\r", &json!({ "a": 1 }));
}

#[test]
fn values_nested_too_deeply_become_null() {
    let deep = format!(r#"{{"a":{}"x]"{},"b":1}}"#, "[".repeat(5_000), "]".repeat(5_000));
    let read = parse(deep.as_bytes()).unwrap();
    assert_eq!(read["b"], 1);
    let mut levels = 0;
    let mut value = &read["a"];
    while let Some(inner) = value.get(0) {
        (levels, value) = (levels + 1, inner);
    }
    assert_eq!((levels, value), (super::DEEPEST - 1, &Value::Null));
}

#[test]
fn text_that_is_no_json_is_refused() {
    for text in ["", "oops", "1e999", "{\"a\":1} more", "{\"a\":", "{\"a\":\"b", "{\"a\":\"b\\", "}{", "\\ud83d"] {
        parse(text.as_bytes()).expect_err(text);
    }
}

#[test]
fn trailing_commas_are_dropped() {
    assert_parsed(br#"{"a":[1,2,],"b":"x,}" , }"#, &json!({ "a": [1, 2], "b": "x,}" }));
}

/// Returns the objects in a text. Truncated objects are marked with `…`.
fn found(text: &[u8]) -> Vec<(Value, &'static str)> {
    objects(text).into_iter().map(|object| (object.fields.into(), if object.is_whole { "" } else { "…" })).collect()
}

#[test]
fn an_object_that_breaks_off_has_the_fields_before_the_break() {
    let broken = |text: &[u8]| found(text).swap_remove(0);
    assert_eq!(broken(br#"{"type":"result","n":1e999,"a":[1,{"b":"c"#), (json!({ "type": "result", "n": null }), "…"));
    assert_eq!(broken(br#"{"type":"result","a":"\ud83d",oops"#), (json!({ "type": "result", "a": "\u{fffd}" }), "…"));
    assert_eq!(found(b"[1, 2"), []);
}

#[test]
fn objects_are_found_between_other_text() {
    let (a, b) = ((json!({ "a": { "b": [1] } }), ""), (json!({ "c": "}" }), ""));
    for text in [
        &br#"{"a":{"b":[1]}}{"c":"}"}"#[..],
        br#"{"a":{"b":[1]}}, { "c": "}" },"#,
        b"\x1b[1m{\"a\":{\"b\":[1]}}\x1b[0m{\"c\":\"}\"} and more",
        br#"say "hi {DEBUG} {{"a":{"b":[1]}} [{"c":"}"}"#,
    ] {
        assert_eq!(found(text), [a.clone(), b.clone()], "{}", String::from_utf8_lossy(text));
    }
    assert_eq!(found(br#"{"x":1,"y":"z{"c":"}"}"#), [(json!({ "x": 1, "y": "z{" }), "…"), b]);
}

/// Generates values with all kinds of strings and numbers, up to five levels deep.
fn values() -> impl Strategy<Value = Value> {
    let text = "[\\x00-\\x{10ffff}]{0,6}";
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<i32>().prop_map(|number| Value::from(f64::from(number) / 8.0)),
        text.prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 40, 5, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::btree_map(text, inner, 0..5).prop_map(|map| map.into_iter().collect()),
        ]
    })
}

/// Generates an invalid value, and the value that its repair yields.
fn mistakes() -> impl Strategy<Value = (&'static [u8], Value)> {
    prop::sample::select(vec![
        (&br#""\ud83d""#[..], json!("\u{fffd}")),
        (&br#""\udc00x""#[..], json!("\u{fffd}x")),
        (&b"\"\xff\""[..], json!("\u{fffd}")),
        (&b"\"\x01\""[..], json!("\u{1}")),
        (&b"1e999"[..], Value::Null),
        (&b"-Infinity"[..], Value::Null),
        (&br#""\q""#[..], json!("\\q")),
    ])
}

proptest! {
    #[test]
    fn valid_json_is_not_changed(value in values()) {
        let text = value.to_string();
        prop_assert_eq!(super::repair(text.as_bytes()), text);
    }

    #[test]
    fn an_error_does_not_change_its_surroundings(before in values(), (bad, read) in mistakes(), after in values()) {
        let text = [b"[", before.to_string().as_bytes(), b",", bad, b",", after.to_string().as_bytes(), b"]"].concat();
        prop_assert_eq!(parse(&text).unwrap(), json!([before, read, after]));
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        drop(parse(&bytes));
        drop(objects(&bytes));
    }

    #[test]
    fn any_cut_leaves_the_fields_before_it(value in values(), cut in any::<prop::sample::Index>()) {
        let text = json!({ "type": "result", "value": value }).to_string();
        let head = br#"{"type":"result","#.len();
        let cut = head + cut.index(text.len() - head);
        prop_assert_eq!(&objects(&text.as_bytes()[..cut])[0].fields["type"], "result");
    }
}
