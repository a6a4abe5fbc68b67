//! Resolves a message from a chat against the active commands: which command it calls with which arguments, or that it
//! is a prompt, or the host's own answer to a command that nobody may call.

use super::{Invocation, ParsedText, nearest, parse, parse_button};
use crate::{messages::UpdateReply, types::Role};

/// A command that an active plugin exports.
pub trait ActiveCommand {
    fn name(&self) -> &str;
    /// The plugin that exports it.
    fn plugin(&self) -> &str;
    fn min_role(&self) -> Role;
}

/// The commands of the active plugins.
pub trait CommandTable {
    type Command: ActiveCommand;

    fn command(&self, name: &str) -> Option<&Self::Command>;
    fn commands(&self) -> impl Iterator<Item = &Self::Command>;
}

/// A message as a person sent it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChatInput<'a> {
    /// `bot` is this bot's user name; see [`parse`].
    Text { text: &'a str, bot: Option<&'a str> },
    /// The command of a pressed button, and the plugin that shows the button. `None` is the host.
    Button { command: &'a str, plugin: Option<&'a str> },
}

#[derive(Debug, PartialEq, Eq)]
pub enum Resolution<'a, C> {
    Command {
        command: &'a C,
        invocation: Invocation,
    },
    Prompt,
    /// A command for another bot in the same group, to be ignored.
    OtherBot,
    /// No plugin is called.
    Rejected(UpdateReply),
}

/// Resolves a message of a person with this role.
#[must_use]
pub fn resolve<'a, T: CommandTable>(input: ChatInput<'_>, role: Role, table: &'a T) -> Resolution<'a, T::Command> {
    let (routed, owner) = match input {
        ChatInput::Text { text, bot } => (parse(text, bot), None),
        ChatInput::Button { command, plugin } => match parse_button(command) {
            // A button's text never goes to an agent.
            ParsedText::Text | ParsedText::OtherBot => return Resolution::Rejected(UpdateReply::OldButton),
            routed @ ParsedText::Command { .. } => (routed, plugin),
        },
    };
    let (name, invocation) = match routed {
        ParsedText::Command { name, invocation } => (name, invocation),
        ParsedText::OtherBot => return Resolution::OtherBot,
        ParsedText::Text => return Resolution::Prompt,
    };
    let Some(command) = table.command(&name) else {
        let known = table.commands().filter(|command| role >= command.min_role());
        let nearest = nearest(&name, known.map(ActiveCommand::name)).map(str::to_owned);
        return Resolution::Rejected(UpdateReply::UnknownCommand { name, nearest });
    };
    if let Some(plugin) = owner.filter(|owner| *owner != command.plugin()) {
        return Resolution::Rejected(UpdateReply::NotItsButton { name, plugin: plugin.to_owned() });
    }
    if role < command.min_role() {
        return Resolution::Rejected(UpdateReply::NotAllowed { name, role: command.min_role() });
    }
    Resolution::Command { command, invocation }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, Eq)]
    struct Entry {
        name: &'static str,
        plugin: &'static str,
        min_role: Role,
    }

    impl ActiveCommand for Entry {
        fn name(&self) -> &str {
            self.name
        }

        fn plugin(&self) -> &str {
            self.plugin
        }

        fn min_role(&self) -> Role {
            self.min_role
        }
    }

    struct Table([Entry; 2]);

    impl CommandTable for Table {
        type Command = Entry;

        fn command(&self, name: &str) -> Option<&Entry> {
            self.0.iter().find(|entry| entry.name == name)
        }

        fn commands(&self) -> impl Iterator<Item = &Entry> {
            self.0.iter()
        }
    }

    const TABLE: Table = Table([
        Entry { name: "remind", plugin: "remind", min_role: Role::Member },
        Entry { name: "plugins", plugin: "help", min_role: Role::Admin },
    ]);

    fn typed(text: &str, role: Role) -> Resolution<'_, Entry> {
        resolve(ChatInput::Text { text, bot: Some("cordboard_bot") }, role, &TABLE)
    }

    fn pressed<'a>(command: &'a str, plugin: Option<&'a str>) -> Resolution<'a, Entry> {
        resolve(ChatInput::Button { command, plugin }, Role::Member, &TABLE)
    }

    fn rejected<T: std::fmt::Debug>(answer: UpdateReply) -> Resolution<'static, T> {
        Resolution::Rejected(answer)
    }

    #[test]
    fn resolve_returns_the_command_with_its_words() {
        let invocation = Invocation { args: vec!["1h".into(), "two words".into()], text: "1h “two words”".into() };
        let expected = Resolution::Command { command: &TABLE.0[0], invocation };
        assert_eq!(typed("/Remind@cordboard_bot 1h “two words”", Role::Member), expected);
        let invocation = Invocation { args: vec!["“drop”".into()], text: "“drop”".into() };
        let expected = Resolution::Command { command: &TABLE.0[0], invocation };
        assert_eq!(pressed("/remind “drop”", Some("remind")), expected, "a button's arguments are literal");
        assert!(matches!(pressed("/remind", None), Resolution::Command { .. }), "the host shows every command");
    }

    #[test]
    fn resolve_separates_prompts_from_other_bots() {
        assert_eq!(typed("remind me", Role::Member), Resolution::Prompt);
        assert_eq!(typed("/etc/hosts is broken", Role::Member), Resolution::Prompt);
        assert_eq!(typed("/remind@weather_bot", Role::Member), Resolution::OtherBot);
        assert_eq!(pressed("no command", None), rejected(UpdateReply::OldButton), "a button is never a prompt");
    }

    #[test]
    fn resolve_suggests_only_allowed_commands() {
        let unknown = |name: &str, nearest: Option<&str>| {
            rejected(UpdateReply::UnknownCommand { name: name.into(), nearest: nearest.map(str::to_owned) })
        };
        assert_eq!(typed("/remnid", Role::Member), unknown("remnid", Some("remind")));
        assert_eq!(typed("/plugin", Role::Member), unknown("plugin", None));
        assert_eq!(typed("/plugin", Role::Admin), unknown("plugin", Some("plugins")));
    }

    #[test]
    fn resolve_rejects_missing_rights_and_foreign_buttons() {
        let denied = rejected(UpdateReply::NotAllowed { name: "plugins".into(), role: Role::Admin });
        assert_eq!(typed("/plugins", Role::Member), denied);
        let foreign = rejected(UpdateReply::NotItsButton { name: "remind".into(), plugin: "github".into() });
        assert_eq!(pressed("/remind drop", Some("github")), foreign);
    }
}
