//! `/kuma`: shows all monitors of Uptime Kuma, from its metrics, with an API key. Replaces the plugin `kuma`, which
//! shows a status page. Read-only: it changes nothing on the server.

mod config;
mod metrics;

use cordboard_plugin::{Call, Command, Reply, Timestamp, command::Spec, context};
use homelab::{Ask, base64, fetch, fresh, kuma};

use config::Config;

struct Kuma;

impl Command for Kuma {
    fn specs() -> Result<Vec<Spec>, String> {
        Config::read()?;
        Ok(vec![Spec::new("kuma", "Show the monitors of Uptime Kuma", "/kuma")])
    }

    fn run(_call: &Call) -> Result<Reply, String> {
        let config = Config::read()?;
        let server = config.server();
        // The API key is the password of an empty user name.
        let pair = format!(":{}", fetch::secret(&server, &config.secret)?);
        let authorization = format!("Basic {}", base64::encode(pair.as_bytes()));
        let ask = |path: &str| fetch::get(&server, path, Some(&authorization));
        report(&config, &ask, context::now()).map(|text| fresh(text, "/kuma"))
    }
}

fn report(config: &Config, ask: Ask, now: Timestamp) -> Result<String, String> {
    let server = config.server();
    let text = server.text("/metrics", ask("/metrics")?)?;
    let monitors = metrics::read(&text).map_err(|what| server.odd("/metrics", &what))?;
    if monitors.is_empty() {
        return Ok("No monitor of Uptime Kuma has sent a heartbeat yet.".to_owned());
    }
    let lines = monitors.iter().map(|monitor| kuma::line(monitor, now));
    Ok([kuma::summary(monitors.iter())].into_iter().chain(lines).collect::<Vec<_>>().join("\n"))
}

cordboard_plugin::export!(Kuma: command);

#[cfg(test)]
mod tests {
    use homelab::Answer;

    use super::*;

    fn told(status: u16, body: &str) -> Result<String, String> {
        let config = Config::parse(r#"{"url":"http://kuma"}"#).expect("valid input");
        report(&config, &|_| Ok(Answer { status, body: body.to_owned() }), 0)
    }

    #[test]
    fn refused_and_malformed_responses_are_reported() {
        let key = "Uptime Kuma refused the login (401). Check the API key of secret in [plugins.kuma-metrics.config].";
        assert_eq!(told(401, ""), Err(key.to_owned()));
        let html = "Uptime Kuma at http://kuma answered /metrics in an unknown form: `monitor_status` is missing. Supported: Uptime Kuma 1.23 to 2.";
        assert_eq!(told(200, "<!doctype html>"), Err(html.to_owned()));
        assert_eq!(
            told(200, "# TYPE monitor_status gauge\n").as_deref(),
            Ok("No monitor of Uptime Kuma has sent a heartbeat yet.")
        );
        let text = told(200, include_str!("../tests/data/metrics.txt")).expect("a known format");
        assert!(text.starts_with("6 monitors: 3 up, 2 down, 1 in maintenance\n🟢 NAS, 2 ms"), "{text}");
    }
}
