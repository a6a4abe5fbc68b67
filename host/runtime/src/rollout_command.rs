//! Admin commands for plugins, and the role that each requires. [`authorize`] is the only authorization check and runs
//! before a command is executed.

use cordboard_core::{
    language::{self, Language},
    messages,
    session::{ApiError, ApiErrorCode},
    types::{Caller, Role},
};
use tokio::sync::{mpsc, oneshot};

/// The minimum length of a digest prefix in a command, in characters. Messages show this many characters of a digest,
/// because two versions almost never share a prefix of this length.
const MIN_DIGEST: usize = 12;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AdminCommand {
    /// Activates the previous version instead of the active one.
    Rollback,
    /// Compiles, links and tries the newest version again.
    Reload,
    Disable,
    Enable,
    /// Grants the capabilities that the pending version requests. The string is a prefix of that version's digest.
    Grant(String),
    Refuse(String),
    /// Revokes the grants that were given in the chat.
    Revoke,
}

impl AdminCommand {
    const fn min_role(&self) -> Role {
        match self {
            Self::Rollback | Self::Reload | Self::Disable | Self::Enable => Role::Admin,
            Self::Grant(_) | Self::Refuse(_) | Self::Revoke => Role::Owner,
        }
    }

    /// Returns the subcommand of `/plugins`.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Rollback => "rollback",
            Self::Reload => "reload",
            Self::Disable => "disable",
            Self::Enable => "enable",
            Self::Grant(_) => "grant",
            Self::Refuse(_) => "refuse",
            Self::Revoke => "revoke",
        }
    }
}

/// The result of an admin command, as text for the user who sent it.
pub type Outcome = Result<String, ApiError>;

/// An admin command whose caller has the required role. Only [`AdminCommands::run`] creates one, after it has checked
/// the role.
#[derive(Debug)]
pub struct AuthorizedCommand {
    pub by: Caller,
    pub plugin: String,
    pub command: AdminCommand,
    /// The language of the caller.
    pub language: Option<Language>,
    pub answer: oneshot::Sender<Outcome>,
}

/// The capacity of the command queue. Users send these commands by hand, so only a few are ever queued at once.
const QUEUE: usize = 16;

/// Sends commands to the task that executes them.
#[derive(Debug, Clone)]
pub struct AdminCommands(mpsc::Sender<AuthorizedCommand>);

pub fn refuse(code: ApiErrorCode, text: impl Into<String>) -> ApiError {
    ApiError { code, text: text.into() }
}

/// Checks that `caller` has the role for this command and that the command's arguments are valid.
///
/// # Errors
/// Returns the reason as text for the user.
pub fn authorize(caller: Option<&Caller>, command: &AdminCommand) -> Result<Caller, ApiError> {
    let Some(caller) = caller else {
        return Err(refuse(ApiErrorCode::Denied, messages::NO_CALLER));
    };
    let min_role = command.min_role();
    if caller.role < min_role {
        let text = messages::not_allowed(&format!("plugins {}", command.as_str()), min_role);
        return Err(refuse(ApiErrorCode::Denied, text));
    }
    match command {
        AdminCommand::Grant(digest) | AdminCommand::Refuse(digest) if !is_digest_prefix(digest) => {
            Err(refuse(ApiErrorCode::Invalid, messages::digest_needed(MIN_DIGEST)))
        }
        AdminCommand::Grant(_)
        | AdminCommand::Refuse(_)
        | AdminCommand::Rollback
        | AdminCommand::Reload
        | AdminCommand::Disable
        | AdminCommand::Enable
        | AdminCommand::Revoke => Ok(caller.clone()),
    }
}

fn is_digest_prefix(digest: &str) -> bool {
    (MIN_DIGEST..=64).contains(&digest.len())
        && digest.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}

impl AdminCommands {
    #[must_use]
    pub fn channel() -> (Self, mpsc::Receiver<AuthorizedCommand>) {
        let (sender, receiver) = mpsc::channel(QUEUE);
        (Self(sender), receiver)
    }

    /// Checks the command, queues it and waits for its result.
    ///
    /// # Errors
    /// Returns the reason as text for the user.
    pub async fn run(&self, caller: Option<&Caller>, plugin: &str, command: AdminCommand) -> Outcome {
        let by = authorize(caller, &command)?;
        let (answer, outcome) = oneshot::channel();
        let stopping = || refuse(ApiErrorCode::Failed, messages::shutting_down());
        self.0
            .send(AuthorizedCommand { by, plugin: plugin.to_owned(), command, language: language::current(), answer })
            .await
            .map_err(|_| stopping())?;
        outcome.await.unwrap_or_else(|_| Err(stopping()))
    }
}

#[cfg(test)]
mod tests {
    use cordboard_core::types::UserId;

    use super::*;

    fn person(role: Role) -> Caller {
        Caller { id: UserId("telegram:1".to_owned()), name: "Ada".to_owned(), role }
    }

    #[test]
    fn each_command_has_a_minimum_role() {
        let digest = "0123456789ab".to_owned();
        let grants = [AdminCommand::Grant(digest.clone()), AdminCommand::Refuse(digest), AdminCommand::Revoke];
        let rollouts = [AdminCommand::Rollback, AdminCommand::Reload, AdminCommand::Disable, AdminCommand::Enable];
        for command in &grants {
            assert!(authorize(Some(&person(Role::Owner)), command).is_ok());
            let denied = authorize(Some(&person(Role::Admin)), command).unwrap_err();
            assert_eq!(denied.text, format!("/plugins {} is for the owner only.", command.as_str()));
        }
        for command in &rollouts {
            assert!(authorize(Some(&person(Role::Admin)), command).is_ok());
            assert_eq!(authorize(Some(&person(Role::Member)), command).unwrap_err().code, ApiErrorCode::Denied);
        }
        for command in grants.iter().chain(&rollouts) {
            assert_eq!(authorize(None, command).unwrap_err().text, messages::NO_CALLER);
        }
    }

    #[test]
    fn an_invalid_digest_prefix_is_refused() {
        for digest in ["", "0123456789a", "0123456789AB", "0123456789a*", &"a".repeat(65)] {
            let refused = authorize(Some(&person(Role::Owner)), &AdminCommand::Grant(digest.to_owned())).unwrap_err();
            assert_eq!(refused.code, ApiErrorCode::Invalid, "{digest}");
        }
    }
}
