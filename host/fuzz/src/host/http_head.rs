//! Serves a connection of the Telegram webhook: only an authenticated request reaches the bot, every connection ends,
//! and the response doesn't depend on how the network divides the request.

use std::{
    pin::Pin,
    sync::{Arc, LazyLock},
    task::{Context, Poll},
    time::Duration,
};

use cordboard::{http_server::serve_connection, telegram_webhook::TelegramWebhookServer};
use cordboard_core::config::{self, WebhookUrl};
use cordboard_telegram::{UpdateWebhook, WebhookOutcome};
use tokio::io::{AsyncRead, ReadBuf};

const SECRET: &str = "open-sesame";

/// The size of the pieces in which the request arrives the second time. It is prime, so that the pieces end anywhere in
/// a line.
const PIECE: usize = 7;

/// The statuses that the server returns, including those for heads that hyper rejects.
const STATUSES: [&str; 10] = ["100", "200", "400", "401", "404", "405", "408", "413", "414", "431"];

/// The beginning of an HTTP/2 connection.
const HTTP_2: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

const TIMEOUT: Duration = Duration::from_secs(60);

static URL: LazyLock<WebhookUrl> = LazyLock::new(|| {
    let config = config::load("[telegram]\nwebhook = \"https://bot.example.org/telegram\"");
    config.expect("the configuration is valid").telegram.webhook.expect("it has a webhook")
});

/// The bytes that the server wrote, and the bodies that reached the bot.
#[derive(Debug, PartialEq, Eq)]
struct Exchange {
    response: Vec<u8>,
    bodies: Vec<Vec<u8>>,
}

pub fn check(data: &[u8]) {
    // Time passes only while the server waits for the rest of a request.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    let runtime = runtime.expect("a runtime without I/O starts");
    let whole = runtime.block_on(exchange(data, data.len()));
    assert_valid(data, &whole);
    let pieces = runtime.block_on(exchange(data, PIECE));
    // How the bytes arrive decides whether hyper answers the start of an HTTP/2 connection, and whether it notices an
    // error in an incomplete head or waits for the rest.
    let is_http_2 = data.windows(HTTP_2.len()).any(|bytes| bytes == HTTP_2);
    let is_incomplete = [&whole, &pieces].iter().any(|exchange| exchange.response.starts_with(b"HTTP/1.1 408 "));
    if is_http_2 || is_incomplete {
        assert_eq!(pieces.bodies, whole.bodies, "{:?}", String::from_utf8_lossy(data));
    } else {
        assert_eq!(pieces, whole, "{:?}", String::from_utf8_lossy(data));
    }
}

fn assert_valid(data: &[u8], exchange: &Exchange) {
    let response = String::from_utf8_lossy(&exchange.response);
    let is_authenticated = data.windows(SECRET.len()).any(|bytes| bytes == SECRET.as_bytes());
    assert!(exchange.bodies.len() <= 1 && (exchange.bodies.is_empty() || is_authenticated), "{exchange:?}");
    assert_eq!(!exchange.bodies.is_empty(), response.contains(" 200 OK\r\n"), "{response}");
    if !response.is_empty() {
        let (version, rest) = response.split_once(' ').unwrap_or_else(|| panic!("{response}"));
        let status = rest.split(' ').next().unwrap_or_default();
        assert!(matches!(version, "HTTP/1.0" | "HTTP/1.1") && STATUSES.contains(&status), "{response}");
    }
}

/// Sends a request in pieces of this size, and leaves the connection open.
async fn exchange(data: &[u8], piece: usize) -> Exchange {
    let mut server = TelegramWebhookServer::new(SECRET.to_owned());
    let UpdateWebhook { mut requests, .. } = server.add(&URL);
    let (mut response, mut bodies) = (Vec::new(), Vec::new());
    let stream = tokio::io::join(Pieces { rest: data, size: piece }, &mut response);
    let receive = async {
        while let Some(request) = requests.recv().await {
            bodies.push(request.body.to_vec());
            request.outcome.send(WebhookOutcome::Stored).expect("the server waits for the outcome");
        }
    };
    tokio::join!(serve_connection(Arc::new(server), stream, TIMEOUT), receive);
    Exchange { response: without_date(&response), bodies }
}

fn without_date(response: &[u8]) -> Vec<u8> {
    let lines = response.split_inclusive(|byte| *byte == b'\n');
    lines.filter(|line| !line.starts_with(b"date: ")).flatten().copied().collect()
}

/// Reads a text in pieces, and then waits forever.
struct Pieces<'a> {
    rest: &'a [u8],
    size: usize,
}

impl AsyncRead for Pieces<'_> {
    fn poll_read(mut self: Pin<&mut Self>, _: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<std::io::Result<()>> {
        if self.rest.is_empty() {
            return Poll::Pending;
        }
        let (piece, rest) = self.rest.split_at(self.size.min(self.rest.len()).min(buffer.remaining()));
        buffer.put_slice(piece);
        self.rest = rest;
        Poll::Ready(Ok(()))
    }
}
