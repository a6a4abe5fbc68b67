//! The table of measurements and their targets.

use std::time::Duration;

pub struct Row {
    pub what: &'static str,
    pub measured: String,
    pub figure: String,
    pub reached: bool,
}

impl Row {
    /// Creates a row whose target is met if the median is at most `limit`.
    pub fn at_most(what: &'static str, spans: &Spans, limit: Duration) -> Self {
        Self {
            what,
            measured: spans.to_string(),
            figure: format!("p50 ≤ {}", spell(limit)),
            reached: spans.p50() <= limit,
        }
    }

    /// Creates a row whose target is met if the median is at most 1.5 times the floor's median.
    pub fn against(what: &'static str, spans: &Spans, floor: &Spans) -> Self {
        let ratio = spans.p50().as_secs_f64() / floor.p50().as_secs_f64();
        Self {
            what,
            measured: format!("{spans}; {ratio:.2} × the floor"),
            figure: "p50 ≤ 1.5 × the floor".to_owned(),
            reached: ratio <= 1.5,
        }
    }

    /// Creates a row without a target, as a baseline for other rows.
    pub fn floor(what: &'static str, spans: &Spans) -> Self {
        Self { what, measured: spans.to_string(), figure: "the floor".to_owned(), reached: true }
    }

    /// Creates a row without a target. `figure` explains why there is none.
    pub fn comparison(what: &'static str, measured: String, figure: String) -> Self {
        Self { what, measured, figure, reached: true }
    }
}

/// The measured times of one operation, sorted.
pub struct Spans(Vec<Duration>);

impl Spans {
    pub fn new(mut spans: Vec<Duration>) -> Self {
        assert!(!spans.is_empty(), "nothing was measured");
        spans.sort();
        Self(spans)
    }

    pub fn p50(&self) -> Duration {
        self.0[self.0.len() / 2]
    }

    pub fn p99(&self) -> Duration {
        self.0[self.0.len() * 99 / 100]
    }
}

impl std::fmt::Display for Spans {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} / {} of {}", spell(self.p50()), spell(self.p99()), self.0.len())
    }
}

pub fn spell(span: Duration) -> String {
    let micros = span.as_secs_f64() * 1e6;
    if micros < 1000.0 { format!("{micros:.1} µs") } else { format!("{:.1} ms", micros / 1000.0) }
}

pub fn print_header() {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    println!(
        "\n{cores} cores; times are p50 / p99 of the number of runs\n\n| what | measured | target | reached |\n|---|---|---|---|"
    );
}

pub fn print_rows(rows: &[Row]) {
    for row in rows {
        let reached = if row.reached { "yes" } else { "no" };
        println!("| {} | {} | {} | {reached} |", row.what, row.measured, row.figure);
    }
}
