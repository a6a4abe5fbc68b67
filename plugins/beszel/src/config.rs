//! `[plugins.beszel.config]`: the hub, the login, and the limit for warnings. Pure except for [`Config::read`].

use cordboard_plugin::config;
use homelab::{Server, server::address, show::share};
use serde::Deserialize;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    url: Option<String>,
    user: Option<String>,
    #[serde(default = "secret")]
    secret: String,
    #[serde(default = "warn_at")]
    warn_at: f64,
}

#[derive(Debug)]
pub struct Config {
    url: String,
    /// The email address of the user on the hub.
    pub user: String,
    /// The name of the secret with the user's password.
    pub secret: String,
    /// The percentage from which on a resource is shown as full.
    pub warn_at: f64,
}

fn secret() -> String {
    "beszel".to_owned()
}

const fn warn_at() -> f64 {
    90.0
}

impl Config {
    /// Reads the plugin's configuration.
    ///
    /// # Errors
    /// Names the missing or invalid key.
    pub fn read() -> Result<Self, String> {
        config::parse().and_then(Self::of)
    }

    fn of(table: Table) -> Result<Self, String> {
        let url = address("beszel", "url", table.url.as_deref(), "https://beszel.lan")?.to_owned();
        let user = table.user.map(|user| user.trim().to_owned()).filter(|user| !user.is_empty());
        let missing = "user is missing: set [plugins.beszel.config] user = \"chat@home.lan\", a user of the hub";
        let user = user.ok_or(missing)?;
        let warn_at = share("warn_at", table.warn_at)?;
        Ok(Self { url, user, secret: table.secret, warn_at })
    }

    #[must_use]
    pub fn server(&self) -> Server<'_> {
        Server {
            title: "Beszel",
            plugin: "beszel",
            url: &self.url,
            known: "a Beszel hub, 0.5 to 0.18",
            place: "url",
            login: "user and its secret",
            rights: "Allow the user to log in with a password (the hub's DISABLE_PASSWORD_AUTH and MFA_OTP are off).",
        }
    }

    #[cfg(test)]
    pub fn parse(json: &str) -> Result<Self, String> {
        config::parse_text(json).and_then(Self::of)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn omitted_keys_have_defaults_or_are_required() {
        let config = Config::parse(r#"{"url":"https://beszel.lan/","user":"a@b"}"#).expect("valid input");
        assert_eq!(
            (config.server().url, config.secret.as_str(), config.warn_at),
            ("https://beszel.lan", "beszel", 90.0)
        );
        let refused = |json| Config::parse(json).expect_err(json);
        assert_eq!(refused("{}"), "url is missing: set [plugins.beszel.config] url = \"https://beszel.lan\"");
        let user = refused(r#"{"url":"https://beszel.lan","user":" "}"#);
        assert_eq!(user, "user is missing: set [plugins.beszel.config] user = \"chat@home.lan\", a user of the hub");
        let share = refused(r#"{"url":"https://beszel.lan","user":"a@b","warn_at":101}"#);
        assert_eq!(share, "warn_at = 101 is not a percentage from 1 to 100");
        assert!(refused(r#"{"password":"x"}"#).starts_with("unknown field `password`, expected one of `url`, `user`"));
    }
}
