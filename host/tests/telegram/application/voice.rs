//! Tests transcribing voice messages with a program. In these tests, the program is the shell and each recording is a
//! shell script, so the recording determines what the program prints.

use std::{fs, path::PathBuf, process::Command};

use serde_json::json;

use super::{App, OWNER, filters::voice};
use crate::botapi::TOKEN;

const SHELL: &str = "command = [\"sh\", \"{file}\"]\n";

/// Starts a host with these keys in `[voice]`, and creates the session `alpha`.
async fn app(keys: &str) -> App {
    let mut app = App::prepared().await;
    configure(&app, keys);
    app.start();
    app.api.until_calls("getUpdates", 1).await;
    app.ask(OWNER, "/new alpha", "Session 'alpha' created.").await;
    app
}

fn configure(app: &App, keys: &str) {
    app.configure(&format!("owner = {OWNER}\n[voice]\n{keys}"));
}

/// Sends a voice message whose recording is this script. Returns the id of the bot's next message.
fn speak(app: &App, id: i64, script: &str, caption: Option<&str>) -> i64 {
    let first = app.api.next_id();
    let file = format!("v{id}");
    app.api.add_file(&file, script.as_bytes().to_vec());
    let recording = json!({"file_id": file, "file_unique_id": file, "duration": 7, "mime_type": "audio/ogg"});
    let more = caption.map_or_else(|| json!({"voice": recording}), |text| json!({"voice": recording, "caption": text}));
    app.api.push(json!({"message": voice(id, more)}));
    first
}

/// Sends a voice message whose transcription fails, and returns the reason that the chat shows.
async fn failure(app: &App, id: i64, script: &str) -> String {
    let first = speak(app, id, script, Some("listen"));
    let notice = app.wait_for(OWNER, first, "🎤 Not transcribed, so the agent gets the recording itself: ").await;
    app.wait_for(OWNER, first, "You said: listen\n\n[The recording could not be transcribed: ").await;
    app.wait_for(OWNER, first, "[Attached voice message, 7 s: ").await;
    notice.split_once("itself: ").unwrap().1.to_owned()
}

/// A recording whose transcription finishes only when the test lets it.
struct SlowRecording {
    started: PathBuf,
    fifo: PathBuf,
}

impl SlowRecording {
    fn new(app: &App) -> Self {
        let fifo = app.path("fifo");
        assert!(Command::new("mkfifo").arg(&fifo).status().unwrap().success());
        Self { started: app.path("started"), fifo }
    }

    fn script(&self) -> String {
        format!("echo $$ >> {}; cat {}", self.started.display(), self.fifo.display())
    }

    /// Returns the pids of all transcription programs that were started.
    fn pids(&self) -> Vec<String> {
        fs::read_to_string(&self.started).unwrap_or_default().lines().map(str::to_owned).collect()
    }

    /// Waits until a restarted host has ended the program with the index `killed` and started another one. Then lets
    /// the new program print the text.
    async fn finish(&self, app: &App, killed: usize) {
        app.until("the next transcription", || (self.pids().len() == killed + 2).then_some(())).await;
        app.until("the end of the old program", || (!is_running(&self.pids()[killed])).then_some(())).await;
        fs::write(&self.fifo, "Buy milk.").unwrap();
    }
}

fn is_running(pid: &str) -> bool {
    fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| !stat.contains(") Z "))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_program_transcribes_voice_messages() {
    let app = app(SHELL).await;
    let environment = app.path("environment");
    let script = format!("env > {}; echo loading >&2; echo; echo ' Buy *milk*.'", environment.display());
    let first = speak(&app, 101, &script, None);
    app.wait_for(OWNER, first, "🎤 Buy *milk*.").await;
    let answer = app.wait_for(OWNER, first, "You said: Buy milk.\n\n[Attached voice message, 7 s: ").await;
    let path = answer.split_once("7 s: ").unwrap().1.split_once(']').unwrap().0;
    assert_eq!(fs::read_to_string(path).unwrap(), script, "the recording stays in the inbox");
    let environment = fs::read_to_string(environment).unwrap();
    let names: Vec<&str> = environment.lines().filter_map(|line| Some(line.split_once('=')?.0)).collect();
    assert!(names.contains(&"HOME") && names.contains(&"PATH"), "{names:?}");
    assert!(!names.contains(&"CORDBOARD_LOG"), "{names:?}");

    let first = speak(&app, 102, "echo At noon.", Some("Remind me:"));
    app.wait_for(OWNER, first, "You said: Remind me:\n\nAt noon.").await;
    let first = speak(&app, 103, "echo At one.", Some("/now Remind me:"));
    app.wait_for(OWNER, first, "You said: Remind me:\n\nAt one.").await;
    // The transcription isn't passed to host commands.
    let first = speak(&app, 104, "echo At two.", Some("/sessions"));
    app.wait_for(OWNER, first, "doesn't use files").await;
    assert!(!app.api.since(OWNER, first).iter().any(|text| text.contains('🎤')));

    configure(&app, "");
    app.until("the new configuration", || app.log().contains("changes=voice").then_some(())).await;
    let first = speak(&app, 105, "echo At two.", None);
    app.wait_for(OWNER, first, "You said: [voice message]").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failed_transcription_names_the_reason() {
    let app = app(SHELL).await;
    let secret = TOKEN.split_once(':').unwrap().1;
    let why = failure(&app, 101, &format!("echo no; echo first >&2; echo 'no model {TOKEN}' >&2; exit 3")).await;
    assert!(why.starts_with("the program failed (exit code 3): no model ") && !why.contains(secret), "{why}");
    assert_eq!(failure(&app, 102, "echo ' '").await, "the program recognized no speech");
    let why = failure(&app, 103, "head -c 1000000 /dev/zero | tr '\\0' x").await;
    assert_eq!(why, "the program printed more than 256KiB and was killed");

    configure(&app, "command = [\"/nowhere/whisper\"]\n");
    app.until("the new configuration", || app.log().contains("changes=voice").then_some(())).await;
    let why = failure(&app, 104, "echo a").await;
    let missing =
        "failed to start '/nowhere/whisper': the file does not exist; set the program's full path in `command`";
    assert_eq!(why, missing);
    let checked = app.command("check").output().unwrap();
    let (printed, problems) = (String::from_utf8_lossy(&checked.stdout), String::from_utf8_lossy(&checked.stderr));
    assert!(printed.contains("voice          missing  /nowhere/whisper\n"), "{printed}");
    assert!(problems.contains(&format!("[voice] command: {missing}")), "{problems}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_program_is_killed_with_its_children() {
    let app = app(&format!("{SHELL}timeout = \"2s\"\n")).await;
    let child = app.path("child");
    let why = failure(&app, 101, &format!("sleep 1005 & echo $! > {}; wait", child.display())).await;
    assert_eq!(why, "the program took longer than 2s and was killed");
    assert!(!is_running(fs::read_to_string(child).unwrap().trim()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_host_transcribes_again_and_asks_the_agent_once() {
    let mut app = app(SHELL).await;
    let recording = SlowRecording::new(&app);
    speak(&app, 101, &recording.script(), None);
    app.until("the first transcription", || (recording.pids().len() == 1).then_some(())).await;
    app.kill();
    app.start();
    recording.finish(&app, 0).await;
    app.wait_for(OWNER, 0, "You said: Buy milk.").await;
    app.until_turns("alpha", 1).await;
    let chat = app.api.chat(OWNER);
    let count = |text: &str| chat.iter().filter(|message| message.contains(text)).count();
    assert_eq!((count("🎤 Buy milk."), count("You said: Buy milk.")), (1, 1), "{chat:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_now_message_survives_a_kill_during_its_transcription() {
    let mut app = app(SHELL).await;
    let recording = SlowRecording::new(&app);
    // If the host is killed before it replies, it runs the command again. After the reply, only the command's message
    // is still stored.
    for (id, waits_for_reply) in [(101, false), (102, true)] {
        let before = recording.pids().len();
        let first = speak(&app, id, &recording.script(), Some("/now Listen:"));
        app.until("the first transcription", || (recording.pids().len() == before + 1).then_some(())).await;
        if waits_for_reply {
            app.wait_for(OWNER, first, "gets this message next.").await;
        }
        app.kill();
        app.start();
        recording.finish(&app, before).await;
        app.wait_for(OWNER, first, "You said: Listen:\n\nBuy milk.").await;
        app.until_turns("alpha", u64::from(waits_for_reply) + 1).await;
        let chat = app.api.since(OWNER, first);
        let count = |text: &str| chat.iter().filter(|message| message.contains(text)).count();
        assert_eq!((count("🎤 Buy milk."), count("You said: Listen:")), (1, 1), "{chat:?}");
    }
}
