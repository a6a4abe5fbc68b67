//! Admin commands for plugins, and the role that each requires. [`check`] is the only authorization check and runs
//! before a command is executed.

use cordboard_core::{
    messages,
    session::{ApiError, ApiErrorCode},
    types::{Caller, Role},
};
use tokio::sync::{mpsc, oneshot};

/// The shortest digest prefix that identifies a version, in characters. Users see this many, and they are too many to
/// match another version by chance.
const DIGEST: usize = 12;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AdminCommand {
    /// Activates the version before the active one.
    Rollback,
    /// Compiles, links and tries the current file again.
    Reload,
    Disable,
    Enable,
    /// Grants the capabilities requested by the version with this digest, which is pending approval.
    Grant(String),
    Refuse(String),
    /// Removes the grants that were given in the chat.
    Revoke,
}

impl AdminCommand {
    const fn min_role(&self) -> Role {
        match self {
            Self::Rollback | Self::Reload | Self::Disable | Self::Enable => Role::Admin,
            Self::Grant(_) | Self::Refuse(_) | Self::Revoke => Role::Owner,
        }
    }

    /// The subcommand of `/plugins`.
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

/// A command whose caller is authorized to give it. [`AdminCommands::give`] is the only way to send one.
#[derive(Debug)]
pub struct AuthorizedCommand {
    pub by: Caller,
    pub plugin: String,
    pub order: AdminCommand,
    pub answer: oneshot::Sender<Outcome>,
}

/// Queued commands. People type them and each takes a moment, so a short queue is enough.
const WAITING: usize = 16;

/// Sends commands to the task that executes them.
#[derive(Debug, Clone)]
pub struct AdminCommands(mpsc::Sender<AuthorizedCommand>);

pub fn refuse(code: ApiErrorCode, text: impl Into<String>) -> ApiError {
    ApiError { code, text: text.into() }
}

/// Checks that `caller` has the role for this command and that its arguments are valid.
///
/// # Errors
/// Returns the reason as text for the user.
pub fn check(caller: Option<&Caller>, order: &AdminCommand) -> Result<Caller, ApiError> {
    let Some(caller) = caller else {
        return Err(refuse(ApiErrorCode::Denied, messages::NO_CALLER));
    };
    let least = order.min_role();
    if caller.role < least {
        let text = messages::not_allowed(&format!("plugins {}", order.as_str()), least);
        return Err(refuse(ApiErrorCode::Denied, text));
    }
    match order {
        AdminCommand::Grant(digest) | AdminCommand::Refuse(digest) if !is_beginning(digest) => {
            Err(refuse(ApiErrorCode::Invalid, messages::digest_needed(DIGEST)))
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

fn is_beginning(digest: &str) -> bool {
    (DIGEST..=64).contains(&digest.len())
        && digest.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}

impl AdminCommands {
    #[must_use]
    pub fn channel() -> (Self, mpsc::Receiver<AuthorizedCommand>) {
        let (orders, receiver) = mpsc::channel(WAITING);
        (Self(orders), receiver)
    }

    /// Checks the command, queues it and waits for its result.
    ///
    /// # Errors
    /// Returns the reason as text for the user.
    pub async fn give(&self, caller: Option<&Caller>, plugin: &str, order: AdminCommand) -> Outcome {
        let by = check(caller, &order)?;
        let (answer, answered) = oneshot::channel();
        let ending = || refuse(ApiErrorCode::Failed, messages::SHUTTING_DOWN);
        self.0.send(AuthorizedCommand { by, plugin: plugin.to_owned(), order, answer }).await.map_err(|_| ending())?;
        answered.await.unwrap_or_else(|_| Err(ending()))
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
        let steers = [AdminCommand::Rollback, AdminCommand::Reload, AdminCommand::Disable, AdminCommand::Enable];
        for order in &grants {
            assert!(check(Some(&person(Role::Owner)), order).is_ok());
            let denied = check(Some(&person(Role::Admin)), order).unwrap_err();
            assert_eq!(denied.text, format!("/plugins {} is for the owner only.", order.as_str()));
        }
        for order in &steers {
            assert!(check(Some(&person(Role::Admin)), order).is_ok());
            assert_eq!(check(Some(&person(Role::Member)), order).unwrap_err().code, ApiErrorCode::Denied);
        }
        for order in grants.iter().chain(&steers) {
            assert_eq!(check(None, order).unwrap_err().text, messages::NO_CALLER);
        }
    }

    #[test]
    fn an_invalid_digest_prefix_is_refused() {
        for digest in ["", "0123456789a", "0123456789AB", "0123456789a*", &"a".repeat(65)] {
            let refused = check(Some(&person(Role::Owner)), &AdminCommand::Grant(digest.to_owned())).unwrap_err();
            assert_eq!(refused.code, ApiErrorCode::Invalid, "{digest}");
        }
    }
}
