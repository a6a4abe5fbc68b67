//! Delivers updates to the host's webhook, as Telegram does through a reverse proxy.

use std::{sync::Arc, time::Duration};

use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::{BotApi, Shared};

/// The pause before an unconfirmed update is resent.
const AGAIN: Duration = Duration::from_millis(20);

/// A webhook request that delivers an update.
#[derive(Debug, Clone)]
pub struct UpdateRequest {
    /// The method and the path, as in `POST /telegram`.
    pub target: String,
    pub secret: Option<String>,
    pub body: Vec<u8>,
}

impl UpdateRequest {
    pub fn new(secret: &str, update: &Value) -> Self {
        let target = "POST /telegram".to_owned();
        Self { target, secret: Some(secret.to_owned()), body: update.to_string().into_bytes() }
    }

    /// Returns the request's head, with this content length.
    pub fn head(&self, length: usize) -> String {
        let secret = self.secret.as_ref().map(|secret| format!("X-Telegram-Bot-Api-Secret-Token: {secret}\r\n"));
        let secret = secret.unwrap_or_default();
        format!(
            "{} HTTP/1.1\r\nHost: bot.example.org\r\n{secret}Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n",
            self.target
        )
    }

    /// Sends the request to the address. Returns the response status, or `None` if there is no response.
    pub async fn send(&self, address: &str) -> Option<u16> {
        let mut stream = self.begin(address).await?;
        let mut answer = Vec::new();
        // If the server responds before it has read the whole request, the connection may be reset.
        let _: std::io::Result<usize> = stream.read_to_end(&mut answer).await;
        String::from_utf8_lossy(&answer).split(' ').nth(1)?.parse().ok()
    }

    /// Sends the request, and returns the connection without reading the response.
    pub async fn begin(&self, address: &str) -> Option<TcpStream> {
        let mut stream = TcpStream::connect(address).await.ok()?;
        stream.write_all(self.head(self.body.len()).as_bytes()).await.ok()?;
        stream.write_all(&self.body).await.ok()?;
        Some(stream)
    }
}

impl BotApi {
    /// Sets the address to which the reverse proxy forwards requests. If it is `None`, no requests arrive.
    pub fn proxy_to(&self, address: Option<&str>) {
        self.with(|inner| inner.proxy_to = address.map(str::to_owned));
    }

    /// Returns the current webhook's parameters.
    pub fn webhook(&self) -> Option<Value> {
        self.look(|inner| inner.webhook.clone())
    }
}

/// Sends the queued updates in order, retrying each until it is confirmed.
pub(super) async fn deliver(shared: Arc<Shared>) {
    let mut changed = shared.changed.subscribe();
    loop {
        let next = shared.look(|inner| {
            let webhook = inner.webhook.as_ref()?;
            let update = inner.updates.front()?;
            let secret = webhook["secret_token"].as_str().map(str::to_owned);
            let (_, path) = webhook["url"].as_str()?.strip_prefix("https://")?.split_once('/')?;
            let request = UpdateRequest { target: format!("POST /{path}"), secret, body: update.to_string().into() };
            Some((inner.proxy_to.clone()?, update["update_id"].clone(), request))
        });
        let Some((address, id, request)) = next else {
            if changed.changed().await.is_err() {
                return;
            }
            continue;
        };
        match request.send(&address).await {
            Some(200) => shared.with(|inner| inner.updates.retain(|update| update["update_id"] != id)),
            Some(_) | None => tokio::time::sleep(AGAIN).await,
        }
    }
}
