//! Tests of rules for paths.

use std::time::{Duration, Instant};

use super::{allow, deny, tool_use};
use crate::ToolUse;

fn allowed(rule: &str, path: &str) -> bool {
    let paths = [path.to_owned()];
    allow(&[rule], &ToolUse { paths: &paths, ..tool_use("Edit") }).is_some()
}

fn denied(rule: &str, path: &str) -> bool {
    let paths = [path.to_owned()];
    deny(&[rule], &ToolUse { paths: &paths, ..tool_use("Edit") }).is_some()
}

#[test]
fn patterns_match_paths_below_their_base() {
    for (rule, path, expected) in [
        ("Edit(src/**)", "src/a.rs", true),
        ("Edit(src/**)", "src/a/b/.c", true),
        ("Edit(src/**)", "./src//a.rs", true),
        ("Edit(src/**)", "/home/ada/project/src/a.rs", true),
        ("Edit(src/**)", "~/project/src/a.rs", true),
        ("Edit(src/**)", "src", true),
        ("Edit(src/**)", "src/", true),
        ("Edit(src/**)", "srcx/a.rs", false),
        ("Edit(src/**)", "x/src/a.rs", false),
        ("Edit(src/**)", "SRC/a.rs", false),
        ("Edit(src/**)", "src/../../etc/passwd", false),
        ("Edit(src/**)", "src/../a.rs", false),
        ("Edit(src/**)", "x/../src/a.rs", true),
        ("Edit(src/**)", "/src/a.rs", false),
        ("Edit(src/**)", "/home/ada/project/../project/src/a", true),
        ("Edit(./src/**)", "src/a.rs", true),
        ("Edit(/src/**)", "src/a.rs", true),
        ("Edit(/src/**)", "/src/a.rs", false),
        ("Edit(./a.rs)", "a.rs", true),
        ("Edit(./a.rs)", "src/a.rs", false),
        ("Edit(src)", "src/a/b", true),
        ("Edit(src)", "x/src/a", true),
        ("Edit(src/)", "src/a", true),
        ("Edit(*.env)", "a.env", true),
        ("Edit(*.env)", ".env", true),
        ("Edit(*.env)", "x/y/a.env", true),
        ("Edit(*.env)", "a.env.txt", false),
        ("Edit(*.env)", "/etc/a.env", false),
        ("Edit(*.env)", "../a.env", false),
        ("Edit(**/a.rs)", "a.rs", true),
        ("Edit(**/a.rs)", "x/y/a.rs", true),
        ("Edit(src/**/*.rs)", "src/a.rs", true),
        ("Edit(src/**/*.rs)", "src/x/y/a.rs", true),
        ("Edit(src/**/*.rs)", "src/x/y/a.ts", false),
        ("Edit(a/**/b/**/c)", "a/x/b/b/y/c", true),
        ("Edit(a/**/b/**/c)", "a/x/c/y/c", false),
        ("Edit(a?c/[a-c].rs)", "abc/b.rs", true),
        ("Edit(a?c/[!a-c].rs)", "abc/b.rs", false),
        ("Edit(a?c)", "a/c", false),
        ("Edit(**)", "x/y", true),
        ("Edit(**)", "/etc/passwd", false),
        ("Edit(**)", "..", false),
        ("Edit(*)", "x/y", true),
        ("Edit(*)", "/etc/passwd", false),
        ("Edit(//etc/**)", "/etc/passwd", true),
        ("Edit(//etc/**)", "//etc/passwd", true),
        ("Edit(//etc/**)", "etc/passwd", false),
        ("Edit(//etc/**)", "/etcx", false),
        ("Edit(//**)", "/x", true),
        ("Edit(~/x/**)", "/home/ada/x/y", true),
        ("Edit(~/x/**)", "../x/y", true),
        ("Edit(~/x/**)", "x/y", false),
        ("Edit(~)", "../../ada/x", true),
        ("Edit(~/**)", "/home/ad", false),
    ] {
        assert_eq!(allowed(rule, path), expected, "allow {rule} {path}");
        assert_eq!(denied(rule, path), expected, "deny {rule} {path}");
    }
}

#[test]
fn wildcards_at_the_end_allow_one_level() {
    for (rule, path) in [("Edit(src/*)", "src/a/b.rs"), ("Edit(*.d)", "conf.d/a"), ("Edit(src/*/**)", "src/a")] {
        assert!(!allowed(rule, path), "{rule} {path}");
        assert!(denied(rule, path), "{rule} {path}");
    }
    assert!(allowed("Edit(src/*)", "src/a"));
    assert!(allowed("Edit(src/*/**)", "src/a/b/c"));
}

#[test]
fn unclear_paths_are_denied_and_not_allowed() {
    let long = format!("src/{}", "a/".repeat(3000));
    for path in [
        "",
        " ",
        " src/a",
        "src/a ",
        "src/a\n",
        "src/\0a",
        "\u{feff}src/a",
        "~root/src/a",
        "~x",
        "file:///home/ada/project/src/a",
        long.as_str(),
    ] {
        for rule in ["Edit(**)", "Edit(src/**)", "Edit(//**)"] {
            assert!(!allowed(rule, path), "{rule} {path}");
            assert!(denied(rule, path), "{rule} {path}");
        }
        assert!(allowed("Edit", path), "{path}");
    }
}

#[test]
fn unknown_folders_are_not_allowed() {
    let (relative, home) = (["src/a".to_owned()], ["~/src/a".to_owned()]);
    for (paths, folder, home) in
        [(&relative, "", None), (&relative, "project", None), (&home, "/", None), (&home, "/", Some(""))]
    {
        let tool_use = ToolUse { paths, folder, home, ..tool_use("Edit") };
        assert_eq!(allow(&["Edit(**)", "Edit(//**)", "Edit(~/**)"], &tool_use), None);
        assert!(deny(&["Edit(//x)"], &tool_use).is_some());
    }
}

#[test]
fn every_path_needs_a_rule_and_one_is_denied() {
    let paths = ["src/a".to_owned(), "docs/b".to_owned()];
    let both = ToolUse { paths: &paths, ..tool_use("Edit") };
    assert_eq!(allow(&["Edit(src/**)"], &both), None);
    assert_eq!(allow(&["Edit(docs/**)"], &both), None);
    assert_eq!(allow(&["Edit(src/**)", "Edit(docs/**)"], &both).as_deref(), Some("Edit(docs/**)"));
    assert_eq!(deny(&["Edit(x)", "Edit(docs/**)"], &both).as_deref(), Some("Edit(docs/**)"));
}

#[test]
fn path_rules_apply_to_their_group_of_tools() {
    let paths = ["src/a".to_owned()];
    for (rule, tool, expected) in [
        ("Edit(src/**)", "Write", true),
        ("Edit(src/**)", "MultiEdit", true),
        ("Edit(src/**)", "NotebookEdit", true),
        ("Edit(src/**)", "Read", false),
        ("Read(src/**)", "Grep", true),
        ("Read(src/**)", "Glob", true),
        ("Read(src/**)", "LS", true),
        ("Read(src/**)", "NotebookRead", true),
        ("Read(src/**)", "Edit", false),
        ("Write(src/**)", "Write", true),
        ("Write(src/**)", "Edit", false),
        ("Other(src/**)", "Other", true),
        ("Other(src/**)", "Read", false),
    ] {
        let tool_use = ToolUse { paths: &paths, ..tool_use(tool) };
        assert_eq!(allow(&[rule], &tool_use).is_some(), expected, "{rule} {tool}");
        assert_eq!(deny(&[rule], &tool_use).is_some(), expected, "{rule} {tool}");
    }
}

#[test]
fn long_paths_are_matched_in_bounded_time() {
    let started = Instant::now();
    let names = format!("{}/x", "a/".repeat(2000));
    let name = format!("{}/x", "a".repeat(4000));
    for rule in [
        "Edit(**/a/**/a/**/a/**/b)",
        "Edit(**/a/**/*/**/b/y)",
        "Edit(*a*a*a*a*a*b/y)",
        "Edit(*a*a*a*a*a*b)",
        "Edit(a*a*a*a*?b)",
    ] {
        assert!(!allowed(rule, &names) && !allowed(rule, &name));
        assert!(!denied(rule, &names) && !denied(rule, &name));
    }
    assert!(started.elapsed() < Duration::from_secs(20), "{:?}", started.elapsed());
}
