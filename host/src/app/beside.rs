//! What runs beside the board and nobody in a chat asks for: the plugins' jobs, and requests from the net.

use std::sync::{Arc, Weak};

use cordboard_core::config::Config;
use tokio::task::JoinSet;

use super::{AppError, jobs};
use crate::{
    cron::Zone,
    hub::Desk,
    plugin::{self, Board},
    webhook::{self, Door},
};

/// Ends with this value.
pub struct Beside {
    _tasks: JoinSet<()>,
}

impl Beside {
    /// # Errors
    /// An address that cannot be listened to.
    pub async fn start(desk: &Arc<Desk>, zone: Zone) -> Result<Self, AppError> {
        let mut tasks = JoinSet::new();
        tasks.spawn(jobs::of(desk, zone));
        if let Some(address) = desk.config().webhook.listen {
            let listener = webhook::listen(address).await.map_err(|source| AppError::Listen { address, source })?;
            let board: Weak<dyn Board> = Arc::downgrade(&(Arc::clone(desk) as Arc<dyn Board>));
            let door = Door::new(desk.config.clone(), Arc::clone(&desk.plugs), board, Arc::new(secret));
            tasks.spawn(door.serve(listener));
        }
        Ok(Self { _tasks: tasks })
    }
}

fn secret(config: &Config, name: &str) -> Result<String, String> {
    let source = config.secrets.get(name);
    let source = source.ok_or_else(|| format!("[secrets] has no '{name}': add {name} = \"/path/of/a/file\" to it"))?;
    plugin::secret_value(source)
}
