//! Plugins: components compiled, linked to what they were granted, tried, plugged in by one pointer swap, and called in fresh
//! instances. The only place that knows wasmtime. It must not know the hub: what plugins may do comes in as a [`Board`].

mod bindings;
mod board;
mod busy;
mod call;
mod compile;
mod convert;
mod egress;
mod engine;
mod generation;
mod grants;
mod imports;
mod journal;
mod limits;
mod linkers;
mod look;
mod orders;
mod plugs;
mod probation;
mod published;
mod reach;
mod refusal;
mod secrets;
mod status;
mod table;
mod told;
mod trades;
mod trial;

pub use board::{Blueprint, Board, Choice, KeyValues, Shelf, Swap};
pub use call::{Asked, CallError};
pub use compile::{COMPILE, LARGEST_WASM, THIS_PROGRAM, compile_stdin, digest};
pub use egress::{Errand, FarAnswer, FarSide};
pub use engine::EPOCH_TICK;
pub use generation::{Generation, PluginSettings, Requests};
pub use grants::{Parked, by_line_alone};
pub use limits::{CallLimits, Limit};
pub use look::{Look, bare};
pub use orders::{Ordered, Orders, Outcome, PlugOrder, check as check_order, refuse};
pub use plugs::{Compiled, Entrance, Plugs, Swapped};
pub use probation::SwapTerms;
pub use reach::{has as reaches, list_of};
pub use refusal::Refused;
pub use secrets::value as secret_value;
pub use status::{Health, PluginStatus, lacks_proof};
pub use table::{CallOrder, CommandSpec, Hold, Offer, Table, Turned, short};
pub use trades::{DueJob, Invocation, Load, Screen, ViewLimits, WebRequest, WebResponse};
