//! Evaluates the responses of hosts. Pure: nothing here calls the host.

use cordboard_plugin::text::{code, counted, escape};
use homelab::{Answer, show::Light};

use crate::config::Host;

/// The reason for a missing response, as one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Silence {
    /// The request wasn't sent, which says nothing about the host.
    Refused(String),
    Unanswered(String),
}

/// Returns a line with the number of healthy hosts, then a line for each, the worst first.
pub fn lines(hosts: &[(Host, Result<Answer, Silence>)]) -> Vec<String> {
    let mut judged: Vec<_> = hosts.iter().map(|(host, answer)| (judge(host, answer), host)).collect();
    judged.sort_by(|((a, _), one), ((b, _), other)| b.cmp(a).then_with(|| one.name.cmp(&other.name)));
    let well = judged.iter().filter(|((light, _), _)| *light == Light::Well).count();
    let all = counted(judged.len() as u64, "host");
    let head = if well == judged.len() { format!("{all}, all ok.") } else { format!("{well} of {all} ok:") };
    let line =
        |((light, what), host): &((Light, String), &Host)| format!("{} {} {what}", light.letter(), code(&host.name));
    [head].into_iter().chain(judged.iter().map(line)).collect()
}

fn judge(host: &Host, answer: &Result<Answer, Silence>) -> (Light, String) {
    let answer = match answer {
        Ok(answer) => answer,
        Err(Silence::Refused(why)) => return (Light::Resting, format!("was not queried: {}", escape(why))),
        Err(Silence::Unanswered(why)) => return (Light::Broken, format!("does not answer: {}", escape(why))),
    };
    let status = answer.status;
    let wants_login = matches!(status, 401 | 403);
    match host.expect {
        Some(expected) if expected != status => {
            return (Light::Warning, format!("answers {status} instead of {expected}"));
        }
        None if !wants_login && !(200..400).contains(&status) => return (Light::Warning, format!("answers {status}")),
        Some(_) | None => {}
    }
    match &host.contains {
        Some(text) if !answer.body.contains(text) => {
            (Light::Warning, format!("answers {status} without {}", code(text)))
        }
        Some(_) | None if wants_login && host.expect.is_none() => {
            (Light::Well, format!("answers, but requires a login ({status})"))
        }
        Some(_) | None => (Light::Well, format!("answers {status}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(expect: Option<u16>, contains: Option<&str>, status: u16) -> String {
        let host = Host { name: "nas".into(), url: "http://nas".into(), expect, contains: contains.map(str::to_owned) };
        lines(&[(host, Ok(Answer { status, body: "all is fine".into() }))]).remove(1)
    }

    #[test]
    fn a_response_without_an_error_is_healthy() {
        assert_eq!(told(None, None, 200), "🟢 `nas` answers 200");
        assert_eq!(told(None, None, 302), "🟢 `nas` answers 302");
        assert_eq!(told(None, None, 401), "🟢 `nas` answers, but requires a login (401)");
        assert_eq!(told(None, None, 404), "🟡 `nas` answers 404");
        assert_eq!(told(None, None, 503), "🟡 `nas` answers 503");
    }

    #[test]
    fn an_expected_response_is_healthy() {
        assert_eq!(told(Some(503), None, 503), "🟢 `nas` answers 503");
        assert_eq!(told(Some(204), None, 200), "🟡 `nas` answers 200 instead of 204");
        assert_eq!(told(None, Some("fine"), 200), "🟢 `nas` answers 200");
        assert_eq!(told(None, Some("ready"), 200), "🟡 `nas` answers 200 without `ready`");
        assert_eq!(told(Some(401), None, 401), "🟢 `nas` answers 401");
    }

    #[test]
    fn the_worst_hosts_come_first() {
        let host = |name: &str| Host { name: name.into(), url: String::new(), expect: None, contains: None };
        let good = || Ok(Answer { status: 200, body: String::new() });
        let hosts = [
            (host("a"), good()),
            (host("b"), Err(Silence::Refused("add it to http".into()))),
            (host("c"), Err(Silence::Unanswered("connection refused".into()))),
        ];
        assert_eq!(
            lines(&hosts),
            [
                "1 of 3 hosts ok:",
                "🔴 `c` does not answer: connection refused",
                "⚪ `b` was not queried: add it to http",
                "🟢 `a` answers 200",
            ]
        );
        assert_eq!(lines(&[(host("a"), good()), (host("d"), good())])[0], "2 hosts, all ok.");
    }
}
