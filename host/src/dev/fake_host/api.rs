//! Implements the host API on the fake host. Session commands are checked and answered as on a real host.

use std::{path::Path, sync::Arc};

use async_trait::async_trait;
use cordboard_chat::console;
use cordboard_core::{
    access_entries::{self, AccessRequest, ListedPerson, RequestOrigin},
    budget::Budget,
    messages,
    session::{ApiError, ApiErrorCode, SessionCommand},
    time_zone::Zone,
    types::{
        Caller, Exchange, FolderEntry, FolderPage, OriginUsage, Place, Reply, Role, SessionName, SessionView,
        Timestamp, Urgency, UsagePeriod, UserId,
    },
};

use cordboard_runtime::{
    AccessControl, AdminCommand, ArchiveFilter, CallContext, ChatMember, Choice, FakeNetwork, HostApi, Outcome,
    PostError, SessionSpec, authorize, check_post, refuse,
};

use super::FakeHost;
use crate::{
    dev::recorded_action::RecordedAction,
    hub::{
        self, CommandChange, NameRules, NewSession,
        session_errors::{taken, unknown},
    },
};

impl FakeHost {
    fn seen(&self, caller: &Caller, name: &str) -> Result<Arc<SessionView>, ApiError> {
        let view = self.shared.sessions.view(name).ok_or_else(|| unknown(name))?;
        if caller.may_control(&view.record.owner) { Ok(view) } else { Err(taken(&view, caller)) }
    }

    fn act(&self, name: &SessionName, order: SessionCommand) -> Result<SessionView, ApiError> {
        let outcome = self.change(name, |session, now| session.order(order.clone(), now));
        let view = outcome.ok_or_else(|| unknown(name.as_str()))??;
        self.record(RecordedAction::Ordered(name.clone(), order));
        Ok(view)
    }

    fn act_as_pressed(&self, name: &SessionName, order: SessionCommand) -> Result<SessionView, ApiError> {
        let Some(press) = &self.press else { return self.act(name, order) };
        let change = CommandChange::of(&order);
        let outcome = self.act(name, press.bind(name, order));
        press.record(name, change, &outcome);
        outcome
    }

    fn personas(&self) -> Option<Vec<String>> {
        self.shared.personas.get().map(|known| known())
    }
}

#[async_trait]
impl HostApi for FakeHost {
    fn now(&self) -> Timestamp {
        self.inner().now
    }

    fn active(&self, caller: &Caller, place: &Place) -> Option<SessionView> {
        match self.press.as_ref().and_then(|press| press.session.as_ref()) {
            Some(bound) => self.find(caller, bound.as_str()),
            None => self.current(caller, place),
        }
    }

    fn current(&self, caller: &Caller, place: &Place) -> Option<SessionView> {
        self.shared.sessions.active(caller, place).map(|view| SessionView::clone(&view))
    }

    fn count(&self, caller: &Caller) -> usize {
        self.shared.sessions.visible_to(caller, ArchiveFilter::Current).len()
    }

    fn page(&self, caller: &Caller, filter: ArchiveFilter, skip: usize, count: usize) -> Vec<SessionView> {
        let page = self.shared.sessions.page(caller, filter, skip, count);
        page.iter().map(|view| SessionView::clone(view)).collect()
    }

    fn find(&self, caller: &Caller, name: &str) -> Option<SessionView> {
        self.seen(caller, name).ok().map(|view| SessionView::clone(&view))
    }

    fn agents(&self) -> Vec<Choice> {
        hub::agents(&self.config())
    }

    fn fake_network(&self) -> Option<Arc<dyn FakeNetwork>> {
        self.shared.network.clone()
    }

    async fn create(&self, caller: &Caller, spec: SessionSpec) -> Result<SessionView, ApiError> {
        let rules = NewSession {
            registry: &self.shared.sessions,
            config: &self.config(),
            state_dir: Path::new("/"),
            personas: self.personas(),
            now: self.now(),
        };
        let record = rules.record(caller, spec)?;
        let name = record.name.clone();
        self.add(record.clone());
        self.record(RecordedAction::Created(Box::new(record)));
        self.session(name.as_str()).ok_or_else(|| unknown(name.as_str()))
    }

    async fn activate(&self, caller: &Caller, place: &Place, name: &SessionName) -> Result<SessionView, ApiError> {
        let view = self.seen(caller, name.as_str())?;
        if view.record.archived {
            return Err(taken(&view, caller));
        }
        let sessions = &self.shared.sessions;
        sessions.bind(sessions.scope(caller, place), name);
        self.act(name, SessionCommand::Touch(place.clone()))
    }

    async fn rename(&self, caller: &Caller, name: &SessionName, new_name: &str) -> Result<SessionView, ApiError> {
        let view = self.seen(caller, name.as_str())?;
        let config = self.config();
        let rules = NameRules { registry: &self.shared.sessions, config: &config, caller };
        let to = hub::check_new_name(&rules, new_name, &view.record.folder)?;
        let renamed = self.change(name, |session, _| {
            let record = session.machine.check_rename(to.clone())?;
            session.machine.apply_rename(record);
            Ok(session.machine.view())
        });
        let view = renamed.ok_or_else(|| unknown(name.as_str()))??;
        self.rekey(name, &to);
        self.reload_settings(&to, &view);
        self.record(RecordedAction::Renamed(name.clone(), to));
        Ok(view)
    }

    async fn fork(&self, caller: &Caller, name: &SessionName, new_name: &str) -> Result<SessionView, ApiError> {
        let view = self.seen(caller, name.as_str())?;
        let config = self.config();
        let rules = NameRules { registry: &self.shared.sessions, config: &config, caller };
        let record = hub::forked(&rules, &view, new_name, self.now())?;
        let name = record.name.clone();
        self.add(record.clone());
        self.record(RecordedAction::Created(Box::new(record)));
        self.session(name.as_str()).ok_or_else(|| unknown(name.as_str()))
    }

    async fn files(
        &self,
        caller: &Caller,
        name: &SessionName,
        page: &FolderPage,
    ) -> Result<Vec<FolderEntry>, ApiError> {
        self.seen(caller, name.as_str())?;
        self.entries(name, page).map_err(|why| refuse(ApiErrorCode::Failed, why))
    }

    async fn read_attachment(&self, id: &str, offset: u64, length: usize) -> Result<Vec<u8>, String> {
        self.attachment(id, offset, length)
    }

    async fn history(&self, caller: &Caller, name: &SessionName, count: usize) -> Result<Vec<Exchange>, ApiError> {
        self.seen(caller, name.as_str())?;
        Ok(self.last_exchanges(name, count))
    }

    async fn control(
        &self,
        caller: &Caller,
        name: &SessionName,
        command: SessionCommand,
    ) -> Result<SessionView, ApiError> {
        let name = self.press.as_ref().map_or(name, |press| press.target(name));
        self.seen(caller, name.as_str())?;
        if let SessionCommand::SetPersona(persona) = &command {
            hub::check_persona(persona.as_deref(), self.personas().as_deref())?;
        }
        let archives = command == SessionCommand::Archive;
        let selects_agent = matches!(command, SessionCommand::SetAgent(_));
        if let SessionCommand::SetAgent(agent) = &command {
            hub::resolve_agent(&self.config(), Some(agent.clone()))?;
        }
        let view = self.act_as_pressed(name, command)?;
        if selects_agent {
            self.reload_settings(name, &view);
        }
        if archives {
            self.shared.sessions.unbind(name);
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
        if self.is_filter {
            return Err(refuse(ApiErrorCode::Denied, messages::FILTER_CANNOT_SEND.to_owned()));
        }
        let view = self.seen(caller, name.as_str())?;
        let place = view.record.place.as_ref();
        let place = place.ok_or_else(|| refuse(ApiErrorCode::Failed, messages::never_active(name)))?;
        if let Some(budget) = self.day_budget().filter(Budget::is_spent) {
            return Err(refuse(ApiErrorCode::Denied, messages::budget_refusal(&budget)));
        }
        self.accept(name, place, &text, urgency);
        Ok(())
    }

    async fn set_own_mode(&self, caller: &Caller, mode: Option<String>) -> Result<(), ApiError> {
        self.record(RecordedAction::OwnMode(caller.id.clone(), mode.clone()));
        let modes = &mut self.inner().own_modes;
        match mode {
            Some(mode) => modes.insert(caller.id.clone(), mode),
            None => modes.remove(&caller.id),
        };
        Ok(())
    }

    async fn own_mode(&self, caller: &Caller) -> Result<Option<String>, ApiError> {
        Ok(self.inner().own_modes.get(&caller.id).cloned())
    }

    async fn usage(&self, caller: &Caller, period: UsagePeriod) -> Result<Vec<OriginUsage>, ApiError> {
        let usage = {
            let inner = self.inner();
            let since = Zone::utc().period_start(inner.now, period);
            inner.usage.iter().filter(|one| one.at >= since).map(OriginUsage::from).collect::<Vec<_>>()
        };
        Ok(usage.into_iter().filter(|one| self.seen(caller, one.origin.session.as_str()).is_ok()).collect())
    }

    async fn budget(&self) -> Result<Option<Budget>, ApiError> {
        Ok(self.day_budget())
    }

    async fn check_post(&self, context: &CallContext, place: &Place) -> Result<(), PostError> {
        let members =
            self.inner().members.iter().filter(|(at, _)| at == place).map(|(_, one)| one.clone()).collect::<Vec<_>>();
        // The operator is the only person at the console.
        let operator = (place == console::place())
            .then(|| ChatMember { id: UserId("console:local".to_owned()), role: Role::Owner });
        check_post(context, place, &members.into_iter().chain(operator).collect::<Vec<_>>())
    }

    async fn post(&self, place: &Place, reply: Reply) -> Result<String, PostError> {
        self.record(RecordedAction::Posted(place.clone(), Box::new(reply)));
        let mut inner = self.inner();
        inner.posts += 1;
        Ok(inner.posts.to_string())
    }

    async fn run_admin_command(&self, caller: Option<&Caller>, plugin: &str, command: AdminCommand) -> Outcome {
        if let Some(commands) = self.shared.admin_commands.get() {
            return commands.run(caller, plugin, command).await;
        }
        authorize(caller, &command)?;
        let said = format!("Recorded: {} plugin '{plugin}'.", command.as_str());
        self.record(RecordedAction::Steered(plugin.to_owned(), command));
        Ok(said)
    }
}

#[async_trait]
impl AccessControl for FakeHost {
    async fn people(&self, caller: Option<&Caller>) -> Result<Vec<ListedPerson>, ApiError> {
        access_entries::authorize(caller)?;
        Ok(self.shared.config.access_sources().entries().list())
    }

    async fn change_access(&self, caller: Option<&Caller>, request: AccessRequest) -> Result<String, ApiError> {
        access_entries::authorize(caller)?;
        let sources = self.shared.config.access_sources();
        let origin = RequestOrigin { place: Some(console::place()), replied: None };
        let decision = sources.entries().decide(&request, &origin).map_err(|refusal| refusal.error())?;
        if let Some(change) = decision.change {
            self.shared.config.set_people(change.apply(sources.people.to_vec()));
            self.record(RecordedAction::Access(change));
        }
        Ok(decision.answer)
    }
}
