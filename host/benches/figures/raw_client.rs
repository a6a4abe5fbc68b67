//! The floor for bots: a Bot API client on raw sockets. It answers each update immediately with a prepared message, so
//! its latency consists of the stand-in's time, the kernel's time and the time for parsing one response. With commits,
//! it also stores the update and the answer in SQLite before it sends the answer, as a bot that loses nothing must.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
};

use rusqlite::Connection as Database;
use serde_json::Value;

use crate::stand_in::TOKEN;

/// The argument that makes this program run as the raw client. The next argument is the URL of the Bot API.
pub const ROLE: &str = "raw-client";

/// The argument that makes this program run as the raw client with commits. The next argument is the URL of the Bot API.
/// The database is created in the current folder.
pub const ROLE_WITH_COMMITS: &str = "raw-client-with-commits";

/// The text of each answer.
pub const ANSWER: &str = "ping";

pub fn run(url: &str) {
    answer(url, |_| {});
}

pub fn run_with_commits(url: &str) {
    let database = Database::open("store").unwrap();
    database.pragma_update(None, "journal_mode", "wal").unwrap();
    database.pragma_update(None, "synchronous", "normal").unwrap();
    database.execute_batch("CREATE TABLE inbox (id INTEGER PRIMARY KEY, content TEXT) STRICT").unwrap();
    database.execute_batch("CREATE TABLE outbox (id INTEGER PRIMARY KEY, content TEXT) STRICT").unwrap();
    let mut accept = database.prepare("INSERT INTO inbox (content) VALUES (?1)").unwrap();
    let mut finish = database.prepare("INSERT INTO outbox (content) VALUES (?1)").unwrap();
    answer(url, |update| {
        accept.execute([update.to_string()]).unwrap();
        finish.execute([ANSWER]).unwrap();
    });
}

/// Answers each update after calling `store` with it. Ends this process when the stand-in closes the connection.
fn answer(url: &str, mut store: impl FnMut(&Value)) {
    let mut polls = Polls::open(url);
    let mut messages = Connection::open(url);
    let answer = request("sendMessage", &format!(r#"{{"chat_id":1,"text":"{ANSWER}"}}"#));
    loop {
        for update in polls.next() {
            store(&update);
            messages.write(&answer);
            messages.read();
        }
    }
}

/// A connection that polls for updates, and confirms those of the previous poll.
pub struct Polls {
    connection: Connection,
    offset: i64,
}

impl Polls {
    pub fn open(url: &str) -> Self {
        Self { connection: Connection::open(url), offset: 0 }
    }

    /// Waits for the next updates.
    pub fn next(&mut self) -> Vec<Value> {
        self.connection.write(&request("getUpdates", &format!(r#"{{"offset":{},"timeout":50}}"#, self.offset)));
        let mut response = self.connection.read();
        let Value::Array(updates) = response["result"].take() else { panic!("the stand-in answers with updates") };
        if let Some(last) = updates.last() {
            self.offset = last["update_id"].as_i64().unwrap() + 1;
        }
        updates
    }
}

fn request(method: &str, body: &str) -> String {
    let head = format!("POST /bot{TOKEN}/{method} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n");
    format!("{head}content-length: {}\r\n\r\n{body}", body.len())
}

struct Connection(BufReader<TcpStream>);

impl Connection {
    fn open(url: &str) -> Self {
        let address = url.strip_prefix("http://").expect("the stand-in has an HTTP URL");
        let stream = TcpStream::connect(address).unwrap();
        stream.set_nodelay(true).unwrap();
        Self(BufReader::new(stream))
    }

    fn write(&mut self, request: &str) {
        self.0.get_mut().write_all(request.as_bytes()).unwrap();
    }

    fn read(&mut self) -> Value {
        let mut length = 0;
        loop {
            let mut line = String::new();
            // The stand-in closes the connection when the benchmark ends.
            if self.0.read_line(&mut line).unwrap_or(0) == 0 {
                std::process::exit(0);
            }
            if let Some(value) = line.strip_prefix("content-length: ") {
                length = value.trim().parse().unwrap();
            } else if line == "\r\n" {
                break;
            }
        }
        let mut body = vec![0; length];
        self.0.read_exact(&mut body).unwrap();
        serde_json::from_slice(&body).unwrap()
    }
}
