//! Runs the tasks that no chat user starts: plugin jobs and webhook requests.

use std::sync::{Arc, Weak};

use cordboard_core::config::Config;
use cordboard_runtime::HostApi;
use tokio::{net::TcpListener, task::JoinSet};

use super::{AppError, jobs};
use crate::{
    hub::HostService,
    webhook::{self, WebhookServer},
};

/// The webhook listener, if there is one. Requests wait in its backlog until [`BackgroundTasks::begin`].
pub struct BackgroundTasks {
    listener: Option<TcpListener>,
}

/// The running background tasks. They end when this value is dropped.
pub struct Begun {
    _tasks: JoinSet<()>,
}

impl BackgroundTasks {
    /// Opens the webhook listener.
    ///
    /// # Errors
    /// The address cannot be bound.
    pub async fn open(desk: &Arc<HostService>) -> Result<Self, AppError> {
        let Some(address) = desk.config().webhook.listen else { return Ok(Self { listener: None }) };
        let listener = webhook::listen(address).await.map_err(|source| AppError::Listen { address, source })?;
        Ok(Self { listener: Some(listener) })
    }

    pub fn begin(self, desk: &Arc<HostService>) -> Begun {
        let mut tasks = JoinSet::new();
        tasks.spawn(jobs::of(desk));
        if let Some(listener) = self.listener {
            let board: Weak<dyn HostApi> = Arc::downgrade(&(Arc::clone(desk) as Arc<dyn HostApi>));
            let door = WebhookServer::new(desk.config.clone(), Arc::clone(&desk.plugs), board, Arc::new(secret));
            tasks.spawn(door.serve(listener));
        }
        Begun { _tasks: tasks }
    }
}

fn secret(config: &Config, name: &str) -> Result<String, String> {
    let source = config.secrets.get(name);
    let source = source.ok_or_else(|| format!("[secrets] has no '{name}': add {name} = \"/path/to/a/file\""))?;
    cordboard_runtime::read_secret(name, source).map_err(|error| error.to_string())
}
