//! The properties of a version that its calls use.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, PoisonError},
};

use cordboard_core::{
    config::{CallLimits, Secrets},
    types::Caller,
};

use super::{drain::Drain, outbound_http::Network};

pub struct Profile {
    /// The plugin's name, shared with log records.
    pub name: Arc<str>,
    /// `[plugins.NAME.config]` as a JSON object.
    pub config: Arc<str>,
    pub limits: CallLimits,
    /// The identity that calls without a caller act as, if one is configured.
    pub acts_as: Option<Caller>,
    /// `None` if the version uses no network.
    pub network: Option<Arc<Network>>,
    pub secrets: Arc<Secrets>,
    pub drain: Drain,
    pub removed_buttons: RemovedButtons,
}

/// The commands of the buttons whose removal or new label was logged.
#[derive(Default)]
pub struct RemovedButtons(Mutex<BTreeSet<String>>);

/// The maximum number of buttons that are logged. A plugin whose buttons differ in each call must not fill the log.
const MAX_LOGGED: usize = 16;

impl Profile {
    /// Whether to log that a button with this command was removed or relabeled: only once per command, and only for the
    /// first [`MAX_LOGGED`] commands.
    pub fn should_log_button(&self, command: &str) -> bool {
        let mut logged = self.removed_buttons.0.lock().unwrap_or_else(PoisonError::into_inner);
        logged.len() < MAX_LOGGED && logged.insert(command.to_owned())
    }
}
