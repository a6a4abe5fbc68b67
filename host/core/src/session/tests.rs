//! Tests of the state machine: scripted scenarios by area, then randomized runs.

mod agent_choice;
mod background;
mod commands;
mod forks;
mod idle;
mod lifecycle_policy_changes;
mod limit_suspensions;
mod lost_access;
mod renames;
mod requests;
mod resumes;
mod script;
mod shutdown;
mod stalls;
mod starts;
mod steering;
mod stops;
mod terminal;
mod turns;
mod urgent;
mod worlds;
