//! Runs one plugin call in a fresh instance with its own store, meter, deadlines and call context. Nothing outlives the
//! call, so no state leaks between calls and a trap ends only this call.

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
    call_limit_counters::{Limit, Meter},
    call_output::CallOutput,
    call_settings::CallSettings,
    context::CallContext,
    engine::{
        SharedEngine,
        cpu_time::{CpuMeter, PausedTime},
        fixed_limits,
        guest_clock::GuestTime,
    },
    guest_log::{GuestLog, GuestOutput},
    host_api::HostApi,
    outbound_network::{OutboundHttp, WaitBudget},
    plugin_catalog::Directory,
    secret_placeholders::CallSecrets,
};

/// The state of one call. The host's implementations of the imports read and modify it.
pub struct CallState {
    pub call_settings: Arc<CallSettings>,
    pub context: CallContext,
    pub now: Timestamp,
    /// `None` for trials, views and memory measurements, which may only read their configuration and context and write
    /// to the log.
    pub host: Option<HostHandle>,
    pub meter: Meter,
    /// Set if the call was interrupted because its version was replaced or deactivated. Contains the drain period.
    drained: Option<Duration>,
    pub log: GuestLog,
    pub http: OutboundHttp,
    stdout: GuestOutput,
    stderr: GuestOutput,
    wasi: WasiCtx,
    resources: ResourceTable,
    /// The size limit of the HTTP headers that the guest writes.
    headers: WasiHttpCtx,
}

/// A call's access to the host, and the plugins that were active when the call started.
#[derive(Clone)]
pub struct HostHandle {
    pub api: Arc<dyn HostApi>,
    pub directory: Arc<dyn Directory>,
}

/// The context and the host access of a call. The default, for trials, views and memory measurements, has neither.
#[derive(Default)]
pub struct CallEnvironment {
    pub context: CallContext,
    pub host: Option<HostHandle>,
}

impl CallEnvironment {
    /// Returns the environment for a call that can't use the host. The call uses the current language.
    pub fn without_host() -> Self {
        Self { context: CallContext::without_caller(), host: None }
    }
}

impl CallState {
    fn new(
        call_settings: Arc<CallSettings>,
        environment: CallEnvironment,
        secrets: CallSecrets,
        time: &GuestTime,
    ) -> Self {
        let CallEnvironment { context, host } = environment;
        let log = GuestLog::new(&call_settings.name, call_settings.limits.log);
        let stdout = GuestOutput::new(log.clone(), Level::Info);
        let stderr = GuestOutput::new(log.clone(), Level::Warn);
        let mut wasi = WasiCtxBuilder::new();
        wasi.stdout(stdout.clone()).stderr(stderr.clone());
        fixed_limits::set_random(&mut wasi);
        time.set_clock(&mut wasi);
        let now = host.as_ref().map_or(Timestamp(0), |host| host.api.now());
        let network = call_settings.network.clone().filter(|_| host.is_some());
        let fake = host.as_ref().and_then(|host| host.api.fake_network());
        Self {
            context,
            now,
            meter: Meter::new(call_settings.limits),
            drained: None,
            http: OutboundHttp::new(network, fake, secrets, log.clone()),
            log,
            stdout,
            stderr,
            wasi: wasi.build(),
            resources: fixed_limits::resource_table(),
            headers: fixed_limits::http_ctx(),
            host,
            call_settings,
        }
    }

    /// Counts a host call and returns the host handle.
    ///
    /// # Errors
    /// Traps if the call has made too many host calls, or if it is a trial or a view.
    pub fn host(&mut self) -> wasmtime::Result<HostHandle> {
        self.count_call()?;
        self.host.clone().ok_or_else(|| wasmtime::Error::msg("a trial or a view may call only config, context and log"))
    }

    pub fn count_call(&mut self) -> wasmtime::Result<()> {
        if self.meter.count_call() { Ok(()) } else { Err(wasmtime::Error::msg("too many host calls")) }
    }

    /// Logs the text after the last line break of each output stream.
    fn flush_output(&self) {
        self.stdout.flush_line();
        self.stderr.flush_line();
    }

    /// Returns the identity whose rights the call uses: its caller, or else the configured `acts_as`, if any.
    pub fn caller(&self) -> Option<&Caller> {
        self.context.caller.as_ref().or(self.call_settings.acts_as.as_ref())
    }
}

impl WasiView for CallState {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.resources }
    }
}

impl WasiHttpView for CallState {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView { hooks: &mut self.http, table: &mut self.resources, ctx: &mut self.headers }
    }
}

/// Runs `call` in a fresh store under the version's limits.
pub async fn run<T, F, Fut>(
    engine: &SharedEngine,
    call_settings: &Arc<CallSettings>,
    environment: CallEnvironment,
    call: F,
) -> Result<T, CallError>
where
    T: CallOutput,
    F: FnOnce(Store<CallState>) -> Fut,
    Fut: Future<Output = (Store<CallState>, wasmtime::Result<T>)>,
{
    let limits = &call_settings.limits;
    let secrets = match &environment.host {
        // Secret files may be on a network file system that hangs.
        Some(_) => {
            tokio::time::timeout(limits.time * 2, CallSecrets::open(&call_settings.name, &call_settings.secrets)).await
        }
        None => Ok(CallSecrets::default()),
    };
    let exceeded = |limit| CallError::Limit { plugin: call_settings.name.to_string(), limit };
    let secrets = secrets.map_err(|_| exceeded(Limit::Time))?;
    let state = CallState::new(Arc::clone(call_settings), environment, secrets, engine.time());
    let mut store = Store::new(engine.engine(), state);
    store.limiter(|state| &mut state.meter);
    // wasmtime rejects a larger transfer between guest and host before copying it.
    store.set_hostcall_fuel(limits.transfer());
    let paused = engine.paused();
    let cpu = CpuMeter::new(paused.clone());
    limit_cpu_time(&mut store, cpu.clone(), limits.time);
    let _ticks = engine.tick_while();
    let waits = store.data().http.waits();
    let call = std::pin::pin!(call(store));
    // Two deadlines: the epoch interrupts a guest that computes without yielding, and `overdue` ends a guest that waits
    // in a host call or on a clock. In the second case, the store is dropped with the call's future.
    let (store, result) = tokio::select! {
        biased;
        ended = cpu.measure(call) => ended,
        drain = call_settings.drain.over() => return Err(CallError::Drained { drain }),
        () = overdue(limits.time * 2, &waits, &paused) => return Err(exceeded(Limit::Time)),
    };
    store.data().flush_output();
    match result {
        Ok(output) if output.bytes() > limits.reply => Err(exceeded(Limit::Reply)),
        Ok(output) => Ok(output.scrubbed()),
        Err(error) => Err(explain(store.data(), &error).scrubbed().brief()),
    }
}

/// The shortest sleep between two checks of a call's deadline. A call that uses the network may exceed its deadline by
/// this much.
const MIN_CHECK_INTERVAL: Duration = Duration::from_millis(5);

/// Completes when the call has run for `allowed`, not counting the time during which network requests were in flight or
/// the process was paused.
async fn overdue(allowed: Duration, waits: &WaitBudget, paused: &PausedTime) {
    let (began, paused_before) = (Instant::now(), paused.total());
    let mut over_since = None;
    loop {
        let ticks = paused.ticks();
        let uncounted = waits.waited() + paused.total().saturating_sub(paused_before);
        let left = (allowed + uncounted).saturating_sub(began.elapsed());
        over_since = left.is_zero().then(|| over_since.unwrap_or(ticks));
        // The ticker may not have recorded a pause that has just ended.
        if over_since.is_some_and(|since| since < ticks) {
            return;
        }
        tokio::time::sleep(left.max(MIN_CHECK_INTERVAL)).await;
    }
}

/// Makes the guest yield to other tasks at each epoch tick, and interrupts it if it has computed for longer than `time`
/// or its drain period is over.
fn limit_cpu_time(store: &mut Store<CallState>, cpu: CpuMeter, time: Duration) {
    let mut was_over = false;
    store.set_epoch_deadline(1);
    store.epoch_deadline_callback(move |mut context| {
        if let Some(drain) = context.data().call_settings.drain.expired() {
            context.data_mut().drained = Some(drain);
            return Ok(UpdateDeadline::Interrupt);
        }
        // The guest may see a tick from before a pause only now, so one check isn't enough.
        let is_over = cpu.spent() >= time;
        if !std::mem::replace(&mut was_over, is_over) || !is_over {
            // `yield_now` lets the runtime poll its sockets and timers before it polls this task again.
            return Ok(UpdateDeadline::YieldCustom(1, Box::pin(tokio::task::yield_now())));
        }
        context.data_mut().meter.exceeded = Some(Limit::Time);
        Ok(UpdateDeadline::Interrupt)
    });
}

fn explain(state: &CallState, error: &wasmtime::Error) -> CallError {
    if let Some(drain) = state.drained {
        return CallError::Drained { drain };
    }
    if let Some(limit) = state.meter.exceeded {
        return CallError::Limit { plugin: state.call_settings.name.to_string(), limit };
    }
    if state.meter.exceeds_table {
        return CallError::FixedLimit(fixed_limits::explain_full_table());
    }
    let root = error.root_cause().to_string();
    if root.contains("fuel allocated for hostcalls") {
        // If the backtrace contains guest frames, the guest was passing an argument to the host. Otherwise, the host
        // was reading the guest's result.
        let is_argument = error.downcast_ref::<WasmBacktrace>().is_some();
        let plugin = state.call_settings.name.to_string();
        return if is_argument {
            CallError::ArgumentTooLarge { plugin, most: state.call_settings.limits.transfer() }
        } else {
            CallError::Limit { plugin, limit: Limit::Reply }
        };
    }
    if let Some(excess) = fixed_limits::explain_excess(error) {
        return CallError::FixedLimit(excess);
    }
    // The root cause names the trap. The outer errors only list stack frames without function names.
    CallError::Trap(state.stderr.failure_reason(root))
}
