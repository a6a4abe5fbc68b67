//! Tests of suggested rules.

use super::{bash, fetch, rules, tool_use};
use crate::{ToolUse, allows, suggest};

fn suggested(tool_use: &ToolUse) -> Option<String> {
    let rule = suggest(tool_use)?;
    assert!(allows(std::slice::from_ref(&rule), tool_use).is_some(), "{rule} does not allow {tool_use:?}");
    assert_eq!(rules(&[&rule.to_string()]), std::slice::from_ref(&rule));
    Some(rule.to_string())
}

#[test]
fn commands_get_the_words_that_say_what_they_do() {
    for (command, expected) in [
        ("git push origin main", "Bash(git push:*)"),
        ("git push", "Bash(git push:*)"),
        ("  git   'push'  2>&1", "Bash(git push:*)"),
        ("git commit -m 'a; b'", "Bash(git commit:*)"),
        ("cargo test -p x", "Bash(cargo test:*)"),
        ("npm run build -- -x", "Bash(npm run build:*)"),
        ("npm run", "Bash(npm run)"),
        ("docker ps -a", "Bash(docker ps:*)"),
        ("kubectl get pods", "Bash(kubectl get:*)"),
        ("gh pr view 5", "Bash(gh pr view:*)"),
        ("terraform plan", "Bash(terraform plan:*)"),
        ("git", "Bash(git)"),
        ("git --version", "Bash(git --version)"),
        ("git -c core.pager=x status", "Bash(git -c core.pager=x status)"),
        ("git reset --hard", "Bash(git reset --hard)"),
        ("docker run x", "Bash(docker run x)"),
        ("ls -la", "Bash(ls -la)"),
        ("rm -rf x", "Bash(rm -rf x)"),
        ("cat notes", "Bash(cat notes)"),
        ("make test", "Bash(make test)"),
        ("./run test", "Bash(./run test)"),
        ("g\u{456}t push x", "Bash(g\u{456}t push x)"),
        ("echo 'a b' \"c\"", "Bash(echo a\\ b c)"),
    ] {
        assert_eq!(suggested(&bash(command)).as_deref(), Some(expected), "{command}");
    }
}

#[test]
fn interpreters_and_wrappers_get_the_exact_command() {
    for program in [
        "bash",
        "sh",
        "zsh",
        "python",
        "python3",
        "python3.12",
        "node",
        "env",
        "sudo",
        "xargs",
        "ssh",
        "find",
        "nohup",
        "perl5.36",
        "ruby",
        "timeout",
        "watch",
        "npx",
        "/usr/bin/python3",
        "./x",
        "busybox",
        "awk",
    ] {
        let command = format!("{program} x y");
        assert_eq!(suggested(&bash(&command)), Some(format!("Bash({command})")));
    }
}

#[test]
fn unclear_commands_get_no_rule() {
    let long = format!("ls {}", "a".repeat(300));
    for command in [
        "git push; ls",
        "git push && ls",
        "git push | ls",
        "git push > x",
        "git push $(x)",
        "A=b git push",
        "eval git push",
        "time git push",
        "rm *.o",
        "ls '*'",
        "ls '\n'",
        "",
        "(git push)",
        "git push 'x",
        "git push\nls",
        "command git push",
        "ls \u{202e}x",
        "ls '\u{200b}'",
        long.as_str(),
    ] {
        assert_eq!(suggested(&bash(command)), None, "{command}");
    }
}

#[test]
fn files_get_their_folder() {
    for (tool, path, expected) in [
        ("Edit", "src/a.rs", Some("Edit(src/**)")),
        ("Write", "/home/ada/project/src/x/a.rs", Some("Edit(src/x/**)")),
        ("Read", "src/../docs/a", Some("Read(docs/**)")),
        ("Grep", "src", Some("Read(src/**)")),
        ("LS", ".", Some("Read(./**)")),
        ("Edit", "a.rs", Some("Edit(./a.rs)")),
        ("Edit", ".git/hooks/pre-commit", Some("Edit(./.git/hooks/pre-commit)")),
        ("Edit", "src/.cargo/config.toml", Some("Edit(./src/.cargo/config.toml)")),
        ("Read", ".github/x", Some("Read(./.github/x)")),
        ("Edit", "src/a b/c", Some("Edit(src/a b/**)")),
        ("Edit", "/srv/data/x/a", Some("Edit(//srv/data/x/**)")),
        ("Edit", "/etc/passwd", Some("Edit(//etc/passwd)")),
        ("Edit", "../a", Some("Edit(//home/ada/a)")),
        ("Read", "~/.ssh/id", Some("Read(//home/ada/.ssh/id)")),
        ("Read", "~/notes/a", Some("Read(//home/ada/notes/**)")),
        ("Grep", "/", None),
        ("Grep", "/home", None),
        ("Grep", "..", None),
        ("Grep", "~/.ssh", None),
        ("Grep", ".git", None),
        ("Edit", "src/\u{202e}a/b", None),
        ("Edit", ".", None),
        ("Edit", "/", None),
        ("Edit", "src/*/a", None),
        ("Edit", "a[b]/c", None),
        ("Edit", "~root/a", None),
        ("Edit", "", None),
        ("Other", "src/a", Some("Other(src/**)")),
    ] {
        let paths = [path.to_owned()];
        assert_eq!(suggested(&ToolUse { paths: &paths, ..tool_use(tool) }).as_deref(), expected, "{tool} {path}");
    }
}

#[test]
fn several_files_need_one_folder() {
    let (one, two) = (["src/a".to_owned(), "src/b".to_owned()], ["src/a".to_owned(), "docs/b".to_owned()]);
    assert_eq!(suggested(&ToolUse { paths: &one, ..tool_use("Edit") }).as_deref(), Some("Edit(src/**)"));
    assert_eq!(suggested(&ToolUse { paths: &two, ..tool_use("Edit") }), None);
}

#[test]
fn addresses_get_their_host() {
    for (url, expected) in [
        ("https://Docs.rs:443/x?y", Some("WebFetch(domain:docs.rs)")),
        ("https://example.org@evil.org/", Some("WebFetch(domain:evil.org)")),
        ("http://localhost:80", Some("WebFetch(domain:localhost)")),
        ("http://127.0.0.1/", Some("WebFetch(domain:127.0.0.1)")),
        ("http://[::1]/", Some("WebFetch(domain:[::1])")),
        ("https://org/", None),
        ("https://example.org\\@evil.org", None),
        ("x", None),
    ] {
        assert_eq!(suggested(&fetch(url)).as_deref(), expected, "{url}");
    }
}

#[test]
fn only_one_tool_of_a_server_is_suggested() {
    for (tool, expected) in [
        ("mcp__a__b", Some("mcp__a__b")),
        ("mcp__a", None),
        ("mcp__a__*", None),
        ("mcp__a__b(x)", None),
        ("mcp__a__", None),
        ("*", None),
        ("Bash", None),
        ("Task", None),
        ("Edit", None),
    ] {
        assert_eq!(suggested(&tool_use(tool)).as_deref(), expected, "{tool}");
    }
}
