//! Bounds that every call has and no key raises, in words: the runtime's own say neither what was bounded nor how much there is.

use cordboard_core::config::spell_size;
use wasmtime::{
    Config, Trap,
    component::{ResourceTable, ResourceTableError},
};
use wasmtime_wasi::{I32Exit, WasiCtxBuilder};
use wasmtime_wasi_http::{FieldMapError, WasiHttpCtx};

/// The most resource handles that a guest may hold.
const HANDLES: usize = 256;

/// Random bytes at once: as much as most calls have memory.
const RANDOM: u64 = 64 << 20;

/// Bytes of the fields of a request, as they are counted in memory.
const FIELDS: usize = 32 << 10;

/// Bytes of the stack of a guest.
const STACK: usize = 512 << 10;

pub fn of_stack(config: &mut Config) {
    config.max_wasm_stack(STACK);
}

pub fn of_random(wasi: &mut WasiCtxBuilder) {
    wasi.max_random_size(RANDOM);
}

pub fn handles() -> ResourceTable {
    let mut resources = ResourceTable::new();
    resources.set_max_capacity(HANDLES);
    resources
}

/// What a guest may put into headers.
pub fn fields() -> WasiHttpCtx {
    let mut fields = WasiHttpCtx::new();
    fields.set_field_size_limit(FIELDS);
    fields
}

/// What the guest did to fall like this; none where it was none of these bounds.
pub fn went_over(error: &wasmtime::Error) -> Option<String> {
    if let Some(I32Exit(code)) = error.downcast_ref() {
        // WASI 0.2 carries no other code than these two.
        let how = if *code == 0 { "as if all were well" } else { "with an error code" };
        return Some(format!("exited before it answered, {how}"));
    }
    if let Some(Trap::StackOverflow) = error.downcast_ref() {
        return Some(format!("called itself deeper than the {} of stack that a call has", spell_size(STACK as u64)));
    }
    if let Some(ResourceTableError::Full) = error.downcast_ref() {
        let what = "things of the host at once (clocks, streams, requests), and a call may hold no more";
        return Some(format!("held {HANDLES} {what}"));
    }
    if let Some(FieldMapError::TotalSizeTooBig | FieldMapError::TooManyFields) = error.downcast_ref() {
        return Some(format!("wrote more than {} of headers for one request", spell_size(FIELDS as u64)));
    }
    // The runtime gives this one as a text alone.
    let is_random = error.root_cause().to_string().ends_with(&format!("exceeds limit {RANDOM}"));
    is_random.then(|| format!("asked for more than {} of random bytes at once", spell_size(RANDOM)))
}
