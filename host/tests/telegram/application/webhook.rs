//! Tests a host that receives updates through a webhook and then switches to polling. Even if the host is killed or
//! stopped, no update is lost or answered twice.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;

use super::{App, OWNER};
use crate::botapi::{Fault, UpdateRequest, message};

const WEBHOOK: &str = "webhook = \"https://bot.example.org/telegram\"\nwebhook_listen = \"127.0.0.1:0\"\n";

/// Adds the webhook to the configuration.
pub fn add_webhook(app: &App) {
    let text = fs::read_to_string(app.path("config.toml")).unwrap();
    fs::write(app.path("config.toml"), text.replace("[telegram]\n", &format!("[telegram]\n{WEBHOOK}"))).unwrap();
}

fn remove_webhook(app: &App) {
    let text = fs::read_to_string(app.path("config.toml")).unwrap();
    fs::write(app.path("config.toml"), text.replace(WEBHOOK, "")).unwrap();
}

/// Starts the host, waits until it has set the webhook, and returns the address of its listener.
pub async fn start(app: &mut App) -> String {
    let (calls, logged) = (app.api.calls("setWebhook").len(), app.log().len());
    app.start();
    let address = app
        .until("the address of the listener", || {
            let log = app.log();
            let line = log[logged..].lines().find(|line| line.contains("listening for updates from Telegram"))?;
            Some(line.split("address=").nth(1)?.split_whitespace().next()?.to_owned())
        })
        .await;
    app.api.until_calls("setWebhook", calls + 1).await;
    address
}

/// Starts a host with a webhook, and makes the fake API deliver its updates there.
async fn started() -> App {
    let mut app = App::prepared().await;
    add_webhook(&app);
    let address = start(&mut app).await;
    app.api.proxy_to(Some(&address));
    app
}

fn secret(app: &App) -> String {
    fs::read_to_string(app.path("state/telegram-webhook-secret")).unwrap()
}

fn count(app: &App, text: &str) -> usize {
    app.api.chat(OWNER).iter().filter(|shown| shown.contains(text)).count()
}

fn says(id: i64, text: &str) -> Value {
    json!({"update_id": id, "message": message(OWNER, OWNER, json!({"text": text, "message_id": id}))})
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn messages_buttons_and_edits_arrive_through_the_webhook() {
    let mut app = started().await;
    app.ask(OWNER, "/new alpha", "Session 'alpha' created.").await;
    app.ask_agent(OWNER, "over HTTPS", "You said: over HTTPS").await;
    let part = |id: i64, more: Value| {
        let document = json!({"file_id": format!("d{id}"), "file_unique_id": "u", "file_name": "a.txt"});
        let mut message = message(OWNER, OWNER, json!({"document": document, "media_group_id": "A", "message_id": id}));
        message.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        json!({ "message": message })
    };
    app.api.push_all(vec![part(50, json!({"caption": "compare them"})), part(51, json!({}))]);
    app.wait_for(OWNER, 0, "You said: compare them").await;
    app.ask(OWNER, "/new beta", "Session 'beta' created.").await;
    app.ask(OWNER, "/sessions", "alpha").await;
    let first = app.api.next_id();
    app.api.press(OWNER, OWNER, "alpha");
    app.wait_for(OWNER, first, "Switched to session 'alpha'.").await;
    app.api.until_calls("answerCallbackQuery", 1).await;
    app.ask(OWNER, "hang", "Thinking…").await;
    app.api.push(json!({"message": message(OWNER, OWNER, json!({"text": "before", "message_id": 60}))}));
    app.until("the message is queued", || (app.session("alpha")["queued"] == 1).then_some(())).await;
    let edited = json!({"text": "edited", "message_id": 60, "edit_date": 1_790_000_009});
    app.api.push(json!({"edited_message": message(OWNER, OWNER, edited)}));
    app.ask(OWNER, "/timeout 5", "set to 5 minutes").await;
    app.ask(OWNER, "/stop", "Stopped").await;
    app.wait_for(OWNER, 0, "You said: edited").await;
    let secret = secret(&app);
    assert_eq!(app.api.webhook().unwrap()["secret_token"], secret);
    let mode = fs::metadata(app.path("state/telegram-webhook-secret")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert!(app.api.calls("getUpdates").is_empty());
    assert_eq!(app.terminate().await, Some(0));
    assert!(!app.log().contains(&secret), "the secret is in the log");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_host_answers_each_update_once() {
    let mut app = App::prepared().await;
    add_webhook(&app);
    let mut address = start(&mut app).await;
    let secret = secret(&app);
    // Kill the host as soon as it may have received the update, or while it answers the stored update.
    for (id, is_stored) in [(1, true), (2, false), (3, true)] {
        let text = format!("/new s{id}");
        let request = UpdateRequest::new(&secret, &says(id, &text));
        if is_stored {
            app.api.fail("sendMessage", Fault::Hang);
        }
        let sent = app.api.calls("sendMessage").len();
        // The response is never read, as if the host had been killed before sending it.
        let connection = request.begin(&address).await;
        if is_stored {
            app.api.until_calls("sendMessage", sent + 1).await;
        }
        app.kill();
        drop(connection);
        address = start(&mut app).await;
        assert_eq!(request.send(&address).await, Some(200));
        app.wait_for(OWNER, 0, &format!("Session 's{id}' created.")).await;
        // Telegram may also resend a confirmed update.
        assert_eq!(request.send(&address).await, Some(200));
    }
    let last = UpdateRequest::new(&secret, &says(9, "/help"));
    assert_eq!(last.send(&address).await, Some(200));
    app.wait_for(OWNER, 0, "/help").await;
    for id in 1..=3 {
        assert_eq!(count(&app, &format!("Session 's{id}' created.")), 1, "{:#?}", app.api.chat(OWNER));
    }
    assert_eq!(count(&app, "already"), 0, "{:#?}", app.api.chat(OWNER));
    assert_eq!(self::secret(&app), secret, "the secret is created once");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_termination_does_not_wait_for_an_open_request() {
    let mut app = App::prepared().await;
    add_webhook(&app);
    let address = start(&mut app).await;
    let request = UpdateRequest::new(&secret(&app), &says(1, "/new alpha"));
    let mut stream = tokio::net::TcpStream::connect(&address).await.unwrap();
    let half = request.body.len() / 2;
    stream.write_all(request.head(request.body.len()).as_bytes()).await.unwrap();
    stream.write_all(&request.body[..half]).await.unwrap();
    let began = Instant::now();
    assert_eq!(app.terminate().await, Some(0));
    // Normally, the host waits up to ten seconds for the rest of a body.
    assert!(began.elapsed() < Duration::from_secs(9), "the shutdown waited for the request");
    let address = start(&mut app).await;
    assert_eq!(request.send(&address).await, Some(200));
    app.wait_for(OWNER, 0, "Session 'alpha' created.").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_host_deletes_its_webhook_before_it_polls() {
    let mut app = started().await;
    app.ask(OWNER, "/new alpha", "Session 'alpha' created.").await;
    app.api.proxy_to(None);
    app.api.says(OWNER, "while the host is off");
    remove_webhook(&app);
    app.wait_for(OWNER, 0, "telegram.webhook").await;
    assert_eq!(app.terminate().await, Some(0));
    app.start();
    app.wait_for(OWNER, 0, "while the host is off").await;
    assert_eq!(app.api.calls("deleteWebhook").len(), 1);
    let deleted = || (!app.path("state/telegram-webhook-secret").exists()).then_some(());
    app.until("the end of the secret", deleted).await;
    assert_eq!(app.terminate().await, Some(0));
    app.start();
    app.ask(OWNER, "polled", "polled").await;
    assert_eq!(app.api.calls("deleteWebhook").len(), 1, "the webhook of another program stays");
    // Switch back to the webhook, with a new secret.
    add_webhook(&app);
    app.wait_for(OWNER, 0, "telegram.webhook").await;
    assert_eq!(app.terminate().await, Some(0));
    let address = start(&mut app).await;
    app.api.proxy_to(Some(&address));
    app.ask(OWNER, "pushed", "pushed").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_address_in_use_prevents_the_start() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let mut app = App::prepared().await;
    add_webhook(&app);
    let text = fs::read_to_string(app.path("config.toml")).unwrap();
    fs::write(app.path("config.toml"), text.replace("127.0.0.1:0", &address)).unwrap();
    app.start();
    assert_eq!(app.ended().await, Some(1));
    let log = app.log();
    assert!(log.contains(&address) && log.contains("[telegram] webhook_listen"), "{log}");
}
