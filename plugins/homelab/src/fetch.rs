//! Sends requests to configured servers and explains failures. The only module here that calls the host.

use cordboard_plugin::{
    http::{Error, Request},
    secrets,
};

use crate::{Answer, Server};

/// Sends a GET request for `path`, with an `Authorization` header if the server needs one.
///
/// # Errors
/// A line for the operator.
pub fn get(server: &Server, path: &str, authorization: Option<&str>) -> Result<Answer, String> {
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
/// A line for the operator.
pub fn send(server: &Server, request: Request) -> Result<Answer, String> {
    match request.header("accept", "application/json, text/plain").send() {
        Ok(response) => Ok(Answer { status: response.status, body: response.text() }),
        Err(error) => Err(told(server, error)),
    }
}

/// Returns the placeholder of a secret.
///
/// # Errors
/// A line for the operator, with the key to set.
pub fn secret(server: &Server, name: &str) -> Result<String, String> {
    let named = |why| format!("{why}. Its name is `secret` in [plugins.{}.config].", server.plugin);
    secrets::placeholder(name).map_err(named)
}

fn told(server: &Server, error: Error) -> String {
    match error {
        // The host's message says what to add to the configuration.
        Error::Refused(why) => why,
        Error::Unreachable(why) => server.silent(&why),
        Error::TimedOut(_) => server.slow(),
        Error::TooLarge(why) | Error::Protocol(why) => server.garbled(&why),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_request_error_is_one_line() {
        let server =
            Server { title: "Box", plugin: "box", url: "https://box.lan", known: "", place: "", login: "", rights: "" };
        let line = |error| told(&server, error);
        assert_eq!(line(Error::Refused("add this line".into())), "add this line");
        assert_eq!(
            line(Error::Unreachable("failed to connect".into())),
            "Box at https://box.lan can't be reached: failed to connect. Check that it runs, and [plugins.box.config] url."
        );
        assert!(line(Error::TimedOut(String::new())).starts_with("Box at https://box.lan did not answer in time. "));
        let told = "Box at https://box.lan sent an invalid response: no TLS. Check [plugins.box.config] url.";
        assert_eq!(line(Error::Protocol("no TLS".into())), told);
        assert_eq!(line(Error::TooLarge("no TLS".into())), told);
    }
}
