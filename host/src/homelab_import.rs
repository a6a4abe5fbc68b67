//! Turns the homelab bot's session folders into Cordboard sessions. Plans each folder's import, or the reason for
//! skipping it, and then stores the sessions and copies their transcripts. The folders themselves stay unchanged: an
//! imported session works in its old folder, which contains its agent's `.claude` folder.

mod bot_files;
mod persona_tables;
mod store_sessions;

use std::{
    fs,
    io::{self, Read},
    path::{Path, PathBuf},
    time::Duration,
};

use cordboard_agents::{latest_conversation, project_name};
use cordboard_core::{
    config::{self, Config},
    time_zone::Zone,
    types::{InvalidName, SessionName, SessionRecord, Timestamp, UserId},
};
use serde::Serialize;

pub use bot_files::BotFileError;
pub use persona_tables::PersonaTables;
pub use store_sessions::store_planned;

use crate::cli::TimeoutUnit;
use bot_files::{BotPersona, BotSession};

/// The maximum size of a file of the bot, in bytes. The bot writes a few hundred bytes.
const MAX_FILE_SIZE: u64 = 1024 * 1024;

/// The settings and the existing state on which an import depends.
pub struct ImportContext<'a> {
    pub config: &'a Config,
    /// The agent of the imported sessions: the NAME of an `[agents.NAME]` of kind `claude`.
    pub agent: &'a str,
    /// The folder in which that agent stores its transcripts. `None` if the folder is unknown.
    pub transcripts_folder: Option<PathBuf>,
    /// All sessions, including archived ones.
    pub sessions: Vec<SessionRecord>,
    pub owner: UserId,
    pub zone: Zone,
    pub timeout_unit: TimeoutUnit,
    pub now: Timestamp,
}

/// The outcome for one folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ImportOutcome {
    /// The session would be imported.
    New,
    Imported,
    /// The session was imported earlier.
    Exists,
    /// The session conflicts with an existing session or with the configuration.
    Conflict,
    /// A file of the bot can't be used.
    Invalid,
    /// The session could not be stored.
    Failed,
}

impl ImportOutcome {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Imported => "imported",
            Self::Exists => "exists",
            Self::Conflict => "conflict",
            Self::Invalid => "invalid",
            Self::Failed => "failed",
        }
    }

    /// Returns whether the folder could not be imported.
    #[must_use]
    pub const fn is_problem(self) -> bool {
        match self {
            Self::Conflict | Self::Invalid | Self::Failed => true,
            Self::New | Self::Imported | Self::Exists => false,
        }
    }
}

/// A row of the table of `cordboard import`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ImportRow {
    pub name: String,
    pub outcome: ImportOutcome,
    pub persona: Option<String>,
    pub idle_timeout_s: Option<u64>,
    /// Milliseconds since the Unix epoch.
    pub last_active: Option<u64>,
    /// The conversation that the session continues.
    pub conversation: Option<String>,
    pub folder: PathBuf,
    /// The reason for the outcome, or what to do next. Empty if there is nothing to say.
    pub note: String,
}

/// The plan for one folder.
#[derive(Debug, Clone, PartialEq)]
pub struct PlannedImport {
    pub row: ImportRow,
    /// The session to store. `None` if there is nothing to do.
    pub record: Option<SessionRecord>,
    /// The transcript to copy to the place where the agent looks for it.
    pub transcript: Option<TranscriptCopy>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TranscriptCopy {
    pub from: PathBuf,
    pub to: PathBuf,
}

/// The reason why the import can't begin.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    #[error("read the sessions of the bot in {}: {source}; name the bot's folder, which contains the `sessions` folder", folder.display())]
    NoSessions { folder: PathBuf, source: io::Error },
}

/// The reason why a folder is not imported.
#[derive(Debug, thiserror::Error)]
enum SkipReason {
    #[error("failed to read {}: {source}", path.display())]
    Unreadable { path: PathBuf, source: io::Error },
    #[error("{}: {why}", path.display())]
    BotFile { path: PathBuf, why: BotFileError },
    #[error("{0}; change `name` in metadata.json")]
    Name(#[from] InvalidName),
    #[error("idle_timeout is {}, but must be between 1s and 7d; change it in metadata.json", config::format_duration(*.0))]
    Timeout(Duration),
    #[error("a session of this name works in {}: rename it with /rename, or change `name` in metadata.json", .0.display())]
    NameInUse(PathBuf),
    #[error("[sessions.folders] sets {} for this name: change the configuration, or `name` in metadata.json", .0.display())]
    OtherFolder(PathBuf),
    #[error("session '{session}' already continues conversation {conversation}")]
    ConversationInUse { conversation: String, session: SessionName },
}

impl SkipReason {
    const fn outcome(&self) -> ImportOutcome {
        match self {
            Self::Unreadable { .. } | Self::BotFile { .. } | Self::Name(_) | Self::Timeout(_) => ImportOutcome::Invalid,
            Self::NameInUse(_) | Self::OtherFolder(_) | Self::ConversationInUse { .. } => ImportOutcome::Conflict,
        }
    }
}

/// Plans the import of all of the bot's session folders, sorted by folder name. Changes nothing.
///
/// # Errors
/// The folder `sessions` in `bot` can't be read.
pub fn plan(bot: &Path, mut context: ImportContext<'_>) -> Result<(Vec<PlannedImport>, PersonaTables), ImportError> {
    let sessions = bot.join("sessions");
    let no_sessions = |source| ImportError::NoSessions { folder: sessions.clone(), source };
    let entries = fs::read_dir(&sessions).and_then(Iterator::collect::<io::Result<Vec<_>>>).map_err(no_sessions)?;
    let mut folders: Vec<PathBuf> = entries.iter().map(fs::DirEntry::path).filter(|path| path.is_dir()).collect();
    folders.sort();
    let mut personas = PersonaTables::new(context.config);
    let mut planned = Vec::new();
    for folder in folders {
        let plan =
            context.plan_folder(&folder, &mut personas).unwrap_or_else(|reason| skipped_folder(&folder, &reason));
        // A later folder must not get the same name or conversation.
        context.sessions.extend(plan.record.clone());
        planned.push(plan);
    }
    Ok((planned, personas))
}

fn skipped_folder(folder: &Path, reason: &SkipReason) -> PlannedImport {
    let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let row = ImportRow {
        name,
        outcome: reason.outcome(),
        persona: None,
        idle_timeout_s: None,
        last_active: None,
        conversation: None,
        folder: folder.to_owned(),
        note: reason.to_string(),
    };
    PlannedImport { row, record: None, transcript: None }
}

/// The bot's files of one session.
struct BotFolder {
    /// The canonical path, because claude looks up conversations by the canonical path of the working folder.
    folder: PathBuf,
    name: SessionName,
    session: BotSession,
    persona: Option<BotPersona>,
    /// When the bot last wrote its metadata.
    metadata_modified: Timestamp,
}

impl ImportRow {
    fn new(record: &SessionRecord, outcome: ImportOutcome, note: String) -> Self {
        Self {
            name: record.name.to_string(),
            outcome,
            persona: record.persona.clone(),
            idle_timeout_s: record.idle_timeout.map(|timeout| timeout.as_secs()),
            last_active: Some(record.last_active.0),
            conversation: record.conversation.clone(),
            folder: record.folder.clone(),
            note,
        }
    }
}

impl ImportContext<'_> {
    fn plan_folder(&self, folder: &Path, personas: &mut PersonaTables) -> Result<PlannedImport, SkipReason> {
        let found = self.read_folder(folder)?;
        if let Some(earlier) = self.sessions.iter().find(|record| record.folder == found.folder) {
            let note = format!("session '{}' works in this folder", earlier.name);
            let row = ImportRow::new(earlier, ImportOutcome::Exists, note);
            return Ok(PlannedImport { row, record: None, transcript: None });
        }
        self.check_name_is_free(&found.name, &found.folder)?;
        let recorded = found.session.conversation.as_deref();
        let (conversation, transcript) = self.conversation(&found.folder, recorded);
        let has_conversation = conversation.is_some();
        if let Some(conversation) = &conversation {
            self.check_conversation(conversation)?;
        }
        let persona = found.persona.as_ref();
        let persona_name = found.session.persona.or_else(|| persona.and_then(|persona| persona.name.clone()));
        let other_conversation = match (&conversation, recorded) {
            (None, _) => Some("no conversation found: the session starts a new one".to_owned()),
            (Some(latest), Some(lost)) if latest != lost => {
                Some(format!("conversation {lost} has no transcript: the session continues the latest one"))
            }
            (Some(_), _) => None,
        };
        let unknown_persona = persona_name.as_deref().and_then(|name| personas.add_missing(name, persona));
        let note = other_conversation.into_iter().chain(unknown_persona).collect::<Vec<_>>().join("; ");
        let last_active = found.session.last_active.unwrap_or(found.metadata_modified).min(self.now);
        let id = found.name.free_id(|id| self.sessions.iter().any(|record| record.id() == id));
        let record = SessionRecord {
            id: Some(id).filter(|id| *id != found.name),
            persona: persona_name,
            idle_timeout: found.session.idle_timeout,
            begun_elsewhere: has_conversation,
            resumable: has_conversation,
            conversation,
            greeted: true,
            ..SessionRecord::new(found.name, self.owner.clone(), found.folder, self.agent, last_active)
        };
        Ok(PlannedImport { row: ImportRow::new(&record, ImportOutcome::New, note), record: Some(record), transcript })
    }

    fn read_folder(&self, folder: &Path) -> Result<BotFolder, SkipReason> {
        let unreadable = |path: &Path, source| SkipReason::Unreadable { path: path.to_owned(), source };
        let folder = folder.canonicalize().map_err(|source| unreadable(folder, source))?;
        let path = folder.join("metadata.json");
        let bytes = read_bot_file(&path).map_err(|source| unreadable(&path, source))?;
        let session = BotSession::parse(&bytes, self.timeout_unit, &self.zone);
        let session = session.map_err(|why| SkipReason::BotFile { path: path.clone(), why })?;
        if let Some(timeout) = session.idle_timeout.filter(|timeout| !config::IDLE_TIMEOUT.contains(timeout)) {
            return Err(SkipReason::Timeout(timeout));
        }
        let persona = self.persona(&folder)?;
        let folder_name = folder.file_name().unwrap_or_default().to_string_lossy();
        let name = session.name.as_deref().unwrap_or(&folder_name).parse()?;
        let modified = path.metadata().and_then(|metadata| metadata.modified()).ok();
        let modified = modified.and_then(|at| at.duration_since(std::time::UNIX_EPOCH).ok());
        let metadata_modified = modified.map_or(self.now, |age| Timestamp::default().after(age));
        Ok(BotFolder { folder, name, session, persona, metadata_modified })
    }

    /// Returns the persona in the folder's `persona.json`, or `None` if there is no such file.
    fn persona(&self, folder: &Path) -> Result<Option<BotPersona>, SkipReason> {
        let path = folder.join("persona.json");
        match read_bot_file(&path) {
            Ok(bytes) => {
                let parsed = BotPersona::parse(&bytes, self.timeout_unit);
                parsed.map(Some).map_err(|why| SkipReason::BotFile { path, why })
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(SkipReason::Unreadable { path, source }),
        }
    }

    fn check_name_is_free(&self, name: &SessionName, folder: &Path) -> Result<(), SkipReason> {
        if let Some(other) = self.sessions.iter().find(|record| record.name == *name) {
            return Err(SkipReason::NameInUse(other.folder.clone()));
        }
        match self.config.sessions.folder(name) {
            Some(configured) if configured != folder => Err(SkipReason::OtherFolder(configured.to_owned())),
            Some(_) | None => Ok(()),
        }
    }

    fn check_conversation(&self, conversation: &str) -> Result<(), SkipReason> {
        let has = |record: &&SessionRecord| record.conversation.as_deref() == Some(conversation);
        match self.sessions.iter().find(has) {
            Some(other) => Err(SkipReason::ConversationInUse {
                conversation: conversation.to_owned(),
                session: other.name.clone(),
            }),
            None => Ok(()),
        }
    }

    /// Returns the id of the conversation that a session in `folder` continues: the one that the bot recorded if its
    /// transcript exists, or else the latest in the folder's `.claude`, or else the latest that the agent stored for the
    /// folder. If the transcript isn't where the agent looks for it, also returns the copy to make.
    fn conversation(&self, folder: &Path, recorded: Option<&str>) -> (Option<String>, Option<TranscriptCopy>) {
        let own = transcript_folders(folder);
        let project = self.transcripts_folder.as_ref().map(|projects| projects.join(project_name(folder)));
        let latest = || latest_conversation(&own).or_else(|| latest_conversation(project.as_slice()));
        let has_transcript =
            |id: &&str| own.iter().chain(&project).any(|folder| folder.join(format!("{id}.jsonl")).is_file());
        let id = recorded.filter(has_transcript).map(str::to_owned).or_else(|| latest().map(|(id, _)| id));
        let Some(id) = id else { return (None, None) };
        let file = format!("{id}.jsonl");
        let from = own.iter().map(|folder| folder.join(&file)).find(|path| path.is_file());
        let to = project.map(|project| project.join(&file)).filter(|to| !to.exists());
        (Some(id), from.zip(to).map(|(from, to)| TranscriptCopy { from, to }))
    }
}

/// Returns the folders in a session's `.claude` folder that may contain transcripts.
fn transcript_folders(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder.join(".claude/projects")).into_iter().flatten().flatten();
    let mut folders: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    folders.sort();
    folders
}

/// Reads a file of the bot.
fn read_bot_file(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    fs::File::open(path)?.take(MAX_FILE_SIZE + 1).read_to_end(&mut bytes)?;
    if u64::try_from(bytes.len()).is_ok_and(|length| length > MAX_FILE_SIZE) {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, "it is larger than 1 MiB"));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests;
