//! Sends requests to the host that is running on a state directory.

use std::{
    io,
    path::{Path, PathBuf},
};

use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::UnixStream,
};

use super::{ControlAnswer, ControlQuery, HANDOVER_TIMEOUT, SocketPath, TIMEOUT, socket};

/// The error for a running host that could not be queried.
#[derive(Debug, thiserror::Error)]
#[error("query the running host on {}: {source}", socket.display())]
pub struct QueryError {
    socket: PathBuf,
    source: io::Error,
}

/// Queries the host that is running on a state directory. Returns `None` if no host is running.
///
/// # Errors
/// The socket can't be used, or the host does not respond.
pub async fn query(state_dir: &Path, query: ControlQuery) -> Result<Option<ControlAnswer>, QueryError> {
    let patience = match query {
        ControlQuery::Sessions | ControlQuery::Plugins | ControlQuery::Requests => TIMEOUT,
        ControlQuery::Attach(_) | ControlQuery::Adopt(_) => HANDOVER_TIMEOUT,
    };
    let answer = async {
        let Some(stream) = connect(state_dir).await? else { return Ok(None) };
        let answer = tokio::time::timeout(patience, exchange(stream, query));
        answer.await.map_err(|_| io::Error::new(io::ErrorKind::TimedOut, "it does not respond"))?.map(Some)
    };
    answer.await.map_err(|source| QueryError { socket: socket(state_dir), source })
}

/// Connects to the host. Returns `None` if there is no socket, or if no host is listening on it.
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
