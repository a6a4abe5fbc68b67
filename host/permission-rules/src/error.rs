//! Errors for invalid rules.

/// The reason why a text isn't a valid rule. The message contains an example of a valid rule or pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RuleError {
    #[error("a rule is empty: write `Tool` or `Tool(pattern)`, for example `Bash(git status:*)`")]
    Empty,
    #[error(
        "the tool name is missing or contains characters that are not allowed in tool names: write `Bash` or `mcp__server__tool`"
    )]
    Tool,
    #[error(
        "a tool name contains a wildcard: write `*` for all tools or `mcp__server__*` for the tools of an MCP server"
    )]
    ToolWildcard,
    #[error("the closing parenthesis is missing at the end: write `Bash(git status:*)`")]
    Parenthesis,
    #[error("the pattern is empty: write `Bash` for all uses or `Bash(git status:*)` for some")]
    EmptyPattern,
    #[error(
        "a rule contains a line break or another control character: write one rule per line, such as `Bash(make test)`"
    )]
    ControlCharacter,
    #[error("a rule for this tool takes no pattern: write the name alone, for example `mcp__server__tool`")]
    PatternNotSupported,
    #[error("a pattern can't contain both `*` and `:*`: write `Bash(git * main)` or `Bash(git push:*)`")]
    TwoWildcardForms,
    #[error("a rule for WebFetch names no domain: write `WebFetch(domain:example.org)`")]
    Domain,
    #[error(
        "a path pattern has an invalid wildcard: use `**` only as a whole path component, as in `src/**/*.rs`, and close each `[`"
    )]
    Glob,
    #[error(
        "a path pattern contains braces, a backslash or `[^`: write a separate rule for each alternative, such as `Edit(*.ts)` and `Edit(*.js)`"
    )]
    GlobExtension,
    #[error(
        "a path pattern begins with `!`: put the exception in another list, for example `Read(secrets/**)` in the deny list"
    )]
    Negation,
    #[error("a path pattern contains `..` or names another user's home: write `//absolute/path/**` or `~/path/**`")]
    ParentFolder,
}
