//! Implements the demo agent, a subcommand of `cordboard` that speaks claude's stream-json protocol on stdin and
//! stdout. It needs no account and no network, and can simulate many kinds of agent misbehavior. The host starts it as
//! a process, like any other agent.

mod commands;
mod memory;
mod output;

use std::{
    collections::VecDeque,
    ffi::OsString,
    io::BufRead,
    process::ExitCode,
    sync::mpsc::{self, RecvTimeoutError},
    time::Duration,
};

use serde_json::Value;

use commands::DemoCommand;
use memory::Memory;
pub(crate) use memory::transcript;
use output::Output;

/// Runs until the input ends and all prompts are answered. Fails at once if the conversation to resume is unknown, or
/// if a new conversation's id is already in use.
pub fn run(args: impl Iterator<Item = OsString>) -> ExitCode {
    let options = Options::parse(args);
    if options.leftover {
        return commands::leftover();
    }
    let mut output = Output::new(&options.conversation, &options.model);
    let memory = if options.fork {
        let id = uuid::Uuid::new_v4().to_string();
        let Some(memory) = Memory::fork(&options.conversation, &id) else {
            output.report_unknown_conversation();
            return ExitCode::FAILURE;
        };
        output = Output::new(&id, &options.model);
        memory
    } else if options.resume {
        let Some(memory) = Memory::load(&options.conversation) else {
            output.report_unknown_conversation();
            return ExitCode::FAILURE;
        };
        memory
    } else {
        if Memory::load(&options.conversation).is_some() {
            eprintln!("Error: Session ID {} is already in use.", options.conversation);
            return ExitCode::FAILURE;
        }
        Memory::new(&options.conversation)
    };
    let input = read_input();
    let demo = Demo {
        output,
        memory,
        input,
        queue: VecDeque::new(),
        line_delay: options.line_delay,
        ended: false,
        stubborn: false,
    };
    demo.run_turns()
}

/// The options that the demo agent uses. It ignores all other options of the claude CLI.
struct Options {
    conversation: String,
    resume: bool,
    /// Whether to store the resumed conversation as a new one.
    fork: bool,
    model: String,
    /// The delay between two lines that the `slow` command prints.
    line_delay: Duration,
    /// Whether this process is the one that the `children` command leaves behind.
    leftover: bool,
}

impl Options {
    fn parse(args: impl Iterator<Item = OsString>) -> Self {
        let mut options = Self {
            conversation: uuid::Uuid::new_v4().to_string(),
            resume: false,
            fork: false,
            model: "demo".to_owned(),
            line_delay: Duration::from_secs(1),
            leftover: false,
        };
        for arg in args.map(|arg| arg.to_string_lossy().into_owned()) {
            match arg.split_once('=').unwrap_or((&arg, "")) {
                ("--session-id", id) => id.clone_into(&mut options.conversation),
                ("--resume", id) => {
                    id.clone_into(&mut options.conversation);
                    options.resume = true;
                }
                ("--fork-session", _) => options.fork = true,
                ("--model", name) => name.clone_into(&mut options.model),
                ("--pace-ms", line_delay) => {
                    options.line_delay = line_delay.parse().map_or(options.line_delay, Duration::from_millis)
                }
                (commands::LEFTOVER, _) => options.leftover = true,
                _ => {}
            }
        }
        options
    }
}

/// Reads the lines of the input in a thread. The channel closes at the end of the input.
fn read_input() -> mpsc::Receiver<Value> {
    let (sender, receiver) = mpsc::sync_channel(INPUT_QUEUE);
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines().map_while(Result::ok) {
            match serde_json::from_str(&line) {
                Ok(message) => {
                    if sender.send(message).is_err() {
                        return;
                    }
                }
                Err(_) if line.trim().is_empty() => {}
                // The real CLI also exits when a line isn't JSON.
                Err(error) => {
                    eprintln!("Error parsing streaming input line: {error}");
                    std::process::exit(1);
                }
            }
        }
    });
    receiver
}

/// The capacity of the input channel, in messages.
const INPUT_QUEUE: usize = 64;

/// The reason why a wait or a turn ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum WaitEnd {
    Elapsed,
    Interrupted,
}

/// The effect of an input line on a running turn.
#[derive(Debug, PartialEq)]
enum InputEffect {
    Interrupt,
    Queue,
    /// The answer to a permission request.
    Decision(Value),
}

struct Demo {
    output: Output,
    memory: Memory,
    input: mpsc::Receiver<Value>,
    /// Prompts whose turn has not begun.
    queue: VecDeque<Value>,
    line_delay: Duration,
    /// Whether the input has ended.
    ended: bool,
    stubborn: bool,
}

impl Demo {
    fn run_turns(mut self) -> ExitCode {
        loop {
            if let Some(prompt) = self.queue.pop_front() {
                self.turn(&prompt);
            } else if !self.ended {
                match self.input.recv() {
                    Ok(message) => {
                        self.handle_input(message);
                    }
                    Err(mpsc::RecvError) => self.ended = true,
                }
            } else if self.stubborn {
                std::thread::sleep(Duration::from_secs(3600));
            } else {
                self.memory.end();
                return ExitCode::SUCCESS;
            }
        }
    }

    /// Queues a prompt or answers a control request. Returns the effect on a running turn.
    fn handle_input(&mut self, message: Value) -> InputEffect {
        let request = message["request"]["subtype"].as_str();
        let id = message["request_id"].as_str().unwrap_or_default();
        match (message["type"].as_str(), request) {
            (Some("user"), _) => self.queue.push_back(message),
            (Some("control_request"), Some("initialize")) => self.output.answer_initialize(id),
            (Some("control_request"), Some("interrupt")) => {
                self.output.answer_interrupt(id);
                return InputEffect::Interrupt;
            }
            (Some("control_request"), _) => self.output.reject_request(id),
            (Some("control_response"), _) => return InputEffect::Decision(message["response"]["response"].clone()),
            _ => {}
        }
        InputEffect::Queue
    }

    /// Waits for `pause`, or until an interrupt arrives. Handles input while it waits.
    fn wait(&mut self, pause: Duration) -> WaitEnd {
        let end = std::time::Instant::now() + pause;
        loop {
            let left = end.saturating_duration_since(std::time::Instant::now());
            if self.ended {
                std::thread::sleep(left);
                return WaitEnd::Elapsed;
            }
            match self.input.recv_timeout(left) {
                Ok(message) => {
                    if self.handle_input(message) == InputEffect::Interrupt {
                        return WaitEnd::Interrupted;
                    }
                }
                Err(RecvTimeoutError::Timeout) => return WaitEnd::Elapsed,
                Err(RecvTimeoutError::Disconnected) => self.ended = true,
            }
        }
    }

    fn turn(&mut self, prompt: &Value) {
        let text = output::prompt_text(prompt);
        self.output.begin_turn(prompt);
        if let Some(note) = output::image_note(prompt) {
            self.output.print_text(&note);
        }
        let end = self.execute(&DemoCommand::parse(&text));
        self.memory.store_turn(&text, self.output.text());
        self.output.end_turn(end, self.memory.cost_usd());
    }

    fn execute(&mut self, command: &DemoCommand) -> WaitEnd {
        match command {
            DemoCommand::Quote(text) => self.output.print_text(&format!("You said: {text}")),
            DemoCommand::Slow(lines) => return self.slow(*lines),
            DemoCommand::Remember(what) => {
                self.memory.remember(what);
                self.output.print_text(&format!("I will remember: {what}"));
            }
            DemoCommand::Recall => self.output.print_text(&self.memory.recall()),
            DemoCommand::Forget => {
                self.memory.forget();
                self.output.print_text("I forgot everything. This conversation can no longer be resumed.");
            }
            DemoCommand::Crash => commands::crash(&mut self.output),
            DemoCommand::Hang => loop {
                std::thread::sleep(Duration::from_secs(3600));
            },
            DemoCommand::Flood(lines) => commands::flood(&mut self.output, *lines),
            DemoCommand::BigLine(bytes) => commands::big_line(&mut self.output, *bytes),
            DemoCommand::Garbage => commands::garbage(&mut self.output),
            DemoCommand::Stubborn => {
                self.stubborn = true;
                commands::ignore_sigterm();
                self.output.print_text("From now on I ignore SIGTERM and the end of input.");
            }
            DemoCommand::Children => commands::leave_child(&mut self.output),
            DemoCommand::Run(command) => return self.ask_to_run(command),
        }
        WaitEnd::Elapsed
    }

    /// Asks for permission, as the real CLI does before it runs a command. The demo agent runs nothing.
    fn ask_to_run(&mut self, command: &str) -> WaitEnd {
        let id = self.output.ask_permission(command);
        while !self.ended {
            let Ok(message) = self.input.recv() else {
                self.ended = true;
                break;
            };
            match self.handle_input(message) {
                InputEffect::Interrupt => {
                    self.output.cancel_request(&id);
                    return WaitEnd::Interrupted;
                }
                InputEffect::Decision(decision) if decision["behavior"] == "allow" => {
                    self.output.print_text(&format!("You allowed it. The demo agent doesn't really run: {command}"));
                    return WaitEnd::Elapsed;
                }
                InputEffect::Decision(decision) => {
                    let why = decision["message"].as_str().unwrap_or_default();
                    self.output.print_text(&format!("I don't run it. {why}"));
                    return WaitEnd::Elapsed;
                }
                InputEffect::Queue => {}
            }
        }
        self.output.print_text("The input ended before an answer.");
        WaitEnd::Elapsed
    }

    fn slow(&mut self, lines: u64) -> WaitEnd {
        for line in 1..=lines {
            if line > 1 && self.wait(self.line_delay) == WaitEnd::Interrupted {
                return WaitEnd::Interrupted;
            }
            let end = if line == lines { "" } else { "\n" };
            self.output.print_text(&format!("line {line}{end}"));
        }
        WaitEnd::Elapsed
    }
}
