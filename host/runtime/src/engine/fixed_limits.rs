//! Limits of every call that no configuration key raises. [`went_over`] explains a violation, because the runtime's own
//! messages name neither the resource nor its limit.

use cordboard_core::config::format_size;
use wasmtime::{
    Config, Trap,
    component::{ResourceTable, ResourceTableError},
};
use wasmtime_wasi::{I32Exit, WasiCtxBuilder};
use wasmtime_wasi_http::{FieldMapError, WasiHttpCtx};

/// The most resource handles that a guest may have open.
const HANDLES: usize = 256;

/// The most random bytes per request. Most calls have no more memory than this.
const RANDOM: u64 = 64 << 20;

/// The most bytes of header fields in a request, measured in memory.
const FIELDS: usize = 32 << 10;

/// The stack of a guest, in bytes.
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

/// Limits the headers that a guest may write.
pub fn fields() -> WasiHttpCtx {
    let mut fields = WasiHttpCtx::new();
    fields.set_field_size_limit(FIELDS);
    fields
}

/// Explains which of these limits the guest exceeded, or that it exited, as a predicate for an error message. Returns
/// `None` for all other errors.
pub fn went_over(error: &wasmtime::Error) -> Option<String> {
    if let Some(I32Exit(code)) = error.downcast_ref() {
        // WASI 0.2 only distinguishes success from failure.
        let how = if *code == 0 { "with success" } else { "with an error code" };
        return Some(format!("exited before it answered, {how}"));
    }
    if let Some(Trap::StackOverflow) = error.downcast_ref() {
        return Some(format!("exceeded the {} of stack of a call", format_size(STACK as u64)));
    }
    if let Some(ResourceTableError::Full) = error.downcast_ref() {
        let what = "host resources at once (clocks, streams, requests), the maximum of a call";
        return Some(format!("held {HANDLES} {what}"));
    }
    if let Some(FieldMapError::TotalSizeTooBig | FieldMapError::TooManyFields) = error.downcast_ref() {
        return Some(format!("set more than {} of headers in one request", format_size(FIELDS as u64)));
    }
    // The runtime reports this limit only in the error's text.
    let is_random = error.root_cause().to_string().ends_with(&format!("exceeds limit {RANDOM}"));
    is_random.then(|| format!("requested more than {} of random bytes at once", format_size(RANDOM)))
}
