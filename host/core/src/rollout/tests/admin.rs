//! Scenarios with admin commands.

use expect_test::expect;

use super::script::check;

#[test]
fn a_manual_rollback_holds_until_other_bytes_or_a_reload() {
    check(
        "
        active a b
        rollback
        ok
        ok
        file b
        rollback
        reload
        ok
        ok
        ",
        &expect![[r#"
            active a b
              = b (2)
            rollback
                build a
              = b (2), working
            ok
                try a IfChanged
              = b (2), working
            ok
                activate
                persist
                answer 1: Plugin 'p', version b, is rolled back. Active now: generation 3, a. To use version b again, type /plugins reload p.
              = a (3), 'b' not admitted
            file b
                Trouble: Plugin 'p': version b was rolled back: save a new version, or type /plugins reload p. / Generation 3 stays active.
              = a (3), 'b' not admitted
            rollback
                refuse 2 (invalid): Plugin 'p' has no version before a.
              = a (3), 'b' not admitted
            reload
                persist
                build b
              = a (3), 'b' not admitted, working
            ok
                try b Always
              = a (3), 'b' not admitted, working
            ok
                activate
                store b after a
                answer 3: Plugin 'p' is reloaded: generation 4, b.
              = b (4)
        "#]],
    );
}

#[test]
fn a_command_is_superseded_by_a_newer_one() {
    check(
        "
        active a b
        reload
        wait 1
        rollback
        ok
        ok
        ",
        &expect![[r#"
            active a b
              = b (2)
            reload
                try b Always
              = b (2), working
            wait 1
                progress 1: Plugin 'p', version b, is being compiled. You get a message when it is done.
              = b (2), working
            rollback
                cancel
                refuse 1 (failed): A newer version or command for plugin 'p' replaced this command. See /plugins.
                build a
              = b (2), working
            ok
                try a IfChanged
              = b (2), working
            ok
                activate
                persist
                answer 2: Plugin 'p', version b, is rolled back. Active now: generation 3, a. To use version b again, type /plugins reload p.
              = a (3), 'b' not admitted
        "#]],
    );
}

#[test]
fn a_canceled_command_names_the_reason() {
    check(
        "
        active a
        reload
        disable
        enable
        ok
        reload
        gone
        file b
        ok
        ok
        reload
        unusable it is empty
        ",
        &expect![[r#"
            active a
              = a (1)
            reload
                try a Always
              = a (1), working
            disable
                persist
                cancel
                refuse 1 (failed): This command was canceled, because plugin 'p' was disabled. See /plugins.
                deactivate within 60s
                answer 2: Plugin 'p' is disabled. Use /plugins enable p to enable it again. Commands removed with it: /x.
              = none
            enable
                persist
                build a
              = none, working
            ok
                try a Always
              = none, working
            reload
                cancel
                refuse 3 (failed): A newer version or command for plugin 'p' replaced this command. See /plugins.
                build a
              = none, working
            gone
                cancel
                refuse 4 (failed): This command was canceled, because the file of plugin 'p' was removed. See /plugins.
                delete stored
              = none
            file b
                build b
              = none, working
            ok
                try b IfChanged
              = none, working
            ok
                activate
                persist
                store b
                Done: Plugin 'p' is active: generation 2, b.
              = b (2)
            reload
                try b Always
              = b (2), working
            unusable it is empty
                cancel
                refuse 5 (failed): This command was canceled, because the file of plugin 'p' changed. See /plugins.
                Trouble: Plugin 'p' was rejected: it is empty. / Generation 2 stays active.
              = b (2), '' rejected
        "#]],
    );
}

#[test]
fn a_disabled_plugin_ignores_files_until_enabled() {
    check(
        "
        active a
        disable
        disable
        file b
        reload
        settings
        enable
        ok
        ok
        enable
        ",
        &expect![[r#"
            active a
              = a (1)
            disable
                persist
                deactivate within 60s
                answer 1: Plugin 'p' is disabled. Use /plugins enable p to enable it again. Commands removed with it: /x.
              = none
            disable
                answer 2: Plugin 'p' is already disabled.
              = none
            file b
                Done: Plugin 'p' has a new file, b, but console:local disabled the plugin. Use /plugins enable p to enable it again.
              = none
            reload
                refuse 3 (invalid): Plugin 'p' is disabled. Use /plugins enable p first.
              = none
            settings
              = none
            enable
                persist
                build b
              = none, working
            ok
                try b Always
              = none, working
            ok
                activate
                persist
                store b
                answer 4: Plugin 'p' is enabled: generation 2, b.
              = b (2)
            enable
                answer 5: Plugin 'p' is not disabled.
              = b (2)
        "#]],
    );
}

#[test]
fn enabling_a_bad_version_activates_the_previous_one() {
    check(
        "
        active a
        disable
        file bad
        enable
        no it is bad
        ok
        ok
        ",
        &expect![[r#"
            active a
              = a (1)
            disable
                persist
                deactivate within 60s
                answer 1: Plugin 'p' is disabled. Use /plugins enable p to enable it again. Commands removed with it: /x.
              = none
            file bad
                Done: Plugin 'p' has a new file, bad, but console:local disabled the plugin. Use /plugins enable p to enable it again.
              = none
            enable
                persist
                build bad
              = none, working
            no it is bad
                build a
              = none, 'bad' rejected, working
            ok
                try a IfChanged
              = none, 'bad' rejected, working
            ok
                activate
                refuse 2 (failed): Plugin 'p' was rejected: it is bad. / Generation 2 stays active.
              = a (2), 'bad' rejected
        "#]],
    );
}

#[test]
fn a_grant_activates_the_pending_version() {
    check(
        "
        active a
        file b
        ok
        no needs chat
        grant c
        grant b
        ok
        ok
        revoke
        no exceeds chat
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
            no needs chat
                request approval of b: chat
              = a (1), 'b' pending
            grant c
                refuse 1 (invalid): Version c of plugin 'p' is no longer pending approval; the latest request is for version b.
              = a (1), 'b' pending
            grant b
                persist chat=true
                build b
              = a (1), 'b' pending, working
            ok
                try b Always
              = a (1), 'b' pending, working
            ok
                activate
                persist
                store b after a
                answer 2: Plugin 'p' is granted chat, and is active: generation 2, b.
              = b (2)
            revoke
                persist chat=false
                try b IfChanged
              = b (2), working
            no exceeds chat
                deactivate within 0s
                build a
              = none, 'b' denied, working
            ok
                try a IfChanged
              = none, 'b' denied, working
            ok
                activate
                answer 3: Plugin 'p' is no longer granted chat. Active now: generation 3, a.
              = a (3), 'b' denied
        "#]],
    );
}

#[test]
fn a_refused_version_is_not_asked_about_again() {
    check(
        "
        active a
        file b
        ok
        no needs chat
        refuse b
        file b
        ok
        no needs chat
        revoke
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
            refuse b
                persist chat=false
                answer 1: Plugin 'p' is not granted chat. You won't be asked again about versions that request only these capabilities. / Generation 1 stays active.
                try a IfChanged
              = a (1), 'b' denied, working
            file b
                build b
              = a (1), 'b' denied, working
            ok
                try b IfChanged
              = a (1), 'b' denied, working
            no needs chat
              = a (1), 'b' denied, working
            revoke
                refuse 2 (invalid): Plugin 'p' was granted nothing in the chat. To revoke what the configuration grants, change [plugins.p].
              = a (1), 'b' denied, working
        "#]],
    );
}

#[test]
fn commands_without_effect_explain_themselves() {
    check(
        "
        start
        rollback
        reload
        enable
        grant a
        refuse a
        ",
        &expect![[r#"
            start
              = none
            rollback
                refuse 1 (invalid): No version of plugin 'p' is active.
              = none
            reload
                refuse 2 (invalid): Plugin 'p' no longer has a file and is not built in.
              = none
            enable
                answer 3: Plugin 'p' is not disabled.
              = none
            grant a
                refuse 4 (invalid): No version of plugin 'p' is pending approval.
              = none
            refuse a
                refuse 5 (invalid): No version of plugin 'p' is pending approval.
              = none
        "#]],
    );
}
