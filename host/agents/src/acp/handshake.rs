//! Starts, resumes or forks a conversation with an agent: negotiates the protocol version, opens the session, and sets
//! the model and the permission mode.

use agent_client_protocol_schema::{
    ProtocolVersion,
    v1::{
        AGENT_METHOD_NAMES, Error, Implementation, InitializeRequest, InitializeResponse, LoadSessionRequest,
        NewSessionRequest, SystemPrompt,
    },
};
use cordboard_core::{
    agent_event::AgentEvent,
    messages::agent_outcome,
    types::{ConversationStart, PermissionMode},
};
use serde_json::{Value, json};

use super::{
    Call, outcome, rpc,
    settings::{Change, Setting, SettingKind, Settings},
};
use crate::{Start, json_fields::text};

const SESSION_FORK: &str = "session/fork";

/// The state of the handshake, and the agent's description of itself.
pub struct Handshake {
    folder: String,
    /// The agent's command, for the message that tells the user to log in.
    command: String,
    resume: Option<String>,
    /// Whether to continue the conversation `resume` as a new one.
    forks: bool,
    model: Option<String>,
    mode: PermissionMode,
    /// The agent's current permission mode, if it is known.
    agents_mode: Option<PermissionMode>,
    /// The persona's instructions, if they have not been sent yet.
    instructions: Option<String>,
    agent: Option<InitializeResponse>,
    /// Empty until the agent has opened the session.
    session: String,
    settings: Settings,
    /// Whether the agent has opened the session, so that `settings` is known.
    is_open: bool,
    /// The reason why the session could not start in its permission mode.
    refused_mode: Option<String>,
    is_ready: bool,
}

/// The next request of the handshake.
pub struct Next {
    pub call: Call,
    pub method: &'static str,
    pub params: Value,
}

/// The reason why the agent could not open a session, as text for the user.
pub enum Failure {
    Start(String),
    Resume(String),
}

impl From<Failure> for AgentEvent {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Start(why) => Self::StartFailed(why),
            Failure::Resume(why) => Self::ResumeRefused(why),
        }
    }
}

/// Returns the parameters of the first request. The host offers the agent neither files nor terminals: the agent uses
/// its own tools.
pub fn initialize() -> InitializeRequest {
    let host = Implementation::new("cordboard", env!("CARGO_PKG_VERSION")).title("Cordboard".to_owned());
    InitializeRequest::new(ProtocolVersion::V1).client_info(host)
}

impl Handshake {
    pub fn new(start: &Start<'_>) -> Self {
        let Start { launch, agent, .. } = start;
        let command =
            [agent.command.as_deref().unwrap_or_default()].into_iter().chain(agent.args.iter().map(String::as_str));
        Self {
            folder: start.folder.to_string_lossy().into_owned(),
            command: command.collect::<Vec<_>>().join(" "),
            resume: launch.conversation.id().cloned(),
            forks: matches!(launch.conversation, ConversationStart::Fork(_)),
            model: launch.model.as_ref().or(agent.model.as_ref()).cloned(),
            mode: launch.permission_mode,
            agents_mode: None,
            instructions: Some(launch.instructions.clone()).filter(|text| !text.trim().is_empty()),
            agent: None,
            session: String::new(),
            settings: Settings::default(),
            is_open: false,
            refused_mode: None,
            is_ready: false,
        }
    }

    pub fn session(&self) -> &str {
        &self.session
    }

    /// Handles the response to `initialize`. Returns the request that opens the session.
    pub fn on_initialized(&mut self, result: Result<&Value, Error>) -> Result<Next, Failure> {
        let result = result.map_err(|error| Failure::Start(self.error_text(&error)))?;
        let ours = ProtocolVersion::V1.as_u16();
        if let Some(version) = result["protocolVersion"].as_u64().filter(|version| *version != u64::from(ours)) {
            return Err(Failure::Start(agent_outcome::other_acp_version(version, ours)));
        }
        let agent = serde_json::from_value::<InitializeResponse>(result.clone()).map_err(|error| {
            tracing::warn!(%error, "failed to read an agent's response to initialize");
            Failure::Start(agent_outcome::no_acp_agent(ours))
        })?;
        let can_load = agent.agent_capabilities.load_session;
        let can_fork = result["agentCapabilities"]["sessionCapabilities"]["fork"].is_object();
        let system_prompt = self.system_prompt(&agent);
        self.agent = Some(agent);
        match &self.resume {
            Some(_) if self.forks && !can_fork => Err(Failure::Resume(agent_outcome::cannot_fork())),
            Some(id) if self.forks => {
                // The response has the same form as the response to `session/new`. The method is a draft, so the schema
                // crate doesn't define a type for it.
                let params = json!({ "sessionId": id, "cwd": self.folder, "mcpServers": [] });
                Ok(Next { call: Call::NewSession, method: SESSION_FORK, params })
            }
            Some(_) if !can_load => Err(Failure::Resume(agent_outcome::cannot_resume())),
            Some(id) => {
                // From now on, updates carry this session id.
                self.session.clone_from(id);
                let params =
                    rpc::value(LoadSessionRequest::new(id.clone(), self.folder.clone()).system_prompt(system_prompt));
                Ok(Next { call: Call::LoadSession, method: AGENT_METHOD_NAMES.session_load, params })
            }
            None => {
                let params = rpc::value(NewSessionRequest::new(self.folder.clone()).system_prompt(system_prompt));
                Ok(Next { call: Call::NewSession, method: AGENT_METHOD_NAMES.session_new, params })
            }
        }
    }

    /// Returns the instructions as a system prompt if the agent supports that. Otherwise, keeps them for
    /// [`Self::take_instructions`].
    fn system_prompt(&mut self, agent: &InitializeResponse) -> Option<SystemPrompt> {
        agent.agent_capabilities.session_capabilities.system_prompt.as_ref()?;
        Some(SystemPrompt::new(vec![self.instructions.take()?.into()]))
    }

    /// Returns the instructions that precede the first prompt of a new conversation. Most agents don't support a system
    /// prompt. A resumed conversation already contains the instructions; another copy after each resume would waste its
    /// context.
    pub fn take_instructions(&mut self) -> Option<String> {
        self.instructions.take().filter(|_| self.resume.is_none())
    }

    /// Handles the response to `session/new`, `session/load` or `session/fork`. Returns the changes to the session's
    /// settings.
    pub fn on_session(&mut self, result: Result<&Value, Error>) -> Result<Vec<Change>, Failure> {
        let result = result.map_err(|error| match (self.login_text(&error), &self.resume) {
            (Some(login), _) => Failure::Start(login),
            (None, Some(_)) => Failure::Resume(outcome::error_text(&error)),
            (None, None) => Failure::Start(outcome::error_text(&error)),
        })?;
        if self.resume.is_none() || self.forks {
            text(result, "sessionId").clone_into(&mut self.session);
        }
        if self.session.is_empty() {
            return Err(Failure::Start(agent_outcome::no_conversation_id()));
        }
        self.settings = Settings::of(result);
        self.is_open = true;
        let (Settings { model, mode }, mut changes) = (&self.settings, Vec::new());
        if let Some(name) = self.model.as_deref().filter(|name| !model.is_current(name)) {
            let change = model.choose(SettingKind::Model, &self.session, name);
            if change.is_none() {
                tracing::warn!(name, "the agent doesn't offer this model and uses another one");
            }
            changes.extend(change);
        }
        // If the permission mode is `default` and the agent doesn't offer it, the agent keeps the mode in which the
        // session begins.
        let is_own = self.mode == PermissionMode::Default && !mode.offers(self.mode.as_str());
        if !is_own && !mode.is_current(self.mode.as_str()) {
            match self.change_mode(self.mode) {
                Ok(change) => changes.extend(change),
                Err(why) => self.refused_mode = Some(why),
            }
        } else {
            self.agents_mode = Some(self.mode);
        }
        Ok(changes)
    }

    /// Returns the request that changes the permission mode. Returns `None` if the session is not open yet; the session
    /// will then begin in that mode. If the agent offers no `default` mode, the agent's own mode takes its place. If
    /// the agent offers neither, also returns `None`.
    ///
    /// # Errors
    /// The agent doesn't offer the mode. The text is for the user.
    pub fn change_mode(&mut self, mode: PermissionMode) -> Result<Option<Change>, String> {
        if !self.is_open {
            self.mode = mode;
            return Ok(None);
        }
        let offered = &self.settings.mode;
        let value = if mode == PermissionMode::Default && !offered.offers(mode.as_str()) {
            self.own_mode()
        } else {
            mode.as_str()
        };
        let change = offered.choose(SettingKind::Mode, &self.session, value);
        if change.is_none() && mode != PermissionMode::Default {
            return Err(agent_outcome::offered_modes(&offered.values));
        }
        self.mode = mode;
        Ok(change)
    }

    /// Records whether the agent accepted the requested mode.
    pub fn note_mode_answer(&mut self, is_accepted: bool) {
        self.agents_mode = is_accepted.then_some(self.mode);
    }

    /// Returns the permission mode that the agent switched to without a request, or `None` if it was already in this
    /// mode or its mode was unknown. A mode that the host doesn't know counts as the agent's own.
    pub fn changed_mode(&mut self, value: &str) -> Option<PermissionMode> {
        let has_default = self.settings.mode.offers(PermissionMode::Default.as_str());
        let known = PermissionMode::parse(value).filter(|_| has_default || value != self.own_mode());
        let mode = known.unwrap_or(PermissionMode::Default);
        let is_change = self.agents_mode.replace(mode).is_some_and(|last| last != mode);
        is_change.then_some(mode)
    }

    /// Takes the reason why the session could not start in its permission mode, if there is one.
    pub fn take_refused_mode(&mut self) -> Option<String> {
        self.refused_mode.take()
    }

    /// Returns the agent's own mode, which it uses before any change. A resumed conversation may begin in one of the
    /// host's permission modes, because an earlier process selected that mode. In this case, returns the first offered
    /// mode that isn't one of them.
    fn own_mode(&self) -> &str {
        let Setting { values, current, .. } = &self.settings.mode;
        if self.resume.is_none() || PermissionMode::parse(current).is_none() {
            return current;
        }
        values.iter().find(|value| PermissionMode::parse(value).is_none()).unwrap_or(current)
    }

    pub fn accepts_images(&self) -> bool {
        self.agent.as_ref().is_some_and(|agent| agent.agent_capabilities.prompt_capabilities.image)
    }

    /// Returns [`AgentEvent::Ready`] on the first call, and `None` on all later calls.
    pub fn take_ready(&mut self) -> Option<AgentEvent> {
        let is_first = !std::mem::replace(&mut self.is_ready, true);
        is_first.then(|| AgentEvent::Ready { models: self.settings.model.values.clone() })
    }

    /// Returns the error text for the user. If the agent needs a login, the text says how to log in.
    pub fn error_text(&self, error: &Error) -> String {
        self.login_text(error).unwrap_or_else(|| outcome::error_text(error))
    }

    fn login_text(&self, error: &Error) -> Option<String> {
        let methods = self.agent.as_ref().map(|agent| agent.auth_methods.as_slice()).unwrap_or_default();
        outcome::login_text(error, &self.command, methods)
    }
}
