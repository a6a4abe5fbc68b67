//! Tests the webhook with the host's HTTP server and an in-memory inbox: the server rejects invalid requests, and
//! confirms updates only after storing them.

use std::sync::Arc;

use cordboard::telegram_webhook::TelegramWebhookServer;
use cordboard_core::config;
use cordboard_telegram::ReceiveError;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    task::JoinHandle,
};

use crate::{
    botapi::{DEADLINE, Fault, UpdateRequest, message},
    test_bot::{ADA, TestBot, receiver_settings},
};

const SECRET: &str = "0123456789abcdef-secret_token";

struct WebhookBot {
    bot: TestBot,
    address: String,
    receiving: JoinHandle<ReceiveError>,
}

impl WebhookBot {
    /// Starts a bot that receives updates through the webhook `https://bot.example.org/telegram`.
    async fn start(bot: TestBot) -> Self {
        let config = config::load("[telegram]\nwebhook = \"https://bot.example.org/telegram\"").unwrap();
        let mut server = TelegramWebhookServer::new(SECRET.to_owned());
        let webhook = server.add(&config.telegram.webhook.unwrap());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        tokio::spawn(Arc::new(server).serve(listener));
        let telegram = Arc::clone(&bot.telegram);
        let settings = receiver_settings(DEADLINE);
        let receiving = tokio::spawn(async move { telegram.serve_webhook(settings, webhook).await.unwrap_err() });
        Self { bot, address, receiving }
    }

    async fn new() -> Self {
        Self::start(TestBot::new().await).await
    }

    async fn send(&self, request: &UpdateRequest) -> Option<u16> {
        tokio::time::timeout(DEADLINE, request.send(&self.address)).await.expect("a response")
    }

    fn texts(&self) -> Vec<String> {
        self.bot.inbox.updates().iter().map(|update| format!("{:?}", update.what)).collect()
    }
}

fn text_update(id: i64, text: &str) -> Value {
    json!({"update_id": id, "message": message(ADA, ADA, json!({"text": text, "message_id": id}))})
}

fn request(id: i64, text: &str) -> UpdateRequest {
    UpdateRequest::new(SECRET, &text_update(id, text))
}

#[tokio::test]
async fn the_webhook_is_set_with_its_secret() {
    let running = WebhookBot::new().await;
    running.bot.api.until_calls("setWebhook", 1).await;
    let expected = json!({
        "url": "https://bot.example.org/telegram", "secret_token": SECRET, "max_connections": 4,
        "allowed_updates": ["message", "edited_message", "callback_query", "stopped_message_generation"],
    });
    assert_eq!(running.bot.api.webhook(), Some(expected));
    running.bot.api.proxy_to(Some(&running.address));
    for text in ["one", "two", "three"] {
        running.bot.api.says(ADA, text);
    }
    let stored = running.bot.until_stored(3).await;
    let keys: Vec<_> = stored.iter().map(|update| update.key.split(':').next().unwrap().to_owned()).collect();
    assert_eq!(keys, ["1000", "1001", "1002"]);
    assert!(running.bot.inbox.last_offset().is_some(), "the updates are stored with an offset");
    assert!(running.bot.api.calls("getUpdates").is_empty());
    assert!(!running.bot.log.text().contains(SECRET), "{}", running.bot.log.text());
}

#[tokio::test]
async fn repeated_and_unordered_updates_are_stored_once() {
    let running = WebhookBot::new().await;
    assert_eq!(running.send(&request(7, "later")).await, Some(200));
    assert_eq!(running.send(&request(5, "earlier")).await, Some(200));
    let (first, second) = (request(6, "twice"), request(6, "twice"));
    let both = tokio::join!(running.send(&first), running.send(&second));
    assert_eq!(both, (Some(200), Some(200)));
    assert_eq!(running.send(&request(7, "later")).await, Some(200));
    let texts = running.texts();
    assert_eq!(texts.len(), 3, "{texts:?}");
    for (stored, text) in texts.iter().zip(["later", "earlier", "twice"]) {
        assert!(stored.contains(text), "{texts:?}");
    }
}

#[tokio::test]
async fn unauthenticated_requests_are_refused() {
    let running = WebhookBot::new().await;
    let good = request(1, "hello");
    let of = |target: &str| UpdateRequest { target: target.to_owned(), ..good.clone() };
    let shown = |secret: Option<&str>| UpdateRequest { secret: secret.map(str::to_owned), ..good.clone() };
    assert_eq!(running.send(&of("POST /")).await, Some(404));
    assert_eq!(running.send(&of("POST /telegram/")).await, Some(404));
    assert_eq!(running.send(&of("POST /hooks/telegram")).await, Some(404));
    for method in ["GET", "PUT", "DELETE"] {
        assert_eq!(running.send(&of(&format!("{method} /telegram"))).await, Some(405), "{method}");
    }
    for secret in [None, Some(""), Some("wrong"), Some(&SECRET[1..]), Some(&format!("{SECRET}x"))] {
        assert_eq!(running.send(&shown(secret)).await, Some(401), "{secret:?}");
    }
    assert_eq!(running.bot.log.count("rejecting requests to the Telegram webhook"), 1, "{}", running.bot.log.text());
    assert!(running.bot.inbox.updates().is_empty());
    assert_eq!(running.send(&good).await, Some(200));
    assert_eq!(running.texts().len(), 1);
}

#[tokio::test]
async fn oversized_bodies_are_refused_unread() {
    let running = WebhookBot::new().await;
    let huge = UpdateRequest { body: Vec::new(), ..request(1, "x") };
    let stranger = UpdateRequest { secret: None, ..huge.clone() };
    for (request, status) in [(huge, "413"), (stranger, "401")] {
        let mut stream = tokio::net::TcpStream::connect(&running.address).await.unwrap();
        stream.write_all(request.head(usize::MAX / 4).as_bytes()).await.unwrap();
        let mut answer = String::new();
        let reading = tokio::time::timeout(DEADLINE, stream.read_to_string(&mut answer));
        let _: std::io::Result<usize> = reading.await.expect("a response");
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{answer}");
    }
    let headers = UpdateRequest { target: format!("POST /telegram?{}", "x".repeat(20_000)), ..request(1, "x") };
    assert_eq!(running.send(&headers).await, Some(431));
}

#[tokio::test]
async fn a_slow_client_delays_no_other() {
    let running = WebhookBot::new().await;
    let mut slow = Vec::new();
    for _ in 0..8 {
        let mut stream = tokio::net::TcpStream::connect(&running.address).await.unwrap();
        stream.write_all(request(1, "x").head(10).as_bytes()).await.unwrap();
        slow.push(stream);
    }
    assert_eq!(running.send(&request(2, "fast")).await, Some(200));
    assert_eq!(running.texts().len(), 1);
}

#[tokio::test]
async fn an_irrelevant_update_is_confirmed() {
    let running = WebhookBot::new().await;
    let stranger = json!({"update_id": 3, "message": message(9, 9, json!({"text": "who are you?"}))});
    for body in [stranger, json!({"update_id": 1, "poll": {}}), json!({"update_id": "x"}), json!({}), json!([1])] {
        assert_eq!(running.send(&UpdateRequest::new(SECRET, &body)).await, Some(200), "{body}");
    }
    for body in ["", "{", "no json"] {
        let invalid = UpdateRequest { body: body.into(), ..request(1, "x") };
        assert_eq!(running.send(&invalid).await, Some(400), "{body}");
    }
    assert!(running.bot.inbox.updates().is_empty());
}

#[tokio::test]
async fn an_update_that_is_not_stored_is_sent_again() {
    let running = WebhookBot::new().await;
    running.bot.inbox.break_down(2);
    let update = request(1, "kept by Telegram");
    assert_eq!(running.send(&update).await, Some(503));
    assert_eq!(running.send(&update).await, Some(503));
    assert_eq!(running.send(&update).await, Some(200));
    assert_eq!(running.texts().len(), 1);
    let shown = "Not stored yet; trying again: store a new message: no space left on device";
    assert_eq!(running.bot.api.chat(ADA), [shown], "once, however often it fails");
    assert_eq!(running.bot.log.count("failed to store messages"), 1);
    assert_eq!(running.bot.log.count("receiving messages from Telegram again"), 1);
}

#[tokio::test]
async fn an_update_that_is_not_synced_is_sent_again() {
    let running = WebhookBot::new().await;
    running.bot.inbox.fail_syncs(1);
    let update = request(1, "handled at once");
    assert_eq!(running.send(&update).await, Some(503));
    assert_eq!(running.texts().len(), 1);
    assert_eq!(running.send(&update).await, Some(200));
    assert_eq!(running.texts().len(), 1);
}

#[tokio::test]
async fn a_stopped_receiver_confirms_nothing() {
    let running = WebhookBot::new().await;
    running.bot.api.until_calls("setWebhook", 1).await;
    running.receiving.abort();
    assert_eq!(running.send(&request(1, "too late")).await, Some(503));
    assert!(running.bot.inbox.updates().is_empty());
}

#[tokio::test]
async fn a_refused_webhook_is_retried_and_names_the_remedy() {
    let bot = TestBot::new().await;
    let why = "Bad Request: bad webhook: Failed to resolve host: Name or service not known";
    bot.api.fail("setWebhook", Fault::Error(400, why));
    bot.api.fail("setWebhook", Fault::Error(400, why));
    bot.api.fail("setWebhook", Fault::Garbage(502));
    let running = WebhookBot::start(bot).await;
    running.bot.api.until_calls("setWebhook", 4).await;
    running.bot.until_logged("receiving messages from Telegram through the webhook").await;
    let log = running.bot.log.text();
    assert_eq!(running.bot.log.count("Telegram refuses the webhook"), 1, "{log}");
    assert!(log.contains("Failed to resolve host") && log.contains("correct [telegram] webhook"), "{log}");
    assert_eq!(running.bot.log.count("Telegram is unavailable"), 1, "{log}");
    // The webhook may still be set from an earlier run, so the host accepts updates before `setWebhook` succeeds.
    assert_eq!(running.send(&request(1, "hello")).await, Some(200));
}

#[tokio::test]
async fn an_unknown_token_ends_the_webhook() {
    let bot = TestBot::new().await;
    bot.api.fail("getMe", Fault::Error(401, "Unauthorized"));
    let running = WebhookBot::start(bot).await;
    let error = running.receiving.await.unwrap().to_string();
    assert!(error.contains("@BotFather"), "{error}");
    assert!(running.bot.api.calls("setWebhook").is_empty());
}

#[tokio::test]
async fn the_webhook_of_another_program_is_reported() {
    let bot = TestBot::new().await;
    let why =
        "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first";
    bot.api.fail("getUpdates", Fault::Error(409, why));
    bot.api.fail("getUpdates", Fault::Error(409, why));
    bot.api.says(ADA, "through");
    let _poll = bot.poll();
    bot.until_stored(1).await;
    let log = bot.log.text();
    assert_eq!(bot.log.count("a webhook that this host has not set"), 1, "{log}");
    assert!(log.contains("/deleteWebhook") && log.contains("[telegram] webhook"), "{log}");
    assert_eq!(bot.log.count("another program is polling"), 0, "{log}");
    assert!(bot.api.calls("deleteWebhook").is_empty());
}

#[tokio::test]
async fn deleting_the_webhook_is_retried() {
    let bot = TestBot::new().await;
    bot.api.fail("deleteWebhook", Fault::Garbage(502));
    let settings = receiver_settings(DEADLINE);
    bot.telegram.delete_webhook(&settings).await.unwrap();
    let calls = bot.api.calls("deleteWebhook");
    assert_eq!(calls.len(), 2);
    assert!(calls.iter().all(|call| call.params["drop_pending_updates"].is_null()), "{calls:?}");
}
