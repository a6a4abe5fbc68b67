//! One call: a fresh instance in a store of its own, with its meter, its deadlines and what it knows of its caller. Nothing of it
//! outlives the call, so no state leaks and a trap ends one call alone.

use std::{
    future::Future,
    sync::Arc,
    time::{Duration, Instant},
};

use cordboard_core::{
    config::{spell_duration, spell_size},
    render,
    types::{Caller, Place, SessionView, Timestamp},
};
use wasmtime::{Store, UpdateDeadline, WasmBacktrace, component::ResourceTable};
use wasmtime_wasi::{WasiCtx, WasiCtxBuilder, WasiCtxView, WasiView};
use wasmtime_wasi_http::{WasiHttpCtx, WasiHttpCtxView, WasiHttpView};

use super::{
    bindings::log::Level,
    call_output::Told,
    cpu_time::CpuMeter,
    engine::SharedEngine,
    fixed_limits,
    guest_clock::GuestTime,
    guest_log::{GuestLog, Printed},
    host_api::HostApi,
    limits::{Limit, Meter},
    outbound_http::{OutboundHttp, Waits},
    secrets::CallSecrets,
    snapshot::Snapshot,
    version::PluginVersion,
};
use crate::scrub;

/// Who asked for a call, and where. Empty where nobody did.
#[derive(Debug, Clone, Default)]
pub struct CallContext {
    pub caller: Option<Caller>,
    pub place: Option<Place>,
    pub active: Option<SessionView>,
    pub locale: Option<String>,
}

/// Why a call gave nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    #[error("went over its {limit} limit (raise `{limit}` in [plugins.{plugin}] if it needs more)")]
    Limit { plugin: String, limit: Limit },
    #[error(
        "was cut off: its version was replaced, and running calls may go on for {} after that (raise `drain` in [plugins] if they need more)",
        spell_duration(*drain)
    )]
    Drained { drain: Duration },
    /// One argument, whatever it was for.
    #[error(
        "handed the host more than {} at once, the largest of its limits `reply`, `state` and `http_body` (raise the one that it was for in [plugins.{plugin}] if it needs more)",
        spell_size(*most as u64)
    )]
    Handed { plugin: String, most: usize },
    /// What no key raises.
    #[error("{0}")]
    Bound(String),
    #[error("trapped: {0}")]
    Trap(String),
    #[error("said: {}", foreign(.0))]
    Said(String),
    #[error("offers no {0}")]
    NotOffered(&'static str),
}

impl CallError {
    /// Shortens a trap's message to one line. The message must be scrubbed before: the rest of a cut secret may be too
    /// short to be found.
    fn brief(self) -> Self {
        match self {
            Self::Trap(why) => Self::Trap(foreign(&why)),
            Self::Said(_)
            | Self::Limit { .. }
            | Self::Drained { .. }
            | Self::Handed { .. }
            | Self::Bound(_)
            | Self::NotOffered(_) => self,
        }
    }
}

/// Words of a plugin as they may stand in a sentence of the host.
pub(super) fn foreign(words: &str) -> String {
    render::one_line(words, render::FOREIGN)
}

impl Told for CallError {
    fn bytes(&self) -> usize {
        match self {
            Self::Trap(why) | Self::Said(why) | Self::Bound(why) => why.len(),
            Self::Limit { .. } | Self::Drained { .. } | Self::Handed { .. } | Self::NotOffered(_) => 0,
        }
    }

    fn scrubbed(self) -> Self {
        match self {
            Self::Trap(why) => Self::Trap(scrub::text(why)),
            Self::Said(why) => Self::Said(scrub::text(why)),
            Self::Limit { .. } | Self::Drained { .. } | Self::Handed { .. } | Self::Bound(_) | Self::NotOffered(_) => {
                self
            }
        }
    }
}

/// The state that the imports of one call see.
pub struct CallState {
    pub generation: Arc<PluginVersion>,
    pub asked: CallContext,
    pub now: Timestamp,
    /// None for trials and views: they may read their configuration and log, no more.
    pub lent: Option<HostHandle>,
    pub meter: Meter,
    /// It ran when its generation had to be over.
    cut_off: bool,
    pub journal: GuestLog,
    pub egress: OutboundHttp,
    stdout: Printed,
    stderr: Printed,
    wasi: WasiCtx,
    resources: ResourceTable,
    /// Bounds of what the guest puts into headers.
    fields: WasiHttpCtx,
}

/// What a call borrows of the running host.
#[derive(Clone)]
pub struct HostHandle {
    pub board: Arc<dyn HostApi>,
    pub table: Arc<Snapshot>,
}

impl CallState {
    fn new(
        generation: Arc<PluginVersion>,
        asked: CallContext,
        (lent, vault): (Option<HostHandle>, CallSecrets),
        time: &GuestTime,
    ) -> Self {
        let journal = GuestLog::new(&generation.label, generation.limits.log);
        let stdout = Printed::new(journal.clone(), Level::Info);
        let stderr = Printed::new(journal.clone(), Level::Warn);
        let mut wasi = WasiCtxBuilder::new();
        wasi.stdout(stdout.clone()).stderr(stderr.clone());
        fixed_limits::of_random(&mut wasi);
        time.give(&mut wasi);
        let now = lent.as_ref().map_or(Timestamp(0), |lent| lent.board.now());
        let meter = Meter::new(generation.limits.clone());
        let network = generation.network.clone().filter(|_| lent.is_some());
        let far = lent.as_ref().and_then(|lent| lent.board.far_side());
        let egress = OutboundHttp::new(network, far, (vault, journal.clone()));
        Self {
            generation,
            asked,
            now,
            lent,
            meter,
            cut_off: false,
            journal,
            egress,
            stdout,
            stderr,
            wasi: wasi.build(),
            resources: fixed_limits::handles(),
            fields: fixed_limits::fields(),
        }
    }

    /// Counts a host call and lends what it needs.
    pub fn lend(&mut self) -> wasmtime::Result<HostHandle> {
        self.count()?;
        self.lent
            .clone()
            .ok_or_else(|| wasmtime::Error::msg("only config, context and log can be called in a trial or a view"))
    }

    pub fn count(&mut self) -> wasmtime::Result<()> {
        if self.meter.call() { Ok(()) } else { Err(wasmtime::Error::msg("too many host calls")) }
    }

    /// What was printed without a line's end goes to the log as well.
    fn finish(&self) {
        self.stdout.finish();
        self.stderr.finish();
    }

    /// The rights that the call acts with: its caller's, and nobody's where nobody called.
    pub fn caller(&self) -> Option<&Caller> {
        self.asked.caller.as_ref().or(self.generation.acts_as.as_ref())
    }
}

impl WasiView for CallState {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.resources }
    }
}

impl WasiHttpView for CallState {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView { hooks: &mut self.egress, table: &mut self.resources, ctx: &mut self.fields }
    }
}

/// Runs `call` in a fresh store under the generation's limits.
pub async fn run<T, F, Fut>(
    engine: &SharedEngine,
    generation: &Arc<PluginVersion>,
    (asked, lent): (CallContext, Option<HostHandle>),
    call: F,
) -> Result<T, CallError>
where
    T: Told,
    F: FnOnce(Store<CallState>) -> Fut,
    Fut: Future<Output = (Store<CallState>, wasmtime::Result<T>)>,
{
    let limits = &generation.limits;
    let vault = match &lent {
        // A folder on the net may hang.
        Some(_) => {
            tokio::time::timeout(limits.time * 2, CallSecrets::open(&generation.name, &generation.secrets)).await
        }
        None => Ok(CallSecrets::default()),
    };
    let late = || CallError::Limit { plugin: generation.name.clone(), limit: Limit::Time };
    let vault = vault.map_err(|_| late())?;
    let state = CallState::new(Arc::clone(generation), asked, (lent, vault), engine.time());
    let mut store = Store::new(engine.engine(), state);
    store.limiter(|state| &mut state.meter);
    // What one call in either direction may bring over: refused before it is copied.
    store.set_hostcall_fuel(limits.at_once());
    let busy = CpuMeter::new();
    bound(&mut store, busy.clone(), limits.time);
    let _ticking = engine.tick_while();
    let waits = store.data().egress.waits();
    let call = std::pin::pin!(call(store));
    // The epoch ends a guest that never yields, `overdue` one that waits in a host call or for a clock; its store goes with it.
    let ended = tokio::select! {
        biased;
        ended = busy.count(call) => ended,
        () = generation.retirement.over() => return Err(CallError::Drained { drain: generation.terms.drain }),
        () = overdue(limits.time * 2, &waits) => return Err(late()),
    };
    match ended {
        (store, Ok(answer)) => {
            store.data().finish();
            if answer.bytes() > limits.reply {
                return Err(CallError::Limit { plugin: generation.name.clone(), limit: Limit::Reply });
            }
            Ok(answer.scrubbed())
        }
        (store, Err(error)) => {
            store.data().finish();
            Err(explain(store.data(), &error).scrubbed().brief())
        }
    }
}

/// How exactly a call's end is kept while it waits for the network.
const LEAST_PAUSE: Duration = Duration::from_millis(5);

/// Until a call has lasted for `allowed`, the time apart in which a request of its own was under way.
async fn overdue(allowed: Duration, waits: &Waits) {
    let begun = Instant::now();
    loop {
        let left = (allowed + waits.waited()).saturating_sub(begun.elapsed());
        if left.is_zero() {
            return;
        }
        tokio::time::sleep(left.max(LEAST_PAUSE)).await;
    }
}

/// Ends a guest that has computed for longer than `time`, and gives others a turn meanwhile.
fn bound(store: &mut Store<CallState>, busy: CpuMeter, time: Duration) {
    store.set_epoch_deadline(1);
    store.epoch_deadline_callback(move |mut context| {
        if context.data().generation.retirement.is_over() {
            context.data_mut().cut_off = true;
            return Ok(UpdateDeadline::Interrupt);
        }
        if busy.spent() < time {
            // The runtime's own yield: it looks at sockets and timers before this task has its turn again.
            return Ok(UpdateDeadline::YieldCustom(1, Box::pin(tokio::task::yield_now())));
        }
        context.data_mut().meter.exceeded = Some(Limit::Time);
        Ok(UpdateDeadline::Interrupt)
    });
}

fn explain(state: &CallState, error: &wasmtime::Error) -> CallError {
    if state.cut_off {
        return CallError::Drained { drain: state.generation.terms.drain };
    }
    if let Some(limit) = state.meter.exceeded {
        return CallError::Limit { plugin: state.generation.name.clone(), limit };
    }
    let root = error.root_cause().to_string();
    if root.contains("fuel allocated for hostcalls") {
        // Where frames of the guest are on the way, it was giving something to the host; else the host was taking its answer.
        let giving = error.downcast_ref::<WasmBacktrace>().is_some();
        let plugin = state.generation.name.clone();
        return if giving {
            CallError::Handed { plugin, most: state.generation.limits.at_once() }
        } else {
            CallError::Limit { plugin, limit: Limit::Reply }
        };
    }
    if let Some(deed) = fixed_limits::went_over(error) {
        return CallError::Bound(deed);
    }
    // The innermost cause names the trap; what is above it are frames without names.
    CallError::Trap(state.stderr.fall(root))
}
