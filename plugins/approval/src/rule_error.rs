//! The errors for invalid rules, in the language of the call.

use cordboard_permission_rules::RuleError;
use cordboard_plugin::tr;

/// Returns the text of an error. In English, it is the error's own text.
pub fn text(error: RuleError) -> String {
    match error {
        RuleError::Empty => tr!("a rule is empty: write `Tool` or `Tool(pattern)`, for example `Bash(git status:*)`"),
        RuleError::Tool => {
            tr!("the tool name is missing or contains characters that are not allowed in tool names: write `Bash` or \
                 `mcp__server__tool`")
        }
        RuleError::ToolWildcard => {
            tr!("a tool name contains a wildcard: write `*` for all tools or `mcp__server__*` for the tools of an \
                 MCP server")
        }
        RuleError::Parenthesis => tr!("the closing parenthesis is missing at the end: write `Bash(git status:*)`"),
        RuleError::EmptyPattern => {
            tr!("the pattern is empty: write `Bash` for all uses or `Bash(git status:*)` for some")
        }
        RuleError::ControlCharacter => {
            tr!("a rule contains a line break or another control character: write one rule per line, such as \
                 `Bash(make test)`")
        }
        RuleError::PatternNotSupported => {
            tr!("a rule for this tool takes no pattern: write the name alone, for example `mcp__server__tool`")
        }
        RuleError::TwoWildcardForms => {
            tr!("a pattern can't contain both `*` and `:*`: write `Bash(git * main)` or `Bash(git push:*)`")
        }
        RuleError::Domain => tr!("a rule for WebFetch names no domain: write `WebFetch(domain:example.org)`"),
        RuleError::Glob => {
            tr!("a path pattern has an invalid wildcard: use `**` only as a whole path component, as in \
                 `src/**/*.rs`, and close each `[`")
        }
        RuleError::GlobExtension => {
            tr!("a path pattern contains braces, a backslash or `[^`: write a separate rule for each alternative, \
                 such as `Edit(*.ts)` and `Edit(*.js)`")
        }
        RuleError::Negation => {
            tr!("a path pattern begins with `!`: put the exception in another list, for example `Read(secrets/**)` \
                 in the deny list")
        }
        RuleError::ParentFolder => {
            tr!("a path pattern contains `..` or names another user's home: write `//absolute/path/**` or `~/path/**`")
        }
    }
}

#[cfg(test)]
mod tests {
    use cordboard_permission_rules::Rule;
    use cordboard_plugin::testing::with_translation;

    use super::*;

    #[test]
    fn each_error_has_its_own_text_and_a_translation() {
        let rules = [
            "",
            "(ls)",
            "mcp__*",
            "Bash(ls",
            "Bash()",
            "Bash(ls\nrm)",
            "WebSearch(x)",
            "Bash(git * main:*)",
            "WebFetch(x)",
            "Edit([a)",
            "Edit([^a])",
            "Edit(!a)",
            "Edit(../a)",
        ];
        for rule in rules {
            let error = rule.parse::<Rule>().expect_err(rule);
            assert_eq!(text(error), error.to_string());
            assert_ne!(with_translation(&crate::german::GERMAN, || text(error)), error.to_string(), "{rule}");
        }
    }
}
