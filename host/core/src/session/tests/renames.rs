//! Scenarios in which a session is renamed.

use expect_test::expect;

use super::script::check;

#[test]
fn a_busy_session_is_renamed_without_an_effect() {
    check(
        "
        busy a
        rename beta
        asks q
        command answer allow
        done a
        rename x
        ",
        expect![[r#"
            busy a → busy
            rename beta → beta, id x
            asks q → busy
                persist
                post home: Session 'x' in /x asks for permission:
            command answer allow → busy
                audit q: Allow once by User
                answer q of 1: Options { ids: ["allow"], text: None }
                close request q: Offered("Allow once")
            done a → idle
                persist
                finish a at home, done
                review #1: idle for 0ns
            rename x → x, id x
        "#]],
    );
}

#[test]
fn buttons_from_before_a_rename_decide_their_requests() {
    check(
        "
        busy a
        asks q
        rename beta
        command press q answer allow
        ",
        expect![[r#"
            busy a → busy
            asks q → busy
                persist
                post home: Session 'x' in /x asks for permission:
            rename beta → beta, id x
            command press q answer allow → busy
                audit q: Allow once by User
                answer q of 1: Options { ids: ["allow"], text: None }
                close request q: Offered("Allow once")
        "#]],
    );
}

#[test]
fn a_failed_start_keeps_its_request() {
    check(
        "
        idle
        exit
        prompt a
        not-started no such program
        rename beta
        command press 1 retry b
        ",
        expect![[r#"
            idle → idle
            exit → suspended
            prompt a → starting
                persist
                spawn 2 anew
            not-started no such program → broken
                persist
                post home: The agent of session 'x' could not be started: no such program
            rename beta → beta, id x
            command press 1 retry b → starting
                close request failure 1: TryAgain
                spawn 3 anew
        "#]],
    );
}

#[test]
fn a_rename_is_refused_while_archived_in_a_terminal_or_stopping() {
    check(
        "
        session archived
        rename beta
        session conversation=c1
        command open-terminal 8
        rename beta
        terminal-closed 8
        rename beta
        shutdown
        rename gamma
        ",
        expect![[r#"
            rename beta
                refused (archived): Session 'x' is archived. Use /restore x.
            command open-terminal 8 → suspended
                persist
                watch terminal 8
            rename beta
                refused (busy): Session 'x' is open in a terminal. Exit the agent there first.
            terminal-closed 8 → suspended
                persist
            rename beta → beta, id x
            shutdown → suspended
            rename gamma
                refused (failed): Cordboard is shutting down.
        "#]],
    );
}
