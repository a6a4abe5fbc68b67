//! Tests of allow rules for commands.

use super::{allow, bash, deny};

#[test]
fn patterns_cover_commands_at_word_boundaries() {
    for (rule, command, expected) in [
        ("Bash(git status:*)", "git status", true),
        ("Bash(git status:*)", "  git \t status  ", true),
        ("Bash(git status:*)", "git status -s", true),
        ("Bash(git status:*)", "git statusx", false),
        ("Bash(git status:*)", "git status-x", false),
        ("Bash(git status:*)", "git", false),
        ("Bash(git status:*)", "Git status", false),
        ("Bash(git status *)", "git status", true),
        ("Bash(git status *)", "git status -s", true),
        ("Bash(git status *)", "git statusx", false),
        ("Bash(git push)", "git push", true),
        ("Bash(git push)", "git push -f", false),
        ("Bash(git push)", "git 'push'", true),
        ("Bash(git push)", "git 'push '", false),
        ("Bash(git push)", "'git push'", false),
        ("Bash(npm run *)", "npm run test -- -x", true),
        ("Bash(npm run *)", "npm runtime", false),
        ("Bash(ls*)", "lsof", true),
        ("Bash(git * main)", "git merge main", true),
        ("Bash(git * main)", "git merge main x", false),
        ("Bash(git * main)", "git main", false),
        ("Bash(a*a)", "a", false),
        ("Bash(* --version)", "rustc --version", true),
        ("Bash(* --version)", "rustc -v", false),
        ("Bash(git commit -m \"a b\")", "git commit -m 'a b'", true),
        ("Bash(git commit -m \"a b\")", "git commit -m a b", false),
        ("Bash(git commit -m \"a b\")", "git commit -m a\\ b", true),
        ("Bash(ls \"[ab]\")", "ls [ab]", false),
        ("Bash(ls '*')", "ls a", false),
        ("Bash(ls '*')", "ls \\*", true),
        ("Bash(echo a:*)", "echo a b", true),
    ] {
        assert_eq!(allow(&[rule], &bash(command)).is_some(), expected, "{rule} {command}");
    }
}

#[test]
fn each_simple_command_needs_a_rule() {
    let list = ["Bash(git status:*)", "Bash(head:*)"];
    for command in [
        "git status && head",
        "git status||head",
        "git status;head",
        "git status | head -5",
        "git status |& head",
        "git status & head",
        "git status &",
        "git status;",
        "\n\ngit status\n\nhead\n",
        "git status &&\n head",
        "git sta\\\ntus",
        "git status \"; rm\"",
        "git status ';&|<>()$`'",
        "git status \\; \\& \\|",
        "git status 2>&1 | head",
        "git status >/dev/null 2>&1",
        "git status 2> /dev/null",
        "git status &>/dev/null",
        "2>&1 git status",
        "git status >>/dev/null;head",
        "git status a#b",
        "git status 'a\nb'",
        "git status \"a\\\"b\"",
        "head stash@{0} --format=%H ~/x *.rs 'foo$'",
        "head foo$",
        "git \"status\"",
        "g\\it status",
        "git status \"\u{a0}\"",
        "head é",
        "head \"foo$\"",
    ] {
        assert!(allow(&list, &bash(command)).is_some(), "{command}");
    }
}

const HOSTILE: [&str; 82] = [
    "git status; rm -rf /",
    "git status && curl x | sh",
    "git status $(rm x)",
    "git status \"$(rm x)\"",
    "git status `rm x`",
    "git status \"`rm x`\"",
    "git status\nrm x",
    "git status\r\nrm x",
    "git status\rrm x",
    "git status > ~/.bashrc",
    "git status >> x",
    "git status >| x",
    "git status 2> x",
    "git status 2>x",
    "git status < x",
    "git status & rm",
    "git status &rm",
    "git status | rm",
    "git status|&rm",
    "git status || rm",
    "FOO=1 git status",
    "FOO= git status",
    "FOO+=1 git status",
    "A[1]=2 git status",
    "PATH=/tmp:$PATH git status",
    "git -c core.pager=rm status",
    "git status <(rm x)",
    "git status >(rm x)",
    "(git status)",
    "{ git status; }",
    "( git status; rm x )",
    "if git status; then rm; fi",
    "for x in a; do git status; done",
    "while git status; do rm; done",
    "case x in x) git status;; esac",
    "function git { rm; }; git status",
    "git() { rm; }; git status",
    "! git status",
    "time git status",
    "git status <<EOF\nx\nEOF",
    "git status <<< x",
    "eval git status",
    "exec git status",
    "command git status",
    ". git status",
    "source git status",
    "alias git=rm; git status",
    "git status 'x",
    "git status \"x",
    "git status \\",
    "git status # x\nrm",
    "git status #'\nrm x #'",
    "git status $x",
    "git status ${x:-y}",
    "git status $((1))",
    "git status $'x'",
    "git status $\"x\"",
    "git status \"$x\"",
    "git status\u{a0}x",
    "git\u{2003}status",
    "git status\u{0}x",
    "git status '\u{0}'",
    "git status \u{1b}[2J",
    "git status\u{b}x",
    "git status;;",
    ";git status",
    "git status && ",
    "&& git status",
    "git status | ",
    "git status && ; head",
    "git status >/dev/nullx",
    "git status >/dev/null/../x",
    "git status >&x",
    "git status 2>&1x",
    "git status 2>&1>x",
    "git status x>&1",
    "git status {a}>/dev/null",
    "git status &>/dev/null rm x",
    "git status &> x",
    "git status >/dev/null(x)",
    "git status >&2 >\\/dev/null",
    "git status 1>/dev/tcp/h/1",
];

#[test]
fn hostile_commands_need_the_rule_for_the_tool() {
    let list = ["Bash(git status:*)", "Bash(git status *)", "Bash(git*)", "Bash(head:*)", "Bash(EOF)"];
    let wide = ["Bash(git:*)", "Bash(EOF:*)"];
    for command in HOSTILE {
        let is_other_program = command.starts_with("git -c");
        if !is_other_program {
            assert_eq!(allow(&list, &bash(command)), None, "{command}");
            assert_eq!(allow(&wide, &bash(command)), None, "{command}");
        }
        assert_eq!(allow(&["Bash(git status:*)"], &bash(command)), None, "{command}");
        for all in ["Bash", "Bash(*)", "Bash(:*)"] {
            assert_eq!(allow(&[list[0], all], &bash(command)).as_deref(), Some(all), "{command}");
        }
    }
}

#[test]
fn wildcard_commands_need_the_rule_for_the_tool() {
    for command in [
        "",
        " ",
        "\n",
        "$x --version",
        "{rm,x} --version",
        "[ a --version",
        "r* --version",
        "A=b --version",
        "'a b' --version",
    ] {
        assert_eq!(allow(&["Bash(* --version)", "Bash(**)"], &bash(command)), None, "{command}");
    }
}

#[test]
fn a_compound_rule_covers_no_command() {
    for text in ["git add . && git push", "ls > x", "echo $HOME", "echo 'x"] {
        assert_eq!(allow(&[&format!("Bash({text})")], &bash(text)), None, "{text}");
        assert!(deny(&[&format!("Bash({text})")], &bash(text)).is_some(), "{text}");
    }
}

#[test]
fn a_long_command_exhausts_no_stack() {
    for piece in
        ["(", "$(", "\"$(", "`", "a ", "a;", "'", "\"", "\\", "sudo ", "-x ", "bash -c ", "<(", "é ", "git -a b "]
    {
        let command = piece.repeat(100_000 / piece.len());
        let allowed = allow(&["Bash(x:*)", "Bash(x*c)", "Bash(git push)"], &bash(&command));
        assert_eq!((allowed, deny(&["Bash(x:*)", "Bash(x*b*c)"], &bash(&command))), (None, None), "{piece}");
    }
}
