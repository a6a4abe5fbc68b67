//! The reply to `/new` without arguments: buttons that create a session with a suggested name.

use cordboard_plugin::{Caller, Reply, catalog::Choice, tr};

/// The maximum number of persona buttons, and of agent buttons.
const MOST: usize = 6;

/// The highest number to use in a suggested name.
const LAST: u32 = 1000;

/// Returns the first free name of the form `s1`. `is_taken` knows only the sessions that the caller may see. Members
/// can't see other people's sessions, so their session names end with the last characters of their id, as in `s1-0043`.
pub fn suggested_name(caller: &Caller, is_taken: impl Fn(&str) -> bool) -> Option<String> {
    let characters: Vec<char> = caller.id.chars().filter(char::is_ascii_alphanumeric).collect();
    let end: String = characters[characters.len().saturating_sub(4)..].iter().collect();
    let suffix = if caller.role == "member" { format!("-{}", end.to_lowercase()) } else { String::new() };
    (1..=LAST).map(|number| format!("s{number}{suffix}")).find(|name| !is_taken(name))
}

/// Adds buttons to the usage of the command: one for a session without a persona, one for each persona, and one for
/// each agent. A single agent needs no button.
pub fn page(usage: Reply, name: &str, personas: &[Choice], agents: &[Choice]) -> Reply {
    let mut reply = usage.button(tr!("New session {name}", name), format!("/new {name}"));
    for pair in personas.iter().take(MOST).collect::<Vec<_>>().chunks(2) {
        reply = reply.row(pair.iter().map(|persona| (persona.name.clone(), format!("/new {name} {}", persona.name))));
    }
    let agents = if agents.len() > 1 { agents } else { &[] };
    for pair in agents.iter().take(MOST).collect::<Vec<_>>().chunks(2) {
        let button = |agent: &&Choice| (tr!("with {}", agent.name), format!("/new {name} none {}", agent.name));
        reply = reply.row(pair.iter().map(button));
    }
    reply
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_is_created_by_one_button() {
        let choices = |names: &[&str]| {
            let choice = |name: &&str| Choice { name: (*name).to_owned(), description: String::new() };
            names.iter().map(choice).collect::<Vec<_>>()
        };
        let commands =
            |reply: Reply| reply.buttons.concat().into_iter().map(|button| button.command).collect::<Vec<_>>();
        let reply = page(Reply::text("Usage"), "s2", &choices(&["planner"]), &choices(&["demo", "claude"]));
        assert_eq!(commands(reply), ["/new s2", "/new s2 planner", "/new s2 none demo", "/new s2 none claude"]);
        assert_eq!(commands(page(Reply::text("Usage"), "s1", &[], &choices(&["demo"]))), ["/new s1"]);
        let caller =
            |role: &str| Caller { id: "telegram:120043".to_owned(), name: "ada".to_owned(), role: role.to_owned() };
        let is_first = |name: &str| name.starts_with("s1");
        assert_eq!(suggested_name(&caller("owner"), is_first), Some("s2".to_owned()));
        assert_eq!(suggested_name(&caller("member"), is_first), Some("s2-0043".to_owned()));
        assert_eq!(suggested_name(&caller("owner"), |_| true), None);
    }
}
