//! Sends requests to the host that is running on a state directory.

use std::{
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::{
        UnixStream,
        unix::{OwnedReadHalf, OwnedWriteHalf},
    },
    time::timeout,
};

use super::{ACCEPT_TIMEOUT, ControlAnswer, ControlQuery, HANDOVER_TIMEOUT, SocketPath, TIMEOUT, socket};

/// The error for a running host that could not be queried.
#[derive(Debug, thiserror::Error)]
#[error("query the running host on {}: {source}", socket.display())]
pub struct QueryError {
    socket: PathBuf,
    source: io::Error,
}

impl QueryError {
    /// Returns whether the host closed the connection, for example because it was killed.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        is_closed(&self.source)
    }
}

/// Queries the host that is running on a state directory. Returns `None` if no host is running.
///
/// # Errors
/// The socket can't be used, or the host does not respond.
pub async fn query(state_dir: &Path, query: ControlQuery) -> Result<Option<ControlAnswer>, QueryError> {
    let Some(mut pending) = begin(state_dir, query).await? else { return Ok(None) };
    pending.first().await.map(Some)
}

/// Sends a request to the host that is running on a state directory. Returns `None` if no host is running.
///
/// # Errors
/// The socket can't be used.
pub async fn begin(state_dir: &Path, query: ControlQuery) -> Result<Option<PendingQuery>, QueryError> {
    let patience = match query {
        ControlQuery::Sessions
        | ControlQuery::Plugins
        | ControlQuery::Requests
        | ControlQuery::Status { .. }
        | ControlQuery::Log(_) => TIMEOUT,
        ControlQuery::Attach(_) | ControlQuery::Adopt(_) | ControlQuery::Control { .. } => HANDOVER_TIMEOUT,
        ControlQuery::Send(_) => ACCEPT_TIMEOUT,
    };
    let failed = |source| QueryError { socket: socket(state_dir), source };
    let Some(stream) = connect(state_dir).await.map_err(failed)? else { return Ok(None) };
    let (read, mut write) = stream.into_split();
    let mut line = serde_json::to_vec(&query).map_err(|error| failed(io::Error::other(error)))?;
    line.push(b'\n');
    let written = timeout(patience, write.write_all(&line)).await;
    written.map_err(|_| failed(no_response()))?.map_err(failed)?;
    Ok(Some(PendingQuery { socket: socket(state_dir), patience, read: BufReader::new(read), _write: write }))
}

/// A request that was sent to the host. If it is dropped, the host stops waiting for the prompt's outcome.
pub struct PendingQuery {
    socket: PathBuf,
    /// The timeout for the first response.
    patience: Duration,
    read: BufReader<OwnedReadHalf>,
    _write: OwnedWriteHalf,
}

impl PendingQuery {
    /// Returns the first response.
    ///
    /// # Errors
    /// The host does not respond in time, or its response can't be read.
    pub async fn first(&mut self) -> Result<ControlAnswer, QueryError> {
        let answer = timeout(self.patience, self.read_answer()).await.unwrap_or_else(|_| Err(no_response()));
        answer.map_err(|source| QueryError { socket: self.socket.clone(), source })
    }

    /// Waits for the next response. Returns `None` if the host closed the connection. Not cancel safe: if the future is
    /// dropped, part of a response may have been read, so the query must be dropped too.
    ///
    /// # Errors
    /// The response can't be read.
    pub async fn next(&mut self) -> Result<Option<ControlAnswer>, QueryError> {
        match self.read_answer().await {
            Ok(answer) => Ok(Some(answer)),
            Err(error) if is_closed(&error) => Ok(None),
            Err(source) => Err(QueryError { socket: self.socket.clone(), source }),
        }
    }

    async fn read_answer(&mut self) -> io::Result<ControlAnswer> {
        let mut text = String::new();
        self.read.read_line(&mut text).await?;
        if !text.ends_with('\n') {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "it closed the connection"));
        }
        serde_json::from_str(&text).map_err(io::Error::other)
    }
}

fn is_closed(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe)
}

fn no_response() -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, "it does not respond")
}

/// Connects to the host. Returns `None` if there is no socket, or if no host is listening on it.
async fn connect(state_dir: &Path) -> io::Result<Option<UnixStream>> {
    let connected = async { UnixStream::connect(&SocketPath::new(state_dir)?.path).await };
    match connected.await {
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused) => Ok(None),
        connected => connected.map(Some),
    }
}
