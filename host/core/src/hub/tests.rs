//! Tests the hub with scripts of updates and traces of the resulting dispatches.

mod arrivals;
mod random_arrivals;
mod script;

use expect_test::expect;

use self::script::{Runner, check};
use super::QUEUE;

#[test]
fn updates_of_a_place_are_handled_in_order() {
    check(
        "
        ann 1: /remind 1h
        bob 1: hello
        ann 1: /remind 2h
        bob 2: another place
        ok 1
        ok 2
        ok 3
        ann 1: again
        ",
        &expect![[r#"
            ann 1: /remind 1h
              1 in its queue: call remind ["1h"]
            bob 1: hello
            ann 1: /remind 2h
            bob 2: another place
              4 in its queue: prompt: another place
            ok 1
              2 in its queue: prompt: hello
            ok 2
              3 in its queue: call remind ["2h"]
            ok 3
            ann 1: again
              5 in its queue: prompt: again
        "#]],
    );
}

#[test]
fn immediate_commands_overtake_the_queue() {
    check(
        "
        ann 1: /remind 1h
        ann 1: waits
        ann 1: /stop all
        ann 1 press: /stop
        ann 1 edit: waits longer
        ok 3
        ok 1
        ok 4
        ",
        &expect![[r#"
            ann 1: /remind 1h
              1 in its queue: call remind ["1h"]
            ann 1: waits
            ann 1: /stop all
              3 in its queue: call stop ["all"]
            ann 1 press: /stop
              4 in its queue: press stop []
            ann 1 edit: waits longer
              5 at once: edit: waits longer
            ok 3
            ok 1
            ok 4
              2 in its queue: prompt: waits
        "#]],
    );
}

#[test]
fn a_message_waits_for_the_immediate_command_before_it() {
    check(
        "
        ann 1: /stop all
        ann 1: after the stop
        ok 1
        ",
        &expect![[r#"
            ann 1: /stop all
              1 in its queue: call stop ["all"]
            ann 1: after the stop
            ok 1
              2 in its queue: prompt: after the stop
        "#]],
    );
}

#[test]
fn prompts_behind_a_command_can_be_taken() {
    check(
        "
        ann 1: /remind 1h
        ann 1: before
        bob 1: of bob
        ann 1: /remind 2h
        ann 1: /stop all
        ann 1: after
        take 1 ann before 5
        ok 5
        ok 1
        ok 3
        ok 4
        ",
        &expect![[r#"
            ann 1: /remind 1h
              1 in its queue: call remind ["1h"]
            ann 1: before
            bob 1: of bob
            ann 1: /remind 2h
            ann 1: /stop all
              5 in its queue: call stop ["all"]
            ann 1: after
            take 1 ann before 5
              took 2: before
            ok 5
            ok 1
              3 in its queue: prompt: of bob
            ok 3
              4 in its queue: call remind ["2h"]
            ok 4
              6 in its queue: prompt: after
        "#]],
    );
}

#[test]
fn immediate_commands_follow_the_prompts_before_them() {
    check(
        "
        ann 1: first
        ann 1: second
        ann 1: /stop all
        ok 1
        ok 2
        ok 3
        ann 1: third
        ann 1: /remind 1h
        ann 1: /stop
        ",
        &expect![[r#"
            ann 1: first
              1 in its queue: prompt: first
            ann 1: second
            ann 1: /stop all
            ok 1
              2 in its queue: prompt: second
            ok 2
              3 in its queue: call stop ["all"]
            ok 3
            ann 1: third
              4 in its queue: prompt: third
            ann 1: /remind 1h
            ann 1: /stop
              6 in its queue: call stop []
        "#]],
    );
}

#[test]
fn updates_without_a_plugin_or_a_session_are_answered() {
    check(
        "
        ann 1: /remnid
        ann 2: /plugins
        ann 3 game
        eve 4: hello
        ",
        &expect![[r#"
            ann 1: /remnid
              1 in its queue: answer: Unknown command /remnid. Did you mean /remind?
            ann 2: /plugins
              2 in its queue: answer: /plugins is for admins only.
            ann 3 game
              3 in its queue: answer: The agent can't get this kind of message (game).
            eve 4: hello
              4 in its queue: drop, no access
        "#]],
    );
}

#[test]
fn an_album_without_a_caption_is_no_prompt_in_a_group() {
    check(
        "
        ann 1 image
        ann 2 album
        wait 300
        ann group image
        ok 3
        ann group album
        wait 300
        ",
        &expect![[r#"
            ann 1 image
              1 in its queue: prompt: image
            ann 2 album
            wait 300
              2 in its queue: prompt: album
            ann group image
              3 in its queue: prompt: image
            ok 3
            ann group album
            wait 300
              4 in its queue: answer: In a group, an album needs a caption. Send it again with one.
        "#]],
    );
}

#[test]
fn access_and_commands_are_checked_when_an_update_starts() {
    check(
        "
        ann 1: first
        ann 1: /remind 1h
        bob 1: /remind 2h
        deactivate remind
        ok 1
        remove bob
        ok 2
        ",
        &expect![[r#"
            ann 1: first
              1 in its queue: prompt: first
            ann 1: /remind 1h
            bob 1: /remind 2h
            deactivate remind
            ok 1
              2 in its queue: answer: Unknown command /remind. Use /help to list the commands.
            remove bob
            ok 2
              3 in its queue: drop, no access
        "#]],
    );
}

#[test]
fn a_button_press_calls_its_command() {
    check(
        "
        ann 1 press: /remind 1h
        ann 2 press: /remnid
        ann 3 press: no command
        ",
        &expect![[r#"
            ann 1 press: /remind 1h
              1 in its queue: press remind ["1h"]
            ann 2 press: /remnid
              2 in its queue: press, or answer: Unknown command /remnid. Did you mean /remind?
            ann 3 press: no command
              3 in its queue: press, or answer: This button no longer works. Type the command to use it.
        "#]],
    );
}

#[test]
fn parts_of_a_text_are_joined_and_parsed_once() {
    check(
        "
        ann 1 part: /remind 1h
        ann 1 part: and more
        wait 299
        wait 1
        ",
        &expect![[r#"
            ann 1 part: /remind 1h
            ann 1 part: and more
            wait 299
            wait 1
              1 in its queue: call remind ["1h|and", "more"]
        "#]],
    );
}

#[test]
fn immediate_commands_of_the_previous_run_are_dropped() {
    check(
        "
        restore ann 1: /stop
        restore ann 1: hello
        restore ann 1: /remind 1h
        ok 2
        ",
        &expect![[r#"
            restore ann 1: /stop
              1 at once: drop, stale
            restore ann 1: hello
              2 in its queue: prompt: hello
            restore ann 1: /remind 1h
            ok 2
              3 in its queue: call remind ["1h"]
        "#]],
    );
}

#[test]
fn an_immediate_command_with_a_message_is_handled_after_a_restart() {
    check(
        "
        restore ann 1: /stop and read this
        restore ann 2 press: /stop and read this
        ",
        &expect![[r#"
            restore ann 1: /stop and read this
              1 in its queue: call stop ["and", "read", "this"]
            restore ann 2 press: /stop and read this
              2 at once: drop, stale
        "#]],
    );
}

#[test]
fn a_closed_hub_drains() {
    check(
        "
        ann 1: first
        ann 1: second
        bob 2 part: long
        close
        ok 1
        ok 3
        ok 2
        ",
        &expect![[r#"
            ann 1: first
              1 in its queue: prompt: first
            ann 1: second
            bob 2 part: long
            close
              3 in its queue: prompt: long
            ok 1
              2 in its queue: prompt: second
            ok 3
            ok 2
              drained
        "#]],
    );
}

#[test]
fn a_full_queue_refuses_further_updates() {
    let mut runner = Runner::new();
    for _ in 0..=QUEUE {
        runner.step("ann 1: hello");
    }
    runner.trace.clear();
    runner.step("ann 1: one too many");
    runner.step("ann 2: elsewhere");
    runner.step("ok 1");
    runner.step("ann 1: room again");
    expect![[r#"
          10002 at once: answer: Not accepted: too many messages are waiting here. Send the message again in a moment.
        “one too many”
          10003 in its queue: prompt: elsewhere
          2 in its queue: prompt: hello
    "#]]
    .assert_eq(&runner.trace);
}

#[test]
fn a_member_may_send_a_limited_number_of_updates_within_a_minute() {
    check(
        "
        limit 2
        ann 1: one
        ann 2: two
        ann 1: three
        ann 1: four
        bob 3: of another member
        ann 9: /stop
        ok 6
        ann 9: /stop
        ok 7
        ann 9: /stop
        wait 60000
        ann 4: five
        ",
        &expect![[r#"
            limit 2
            ann 1: one
              1 in its queue: prompt: one
            ann 2: two
              2 in its queue: prompt: two
            ann 1: three
              3 at once: answer: Not accepted: you may send at most 2 messages a minute. Wait a minute: until then, further messages may be dropped without an answer.
            “three”
            ann 1: four
              4 at once: drop, too many
            bob 3: of another member
              5 in its queue: prompt: of another member
            ann 9: /stop
              6 in its queue: call stop []
            ok 6
            ann 9: /stop
              7 in its queue: call stop []
            ok 7
            ann 9: /stop
              8 at once: answer: Not accepted: you may send at most 2 messages a minute. Wait a minute: until then, further messages may be dropped without an answer.
            “/stop”
            wait 60000
            ann 4: five
              9 in its queue: prompt: five
        "#]],
    );
}
