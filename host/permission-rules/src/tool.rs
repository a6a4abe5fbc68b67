//! Tool names, and the tools that a rule applies to.

use crate::{List, RuleError};

pub const BASH: &str = "Bash";
pub const EDIT: &str = "Edit";
pub const READ: &str = "Read";
pub const WEB_FETCH: &str = "WebFetch";
const MCP: &str = "mcp__";

const EDITORS: [&str; 4] = [EDIT, "Write", "MultiEdit", "NotebookEdit"];
const READERS: [&str; 5] = [READ, "Grep", "Glob", "LS", "NotebookRead"];
/// The tools whose path argument is a folder.
const FOLDER_READERS: [&str; 3] = ["Grep", "Glob", "LS"];
/// The tools whose rules can't have a pattern, in addition to MCP tools. In a deny or ask list, rules for `Bash` also
/// apply to the commands of `Monitor`.
const WITHOUT_PATTERN: [&str; 6] = ["Agent", MONITOR, "PowerShell", "Skill", "Task", "WebSearch"];
/// A tool that runs a shell command and reports its output.
const MONITOR: &str = "Monitor";
/// The new and the old name of the tool that starts a subagent.
const SUBAGENT: [&str; 2] = ["Agent", "Task"];

/// The tools to which a rule applies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tools {
    All,
    /// All tools of an MCP server. Contains the prefix of their names, including the trailing underscores.
    Server(String),
    Named(String),
}

impl Tools {
    pub fn parse(name: &str) -> Result<Self, RuleError> {
        if name == "*" {
            return Ok(Self::All);
        }
        let literal = name.strip_suffix("__*").filter(|server| is_server(server)).unwrap_or(name);
        if literal.contains('*') {
            return Err(RuleError::ToolWildcard);
        }
        if literal.is_empty() || !literal.chars().all(|c| c.is_alphanumeric() || "_-.:/".contains(c)) {
            return Err(RuleError::Tool);
        }
        let names_server = literal.len() < name.len() || is_server(literal) && !is_mcp_tool(literal);
        Ok(if names_server { Self::Server(format!("{literal}__")) } else { Self::Named(literal.to_owned()) })
    }

    pub fn include(&self, tool: &str, list: List) -> bool {
        match self {
            Self::All => true,
            Self::Server(prefix) => tool.starts_with(prefix) || prefix.strip_suffix("__") == Some(tool),
            Self::Named(name) if name == EDIT => EDITORS.contains(&tool),
            Self::Named(name) if name == READ => READERS.contains(&tool),
            Self::Named(name) if name == BASH && list == List::Restrict => [BASH, MONITOR].contains(&tool),
            Self::Named(name) if SUBAGENT.contains(&name.as_str()) => SUBAGENT.contains(&tool),
            // A server name may contain two underscores in a row, so `mcp__a__b` may be the server `a__b`.
            Self::Named(name) if is_server(name) && list == List::Restrict => {
                tool.strip_prefix(name.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with("__"))
            }
            Self::Named(name) => name == tool,
        }
    }

    /// Returns whether a rule for these tools may have a pattern.
    pub fn take_pattern(&self) -> bool {
        match self {
            Self::All | Self::Server(_) => false,
            Self::Named(name) => !is_server(name) && !WITHOUT_PATTERN.contains(&name.as_str()),
        }
    }
}

fn is_server(name: &str) -> bool {
    name.strip_prefix(MCP).is_some_and(|server| !server.is_empty())
}

pub fn is_mcp_tool(name: &str) -> bool {
    let parts = name.strip_prefix(MCP).and_then(|rest| rest.split_once("__"));
    parts.is_some_and(|(server, tool)| !server.is_empty() && !tool.is_empty())
}

pub fn reads_folders(tool: &str) -> bool {
    FOLDER_READERS.contains(&tool)
}

/// Returns the tool name to use in a path rule for `tool`, such as `Edit` for `Write`.
pub fn rule_name(tool: &str) -> &str {
    match tool {
        _ if EDITORS.contains(&tool) => EDIT,
        _ if READERS.contains(&tool) => READ,
        _ => tool,
    }
}
