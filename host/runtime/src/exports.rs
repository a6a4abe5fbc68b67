//! Calls the extension points of a plugin, with the core's types. Each call runs on one version from start to end and
//! keeps a permit while it runs.

use std::{sync::Arc, time::Duration};

pub use cordboard_core::route::Invocation;
use cordboard_core::{
    messages,
    session::{PersonaSettings, Verdict},
    turn::{Turn, TurnFrame},
    types::{Reply, SessionView, Timestamp, is_model_name},
};
use tokio::sync::{Notify, Semaphore};

use super::{
    bindings::{lifecycle::exports::cordboard::plugin::lifecycle as policy, view::exports::cordboard::plugin::view},
    call::{self, HostHandle},
    call_error::CallError,
    context::CallContext,
    convert,
    engine::{AT_ONCE_CALLS, SharedEngine},
    registry::{
        snapshot::{CallOrder, Offer},
        version::PluginVersion,
    },
};

/// The host's load and the session's idle time, as a lifecycle plugin sees them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Load {
    pub idle_for: Duration,
    pub live_agents: u32,
    /// Memory of the session's agent, in bytes, if known.
    pub agent_memory: Option<u64>,
    /// Free memory of the machine, in bytes.
    pub free_memory: u64,
}

/// The message format of a front-end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ViewLimits {
    pub front_end: String,
    /// The longest message, in UTF-16 code units.
    pub text_units: u32,
}

pub struct Invoker {
    engine: SharedEngine,
    permits: Semaphore,
    at_once: Semaphore,
    /// Notified when a call fails.
    pub failed: Notify,
}

type Context = (CallContext, Option<HostHandle>);

macro_rules! call_export {
    ($self:ident, $generation:ident, $export:ident, $context:expr, |$guest:ident, $store:ident| $call:expr) => {{
        let pre = $generation.exports.$export.as_ref().ok_or(CallError::NotOffered(stringify!($export)))?;
        let outcome = call::run(&$self.engine, &$generation.profile, $context, |mut store| async move {
            let answer = async {
                let instance = pre.instantiate_async(&mut store).await?;
                let ($guest, $store) = (instance, &mut store);
                $call.await
            };
            let answer = answer.await;
            (store, answer)
        });
        outcome.await.inspect_err(|error| $self.note($generation, error))
    }};
}

mod background;

pub use background::{DueJob, WebRequest, WebResponse};

impl Invoker {
    /// `parallel` must not exceed the number that the engine was started with.
    pub fn new(engine: SharedEngine, parallel: u32) -> Self {
        let (permits, at_once) = (Semaphore::new(parallel as usize), Semaphore::new(AT_ONCE_CALLS as usize));
        Self { engine, permits, at_once, failed: Notify::new() }
    }

    pub const fn engine(&self) -> &SharedEngine {
        &self.engine
    }

    /// Runs a command. [`CallError::Plugin`] is the plugin's own error, for the caller to read.
    pub async fn command(&self, offer: &Offer, context: Context, typed: &Invocation) -> Result<Reply, CallError> {
        let permits = match offer.spec.order {
            CallOrder::InOrder => &self.permits,
            CallOrder::AtOnce => &self.at_once,
        };
        let _permit = permits.acquire().await.expect("the semaphore is never closed");
        let generation = &offer.generation;
        let (name, args, text) = (&offer.spec.name, &typed.args, &typed.text);
        let answer = call_export!(self, generation, command, context, |guest, store| guest
            .cordboard_plugin_command()
            .call_run(store, name, args, text))?;
        answer.map(convert::reply_of).map_err(CallError::Plugin)
    }

    fn note(&self, generation: &PluginVersion, error: &CallError) {
        if generation.note(error) {
            self.failed.notify_one();
        }
    }

    /// Asks a lifecycle plugin for its verdict on an idle session.
    pub async fn review(
        &self,
        generation: &Arc<PluginVersion>,
        context: Context,
        (view, load): (&SessionView, Load),
    ) -> Result<Verdict, CallError> {
        let _permit = self.permit().await;
        let status = status(view, load);
        let verdict = call_export!(self, generation, lifecycle, context, |guest, store| guest
            .cordboard_plugin_lifecycle()
            .call_review(store, &status))?;
        Ok(match verdict {
            policy::Verdict::Suspend => Verdict::Suspend,
            policy::Verdict::SuspendAfter(seconds) => Verdict::SuspendAfter(Duration::from_secs(seconds)),
            policy::Verdict::ReviewIn(seconds) => Verdict::ReviewIn(Duration::from_secs(seconds)),
            policy::Verdict::Keep => Verdict::Keep,
        })
    }

    /// Asks a lifecycle plugin for the message to post when a session resumes, if any.
    pub async fn resume_notice(
        &self,
        generation: &Arc<PluginVersion>,
        context: Context,
        (view, load): (&SessionView, Load),
    ) -> Result<Option<String>, CallError> {
        let _permit = self.permit().await;
        let status = status(view, load);
        call_export!(self, generation, lifecycle, context, |guest, store| guest
            .cordboard_plugin_lifecycle()
            .call_resume_notice(store, &status))
    }

    pub async fn resolve(
        &self,
        generation: &Arc<PluginVersion>,
        context: Context,
        (persona, view): (&str, &SessionView),
    ) -> Result<PersonaSettings, CallError> {
        let _permit = self.permit().await;
        let session = convert::session(view);
        let settings = call_export!(self, generation, persona, context, |guest, store| guest
            .cordboard_plugin_persona()
            .call_resolve(store, persona, &session))?;
        let settings = settings.map_err(CallError::Plugin)?;
        if let Some(model) = settings.model.as_deref().filter(|model| !is_model_name(model)) {
            return Err(CallError::Plugin(messages::invalid_model(model)));
        }
        Ok(PersonaSettings {
            instructions: settings.instructions,
            model: settings.model,
            idle_timeout: settings.idle_timeout.map(Duration::from_secs),
            greeting: settings.greeting,
        })
    }

    /// Renders one frame of a turn.
    pub async fn render(
        &self,
        generation: &Arc<PluginVersion>,
        (turn, view, now): (&Turn, &SessionView, Timestamp),
        (mode, limits): (&str, &ViewLimits),
    ) -> Result<TurnFrame, CallError> {
        let _permit = self.permit().await;
        let turn = convert::turn(turn, view, now);
        // All current front-ends edit messages. The flag is for a front-end that can only show final messages.
        let limits =
            view::Limits { front_end: limits.front_end.clone(), text_units: limits.text_units, live_edits: true };
        let screen = call_export!(self, generation, view, (CallContext::default(), None), |guest, store| guest
            .cordboard_plugin_view()
            .call_render(store, mode, &turn, &limits))?;
        let screen = screen.map_err(CallError::Plugin)?;
        Ok(TurnFrame { live: screen.live, messages: screen.messages.into_iter().map(convert::reply_of).collect() })
    }

    async fn permit(&self) -> tokio::sync::SemaphorePermit<'_> {
        self.permits.acquire().await.expect("the semaphore is never closed")
    }
}

fn status(view: &SessionView, load: Load) -> policy::Status {
    policy::Status {
        session: convert::session(view),
        idle_for: load.idle_for.as_secs(),
        live_agents: load.live_agents,
        agent_memory: load.agent_memory,
        free_memory: load.free_memory,
    }
}
