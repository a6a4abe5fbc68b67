//! The keys of `[agents.NAME]` that limit the resources of one agent process, including its descendants.

use std::ops::RangeInclusive;

use super::{
    section::Section,
    value::{bytes, number},
};

/// With less memory, most agents can't start. A value above the maximum is probably a typo.
const MEMORY: RangeInclusive<u64> = 16 << 20..=1 << 40;

/// The maximum is the largest number of processes and threads that Linux allows.
const PROCESSES: RangeInclusive<u32> = 1..=4_194_304;

/// Ranges from a hundredth of a core to 1,000 cores.
const CPU_PERCENT: RangeInclusive<u32> = 1..=100_000;

/// The limits of one agent process. Each limit applies to the process and its descendants together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct AgentLimits {
    /// The memory in bytes, including the page cache but not swap.
    pub memory: Option<u64>,
    /// The number of processes and threads.
    pub processes: Option<u32>,
    /// The CPU time, as a percentage of one core.
    pub cpu_percent: Option<u32>,
}

impl AgentLimits {
    pub const NONE: Self = Self { memory: None, processes: None, cpu_percent: None };

    pub(super) fn merge(&mut self, section: &mut Section<'_, '_>) {
        section.set_some("max_memory", &mut self.memory, bytes(MEMORY));
        section.set_some("max_processes", &mut self.processes, number(PROCESSES));
        section.set_some("max_cpu_percent", &mut self.cpu_percent, number(CPU_PERCENT));
    }
}
