//! Scenarios in which settings, grants or the plugin folder change.

use expect_test::expect;

use super::script::check;

#[test]
fn settings_restart_a_trial_and_reach_the_active_version() {
    check(
        "
        active a
        file b
        ok
        settings
        ok
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
            settings
                cancel
                try b IfChanged
                try a IfChanged
              = a (1), working
            ok
                activate
              = a (2), working
        "#]],
    );
}

#[test]
fn settings_that_do_not_fit_keep_the_active_version() {
    check(
        "
        active a
        settings
        no it is misconfigured
        settings
        no it is misconfigured
        settings
        ok
        ",
        &expect![[r#"
            active a
              = a (1)
            settings
                try a IfChanged
              = a (1), working
            no it is misconfigured
                Trouble: Plugin 'p' was rejected: it is misconfigured. / Generation 1 stays active.
              = a (1), 'a' rejected
            settings
                try a IfChanged
              = a (1), 'a' rejected, working
            no it is misconfigured
              = a (1), 'a' rejected
            settings
                try a IfChanged
              = a (1), 'a' rejected, working
            ok
                activate
                Done: Plugin 'p' is active: generation 2, a.
              = a (2)
        "#]],
    );
}

#[test]
fn a_lost_grant_activates_an_earlier_version() {
    check(
        "
        stored b a
        active b
        settings
        no exceeds chat
        ok
        ok
        settings
        ok
        ok
        ",
        &expect![[r#"
            stored b a
            active b
              = b (1)
            settings
                try b IfChanged
              = b (1), working
            no exceeds chat
                deactivate within 0s
                build a
              = none, 'b' pending, working
            ok
                try a IfChanged
              = none, 'b' pending, working
            ok
                activate
                request approval of b: chat
              = a (2), 'b' pending
            settings
                build b
                try a IfChanged
              = a (2), 'b' pending, working
            ok
                activate
              = a (3), 'b' pending, working
            ok
              = a (3), 'b' pending, working
        "#]],
    );
}

#[test]
fn a_pin_deactivates_other_versions_at_once() {
    check(
        "
        stored b a
        active b
        settings pin=a
        ok
        ok
        settings
        ok
        ok
        ",
        &expect![[r#"
            stored b a
            active b
              = b (1)
            settings pin=a
                deactivate within 0s
                build a
              = none, 'b' rejected, working
            ok
                try a IfChanged
              = none, 'b' rejected, working
            ok
                activate
                Trouble: Plugin 'p' was rejected: [plugins.p] sha256 does not allow this version: its digest is b, the allowed one is a. / Generation 2 stays active.
              = a (2), 'b' rejected
            settings
                build b
                try a IfChanged
              = a (2), 'b' rejected, working
            ok
                activate
              = a (3), 'b' rejected, working
            ok
              = a (3), 'b' rejected, working
        "#]],
    );
}

#[test]
fn a_faulty_folder_postpones_files() {
    check(
        "
        active a
        file b
        ok
        no it is bad
        folder use it
        settings
        same
        reload
        folder
        ok
        ok
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
            no it is bad
                Trouble: Plugin 'p' was rejected: it is bad. / Generation 1 stays active.
              = a (1), 'b' rejected
            folder use it
              = a (1), 'b' rejected
            settings
                try a IfChanged
              = a (1), 'b' rejected, working
            same
              = a (1), 'b' rejected
            reload
                refuse 1 (invalid): The plugin folder can't be used: Cordboard failed to use it.
              = a (1), 'b' rejected
            folder
                build b
              = a (1), 'b' rejected, working
            ok
                try b IfChanged
              = a (1), 'b' rejected, working
            ok
                activate
                persist
                store b after a
                Done: Plugin 'p' is active: generation 2, b.
              = b (2)
        "#]],
    );
}
