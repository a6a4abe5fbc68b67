//! `/status`: shows the health of all configured hosts. Each call requests their health addresses concurrently. The
//! plugin stores nothing, and must not request any other address.

mod config;
mod german;
mod health;

use std::time::Duration;

use cordboard_plugin::{
    Call, Command, Reply,
    command::Spec,
    config::parse,
    http::{self, Error, Request},
    tr,
};
use homelab::refreshable;

use config::Config;
use health::NoResponse;

struct Status;

impl Command for Status {
    fn specs() -> Result<Vec<Spec>, String> {
        parse::<Config>()?;
        Ok(vec![Spec::new("status", &tr!("Show the state of the hosts"), "/status")])
    }

    fn run(_call: &Call) -> Result<Reply, String> {
        let config: Config = parse()?;
        let requests = config.hosts.iter().map(|host| Request::get(&host.url).timeout(config.wait));
        let results: Vec<_> = http::send_all(requests)
            .into_iter()
            .map(|result| result.map_err(|error| no_response(error, config.wait)))
            .collect();
        let results: Vec<_> = config.hosts.into_iter().zip(results).collect();
        Ok(refreshable(health::lines(&results).join("\n"), "/status"))
    }
}

fn no_response(error: Error, wait: Duration) -> NoResponse {
    match error {
        Error::Refused(why) => NoResponse::Refused(why),
        Error::TimedOut(_) => {
            NoResponse::Unanswered(tr!("no response within {}", format!("{:.1} s", wait.as_secs_f32())))
        }
        Error::Unreachable(why) | Error::TooLarge(why) | Error::Protocol(why) => NoResponse::Unanswered(why),
    }
}

cordboard_plugin::export!(Status: command; german::GERMAN, homelab::german::GERMAN);
