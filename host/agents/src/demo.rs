//! The demo agent: a subcommand of this binary that speaks the claude protocol on stdin and stdout. It needs no
//! account and no network, and can simulate every known misbehaviour of an agent. It runs in its own process; the
//! host doesn't call it.

mod acts;
mod memory;
mod voice;

use std::{
    collections::VecDeque,
    ffi::OsString,
    io::BufRead,
    process::ExitCode,
    sync::mpsc::{self, RecvTimeoutError},
    time::Duration,
};

use serde_json::Value;

use acts::Act;
use memory::Memory;
use voice::Voice;

/// Runs until the end of input, and answers all prompts before it.
pub fn run(args: impl Iterator<Item = OsString>) -> ExitCode {
    let options = Options::parse(args);
    if options.stray {
        return acts::stray();
    }
    let voice = Voice::new(&options.conversation, &options.model);
    let memory = match Memory::open(&options.conversation, options.resume) {
        Ok(memory) => memory,
        Err(memory::ResumeRefused::Unknown) => {
            voice.no_conversation();
            return ExitCode::FAILURE;
        }
        Err(memory::ResumeRefused::InUse) => {
            eprintln!("Error: Session ID {} is already in use.", options.conversation);
            return ExitCode::FAILURE;
        }
    };
    let input = listen();
    let demo = Demo { voice, memory, input, queue: VecDeque::new(), pace: options.pace, ended: false, stubborn: false };
    demo.serve()
}

/// The options that have an effect. The protocol's own flags are ignored.
struct Options {
    conversation: String,
    resume: bool,
    model: String,
    /// The delay between two lines of `slow`.
    pace: Duration,
    /// Runs the process that `children` leaves behind.
    stray: bool,
}

impl Options {
    fn parse(args: impl Iterator<Item = OsString>) -> Self {
        let mut options = Self {
            conversation: uuid::Uuid::new_v4().to_string(),
            resume: false,
            model: "demo".to_owned(),
            pace: Duration::from_secs(1),
            stray: false,
        };
        for arg in args.map(|arg| arg.to_string_lossy().into_owned()) {
            match arg.split_once('=').unwrap_or((&arg, "")) {
                ("--session-id", id) => id.clone_into(&mut options.conversation),
                ("--resume", id) => {
                    id.clone_into(&mut options.conversation);
                    options.resume = true;
                }
                ("--model", name) => name.clone_into(&mut options.model),
                ("--pace-ms", pace) => options.pace = pace.parse().map_or(options.pace, Duration::from_millis),
                (acts::STRAY, _) => options.stray = true,
                _ => {}
            }
        }
        options
    }
}

/// Reads lines of input on a thread. The channel closes at the end of input.
fn listen() -> mpsc::Receiver<Value> {
    let (sender, receiver) = mpsc::sync_channel(INPUTS);
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines().map_while(Result::ok) {
            match serde_json::from_str(&line) {
                Ok(message) => {
                    if sender.send(message).is_err() {
                        return;
                    }
                }
                // The real CLI also exits at a line that isn't JSON.
                Err(_) if line.trim().is_empty() => {}
                Err(error) => {
                    eprintln!("Error parsing streaming input line: {error}");
                    std::process::exit(1);
                }
            }
        }
    });
    receiver
}

/// The capacity of the input channel, in lines. The host limits its own queue.
const INPUTS: usize = 64;

/// The result of a wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pause {
    Over,
    Interrupted,
}

/// The effect of an input line on a running turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Heard {
    Interrupt,
    Other,
}

struct Demo {
    voice: Voice,
    memory: Memory,
    input: mpsc::Receiver<Value>,
    /// Prompts that arrived during a turn.
    queue: VecDeque<Value>,
    pace: Duration,
    /// The input has ended.
    ended: bool,
    stubborn: bool,
}

impl Demo {
    fn serve(mut self) -> ExitCode {
        loop {
            if let Some(prompt) = self.queue.pop_front() {
                self.turn(&prompt);
            } else if !self.ended {
                match self.input.recv() {
                    Ok(message) => {
                        self.read(message);
                    }
                    Err(mpsc::RecvError) => self.ended = true,
                }
            } else if self.stubborn {
                std::thread::sleep(Duration::from_secs(3600));
            } else {
                return ExitCode::SUCCESS;
            }
        }
    }

    /// Queues a prompt, or answers a control request.
    fn read(&mut self, message: Value) -> Heard {
        let request = message["request"]["subtype"].as_str();
        let id = message["request_id"].as_str().unwrap_or_default();
        match (message["type"].as_str(), request) {
            (Some("user"), _) => self.queue.push_back(message),
            (Some("control_request"), Some("initialize")) => self.voice.initialized(id),
            (Some("control_request"), Some("interrupt")) => {
                self.voice.interrupted(id);
                return Heard::Interrupt;
            }
            (Some("control_request"), _) => self.voice.unsupported(id),
            _ => {}
        }
        Heard::Other
    }

    /// Waits, or returns early at an interrupt.
    fn pause(&mut self, pause: Duration) -> Pause {
        let end = std::time::Instant::now() + pause;
        loop {
            let left = end.saturating_duration_since(std::time::Instant::now());
            if self.ended {
                std::thread::sleep(left);
                return Pause::Over;
            }
            match self.input.recv_timeout(left) {
                Ok(message) => {
                    if self.read(message) == Heard::Interrupt {
                        return Pause::Interrupted;
                    }
                }
                Err(RecvTimeoutError::Timeout) => return Pause::Over,
                Err(RecvTimeoutError::Disconnected) => self.ended = true,
            }
        }
    }

    fn turn(&mut self, prompt: &Value) {
        let text = voice::prompt_text(prompt);
        self.voice.begin(prompt);
        let pause = self.act(&Act::parse(&text));
        self.memory.count_turn();
        self.voice.end(pause, self.memory.cost_usd());
    }

    fn act(&mut self, act: &Act) -> Pause {
        match act {
            Act::Quote(text) => self.voice.say(&format!("You said: {text}")),
            Act::Slow(lines) => return self.slow(*lines),
            Act::Remember(what) => {
                self.memory.remember(what);
                self.voice.say(&format!("I will remember: {what}"));
            }
            Act::Recall => self.voice.say(&self.memory.recall()),
            Act::Forget => {
                self.memory.forget();
                self.voice.say("I forgot everything. This conversation can't be resumed any more.");
            }
            Act::Crash => acts::crash(&mut self.voice),
            Act::Hang => loop {
                std::thread::sleep(Duration::from_secs(3600));
            },
            Act::Flood(lines) => acts::flood(&mut self.voice, *lines),
            Act::BigLine(bytes) => acts::big_line(&mut self.voice, *bytes),
            Act::Garbage => acts::garbage(&mut self.voice),
            Act::Stubborn => {
                self.stubborn = true;
                acts::ignore_sigterm();
                self.voice.say("From now on I ignore SIGTERM and the end of input.");
            }
            Act::Children => acts::leave_child(&mut self.voice),
        }
        Pause::Over
    }

    fn slow(&mut self, lines: u64) -> Pause {
        for line in 1..=lines {
            if line > 1 && self.pause(self.pace) == Pause::Interrupted {
                return Pause::Interrupted;
            }
            let end = if line == lines { "" } else { "\n" };
            self.voice.say(&format!("line {line}{end}"));
        }
        Pause::Over
    }
}
