//! Decides whether a request may read the status. A request is admitted if it contains the token, if a reverse proxy
//! names a permitted user, or, if neither is configured, if its host name is an IP address, `localhost` or a configured
//! name.

use std::net::IpAddr;

use cordboard_core::config::Status;
use hmac::Mac;
use hyper::{
    HeaderMap, Uri,
    header::{AUTHORIZATION, COOKIE, HOST, HeaderValue},
    http::request::Parts,
};

use crate::constant_time::{hmac_sha256, is_equal};

const COOKIE_NAME: &str = "cordboard_status";

/// The time after which a browser forgets the cookie, in days.
const COOKIE_DAYS: u32 = 30;

/// The outcome of a successful check.
#[derive(Debug, PartialEq, Eq)]
pub enum Admission {
    Admitted,
    /// The URL contains the token. The response sets the cookie, and redirects the browser to the URL without the
    /// token.
    SignIn {
        cookie: HeaderValue,
    },
}

/// The reason why a request is refused. The client may be unauthenticated, so the text must not contain a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Denial {
    #[error("requests for this host name are refused: add the name to [status] hosts, or use the IP address")]
    Host,
    #[error("the token is missing or wrong: send \"Authorization: Bearer TOKEN\", or open /?token=TOKEN in a browser")]
    Token,
    #[error("this user has no access: add the user to [status] users")]
    User,
    #[error("the token of the status page can't be read; see the host's log")]
    TokenUnreadable,
}

/// Checks a request. `token` is the configured token.
pub fn admit(settings: &Status, token: Option<&str>, parts: &Parts) -> Result<Admission, Denial> {
    if let Some(token) = token {
        let cookie = cookie_value(token);
        if bearer(&parts.headers).is_some_and(|presented| is_equal(token, presented))
            || cookies(&parts.headers).any(|presented| is_equal(&cookie, presented))
        {
            return Ok(Admission::Admitted);
        }
        if query_token(&parts.uri).is_some_and(|presented| is_equal(token, presented)) {
            return Ok(Admission::SignIn { cookie: set_cookie(&cookie) });
        }
        if settings.users.is_empty() {
            return Err(Denial::Token);
        }
    }
    // A web page of another site can reach this address through its own host name (DNS rebinding). Its requests could
    // then contain any header, but never the token.
    if !is_known_host(settings, parts) {
        return Err(Denial::Host);
    }
    let mut users = parts.headers.get_all(settings.user_header()).iter();
    let user = users.next().and_then(|user| user.to_str().ok()).filter(|_| users.next().is_none());
    match user {
        _ if settings.users.is_empty() => Ok(Admission::Admitted),
        Some(user) if settings.users.contains(user) => Ok(Admission::Admitted),
        Some(_) | None => Err(Denial::User),
    }
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

fn cookies(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    let pairs = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok()).flat_map(|all| all.split(';'));
    pairs.filter_map(|pair| pair.trim().strip_prefix(COOKIE_NAME)?.strip_prefix('='))
}

/// Returns the token in a URL's query without decoding it, so a link works only if the token needs no percent-encoding.
fn query_token(uri: &Uri) -> Option<&str> {
    uri.query()?.split('&').find_map(|pair| pair.strip_prefix("token="))
}

/// Returns the path and query of a URL without the token.
pub fn without_token(uri: &Uri) -> String {
    let pairs = uri.query().into_iter().flat_map(|query| query.split('&'));
    let others: Vec<&str> = pairs.filter(|pair| !pair.is_empty() && !pair.starts_with("token=")).collect();
    if others.is_empty() { uri.path().to_owned() } else { format!("{}?{}", uri.path(), others.join("&")) }
}

/// Returns the cookie's value, which is derived from the token: replacing the token invalidates the cookie, and
/// programs on other ports of this machine, which also receive the cookie, don't learn the token.
fn cookie_value(token: &str) -> String {
    let bytes = hmac_sha256(token, b"cookie of the status page").finalize().into_bytes();
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn set_cookie(value: &str) -> HeaderValue {
    let age = COOKIE_DAYS * 24 * 60 * 60;
    let text = format!("{COOKIE_NAME}={value}; HttpOnly; SameSite=Strict; Path=/; Max-Age={age}");
    HeaderValue::try_from(text).expect("the value consists of hexadecimal digits")
}

/// Returns whether the request is for an IP address, for `localhost` or for a configured host name.
fn is_known_host(settings: &Status, parts: &Parts) -> bool {
    let header = || parts.headers.get(HOST).and_then(|host| host.to_str().ok());
    let Some(host) = parts.uri.authority().map(|authority| authority.as_str()).or_else(header) else { return false };
    let name = host_name(host).to_ascii_lowercase();
    name == "localhost" || name.parse::<IpAddr>().is_ok() || settings.hosts.contains(&name)
}

/// Returns the host without the port and without the brackets of an IPv6 address.
fn host_name(host: &str) -> &str {
    match host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, _)) => address,
        None => host.split_once(':').map_or(host, |(name, _)| name),
    }
}

#[cfg(test)]
mod tests {
    use cordboard_core::config;
    use hyper::Request;

    use super::*;

    const TOKEN: &str = "0123456789abcdef0123";

    fn settings(lines: &str) -> Status {
        config::load(&format!("[status]\n{lines}")).unwrap_or_else(|error| panic!("{error}")).status
    }

    fn request(path: &str, headers: &[(&str, &str)]) -> Parts {
        let request = headers.iter().fold(Request::builder().uri(path), |all, (name, value)| all.header(*name, *value));
        request.body(()).expect("a valid request").into_parts().0
    }

    fn with_token(path: &str, headers: &[(&str, &str)]) -> Result<Admission, Denial> {
        admit(&settings("token_file = \"t\""), Some(TOKEN), &request(path, headers))
    }

    #[test]
    fn without_credentials_only_local_names_are_served() {
        let settings = settings("hosts = [\"box.example.com\"]");
        let outcome = |host: &str| admit(&settings, None, &request("/", &[("host", host)]));
        for local in ["127.0.0.1:8788", "localhost:8788", "LocalHost", "[::1]:8788", "10.0.0.1", "Box.example.com:443"]
        {
            assert_eq!(outcome(local), Ok(Admission::Admitted), "{local}");
        }
        for foreign in
            ["evil.example", "evil.example:8788", "127.0.0.1.evil.example", "localhost.evil.example", "", "["]
        {
            assert_eq!(outcome(foreign), Err(Denial::Host), "{foreign}");
        }
        assert_eq!(admit(&settings, None, &request("/", &[])), Err(Denial::Host), "HTTP/1.0 without a host");
        let absolute = request("http://evil.example/", &[("host", "localhost")]);
        assert_eq!(admit(&settings, None, &absolute), Err(Denial::Host));
    }

    #[test]
    fn the_token_is_required_even_for_local_names() {
        assert_eq!(with_token("/", &[("host", "localhost")]), Err(Denial::Token));
        for wrong in ["Bearer wrong", "Bearer ", "Basic 0123456789abcdef0123", TOKEN] {
            assert_eq!(with_token("/", &[("authorization", wrong)]), Err(Denial::Token), "{wrong}");
        }
        for path in ["/?token=", "/?token=0123456789abcdef012", "/?tokens=0123456789abcdef0123", "/?token"] {
            assert_eq!(with_token(path, &[]), Err(Denial::Token), "{path}");
        }
        let bearer = format!("bearer {TOKEN}");
        assert_eq!(with_token("/", &[("authorization", &bearer), ("host", "any.example")]), Ok(Admission::Admitted));
    }

    #[test]
    fn a_link_with_the_token_sets_a_cookie_that_replaces_it() {
        let Ok(Admission::SignIn { cookie }) = with_token(&format!("/?a=b&token={TOKEN}"), &[]) else {
            panic!("the link is refused")
        };
        let text = cookie.to_str().expect("text").to_owned();
        assert!(text.contains("; HttpOnly; SameSite=Strict; Path=/; ") && !text.contains(TOKEN), "{text}");
        let pair = text.split(';').next().expect("a pair");
        let shown = format!("other=1; {pair}");
        assert_eq!(with_token("/", &[("cookie", &shown)]), Ok(Admission::Admitted));
        let parts = request("/", &[("cookie", &shown)]);
        let other_token = admit(&settings("token_file = \"t\""), Some("another-long-token"), &parts);
        assert_eq!(other_token, Err(Denial::Token), "a new token makes the cookie invalid");
        assert_eq!(with_token("/", &[("cookie", &format!("cordboard_status={TOKEN}"))]), Err(Denial::Token));
    }

    #[test]
    fn the_redirect_after_signing_in_drops_only_the_token() {
        for (link, target) in [
            ("/?token=T", "/"),
            ("/sessions/a?token=T&x=1&y=2", "/sessions/a?x=1&y=2"),
            ("/?x=1&token=T&", "/?x=1"),
            ("/?tokens=1", "/?tokens=1"),
            ("/", "/"),
        ] {
            assert_eq!(without_token(&link.parse().expect("a valid link")), target, "{link}");
        }
    }

    #[test]
    fn a_proxy_names_the_user() {
        let settings = settings("users = [\"ada@example.com\"]\nhosts = [\"box.example.com\"]");
        let outcome = |headers: &[(&str, &str)]| admit(&settings, None, &request("/", headers));
        let (host, user) = (("host", "box.example.com"), ("tailscale-user-login", "ada@example.com"));
        assert_eq!(outcome(&[host, user]), Ok(Admission::Admitted));
        assert_eq!(outcome(&[host]), Err(Denial::User));
        assert_eq!(outcome(&[host, ("tailscale-user-login", "eve@example.com")]), Err(Denial::User));
        assert_eq!(outcome(&[host, user, user]), Err(Denial::User), "a client sent the header itself");
        assert_eq!(outcome(&[("host", "evil.example"), user]), Err(Denial::Host));
        let bearer = format!("Bearer {TOKEN}");
        let scraper = admit(&settings, Some(TOKEN), &request("/metrics", &[("authorization", &bearer)]));
        assert_eq!(scraper, Ok(Admission::Admitted));
        assert_eq!(admit(&settings, Some(TOKEN), &request("/", &[host])), Err(Denial::User));
    }
}
