//! The message about a denied tool, with the reason for the denial or the configuration that would allow the tool.

use cordboard_permission_rules::Rule;

use tr::tr;

use super::{DenialCause, beginning, quote};
use crate::render;

/// The last line of an incomplete list of denials.
#[must_use]
pub fn more_denials() -> String {
    tr!("…and more.")
}

/// The tools that the `acceptEdits` permission mode allows.
const EDITS: [&str; 4] = ["Edit", "MultiEdit", "NotebookEdit", "Write"];

/// Returns a message that names the denied tool, and the reason for the denial or the configuration that would allow
/// the tool. For a tool that edits files, `detail` is the path of the file; a relative path means that the file is
/// inside the session's folder.
pub(super) fn denied(tool: &str, detail: &str, cause: &DenialCause) -> String {
    let what = if detail.is_empty() { String::new() } else { format!(" {}", render::code(&beginning(detail))) };
    let why = match cause {
        DenialCause::Agent(agent) => remedy(tool, detail, agent),
        DenialCause::Rules(why) => render::escape(&quote(why)),
    };
    let tool = render::escape(&quote(tool));
    format!("{}\n{why}", tr!("Denied: {tool}{what}", tool, what))
}

fn remedy(tool: &str, detail: &str, agent: &str) -> String {
    let allowed = match detail.rsplit_once('/') {
        _ if !EDITS.contains(&tool) => render::code(&format!("args = [\"--allowedTools={}\"]", quote(tool))),
        Some((folder, _)) if detail.starts_with('/') => {
            let folder = if folder.is_empty() { "/".to_owned() } else { quote(folder) };
            let folder = render::code(&format!("args = [\"--add-dir={folder}\"]"));
            tr!("`permission_mode = \"acceptEdits\"` and {folder}", folder)
        }
        Some(_) | None => "`permission_mode = \"acceptEdits\"`".to_owned(),
    };
    tr!("To allow it, set {allowed} in `[agents.{agent}]`.", allowed, agent)
}

/// Returns the reason for a denial by `[access] deny_tools`.
#[must_use]
pub fn denied_by_configuration(rule: &Rule) -> String {
    tr!("The rule {rule} in deny_tools of [access] forbids this use.", rule)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_denial_names_the_line_that_allows_it() {
        let agent = DenialCause::Agent("claude".to_owned());
        let text = |tool: &str, detail: &str| denied(tool, detail, &agent);
        assert_eq!(
            text("Bash", "echo `date`\nrm -r x"),
            "Denied: Bash ``echo `date`…``\nTo allow it, set `args = [\"--allowedTools=Bash\"]` in `[agents.claude]`."
        );
        assert_eq!(
            text("Write", "src/a.rs"),
            "Denied: Write `src/a.rs`\nTo allow it, set `permission_mode = \"acceptEdits\"` in `[agents.claude]`."
        );
        assert_eq!(
            text("Edit", "/etc/hosts"),
            "Denied: Edit `/etc/hosts`\nTo allow it, set `permission_mode = \"acceptEdits\"` and `args = [\"--add-dir=/etc\"]` in `[agents.claude]`."
        );
        assert!(text("WebSearch", "").starts_with("Denied: WebSearch\nTo allow it, "));
    }

    #[test]
    fn a_denial_by_rules_has_their_reason() {
        let cause = DenialCause::Rules("the rule *Bash*".to_owned());
        assert_eq!(denied("Bash", "rm x", &cause), "Denied: Bash `rm x`\nthe rule \\*Bash\\*");
    }
}
