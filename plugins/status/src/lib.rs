//! `/status`: hosts at a glance. Each is asked for the health address that the configuration has for it, now: nothing is kept.
//! It must never ask for anything else.

mod config;
mod health;

use std::time::Duration;

use cordboard_plugin::{
    Call, Command, Reply,
    command::Spec,
    http::{Error, Request},
};
use homelab::{Answer, fresh};

use config::{Config, Host};
use health::Silence;

struct Status;

impl Command for Status {
    fn specs() -> Result<Vec<Spec>, String> {
        Config::read()?;
        Ok(vec![Spec::new("status", "The hosts at a glance", "/status")])
    }

    fn run(_call: &Call) -> Result<Reply, String> {
        let config = Config::read()?;
        let answers: Vec<_> = config.hosts.into_iter().map(|host| ask(host, config.wait)).collect();
        Ok(fresh(health::lines(&answers).join("\n"), "/status"))
    }
}

fn ask(host: Host, wait: Duration) -> (Host, Result<Answer, Silence>) {
    let answer = Request::get(&host.url).timeout(wait).send();
    let answer = answer.map(|response| Answer { status: response.status, body: response.text() });
    let answer = answer.map_err(|error| match error {
        Error::Refused(why) => Silence::Refused(why),
        Error::TimedOut(_) => Silence::Unanswered(format!("nothing came within {:.1} s", wait.as_secs_f32())),
        Error::Unreachable(why) | Error::TooLarge(why) | Error::Protocol(why) => Silence::Unanswered(why),
    });
    (host, answer)
}

cordboard_plugin::export!(Status: command);
