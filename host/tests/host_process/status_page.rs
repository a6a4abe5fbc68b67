//! Tests the status page and the metrics over HTTP, and who has access to them.

mod access;
mod browser;
mod chromium;
mod metrics;

use std::{
    io::{BufRead, BufReader, Write},
    net::TcpStream,
};

use serde_json::Value;

use super::support::{Home, Host, HttpClient, until};

const LISTEN: &str = "[status]\nlisten = \"127.0.0.1:0\"\n";

fn status_client(host: &mut Host<'_>) -> HttpClient {
    HttpClient::of(host, "listening for the status page")
}

/// An open event stream.
struct Events(BufReader<TcpStream>);

impl Events {
    fn open(client: &HttpClient, path: &str) -> Self {
        let mut stream = client.connect();
        stream.write_all(client.head(path, &[]).as_bytes()).unwrap();
        Self(BufReader::new(stream))
    }

    /// Returns the next event, or `None` if the stream has ended.
    fn next(&mut self) -> Option<Value> {
        let mut line = String::new();
        while self.0.read_line(&mut line).unwrap() > 0 {
            if let Some(data) = line.strip_prefix("data: ") {
                return Some(serde_json::from_str(data).unwrap());
            }
            line.clear();
        }
        None
    }

    /// Waits for an event that satisfies the condition.
    #[track_caller]
    fn until(&mut self, what: &str, holds: impl Fn(&Value) -> bool) -> Value {
        loop {
            let event = self.next().unwrap_or_else(|| panic!("the stream ended before {what}"));
            if holds(&event) {
                return event;
            }
        }
    }
}

fn row<'v>(rows: &'v Value, name: &str) -> Option<&'v Value> {
    rows.as_array().unwrap().iter().find(|row| row["name"] == name)
}

#[test]
fn nothing_listens_by_default() {
    let home = Home::new();
    let mut host = home.start();
    host.ask("/new a", "Session 'a' created.");
    assert!(!host.log().contains("status page"), "{}", host.log());
}

#[test]
fn the_page_contains_only_its_own_files() {
    let home = Home::with(LISTEN);
    let mut host = home.start();
    let client = status_client(&mut host);
    for (path, kind, part) in [
        ("/", "text/html", "<script src=\"/status.js\" defer></script>"),
        ("/sessions/a", "text/html", "<section id=\"sessions\">"),
        ("/status.js", "text/javascript", "new EventSource"),
        ("/status.css", "text/css", "prefers-color-scheme: dark"),
        ("/icon.svg", "image/svg+xml", "<svg"),
        ("/metrics", "text/plain; version=0.0.4", "# TYPE cordboard_sessions gauge"),
    ] {
        let answer = client.get(path, &[]);
        assert_eq!(answer.status, 200, "{path}");
        assert!(answer.header("content-type").starts_with(kind), "{}", answer.head);
        assert!(answer.body.contains(part), "{path}: {}", answer.body);
        let policy = answer.header("content-security-policy");
        assert!(
            policy.starts_with("default-src 'none'; script-src 'self'; ") && !policy.contains("unsafe"),
            "{policy}"
        );
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        assert_eq!(answer.header("cache-control"), "no-store");
        assert_eq!(answer.header("referrer-policy"), "no-referrer");
        assert_eq!(answer.header("access-control-allow-origin"), "");
    }
    assert_eq!(client.get("/sessions/not%20a%20name", &[]).status, 404);
    assert_eq!(client.get("/hooks/github", &[]).status, 404);
    assert_eq!(client.ask("POST /", &[], "").0, 403, "the host is x");
    let head = client.head("/", &[]).replacen("GET", "POST", 1);
    assert!(client.send(head.as_bytes()).starts_with("HTTP/1.1 405 "));
}

#[test]
fn events_show_each_change() {
    let home = Home::with(LISTEN);
    home.plug("echo", "echo");
    let mut host = home.start();
    let client = status_client(&mut host);
    let mut events = Events::open(&client, "/events");
    let first = events.next().unwrap();
    assert_eq!(first["host"]["sessions"], serde_json::json!([]));
    assert!(
        first["now"].as_u64().unwrap() > 1_700_000_000_000 && first["host"]["memory"].as_u64().unwrap() > 1_000_000
    );
    host.ask("/new a", "Session 'a' created.");
    host.ask("hello", "You said: hello");
    let shown = events.until("the session is idle", |event| {
        row(&event["host"]["sessions"], "a").is_some_and(|row| row["phase"] == "idle" && !row["memory"].is_null())
    });
    let session = row(&shown["host"]["sessions"], "a").unwrap();
    assert!(session["memory"].as_u64().unwrap() > 100_000 && session["turns"] == 1, "{session}");
    host.say("run ls");
    host.expect("/answer #1 why\n");
    let asked = events.until("the request is shown", |event| event["host"]["requests"][0]["session"] == "a");
    assert_eq!(asked["host"]["requests"][0]["number"], 1);
    host.say("/allow");
    events.until("the request is closed", |event| event["host"]["requests"] == serde_json::json!([]));
    host.say("/echo hi");
    host.expect("v1: hi\n");
    home.plug("echo", "echo_v2");
    let swapped = events.until("the plugin is replaced", |event| {
        row(&event["host"]["plugins"], "echo").is_some_and(|row| row["generation"] == 2)
    });
    let plugin = row(&swapped["host"]["plugins"], "echo").unwrap();
    let generations: Vec<_> = plugin["activations"].as_array().unwrap().iter().map(|one| &one["generation"]).collect();
    assert_eq!(generations, [1, 2]);
    assert!(plugin["calls"] == 1 && plugin["p50"].as_f64().unwrap() > 0.0, "{plugin}");
}

#[test]
fn open_pages_leave_room_for_other_requests() {
    let home = Home::with(LISTEN);
    let mut host = home.start();
    let client = status_client(&mut host);
    let mut pages: Vec<Events> = (0..32).map(|_| Events::open(&client, "/events")).collect();
    for page in &mut pages {
        page.next().unwrap();
    }
    let refused = client.get("/events", &[]);
    assert_eq!((refused.status, refused.body.as_str()), (503, "too many status pages are open; close some of them\n"));
    assert_eq!(client.get("/metrics", &[]).status, 200);
    drop(pages.pop());
    until("the closed page has made room", || {
        let mut stream = client.connect();
        stream.write_all(client.head("/events", &[]).as_bytes()).unwrap();
        let mut line = String::new();
        BufReader::new(stream).read_line(&mut line).unwrap();
        line.starts_with("HTTP/1.1 200 ")
    });
}

#[test]
fn a_page_of_a_session_shows_its_recent_turns() {
    let home = Home::with(LISTEN);
    let mut host = home.start();
    let client = status_client(&mut host);
    host.ask("/new a", "Session 'a' created.");
    host.ask("hello", "You said: hello");
    let mut events = Events::open(&client, "/events/a");
    let turns = |event: &Value, count| event["session"]["turns"].as_array().is_some_and(|turns| turns.len() == count);
    let shown = events.until("the turn is shown", |event| turns(event, 1));
    assert_eq!(shown["session"]["turns"][0]["prompt"], "hello");
    assert_eq!(shown["session"]["turns"][0]["answer"], "You said: hello");
    host.ask("again", "You said: again");
    events.until("the second turn is shown", |event| turns(event, 2));
    let missing = Events::open(&client, "/events/b").next().unwrap();
    assert_eq!(missing["session"]["error"], "This session does not exist.");
    assert_eq!(host.end().1, Some(0), "an open page doesn't keep the host running");
}
