//! The log of a witness's latest steps. Steps are stored as values and formatted only when a check has failed, because
//! formatting each step would take longer than checking it.

use std::{collections::VecDeque, fmt, rc::Rc};

use crate::{
    session::{Effect, Input, SessionCommand},
    types::{SessionName, Timestamp},
};

/// The number of steps to keep: enough to see what led to a violation.
const KEPT: usize = 20;

#[derive(Default)]
pub struct StepLog {
    latest: VecDeque<LoggedStep>,
    /// The number of all steps so far.
    pub count: usize,
}

pub struct LoggedStep {
    at: Timestamp,
    pub cause: Cause,
    effects: Rc<[Effect]>,
    performed: usize,
}

pub enum Cause {
    Input(Input),
    /// An input from a past run, which has no effects.
    StaleInput(Input),
    Command(SessionCommand),
    Rename(SessionName),
    /// The host is killed. The next host restores the prompts.
    Kill,
}

impl LoggedStep {
    /// Returns the effects that were performed before the host was killed, or all.
    pub fn performed(&self) -> &[Effect] {
        &self.effects[..self.performed]
    }
}

impl StepLog {
    pub fn begin(&mut self, at: Timestamp, cause: Cause) {
        self.count += 1;
        if self.latest.len() == KEPT {
            self.latest.pop_front();
        }
        self.latest.push_back(LoggedStep { at, cause, effects: Rc::new([]), performed: 0 });
    }

    /// Records the effects that the latest step requests, before any is performed.
    pub fn request(&mut self, effects: &Rc<[Effect]>) {
        if let Some(step) = self.latest.back_mut() {
            step.effects = Rc::clone(effects);
        }
    }

    /// Counts an effect of the latest step as performed.
    pub fn perform_one(&mut self) {
        if let Some(step) = self.latest.back_mut() {
            step.performed += 1;
        }
    }

    /// Returns the steps that are still kept, the latest last.
    pub fn latest(&self) -> impl DoubleEndedIterator<Item = &LoggedStep> {
        self.latest.iter()
    }
}

impl fmt::Display for LoggedStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ", self.at.0)?;
        match &self.cause {
            Cause::Input(input) => write!(f, "{input:?}")?,
            Cause::StaleInput(input) => write!(f, "stale {input:?}")?,
            Cause::Command(command) => write!(f, "{command:?}")?,
            Cause::Rename(name) => write!(f, "rename to {name}")?,
            Cause::Kill => f.write_str("the host is killed")?,
        }
        self.performed().iter().try_for_each(|effect| write!(f, "\n    {effect:?}"))
    }
}
