//! Checks the code that belongs to the HTTP servers and the plugin runtime. Building them takes minutes, so the other
//! targets don't depend on them.

pub mod component;
pub mod http_head;

type Check = fn(&[u8]);

/// The targets, as in `decoders`.
pub const TARGETS: [(&str, Check); 2] = [("component", component::check), ("http_head", http_head::check)];
