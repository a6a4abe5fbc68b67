//! The machine under test: stories an area, then random worlds.

mod background;
mod idle;
mod orders;
mod resumes;
mod script;
mod starts;
mod stops;
mod turns;
mod withdrawn;
mod worlds;
