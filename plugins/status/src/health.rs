//! Evaluates the responses of the configured hosts. Pure: nothing here calls the Cordboard host.

use cordboard_plugin::{
    http::Response,
    text::{code, escape},
    tr,
};
use homelab::format::Light;

use crate::config::Host;

/// The reason why there is no response, as one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoResponse {
    /// Cordboard didn't send the request, so the state of the host is unknown.
    Refused(String),
    Unanswered(String),
}

/// Returns a line with the number of healthy hosts, then a line for each host, the worst first.
pub fn lines(hosts: &[(Host, Result<Response, NoResponse>)]) -> Vec<String> {
    let mut evaluated: Vec<_> = hosts.iter().map(|(host, result)| (evaluate(host, result), host)).collect();
    evaluated.sort_by(|((a, _), one), ((b, _), other)| b.cmp(a).then_with(|| one.name.cmp(&other.name)));
    let good = evaluated.iter().filter(|((light, _), _)| *light == Light::Good).count();
    let count = evaluated.len();
    let head = if good == count {
        tr!("{n} host, all ok." | "{n} hosts, all ok." % count)
    } else {
        tr!("{good} of {n} host ok:" | "{good} of {n} hosts ok:" % count, good)
    };
    let line =
        |((light, what), host): &((Light, String), &Host)| format!("{} {} {what}", light.symbol(), code(&host.name));
    [head].into_iter().chain(evaluated.iter().map(line)).collect()
}

fn evaluate(host: &Host, result: &Result<Response, NoResponse>) -> (Light, String) {
    let response = match result {
        Ok(response) => response,
        Err(NoResponse::Refused(why)) => return (Light::Inactive, tr!("was not queried: {}", escape(why))),
        Err(NoResponse::Unanswered(why)) => return (Light::Bad, tr!("does not answer: {}", escape(why))),
    };
    let status = response.status;
    let wants_login = matches!(status, 401 | 403);
    match host.expect {
        Some(expected) if expected != status => {
            return (Light::Warning, tr!("answers {status} instead of {expected}", status, expected));
        }
        None if !wants_login && !(200..400).contains(&status) => {
            return (Light::Warning, tr!("answers {status}", status));
        }
        Some(_) | None => {}
    }
    match &host.contains {
        Some(text) if !response.text().contains(text) => {
            (Light::Warning, tr!("answers {status}, but the body lacks {text}", status, text = code(text)))
        }
        Some(_) | None if wants_login && host.expect.is_none() => {
            (Light::Good, tr!("answers, but requires a login ({status})", status))
        }
        Some(_) | None => (Light::Good, tr!("answers {status}", status)),
    }
}

#[cfg(test)]
mod tests {
    use homelab::testing::response;

    use super::*;

    fn shown(expect: Option<u16>, contains: Option<&str>, status: u16) -> String {
        let host = Host { name: "nas".into(), url: "http://nas".into(), expect, contains: contains.map(str::to_owned) };
        lines(&[(host, Ok(response(status, "all is fine")))]).remove(1)
    }

    #[test]
    fn a_response_without_an_error_is_healthy() {
        assert_eq!(shown(None, None, 200), "🟢 `nas` answers 200");
        assert_eq!(shown(None, None, 302), "🟢 `nas` answers 302");
        assert_eq!(shown(None, None, 401), "🟢 `nas` answers, but requires a login (401)");
        assert_eq!(shown(None, None, 404), "🟡 `nas` answers 404");
        assert_eq!(shown(None, None, 503), "🟡 `nas` answers 503");
    }

    #[test]
    fn an_expected_response_is_healthy() {
        assert_eq!(shown(Some(503), None, 503), "🟢 `nas` answers 503");
        assert_eq!(shown(Some(204), None, 200), "🟡 `nas` answers 200 instead of 204");
        assert_eq!(shown(None, Some("fine"), 200), "🟢 `nas` answers 200");
        assert_eq!(shown(None, Some("ready"), 200), "🟡 `nas` answers 200, but the body lacks `ready`");
        assert_eq!(shown(Some(401), None, 401), "🟢 `nas` answers 401");
    }

    #[test]
    fn the_worst_hosts_come_first() {
        let host = |name: &str| Host { name: name.into(), url: String::new(), expect: None, contains: None };
        let good = || Ok(response(200, ""));
        let hosts = [
            (host("a"), good()),
            (host("b"), Err(NoResponse::Refused("add it to http".into()))),
            (host("c"), Err(NoResponse::Unanswered("connection refused".into()))),
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
