//! Formats lists of sessions. Pure: nothing here calls the host.

use cordboard_plugin::{Phase, Reply, Session, Timestamp, text, tr};

/// The number of sessions per page: about one phone screen.
pub const PAGE: u32 = 20;

/// The maximum number of buttons below a list, so that they don't fill a phone's screen.
const BUTTONS: usize = 8;

/// The memory usage below which a list doesn't show an agent's memory, in megabytes. A coding agent uses hundreds of
/// megabytes.
const SMALL_AGENT: u64 = 50;

/// Parses the page number, which starts at 1. Without an argument, returns 1. Returns `None` for anything else.
pub fn page_number(args: &[String]) -> Option<u32> {
    match args {
        [] => Some(1),
        [page] => page.parse().ok().filter(|page| *page > 0),
        _ => None,
    }
}

/// Returns the name of the session that is active in the place of the list. `context::active_session` may differ if a
/// button of an older list was pressed, because that function returns the session that was active when the older list
/// was shown.
pub fn active(sessions: &[Session]) -> Option<&str> {
    sessions.iter().find(|session| session.fact("active").is_some()).map(|session| session.name.as_str())
}

pub fn page(sessions: &[Session], active: Option<&str>, now: Timestamp) -> String {
    if sessions.is_empty() {
        return tr!("No sessions. Use /new to create one.");
    }
    let lines: Vec<_> = sessions.iter().map(|session| line(session, active, now)).collect();
    lines.join("\n")
}

fn line(session: &Session, active: Option<&str>, now: Timestamp) -> String {
    let arrow = if active == Some(&session.name) { "→ " } else { "" };
    let persona = session.persona.as_ref().map_or(String::new(), |persona| format!(" ({})", text::escape(persona)));
    let (light, name) = (light(session), text::code(&session.name));
    let ago = text::ago(now, session.last_active);
    format!("{arrow}{light} {name}{persona} - {ago}{}{}", work(session), waiting(session))
}

/// Formats the reasons why the session is waiting for a user.
fn waiting(session: &Session) -> String {
    let reasons = [
        ("terminal", tr!("in a terminal")),
        ("requests", tr!("waiting for your answer (/requests)")),
        ("interrupted", tr!("a message has no answer (/retry or /leave)")),
    ];
    let current = reasons.into_iter().filter(|(fact, _)| session.fact(fact).is_some());
    current.map(|(_, reason)| format!(", {reason}")).collect()
}

/// Formats the activity of a live agent, its memory and the number of queued messages.
fn work(session: &Session) -> String {
    let busy = match session.phase {
        Phase::Busy => format!(", {}", tr!("busy")),
        Phase::Idle if session.fact("background").is_some() => format!(", {}", tr!("busy in the background")),
        Phase::Idle | Phase::Starting | Phase::Stopping => String::new(),
        Phase::Suspended | Phase::Asking | Phase::Broken | Phase::Archived => return String::new(),
    };
    let memory = session.fact("memory").and_then(|bytes| bytes.parse::<u64>().ok()).map(|bytes| bytes / 1_000_000);
    let memory = memory.filter(|megabytes| *megabytes >= SMALL_AGENT);
    let memory = memory.map_or_else(String::new, |megabytes| format!(", {megabytes} MB"));
    let queued = if session.queued > 0 { format!(", {}", tr!("{} queued", session.queued)) } else { String::new() };
    format!("{busy}{memory}{queued}")
}

fn light(session: &Session) -> &'static str {
    match session.phase {
        Phase::Suspended | Phase::Idle | Phase::Busy if !waiting(session).is_empty() => "🟡",
        Phase::Starting | Phase::Idle | Phase::Busy | Phase::Stopping => "🟢",
        Phase::Suspended | Phase::Archived => "⚪",
        Phase::Asking | Phase::Broken => "🔴",
    }
}

/// Returns a page, the number of sessions after it, and buttons for the previous and next pages.
pub fn paged(list: String, page: u32, count: u32) -> Reply {
    let back = (page > 1).then(|| (tr!("Back"), format!("/sessions {}", page - 1)));
    let more = (rest(page, count) > 0).then(|| (tr!("More"), format!("/sessions {}", page + 1)));
    Reply::text(with_rest(list, page, count)).row(back.into_iter().chain(more)).in_place()
}

/// Returns a page with the number of remaining sessions below it.
pub fn with_rest(list: String, page: u32, count: u32) -> String {
    match rest(page, count) {
        0 => list,
        rest => format!("{list}\n{}", tr!("…and {rest} more: /sessions {next}", rest, next = page + 1)),
    }
}

const fn rest(page: u32, count: u32) -> u32 {
    count.saturating_sub(page.saturating_mul(PAGE))
}

/// Returns the list of archived sessions. If `sessions` has more than a page, the list says that there are more.
pub fn archived(sessions: &[Session], now: Timestamp) -> Reply {
    if sessions.is_empty() {
        return Reply::plain(&tr!("No archived sessions."));
    }
    let page: Vec<_> = sessions.iter().take(PAGE as usize).collect();
    let mut lines = vec![tr!("Archived sessions. Use /restore with a name to restore one:")];
    lines.extend(page.iter().map(|session| line(session, None, now)));
    if sessions.len() > page.len() {
        lines.push(tr!("…and more."));
    }
    buttons(Reply::text(lines.join("\n")), "/restore", page.into_iter())
}

/// Adds buttons in rows of two. Each button runs the command with a session's name.
pub fn buttons<'a>(mut reply: Reply, command: &str, sessions: impl Iterator<Item = &'a Session>) -> Reply {
    let names: Vec<_> = sessions.take(BUTTONS).map(|session| session.name.as_str()).collect();
    for pair in names.chunks(2) {
        reply = reply.row(pair.iter().map(|name| ((*name).to_owned(), format!("{command} {name}"))));
    }
    reply
}

#[cfg(test)]
mod tests {
    use cordboard_plugin::testing::session;

    use super::*;

    #[test]
    fn a_line_shows_arrow_light_persona_and_age() {
        let alpha = Session { persona: Some("brainstorm".into()), ..session("alpha") };
        let beta = Session { phase: Phase::Suspended, last_active: 200_000, ..session("beta") };
        let gamma = Session { phase: Phase::Asking, ..session("gamma") };
        assert_eq!(
            page(&[alpha, beta, gamma], Some("alpha"), 300_000),
            "→ 🟢 `alpha` (brainstorm) - 5m ago\n⚪ `beta` - 1m ago\n🔴 `gamma` - 5m ago"
        );
        assert_eq!(page(&[], None, 0), "No sessions. Use /new to create one.");
    }

    #[test]
    fn a_line_shows_the_activity_of_a_session() {
        let shown = |session: Session| page(&[session], None, 0);
        assert_eq!(shown(session("x")), "🟢 `x` - just now");
        assert_eq!(shown(Session { phase: Phase::Busy, ..session("x") }), "🟢 `x` - just now, busy");
        assert_eq!(
            shown(Session { phase: Phase::Busy, queued: 2, ..session("x") }),
            "🟢 `x` - just now, busy, 2 queued"
        );
        let using = |bytes: &str| {
            let facts = vec![("memory".to_owned(), bytes.to_owned())];
            shown(Session { facts, queued: 1, ..session("x") })
        };
        assert_eq!(using("312999999"), "🟢 `x` - just now, 312 MB, 1 queued");
        assert_eq!(using("49999999"), "🟢 `x` - just now, 1 queued");
        let facts = vec![("background".to_owned(), "build".to_owned())];
        assert_eq!(shown(Session { facts, ..session("x") }), "🟢 `x` - just now, busy in the background");
        let waiting = |phase, fact: &str| {
            let facts = vec![(fact.to_owned(), "1".to_owned())];
            shown(Session { phase, facts, ..session("x") })
        };
        let shown_request = "🟡 `x` - just now, busy, waiting for your answer (/requests)";
        assert_eq!(waiting(Phase::Busy, "requests"), shown_request);
        assert_eq!(waiting(Phase::Suspended, "terminal"), "🟡 `x` - just now, in a terminal");
        let shown_interrupted = "🟡 `x` - just now, a message has no answer (/retry or /leave)";
        assert_eq!(waiting(Phase::Suspended, "interrupted"), shown_interrupted);
        assert_eq!(shown(Session { phase: Phase::Starting, queued: 1, ..session("x") }), "🟢 `x` - just now, 1 queued");
    }

    #[test]
    fn a_page_names_the_next_page() {
        let commands = |reply: &Reply| -> Vec<String> {
            reply.buttons.iter().flatten().map(|button| button.command.clone()).collect()
        };
        let first = paged("list".into(), 1, 32);
        assert_eq!(
            (first.text.as_str(), commands(&first)),
            ("list\n…and 12 more: /sessions 2", vec!["/sessions 2".into()])
        );
        let last = paged("list".into(), 2, 32);
        assert_eq!((last.text.as_str(), commands(&last)), ("list", vec!["/sessions 1".into()]));
        assert!(commands(&paged("list".into(), 1, 20)).is_empty());
    }

    #[test]
    fn a_page_is_a_number_from_one() {
        let number = |args: &[&str]| page_number(&args.iter().map(|arg| (*arg).to_owned()).collect::<Vec<_>>());
        assert_eq!([number(&[]), number(&["3"])], [Some(1), Some(3)]);
        assert_eq!([number(&["0"]), number(&["x"]), number(&["1", "2"])], [None; 3]);
    }

    #[test]
    fn archived_sessions_have_a_button_each() {
        assert_eq!(archived(&[], 0).text, "No archived sessions.");
        let many: Vec<_> = (0..21).map(|number| session(&format!("s{number}"))).collect();
        let reply = archived(&many, 0);
        assert!(reply.text.ends_with("…and more."));
        assert_eq!((reply.buttons.len(), reply.buttons[0][1].command.as_str()), (4, "/restore s1"));
    }
}
