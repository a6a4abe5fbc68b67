//! The measurement floor: bare wasmtime calls a component without the host, with only the WASI context that every
//! component needs.

use std::time::{Duration, Instant};

use wasmtime::{
    Config, Enabled, Engine, InstanceAllocationStrategy, PoolingAllocationConfig, Store,
    component::{Component, HasSelf, Linker, ResourceTable},
};
use wasmtime_wasi::{WasiCtx, WasiCtxBuilder, WasiCtxView, WasiView};

mod bindings {
    wasmtime::component::bindgen!({
        path: "../wit",
        world: "command-plugin",
        imports: { default: async | trappable },
        exports: { default: async },
    });
}

use bindings::{CommandPluginPre, cordboard::plugin::types};

struct State {
    wasi: WasiCtx,
    table: ResourceTable,
}

impl types::Host for State {}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}

/// Returns a configuration that enables the pooling allocator, which is wasmtime's fastest, and epoch interruption,
/// which a host needs to stop endless loops.
fn config() -> Config {
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(8)
        .total_core_instances(80)
        .total_memories(16)
        .total_tables(32)
        .total_stacks(8)
        .max_memory_size(512 << 20)
        .linear_memory_keep_resident(64 << 10)
        .table_keep_resident(64 << 10)
        .pagemap_scan(Enabled::Auto);
    let mut config = Config::new();
    config.epoch_interruption(true).concurrency_support(false);
    config.memory_reservation(512 << 20).memory_guard_size(32 << 20);
    config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
    config
}

pub struct Floor {
    engine: Engine,
    pre: CommandPluginPre<State>,
}

impl Floor {
    pub fn new(wasm: &[u8]) -> Self {
        let engine = Engine::new(&config()).unwrap();
        let component = Component::new(&engine, wasm).unwrap();
        let mut linker: Linker<State> = Linker::new(&engine);
        wasmtime_wasi::p2::add_to_linker_async(&mut linker).unwrap();
        types::add_to_linker::<_, HasSelf<State>>(&mut linker, |state| state).unwrap();
        let pre = CommandPluginPre::new(linker.instantiate_pre(&component).unwrap()).unwrap();
        Self { engine, pre }
    }

    /// Creates an instance, calls it once and drops it. Returns the elapsed time.
    pub async fn call(&self, text: &str) -> Duration {
        let began = Instant::now();
        let state = State { wasi: WasiCtxBuilder::new().build(), table: ResourceTable::new() };
        let mut store = Store::new(&self.engine, state);
        store.set_epoch_deadline(1000);
        let instance = self.pre.instantiate_async(&mut store).await.unwrap();
        let args = [text.to_owned()];
        let command = instance.cordboard_plugin_command();
        let reply = command.call_run(&mut store, "echo", &args, text).await.unwrap().unwrap();
        drop(store);
        let took = began.elapsed();
        assert!(reply.text.ends_with(text));
        took
    }
}
