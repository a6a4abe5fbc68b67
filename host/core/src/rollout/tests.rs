//! Scripts with traces, and random worlds.

mod admin;
mod files;
mod rollbacks;
mod script;
mod settings;
mod worlds;
