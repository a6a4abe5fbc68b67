//! The wasmtime engine of the process: the compilation settings, the instance pool, and the epoch ticker that
//! interrupts guests in endless loops.

pub mod cpu_time;
pub mod fixed_limits;
pub mod guest_clock;
pub mod linker;

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use cordboard_core::type_erased::TypeErased;
use wasmtime::{Config, Enabled, Engine, InstanceAllocationStrategy, OptLevel, PoolingAllocationConfig};

use cpu_time::PausedTime;
use guest_clock::GuestTime;

/// The interval at which a running call checks its deadline. A spinning plugin delays other tasks on its thread by at
/// most this much.
pub const EPOCH_TICK: Duration = Duration::from_millis(5);

/// The number of call slots reserved for `at-once` commands, so that `/stop` doesn't wait behind slow calls.
pub const AT_ONCE_CALLS: u32 = 8;

/// The number of call slots reserved for filters. A plugin that sends a message to an agent waits for the filters, so
/// the filters must not wait for the plugin's slot. A filter may wait for a slow server.
pub const FILTER_CALLS: u32 = 32;

/// The maximum number of trials that run at once, in addition to calls. Trials of new versions and of changed settings
/// share this limit. The limit is more than one, so that a slow trial, which may take as long as a call, doesn't delay
/// all others. An unused pool slot costs address space but no memory.
pub const MAX_TRIALS: u32 = 4;

/// The number of core instances that the pool holds per call. A Rust component uses about three, components in other
/// languages up to ten.
const CORE_INSTANCES_PER_CALL: u32 = 10;

/// The address space that the pool reserves for a linear memory, in bytes. A call can use only as much as its `memory`
/// limit allows, and that limit can't exceed this size.
const LARGEST_MEMORY: usize = 512 << 20;

/// The number of bytes of a linear memory or a table that stay resident when its slot returns to the pool. Resetting
/// these pages is cheaper than faulting them in again: a fresh call takes 10.8 µs instead of 19 µs (measured).
const KEEP_RESIDENT: usize = 64 << 10;

/// A handle to the engine and its ticker. Clones share both.
#[derive(Clone)]
pub struct SharedEngine {
    engine: TypeErased<Engine>,
    in_flight: Arc<AtomicUsize>,
    ticker: thread::Thread,
    time: GuestTime,
    paused: PausedTime,
}

impl SharedEngine {
    /// Starts the engine with room for `parallel` calls in addition to the `at-once` calls, filters and trials. Falls
    /// back to on-demand allocation if the address space is too small for a pool.
    pub fn start(parallel: u32) -> wasmtime::Result<Self> {
        let instances = parallel.saturating_add(AT_ONCE_CALLS + FILTER_CALLS + MAX_TRIALS);
        let engine = Engine::new(&config(Allocation::Pool { instances })).or_else(|error| {
            tracing::warn!(%error, "not enough memory for an instance pool: calls are slower");
            Engine::new(&config(Allocation::OnDemand))
        })?;
        let in_flight = Arc::new(AtomicUsize::new(0));
        let paused = PausedTime::default();
        let ticker = spawn_ticker(&engine, Arc::clone(&in_flight), paused.clone());
        Ok(Self { engine: TypeErased::new(engine), in_flight, ticker, time: GuestTime::default(), paused })
    }

    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    pub const fn time(&self) -> &GuestTime {
        &self.time
    }

    /// Returns the time for which the process was paused during calls.
    pub fn paused(&self) -> PausedTime {
        self.paused.clone()
    }

    /// Keeps the epoch ticking until the guard is dropped.
    pub fn tick_while(&self) -> TickGuard<'_> {
        if self.in_flight.fetch_add(1, Ordering::AcqRel) == 0 {
            self.ticker.unpark();
        }
        TickGuard(&self.in_flight)
    }
}

pub struct TickGuard<'a>(&'a AtomicUsize);

impl Drop for TickGuard<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

/// Creates the engine for the child process that compiles. It generates the same code as the host's engine, and has no
/// instance pool.
pub fn compiler() -> wasmtime::Result<Engine> {
    Engine::new(&config(Allocation::OnDemand))
}

enum Allocation {
    Pool { instances: u32 },
    OnDemand,
}

fn config(allocation: Allocation) -> Config {
    let mut config = Config::new();
    config.epoch_interruption(true).concurrency_support(false);
    // All plugins' compiled code stays in memory. Omitting the debugger tables makes it a sixth smaller.
    config.generate_address_map(false).native_unwind_info(false).cranelift_opt_level(OptLevel::SpeedAndSize);
    fixed_limits::set_stack(&mut config);
    match allocation {
        Allocation::Pool { instances } => {
            config.allocation_strategy(InstanceAllocationStrategy::Pooling(pooling(instances)))
        }
        Allocation::OnDemand => config.allocation_strategy(InstanceAllocationStrategy::OnDemand),
    };
    // The child that compiles and the host that runs the code must use the same memory layout.
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
        .table_elements(fixed_limits::MAX_TABLE_ELEMENTS)
        .linear_memory_keep_resident(KEEP_RESIDENT)
        .table_keep_resident(KEEP_RESIDENT)
        .pagemap_scan(Enabled::Auto);
    pool
}

/// The number of ticks without a call after which the ticker parks. The delay keeps a busy host from unparking the
/// thread for every call.
const IDLE_TICKS: u32 = 200;

/// Starts the ticker on an OS thread, because a guest that never yields could block a ticker task. The thread parks
/// after [`IDLE_TICKS`] ticks without a call, so it doesn't wake up an idle host.
fn spawn_ticker(engine: &Engine, in_flight: Arc<AtomicUsize>, paused: PausedTime) -> thread::Thread {
    let weak = engine.weak();
    let tick = move || {
        let mut quiet = 0;
        while let Some(engine) = weak.upgrade() {
            engine.increment_epoch();
            drop(engine);
            quiet = if in_flight.load(Ordering::Acquire) == 0 { quiet + 1 } else { 0 };
            if quiet < IDLE_TICKS {
                let began = Instant::now();
                thread::sleep(EPOCH_TICK);
                paused.record_tick(EPOCH_TICK, began.elapsed());
            } else {
                thread::park();
            }
        }
    };
    let thread = thread::Builder::new()
        .name("epoch".to_owned())
        .spawn(tick)
        .expect("a thread can be started when the host starts");
    thread.thread().clone()
}
