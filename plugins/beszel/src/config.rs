//! `[plugins.beszel.config]`: the hub, the login, and the threshold for warnings.

use homelab::{Server, format::check_percent, server::check_url};
use serde::Deserialize;

/// The default value of `warn_at`, in percent.
const WARN_AT: f64 = 90.0;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    url: Option<String>,
    user: Option<String>,
    secret: Option<String>,
    warn_at: Option<f64>,
}

#[derive(Debug, Deserialize)]
#[serde(try_from = "Table")]
pub struct Config {
    url: String,
    /// The email address of the user on the hub.
    pub user: String,
    /// The name of the secret that contains the user's password.
    pub secret: String,
    /// The usage in percent at or above which a resource causes a warning.
    pub warn_at: f64,
}

impl TryFrom<Table> for Config {
    type Error = String;

    fn try_from(table: Table) -> Result<Self, String> {
        let url = check_url("beszel", "url", table.url.as_deref(), "https://beszel.lan")?.to_owned();
        let user = table.user.map(|user| user.trim().to_owned()).filter(|user| !user.is_empty());
        let missing = "user is missing: set [plugins.beszel.config] user = \"chat@home.lan\", a user of the hub";
        let user = user.ok_or(missing)?;
        let warn_at = check_percent("warn_at", table.warn_at.unwrap_or(WARN_AT))?;
        Ok(Self { url, user, secret: table.secret.unwrap_or_else(|| "beszel".to_owned()), warn_at })
    }
}

impl Config {
    #[must_use]
    pub fn server(&self) -> Server<'_> {
        Server {
            title: "Beszel",
            plugin: "beszel",
            url: &self.url,
            supported: "a Beszel hub, 0.5 to 0.18",
            location_keys: "url",
            login_keys: "user and its secret",
            permission_hint: "Allow the user to log in with a password (the hub's DISABLE_PASSWORD_AUTH and MFA_OTP must be off).",
        }
    }
}

#[cfg(test)]
mod tests {
    use cordboard_plugin::config::parse_text;

    use super::*;

    #[test]
    fn omitted_keys_have_defaults_or_are_required() {
        let config = parse_text::<Config>(r#"{"url":"https://beszel.lan/","user":"a@b"}"#).expect("valid input");
        assert_eq!(
            (config.server().url, config.secret.as_str(), config.warn_at),
            ("https://beszel.lan", "beszel", 90.0)
        );
        let refused = |json| parse_text::<Config>(json).expect_err(json);
        assert_eq!(refused("{}"), "url is missing: set [plugins.beszel.config] url = \"https://beszel.lan\"");
        let user = refused(r#"{"url":"https://beszel.lan","user":" "}"#);
        assert_eq!(user, "user is missing: set [plugins.beszel.config] user = \"chat@home.lan\", a user of the hub");
        let share = refused(r#"{"url":"https://beszel.lan","user":"a@b","warn_at":101}"#);
        assert_eq!(share, "warn_at = 101 is not a percentage from 1 to 100");
        assert!(refused(r#"{"password":"x"}"#).starts_with("unknown field `password`, expected one of `url`, `user`"));
    }
}
