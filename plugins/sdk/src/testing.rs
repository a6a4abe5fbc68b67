//! Test data for native tests of a plugin's own logic. Such tests run without a host, so the tested code must
//! not call the host's functions.

use crate::{
    Call, Phase, Session,
    language::{Translation, set_translations, with_language},
    requests::{Choice, Request},
};

/// Returns an idle session with this name, created and last active at timestamp 0, with an idle timeout of ten minutes.
#[must_use]
pub fn session(name: &str) -> Session {
    Session {
        name: name.to_owned(),
        owner: "console:local".to_owned(),
        folder: format!("/sessions/{name}"),
        agent: "demo".to_owned(),
        model: None,
        persona: None,
        mode: None,
        place: None,
        phase: Phase::Idle,
        created: 0,
        last_active: 0,
        idle_timeout: 600,
        queued: 0,
        turns: 0,
        cost_usd: None,
        facts: Vec::new(),
    }
}

/// Returns a request from a session's agent for permission to run `ls`, made at timestamp 0. Its choices are `allow`,
/// `session`, `deny` and `why`.
#[must_use]
pub fn permission(session: &str, number: u64) -> Request {
    let choice = |(id, label, text): (&str, &str, &str)| Choice {
        id: id.to_owned(),
        label: label.to_owned(),
        text: text.to_owned(),
    };
    let choices = [
        ("allow", "Allow once", "no"),
        ("session", "Allow for this session", "no"),
        ("deny", "Deny", "optional"),
        ("why", "Deny and say why", "required"),
    ];
    Request {
        session: session.to_owned(),
        number,
        kind: "permission".to_owned(),
        title: "Bash: ls".to_owned(),
        text: "`ls`".to_owned(),
        choices: choices.map(choice).to_vec(),
        multiple: false,
        since: 0,
        facts: Vec::new(),
    }
}

/// Returns a tool use for which an idle session's agent asks permission. It has no command, paths or facts.
#[must_use]
pub fn tool_use(session_name: &str, tool: &str) -> crate::approval::Permission {
    crate::approval::Permission {
        session: session(session_name),
        number: 1,
        tool: tool.to_owned(),
        title: tool.to_owned(),
        input: "{}".to_owned(),
        command: None,
        paths: Vec::new(),
        facts: Vec::new(),
    }
}

/// Returns an event of this kind for an idle session named `main`. `data` is JSON.
#[must_use]
pub fn event(kind: &str, data: &str) -> crate::hook::Event {
    crate::hook::Event { kind: kind.to_owned(), at: 0, session: Some(session("main")), data: data.to_owned() }
}

/// Returns a POST request with this body.
#[must_use]
pub fn posted(path: &str, headers: &[(&str, &str)], body: &str) -> crate::webhook::Request {
    let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    crate::webhook::Request {
        method: "POST".to_owned(),
        path: path.to_owned(),
        query: String::new(),
        headers,
        body: body.as_bytes().to_vec(),
    }
}

/// Runs a test with translated texts, as in a call with this language.
pub fn with_translation<R>(translation: &'static Translation, run: impl FnOnce() -> R) -> R {
    // A test needs few translations, and its process ends soon.
    set_translations(Box::leak(Box::new([translation])));
    with_language(Some(translation.language), run)
}

/// Parses a typed command. Splits the arguments at white space; unlike the host, it doesn't interpret quotes.
#[must_use]
pub fn call(line: &str) -> Call {
    let (command, text) = line.trim_start_matches('/').split_once(' ').unwrap_or((line.trim_start_matches('/'), ""));
    Call {
        command: command.to_owned(),
        args: text.split_whitespace().map(str::to_owned).collect(),
        text: text.trim().to_owned(),
    }
}
