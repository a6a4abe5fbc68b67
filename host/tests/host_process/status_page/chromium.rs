//! Controls a headless Chromium through the DevTools protocol. Messages are JSON objects that end with a NUL byte, on
//! the file descriptors 3 and 4 of the browser.

use std::{
    collections::VecDeque,
    ffi::OsString,
    io::{BufRead, BufReader, Write},
    process::{Child, ChildStdin, Command, Stdio},
    sync::mpsc::{Receiver, channel},
    thread,
    time::Instant,
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::super::support::{LIMIT, LOOK};

/// The environment variable that contains the path of the browser.
const CHROMIUM_VARIABLE: &str = "CORDBOARD_TEST_CHROMIUM";

/// Moves the two pipes from standard input and output to file descriptors 3 and 4, where the browser expects them.
const LAUNCH_SCRIPT: &str = r#"exec "$@" 3<&0 4>&1 </dev/null >/dev/null 2>&1"#;

const FLAGS: [&str; 10] = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--remote-debugging-pipe",
];

/// A browser with one page.
pub struct Chromium {
    child: Child,
    input: ChildStdin,
    messages: Receiver<Value>,
    /// The events that were received while waiting for a response.
    events: VecDeque<Value>,
    last_id: u64,
    session: Option<String>,
    _profile: TempDir,
}

/// The screen of a device.
#[derive(Debug, Clone, Copy)]
pub struct Screen {
    pub width: u32,
    pub height: u32,
    pub is_mobile: bool,
}

impl Chromium {
    /// Starts the browser from `CORDBOARD_TEST_CHROMIUM`, or `chromium` from the PATH. Returns `None` if there is none.
    pub fn start() -> Option<Self> {
        let named = std::env::var_os(CHROMIUM_VARIABLE);
        let in_path = || {
            let folders = std::env::var_os("PATH")?;
            std::env::split_paths(&folders).map(|folder| folder.join("chromium")).find(|path| path.is_file())
        };
        let Some(program) = named.or_else(|| in_path().map(OsString::from)) else {
            eprintln!("skipped: no chromium in the PATH (set {CHROMIUM_VARIABLE})");
            return None;
        };
        let profile = tempfile::tempdir().unwrap();
        let mut folder = OsString::from("--user-data-dir=");
        folder.push(profile.path());
        let mut child = Command::new("sh")
            .args(["-c", LAUNCH_SCRIPT, "sh"])
            .arg(program)
            .args(FLAGS)
            .args([folder, "about:blank".into()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (sender, messages) = channel();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        thread::spawn(move || {
            let mut message = Vec::new();
            while output.read_until(0, &mut message).is_ok_and(|read| read > 0) {
                message.pop();
                if sender.send(serde_json::from_slice(&message).unwrap()).is_err() {
                    return;
                }
                message.clear();
            }
        });
        let input = child.stdin.take().unwrap();
        let mut browser =
            Self { child, input, messages, events: VecDeque::new(), last_id: 0, session: None, _profile: profile };
        browser.open_page();
        Some(browser)
    }

    fn open_page(&mut self) {
        let target = self.call("Target.createTarget", &json!({ "url": "about:blank" }));
        let attach = json!({ "targetId": target["targetId"], "flatten": true });
        let session = self.call("Target.attachToTarget", &attach);
        self.session = session["sessionId"].as_str().map(str::to_owned);
        for domain in ["Page", "Runtime", "Log", "Network"] {
            self.call(&format!("{domain}.enable"), &json!({}));
        }
    }

    /// Calls a method and returns its result.
    #[track_caller]
    pub fn call(&mut self, method: &str, parameters: &Value) -> Value {
        self.last_id += 1;
        let mut message = json!({ "id": self.last_id, "method": method, "params": parameters });
        if let Some(session) = &self.session {
            message["sessionId"] = session.as_str().into();
        }
        let mut bytes = serde_json::to_vec(&message).unwrap();
        bytes.push(0);
        self.input.write_all(&bytes).unwrap();
        loop {
            let received = self.messages.recv_timeout(LIMIT).unwrap_or_else(|error| panic!("{method}: {error}"));
            if received["id"] == self.last_id {
                assert!(received["error"].is_null(), "{method}: {received}");
                return received["result"].clone();
            }
            self.events.push_back(received);
        }
    }

    pub fn resize(&mut self, screen: Screen) {
        let Screen { width, height, is_mobile } = screen;
        let metrics = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": is_mobile });
        self.call("Emulation.setDeviceMetricsOverride", &metrics);
    }

    pub fn prefer_color_scheme(&mut self, scheme: &str) {
        let features = json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }] });
        self.call("Emulation.setEmulatedMedia", &features);
    }

    /// Opens a page and waits until it is loaded.
    #[track_caller]
    pub fn navigate(&mut self, url: &str) {
        let loads = |browser: &Self| browser.events("Page.loadEventFired").count();
        let before = loads(self);
        let opened = self.call("Page.navigate", &json!({ "url": url }));
        assert!(opened["errorText"].is_null(), "{url}: {opened}");
        while loads(self) == before {
            let event = self.messages.recv_timeout(LIMIT).unwrap_or_else(|error| panic!("{url}: {error}"));
            self.events.push_back(event);
        }
    }

    /// Evaluates an expression in the page.
    #[track_caller]
    pub fn evaluate(&mut self, expression: &str) -> Value {
        let evaluated = self.call("Runtime.evaluate", &json!({ "expression": expression, "returnByValue": true }));
        assert!(evaluated["exceptionDetails"].is_null(), "{expression}: {evaluated}");
        evaluated["result"]["value"].clone()
    }

    /// Waits until an expression is true in the page.
    #[track_caller]
    pub fn until(&mut self, expression: &str) {
        let began = Instant::now();
        while self.evaluate(expression) != true {
            if began.elapsed() > LIMIT {
                let shown = self.evaluate("document.body.innerText");
                panic!("timed out waiting for {expression}\n{shown}\n{:?}", self.events);
            }
            thread::sleep(LOOK);
        }
    }

    /// Saves a screenshot of the page to the folder in `CORDBOARD_TEST_PICTURES`, if it is set, so that a person can look
    /// at the page.
    pub fn save_screenshot(&mut self, name: &str) {
        let Some(folder) = std::env::var_os("CORDBOARD_TEST_PICTURES") else { return };
        let taken = self.call("Page.captureScreenshot", &json!({ "captureBeyondViewport": true }));
        let image = STANDARD.decode(taken["data"].as_str().unwrap()).unwrap();
        std::fs::write(std::path::Path::new(&folder).join(format!("{name}.png")), image).unwrap();
    }

    /// Returns the parameters of the events with this method so far.
    pub fn events(&self, method: &str) -> impl Iterator<Item = &Value> {
        self.events.iter().filter(move |event| event["method"] == method).map(|event| &event["params"])
    }
}

impl Drop for Chromium {
    fn drop(&mut self) {
        // The browser's child processes exit when the pipe closes, so killing the main process is enough.
        let _: std::io::Result<()> = self.child.kill();
        let _: std::io::Result<std::process::ExitStatus> = self.child.wait();
    }
}
