//! Calls commands and prompts an agent again and again, and records how long the answers take and what goes wrong.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};

use tokio::{
    sync::mpsc::UnboundedReceiver,
    time::{Interval, MissedTickBehavior, interval, timeout},
};

use super::{
    agent,
    stream::{AnswerLines, WrongLines},
    telegram::{PostKind, ShownText, Telegram},
};

/// The time after which an answer counts as lost.
const LOST_AFTER: Duration = Duration::from_secs(30);

/// The time between two calls of a command, so that the calls don't keep the host busy by themselves.
const BETWEEN_CALLS: Duration = Duration::from_millis(25);

/// The time that the agent works on an answer.
const WORK: Duration = Duration::from_secs(2);

/// The lines of an answer.
const LINES: u64 = 100;

/// The time of a request and of its answer.
pub struct Answered {
    pub asked: Instant,
    pub answered: Instant,
    /// The time between them, less the agent's own work.
    pub took: Duration,
}

/// The answers to calls of one command, or to the prompts of one session.
#[derive(Default)]
pub struct Answers {
    pub times: Vec<Answered>,
    pub lost: usize,
    /// Answers with a wrong text, and texts that answer nothing, such as a second copy.
    pub wrong: Vec<String>,
}

/// Calls commands in a chat, one after the other.
pub struct Caller<'a> {
    telegram: &'a Telegram,
    chat: i64,
    shown: UnboundedReceiver<ShownText>,
    pace: Interval,
    answers: Answers,
}

impl<'a> Caller<'a> {
    pub fn new(telegram: &'a Telegram, chat: i64) -> Self {
        let mut pace = interval(BETWEEN_CALLS);
        pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self { telegram, chat, shown: telegram.listen(chat), pace, answers: Answers::default() }
    }

    /// Calls a command and waits for its answer. Returns `None` if the answer is lost or is none of `expected`, or else
    /// its position in `expected`.
    pub async fn call(&mut self, command: &str, expected: &[String]) -> Option<usize> {
        self.pace.tick().await;
        let asked = Instant::now();
        self.telegram.says(self.chat, command);
        let Ok(Some(shown)) = timeout(LOST_AFTER, self.shown.recv()).await else {
            self.answers.lost += 1;
            return None;
        };
        let answer = expected.iter().position(|text| *text == shown.text);
        match answer {
            Some(_) => self.answers.times.push(Answered { asked, answered: shown.at, took: shown.at - asked }),
            None => self.answers.wrong.push(shown.text),
        }
        answer
    }

    /// Returns all answers, including texts that came after the last answer.
    pub fn finish(mut self) -> Answers {
        while let Ok(shown) = self.shown.try_recv() {
            self.answers.wrong.push(shown.text);
        }
        self.answers
    }
}

/// Calls a plugin that counts its calls, until `over`. A lost or doubled call makes the count wrong.
pub async fn count(telegram: &Telegram, chat: i64, over: &AtomicBool) -> Answers {
    let mut caller = Caller::new(telegram, chat);
    let mut number = 0;
    while !over.load(Ordering::Relaxed) {
        number += 1;
        caller.call("/count", &[format!("Counted to {number}.")]).await;
    }
    caller.finish()
}

/// The turns of an agent that streams.
#[derive(Default)]
pub struct Turns {
    pub answers: Answers,
    pub frames: usize,
    pub lines: u64,
    pub wrong_lines: WrongLines,
}

/// Prompts the agent of a chat's session until `over`.
pub async fn stream(telegram: &Telegram, chat: i64, over: &AtomicBool) -> Turns {
    let mut shown = telegram.listen(chat);
    let mut turns = Turns::default();
    let mut number = 0;
    while !over.load(Ordering::Relaxed) {
        number += 1;
        let asked = Instant::now();
        telegram.says(chat, &agent::streaming_prompt(number, WORK, LINES));
        match timeout(LOST_AFTER, turn(&mut shown, number, &mut turns)).await {
            Ok(answered) => {
                let took = (answered - asked).saturating_sub(WORK);
                turns.answers.times.push(Answered { asked, answered, took });
            }
            Err(_) => turns.answers.lost += 1,
        }
    }
    while let Ok(shown) = shown.try_recv() {
        turns.answers.wrong.push(shown.text);
    }
    turns
}

/// Waits for the complete answer. Returns when the chat showed it.
async fn turn(shown: &mut UnboundedReceiver<ShownText>, number: u64, turns: &mut Turns) -> Instant {
    let (begin, end) = (format!("answer {number} begins, "), format!("answer {number} done"));
    let mut lines = AnswerLines::default();
    // The sender lives as long as `Telegram`.
    while let Some(text) = shown.recv().await {
        if !text.text.contains(&begin) {
            turns.answers.wrong.push(text.text);
        } else if text.kind == PostKind::New && text.text.contains(&end) {
            lines.add_answer(&text.text, LINES);
            turns.frames += lines.frames;
            turns.lines += LINES;
            turns.wrong_lines.add(lines.wrong);
            return text.at;
        } else {
            lines.add_frame(&text.text);
        }
    }
    std::future::pending().await
}
