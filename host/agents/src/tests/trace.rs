//! Formats a codec's events, and the lines that it sends to the agent, as text for tests, one per line.

use cordboard_core::agent_event::{ActionState, AgentEvent, BackgroundTask, Change, PromptId};

use crate::Decoded;

/// Collects the lines of a trace. Consecutive pieces of one text share a line.
pub struct Trace {
    lines: Vec<String>,
    /// Summarizes a line that the codec sends to the agent.
    show_line: fn(&[u8]) -> String,
    /// Turns that the agent started itself. The trace shows their random ids as `own`.
    own: Vec<PromptId>,
    pieces: Option<(u32, String, usize)>,
}

impl Trace {
    pub fn new(show_line: fn(&[u8]) -> String) -> Self {
        Self { lines: Vec::new(), show_line, own: Vec::new(), pieces: None }
    }

    pub fn add(&mut self, decoded: &Decoded) {
        decoded.events.iter().for_each(|event| self.add_event(event));
        decoded.lines.iter().for_each(|line| self.add_line(format!("> {}", (self.show_line)(line))));
    }

    fn add_event(&mut self, event: &AgentEvent) {
        if let AgentEvent::TurnStarted(id) = event {
            self.own.push(id.clone());
        }
        if let AgentEvent::Part { at, change: Change::Append(more) } = event {
            match &mut self.pieces {
                Some((part, text, count)) if part == at => {
                    text.push_str(more);
                    *count += 1;
                }
                _ => {
                    self.flush();
                    self.pieces = Some((*at, more.clone(), 1));
                }
            }
        } else {
            let line = self.own.iter().fold(show(event), |line, own| line.replace(short(&own.0), "own"));
            self.add_line(line);
        }
    }

    pub fn add_line(&mut self, line: String) {
        self.flush();
        self.lines.push(line);
    }

    fn flush(&mut self) {
        if let Some((part, text, count)) = self.pieces.take() {
            self.lines.push(format!("{part} + {} ({count} pieces)", cut(&text)));
        }
    }

    pub fn lines(mut self) -> Vec<String> {
        self.flush();
        self.lines
    }
}

fn show(event: &AgentEvent) -> String {
    match event {
        AgentEvent::Commands(commands) => {
            let names: Vec<&str> = commands.iter().map(|command| command.name.as_str()).collect();
            format!("commands {}", names.join(" "))
        }
        AgentEvent::Outdated(text) => format!("outdated {}", cut(text)),
        AgentEvent::Ready { models } => format!("ready {models:?}"),
        AgentEvent::Conversation { id, resumable } => {
            format!("conversation {}{}", short(id), if *resumable { ", resumable" } else { "" })
        }
        AgentEvent::PromptAccepted(prompt) => format!("accepted {}", short(&prompt.0)),
        AgentEvent::Part { at, change } => format!("{at} {}", show_change(change)),
        AgentEvent::Denied { tool, detail } => format!("denied {tool}: {detail}"),
        AgentEvent::Finished { answered, outcome, usage } => {
            let answered: Vec<_> = answered.iter().map(|prompt| short(&prompt.0)).collect();
            format!("finished [{}] {outcome:?} {:.4} $", answered.join(" "), usage.total_cost_usd.unwrap_or(-1.0))
        }
        AgentEvent::InterruptAccepted => "interrupt accepted".to_owned(),
        AgentEvent::Background(work) => format!("background {:?}", work.iter().map(show_work).collect::<Vec<_>>()),
        AgentEvent::TurnStarted(_) => "turn started".to_owned(),
        AgentEvent::UnpromptedText(text) => format!("unprompted {}", cut(text)),
        AgentEvent::Requested(request) => {
            let options: Vec<_> = request.options.iter().map(|option| option.id.as_str()).collect();
            format!("asks {} {}: {} {options:?}", short(&request.id.0), request.kind, request.title)
        }
        AgentEvent::ToolAnnounced(request) => format!("announces {}: {}", short(&request.id.0), request.title),
        AgentEvent::PermissionModeRefused(why) => format!("refuses the mode: {why}"),
        AgentEvent::PermissionModeChanged(mode) => format!("changes its mode to {}", mode.as_str()),
        AgentEvent::RequestCanceled(id) => format!("cancels {}", short(&id.0)),
        AgentEvent::StartFailed(why) => format!("start failed: {why}"),
        AgentEvent::ResumeRefused(why) => format!("resume refused: {why}"),
    }
}

fn show_work(work: &BackgroundTask) -> String {
    let until = work.until.map(|until| format!(" until {}", until.0));
    format!("{}{}", work.about, until.unwrap_or_default())
}

fn show_change(change: &Change) -> String {
    match change {
        Change::Append(more) => format!("+ {}", cut(more)),
        Change::Text(text) => format!("= {}", cut(text)),
        Change::Remove => "gone".to_owned(),
        Change::Action(action) => {
            let state = match action.state {
                ActionState::Running => "running",
                ActionState::Done => "done",
                ActionState::Failed => "failed",
            };
            format!("{} {:?} {state} {}", action.kind, action.title, cut(&action.detail))
        }
    }
}

pub fn short(id: &str) -> &str {
    id.get(..8).unwrap_or(id)
}

pub fn cut(text: &str) -> String {
    let count = text.chars().count();
    if count <= 70 { format!("{text:?}") } else { format!("{:?}…{count}", text.chars().take(70).collect::<String>()) }
}
