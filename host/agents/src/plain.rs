//! The codec of a program that reads lines and prints text, such as a shell or an interpreter. The program has no
//! protocol: a turn ends when the output ends with the program's prompt, or after silence. The codec receives the
//! output of stdout and stderr in pieces, because a prompt has no newline, and some programs print it to stderr.

mod code_block;
mod control_sequences;
mod echo;
mod turn;

use std::{process::ExitStatus, time::Duration};

use cordboard_core::{
    agent_event::{AgentEvent, Change, Outcome, PromptId},
    config::{DEFAULT_SILENCE, TurnEnd},
    session::Prompt,
    types::{PermissionMode, RequestAnswer, RequestId, TurnUsage},
};

use super::{Codec, Decoded, InterruptMethod, PromptFile};
use crate::skipped_lines::excerpt;
use code_block::CodeBlock;
use control_sequences::strip_control_sequences;
use echo::{Echo, is_echo_of, may_be_result};
use turn::Turn;

/// The silence that must follow a prompt before the prompt ends the turn or the start. Without this wait, the same text
/// within the output could end the turn, because a piece of the output can end anywhere.
const SETTLE: Duration = Duration::from_millis(50);

/// The maximum silence to wait for after an interrupt before the turn ends. Unused if only the prompt ends a turn.
/// Shorter than the time after which the session stops an unresponsive program.
const SILENCE_AFTER_INTERRUPT: Duration = Duration::from_secs(2);

/// The silence after which the start fails if the program has not shown its prompt. Shorter than the session's start
/// timeout, whose error can't say what the program printed.
const FIRST_PROMPT_WITHIN: Duration = Duration::from_secs(50);

/// If the program asks a question, the turn ends after this much silence, so that the user sees the question and can
/// answer it with the next message.
const QUESTION_SILENCE: Duration = Duration::from_secs(3);

/// The maximum length of an unfinished line, in bytes. Longer text counts as a complete line.
const LONGEST_UNFINISHED: usize = 64 * 1024;

/// The maximum length, in bytes, of a line that is searched for a prompt. A limit is needed because the search runs
/// again for each piece.
const LONGEST_PROMPT_LINE: usize = 4 * 1024;

/// The codec of one process.
pub(super) struct Plain {
    turn_end: TurnEnd,
    state: State,
    /// The output after the last newline.
    unfinished: Vec<u8>,
    /// The answer of the running turn, or the output since the last turn.
    block: CodeBlock,
    /// The part of the block's text that is not reported yet.
    text: String,
    /// Events to report on the next output, silence or exit.
    due: Vec<AgentEvent>,
    has_conversation: bool,
    echo: Echo,
    /// See [`Codec::exit_reason`].
    last_line: Option<String>,
}

enum State {
    /// The program is not ready yet. Its greeting is not shown.
    Starting,
    Idle,
    Turn(Turn),
}

impl Plain {
    pub(super) fn new(turn_end: &TurnEnd) -> Self {
        Self {
            turn_end: turn_end.clone(),
            state: State::Starting,
            unfinished: Vec::new(),
            block: CodeBlock::default(),
            text: String::new(),
            due: Vec::new(),
            has_conversation: false,
            echo: Echo::Unknown,
            last_line: None,
        }
    }

    /// Returns the position of the prompt in the unfinished line, if the line ends with it.
    fn prompt_start(&self) -> Option<usize> {
        let pattern = self.turn_end.prompt.as_ref().filter(|_| self.unfinished.len() <= LONGEST_PROMPT_LINE)?;
        pattern.start_in(&strip_control_sequences(&self.unfinished))
    }

    /// Returns the silence that ends a turn, or `None` if only the prompt ends it.
    fn turn_silence(&self) -> Option<Duration> {
        self.turn_end.silence.or(self.turn_end.prompt.is_none().then_some(DEFAULT_SILENCE))
    }

    fn take_unfinished(&mut self) {
        let line = std::mem::take(&mut self.unfinished);
        self.on_line(&line);
    }

    /// Removes the prompt at the end of the output. Text before the prompt on the same line belongs to the output.
    fn take_prompt(&mut self) {
        if let Some(start) = self.prompt_start() {
            let line = strip_control_sequences(&std::mem::take(&mut self.unfinished));
            if start > 0 {
                self.on_line(&line.as_bytes()[..start]);
            }
        }
    }

    fn on_line(&mut self, line: &[u8]) {
        let line = strip_control_sequences(line);
        if line.trim().is_empty() {
            return self.block.push_blank_line();
        }
        let is_output = match &mut self.state {
            State::Starting => false,
            State::Idle => true,
            State::Turn(turn) => match (turn.sent.pop_front(), self.echo) {
                (Some(sent), Echo::Yes) => !is_echo_of(&sent, &line),
                (Some(sent), Echo::Unknown) if is_echo_of(&sent, &line) => {
                    turn.possible_echoes.push(line.clone());
                    false
                }
                // Output that equals the input was an echo if other output follows it. With a prompt, the lines are
                // sent one by one, so a later line without an echo shows that the earlier output was a result.
                (sent, Echo::Unknown) => {
                    let is_echo =
                        !turn.possible_echoes.is_empty() && (sent.is_none() || self.turn_end.prompt.is_none());
                    self.learn_echo(is_echo);
                    true
                }
                (Some(_), Echo::No) | (None, Echo::Yes | Echo::No) => true,
            },
        };
        if is_output {
            self.block.push_line(&line, &mut self.text);
        }
        self.last_line = excerpt(line.as_bytes());
    }

    /// Records whether the program repeats its input. If it doesn't, shows the lines that only seemed to be echoes.
    /// Only the first call counts: later, a mismatch may only mean that a background process printed before the echo.
    fn learn_echo(&mut self, is_echo: bool) {
        if self.echo == Echo::Unknown {
            self.echo = if is_echo { Echo::Yes } else { Echo::No };
            let lines = self.take_possible_echoes();
            if !is_echo {
                self.push_lines(&lines);
            }
        }
    }

    /// Handles output that only repeats the input. The output is shown if it may be a result, such as a number typed
    /// into an interpreter. Otherwise, it is probably an echo of a statement without output.
    fn settle_possible_echoes(&mut self) {
        let lines = self.take_possible_echoes();
        if lines.iter().all(|line| may_be_result(line)) {
            self.push_lines(&lines);
        } else {
            self.echo = Echo::Yes;
        }
    }

    fn take_possible_echoes(&mut self) -> Vec<String> {
        match &mut self.state {
            State::Turn(turn) => std::mem::take(&mut turn.possible_echoes),
            State::Starting | State::Idle => Vec::new(),
        }
    }

    fn push_lines(&mut self, lines: &[String]) {
        lines.iter().for_each(|line| self.block.push_line(line, &mut self.text));
    }

    /// Returns whether the program seems to be waiting for an answer to a question that it asked during the turn: the
    /// output ends with an unfinished line such as `Name: `.
    fn asks(&self) -> bool {
        let line = strip_control_sequences(&self.unfinished);
        let line = line.trim_end();
        // A line without words is part of the prompt, or a continuation prompt.
        let is_question = line.ends_with(['?', ':', '>']) && line.contains(char::is_alphanumeric);
        is_question && self.unfinished.len() <= LONGEST_PROMPT_LINE
    }

    /// Reports the new text of the running turn, after the events that are due.
    fn report(&mut self) -> Vec<AgentEvent> {
        let mut events = std::mem::take(&mut self.due);
        if let State::Turn(_) = self.state
            && !self.text.is_empty()
        {
            let text = std::mem::take(&mut self.text);
            events.push(AgentEvent::Part { at: 0, change: Change::Append(text) });
        }
        events
    }

    /// Ends the block, and reports its last text.
    fn close_block(&mut self) {
        std::mem::take(&mut self.block).close(&mut self.text);
        let text = std::mem::take(&mut self.text);
        if text.is_empty() {
            return;
        }
        self.due.push(match self.state {
            State::Turn(_) => AgentEvent::Part { at: 0, change: Change::Append(text) },
            State::Idle | State::Starting => AgentEvent::UnpromptedText(text),
        });
    }

    /// Removes the program's prompt from the end of the output, if there is one, and ends the block.
    fn finish_output(&mut self) {
        self.take_prompt();
        self.take_unfinished();
        if matches!(&self.state, State::Turn(turn) if !turn.sent.is_empty()) {
            self.learn_echo(false);
        }
        self.settle_possible_echoes();
        self.close_block();
    }

    fn end_turn(&mut self) {
        self.finish_output();
        if let State::Turn(turn) = std::mem::replace(&mut self.state, State::Idle) {
            let outcome = if turn.is_interrupted { Outcome::Interrupted } else { Outcome::Done };
            let usage = TurnUsage::default();
            self.due.push(AgentEvent::Finished { answered: vec![turn.prompt], outcome, usage });
        }
    }

    /// Handles the first silence after the start.
    fn finish_start(&mut self) {
        if let Some(pattern) = self.turn_end.prompt.as_ref().filter(|_| self.prompt_start().is_none()) {
            let shown =
                excerpt(strip_control_sequences(&self.unfinished).as_bytes()).or_else(|| self.last_line.clone());
            let shown =
                shown.map_or("it has printed nothing".to_owned(), |line| format!("its last output is “{line}”"));
            self.due.push(AgentEvent::StartFailed(format!(
                "it has not shown a prompt that matches '{}': {shown}; correct `prompt` of this agent, or add an \
                 argument with which the program shows its prompt without a terminal",
                pattern.as_str()
            )));
            return;
        }
        self.unfinished.clear();
        self.block = CodeBlock::default();
        self.state = State::Idle;
        self.due.push(AgentEvent::Commands(Vec::new()));
        self.due.push(AgentEvent::Ready { models: Vec::new() });
    }

    /// Sends the next line of the prompt, or ends the turn.
    fn continue_turn(&mut self) -> Option<Vec<u8>> {
        let is_ahead = self.prompt_start().is_none();
        self.take_prompt();
        if let State::Turn(turn) = &mut self.state
            && !turn.lines.is_empty()
        {
            turn.is_ahead |= is_ahead;
            // An unfinished line that doesn't match is probably a continuation prompt.
            self.unfinished.clear();
            let has_no_echo = !turn.sent.is_empty();
            turn.sent.clear();
            let line = turn.send_next();
            if has_no_echo {
                self.learn_echo(false);
            }
            return line;
        }
        self.end_turn();
        None
    }
}

impl Codec for Plain {
    fn open(&mut self) -> Vec<Vec<u8>> {
        Vec::new()
    }

    /// Sends only the text, because the program would read a note about a file as input.
    fn prompt(&mut self, prompt: &Prompt, _: &[PromptFile]) -> Vec<u8> {
        self.finish_output();
        self.last_line = None;
        if !std::mem::replace(&mut self.has_conversation, true) {
            let id = uuid::Uuid::new_v4().to_string();
            self.due.push(AgentEvent::Conversation { id, resumable: false });
        }
        // Accept the prompt at once, so that a command that reached the program is never sent again.
        self.due.push(AgentEvent::PromptAccepted(prompt.id.clone()));
        let mut turn = Turn::new(prompt);
        let mut input = turn.send_next().unwrap_or_default();
        if self.turn_end.prompt.is_none() {
            // Without a prompt, nothing shows when the program is ready for the next line.
            while let Some(line) = turn.send_next() {
                input.push(b'\n');
                input.extend(line);
            }
        }
        self.state = State::Turn(turn);
        input
    }

    /// Does nothing, because the session sends no prompts to this kind of agent during a turn.
    fn forget(&mut self, _: &PromptId) {}

    fn interrupt(&mut self) -> InterruptMethod {
        if let State::Turn(turn) = &mut self.state {
            turn.is_interrupted = true;
            turn.lines.clear();
        }
        InterruptMethod::Signal
    }

    fn set_permission_mode(&mut self, _: PermissionMode) -> Decoded {
        Decoded::default()
    }

    fn answer(&mut self, _: &RequestId, _: &RequestAnswer) -> Decoded {
        Decoded::default()
    }

    fn decode(&mut self, piece: &[u8]) -> Decoded {
        let mut lines = piece.split(|&byte| byte == b'\n');
        let last = lines.next_back().unwrap_or_default();
        for line in lines {
            self.unfinished.extend_from_slice(line);
            self.take_unfinished();
        }
        self.unfinished.extend_from_slice(last);
        if self.unfinished.len() > LONGEST_UNFINISHED {
            self.take_unfinished();
        }
        Decoded { events: self.report(), lines: Vec::new() }
    }

    fn silence(&self) -> Option<Duration> {
        let shows_prompt = self.prompt_start().is_some();
        let has_output = !self.text.is_empty() || !self.unfinished.is_empty();
        let any_silence = self.turn_silence().unwrap_or(DEFAULT_SILENCE);
        match &self.state {
            State::Turn(turn) if shows_prompt && turn.is_ahead && turn.lines.is_empty() => Some(any_silence),
            State::Starting | State::Turn(_) if shows_prompt => Some(SETTLE),
            State::Starting if self.turn_end.prompt.is_some() => Some(FIRST_PROMPT_WITHIN),
            State::Starting => self.turn_silence(),
            State::Idle => has_output.then_some(any_silence),
            State::Turn(turn) if turn.is_interrupted => {
                self.turn_silence().map(|silence| silence.min(SILENCE_AFTER_INTERRUPT))
            }
            State::Turn(turn) if !turn.lines.is_empty() => Some(any_silence),
            State::Turn(_) => self.turn_silence().or(self.asks().then_some(QUESTION_SILENCE)),
        }
    }

    fn on_silence(&mut self) -> Decoded {
        let mut lines = Vec::new();
        match self.state {
            State::Starting => self.finish_start(),
            State::Idle => self.finish_output(),
            State::Turn(_) => lines.extend(self.continue_turn()),
        }
        Decoded { events: self.report(), lines }
    }

    /// Completes a running turn if the exit code is 0, for example after `exit` in a shell.
    fn on_exit(&mut self, status: Option<ExitStatus>) -> Vec<AgentEvent> {
        match &self.state {
            State::Turn(_) if status.is_some_and(|status| status.success()) => self.end_turn(),
            State::Turn(_) => self.finish_output(),
            // Drop the text that the program prints when its input ends.
            State::Idle => self.text.clear(),
            State::Starting => self.take_unfinished(),
        }
        self.report()
    }

    fn exit_reason(&self) -> Option<&str> {
        self.last_line.as_deref()
    }
}

#[cfg(test)]
mod tests;
