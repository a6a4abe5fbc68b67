//! `/commands [page]`: lists the commands of the active session's agent, which a user runs with two slashes.

use cordboard_plugin::{
    Call, Reply,
    command::Spec,
    context,
    sessions::{self, AgentCommand},
    text, tr,
};

/// The number of commands per page. A description has at most 120 characters, and a message at most about 4,000.
const PAGE: usize = 25;

pub fn spec() -> Spec {
    Spec::new("commands", &tr!("List the agent's own commands"), &page_usage())
}

fn page_usage() -> String {
    tr!("/commands [page]")
}

pub fn run(call: &Call) -> Result<Reply, String> {
    let session = context::session()?;
    let page = match call.args.as_slice() {
        [] => Some(1),
        [page] => page.parse().ok().filter(|page| *page > 0),
        _ => None,
    };
    let Some(page) = page else { return Ok(Reply::plain(&text::usage(&page_usage()))) };
    let Some(commands) = sessions::agent_commands(&session.name) else {
        let text = tr!(
            "The agent of session '{}' has not reported its commands yet. Send it a message, then use /commands again.",
            session.name
        );
        return Ok(Reply::plain(&text));
    };
    commands_page(&session.name, &commands, page)
}

fn commands_page(session: &str, commands: &[AgentCommand], page: usize) -> Result<Reply, String> {
    let Some(example) = commands.first() else {
        return Ok(Reply::plain(&tr!("The agent of session '{session}' has no commands.", session)));
    };
    let pages = commands.len().div_ceil(PAGE);
    if page > pages {
        return Err(tr!("There is no page {page}: the list has {pages}.", page, pages));
    }
    let shown = commands.iter().skip((page - 1) * PAGE).take(PAGE);
    let line = |command: &AgentCommand| {
        let name = format!("//{}", text::escape(&command.name));
        let about = text::escape(&command.description);
        if about.is_empty() { name } else { format!("{name}: {about}") }
    };
    let mut lines = vec![tr!(
        "Commands of the agent of session '{}'. Type one with two slashes, as in //{}.",
        text::escape(session),
        text::escape(&example.name)
    )];
    lines.extend(shown.map(line));
    let reply = Reply::text(lines.join("\n"));
    Ok(if page < pages { reply.button(tr!("More"), format!("/commands {}", page + 1)) } else { reply })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn command(name: &str, description: &str) -> AgentCommand {
        AgentCommand { name: name.into(), description: description.into() }
    }

    #[test]
    fn commands_are_listed_in_pages() {
        let commands: Vec<_> = (0..60).map(|number| command(&format!("c{number}"), "does *this*")).collect();
        let reply = commands_page("x", &commands, 2).unwrap();
        assert!(reply.text.contains("\n//c25: does \\*this\\*\n"), "{}", reply.text);
        assert!(!reply.text.contains("//c24") && !reply.text.contains("//c50"), "{}", reply.text);
        let commands_of = |reply: &Reply| reply.buttons.iter().flatten().map(|button| button.command.clone()).next();
        assert_eq!(commands_of(&reply).as_deref(), Some("/commands 3"));
        assert_eq!(commands_of(&commands_page("x", &commands, 3).unwrap()), None);
        assert_eq!(commands_page("x", &commands, 4).unwrap_err(), "There is no page 4: the list has 3.");
        assert!(commands_page("x", &[], 1).unwrap().text.contains("has no commands"));
    }
}
