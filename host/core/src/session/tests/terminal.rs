//! Scenarios in which a session is open in a terminal.

use expect_test::expect;

use super::script::check;

#[test]
fn an_idle_agent_is_stopped_before_the_terminal_opens() {
    check(
        "
        session conversation=c1
        idle
        spawned
        command open-terminal 8
        exit
        terminal-closed 8
        prompt a
        ",
        expect![[r#"
            idle → idle
            spawned → idle
                persist
            command open-terminal 8 → stopping
                persist
                watch terminal 8
                close input of 1
            exit → suspended
                persist
            terminal-closed 8 → suspended
                persist
            prompt a → starting
                persist
                request resume notice #2: idle for 0ns
                spawn 2 resuming c1
        "#]],
    );
}

#[test]
fn prompts_wait_until_the_terminal_is_closed() {
    check(
        "
        session conversation=c1
        command open-terminal 8
        prompt a
        prompt b
        prompt c from den
        wait 700s
        terminal-closed 7
        terminal-closed 8
        ready
        ",
        expect![[r#"
            command open-terminal 8 → suspended
                persist
                watch terminal 8
            prompt a → suspended
                persist
                post home: Session 'x' is open in a terminal. Your message waits until the terminal is closed.
            prompt b → suspended
            prompt c from den → suspended
                persist
                post den: Session 'x' is open in a terminal. Your message waits until the terminal is closed.
            terminal-closed 7 → suspended
            terminal-closed 8 → starting
                persist
                request resume notice #1: idle for 0ns
                spawn 1 resuming c1
            ready → busy
                mark a sent
                send a to 1
        "#]],
    );
}

#[test]
fn the_conversation_of_the_terminal_is_continued() {
    check(
        "
        session not-resumable=c1
        command open-terminal 8
        terminal-closed 8 c2
        prompt a
        ",
        expect![[r#"
            command open-terminal 8 → suspended
                persist
                watch terminal 8
            terminal-closed 8 c2 → suspended
                persist
            prompt a → starting
                persist
                request resume notice #1: idle for 0ns
                spawn 1 resuming c2
        "#]],
    );
}

#[test]
fn the_past_of_a_conversation_begun_elsewhere_is_free() {
    check(
        "
        session conversation=c1
        command open-terminal 8
        terminal-closed 8 c2
        prompt a
        spawned
        ready
        done a $30 9000 tokens in all
        prompt b
        done b $31 9005 tokens in all
        ",
        expect![[r#"
            command open-terminal 8 → suspended
                persist
                watch terminal 8
            terminal-closed 8 c2 → suspended
                persist
            prompt a → starting
                persist
                request resume notice #1: idle for 0ns
                spawn 1 resuming c2
            spawned → starting
                persist
            ready → busy
                mark a sent
                send a to 1
            done a $30 9000 tokens in all → idle
                persist
                finish a at home, done
                review #2: idle for 0ns
            prompt b → busy
                mark b sent
                send b to 1
            done b $31 9005 tokens in all → idle
                persist with $1.00 5 tokens
                finish b at home, done, $1.00
                review #3: idle for 0ns
        "#]],
    );
}

#[test]
fn a_working_agent_is_not_handed_over() {
    check(
        "
        prompt a
        command open-terminal 8
        ready
        command open-terminal 8
        done a
        background build
        command open-terminal 8
        background
        asks q1
        command open-terminal 8
        command answer deny
        command open-terminal 8
        command open-terminal 9
        ",
        expect![[r#"
            prompt a → starting
                persist
                spawn 1 anew
            command open-terminal 8
                refused (busy): 1 message is still queued in session 'x'. Use /stop all there first.
            ready → busy
                mark a sent
                send a to 1
            command open-terminal 8
                refused (busy): Session 'x' is busy. Use /stop first.
            done a → idle
                persist
                finish a at home, done
                review #1: idle for 0ns
            background build → idle
                persist
            command open-terminal 8
                refused (background): The agent of session 'x' is still working in the background: build. To end that work, use /suspend x anyway.
            background → idle
                persist
                review #2: idle for 0ns
            asks q1 → idle
                persist
                post home: Session 'x' in /x asks for permission:
            command open-terminal 8
                refused (busy): The agent of session 'x' is waiting for an answer. Answer its question in the chat first.
            command answer deny → idle
                audit q1: Deny by User
                answer q1 of 1: Options { ids: ["deny"], text: None }
                close request q1: Offered("Deny")
                review #3: idle for 0ns
            command open-terminal 8 → stopping
                persist
                watch terminal 8
                close input of 1
            command open-terminal 9
                refused (busy): Session 'x' is open in a terminal. Exit the agent there first.
        "#]],
    );
}

#[test]
fn commands_do_not_touch_a_conversation_in_a_terminal() {
    check(
        "
        session conversation=c1
        command open-terminal 8
        command start
        command suspend
        command force-suspend
        command fresh
        command archive
        command stop
        prompt a
        prompt b
        command stop
        command stop all
        command model opus
        terminal-closed 8
        prompt c
        ",
        expect![[r#"
            command open-terminal 8 → suspended
                persist
                watch terminal 8
            command start
                refused (busy): Session 'x' is open in a terminal. Exit the agent there first.
            command suspend
                refused (busy): Session 'x' is open in a terminal. Exit the agent there first.
            command force-suspend
                refused (busy): Session 'x' is open in a terminal. Exit the agent there first.
            command fresh
                refused (busy): Session 'x' is open in a terminal. Exit the agent there first.
            command archive
                refused (busy): Session 'x' is open in a terminal. Exit the agent there first.
            command stop
                refused (invalid): Nothing is running.
            prompt a → suspended
                persist
                post home: Session 'x' is open in a terminal. Your message waits until the terminal is closed.
            prompt b → suspended
            command stop → suspended
                drop a
            command stop all → suspended
                drop b
            command model opus → suspended
                persist
            terminal-closed 8 → suspended
                persist
            prompt c → starting
                request resume notice #1: idle for 0ns
                spawn 1 resuming c1, model opus
        "#]],
    );
}

#[test]
fn a_terminal_outlives_the_host() {
    check(
        "
        session conversation=c1 process terminal=8
        restore a
        @0 exit
        prompt b
        shutdown
        session conversation=c1 terminal=8
        restore a b
        terminal-closed 8
        ",
        expect![[r#"
            restore a → stopping
                persist
                post home: Session 'x' is open in a terminal. Your message waits until the terminal is closed.
            @0 exit → suspended
                persist
            prompt b → suspended
            shutdown → suspended
            restore a b → suspended
                persist
                post home: Session 'x' is open in a terminal. Your message waits until the terminal is closed.
            terminal-closed 8 → starting
                persist
                request resume notice #1: idle for 0ns
                spawn 1 resuming c1
        "#]],
    );
}

#[test]
fn a_terminal_that_gives_up_releases_the_session() {
    check(
        "
        idle
        command open-terminal 8
        prompt a
        terminal-closed 8
        exit
        ",
        expect![[r#"
            idle → idle
            command open-terminal 8 → stopping
                persist
                watch terminal 8
                close input of 1
            prompt a → stopping
                persist
                post home: Session 'x' is open in a terminal. Your message waits until the terminal is closed.
            terminal-closed 8 → stopping
                persist
            exit → starting
                spawn 2 anew
        "#]],
    );
}

#[test]
fn a_failed_start_does_not_keep_a_terminal_out() {
    check(
        "
        command start
        exit
        command open-terminal 8
        wait 30s
        terminal-closed 8
        session conversation=c1
        command start
        resume-refused unknown
        exit
        command open-terminal 8
        prompt a
        terminal-closed 8
        ",
        expect![[r#"
            command start → starting
                spawn 1 anew
            exit → starting
                persist
            command open-terminal 8 → suspended
                persist
                close request failure 1: Withdrawn
                watch terminal 8
            terminal-closed 8 → suspended
                persist
            command start → starting
                spawn 1 resuming c1
            resume-refused unknown → stopping
                persist
                close input of 1
            exit → asking
            command open-terminal 8 → suspended
                persist
                close request failure 1: Withdrawn
                watch terminal 8
            prompt a → suspended
                persist
                post home: Session 'x' is open in a terminal. Your message waits until the terminal is closed.
            terminal-closed 8 → starting
                persist
                request resume notice #1: idle for 0ns
                spawn 2 resuming c1
        "#]],
    );
}
