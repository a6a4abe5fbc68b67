//! Finds the transcript in which claude stores a conversation, and the working folder of the conversation. A transcript
//! doesn't show whether its conversation can be resumed; only the agent knows that.

use std::{
    fs::File,
    io::{BufRead, BufReader, Read},
    path::{Path, PathBuf},
};

use cordboard_core::config::Agent;
use serde_json::Value;

use crate::{command_line, process::Environment};

/// The number of bytes at the start of a transcript that are searched for the folder. The first messages contain the
/// folder, but may follow a long summary.
const SEARCHED: u64 = 1024 * 1024;

/// The maximum length of a conversation id, in bytes. The ids are UUIDs.
const LONGEST_ID: usize = 64;

/// The reason why a transcript or the folder of its conversation could not be found or read.
#[derive(Debug, thiserror::Error)]
pub enum TranscriptError {
    #[error("'{0}' is not the id of a conversation: use the id that /status shows in the terminal")]
    Id(String),
    #[error("no transcript of conversation {id} is below {}: check the id, or name its folder with --folder", projects.display())]
    Missing { id: String, projects: PathBuf },
    #[error("the transcript {} doesn't name a folder: specify the folder with --folder", transcript.display())]
    NoFolder { transcript: PathBuf },
    #[error("the home directory of the agent is unknown: specify the folder of the conversation with --folder")]
    NoHome,
    #[error("agents of this kind store no transcripts")]
    NoTranscripts,
    #[error("failed to read {}: {error}", transcript.display())]
    Unreadable { transcript: PathBuf, error: std::io::Error },
}

/// Returns whether the text can be a conversation id. Such an id is also a valid file name.
#[must_use]
pub fn is_conversation_id(id: &str) -> bool {
    (1..=LONGEST_ID).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

/// Returns the working folder of the conversation `id` of an agent with this configuration. Reads files, so it blocks.
///
/// # Errors
/// The id is invalid, the transcript can't be found, or it doesn't name a folder.
pub fn working_folder(agent: &Agent, environment: &Environment, id: &str) -> Result<PathBuf, TranscriptError> {
    let transcript = stored_transcript(agent, environment, id)?;
    folder_in(&transcript).ok_or(TranscriptError::NoFolder { transcript })
}

/// Returns the file in which claude stores the conversation `id`.
pub fn stored_transcript(agent: &Agent, environment: &Environment, id: &str) -> Result<PathBuf, TranscriptError> {
    if !is_conversation_id(id) {
        return Err(TranscriptError::Id(id.to_owned()));
    }
    let projects = projects_folder(agent, environment)?;
    let folders = std::fs::read_dir(&projects).into_iter().flatten().flatten();
    // The name of the folder below `projects` depends on the conversation's own folder, which is unknown here. So
    // search all folders.
    let transcript = folders.map(|folder| folder.path().join(format!("{id}.jsonl"))).find(|file| file.is_file());
    transcript.ok_or_else(|| TranscriptError::Missing { id: id.to_owned(), projects })
}

/// Returns the folder below which the agent stores the transcripts of its conversations.
///
/// # Errors
/// The environment of the agent contains no home directory.
pub fn projects_folder(agent: &Agent, environment: &Environment) -> Result<PathBuf, TranscriptError> {
    let env = command_line::env(agent, environment);
    let value = |wanted: &str| env.iter().rev().find(|(name, _)| name == wanted).map(|(_, value)| Path::new(value));
    let settings = value("CLAUDE_CONFIG_DIR").map(Path::to_owned);
    let settings = settings.or_else(|| Some(value("HOME")?.join(".claude"))).ok_or(TranscriptError::NoHome)?;
    Ok(settings.join("projects"))
}

/// Returns the name of the folder below `projects` in which claude stores the conversations of a working folder.
#[must_use]
pub fn project_name(folder: &Path) -> String {
    let letter = |c: char| if c.is_ascii_alphanumeric() { c } else { '-' };
    folder.to_string_lossy().chars().map(letter).collect()
}

/// Returns the id and the transcript of the conversation that changed last, among those stored in these folders.
#[must_use]
pub fn latest_conversation(folders: &[PathBuf]) -> Option<(String, PathBuf)> {
    let files = folders.iter().filter_map(|folder| std::fs::read_dir(folder).ok()).flatten().flatten();
    let conversations = files.filter_map(|file| {
        let path = file.path();
        let id = path.file_name()?.to_str()?.strip_suffix(".jsonl").filter(|id| is_conversation_id(id))?.to_owned();
        let changed = path.metadata().ok().filter(std::fs::Metadata::is_file)?.modified().ok()?;
        Some((changed, id, path))
    });
    conversations.max().map(|(_, id, path)| (id, path))
}

fn folder_in(transcript: &Path) -> Option<PathBuf> {
    let lines = BufReader::new(File::open(transcript).ok()?.take(SEARCHED)).lines();
    let messages = lines.map_while(Result::ok).filter_map(|line| serde_json::from_str::<Value>(&line).ok());
    let mut folders = messages.filter_map(|message| message["cwd"].as_str().map(PathBuf::from));
    folders.find(|folder| folder.is_absolute())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use cordboard_core::config::AgentKind;

    use super::*;

    #[test]
    fn the_folder_is_read_from_the_transcript() {
        let home = tempfile::tempdir().unwrap();
        let agent = Agent {
            env: [("HOME".to_owned(), home.path().display().to_string())].into(),
            ..Agent::new(AgentKind::Claude)
        };
        let find = |id: &str| working_folder(&agent, &Environment::default(), id).map_err(|error| error.to_string());
        let missing = |projects: &Path| {
            format!(
                "no transcript of conversation a-1 is below {}: check the id, or name its folder with --folder",
                projects.display()
            )
        };
        let projects = home.path().join(".claude/projects");
        assert_eq!(find("a-1"), Err(missing(&projects)));
        let write = |id: &str, lines: &str| {
            fs::create_dir_all(projects.join("-work-my-app")).unwrap();
            fs::write(projects.join(format!("-work-my-app/{id}.jsonl")), lines).unwrap();
        };
        write(
            "a-1",
            "{\"type\":\"summary\"}\nno json\n{\"cwd\":\"rel\"}\n{\"cwd\":\"/srv/my-app\"}\n{\"cwd\":\"/b\"}\n",
        );
        write("a-2", "{\"type\":\"summary\"}\n");
        assert_eq!(find("a-1"), Ok("/srv/my-app".into()));
        assert!(find("a-2").unwrap_err().contains("doesn't name a folder"));
        for bad in ["", "../a", "a/b", "a.b"] {
            assert_eq!(find(bad), Err(TranscriptError::Id(bad.to_owned()).to_string()));
        }
    }

    #[test]
    fn the_latest_conversation_is_the_one_that_changed_last() {
        let home = tempfile::tempdir().unwrap();
        let project = home.path().join(project_name(Path::new("/srv/my_app.v2")));
        assert_eq!(project, home.path().join("-srv-my-app-v2"));
        let folders = [home.path().join("missing"), project.clone()];
        assert_eq!(latest_conversation(&folders), None);
        fs::create_dir_all(project.join("a-folder.jsonl")).unwrap();
        let now = std::time::SystemTime::now();
        for (name, age) in [("b.jsonl", 1), ("a.jsonl", 2), ("not an id.jsonl", 0), ("c.json", 0)] {
            let file = File::create(project.join(name)).unwrap();
            file.set_modified(now - std::time::Duration::from_secs(age)).unwrap();
        }
        assert_eq!(latest_conversation(&folders), Some(("b".to_owned(), project.join("b.jsonl"))));
    }

    #[test]
    fn the_settings_folder_of_the_agent_comes_first() {
        let home = tempfile::tempdir().unwrap();
        fs::create_dir_all(home.path().join("projects/x")).unwrap();
        fs::write(home.path().join("projects/x/a.jsonl"), "{\"cwd\":\"/work\"}\n").unwrap();
        let agent = Agent { pass_env: vec!["CLAUDE_CONFIG_DIR".to_owned()], ..Agent::new(AgentKind::Claude) };
        let environment: Environment =
            [("CLAUDE_CONFIG_DIR".to_owned(), home.path().display().to_string())].into_iter().collect();
        assert_eq!(working_folder(&agent, &environment, "a").unwrap(), Path::new("/work"));
        let unknown = working_folder(&agent, &Environment::default(), "a");
        assert!(matches!(unknown, Err(TranscriptError::NoHome)));
    }
}
