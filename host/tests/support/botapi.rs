//! A fake Telegram Bot API over HTTP on loopback: it stores messages, delivers updates by long polling or to a webhook,
//! fails on demand, and checks each call against the real API's schema.

use std::{
    collections::{BTreeMap, HashMap, HashSet, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use axum::{
    Router,
    body::Body,
    extract::{FromRequest, Multipart, Request, State},
    http::{
        StatusCode,
        header::{CONTENT_LENGTH, CONTENT_TYPE},
    },
    response::{IntoResponse, Response},
};
use serde_json::{Map, Value, json};
use tokio::{net::TcpListener, sync::watch, time::timeout};

#[path = "botapi/buttons.rs"]
mod buttons;
#[path = "botapi/chat_texts.rs"]
mod chat_texts;
#[path = "botapi/schema.rs"]
pub mod schema;
#[path = "botapi/topics.rs"]
mod topics;
#[path = "botapi/webhook.rs"]
mod webhook;

use chat_texts::with_rich_text;
use schema::Schema;
pub use topics::Topic;
pub use webhook::UpdateRequest;

pub const TOKEN: &str = "42:AbC-dEf_ghijklmnop";

/// The time limit of each wait. Only a test that hangs reaches it.
pub const DEADLINE: Duration = Duration::from_secs(120);

/// A way in which a call can fail.
#[derive(Debug, Clone)]
pub enum Fault {
    /// The response is an error with this code and description.
    Error(u16, &'static str),
    /// The response has status 429 and this retry delay in seconds.
    Flood(u64),
    /// The response has this status, and its body isn't JSON.
    Garbage(u16),
    /// There is no response.
    Hang,
    /// The call takes effect, but the response has status 502, as if a proxy had lost the real response.
    Lost,
    /// The connection closes in the middle of a file.
    Cut,
    /// The connection closes without a response, before the call takes effect.
    Reset,
    /// The call takes effect, but the connection closes without a response.
    TakenThenReset,
}

/// Sees each call before it takes effect, and may make it fail.
pub type FaultInjector = Box<dyn FnMut(&Call) -> Option<Fault> + Send>;

#[derive(Debug, Clone)]
pub struct Call {
    /// The method's name in lower case.
    pub method: String,
    pub params: Value,
}

impl Call {
    pub fn text(&self) -> &str {
        self.params["text"].as_str().unwrap_or_default()
    }
}

#[derive(Default)]
struct Inner {
    calls: Vec<Call>,
    updates: VecDeque<Value>,
    next_update: i64,
    next_message: i64,
    /// Each message's text, entities, keyboard and topic, keyed by chat and message id.
    messages: HashMap<(i64, i64), Value>,
    faults: HashMap<String, VecDeque<Fault>>,
    fault_injector: Option<FaultInjector>,
    /// True if the current or next poll fails with a conflict, as if another program were polling with the same token.
    rival: bool,
    /// The files' contents, keyed by file id.
    files: HashMap<String, Vec<u8>>,
    /// Chats that have blocked the bot.
    blocked: HashSet<i64>,
    /// Groups that became supergroups, with their new ids.
    moved: HashMap<i64, i64>,
    /// Groups that have topics. The value says whether the bot may manage the topics.
    forums: HashMap<i64, bool>,
    /// True if topic mode is turned on for the bot.
    topic_mode: bool,
    /// The topics that the bot has created, keyed by chat and topic id.
    topics: HashMap<(i64, i64), topics::Topic>,
    complaints: Vec<String>,
    /// The current webhook's parameters.
    webhook: Option<Value>,
    /// True if the token was revoked, so that all calls fail.
    is_revoked: bool,
    /// The address to which a reverse proxy forwards webhook requests.
    proxy_to: Option<String>,
}

struct Shared {
    token: String,
    inner: Mutex<Inner>,
    changed: watch::Sender<u64>,
    schema: Schema,
}

pub struct BotApi {
    pub url: String,
    shared: Arc<Shared>,
}

impl BotApi {
    pub async fn start() -> Self {
        Self::start_with(TOKEN).await
    }

    /// Starts another bot's API. The id in `token` becomes the bot's id.
    pub async fn start_with(token: &str) -> Self {
        let token = token.to_owned();
        let inner = Inner { next_update: 1000, next_message: 1, ..Inner::default() };
        let shared = Arc::new(Shared {
            token,
            inner: Mutex::new(inner),
            changed: watch::Sender::new(0),
            schema: Schema::load(),
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new().fallback(handle).with_state(Arc::clone(&shared));
        tokio::spawn(async move { axum::serve(listener, router).await });
        tokio::spawn(webhook::deliver(Arc::clone(&shared)));
        Self { url, shared }
    }

    /// Makes the next call of `method` fail. If a test sets several faults, consecutive calls fail with them in order.
    pub fn fail(&self, method: &str, fault: Fault) {
        self.with(|inner| inner.faults.entry(method.to_lowercase()).or_default().push_back(fault));
    }

    /// Asks `injector` about each call that no queued fault applies to.
    pub fn inject_faults(&self, injector: FaultInjector) {
        self.with(|inner| inner.fault_injector = Some(injector));
    }

    /// Adds a file. Downloading any other id returns default content, except `gone`, which fails. Faults for the method
    /// `file` apply to downloads.
    pub fn add_file(&self, id: &str, content: Vec<u8>) {
        self.with(|inner| inner.files.insert(id.to_owned(), content));
    }

    pub fn block(&self, chat: i64) {
        self.with(|inner| inner.blocked.insert(chat));
    }

    /// Revokes the bot's token. Ends the current poll.
    pub fn revoke(&self) {
        self.with(|inner| inner.is_revoked = true);
    }

    pub fn unblock(&self, chat: i64) {
        self.with(|inner| inner.blocked.remove(&chat));
    }

    /// Turns a group into a supergroup.
    pub fn migrate(&self, from: i64, to: i64) {
        self.with(|inner| inner.moved.insert(from, to));
    }

    /// Simulates another program polling with the same token: the current poll, or else the next one, fails with a
    /// conflict, as in the real API.
    pub fn rival(&self) {
        self.with(|inner| inner.rival = true);
    }

    /// Queues an update, and returns its `update_id`.
    pub fn push(&self, update: Value) -> i64 {
        self.push_all(vec![update])
    }

    /// Queues updates that one poll returns together. Updates that have an id keep it. Returns the last id that it has
    /// chosen.
    pub fn push_all(&self, updates: Vec<Value>) -> i64 {
        self.with(|inner| {
            for mut update in updates {
                if update["update_id"].is_null() {
                    update["update_id"] = inner.next_update.into();
                    inner.next_update += 1;
                }
                inner.updates.push_back(update);
            }
            inner.next_update - 1
        })
    }

    /// Queues an update with the given id.
    pub fn push_as(&self, id: i64, mut update: Value) {
        update["update_id"] = id.into();
        self.push_all(vec![update]);
    }

    /// Queues a user's text message in the user's private chat, and returns the update id.
    pub fn says(&self, user: i64, text: &str) -> i64 {
        self.push(json!({"message": message(user, user, json!({"text": text}))}))
    }

    /// Returns the texts of all messages that exist, by chat and message id.
    pub fn shown_texts(&self) -> BTreeMap<(i64, i64), String> {
        let text = |message: &Value| message["text"].as_str().unwrap_or_default().to_owned();
        self.look(|inner| inner.messages.iter().map(|(key, message)| (*key, text(message))).collect())
    }

    pub fn calls(&self, method: &str) -> Vec<Call> {
        self.look(|inner| inner.calls.iter().filter(|call| call.method == method.to_lowercase()).cloned().collect())
    }

    /// Waits until `holds` returns true. Checks it after each API call and each change by the test.
    pub async fn until(&self, what: &str, holds: impl Fn(&Self) -> bool) {
        let mut changed = self.shared.changed.subscribe();
        let waited = timeout(DEADLINE, async {
            while !holds(self) {
                changed.changed().await.unwrap();
            }
        });
        if waited.await.is_err() {
            panic!("never seen: {what}; calls: {:#?}", self.look(|inner| inner.calls.clone()));
        }
    }

    pub async fn until_calls(&self, method: &str, count: usize) {
        self.until(&format!("{count} calls of {method}"), |api| api.calls(method).len() >= count).await;
    }

    fn with<T>(&self, work: impl FnOnce(&mut Inner) -> T) -> T {
        self.shared.with(work)
    }

    fn look<T>(&self, read: impl FnOnce(&Inner) -> T) -> T {
        self.shared.look(read)
    }
}

impl Drop for BotApi {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            let complaints = self.with(|inner| std::mem::take(&mut inner.complaints));
            assert!(complaints.is_empty(), "calls that the Bot API would refuse: {complaints:#?}");
        }
    }
}

/// Returns a message in the Bot API's format, with the additional fields in `more`.
pub fn message(user: i64, chat: i64, more: Value) -> Value {
    let kind = if chat < 0 { "supergroup" } else { "private" };
    let mut message = json!({
        "message_id": 7, "date": 1_790_000_000,
        "from": {"id": user, "is_bot": false, "first_name": "Ada", "last_name": "L", "language_code": "en"},
        "chat": {"id": chat, "type": kind, "first_name": "Ada", "title": "A group"},
    });
    for (key, value) in more.as_object().unwrap() {
        message[key] = value.clone();
    }
    message
}

impl Shared {
    fn with<T>(&self, work: impl FnOnce(&mut Inner) -> T) -> T {
        let done = work(&mut self.lock());
        self.changed.send_modify(|changes| *changes += 1);
        done
    }

    /// Reads without waking the tasks that wait for a change. Otherwise, a waiting task would wake itself by reading.
    fn look<T>(&self, read: impl FnOnce(&Inner) -> T) -> T {
        read(&self.lock())
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Placeholders for data that a `Value` can't hold: a lone surrogate, an out-of-range number, and an invalid UTF-8
/// byte.
pub const HALF_PAIR: &str = "<half a pair>";
pub const HUGE: &str = "<a huge number>";
pub const NO_UTF8: &str = "<no utf-8>";

fn answer(status: u16, body: &Value) -> Response {
    let body = body.to_string().replace(HALF_PAIR, "\\ud83d").replace(&format!("\"{HUGE}\""), "1e999");
    let parts: Vec<&[u8]> = body.split(NO_UTF8).map(str::as_bytes).collect();
    let body = parts.join(&b"\xff"[..]);
    (StatusCode::from_u16(status).unwrap(), [(CONTENT_TYPE, "application/json")], body).into_response()
}

fn ok(result: Value) -> Response {
    answer(200, &json!({"ok": true, "result": result}))
}

fn error(code: u16, description: &str) -> Response {
    answer(code, &json!({"ok": false, "error_code": code, "description": description}))
}

async fn handle(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let path = request.uri().path().to_owned();
    let Some((token, method)) = path.strip_prefix("/bot").and_then(|path| path.split_once('/')) else {
        return file(&shared, &path).await;
    };
    if token != shared.token || shared.look(|inner| inner.is_revoked) {
        return error(401, "Unauthorized");
    }
    let method = method.to_lowercase();
    let params = params(request).await;
    let fault = shared.with(|inner| {
        let fault = inner.faults.get_mut(&method).and_then(VecDeque::pop_front);
        inner.complaints.extend(shared.schema.complaints(&method, &params));
        let call = Call { method: method.clone(), params: params.clone() };
        let fault = fault.or_else(|| inner.fault_injector.as_mut().and_then(|inject| inject(&call)));
        inner.calls.push(call);
        fault
    });
    let moved = shared.look(|inner| inner.moved.get(&key(&params).0).copied());
    match fault {
        None if moved.is_some() => answer(
            400,
            &json!({
                "ok": false, "error_code": 400, "description": "Bad Request: group chat was upgraded to a supergroup chat",
                "parameters": {"migrate_to_chat_id": moved},
            }),
        ),
        None => done(&shared, &method, &params).await,
        Some(Fault::Error(code, description)) => error(code, description),
        Some(Fault::Flood(seconds)) => {
            let body = json!({
                "ok": false, "error_code": 429, "description": format!("Too Many Requests: retry after {seconds}"),
                "parameters": {"retry_after": seconds},
            });
            answer(429, &body)
        }
        Some(Fault::Garbage(code)) => (StatusCode::from_u16(code).unwrap(), "<html>no Bot API</html>").into_response(),
        Some(Fault::Hang | Fault::Cut) => std::future::pending().await,
        Some(Fault::Lost) => {
            done(&shared, &method, &params).await;
            (StatusCode::BAD_GATEWAY, "lost").into_response()
        }
        Some(Fault::Reset) => no_response(),
        Some(Fault::TakenThenReset) => {
            done(&shared, &method, &params).await;
            no_response()
        }
    }
}

/// Returns a response whose body fails before its first byte, so that the server closes the connection.
fn no_response() -> Response {
    Body::from_stream(futures::stream::iter([Err::<Vec<u8>, _>(std::io::Error::other("reset"))])).into_response()
}

/// The content of files that the test didn't add.
const FILE: &[u8] = b"\x89PNG, as far as the host looks";

/// Responds with a file's content, or with an error if the file is `gone`, the token is wrong, or the path isn't a file
/// path.
async fn file(shared: &Shared, path: &str) -> Response {
    let (token, id) = match path.strip_prefix("/file/bot").and_then(|path| path.split_once('/')) {
        Some((token, path)) => (token, path.trim_start_matches("photos/")),
        None => return error(404, "Not Found"),
    };
    if token != shared.token {
        return error(401, "Unauthorized");
    }
    let content = shared.look(|inner| inner.files.get(id).cloned()).unwrap_or_else(|| FILE.to_vec());
    match shared.with(|inner| inner.faults.get_mut("file").and_then(VecDeque::pop_front)) {
        _ if id == "gone" => error(404, "Not Found"),
        None => content.into_response(),
        Some(Fault::Cut) => {
            let half = Ok(content[..content.len() / 2].to_vec());
            let parts = futures::stream::iter([half, Err(std::io::Error::other("cut"))]);
            ([(CONTENT_LENGTH, content.len())], Body::from_stream(parts)).into_response()
        }
        Some(Fault::Hang) => std::future::pending().await,
        Some(_) => (StatusCode::BAD_GATEWAY, "no Bot API").into_response(),
    }
}

/// Returns the parameters from a JSON body or a form. Parses JSON values in forms.
async fn params(request: Request<Body>) -> Value {
    let of_type = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if !of_type.starts_with("multipart/") {
        let body = axum::body::to_bytes(request.into_body(), usize::MAX).await.unwrap_or_default();
        return serde_json::from_slice(&body).unwrap_or_else(|_| json!({}));
    }
    let mut params = Map::new();
    let mut form = Multipart::from_request(request, &()).await.expect("a form");
    while let Some(field) = form.next_field().await.expect("a field") {
        let name = field.name().unwrap_or_default().to_owned();
        let file_name = field.file_name().map(str::to_owned);
        let content = field.bytes().await.expect("a field's content");
        let text = String::from_utf8_lossy(&content).into_owned();
        let value = match file_name {
            Some(file_name) => json!(format!("{file_name}: {text}")),
            None => serde_json::from_str(&text).unwrap_or(Value::String(text)),
        };
        params.insert(name, value);
    }
    Value::Object(params)
}

async fn done(shared: &Shared, method: &str, params: &Value) -> Response {
    match method {
        "getme" => {
            let topic_mode = shared.look(|inner| inner.topic_mode);
            let id: u64 = shared.token.split(':').next().unwrap().parse().unwrap();
            ok(json!({
                "id": id, "is_bot": true, "first_name": "Cord", "username": "cord_bot",
                "has_topics_enabled": topic_mode,
            }))
        }
        "getfile" => {
            let id = params["file_id"].as_str().unwrap_or_default();
            ok(json!({"file_id": id, "file_unique_id": id, "file_path": format!("photos/{id}")}))
        }
        "getupdates" => poll(shared, params).await,
        "setwebhook" => shared.with(|inner| {
            inner.webhook = Some(params.clone());
            ok(true.into())
        }),
        "deletewebhook" => shared.with(|inner| {
            inner.webhook = None;
            ok(true.into())
        }),
        "sendmessage" => shared.with(|inner| send(inner, params)),
        "sendrichmessage" => shared.with(|inner| send(inner, &with_rich_text(params))),
        "senddocument" | "sendphoto" => shared.with(|inner| send(inner, params)),
        "editmessagetext" => shared.with(|inner| edit(inner, params)),
        "editmessagereplymarkup" => shared.with(|inner| match inner.messages.get_mut(&key(params)) {
            Some(current) => {
                current["reply_markup"] = params["reply_markup"].clone();
                ok(true.into())
            }
            None => error(400, "Bad Request: message to edit not found"),
        }),
        "deletemessage" => shared.with(|inner| match inner.messages.remove(&key(params)) {
            Some(_) => ok(true.into()),
            None => error(400, "Bad Request: message to delete not found"),
        }),
        "getforumtopiciconstickers" => topics::icon_stickers(),
        "createforumtopic" => shared.with(|inner| topics::create(inner, params)),
        "editforumtopic" => shared.with(|inner| topics::edit(inner, params)),
        "closeforumtopic" => shared.with(|inner| topics::close(inner, params)),
        "reopenforumtopic" => shared.with(|inner| topics::reopen(inner, params)),
        "sendmessagedraft"
        | "sendchataction"
        | "setmessagereaction"
        | "setmycommands"
        | "deletemycommands"
        | "answercallbackquery" => ok(true.into()),
        _ => error(404, "Not Found: method not found"),
    }
}

const WEBHOOK_IS_SET: &str =
    "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first";

async fn poll(shared: &Shared, params: &Value) -> Response {
    let offset = params["offset"].as_i64().unwrap_or(i64::MIN);
    let mut changed = shared.changed.subscribe();
    let waiting = async {
        loop {
            let batch: Vec<Value> = {
                let mut inner = shared.lock();
                if inner.webhook.is_some() {
                    return Err(error(409, WEBHOOK_IS_SET));
                }
                if inner.is_revoked {
                    return Err(error(401, "Unauthorized"));
                }
                if std::mem::take(&mut inner.rival) {
                    return Err(error(409, "Conflict: terminated by other getUpdates request"));
                }
                inner.updates.retain(|update| update["update_id"].as_i64() >= Some(offset));
                inner.updates.iter().take(100).cloned().collect()
            };
            if !batch.is_empty() || changed.changed().await.is_err() {
                return Ok(batch);
            }
        }
    };
    let patience = Duration::from_secs(params["timeout"].as_u64().unwrap_or(0));
    match timeout(patience, waiting).await {
        Ok(Ok(batch)) => ok(batch.into()),
        Ok(Err(conflict)) => conflict,
        Err(_) => ok(Value::Array(Vec::new())),
    }
}

fn key(params: &Value) -> (i64, i64) {
    (params["chat_id"].as_i64().unwrap_or_default(), params["message_id"].as_i64().unwrap_or_default())
}

/// Returns the parts of a message that are compared to detect an edit without changes, and the message's topic, which
/// edits don't change.
fn content(params: &Value, topic: &Value) -> Value {
    json!({
        // The text of a document message is the document's name and content.
        "text": params.get("text").or(params.get("photo")).unwrap_or(&params["document"]), "document": params["document"],
        "entities": params["entities"], "reply_markup": params["reply_markup"],
        "message_thread_id": topic,
    })
}

fn send(inner: &mut Inner, params: &Value) -> Response {
    let (chat, _) = key(params);
    if inner.blocked.contains(&chat) {
        return error(403, "Forbidden: bot was blocked by the user");
    }
    if topics::is_deleted(inner, params) {
        return error(400, "Bad Request: message thread not found");
    }
    let id = inner.next_message;
    inner.next_message += 1;
    inner.messages.insert((chat, id), content(params, &params["message_thread_id"]));
    // `news` simulates a field from a future version of the API. It must not make the host treat the call as failed.
    ok(json!({"message_id": id, "date": 1_790_000_000, "chat": {"id": chat, "type": "private"}, "news": {"kind": 1}}))
}

fn edit(inner: &mut Inner, params: &Value) -> Response {
    let Some(current) = inner.messages.get_mut(&key(params)) else {
        return error(400, "Bad Request: message to edit not found");
    };
    if !current["document"].is_null() {
        return error(400, "Bad Request: there is no text in the message to edit");
    }
    let edited = content(params, &current["message_thread_id"]);
    if *current == edited {
        return error(
            400,
            "Bad Request: message is not modified: specified new message content and reply markup are exactly the same as a \
             current content and reply markup of the message",
        );
    }
    *current = edited;
    ok(json!({"message_id": params["message_id"], "date": 1_790_000_000, "chat": {"id": 1, "type": "private"}}))
}
