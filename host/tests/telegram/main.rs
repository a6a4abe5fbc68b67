//! The Telegram adapter over HTTP, against a stand-in for the Bot API that checks every call.

#[path = "../support/botapi.rs"]
mod botapi;
mod incoming;
mod outgoing;
mod rig;
mod troubles;
