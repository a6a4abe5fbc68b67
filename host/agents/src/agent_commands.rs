//! Builds the list of commands that an agent reports.

use cordboard_core::{agent_event::AgentEvent, render::one_line, types::AgentCommand};

/// The maximum number of commands per agent. The claude CLI has about 40, and users and plugins can add some.
const MAX_COMMANDS: usize = 500;

/// The maximum length of a description, in characters.
const MAX_DESCRIPTION: usize = 120;

/// Returns the event for these commands, given as pairs of name and description. Skips commands without a name.
pub fn reported<'a>(commands: impl Iterator<Item = (&'a str, &'a str)>) -> AgentEvent {
    let named = commands.filter(|(name, _)| !name.is_empty());
    let command = |(name, description): (&str, &str)| {
        let description = one_line(description, MAX_DESCRIPTION);
        AgentCommand { name: name.to_owned(), description }
    };
    AgentEvent::Commands(named.map(command).take(MAX_COMMANDS).collect())
}
