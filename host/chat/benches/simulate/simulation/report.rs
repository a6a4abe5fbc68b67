//! The summary of a run, and the report of a violated invariant.

use std::{collections::VecDeque, fmt};

use super::world::{Tally, clock_time};
use crate::types::Timestamp;

/// The number of events in the report of a violation.
const EVENTS: usize = 12;

/// The latest steps.
#[derive(Default)]
pub struct Progress {
    step: u64,
    at: Timestamp,
    latest: VecDeque<String>,
}

impl Progress {
    pub fn record(&mut self, step: u64, at: Timestamp, what: String) {
        (self.step, self.at) = (step, at);
        if self.latest.len() == EVENTS {
            self.latest.pop_front();
        }
        self.latest.push_back(format!("{step} {} {what}", clock_time(at)));
    }
}

pub struct Violation {
    pub seed: u64,
    pub days: u64,
    pub why: String,
    pub progress: Progress,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Progress { step, at, latest } = &self.progress;
        writeln!(f, "violated in step {step}, {}, with seed {}: {}", clock_time(*at), self.seed, self.why)?;
        writeln!(f, "\nThe last events:")?;
        latest.iter().try_for_each(|line| writeln!(f, "  {line}"))?;
        write!(f, "\nTo repeat it: cargo xtask simulate --seed {} --days {}", self.seed, self.days)
    }
}

/// The result of a run without violations.
#[derive(Debug, PartialEq, Eq)]
pub struct Summary {
    lines: Vec<(&'static str, u64)>,
    seed: u64,
    digest: u64,
}

impl Summary {
    pub fn new(seed: u64, days: u64, tally: &Tally) -> Self {
        let lines = vec![
            ("days", days),
            ("steps", tally.steps),
            ("messages from users", tally.messages),
            ("of these, prompts", tally.prompts),
            ("answers of agents", tally.answers),
            ("posts delivered", tally.posts),
            ("kills of the host", tally.kills),
            ("failed calls of the chat", tally.failed_calls),
            ("copies and partial answers left", tally.copies),
            ("activations of plugins", tally.activations),
            ("rollbacks of plugins", tally.rollbacks),
        ];
        Self { lines, seed, digest: tally.digest() }
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.lines.iter().try_for_each(|(name, count)| writeln!(f, "{name:<32} {count:>9}"))?;
        write!(f, "seed {}, digest {:016x}: no invariant was violated", self.seed, self.digest)
    }
}
