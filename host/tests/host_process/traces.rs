//! Tests that a host exports a trace of an answered turn. Needs `--features cordboard/otlp`.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpListener,
    thread,
};

use serde_json::Value;

use super::support::{CREATED, Home};

/// Answers one request, and returns its body.
fn collect(listener: &TcpListener) -> String {
    let mut stream = BufReader::new(listener.accept().unwrap().0);
    let (mut line, mut length) = (String::new(), 0);
    while stream.read_line(&mut line).unwrap() > 2 {
        if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        line.clear();
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).unwrap();
    stream.get_mut().write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}").unwrap();
    String::from_utf8(body).unwrap()
}

#[test]
fn an_answered_turn_is_traced_without_its_text() {
    let home = Home::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let collector = thread::spawn(move || collect(&listener));
    let variables = [("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.as_str()), ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json")];
    let mut host = home.start_with(&variables);
    host.ask("/new a", CREATED);
    host.ask("a private question", "You said: a private question");
    assert_eq!(host.end().1, Some(0));
    let body = collector.join().unwrap();
    assert!(!body.contains("private"), "{body}");
    let trace: Value = serde_json::from_str(&body).unwrap();
    let spans = trace["resourceSpans"][0]["scopeSpans"][0]["spans"].as_array().unwrap();
    let turn = spans.iter().find(|span| span["name"] == "turn").unwrap();
    for name in ["wait for the agent", "agent turn", "delivery", "plugin call"] {
        let part = spans.iter().find(|span| span["name"] == name);
        let part = part.unwrap_or_else(|| panic!("no span {name:?} in {body}"));
        assert_eq!((&part["traceId"], &part["parentSpanId"]), (&turn["traceId"], &turn["spanId"]), "{part}");
    }
}
