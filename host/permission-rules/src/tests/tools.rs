//! Tests of rules for whole tools.

use super::{allow, bash, deny, tool_use};
use crate::ToolUse;

#[test]
fn bare_names_cover_all_uses_of_their_tools() {
    for (rule, tool, expected) in [
        ("*", "Bash", true),
        ("*", "mcp__a__b", true),
        ("Bash", "Bash", true),
        ("Bash", "BashOutput", false),
        ("bash", "Bash", false),
        ("Edit", "Write", true),
        ("Edit", "Read", false),
        ("Write", "Edit", false),
        ("Read", "Grep", true),
        ("Grep", "Read", false),
        ("Task", "Task", true),
        ("Task", "Agent", true),
        ("Agent", "Task", true),
        ("mcp__a", "mcp__a__b", true),
        ("mcp__a", "mcp__a", true),
        ("mcp__a", "mcp__ab__c", false),
        ("mcp__a", "mcp__a_b__c", false),
        ("mcp__a__*", "mcp__a__b", true),
        ("mcp__a__*", "mcp__b__a", false),
        ("mcp__a__b", "mcp__a__b", true),
        ("mcp__a__b", "mcp__a__bc", false),
    ] {
        assert_eq!(allow(&[rule], &tool_use(tool)).is_some(), expected, "allow {rule} {tool}");
        assert_eq!(deny(&[rule], &tool_use(tool)).is_some(), expected, "deny {rule} {tool}");
    }
}

/// `mcp__a__b` may be the tool `b` of the server `a`, or the server `a__b`.
#[test]
fn underscores_in_server_names_are_read_for_each_list() {
    let other = tool_use("mcp__a__b__c");
    assert_eq!(allow(&["mcp__a__b"], &other), None);
    assert_eq!(allow(&["mcp__a__b__*"], &other).as_deref(), Some("mcp__a__b__*"));
    assert_eq!(deny(&["mcp__a__b"], &other).as_deref(), Some("mcp__a__b"));
}

#[test]
fn rules_for_bash_restrict_other_tools_that_run_commands() {
    let monitor = ToolUse { command: Some("cd x && rm -rf y"), ..tool_use("Monitor") };
    assert_eq!(deny(&["Bash(rm:*)"], &monitor).as_deref(), Some("Bash(rm:*)"));
    assert_eq!(deny(&["Bash"], &monitor).as_deref(), Some("Bash"));
    assert_eq!(allow(&["Bash"], &monitor), None);
}

#[test]
fn patterns_cover_nothing_of_uses_without_details() {
    for (rule, tool) in [("Bash(ls:*)", "Bash"), ("Edit(**)", "Edit"), ("WebFetch(domain:*)", "WebFetch")] {
        assert_eq!(allow(&[rule], &tool_use(tool)), None, "{rule}");
        assert_eq!(deny(&[rule], &tool_use(tool)), None, "{rule}");
    }
}

#[test]
fn patterns_cover_no_other_tool() {
    let command = ToolUse { command: Some("ls"), ..tool_use("mcp__a__b") };
    assert_eq!(allow(&["Bash(ls)", "Bash"], &command), None);
    assert_eq!(deny(&["Bash(ls)", "Bash"], &command), None);
}

#[test]
fn the_rule_that_decides_is_returned() {
    let list = ["Bash(ls:*)", "Bash(cat:*)", "Bash"];
    assert_eq!(allow(&list, &bash("ls")).as_deref(), Some("Bash"));
    assert_eq!(allow(&list[..2], &bash("cat a | ls")).as_deref(), Some("Bash(ls:*)"));
    assert_eq!(allow(&list[..2], &bash("ls | cat a")).as_deref(), Some("Bash(cat:*)"));
    assert_eq!(deny(&list, &bash("cat a | ls")).as_deref(), Some("Bash(ls:*)"));
    assert_eq!(allow(&[], &bash("ls")), None);
    assert_eq!(deny(&[], &bash("ls")), None);
}
