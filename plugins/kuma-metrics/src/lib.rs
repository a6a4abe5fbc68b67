//! `/kuma`: shows all monitors of Uptime Kuma, from its metrics, with an API key. Install it instead of the plugin
//! `kuma`, which shows a status page. Read-only: it changes nothing on the server.

mod config;
mod german;
mod metrics;

use cordboard_plugin::{Call, Command, Reply, Timestamp, command::Spec, config::parse, context, tr};
use homelab::{Fetch, base64, fetch, kuma, refreshable};

use config::Config;

struct Kuma;

impl Command for Kuma {
    fn specs() -> Result<Vec<Spec>, String> {
        parse::<Config>()?;
        Ok(vec![Spec::new("kuma", &tr!("Show the monitors of Uptime Kuma"), "/kuma")])
    }

    fn run(_call: &Call) -> Result<Reply, String> {
        let config: Config = parse()?;
        let server = config.server();
        // `Basic` authentication with an empty user name and the API key as the password.
        let pair = format!(":{}", fetch::secret(&server, &config.secret)?);
        let authorization = format!("Basic {}", base64::encode(pair.as_bytes()));
        let fetch = |path: &str| fetch::get(&server, path, Some(&authorization));
        report(&config, &fetch, context::now()).map(|text| refreshable(text, "/kuma"))
    }
}

fn report(config: &Config, fetch: Fetch, now: Timestamp) -> Result<String, String> {
    let server = config.server();
    let text = server.text("/metrics", fetch("/metrics")?)?;
    let monitors = metrics::read(&text).map_err(|what| server.unknown_form("/metrics", &what))?;
    if monitors.is_empty() {
        return Ok(tr!("No monitor of Uptime Kuma has sent a heartbeat yet."));
    }
    let lines = monitors.iter().map(|monitor| kuma::line(monitor, now));
    Ok([kuma::summary(monitors.iter())].into_iter().chain(lines).collect::<Vec<_>>().join("\n"))
}

cordboard_plugin::export!(Kuma: command; german::GERMAN, homelab::german::GERMAN);

#[cfg(test)]
mod tests {
    use cordboard_plugin::config::parse_text;
    use homelab::testing::response;

    use super::*;

    fn report_text(status: u16, body: &str) -> Result<String, String> {
        let config = parse_text::<Config>(r#"{"url":"http://kuma"}"#).expect("valid input");
        report(&config, &|_| Ok(response(status, body)), 0)
    }

    #[test]
    fn refused_and_malformed_responses_are_reported() {
        let key = "Uptime Kuma refused the login (401). Check the API key that `secret` names in [plugins.kuma-metrics.config].";
        assert_eq!(report_text(401, ""), Err(key.to_owned()));
        let html = "Uptime Kuma at http://kuma returned an unexpected response for /metrics: `monitor_status` is missing. Supported: Uptime Kuma 1.23 to 2.";
        assert_eq!(report_text(200, "<!doctype html>"), Err(html.to_owned()));
        assert_eq!(
            report_text(200, "# TYPE monitor_status gauge\n").as_deref(),
            Ok("No monitor of Uptime Kuma has sent a heartbeat yet.")
        );
        let text = report_text(200, include_str!("../tests/data/metrics.txt")).expect("a known format");
        assert!(text.starts_with("6 monitors: 3 up, 2 down, 1 in maintenance\n🟢 NAS, 2 ms"), "{text}");
    }
}
