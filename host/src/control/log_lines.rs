//! Sends the host's log to `cordboard logs`: the remembered records, and then each new one if the command follows the
//! log.

use std::{io, time::Duration};

use serde::{Deserialize, Serialize};
use tokio::{io::AsyncReadExt as _, time::sleep};

use super::{ClientConnection, ControlAnswer};
use crate::logging::{self, LinesSince, recent_lines};

/// The pause between two responses, so that a busy log is sent in few of them.
const PAUSE: Duration = Duration::from_millis(100);

/// Selects whether the host sends further records on the same connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AfterRecentLines {
    Close,
    Follow,
}

/// Records of the host's log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogLines {
    /// Each line is a record as JSON, as with `[log] format = "json"`.
    pub lines: Vec<String>,
    /// The number of records before these lines that the host no longer remembers.
    pub missing: u64,
}

/// Returns the last response. If the client follows the log, there is none before the client closes the connection.
///
/// # Errors
/// The client has closed the connection.
pub(super) async fn send_log(then: AfterRecentLines, client: &mut ClientConnection) -> io::Result<ControlAnswer> {
    if let Some(source) = logging::journal() {
        return Ok(ControlAnswer::Journal(source.clone()));
    }
    let mut written = recent_lines().changes();
    let (mut next, mut unexpected) = (None, [0_u8]);
    loop {
        written.mark_unchanged();
        let LinesSince { lines, missing, next: following } = recent_lines().since(next.unwrap_or_default());
        // The first response begins with the oldest record that the host remembers, so it misses none.
        let missing = next.map_or(0, |_| missing);
        let lines = lines.iter().map(|line| line.to_string()).collect();
        let answer = ControlAnswer::Log(LogLines { lines, missing });
        match then {
            AfterRecentLines::Close => return Ok(answer),
            AfterRecentLines::Follow => client.respond(&answer).await?,
        }
        next = Some(following);
        tokio::select! {
            _ = written.changed() => sleep(PAUSE).await,
            // The client sends nothing after its request, so it has closed the connection.
            _ = client.read.read(&mut unexpected) => return Err(io::ErrorKind::ConnectionAborted.into()),
        }
    }
}
