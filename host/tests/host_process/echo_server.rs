//! An HTTP server for testing the network access of plugins.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
};

use base64::{Engine, engine::general_purpose::STANDARD};

/// A server that records requests. It encodes the request body as the path specifies, and returns the result in the
/// response body and the `x-echo` header.
pub struct Echo {
    pub address: String,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Echo {
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let requests = Arc::<Mutex<Vec<String>>>::default();
        let recorded = Arc::clone(&requests);
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let recorded = Arc::clone(&recorded);
                thread::spawn(move || answer(&stream, &recorded));
            }
        });
        Self { address, requests }
    }

    pub fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

fn answer(stream: &TcpStream, recorded: &Mutex<Vec<String>>) {
    let mut reader = BufReader::new(stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") && reader.read_line(&mut head).is_ok_and(|read| read > 0) {}
    let length = head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    reader.read_exact(&mut body).unwrap();
    let body = String::from_utf8(body).unwrap();
    recorded.lock().unwrap().push(format!("{head}{body}"));
    let response = match head.split(' ').nth(1).unwrap_or_default() {
        "/base64" => STANDARD.encode(format!("me:{body}")),
        "/percent" => body.replace('/', "%2F").replace('+', "%2B").replace('=', "%3D"),
        "/hex" => body.bytes().map(|byte| format!("{byte:02x}")).collect(),
        _ => body,
    };
    let answer =
        format!("HTTP/1.1 200 OK\r\nx-echo: {response}\r\ncontent-length: {}\r\n\r\n{response}", response.len());
    // The client may have disconnected.
    let _: std::io::Result<()> = (&*stream).write_all(answer.as_bytes());
}
