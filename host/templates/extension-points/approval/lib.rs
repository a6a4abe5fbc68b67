//! Decides permission requests from agents: allows read-only tools, denies `rm -rf`, and leaves all other requests to a
//! user.

use cordboard_plugin::{
    Approval,
    approval::{Decision, Outcome, Permission},
};

/// The read-only tools.
const READERS: [&str; 3] = ["Read", "Grep", "Glob"];

/// The git commands that are read-only without options.
const GIT_READERS: [&str; 3] = ["status", "diff", "log"];

/// The reason for a denial, which the agent and the user see.
const NO_RM_RF: &str = "Delete single files, or ask a user to delete the folder.";

struct Plugin;

impl Approval for Plugin {
    /// Called before a user is asked. `permission.input` contains all of the tool's arguments as JSON.
    fn decide(permission: Permission) -> Decision {
        match permission.command.as_deref() {
            Some(command) if has_rm_rf(command) => Decision::by_rule(Outcome::Deny(NO_RM_RF.into()), "rm -rf"),
            Some(command) if only_reads(command) => Decision::by_rule(Outcome::Allow, "git commands that only read"),
            None if READERS.contains(&permission.tool.as_str()) => {
                Decision::by_rule(Outcome::Allow, "tools that only read")
            }
            Some(_) | None => Decision::ask(),
        }
    }
}

/// Returns whether the command contains `rm -rf`. Other ways to delete a folder are left to a user.
fn has_rm_rf(command: &str) -> bool {
    let words: Vec<&str> = command.split_whitespace().collect();
    words.windows(2).any(|pair| pair == ["rm", "-rf"])
}

/// Returns whether the command is a single read-only git command. Rejects special characters, which could start a
/// second command, and options, because some of them, such as `--output`, write files.
fn only_reads(command: &str) -> bool {
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || " ./_~-".contains(letter);
    let words: Vec<&str> = command.split(' ').collect();
    match words.as_slice() {
        ["git", name, args @ ..] => {
            GIT_READERS.contains(name) && command.chars().all(is_plain) && !args.iter().any(|arg| arg.starts_with('-'))
        }
        _ => false,
    }
}

cordboard_plugin::export!(Plugin: approval);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_single_git_command_without_options_is_allowed() {
        for command in ["git status", "git diff HEAD~1 src/main.rs", "git log main"] {
            assert!(only_reads(command), "{command}");
        }
        for command in [
            "git",
            "git push",
            "git diff --output=notes",
            "git diff {--output=notes,}",
            "git diff '--output=notes'",
            "git log *",
            "git status; rm notes",
            "git status && rm notes",
            "git status | sh",
            "git log > notes",
            "git log $(rm notes)",
            "git log `rm notes`",
            "git status\nrm notes",
        ] {
            assert!(!only_reads(command), "{command}");
        }
    }
}
