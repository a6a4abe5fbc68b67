//! Converts between the types of the core and those of the WIT package, without making any decisions.

use cordboard_core::{
    agent_event::{Action, ActionState},
    budget::Budget,
    messages,
    session::{Decision, DecisionOutcome},
    turn::{Turn, TurnPart, TurnState},
    types::{
        Attachment, Button, Caller, ChatFile, Content, ContextUse, FilterChange, FilterInput, FilterOutcome,
        GroupUsage, OpenRequest, OptionText, Permission, Phase, Place, Reply, RequestOption, SessionName, SessionView,
        Terminal, Timestamp, ToolUse, UsageSum,
    },
};

use super::bindings::{
    approval::exports::cordboard::plugin::approval, filter::exports::cordboard::plugin::filter, requests, sessions,
    types, view::exports::cordboard::plugin::view,
};

pub fn caller(caller: &Caller) -> types::Caller {
    types::Caller { id: caller.id.0.clone(), name: caller.name.clone(), role: caller.role.as_str().to_owned() }
}

pub fn place(place: &Place) -> types::Place {
    types::Place { front_end: place.front_end.clone(), chat: place.chat.clone(), topic: place.topic.clone() }
}

pub fn place_of(place: types::Place) -> Place {
    Place { front_end: place.front_end, chat: place.chat, topic: place.topic }
}

pub const fn phase(phase: Phase) -> types::Phase {
    match phase {
        Phase::Suspended => types::Phase::Suspended,
        Phase::Starting => types::Phase::Starting,
        Phase::Idle => types::Phase::Idle,
        Phase::Busy => types::Phase::Busy,
        Phase::Stopping => types::Phase::Stopping,
        Phase::Asking => types::Phase::Asking,
        Phase::Broken => types::Phase::Broken,
        Phase::Archived => types::Phase::Archived,
    }
}

pub fn session(view: &SessionView) -> types::Session {
    let record = &view.record;
    types::Session {
        name: record.name.to_string(),
        owner: record.owner.0.clone(),
        folder: record.folder.display().to_string(),
        agent: record.agent.clone(),
        model: view.model.clone(),
        persona: record.persona.clone(),
        mode: record.mode.clone(),
        place: record.place.as_ref().map(place),
        phase: phase(view.phase),
        created: record.created.0,
        last_active: record.last_active.0,
        idle_timeout: view.idle_timeout.as_secs(),
        queued: view.queued,
        turns: record.turns,
        cost_usd: record.cost_usd,
        facts: facts(view),
    }
}

/// Returns the session values that have no separate field in the WIT record `session`. The documentation of the
/// record's field `facts` lists them.
fn facts(view: &SessionView) -> Vec<(String, String)> {
    let mut facts = vec![("permission-mode".to_owned(), view.permission_mode.as_str().to_owned())];
    if !view.models.is_empty() {
        facts.push(("models".to_owned(), view.models.join(", ")));
    }
    if let Some(why) = &view.why {
        facts.push(("why".to_owned(), why.clone()));
    }
    if !view.dropped.is_empty() {
        facts.push(("dropped".to_owned(), view.dropped.join("\n")));
    }
    if !view.record.background.is_empty() {
        facts.push(("background".to_owned(), messages::list_work(&view.record.background)));
    }
    if let Some(Terminal { process, since }) = &view.record.terminal {
        facts.push(("terminal".to_owned(), format!("process {} since {}", process.pid, since.to_rfc3339())));
    }
    if let Some(ContextUse { tokens, window }) = view.record.context {
        let window = window.map_or_else(String::new, |window| format!("/{window}"));
        facts.push(("context".to_owned(), format!("{tokens}{window}")));
    }
    if let Some(bytes) = view.memory {
        facts.push(("memory".to_owned(), bytes.to_string()));
    }
    for (name, count) in [("requests", view.requests.len()), ("interrupted", view.record.interrupted.len())] {
        if count > 0 {
            facts.push((name.to_owned(), count.to_string()));
        }
    }
    facts
}

pub fn usage(group: GroupUsage) -> sessions::Usage {
    let GroupUsage { name, sum: UsageSum { turns, cost_usd, tokens } } = group;
    sessions::Usage {
        name,
        turns,
        cost_usd,
        input_tokens: tokens.input,
        output_tokens: tokens.output,
        cache_read_tokens: tokens.cache_read,
        cache_write_tokens: tokens.cache_write,
    }
}

pub const fn budget(budget: &Budget) -> sessions::Budget {
    sessions::Budget { limit_usd: budget.limit_usd, spent_usd: budget.spent_usd, resets: budget.resets.0 }
}

pub fn request(session: &SessionName, open: &OpenRequest) -> requests::Request {
    let OpenRequest { number, request, since, .. } = open;
    requests::Request {
        session: session.to_string(),
        number: *number,
        kind: request.kind.to_owned(),
        title: request.title.clone(),
        text: request.whole_text(),
        choices: request.options.iter().map(choice).collect(),
        multiple: request.multiple,
        since: since.0,
        facts: request.tool_use.as_deref().map(tool_facts).unwrap_or_default(),
    }
}

fn tool_facts(tool_use: &ToolUse) -> Vec<(String, String)> {
    let ToolUse { tool, command, paths, url, home, .. } = tool_use;
    let fact = |name: &str, value: &String| (name.to_owned(), value.clone());
    let command = command.iter().map(|command| fact("command", command));
    let url = url.iter().map(|url| fact("url", url));
    let paths = paths.iter().map(|path| fact("path", path));
    let home = home.iter().map(|home| fact("home", home));
    [fact("tool", tool)].into_iter().chain(command).chain(url).chain(paths).chain(home).collect()
}

pub fn permission(view: &SessionView, permission: &Permission) -> approval::Permission {
    let Permission { number, tool_use } = permission;
    let ToolUse { tool, input, command, paths, url, home } = tool_use;
    let fact = |name: &str, value: &Option<String>| value.clone().map(|value| (name.to_owned(), value));
    let announced = number.is_none().then(|| ("announced".to_owned(), "true".to_owned()));
    approval::Permission {
        session: session(view),
        number: number.unwrap_or(0),
        tool: tool.clone(),
        title: tool_use.title(),
        input: input.clone(),
        command: command.clone(),
        paths: paths.clone(),
        facts: [fact("url", url), fact("home", home), announced].into_iter().flatten().collect(),
    }
}

pub fn decision(decision: approval::Decision) -> Decision {
    let outcome = match decision.outcome {
        approval::Outcome::Allow => DecisionOutcome::Allow,
        approval::Outcome::AllowForSession => DecisionOutcome::AllowForSession,
        approval::Outcome::Deny(why) => DecisionOutcome::Deny(why),
        approval::Outcome::Ask => DecisionOutcome::Ask(Vec::new()),
        approval::Outcome::AskWith(buttons) => DecisionOutcome::Ask(buttons.into_iter().map(button_of).collect()),
    };
    Decision { outcome, rule: decision.rule }
}

pub fn filter_message(view: &SessionView, input: &FilterInput) -> filter::Message {
    let file = |file: &ChatFile| filter::File {
        id: file.saved_as.clone(),
        kind: file.kind.clone(),
        path: file.path().display().to_string(),
        size: file.size,
        seconds: file.seconds,
        facts: Vec::new(),
    };
    filter::Message {
        session: session(view),
        text: input.text.clone(),
        files: input.files.iter().map(file).collect(),
        facts: Vec::new(),
    }
}

pub fn filter_outcome(outcome: filter::Outcome) -> FilterOutcome {
    let change = |filter::Change { text, notice, .. }| FilterChange { text, notice };
    match outcome {
        filter::Outcome::Pass => FilterOutcome::Pass,
        filter::Outcome::Replace(changed) => FilterOutcome::Replace(change(changed)),
        filter::Outcome::Annotate(changed) => FilterOutcome::Annotate(change(changed)),
        filter::Outcome::Reject(why) => FilterOutcome::Reject(why),
    }
}

fn choice(option: &RequestOption) -> requests::Choice {
    let text = match option.text {
        OptionText::No => "no",
        OptionText::Optional => "optional",
        OptionText::Required => "required",
    };
    requests::Choice { id: option.id.clone(), label: option.label.clone(), text: text.to_owned() }
}

pub fn reply_of(reply: types::Reply) -> Reply {
    Reply {
        text: reply.text,
        buttons: reply.buttons.into_iter().map(|row| row.into_iter().map(button_of).collect()).collect(),
        attachments: reply.attachments.into_iter().map(attachment_of).collect(),
        in_place: reply.in_place,
        ..Reply::default()
    }
}

fn button_of(button: types::Button) -> Button {
    Button::new(button.label, button.command)
}

fn attachment_of(attachment: types::Attachment) -> Attachment {
    let content = match attachment.content {
        types::Content::Text(text) => Content::Text(text),
        types::Content::Bytes(bytes) => Content::Bytes(bytes),
        types::Content::File(path) => Content::File(path),
    };
    Attachment { name: attachment.name, media_type: attachment.media_type, content }
}

pub fn turn(turn: &Turn, view: &SessionView, now: Timestamp) -> view::Turn {
    let (done, error) = match &turn.state {
        TurnState::Running => (false, None),
        TurnState::Done => (true, None),
        TurnState::Failed(why) => (true, Some(why.clone())),
        TurnState::Stopped => (true, Some(messages::stopped())),
    };
    view::Turn {
        session: session(view),
        elapsed: now.since(turn.began).as_secs(),
        parts: turn.parts.iter().map(part).collect(),
        done,
        error,
        cost_usd: turn.cost_usd,
        facts: Vec::new(),
    }
}

fn part(part: &TurnPart) -> view::Part {
    match part {
        TurnPart::Text(text) => view::Part::Text(text.clone()),
        TurnPart::Action(Action { id, kind, title, detail, state }) => view::Part::Action(view::Action {
            id: id.clone(),
            kind: kind.clone(),
            title: title.clone(),
            detail: detail.clone(),
            done: !matches!(state, ActionState::Running),
            failed: matches!(state, ActionState::Failed),
            facts: Vec::new(),
        }),
    }
}
