//! Downloads message attachments from the chat into session folders before the messages are sent to their sessions.
//! Sessions therefore never wait for the chat; only later messages in the same place do.

use std::{
    io,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use cordboard_core::{
    config::AgentFeature,
    messages::{self, HostReply},
    types::{ChatFile, Place, SessionName, SessionRecord},
    updates_and_posts::{InboxRow, UpdateKind},
};
use tokio::time::timeout;

use super::{Dispatcher, Outbound};
use crate::{received_files::ReceivedFiles, session::prepare_folder};

/// The time limit for downloading all of a message's files.
const WITHIN: Duration = Duration::from_secs(10 * 60);

/// The result of saving a message's files.
pub(super) struct SavedFiles {
    /// The id of the session whose folder contains the files.
    pub session: SessionName,
    pub files: Vec<ChatFile>,
    /// The notice that tells the user why the agent doesn't receive the files, if it doesn't.
    pub notice: Option<HostReply>,
}

impl SavedFiles {
    /// Returns the paths of the files, relative to the session folder.
    pub fn paths(&self) -> Vec<String> {
        self.files.iter().map(|file| file.path().display().to_string()).collect()
    }
}

/// The saved files of a message that is a command. They are attached to the first prompt that the command sends to the
/// session whose folder contains them.
#[derive(Clone, Default)]
pub struct CommandFiles(Arc<Mutex<Option<FilesOfSession>>>);

/// A session id, and files in that session's folder.
type FilesOfSession = (SessionName, Vec<ChatFile>);

impl CommandFiles {
    pub(super) fn of(saved: Option<&SavedFiles>) -> Self {
        Self(Arc::new(Mutex::new(saved.map(|saved| (saved.session.clone(), saved.files.clone())))))
    }

    /// Removes and returns the files if they are in this session's folder.
    pub(super) fn take(&self, session: &SessionName) -> Vec<ChatFile> {
        let mut files = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        files.take_if(|(of, _)| of == session).map(|(_, files)| files).unwrap_or_default()
    }

    pub(super) fn are_taken(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).is_none()
    }
}

impl Dispatcher {
    /// Saves a message's files in the active session's folder. Returns `None` if the message has only text or no
    /// session is active. `command` is the command's name, if the message is a command. The error says why the files
    /// couldn't be saved.
    pub(super) async fn save_files(
        &self,
        row: &InboxRow,
        command: Option<&str>,
    ) -> Result<Option<SavedFiles>, HostReply> {
        let UpdateKind::NotText { kind, caption, files } = &row.update.what else { return Ok(None) };
        let active = self.host.sessions.registry.active(&row.update.caller, &row.update.place);
        let Some(view) = active else { return Ok(None) };
        let mut saved = SavedFiles { session: view.record.id().clone(), files: files.clone(), notice: None };
        if files.is_empty() {
            // Messages of this kind have no files to download.
            saved.notice = Some(HostReply::CaptionTaken { kind: kind.clone() });
            return Ok(Some(saved));
        }
        let chat = SourceChat { outbound: &self.outbound, place: &row.update.place };
        let downloaded = save(&chat, &view.record, &self.host.state_dir, files).await;
        downloaded.map_err(|why| HostReply::FileNotSaved { why, command: command.map(str::to_owned) })?;
        let agent = self.host.config().agents.get(&view.record.agent).cloned();
        if agent.is_some_and(|agent| agent.kind.lacks(AgentFeature::Files)) {
            if caption.is_none() {
                return Err(HostReply::OnlySaved { saved: saved.paths() });
            }
            saved.notice = Some(HostReply::OnlyTextTaken { saved: saved.paths() });
        }
        Ok(Some(saved))
    }

    /// Returns the session whose folder contains a message's files, even if another session became active during the
    /// download. Returns `None` if the user may no longer use that session.
    pub(super) fn session_with(&self, saved: &SavedFiles, row: &InboxRow) -> Option<SessionName> {
        let name = self.host.sessions.registry.name_of(&saved.session);
        self.host.may_prompt(&row.update, &name).then_some(name)
    }
}

/// The chat from which a message's files are downloaded.
struct SourceChat<'a> {
    outbound: &'a Outbound,
    place: &'a Place,
}

/// Downloads the files that are not saved yet. If a download fails, none of the files is kept. The error is a sentence
/// to show to the user.
async fn save(
    chat: &SourceChat<'_>,
    session: &SessionRecord,
    state_dir: &Path,
    files: &[ChatFile],
) -> Result<(), String> {
    prepare_folder(session, state_dir).map_err(|error| messages::files::folder_not_prepared(&session.name, error))?;
    let not_saved = |error: io::Error| messages::files::not_saved(&session.folder, error);
    let folder = ReceivedFiles::create(&session.folder).map_err(not_saved)?;
    let new: Vec<&ChatFile> = files.iter().filter(|file| !folder.contains(&file.saved_as)).collect();
    let all = async {
        for file in &new {
            let content = folder.begin(&file.saved_as).map_err(not_saved)?;
            let downloaded = chat.outbound.download(chat.place, file, content).await;
            downloaded.map_err(|error| messages::files::not_downloaded(&file.kind, error))?;
            folder.save(&file.saved_as).map_err(not_saved)?;
        }
        Ok(())
    };
    let late = || Err(messages::files::download_too_long(WITHIN));
    let outcome = timeout(WITHIN, all).await.unwrap_or_else(|_| late());
    if outcome.is_err() {
        for file in &new {
            folder.discard(&file.saved_as);
            folder.remove(&file.saved_as);
        }
    }
    outcome
}
