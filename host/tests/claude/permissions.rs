//! Permissions of the real CLI: tools, and files that a text mentions.

use crate::host::open;

#[test]
fn a_denied_tool_names_the_key_that_allows_it() {
    let Some(mut host) = open("") else { return };
    host.ask("/new a", "Session 'a' created.");
    let inside = host.path("state/sessions/a/made");
    let shown = host.ask(&format!("write {}", inside.display()), "The tool said: ");
    let denied = "Denied: Write `made`\nTo allow it, set `permission_mode = \"acceptEdits\"` in `[agents.claude]`.\n";
    assert!(shown.contains(denied), "{shown}");
    assert!(shown.contains("Not permitted, and the user can't be asked"), "{shown}");
    assert!(!inside.exists());
    host.phase("idle");
    let shown = host.ask("bash touch made", "The tool said: ");
    let denied =
        "Denied: Bash `touch made`\nTo allow it, set `args = [\"--allowedTools=Bash\"]` in `[agents.claude]`.\n";
    assert!(shown.contains(denied), "{shown}");
    assert!(!inside.exists());
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
    let shown = host.ask(&format!("write {}/file", other.display()), "The tool said: ");
    assert!(shown.contains(&format!("`args = [\"--add-dir={}\"]`", other.display())), "{shown}");
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
