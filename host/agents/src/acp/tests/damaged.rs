//! Tests lines that are not exactly one valid message.

use super::*;

const UNREADABLE: &str = r#"finished [p1] Failed("The agent's response could not be read completely.") -1.0000 $"#;

#[test]
fn unknown_lines_decode_to_nothing() {
    let mut script = Script::in_turn();
    for line in [
        &b""[..],
        b"no JSON",
        b"\xff\xfe",
        b"null",
        b"[1]",
        b"\"text\"",
        b"{}",
        b"{\"method\":7}",
        b"{\"id\":3}",
        b"{\"id\":\"3\",\"result\":{}}",
        b"{\"id\":99,\"result\":{}}",
        b"{\"method\":\"from/the_future\"}",
        b"{\"method\":\"session/update\"}",
        b"{\"method\":\"session/update\",\"params\":{\"sessionId\":\"s1\",\"update\":{\"sessionUpdate\":\"new\"}}}",
        b"{\"method\":\"session/update\",\"params\":{\"sessionId\":\"s1\",\"update\":{\"sessionUpdate\":\"tool_call\"}}}",
    ] {
        assert_eq!(script.codec.decode(line), Decoded::default(), "{}", String::from_utf8_lossy(line));
    }
    assert_eq!(script.codec.skipped.count, 3);
    assert!(script.codec.is_in_turn());
}

#[test]
fn every_request_of_the_agent_is_answered() {
    let mut script = Script::in_turn();
    script.agent(&json!({ "id": 0, "method": "fs/read_text_file", "params": {} }));
    script.agent(&json!({ "id": "a", "method": "from/the_future" }));
    script.agent(&json!({ "id": 2, "method": "session/request_permission", "params": { "options": [] } }));
    script.line(br#"{"jsonrpc":"2.0","id":3,"method":"session/request_permission","params":{"sessionId":"s1","tool"#);
    assert_eq!(
        script.lines(),
        [
            r#"> answer 0 {"code":-32601,"message":"Method not found"}"#,
            r#"> answer "a" {"code":-32601,"message":"Method not found"}"#,
            r#"> answer 2 {"code":-32602,"message":"Invalid params"}"#,
            r#"> answer 3 {"code":-32700,"message":"Parse error"}"#,
        ]
    );
}

#[test]
fn damaged_text_is_shown() {
    for (damaged, text) in
        [(&br"half \ud83d smile"[..], "half \u{fffd} smile"), (br"\udc00", "\u{fffd}"), (b"caf\xe9", "caf\u{fffd}")]
    {
        let mut script = Script::in_turn();
        let start = br#"{"method":"session/update","params":{"sessionId":"s1","update":{"sessionUpdate":"agent_message_chunk","content":{"type":"text","text":""#;
        script.line(&[start, damaged, br#""}}}}"#].concat());
        assert_eq!(script.lines(), ["accepted p1".to_owned(), format!("0 + {text:?} (1 pieces)")]);
    }
}

#[test]
fn a_truncated_answer_fails_its_turn() {
    for line in [
        &br#"{"jsonrpc":"2.0","id":3,"result":{"stopReas"#[..],
        br#"{"jsonrpc":"2.0","id":3,"#,
        br#"log: {"jsonrpc":"2.0","id":3,"error":{"code":1"#,
    ] {
        let mut script = Script::in_turn();
        script.line(line);
        assert_eq!(script.lines(), ["accepted p1", UNREADABLE], "{}", String::from_utf8_lossy(line));
    }
    let mut script = Script::in_turn();
    script.line(br#"{"jsonrpc":"2.0","id":3,"result":{"stopReason":"end_turn"}"#);
    assert_eq!(script.trace_end(), "finished [p1] Done -1.0000 $");
}

#[test]
fn an_answer_between_other_text_ends_its_turn() {
    let answer = r#"{"jsonrpc":"2.0","id":3,"result":{"stopReason":"end_turn"}}"#;
    for line in [
        format!("debug {answer}"),
        format!("\u{1b}[2K{answer}\u{1b}[0m"),
        format!("[{answer}]"),
        format!("{answer}{{\"id"),
    ] {
        let mut script = Script::in_turn();
        script.line(line.as_bytes());
        assert_eq!(script.trace_end(), "finished [p1] Done -1.0000 $", "{line}");
    }
    // Agents may log the host's requests.
    let mut script = Script::in_turn();
    script.line(br#"sent {"jsonrpc":"2.0","id":3,"method":"session/prompt","params":{}}"#);
    assert_eq!(script.lines(), [""; 0]);
}

#[test]
fn the_last_plain_line_is_the_reason_of_an_exit() {
    let reason = |lines: &[&str]| {
        let mut script = Script::in_turn();
        lines.iter().for_each(|line| script.line(line.as_bytes()));
        script.codec.exit_reason().map(str::to_owned)
    };
    assert_eq!(reason(&["node: no such module", "", " "]).as_deref(), Some("node: no such module"));
    assert_eq!(reason(&[r#"{"error":{"message":"no key"}}"#]).as_deref(), Some("no key"));
    assert_eq!(reason(&["no", r#"{"method":"x"}"#]), None);
}
