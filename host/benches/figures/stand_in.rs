//! A stand-in for Telegram's Bot API that adds little latency: it writes updates directly to the waiting poll, and
//! records a call's time when it has read the call's last byte. Like Telegram, it keeps each update until an offset
//! confirms it. Unlike the tests' fake Bot API, it doesn't check calls.

use std::{
    collections::VecDeque,
    io::{self, BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    sync::{Arc, Condvar, Mutex, MutexGuard, mpsc},
    thread,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use serde_json::{Value, json};

pub const TOKEN: &str = "42:AbC-dEf_ghijklmnopqrstuvwxyz";

/// The maximum number of updates in a response, as in the Bot API.
const BATCH: usize = 100;

/// The time limit of each wait. Only a bot that hangs reaches it.
const LIMIT: Duration = Duration::from_secs(60);

/// A `sendMessage` call.
#[derive(Debug)]
pub struct Sent {
    pub text: String,
    /// The time when the request had arrived completely.
    pub at: Instant,
}

pub struct StandIn {
    pub url: String,
    shared: Arc<Shared>,
    sent: mpsc::Receiver<Sent>,
}

struct Shared {
    state: Mutex<State>,
    polling: Condvar,
    sent: mpsc::Sender<Sent>,
    /// The content of each file.
    file: Vec<u8>,
}

#[derive(Default)]
struct State {
    /// The unconfirmed updates, with their ids.
    updates: VecDeque<(i64, String)>,
    last_update: i64,
    last_message: i64,
    /// The connection of the poll that waits for an update.
    waiting: Option<TcpStream>,
}

/// A message in a user's private chat.
#[derive(Clone, Copy)]
pub struct Incoming<'a> {
    pub user: i64,
    pub text: &'a str,
    pub content: Content,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Content {
    Text,
    /// A document whose caption is the text and whose content is the stand-in's file.
    Document,
}

impl StandIn {
    /// Starts a stand-in whose files have `file` as their content.
    pub fn start(file: Vec<u8>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (sender, sent) = mpsc::channel();
        let shared = Arc::new(Shared { state: Mutex::default(), polling: Condvar::new(), sent: sender, file });
        let accepting = Arc::clone(&shared);
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let shared = Arc::clone(&accepting);
                thread::spawn(move || drop(shared.serve(stream)));
            }
        });
        Self { url, shared, sent }
    }

    /// Waits until the bot is polling for updates.
    pub fn until_polling(&self) {
        let (state, waited) = self
            .shared
            .polling
            .wait_timeout_while(self.shared.state(), LIMIT, |state| state.waiting.is_none())
            .unwrap();
        assert!(!waited.timed_out() && state.waiting.is_some(), "the bot doesn't poll");
    }

    /// Passes messages to the bot. Returns the time just before sending them.
    pub fn deliver<'a>(&self, messages: impl IntoIterator<Item = Incoming<'a>>) -> Instant {
        let mut state = self.shared.state();
        messages.into_iter().for_each(|message| state.push(message));
        let began = Instant::now();
        if let Some(stream) = state.waiting.take() {
            state.respond(&stream).unwrap();
        }
        began
    }

    /// Forgets the pending poll of a bot that was stopped.
    pub fn forget_poll(&self) {
        self.shared.state().waiting = None;
    }

    /// Waits for the next `sendMessage` call.
    pub fn next_sent(&self) -> Sent {
        self.sent.recv_timeout(LIMIT).expect("the bot sends a message")
    }

    /// Waits for a `sendMessage` call whose text ends with `end`.
    pub fn sent_ending_with(&self, end: &str) -> Sent {
        loop {
            let sent = self.next_sent();
            if sent.text.ends_with(end) {
                return sent;
            }
        }
    }
}

impl State {
    fn push(&mut self, Incoming { user, text, content }: Incoming<'_>) {
        self.last_update += 1;
        self.last_message += 1;
        let person = json!({ "id": user, "is_bot": false, "first_name": "Ada", "language_code": "en" });
        let mut message = json!({
            "message_id": self.last_message, "date": seconds(), "from": person,
            "chat": { "id": user, "type": "private", "first_name": "Ada" },
        });
        match content {
            Content::Text => message["text"] = text.into(),
            Content::Document => {
                message["caption"] = text.into();
                message["document"] = json!({ "file_id": "file", "file_unique_id": "file", "file_name": "data.bin" });
            }
        }
        if content == Content::Text && text.starts_with('/') {
            let length = text.find(' ').unwrap_or(text.len());
            message["entities"] = json!([{ "type": "bot_command", "offset": 0, "length": length }]);
        }
        let update = json!({ "update_id": self.last_update, "message": message });
        self.updates.push_back((self.last_update, update.to_string()));
    }

    /// Writes the oldest updates as the response to a poll.
    fn respond(&self, stream: &TcpStream) -> io::Result<()> {
        let updates: Vec<&str> = self.updates.iter().take(BATCH).map(|(_, update)| update.as_str()).collect();
        respond(stream, format!("[{}]", updates.join(",")))
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// Answers the requests of one connection until it is closed.
    fn serve(&self, stream: TcpStream) -> io::Result<()> {
        stream.set_nodelay(true)?;
        let mut reader = BufReader::new(stream.try_clone()?);
        while let Some(Request { path, body }) = Request::read(&mut reader)? {
            let at = Instant::now();
            let method = path.rsplit('/').next().unwrap_or_default().to_ascii_lowercase();
            match method.as_str() {
                _ if path.starts_with("/file/") => self.send_file(&stream)?,
                "getme" => respond(&stream, ME)?,
                "getupdates" => self.poll(&stream, &body)?,
                "sendmessage" => {
                    let text = parameter(&body, "text").unwrap_or_default();
                    drop(self.sent.send(Sent { text, at }));
                    self.answer_message(&stream, &body)?;
                }
                "getfile" => {
                    respond(&stream, r#"{"file_id":"file","file_unique_id":"file","file_path":"documents/file"}"#)?
                }
                _ => respond(&stream, "true")?,
            }
        }
        Ok(())
    }

    /// Drops the updates before the offset. Responds with the remaining updates, or keeps the poll waiting if there are
    /// none.
    fn poll(&self, stream: &TcpStream, body: &[u8]) -> io::Result<()> {
        let offset = parameter(body, "offset").and_then(|offset| offset.parse().ok()).unwrap_or(0);
        let mut state = self.state();
        while state.updates.front().is_some_and(|(id, _)| *id < offset) {
            state.updates.pop_front();
        }
        if !state.updates.is_empty() {
            return state.respond(stream);
        }
        state.waiting = Some(stream.try_clone()?);
        self.polling.notify_all();
        Ok(())
    }

    fn answer_message(&self, stream: &TcpStream, body: &[u8]) -> io::Result<()> {
        let chat: i64 = parameter(body, "chat_id").and_then(|chat| chat.parse().ok()).unwrap_or(1);
        let id = {
            let mut state = self.state();
            state.last_message += 1;
            state.last_message
        };
        let chat = json!({ "id": chat, "type": "private", "first_name": "Ada" });
        respond(stream, json!({ "message_id": id, "date": seconds(), "chat": chat, "text": "-" }).to_string())
    }

    fn send_file(&self, mut stream: &TcpStream) -> io::Result<()> {
        write!(stream, "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", self.file.len())?;
        stream.write_all(&self.file)
    }
}

/// Returns the Unix time in seconds.
fn seconds() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

/// The bot's account, as `getMe` returns it.
const ME: &str = r#"{"id":42,"is_bot":true,"first_name":"Bench","username":"bench_bot","can_join_groups":true,
    "can_read_all_group_messages":false,"supports_inline_queries":false}"#;

/// Writes a successful response that contains this result. Uses a single write, because each write wakes the reader.
fn respond(mut stream: &TcpStream, result: impl AsRef<str>) -> io::Result<()> {
    let body = format!(r#"{{"ok":true,"result":{}}}"#, result.as_ref());
    let head = format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n", body.len());
    stream.write_all((head + &body).as_bytes())
}

struct Request {
    path: String,
    body: Vec<u8>,
}

impl Request {
    /// Reads the next request. Returns `None` at the end of the connection.
    fn read(reader: &mut BufReader<TcpStream>) -> io::Result<Option<Self>> {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Ok(None);
        }
        let path = line.split(' ').nth(1).unwrap_or_default().to_owned();
        let mut length = 0;
        loop {
            line.clear();
            reader.read_line(&mut line)?;
            let Some((name, value)) = line.trim_end().split_once(':') else { break };
            match name.to_ascii_lowercase().as_str() {
                "content-length" => length = value.trim().parse().expect("the length is a number"),
                "transfer-encoding" => panic!("the stand-in reads only bodies with a content-length"),
                _ => {}
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body)?;
        Ok(Some(Self { path, body }))
    }
}

/// Returns a parameter from a call's body, which is JSON or an HTML form. Doesn't decode escapes in forms.
fn parameter(body: &[u8], name: &str) -> Option<String> {
    if body.first() == Some(&b'{') {
        let body: Value = serde_json::from_slice(body).ok()?;
        let value = body.get(name)?;
        return Some(value.as_str().map_or_else(|| value.to_string(), str::to_owned));
    }
    let body = std::str::from_utf8(body).ok()?;
    body.split('&')
        .find_map(|pair| pair.split_once('=').filter(|(of, _)| *of == name))
        .map(|(_, value)| value.to_owned())
}
