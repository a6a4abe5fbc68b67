//! What runs beside the board and nobody in a chat asks for: the plugins' jobs, and requests from the net.

use std::sync::{Arc, Weak};

use cordboard_core::config::Config;
use tokio::{net::TcpListener, task::JoinSet};

use super::{AppError, jobs};
use crate::{
    hub::HostService,
    plugin::{self, HostApi},
    webhook::{self, WebhookServer},
};

/// What listens already, and answers nobody yet: requests wait.
pub struct BackgroundTasks {
    listener: Option<TcpListener>,
}

/// Ends with this value.
pub struct Begun {
    _tasks: JoinSet<()>,
}

impl BackgroundTasks {
    /// # Errors
    /// An address that cannot be listened to.
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
    let source = source.ok_or_else(|| format!("[secrets] has no '{name}': add {name} = \"/path/of/a/file\" to it"))?;
    plugin::secret_value(name, source)
}
