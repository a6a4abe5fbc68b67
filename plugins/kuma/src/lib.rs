//! `/kuma`: shows the monitors on one of Uptime Kuma's public status pages. Read-only: it changes nothing on the
//! server.

mod config;
mod german;
mod page;

use cordboard_plugin::{Call, Command, Reply, Timestamp, command::Spec, config::parse, context, tr};
use homelab::{Fetch, fetch, refreshable, response::warning_line};

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
        let fetch = |path: &str| fetch::get(&server, path, None);
        report(&config, &fetch, context::now()).map(|text| refreshable(text, "/kuma"))
    }
}

/// Requests the page and its heartbeats, which have separate paths. If only the heartbeats can't be read, the
/// report contains the page without them, and the error.
fn report(config: &Config, fetch: Fetch, now: Timestamp) -> Result<String, String> {
    let (server, slug) = (config.server(), &config.page);
    let path = format!("/api/status-page/{slug}");
    let mut page = server.read(&path, fetch(&path)?, |json| page::read(&json))?;
    let path = format!("/api/status-page/heartbeat/{slug}");
    let beaten = fetch(&path).and_then(|answer| server.read(&path, answer, |json| page.beat(&json)));
    let mut lines = page.lines(now);
    lines.extend(beaten.err().map(|line| warning_line(&line)));
    Ok(lines.join("\n"))
}

cordboard_plugin::export!(Kuma: command; german::GERMAN, homelab::german::GERMAN);

#[cfg(test)]
mod tests {
    use cordboard_plugin::config::parse_text;
    use cordboard_plugin::http::Response;
    use homelab::testing::response;

    use super::*;

    fn config() -> Config {
        parse_text::<Config>(r#"{"url":"http://kuma","page":"homelab"}"#).expect("valid input")
    }

    fn answer(status: u16, body: &str) -> Result<Response, String> {
        Ok(response(status, body))
    }

    #[test]
    fn a_page_without_heartbeats_is_shown() {
        let fetch = |path: &str| match path {
            "/api/status-page/homelab" => answer(200, include_str!("../tests/data/page.json")),
            _ => answer(503, r#"{"status":"fail","msg":"SQLITE_BUSY: database is locked"}"#),
        };
        let report = report(&config(), &fetch, 0).expect("the page responded");
        assert!(report.starts_with("Homelab, 6 monitors: 6 without a heartbeat\n"), "{report}");
        let last = "⚠️ Uptime Kuma at http://kuma failed (503: SQLITE_BUSY: database is locked). See its own log.";
        assert_eq!(report.lines().last(), Some(last));
    }

    #[test]
    fn a_missing_page_is_reported_with_the_keys() {
        let unknown = report(&config(), &|_| answer(404, include_str!("../tests/data/page-unknown.json")), 0);
        let expected = "Uptime Kuma at http://kuma has no /api/status-page/homelab (404: Status Page Not Found). Check url and page in \
                    [plugins.kuma.config], and that the server is Uptime Kuma 1.23 to 2.";
        assert_eq!(unknown, Err(expected.to_owned()));
    }
}
