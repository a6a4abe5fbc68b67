//! Exports traces of turns if the environment names an OpenTelemetry collector.

use cordboard_core::scrub;

/// The standard variables with the address of a collector:
/// <https://opentelemetry.io/docs/specs/otel/protocol/exporter>.
const COLLECTOR: [&str; 2] = ["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"];

/// The standard variables with headers, which often contain a key.
const HEADERS: [&str; 2] = ["OTEL_EXPORTER_OTLP_TRACES_HEADERS", "OTEL_EXPORTER_OTLP_HEADERS"];

/// Begins to export traces. Must be called within a tokio runtime.
pub fn start() {
    let value = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let is_off = value("OTEL_SDK_DISABLED").is_some_and(|value| value.eq_ignore_ascii_case("true"));
    if is_off || value("OTEL_TRACES_EXPORTER").is_some_and(|value| value == "none") {
        return;
    }
    let Some(collector) = COLLECTOR.iter().find(|name| value(name).is_some()) else { return };
    for header in HEADERS.into_iter().filter_map(value).flat_map(|headers| split(&headers)) {
        scrub::remember("<OTLP header>", &header);
    }
    export(collector);
}

/// Returns the values in a list such as `api-key=secret,tenant=1`.
fn split(headers: &str) -> Vec<String> {
    headers.split(',').filter_map(|header| Some(header.split_once('=')?.1.trim().to_owned())).collect()
}

#[cfg(feature = "otlp")]
fn export(collector: &str) {
    match cordboard_metrics::METRICS.start_traces(tokio::runtime::Handle::current()) {
        Ok(()) => tracing::info!(collector, "exporting traces"),
        Err(error) => tracing::error!(%error, "no traces are exported: correct the variables OTEL_EXPORTER_OTLP_*"),
    }
}

#[cfg(not(feature = "otlp"))]
fn export(collector: &str) {
    tracing::warn!(collector, "no traces are exported: build the host with --features otlp, or unset the variable");
}

/// Exports the traces that are left.
#[cfg(feature = "otlp")]
pub async fn stop() {
    let stopping = tokio::task::spawn_blocking(|| cordboard_metrics::METRICS.stop_traces());
    if let Err(error) = stopping.await {
        tracing::error!(%error, "failed to export the last traces");
    }
}

#[cfg(not(feature = "otlp"))]
pub async fn stop() {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_values_of_headers_are_secret() {
        assert_eq!(split("api-key=secret, tenant = 1 ,odd"), ["secret", "1"]);
    }
}
