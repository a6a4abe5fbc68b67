//! Tests the recognition of echoed input, and of questions that the program asks during a turn.

use expect_test::expect;

use super::*;

#[test]
fn an_echo_of_the_prompt_is_not_shown() {
    let mut script = Script::new(Some("bash-[0-9.]+[$] $"), None);
    script.prints("no job control in this shell\nbash-5.2$ ");
    script.silent();
    script.prompt("echo  hi");
    script.prints("\x1b[?2004l\recho  hi\r\nhi\r\necho hi\r\nbash-5.2$ ");
    script.silent();
    script.check(expect![[r#"
        silent for 50ms
        commands 
        ready []
        > "echo  hi"
        conversation new
        accepted p1
        0 + "```\nhi\necho hi\n" (1 pieces)
        silent for 50ms
        0 + "```" (1 pieces)
        finished [p1] Done -1.0000 $
    "#]]);
}

#[test]
fn output_that_equals_the_prompt_is_shown_if_nothing_is_echoed() {
    let mut script = Script::python();
    script.prompt("x = 1");
    script.prints(">>> ");
    script.silent();
    script.prompt("42");
    script.prints("42\n>>> ");
    script.silent();
    script.check(expect![[r#"
        > "x = 1"
        conversation new
        accepted p1
        silent for 50ms
        finished [p1] Done -1.0000 $
        > "42"
        accepted p1
        0 + "```\n42\n" (1 pieces)
        silent for 50ms
        0 + "```" (1 pieces)
        finished [p1] Done -1.0000 $
    "#]]);
}

#[test]
fn a_result_that_equals_the_first_prompt_is_shown() {
    let mut script = Script::python();
    script.prompt("5");
    script.prints("5\n>>> ");
    script.silent();
    script.prompt("[1, 2]");
    script.prints("[1, 2]\n>>> ");
    script.silent();
    script.prompt("x = 1\nx");
    script.prints(">>> ");
    script.silent();
    script.prints("1\n>>> ");
    script.silent();
    script.check(expect![[r#"
        > "5"
        conversation new
        accepted p1
        silent for 50ms
        0 + "```\n5\n```" (1 pieces)
        finished [p1] Done -1.0000 $
        > "[1, 2]"
        accepted p1
        silent for 50ms
        0 + "```\n[1, 2]\n```" (1 pieces)
        finished [p1] Done -1.0000 $
        > "x = 1"
        accepted p1
        silent for 50ms
        > "x"
        0 + "```\n1\n" (1 pieces)
        silent for 50ms
        0 + "```" (1 pieces)
        finished [p1] Done -1.0000 $
    "#]]);
}

#[test]
fn a_result_before_other_output_is_no_echo() {
    let mut script = Script::python();
    script.prompt("5\nprint('a')");
    script.prints("5\n>>> ");
    script.silent();
    script.prints("a\n>>> ");
    script.silent();
    script.prompt("7");
    script.prints("7\n>>> ");
    script.silent();
    script.check(expect![[r#"
        > "5"
        conversation new
        accepted p1
        silent for 50ms
        > "print('a')"
        0 + "```\n5\na\n" (1 pieces)
        silent for 50ms
        0 + "```" (1 pieces)
        finished [p1] Done -1.0000 $
        > "7"
        accepted p1
        0 + "```\n7\n" (1 pieces)
        silent for 50ms
        0 + "```" (1 pieces)
        finished [p1] Done -1.0000 $
    "#]]);
}

#[test]
fn a_question_of_the_program_ends_the_turn() {
    let mut script = Script::python();
    script.prompt("name = input('Name: ')");
    script.prints("Name: ");
    script.silent();
    script.prompt("Ada");
    script.prints(">>> ");
    script.silent();
    script.prompt("long()");
    script.prints("Working… 10 %");
    script.waits_for_output();
    script.check(expect![[r#"
        > "name = input('Name: ')"
        conversation new
        accepted p1
        silent for 3s
        0 + "```\nName: \n```" (1 pieces)
        finished [p1] Done -1.0000 $
        > "Ada"
        accepted p1
        silent for 50ms
        finished [p1] Done -1.0000 $
        > "long()"
        accepted p1
        waits for output
    "#]]);
}
