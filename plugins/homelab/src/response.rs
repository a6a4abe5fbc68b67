//! Turns the response of a server into text, JSON or an error. An error is one line that says what happened and what to
//! do, for example which key of the configuration to check. Errors must not contain secrets.

use cordboard_plugin::{http::Response, text::escape};
use serde_json::Value;

use crate::{Json, Server, format::first_line};

/// The maximum number of characters of a server's error message to show.
const MAX_MESSAGE: usize = 120;

impl Server<'_> {
    /// Returns the response to `path` as text, if its status is a success.
    ///
    /// # Errors
    /// The status isn't a success. The text is one line for the operator.
    pub fn text(&self, path: &str, response: Response) -> Result<String, String> {
        match response.status {
            200..=299 => Ok(response.text()),
            _ => Err(self.status_error(path, &response)),
        }
    }

    /// Returns the response to `path` as JSON, if its status is a success.
    ///
    /// # Errors
    /// The status isn't a success, or the response isn't JSON. The text is one line for the operator.
    pub fn json(&self, path: &str, response: Response) -> Result<Value, String> {
        let body = self.text(path, response)?;
        serde_json::from_str(&body).map_err(|_| {
            let Self { title, url, plugin, supported, .. } = self;
            let begin = match first_line(&body, 30) {
                nothing if nothing.is_empty() => "nothing".to_owned(),
                begin => format!("'{begin}'"),
            };
            format!(
                "{title} at {url} returned something other than JSON for {path}: {begin}. Check url in [plugins.{plugin}.config], \
                 and that the server is {supported}."
            )
        })
    }

    /// Parses the response to `path` as JSON and calls `read` with the result, if the status is a success.
    ///
    /// # Errors
    /// The status isn't a success, the response isn't JSON, or `read` fails. The text is one line for the operator.
    pub fn read<T>(
        &self,
        path: &str,
        response: Response,
        read: impl FnOnce(Json) -> Result<T, String>,
    ) -> Result<T, String> {
        let path = path.split('?').next().unwrap_or(path);
        let value = self.json(path, response)?;
        read(Json::root(&value)).map_err(|what| self.unknown_form(path, &what))
    }

    /// Returns the error for a response to `path` that has an unexpected structure. `what` is the first problem found.
    #[must_use]
    pub fn unknown_form(&self, path: &str, what: &str) -> String {
        let Self { title, url, supported, .. } = self;
        format!("{title} at {url} returned an unexpected response for {path}: {what}. Supported: {supported}.")
    }

    /// Returns the error for a rejected login.
    #[must_use]
    pub fn login_refused(&self, response: &Response) -> String {
        let Self { title, plugin, login_keys, .. } = self;
        format!(
            "{title} refused the login ({}). Check {login_keys} in [plugins.{plugin}.config].",
            status_text(response)
        )
    }

    /// Returns the error for a login that may not access `path`.
    #[must_use]
    pub fn forbidden(&self, path: &str, response: &Response) -> String {
        let Self { title, permission_hint, .. } = self;
        format!("{title} does not allow {path} ({}). {permission_hint}", status_text(response))
    }

    /// Returns the error for a status that isn't a success.
    fn status_error(&self, path: &str, response: &Response) -> String {
        let Self { title, url, plugin, supported, location_keys, .. } = self;
        let status = status_text(response);
        match response.status {
            300..=399 => format!(
                "{title} at {url} redirects {path} ({status}). Set [plugins.{plugin}.config] url to the final address."
            ),
            401 => self.login_refused(response),
            403 => self.forbidden(path, response),
            404 => format!(
                "{title} at {url} has no {path} ({status}). Check {location_keys} in [plugins.{plugin}.config], and that the server is {supported}."
            ),
            429 => format!("{title} limits the request rate ({status}). Try again in a minute."),
            500..=599 => format!("{title} at {url} failed ({status}). See its own log."),
            _ => format!("{title} at {url} refused {path} ({status}). Check that the server is {supported}."),
        }
    }
}

/// Formats the status, with the server's error message if there is one.
fn status_text(response: &Response) -> String {
    match error_message(&response.text()) {
        message if message.is_empty() => response.status.to_string(),
        message => format!("{}: {message}", response.status),
    }
}

/// Returns the server's error message: the message in a JSON response, or the first line of a response that is neither
/// JSON nor HTML.
fn error_message(body: &str) -> String {
    let json: Option<Value> = serde_json::from_str(body).ok();
    let message =
        json.as_ref().and_then(|json| ["message", "msg", "error"].iter().find_map(|key| json.get(key)?.as_str()));
    let text = match (message, json.is_some()) {
        (Some(message), _) => message,
        (None, true) => "",
        (None, false) if body.trim_start().starts_with('<') => "",
        (None, false) => body,
    };
    first_line(text, MAX_MESSAGE).trim_end_matches('.').to_owned()
}

/// Formats an error as a line of a Markdown message.
#[must_use]
pub fn warning_line(line: &str) -> String {
    format!("⚠️ {}", escape(line))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::response;

    const SERVER: Server = Server {
        title: "Box",
        plugin: "box",
        url: "https://box.lan",
        supported: "Box 2 or later",
        location_keys: "url",
        login_keys: "user and secret",
        permission_hint: "Give the user the role Audit.",
    };

    fn json_error(status: u16, body: &str) -> String {
        SERVER.json("/api", response(status, body)).expect_err("it is rejected")
    }

    #[test]
    fn each_refusal_is_one_line_with_the_remedy() {
        let no = "permission check failed";
        assert_eq!(json_error(401, ""), "Box refused the login (401). Check user and secret in [plugins.box.config].");
        assert_eq!(
            json_error(403, no),
            "Box does not allow /api (403: permission check failed). Give the user the role Audit."
        );
        let where_to = "Check url in [plugins.box.config], and that the server is Box 2 or later.";
        assert_eq!(json_error(404, "<html>\nno"), format!("Box at https://box.lan has no /api (404). {where_to}"));
        assert_eq!(
            json_error(429, r#"{"message":"Too many."}"#),
            "Box limits the request rate (429: Too many). Try again in a minute."
        );
        assert_eq!(json_error(502, "{}"), "Box at https://box.lan failed (502). See its own log.");
        assert_eq!(
            json_error(302, "moved"),
            "Box at https://box.lan redirects /api (302: moved). Set [plugins.box.config] url to the final address."
        );
        let error = json_error(418, r#"{"status":"fail","msg":"teapot"}"#);
        assert_eq!(
            error,
            "Box at https://box.lan refused /api (418: teapot). Check that the server is Box 2 or later."
        );
        assert_eq!(
            json_error(200, "<!doctype html>\n<html>"),
            format!(
                "Box at https://box.lan returned something other than JSON for /api: '<!doctype html>'. {where_to}"
            )
        );
        assert!(json_error(200, "").contains("returned something other than JSON for /api: nothing. Check"));
        assert_eq!(
            SERVER.unknown_form("/api", "`data` is missing"),
            "Box at https://box.lan returned an unexpected response for /api: `data` is missing. Supported: Box 2 or later."
        );
    }

    #[test]
    fn untrusted_text_is_one_line() {
        assert_eq!(error_message("first\nsecond"), "first");
        assert_eq!(error_message(&"x".repeat(500)).chars().count(), MAX_MESSAGE + 1);
        assert_eq!(warning_line("a *b*"), r"⚠️ a \*b\*");
    }
}
