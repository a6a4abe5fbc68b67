//! Scenarios in which versions fail during probation.

use expect_test::expect;

use super::script::check;

#[test]
fn a_failing_version_is_rolled_back_and_retried() {
    check(
        "
        active a b
        trap 2
        trap 1
        ok
        ok
        wait 59
        wait 1
        ok
        ok
        trap 3
        ok
        ok
        wait 299
        wait 1
        ",
        &expect![[r#"
            active a b
              = b (2)
            trap 2
                persist
              = b (2)
            trap 1
                persist
                build a
              = b (2), working
            ok
                try a IfChanged
              = b (2), working
            ok
                activate
                Trouble: Plugin 'p', version b, is rolled back: 3 calls failed within 5m of its activation, the last one trapped. / Active now: generation 3, a; version b will be tried again in 1m; /plugins reload p tries it at once.
              = a (3), 'b' not admitted
            wait 59
            wait 1
                build b
              = a (3), 'b' not admitted, working
            ok
                try b IfChanged
              = a (3), 'b' not admitted, working
            ok
                activate
                persist
                store b after a
                Done: Plugin 'p' is active: generation 4, b.
              = b (4)
            trap 3
                persist
                build a
              = b (4), working
            ok
                try a IfChanged
              = b (4), working
            ok
                activate
                Trouble: Plugin 'p', version b, is rolled back: 3 calls failed within 5m of its activation, the last one trapped. / Active now: generation 5, a; version b will be tried again in 5m; /plugins reload p tries it at once.
              = a (5), 'b' not admitted
            wait 299
            wait 1
                build b
              = a (5), 'b' not admitted, working
        "#]],
    );
}

#[test]
fn a_file_waits_for_a_rollback() {
    check(
        "
        active a b
        file c
        trap 3
        file bad
        file c
        ok
        ok
        ok
        ok
        ",
        &expect![[r#"
            active a b
              = b (2)
            file c
                build c
              = b (2), working
            trap 3
                persist
                cancel
                build a
              = b (2), working
            file bad
              = b (2), working
            file c
              = b (2), working
            ok
                try a IfChanged
              = b (2), working
            ok
                activate
                Trouble: Plugin 'p', version b, is rolled back: 3 calls failed within 5m of its activation, the last one trapped. / Active now: generation 3, a; version b will be tried again in 1m; /plugins reload p tries it at once.
                build c
              = a (3), 'b' not admitted, working
            ok
                try c IfChanged
              = a (3), 'b' not admitted, working
            ok
                activate
                persist
                store c after a
                Done: Plugin 'p' is active: generation 4, c.
              = c (4)
        "#]],
    );
}

#[test]
fn a_version_without_a_previous_one_stays_active() {
    check(
        "
        active a
        trap 3
        trap 3
        ",
        &expect![[r#"
            active a
              = a (1)
            trap 3
                persist
                Trouble: Plugin 'p', version a: 3 calls failed within 5m of its activation, the last one trapped. There is no earlier version, so it stays active. Use /plugins disable p to disable it.
              = a (1)
            trap 3
              = a (1)
        "#]],
    );
}

#[test]
fn a_rollback_skips_rejected_versions() {
    check(
        "
        embedded e
        stored b a
        active b c
        trap 3
        ok
        no needs chat
        ok
        no it is bad
        ok
        ok
        ",
        &expect![[r#"
            embedded e
            stored b a
            active b c
              = c (2)
            trap 3
                persist
                build b
              = c (2), working
            ok
                try b IfChanged
              = c (2), working
            no needs chat
                build a
              = c (2), working
            ok
                try a IfChanged
              = c (2), working
            no it is bad
                build e
              = c (2), working
            ok
                try e IfChanged
              = c (2), working
            ok
                activate
                Trouble: Plugin 'p', version c, is rolled back: 3 calls failed within 5m of its activation, the last one trapped. / Active now: generation 3, e; version c will be tried again in 1m; /plugins reload p tries it at once.
              = e (3), 'c' not admitted
        "#]],
    );
}

#[test]
fn a_failing_version_stays_if_no_other_can_be_activated() {
    check(
        "
        active a b
        trap 3
        no it is bad
        trap 3
        ",
        &expect![[r#"
            active a b
              = b (2)
            trap 3
                persist
                build a
              = b (2), working
            no it is bad
                Trouble: Plugin 'p', version b: 3 calls failed within 5m of its activation, the last one trapped. It could not be rolled back, because the previous version was rejected: it is bad. / Generation 2 stays active.
              = b (2)
            trap 3
              = b (2)
        "#]],
    );
}

#[test]
fn a_restart_keeps_the_failure_count() {
    check(
        "
        stored a
        active a b
        trap 2
        stored b a
        start b
        ok
        ok
        trap 1
        ok
        ok
        ",
        &expect![[r#"
            stored a
            active a b
              = b (2)
            trap 2
                persist
              = b (2)
            stored b a
            start b
                build b
              = none, working
            ok
                try b IfChanged
              = none, working
            ok
                activate
              = b (3)
            trap 1
                persist
                build a
              = b (3), working
            ok
                try a IfChanged
              = b (3), working
            ok
                activate
                Trouble: Plugin 'p', version b, is rolled back: 3 calls failed within 5m of its activation, the last one trapped. / Active now: generation 4, a; version b will be tried again in 1m; /plugins reload p tries it at once.
              = a (4), 'b' not admitted
        "#]],
    );
}

#[test]
fn a_due_rollback_follows_a_restart() {
    check(
        "
        stored a
        active a b
        trap 3
        stored b a
        start b
        ok
        ok
        ",
        &expect![[r#"
            stored a
            active a b
              = b (2)
            trap 3
                persist
                build a
              = b (2), working
            stored b a
            start b
                build a
              = none, 'b' not admitted, working
            ok
                try a IfChanged
              = none, 'b' not admitted, working
            ok
                activate
              = a (3), 'b' not admitted
        "#]],
    );
}
