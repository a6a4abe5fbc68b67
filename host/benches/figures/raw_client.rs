//! The floor for bots: a Bot API client on raw sockets. It answers each update immediately with a prepared message, so
//! its latency consists of the stand-in's time, the kernel's time and the time for parsing one response.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
};

use serde_json::Value;

use crate::stand_in::TOKEN;

/// The argument that makes this program run as the raw client. The next argument is the URL of the Bot API.
pub const ROLE: &str = "raw-client";

/// The text of each answer.
pub const ANSWER: &str = "ping";

pub fn run(url: &str) {
    let address = url.strip_prefix("http://").expect("the stand-in has an HTTP URL");
    let [mut polls, mut messages] = [(); 2].map(|()| Connection::open(address));
    let answer = request("sendMessage", &format!(r#"{{"chat_id":1,"text":"{ANSWER}"}}"#));
    let mut offset = 0;
    loop {
        polls.write(&request("getUpdates", &format!(r#"{{"offset":{offset},"timeout":50}}"#)));
        let updates = polls.read();
        let updates = updates["result"].as_array().expect("the stand-in answers with updates");
        for update in updates {
            messages.write(&answer);
            messages.read();
            offset = update["update_id"].as_i64().unwrap() + 1;
        }
    }
}

fn request(method: &str, body: &str) -> String {
    let head = format!("POST /bot{TOKEN}/{method} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n");
    format!("{head}content-length: {}\r\n\r\n{body}", body.len())
}

struct Connection(BufReader<TcpStream>);

impl Connection {
    fn open(address: &str) -> Self {
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
