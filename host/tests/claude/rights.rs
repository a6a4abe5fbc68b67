//! What the real CLI may do: tools, and files that a text names.

use crate::board::open;

#[test]
fn a_denied_tool_is_told_with_the_key_that_allows_it() {
    let Some(mut board) = open("") else { return };
    board.ask("/new a", "Session 'a' created.");
    let file = board.path("made");
    let told = board.ask(&format!("write {}", file.display()), "The tool said: ");
    assert!(told.contains(&format!("Denied: Write {}", file.display())), "{told}");
    assert!(told.contains("permission_mode") && told.contains("[agents.claude]"), "{told}");
    assert!(told.contains("Not permitted in this chat"), "{told}");
    assert!(!file.exists());
    let told = board.ask(&format!("bash touch {}", file.display()), "The tool said: ");
    assert!(told.contains(&format!("Denied: Bash touch {}", file.display())), "{told}");
    assert!(!file.exists());
    board.phase("idle");
}

#[test]
fn accepted_edits_are_made_without_a_question() {
    let Some(mut board) = open(r#"permission_mode = "acceptEdits""#) else { return };
    board.ask("/new a", "Session 'a' created.");
    let file = board.path("state/sessions/a/made.txt");
    let told = board.ask(&format!("write {}", file.display()), "The tool said: ");
    assert!(!told.contains("Denied"), "{told}");
    assert_eq!(std::fs::read_to_string(file).unwrap(), "written\n");
}

#[test]
fn a_file_that_a_text_names_is_not_read() {
    let Some(mut board) = open("") else { return };
    let secret = board.path("secret");
    std::fs::write(&secret, "tetrahedron").unwrap();
    board.ask("/new a", "Session 'a' created.");
    board.ask(&format!("look at @{} and @/etc/passwd", secret.display()), "You said: look at @");
    let request = board.api.last().to_string();
    assert!(request.contains("@/etc/passwd"));
    assert!(!request.contains("tetrahedron") && !request.contains("root:x:0"), "{request}");
}
