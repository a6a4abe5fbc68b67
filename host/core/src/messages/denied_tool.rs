//! The message about a denied tool, with the configuration line that allows the tool.

use super::{beginning, quote};
use crate::render;

/// The end of a list of denials that does not show all of them.
pub const MORE_DENIALS: &str = "…and more.";

/// The start of the line that names the configuration key.
pub const REMEDY: &str = "To allow it";

/// The tools that the mode `acceptEdits` allows.
const EDITS: [&str; 4] = ["Edit", "MultiEdit", "NotebookEdit", "Write"];

/// Names the denied tool and the configuration that allows it next time. For a tool that edits files, `detail` is a
/// path; a relative path is inside the session's folder.
pub(super) fn denied(tool: &str, detail: &str, agent: &str) -> String {
    let what = if detail.is_empty() { String::new() } else { format!(" {}", render::code(&beginning(detail))) };
    let allowed = match detail.rsplit_once('/') {
        _ if !EDITS.contains(&tool) => render::code(&format!("args = [\"--allowedTools={}\"]", quote(tool))),
        Some((folder, _)) if detail.starts_with('/') => {
            let folder = if folder.is_empty() { "/".to_owned() } else { quote(folder) };
            let folder = render::code(&format!("args = [\"--add-dir={folder}\"]"));
            format!("`permission_mode = \"acceptEdits\"` and {folder}")
        }
        Some(_) | None => "`permission_mode = \"acceptEdits\"`".to_owned(),
    };
    let tool = render::escape(&quote(tool));
    format!("Denied: {tool}{what}\n{REMEDY}, set {allowed} in `[agents.{agent}]`.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_denial_names_the_line_that_allows_it() {
        let text = |tool: &str, detail: &str| denied(tool, detail, "claude");
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
}
