//! Moves sessions between the chat and terminals: opens a session in a terminal, and creates a session from a
//! conversation that began in a terminal.

use std::{path::PathBuf, sync::Arc, time::Duration};

use async_trait::async_trait;
use cordboard_agents::{
    TerminalCommand, TranscriptError, is_conversation_id, process::Environment, terminal_command, working_folder,
};
use cordboard_core::{
    config::{Agent, AgentKind, Config},
    event::CausationChain,
    messages,
    session::{ApiErrorCode, Launch, SessionCommand},
    types::{ProcessId, SessionName, SessionView},
};
use cordboard_runtime::{SessionSpec, refuse};
use tokio::{sync::Mutex, task::spawn_blocking, time::timeout};

use crate::{
    control::{Adopted, Adoption, Handover, HandoverError},
    hub::{HostService, session_errors::unknown},
    session::{self, SessionConfig as _},
};

/// The time limit for a session's agent to exit. The session kills the agent before this limit is reached.
const EXIT_WITHIN: Duration = Duration::from_secs(30);

pub struct HandoverService {
    host: Arc<HostService>,
    environment: Environment,
    /// Serializes adoptions, so that no two of them use the same conversation.
    adopting: Mutex<()>,
}

impl HandoverService {
    #[must_use]
    pub fn new(host: Arc<HostService>, environment: Environment) -> Self {
        Self { host, environment, adopting: Mutex::default() }
    }

    fn view(&self, name: &SessionName) -> Result<Arc<SessionView>, HandoverError> {
        let view = self.host.sessions.registry.view(name.as_str());
        Ok(view.ok_or_else(|| unknown(name.as_str()))?)
    }

    /// Waits until the session has no running agent, and returns its snapshot.
    async fn without_agent(&self, name: &SessionName) -> Result<Arc<SessionView>, HandoverError> {
        let mut changes = self.host.sessions.registry.changes();
        loop {
            let view = self.view(name)?;
            if !view.phase.is_live() {
                return Ok(view);
            }
            drop(changes.changed().await);
        }
    }

    fn command(&self, view: &SessionView) -> Result<TerminalCommand, HandoverError> {
        let record = &view.record;
        let agent = self.host.config.agent(&record.agent);
        let agent = agent.ok_or_else(|| {
            let config = self.host.config();
            let known = config.agents.by_name.keys().map(String::as_str);
            refuse(ApiErrorCode::Invalid, messages::unknown_name("agent", &record.agent, known))
        })?;
        let launch = Launch {
            conversation: record.conversation_start(),
            model: view.model.clone(),
            permission_mode: view.permission_mode,
            // The command line can't change the instructions of a resumed conversation; only the agent's protocol can.
            instructions: String::new(),
        };
        let report = session::report_file(&self.host.state_dir, record.id());
        Ok(terminal_command(&record.agent, &agent, &launch, &record.folder, &report)?)
    }

    /// Returns the folder of the conversation: the requested one, or else the one in the agent's transcripts.
    async fn folder(&self, adoption: &Adoption, agent: Agent) -> Result<PathBuf, HandoverError> {
        let id = adoption.conversation.clone();
        if !is_conversation_id(&id) {
            return Err(TranscriptError::Id(id).into());
        }
        let folder = match adoption.folder.clone() {
            Some(folder) => folder,
            None => {
                let environment = self.environment.clone();
                let search = spawn_blocking(move || working_folder(&agent, &environment, &id));
                search.await.unwrap_or(Err(TranscriptError::NoHome))?
            }
        };
        if folder.is_dir() { Ok(folder) } else { Err(HandoverError::NoFolder(folder)) }
    }
}

/// Returns the requested agent if it is of kind `claude`, or else an agent of that kind.
fn claude_agent(config: &Config, requested: Option<&str>) -> Result<(String, Agent), HandoverError> {
    match config.agents.of_kind(AgentKind::Claude, requested) {
        Some((name, agent)) => Ok((name.to_owned(), agent.clone())),
        None => Err(requested.map_or(HandoverError::NoAgent, |wanted| HandoverError::NoSuchAgent(wanted.to_owned()))),
    }
}

#[async_trait]
impl Handover for HandoverService {
    async fn attach(&self, name: &SessionName, process: ProcessId) -> Result<TerminalCommand, HandoverError> {
        // Check the agent before the session is held and its agent is stopped.
        self.command(&*self.view(name)?)?;
        let session = self.host.sessions.get(name).ok_or_else(|| unknown(name.as_str()))?;
        session.command(SessionCommand::OpenTerminal(process), CausationChain::default()).await?;
        // If a later step fails, `process` exits, which releases the session.
        let stopped = timeout(EXIT_WITHIN, self.without_agent(name)).await;
        let view = stopped.map_err(|_| HandoverError::AgentRuns(name.clone()))??;
        let prepared = session::prepare_folder(&view.record, &self.host.state_dir);
        prepared.map_err(|error| refuse(ApiErrorCode::Failed, error.to_string()))?;
        self.command(&view)
    }

    async fn adopt(&self, adoption: Adoption) -> Result<Adopted, HandoverError> {
        let _one_at_a_time = self.adopting.lock().await;
        if let Some(other) = self.host.sessions.registry.with_conversation(&adoption.conversation) {
            let session = other.record.name.clone();
            return Err(HandoverError::InUse { conversation: adoption.conversation, session });
        }
        let config = self.host.config();
        let (agent_name, agent) = claude_agent(&config, adoption.agent.as_deref())?;
        let folder = self.folder(&adoption, agent).await?;
        let session = adoption.name;
        if let Some(configured) = config.sessions.folder(&session).filter(|configured| *configured != folder) {
            return Err(HandoverError::OtherFolder { session, configured: configured.to_owned(), folder });
        }
        let spec = SessionSpec {
            name: session.to_string(),
            agent: Some(agent_name),
            persona: None,
            model: None,
            folder: None,
        };
        let view = self.host.adopt(spec, folder, adoption.conversation).await?;
        Ok(Adopted { agent: view.record.agent, folder: view.record.folder })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_conversation_is_adopted_by_an_agent_of_its_kind() {
        let config = |text: &str| cordboard_core::config::load(text).unwrap();
        let name = |config: &Config, requested| claude_agent(config, requested).map(|(name, _)| name).ok();
        let shipped = config("");
        assert_eq!(name(&shipped, None).as_deref(), Some("claude"));
        assert_eq!(name(&shipped, Some("demo")), None);
        let own = config("[agents]\ndefault = \"work\"\n[agents.work]\nkind = \"claude\"\n");
        assert_eq!(name(&own, None).as_deref(), Some("work"));
        assert_eq!(name(&own, Some("claude")).as_deref(), Some("claude"));
        assert_eq!(name(&own, Some("other")), None);
    }
}
