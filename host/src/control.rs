//! Owns `STATE/control.sock`, on which `cordboard sessions`, `plugins` and `requests` query a running host. Each request
//! and each response is one line of JSON. A request changes nothing.

use std::{
    fs, io,
    os::{fd::AsRawFd, unix::fs::PermissionsExt},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use cordboard_core::types::{OpenRequest, SessionView};
use cordboard_runtime::{PluginStatus, Registry};
use serde::{Deserialize, Serialize};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{UnixListener, UnixStream},
    task::JoinHandle,
};

use crate::{clock::Clock, session_registry::SessionRegistry};

/// The timeout of a request. It is short, because an answer only copies published snapshots.
const TIMEOUT: Duration = Duration::from_secs(5);

/// The longest request, in bytes.
const LONGEST_REQUEST: u64 = 4096;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ControlQuery {
    Sessions,
    Plugins,
    Requests,
}

/// A session in the JSON output.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SessionRow {
    pub name: String,
    pub phase: String,
    pub agent: String,
    pub persona: Option<String>,
    pub model: Option<String>,
    pub pid: Option<i32>,
    /// Seconds.
    pub idle_timeout_s: u64,
    /// Milliseconds since 1970 UTC.
    pub last_active: u64,
    pub turns: u64,
    pub queued: u32,
    /// The background work of the agent.
    #[serde(default)]
    pub background: Vec<String>,
    pub owner: String,
    pub folder: PathBuf,
    pub cost_usd: Option<f64>,
}

/// A plugin in the JSON output.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PluginRow {
    pub name: String,
    pub digest: String,
    pub generation: u32,
    pub health: String,
    pub note: String,
    /// Milliseconds since 1970 UTC.
    pub since: u64,
}

/// A question of an agent in the JSON output.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestRow {
    pub session: String,
    pub number: u64,
    pub kind: String,
    pub title: String,
    /// Milliseconds since 1970 UTC.
    pub since: u64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ControlAnswer {
    Requests(Vec<RequestRow>),
    Sessions(Vec<SessionRow>),
    Plugins(Vec<PluginRow>),
    Error(String),
}

impl From<&SessionView> for SessionRow {
    fn from(view: &SessionView) -> Self {
        let record = &view.record;
        Self {
            name: record.name.to_string(),
            phase: view.phase.as_str().to_owned(),
            agent: record.agent.clone(),
            persona: record.persona.clone(),
            model: view.model.clone(),
            pid: record.process.as_ref().map(|process| process.pid),
            idle_timeout_s: view.idle_timeout.as_secs(),
            last_active: record.last_active.0,
            turns: record.turns,
            queued: view.queued,
            background: view.record.background.clone(),
            owner: record.owner.0.clone(),
            folder: record.folder.clone(),
            cost_usd: record.cost_usd,
        }
    }
}

impl From<PluginStatus> for PluginRow {
    fn from(status: PluginStatus) -> Self {
        Self {
            name: status.name,
            digest: status.digest,
            generation: status.generation,
            health: status.health.as_str().to_owned(),
            note: status.note,
            since: status.since.0,
        }
    }
}

const SOCKET: &str = "control.sock";

#[must_use]
pub fn socket(state_dir: &Path) -> PathBuf {
    state_dir.join(SOCKET)
}

/// The longest path of a socket address, in bytes.
const LONGEST_PATH: usize = 107;

/// A path to the socket that fits into a socket address. If the state directory has a long path, this path starts at an
/// open descriptor of the directory.
struct SocketPath {
    path: PathBuf,
    _folder: Option<fs::File>,
}

impl SocketPath {
    fn new(state_dir: &Path) -> io::Result<Self> {
        let path = socket(state_dir);
        if path.as_os_str().len() <= LONGEST_PATH {
            return Ok(Self { path, _folder: None });
        }
        let folder = fs::File::open(state_dir)?;
        let path = Path::new("/proc/self/fd").join(folder.as_raw_fd().to_string()).join(SOCKET);
        Ok(Self { path, _folder: Some(folder) })
    }
}

/// The bound socket. Clients can already connect; they get answers once [`Self::serve`] runs.
pub struct ControlListener(UnixListener);

/// Binds the socket, and replaces one that an earlier host left behind. The state directory is locked, so no running
/// host uses the old one.
pub fn listen(state_dir: &Path) -> io::Result<ControlListener> {
    let path = socket(state_dir);
    match fs::remove_file(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    let listener = UnixListener::bind(&SocketPath::new(state_dir)?.path)?;
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600))?;
    Ok(ControlListener(listener))
}

impl ControlListener {
    /// Serves requests until the task is aborted.
    pub fn serve(self, sessions: Arc<SessionRegistry>, plugins: Arc<Registry>, clock: Clock) -> JoinHandle<()> {
        let Self(listener) = self;
        tokio::spawn(async move {
            loop {
                match listener.accept().await {
                    Ok((stream, _)) => {
                        let (sessions, plugins) = (Arc::clone(&sessions), Arc::clone(&plugins));
                        tokio::spawn(tokio::time::timeout(TIMEOUT, async move {
                            let answered = answer(stream, &sessions, &plugins, clock).await;
                            answered.unwrap_or_else(
                                |error| tracing::debug!(%error, "failed to answer a query on the control socket"),
                            );
                        }));
                    }
                    Err(error) => {
                        tracing::warn!(%error, "failed to accept a connection on the control socket");
                        tokio::time::sleep(TIMEOUT).await;
                    }
                }
            }
        })
    }
}

async fn answer(stream: UnixStream, sessions: &SessionRegistry, plugins: &Registry, clock: Clock) -> io::Result<()> {
    let (read, mut write) = stream.into_split();
    let mut line = String::new();
    BufReader::new(read.take(LONGEST_REQUEST)).read_line(&mut line).await?;
    let answer = match serde_json::from_str(&line) {
        Ok(ControlQuery::Sessions) => ControlAnswer::Sessions(session_rows(sessions, clock)),
        Ok(ControlQuery::Plugins) => {
            ControlAnswer::Plugins(plugins.snapshot().statuses().map(PluginRow::from).collect())
        }
        Ok(ControlQuery::Requests) => ControlAnswer::Requests(request_rows(sessions, clock)),
        Err(error) => ControlAnswer::Error(format!("this version of the host does not know the query: {error}")),
    };
    let mut text = serde_json::to_vec(&answer)?;
    text.push(b'\n');
    write.write_all(&text).await
}

/// Returns all sessions, the most recently active first.
#[must_use]
pub fn session_rows(sessions: &SessionRegistry, clock: Clock) -> Vec<SessionRow> {
    let row = |view: &Arc<SessionView>| {
        let last_active = clock.to_wall(view.record.last_active).0;
        SessionRow { last_active, ..SessionRow::from(&**view) }
    };
    let mut rows: Vec<SessionRow> = sessions.views().iter().map(row).collect();
    rows.sort_by(|a, b| b.last_active.cmp(&a.last_active).then_with(|| a.name.cmp(&b.name)));
    rows
}

/// Returns the open questions of all agents, the oldest first.
fn request_rows(sessions: &SessionRegistry, clock: Clock) -> Vec<RequestRow> {
    let of_session = |view: &Arc<SessionView>| {
        let row = |open: &OpenRequest| RequestRow {
            session: view.record.name.to_string(),
            number: open.number,
            kind: open.request.kind.to_owned(),
            title: open.request.title.clone(),
            since: clock.to_wall(open.since).0,
        };
        view.requests.iter().map(row).collect::<Vec<_>>()
    };
    let mut rows: Vec<RequestRow> = sessions.views().iter().flat_map(of_session).collect();
    rows.sort_by_key(|row| row.since);
    rows
}

/// The running host could not be queried.
#[derive(Debug, thiserror::Error)]
#[error("query the running host on {}: {source}", socket.display())]
pub struct QueryError {
    socket: PathBuf,
    source: io::Error,
}

/// Queries the host that runs on a state directory. Returns `None` if no host runs there.
///
/// # Errors
/// The socket can't be used, or the host does not respond.
pub async fn query(state_dir: &Path, query: ControlQuery) -> Result<Option<ControlAnswer>, QueryError> {
    let answer = async {
        let Some(stream) = connect(state_dir).await? else { return Ok(None) };
        let answer = tokio::time::timeout(TIMEOUT, exchange(stream, query));
        answer.await.map_err(|_| io::Error::new(io::ErrorKind::TimedOut, "it does not respond"))?.map(Some)
    };
    answer.await.map_err(|source| QueryError { socket: socket(state_dir), source })
}

/// Connects to the host, or returns `None` if there is no socket, or a socket on which no host listens.
async fn connect(state_dir: &Path) -> io::Result<Option<UnixStream>> {
    let connected = async { UnixStream::connect(&SocketPath::new(state_dir)?.path).await };
    match connected.await {
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused) => Ok(None),
        connected => connected.map(Some),
    }
}

async fn exchange(stream: UnixStream, query: ControlQuery) -> io::Result<ControlAnswer> {
    let (read, mut write) = stream.into_split();
    let mut line = serde_json::to_vec(&query)?;
    line.push(b'\n');
    write.write_all(&line).await?;
    let mut text = String::new();
    BufReader::new(read).read_line(&mut text).await?;
    serde_json::from_str(&text).map_err(io::Error::other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_a_missing_listener_means_that_no_host_runs() {
        let folder = tempfile::tempdir().unwrap();
        let state = folder.path();
        let ask = || query(state, ControlQuery::Sessions);
        assert!(ask().await.unwrap().is_none(), "there is no socket");
        drop(listen(state).unwrap());
        assert!(ask().await.unwrap().is_none(), "an earlier host left its socket behind");
        fs::remove_file(socket(state)).unwrap();
        // A link to itself fails with ELOOP, even for root.
        std::os::unix::fs::symlink(socket(state), socket(state)).unwrap();
        let error = ask().await.unwrap_err().to_string();
        assert!(error.starts_with(&format!("query the running host on {}: ", socket(state).display())), "{error}");
    }
}
