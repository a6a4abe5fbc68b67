//! Plays both sides of a conversation with an agent's codec: the lines of the agent, and the actions of the session. The
//! input can contain anything, so the checks cover only what the session relies on for every output of an agent.

use std::{collections::BTreeSet, path::Path, sync::LazyLock};

use cordboard_agents::{Codec, Decoded, InterruptMethod, Start, prepare, process::Environment};
use cordboard_core::{
    agent_event::{AgentEvent, Change, Outcome, PromptId},
    config::{self, AgentKind, Config},
    render::{is_blank, is_one_line},
    session::{Launch, Prompt, PromptKind},
    types::{AgentRequest, ConversationStart, PermissionMode, Place, RequestAnswer, RequestId},
};
use serde_json::{Map, Value};

/// The marker at the start of a line that is an action of the session.
const ACTION: u8 = b'>';

/// The text that all lines may produce regardless of their length, and the factor by which longer lines may grow. An
/// agent's output must not fill the host's memory.
const FREE_TEXT: usize = 256 * 1024;
const MAX_GROWTH: usize = 32;

const CONFIGURATION: &str = r#"
[agents.acp]
kind = "acp"
command = "agent"
[agents.plain]
kind = "plain"
command = "agent"
prompt = '(>>>|\.\.\.) $'
"#;

static CONFIG: LazyLock<Config> = LazyLock::new(|| config::load(CONFIGURATION).expect("the configuration is valid"));

/// A conversation with one agent process.
pub struct AgentScript {
    codec: Box<dyn Codec>,
    kind: AgentKind,
    sent: BTreeSet<PromptId>,
    accepted: BTreeSet<PromptId>,
    unfinished: BTreeSet<PromptId>,
    is_ready: bool,
    open: Vec<AgentRequest>,
    announced: Vec<RequestId>,
    /// The length of all input, and of all text in the events.
    read: usize,
    shown: usize,
}

impl AgentScript {
    /// Starts an agent of this kind.
    pub fn new(kind: AgentKind) -> Self {
        let (_, agent) = CONFIG.agents.of_kind(kind, None).expect("there is an agent of each kind");
        let launch = Launch {
            conversation: ConversationStart::New,
            model: None,
            permission_mode: PermissionMode::Default,
            instructions: String::new(),
        };
        let start = Start {
            session: &"fuzz".parse().expect("a valid name"),
            folder: Path::new("/work"),
            launch: &launch,
            agent,
            environment: &Environment::default(),
            host_id: "host",
        };
        let (_, codec) = prepare(&start).expect("the agent has a command");
        let mut script = Self {
            codec,
            kind,
            sent: BTreeSet::new(),
            accepted: BTreeSet::new(),
            unfinished: BTreeSet::new(),
            is_ready: kind == AgentKind::Claude,
            open: Vec::new(),
            announced: Vec::new(),
            read: 0,
            shown: 0,
        };
        let lines = script.codec.open();
        script.note(&Decoded { events: Vec::new(), lines });
        script
    }

    /// Performs the actions in `data`, and decodes its other lines. `decode` returns the bytes that the codec receives
    /// for a line.
    pub fn play(mut self, data: &[u8], decode: fn(&[u8]) -> Vec<u8>) {
        for line in data.split(|byte| *byte == b'\n') {
            match line.split_first() {
                Some((&ACTION, action)) => self.act(&String::from_utf8_lossy(action)),
                Some(_) | None => {
                    self.read += line.len();
                    let decoded = self.codec.decode(&decode(line));
                    self.note(&decoded);
                }
            }
        }
        let events = self.codec.on_exit(None);
        self.note(&Decoded { events, lines: Vec::new() });
        assert!(self.codec.exit_reason().is_none_or(|reason| !is_blank(reason)));
    }

    /// Performs an action of the session: `prompt ID`, `forget ID`, `stop`, `mode NAME`, `answer INDEX TEXT`, `allow`,
    /// `ask` or `silence`. Skips actions that the session would not perform in this state.
    fn act(&mut self, action: &str) {
        let (verb, rest) = action.split_once(' ').unwrap_or((action, ""));
        match verb {
            "prompt" => self.prompt(rest),
            "forget" => self.forget(rest),
            "stop" => {
                if let InterruptMethod::Line(line) = self.codec.interrupt() {
                    self.note(&Decoded { events: Vec::new(), lines: vec![line] });
                }
            }
            "mode" => {
                if let Some(mode) = PermissionMode::parse(rest) {
                    let decoded = self.codec.set_permission_mode(mode);
                    self.note(&decoded);
                }
            }
            "answer" => self.answer(rest),
            "allow" => self.answer_announced(&RequestAnswer::NoObjection),
            "ask" => self.answer_announced(&RequestAnswer::MustAsk),
            "silence" if self.codec.silence().is_some() => {
                let decoded = self.codec.on_silence();
                self.note(&decoded);
            }
            _ => {}
        }
    }

    fn prompt(&mut self, id: &str) {
        let id = PromptId(id.to_owned());
        // Only claude accepts prompts during a turn.
        let is_busy = self.kind != AgentKind::Claude && !self.unfinished.is_empty();
        if !self.is_ready || is_busy || !self.sent.insert(id.clone()) {
            return;
        }
        self.unfinished.insert(id.clone());
        let place = Place::new("telegram", "4");
        let text = format!("the text of {}", id.0);
        let prompt = Prompt { id, place, kind: PromptKind::Text, text, mode: None, files: Vec::new() };
        let line = self.codec.prompt(&prompt, &[]);
        self.note(&Decoded { events: Vec::new(), lines: vec![line] });
    }

    /// The session forgets only prompts that the agent has not accepted.
    fn forget(&mut self, id: &str) {
        let id = PromptId(id.to_owned());
        if self.sent.contains(&id) && !self.accepted.contains(&id) {
            self.unfinished.remove(&id);
            self.codec.forget(&id);
        }
    }

    /// Answers the oldest open question.
    fn answer(&mut self, rest: &str) {
        if self.open.is_empty() {
            return;
        }
        let request = self.open.remove(0);
        let (index, text) = rest.split_once(' ').unwrap_or((rest, ""));
        let option = index.parse().ok().and_then(|index: usize| request.options.get(index));
        let answer = option.map_or(RequestAnswer::Nobody, |option| RequestAnswer::Options {
            ids: vec![option.id.clone()],
            text: (!text.is_empty()).then(|| text.to_owned()),
        });
        let decoded = self.codec.answer(&request.id, &answer);
        self.note(&decoded);
    }

    fn answer_announced(&mut self, answer: &RequestAnswer) {
        if let Some(id) = self.announced.pop() {
            let decoded = self.codec.answer(&id, answer);
            self.note(&decoded);
        }
    }

    fn note(&mut self, decoded: &Decoded) {
        decoded.events.iter().for_each(|event| self.note_event(event));
        assert!(self.shown <= FREE_TEXT + MAX_GROWTH * self.read, "{} bytes became {}", self.read, self.shown);
        for line in &decoded.lines {
            let is_one_line = !line.contains(&b'\n');
            let is_message =
                self.kind == AgentKind::Plain || serde_json::from_slice::<Map<String, Value>>(line).is_ok();
            assert!(is_one_line && is_message, "{}", String::from_utf8_lossy(line));
        }
    }

    fn note_event(&mut self, event: &AgentEvent) {
        match event {
            AgentEvent::Ready { .. } => self.is_ready = true,
            AgentEvent::Commands(commands) => {
                assert!(commands.iter().all(|one| !one.name.is_empty() && is_one_line(&one.description)), "{event:?}");
            }
            AgentEvent::PromptAccepted(id) => {
                assert!(self.sent.contains(id), "{id:?} was not sent");
                assert!(self.accepted.insert(id.clone()), "{id:?} is accepted twice");
            }
            AgentEvent::Part { change, .. } => self.shown += length(change),
            AgentEvent::Finished { answered, outcome, .. } => self.finish(answered, outcome),
            AgentEvent::Requested(request) => {
                assert!(self.open.iter().all(|open| open.id != request.id), "{request:?} is asked twice");
                assert_valid(request);
                self.open.push(request.clone());
            }
            AgentEvent::ToolAnnounced(request) => {
                assert!(request.options.is_empty() && request.text.shown.is_empty(), "{request:?}");
                assert!(!self.announced.contains(&request.id), "{request:?} is announced twice");
                self.announced.push(request.id.clone());
            }
            AgentEvent::RequestCanceled(id) => {
                self.open.retain(|open| open.id != *id);
                self.announced.retain(|announced| announced != id);
            }
            AgentEvent::UnpromptedText(text)
            | AgentEvent::Outdated(text)
            | AgentEvent::StartFailed(text)
            | AgentEvent::ResumeRefused(text)
            | AgentEvent::PermissionModeRefused(text) => assert!(!is_blank(text), "{event:?}"),
            AgentEvent::Conversation { id, .. } => assert!(!id.is_empty()),
            AgentEvent::Denied { .. }
            | AgentEvent::InterruptAccepted
            | AgentEvent::Background(_)
            | AgentEvent::TurnStarted(_)
            | AgentEvent::PermissionModeChanged(_) => {}
        }
    }

    fn finish(&mut self, answered: &[PromptId], outcome: &Outcome) {
        if let Outcome::Failed(why) = outcome {
            assert!(!is_blank(why));
        }
        for id in answered {
            let was_unfinished = self.unfinished.remove(id);
            // Claude names the prompts that it answers, and the session ignores unknown names.
            assert!(was_unfinished || self.kind == AgentKind::Claude, "{id:?} ends twice");
        }
    }
}

fn assert_valid(request: &AgentRequest) {
    assert!(!is_blank(&request.title) && is_one_line(&request.title), "{request:?}");
    assert!(!request.options.is_empty(), "{request:?}");
    let ids: BTreeSet<&str> = request.options.iter().map(|option| option.id.as_str()).collect();
    assert_eq!(ids.len(), request.options.len(), "{request:?}");
}

/// Returns the length of the text that a change adds.
fn length(change: &Change) -> usize {
    match change {
        Change::Append(text) | Change::Text(text) => text.len(),
        Change::Action(action) => action.title.len() + action.detail.len(),
        Change::Remove => 0,
    }
}
