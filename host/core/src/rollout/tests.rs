//! Tests of the state machine: scripted scenarios by area, then randomized runs.

mod admin;
mod files;
mod rollbacks;
mod script;
mod settings;
mod worlds;
