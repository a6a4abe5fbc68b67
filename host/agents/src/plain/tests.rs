//! Tests the codec with the output of programs.

use std::{os::unix::process::ExitStatusExt, time::Duration};

use cordboard_core::{
    config::PromptPattern,
    types::{Place, PromptKind},
};
use expect_test::{Expect, expect};

use super::*;
use crate::tests::trace::Trace;

mod echo_and_questions;
mod several_lines;

/// A codec, and a trace of its events, of the lines that it sends to the program, and of the simulated silences.
struct Script {
    codec: Plain,
    trace: Trace,
}

impl Script {
    fn new(prompt: Option<&str>, silence: Option<Duration>) -> Self {
        let prompt = prompt.map(|text| PromptPattern::parse(text).unwrap());
        let codec = Plain::new(&TurnEnd { prompt, silence });
        Self { codec, trace: Trace::new(|line| format!("{:?}", String::from_utf8_lossy(line))) }
    }

    /// Returns a script with a Python interpreter that has shown its prompt.
    fn python() -> Self {
        let mut script = Self::new(Some("(>>>|\\.\\.\\.) $"), None);
        script.prints("Python 3.11.7 on linux\n>>> ");
        script.silent();
        script.trace = Trace::new(|line| format!("{:?}", String::from_utf8_lossy(line)));
        script
    }

    fn add(&mut self, mut decoded: Decoded) {
        for event in &mut decoded.events {
            if let AgentEvent::Conversation { id, .. } = event {
                *id = "new".to_owned();
            }
        }
        self.trace.add(&decoded);
    }

    fn prints(&mut self, text: impl AsRef<[u8]>) {
        let decoded = self.codec.decode(text.as_ref());
        self.add(decoded);
    }

    /// Simulates silence for as long as the codec waits.
    fn silent(&mut self) {
        let silence = self.codec.silence().expect("the codec waits for output only");
        self.trace.add_line(format!("silent for {silence:?}"));
        let decoded = self.codec.on_silence();
        self.add(decoded);
    }

    fn waits_for_output(&mut self) {
        assert_eq!(self.codec.silence(), None);
        self.trace.add_line("waits for output".to_owned());
    }

    fn prompt(&mut self, text: &str) {
        let line = self.codec.prompt(
            &Prompt {
                id: PromptId("p1".to_owned()),
                place: Place::new("test", "1"),
                kind: PromptKind::Text,
                text: text.to_owned(),
                mode: None,
                files: Vec::new(),
            },
            &[],
        );
        self.add(Decoded { events: Vec::new(), lines: vec![line] });
    }

    fn interrupt(&mut self) {
        assert_eq!(self.codec.interrupt(), InterruptMethod::Signal);
        self.trace.add_line("SIGINT".to_owned());
    }

    fn exit(&mut self, code: i32) {
        let events = self.codec.on_exit(Some(ExitStatus::from_raw(code << 8)));
        self.add(Decoded { events, lines: Vec::new() });
        self.trace.add_line(format!("exit reason: {:?}", self.codec.exit_reason()));
    }

    fn check(self, expected: Expect) {
        expected.assert_eq(&(self.trace.lines().join("\n") + "\n"));
    }
}

#[test]
fn a_turn_ends_at_the_prompt() {
    let mut script = Script::new(Some("^>>> $"), None);
    script.prints("Python 3.11.7\n>>");
    script.prints("> ");
    script.silent();
    script.prompt("1 + 1");
    script.prints("2\n>>");
    script.waits_for_output();
    script.prints("> ");
    script.silent();
    script.waits_for_output();
    script.prompt("pass");
    script.prints(">>> ");
    script.silent();
    script.check(expect![[r#"
        silent for 50ms
        commands 
        ready []
        > "1 + 1"
        conversation new
        accepted p1
        0 + "```\n2\n" (1 pieces)
        waits for output
        silent for 50ms
        0 + "```" (1 pieces)
        finished [p1] Done -1.0000 $
        waits for output
        > "pass"
        accepted p1
        silent for 50ms
        finished [p1] Done -1.0000 $
    "#]]);
}

#[test]
fn a_turn_without_a_prompt_ends_after_silence() {
    let mut script = Script::new(None, None);
    script.silent();
    script.prompt("ls\n pwd");
    script.prints("a\nb");
    script.prints("c\n/home");
    script.silent();
    script.prompt("x=1");
    script.silent();
    script.check(expect![[r#"
        silent for 2s
        commands 
        ready []
        > "ls\n pwd\n"
        conversation new
        accepted p1
        0 + "```\na\nbc\n" (2 pieces)
        silent for 2s
        0 + "/home\n```" (1 pieces)
        finished [p1] Done -1.0000 $
        > "x=1"
        silent for 2s
        accepted p1
        finished [p1] Done -1.0000 $
    "#]]);
}

#[test]
fn an_unfinished_output_before_the_prompt_is_shown() {
    let mut script = Script::python();
    script.prompt("print('x', end='')");
    script.prints("x>>> ");
    script.silent();
    script.check(expect![[r#"
        > "print('x', end='')"
        conversation new
        accepted p1
        silent for 50ms
        0 + "```\nx\n```" (1 pieces)
        finished [p1] Done -1.0000 $
    "#]]);
}

#[test]
fn a_prompt_in_the_output_does_not_end_the_turn() {
    let mut script = Script::python();
    script.prompt("print('>>> hello')");
    script.prints(">>> ");
    script.prints("hello\n>>> ");
    script.silent();
    script.check(expect![[r#"
        > "print('>>> hello')"
        conversation new
        accepted p1
        0 + "```\n>>> hello\n" (1 pieces)
        silent for 50ms
        0 + "```" (1 pieces)
        finished [p1] Done -1.0000 $
    "#]]);
}

#[test]
fn control_sequences_are_removed() {
    let mut script = Script::new(None, None);
    script.silent();
    script.prompt("colours");
    script.prints(b"\x1b[31mred\x1b[0m \xff\x00\n10 %\r100 %\n```\n# no heading\n\x1b]0;title\x07\n");
    script.silent();
    script.check(expect![[r#"
        silent for 2s
        commands 
        ready []
        > "colours"
        conversation new
        accepted p1
        0 + "```\nred �\n100 %\n```\n\n````\n```\n# no heading\n" (1 pieces)
        silent for 2s
        0 + "````" (1 pieces)
        finished [p1] Done -1.0000 $
    "#]]);
}

#[test]
fn output_after_the_turn_is_unprompted() {
    let mut script = Script::python();
    script.prompt("later()");
    script.prints(">>> ");
    script.silent();
    script.prints("done\n");
    script.silent();
    script.prints("and more\n>>> ");
    script.prompt("1");
    script.prints("1\n>>> ");
    script.silent();
    script.check(expect![[r#"
        > "later()"
        conversation new
        accepted p1
        silent for 50ms
        finished [p1] Done -1.0000 $
        silent for 2s
        unprompted "```\ndone\n```"
        > "1"
        unprompted "```\nand more\n```"
        accepted p1
        0 + "```\n1\n" (1 pieces)
        silent for 50ms
        0 + "```" (1 pieces)
        finished [p1] Done -1.0000 $
    "#]]);
}

#[test]
fn an_interrupt_drops_the_lines_that_wait() {
    let mut script = Script::python();
    script.prompt("sleep(9)\nprint(1)");
    script.interrupt();
    script.prints("KeyboardInterrupt\n>>> ");
    script.silent();
    script.check(expect![[r#"
        > "sleep(9)"
        SIGINT
        conversation new
        accepted p1
        0 + "```\nKeyboardInterrupt\n" (1 pieces)
        silent for 50ms
        0 + "```" (1 pieces)
        finished [p1] Interrupted -1.0000 $
    "#]]);
}

#[test]
fn an_interrupt_shortens_the_silence() {
    let mut script = Script::new(None, Some(Duration::from_secs(60)));
    script.silent();
    script.prompt("sleep 1000");
    script.interrupt();
    script.silent();
    script.check(expect![[r#"
        silent for 60s
        commands 
        ready []
        > "sleep 1000"
        SIGINT
        silent for 2s
        conversation new
        accepted p1
        finished [p1] Interrupted -1.0000 $
    "#]]);
}

#[test]
fn a_missing_prompt_fails_the_start() {
    let mut script = Script::new(Some("^>> $"), None);
    script.prints("Python 3.11.7\n>>> ");
    script.silent();
    script.check(expect![[r#"
        silent for 50s
        start failed: it has not shown a prompt that matches '^>> $': its last output is “>>>”; correct `prompt` of this agent, or add an argument with which the program shows its prompt without a terminal
    "#]]);
}

#[test]
fn an_exit_with_success_ends_the_turn() {
    let mut script = Script::python();
    script.prompt("exit()");
    script.prints("bye");
    script.exit(0);
    script.check(expect![[r#"
        > "exit()"
        conversation new
        accepted p1
        0 + "```\nbye\n```" (1 pieces)
        finished [p1] Done -1.0000 $
        exit reason: Some("bye")
    "#]]);
}

#[test]
fn a_failure_shows_the_last_output_and_ends_no_turn() {
    let mut script = Script::python();
    script.prompt("os._exit(1)");
    script.prints("a\nlast words");
    script.exit(1);
    script.check(expect![[r#"
        > "os._exit(1)"
        conversation new
        accepted p1
        0 + "```\na\nlast words\n```" (2 pieces)
        exit reason: Some("last words")
    "#]]);
}

#[test]
fn a_line_without_an_end_is_shown_in_parts() {
    let mut script = Script::python();
    script.prompt("endless()");
    script.prints("x".repeat(LONGEST_UNFINISHED + 1));
    script.check(expect![[r#"
        > "endless()"
        conversation new
        accepted p1
        0 + "```\nxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"…65542 (1 pieces)
    "#]]);
}
