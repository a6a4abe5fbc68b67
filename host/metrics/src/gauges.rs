//! The gauges. The host reads their values only when a client requests the metrics.

use prometheus::{IntGauge, IntGaugeVec, Opts, Registry};

use super::registered;

/// The current values of the gauges.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct GaugeValues {
    /// The number of sessions in each phase.
    pub sessions: Vec<(&'static str, u64)>,
    /// The number of agents' open questions.
    pub requests: u64,
    /// The resident memory of all agents in bytes.
    pub agent_memory: u64,
    /// The resident memory of the host in bytes.
    pub host_memory: u64,
    pub queues: QueueLengths,
}

/// The number of entries in the stored queues.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct QueueLengths {
    /// The number of unsent posts by state.
    pub outbox: Vec<(&'static str, u64)>,
    /// The number of accepted updates that are not completed.
    pub inbox: u64,
}

pub(super) struct Gauges {
    sessions: IntGaugeVec,
    requests: IntGauge,
    agent_memory: IntGauge,
    host_memory: IntGauge,
    outbox: IntGaugeVec,
    inbox: IntGauge,
}

impl Gauges {
    pub fn new(registry: &Registry) -> Self {
        let gauge = |name: &str, help: &str| registered(registry, IntGauge::new(name, help));
        let gauge_vec = |name: &str, help: &str, label: &str| {
            registered(registry, IntGaugeVec::new(Opts::new(name, help), &[label]))
        };
        Self {
            sessions: gauge_vec("cordboard_sessions", "Sessions by phase.", "phase"),
            requests: gauge("cordboard_open_requests", "Agents' questions that are waiting for an answer."),
            agent_memory: gauge("cordboard_agent_memory_bytes", "Resident memory of all agents and their children."),
            host_memory: gauge("process_resident_memory_bytes", "Resident memory of the host."),
            outbox: gauge_vec("cordboard_outbox_posts", "Stored posts that are not sent yet, by state.", "state"),
            inbox: gauge("cordboard_inbox_updates", "Accepted updates that are not completed yet."),
        }
    }

    pub fn set(&self, values: &GaugeValues) {
        let number = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
        for (gauge, by_label) in [(&self.sessions, &values.sessions), (&self.outbox, &values.queues.outbox)] {
            for (label, value) in by_label {
                gauge.with_label_values(&[*label]).set(number(*value));
            }
        }
        self.requests.set(number(values.requests));
        self.agent_memory.set(number(values.agent_memory));
        self.host_memory.set(number(values.host_memory));
        self.inbox.set(number(values.queues.inbox));
    }
}
