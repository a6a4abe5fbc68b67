//! Parses `/metrics`: all monitors, in the text format of Prometheus. Pure: nothing here calls the host.

use homelab::kuma::{Monitor, MonitorState};

/// A line of the text: the name of a metric, labels and a number.
struct Sample<'a> {
    name: &'a str,
    labels: Vec<(&'a str, String)>,
    value: f64,
}

impl Sample<'_> {
    fn label(&self, name: &str) -> Option<&str> {
        self.labels.iter().find(|(known, _)| *known == name).map(|(_, value)| value.as_str())
    }

    /// Identifies the sample's monitor: by its id, or before version 2 by its name, type and target.
    fn key(&self) -> Option<String> {
        let names = ["monitor_name", "monitor_type", "monitor_url", "monitor_hostname", "monitor_port"];
        let old =
            || names.iter().map(|name| self.label(name)).collect::<Option<Vec<_>>>().map(|labels| labels.join("\n"));
        self.label("monitor_id").map(str::to_owned).or_else(old)
    }
}

/// Reads the monitors in the order of the text.
///
/// # Errors
/// The text doesn't contain the metric `monitor_status`.
pub fn read(text: &str) -> Result<Vec<Monitor>, String> {
    let samples: Vec<_> = text.lines().filter(|line| line.starts_with("monitor_")).filter_map(sample).collect();
    let mut monitors: Vec<(String, Monitor)> = Vec::new();
    for status in samples.iter().filter(|sample| sample.name == "monitor_status") {
        let (Some(key), Some(name)) = (status.key(), status.label("monitor_name")) else { continue };
        let (name, state) = (name.to_owned(), MonitorState::of(status.value as i64));
        monitors.push((key, Monitor { name, state, ping: None, uptime: None, certificate: None, last_beat: None }));
    }
    if monitors.is_empty() && !text.lines().any(|line| line.starts_with("# TYPE monitor_status ")) {
        return Err("`monitor_status` is missing".to_owned());
    }
    for sample in &samples {
        let key = sample.key();
        let Some((_, monitor)) = monitors.iter_mut().find(|(known, _)| Some(known) == key.as_ref()) else { continue };
        match sample.name {
            // -1 means that there is no value.
            "monitor_response_time" if sample.value >= 0.0 => monitor.ping = Some(sample.value),
            "monitor_uptime_ratio" if sample.label("window") == Some("1d") => monitor.uptime = Some(sample.value),
            "monitor_cert_days_remaining" => monitor.certificate = Some(sample.value as i64),
            _ => {}
        }
    }
    Ok(monitors.into_iter().map(|(_, monitor)| monitor).collect())
}

/// Parses `name{label="value",…} number`. Returns `None` for anything else, such as a line of a later format.
fn sample(line: &str) -> Option<Sample<'_>> {
    let (name, mut rest) = line.split_once('{')?;
    let mut labels = Vec::new();
    while !rest.starts_with('}') {
        let (label, behind) = rest.split_once("=\"")?;
        let (value, behind) = quoted(behind)?;
        labels.push((label.trim_start_matches(',').trim(), value));
        rest = behind.trim_start_matches([',', ' ']);
    }
    let value = rest[1..].split_whitespace().next()?.parse().ok()?;
    Some(Sample { name, labels, value })
}

/// Parses a text up to its closing quotation mark. Also returns the rest. `\"`, `\\` and `\n` are escape sequences.
fn quoted(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut letters = text.char_indices();
    while let Some((place, letter)) = letters.next() {
        match letter {
            '"' => return Some((value, &text[place + 1..])),
            '\\' => match letters.next()?.1 {
                'n' => value.push('\n'),
                other => value.push(other),
            },
            other => value.push(other),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use homelab::kuma::{line, summary};

    use super::*;

    fn shown(text: &str) -> Vec<String> {
        let monitors = read(text).expect("a known format");
        let mut lines = vec![summary(monitors.iter())];
        lines.extend(monitors.iter().map(|monitor| line(monitor, 0)));
        lines
    }

    #[test]
    fn recorded_metrics_are_shown() {
        assert_eq!(
            shown(include_str!("../tests/data/metrics.txt")),
            [
                "6 monitors: 3 up, 2 down, 1 in maintenance",
                "🟢 NAS, 2 ms, 24 h uptime 100%",
                "🟢 SSH, 0 ms, 24 h uptime 100%",
                "🔴 Git \"forge\" \\\\ one, down, 24 h uptime 0%",
                "🔴 Printer, down, 24 h uptime 0%",
                "⚪ Media, in maintenance, 24 h uptime 100%",
                "🟢 Lab, 7 ms, 24 h uptime 100%",
            ]
        );
    }

    #[test]
    fn metrics_of_version_1_are_parsed_too() {
        let expected = ["1 monitor: 1 up", "🟡 Blog, 31 ms, its certificate expires in 6 days"];
        assert_eq!(shown(include_str!("../tests/data/metrics-1.23.txt")), expected);
    }

    #[test]
    fn any_name_is_parsed_and_broken_lines_are_skipped() {
        let text = "monitor_status{monitor_id=\"1\",monitor_name=\"a,b}=\\\"c\\\"\\n d\", site=\"x\",} 1 1700000000\n\
                    monitor_status{monitor_id=\"2\",monitor_name=\"cut\nmonitor_status 5\nmonitor_status{} x\n";
        let names: Vec<_> = read(text).expect("a known format").into_iter().map(|monitor| monitor.name).collect();
        assert_eq!(names, ["a,b}=\"c\"\n d"]);
    }

    #[test]
    fn only_the_day_window_counts_and_equal_names_stay_apart() {
        let text = "monitor_status{monitor_id=\"1\",monitor_name=\"a\"} 1\nmonitor_status{monitor_id=\"2\",monitor_name=\"a\"} 0\n\
                    monitor_uptime_ratio{monitor_id=\"1\",monitor_name=\"a\",window=\"30d\"} 0.5\n\
                    monitor_uptime_ratio{monitor_id=\"1\",monitor_name=\"a\",window=\"1d\"} 0.75\n\
                    monitor_uptime_ratio{monitor_id=\"1\",monitor_name=\"a\",window=\"365d\"} 0.9\n\
                    monitor_response_time_seconds{monitor_id=\"1\",monitor_name=\"a\",window=\"1d\"} 0.2\n\
                    monitor_response_time{monitor_id=\"2\",monitor_name=\"a\"} -1\n";
        assert_eq!(shown(text), ["2 monitors: 1 up, 1 down", "🟢 a, 24 h uptime 75%", "🔴 a, down"]);
        assert_eq!(read(text).expect("a known format")[1].ping, None, "-1 is no time");
    }

    #[test]
    fn a_text_without_monitors_is_reported() {
        assert_eq!(read("# TYPE go_threads gauge\ngo_threads 9\n"), Err("`monitor_status` is missing".to_owned()));
        assert_eq!(read("# TYPE monitor_status gauge\n"), Ok(Vec::new()));
    }
}
