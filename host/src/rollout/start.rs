//! Starts the rollouts: creates each plugin's state machine from its file and stored state, and activates the plugins
//! one after another.

use std::collections::{BTreeMap, BTreeSet};

use cordboard_core::rollout::{Facts, FileState, Grants, Input, Machine};

use super::{Rollout, rollout_settings};
use crate::standard_plugins::{STANDARD, built_in};

/// The name of a plugin whose version was rejected during startup, and the reason.
pub type RejectedFile = (String, String);

impl Rollout {
    /// Activates all enabled plugins, and returns those with a rejected version. The plugins with standard names come
    /// first, so that other plugins can't take a standard command.
    pub async fn start(&mut self) -> Vec<RejectedFile> {
        let mut files = self.versions.read_folder().unwrap_or_else(|fault| {
            self.folder_fault = Some(fault.to_string());
            BTreeMap::new()
        });
        let stored = self.decisions.rollout_states.iter().map(|(name, _)| name);
        let stored = stored.chain(self.decisions.grant_answers.iter().map(|answer| &answer.plugin));
        let others: BTreeSet<String> = files.keys().chain(stored).cloned().collect();
        let standard = STANDARD.iter().map(|one| one.name.to_owned());
        let names: Vec<String> = standard.chain(others.into_iter().filter(|name| built_in(name).is_none())).collect();
        for name in names {
            let file = files.remove(&name).unwrap_or(FileState::Absent);
            self.add(&name, file).await;
            self.feed(&name, Input::Start).await;
            self.settle().await;
        }
        let rejected =
            |(name, machine): (&String, &Machine)| Some((name.clone(), machine.rejected()?.operator_text.clone()));
        self.machines.iter().filter_map(rejected).collect()
    }

    /// Handles finished jobs until no version is being built or tried.
    pub async fn settle(&mut self) {
        while self.machines.values().any(Machine::is_working) {
            let finished = self.jobs.next().await;
            self.on_job_finished(finished).await;
        }
    }

    /// Adds a plugin's state machine.
    pub(super) async fn add(&mut self, name: &str, file: FileState) {
        let state = self.decisions.rollout_states.iter().find(|(plugin, _)| plugin == name);
        let answers = self.decisions.grant_answers.iter().filter(|answer| answer.plugin == name);
        let mut machine = Machine::new(Facts {
            name: name.to_owned(),
            file,
            embedded: built_in(name).map(|one| one.digest.to_owned()),
            stored: self.versions.stored(name).await,
            state: state.map(|(_, state)| state.clone()).unwrap_or_default(),
            grants: Grants::new(answers.cloned().collect()),
            settings: rollout_settings(&(self.settings)(name)),
        });
        if let Some(fault) = &self.folder_fault {
            // Only the end of a fault causes effects, so there are no effects to perform.
            let _: Vec<_> = machine.handle(Input::Folder(Some(fault.clone())), self.clock.now());
        }
        self.machines.insert(name.to_owned(), machine);
    }
}
