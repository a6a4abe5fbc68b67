//! Tests lines that are not exactly one valid message.

use super::*;

#[test]
fn unknown_lines_decode_to_nothing() {
    let mut codec = new_codec(None);
    for line in [
        &b""[..],
        b"no JSON",
        b"\xff\xfe",
        b"null",
        b"[1]",
        b"\"text\"",
        b"{\"type\":7}",
        b"{\"type\":\"from_the_future\"}",
    ] {
        assert_eq!(codec.decode(line), Decoded::default());
    }
    assert_eq!(codec.skipped.count, 3);
}

#[test]
fn damaged_text_is_shown_and_ends_its_turn() {
    for (damaged, text) in [
        (&br"half \ud83d smile"[..], "half \u{fffd} smile"),
        (br"\udc00", "\u{fffd}"),
        (b"caf\xe9", "caf\u{fffd}"),
        (b"\x1b[1mbold", "\u{1b}[1mbold"),
    ] {
        let assistant_line = [
            br#"{"type":"assistant","message":{"id":"m1","content":[{"type":"text","text":""#,
            damaged,
            br#""}]},"user_message_uuids":["p1"]}"#,
        ];
        let result = [
            br#"{"type":"result","subtype":"success","result":""#,
            damaged,
            br#"","total_cost_usd":1e999,"user_message_uuids":["p1"]}"#,
        ];
        assert_eq!(
            decode_lines(&[&assistant_line.concat(), &result.concat()]),
            ["accepted p1".to_owned(), format!("0 = {text:?}"), "finished [p1] Done -1.0000 $".to_owned()]
        );
    }
}

#[test]
fn a_truncated_result_fails_its_turn() {
    const FAILED: &str = r#"finished [p1] Failed("The agent's response could not be read completely.") -1.0000 $"#;
    let replay = br#"{"type":"user","uuid":"p1","isReplay":true,"message":{"content":[]}}"#;
    for line in [
        &br#"{"type":"result","subtype":"success","result":"Al"#[..],
        br#"{"type":"result",oops"#,
        // The real CLI writes `type` after the answer, so the truncated line lacks it.
        br#"{"duration_api_ms":117,"stop_reason":"end_turn","session_id":"c1","result":"Al"#,
    ] {
        let trace = decode_lines(&[replay, line]);
        assert_eq!(trace.first().map(String::as_str), Some("accepted p1"));
        assert_eq!(trace.last().map(String::as_str), Some(FAILED), "{}", String::from_utf8_lossy(line));
    }
    let skipped = decode_lines(&[replay, br#"{"type":"system","subtype":"in"#, br#"{"type":"resu"#, b"result", b"{"]);
    assert_eq!(skipped, ["accepted p1"]);
}

#[test]
fn a_result_between_other_text_ends_its_turn() {
    let result = r#"{"type":"result","subtype":"success","result":"all","user_message_uuids":["p1"]}"#;
    let next = r#"{"type":"system","subtype":"background_tasks_changed","tasks":[{"description":"build"}]}"#;
    let ended = ["accepted p1", r#"0 = "all""#, "finished [p1] Done -1.0000 $"];
    for line in [
        format!("debug {result}"),
        format!("\u{1b}[2K{result}\u{1b}[0m"),
        format!("{result},"),
        result.replace('}', ",}"),
        format!("{result}{{\"type\":\"sys"),
        format!(r#"{{"type":"system","subt{result}"#),
        format!("[{result}]"),
    ] {
        assert_eq!(decode_lines(&[line.as_bytes()]), ended, "{line}");
    }
    let echo = br#"read {"type":"control_request","request_id":"1","request":{"subtype":"initialize"}}"#;
    assert_eq!(decode_lines(&[echo]), [""; 0]);
    let both = decode_lines(&[format!("{result}{next}").as_bytes()]);
    assert_eq!(both, [&ended[..], &[r#"background ["build"]"#]].concat());
}

#[test]
fn blank_lines_after_a_printed_reason_keep_it() {
    let mut codec = new_codec(None);
    for line in [&b"\x1b[31mno credit\x1b[0m\r"[..], b"", b" \r"] {
        codec.decode(line);
    }
    assert!(codec.exit_reason().is_some_and(|words| words.contains("no credit")));
}

#[test]
fn an_error_printed_as_json_is_the_reason() {
    let reason = |lines: &[&str]| {
        let mut codec = new_codec(None);
        let events: Vec<_> = lines.iter().flat_map(|line| codec.decode(line.as_bytes()).events).collect();
        assert_eq!(events, [], "{lines:?}");
        codec.exit_reason().map(str::to_owned)
    };
    for line in [
        r#"{"error":"no key"}"#,
        r#"{"type":"error","error":{"type":"authentication_error","message":"no key"}}"#,
        r#"{"level":"fatal","message":"no key"}"#,
        r#"{"type":"result","subtype":"success","is_error":true,"result":"no key"}"#,
        r#"{"type":"result","subtype":"error_during_execution","errors":["no key"]}"#,
    ] {
        assert_eq!(reason(&[line, ""]).as_deref(), Some("no key"), "{line}");
        assert_eq!(reason(&[line, r#"{"type":"system","subtype":"status"}"#]), None, "{line}");
    }
    assert_eq!(reason(&[r#"bad {"type":"x"}"#]).as_deref(), Some(r#"bad {"type":"x"}"#));
    assert_eq!(reason(&[r#"{"code":7}"#]).as_deref(), Some(r#"{"code":7}"#));
    assert_eq!(reason(&[r#"{"type":"from_the_future"}"#]), None);
}
