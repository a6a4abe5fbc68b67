//! Runs work that isn't triggered by chat messages: running plugin jobs, serving webhook requests, enforcing the agent
//! limits and unmapping unused code.

use std::{
    sync::{Arc, Weak},
    time::Duration,
};

use cordboard_agents::process;
use cordboard_core::config::Config;
use cordboard_runtime::HostApi;
use tokio::{net::TcpListener, task::JoinSet, time::sleep};

use super::{AppError, jobs};
use crate::{
    hub::HostService,
    webhook::{self, CredentialError, WebhookServer},
};

/// The delay after startup before unused code is unmapped. It gives the host time to dispatch most stored updates
/// first.
const UNMAP_DELAY: Duration = Duration::from_secs(2);

async fn unmap_unused_code() {
    sleep(UNMAP_DELAY).await;
    process::unmap_unused_code();
}

/// Background tasks that haven't started yet. The webhook listener, if there is one, is already open, and its backlog
/// holds requests until [`BackgroundTasks::start`] is called.
pub struct BackgroundTasks {
    listener: Option<TcpListener>,
}

/// The running background tasks. Dropping this value aborts them.
pub struct RunningTasks {
    _tasks: JoinSet<()>,
}

impl BackgroundTasks {
    /// Opens the webhook listener if `[webhook] listen` is set.
    ///
    /// # Errors
    /// The address can't be bound.
    pub async fn open(host: &Arc<HostService>) -> Result<Self, AppError> {
        let Some(address) = host.config().webhook.listen else { return Ok(Self { listener: None }) };
        let listener = webhook::listen(address).await.map_err(|source| AppError::Listen {
            address,
            key: "[webhook] listen",
            source,
        })?;
        Ok(Self { listener: Some(listener) })
    }

    /// Starts the tasks.
    pub fn start(self, host: &Arc<HostService>) -> RunningTasks {
        let mut tasks = JoinSet::new();
        tasks.spawn(jobs::run_jobs(host));
        tasks.spawn(unmap_unused_code());
        let sessions = host.sessions.clone();
        tasks.spawn(async move { sessions.limit_agents().await });
        if let Some(listener) = self.listener {
            let host_api: Weak<dyn HostApi> = Arc::downgrade(&(Arc::clone(host) as Arc<dyn HostApi>));
            let server = WebhookServer::new(host.config.clone(), Arc::clone(&host.plugins), host_api, Arc::new(secret));
            tasks.spawn(server.serve(listener));
        }
        RunningTasks { _tasks: tasks }
    }
}

fn secret(config: &Config, name: &str) -> Result<String, CredentialError> {
    let source = config.secrets.get(name).ok_or_else(|| CredentialError::Undefined(name.to_owned()))?;
    cordboard_runtime::read_secret(name, source).map_err(|error| CredentialError::Unreadable(error.to_string()))
}
