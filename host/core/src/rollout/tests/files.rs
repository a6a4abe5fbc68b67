//! Scenarios in which files appear, change, disappear or can't be used.

use expect_test::expect;

use super::{
    super::{FileState, Input, Machine},
    script::{check, facts},
};
use crate::types::Timestamp;

#[test]
fn a_new_file_is_built_tried_and_activated() {
    check(
        "
        start
        file a
        ok
        ok
        file b
        ok
        ok
        file b
        same
        ",
        &expect![[r#"
            start
              = none
            file a
                build a
              = none, working
            ok
                try a IfChanged
              = none, working
            ok
                activate
                persist
                store a
                Done: Plugin 'p' is active: generation 1, a.
              = a (1)
            file b
                build b
              = a (1), working
            ok
                try b IfChanged
              = a (1), working
            ok
                activate
                persist
                store b after a
                Done: Plugin 'p' is active: generation 2, b.
              = b (2)
            file b
                try b IfChanged
              = b (2), working
            same
              = b (2)
        "#]],
    );
}

#[test]
fn a_rejected_file_keeps_the_active_version() {
    check(
        "
        active a
        file bad
        no it is bad
        unusable it is a folder
        file a
        same
        ",
        &expect![[r#"
            active a
              = a (1)
            file bad
                build bad
              = a (1), working
            no it is bad
                Trouble: Plugin 'p' was rejected: it is bad. / Generation 1 stays active.
              = a (1), 'bad' rejected
            unusable it is a folder
                Trouble: Plugin 'p' was rejected: it is a folder. / Generation 1 stays active.
              = a (1), '' rejected
            file a
                try a IfChanged
              = a (1), '' rejected, working
            same
              = a (1)
        "#]],
    );
}

#[test]
fn a_newer_file_replaces_the_running_build() {
    check(
        "
        start
        file a
        file b
        ok
        ok
        ",
        &expect![[r#"
            start
              = none
            file a
                build a
              = none, working
            file b
                cancel
                build b
              = none, working
            ok
                try b IfChanged
              = none, working
            ok
                activate
                persist
                store b
                Done: Plugin 'p' is active: generation 1, b.
              = b (1)
        "#]],
    );
}

#[test]
fn a_slow_build_is_announced_once() {
    check(
        "
        start
        file a
        wait 1
        wait 1
        ok
        ok
        ",
        &expect![[r#"
            start
              = none
            file a
                build a
              = none, working
            wait 1
                Progress: Plugin 'p', version a, is being compiled. You get a message when it is done.
              = none, working
            wait 1
            ok
                try a IfChanged
              = none, working
            ok
                activate
                persist
                store a
                Done: Plugin 'p' is active: generation 1, a.
              = a (1)
        "#]],
    );
}

#[test]
fn a_removed_file_deactivates_its_plugin() {
    check(
        "
        active a
        gone
        file bad
        no it is bad
        ",
        &expect![[r#"
            active a
              = a (1)
            gone
                delete stored
                deactivate within 60s
                Done: Plugin 'p' is no longer active: its file was removed.
              = none
            file bad
                build bad
              = none, working
            no it is bad
                Trouble: Plugin 'p' was rejected: it is bad.
              = none, 'bad' rejected
        "#]],
    );
}

#[test]
fn a_removed_file_reactivates_the_embedded_version() {
    check(
        "
        embedded e
        active a
        gone
        ok
        ok
        ",
        &expect![[r#"
            embedded e
            active a
              = a (1)
            gone
                delete stored
                build e
              = a (1), working
            ok
                try e IfChanged
              = a (1), working
            ok
                activate
                persist
                store e after a
                Done: Plugin 'p' uses its built-in version again: generation 2.
              = e (2)
        "#]],
    );
}

#[test]
fn an_embedded_version_replaces_a_bad_file_at_the_start() {
    check(
        "
        embedded e
        start bad
        no it is bad
        ok
        ok
        settings
        no it is bad
        ",
        &expect![[r#"
            embedded e
            start bad
                build bad
              = none, working
            no it is bad
                build e
              = none, 'bad' rejected, working
            ok
                try e IfChanged
              = none, 'bad' rejected, working
            ok
                activate
              = e (1), 'bad' rejected
            settings
                build bad
                try e IfChanged
              = e (1), 'bad' rejected, working
            no it is bad
                Trouble: Plugin 'p' was rejected: it is bad. / Generation 1 stays active.
              = e (1), 'bad' rejected, working
        "#]],
    );
}

#[test]
fn a_stored_version_replaces_a_bad_file_at_the_start() {
    check(
        "
        stored b a
        start bad
        no it is bad
        ok
        no it is old
        ok
        ok
        ",
        &expect![[r#"
            stored b a
            start bad
                build bad
              = none, working
            no it is bad
                build b
              = none, 'bad' rejected, working
            ok
                try b IfChanged
              = none, 'bad' rejected, working
            no it is old
                build a
              = none, 'bad' rejected, working
            ok
                try a IfChanged
              = none, 'bad' rejected, working
            ok
                activate
              = a (1), 'bad' rejected
        "#]],
    );
}

#[test]
fn a_pending_version_is_asked_about_once() {
    check(
        "
        active a
        file b
        ok
        no needs chat
        file b
        ok
        no needs chat
        file c
        ok
        no needs chat
        ",
        &expect![[r#"
            active a
              = a (1)
            file b
                build b
              = a (1), working
            ok
                try b IfChanged
              = a (1), working
            no needs chat
                request approval of b: chat
              = a (1), 'b' pending
            file b
                build b
              = a (1), 'b' pending, working
            ok
                try b IfChanged
              = a (1), 'b' pending, working
            no needs chat
              = a (1), 'b' pending
            file c
                build c
              = a (1), 'b' pending, working
            ok
                try c IfChanged
              = a (1), 'b' pending, working
            no needs chat
                request approval of c: chat
              = a (1), 'c' pending
        "#]],
    );
}

#[test]
fn a_slow_build_counts_from_its_start() {
    let mut machine = Machine::new(facts(FileState::Settled("a".to_owned())));
    let start = Timestamp(1_000_000);
    let _ = machine.handle(Input::Start, start);
    assert_eq!(machine.compiling(), None);
    let slow = machine.poll_timeout().expect("a slow build is announced");
    let _ = machine.handle(Input::Timeout, slow);
    assert!(slow > start);
    assert_eq!(machine.compiling(), Some(("a", start)));
}
