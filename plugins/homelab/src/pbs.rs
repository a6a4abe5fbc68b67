//! Requests to a Proxmox Backup Server, for the plugins `pbs` and `backups`: authentication, and unwrapping `data` from
//! responses.

use crate::{Fetch, Json, Server, fetch, server::check_url};

/// The URL that an error shows as an example.
const EXAMPLE_URL: &str = "https://pbs.lan:8007";

/// The configured server and its API token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Access {
    plugin: &'static str,
    url: String,
    token: String,
    /// The name of the token's secret.
    secret: String,
}

impl Access {
    /// Reads `[plugins.NAME.config] url`, `token` and `secret`.
    ///
    /// # Errors
    /// A key is missing or invalid. The text contains the key and an example.
    pub fn read(
        plugin: &'static str,
        url: Option<&str>,
        token: Option<&str>,
        secret: Option<String>,
    ) -> Result<Self, String> {
        let url = check_url(plugin, "url", url, EXAMPLE_URL)?.to_owned();
        let remedy = || format!("set [plugins.{plugin}.config] token = \"chat@pbs!cordboard\", the id of an API token");
        let token = token.map(str::trim).filter(|token| !token.is_empty());
        let token = token.ok_or_else(|| format!("token is missing: {}", remedy()))?.to_owned();
        let is_id = token.split_once('@').is_some_and(|(user, rest)| !user.is_empty() && rest.contains('!'));
        if !is_id || token.contains([':', ' ']) {
            // The value is not repeated, because it may contain the secret.
            return Err(format!(
                "token is invalid: it must be the id of an API token, without its secret: {}",
                remedy()
            ));
        }
        Ok(Self { plugin, url, token, secret: secret.unwrap_or_else(|| "pbs".to_owned()) })
    }

    #[must_use]
    pub fn server(&self) -> Server<'_> {
        Server {
            title: "Proxmox Backup Server",
            plugin: self.plugin,
            url: &self.url,
            supported: "Proxmox Backup Server 2.2 to 4",
            location_keys: "url",
            login_keys: "token and its secret",
            permission_hint: "Give the token and its user the role Audit on the path / (Access Control, Permissions).",
        }
    }

    /// Calls `report` with a function that sends requests with the token and its secret.
    ///
    /// # Errors
    /// The secret isn't granted or can't be read, or `report` fails. The text is one line for the operator.
    pub fn with_fetch<T>(&self, report: impl FnOnce(Fetch) -> Result<T, String>) -> Result<T, String> {
        let server = self.server();
        let authorization = self.authorization(&fetch::secret(&server, &self.secret)?);
        report(&|path| fetch::get(&server, path, Some(&authorization)))
    }

    /// Returns the value of the `Authorization` header. `secret` is the placeholder of the secret.
    fn authorization(&self, secret: &str) -> String {
        format!("PBSAPIToken {}:{secret}", self.token)
    }

    /// Requests a path below `/api2/json` and reads the content of `data`.
    ///
    /// # Errors
    /// There is no response, its status isn't a success, or its format is unknown. The text is one line for the
    /// operator.
    pub fn data<T>(&self, fetch: Fetch, path: &str, read: impl FnOnce(Json) -> Result<T, String>) -> Result<T, String> {
        let path = format!("/api2/json{path}");
        let response = fetch(&path)?;
        self.server().read(&path, response, |json| read(json.at("data")?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::response;

    fn access() -> Access {
        Access::read("pbs", Some("https://pbs.lan:8007/"), Some("chat@pbs!cordboard"), None).expect("valid input")
    }

    #[test]
    fn url_and_token_are_required_with_an_example() {
        let refused = |url, token| Access::read("pbs", url, token, None).expect_err("invalid input");
        assert_eq!(refused(None, None), "url is missing: set [plugins.pbs.config] url = \"https://pbs.lan:8007\"");
        let hint = "set [plugins.pbs.config] token = \"chat@pbs!cordboard\", the id of an API token";
        assert_eq!(refused(Some("https://pbs"), Some(" ")), format!("token is missing: {hint}"));
        for invalid in ["root@pam", "chat", "@pbs!x", "chat@pbs!x:d63e505a"] {
            let expected = format!("token is invalid: it must be the id of an API token, without its secret: {hint}");
            assert_eq!(refused(Some("https://pbs"), Some(invalid)), expected);
        }
        assert_eq!(access().authorization("SECRET"), "PBSAPIToken chat@pbs!cordboard:SECRET");
    }

    #[test]
    fn the_data_envelope_is_unwrapped() {
        let body = |body: &str| Ok(response(200, body));
        let read = |answer: &str| {
            access().data(&|_| body(answer), "/version?x=1", |data| data.at("release")?.text().map(str::to_owned))
        };
        assert_eq!(read(r#"{"data":{"release":"1"}}"#), Ok("1".to_owned()));
        let error = "Proxmox Backup Server at https://pbs.lan:8007 returned an unexpected response for /api2/json/version: \
                   `data` is missing. Supported: Proxmox Backup Server 2.2 to 4.";
        assert_eq!(read(r#"{"success":1}"#), Err(error.to_owned()));
    }
}
