//! Calls the extension points of active plugins. A call uses the same version from start to end, and holds a permit
//! while it runs.

use std::{sync::Arc, time::Duration};

pub use cordboard_core::route::Invocation;
use cordboard_core::{
    messages,
    session::{Decision, DecisionOutcome, PersonaSettings, Verdict},
    turn::{Turn, TurnFrame},
    types::{Permission, Reply, SessionView, Timestamp, is_model_name},
};
use tokio::sync::SemaphorePermit;

use super::{
    bindings::{lifecycle::exports::cordboard::plugin::lifecycle, view::exports::cordboard::plugin::view},
    button_check,
    call::{self, CallEnvironment, HostHandle},
    call_error::CallError,
    context::CallContext,
    convert,
    host_api::HostApi,
    registry::{
        Registry,
        snapshot::{CallOrder, Offer, Snapshot},
        version::PluginVersion,
    },
};

/// The host's load and the session's idle time, as a lifecycle plugin sees them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Load {
    pub idle_for: Duration,
    pub live_agents: u32,
    /// The memory that the session's agent uses, in bytes. `None` if it is unknown.
    pub agent_memory: Option<u64>,
    /// The available memory of the machine, in bytes.
    pub free_memory: u64,
}

/// The front-end that shows a turn, and its message length limit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ViewLimits {
    pub front_end: String,
    /// The maximum length of a message, in UTF-16 code units.
    pub text_units: u32,
}

/// A snapshot of a turn for a view to render.
#[derive(Debug, Clone, Copy)]
pub struct RenderInput<'a> {
    pub turn: &'a Turn,
    pub session: &'a SessionView,
    pub now: Timestamp,
}

macro_rules! call_export {
    ($self:ident, $version:ident, $export:ident, $environment:expr, |$guest:ident, $store:ident| $call:expr) => {{
        let pre = $version.exports.$export.as_ref().ok_or(CallError::NotOffered(stringify!($export)))?;
        let outcome = call::run($self.engine(), &$version.call_settings, $environment, |mut store| async move {
            let output = async {
                let instance = pre.instantiate_async(&mut store).await?;
                let ($guest, $store) = (instance, &mut store);
                $call.await
            };
            let output = output.await;
            (store, output)
        });
        let began = std::time::Instant::now();
        // Boxed, so that the compiler doesn't visit wasmtime's futures when it checks whether the callers are `Send`.
        let outcome = futures::FutureExt::boxed(outcome).await;
        $version.calls.observe(began.elapsed());
        outcome.inspect_err(|error| $self.record_failure($version, error))
    }};
}

mod filters;
mod hooks_jobs_webhooks;

pub use filters::FilterCall;
pub use hooks_jobs_webhooks::DueJob;

impl Registry {
    /// Runs a command. [`CallError::Plugin`] is an error that the plugin returned, for the user who ran the command.
    pub async fn command(
        &self,
        host: &Arc<dyn HostApi>,
        offer: &Offer,
        context: CallContext,
        invocation: &Invocation,
    ) -> Result<Reply, CallError> {
        let permits = match offer.spec.order {
            CallOrder::InOrder => &self.permits,
            CallOrder::AtOnce => &self.at_once_permits,
        };
        let _permit = permits.acquire().await.expect("the semaphore is never closed");
        let (version, snapshot) = (&offer.version, self.snapshot());
        let (name, args, text) = (&offer.spec.name, &invocation.args, &invocation.text);
        let (caller, place) = (context.caller.clone(), context.place.clone());
        let environment = environment(host, &snapshot, context);
        let output = call_export!(self, version, command, environment, |guest, store| guest
            .cordboard_plugin_command()
            .call_run(store, name, args, text))?;
        let reply = output.map(convert::reply_of).map_err(CallError::Plugin)?;
        // Read the active session after the call, because the command may have switched to another one.
        let active = caller.zip(place).and_then(|(caller, place)| host.active(&caller, &place));
        let session = active.as_ref().map(|view| view.record.id());
        Ok(button_check::restrict(reply, &version.call_settings, &*self.snapshot(), session))
    }

    /// Asks the lifecycle plugin `policy` for its verdict on an idle session.
    pub async fn review(
        &self,
        host: &Arc<dyn HostApi>,
        policy: &str,
        view: &SessionView,
        load: Load,
    ) -> Result<Verdict, CallError> {
        let snapshot = self.snapshot();
        let version = snapshot.version(policy).ok_or(CallError::NotOffered("lifecycle"))?;
        let _permit = self.permit().await;
        let status = lifecycle_status(view, load);
        let environment = environment(host, &snapshot, session_context(view));
        let verdict = call_export!(self, version, lifecycle, environment, |guest, store| guest
            .cordboard_plugin_lifecycle()
            .call_review(store, &status))?;
        Ok(match verdict {
            lifecycle::Verdict::Suspend => Verdict::Suspend,
            lifecycle::Verdict::SuspendAfter(seconds) => Verdict::SuspendAfter(Duration::from_secs(seconds)),
            lifecycle::Verdict::ReviewIn(seconds) => Verdict::ReviewIn(Duration::from_secs(seconds)),
            lifecycle::Verdict::Keep => Verdict::Keep,
        })
    }

    /// Asks the lifecycle plugin `policy` for the message to post when a session resumes, if any.
    pub async fn resume_notice(
        &self,
        host: &Arc<dyn HostApi>,
        policy: &str,
        view: &SessionView,
        load: Load,
    ) -> Result<Option<String>, CallError> {
        let snapshot = self.snapshot();
        let version = snapshot.version(policy).ok_or(CallError::NotOffered("lifecycle"))?;
        let _permit = self.permit().await;
        let status = lifecycle_status(view, load);
        let environment = environment(host, &snapshot, session_context(view));
        call_export!(self, version, lifecycle, environment, |guest, store| guest
            .cordboard_plugin_lifecycle()
            .call_resume_notice(store, &status))
    }

    /// Asks the approval plugin `policy` about a tool use. The call has no caller.
    pub async fn decide(
        &self,
        host: &Arc<dyn HostApi>,
        policy: &str,
        view: &SessionView,
        permission: &Permission,
    ) -> Result<Decision, CallError> {
        let snapshot = self.snapshot();
        let version = snapshot.version(policy).ok_or(CallError::NotOffered("approval"))?;
        let _permit = self.permit().await;
        let permission = convert::permission(view, permission);
        let environment = environment(host, &snapshot, session_context(view));
        let decision = call_export!(self, version, approval, environment, |guest, store| guest
            .cordboard_plugin_approval()
            .call_decide(store, &permission))?;
        let mut decision = convert::decision(decision);
        if let DecisionOutcome::Ask(added) = &mut decision.outcome {
            let reply = Reply { buttons: vec![std::mem::take(added)], ..Reply::default() };
            let session = Some(view.record.id());
            let reply = button_check::restrict(reply, &version.call_settings, &*snapshot, session);
            added.extend(reply.buttons.into_iter().flatten());
        }
        Ok(decision)
    }

    pub async fn resolve(
        &self,
        host: &Arc<dyn HostApi>,
        persona: &str,
        view: &SessionView,
    ) -> Result<PersonaSettings, CallError> {
        let snapshot = self.snapshot();
        let version = snapshot
            .persona(persona)
            .ok_or_else(|| CallError::Plugin(format!("persona '{persona}' no longer exists")))?;
        let _permit = self.permit().await;
        let session = convert::session(view);
        let environment = environment(host, &snapshot, session_context(view));
        let settings = call_export!(self, version, persona, environment, |guest, store| guest
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

    /// Renders one frame of a turn with the plugin that offers `mode`.
    pub async fn render(
        &self,
        mode: &str,
        input: RenderInput<'_>,
        limits: &ViewLimits,
    ) -> Result<TurnFrame, CallError> {
        let snapshot = self.snapshot();
        let version = snapshot.mode(mode).ok_or(CallError::NotOffered("view"))?;
        let _permit = self.permit().await;
        let turn = convert::turn(input.turn, input.session, input.now);
        // All current front-ends show a turn while it runs. `live_edits` would be false for a front-end that shows only
        // final messages.
        let limits =
            view::Limits { front_end: limits.front_end.clone(), text_units: limits.text_units, live_edits: true };
        #[cfg(feature = "otlp")]
        let began = std::time::Instant::now();
        let frame = call_export!(self, version, view, CallEnvironment::without_host(), |guest, store| guest
            .cordboard_plugin_view()
            .call_render(store, mode, &turn, &limits));
        #[cfg(feature = "otlp")]
        cordboard_metrics::METRICS.frame_rendered(&input.turn.prompt.0, &version.name, began);
        let frame = frame?.map_err(CallError::Plugin)?;
        let session = Some(input.session.record.id());
        let message =
            |reply| button_check::restrict(convert::reply_of(reply), &version.call_settings, &*snapshot, session);
        Ok(TurnFrame { live: frame.live, messages: frame.messages.into_iter().map(message).collect() })
    }

    async fn permit(&self) -> SemaphorePermit<'_> {
        self.permits.acquire().await.expect("the semaphore is never closed")
    }

    fn record_failure(&self, version: &PluginVersion, error: &CallError) {
        if version.record_failure(error) {
            self.failed_call.notify_one();
        }
    }
}

fn environment(host: &Arc<dyn HostApi>, snapshot: &Arc<Snapshot>, context: CallContext) -> CallEnvironment {
    let directory = Arc::clone(snapshot);
    CallEnvironment { context, host: Some(HostHandle { api: Arc::clone(host), directory }) }
}

/// Returns the context of a call that concerns a session but was not made by a user.
fn session_context(view: &SessionView) -> CallContext {
    CallContext { active: Some(view.clone()), ..CallContext::without_caller() }
}

fn lifecycle_status(view: &SessionView, load: Load) -> lifecycle::Status {
    lifecycle::Status {
        session: convert::session(view),
        idle_for: load.idle_for.as_secs(),
        live_agents: load.live_agents,
        agent_memory: load.agent_memory,
        free_memory: load.free_memory,
    }
}
