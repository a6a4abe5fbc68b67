//! Reads a conversation's last exchanges from the agent's transcript file. Reads only the end of the file.

use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom},
    path::Path,
};

use cordboard_agents::{TranscriptError, exchanges, transcript};
use cordboard_core::{
    config::AgentFeature,
    messages, scrub,
    session::{ApiError, ApiErrorCode},
    types::{Caller, Exchange, SessionName},
};
use cordboard_runtime::refuse;
use tokio::task::spawn_blocking;

use super::HostService;

/// The size of the part of the file that is read first, in bytes. If this part contains too few exchanges, larger parts
/// are read.
const FIRST_PART: u64 = 256 * 1024;
/// The maximum size of the part that is read, in bytes.
const LARGEST_PART: u64 = 16 * 1024 * 1024;

impl HostService {
    pub(super) async fn last_exchanges(
        &self,
        caller: &Caller,
        name: &SessionName,
        count: usize,
    ) -> Result<Vec<Exchange>, ApiError> {
        let view = self.visible(caller, name.as_str())?;
        let record = view.record.clone();
        let config = self.config();
        let Some(agent) = config.agents.get(&record.agent).cloned() else {
            return Err(refuse(ApiErrorCode::Invalid, messages::agent_not_configured(&record.agent)));
        };
        if agent.kind.lacks(AgentFeature::Resume) {
            return Err(refuse(ApiErrorCode::Invalid, messages::no_history(&record.agent)));
        }
        let Some(conversation) = record.conversation_start().id().cloned() else { return Ok(Vec::new()) };
        let (environment, folder) = (self.environment.clone(), record.folder.clone());
        let read = spawn_blocking(move || {
            let file = transcript(&agent, &environment, &folder, &conversation)?;
            last_exchanges(&file, count).map_err(|error| TranscriptError::Unreadable { transcript: file, error })
        });
        match read.await {
            Ok(Ok(exchanges)) => Ok(exchanges.into_iter().map(redact_and_shorten).collect()),
            Ok(Err(error)) => Err(history_error(name, &record.agent, &error)),
            Err(error) => {
                tracing::warn!(%error, session = %name, "reading a transcript panicked");
                Err(refuse(ApiErrorCode::Failed, messages::transcript_not_read()))
            }
        }
    }
}

/// Returns the error to show to users. It doesn't contain paths, which are only logged.
fn history_error(session: &SessionName, agent: &str, error: &TranscriptError) -> ApiError {
    let text = match error {
        TranscriptError::NoTranscripts => return refuse(ApiErrorCode::Invalid, messages::no_history(agent)),
        TranscriptError::Unreadable { error, .. } if error.kind() != io::ErrorKind::NotFound => {
            messages::transcript_not_read()
        }
        TranscriptError::Unreadable { .. } | TranscriptError::Missing { .. } => messages::transcript_not_found(),
        TranscriptError::Id(_) | TranscriptError::NoFolder { .. } | TranscriptError::NoHome => {
            messages::transcript_not_found()
        }
    };
    tracing::warn!(%error, %session, "failed to read a transcript");
    refuse(ApiErrorCode::Failed, text)
}

/// Removes secrets, then shortens the texts. In the reverse order, a truncated secret wouldn't be recognized.
fn redact_and_shorten(exchange: Exchange) -> Exchange {
    let Exchange { prompt, answer, at } = exchange;
    Exchange { prompt: scrub::text(prompt), answer: scrub::text(answer), at }.shortened()
}

fn last_exchanges(file: &Path, count: usize) -> io::Result<Vec<Exchange>> {
    // The agent controls this path, so refuse links and pipes.
    if !file.symlink_metadata()?.is_file() {
        return Err(io::Error::other("it is not a regular file"));
    }
    let mut file = File::open(file)?;
    let size = file.metadata()?.len();
    let mut part = FIRST_PART;
    loop {
        let start = size.saturating_sub(part);
        file.seek(SeekFrom::Start(start))?;
        let mut bytes = Vec::new();
        // The agent may be appending to the file.
        (&mut file).take(size - start).read_to_end(&mut bytes)?;
        // The first line of a part is incomplete, unless the part is the whole file.
        let complete = if start == 0 { 0 } else { bytes.iter().position(|byte| *byte == b'\n').unwrap_or(bytes.len()) };
        let mut found = exchanges(&bytes[complete..]);
        if found.len() >= count || start == 0 || part >= LARGEST_PART {
            return Ok(found.split_off(found.len().saturating_sub(count)));
        }
        part = (part * 8).min(LARGEST_PART);
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    #[test]
    fn only_the_end_of_a_large_transcript_is_read() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        let user = |text: &str| format!(r#"{{"type":"user","message":{{"content":"{text}"}}}}"#);
        writeln!(file, "{}", user("too far away")).unwrap();
        writeln!(file, r#"{{"type":"padding","text":"{}"}}"#, "x".repeat(17 * 1024 * 1024)).unwrap();
        for text in ["one", "two", "three"] {
            writeln!(file, "{}", user(text)).unwrap();
        }
        let prompts = |count| {
            let found = last_exchanges(file.path(), count).unwrap();
            found.into_iter().map(|exchange| exchange.prompt).collect::<Vec<_>>()
        };
        assert_eq!(prompts(2), ["two", "three"]);
        assert_eq!(prompts(9), ["one", "two", "three"]);
    }

    #[test]
    fn the_error_for_users_says_whether_the_transcript_is_missing() {
        let text = |kind: io::ErrorKind| {
            let error = TranscriptError::Unreadable { transcript: "/home/ada/a.jsonl".into(), error: kind.into() };
            history_error(&"a".parse().unwrap(), "claude", &error).text
        };
        assert_eq!(text(io::ErrorKind::NotFound), messages::transcript_not_found());
        assert_eq!(text(io::ErrorKind::PermissionDenied), messages::transcript_not_read());
    }

    #[test]
    fn an_exchange_beyond_the_first_part_is_found() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        writeln!(file, r#"{{"type":"user","message":{{"content":"early"}}}}"#).unwrap();
        writeln!(file, r#"{{"type":"padding","text":"{}"}}"#, "x".repeat(1024 * 1024)).unwrap();
        assert_eq!(last_exchanges(file.path(), 5).unwrap()[0].prompt, "early");
    }
}
