//! A script language with one step per line, so that a test consists of a script and a trace of the machine's effects.
//! The trace shows times in seconds since the start of the script. `@1 exit` is an input from run 1. Without a number,
//! the input is from the latest run. `busy a` starts an agent and sends it prompt a; `idle` starts an agent without a
//! prompt.

use std::{fmt::Write as _, sync::LazyLock, time::Duration};

use expect_test::Expect;

use super::super::{
    Completion, Continuation, Decision, DecisionOutcome, Effect, Exit, Input, Machine, PersonaSettings, Prompt,
    QueuedPrompts, RestoredPrompts, Run, SessionCommand, Settings, Ticket, Verdict,
};
use crate::{
    agent_event::{Action, ActionState, AgentEvent, BackgroundTask, Change, Outcome, PromptId},
    config::{Agent, AgentKind, Busy},
    turn::{Turn, TurnPart, TurnState},
    types::{
        AgentRequest, Alert, ContinuedTurn, ConversationStart, ForkPoint, OptionText, PermissionMode, Place, ProcessId,
        PromptKind, RecordedRequest, Request, RequestId, RequestOption, SessionRecord, Terminal, Timestamp, TokenCount,
        Tokens, ToolUse, TurnUsage, UserId,
    },
};

/// Runs the script against a machine and compares the trace.
pub fn check(script: &str, trace: Expect) {
    trace.assert_eq(&self::trace(script));
}

/// Runs the script against a machine and returns the trace.
pub fn trace(script: &str) -> String {
    let mut runner = ScriptRunner::new();
    for line in script.lines().map(str::trim).filter(|line| !line.is_empty()) {
        runner.step(line);
    }
    runner.trace
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
    Settings {
        idle_timeout: Duration::from_secs(600),
        busy: Busy::Queue,
        max_queued: 3,
        max_interrupted: 2,
        stall: Duration::ZERO,
        request_expiry: Duration::from_secs(1800),
        deny_tools: Vec::new(),
        home: None,
        model: None,
        folder: None,
        agent: None,
    }
}

pub fn agent(arg: &str) -> Agent {
    // Parsing the shipped configuration takes longer than a step of a random world.
    static SHIPPED: LazyLock<Agent> = LazyLock::new(|| {
        let config = crate::config::load("").expect("a configuration without lines");
        config.agents.get("demo").expect("the shipped agent").clone()
    });
    Agent { args: vec![arg.to_owned()], ..SHIPPED.clone() }
}

/// Returns settings under which prompts are sent to the agent during a turn.
pub fn steering() -> Settings {
    Settings { busy: Busy::Steer, agent: Some(Agent { kind: AgentKind::Claude, ..agent("-x") }), ..settings() }
}

pub fn prompt(id: &str, chat: &str) -> Prompt {
    Prompt {
        id: PromptId(id.to_owned()),
        place: Place::new("test", chat),
        kind: PromptKind::Text,
        text: format!("the text of {id}"),
        mode: None,
        files: Vec::new(),
    }
}

pub fn process() -> ProcessId {
    ProcessId { boot: "boot".to_owned(), pid: 7, started: 7 }
}

/// Returns the process of a terminal.
pub fn terminal(pid: &str) -> ProcessId {
    ProcessId { pid: pid.parse().expect("a pid"), ..process() }
}

fn span(text: &str) -> Duration {
    let in_unit = |unit| text.strip_suffix(unit).and_then(|number: &str| number.parse().ok());
    let span = in_unit("ms").map(Duration::from_millis).or_else(|| in_unit("s").map(Duration::from_secs));
    span.expect("a duration such as 5s or 900ms")
}

fn non_empty(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

impl ScriptRunner {
    fn new() -> Self {
        let machine = Machine::new(record(), settings());
        Self { machine, now: START, run: Run(0), ticket: Ticket(0), trace: String::new() }
    }

    fn step(&mut self, line: &str) {
        let (run, step) = match line.strip_prefix('@').and_then(|rest| rest.split_once(' ')) {
            Some((run, rest)) => (Run(run.parse().expect("a run")), rest),
            None => (self.run, line),
        };
        let (verb, rest) = step.split_once(' ').unwrap_or((step, ""));
        match verb {
            "session" => self.session(rest),
            "restore" => self.restore(line, rest),
            "busy" => self.skip_trace(line, &[&format!("prompt {rest}"), "ready"]),
            "idle" => self.skip_trace(line, &["command start", "ready"]),
            "rename" => self.rename(line, rest),
            "wait" => self.wait(span(rest)),
            "command" => match self.machine.command(command(rest), self.now) {
                Ok(effects) => self.note(line, &effects),
                Err(refusal) => {
                    let _ = writeln!(self.trace, "{line}\n    refused ({}): {refusal}", refusal.code.as_str());
                }
            },
            _ => {
                let input = self.input(verb, rest).unwrap_or_else(|| process_input(run, verb, rest));
                let effects = self.machine.handle(input, self.now);
                self.note(line, &effects);
            }
        }
    }

    fn rename(&mut self, line: &str, name: &str) {
        let name = name.parse().expect("a name");
        match self.machine.check_rename(name) {
            Ok(record) => {
                self.machine.apply_rename(record.clone());
                let _ = writeln!(self.trace, "{line} → {}, id {}", record.name, record.id());
                assert_eq!(*self.machine.record(), record, "the machine has the record that the host has stored");
            }
            Err(refusal) => {
                let _ = writeln!(self.trace, "{line}\n    refused ({}): {refusal}", refusal.code.as_str());
            }
        }
    }

    /// Runs steps without adding their effects to the trace.
    fn skip_trace(&mut self, line: &str, steps: &[&str]) {
        let length = self.trace.len();
        steps.iter().for_each(|step| self.step(step));
        self.trace.truncate(length);
        self.note(line, &[]);
    }

    /// Replaces the machine with one for another record, as in `session conversation=c1 persona=p process archived`.
    /// The clock and the trace continue.
    fn session(&mut self, facts: &str) {
        let mut record = record();
        for fact in facts.split(' ') {
            match fact.split_once('=').unwrap_or((fact, "")) {
                ("conversation", id) => {
                    record.conversation = Some(id.to_owned());
                    record.resumable = true;
                    record.turns = 1;
                }
                ("not-resumable", id) => record.conversation = Some(id.to_owned()),
                ("forks", id) => record.fork = Some(ForkPoint { conversation: id.to_owned(), is_cost_current: true }),
                ("cost", cost) => record.cost_usd = Some(cost.parse().expect("a cost")),
                ("tokens", count) => {
                    record.tokens = Some(Tokens { input: count.parse().expect("a number"), ..Tokens::default() });
                }
                ("persona", name) => record.persona = Some(name.to_owned()),
                ("place", chat) => record.place = Some(Place::new("test", chat)),
                ("interrupted", id) => record.interrupted.push(prompt(id, "home").into()),
                // `continued=a:n2:2`: the second note about prompt a is n2.
                ("continued", turn) => {
                    let mut parts = turn.split(':');
                    let mut part = || parts.next().expect("a prompt, a note and a number");
                    let (prompts, note) = (vec![prompt(part(), "home").into()], PromptId(part().to_owned()));
                    let notes = part().parse().expect("a number");
                    record.continued_turn = Some(ContinuedTurn { prompts, note, notes });
                }
                ("process", _) => record.process = Some(process()),
                ("terminal", pid) => record.terminal = Some(Terminal { process: terminal(pid), since: START }),
                ("background", about) => record.background.push(about.to_owned()),
                ("asks", title) => {
                    let (kind, title) = ("permission".to_owned(), title.to_owned());
                    record.open_requests.push(RecordedRequest {
                        kind,
                        title,
                        tool: None,
                        place: Some(Place::new("test", "home")),
                    });
                }
                ("archived", _) => record.archived = true,
                _ => panic!("unknown fact {fact}"),
            }
        }
        self.machine = Machine::new(record, settings());
    }

    fn restore(&mut self, line: &str, facts: &str) {
        let mut restored = RestoredPrompts::default();
        for fact in facts.split_whitespace() {
            match fact.split_once('=') {
                Some(("interrupted", id)) => restored.interrupted.push(prompt(id, "home")),
                Some(("continue", id)) => {
                    restored.continuation = Some(Continuation { note: PromptId(id.to_owned()), shown: None });
                }
                _ => restored.queued.push(prompt(fact, "home")),
            }
        }
        let effects = self.machine.restore(restored, self.now);
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
            "now" => Input::UrgentPrompt(prompt(rest, "home")),
            "edited" => {
                let (id, text) = rest.split_once(": ").expect("an id and its new text");
                Input::Edited { prompt: PromptId(id.to_owned()), kind: PromptKind::Text, text: text.to_owned() }
            }
            "timeout" => Input::Timeout,
            "verdict" => {
                let (ticket, verdict) = self.ticketed(rest);
                Input::Verdict { ticket, verdict: self::verdict(verdict) }
            }
            "persona-settings" => Input::PersonaSettings { ticket: self.ticket, settings: Ok(persona_settings(rest)) },
            "persona-error" => Input::PersonaSettings { ticket: self.ticket, settings: Err(rest.to_owned()) },
            "resume-notice" => {
                let (ticket, text) = self.ticketed(rest);
                Input::ResumeNotice { ticket, text: non_empty(text) }
            }
            "decision" => {
                let (ticket, decision) = self.ticketed(rest);
                Input::Decision { ticket, decision: self::decision(decision) }
            }
            "settings" => Input::Settings(Box::new(Settings { idle_timeout: span(rest), ..settings() })),
            "stall" => Input::Settings(Box::new(Settings { stall: span(rest), ..settings() })),
            "steer" if rest == "one-at-a-time" => {
                Input::Settings(Box::new(Settings { agent: Some(agent("-x")), ..steering() }))
            }
            // `steer 60s` also sets `stall`.
            "steer" => {
                let stall = non_empty(rest).map_or(Duration::ZERO, |text| span(&text));
                Input::Settings(Box::new(Settings { stall, ..steering() }))
            }
            "interrupt-busy" => Input::Settings(Box::new(Settings { busy: Busy::Interrupt, ..settings() })),
            "deny-tools" => {
                let deny_tools = vec![rest.parse().expect("a rule")];
                Input::Settings(Box::new(Settings { deny_tools, ..settings() }))
            }
            "folder" => Input::Settings(Box::new(Settings { folder: non_empty(rest).map(Into::into), ..settings() })),
            // `agent` changes the model in the agent's configuration, `args` the arguments.
            "agent" => Input::Settings(Box::new(Settings { model: non_empty(rest), ..settings() })),
            "args" => Input::Settings(Box::new(Settings { agent: Some(agent(rest)), ..settings() })),
            "kind" => {
                let kind = AgentKind::ALL.iter().copied().find(|kind| kind.as_str() == rest).expect("a kind");
                Input::Settings(Box::new(Settings { agent: Some(Agent::new(kind)), ..settings() }))
            }
            "policy" => Input::PolicyChanged,
            "suspend-if-unused" => Input::SuspendIfUnused,
            "access-lost" => Input::AccessLost(rest.split(' ').map(|id| PromptId(id.to_owned())).collect()),
            "terminal-closed" => {
                let (pid, conversation) = rest.split_once(' ').unwrap_or((rest, ""));
                Input::TerminalClosed { process: terminal(pid), conversation: non_empty(conversation) }
            }
            "strays" => Input::Strays { pids: rest.split(' ').map(|pid| pid.parse().expect("a pid")).collect() },
            "nobody-answers" => Input::NobodyAnswers,
            "shutdown" => Input::Shutdown,
            _ => return None,
        })
    }

    /// Parses the query that an answer belongs to: query 3 in `#3 keep`, the latest query in `keep`.
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
            if let Effect::Spawn { run, .. } = effect {
                self.run = *run;
            }
            if let Effect::LoadPersona { ticket, .. }
            | Effect::Review { ticket, .. }
            | Effect::Decide { ticket, .. }
            | Effect::RequestResumeNotice { ticket, .. } = effect
            {
                self.ticket = *ticket;
            }
            let _ = writeln!(self.trace, "    {}", show(effect));
        }
    }
}

fn command(text: &str) -> SessionCommand {
    let (verb, rest) = text.split_once(' ').unwrap_or((text, ""));
    match verb {
        "touch" => SessionCommand::Touch(Place::new("test", non_empty(rest).as_deref().unwrap_or("home"))),
        "start" => SessionCommand::Start,
        "suspend" => SessionCommand::Suspend,
        "open-terminal" => SessionCommand::OpenTerminal(terminal(rest)),
        "force-suspend" => SessionCommand::ForceSuspend,
        "stop" => stop(rest),
        "drop" => SessionCommand::DropQueued(PromptId(rest.to_owned())),
        "retry" => SessionCommand::Retry(PromptId(rest.to_owned())),
        "fresh" => SessionCommand::Fresh,
        "leave" => SessionCommand::Leave,
        "press" => press(rest),
        "answer" => answer(rest),
        "archive" => SessionCommand::Archive,
        "restore" => SessionCommand::Restore,
        "timeout" => SessionCommand::SetIdleTimeout(non_empty(rest).map(|text| span(&text))),
        "model" => SessionCommand::SetModel(non_empty(rest)),
        "persona" => SessionCommand::SetPersona(non_empty(rest)),
        "agent" => SessionCommand::SetAgent(rest.to_owned()),
        "mode" => SessionCommand::SetMode(non_empty(rest)),
        "permission-mode" => SessionCommand::SetPermissionMode(PermissionMode::parse(rest)),
        _ => panic!("unknown command {text}"),
    }
}

/// Parses the press of a button. The button belongs to prompt a in `a retry b`, to failure 2 in `2 fresh`, to question
/// q1 in `q1 answer allow`, and to the question about the silence that began 5 s after the start of the script in
/// `silence@5s stop`.
fn press(text: &str) -> SessionCommand {
    let (about, rest) = text.split_once(' ').expect("a request and a command");
    let session = record().name;
    let silence = about.strip_prefix("silence@").map(|since| START.after(span(since)));
    let request = match about.parse() {
        _ if silence.is_some() => Request::Stall { session, since: silence.expect("a time") },
        Ok(failure) => Request::Start { session, failure },
        Err(_) if rest.starts_with("answer") => Request::Agent { session, id: RequestId(about.to_owned()) },
        Err(_) => Request::Prompt(PromptId(about.to_owned())),
    };
    SessionCommand::Pressed(request, Box::new(command(rest)))
}

/// Parses an answer, such as `#2 deny: because` or `allow`. The number and the text are optional.
fn answer(text: &str) -> SessionCommand {
    let (number, rest) = match text.strip_prefix('#').and_then(|rest| rest.split_once(' ')) {
        Some((number, rest)) => (Some(number.parse().expect("a number")), rest),
        None => (None, text),
    };
    let (options, text) = rest.split_once(": ").unwrap_or((rest, ""));
    let options = options.split_whitespace().map(str::to_owned).collect();
    SessionCommand::Answer { number, options, text: non_empty(text) }
}

/// Returns a permission request. If its id contains `many`, several options may be chosen.
pub fn agent_request(id: &str) -> AgentRequest {
    let option = |id: &str, label: &str, text| RequestOption { id: id.to_owned(), label: label.to_owned(), text };
    AgentRequest {
        kind: "permission",
        text: format!("the text of {id}").into(),
        options: vec![
            option("allow", "Allow once", OptionText::No),
            option("deny", "Deny", OptionText::Optional),
            option("other", "Something else", OptionText::Required),
        ],
        multiple: id.contains("many"),
        ..AgentRequest::new(RequestId(id.to_owned()), format!("the title of {id}"))
    }
}

/// Returns a permission request that the approval plugin decides first.
pub fn tool_request(id: &str) -> AgentRequest {
    let tool_use = ToolUse {
        tool: "Bash".to_owned(),
        input: "{}".to_owned(),
        command: Some(format!("the command of {id}")),
        paths: Vec::new(),
        url: None,
        home: None,
    };
    AgentRequest { tool_use: Some(Box::new(tool_use)), ..agent_request(id) }
}

/// Returns a request with options that differ from those of [`agent_request`]: `session` if `id` contains `session`,
/// and `allow` unless `id` contains `only`. If `id` contains `rules`, the agent names the rules that `session` adds. If
/// it contains `large`, the input is too large for the approval plugin.
fn other_tool_request(id: &str) -> AgentRequest {
    let mut request = tool_request(id);
    if id.contains("session") {
        let (label, text) = ("Allow for this session".to_owned(), OptionText::No);
        let option = RequestOption { id: RequestOption::ALLOW_FOR_SESSION.to_owned(), label, text };
        request.options.insert(1, option);
    }
    if id.contains("rules") {
        request.session_rules = "\n\nFor this session it would allow: `Bash(the:*)`".to_owned().into();
    }
    if id.contains("only") {
        request.options.remove(0);
    }
    if let Some(tool_use) = request.tool_use.as_mut().filter(|_| id.contains("large")) {
        tool_use.input = "x".repeat(300_000);
    }
    request
}

fn decision(text: &str) -> Decision {
    let (text, rule) = text.split_once(" by ").unwrap_or((text, ""));
    let outcome = match text.split_once(' ').unwrap_or((text, "")) {
        ("allow", "") => DecisionOutcome::Allow,
        ("allow", "for session") => DecisionOutcome::AllowForSession,
        ("deny", why) => DecisionOutcome::Deny(why.to_owned()),
        ("ask", "") => DecisionOutcome::Ask(Vec::new()),
        ("failed", "") => DecisionOutcome::Failed,
        _ => panic!("'{text}' is no decision"),
    };
    Decision { outcome, rule: non_empty(rule) }
}

/// Parses the arguments of `stop`, such as `all from den`. Both parts are optional. With `from nowhere`, the reply to
/// the command is not shown.
fn stop(text: &str) -> SessionCommand {
    let (which, from) = text.split_once("from ").unwrap_or((text, "home"));
    let queued = if which.trim() == "all" { QueuedPrompts::Drop } else { QueuedPrompts::Keep };
    SessionCommand::Interrupt { queued, from: (from != "nowhere").then(|| Place::new("test", from)) }
}

fn process_input(run: Run, verb: &str, rest: &str) -> Input {
    match verb {
        "output" => Input::Output { run },
        "spawned" => Input::Spawned { run, process: process() },
        "exit" => {
            Input::Exit { run, exit: Exit::Ended { status: "exit code 1".to_owned(), last_output: non_empty(rest) } }
        }
        "not-started" => Input::Exit { run, exit: Exit::NotStarted(rest.to_owned()) },
        _ => Input::Agent { run, event: agent_event(verb, rest) },
    }
}

/// Parses the usage of a turn: the cost of the conversation, such as `$0.25`, and the tokens of the turn, such as
/// `5 tokens`, or of the conversation, such as `5 tokens in all`.
fn usage(text: &str) -> TurnUsage {
    let (cost, count) = match text.split_once(' ') {
        Some((cost, count)) if cost.starts_with('$') => (cost, count),
        _ if text.starts_with('$') => (text, ""),
        _ => ("", text),
    };
    let total_cost_usd = cost.strip_prefix('$').map(|cost| cost.parse().expect("a cost"));
    let tokens = |input: &str| Tokens { input: input.parse().expect("a number"), ..Tokens::default() };
    let tokens = match (count.strip_suffix(" tokens in all"), count.strip_suffix(" tokens")) {
        (Some(all), _) => TokenCount::Conversation(tokens(all)),
        (None, Some(turn)) => TokenCount::Turn(tokens(turn)),
        (None, None) => TokenCount::default(),
    };
    TurnUsage { total_cost_usd, tokens, ..TurnUsage::default() }
}

fn agent_event(verb: &str, rest: &str) -> AgentEvent {
    let (first, second) = rest.split_once(' ').unwrap_or((rest, ""));
    // `done a+b` ends a turn that has answered both prompts.
    let answered = || first.split('+').map(|id| PromptId(id.to_owned())).collect();
    let finished = |outcome| AgentEvent::Finished { answered: answered(), outcome, usage: usage(second) };
    match verb {
        "ready" => AgentEvent::Ready { models: rest.split_whitespace().map(str::to_owned).collect() },
        "outdated" => AgentEvent::Outdated(rest.to_owned()),
        "conversation" => AgentEvent::Conversation { id: first.to_owned(), resumable: second == "resumable" },
        "accepted" => AgentEvent::PromptAccepted(PromptId(first.to_owned())),
        "says" => AgentEvent::Part { at: 0, change: Change::Append(rest.to_owned()) },
        "does" => AgentEvent::Part { at: 1, change: Change::Action(action(rest)) },
        "did" => {
            let state = ActionState::Done;
            AgentEvent::Part { at: 1, change: Change::Action(Action { state, ..action(rest) }) }
        }
        "done" => finished(Outcome::Done),
        "interrupted" => finished(Outcome::Interrupted),
        "failed" => finished(Outcome::Failed(second.to_owned())),
        "denied" => AgentEvent::Denied { tool: first.to_owned(), detail: second.to_owned() },
        "interrupt-accepted" => AgentEvent::InterruptAccepted,
        "background" => AgentEvent::Background(rest.split(", ").filter_map(non_empty).map(work).collect()),
        "began-turn" => AgentEvent::TurnStarted(PromptId(rest.to_owned())),
        "unprompted" => AgentEvent::UnpromptedText(rest.to_owned()),
        "asks" => AgentEvent::Requested(agent_request(first)),
        "asks-tool" => AgentEvent::Requested(other_tool_request(first)),
        "announces" => AgentEvent::ToolAnnounced(other_tool_request(first)),
        "cancels" => AgentEvent::RequestCanceled(RequestId(first.to_owned())),
        "mode-changed" => AgentEvent::PermissionModeChanged(PermissionMode::parse(rest).unwrap()),
        "mode-refused" => AgentEvent::PermissionModeRefused(rest.to_owned()),
        "start-failed" => AgentEvent::StartFailed(rest.to_owned()),
        "resume-refused" => AgentEvent::ResumeRefused(rest.to_owned()),
        _ => panic!("unknown step {verb} {rest}"),
    }
}

/// Parses background work: `build`, or `a wake-up@60s` for work that ends 60 s after the start of the script.
fn work(text: String) -> BackgroundTask {
    match text.split_once('@') {
        Some((about, until)) => BackgroundTask { about: about.to_owned(), until: Some(START.after(span(until))) },
        None => BackgroundTask { about: text, until: None },
    }
}

/// Returns a tool call in this state.
pub fn tool_call(state: ActionState) -> Action {
    Action { state, ..action("ls") }
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

fn persona_settings(text: &str) -> PersonaSettings {
    let mut settings = PersonaSettings::default();
    for fact in text.split_whitespace() {
        match fact.split_once('=').expect("a fact as model=x") {
            ("rules", rules) => settings.instructions = rules.to_owned(),
            ("model", model) => settings.model = non_empty(model),
            ("timeout", timeout) => settings.idle_timeout = Some(span(timeout)),
            ("greeting", greeting) => settings.greeting = non_empty(greeting),
            _ => panic!("unknown fact {fact}"),
        }
    }
    settings
}

fn show(effect: &Effect) -> String {
    match effect {
        Effect::Persist => "persist".to_owned(),
        // In most scripts, the agent reports no usage.
        Effect::PersistTurn(usage) if usage.cost_usd.is_none() && usage.tokens == Tokens::default() => {
            "persist".to_owned()
        }
        Effect::PersistTurn(usage) => {
            let cost = usage.cost_usd.map_or(String::new(), |cost| format!(" ${cost:.2}"));
            let persona = usage.turn.persona.as_ref().map_or(String::new(), |persona| format!(" as {persona}"));
            format!("persist with{cost} {} tokens{persona}", usage.tokens.input)
        }
        Effect::MarkSent(id) => format!("mark {} sent", id.0),
        Effect::MarkQueued(id) => format!("mark {} queued", id.0),
        Effect::Accept(prompt) => format!("accept {}: {}", prompt.id.0, shown_text(prompt)),
        Effect::Complete { prompt, how: Completion::Dropped(_) | Completion::Rejected(_) } => {
            format!("drop {}", prompt.0)
        }
        Effect::Complete { prompt, how: Completion::Interrupted } => format!("complete {} as interrupted", prompt.0),
        Effect::Complete { prompt, how: Completion::Superseded } => format!("complete {} as superseded", prompt.0),
        Effect::CompleteWithNotice { prompt, how, place, notice } => {
            let post = Effect::Post { place: place.clone(), notice: notice.clone() };
            let complete = Effect::Complete { prompt: prompt.clone(), how: how.clone() };
            format!("{}\n    {}", show(&post), show(&complete))
        }
        Effect::LoadPersona { ticket, persona } => format!("load persona #{}: {persona}", ticket.0),
        Effect::Review { ticket, idle_for } => format!("review #{}: idle for {idle_for:?}", ticket.0),
        Effect::RequestResumeNotice { ticket, idle_for } => {
            format!("request resume notice #{}: idle for {idle_for:?}", ticket.0)
        }
        Effect::Decide { ticket, permission } => {
            let ToolUse { tool, .. } = &permission.tool_use;
            format!("decide #{}: {tool} {}", ticket.0, permission.tool_use.detail())
        }
        Effect::WatchTerminal(process) => format!("watch terminal {}", process.pid),
        Effect::Spawn { run, launch } => {
            let conversation = match &launch.conversation {
                ConversationStart::New => "anew".to_owned(),
                ConversationStart::Resume(id) => format!("resuming {id}"),
                ConversationStart::Fork(id) => format!("forking {id}"),
            };
            let model = launch.model.as_ref().map_or(String::new(), |model| format!(", model {model}"));
            let rules = non_empty(&launch.instructions).map_or(String::new(), |rules| format!(", rules {rules}"));
            let mode = Some(launch.permission_mode).filter(|mode| *mode != PermissionMode::Default);
            let mode = mode.map_or(String::new(), |mode| format!(", mode {}", mode.as_str()));
            format!("spawn {} {conversation}{model}{mode}{rules}", run.0)
        }
        Effect::Send { run, prompt } if prompt.text.starts_with("the text of ") => {
            format!("send {} to {}", prompt.id.0, run.0)
        }
        Effect::Steer { run, prompt } => format!("steer {} to {}", prompt.id.0, run.0),
        Effect::Forget { run, prompt } => format!("forget {} of {}", prompt.0, run.0),
        Effect::SteeredTurnStarted { prompt, place } => format!("turn of {} started at {}", prompt.0, place.chat),
        Effect::Send { run, prompt } => format!("send {} to {}: {}", prompt.id.0, run.0, shown_text(prompt)),
        Effect::Audit(decided) => {
            let reason = decided.reason.as_ref().map_or(String::new(), |reason| format!(" ({reason})"));
            format!("audit {}: {} by {:?}{reason}", decided.request.id.0, decided.outcome, decided.by)
        }
        Effect::AuditUnclosed(request) => format!("audit unclosed {}", request.title),
        Effect::Answer { run, id, answer } => format!("answer {} of {}: {answer:?}", id.0, run.0),
        Effect::SetPermissionMode { run, mode } => format!("set permission mode of {}: {}", run.0, mode.as_str()),
        Effect::Interrupt { run } => format!("interrupt {}", run.0),
        Effect::CloseInput { run } => format!("close input of {}", run.0),
        Effect::Terminate { run } => format!("terminate {}", run.0),
        Effect::Kill { run } => format!("kill {}", run.0),
        Effect::TurnStarted(place) => format!("turn started at {}", place.chat),
        Effect::ShowTurn => "show".to_owned(),
        Effect::Finish(turn) => format!("finish {}", show_turn(turn)),
        Effect::CloseRequest { request, choice } => {
            let request = match request {
                Request::Prompt(id) => id.0.clone(),
                Request::Start { failure, .. } => format!("failure {failure}"),
                Request::Grant { plugin, .. } => plugin.clone(),
                Request::Stall { since, .. } => format!("silence since {}s", since.since(START).as_secs()),
                Request::Agent { id, .. } => id.0.clone(),
            };
            format!("close request {request}: {choice:?}")
        }
        Effect::FinishInterrupted(turn) => format!("finish interrupted {}", show_turn(turn)),
        Effect::Post { place, notice } => {
            let reply = notice.reply(&record().name);
            let text = crate::render::unescape(&reply.text);
            let silent = if reply.alert == Alert::Silent { " (silent)" } else { "" };
            let reason = text.lines().skip(3).last().map_or(String::new(), |reason| format!(" … {reason}"));
            format!("post {}: {}{reason}{silent}", place.chat, text.lines().next().unwrap_or_default())
        }
    }
}

/// Returns the text of a prompt, or the quotes in a note.
fn shown_text(prompt: &Prompt) -> String {
    if !prompt.text.starts_with("[This is a note") {
        return prompt.text.clone();
    }
    let quotes = prompt.text.lines().filter_map(|line| line.strip_prefix("> "));
    format!("note about {}", quotes.collect::<Vec<_>>().join(", "))
}

fn show_turn(turn: &Turn) -> String {
    let parts = turn.parts.iter().map(|part| match part {
        TurnPart::Text(text) => format!("“{text}”"),
        TurnPart::Action(action) => format!("[{}]", action.title),
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
    let prompts = turn.prompts().map(|prompt| prompt.0.as_str()).collect::<Vec<_>>().join("+");
    format!("{prompts} at {}, {state}{cost}{mode}{silent} {shown}", turn.place.chat).trim_end().to_owned()
}
