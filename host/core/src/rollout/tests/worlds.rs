//! Randomized runs. Files appear, change and disappear. Builds, trials and calls fail. Settings and grants change in
//! the middle of a trial. Admins issue any command at any time, and the host is killed. `witness` checks each step.

mod witness;

use std::time::Duration;

use super::{
    super::{Command, FileState, Input, Offers, RejectionText},
    script,
};
use crate::random_worlds::{Dice, seeds};
use witness::{CAPABILITIES, Witness};

/// The number of worlds: enough to find every defect that was deliberately inserted to verify this test, but few enough
/// to be fast.
const WORLDS: u64 = 2_000;
/// The number of steps of a world: enough for several versions to be activated, to fail and to be rolled back.
const STEPS: usize = 150;
/// The number of finished builds and trials after which the rollout must be idle.
const PATIENCE: usize = 60;

#[test]
fn random_worlds_serve_the_right_version() {
    for seed in seeds(WORLDS) {
        World::new(seed).run();
    }
}

struct World {
    dice: Dice,
    witness: Witness,
    versions: u64,
}

impl World {
    fn new(seed: u64) -> Self {
        let mut dice = Dice(seed);
        let mut facts = script::facts(FileState::Absent);
        facts.embedded = dice.one_in(2).then(|| "embedded".to_owned());
        let mut world = Self { witness: Witness::new(seed, facts), dice, versions: 0 };
        world.new_version("embedded");
        world.witness.restart();
        world
    }

    fn run(mut self) {
        for _ in 0..STEPS {
            self.step();
            self.witness.inspect();
        }
        self.end();
    }

    fn step(&mut self) {
        match self.dice.roll(40) {
            0..18 if self.witness.is_working() => self.witness.finish_one(&mut self.dice),
            0..5 => self.fail_calls(),
            5..12 => self.time(),
            12..18 => self.save(),
            18..20 => self.save(),
            20..26 => self.fail_calls(),
            26..29 => self.settings(),
            29..36 => self.command(),
            36 => self.folder(),
            37 if self.dice.one_in(3) => self.witness.restart(),
            38 if self.dice.one_in(2) => self.witness.feed_stale(&mut self.dice),
            _ => self.time(),
        }
    }

    /// Chooses random properties for a version.
    fn new_version(&mut self, digest: &str) {
        let dice = &mut self.dice;
        let needs = CAPABILITIES.iter().filter(|_| dice.one_in(4)).map(|&name| name.to_owned()).collect();
        let traits = witness::Traits {
            builds: !dice.one_in(6),
            fits_odd_settings: !dice.one_in(4),
            is_taken: dice.one_in(12),
            needs,
        };
        self.witness.versions.insert(digest.to_owned(), traits);
    }

    /// Saves a new version or an old one, or removes or damages the file.
    fn save(&mut self) {
        let file = match self.dice.roll(12) {
            0 => FileState::Absent,
            1 => FileState::Unusable(RejectionText::new("it is a folder")),
            2..5 if self.versions > 0 => FileState::Settled(format!("v{}", 1 + self.dice.roll(self.versions))),
            5 => FileState::Settled("embedded".to_owned()),
            _ => {
                self.versions += 1;
                let digest = format!("v{}", self.versions);
                self.new_version(&digest);
                FileState::Settled(digest)
            }
        };
        self.witness.facts.file = file.clone();
        self.witness.feed(Input::File(file));
    }

    fn fail_calls(&mut self) {
        let active = self.witness.active().unwrap_or_default();
        let digest = if self.dice.one_in(8) { "v1".to_owned() } else { active };
        let calls = 1 + u32::try_from(self.dice.roll(3)).expect("a small number");
        self.witness.feed(Input::Failed { digest, calls, last: "trapped".to_owned() });
    }

    fn time(&mut self) {
        let span = self.dice.pick(&[1, 500, 2_000, 61_000, 400_000]);
        let later = self.witness.now.after(Duration::from_millis(span));
        self.witness.now = match self.witness.machine.poll_timeout() {
            Some(at) if self.dice.one_in(2) => self.witness.now.max(at),
            Some(_) | None => later,
        };
        self.witness.time_out();
    }

    fn settings(&mut self) {
        let dice = &mut self.dice;
        let versions = self.versions;
        let pin = (versions > 0 && dice.one_in(4)).then(|| format!("v{}", 1 + dice.roll(versions)));
        let mut settings = script::settings(pin);
        settings.limits.probation = dice.pick(&[Duration::ZERO, Duration::from_secs(300), Duration::from_secs(300)]);
        settings.limits.probation_traps = dice.pick(&[1, 3]);
        let config = CAPABILITIES.iter().filter(|_| dice.one_in(3)).map(|&name| name.to_owned()).collect();
        self.witness.configure(settings, config, dice.one_in(4));
    }

    fn folder(&mut self) {
        let fault = self.witness.fault.is_none().then(|| "use the folder".to_owned());
        self.witness.fault.clone_from(&fault);
        self.witness.feed(Input::Folder(fault));
    }

    fn command(&mut self) {
        let pending = self.witness.machine.rejected().map_or_else(|| "v1".to_owned(), |one| one.digest.clone());
        let config_only_names = if self.dice.one_in(8) { vec!["http".to_owned()] } else { Vec::new() };
        let offers = Offers { controls_plugins: self.dice.one_in(6), ..Offers::default() };
        let command = self.dice.pick(&[
            Command::Rollback,
            Command::Rollback,
            Command::Reload,
            Command::Reload,
            Command::Disable(offers),
            Command::Enable,
            Command::Enable,
            Command::Grant { digest: pending.clone(), config_only_names },
            Command::Refuse(pending),
            Command::Revoke,
        ]);
        self.witness.command(command);
    }

    /// Removes all faults, and checks that a new version becomes active.
    fn end(&mut self) {
        self.witness.be_good(script::settings(None));
        if self.dice.one_in(2) {
            self.settle();
        }
        if self.witness.fault.is_some() {
            self.folder();
        }
        if self.witness.machine.state().disabled.is_some() {
            self.witness.command(Command::Enable);
        }
        self.settle();
        if self.dice.one_in(2) {
            self.wait_for_the_newest();
        }
        let last = "last".to_owned();
        self.witness.versions.insert(last.clone(), witness::Traits::good());
        self.witness.facts.file = FileState::Settled(last.clone());
        self.witness.feed(Input::File(FileState::Settled(last.clone())));
        self.settle();
        self.witness.must(self.witness.active() == Some(last), "a good new file becomes active");
    }

    fn settle(&mut self) {
        for _ in 0..PATIENCE {
            if !self.witness.is_working() {
                return self.witness.inspect();
            }
            self.witness.finish_one(&mut self.dice);
            self.witness.inspect();
        }
        self.witness.fail("builds and trials never end");
    }

    /// Waits until the newest version is active. If it was rolled back automatically, it is tried again after its
    /// backoff; otherwise it needs a command.
    fn wait_for_the_newest(&mut self) {
        while let Some(at) = self.witness.machine.poll_timeout() {
            self.witness.now = self.witness.now.max(at);
            self.witness.time_out();
            self.settle();
        }
        let (FileState::Settled(newest), false) = (self.witness.facts.file.clone(), self.witness.holds_newest()) else {
            return;
        };
        if self.witness.active().as_ref() != Some(&newest) {
            self.witness.command(Command::Reload);
            self.settle();
        }
        self.witness.must(self.witness.active() == Some(newest), "the newest version becomes active again");
    }
}
