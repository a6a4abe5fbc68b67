//! Permission rules for tools in Claude Code's syntax: `Tool` or `Tool(pattern)`. The crate parses rules, matches them
//! against a tool use, and suggests a narrow rule for a use. It does no I/O, so the host and a WebAssembly plugin get
//! the same result.
//!
//! An *allow* list is applied narrowly: only a rule for the whole tool covers text that the crate doesn't fully
//! understand. A *deny* or *ask* list is applied broadly: a rule matches if it may match any part of a use.
//!
//! | rule | uses |
//! |---|---|
//! | `*` | all uses of all tools |
//! | `Bash`, `Bash(*)`, `Bash(:*)` | all commands |
//! | `Bash(git status:*)`, `Bash(git status *)` | commands that begin with these words |
//! | `Bash(git * main)`, `Bash(ls*)` | commands with any text in place of `*` |
//! | `Bash(git push)` | exactly this command |
//! | `Bash…` in a deny or ask list | also the commands of the `Monitor` tool |
//! | `Task`, `Agent` | subagents, under both names of the tool |
//! | `Edit(…)` | paths, for all tools that edit files; see below |
//! | `Read(…)` | paths, for all tools that read files; see below |
//! | `WebFetch(domain:example.org)` | the host and its subdomains; `domain:*.example.org` only subdomains |
//! | `mcp__server`, `mcp__server__*`, `mcp__server__tool` | the tools of an MCP server, or one of them |
//!
//! # Commands
//! A deny rule for commands is a guard against accidents, not a sandbox: a shell has unlimited ways to spell a command
//! (`$'\x72m'`, `r?`, a variable, a script, `python3 -c`), and no analysis of the text finds them all. Likewise, a
//! prefix rule in an allow list trusts the program with all of its options.
//!
//! In an allow list, each simple command in a text must be covered by a rule. Substitutions, groups, keywords,
//! here-documents, comments, assignments, builtins such as `eval`, and redirections to or from files are covered only
//! by the rule `Bash`. A rule that contains any of these or several commands, such as `Bash(make && make test)`, covers
//! nothing in an allow list. `2>&1` and `>/dev/null` need no rule.
//!
//! # Paths
//! Patterns use gitignore syntax. `src/**`, `./src/**` and `/src/**` are relative to the session's folder, `//etc/**`
//! is absolute, and `~/x/**` is below the home folder. A pattern without a slash, such as `*.env`, matches at any depth
//! inside the session's folder. A pattern that matches a folder also matches everything below it, except that an allow
//! rule whose last part has a wildcard other than `**`, such as `src/*`, covers only that level.
//!
//! Paths are compared as text, with `.` and `..` resolved. Symbolic links aren't followed, so a link inside an allowed
//! folder may lead outside it. For a search, only the searched folder is compared, not the files found in it.

mod command;
mod domain;
mod error;
mod path;
mod rule;
mod suggest;
#[cfg(test)]
mod tests;
mod tool;

pub use error::RuleError;
pub use rule::{Rule, allows, matches};
pub use suggest::suggest;

/// A tool use, as requested by the agent.
#[derive(Clone, Copy, Debug)]
pub struct ToolUse<'a> {
    pub tool: &'a str,
    /// The shell command that the tool runs.
    pub command: Option<&'a str>,
    /// The files and folders that the tool reads or writes. For a search without a path, this is the session's folder.
    pub paths: &'a [String],
    pub url: Option<&'a str>,
    /// The absolute path of the session's folder.
    pub folder: &'a str,
    /// The absolute path of the agent's home folder.
    pub home: Option<&'a str>,
}

/// The kind of list that contains a rule. The kind determines how ambiguous input is handled.
#[derive(Clone, Copy, PartialEq, Eq)]
enum List {
    Allow,
    /// A deny or ask list.
    Restrict,
}
