//! Implements a client for the host's HTTP servers. It writes raw bytes, so it can also send invalid requests.

use std::{
    io::{Read, Write},
    net::TcpStream,
};

use super::{Host, LIMIT};

pub struct HttpClient {
    pub address: String,
}

/// A complete response.
pub struct HttpResponse {
    pub status: u16,
    /// The status line and the headers.
    pub head: String,
    pub body: String,
}

impl HttpClient {
    /// Waits until the host logs the address of its listener with this text.
    #[track_caller]
    pub fn of(host: &mut Host<'_>, logged: &str) -> Self {
        let line = host.expect_logged(logged);
        let address = line.rsplit("address=").next().and_then(|rest| rest.split_whitespace().next());
        Self { address: address.unwrap_or_else(|| panic!("no address in {line}")).to_owned() }
    }

    pub fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(LIMIT)).unwrap();
        stream
    }

    /// Sends raw bytes and returns the whole response.
    pub fn send(&self, bytes: &[u8]) -> String {
        let mut stream = self.connect();
        stream.write_all(bytes).unwrap();
        let mut answer = String::new();
        // If the server responds before it has read the whole request, the connection may be reset.
        let _: std::io::Result<usize> = stream.read_to_string(&mut answer);
        answer
    }

    pub fn ask(&self, line: &str, headers: &[(&str, &str)], body: &str) -> (u16, String) {
        let length = body.len();
        let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let answer =
            HttpResponse::parse(&self.send(
                format!("{line} HTTP/1.1\r\nHost: x\r\n{headers}Content-Length: {length}\r\n\r\n{body}").as_bytes(),
            ));
        (answer.status, answer.body)
    }

    /// Requests a path, with the address as the host unless the headers contain another one.
    pub fn get(&self, path: &str, headers: &[(&str, &str)]) -> HttpResponse {
        HttpResponse::parse(&self.send(self.head(path, headers).as_bytes()))
    }

    /// Returns the head of a GET request.
    pub fn head(&self, path: &str, headers: &[(&str, &str)]) -> String {
        let mut head = format!("GET {path} HTTP/1.1\r\n");
        if headers.iter().all(|(name, _)| *name != "host") {
            head.push_str(&format!("host: {}\r\n", self.address));
        }
        headers.iter().for_each(|(name, value)| head.push_str(&format!("{name}: {value}\r\n")));
        head + "\r\n"
    }
}

impl HttpResponse {
    fn parse(answer: &str) -> Self {
        let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no response: {answer:?}"));
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
        let status = status.unwrap_or_else(|| panic!("no status: {head}"));
        Self { status, head: head.to_owned(), body: body.to_owned() }
    }

    /// Returns the value of a header, or an empty string if the response doesn't have it.
    pub fn header(&self, name: &str) -> &str {
        let mut headers = self.head.lines().filter_map(|line| line.split_once(": "));
        headers.find(|(other, _)| other.eq_ignore_ascii_case(name)).map_or("", |(_, value)| value)
    }
}
