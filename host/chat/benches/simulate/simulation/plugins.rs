//! Plugins that are deployed, tried, activated and rolled back while users call their commands.

use std::{collections::BTreeMap, time::Duration};

use cordboard_core::messages;

use super::{
    Simulation,
    agenda::{Event, between},
    people,
    rollout_witness::{CAPABILITIES, Traits, Witness},
};
use crate::{
    config::RolloutLimits,
    random_worlds::Dice,
    rollout::{Command, Facts, FileState, Grants, Input, Offers, RejectionText, RolloutSettings, RolloutState},
    types::{Reply, Timestamp},
};

pub struct Plugin {
    pub name: &'static str,
    pub witness: Witness,
    versions: u64,
    /// One in so many calls of a version fails.
    failures: BTreeMap<String, u64>,
    /// The time at which a build or trial ends.
    work_ends: Option<Timestamp>,
}

impl Plugin {
    pub fn new(seed: u64, name: &'static str, now: Timestamp) -> Self {
        let facts = Facts {
            name: name.to_owned(),
            file: FileState::Absent,
            embedded: Some("embedded".to_owned()),
            stored: Vec::new(),
            state: RolloutState::default(),
            grants: Grants::default(),
            settings: settings(None),
        };
        let mut witness = Witness::new(seed, facts);
        witness.now = now;
        witness.versions.insert("embedded".to_owned(), Traits::good());
        Self { name, witness, versions: 0, failures: BTreeMap::new(), work_ends: None }
    }

    pub fn poll_timeout(&self) -> Option<Timestamp> {
        self.witness.machine.poll_timeout().into_iter().chain(self.work_ends).min()
    }

    fn new_version(&mut self, dice: &mut Dice) -> String {
        self.versions += 1;
        let digest = format!("v{}", self.versions);
        let needs = CAPABILITIES.iter().filter(|_| dice.one_in(6)).map(|&name| name.to_owned()).collect();
        let traits =
            Traits { builds: !dice.one_in(8), fits_odd_settings: !dice.one_in(4), is_taken: dice.one_in(20), needs };
        self.witness.versions.insert(digest.clone(), traits);
        self.failures.insert(digest.clone(), dice.pick(&[1, 3, 1_000_000]));
        digest
    }
}

fn settings(pin: Option<String>) -> RolloutSettings {
    let limits =
        RolloutLimits { probation: Duration::from_secs(12 * 3600), probation_traps: 3, drain: Duration::from_secs(60) };
    RolloutSettings { pin, limits }
}

impl Simulation {
    pub fn plan_change(&mut self, plugin: usize) {
        let at = self.now().after(between(&mut self.dice, people::DAY / 24, people::DAY));
        let at = people::by_day(&mut self.dice, at);
        self.agenda.add(at, Event::ChangePlugin { plugin });
    }

    pub fn restart_plugin(&mut self, plugin: usize) {
        self.plugins[plugin].work_ends = None;
        self.roll_out(plugin, |witness, _| witness.restart());
    }

    /// Lets the plugin's machine take a step, and checks the result.
    fn roll_out(&mut self, plugin: usize, step: impl FnOnce(&mut Witness, &mut Dice)) {
        let now = self.now();
        let Self { plugins, dice, world, .. } = self;
        let Plugin { witness, work_ends, .. } = &mut plugins[plugin];
        let (before, banned) = (witness.active(), witness.facts.state.rollbacks.len());
        witness.now = now;
        step(witness, dice);
        witness.inspect();
        let mut world = world.lock();
        world.step((plugin, witness.active()));
        world.tally.activations += u64::from(witness.active().is_some() && witness.active() != before);
        world.tally.rollbacks += u64::from(witness.facts.state.rollbacks.len() > banned);
        *work_ends = match *work_ends {
            _ if !witness.is_working() => None,
            Some(at) => Some(at),
            None => Some(now.after(between(dice, 200, 8_000))),
        };
    }

    /// Handles the deadline of a build, or that of the machine.
    pub fn time_out_plugin(&mut self, plugin: usize) {
        let now = self.now();
        if self.plugins[plugin].work_ends.take_if(|at| *at <= now).is_some() {
            return self.roll_out(plugin, Witness::finish_one);
        }
        self.roll_out(plugin, |witness, _| witness.time_out());
    }

    /// Saves a file, changes the settings, or sends a command of an admin.
    pub fn change_plugin(&mut self, plugin: usize) {
        self.plan_change(plugin);
        let one = &mut self.plugins[plugin];
        let rejected = one.witness.machine.rejected().map_or_else(|| "v1".to_owned(), |one| one.digest.clone());
        let command = match self.dice.roll(16) {
            0 => Command::Rollback,
            1 => Command::Reload,
            2 if self.dice.one_in(2) => Command::Disable(Offers::default()),
            2..6 if self.host.is_some() && one.witness.machine.state().disabled.is_some() => Command::Enable,
            2..5 => Command::Grant { digest: rejected, config_only_names: Vec::new() },
            5 => Command::Revoke,
            6 | 7 => return self.configure_plugin(plugin),
            8 => return self.save_plugin(plugin, FileState::Absent),
            9 => return self.save_plugin(plugin, FileState::Unusable(RejectionText::new("it is a folder"))),
            _ => {
                let digest = one.new_version(&mut self.dice);
                return self.save_plugin(plugin, FileState::Settled(digest));
            }
        };
        if self.host.is_some() {
            self.roll_out(plugin, |witness, _| witness.command(command));
        }
    }

    fn save_plugin(&mut self, plugin: usize, file: FileState) {
        self.plugins[plugin].witness.facts.file = file.clone();
        if self.host.is_some() {
            self.roll_out(plugin, |witness, _| witness.feed(Input::File(file)));
        }
    }

    fn configure_plugin(&mut self, plugin: usize) {
        if self.host.is_none() {
            return;
        }
        let (dice, versions) = (&mut self.dice, self.plugins[plugin].versions);
        let pin = (versions > 0 && dice.one_in(8)).then(|| format!("v{}", 1 + dice.roll(versions)));
        let granted = CAPABILITIES.iter().filter(|_| !dice.one_in(3)).map(|&name| name.to_owned()).collect();
        let is_odd = dice.one_in(4);
        self.roll_out(plugin, |witness, _| witness.configure(settings(pin), granted, is_odd));
    }

    /// Calls the plugin's command. Returns its reply.
    pub fn call_plugin(&mut self, plugin: usize) -> Reply {
        let Some(digest) = self.plugins[plugin].witness.active() else { return messages::plain("not active") };
        let one_in = self.plugins[plugin].failures.get(&digest).copied().unwrap_or(1_000_000);
        if !self.dice.one_in(one_in) {
            return Reply::text(format!("**{}** by version {digest}", self.plugins[plugin].name));
        }
        let last = "trapped".to_owned();
        self.roll_out(plugin, |witness, _| witness.feed(Input::Failed { digest, calls: 1, last }));
        messages::plain("The command failed.")
    }
}
