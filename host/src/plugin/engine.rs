//! The one wasmtime engine of a process: how code is compiled and instances are pooled, and the epoch by which endless loops end.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use wasmtime::{Config, Enabled, Engine, InstanceAllocationStrategy, PoolingAllocationConfig};

use super::{fixed_limits, guest_clock::GuestTime};

/// How often a running call looks at its deadline. A spinning plugin steals at most this much from the others of its thread.
pub const EPOCH_TICK: Duration = Duration::from_millis(5);

/// Calls that `at-once` commands have for themselves, so that `/stop` never waits behind slow ones.
pub const AT_ONCE_CALLS: u32 = 8;

/// Versions that may be tried at once beside the calls: a trial may take as long as a call, and the next one is not to wait for it.
/// A slot of the pool that nobody uses costs address space, and no memory.
pub const TRIALS: u32 = 4;

/// Of the trials of new versions, and of the one that may meet new settings meanwhile.
const TRIAL_INSTANCES: u32 = TRIALS + 1;

/// A Rust component takes about three core instances, one in another language up to ten.
const CORE_INSTANCES_PER_CALL: u32 = 10;

/// The largest linear memory the pool reserves address space for; `memory` in the configuration, which takes no more, bounds what a
/// call may use of it.
const LARGEST_MEMORY: usize = 512 << 20;

/// What stays mapped of a returned slot: resetting these pages is cheaper than faulting them in again (measured: 10.8 µs a fresh call
/// against 19 µs).
const KEEP_RESIDENT: usize = 64 << 10;

/// What a shared engine and its ticker are known by.
#[derive(Clone)]
pub struct SharedEngine {
    engine: Engine,
    in_flight: Arc<AtomicUsize>,
    ticker: thread::Thread,
    time: GuestTime,
}

impl SharedEngine {
    /// Starts the engine with room for `parallel` calls beside those that are at once, pooled where the address space allows it.
    pub fn start(parallel: u32) -> wasmtime::Result<Self> {
        let instances = parallel.saturating_add(AT_ONCE_CALLS + TRIAL_INSTANCES);
        let engine = Engine::new(&config(Pool::Of { instances })).or_else(|error| {
            tracing::warn!(%error, "no room for an instance pool: calls are slower");
            Engine::new(&config(Pool::OnDemand))
        })?;
        let in_flight = Arc::new(AtomicUsize::new(0));
        let ticker = spawn_ticker(&engine, Arc::clone(&in_flight));
        Ok(Self { engine, in_flight, ticker, time: GuestTime::default() })
    }

    pub const fn engine(&self) -> &Engine {
        &self.engine
    }

    pub const fn time(&self) -> &GuestTime {
        &self.time
    }

    /// Keeps the epoch ticking until the guard is dropped.
    pub fn tick_while(&self) -> Ticking<'_> {
        if self.in_flight.fetch_add(1, Ordering::AcqRel) == 0 {
            self.ticker.unpark();
        }
        Ticking(&self.in_flight)
    }
}

pub struct Ticking<'a>(&'a AtomicUsize);

impl Drop for Ticking<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

/// The engine of the compiling child: the same code generation, no pool.
pub fn compiler() -> wasmtime::Result<Engine> {
    Engine::new(&config(Pool::OnDemand))
}

enum Pool {
    Of { instances: u32 },
    OnDemand,
}

fn config(pool: Pool) -> Config {
    let mut config = Config::new();
    config.epoch_interruption(true).concurrency_support(false);
    fixed_limits::of_stack(&mut config);
    match pool {
        Pool::Of { instances } => config.allocation_strategy(InstanceAllocationStrategy::Pooling(pooling(instances))),
        Pool::OnDemand => config.allocation_strategy(InstanceAllocationStrategy::OnDemand),
    };
    // The artifact's memory layout must be the same in the child that compiles and in the host that runs.
    config.memory_reservation(LARGEST_MEMORY as u64).memory_guard_size(32 << 20);
    config
}

fn pooling(instances: u32) -> PoolingAllocationConfig {
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(instances)
        .total_core_instances(instances * CORE_INSTANCES_PER_CALL)
        .total_memories(instances * 2)
        .total_tables(instances * 4)
        .total_stacks(instances)
        .max_core_instances_per_component(CORE_INSTANCES_PER_CALL * 4)
        .max_tables_per_component(20)
        .max_component_instance_size(1 << 20)
        .max_core_instance_size(1 << 20)
        .max_memory_size(LARGEST_MEMORY)
        .table_elements(20_000)
        .linear_memory_keep_resident(KEEP_RESIDENT)
        .table_keep_resident(KEEP_RESIDENT)
        .pagemap_scan(Enabled::Auto);
    pool
}

/// How many ticks the ticker goes on after the last call, so that a busy host need not wake a thread for each call.
const LINGER: u32 = 200;

/// An OS thread, since a guest that never yields would starve a task. It sleeps while no call runs: an idle host wakes nobody.
fn spawn_ticker(engine: &Engine, in_flight: Arc<AtomicUsize>) -> thread::Thread {
    let weak = engine.weak();
    let tick = move || {
        let mut quiet = 0;
        while let Some(engine) = weak.upgrade() {
            engine.increment_epoch();
            drop(engine);
            quiet = if in_flight.load(Ordering::Acquire) == 0 { quiet + 1 } else { 0 };
            if quiet < LINGER {
                thread::sleep(EPOCH_TICK);
            } else {
                thread::park();
            }
        }
    };
    let thread = thread::Builder::new().name("epoch".to_owned()).spawn(tick).expect("a thread can be started at start");
    thread.thread().clone()
}
