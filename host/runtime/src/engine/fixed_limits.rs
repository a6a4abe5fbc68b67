//! Limits that apply to every call and that no configuration key raises. [`explain_excess`] names the resource and the
//! limit, because wasmtime's own messages don't name both.

use cordboard_core::config::format_size;
use wasmtime::{
    Config, Trap,
    component::{ResourceTable, ResourceTableError},
};
use wasmtime_wasi::{I32Exit, WasiCtxBuilder};
use wasmtime_wasi_http::{FieldMapError, WasiHttpCtx};

/// The maximum number of resource handles that a guest may have open.
const MAX_HANDLES: usize = 256;

/// The maximum number of random bytes that a guest may request at once, equal to the default memory limit of a call.
const MAX_RANDOM: u64 = 64 << 20;

/// The maximum size of a request's header fields in memory, in bytes. They are larger in memory than on the wire.
const MAX_HEADERS: usize = 32 << 10;

/// The maximum number of elements in one table. The elements are function references, and no plugin has nearly that
/// many functions. The instance pool reserves memory for this many elements.
pub const MAX_TABLE_ELEMENTS: usize = 20_000;

/// The size of a guest's stack, in bytes.
const STACK_SIZE: usize = 512 << 10;

pub fn set_stack(config: &mut Config) {
    config.max_wasm_stack(STACK_SIZE);
}

pub fn set_random(wasi: &mut WasiCtxBuilder) {
    wasi.max_random_size(MAX_RANDOM);
}

pub fn resource_table() -> ResourceTable {
    let mut resources = ResourceTable::new();
    resources.set_max_capacity(MAX_HANDLES);
    resources
}

/// Limits the headers that a guest may write.
pub fn http_ctx() -> WasiHttpCtx {
    let mut ctx = WasiHttpCtx::new();
    ctx.set_field_size_limit(MAX_HEADERS);
    ctx
}

/// Returns the predicate of an error message for a call that filled a table. The guest only sees that the table doesn't
/// grow, so the call's meter records the excess.
pub fn explain_full_table() -> String {
    format!("exceeded the limit of {MAX_TABLE_ELEMENTS} elements in a table")
}

/// Explains which of these limits the guest exceeded, or that it exited, as the predicate of an error message. Returns
/// `None` for all other errors.
pub fn explain_excess(error: &wasmtime::Error) -> Option<String> {
    if let Some(I32Exit(code)) = error.downcast_ref() {
        // WASI 0.2 only distinguishes success from failure.
        let how = if *code == 0 { "with success" } else { "with an error code" };
        return Some(format!("exited {how} before it returned a result"));
    }
    if let Some(Trap::StackOverflow) = error.downcast_ref() {
        return Some(format!("exceeded the stack limit of {}", format_size(STACK_SIZE as u64)));
    }
    if let Some(ResourceTableError::Full) = error.downcast_ref() {
        let what = "host resources at once (clocks, streams, requests), the maximum for a call";
        return Some(format!("held {MAX_HANDLES} {what}"));
    }
    if let Some(FieldMapError::TotalSizeTooBig | FieldMapError::TooManyFields) = error.downcast_ref() {
        return Some(format!("set more than {} of headers in one request", format_size(MAX_HEADERS as u64)));
    }
    // wasmtime reports this limit only in the error's text.
    let is_random = error.root_cause().to_string().ends_with(&format!("exceeds limit {MAX_RANDOM}"));
    is_random.then(|| format!("requested more than {} of random bytes at once", format_size(MAX_RANDOM)))
}
