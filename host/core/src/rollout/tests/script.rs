//! A script language with one step per line, so that a test consists of a script and a trace of the machine's effects.
//! `ok`, `same` and `no …` are results of the latest build or trial. `active a b` starts a host, which activates
//! version `a`, then version `b`.

use std::{fmt::Write as _, time::Duration};

use expect_test::Expect;

use super::super::{
    Command, CommandId, Decision, Effect, Facts, FileState, GrantAnswer, Grants, Input, Machine, Offers, RejectReason,
    RejectionText, RolloutSettings, RolloutState, Ticket, TrialError, TrialOutcome,
};
use crate::{
    config::RolloutLimits,
    types::{Timestamp, UserId},
};

/// Runs the script against a machine and compares the trace.
pub fn check(script: &str, trace: &Expect) {
    let mut runner = Runner::new();
    for line in script.lines().map(str::trim).filter(|line| !line.is_empty()) {
        runner.step(line);
    }
    trace.assert_eq(&runner.trace);
}

pub fn settings(pin: Option<String>) -> RolloutSettings {
    let minute = Duration::from_secs(60);
    RolloutSettings { pin, limits: RolloutLimits { probation: 5 * minute, probation_traps: 3, drain: minute } }
}

pub fn facts(file: FileState) -> Facts {
    let (state, grants) = (RolloutState::default(), Grants::default());
    Facts { name: "p".to_owned(), file, embedded: None, stored: Vec::new(), state, grants, settings: settings(None) }
}

struct Runner {
    machine: Machine,
    facts: Facts,
    now: Timestamp,
    number: u32,
    /// The ticket of the latest build or trial.
    ticket: Ticket,
    builds: bool,
    commands: u64,
    trace: String,
}

impl Runner {
    fn new() -> Self {
        let facts = facts(FileState::Absent);
        let (now, machine) = (Timestamp(1_000_000), Machine::new(facts.clone()));
        Self { machine, facts, now, number: 0, ticket: Ticket(0), builds: false, commands: 0, trace: String::new() }
    }

    fn step(&mut self, line: &str) {
        let (verb, rest) = line.split_once(' ').unwrap_or((line, ""));
        let _ = writeln!(self.trace, "{line}");
        let effects = match verb {
            "embedded" => return self.facts.embedded = Some(rest.to_owned()),
            "stored" => return self.facts.stored = rest.split(' ').map(str::to_owned).collect(),
            "start" => self.start(rest),
            "active" => return self.activate_all(rest),
            "wait" => {
                self.now = self.now.after(Duration::from_secs(rest.parse().expect("seconds")));
                match self.machine.poll_timeout().filter(|at| *at <= self.now) {
                    Some(_) => self.machine.handle(Input::Timeout, self.now),
                    None => return,
                }
            }
            "rollback" | "reload" | "disable" | "enable" | "grant" | "refuse" | "revoke" => self.command(verb, rest),
            _ => self.machine.handle(self.input(verb, rest), self.now),
        };
        self.perform(effects);
        self.status();
    }

    /// Starts a host, which replaces an earlier one.
    fn start(&mut self, file: &str) -> Vec<Effect> {
        self.facts.file = if file.is_empty() { FileState::Absent } else { FileState::Settled(file.to_owned()) };
        self.machine = Machine::new(self.facts.clone());
        self.machine.handle(Input::Start, self.now)
    }

    /// Starts a host with the first of these versions and rolls out the others. The trace shows only the final status.
    fn activate_all(&mut self, digests: &str) {
        let length = self.trace.len();
        for (index, digest) in digests.split(' ').enumerate() {
            let verb = if index == 0 { "start" } else { "file" };
            self.step(&format!("{verb} {digest}"));
            self.step("ok");
            self.step("ok");
        }
        self.trace.truncate(length);
        self.status();
    }

    fn input(&self, verb: &str, rest: &str) -> Input {
        match verb {
            "file" => Input::File(FileState::Settled(rest.to_owned())),
            "gone" => Input::File(FileState::Absent),
            "unusable" => Input::File(FileState::Unusable(RejectionText::new(rest))),
            "folder" => Input::Folder((!rest.is_empty()).then(|| rest.to_owned())),
            "settings" => Input::Settings(settings(rest.strip_prefix("pin=").map(str::to_owned))),
            "trap" => Input::Failed {
                digest: self.machine.active().expect("an active version").digest.clone(),
                calls: rest.parse().expect("a number"),
                last: "trapped".to_owned(),
            },
            "ok" | "no" | "same" => self.result(verb, rest),
            other => panic!("there is no step {other}"),
        }
    }

    /// Parses a result: `ok`, `same`, or an error such as `no it is bad`, `no needs chat` or `no exceeds chat`.
    fn result(&self, verb: &str, rest: &str) -> Input {
        let ticket = self.ticket;
        let error = || match rest.split_once(' ') {
            Some((kind @ ("needs" | "exceeds"), missing)) => TrialError {
                reason: RejectionText::new(format!("it needs {missing}")),
                missing: vec![missing.to_owned()],
                exceeds: kind == "exceeds",
            },
            _ => TrialError::invalid(RejectionText::new(rest)),
        };
        match verb {
            "ok" if self.builds => Input::Built { ticket, result: Ok(()) },
            "no" if self.builds => Input::Built { ticket, result: Err(error()) },
            "ok" => Input::Tried { ticket, result: Ok(TrialOutcome::Ready) },
            "same" => Input::Tried { ticket, result: Ok(TrialOutcome::Unchanged) },
            _ => Input::Tried { ticket, result: Err(error()) },
        }
    }

    fn command(&mut self, verb: &str, digest: &str) -> Vec<Effect> {
        self.commands += 1;
        let digest = digest.to_owned();
        let command = match verb {
            "rollback" => Command::Rollback,
            "reload" => Command::Reload,
            "disable" => Command::Disable(Offers { commands: vec!["/x".to_owned()], ..Offers::default() }),
            "enable" => Command::Enable,
            "grant" => Command::Grant { digest, config_only_names: Vec::new() },
            "refuse" => Command::Refuse(digest),
            _ => Command::Revoke,
        };
        let decision = Decision { who: UserId("console:local".to_owned()), at: self.now };
        self.machine.command(command, CommandId(self.commands), decision)
    }

    fn perform(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            let line = match effect {
                Effect::Persist => {
                    self.facts.state = self.machine.state().clone();
                    "persist".to_owned()
                }
                Effect::PersistAnswer(answer) => self.persist_answer(answer),
                Effect::Store { digest, replaced } => {
                    let replaced = replaced.map_or_else(String::new, |replaced| format!(" after {replaced}"));
                    format!("store {digest}{replaced}")
                }
                Effect::DeleteStored => "delete stored".to_owned(),
                Effect::Build { ticket, digest } => {
                    (self.ticket, self.builds) = (ticket, true);
                    format!("build {digest}")
                }
                Effect::Try { ticket, digest, mode } => {
                    (self.ticket, self.builds) = (ticket, false);
                    format!("try {digest} {mode:?}")
                }
                Effect::Cancel { .. } => "cancel".to_owned(),
                Effect::Activate { ticket, .. } => {
                    self.note("activate");
                    self.number += 1;
                    let activated = Input::Activated { ticket, result: Ok(self.number) };
                    let effects = self.machine.handle(activated, self.now);
                    self.perform(effects);
                    continue;
                }
                Effect::Deactivate { drain } => format!("deactivate within {}s", drain.as_secs()),
                Effect::RequestApproval { digest, missing } => {
                    format!("request approval of {digest}: {}", missing.join(", "))
                }
                Effect::Notify { kind, text } => format!("{kind:?}: {text}"),
                Effect::Progress { command, text } => format!("progress {}: {text}", command.0),
                Effect::Answer { command, answer } => match answer {
                    Ok(text) => format!("answer {}: {text}", command.0),
                    Err(refusal) => format!("refuse {} ({}): {}", command.0, refusal.code.as_str(), refusal.text),
                },
            };
            self.note(&line);
        }
    }

    fn persist_answer(&mut self, answer: GrantAnswer) -> String {
        let line = format!("persist {}={}", answer.capabilities.join(","), answer.granted);
        self.facts.grants = self.machine.grants().clone();
        line
    }

    fn note(&mut self, line: &str) {
        let _ = writeln!(self.trace, "    {}", line.replace('\n', " / "));
    }

    fn status(&mut self) {
        let active = self.machine.active().map_or("none".to_owned(), |one| format!("{} ({})", one.digest, one.number));
        let rejected = self.machine.rejected().map_or_else(String::new, |one| {
            let reason = match &one.reason {
                RejectReason::Rejected => "rejected",
                RejectReason::PendingApproval(_) => "pending",
                RejectReason::Denied(_) => "denied",
                RejectReason::NotAdmitted => "not admitted",
            };
            format!(", '{}' {reason}", one.digest)
        });
        let working = if self.machine.is_working() { ", working" } else { "" };
        let _ = writeln!(self.trace, "  = {active}{rejected}{working}");
    }
}
