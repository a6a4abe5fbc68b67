//! Tests multi-line prompts.

use expect_test::expect;

use super::*;

#[test]
fn lines_are_sent_one_by_one_and_a_block_is_ended() {
    let mut script = Script::python();
    script.prompt("for i in range(2):\n    print(i)");
    script.prints("... ");
    script.silent();
    script.prints("... ");
    script.silent();
    script.prints("0\n1\n>>> ");
    script.silent();
    script.check(expect![[r#"
        > "for i in range(2):"
        conversation new
        accepted p1
        silent for 50ms
        > "    print(i)"
        silent for 50ms
        > ""
        0 + "```\n0\n1\n" (1 pieces)
        silent for 50ms
        0 + "```" (1 pieces)
        finished [p1] Done -1.0000 $
    "#]]);
}

#[test]
fn a_continuation_prompt_that_does_not_match_only_delays() {
    let mut script = Script::new(Some("^sqlite> $"), None);
    script.prints("sqlite> ");
    script.silent();
    script.prompt("select\n1;");
    script.prints("   ...> ");
    script.silent();
    script.prints("1\nsqlite> ");
    script.silent();
    script.check(expect![[r#"
        silent for 50ms
        commands 
        ready []
        > "select"
        conversation new
        accepted p1
        silent for 2s
        > "1;"
        0 + "```\n1\n" (1 pieces)
        silent for 2s
        0 + "```" (1 pieces)
        finished [p1] Done -1.0000 $
    "#]]);
}

#[test]
fn a_line_that_was_sent_early_is_answered_in_the_turn() {
    let mut script = Script::python();
    script.prompt("sleep(3)\nprint(1)");
    script.silent();
    script.prints(">>> ");
    script.prints("1\n>>> ");
    script.silent();
    script.check(expect![[r#"
        > "sleep(3)"
        silent for 2s
        conversation new
        accepted p1
        > "print(1)"
        0 + "```\n>>> 1\n" (1 pieces)
        silent for 2s
        0 + "```" (1 pieces)
        finished [p1] Done -1.0000 $
    "#]]);
}
