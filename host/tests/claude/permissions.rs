//! Tests which tools the real CLI may use, and that it doesn't read files that a prompt mentions.

use crate::host::open;

#[test]
fn a_tool_waits_for_the_decision_of_the_user() {
    let Some(mut host) = open("") else { return };
    host.ask("/new a", "Session 'a' created.");
    let inside = host.path("state/sessions/a/made");
    let shown = host.ask(&format!("write {}", inside.display()), "[Allow once] /answer #1 allow");
    assert!(shown.contains("Session 'a' in ") && shown.contains(" asks for permission:"), "{shown}");
    assert!(shown.contains("**Write** `made`\n```diff\n+written\n```"), "{shown}");
    assert!(!inside.exists());
    host.ask("/allow", "The tool said: ");
    assert_eq!(std::fs::read_to_string(&inside).unwrap(), "written\n");
    host.phase("idle");
    host.ask("bash touch denied", "[Deny and say why] /answer #2 why");
    let shown = host.ask("/deny use git", "The tool said: ");
    assert!(shown.contains("The user denied this and said: use git"), "{shown}");
    host.phase("idle");
    assert!(!host.path("state/sessions/a/denied").exists());
    host.ask("bash touch stopped", "[Allow once] /answer #3 allow");
    host.ask("/stop", "Stopped.");
    host.phase("idle");
    host.ask("/answer #3 allow", "Session 'a' has no open request #3.");
    // The CLI's result message lists the denied tools again. The host doesn't show denials that the user already knows
    // about. Depending on when it is interrupted, the CLI may resend the tool's result to the API with this prompt.
    let first = host.ask("hello", " said: ");
    host.phase("idle");
    let second = host.ask("again", "You said: again");
    assert!(!first.contains("Denied") && !second.contains("Denied"), "{first}{second}");
    assert!(!host.path("state/sessions/a/stopped").exists());
}

#[test]
fn a_permission_can_last_for_the_session() {
    let Some(mut host) = open("") else { return };
    host.ask("/new a", "Session 'a' created.");
    let shown = host.ask("bash touch made", "[Allow for this session] /answer #1 session");
    assert!(shown.contains("For this session it would allow: "), "{shown}");
    host.ask("/allow session", "The tool said: ");
    host.phase("idle");
    let shown = host.ask("bash touch made", "The tool said: ");
    assert!(!shown.contains("asks for permission"), "{shown}");
    host.phase("idle");
    // To allow further edits, the CLI changes its permission mode, but only until its process exits.
    let file = host.path("state/sessions/a/file");
    let write = format!("write {}", file.display());
    host.ask(&write, "[Allow for this session] /answer #2 session");
    host.ask("/allow session", "The tool said: ");
    host.phase("idle");
    let shown = host.ask(&write, "The tool said: ");
    assert!(!shown.contains("asks for permission"), "{shown}");
    host.phase("idle");
    host.ask("/suspend", "Session 'a'");
    host.phase("suspended");
    host.ask(&write, "[Deny] /answer #3 deny");
    host.ask("/deny", "The tool said: ");
}

#[test]
fn a_tool_that_the_cli_denies_names_the_key_that_allows_it() {
    let Some(mut host) = open("permission_mode = \"dontAsk\"") else { return };
    host.ask("/new a", "Session 'a' created.");
    let shown = host.ask("bash touch made", "The tool said: ");
    let denied =
        "Denied: Bash `touch made`\nTo allow it, set `args = [\"--allowedTools=Bash\"]` in `[agents.claude]`.\n";
    assert!(shown.contains(denied), "{shown}");
    assert!(!host.path("state/sessions/a/made").exists());
}

#[test]
fn allowed_tools_run_without_a_question() {
    let outside = tempfile::tempdir().unwrap();
    let (allowed, other) = (outside.path().join("allowed"), outside.path().join("other"));
    std::fs::create_dir_all(&allowed).unwrap();
    std::fs::create_dir_all(&other).unwrap();
    let args = format!("--add-dir={}", allowed.display());
    let settings = format!("permission_mode = \"acceptEdits\"\nargs = [{args:?}, \"--allowedTools=Bash\"]");
    let Some(mut host) = open(&settings) else { return };
    host.ask("/new a", "Session 'a' created.");
    let inside = host.path("state/sessions/a/inside");
    for file in [&inside, &allowed.join("outside")] {
        let shown = host.ask(&format!("write {}", file.display()), "The tool said: ");
        assert!(!shown.contains("Denied"), "{shown}");
        assert_eq!(std::fs::read_to_string(file).unwrap(), "written\n");
        host.phase("idle");
    }
    let shown = host.ask("bash touch made", "The tool said: ");
    assert!(!shown.contains("Denied"), "{shown}");
    assert!(host.path("state/sessions/a/made").exists());
    host.phase("idle");
    host.ask(&format!("write {}/file", other.display()), "[Deny] /answer #1 deny");
    host.ask("/deny", "The tool said: ");
    assert!(!other.join("file").exists());
}

#[test]
fn a_file_named_in_a_prompt_is_not_read() {
    let Some(mut host) = open("") else { return };
    let secret = host.path("secret");
    std::fs::write(&secret, "tetrahedron").unwrap();
    host.ask("/new a", "Session 'a' created.");
    host.ask(&format!("look at @{} and @/etc/passwd", secret.display()), "You said: look at @");
    let request = host.api.last().to_string();
    assert!(request.contains("@/etc/passwd"));
    assert!(!request.contains("tetrahedron") && !request.contains("root:x:0"), "{request}");
}

#[test]
fn denied_tools_are_refused_without_a_question() {
    let rules = "deny_tools = [\"Bash(touch:*)\", \"Edit(//etc/**)\", \"WebFetch\"]";
    let settings = format!("args = [\"--allowedTools=Bash\"]\n[access]\n{rules}");
    let Some(mut host) = open(&settings) else { return };
    host.ask("/new a", "Session 'a' created.");
    // `--allowedTools=Bash` lets the CLI run commands without asking the host, but `deny_tools` still denies `touch`.
    host.ask("bash touch made", "The tool said: ");
    assert!(!host.path("state/sessions/a/made").exists());
    host.phase("idle");
    let shown = host.ask("bash true && touch made", "The tool said: ");
    assert!(!host.path("state/sessions/a/made").exists(), "{shown}");
    host.phase("idle");
    host.ask("bash echo fine > made", "The tool said: ");
    assert!(host.path("state/sessions/a/made").exists());
}

#[test]
fn rules_also_apply_to_tools_that_the_cli_allows_itself() {
    let settings = "permission_mode = \"acceptEdits\"\nargs = [\"--allowedTools=Bash\"]\n[plugins.approval.config]\n\
        deny = [\"Bash(rm:*)\", \"Edit(secret)\"]\nask = [\"Bash(touch:*)\"]\nallow = [\"Bash(ls:*)\"]";
    let Some(mut host) = open(settings) else { return };
    host.ask("/new a", "Session 'a' created.");
    let shown = host.ask("bash echo kept > kept", "The tool said: ");
    assert!(!shown.contains("asks for permission"), "no rule objects: {shown}");
    host.phase("idle");
    let shown = host.ask("bash rm kept", "The tool said: ");
    assert!(shown.contains("Denied: Bash `rm kept`\nThe rule Bash(rm:*) denies this use.\n"), "{shown}");
    assert_eq!(shown.matches("Denied: ").count(), 1, "{shown}");
    assert!(shown.contains("Not allowed here: The rule Bash(rm:*) denies this use."), "{shown}");
    assert!(host.path("state/sessions/a/kept").exists());
    host.phase("idle");
    let secret = host.path("state/sessions/a/secret");
    host.ask(&format!("write {}", secret.display()), "The tool said: ");
    assert!(!secret.exists());
    host.phase("idle");
    host.ask("bash touch asked", "[Allow once] /answer #1 allow");
    assert!(!host.path("state/sessions/a/asked").exists());
    host.ask("/allow", "The tool said: ");
    assert!(host.path("state/sessions/a/asked").exists());
    host.phase("idle");
    let after = host.ask("bash ls", "The tool said: ");
    assert!(!after.contains("asks for permission") && !after.contains("Denied"), "{after}");
}

#[test]
fn an_approval_rule_answers_the_cli() {
    let settings = "[plugins.approval.config]\nallow = [\"Edit(**)\", \"Bash(touch:*)\"]\ndeny = [\"Bash(rm:*)\"]";
    let Some(mut host) = open(settings) else { return };
    host.ask("/new a", "Session 'a' created.");
    let inside = host.path("state/sessions/a/made");
    let shown = host.ask(&format!("write {}", inside.display()), "The tool said: ");
    assert!(inside.exists() && !shown.contains("asks for permission"), "{shown}");
    host.phase("idle");
    let shown = host.ask("bash rm made", "The tool said: ");
    assert!(shown.contains("Denied: Bash `rm made`\nThe rule Bash(rm:*) denies this use.\n"), "{shown}");
    assert!(inside.exists());
    host.phase("idle");
    host.ask("bash touch other; rm made", "The tool said: ");
    assert!(inside.exists() && !host.path("state/sessions/a/other").exists());
    host.phase("idle");
    host.ask("bash touch other", "The tool said: ");
    assert!(host.path("state/sessions/a/other").exists());
}

#[test]
fn an_approved_plan_ends_the_plan_mode_of_the_session() {
    let Some(mut host) = open("") else { return };
    host.ask("/new a", "Session 'a' created.");
    host.ask("/permissions mode plan", "Permission mode of session 'a': plan.");
    host.ask("draft Use *git* for it.", "The tool said: ");
    host.phase("idle");
    let shown = host.ask("plan", "[Keep planning and say what to change] /answer #1 why");
    assert!(shown.contains("Use *git* for it."), "{shown}");
    host.ask("/deny", "The tool said: ");
    host.phase("idle");
    host.ask("/permissions", "(agent claude, mode plan)");
    host.ask("plan", "[Approve] /answer #2 allow");
    host.ask("/allow", "The tool said: ");
    host.phase("idle");
    host.ask("/permissions", "(agent claude, mode default)");
    // The agent's next process starts in the new permission mode.
    host.ask("/suspend", "Session 'a'");
    host.phase("suspended");
    host.ask("bash touch made", "[Deny] /answer #3 deny");
    host.ask("/deny", "The tool said: ");
}

#[test]
fn a_command_in_plan_mode_is_asked_for() {
    let Some(mut host) = open("permission_mode = \"plan\"") else { return };
    host.ask("/new a", "Session 'a' created.");
    host.ask("bash touch made", "[Deny] /answer #1 deny");
    host.ask("/deny", "The tool said: ");
    host.phase("idle");
}

#[test]
fn the_permission_mode_changes_in_a_running_conversation() {
    let Some(mut host) = open("") else { return };
    host.ask("/new a", "Session 'a' created.");
    let inside = host.path("state/sessions/a/made");
    host.ask(&format!("write {}", inside.display()), "[Deny] /answer #1 deny");
    host.ask("/permissions mode acceptEdits", "Permission mode of session 'a': acceptEdits.");
    host.ask("/deny", "The tool said: ");
    host.phase("idle");
    assert!(!inside.exists());
    let shown = host.ask(&format!("write {}", inside.display()), "The tool said: ");
    assert!(inside.exists() && !shown.contains("asks for permission"), "{shown}");
    host.phase("idle");
    // The agent's new process starts in the same mode.
    host.ask("/suspend", "Session 'a'");
    host.phase("suspended");
    std::fs::remove_file(&inside).unwrap();
    let shown = host.ask(&format!("write {}", inside.display()), "The tool said: ");
    assert!(inside.exists() && !shown.contains("asks for permission"), "{shown}");
    host.phase("idle");
    host.ask("/permissions mode", "Permission mode of session 'a': default.");
    std::fs::remove_file(&inside).unwrap();
    host.ask(&format!("write {}", inside.display()), "[Deny] /answer #2 deny");
    host.ask("/deny", "The tool said: ");
}
