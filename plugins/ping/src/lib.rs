//! `/ping`: measures the time to connect to the configured hosts, or to one of them. It sends no data and stores
//! nothing.

mod config;
mod german;

use std::time::Duration;

use cordboard_plugin::{Call, Command, Reply, command::Spec, config::parse, tcp, text, tr};

use config::{Config, Host};

struct Ping;

impl Command for Ping {
    fn specs() -> Result<Vec<Spec>, String> {
        parse::<Config>()?;
        Ok(vec![Spec::new("ping", &tr!("Measure how long it takes to connect to a host"), "/ping [host]")])
    }

    fn run(call: &Call) -> Result<Reply, String> {
        let config: Config = parse()?;
        let hosts = config.chosen(call.arg(0))?;
        let lines: Vec<_> = hosts.iter().map(|host| line(host, tcp::connect_time(&host.address, host.port))).collect();
        let again = call.arg(0).map_or_else(|| "/ping".to_owned(), |name| format!("/ping {name}"));
        Ok(Reply::text(lines.join("\n")).button(tr!("Again"), &again))
    }
}

fn line(host: &Host, measured: Result<Duration, String>) -> String {
    let name = text::code(&host.name);
    match measured {
        Ok(took) => format!("🟢 {name} {}", format_time(took)),
        Err(why) => format!("🔴 {name} {}", text::escape(&why)),
    }
}

/// Formats a time with two or three digits: `0.34 ms`, `12 ms`, `1.2 s`.
fn format_time(time: Duration) -> String {
    let millis = time.as_secs_f64() * 1e3;
    match millis {
        ..10.0 => format!("{millis:.2} ms"),
        ..1000.0 => format!("{millis:.0} ms"),
        _ => format!("{:.1} s", millis / 1e3),
    }
}

cordboard_plugin::export!(Ping: command; german::GERMAN);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_suitable_precision() {
        let spelled = |micros| format_time(Duration::from_micros(micros));
        assert_eq!(spelled(341), "0.34 ms");
        assert_eq!(spelled(9_876), "9.88 ms");
        assert_eq!(spelled(12_345), "12 ms");
        assert_eq!(spelled(1_234_567), "1.2 s");
    }

    #[test]
    fn a_host_is_shown_on_one_line() {
        let host = Host { name: "nas".to_owned(), address: "nas.lan".to_owned(), port: 22 };
        assert_eq!(line(&host, Ok(Duration::from_millis(3))), "🟢 `nas` 3.00 ms");
        assert!(line(&host, Err("it_fell".to_owned())).starts_with("🔴 `nas` it"));
    }
}
