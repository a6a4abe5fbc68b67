//! Describes capabilities to the owner who is asked to grant them, and decides which of them a chat button can grant.

use cordboard_core::types::{Button, Choice, Reply, Request};

use super::{network_grants, snapshot::short};

/// The name of the command that manages plugins. The buttons of a grant request run it.
pub const STEERING: &str = "plugins";

/// Whether these arguments of `/plugins` answer a grant request.
pub fn is_answer(words: &str) -> bool {
    matches!(words.split_whitespace().next(), Some("grant" | "refuse"))
}

/// The way to grant a capability, with a description of what it allows.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Way {
    /// By a button in the chat.
    Button(&'static str),
    /// Only in the configuration, by this line of `[plugins.NAME]`.
    Line(&'static str, String),
}

/// The description of each capability that needs a grant, and how it is granted.
fn way(capability: &str) -> Way {
    let list = |allows| Way::Line(allows, network_grants::line(capability).unwrap_or_default());
    match capability {
        "sessions" => Way::Button("lists and reads the sessions that its caller may see"),
        "session-control" => Way::Button("creates, starts, stops, prompts and archives sessions of its caller"),
        "chat" => Way::Button("posts to chats without a request"),
        // When the owner calls a plugin with this capability, the plugin can grant itself all others. One tap isn't
        // enough consent for that.
        "plugin-control" => Way::Line(
            "reloads, rolls back and disables plugins, and grants capabilities when the owner calls it",
            "grants = [\"plugin-control\"]".to_owned(),
        ),
        "http" => list("sends HTTP requests to the addresses that you name"),
        "tcp" => list("connects to the hosts that you name"),
        "secrets" => list("uses the secrets that you name, without seeing them"),
        _ => Way::Line("is not known to this version of Cordboard", format!("grants = [\"{capability}\"]")),
    }
}

/// Returns the capabilities that a button cannot grant.
pub fn config_only(capabilities: &[String]) -> Vec<&str> {
    capabilities.iter().map(String::as_str).filter(|name| matches!(way(name), Way::Line(..))).collect()
}

/// A version that waits for the owner's approval of its capabilities.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PendingApproval {
    pub plugin: String,
    pub digest: String,
    /// The requested capabilities that are not granted, sorted.
    pub missing: Vec<String>,
}

impl PendingApproval {
    /// The approval request to the owner. `serves` is the active generation's number, if there is one.
    #[must_use]
    pub fn question(&self, serves: Option<u32>) -> Reply {
        let Self { plugin, digest, missing } = self;
        let mut text =
            format!("Plugin '{plugin}', version {}, requests capabilities that it was not granted:\n", short(digest));
        for name in missing {
            let line = match way(name) {
                Way::Button(allows) => format!("\n- `{name}`: {allows}"),
                Way::Line(allows, line) => {
                    format!(
                        "\n- `{name}`: {allows}. It can't be granted in the chat: add `{line}` to [plugins.{plugin}]"
                    )
                }
            };
            text.push_str(&line);
        }
        let meanwhile = match serves {
            Some(number) => format!("It needs your approval. Generation {number} stays active."),
            None => "It needs your approval. Until then the plugin is not active.".to_owned(),
        };
        let reply = Reply::text(format!("{text}\n\n{meanwhile}"));
        let button = |choice: Choice, verb: &str| {
            Button::new(choice.label().unwrap_or_default(), format!("/{STEERING} {verb} {plugin} {}", short(digest)))
        };
        let mut row = vec![button(Choice::Refuse, "refuse")];
        if config_only(missing).is_empty() {
            row.insert(0, button(Choice::Grant, "grant"));
        }
        let request = Request::Grant { plugin: plugin.clone(), digest: short(digest).to_owned() };
        Reply { buttons: vec![row], request: Some(request), ..reply }
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    fn parked(missing: &[&str]) -> PendingApproval {
        PendingApproval {
            plugin: "mine".to_owned(),
            digest: "0123456789abcdef".to_owned(),
            missing: missing.iter().map(|&name| name.to_owned()).collect(),
        }
    }

    #[test]
    fn the_question_explains_each_requested_capability() {
        let question = parked(&["chat", "sessions"]).question(Some(3));
        expect![[r#"
            Plugin 'mine', version 0123456789ab, requests capabilities that it was not granted:

            - `chat`: posts to chats without a request
            - `sessions`: lists and reads the sessions that its caller may see

            It needs your approval. Generation 3 stays active."#]]
        .assert_eq(&question.text);
        let commands: Vec<_> = question.buttons[0].iter().map(|button| button.command.as_str()).collect();
        assert_eq!(commands, ["/plugins grant mine 0123456789ab", "/plugins refuse mine 0123456789ab"]);
    }

    #[test]
    fn configuration_only_grants_name_their_line() {
        let question = parked(&["chat", "http"]).question(None);
        assert!(question.text.contains("add to [plugins.mine] `http = [\"https://HOST/*\"]`"), "{}", question.text);
        let commands: Vec<_> = question.buttons[0].iter().map(|button| button.command.as_str()).collect();
        assert_eq!(commands, ["/plugins refuse mine 0123456789ab"]);
        assert_eq!(config_only(&parked(&["chat", "plugin-control"]).missing), ["plugin-control"]);
    }

    #[test]
    fn each_restricted_capability_has_an_explanation() {
        use crate::plugin::imports::{CAPABILITIES, Granted};
        for capability in CAPABILITIES.iter().filter(|one| one.granted != Granted::ToAll) {
            let (Way::Button(words) | Way::Line(words, _)) = way(capability.name);
            assert!(!words.contains("is not known"), "{}", capability.name);
        }
    }
}
