//! One plugin call: a fresh instance in its own store, with a meter, deadlines and the call context. Nothing outlives
//! the call, so no state leaks between calls and a trap ends only this call.

use std::{
    future::Future,
    sync::Arc,
    time::{Duration, Instant},
};

use cordboard_core::types::{Caller, Timestamp};
use wasmtime::{Store, UpdateDeadline, WasmBacktrace, component::ResourceTable};
use wasmtime_wasi::{WasiCtx, WasiCtxBuilder, WasiCtxView, WasiView};
use wasmtime_wasi_http::{WasiHttpCtx, WasiHttpCtxView, WasiHttpView};

use super::{
    bindings::log::Level,
    call_error::CallError,
    call_output::CallOutput,
    context::CallContext,
    directory::Directory,
    engine::{SharedEngine, cpu_time::CpuMeter, fixed_limits, guest_clock::GuestTime},
    guest_log::{GuestLog, GuestOutput},
    host_api::HostApi,
    limits::{Limit, Meter},
    outbound_http::{OutboundHttp, WaitBudget},
    profile::Profile,
    secrets::CallSecrets,
};

/// The state of one call, as its imports see it.
pub struct CallState {
    pub profile: Arc<Profile>,
    pub asked: CallContext,
    pub now: Timestamp,
    /// `None` for trials and views, which may only read their configuration and context and write to the log.
    pub lent: Option<HostHandle>,
    pub meter: Meter,
    /// Whether the call was ended because its replaced version had finished draining.
    cut_off: bool,
    pub journal: GuestLog,
    pub egress: OutboundHttp,
    stdout: GuestOutput,
    stderr: GuestOutput,
    wasi: WasiCtx,
    resources: ResourceTable,
    /// The size limit of the HTTP headers that the guest writes.
    fields: WasiHttpCtx,
}

/// A call's access to the host, and the plugins that are active during it.
#[derive(Clone)]
pub struct HostHandle {
    pub board: Arc<dyn HostApi>,
    pub directory: Arc<dyn Directory>,
}

impl CallState {
    fn new(
        profile: Arc<Profile>,
        asked: CallContext,
        (lent, vault): (Option<HostHandle>, CallSecrets),
        time: &GuestTime,
    ) -> Self {
        let journal = GuestLog::new(&profile.name, profile.limits.log);
        let stdout = GuestOutput::new(journal.clone(), Level::Info);
        let stderr = GuestOutput::new(journal.clone(), Level::Warn);
        let mut wasi = WasiCtxBuilder::new();
        wasi.stdout(stdout.clone()).stderr(stderr.clone());
        fixed_limits::of_random(&mut wasi);
        time.give(&mut wasi);
        let now = lent.as_ref().map_or(Timestamp(0), |lent| lent.board.now());
        let meter = Meter::new(profile.limits);
        let network = profile.network.clone().filter(|_| lent.is_some());
        let far = lent.as_ref().and_then(|lent| lent.board.far_side());
        let egress = OutboundHttp::new(network, far, (vault, journal.clone()));
        Self {
            profile,
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

    /// Counts a host call and returns the host handle.
    ///
    /// # Errors
    /// Traps if the call has made too many host calls, or if it is a trial or a view.
    pub fn lend(&mut self) -> wasmtime::Result<HostHandle> {
        self.count()?;
        self.lent
            .clone()
            .ok_or_else(|| wasmtime::Error::msg("only config, context and log can be called in a trial or a view"))
    }

    pub fn count(&mut self) -> wasmtime::Result<()> {
        if self.meter.call() { Ok(()) } else { Err(wasmtime::Error::msg("too many host calls")) }
    }

    /// Logs output that doesn't end with a line break.
    fn finish(&self) {
        self.stdout.finish();
        self.stderr.finish();
    }

    /// The identity whose rights the call uses: its caller, otherwise the configured `acts_as`, if any.
    pub fn caller(&self) -> Option<&Caller> {
        self.asked.caller.as_ref().or(self.profile.acts_as.as_ref())
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

/// Runs `call` in a fresh store under the version's limits.
pub async fn run<T, F, Fut>(
    engine: &SharedEngine,
    profile: &Arc<Profile>,
    (asked, lent): (CallContext, Option<HostHandle>),
    call: F,
) -> Result<T, CallError>
where
    T: CallOutput,
    F: FnOnce(Store<CallState>) -> Fut,
    Fut: Future<Output = (Store<CallState>, wasmtime::Result<T>)>,
{
    let limits = &profile.limits;
    let vault = match &lent {
        // The file of a secret may be on a network file system that hangs.
        Some(_) => tokio::time::timeout(limits.time * 2, CallSecrets::open(&profile.name, &profile.secrets)).await,
        None => Ok(CallSecrets::default()),
    };
    let late = || CallError::Limit { plugin: profile.name.to_string(), limit: Limit::Time };
    let vault = vault.map_err(|_| late())?;
    let state = CallState::new(Arc::clone(profile), asked, (lent, vault), engine.time());
    let mut store = Store::new(engine.engine(), state);
    store.limiter(|state| &mut state.meter);
    // wasmtime rejects a larger transfer between guest and host before it copies it.
    store.set_hostcall_fuel(limits.transfer());
    let busy = CpuMeter::new();
    bound(&mut store, busy.clone(), limits.time);
    let _ticking = engine.tick_while();
    let waits = store.data().egress.waits();
    let call = std::pin::pin!(call(store));
    // Two deadlines: the epoch interrupts a guest that computes without yielding, and `overdue` ends one that waits in
    // a host call or on a clock. In the second case the store is dropped with the call's future.
    let ended = tokio::select! {
        biased;
        ended = busy.count(call) => ended,
        () = profile.retirement.over() => return Err(CallError::Drained { drain: profile.drain }),
        () = overdue(limits.time * 2, &waits) => return Err(late()),
    };
    match ended {
        (store, Ok(answer)) => {
            store.data().finish();
            if answer.bytes() > limits.reply {
                return Err(CallError::Limit { plugin: profile.name.to_string(), limit: Limit::Reply });
            }
            Ok(answer.scrubbed())
        }
        (store, Err(error)) => {
            store.data().finish();
            Err(explain(store.data(), &error).scrubbed().brief())
        }
    }
}

/// The shortest sleep between two checks of a call's deadline. A call that uses the network may end this much late.
const LEAST_PAUSE: Duration = Duration::from_millis(5);

/// Completes when the call has run for `allowed`, excluding the time in which it had network requests in flight.
async fn overdue(allowed: Duration, waits: &WaitBudget) {
    let begun = Instant::now();
    loop {
        let left = (allowed + waits.waited()).saturating_sub(begun.elapsed());
        if left.is_zero() {
            return;
        }
        tokio::time::sleep(left.max(LEAST_PAUSE)).await;
    }
}

/// Interrupts a guest that has computed for longer than `time`, and makes it yield to other tasks at each epoch tick.
fn bound(store: &mut Store<CallState>, busy: CpuMeter, time: Duration) {
    store.set_epoch_deadline(1);
    store.epoch_deadline_callback(move |mut context| {
        if context.data().profile.retirement.is_over() {
            context.data_mut().cut_off = true;
            return Ok(UpdateDeadline::Interrupt);
        }
        if busy.spent() < time {
            // `yield_now` lets the runtime poll its sockets and timers before it polls this task again.
            return Ok(UpdateDeadline::YieldCustom(1, Box::pin(tokio::task::yield_now())));
        }
        context.data_mut().meter.exceeded = Some(Limit::Time);
        Ok(UpdateDeadline::Interrupt)
    });
}

fn explain(state: &CallState, error: &wasmtime::Error) -> CallError {
    if state.cut_off {
        return CallError::Drained { drain: state.profile.drain };
    }
    if let Some(limit) = state.meter.exceeded {
        return CallError::Limit { plugin: state.profile.name.to_string(), limit };
    }
    let root = error.root_cause().to_string();
    if root.contains("fuel allocated for hostcalls") {
        // With guest frames in the backtrace, the guest was passing an argument to the host. Without them, the host was
        // reading the guest's result.
        let giving = error.downcast_ref::<WasmBacktrace>().is_some();
        let plugin = state.profile.name.to_string();
        return if giving {
            CallError::ArgumentTooLarge { plugin, most: state.profile.limits.transfer() }
        } else {
            CallError::Limit { plugin, limit: Limit::Reply }
        };
    }
    if let Some(deed) = fixed_limits::went_over(error) {
        return CallError::Bound(deed);
    }
    // The root cause names the trap. The errors above it only list frames without names.
    CallError::Trap(state.stderr.fall(root))
}
