//! Tests concurrent, slow, aborted and oversized webhook requests: the server gives a reason when it rejects one, and
//! keeps answering other requests.

use std::{
    fs,
    io::{Read, Write},
    net::{Shutdown, TcpStream},
    thread,
    time::Duration,
};

use super::{
    super::support::{Home, Host, HttpClient, until},
    SECRET, home, webhook_client,
};

/// The webhook server's maximum number of connections.
const CONNECTIONS: usize = 64;

/// The maximum number of concurrent webhook calls to plugins.
const CALLS: usize = 16;

/// Returns a home with the `webhook_echo` plugin, which never responds to `/sleep`.
fn webhook_echo() -> Home {
    let home = home("[plugins.webhook_echo]\ntime = \"60s\"\n[plugins.webhook_echo.webhook]\ntoken = \"ours\"\n");
    home.plug("webhook_echo", "webhook_echo");
    home
}

/// Returns the head of an authenticated request that declares this content length.
fn head(path: &str, length: usize) -> String {
    format!(
        "POST /hooks/webhook_echo{path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {SECRET}\r\nContent-Length: {length}\r\n\r\n"
    )
}

impl HttpClient {
    /// Sends the text and keeps the connection open.
    fn begin(&self, bytes: &str) -> TcpStream {
        let mut stream = self.connect();
        stream.write_all(bytes.as_bytes()).unwrap();
        stream
    }

    /// Returns the number of connections that the server hasn't accepted yet, as reported by the kernel for the
    /// listening socket.
    fn waiting(&self) -> usize {
        let port: u16 = self.address.rsplit(':').next().unwrap().parse().unwrap();
        let (listening, local) = ("0A", format!("0100007F:{port:04X}"));
        let table = fs::read_to_string("/proc/net/tcp").unwrap();
        let mut rows = table.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
        let row = rows.find(|row| row[1] == local && row[3] == listening).expect("the host listens");
        usize::from_str_radix(row[4].split(':').nth(1).unwrap(), 16).unwrap()
    }
}

fn rest(mut stream: TcpStream) -> String {
    let mut answer = String::new();
    // If the server responds before reading the whole request, the client may see a connection reset.
    let _: std::io::Result<usize> = stream.read_to_string(&mut answer);
    answer
}

fn still_answers(client: &HttpClient, host: &mut Host<'_>) {
    let good = format!("Bearer {SECRET}");
    let (status, body) = client.ask("POST /hooks/webhook_echo/after", &[("Authorization", &good)], "all of it");
    assert!(status == 200 && body.ends_with("all of it\n"), "{status} {body}\n{}", host.log());
}

#[test]
fn eight_concurrent_requests_are_answered() {
    let home = webhook_echo();
    let mut host = home.start();
    let client = webhook_client(&mut host);
    thread::scope(|scope| {
        let requests: Vec<_> = (0..8)
            .map(|number| {
                let client = &client;
                scope.spawn(move || {
                    let good = format!("Bearer {SECRET}");
                    client.ask(
                        &format!("POST /hooks/webhook_echo/{number}"),
                        &[("Authorization", &good)],
                        &format!("mine is {number}"),
                    )
                })
            })
            .collect();
        for (number, request) in requests.into_iter().enumerate() {
            let (status, body) = request.join().unwrap();
            assert_eq!(status, 200);
            assert!(
                body.starts_with(&format!("POST /{number} ")) && body.ends_with(&format!("mine is {number}\n")),
                "{body}"
            );
        }
    });
}

#[test]
fn requests_over_the_limit_get_429_with_retry_after() {
    let home = webhook_echo();
    let mut host = home.start();
    let client = webhook_client(&mut host);
    let mut busy: Vec<_> = (0..CALLS).map(|_| client.begin(&head("/sleep", 0))).collect();
    let mut last = String::new();
    until("a request is rejected", || {
        // A probe may take the slot that an earlier `/sleep` request needed, so send another `/sleep` request before
        // each probe.
        busy.push(client.begin(&head("/sleep", 0)));
        last = client.send(head("/", 0).as_bytes());
        last.starts_with("HTTP/1.1 429 ")
    });
    assert!(last.contains("retry-after: 1\r\n"), "{last}");
    assert!(last.ends_with("too many requests at once: try again in a moment\n"), "{last}");
    // The server doesn't tell unauthenticated clients that it is busy, and the chat still works.
    assert_eq!(client.ask("POST /hooks/webhook_echo", &[], "x").0, 401);
    host.ask("/new a", "Session 'a' created.");
    // Disconnecting frees the slots.
    drop(busy);
    until("there is room again", || client.send(head("/", 0).as_bytes()).starts_with("HTTP/1.1 200 "));
}

#[test]
fn slow_requests_time_out() {
    let home = webhook_echo();
    let mut host = home.start();
    let client = webhook_client(&mut host);
    let slow = [
        (client.begin("POST /hooks/webhook_echo HTTP/1.1\r\nHost: x\r\n"), "the request headers arrived too slowly\n"),
        (client.begin(""), "the request headers arrived too slowly\n"),
        (client.begin(&format!("{}some", head("/", 10))), "the body arrived too slowly\n"),
    ];
    still_answers(&client, &mut host);
    for (stream, why) in slow {
        let answer = rest(stream);
        assert!(answer.starts_with("HTTP/1.1 408 ") && answer.ends_with(why), "{why}: {answer}");
    }
}

#[test]
fn an_aborted_request_affects_no_other() {
    let home = webhook_echo();
    let mut host = home.start();
    let client = webhook_client(&mut host);
    let chunked = head("/", 0).replace("Content-Length: 0", "Transfer-Encoding: chunked");
    for begun in ["POST /hoo".to_owned(), format!("{}some", head("/half", 10)), format!("{chunked}5\r\nso")] {
        // A client that closes only its sending side may still receive an error.
        let stream = client.begin(&begun);
        stream.shutdown(Shutdown::Write).unwrap();
        let answer = rest(stream);
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 400 "), "{begun}: {answer}");
        drop(client.begin(&begun));
    }
    // The request is complete, but its response is never read.
    drop(client.begin(&format!("{}0123456789", head("/gone", 10))));
    still_answers(&client, &mut host);
    assert!(!host.log().contains("panicked"), "{}", host.log());
}

#[test]
fn oversized_requests_are_refused_unread() {
    let home = webhook_echo();
    let mut host = home.start();
    let client = webhook_client(&mut host);
    for length in [1025, usize::MAX / 4] {
        // Send only the head, not the body.
        let answer = rest(client.begin(&head("/", length)));
        assert!(
            answer.starts_with("HTTP/1.1 413 ") && answer.ends_with("the body has more than 1024 bytes\n"),
            "{answer}"
        );
    }
    let most = "x".repeat(1024);
    assert!(client.send(format!("{}{most}", head("/", 1024)).as_bytes()).starts_with("HTTP/1.1 200 "));
    still_answers(&client, &mut host);
}

#[test]
fn connections_over_the_limit_wait() {
    let home = webhook_echo();
    let mut host = home.start();
    let client = webhook_client(&mut host);
    let mut connections = Vec::new();
    // This loop usually finishes before the server's body timeout expires. If it doesn't, the loop starts over.
    until("some connections are not accepted yet", || {
        connections.clear();
        connections.extend((0..CONNECTIONS + 2).map(|_| client.begin(&format!("{}some", head("/", 10)))));
        until("the other connections are accepted", || client.waiting() <= 2);
        (0..5).all(|_| {
            thread::sleep(Duration::from_millis(20));
            client.waiting() == 2
        })
    });
    let waiting = client.begin(&head("/", 0));
    connections.clear();
    let answer = rest(waiting);
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    still_answers(&client, &mut host);
}
