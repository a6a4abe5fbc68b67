//! `/beszel`: shows the load and the disk usage of a Beszel hub's systems. Apart from logging in, it is read-only.

mod config;
mod german;
mod login;
mod systems;

use cordboard_plugin::{
    Call, Command, Reply, Timestamp,
    command::Spec,
    config::parse,
    context,
    http::{Request, Response},
    text::escape,
    tr,
};
use homelab::{Fetch, fetch, refreshable};

use config::Config;
use systems::System;

/// The path of the first page of systems, sorted by name, with only the fields that are shown.
const SYSTEMS: &str = "/api/collections/systems/records?perPage=200&sort=name&fields=name,status,info,updated";

/// The number of systems per page. A page with fewer systems is the last one.
const PAGE: usize = 200;

/// The maximum number of pages to read. It is large, because a system with a problem may be on the last page.
const PAGES: usize = 10;

struct Beszel;

impl Command for Beszel {
    fn specs() -> Result<Vec<Spec>, String> {
        parse::<Config>()?;
        Ok(vec![Spec::new("beszel", &tr!("Show the load of the machines"), "/beszel").min_role("admin")])
    }

    fn run(_call: &Call) -> Result<Reply, String> {
        let config: Config = parse()?;
        let server = config.server();
        let token = login::token(&config, log_in(&config)?)?;
        let fetch = |path: &str| fetch::get(&server, path, Some(&token));
        report(&config, &fetch, context::now()).map(|text| refreshable(text, "/beszel"))
    }
}

fn log_in(config: &Config) -> Result<Response, String> {
    let server = config.server();
    let body = login::body(&config.user, &fetch::secret(&server, &config.secret)?);
    let request = Request::post(&format!("{}{}", server.url, login::PATH));
    fetch::send(&server, request.header("content-type", "application/json").body(body))
}

fn report(config: &Config, fetch: Fetch, now: Timestamp) -> Result<String, String> {
    let (systems, whole) = all(config, fetch)?;
    if systems.is_empty() {
        // The hub hides systems that the user may not see instead of rejecting the request.
        let user = escape(&config.user);
        return Ok(tr!(
            "{user} can't see any systems: add the user to the systems in Beszel, or set SHARE_ALL_SYSTEMS.",
            user
        ));
    }
    let mut lines = systems::lines(&systems, config.warn_at, now);
    if !whole {
        lines.push(tr!("Only the first {} are shown.", systems.len()));
    }
    Ok(lines.join("\n"))
}

/// Reads the systems page by page. Also returns whether the list is complete.
fn all(config: &Config, fetch: Fetch) -> Result<(Vec<System>, bool), String> {
    let mut systems = Vec::new();
    for page in 1..=PAGES {
        let path = if page == 1 { SYSTEMS.to_owned() } else { format!("{SYSTEMS}&page={page}") };
        let more = config.server().read(&path, fetch(&path)?, |page| systems::read(&page))?;
        let last = more.len() < PAGE;
        systems.extend(more);
        if last {
            return Ok((systems, true));
        }
    }
    Ok((systems, false))
}

cordboard_plugin::export!(Beszel: command; german::GERMAN, homelab::german::GERMAN);

#[cfg(test)]
mod tests {
    use super::*;
    use cordboard_plugin::config::parse_text;
    use homelab::testing::response;

    fn report_text(status: u16, body: &str) -> Result<String, String> {
        let config = parse_text::<Config>(r#"{"url":"https://hub","user":"chat_a@home.lan"}"#).expect("valid input");
        let answer = |path: &str| {
            assert_eq!(path, SYSTEMS);
            Ok(response(status, body))
        };
        report(&config, &answer, 1_795_268_736_000)
    }

    #[test]
    fn systems_are_shown_and_an_empty_list_is_explained() {
        let text = report_text(200, include_str!("../tests/data/systems.json")).expect("a known format");
        assert!(text.starts_with("5 systems, 1 down:\n🟡 `nas` CPU 12%, "), "{text}");
        let none =
            "chat_a@home.lan can't see any systems: add the user to the systems in Beszel, or set SHARE_ALL_SYSTEMS.";
        assert_eq!(report_text(200, r#"{"items":[]}"#).as_deref(), Ok(none));
    }

    /// Returns the report about `count` systems, and the number of requested pages.
    fn pages(count: usize) -> (String, usize) {
        let config = parse_text::<Config>(r#"{"url":"https://hub","user":"a@home.lan"}"#).expect("valid input");
        let requested = std::cell::Cell::new(0);
        let answer = |path: &str| {
            let page: usize = path.split_once("&page=").map_or(1, |(_, page)| page.parse().expect("a number"));
            assert_eq!(page, requested.replace(page) + 1, "one after the other");
            let of_page = (page - 1) * PAGE..count.min(page * PAGE);
            let items: Vec<_> =
                of_page.map(|system| format!(r#"{{"name":"s{system:04}","status":"paused"}}"#)).collect();
            Ok(response(200, &format!(r#"{{"items":[{}]}}"#, items.join(","))))
        };
        (report(&config, &answer, 0).expect("a known format"), requested.get())
    }

    #[test]
    fn all_pages_are_read() {
        for (count, requested) in [(1, 1), (199, 1), (200, 2), (201, 2), (450, 3)] {
            let (text, pages) = pages(count);
            assert_eq!((text.lines().count(), pages), (count + 1, requested), "{count}");
            assert!(text.ends_with(&format!("`s{:04}` is paused", count - 1)), "{text}");
        }
        let (text, requested) = pages(2_100);
        assert_eq!((text.lines().count(), requested), (2_002, PAGES));
        assert!(text.ends_with("Only the first 2000 are shown."), "{}", &text[text.len() - 100..]);
    }

    #[test]
    fn refused_and_malformed_responses_are_reported() {
        let gone = report_text(404, r#"{"data":{},"message":"Missing collection context.","status":404}"#);
        let line = "Beszel at https://hub has no /api/collections/systems/records (404: Missing collection context). Check url in \
                    [plugins.beszel.config], and that the server is a Beszel hub, 0.5 to 0.18.";
        assert_eq!(gone, Err(line.to_owned()));
        let error = report_text(200, r#"{"items":[{"name":"a","status":"up","info":{}}]}"#);
        let line = "Beszel at https://hub returned an unexpected response for /api/collections/systems/records: `items[0].info.cpu` is \
                    missing. Supported: a Beszel hub, 0.5 to 0.18.";
        assert_eq!(error, Err(line.to_owned()));
    }
}
