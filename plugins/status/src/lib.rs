//! `/status`: shows the health of all configured hosts. Queries their health addresses concurrently at each call, and
//! stores nothing. It must not request any other address.

mod config;
mod health;

use std::time::Duration;

use cordboard_plugin::{
    Call, Command, Reply,
    command::Spec,
    http::{self, Error, Request, Response},
};
use homelab::{Answer, fresh};

use config::Config;
use health::Silence;

struct Status;

impl Command for Status {
    fn specs() -> Result<Vec<Spec>, String> {
        Config::read()?;
        Ok(vec![Spec::new("status", "Show the state of the hosts", "/status")])
    }

    fn run(_call: &Call) -> Result<Reply, String> {
        let config = Config::read()?;
        let asked = config.hosts.iter().map(|host| Request::get(&host.url).timeout(config.wait));
        let answers: Vec<_> = http::send_all(asked).into_iter().map(|answer| heard(answer, config.wait)).collect();
        let answers: Vec<_> = config.hosts.into_iter().zip(answers).collect();
        Ok(fresh(health::lines(&answers).join("\n"), "/status"))
    }
}

fn heard(answer: Result<Response, Error>, wait: Duration) -> Result<Answer, Silence> {
    match answer {
        Ok(response) => Ok(Answer { status: response.status, body: response.text() }),
        Err(Error::Refused(why)) => Err(Silence::Refused(why)),
        Err(Error::TimedOut(_)) => Err(Silence::Unanswered(format!("no response within {:.1} s", wait.as_secs_f32()))),
        Err(Error::Unreachable(why) | Error::TooLarge(why) | Error::Protocol(why)) => Err(Silence::Unanswered(why)),
    }
}

cordboard_plugin::export!(Status: command);
