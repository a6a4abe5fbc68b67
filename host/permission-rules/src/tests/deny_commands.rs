//! Tests of deny rules for commands.

use super::{bash, deny};

#[test]
fn a_denied_program_is_found_in_any_part() {
    for command in [
        "rm",
        "rm -rf /",
        "  rm\t-rf  /",
        "\"rm\" -rf",
        "'rm' x",
        "r\\m x",
        "r''m x",
        "r\\\nm x",
        "/bin/rm x",
        "ls; rm x",
        "ls&&rm x",
        "ls|rm x",
        "ls\nrm x",
        "ls & rm x",
        "ls |& rm x",
        "ls || rm x",
        "(rm x)",
        "{ rm x; }",
        "echo $(rm x)",
        "echo \"a $(rm x) b\"",
        "echo `rm x`",
        "echo \"`rm x`\"",
        "echo $(echo $(rm x))",
        "echo `echo \\`rm x\\``",
        "cat <(rm x)",
        "tee >(rm x)",
        "A=b rm x",
        "A=$(ls) rm x",
        "A=b C=d rm x",
        "sudo rm x",
        "sudo -u root rm x",
        "sudo /bin/rm x",
        "env A=b rm x",
        "time rm x",
        "time -p rm x",
        "nohup rm x",
        "xargs rm",
        "ls | xargs -n1 rm",
        "command rm x",
        "exec rm x",
        "if rm x; then ls; fi",
        "if ls; then rm x; fi",
        "for x in a; do rm x; done",
        "while rm x; do ls; done",
        "! rm x",
        "case a in a) rm x;; esac",
        "function f { rm x; }",
        "f() { rm x; }",
        "coproc rm x",
        "bash -c 'rm x'",
        "bash -c \"ls;rm x\"",
        "sudo sh -c 'ls; rm x'",
        "eval 'rm x'",
        "eval \"r\"m x",
        "find . -exec rm {} \\;",
        "find . -exec sh -c 'rm {}' \\;",
        "ssh host rm x",
        "timeout 5 rm x",
        "echo rm x | sh",
        "bash <<< 'rm x'",
        "bash <<EOF\nrm x\nEOF",
        "cat <<EOF\nit's\nEOF\nrm x",
        "ls # '\nrm x",
        "ls #'\nrm x #'",
        "rm x > /dev/null",
        ">x rm y",
        "2>/dev/null rm y",
        "rm>x",
        "rm${IFS}-rf",
        "rm$IFS-rf",
        "$'rm' x",
        "ls\r\nrm x",
        "ls\u{0}rm x",
        "rm\u{a0}x",
        "ls 'x\nrm x",
        "echo \"$(echo \")\"; rm x)\"",
        "ls <<'EOF'; rm x",
        "(((rm x)))",
        "env -S 'rm x'",
        "busybox rm x",
        "ls && ( cd a; rm x )",
        "ls ${x:-$(rm x)}",
        "ls $(( $(rm x) ))",
        "else rm x",
        "nice -n 5 sudo rm",
    ] {
        assert_eq!(deny(&["Bash(rm:*)"], &bash(command)).as_deref(), Some("Bash(rm:*)"), "{command}");
        assert!(deny(&["Bash(rm *)"], &bash(command)).is_some(), "{command}");
        assert!(deny(&["Bash"], &bash(command)).is_some(), "{command}");
    }
}

#[test]
fn other_programs_are_not_denied() {
    for command in [
        "ls",
        "rmdir x",
        "ls rm",
        "git rm x",
        "echo 'ls; rm x'",
        "git commit -m \"drop it; rm old files\"",
        "ls rm | head",
        "ls > rm",
        "farm x",
        "rm-x",
        "./rmx",
        "ls 2>&1 | grep rm",
        "git commit -m 'it (rm x) works'",
        "",
        " ",
    ] {
        assert_eq!(deny(&["Bash(rm:*)", "Bash(rm *)"], &bash(command)), None, "{command}");
    }
}

#[test]
fn denied_patterns_match_whole_commands_and_parts() {
    for (rule, command, expected) in [
        ("Bash(git push:*)", "git push", true),
        ("Bash(git push:*)", "git pushx", false),
        ("Bash(git push:*)", "git -C x push -f", true),
        ("Bash(git push:*)", "git --no-pager push", true),
        ("Bash(git push:*)", "git -c a=b -C x --no-pager push", true),
        ("Bash(git push:*)", "git -a -b -c -d -e -f -g -h -i -j push", true),
        ("Bash(git push:*)", "/usr/bin/git -C x push", true),
        ("Bash(git push:*)", "git commit -m push", false),
        ("Bash(git push:*)", "cd x && git push origin", true),
        ("Bash(git push)", "git push -f", false),
        ("Bash(git push)", "cd x; git   'push'", true),
        ("Bash(git push)", "sudo git push", true),
        ("Bash(git push)", "bash -c 'git push; ls'", true),
        ("Bash(git push)", "bash -c 'git push -f; ls'", false),
        ("Bash(curl * | sh)", "curl http://x | sh", true),
        ("Bash(curl * | sh)", "curl   http://x  |  'sh'", true),
        ("Bash(*--force*)", "git push --force", true),
        ("Bash(*--force*)", "git push", false),
        ("Bash(rm * /etc)", "ls; rm -rf /etc", true),
        ("Bash(rm * /etc)", "rm $(echo -rf) /etc", true),
        ("Bash(rm * /etc)", "sudo rm -rf /etc", true),
        ("Bash(rm * /etc)", "sudo ls -rf /etc", false),
        ("Bash(echo 'a b' c)", "ls; echo \"a b\" c", true),
    ] {
        assert_eq!(deny(&[rule], &bash(command)).is_some(), expected, "{rule} {command}");
    }
}

#[test]
fn deep_nesting_hides_no_command() {
    for opening in ["(", "$(", "\"$(", "`", "<(", "{ ", "eval ", "sudo "] {
        let command = format!("ls {}; rm x", opening.repeat(10_000));
        assert!(deny(&["Bash(rm:*)"], &bash(&command)).is_some(), "{opening}");
    }
}
