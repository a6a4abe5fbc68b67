//! Transcribes voice messages to agents with the program in `[voice] command`, before filters see the messages. If a
//! recording can't be transcribed, its message is still delivered.

use std::{io, iter, path::Path, sync::Arc};

use cordboard_agents::process::{EnvTag, Environment, OutputError, OutputKind, OutputLimits, Spawn, collect_output};
use cordboard_core::{
    config::{AgentLimits, Voice, VoiceCommand},
    messages::transcription,
    render::{one_line, strip_controls},
    scrub,
    types::{ChatFile, FilterInput, SessionName},
};
use tokio::{sync::Semaphore, task::spawn_blocking};

use crate::received_files;

/// The maximum number of transcription programs running at once, across all sessions. A speech recognition program uses
/// several cores and a few GB of memory.
const MOST_PROGRAMS: usize = 2;

/// The maximum size of a program's output, in bytes: enough for the text of about four hours of speech.
const MAX_OUTPUT: usize = 256 * 1024;

/// The maximum length, in characters, of the reason why a recording was not transcribed.
const MAX_REASON: usize = 300;

/// The folder in which the programs run. In a session's folder, a program that looks for its own files could pick up
/// the agent's files instead.
const FOLDER: &str = "/";

/// Starts the programs that transcribe recordings. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Transcriber {
    /// The UUID of the state directory, by which the next host process finds the programs of a killed one.
    host_id: Arc<str>,
    environment: Environment,
    permits: Arc<Semaphore>,
}

/// The text of a message that contains recordings, after transcription.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct TranscribedText {
    /// The text for the agent.
    pub text: String,
    /// The notice for the author, as Markdown.
    pub notice: String,
}

/// The reason why a recording was not transcribed.
#[derive(Debug, thiserror::Error)]
enum TranscriptionError {
    #[error("failed to read the recording: {0}")]
    Recording(#[from] io::Error),
    #[error(transparent)]
    Program(#[from] OutputError),
    #[error("the program recognized no speech")]
    NoSpeech,
}

impl Transcriber {
    #[must_use]
    pub fn new(host_id: &str, environment: Environment) -> Self {
        Self { host_id: host_id.into(), environment, permits: Arc::new(Semaphore::new(MOST_PROGRAMS)) }
    }

    /// Returns the message's text combined with the transcribed text of its recordings, or `None` if there is nothing
    /// to transcribe.
    pub(super) async fn transcribe(
        &self,
        voice: &Voice,
        message: &FilterInput,
        session_folder: &Path,
    ) -> Option<TranscribedText> {
        let command = voice.command.as_ref()?;
        let limits = OutputLimits { time: voice.timeout, bytes: MAX_OUTPUT };
        let mut results = Vec::new();
        for recording in message.files.iter().filter(|file| file.kind == ChatFile::VOICE_MESSAGE) {
            let text = self.text_of(command, limits, session_folder, recording).await;
            results.push(text.map_err(|error| reason(&error)));
        }
        transcribed(&message.text, &results)
    }

    async fn text_of(
        &self,
        command: &VoiceCommand,
        limits: OutputLimits,
        session_folder: &Path,
        recording: &ChatFile,
    ) -> Result<String, TranscriptionError> {
        let (folder, file) = (session_folder.to_owned(), recording.clone());
        let path = spawn_blocking(move || received_files::saved_path(&folder, &file)).await;
        let path = path.map_err(io::Error::from)??;
        let _permit = self.permits.acquire().await.expect("the semaphore is never closed");
        let output = collect_output(self.program(command, &path), limits).await?;
        let output = String::from_utf8_lossy(&output);
        match strip_controls(&output).trim() {
            "" => Err(TranscriptionError::NoSpeech),
            text => Ok(text.to_owned()),
        }
    }

    fn program(&self, command: &VoiceCommand, recording: &Path) -> Spawn {
        // When a program ends, all processes that have its tag are ended too, so the tag must not be a session's tag.
        let run = format!("transcription-{}", uuid::Uuid::new_v4().simple());
        let run: SessionName = run.parse().expect("it has only letters, digits and a hyphen");
        Spawn {
            program: command.program.as_str().into(),
            args: command.args_for(recording),
            env: self.environment.not_secret(),
            folder: FOLDER.into(),
            tag: EnvTag { host: self.host_id.to_string(), session: run },
            limits: AgentLimits::NONE,
            output: OutputKind::Lines,
        }
    }
}

/// Returns the reason to show to users, with secrets removed, because the last line of a program's error output may
/// contain one.
fn reason(error: &TranscriptionError) -> String {
    let reason = scrub::text(error.to_string());
    tracing::warn!(error = reason, "failed to transcribe a recording");
    one_line(&reason, MAX_REASON)
}

/// Combines a message's caption with the texts or errors that its recordings produced. Returns `None` if they produced
/// neither.
fn transcribed(caption: &str, results: &[Result<String, String>]) -> Option<TranscribedText> {
    let spoken = results.iter().flatten().map(String::as_str).collect::<Vec<_>>().join("\n\n");
    let missing = results.iter().find_map(|result| result.as_ref().err()).map(String::as_str);
    let notice = match (spoken.is_empty(), missing) {
        (true, None) => return None,
        (true, Some(why)) => transcription::not_transcribed(why),
        (false, missing) => transcription::understood(&spoken, missing),
    };
    let note = missing.map(transcription::note_for_agent).unwrap_or_default();
    let parts = iter::once(caption).chain([spoken.as_str(), note.as_str()]).filter(|part| !part.trim().is_empty());
    Some(TranscribedText { text: parts.collect::<Vec<_>>().join("\n\n"), notice })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(caption: &str, results: &[Result<&str, &str>]) -> Option<(String, String)> {
        let owned = |result: &Result<&str, &str>| result.map(str::to_owned).map_err(str::to_owned);
        let results: Vec<_> = results.iter().map(owned).collect();
        transcribed(caption, &results).map(|found| (found.text, found.notice))
    }

    #[tokio::test]
    async fn at_most_two_programs_run_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("log");
        let script = format!("echo begin >> {0}; sleep 0.3; echo end >> {0}; echo text", log.display());
        let inbox = folder.path().join("inbox");
        std::fs::create_dir(&inbox).unwrap();
        let recording = ChatFile::new("f", ChatFile::VOICE_MESSAGE, "voice.ogg", "1");
        std::fs::write(inbox.join(&recording.saved_as), script).unwrap();
        let text = "[voice]\ncommand = [\"sh\"]\n";
        let voice = cordboard_core::config::load(text).unwrap().voice;
        let message = FilterInput { text: String::new(), files: vec![recording] };
        let transcriber = Transcriber::new("host", Environment::read());
        let all = (0..4).map(|_| transcriber.transcribe(&voice, &message, folder.path()));
        for one in futures::future::join_all(all).await {
            assert_eq!(one.map(|found| found.text).as_deref(), Some("text"));
        }
        let (mut running, mut most) = (0, 0);
        for line in std::fs::read_to_string(log).unwrap().lines() {
            running = if line == "begin" { running + 1 } else { running - 1 };
            most = most.max(running);
        }
        assert_eq!(most, MOST_PROGRAMS);
    }

    #[test]
    fn the_spoken_text_follows_the_caption() {
        let found = |text: &str, notice: &str| Some((text.to_owned(), notice.to_owned()));
        assert_eq!(text("Note:", &[]), None);
        assert_eq!(text("", &[Ok("Buy milk.")]), found("Buy milk.", "🎤 Buy milk."));
        assert_eq!(text("Note:", &[Ok("a"), Ok("b")]), found("Note:\n\na\n\nb", "🎤 a\n\nb"));
        let partly = "a\n\n[The recording could not be transcribed: no speech]";
        assert_eq!(
            text("", &[Ok("a"), Err("no speech")]),
            found(partly, "🎤 a\nA part was not transcribed: no speech")
        );
        let failed = "Note:\n\n[The recording could not be transcribed: no speech]";
        let notice = "🎤 Not transcribed, so the agent gets the recording itself: no speech";
        assert_eq!(text("Note:", &[Err("no speech")]), found(failed, notice));
    }
}
