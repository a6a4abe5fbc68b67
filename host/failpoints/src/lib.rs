//! The named points at which `cargo xtask chaos` kills the host. Each is between two steps, and a restarted host has to
//! find out which of them are done. Without the feature `enabled`, a point compiles to nothing.

#[cfg(feature = "enabled")]
mod enabled;

#[cfg(feature = "enabled")]
pub use enabled::arm;

/// The environment variable that names the point at which the host kills itself, and on which hit: `post-sent:2` means
/// the second one.
pub const VARIABLE: &str = "CORDBOARD_FAILPOINT";

/// A point in the host's work. [`hit`] is called when the step in the variant's name is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Failpoint {
    /// A batch of updates was received, but is not stored yet.
    UpdateRead,
    /// The updates are stored, but not dispatched.
    UpdateStored,
    /// Telegram has received the offset that confirms the updates.
    UpdateConfirmed,
    /// A command's plugin has returned, but its reply is not stored.
    CommandRun,
    /// The prompt is marked as sent, but not written to the agent.
    PromptMarked,
    /// A line was written to the agent's stdin, such as the protocol's handshake or a prompt.
    PromptHandedOver,
    /// The agent has acknowledged the prompt.
    ReceiptSeen,
    /// The agent's turn has ended, but its answer is not stored.
    TurnEnded,
    /// A post is stored, but not sent.
    OutboxStored,
    /// The chat has accepted a message, but the post is not marked as sent.
    PostSent,
    /// The post is marked as sent.
    PostMarked,
    /// A plugin version is active, but its activation is not stored.
    PluginActivated,
    /// A change of a plugin's rollout is stored, such as a rollback, a grant or an activation.
    DecisionStored,
}

impl Failpoint {
    pub const ALL: [Self; 13] = [
        Self::UpdateRead,
        Self::UpdateStored,
        Self::UpdateConfirmed,
        Self::CommandRun,
        Self::PromptMarked,
        Self::PromptHandedOver,
        Self::ReceiptSeen,
        Self::TurnEnded,
        Self::OutboxStored,
        Self::PostSent,
        Self::PostMarked,
        Self::PluginActivated,
        Self::DecisionStored,
    ];

    /// Returns the point's name in [`VARIABLE`].
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::UpdateRead => "update-read",
            Self::UpdateStored => "update-stored",
            Self::UpdateConfirmed => "update-confirmed",
            Self::CommandRun => "command-run",
            Self::PromptMarked => "prompt-marked",
            Self::PromptHandedOver => "prompt-handed-over",
            Self::ReceiptSeen => "receipt-seen",
            Self::TurnEnded => "turn-ended",
            Self::OutboxStored => "outbox-stored",
            Self::PostSent => "post-sent",
            Self::PostMarked => "post-marked",
            Self::PluginActivated => "plugin-activated",
            Self::DecisionStored => "decision-stored",
        }
    }

    /// Returns the value of [`VARIABLE`] that makes the host kill itself when it reaches the point for the `nth` time.
    #[must_use]
    pub fn variable_value(self, nth: u32) -> String {
        format!("{}:{nth}", self.name())
    }

    /// Parses a value of [`VARIABLE`].
    #[must_use]
    pub fn parse(value: &str) -> Option<(Self, u32)> {
        let (name, nth) = value.split_once(':')?;
        let point = Self::ALL.into_iter().find(|point| point.name() == name)?;
        Some((point, nth.parse().ok().filter(|nth| *nth > 0)?))
    }
}

/// Kills this process with SIGKILL if the point is armed and due.
#[cfg(feature = "enabled")]
pub fn hit(point: Failpoint) {
    enabled::hit(point);
}

/// Does nothing, because this build has no failpoints.
#[cfg(not(feature = "enabled"))]
#[inline(always)]
pub const fn hit(_point: Failpoint) {}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::Failpoint;

    #[test]
    fn names_are_unique() {
        let names: HashSet<_> = Failpoint::ALL.iter().map(|point| point.name()).collect();
        assert_eq!(names.len(), Failpoint::ALL.len());
    }

    #[test]
    fn the_variable_names_a_point_and_a_count() {
        for point in Failpoint::ALL {
            assert_eq!(Failpoint::parse(&point.variable_value(3)), Some((point, 3)));
        }
        for value in ["", "post-sent", "post-sent:", "post-sent:0", "post-sent:-1", "post-send:1", ":1"] {
            assert_eq!(Failpoint::parse(value), None, "{value}");
        }
    }
}
