//! Owns `STATE/control.sock`, on which other `cordboard` processes query a running host, open its sessions in a
//! terminal, adopt conversations, and send prompts and commands to sessions. Each request and each response is one line
//! of JSON. Only the host's user and root can connect, so requests need no further authorization; `attach` also checks
//! the user.

mod client;
mod host_status;
mod log_lines;
mod post_rows;
mod rows;
mod script_requests;

use std::{
    fs, io,
    os::{fd::AsRawFd, unix::fs::PermissionsExt},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use cordboard_agents::{NoTerminal, TerminalCommand, TranscriptError, process};
use cordboard_core::{
    session::ApiError,
    types::{ProcessId, SessionName},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{
        UnixListener, UnixStream,
        unix::{OwnedReadHalf, OwnedWriteHalf},
    },
    task::JoinHandle,
    time::timeout,
};

use crate::logging::JournalSource;
pub use client::{PendingQuery, QueryError, begin, query};
pub use host_status::{
    Activation, HostStatus, PluginReport, QueueReport, SessionExchanges, SessionReport, StatusReport,
};
pub use log_lines::{AfterRecentLines, LogLines};
pub use post_rows::{PostRow, PostState, post_rows};
pub use rows::{BotName, HostRows, PersonRow, PluginRow, RequestRow, SessionRow};
pub use script_requests::{
    AcceptedPrompt, AfterAcceptance, LONGEST_PROMPT, PromptReport, ReportedOutcome, ScriptCommand, ScriptPrompt,
    ScriptRequests, SentPrompt,
};

/// The host's timeout for reading a request and for writing the response, and a client's timeout for a query that only
/// reads snapshots. Also the host's pause after a failed accept.
const TIMEOUT: Duration = Duration::from_secs(5);

/// A client's timeout for opening a session or adopting a conversation. The host gives up waiting for the session's
/// agent before this timeout, and responds with the reason.
const HANDOVER_TIMEOUT: Duration = Duration::from_secs(60);

/// A client's timeout for sending a prompt. Filters may take a while.
const ACCEPT_TIMEOUT: Duration = Duration::from_secs(300);

/// The maximum length of a request, in bytes. A request may contain a prompt, in which JSON needs up to six bytes for a
/// byte of text.
const LONGEST_REQUEST: u64 = 6 * LONGEST_PROMPT as u64 + 16 * 1024;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ControlQuery {
    Sessions,
    Plugins,
    Requests,
    /// Reads what the status page shows, with the last turns of a session if one is given.
    Status {
        session: Option<SessionName>,
    },
    /// Reads the host's log.
    Log(AfterRecentLines),
    /// Holds the session for a terminal until the process that sends the request exits.
    Attach(SessionName),
    Adopt(Adoption),
    Send(ScriptPrompt),
    Control {
        session: SessionName,
        command: ScriptCommand,
    },
}

/// A request to create a session that continues a conversation from a terminal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Adoption {
    pub conversation: String,
    pub name: SessionName,
    /// The folder of the conversation. If it is `None`, the host searches the agent's transcripts.
    pub folder: Option<PathBuf>,
    /// The NAME of `[agents.NAME]`. If it is `None`, the host uses the default agent if that agent's kind is `claude`,
    /// or else the first agent of that kind.
    pub agent: Option<String>,
}

/// The agent and folder of the session created for an adopted conversation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Adopted {
    pub agent: String,
    pub folder: PathBuf,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ControlAnswer {
    Requests(Vec<RequestRow>),
    Sessions(Vec<SessionRow>),
    Plugins(Vec<PluginRow>),
    /// A [`StatusReport`] as JSON.
    Status(Value),
    Log(LogLines),
    /// The host's log is in systemd's journal.
    Journal(JournalSource),
    Attached(TerminalCommand),
    Adopted(Adopted),
    Accepted(AcceptedPrompt),
    /// The session whose outcome the client waits for can't continue without a user. The text contains the reason.
    Blocked(String),
    Ended(PromptReport),
    /// The session after a command.
    Session(SessionRow),
    /// The request was refused. The text contains the reason and the remedy.
    Refused(String),
    Error(String),
}

/// Moves sessions between the chat and terminals.
#[async_trait]
pub trait Handover: Send + Sync {
    /// Holds the session for the terminal that `process` runs in, and returns the command that `process` must execute.
    async fn attach(&self, session: &SessionName, process: ProcessId) -> Result<TerminalCommand, HandoverError>;
    /// Creates a session that continues a conversation.
    async fn adopt(&self, adoption: Adoption) -> Result<Adopted, HandoverError>;
}

/// The reason why a handover failed. The text is shown to the operator.
#[derive(Debug, thiserror::Error)]
pub enum HandoverError {
    #[error("{0}")]
    Refused(#[from] ApiError),
    #[error(transparent)]
    NoTerminal(#[from] NoTerminal),
    #[error(transparent)]
    Transcript(#[from] TranscriptError),
    #[error("the agent of session '{0}' did not exit in time: try again")]
    AgentRuns(SessionName),
    #[error("conversation {conversation} is already the conversation of session '{session}': use that session")]
    InUse { conversation: String, session: SessionName },
    #[error("no agent of kind \"claude\" is configured: add one to the configuration")]
    NoAgent,
    #[error("no agent '{0}' of kind \"claude\" is configured: name another agent, or leave out --agent")]
    NoSuchAgent(String),
    #[error("{} is not a folder: name the folder of the conversation with --folder", .0.display())]
    NoFolder(PathBuf),
    #[error(
        "[sessions.folders] sets {} for session '{session}', but the conversation is in {}: use another name, or change the configuration",
        configured.display(), folder.display()
    )]
    OtherFolder { session: SessionName, configured: PathBuf, folder: PathBuf },
    #[error("the host can't identify this process: run the command on the host's machine, outside containers")]
    NoProcess,
    #[error("the host runs as another user: run the command as the user with the id {0}")]
    OtherUser(u32),
}

/// Reads what the status page and `cordboard top` show.
#[async_trait]
pub trait StatusReader: Send + Sync {
    /// Returns a [`StatusReport`] as JSON without secrets. It contains the last turns of `session` if one is given.
    async fn report(&self, session: Option<&SessionName>) -> Value;
}

/// The host services that answer control requests.
#[derive(Clone)]
pub struct ControlServices {
    pub rows: HostRows,
    pub status: Arc<dyn StatusReader>,
    pub handover: Arc<dyn Handover>,
    pub scripts: Arc<dyn ScriptRequests>,
}

const SOCKET: &str = "control.sock";

#[must_use]
pub fn socket(state_dir: &Path) -> PathBuf {
    state_dir.join(SOCKET)
}

/// The maximum length of the path in a socket address, in bytes.
const LONGEST_PATH: usize = 107;

/// A path to the socket that fits into a socket address. If the socket's own path would be too long, an open file
/// descriptor of the state directory serves as the prefix instead.
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

/// The bound socket. Clients can already connect; they get responses once [`Self::serve`] is called.
pub struct ControlListener(UnixListener);

/// Binds the socket, replacing any socket left behind by an earlier host. The state directory is locked, so no running
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
    pub fn serve(self, services: ControlServices) -> JoinHandle<()> {
        let Self(listener) = self;
        tokio::spawn(async move {
            loop {
                match listener.accept().await {
                    Ok((stream, _)) => {
                        let services = services.clone();
                        tokio::spawn(async move {
                            let answered = services.serve(stream).await;
                            answered.unwrap_or_else(
                                |error| tracing::debug!(%error, "failed to answer a query on the control socket"),
                            );
                        });
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

impl ControlServices {
    async fn serve(&self, stream: UnixStream) -> io::Result<()> {
        let process = client_process(&stream);
        let (read, write) = stream.into_split();
        let mut line = String::new();
        let mut read = BufReader::new(read.take(LONGEST_REQUEST));
        timeout(TIMEOUT, read.read_line(&mut line)).await??;
        let mut client = ClientConnection { read: read.into_inner().into_inner(), write };
        let answer = match serde_json::from_str(&line) {
            Ok(query) => self.answer(query, process, &mut client).await?,
            Err(error) => ControlAnswer::Error(format!(
                "it does not understand this request ({error}); use the same version of cordboard for the command and the host"
            )),
        };
        client.respond(&answer).await
    }

    /// Returns the last response to a request, after sending any earlier ones to the client.
    async fn answer(
        &self,
        query: ControlQuery,
        process: Result<ProcessId, HandoverError>,
        client: &mut ClientConnection,
    ) -> io::Result<ControlAnswer> {
        let handed_over = match query {
            ControlQuery::Sessions => return Ok(ControlAnswer::Sessions(self.rows.sessions())),
            ControlQuery::Plugins => return Ok(ControlAnswer::Plugins(self.rows.plugins())),
            ControlQuery::Requests => return Ok(ControlAnswer::Requests(self.rows.requests())),
            ControlQuery::Status { session } => {
                return Ok(ControlAnswer::Status(self.status.report(session.as_ref()).await));
            }
            ControlQuery::Log(then) => return log_lines::send_log(then, client).await,
            ControlQuery::Send(prompt) => return self.send_prompt(prompt, client).await,
            ControlQuery::Control { session, command } => return Ok(self.control_session(&session, command).await),
            ControlQuery::Attach(session) => match process {
                Ok(process) => self.handover.attach(&session, process).await.map(ControlAnswer::Attached),
                Err(error) => Err(error),
            },
            ControlQuery::Adopt(adoption) => self.handover.adopt(adoption).await.map(ControlAnswer::Adopted),
        };
        Ok(handed_over.unwrap_or_else(|refusal| ControlAnswer::Refused(refusal.to_string())))
    }
}

/// A client's connection, after its request was read.
struct ClientConnection {
    read: OwnedReadHalf,
    write: OwnedWriteHalf,
}

impl ClientConnection {
    async fn respond(&mut self, answer: &ControlAnswer) -> io::Result<()> {
        let mut text = serde_json::to_vec(answer)?;
        text.push(b'\n');
        timeout(TIMEOUT, self.write.write_all(&text)).await?
    }
}

/// Returns the process on the other end of the connection. It is waiting for the response, so its pid can't be reused
/// in the meantime.
fn client_process(stream: &UnixStream) -> Result<ProcessId, HandoverError> {
    let peer = stream.peer_cred().map_err(|_| HandoverError::NoProcess)?;
    let user = rustix::process::geteuid().as_raw();
    // Root can also connect, but its agent would use another home directory and leave files that the host can't read.
    if peer.uid() != user {
        return Err(HandoverError::OtherUser(user));
    }
    peer.pid().and_then(process::identify).ok_or(HandoverError::NoProcess)
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
        // Opening a link that points to itself fails with ELOOP, even for root.
        std::os::unix::fs::symlink(socket(state), socket(state)).unwrap();
        let error = ask().await.unwrap_err().to_string();
        assert!(error.starts_with(&format!("query the running host on {}: ", socket(state).display())), "{error}");
    }
}
