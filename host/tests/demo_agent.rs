//! Tests the demo agent's real process through its codec, including the failures that the agent simulates. Also tests
//! the command lines of `claude` and `acp` agents.

#![expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

use std::{collections::VecDeque, ffi::OsString, path::Path, time::Duration};

use cordboard_agents::{
    Codec, Start, StartError, prepare,
    process::{Environment, Process, ProcessEvent, describe_exit, spawn},
};
use cordboard_core::{
    agent_event::{AgentEvent, Change, Outcome, PromptId},
    config::{self, AgentKind},
    session::{Launch, Prompt},
    types::{ConversationStart, PermissionMode, Place, PromptKind, RequestAnswer, RequestId, SessionName, TurnUsage},
};
use tokio::{sync::mpsc::Receiver, time::timeout};

/// The time limit of each wait. Only a test that hangs reaches it.
const LIMIT: Duration = Duration::from_secs(60);

struct Agent {
    process: Process,
    lines: Receiver<ProcessEvent>,
    codec: Box<dyn Codec>,
    events: VecDeque<AgentEvent>,
    /// The user's answers to the agent's requests, each consisting of an option and a text.
    decisions: VecDeque<(&'static str, Option<&'static str>)>,
    exit: Option<(String, Option<String>)>,
    too_long: u64,
}

/// The result of a prompt.
#[derive(Debug, PartialEq)]
struct Answer {
    text: String,
    outcome: Outcome,
}

fn demo() -> config::Agent {
    config::Agent {
        command: Some(env!("CARGO_BIN_EXE_cordboard").to_owned()),
        args: vec!["--pace-ms=50".to_owned()],
        ..config::Agent::new(AgentKind::Demo)
    }
}

fn start(folder: &Path, resume: Option<&str>) -> Agent {
    let launch = Launch {
        conversation: resume.map_or(ConversationStart::New, |id| ConversationStart::Resume(id.to_owned())),
        model: None,
        permission_mode: PermissionMode::Default,
        instructions: "Be kind.".to_owned(),
    };
    let session: SessionName = "demo".parse().unwrap();
    let host = uuid::Uuid::new_v4().to_string();
    let start = Start {
        session: &session,
        folder,
        launch: &launch,
        agent: &demo(),
        environment: &Environment::default(),
        host_id: &host,
    };
    let (what, mut codec) = prepare(&start).unwrap();
    let (process, lines) = spawn(what).unwrap();
    for line in codec.open() {
        process.write(line).unwrap();
    }
    Agent { process, lines, codec, events: VecDeque::new(), decisions: VecDeque::new(), exit: None, too_long: 0 }
}

impl Agent {
    /// Returns the next event, or `None` after the process has exited.
    async fn next(&mut self) -> Option<AgentEvent> {
        while self.events.is_empty() && self.exit.is_none() {
            match timeout(LIMIT, self.lines.recv()).await.expect("the agent is silent").unwrap() {
                ProcessEvent::Line(line) => {
                    let decoded = self.codec.decode(&line);
                    self.events.extend(decoded.events);
                    assert!(decoded.lines.is_empty());
                }
                ProcessEvent::TooLong { .. } => self.too_long += 1,
                ProcessEvent::Piece(piece) => panic!("a piece of a line: {piece:?}"),
                ProcessEvent::Strays { pids } => panic!("strays {pids:?}"),
                ProcessEvent::Ended { status, last_stderr_line, .. } => {
                    self.exit = Some((describe_exit(status), last_stderr_line))
                }
            }
        }
        self.events.pop_front()
    }

    fn send(&mut self, text: &str) -> PromptId {
        let id = PromptId(uuid::Uuid::new_v4().to_string());
        let prompt = Prompt {
            id: id.clone(),
            place: Place::new("test", "1"),
            kind: PromptKind::Text,
            text: text.to_owned(),
            mode: None,
            files: Vec::new(),
        };
        let line = self.codec.prompt(&prompt, &[]);
        self.process.write(line).unwrap();
        id
    }

    async fn answer(&mut self, id: &PromptId) -> Answer {
        let mut text = String::new();
        loop {
            match self.next().await.expect("the agent ended without an answer") {
                AgentEvent::Part { change: Change::Append(more), .. } => text.push_str(&more),
                AgentEvent::Finished { answered, outcome, usage } => {
                    assert_eq!(answered, std::slice::from_ref(id));
                    assert!(usage.total_cost_usd.is_some_and(|cost| cost > 0.0));
                    return Answer { text, outcome };
                }
                AgentEvent::Part { .. }
                | AgentEvent::Ready { .. }
                | AgentEvent::Commands(_)
                | AgentEvent::PromptAccepted(_)
                | AgentEvent::InterruptAccepted
                | AgentEvent::Conversation { .. } => {}
                AgentEvent::Requested(request) => self.decide(&request.id),
                unexpected @ (AgentEvent::Denied { .. }
                | AgentEvent::Outdated(_)
                | AgentEvent::RequestCanceled(_)
                | AgentEvent::PermissionModeRefused(_)
                | AgentEvent::PermissionModeChanged(_)
                | AgentEvent::Background(_)
                | AgentEvent::TurnStarted(_)
                | AgentEvent::UnpromptedText(_)
                | AgentEvent::StartFailed(_)
                | AgentEvent::ToolAnnounced(_)
                | AgentEvent::ResumeRefused(_)) => panic!("unexpected: {unexpected:?}"),
            }
        }
    }

    /// Answers an agent request with the user's next decision.
    fn decide(&mut self, request: &RequestId) {
        let (option, text) = self.decisions.pop_front().expect("a decision");
        let answer = RequestAnswer::Options { ids: vec![option.to_owned()], text: text.map(str::to_owned) };
        for line in self.codec.answer(request, &answer).lines {
            self.process.write(line).unwrap();
        }
    }

    async fn ask(&mut self, text: &str) -> String {
        let id = self.send(text);
        let answer = self.answer(&id).await;
        assert_eq!(answer.outcome, Outcome::Done);
        answer.text
    }

    /// Waits for the process to exit, and returns its exit status and last line of error output.
    async fn end(mut self) -> (String, Option<String>) {
        while self.next().await.is_some() {}
        self.exit.unwrap()
    }

    async fn suspend(self) {
        self.process.close_input();
        assert_eq!(self.end().await.0, "exit code 0");
    }
}

#[tokio::test]
async fn a_turn_reports_readiness_receipt_text_and_end() {
    let folder = tempfile::tempdir().unwrap();
    let mut agent = start(folder.path(), None);
    assert_eq!(agent.next().await, Some(AgentEvent::Commands(Vec::new())));
    assert_eq!(
        agent.next().await,
        Some(AgentEvent::Ready { models: vec!["demo".to_owned(), "demo-large".to_owned()] })
    );
    let prompt = agent.send("hello");
    let mut events = Vec::new();
    while !matches!(events.last(), Some(AgentEvent::Finished { .. })) {
        events.push(agent.next().await.unwrap());
    }
    let Some(AgentEvent::Conversation { id, resumable: false }) = events.first().cloned() else {
        panic!("no conversation: {events:?}");
    };
    let usage = TurnUsage { total_cost_usd: Some(0.0001), ..TurnUsage::default() };
    assert_eq!(
        events[1..],
        [
            AgentEvent::PromptAccepted(prompt.clone()),
            AgentEvent::Part { at: 0, change: Change::Append("You said: hello".to_owned()) },
            AgentEvent::Conversation { id, resumable: true },
            AgentEvent::Finished { answered: vec![prompt], outcome: Outcome::Done, usage },
        ]
    );
    agent.suspend().await;
}

#[tokio::test]
async fn queued_prompts_are_answered_in_order_before_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let mut agent = start(folder.path(), None);
    let prompts = ["slow 2", "two", "three"].map(|text| agent.send(text));
    agent.process.close_input();
    for (prompt, text) in prompts.iter().zip(["line 1\nline 2", "You said: two", "You said: three"]) {
        assert_eq!(agent.answer(prompt).await.text, text);
    }
    assert_eq!(agent.end().await.0, "exit code 0");
}

/// Creates a conversation in which the agent is asked to remember something, and returns the conversation's id.
async fn conversation(folder: &Path) -> String {
    let mut agent = start(folder, None);
    agent.send("remember the milk");
    let id = loop {
        if let AgentEvent::Conversation { id, resumable: true } = agent.next().await.unwrap() {
            break id;
        }
    };
    agent.suspend().await;
    id
}

#[tokio::test]
async fn an_unknown_conversation_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let id = conversation(folder.path()).await;
    let mut agent = start(folder.path(), Some(&id));
    agent.ask("forget").await;
    assert_eq!(agent.ask("recall").await, "I remember nothing.");
    agent.suspend().await;
    let mut agent = start(folder.path(), Some(&id));
    let refused = AgentEvent::ResumeRefused(format!("No conversation found with session ID: {id}"));
    assert_eq!(agent.next().await, Some(refused));
    assert_eq!(agent.end().await.0, "exit code 1");
}

#[tokio::test]
async fn a_crash_shows_partial_text_and_the_last_output() {
    let folder = tempfile::tempdir().unwrap();
    let mut agent = start(folder.path(), None);
    agent.send("crash");
    let mut text = String::new();
    while let Some(event) = agent.next().await {
        if let AgentEvent::Part { change: Change::Append(more), .. } = event {
            text.push_str(&more);
        }
    }
    assert_eq!(text, "I am about to ");
    let exit = ("exit code 70".to_owned(), Some("the demo agent crashed on request".to_owned()));
    assert_eq!(agent.end().await, exit);
}

#[tokio::test]
async fn garbage_heavy_output_and_long_lines_are_tolerated() {
    let folder = tempfile::tempdir().unwrap();
    let mut agent = start(folder.path(), None);
    assert_eq!(agent.ask("garbage").await, "I printed garbage.");
    assert_eq!(agent.ask("bigline 10000000").await, "I printed one line of 10000000 bytes.");
    assert_eq!(agent.ask("bigline 70000000").await, "I printed one line of 70000000 bytes.");
    assert_eq!(agent.too_long, 1);
    assert_eq!(agent.ask("flood 2000").await.lines().count(), 2000);
    agent.suspend().await;
}

#[tokio::test]
async fn a_kill_ends_a_stubborn_agent_and_its_children() {
    let folder = tempfile::tempdir().unwrap();
    let mut agent = start(folder.path(), None);
    let left = agent.ask("children").await;
    let pid: u32 = left.split(' ').nth(3).unwrap().parse().unwrap();
    agent.ask("stubborn").await;
    agent.process.terminate();
    assert_eq!(agent.ask("still there?").await, "You said: still there?");
    agent.process.close_input();
    agent.process.kill();
    assert_eq!(agent.end().await.0, "killed by SIGKILL");
    assert!(!Path::new(&format!("/proc/{pid}/exe")).exists(), "process {pid} was left behind");
}

#[test]
fn a_start_passes_the_conversation_and_no_host_environment() {
    let session: SessionName = "x".parse().unwrap();
    let launch = Launch {
        conversation: ConversationStart::Resume("abc".to_owned()),
        model: Some("opus".to_owned()),
        permission_mode: PermissionMode::Plan,
        instructions: String::new(),
    };
    let own = |pairs: &[(&str, &str)]| {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect::<Vec<_>>()
    };
    let environment: Environment =
        own(&[("HOME", "/h"), ("SECRET", "s"), ("CLAUDECODE", "1"), ("PATH", "/bin")]).into_iter().collect();
    let agent = config::Agent {
        args: vec!["--add-dir=/x".to_owned()],
        pass_env: ["HOME", "CLAUDECODE", "PATH"].map(str::to_owned).to_vec(),
        env: own(&[("PATH", "/usr/bin")]).into_iter().collect(),
        ..config::Agent::new(AgentKind::Claude)
    };
    let start = Start {
        session: &session,
        folder: Path::new("/tmp"),
        launch: &launch,
        agent: &agent,
        environment: &environment,
        host_id: "h",
    };
    let (spawn, _) = prepare(&start).unwrap();
    assert_eq!(spawn.program, Path::new("claude"));
    assert_eq!(spawn.env, own(&[("HOME", "/h"), ("PATH", "/bin"), ("PATH", "/usr/bin")]));
    let args = spawn.args.join(&OsString::from(" ")).into_string().unwrap();
    assert_eq!(
        args,
        "-p --input-format stream-json --output-format stream-json --verbose --include-partial-messages \
         --replay-user-messages --permission-prompt-tool stdio --permission-mode plan --model=opus --resume=abc \
         --settings={\"useAutoModeDuringPlan\":false} --add-dir=/x"
    );
}

#[test]
fn an_agent_of_kind_acp_gets_only_its_own_arguments() {
    let launch = Launch {
        conversation: ConversationStart::Resume("abc".to_owned()),
        model: Some("opus".to_owned()),
        permission_mode: PermissionMode::Plan,
        instructions: "Be kind.".to_owned(),
    };
    let agent = config::Agent { args: vec!["acp".to_owned()], ..config::Agent::new(AgentKind::Acp) };
    let start = |agent: &config::Agent| {
        let (spawn, mut codec) = prepare(&Start {
            session: &"x".parse().unwrap(),
            folder: Path::new("/tmp"),
            launch: &launch,
            agent,
            environment: &Environment::default(),
            host_id: "h",
        })?;
        Ok::<_, StartError>((spawn.program, spawn.args, codec.open()))
    };
    let agent_with_command = config::Agent { command: Some("opencode".to_owned()), ..agent.clone() };
    let (program, args, opening) = start(&agent_with_command).unwrap();
    assert_eq!((program.as_path(), args), (Path::new("opencode"), vec![OsString::from("acp")]));
    assert!(String::from_utf8_lossy(&opening[0]).contains(r#""method":"initialize""#));
    assert!(matches!(start(&agent), Err(StartError::NoCommand)));
}

#[tokio::test]
async fn a_command_runs_only_with_a_permission() {
    let folder = tempfile::tempdir().unwrap();
    let mut agent = start(folder.path(), None);
    agent.decisions = [("allow", None), ("deny", None), ("why", Some("too risky"))].into();
    assert_eq!(agent.ask("run ls -la").await, "You allowed it. The demo agent doesn't really run: ls -la");
    assert_eq!(agent.ask("run ls").await, "I don't run it. The user denied this.");
    assert_eq!(agent.ask("run ls").await, "I don't run it. The user denied this and said: too risky");
    agent.suspend().await;
}
