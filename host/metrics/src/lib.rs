//! Counts and times what the host does, and returns the values in Prometheus' text format. Counters and histograms take
//! a few atomic operations. Recording the time between two events also takes a lock and allocates memory. [`METRICS`] is
//! global, so that it doesn't have to be passed to every part of the host. The feature `otlp` adds traces of turns.

mod gauges;
mod pending_operations;
mod plugin_calls;
#[cfg(feature = "otlp")]
mod turn_traces;

use std::{
    sync::{
        LazyLock,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use prometheus::{
    Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, Opts, Registry, TextEncoder, core::Collector,
};

pub use gauges::{GaugeValues, QueueLengths};
pub use plugin_calls::{CallSummary, FailureReason, PluginCalls};

use gauges::Gauges;
use pending_operations::PendingOperations;
#[cfg(feature = "otlp")]
use turn_traces::{PluginCall, TurnTraces};

/// The metrics of this process.
pub static METRICS: LazyLock<Metrics> = LazyLock::new(Metrics::new);

/// The bucket bounds for plugin calls, in seconds. Calls take at least about 10 µs. `[plugins] time` can permit calls
/// that take longer than the last bound.
const CALL_BUCKETS: [f64; 16] =
    [1e-5, 2.5e-5, 5e-5, 1e-4, 2.5e-4, 5e-4, 1e-3, 2.5e-3, 5e-3, 0.01, 0.025, 0.05, 0.1, 0.5, 2.5, 10.0];

/// The bucket bounds for everything else, in seconds. A message may wait for minutes until its agent is free.
const BUCKETS: [f64; 16] =
    [5e-4, 1e-3, 2.5e-3, 5e-3, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 60.0, 600.0];

pub struct Metrics {
    registry: Registry,
    gauges: Gauges,
    /// Whether the times between two events are recorded. While they aren't, first events aren't remembered either.
    is_enabled: AtomicBool,
    update_to_agent: Histogram,
    pending_updates: PendingOperations<Instant>,
    agent_to_chat: Histogram,
    pending_answers: PendingOperations<Instant>,
    activation: Histogram,
    resume: Histogram,
    calls: HistogramVec,
    failures: IntCounterVec,
    rollbacks: IntCounterVec,
    /// The Bot API calls that were rejected with status 429.
    pub rate_limits: IntCounter,
    /// The failed calls to a chat that are retried, which are those that send posts.
    pub send_retries: IntCounter,
    /// The starts of an agent whose previous process exited unexpectedly.
    pub agent_restarts: IntCounter,
    #[cfg(feature = "otlp")]
    traces: TurnTraces,
}

impl Metrics {
    fn new() -> Self {
        let registry = Registry::new();
        let histogram = |name: &str, help: &str| {
            let options = HistogramOpts::new(name, help).buckets(BUCKETS.to_vec());
            registered(&registry, Histogram::with_opts(options))
        };
        let counter = |name: &str, help: &str| registered(&registry, IntCounter::new(name, help));
        let counter_vec = |name: &str, help: &str, labels: &[&str]| {
            registered(&registry, IntCounterVec::new(Opts::new(name, help), labels))
        };
        let call_options = HistogramOpts::new("cordboard_plugin_call_seconds", "Duration of calls to a plugin.");
        let calls = HistogramVec::new(call_options.buckets(CALL_BUCKETS.to_vec()), &["plugin"]);
        Self {
            gauges: Gauges::new(&registry),
            is_enabled: AtomicBool::new(false),
            update_to_agent: histogram(
                "cordboard_update_to_agent_seconds",
                "Time from receiving a message until its prompt is written to the agent.",
            ),
            pending_updates: PendingOperations::default(),
            agent_to_chat: histogram(
                "cordboard_agent_to_chat_seconds",
                "Time from the end of a turn until its whole answer is sent.",
            ),
            pending_answers: PendingOperations::default(),
            activation: histogram(
                "cordboard_plugin_activation_seconds",
                "Time from starting to build or try a plugin version until it is active.",
            ),
            resume: histogram(
                "cordboard_session_resume_seconds",
                "Time from starting an agent with a stored conversation until it is ready.",
            ),
            calls: registered(&registry, calls),
            failures: counter_vec(
                "cordboard_plugin_failures_total",
                "Plugin calls that trapped or exceeded a limit.",
                &["plugin", "reason"],
            ),
            rollbacks: counter_vec("cordboard_plugin_rollbacks_total", "Automatic rollbacks of a plugin.", &["plugin"]),
            rate_limits: counter("cordboard_telegram_rate_limits_total", "Bot API calls rejected with status 429."),
            send_retries: counter("cordboard_send_retries_total", "Failed calls to a chat that are retried."),
            agent_restarts: counter(
                "cordboard_agent_restarts_total",
                "Starts of an agent after its previous process exited unexpectedly.",
            ),
            registry,
            #[cfg(feature = "otlp")]
            traces: TurnTraces::default(),
        }
    }

    /// Starts or stops recording the times between two events.
    pub fn set_enabled(&self, is_enabled: bool) {
        self.is_enabled.store(is_enabled, Ordering::Relaxed);
        if !is_enabled {
            self.pending_updates.clear();
            self.pending_answers.clear();
        }
    }

    fn is_enabled(&self) -> bool {
        self.is_enabled.load(Ordering::Relaxed)
    }

    /// Records when the host received an update. `prompt` is the id of the prompt that the update may become.
    pub fn update_received(&self, prompt: &str, at: Instant) {
        #[cfg(feature = "otlp")]
        self.traces.update_received(prompt, at);
        if self.is_enabled() {
            self.pending_updates.begin(prompt, at);
        }
    }

    /// Records that a prompt is being written to its agent.
    pub fn prompt_sent(&self, prompt: &str) {
        #[cfg(feature = "otlp")]
        self.traces.prompt_sent(prompt);
        if self.is_enabled() {
            observe(&self.update_to_agent, elapsed(self.pending_updates.end(prompt)));
        }
    }

    /// Records that an update was handled without sending it to an agent.
    pub fn update_handled(&self, prompt: &str) {
        #[cfg(feature = "otlp")]
        self.traces.update_handled(prompt);
        if self.is_enabled() {
            self.pending_updates.end(prompt);
        }
    }

    /// Records that this prompt's turn has ended, and begins timing the delivery of its answer.
    pub fn turn_ended(&self, prompt: &str) {
        #[cfg(feature = "otlp")]
        self.traces.turn_ended(prompt);
        if self.is_enabled() {
            self.pending_answers.begin(prompt, Instant::now());
        }
    }

    /// Records that the whole answer of the turn was sent.
    pub fn answer_sent(&self, prompt: &str) {
        #[cfg(feature = "otlp")]
        self.traces.answer_sent(prompt);
        if self.is_enabled() {
            observe(&self.agent_to_chat, elapsed(self.pending_answers.end(prompt)));
        }
    }

    /// Records that a view plugin has rendered a frame of the turn of this prompt.
    #[cfg(feature = "otlp")]
    pub fn frame_rendered(&self, prompt: &str, plugin: &str, began: Instant) {
        let (plugin, ended) = (plugin.to_owned(), Instant::now());
        self.traces.plugin_called(prompt, PluginCall { plugin, extension_point: "view", began, ended });
    }

    /// Exports a trace of each answered turn from now on, to the collector that the environment names.
    ///
    /// # Errors
    /// The variables are invalid.
    #[cfg(feature = "otlp")]
    pub fn start_traces(&self, runtime: tokio::runtime::Handle) -> Result<(), opentelemetry_otlp::ExporterBuildError> {
        self.traces.start(runtime)
    }

    /// Exports the traces that are left. Blocks, and needs the runtime.
    #[cfg(feature = "otlp")]
    pub fn stop_traces(&self) {
        self.traces.stop();
    }

    pub fn plugin_activated(&self, time: Duration) {
        observe(&self.activation, Some(time));
    }

    pub fn session_resumed(&self, time: Duration) {
        observe(&self.resume, Some(time));
    }

    pub fn rolled_back(&self, plugin: &str) {
        self.rollbacks.with_label_values(&[plugin]).inc();
    }

    /// Returns the metrics of a plugin's calls.
    pub fn plugin(&self, name: &str) -> PluginCalls {
        PluginCalls::new(&self.calls, &self.failures, name)
    }

    /// Returns all metrics in Prometheus' text format, with the gauges set to `values`.
    pub fn text(&self, values: &GaugeValues) -> String {
        self.gauges.set(values);
        // Writing to a string can't fail, and the names are valid, as a test checks.
        TextEncoder::new().encode_to_string(&self.registry.gather()).unwrap_or_default()
    }
}

fn elapsed(since: Option<Instant>) -> Option<Duration> {
    since.map(|since| since.elapsed())
}

fn observe(histogram: &Histogram, time: Option<Duration>) {
    if let Some(time) = time {
        histogram.observe(time.as_secs_f64());
    }
}

/// Adds a metric to the registry.
fn registered<M: Collector + Clone + 'static>(registry: &Registry, metric: prometheus::Result<M>) -> M {
    let metric = metric.expect("the names and labels are valid, as a test checks");
    registry.register(Box::new(metric.clone())).expect("no other metric has this name, as a test checks");
    metric
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &str, series: &str) -> f64 {
        let line = text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
        line.and_then(|value| value.parse().ok()).unwrap_or_else(|| panic!("no {series} in {text}"))
    }

    #[test]
    fn a_time_is_recorded_between_its_two_events() {
        let metrics = Metrics::new();
        metrics.update_received("off", Instant::now());
        metrics.set_enabled(true);
        metrics.prompt_sent("off");
        metrics.update_received("a", Instant::now());
        metrics.update_received("b", Instant::now());
        metrics.prompt_sent("a");
        metrics.prompt_sent("a");
        metrics.answer_sent("a");
        metrics.turn_ended("a");
        metrics.answer_sent("a");
        let text = metrics.text(&GaugeValues::default());
        assert_eq!(value(&text, "cordboard_update_to_agent_seconds_count"), 1.0);
        assert_eq!(value(&text, "cordboard_agent_to_chat_seconds_count"), 1.0);
        metrics.update_received("handled", Instant::now());
        metrics.update_handled("handled");
        metrics.prompt_sent("handled");
        assert_eq!(value(&metrics.text(&GaugeValues::default()), "cordboard_update_to_agent_seconds_count"), 1.0);
        metrics.set_enabled(false);
        metrics.set_enabled(true);
        metrics.prompt_sent("b");
        assert_eq!(value(&metrics.text(&GaugeValues::default()), "cordboard_update_to_agent_seconds_count"), 1.0);
    }

    #[test]
    fn the_dashboard_uses_metrics_that_exist() {
        let metrics = Metrics::new();
        metrics.plugin("echo").observe(Duration::from_millis(2));
        metrics.rolled_back("echo");
        let sessions = vec![("idle", 1)];
        let queues = QueueLengths { outbox: vec![("waiting", 0)], inbox: 0 };
        let text = metrics.text(&GaugeValues { sessions, queues, ..GaugeValues::default() });
        let is_name = |letter: char| letter.is_ascii_lowercase() || letter == '_';
        let words = include_str!("../../docs/grafana.json").split(|letter: char| !is_name(letter));
        let used: Vec<&str> =
            words.filter(|word| word.starts_with("cordboard_") || word.starts_with("process_")).collect();
        assert!(used.len() > 15, "{used:?}");
        for name in used {
            let is_series = |line: &str| line.strip_prefix(name).is_some_and(|rest| rest.starts_with([' ', '{']));
            assert!(text.lines().any(is_series), "{name}");
        }
    }

    #[test]
    fn each_metric_is_in_the_text_with_its_help() {
        let metrics = Metrics::new();
        metrics.plugin("echo").observe(Duration::from_millis(2));
        metrics.plugin("echo").count_failure(FailureReason::Trap);
        metrics.rolled_back("echo");
        metrics.plugin_activated(Duration::from_millis(20));
        metrics.session_resumed(Duration::from_secs(2));
        metrics.rate_limits.inc();
        metrics.agent_restarts.inc();
        let queues = QueueLengths { outbox: vec![("waiting", 3)], inbox: 4 };
        let sessions = vec![("idle", 2), ("busy", 0)];
        let values = GaugeValues { sessions, requests: 1, agent_memory: 1 << 20, host_memory: 1 << 21, queues };
        let text = metrics.text(&values);
        for (series, expected) in [
            ("cordboard_plugin_call_seconds_count{plugin=\"echo\"}", 1.0),
            ("cordboard_plugin_failures_total{plugin=\"echo\",reason=\"trap\"}", 1.0),
            ("cordboard_plugin_rollbacks_total{plugin=\"echo\"}", 1.0),
            ("cordboard_plugin_activation_seconds_count", 1.0),
            ("cordboard_session_resume_seconds_sum", 2.0),
            ("cordboard_telegram_rate_limits_total", 1.0),
            ("cordboard_send_retries_total", 0.0),
            ("cordboard_agent_restarts_total", 1.0),
            ("cordboard_sessions{phase=\"idle\"}", 2.0),
            ("cordboard_sessions{phase=\"busy\"}", 0.0),
            ("cordboard_open_requests", 1.0),
            ("cordboard_agent_memory_bytes", 1_048_576.0),
            ("process_resident_memory_bytes", 2_097_152.0),
            ("cordboard_outbox_posts{state=\"waiting\"}", 3.0),
            ("cordboard_inbox_updates", 4.0),
        ] {
            assert_eq!(value(&text, series), expected, "{series}");
        }
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let name = line.split(['{', ' ']).next().unwrap_or_default();
            let family = ["_bucket", "_sum", "_count"].iter().find_map(|end| name.strip_suffix(end)).unwrap_or(name);
            let is_described = |family: &str| text.contains(&format!("# HELP {family} "));
            assert!(is_described(name) || is_described(family), "{line}");
        }
    }
}
