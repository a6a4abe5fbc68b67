//! Serves the status page and the metrics at the address in `[status] listen`, and reads what they and `cordboard top`
//! show. Changing `[status]` restarts only this listener. This module must not change the host's state.

mod access;
mod events;
mod handler;
mod responses;
mod state;
mod token;

use std::{convert::Infallible, io, net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

use cordboard_metrics::METRICS;
use tokio::{net::TcpListener, sync::watch, task::JoinHandle};

use crate::{
    http_server::{self, ConnectionLimits},
    hub::LiveConfig,
};

use handler::StatusHandler;
pub use state::{StateReader, StateSources};
pub use token::{TokenError, read_token};

/// The connection limits. A page keeps a connection open for its events; the browser reconnects when the timeout ends
/// it.
const LIMITS: ConnectionLimits = ConnectionLimits { count: 48, timeout: Duration::from_secs(60 * 60) };

/// The parts of the host that serve the status page.
#[derive(Clone)]
pub struct StatusServices {
    pub state: Arc<StateReader>,
    pub config: LiveConfig,
    /// The folder of the configuration file, against which a relative `token_file` is resolved.
    pub folder: PathBuf,
}

/// The listener could not be opened.
#[derive(Debug, thiserror::Error)]
#[error("can't listen on {address}: {source}")]
pub struct ListenError {
    pub address: SocketAddr,
    pub source: io::Error,
}

pub struct StatusServer {
    services: StatusServices,
    running: Option<RunningServer>,
}

struct RunningServer {
    accepting: JoinHandle<Infallible>,
    /// Dropping this ends all open event streams, so that users who lose access don't keep receiving events.
    closing: watch::Sender<()>,
}

impl StatusServer {
    #[must_use]
    pub fn new(services: StatusServices) -> Self {
        Self { services, running: None }
    }

    /// Stops the previous listener, and opens one for the current configuration.
    ///
    /// # Errors
    /// The operating system refuses the address. The status page then stays off.
    pub async fn apply(&mut self) -> Result<(), ListenError> {
        self.stop().await;
        let settings = self.services.config.now().status.clone();
        METRICS.set_enabled(settings.listen.is_some());
        let Some(address) = settings.listen else { return Ok(()) };
        let failed = |source| ListenError { address, source };
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        tracing::info!(address = %listener.local_addr().map_err(failed)?, "listening for the status page");
        let (closing, closed) = watch::channel(());
        let handler = StatusHandler::new(self.services.clone(), settings, closed);
        handler.check_token().await;
        let accepting = tokio::spawn(http_server::serve(listener, Arc::new(handler), LIMITS));
        self.running = Some(RunningServer { accepting, closing });
        Ok(())
    }

    /// Closes the listener, so that the same address can be used again.
    async fn stop(&mut self) {
        let Some(RunningServer { accepting, closing }) = self.running.take() else { return };
        drop(closing);
        accepting.abort();
        // The task was aborted, so its result is an error.
        drop(accepting.await);
    }
}

impl Drop for StatusServer {
    fn drop(&mut self) {
        if let Some(running) = &self.running {
            running.accepting.abort();
        }
    }
}
