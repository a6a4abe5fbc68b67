//! The keys of `[plugins.NAME]` that grant network access, and `[secrets]`, which lists the secrets that plugins can
//! use but not read.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Display,
    path::PathBuf,
    str::FromStr,
};

use toml::de::DeValue;

use super::{
    section::{Section, is_plain},
    value::{Key, Value, ValueError, absolute_path, list, secret_list, secret_text, text},
};
use crate::egress::{HttpGrant, TcpGrant, read_host};

/// The location of a secret. A configuration never contains the secret itself.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum SecretSource {
    File(PathBuf),
    /// The name of a file in systemd's `$CREDENTIALS_DIRECTORY`.
    Credential(String),
}

/// The source of each secret, by the secret's name in `[secrets]`.
pub type Secrets = BTreeMap<String, SecretSource>;

/// The network access of one plugin. The default value grants no access.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NetworkGrants {
    pub http: Vec<HttpGrant>,
    pub tcp: Vec<TcpGrant>,
    /// The names of the secrets that the plugin may send to the hosts in `http`. `None` if the list isn't set. A plugin
    /// that imports `secrets` needs this list, even if it is empty.
    pub secrets: Option<BTreeSet<String>>,
    /// Hosts whose names may resolve to private addresses.
    pub private: BTreeSet<String>,
    /// The path of a PEM file that contains certificates. The host trusts them for this plugin's requests, in addition
    /// to public certificate authorities.
    pub ca: Option<PathBuf>,
}

impl NetworkGrants {
    /// Returns whether the plugin may send this secret.
    #[must_use]
    pub fn has_secret(&self, name: &str) -> bool {
        self.secrets.as_ref().is_some_and(|secrets| secrets.contains(name))
    }

    pub(super) fn merge(&mut self, section: &mut Section<'_, '_>, secrets: &Secrets) {
        section.set("http", &mut self.http, secret_list(parsed::<HttpGrant>));
        section.set("tcp", &mut self.tcp, secret_list(parsed::<TcpGrant>));
        section.set_some("secrets", &mut self.secrets, secret_list(|value| secret_name(value, secrets)));
        section.set(
            "private",
            &mut self.private,
            list(|value| read_host(&text(value)?).map_err(|error| ValueError::new(error.to_string()))),
        );
        section.set_some("ca", &mut self.ca, absolute_path);
    }
}

fn parsed<T: FromStr<Err: Display>>(value: &Value<'_>) -> Result<T, ValueError> {
    let text = secret_text(value)?;
    if text.contains('@') {
        return Err(ValueError::hidden(
            "must not contain a user name or a password: add them to [secrets], and let the plugin send them in a header",
            value,
        ));
    }
    text.parse().map_err(|error: T::Err| ValueError::new(error.to_string()))
}

/// Parses the name of a secret. The error doesn't show an unknown name, because the operator may have entered the
/// secret itself.
pub(super) fn secret_name(value: &Value<'_>, secrets: &Secrets) -> Result<String, ValueError> {
    let expected = "must be the name of a secret: add NAME = \"/path/to/its/file\" to [secrets], and write NAME here";
    let name = secret_text(value)?;
    if secrets.contains_key(&name) { Ok(name) } else { Err(ValueError::hidden(expected, value)) }
}

/// Parses one entry of `[secrets]`.
pub(super) fn secret(key: &Key<'_>, value: &Value<'_>) -> Result<(String, SecretSource), ValueError> {
    let name = key.get_ref().as_ref();
    if !is_plain(name) {
        let error = ValueError::new("cannot be the name of a secret: use 1 to 64 letters, digits, '-' and '_'");
        return Err(error.at(key.span()));
    }
    Ok((name.to_owned(), source(value)?))
}

/// Parses the source of a secret. Errors don't show the value, because it may be the secret itself.
fn source(value: &Value<'_>) -> Result<SecretSource, ValueError> {
    let expected = "must be the absolute path of a file with the secret, or { credential = \"name\" }";
    match value.get_ref() {
        DeValue::String(_) => absolute_path(value)
            .map(SecretSource::File)
            .map_err(|_| ValueError::hidden(format!("{expected}; do not write the secret itself here"), value)),
        DeValue::Table(entries) => match entries.iter().next() {
            Some((key, name)) if key.get_ref() == "credential" && entries.len() == 1 => {
                let plain =
                    |name: &String| (1..=255).contains(&name.len()) && !name.starts_with('.') && !name.contains('/');
                let name = secret_text(name).ok().filter(|name| plain(name) && !name.trim().is_empty());
                name.map(SecretSource::Credential).ok_or_else(|| {
                    ValueError::hidden(
                        "must be the name of a systemd credential, such as { credential = \"pbs\" }",
                        value,
                    )
                })
            }
            Some(_) | None => Err(ValueError::hidden(expected, value)),
        },
        DeValue::Integer(_) | DeValue::Float(_) | DeValue::Boolean(_) | DeValue::Datetime(_) | DeValue::Array(_) => {
            Err(ValueError::hidden(expected, value))
        }
    }
}

/// Parses a SHA-256 digest in hexadecimal, and converts it to lower case.
pub(super) fn sha256(value: &Value<'_>) -> Result<String, ValueError> {
    let digest = text(value)?.to_ascii_lowercase();
    let fits = digest.len() == 64 && digest.bytes().all(|byte| byte.is_ascii_hexdigit());
    let expected = "must be a SHA-256 digest of 64 hexadecimal digits, as sha256sum prints it";
    fits.then_some(digest).ok_or_else(|| ValueError::new(expected))
}
