//! The settings and the shared state of a version's calls.

use std::sync::Arc;

use cordboard_core::{
    config::{CallLimits, Secrets},
    types::Caller,
};

use super::{button_check::RemovedButtons, drain::Drain, outbound_network::Network};

pub struct CallSettings {
    /// The plugin's name, shared with the log of each call.
    pub name: Arc<str>,
    /// `[plugins.NAME.config]` as a JSON object.
    pub config: Arc<str>,
    pub limits: CallLimits,
    /// The identity that calls without a caller act as, if one is configured.
    pub acts_as: Option<Caller>,
    /// `None` if the version doesn't use the network.
    pub network: Option<Arc<Network>>,
    pub secrets: Arc<Secrets>,
    pub drain: Drain,
    pub removed_buttons: RemovedButtons,
}
