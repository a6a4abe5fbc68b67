//! The pure core of Cordboard: what a session does, where a message goes, how an answer looks, what a configuration means.
//!
//! It reads no clock, opens no file, starts no process and knows no runtime: time and facts come in as arguments, and what shall
//! happen goes out as values. The crate's dependency list is the proof.

pub mod agent;
pub mod chat;
pub mod config;
pub mod egress;
pub mod encoding;
pub mod event;
pub mod gather;
pub mod messages;
pub mod place_queue;
pub mod render;
pub mod rollout;
pub mod route;
pub mod scrub;
pub mod session;
pub mod tolerant_json;
pub mod turn;
pub mod types;
