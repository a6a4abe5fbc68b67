//! Parses a request: its plugin, its bounded body, and the parts of the head that the plugin sees.

use cordboard_core::{config::WebhookAuth, scrub};
use cordboard_runtime::WebRequest;
use http_body_util::{BodyExt, Limited};
use hyper::{
    HeaderMap, Method,
    body::{Bytes, Incoming},
    header::CONTENT_LENGTH,
};

use super::{
    answer::Rejection,
    proof::{self, Check},
};

/// The prefix of all webhook paths.
const ROOT: &str = "/hooks/";

/// Headers that plugins never see: credentials for the host or for a proxy.
const WITHHELD: [&str; 3] = ["authorization", "proxy-authorization", "cookie"];

/// The supported methods.
pub const METHODS: [&str; 5] = ["GET", "POST", "PUT", "PATCH", "DELETE"];

/// The plugin and the path of a request.
#[derive(Debug, PartialEq, Eq)]
pub struct Target<'u> {
    pub plugin: &'u str,
    /// Starts with a slash.
    pub path: &'u str,
}

impl<'u> Target<'u> {
    pub fn of(path: &'u str) -> Option<Self> {
        let rest = path.strip_prefix(ROOT)?;
        let (plugin, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let path = if path.is_empty() { "/" } else { path };
        (!plugin.is_empty()).then_some(Self { plugin, path })
    }
}

/// Returns the method if it is supported.
pub fn method(method: &Method) -> Result<&'static str, Rejection> {
    METHODS.into_iter().find(|one| *one == method.as_str()).ok_or(Rejection::Method)
}

/// Whether plugins never see the header `name`, in lower case, of requests that are authenticated by `proofs`.
#[must_use]
pub fn is_withheld(proofs: &WebhookAuth, name: &str) -> bool {
    let checks = proof::checks(proofs, |_| Ok(String::new())).unwrap_or_default();
    withheld(&checks, name)
}

fn withheld(checks: &[Check], name: &str) -> bool {
    WITHHELD.contains(&name) || checks.iter().any(|check| check.header() == name)
}

/// Reads the whole body, at most `most` bytes. A larger content length is rejected without reading.
pub async fn body(body: Incoming, headers: &HeaderMap, most: u64) -> Result<Bytes, Rejection> {
    let said = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if said.is_some_and(|length| length > most) {
        return Err(Rejection::TooLarge(most));
    }
    let limited = Limited::new(body, usize::try_from(most).unwrap_or(usize::MAX));
    match limited.collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<http_body_util::LengthLimitError>() => Err(Rejection::TooLarge(most)),
        Err(_) => Err(Rejection::Broken),
    }
}

/// Everything before the body.
pub struct Head<'r> {
    pub method: &'static str,
    pub target: &'r Target<'r>,
    pub query: Option<&'r str>,
    pub headers: &'r HeaderMap,
}

impl Head<'_> {
    /// The request as the plugin gets it. A sender may repeat its secret in the URL or the body, so all parts are
    /// scrubbed.
    pub fn with(&self, body: Vec<u8>, checks: &[Check]) -> WebRequest {
        let headers = self.headers.iter().filter(|(name, _)| !withheld(checks, name.as_str()));
        let text =
            headers.filter_map(|(name, value)| Some((name.to_string(), scrub::text(value.to_str().ok()?.to_owned()))));
        WebRequest {
            method: self.method.to_owned(),
            path: scrub::text(self.target.path.to_owned()),
            query: scrub::text(self.query.unwrap_or_default().to_owned()),
            headers: text.collect(),
            body: scrub::bytes(&body).into_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_selects_the_plugin() {
        assert_eq!(Target::of("/hooks/github"), Some(Target { plugin: "github", path: "/" }));
        assert_eq!(Target::of("/hooks/github/a//b/"), Some(Target { plugin: "github", path: "/a//b/" }));
        for nobody in ["/", "/hooks", "/hooks/", "/hooks//x", "/Hooks/github", "hooks/github", ""] {
            assert_eq!(Target::of(nobody), None, "{nobody}");
        }
    }
}
