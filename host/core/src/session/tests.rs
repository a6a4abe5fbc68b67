//! Tests of the state machine: scripted scenarios by area, then randomized runs.

mod background;
mod idle;
mod orders;
mod policy_swaps;
mod resumes;
mod script;
mod starts;
mod stops;
mod turns;
mod withdrawn;
mod worlds;
