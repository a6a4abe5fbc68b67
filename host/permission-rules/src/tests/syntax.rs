//! Tests of the syntax of rules.

use crate::{Rule, RuleError};

#[test]
fn valid_rules_keep_their_text() {
    for text in [
        "*",
        "Bash",
        "Bash(*)",
        "Bash(:*)",
        "Bash(git status:*)",
        "Bash(npm run *)",
        "Bash(echo (a) \"b\")",
        "Bash(* --version)",
        "Edit",
        "Edit(src/**)",
        "Edit(//etc/**)",
        "Read(~/x/**)",
        "Read(*.env)",
        "Read(./.env)",
        "Write(a (b).txt)",
        "Read([a-z]*.rs)",
        "WebFetch(domain:example.org)",
        "WebFetch(domain:*.example.org)",
        "WebFetch(domain:*)",
        "mcp__server",
        "mcp__server__*",
        "mcp__server__tool",
        "acp:read(src/**)",
    ] {
        let rule: Rule = text.parse().unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(rule.to_string(), text);
        assert_eq!(rule.to_string().parse(), Ok(rule));
    }
    assert_eq!(" Bash \n".parse::<Rule>().unwrap().to_string(), "Bash");
}

#[test]
fn invalid_rules_have_a_reason() {
    for (text, expected) in [
        ("", RuleError::Empty),
        (" \n", RuleError::Empty),
        ("(ls)", RuleError::Tool),
        ("Bash (ls)", RuleError::Tool),
        ("Bash,Edit", RuleError::Tool),
        ("Ba*", RuleError::ToolWildcard),
        ("mcp__*", RuleError::ToolWildcard),
        ("mcp__a__b*", RuleError::ToolWildcard),
        ("Bash(ls", RuleError::Parenthesis),
        ("Bash(ls) x", RuleError::Parenthesis),
        ("Bash()", RuleError::EmptyPattern),
        ("Bash( )", RuleError::EmptyPattern),
        ("Bash(\"\")", RuleError::EmptyPattern),
        ("Bash(ls\nrm)", RuleError::ControlCharacter),
        ("Bash(ls\0)", RuleError::ControlCharacter),
        ("*(x)", RuleError::PatternNotSupported),
        ("mcp__a__b(x)", RuleError::PatternNotSupported),
        ("WebSearch(x)", RuleError::PatternNotSupported),
        ("Bash(git * main:*)", RuleError::TwoWildcardForms),
        ("WebFetch(example.org)", RuleError::Domain),
        ("WebFetch(domain:)", RuleError::Domain),
        ("WebFetch(domain:https://example.org)", RuleError::Domain),
        ("WebFetch(domain:exa*mple.org)", RuleError::Domain),
        ("Edit(a**b)", RuleError::Glob),
        ("Edit([a)", RuleError::Glob),
        ("Edit(*.{ts,js})", RuleError::GlobExtension),
        ("Edit(a\\*)", RuleError::GlobExtension),
        ("Edit([^a])", RuleError::GlobExtension),
        ("Edit(!a)", RuleError::Negation),
        ("Edit(../a)", RuleError::ParentFolder),
        ("Edit(~root/a)", RuleError::ParentFolder),
    ] {
        assert_eq!(text.parse::<Rule>(), Err(expected), "{text}");
        let reason = expected.to_string();
        assert!(["write ", "put ", "use ", "as `"].iter().any(|remedy| reason.contains(remedy)), "{reason}");
    }
}
