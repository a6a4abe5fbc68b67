//! Validates a session spec, builds the new session's record from it, and stores and publishes the session.
//! [`NewSession`] only validates and builds. If a session is removed from `[sessions.folders]`, this module also
//! notifies the session's chat that the session keeps its folder.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use cordboard_core::{
    config::Config,
    messages,
    session::{ApiError, ApiErrorCode, SessionCommand},
    types::{Caller, InvalidName, Place, Role, SessionName, SessionRecord, SessionView, Timestamp, is_model_name},
    updates_and_posts::NewPost,
};
use cordboard_runtime::{SessionSpec, refuse};
use cordboard_store::StoreError;

use crate::{
    hub::{
        host_api::HostService,
        live_config::operator,
        session_errors::{not_stored, taken, unknown},
        topic_creation::SessionOrigin,
    },
    session,
    session_registry::SessionRegistry,
};

/// The data that determines whether a session can be created.
pub struct NewSession<'a> {
    pub registry: &'a SessionRegistry,
    pub config: &'a Config,
    pub state_dir: &'a Path,
    /// The names of the active personas. If `None`, any name is accepted.
    pub personas: Option<Vec<String>>,
    pub now: Timestamp,
}

impl NewSession<'_> {
    /// # Errors
    /// The spec is invalid, the name is in use, or the folder is not below one of `[sessions] roots`.
    pub fn record(&self, caller: &Caller, spec: SessionSpec) -> Result<SessionRecord, ApiError> {
        let name = session_name(&spec.name)?;
        check_free(self.registry, caller, &name)?;
        check_persona(spec.persona.as_deref(), self.personas.as_deref())?;
        let agent = resolve_agent(self.config, spec.agent)?;
        let id = self.registry.free_id(&name);
        let folder = self.folder(&name, &id, spec.folder.as_deref())?;
        let mut record = SessionRecord::new(name, caller.id.clone(), folder, &agent, self.now);
        record.id = Some(id).filter(|id| *id != record.name);
        record.persona = spec.persona;
        record.model = spec.model.map(model_name).transpose()?;
        Ok(record)
    }

    /// Returns the requested folder if it is below one of `[sessions] roots`. If no folder is requested, returns the
    /// folder that `[sessions.folders]` sets for the session, or else one in the state directory.
    fn folder(&self, name: &SessionName, id: &SessionName, requested: Option<&str>) -> Result<PathBuf, ApiError> {
        if let Some(requested) = requested {
            return below_roots(Path::new(requested), &self.config.sessions.roots);
        }
        let named = self.config.sessions.folder(name).map(Path::to_owned);
        Ok(named.unwrap_or_else(|| session::folder(self.state_dir, id)))
    }
}

/// # Errors
/// The text is not a valid session name.
fn session_name(text: &str) -> Result<SessionName, ApiError> {
    text.parse().map_err(|error: InvalidName| refuse(ApiErrorCode::Invalid, format!("{error}.")))
}

/// # Errors
/// A session already has the name. The error contains details of that session only if the caller may see it.
fn check_free(registry: &SessionRegistry, caller: &Caller, name: &SessionName) -> Result<(), ApiError> {
    registry.view(name.as_str()).map_or(Ok(()), |there| Err(taken(&there, caller)))
}

/// Checks a new name for a session that keeps `folder`.
///
/// # Errors
/// The text is not a valid session name, the name is in use, or the configuration sets another folder for it.
pub fn check_new_name(rules: &NameRules<'_>, text: &str, folder: &Path) -> Result<SessionName, ApiError> {
    let name = session_name(text)?;
    check_free(rules.registry, rules.caller, &name)?;
    match rules.config.sessions.folder(&name) {
        Some(configured) if configured != folder => {
            Err(refuse(ApiErrorCode::Invalid, messages::name_has_other_folder(&name, configured, folder)))
        }
        Some(_) | None => Ok(name),
    }
}

/// The data for checking a session name.
pub struct NameRules<'a> {
    pub registry: &'a SessionRegistry,
    pub config: &'a Config,
    pub caller: &'a Caller,
}

/// # Errors
/// No active plugin exports the persona.
pub fn check_persona(persona: Option<&str>, known: Option<&[String]>) -> Result<(), ApiError> {
    match (persona, known) {
        (Some(persona), Some(known)) if !known.iter().any(|name| name == persona) => {
            let known = known.iter().map(String::as_str);
            Err(refuse(ApiErrorCode::Invalid, messages::unknown_name("persona", persona, known)))
        }
        (Some(_) | None, _) => Ok(()),
    }
}

impl HostService {
    pub(super) async fn create_session(&self, caller: &Caller, spec: SessionSpec) -> Result<SessionView, ApiError> {
        let _names = self.sessions.name_lock.write().await;
        if let Some(view) = self.already_created(caller, &spec.name) {
            return Ok(view);
        }
        let config = self.config();
        let rules = NewSession {
            registry: self.registry(),
            config: &config,
            state_dir: &self.state_dir,
            personas: Some(self.personas()),
            now: self.clock.now(),
        };
        let record = rules.record(caller, self.with_bot_defaults(spec, &config))?;
        let stored = self.store_session(&record, SessionOrigin::New).await;
        self.publish(caller, record, stored)
    }

    /// Applies the default agent and persona of the bot that received the command, unless the caller has chosen others.
    fn with_bot_defaults(&self, spec: SessionSpec, config: &Config) -> SessionSpec {
        let Some(bot) = self.place.as_ref().and_then(|place| config.bots.of(place)) else { return spec };
        SessionSpec {
            agent: spec.agent.or_else(|| bot.agent.clone()),
            persona: spec.persona.or_else(|| bot.persona.clone()),
            ..spec
        }
    }

    pub(super) async fn activate_session(
        &self,
        caller: &Caller,
        place: &Place,
        name: &SessionName,
    ) -> Result<SessionView, ApiError> {
        let _names = self.sessions.name_lock.read().await;
        let view = self.visible(caller, name.as_str())?;
        if view.record.archived {
            return Err(taken(&view, caller));
        }
        if self.topic_creation.as_ref().is_some_and(|new| new.delays_activation(place, &view.record)) {
            return Ok(SessionView::clone(&view));
        }
        let scope = self.registry().scope(caller, place);
        self.store.set_active_session(&scope, Some(name)).await.map_err(|error| not_stored(&error))?;
        self.registry().bind(scope, name);
        self.act(caller, name, SessionCommand::Touch(place.clone())).await
    }

    /// Stores and publishes a new session.
    async fn add(&self, caller: &Caller, record: SessionRecord) -> Result<SessionView, ApiError> {
        let stored = self.store.create_session(&record).await;
        self.publish(caller, record, stored)
    }

    /// Publishes a new session if it was stored, else returns the error.
    pub(super) fn publish(
        &self,
        caller: &Caller,
        record: SessionRecord,
        stored: Result<(), StoreError>,
    ) -> Result<SessionView, ApiError> {
        match stored {
            Ok(()) => {}
            Err(StoreError::Exists { .. }) => {
                let there = self.sessions.registry.view(record.name.as_str());
                return Err(there.map_or_else(|| unknown(record.name.as_str()), |there| taken(&there, caller)));
            }
            Err(error) => return Err(not_stored(&error)),
        }
        let view = self.sessions.suspended_view(record);
        self.sessions.registry.add(view.clone());
        self.sessions.emit_created(view.clone(), self.causes.clone());
        Ok(view)
    }

    /// Creates a session that belongs to the owner and continues a conversation in the folder where the conversation
    /// began. The folder need not be below `[sessions] roots`: the roots restrict chat users, while the machine's
    /// operator can use any folder.
    ///
    /// # Errors
    /// The name is invalid or in use, the agent is not configured, or the session could not be stored.
    pub async fn adopt(
        &self,
        spec: SessionSpec,
        folder: PathBuf,
        conversation: String,
    ) -> Result<SessionView, ApiError> {
        let config = self.config();
        let owner = operator(&config, Role::Owner);
        let rules = NewSession {
            registry: &self.sessions.registry,
            config: &config,
            state_dir: &self.state_dir,
            personas: None,
            now: self.clock.now(),
        };
        let record = rules.record(&owner, spec)?;
        let conversation = Some(conversation);
        let record = SessionRecord { folder, conversation, resumable: true, begun_elsewhere: true, ..record };
        self.add(&owner, record).await
    }

    /// Returns the names of the active personas.
    pub(super) fn personas(&self) -> Vec<String> {
        self.plugins.snapshot().personas().map(|choice| choice.name.clone()).collect()
    }

    /// Notifies the chats of sessions that were removed from `[sessions.folders]` that the sessions keep their folders.
    /// `before` is the previous table.
    pub async fn notify_kept_folders(&self, before: &BTreeMap<SessionName, PathBuf>) {
        let config = self.config();
        for name in before.keys().filter(|name| config.sessions.folder(name).is_none()) {
            let view = self.sessions.registry.view(name.as_str()).filter(|view| !view.record.archived);
            let Some((view, place)) = view.and_then(|view| Some((view.clone(), view.record.place.clone()?))) else {
                continue;
            };
            let post = NewPost::new(place, messages::folder_kept(name, &view.record.folder));
            self.outbound.finish(Vec::new(), vec![post]).await;
        }
    }
}

fn model_name(model: String) -> Result<String, ApiError> {
    if is_model_name(&model) { Ok(model) } else { Err(refuse(ApiErrorCode::Invalid, messages::invalid_model(&model))) }
}

/// Returns the requested agent, or else the default one.
///
/// # Errors
/// The configuration has no such agent.
pub fn resolve_agent(config: &Config, requested: Option<String>) -> Result<String, ApiError> {
    let agent = requested.unwrap_or_else(|| config.agents.default.clone());
    if config.agents.get(&agent).is_some() {
        return Ok(agent);
    }
    let known = config.agents.by_name.keys().map(String::as_str);
    Err(refuse(ApiErrorCode::Invalid, messages::unknown_name("agent", &agent, known)))
}

/// Returns the real path of `folder` if it is below one of the roots. Resolves the paths before the comparison, so that
/// neither `..` nor a symbolic link leads outside the roots.
fn below_roots(folder: &Path, roots: &[PathBuf]) -> Result<PathBuf, ApiError> {
    let denied = || refuse(ApiErrorCode::Denied, messages::not_below_roots(folder));
    let real = folder.canonicalize().map_err(|_| denied())?;
    let inside = roots.iter().filter_map(|root| root.canonicalize().ok()).any(|root| real.starts_with(root));
    if inside && real.is_dir() { Ok(real) } else { Err(denied()) }
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::symlink};

    use super::*;

    #[test]
    fn a_model_that_looks_like_an_option_is_refused() {
        assert_eq!(model_name("opus".to_owned()).unwrap(), "opus");
        assert_eq!(model_name("--print".to_owned()).unwrap_err().code, ApiErrorCode::Invalid);
    }

    #[test]
    fn a_folder_is_compared_to_its_root_by_its_real_path() {
        let base = tempfile::tempdir().unwrap();
        let path = |name: &str| base.path().join(name);
        for folder in ["root/project", "other", "root-too"] {
            fs::create_dir_all(path(folder)).unwrap();
        }
        fs::write(path("root/file"), "").unwrap();
        symlink(path("other"), path("root/out")).unwrap();
        symlink(path("root"), path("link")).unwrap();
        let roots = [path("gone"), path("root")];
        let below = |name: &str| below_roots(&path(name), &roots).ok();
        let project = path("root/project").canonicalize().unwrap();
        for good in ["root/project", "link/project", "root/../root/project", "other/../root/project"] {
            assert_eq!(below(good), Some(project.clone()), "{good}");
        }
        for bad in ["other", "root-too", "root/../other", "root/out", "root/file", "root/absent", ""] {
            assert_eq!(below(bad), None, "{bad}");
        }
        let denied = below_roots(&project, &[]).unwrap_err();
        assert_eq!(denied.code, ApiErrorCode::Denied);
        assert!(
            denied.text.ends_with("/root/project is not a folder below one of `[sessions] roots`."),
            "{}",
            denied.text
        );
    }
}
