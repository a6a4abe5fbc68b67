//! A script language with one step per line, so that a test consists of a script and a trace of the machine's effects.
//! Times are seconds from the start of the script. `@1 exit` is an input of run 1; without a number, of the latest run.

use std::{fmt::Write as _, time::Duration};

use expect_test::Expect;

use super::super::{
    Effect, Exit, Input, Machine, PersonaSettings, Prompt, Run, SessionCommand, Settings, Settled, Ticket, Verdict,
    Waiting,
};
use crate::{
    agent::{Action, ActionState, AgentEvent, BackgroundTask, Change, Outcome, PromptId},
    config::Agent,
    turn::{Part, Turn, TurnState},
    types::{Alert, Place, ProcessId, Request, SessionRecord, Timestamp, UserId},
};

/// Runs the script against a machine and compares the trace.
pub fn check(script: &str, trace: Expect) {
    let mut teller = ScriptRunner::new();
    for line in script.lines().map(str::trim).filter(|line| !line.is_empty()) {
        teller.step(line);
    }
    trace.assert_eq(&teller.trace);
}

struct ScriptRunner {
    machine: Machine,
    now: Timestamp,
    run: Run,
    ticket: Ticket,
    trace: String,
}

const START: Timestamp = Timestamp(1_000_000);

pub fn record() -> SessionRecord {
    let name = "x".parse().expect("a name");
    SessionRecord::new(name, UserId("console:local".to_owned()), "/x".into(), "demo", START)
}

pub fn settings() -> Settings {
    Settings { idle_timeout: Duration::from_secs(600), queue: 3, kept: 2, model: None, folder: None, agent: None }
}

pub fn agent(arg: &str) -> Agent {
    let config = crate::config::load("").expect("a configuration without lines");
    Agent { args: vec![arg.to_owned()], ..config.agents.get("demo").expect("the shipped agent").clone() }
}

pub fn prompt(id: &str, chat: &str) -> Prompt {
    Prompt { id: PromptId(id.to_owned()), place: Place::new("test", chat), text: format!("the text of {id}") }
}

pub fn process() -> ProcessId {
    ProcessId { boot: "boot".to_owned(), pid: 7, started: 7 }
}

fn span(text: &str) -> Duration {
    let in_unit = |unit| text.strip_suffix(unit).and_then(|number: &str| number.parse().ok());
    let span = in_unit("ms").map(Duration::from_millis).or_else(|| in_unit("s").map(Duration::from_secs));
    span.expect("a duration such as 5s or 900ms")
}

fn words(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

impl ScriptRunner {
    fn new() -> Self {
        let machine = Machine::new(record(), settings());
        Self { machine, now: START, run: Run(0), ticket: Ticket(0), trace: String::new() }
    }

    fn step(&mut self, line: &str) {
        let (run, told) = match line.strip_prefix('@').and_then(|rest| rest.split_once(' ')) {
            Some((run, rest)) => (Run(run.parse().expect("a run")), rest),
            None => (self.run, line),
        };
        let (verb, rest) = told.split_once(' ').unwrap_or((told, ""));
        match verb {
            "session" => self.session(rest),
            "restore" => self.restore(line, rest),
            "wait" => self.wait(span(rest)),
            "order" => {
                let result = self.machine.order(order(rest), self.now);
                match result {
                    Ok(effects) => self.note(line, &effects),
                    Err(refusal) => {
                        let _ = writeln!(self.trace, "{line}\n    refused ({}): {refusal}", refusal.code.as_str());
                    }
                }
            }
            _ => {
                let input = self.input(verb, rest).unwrap_or_else(|| process_input(run, verb, rest));
                let effects = self.machine.handle(input, self.now);
                self.note(line, &effects);
            }
        }
    }

    /// `session conversation=c1 persona=p process archived`: restarts the script with another record.
    fn session(&mut self, facts: &str) {
        let mut record = record();
        for fact in facts.split(' ') {
            match fact.split_once('=').unwrap_or((fact, "")) {
                ("conversation", id) => {
                    record.conversation = Some(id.to_owned());
                    record.resumable = true;
                    record.turns = 1;
                }
                ("lost", id) => record.conversation = Some(id.to_owned()),
                ("persona", name) => record.persona = Some(name.to_owned()),
                ("place", chat) => record.place = Some(Place::new("test", chat)),
                ("kept", id) => record.kept.push(prompt(id, "home").into()),
                ("process", _) => record.process = Some(process()),
                ("background", about) => record.background.push(about.to_owned()),
                ("archived", _) => record.archived = true,
                _ => panic!("unknown fact {fact}"),
            }
        }
        self.machine = Machine::new(record, settings());
    }

    fn restore(&mut self, line: &str, facts: &str) {
        let (mut queued, mut cut_off) = (Vec::new(), Vec::new());
        for fact in facts.split_whitespace() {
            match fact.split_once('=') {
                Some(("cut", id)) => cut_off.push(prompt(id, "home")),
                _ => queued.push(prompt(fact, "home")),
            }
        }
        let effects = self.machine.restore(queued, cut_off, self.now);
        self.note(line, &effects);
    }

    /// Advances the time, and delivers each timeout that is due.
    fn wait(&mut self, span: Duration) {
        let until = self.now.after(span);
        while let Some((at, reason)) = self.machine.poll_timeout().filter(|(at, _)| *at <= until) {
            self.now = self.now.max(at);
            let effects = self.machine.handle(Input::Timeout, self.now);
            let title = format!("{}s: {}", self.now.since(START).as_secs(), reason.as_str());
            self.note(&title, &effects);
        }
        self.now = until;
    }

    fn input(&self, verb: &str, rest: &str) -> Option<Input> {
        Some(match verb {
            "prompt" => {
                let (id, chat) = rest.split_once(" from ").unwrap_or((rest, "home"));
                Input::Prompt(prompt(id, chat))
            }
            "edited" => {
                let (id, text) = rest.split_once(": ").expect("an id and its new text");
                Input::Edited { prompt: PromptId(id.to_owned()), text: text.to_owned() }
            }
            "timeout" => Input::Timeout,
            "verdict" => {
                let (ticket, verdict) = self.ticketed(rest);
                Input::Verdict { ticket, verdict: self::verdict(verdict) }
            }
            "brief" => Input::PersonaSettings { ticket: self.ticket, brief: Ok(brief(rest)) },
            "no-brief" => Input::PersonaSettings { ticket: self.ticket, brief: Err(rest.to_owned()) },
            "words" => {
                let (ticket, text) = self.ticketed(rest);
                Input::ResumeNotice { ticket, text: words(text) }
            }
            "settings" => Input::Settings(Settings { idle_timeout: span(rest), ..settings() }),
            "folder" => Input::Settings(Settings { folder: words(rest).map(Into::into), ..settings() }),
            // The agent's configuration.
            "agent" => Input::Settings(Settings { model: words(rest), ..settings() }),
            "args" => Input::Settings(Settings { agent: Some(agent(rest)), ..settings() }),
            "policy" => Input::PolicyChanged,
            "withdraw" => Input::Withdrawn(rest.split(' ').map(|id| PromptId(id.to_owned())).collect()),
            "strays" => Input::Strays { pids: rest.split(' ').map(|pid| pid.parse().expect("a pid")).collect() },
            "shutdown" => Input::Shutdown,
            _ => return None,
        })
    }

    /// `#3 keep` answers question 3, `keep` the latest.
    fn ticketed<'a>(&self, rest: &'a str) -> (Ticket, &'a str) {
        match rest.strip_prefix('#').and_then(|rest| rest.split_once(' ')) {
            Some((ticket, rest)) => (Ticket(ticket.parse().expect("a ticket")), rest),
            None => (self.ticket, rest),
        }
    }

    fn note(&mut self, title: &str, effects: &[Effect]) {
        let phase = self.machine.phase().as_str();
        let _ = writeln!(self.trace, "{title} → {phase}");
        for effect in effects {
            match effect {
                Effect::Spawn { run, .. } => self.run = *run,
                Effect::Resolve { ticket, .. } | Effect::Review { ticket, .. } | Effect::WordResume { ticket, .. } => {
                    self.ticket = *ticket;
                }
                _ => {}
            }
            let _ = writeln!(self.trace, "    {}", told(effect));
        }
    }
}

fn order(text: &str) -> SessionCommand {
    let (verb, rest) = text.split_once(' ').unwrap_or((text, ""));
    match verb {
        "touch" => SessionCommand::Touch(Place::new("test", words(rest).as_deref().unwrap_or("home"))),
        "start" => SessionCommand::Start,
        "suspend" => SessionCommand::Suspend,
        "suspend-anyway" => SessionCommand::SuspendAnyway,
        "stop" => stop(rest),
        "retry" => SessionCommand::Retry(PromptId(rest.to_owned())),
        "fresh" => SessionCommand::Fresh,
        "leave" => SessionCommand::Leave,
        "press" => press(rest),
        "archive" => SessionCommand::Archive,
        "restore" => SessionCommand::Restore,
        "timeout" => SessionCommand::SetIdleTimeout(words(rest).map(|text| span(&text))),
        "model" => SessionCommand::SetModel(words(rest)),
        "persona" => SessionCommand::SetPersona(words(rest)),
        "mode" => SessionCommand::SetMode(words(rest)),
        _ => panic!("unknown order {text}"),
    }
}

/// `a retry b` presses the button of prompt a, `2 fresh` that of failure 2.
fn press(text: &str) -> SessionCommand {
    let (about, rest) = text.split_once(' ').expect("a request and an order");
    let request = match about.parse() {
        Ok(failure) => Request::Start { session: record().name, failure },
        Err(_) => Request::Prompt(PromptId(about.to_owned())),
    };
    SessionCommand::Pressed(request, Box::new(order(rest)))
}

/// `all from den`: both parts are optional. With `from nowhere`, the reply to the command is not shown.
fn stop(text: &str) -> SessionCommand {
    let (waiting, from) = text.split_once("from ").unwrap_or((text, "home"));
    let waiting = if waiting.trim() == "all" { Waiting::Drop } else { Waiting::Keep };
    SessionCommand::Interrupt { waiting, from: (from != "nowhere").then(|| Place::new("test", from)) }
}

fn process_input(run: Run, verb: &str, rest: &str) -> Input {
    match verb {
        "spawned" => Input::Spawned { run, process: process() },
        "exit" => Input::Exit { run, exit: Exit::Ended { status: "exit code 1".to_owned(), last_words: words(rest) } },
        "not-started" => Input::Exit { run, exit: Exit::NotStarted(rest.to_owned()) },
        _ => Input::Agent { run, event: agent_event(verb, rest) },
    }
}

fn agent_event(verb: &str, rest: &str) -> AgentEvent {
    let (first, second) = rest.split_once(' ').unwrap_or((rest, ""));
    let finished = |outcome| {
        let cost_usd = second.strip_prefix('$').map(|cost| cost.parse().expect("a cost"));
        AgentEvent::Finished { answered: vec![PromptId(first.to_owned())], outcome, cost_usd }
    };
    match verb {
        "ready" => AgentEvent::Ready { models: rest.split_whitespace().map(str::to_owned).collect() },
        "conversation" => AgentEvent::Conversation { id: first.to_owned(), resumable: second == "resumable" },
        "taken" => AgentEvent::Taken(PromptId(first.to_owned())),
        "says" => AgentEvent::Part { at: 0, change: Change::Append(rest.to_owned()) },
        "does" => AgentEvent::Part { at: 1, change: Change::Action(action(rest)) },
        "done" => finished(Outcome::Done),
        "interrupted" => finished(Outcome::Interrupted),
        "failed" => finished(Outcome::Failed(second.to_owned())),
        "denied" => AgentEvent::Denied { tool: first.to_owned(), detail: second.to_owned() },
        "heard" => AgentEvent::InterruptTaken,
        "background" => AgentEvent::Background(rest.split(", ").filter_map(words).map(work).collect()),
        "began" => AgentEvent::Began(PromptId(rest.to_owned())),
        "unasked" => AgentEvent::Unasked(rest.to_owned()),
        "refused" => AgentEvent::ResumeRefused(rest.to_owned()),
        _ => panic!("unknown step {verb} {rest}"),
    }
}

/// `build`, or `a wake-up@60s` for work that is over 60 s after the start.
fn work(text: String) -> BackgroundTask {
    match text.split_once('@') {
        Some((about, until)) => BackgroundTask { about: about.to_owned(), until: Some(START.after(span(until))) },
        None => BackgroundTask { about: text, until: None },
    }
}

fn action(title: &str) -> Action {
    Action {
        id: "1".to_owned(),
        kind: "tool".to_owned(),
        title: title.to_owned(),
        detail: String::new(),
        state: ActionState::Running,
    }
}

fn verdict(text: &str) -> Verdict {
    match text.split_once(' ').unwrap_or((text, "")) {
        ("suspend", _) => Verdict::Suspend,
        ("after", rest) => Verdict::SuspendAfter(span(rest)),
        ("review", rest) => Verdict::ReviewIn(span(rest)),
        ("keep", _) => Verdict::Keep,
        ("absent", _) => Verdict::Absent,
        _ => panic!("unknown verdict {text}"),
    }
}

fn brief(text: &str) -> PersonaSettings {
    let mut brief = PersonaSettings::default();
    for fact in text.split_whitespace() {
        match fact.split_once('=').expect("a fact as model=x") {
            ("rules", rules) => brief.instructions = rules.to_owned(),
            ("model", model) => brief.model = words(model),
            ("timeout", timeout) => brief.idle_timeout = Some(span(timeout)),
            ("greeting", greeting) => brief.greeting = words(greeting),
            _ => panic!("unknown fact {fact}"),
        }
    }
    brief
}

fn told(effect: &Effect) -> String {
    match effect {
        Effect::Persist => "persist".to_owned(),
        Effect::Hand(id) => format!("hand {}", id.0),
        Effect::TakeBack(id) => format!("take back {}", id.0),
        Effect::Accept(prompt) => format!("accept {}: {}", prompt.id.0, prompt.text),
        Effect::Settle { prompt, how: Settled::Dropped(_) } => format!("drop {}", prompt.0),
        Effect::Settle { prompt, how: Settled::CutOff } => format!("settle {} as interrupted", prompt.0),
        Effect::Resolve { ticket, persona } => format!("resolve #{}: {persona}", ticket.0),
        Effect::Review { ticket, idle_for } => format!("review #{}: idle for {idle_for:?}", ticket.0),
        Effect::WordResume { ticket, idle_for } => format!("word resume #{}: idle for {idle_for:?}", ticket.0),
        Effect::Spawn { run, launch } => {
            let conversation = launch.resume.as_ref().map_or("anew".to_owned(), |id| format!("resuming {id}"));
            let model = launch.model.as_ref().map_or(String::new(), |model| format!(", model {model}"));
            let rules = words(&launch.instructions).map_or(String::new(), |rules| format!(", rules {rules}"));
            format!("spawn {} {conversation}{model}{rules}", run.0)
        }
        Effect::Send { run, prompt } if prompt.text.starts_with("the text of ") => {
            format!("send {} to {}", prompt.id.0, run.0)
        }
        Effect::Send { run, prompt } => format!("send {} to {}: {}", prompt.id.0, run.0, prompt.text),
        Effect::Interrupt { run } => format!("interrupt {}", run.0),
        Effect::CloseInput { run } => format!("close input of {}", run.0),
        Effect::Terminate { run } => format!("terminate {}", run.0),
        Effect::Kill { run } => format!("kill {}", run.0),
        Effect::Began(place) => format!("began at {}", place.chat),
        Effect::Show => "show".to_owned(),
        Effect::Finish(turn) => format!("finish {}", ended(turn)),
        Effect::CloseRequest { request, choice } => {
            let request = match request {
                Request::Prompt(id) => id.0.clone(),
                Request::Start { failure, .. } => format!("failure {failure}"),
                Request::Grant { plugin, .. } => plugin.clone(),
            };
            format!("decided {request}: {choice:?}")
        }
        Effect::CutOff(turn) => format!("cut off {}", ended(turn)),
        Effect::Tell { place, notice } => {
            let text = crate::render::unescape(&notice.reply().text);
            format!("tell {}: {}", place.chat, text.lines().next().unwrap_or_default())
        }
    }
}

fn ended(turn: &Turn) -> String {
    let parts = turn.parts.iter().map(|part| match part {
        Part::Text(text) => format!("“{text}”"),
        Part::Action(action) => format!("[{}]", action.title),
    });
    let shown = parts.collect::<Vec<_>>().join(" ");
    let state = match &turn.state {
        TurnState::Running => "running".to_owned(),
        TurnState::Done => "done".to_owned(),
        TurnState::Failed(why) => format!("failed: {why}"),
        TurnState::Stopped => "stopped".to_owned(),
    };
    let cost = turn.cost_usd.map_or(String::new(), |cost| format!(", ${cost:.2}"));
    let mode = turn.mode.as_ref().map_or(String::new(), |mode| format!(", mode {mode}"));
    let silent = if turn.alert == Alert::Silent { ", silent" } else { "" };
    format!("{} at {}, {state}{cost}{mode}{silent} {shown}", turn.prompt.0, turn.place.chat).trim_end().to_owned()
}
