//! Implements the host API: reads and changes sessions, places and plugins on behalf of a caller, and checks the
//! caller's permissions. Every command that a caller sends to a session goes through this module.

mod access_control;
mod call_scope;
pub mod chat_members;
pub mod files;
pub mod fork;
mod history;
pub mod new_session;
mod plugin_state;
mod rename;
pub mod script_prompts;
pub mod send;

use std::{cell::LazyCell, iter, path::PathBuf, sync::Arc};

use async_trait::async_trait;
use cordboard_agents::process::{Environment, ProcessTrees};
use cordboard_chat::outbox::AnswerStop;
use cordboard_core::{
    budget::Budget,
    config::{Agent, Config},
    event::CausationChain,
    messages::{self, UserDecision},
    rollout::short,
    session::{ApiError, ApiErrorCode, QueuedPrompts, SessionCommand},
    type_erased::TypeErased,
    types::{
        Caller, Choice as Decision, Exchange, FolderEntry, FolderPage, MessageAuthor, OriginUsage, Place, ProcessId,
        Reply, Request, SessionName, SessionView, Timestamp, Urgency, UsagePeriod, UserId,
    },
    updates_and_posts::{CompletedUpdate, NewPost},
};
use cordboard_runtime::{
    AdminCommand, AdminCommands, ArchiveFilter, CallContext, Choice, HostApi, Outcome, PostError, Registry,
    SessionSpec, check_post, refuse,
};
use cordboard_store::{Store, StoreError};

use self::{
    files::FilterAttachments,
    new_session::{check_persona, resolve_agent},
    send::PromptKeys,
};
use super::{
    file_downloads::CommandFiles,
    live_config::LiveConfig,
    outbound::Outbound,
    press_context::{CommandChange, Press},
    session_errors::{not_read, not_stored, taken, unknown},
    sessions::supervisor::SessionSupervisor,
    text_answers::{AwaitedText, TextAnswers},
    topic_creation::TopicCreation,
    transcription::Transcriber,
    undispatched_prompts::PromptTaker,
    usage::UsageLedger,
};
use crate::{
    clock::Clock, schedule::local_minute, session::CommandSource, session_files::SessionFiles,
    session_registry::SessionRegistry, session_topics::SessionTopics,
};

#[derive(Clone)]
pub struct HostService {
    pub clock: Clock,
    pub config: LiveConfig,
    pub plugins: Arc<Registry>,
    pub sessions: TypeErased<SessionSupervisor>,
    pub outbound: Outbound,
    pub store: Store,
    pub usage: UsageLedger,
    pub admin_commands: AdminCommands,
    pub state_dir: PathBuf,
    /// The environment variables that agents run with.
    pub environment: Environment,
    pub transcriber: Transcriber,
    /// The chain of hooks that caused calls to this instance.
    pub causes: CausationChain,
    pub text_answers: TextAnswers,
    /// Creates the keys of prompts sent through this instance.
    pub prompt_keys: PromptKeys,
    /// The place of the update that this instance was created for, if any.
    pub place: Option<Place>,
    /// The author of the message that this update's command replies to.
    pub replied_author: Option<MessageAuthor>,
    /// The button press that this instance was created for, if any.
    pub press: Option<Arc<Press>>,
    /// Removes waiting prompts that were accepted before the update that this instance was created for.
    pub waiting: Option<PromptTaker>,
    /// The saved files of the message that this instance was created for.
    pub files: CommandFiles,
    /// The attachments of the message passed to a filter. Set only for filter calls, which must not send messages to
    /// agents.
    pub filtered_files: Option<FilterAttachments>,
    pub session_files: SessionFiles,
    pub topics: SessionTopics,
    /// Set if a session created by this command gets its own topic.
    pub topic_creation: Option<Arc<TopicCreation>>,
}

impl HostService {
    /// Returns the view mode that a person has chosen, or `None` if the person hasn't chosen one or the store fails.
    pub(super) async fn mode_of(&self, person: &UserId) -> Option<String> {
        let mode = self.store.own_mode(person).await;
        mode.inspect_err(|error| tracing::error!(%error, "failed to read the view mode of a person")).ok().flatten()
    }

    pub fn config(&self) -> Arc<Config> {
        self.config.now()
    }

    fn registry(&self) -> &SessionRegistry {
        &self.sessions.registry
    }

    /// Converts the times in a session view to wall clock time.
    fn with_wall_times(&self, view: &SessionView) -> SessionView {
        let mut view = view.clone();
        view.record.created = self.clock.to_wall(view.record.created);
        view.record.last_active = self.clock.to_wall(view.record.last_active);
        if let Some(terminal) = &mut view.record.terminal {
            terminal.since = self.clock.to_wall(terminal.since);
        }
        view
    }

    /// Returns a session that the caller may see. For any other session, the caller learns only that the name is in
    /// use, which `/new` reveals anyway.
    fn visible(&self, caller: &Caller, name: &str) -> Result<Arc<SessionView>, ApiError> {
        let view = self.registry().view(name).ok_or_else(|| unknown(name))?;
        if caller.may_control(&view.record.owner) { Ok(view) } else { Err(taken(&view, caller)) }
    }

    /// Does the same as [`Self::act`], but binds the command to the session and request of the pressed button, if there
    /// is one.
    async fn act_as_pressed(
        &self,
        caller: &Caller,
        name: &SessionName,
        command: SessionCommand,
    ) -> Result<SessionView, ApiError> {
        let Some(press) = &self.press else { return self.act(caller, name, command).await };
        let change = CommandChange::of(&command);
        let outcome = self.act(caller, name, press.bind(name, command)).await;
        press.record(name, change, &outcome);
        outcome
    }

    /// Drops the prompts that are waiting in `place` behind another command and would be sent to the session. Returns
    /// the beginning of each prompt's text.
    async fn drop_waiting(&self, place: &Place, session: &SessionName) -> Vec<String> {
        let Some(waiting) = &self.waiting else { return Vec::new() };
        let taken = waiting.take(place, session).await;
        let rows = taken.iter().flat_map(|update| iter::once(update.row.id).chain(update.absorbed.iter().copied()));
        let completed: Vec<_> = rows.map(CompletedUpdate::Update).collect();
        if !completed.is_empty() {
            self.outbound.finish(completed, Vec::new()).await;
        }
        taken.iter().map(|update| messages::beginning(update.row.update.what.text())).collect()
    }

    async fn act(&self, caller: &Caller, name: &SessionName, command: SessionCommand) -> Result<SessionView, ApiError> {
        let session = self.sessions.get(name).ok_or_else(|| unknown(name.as_str()))?;
        session.command(command, CommandSource { by: Some(caller.name.clone()), causes: self.causes.clone() }).await
    }
}

fn post_error(error: StoreError) -> PostError {
    PostError::Store(Box::new(error))
}

/// Returns the configured agents as choices for plugins, each described by its kind.
pub fn agents(config: &Config) -> Vec<Choice> {
    let choice =
        |(name, agent): (&String, &Agent)| Choice { name: name.clone(), description: agent.kind.as_str().to_owned() };
    config.agents.by_name.iter().map(choice).collect()
}

#[async_trait]
impl HostApi for HostService {
    fn now(&self) -> Timestamp {
        self.clock.wall()
    }

    fn active(&self, caller: &Caller, place: &Place) -> Option<SessionView> {
        match self.press.as_ref().and_then(|press| press.session.as_ref()) {
            Some(bound) => self.find(caller, bound.as_str()),
            None => self.current(caller, place),
        }
    }

    fn current(&self, caller: &Caller, place: &Place) -> Option<SessionView> {
        self.registry().active(caller, place).map(|view| self.with_wall_times(&view))
    }

    fn count(&self, caller: &Caller) -> usize {
        self.registry().visible_to(caller, ArchiveFilter::Current).len()
    }

    fn page(&self, caller: &Caller, filter: ArchiveFilter, skip: usize, count: usize) -> Vec<SessionView> {
        let page = self.registry().page(caller, filter, skip, count);
        // Read the process table only if needed: reading it takes milliseconds, and most pages contain no running
        // agent.
        let trees = LazyCell::new(ProcessTrees::read);
        let memory = |process: &ProcessId| trees.resident_memory(process.pid);
        let listed = |view: &Arc<SessionView>| SessionView {
            memory: view.record.process.as_ref().and_then(memory),
            ..self.with_wall_times(view)
        };
        page.iter().map(listed).collect()
    }

    fn find(&self, caller: &Caller, name: &str) -> Option<SessionView> {
        self.visible(caller, name).ok().map(|view| self.with_wall_times(&view))
    }

    fn agents(&self) -> Vec<Choice> {
        agents(&self.config())
    }

    async fn create(&self, caller: &Caller, spec: SessionSpec) -> Result<SessionView, ApiError> {
        self.create_session(caller, spec).await
    }

    async fn activate(&self, caller: &Caller, place: &Place, name: &SessionName) -> Result<SessionView, ApiError> {
        self.activate_session(caller, place, name).await
    }

    async fn rename(&self, caller: &Caller, name: &SessionName, new_name: &str) -> Result<SessionView, ApiError> {
        self.rename_session(caller, name, new_name).await
    }

    async fn fork(&self, caller: &Caller, name: &SessionName, new_name: &str) -> Result<SessionView, ApiError> {
        self.fork_session(caller, name, new_name).await
    }

    async fn files(
        &self,
        caller: &Caller,
        name: &SessionName,
        page: &FolderPage,
    ) -> Result<Vec<FolderEntry>, ApiError> {
        self.list_files(caller, name, page).await
    }

    async fn read_attachment(&self, id: &str, offset: u64, length: usize) -> Result<Vec<u8>, String> {
        match &self.filtered_files {
            Some(files) => files.read(id, offset, length).await,
            None => Err(messages::NO_ATTACHMENTS.to_owned()),
        }
    }

    async fn history(&self, caller: &Caller, name: &SessionName, count: usize) -> Result<Vec<Exchange>, ApiError> {
        self.last_exchanges(caller, name, count).await
    }

    async fn control(
        &self,
        caller: &Caller,
        name: &SessionName,
        command: SessionCommand,
    ) -> Result<SessionView, ApiError> {
        let name = self.press.as_ref().map_or(name, |press| press.target(name));
        let seen = self.visible(caller, name.as_str())?;
        if self.topic_creation.as_ref().is_some_and(|new| new.delays_start(&seen.record, &command)) {
            return Ok(SessionView::clone(&seen));
        }
        let pressed = self.press.as_ref().and_then(|press| press.request.as_ref());
        if let Some((awaited, place)) = AwaitedText::of(&command, &seen, pressed).zip(self.place.clone()) {
            let text = messages::text_is_next(name, awaited.number, awaited.option());
            self.text_answers.expect(place, caller.id.clone(), awaited);
            return Err(refuse(ApiErrorCode::Invalid, text));
        }
        if let SessionCommand::SetAgent(agent) = &command {
            resolve_agent(&self.config(), Some(agent.clone()))?;
        }
        if let SessionCommand::SetPersona(persona) = &command {
            check_persona(persona.as_deref(), Some(&self.personas()))?;
        }
        let archives = command == SessionCommand::Archive;
        let (mut cut, mut taken) = (AnswerStop::NotSending, Vec::new());
        if let SessionCommand::Interrupt { from: Some(place), queued } = &command {
            // A button belongs to a session, but the answer that is being sent may belong to another one.
            if self.press.is_none() {
                cut = self.outbound.stop_answer(place);
            }
            if *queued == QueuedPrompts::Drop {
                taken = self.drop_waiting(place, name).await;
            }
        }
        let outcome = self.act_as_pressed(caller, name, command).await;
        if archives && self.registry().view(name.as_str()).is_some_and(|view| view.record.archived) {
            // Also unbind the session if the command reports a store failure, because the session is archived anyway.
            // If it stayed bound, the session would become active again when it is restored.
            self.registry().unbind(name);
        }
        let mut view = match outcome {
            // No turn is running, but the command had an effect: it cut off an answer that was still being sent, or
            // dropped prompts that waited behind another command.
            Err(refusal)
                if refusal.text == messages::nothing_runs() && (cut == AnswerStop::Stopped || !taken.is_empty()) =>
            {
                SessionView::clone(&*self.visible(caller, name.as_str())?)
            }
            outcome => outcome?,
        };
        view.dropped.extend(taken);
        if archives {
            let stored = self.store.archive_session(&view.record).await;
            stored.map_err(|error| refuse(ApiErrorCode::Failed, messages::done_but_not_stored(error)))?;
        }
        Ok(view)
    }

    async fn prompt(
        &self,
        caller: &Caller,
        name: &SessionName,
        text: String,
        urgency: Urgency,
    ) -> Result<(), ApiError> {
        self.send(caller, name, text, urgency).await
    }

    async fn set_own_mode(&self, caller: &Caller, mode: Option<String>) -> Result<(), ApiError> {
        self.store.set_own_mode(&caller.id, mode).await.map_err(|error| not_stored(&error))
    }

    async fn own_mode(&self, caller: &Caller) -> Result<Option<String>, ApiError> {
        self.store.own_mode(&caller.id).await.map_err(|error| not_read(&error))
    }

    async fn usage(&self, caller: &Caller, period: UsagePeriod) -> Result<Vec<OriginUsage>, ApiError> {
        let mut usage = self.usage.of_period(period).await.map_err(|error| not_read(&error))?;
        usage.retain(|one| self.visible(caller, one.origin.session.as_str()).is_ok());
        Ok(usage)
    }

    async fn budget(&self) -> Result<Option<Budget>, ApiError> {
        self.usage.budget().await.map_err(|error| not_read(&error))
    }

    async fn check_post(&self, context: &CallContext, place: &Place) -> Result<(), PostError> {
        let place = self.store.original_place(place).await.map_err(post_error)?;
        let writers = self.store.chat_members(&place).await.map_err(post_error)?;
        check_post(context, &place, &chat_members::of(&place, writers, &self.config().access))
    }

    async fn post(&self, place: &Place, reply: Reply) -> Result<String, PostError> {
        let place = self.store.original_place(place).await.map_err(post_error)?;
        let stored = self.outbound.post(NewPost::new(place, reply)).await;
        stored.map(|id| id.0.to_string()).ok_or(PostError::HostStopping)
    }

    async fn run_admin_command(&self, caller: Option<&Caller>, plugin: &str, command: AdminCommand) -> Outcome {
        let granted = match &command {
            AdminCommand::Grant(digest) => Some((Decision::Grant, digest.clone())),
            AdminCommand::Refuse(digest) => Some((Decision::Refuse, digest.clone())),
            AdminCommand::Rollback
            | AdminCommand::Reload
            | AdminCommand::Disable
            | AdminCommand::Enable
            | AdminCommand::Revoke => None,
        };
        let outcome = self.admin_commands.run(caller, plugin, command).await;
        if let (Ok(_), Some((choice, digest)), Some(caller)) = (&outcome, granted, caller) {
            let request = Request::Grant { plugin: plugin.to_owned(), digest: short(&digest).to_owned() };
            let (by, at) = (caller.name.clone(), local_minute(self.clock.wall()));
            let outcome =
                move || messages::request_decided(Some(UserDecision { by: &by, at: &at }), choice.label().as_deref());
            self.outbound.decide(&request, outcome).await;
        }
        outcome
    }
}
