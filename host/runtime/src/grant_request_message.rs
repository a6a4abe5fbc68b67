//! Builds the requests that ask the owner to grant capabilities, and decides which capabilities a chat button can
//! grant.

use cordboard_core::{
    capability::target_line,
    messages::plugins::{self as messages, Requested, VersionRequest},
    rollout::short,
    types::{Button, Choice, Reply, Request},
};

/// The name of the command that manages plugins. An approval request's buttons run this command.
pub const PLUGINS_COMMAND: &str = "plugins";

/// Returns whether these arguments of `/plugins` answer an approval request.
pub fn is_grant_answer(args: &str) -> bool {
    matches!(args.split_whitespace().next(), Some("grant" | "refuse"))
}

/// Returns the line of `[plugins.NAME]` that grants a capability, or `None` if a button in the chat can grant it.
fn config_line(capability: &str) -> Option<String> {
    match capability {
        "sessions" | "session-control" | "chat" => None,
        // When the owner calls a plugin, `plugin-control` lets it approve capabilities for itself and for other
        // plugins, and `access-control` lets it give anyone access. `requests` lets a plugin allow agents to run any
        // command, and `attachments` lets it read the recordings and files that people send. Pressing one button isn't
        // enough consent for that.
        _ => target_line(capability).or_else(|| Some(format!("grants = [\"{capability}\"]"))),
    }
}

/// Returns the capabilities that a button cannot grant.
pub fn config_only(capabilities: &[String]) -> Vec<&str> {
    capabilities.iter().map(String::as_str).filter(|name| config_line(name).is_some()).collect()
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
    /// Builds the approval request to the owner. `active` is the number of the active generation, if there is one.
    #[must_use]
    pub fn approval_request(&self, active: Option<u32>) -> Reply {
        let Self { plugin, digest, missing } = self;
        let reply = Reply::text(messages::approval_request(plugin, short(digest), &requested(missing), active));
        let row = self.buttons(&Choice::Grant.label().unwrap_or_default(), &Choice::Refuse.label().unwrap_or_default());
        Reply { buttons: vec![row], request: Some(self.request()), ..reply }
    }

    #[must_use]
    pub fn request(&self) -> Request {
        Request::Grant { plugin: self.plugin.clone(), digest: short(&self.digest).to_owned() }
    }

    fn version_request(&self) -> VersionRequest<'_> {
        let (plugin, version) = (self.plugin.as_str(), short(&self.digest));
        VersionRequest { plugin, version, requested: requested(&self.missing) }
    }

    /// Builds the buttons that answer the request. Their commands name the digest, so that they apply only to this
    /// version. Omits the grant button if a requested capability can't be granted in the chat.
    fn buttons(&self, grant: &str, refuse: &str) -> Vec<Button> {
        let Self { plugin, digest, missing } = self;
        let button = |label: &str, verb: &str| {
            Button::new(label, format!("/{PLUGINS_COMMAND} {verb} {plugin} {}", short(digest)))
        };
        let mut row = vec![button(refuse, "refuse")];
        if config_only(missing).is_empty() {
            row.insert(0, button(grant, "grant"));
        }
        row
    }
}

/// Builds the approval request to the owner about several versions. The request lists the first `listed` of them.
#[must_use]
pub fn joint_approval_request(approvals: &[PendingApproval], listed: usize) -> Reply {
    let (shown, others) = approvals.split_at(listed.min(approvals.len()));
    let requests: Vec<VersionRequest<'_>> = shown.iter().map(PendingApproval::version_request).collect();
    let row = |one: &PendingApproval| {
        one.buttons(&messages::grant_plugin(&one.plugin), &messages::refuse_plugin(&one.plugin))
    };
    Reply {
        buttons: shown.iter().map(row).collect(),
        ..Reply::text(messages::approval_requests(&requests, others.len()))
    }
}

fn requested(missing: &[String]) -> Vec<Requested<'_>> {
    missing.iter().map(|capability| Requested { capability, line: config_line(capability) }).collect()
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    fn approval(missing: &[&str]) -> PendingApproval {
        PendingApproval {
            plugin: "mine".to_owned(),
            digest: "0123456789abcdef".to_owned(),
            missing: missing.iter().map(|&name| name.to_owned()).collect(),
        }
    }

    #[test]
    fn the_question_explains_each_requested_capability() {
        let question = approval(&["chat", "sessions"]).approval_request(Some(3));
        expect![[r#"
            Plugin 'mine', version 0123456789ab, requests capabilities that it was not granted:

            - `chat`: posts messages to chats on its own, not only as replies to commands
            - `sessions`: lists and reads the sessions that the user who calls it may see, with their files

            It needs your approval. Generation 3 stays active."#]]
        .assert_eq(&question.text);
        let commands: Vec<_> = question.buttons[0].iter().map(|button| button.command.as_str()).collect();
        assert_eq!(commands, ["/plugins grant mine 0123456789ab", "/plugins refuse mine 0123456789ab"]);
    }

    #[test]
    fn a_joint_request_names_each_version_and_its_buttons() {
        let of = |plugin: &str, missing: &[&str]| PendingApproval { plugin: plugin.to_owned(), ..approval(missing) };
        let question =
            joint_approval_request(&[of("a", &["chat", "sessions"]), of("b", &["http"]), of("c", &["chat"])], 2);
        expect![[r#"
            3 plugins request capabilities that they were not granted:

            - 'a', version 0123456789ab: `chat`, `sessions`
            - 'b', version 0123456789ab: `http` (can't be granted in the chat)
            - and 1 more

            They need your approval. /plugins shows each request and how to grant it."#]]
        .assert_eq(&question.text);
        let buttons: Vec<_> = question.buttons.iter().flatten().map(|one| (&*one.label, &*one.command)).collect();
        let expected = [
            ("Grant a", "/plugins grant a 0123456789ab"),
            ("Refuse a", "/plugins refuse a 0123456789ab"),
            ("Refuse b", "/plugins refuse b 0123456789ab"),
        ];
        assert_eq!((buttons.as_slice(), question.request), (expected.as_slice(), None));
    }

    #[test]
    fn configuration_only_grants_name_their_line() {
        let question = approval(&["chat", "http"]).approval_request(None);
        assert!(question.text.contains("add `http = [\"https://HOST/*\"]` to [plugins.mine]"), "{}", question.text);
        let commands: Vec<_> = question.buttons[0].iter().map(|button| button.command.as_str()).collect();
        assert_eq!(commands, ["/plugins refuse mine 0123456789ab"]);
        assert_eq!(config_only(&approval(&["chat", "plugin-control"]).missing), ["plugin-control"]);
    }

    #[test]
    fn each_restricted_capability_has_an_explanation() {
        use cordboard_core::capability::{Capability, GrantKind};
        for capability in Capability::ALL.into_iter().filter(|one| one.grant_kind() != GrantKind::Always) {
            assert!(!messages::allows(capability.as_str()).contains("is not known"), "{}", capability.as_str());
        }
    }
}
