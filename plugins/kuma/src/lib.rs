//! `/kuma`: the monitors of Uptime Kuma, from one of its status pages or from its metrics. It must never change anything
//! there: it only asks.

mod config;
mod metrics;
mod monitors;
mod page;

use cordboard_plugin::{Call, Command, Instant, Reply, command::Spec, context};
use homelab::{Ask, base64, fetch, server::trouble};

use config::{Config, Door};

struct Kuma;

impl Command for Kuma {
    fn specs() -> Result<Vec<Spec>, String> {
        Config::read()?;
        Ok(vec![Spec::new("kuma", "Monitors of Uptime Kuma", "/kuma")])
    }

    fn run(_call: &Call) -> Result<Reply, String> {
        let config = Config::read()?;
        let server = config.server();
        let authorization = match &config.door {
            Door::Page(_) => None,
            // The key is the password of nobody.
            Door::Metrics(secret) => {
                Some(format!("Basic {}", base64::encode(format!(":{}", fetch::secret(&server, secret)?).as_bytes())))
            }
        };
        let ask = |path: &str| fetch::get(&server, path, authorization.as_deref());
        report(&config, &ask, context::now()).map(|text| Reply::text(text).button("Again", "/kuma"))
    }
}

fn report(config: &Config, ask: Ask, now: Instant) -> Result<String, String> {
    let lines = match &config.door {
        Door::Page(slug) => of_page(config, slug, ask, now)?,
        Door::Metrics(_) => of_metrics(config, ask, now)?,
    };
    Ok(lines.join("\n"))
}

/// The page and its beats come from two places; where only the beats fail, the page is shown without them.
fn of_page(config: &Config, slug: &str, ask: Ask, now: Instant) -> Result<Vec<String>, String> {
    let server = config.server();
    let path = format!("/api/status-page/{slug}");
    let mut page = server.read(&path, ask(&path)?, |json| page::read(&json))?;
    let path = format!("/api/status-page/heartbeat/{slug}");
    let beaten = ask(&path).and_then(|answer| server.read(&path, answer, |json| page.beat(&json)));
    let mut lines = page.lines(now);
    lines.extend(beaten.err().map(|line| trouble(&line)));
    Ok(lines)
}

fn of_metrics(config: &Config, ask: Ask, now: Instant) -> Result<Vec<String>, String> {
    let server = config.server();
    let text = server.text("/metrics", ask("/metrics")?)?;
    let monitors = metrics::read(&text).map_err(|what| server.odd("/metrics", &what))?;
    if monitors.is_empty() {
        return Ok(vec!["Uptime Kuma has no monitor that has beaten yet.".to_owned()]);
    }
    Ok([monitors::summary(monitors.iter())]
        .into_iter()
        .chain(monitors.iter().map(|it| monitors::line(it, now)))
        .collect())
}

cordboard_plugin::export!(Kuma: command);

#[cfg(test)]
mod tests {
    use homelab::Answer;

    use super::*;

    fn config(door: &str) -> Config {
        Config::parse(&format!(r#"{{"url":"http://kuma","{door}":"homelab"}}"#)).expect("it is right")
    }

    fn answer(status: u16, body: &str) -> Result<Answer, String> {
        Ok(Answer { status, body: body.to_owned() })
    }

    #[test]
    fn a_page_without_its_beats_is_shown_nevertheless() {
        let ask = |path: &str| match path {
            "/api/status-page/homelab" => answer(200, include_str!("../tests/data/page.json")),
            _ => answer(503, r#"{"status":"fail","msg":"SQLITE_BUSY: database is locked"}"#),
        };
        let report = report(&config("page"), &ask, 0).expect("the page came");
        assert!(report.starts_with("Homelab, 6 monitors: 6 without a beat\n"), "{report}");
        let last =
            "⚠️ Uptime Kuma at http://kuma failed (503: SQLITE\\_BUSY: database is locked). Its own log says more.";
        assert_eq!(report.lines().last().map(|line| line.replace("SQLITE_", "SQLITE\\_")), Some(last.to_owned()));
    }

    #[test]
    fn what_refuses_is_told_with_the_key_to_look_at() {
        let unknown = report(&config("page"), &|_| answer(404, include_str!("../tests/data/page-unknown.json")), 0);
        let told = "Uptime Kuma at http://kuma has no /api/status-page/homelab (404: Status Page Not Found). Check url and \
                    page in [plugins.kuma.config], and that it is Uptime Kuma 1.23 to 2.";
        assert_eq!(unknown, Err(told.to_owned()));
        let key = report(&config("secret"), &|_| answer(401, ""), 0);
        let told = "Uptime Kuma refused the login (401). Check the API key behind secret in [plugins.kuma.config].";
        assert_eq!(key, Err(told.to_owned()));
        let html = report(&config("secret"), &|_| answer(200, "<!doctype html>"), 0);
        let told = "Uptime Kuma at http://kuma answered /metrics in an unknown form: `monitor_status` is missing. Known is \
                    Uptime Kuma 1.23 to 2.";
        assert_eq!(html, Err(told.to_owned()));
        let none = report(&config("secret"), &|_| answer(200, "# TYPE monitor_status gauge\n"), 0);
        assert_eq!(none.as_deref(), Ok("Uptime Kuma has no monitor that has beaten yet."));
    }
}
