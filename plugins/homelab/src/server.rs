//! A server that is queried over HTTP, and the one-line errors about it: what happened, and which key of the
//! configuration to check. It doesn't hold secrets, only placeholders.

use cordboard_plugin::text::escape;
use serde_json::Value;

use crate::{Json, show::shortened};

/// The most characters of a server's error message that are shown.
const WORDS: usize = 120;

/// A configured server, and the details for error messages.
#[derive(Debug, Clone, Copy)]
pub struct Server<'a> {
    /// The product's name: `Proxmox Backup Server`.
    pub title: &'a str,
    /// The plugin that queries it, for the table `[plugins.NAME.config]` in error messages.
    pub plugin: &'a str,
    /// The base URL, without a trailing slash.
    pub url: &'a str,
    /// The supported versions: `Proxmox Backup Server 2.0 to 4`.
    pub known: &'a str,
    /// The keys of the requested resource: `url`.
    pub place: &'a str,
    /// The keys of the login: `token and secret`.
    pub login: &'a str,
    /// A sentence that says what to do if the login is valid but lacks the permission to read.
    pub rights: &'a str,
}

/// A server's response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    pub body: String,
}

impl Server<'_> {
    /// Returns the response to `path` as text, if its status is a success.
    ///
    /// # Errors
    /// A line for the operator.
    pub fn text(&self, path: &str, answer: Answer) -> Result<String, String> {
        match answer.status {
            200..=299 => Ok(answer.body),
            _ => Err(self.refused(path, &answer)),
        }
    }

    /// Returns the response to `path` as JSON, if its status is a success.
    ///
    /// # Errors
    /// A line for the operator.
    pub fn json(&self, path: &str, answer: Answer) -> Result<Value, String> {
        let body = self.text(path, answer)?;
        serde_json::from_str(&body).map_err(|_| {
            let Self { title, url, plugin, known, .. } = self;
            let begin = match shortened(&body, 30) {
                nothing if nothing.is_empty() => "nothing".to_owned(),
                begin => format!("'{begin}'"),
            };
            format!(
                "{title} at {url} answered {path} not with JSON but with {begin}. Check url in [plugins.{plugin}.config], \
                 and that it is {known}."
            )
        })
    }

    /// Passes the JSON response to `path` to `read`, if its status is a success.
    ///
    /// # Errors
    /// A line for the operator.
    pub fn read<T>(
        &self,
        path: &str,
        answer: Answer,
        read: impl FnOnce(Json) -> Result<T, String>,
    ) -> Result<T, String> {
        let path = path.split('?').next().unwrap_or(path);
        let value = self.json(path, answer)?;
        read(Json::root(&value)).map_err(|what| self.odd(path, &what))
    }

    /// The error if the JSON response to `path` has an unknown form.
    #[must_use]
    pub fn odd(&self, path: &str, what: &str) -> String {
        let Self { title, url, known, .. } = self;
        format!("{title} at {url} answered {path} in an unknown form: {what}. Supported: {known}.")
    }

    /// The error if there is no response.
    #[must_use]
    pub fn silent(&self, why: &str) -> String {
        let Self { title, url, plugin, .. } = self;
        format!("{title} at {url} can't be reached: {why}. Check that it runs, and [plugins.{plugin}.config] url.")
    }

    /// The error if the response wasn't complete in time.
    #[must_use]
    pub fn slow(&self) -> String {
        let Self { title, url, plugin, .. } = self;
        format!(
            "{title} at {url} did not answer in time. Check that it runs; [plugins.{plugin}] http_time is how long a call may wait."
        )
    }

    /// The error if the response isn't valid HTTP.
    #[must_use]
    pub fn garbled(&self, why: &str) -> String {
        let Self { title, url, plugin, .. } = self;
        format!("{title} at {url} sent an invalid response: {why}. Check [plugins.{plugin}.config] url.")
    }

    /// The error if the server rejects the login.
    #[must_use]
    pub fn refuses_login(&self, answer: &Answer) -> String {
        let Self { title, plugin, login, .. } = self;
        format!("{title} refused the login ({}). Check {login} in [plugins.{plugin}.config].", answer.said())
    }

    /// The error if the login may not access `path`.
    #[must_use]
    pub fn forbids(&self, path: &str, answer: &Answer) -> String {
        let Self { title, rights, .. } = self;
        format!("{title} does not allow {path} ({}). {rights}", answer.said())
    }

    /// The error for an unsuccessful status.
    fn refused(&self, path: &str, answer: &Answer) -> String {
        let Self { title, url, plugin, known, place, .. } = self;
        let said = answer.said();
        match answer.status {
            300..=399 => format!(
                "{title} at {url} redirects {path} ({said}). Set [plugins.{plugin}.config] url to the final address."
            ),
            401 => self.refuses_login(answer),
            403 => self.forbids(path, answer),
            404 => format!(
                "{title} at {url} has no {path} ({said}). Check {place} in [plugins.{plugin}.config], and that it is {known}."
            ),
            429 => format!("{title} limits the request rate ({said}). Try again in a minute."),
            500..=599 => format!("{title} at {url} failed ({said}). See its own log."),
            _ => format!("{title} at {url} refused {path} ({said}). Check that it is {known}."),
        }
    }
}

impl Answer {
    /// The status, with the server's message if there is one.
    fn said(&self) -> String {
        match words(&self.body) {
            words if words.is_empty() => self.status.to_string(),
            words => format!("{}: {words}", self.status),
        }
    }
}

/// Returns the server's error message: the message of a JSON response, else the first line unless the response is
/// HTML.
fn words(body: &str) -> String {
    let said: Option<Value> = serde_json::from_str(body).ok();
    let message =
        said.as_ref().and_then(|said| ["message", "msg", "error"].iter().find_map(|key| said.get(key)?.as_str()));
    let text = match (message, said.is_some()) {
        (Some(message), _) => message,
        (None, true) => "",
        (None, false) if body.trim_start().starts_with('<') => "",
        (None, false) => body,
    };
    shortened(text, WORDS).trim_end_matches('.').to_owned()
}

/// Formats an error as a line of a Markdown message.
#[must_use]
pub fn trouble(line: &str) -> String {
    format!("⚠️ {}", escape(line))
}

/// Checks the configured URL of a server, and removes trailing slashes.
///
/// # Errors
/// Names the missing or invalid key, with an example.
pub fn address<'a>(plugin: &str, key: &str, url: Option<&'a str>, example: &str) -> Result<&'a str, String> {
    let hint = || format!("set [plugins.{plugin}.config] {key} = \"{example}\"");
    let url = url.map(|url| url.trim().trim_end_matches('/')).filter(|url| !url.is_empty());
    let url = url.ok_or_else(|| format!("{key} is missing: {}", hint()))?;
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://")).unwrap_or_default();
    if rest.is_empty() || rest.starts_with('/') || rest.contains([' ', '?', '#', '@']) {
        return Err(format!("{key} = \"{url}\" is not the URL of a server: {}", hint()));
    }
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SERVER: Server = Server {
        title: "Box",
        plugin: "box",
        url: "https://box.lan",
        known: "Box 2 or later",
        place: "url",
        login: "user and secret",
        rights: "Give the user the role Audit.",
    };

    fn told(status: u16, body: &str) -> String {
        SERVER.json("/api", Answer { status, body: body.to_owned() }).expect_err("it is rejected")
    }

    #[test]
    fn each_refusal_is_one_line_with_the_remedy() {
        let no = "permission check failed";
        assert_eq!(told(401, ""), "Box refused the login (401). Check user and secret in [plugins.box.config].");
        assert_eq!(
            told(403, no),
            "Box does not allow /api (403: permission check failed). Give the user the role Audit."
        );
        let where_to = "Check url in [plugins.box.config], and that it is Box 2 or later.";
        assert_eq!(told(404, "<html>\nno"), format!("Box at https://box.lan has no /api (404). {where_to}"));
        assert_eq!(
            told(429, r#"{"message":"Too many."}"#),
            "Box limits the request rate (429: Too many). Try again in a minute."
        );
        assert_eq!(told(502, "{}"), "Box at https://box.lan failed (502). See its own log.");
        assert_eq!(
            told(302, "moved"),
            "Box at https://box.lan redirects /api (302: moved). Set [plugins.box.config] url to the final address."
        );
        let odd = told(418, r#"{"status":"fail","msg":"teapot"}"#);
        assert_eq!(odd, "Box at https://box.lan refused /api (418: teapot). Check that it is Box 2 or later.");
        assert_eq!(
            told(200, "<!doctype html>\n<html>"),
            format!("Box at https://box.lan answered /api not with JSON but with '<!doctype html>'. {where_to}")
        );
        assert!(told(200, "").contains("with JSON but with nothing. Check"));
        assert_eq!(
            SERVER.odd("/api", "`data` is missing"),
            "Box at https://box.lan answered /api in an unknown form: `data` is missing. Supported: Box 2 or later."
        );
        assert_eq!(
            SERVER.silent("connection refused"),
            "Box at https://box.lan can't be reached: connection refused. Check that it runs, and [plugins.box.config] url."
        );
        assert_eq!(
            SERVER.slow(),
            "Box at https://box.lan did not answer in time. Check that it runs; [plugins.box] http_time is how long a call may wait."
        );
    }

    #[test]
    fn untrusted_text_is_one_line() {
        assert_eq!(words("first\nsecond"), "first");
        assert_eq!(words(&"x".repeat(500)).chars().count(), WORDS + 1);
        assert_eq!(trouble("a *b*"), r"⚠️ a \*b\*");
    }

    #[test]
    fn an_address_needs_a_scheme() {
        let read = |url| address("box", "url", url, "https://box.lan");
        assert_eq!(read(Some(" https://box.lan:8007/ ")), Ok("https://box.lan:8007"));
        assert_eq!(read(Some("http://box/sub")), Ok("http://box/sub"));
        assert_eq!(read(None), Err("url is missing: set [plugins.box.config] url = \"https://box.lan\"".into()));
        for odd in
            ["box.lan", "https:", "https:///x", "ftp://x", "https://a b", "https://u:p@box.lan", "https://box/?x=1"]
        {
            let refusal = format!(
                "url = \"{odd}\" is not the URL of a server: set [plugins.box.config] url = \"https://box.lan\""
            );
            assert_eq!(read(Some(odd)), Err(refusal), "{odd}");
        }
    }
}
