//! Sends requests to configured servers and explains failures. No other module of this crate calls the Cordboard host.

use cordboard_plugin::{
    http::{Error, Request, Response},
    secrets,
};

use crate::Server;

/// Sends a GET request for `path`, with an `Authorization` header if the server needs one.
///
/// # Errors
/// There is no response. The text is one line for the operator.
pub fn get(server: &Server, path: &str, authorization: Option<&str>) -> Result<Response, String> {
    let request = Request::get(&format!("{}{path}", server.url));
    let request = match authorization {
        Some(value) => request.header("authorization", value),
        None => request,
    };
    send(server, request)
}

/// Sends `request` to `server`.
///
/// # Errors
/// There is no response. The text is one line for the operator.
pub fn send(server: &Server, request: Request) -> Result<Response, String> {
    request.header("accept", "application/json, text/plain").send().map_err(|error| explain(server, error))
}

/// Returns the placeholder of a secret.
///
/// # Errors
/// The secret isn't granted or can't be read. The text is one line for the operator, with the key to set.
pub fn secret(server: &Server, name: &str) -> Result<String, String> {
    let named = |why| format!("{why}. The key `secret` sets its name in [plugins.{}.config].", server.plugin);
    secrets::placeholder(name).map_err(named)
}

/// Explains in one line, for the operator, why there is no response.
fn explain(server: &Server, error: Error) -> String {
    let Server { title, url, plugin, .. } = server;
    match error {
        // The message of the Cordboard host contains the configuration line to add.
        Error::Refused(why) => why,
        Error::Unreachable(why) => {
            format!(
                "{title} at {url} can't be reached: {why}. Check that it runs and that `url` in [plugins.{plugin}.config] is correct."
            )
        }
        Error::TimedOut(_) => format!(
            "{title} at {url} did not answer in time. Check that it runs; [plugins.{plugin}] http_time limits how long a call may wait."
        ),
        Error::TooLarge(why) | Error::Protocol(why) => {
            format!("{title} at {url} sent an invalid response: {why}. Check [plugins.{plugin}.config] url.")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_request_error_is_one_line() {
        let server = Server {
            title: "Box",
            plugin: "box",
            url: "https://box.lan",
            supported: "",
            location_keys: "",
            login_keys: "",
            permission_hint: "",
        };
        let line = |error| explain(&server, error);
        assert_eq!(line(Error::Refused("add this line".into())), "add this line");
        assert_eq!(
            line(Error::Unreachable("failed to connect".into())),
            "Box at https://box.lan can't be reached: failed to connect. Check that it runs and that `url` in [plugins.box.config] is correct."
        );
        assert_eq!(
            line(Error::TimedOut(String::new())),
            "Box at https://box.lan did not answer in time. Check that it runs; [plugins.box] http_time limits how long a call may wait."
        );
        let invalid = "Box at https://box.lan sent an invalid response: no TLS. Check [plugins.box.config] url.";
        assert_eq!(line(Error::Protocol("no TLS".into())), invalid);
        assert_eq!(line(Error::TooLarge("no TLS".into())), invalid);
    }
}
