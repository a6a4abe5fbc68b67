//! The durations and failures of one plugin's calls, with their percentiles for the status page.

use std::time::Duration;

use prometheus::{Histogram, HistogramVec, IntCounter, IntCounterVec, core::Metric as _};

/// The reason why a call counts as failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailureReason {
    Trap,
    /// The call exceeded its time, its memory or another limit.
    Limit,
}

/// Records the calls of one plugin. All versions of the plugin share the same metrics.
#[derive(Clone)]
pub struct PluginCalls {
    times: Histogram,
    traps: IntCounter,
    limits: IntCounter,
}

/// The calls of a plugin since the host was started.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct CallSummary {
    pub calls: u64,
    pub failures: u64,
    /// The estimated median of the durations in seconds. `None` if there were no calls.
    pub p50: Option<f64>,
    /// The estimated 99th percentile of the durations in seconds.
    pub p99: Option<f64>,
}

/// A cumulative histogram bucket.
struct Bucket {
    /// The number of values up to `bound`.
    count: u64,
    bound: f64,
}

impl PluginCalls {
    pub(super) fn new(times: &HistogramVec, failures: &IntCounterVec, plugin: &str) -> Self {
        Self {
            times: times.with_label_values(&[plugin]),
            traps: failures.with_label_values(&[plugin, "trap"]),
            limits: failures.with_label_values(&[plugin, "limit"]),
        }
    }

    pub fn observe(&self, time: Duration) {
        self.times.observe(time.as_secs_f64());
    }

    pub fn count_failure(&self, reason: FailureReason) {
        match reason {
            FailureReason::Trap => self.traps.inc(),
            FailureReason::Limit => self.limits.inc(),
        }
    }

    #[must_use]
    pub fn summary(&self) -> CallSummary {
        let metric = self.times.metric();
        let buckets = metric.get_histogram().get_bucket().iter();
        let buckets: Vec<Bucket> =
            buckets.map(|one| Bucket { count: one.cumulative_count(), bound: one.upper_bound() }).collect();
        let calls = self.times.get_sample_count();
        CallSummary {
            calls,
            failures: self.traps.get() + self.limits.get(),
            p50: quantile(&buckets, calls, 0.5),
            p99: quantile(&buckets, calls, 0.99),
        }
    }
}

/// Estimates a quantile as Prometheus' `histogram_quantile` does: values are evenly distributed in a bucket, and a
/// value above the last bound counts as the last bound. Returns `None` if there are no values.
fn quantile(buckets: &[Bucket], count: u64, quantile: f64) -> Option<f64> {
    if count == 0 {
        return None;
    }
    // Counts are far below 2^52, so the conversion is exact.
    let rank = quantile * count as f64;
    let at = buckets.iter().position(|bucket| bucket.count as f64 >= rank);
    let Some(at) = at else { return buckets.last().map(|bucket| bucket.bound) };
    let below = at.checked_sub(1).map_or(Bucket { count: 0, bound: 0.0 }, |before| Bucket { ..buckets[before] });
    let inside = (buckets[at].count - below.count) as f64;
    let share = if inside > 0.0 { (rank - below.count as f64) / inside } else { 1.0 };
    Some(below.bound + (buckets[at].bound - below.bound) * share)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Metrics;

    #[test]
    fn quantiles_are_interpolated_within_a_bucket() {
        let buckets = [(0, 1.0), (10, 2.0), (20, 4.0)].map(|(count, bound)| Bucket { count, bound });
        assert_eq!(quantile(&buckets, 0, 0.5), None);
        assert_eq!(quantile(&buckets, 20, 0.25), Some(1.5));
        assert_eq!(quantile(&buckets, 20, 0.5), Some(2.0));
        assert_eq!(quantile(&buckets, 20, 0.75), Some(3.0));
        assert_eq!(quantile(&buckets, 40, 0.99), Some(4.0), "half of the values exceed the last bound");
    }

    #[test]
    fn versions_of_a_plugin_share_a_summary() {
        let metrics = Metrics::new();
        let (first, second) = (metrics.plugin("echo"), metrics.plugin("echo"));
        for _ in 0..99 {
            first.observe(Duration::from_micros(20));
        }
        second.observe(Duration::from_millis(40));
        second.count_failure(FailureReason::Trap);
        first.count_failure(FailureReason::Limit);
        let summary = first.summary();
        assert_eq!((summary.calls, summary.failures), (100, 2));
        let (p50, p99) = (summary.p50.expect("calls"), summary.p99.expect("calls"));
        assert!((1e-5..2.5e-5).contains(&p50) && (1e-5..=2.5e-5).contains(&p99), "{summary:?}");
        assert_eq!(metrics.plugin("other").summary(), CallSummary::default());
    }
}
