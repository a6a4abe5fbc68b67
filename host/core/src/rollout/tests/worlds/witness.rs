//! Simulates a rollout's host: performs the effects, keeps its own records of the active version, the store and the
//! rollbacks, and reports violated invariants.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::{
    random_worlds::Dice,
    rollout::{
        Command, CommandId, Decision, Effect, Facts, FileState, Input, Machine, RejectReason, RejectionText,
        RolloutSettings, Ticket, TrialError, TrialOutcome, TryMode,
    },
    types::{Timestamp, UserId},
};

pub const CAPABILITIES: [&str; 2] = ["chat", "sessions"];

/// The shortest backoff, in milliseconds.
const BACKOFF: u64 = 60_000;
/// The longest backoff, in milliseconds.
const LONGEST_BACKOFF: u64 = 25 * 60_000;

/// The properties of a version.
#[derive(Debug, Clone)]
pub struct Traits {
    pub builds: bool,
    /// Whether the version's trial succeeds under odd settings, which some versions reject.
    pub fits_odd_settings: bool,
    /// Whether another plugin already offers one of the version's names.
    pub is_taken: bool,
    pub needs: BTreeSet<String>,
}

impl Traits {
    pub const fn good() -> Self {
        Self { builds: true, fits_odd_settings: true, is_taken: false, needs: BTreeSet::new() }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Work {
    Build(String),
    Try(Attempt),
}

/// A trial and the settings under which it runs.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Attempt {
    digest: String,
    mode: TryMode,
    grants: BTreeSet<String>,
    revision: u64,
    is_odd: bool,
}

/// A version that passed its trial, and the settings of that trial. `number` is zero until the version is active.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Served {
    digest: String,
    number: u32,
    grants: BTreeSet<String>,
    revision: u64,
}

/// The reason why a version must not be activated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ban {
    ByAdmin,
    Until(Timestamp),
}

pub struct Witness {
    pub machine: Machine,
    pub now: Timestamp,
    pub facts: Facts,
    pub versions: BTreeMap<String, Traits>,
    pub fault: Option<String>,
    seed: u64,
    /// The capabilities that the configuration grants.
    config: BTreeSet<String>,
    is_odd: bool,
    revision: u64,
    work: BTreeMap<Ticket, Work>,
    /// The version that was built last.
    built: Option<String>,
    /// The successful trials, with the settings under which they ran.
    ready: BTreeMap<Ticket, Served>,
    served: Option<Served>,
    numbers: u32,
    /// Every version that has been active.
    known: BTreeSet<String>,
    bans: BTreeMap<String, Ban>,
    commands: BTreeMap<CommandId, Command>,
    command_count: u64,
    /// The versions that the owner must not be asked about again. Cleared when the host restarts, when the plugin is
    /// enabled, and when the newest version is active.
    approval_requested: BTreeSet<String>,
    /// The versions that the owner has been asked about since the host started.
    requested_before: BTreeSet<String>,
    /// The failing version that, according to a notice, can't be rolled back.
    is_stuck: Option<String>,
    stale: Vec<Ticket>,
    log: VecDeque<String>,
    /// The number of inputs and commands so far.
    pub steps: usize,
}

impl Witness {
    pub fn new(seed: u64, facts: Facts) -> Self {
        Self {
            machine: Machine::new(facts.clone()),
            now: Timestamp(1_000_000),
            facts,
            versions: BTreeMap::new(),
            fault: None,
            seed,
            config: BTreeSet::new(),
            is_odd: false,
            revision: 0,
            work: BTreeMap::new(),
            built: None,
            ready: BTreeMap::new(),
            served: None,
            numbers: 0,
            known: BTreeSet::new(),
            bans: BTreeMap::new(),
            commands: BTreeMap::new(),
            command_count: 0,
            approval_requested: BTreeSet::new(),
            requested_before: BTreeSet::new(),
            is_stuck: None,
            stale: Vec::new(),
            log: VecDeque::new(),
            steps: 0,
        }
    }

    // ---- Reports ----

    pub fn fail(&self, why: &str) -> ! {
        let log: Vec<&str> = self.log.iter().map(String::as_str).collect();
        panic!("world {}, step {}: {why}\n{}\n{:#?}", self.seed, self.steps, log.join("\n"), self.machine);
    }

    pub fn must(&self, holds: bool, rule: &str) {
        if !holds {
            self.fail(rule);
        }
    }

    fn note(&mut self, line: String) {
        if self.log.len() == 60 {
            self.log.pop_front();
        }
        self.log.push_back(line);
    }

    // ---- Queries ----

    pub fn active(&self) -> Option<String> {
        self.served.as_ref().map(|served| served.digest.clone())
    }

    pub fn is_working(&self) -> bool {
        !self.work.is_empty()
    }

    /// Returns whether the newest version may stay inactive: the folder can't be used, a version is pinned, or the
    /// plugin is disabled.
    pub fn holds_newest(&self) -> bool {
        self.fault.is_some() || self.facts.settings.pin.is_some() || self.machine.state().disabled.is_some()
    }

    fn grants(&self) -> BTreeSet<String> {
        self.config.union(&self.facts.grants.granted()).cloned().collect()
    }

    fn traits(&self, digest: &str) -> Traits {
        self.versions.get(digest).cloned().unwrap_or_else(Traits::good)
    }

    fn is_pinned_out(&self, digest: &str) -> bool {
        self.facts.settings.pin.as_deref().is_some_and(|only| only != digest)
    }

    /// Returns whether the version can be built and activated under the current settings.
    fn can_serve(&self, digest: &str) -> bool {
        let traits = self.traits(digest);
        traits.builds
            && !traits.is_taken
            && (traits.fits_odd_settings || !self.is_odd)
            && traits.needs.is_subset(&self.grants())
            && !self.is_pinned_out(digest)
    }

    fn exceeds(&self) -> bool {
        self.served.as_ref().is_some_and(|one| {
            self.is_pinned_out(&one.digest) || !self.traits(&one.digest).needs.is_subset(&self.grants())
        })
    }

    // ---- Inputs ----

    pub fn restart(&mut self) {
        self.note(format!("{} restart {:?}", self.now.0, self.facts.file));
        self.stale.clear();
        self.work.clear();
        self.ready.clear();
        self.commands.clear();
        self.approval_requested.clear();
        self.requested_before.clear();
        (self.built, self.served, self.is_stuck) = (None, None, None);
        self.machine = Machine::new(self.facts.clone());
        self.feed(Input::Start);
        if let Some(fault) = self.fault.clone() {
            self.feed(Input::Folder(Some(fault)));
        }
    }

    pub fn feed(&mut self, input: Input) {
        self.steps += 1;
        self.note(format!("{} {input:?}", self.now.0));
        if input == Input::File(FileState::Absent) && self.machine.state().disabled.is_none() {
            self.bans.clear();
        }
        let effects = self.machine.handle(input, self.now);
        self.perform(effects);
    }

    pub fn time_out(&mut self) {
        if self.machine.poll_timeout().is_some_and(|at| at <= self.now) {
            self.feed(Input::Timeout);
            self.must(self.machine.poll_timeout().is_none_or(|at| at > self.now), "a deadline is handled once");
        }
    }

    pub fn configure(&mut self, settings: RolloutSettings, config: BTreeSet<String>, is_odd: bool) {
        (self.facts.settings, self.config, self.is_odd) = (settings.clone(), config, is_odd);
        self.revision += 1;
        self.feed(Input::Settings(settings));
    }

    pub fn command(&mut self, command: Command) {
        self.command_count += 1;
        self.steps += 1;
        let id = CommandId(self.command_count);
        self.note(format!("{} {command:?} {id:?}", self.now.0));
        self.commands.insert(id, command.clone());
        let before = self.machine.state().disabled.is_some();
        if command == Command::Enable && before {
            self.approval_requested.clear();
        }
        if command == Command::Reload && !before && self.fault.is_none() {
            self.bans.clear();
        }
        let decision = Decision { who: UserId("console:local".to_owned()), at: self.now };
        let effects = self.machine.command(command, id, decision);
        self.perform(effects);
    }

    /// Reports the result of a random build or trial to the machine.
    pub fn finish_one(&mut self, dice: &mut Dice) {
        let tickets: Vec<Ticket> = self.work.keys().copied().collect();
        let ticket = dice.pick(&tickets);
        let work = self.work.remove(&ticket).expect("a running build or trial");
        let input = match work {
            Work::Build(digest) => {
                let result = self.traits(&digest).builds;
                self.built = result.then_some(digest);
                Input::Built { ticket, result: result.then_some(()).ok_or_else(|| self.error("it is bad", &[])) }
            }
            Work::Try(attempt) => Input::Tried { ticket, result: self.try_version(ticket, attempt) },
        };
        self.feed(input);
    }

    fn error(&self, why: &str, missing: &[String]) -> TrialError {
        TrialError { reason: RejectionText::new(why), missing: missing.to_vec(), exceeds: self.exceeds() }
    }

    fn try_version(&mut self, ticket: Ticket, attempt: Attempt) -> Result<TrialOutcome, TrialError> {
        let Attempt { digest, mode, grants, revision, is_odd } = attempt;
        let traits = self.traits(&digest);
        let is_same = self
            .served
            .as_ref()
            .is_some_and(|one| (&one.digest, &one.grants, one.revision) == (&digest, &grants, revision));
        if is_same && mode == TryMode::IfChanged {
            self.lift_bans(&digest);
            return Ok(TrialOutcome::Unchanged);
        }
        let missing: Vec<String> = traits.needs.difference(&grants).cloned().collect();
        if !missing.is_empty() {
            return Err(self.error("it needs more", &missing));
        }
        if is_odd && !traits.fits_odd_settings {
            return Err(self.error("it is misconfigured", &[]));
        }
        self.ready.insert(ticket, Served { digest, number: 0, grants, revision });
        Ok(TrialOutcome::Ready)
    }

    /// Reports the result of a canceled build or trial, which must change nothing.
    pub fn feed_stale(&mut self, dice: &mut Dice) {
        if self.stale.is_empty() {
            return;
        }
        let ticket = dice.pick(&self.stale);
        let inputs = [
            Input::Built { ticket, result: Ok(()) },
            Input::Tried { ticket, result: Ok(TrialOutcome::Ready) },
            Input::Tried { ticket, result: Err(self.error("it is late", &[])) },
        ];
        let input = dice.pick(&inputs);
        self.note(format!("{} stale {input:?}", self.now.0));
        let before = (self.machine.state().clone(), self.machine.rejected().cloned());
        let effects = self.machine.handle(input, self.now);
        let after = (self.machine.state().clone(), self.machine.rejected().cloned());
        self.must(effects.is_empty() && before == after, "the result of a canceled trial changes nothing");
    }

    /// Makes every version valid, and grants all capabilities.
    pub fn be_good(&mut self, settings: RolloutSettings) {
        for traits in self.versions.values_mut() {
            *traits = Traits::good();
        }
        self.configure(settings, CAPABILITIES.iter().map(|&name| name.to_owned()).collect(), false);
    }

    // ---- Effects ----

    fn perform(&mut self, effects: Vec<Effect>) {
        let acts = effects.iter().position(|effect| matches!(effect, Effect::Build { .. } | Effect::Activate { .. }));
        let stores = effects.iter().rposition(|effect| matches!(effect, Effect::Persist | Effect::PersistAnswer(_)));
        self.must(acts.is_none() || stores.is_none() || stores < acts, "a decision is stored before it is carried out");
        let mut followed = Vec::new();
        for effect in effects {
            self.note(format!("    {effect:?}"));
            match effect {
                Effect::Persist => self.facts.state = self.machine.state().clone(),
                Effect::PersistAnswer(answer) => self.facts.grants.add(answer),
                Effect::Store { digest, replaced } => self.store_version(&digest, replaced),
                Effect::DeleteStored => self.facts.stored.clear(),
                Effect::Build { ticket, digest } => self.work_on(ticket, Work::Build(digest)),
                Effect::Try { ticket, digest, mode } => {
                    let is_there = self.active().as_ref() == Some(&digest) || self.built.as_ref() == Some(&digest);
                    self.must(is_there, "only a built version is tried");
                    let (grants, revision, is_odd) = (self.grants(), self.revision, self.is_odd);
                    self.work_on(ticket, Work::Try(Attempt { digest, mode, grants, revision, is_odd }));
                }
                Effect::Cancel { ticket } => {
                    self.work.remove(&ticket);
                    self.stale.push(ticket);
                }
                Effect::Activate { ticket, .. } => followed.push(self.activate(ticket)),
                Effect::Deactivate { .. } => {
                    let before = self.served.take();
                    self.must(before.is_some(), "only an active version is deactivated");
                }
                Effect::RequestApproval { digest, .. } => {
                    let is_new = self.approval_requested.insert(digest.clone());
                    self.requested_before.insert(digest);
                    self.must(is_new, "the owner is asked once about a version");
                }
                Effect::Notify { text, .. } => self.note_rollback(&text),
                Effect::Progress { command, .. } => {
                    self.must(self.commands.contains_key(&command), "only a running command makes progress");
                }
                Effect::Answer { command, answer } => self.answer(command, answer.map_err(|refusal| refusal.text)),
            }
        }
        let stored = (&self.facts.state, &self.facts.grants, self.facts.stored.as_slice());
        self.must(stored == (self.machine.state(), self.machine.grants(), self.machine.stored()), "all data is stored");
        for input in followed {
            self.feed(input);
        }
    }

    fn work_on(&mut self, ticket: Ticket, work: Work) {
        self.work.insert(ticket, work);
        self.must(self.work.len() <= 2, "only the job's version and the active version are worked on");
        self.must(self.machine.state().disabled.is_none(), "no version of a disabled plugin is built or tried");
    }

    fn store_version(&mut self, digest: &str, replaced: Option<String>) {
        for one in replaced.iter().map(String::as_str).chain([digest]) {
            self.facts.stored.retain(|stored| stored != one);
            self.facts.stored.insert(0, one.to_owned());
        }
        self.facts.stored.truncate(3);
        self.must(
            self.facts.stored.iter().all(|stored| self.known.contains(stored)),
            "only versions that were active are stored",
        );
    }

    fn activate(&mut self, ticket: Ticket) -> Input {
        let Some(ready) = self.ready.remove(&ticket) else { self.fail("only a tried version is activated") };
        let digest = ready.digest.clone();
        let settings = (&ready.grants, ready.revision);
        self.must(settings == (&self.grants(), self.revision), "a trial is valid for its settings only");
        self.must(!self.is_pinned_out(&digest), "only the pinned version is activated");
        self.must(self.machine.state().disabled.is_none(), "a disabled plugin isn't activated");
        let is_renewal = self.active().as_ref() == Some(&digest);
        match self.bans.get(&digest) {
            Some(Ban::ByAdmin) if !is_renewal && self.facts.embedded.as_ref() != Some(&digest) => {
                self.fail("a version that an admin rolled back is activated")
            }
            Some(Ban::Until(until)) if !is_renewal && self.now < *until && !self.is_last_resort(&digest) => {
                self.fail("a failing version is activated before its backoff ends")
            }
            Some(Ban::ByAdmin | Ban::Until(_)) | None => {}
        }
        if self.traits(&digest).is_taken {
            return Input::Activated { ticket, result: Err(self.error("its name is taken", &[])) };
        }
        self.numbers += 1;
        self.known.insert(digest.clone());
        self.lift_bans(&digest);
        if !is_renewal {
            self.is_stuck = None;
        }
        self.served = Some(Served { number: self.numbers, ..ready });
        Input::Activated { ticket, result: Ok(self.numbers) }
    }

    /// Lifts the bans that admins imposed, if the newest version is active. The owner may then be asked about any
    /// version again.
    fn lift_bans(&mut self, active: &str) {
        if self.newest().as_deref() == Some(active) {
            self.approval_requested.clear();
            self.bans.retain(|_, ban| *ban != Ban::ByAdmin);
        }
    }

    /// Returns whether `digest` is the embedded version, to which a rollback is always possible.
    fn is_last_resort(&self, digest: &str) -> bool {
        self.facts.embedded.as_deref() == Some(digest)
    }

    fn newest(&self) -> Option<String> {
        match &self.facts.file {
            FileState::Settled(digest) => Some(digest.clone()),
            FileState::Absent | FileState::Unusable(_) => self.facts.embedded.clone(),
        }
    }

    /// Records the rollback that a notice reports.
    fn note_rollback(&mut self, text: &str) {
        if text.contains("no earlier version, so it stays") || text.contains("could not be rolled back") {
            self.is_stuck = self.active();
        }
        if let Some((_, rest)) = text.split_once("version ")
            && let Some((failing, _)) = rest.split_once(", is rolled back")
        {
            self.check_rolled_back(failing);
            let rollback = self.facts.state.rollbacks.iter().find(|rollback| rollback.digest == failing);
            let Some(rollback) = rollback else { self.fail("a rollback is stored") };
            let until = Timestamp(rollback.at.0 + BACKOFF);
            self.bans.insert(failing.to_owned(), Ban::Until(until));
        }
    }

    fn check_rolled_back(&self, from: &str) {
        let Some(active) = self.active() else { self.fail("a rollback activates a version") };
        let has_served = self.known.contains(&active) || self.facts.embedded.as_ref() == Some(&active);
        self.must(active != from && has_served, "a rollback activates another version that was active before");
    }

    fn answer(&mut self, command: CommandId, answer: Result<String, String>) {
        let Some(given) = self.commands.remove(&command) else { self.fail("a command is answered once") };
        if let (Command::Rollback, Ok(text)) = (given, answer) {
            let left = text.split_once(", version ").and_then(|(_, rest)| rest.split(',').next());
            let left = left.unwrap_or_default().to_owned();
            self.check_rolled_back(&left);
            self.bans.insert(left, Ban::ByAdmin);
        }
    }

    // ---- Invariants ----

    pub fn inspect(&self) {
        let active = self.machine.active().map(|active| (active.digest.clone(), active.number));
        let served = self.served.as_ref().map(|served| (served.digest.clone(), served.number));
        self.must(active == served, "the machine knows the active version");
        let is_disabled = self.machine.state().disabled.is_some();
        self.must(
            !is_disabled || (served.is_none() && self.work.is_empty()),
            "a disabled plugin is neither active nor tried",
        );
        self.must(self.machine.is_working() == self.is_working(), "the machine knows whether it is working");
        if !self.is_working() && !is_disabled {
            self.inspect_at_rest();
        }
    }

    /// Checks the invariants that apply while nothing is being built or tried.
    fn inspect_at_rest(&self) {
        self.must(self.commands.is_empty(), "each command is answered");
        self.must(!self.exceeds(), "no version uses what is no longer granted");
        self.inspect_newest();
        self.inspect_probation();
        let admits = |digest: &String| self.machine.state().is_rollback_target(digest);
        if self.served.is_none() && !self.known.is_empty() {
            let stored = self.facts.stored.iter().filter(|digest| admits(digest));
            let mut left = stored.chain(self.facts.embedded.iter().filter(|_| self.newest().is_some()));
            self.must(
                !left.any(|digest| self.can_serve(digest)),
                "an earlier version is active if the newest can't be",
            );
        }
    }

    /// Checks that the machine gives a reason if the newest version isn't active, and that the owner was asked about
    /// missing grants.
    fn inspect_newest(&self) {
        let Some(newest) = self.newest().filter(|_| self.fault.is_none()) else { return };
        let is_unusable = matches!(self.facts.file, FileState::Unusable(_));
        let rejected = self.machine.rejected();
        if self.active().as_ref() == Some(&newest) && !is_unusable {
            let own = rejected.is_none_or(|one| one.digest == newest && one.reason != RejectReason::NotAdmitted);
            return self.must(own, "if the newest version is active, only its new settings can be rejected");
        }
        let Some(rejected) = rejected else { self.fail("a reason is given if the newest version isn't active") };
        self.must(is_unusable || rejected.digest == newest, "the reason is about the newest version");
        if let RejectReason::PendingApproval(_) = &rejected.reason {
            self.must(self.requested_before.contains(&newest), "the owner is asked about a pending version");
        }
        let backs_off = self.machine.state().retry_at(&newest).is_some();
        if backs_off && rejected.reason == RejectReason::NotAdmitted && !is_unusable {
            let latest = Timestamp(self.now.0 + LONGEST_BACKOFF);
            let is_due = self.machine.poll_timeout().is_some_and(|at| at <= latest);
            self.must(is_due, "a version that was rolled back is tried again");
        }
    }

    /// Checks that a version whose calls failed too often does not stay active during its probation, unless it can't be
    /// rolled back.
    fn inspect_probation(&self) {
        let Some(active) = self.active() else { return };
        let limits = self.facts.settings.limits;
        let left = self.facts.state.remaining_probation(&active, self.now, limits.probation);
        if left.is_some_and(|(_, failed)| failed >= 3) {
            self.must(self.is_stuck.as_ref() == Some(&active), "a failing version is rolled back");
        }
    }
}
