//! Parses a request: determines its plugin and the parts of the head that are passed to the plugin.

use cordboard_core::{config::WebhookAuth, scrub};
use cordboard_runtime::WebRequest;
use hyper::{HeaderMap, Method};

use super::{
    answer::Rejection,
    auth::{self, Credential},
};

/// The prefix of all webhook paths.
const ROOT: &str = "/hooks/";

/// Headers that plugins never see, because they contain credentials.
const WITHHELD: [&str; 3] = ["authorization", "proxy-authorization", "cookie"];

/// The supported methods.
pub const METHODS: [&str; 5] = ["GET", "POST", "PUT", "PATCH", "DELETE"];

/// The plugin and the path of a request.
#[derive(Debug, PartialEq, Eq)]
pub struct WebhookPath<'u> {
    pub plugin: &'u str,
    /// Starts with a slash.
    pub path: &'u str,
}

impl<'u> WebhookPath<'u> {
    pub fn parse(path: &'u str) -> Option<Self> {
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

/// Returns whether the header `name`, in lower case, is withheld from plugins if requests are authenticated by `auth`.
#[must_use]
pub fn is_withheld(auth: &WebhookAuth, name: &str) -> bool {
    let credentials = auth::credentials(auth, |_| Ok(String::new())).unwrap_or_default();
    withheld(&credentials, name)
}

fn withheld(credentials: &[Credential], name: &str) -> bool {
    WITHHELD.contains(&name) || credentials.iter().any(|credential| credential.header() == name)
}

/// The head of a request: everything before the body.
pub struct Head<'r> {
    pub method: &'static str,
    /// The part of the path after the plugin's name.
    pub path: &'r str,
    pub query: Option<&'r str>,
    pub headers: &'r HeaderMap,
}

impl Head<'_> {
    /// Returns the request in the form that is passed to the plugin. A sender may repeat its secret in the URL or the
    /// body, so all parts are scrubbed.
    pub fn with_body(&self, body: Vec<u8>, credentials: &[Credential]) -> WebRequest {
        let headers = self.headers.iter().filter(|(name, _)| !withheld(credentials, name.as_str()));
        let text =
            headers.filter_map(|(name, value)| Some((name.to_string(), scrub::text(value.to_str().ok()?.to_owned()))));
        WebRequest {
            method: self.method.to_owned(),
            path: scrub::text(self.path.to_owned()),
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
        assert_eq!(WebhookPath::parse("/hooks/github"), Some(WebhookPath { plugin: "github", path: "/" }));
        assert_eq!(WebhookPath::parse("/hooks/github/a//b/"), Some(WebhookPath { plugin: "github", path: "/a//b/" }));
        for other in ["/", "/hooks", "/hooks/", "/hooks//x", "/Hooks/github", "hooks/github", ""] {
            assert_eq!(WebhookPath::parse(other), None, "{other}");
        }
    }
}
