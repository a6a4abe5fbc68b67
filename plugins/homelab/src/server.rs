//! A server to query over HTTP, and the validation of its configured URL.

/// A configured server, and the details for error messages.
#[derive(Debug, Clone, Copy)]
pub struct Server<'a> {
    /// The product's name, such as `Proxmox Backup Server`.
    pub title: &'a str,
    /// The plugin that queries the server, for the `[plugins.NAME.config]` table in error messages.
    pub plugin: &'a str,
    /// The base URL, without a trailing slash.
    pub url: &'a str,
    /// The supported versions, such as `Proxmox Backup Server 2.2 to 4`.
    pub supported: &'a str,
    /// The configuration keys, such as `url`, that the error message for a 404 tells the operator to check.
    pub location_keys: &'a str,
    /// The configuration keys, such as `token and its secret`, that the error message for a refused login tells the
    /// operator to check.
    pub login_keys: &'a str,
    /// A sentence that says what to do if the login is valid but has no permission to read.
    pub permission_hint: &'a str,
}

/// Checks the configured URL of a server, and removes trailing slashes.
///
/// # Errors
/// The URL is missing or invalid. The error message contains the key and an example.
pub fn check_url<'a>(plugin: &str, key: &str, url: Option<&'a str>, example: &str) -> Result<&'a str, String> {
    let remedy = || format!("set [plugins.{plugin}.config] {key} = \"{example}\"");
    let url = url.map(|url| url.trim().trim_end_matches('/')).filter(|url| !url.is_empty());
    let url = url.ok_or_else(|| format!("{key} is missing: {}", remedy()))?;
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://")).unwrap_or_default();
    if rest.is_empty() || rest.starts_with('/') || rest.contains([' ', '?', '#', '@']) {
        return Err(format!("{key} = \"{url}\" is not the URL of a server: {}", remedy()));
    }
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_needs_a_scheme() {
        let read = |url| check_url("box", "url", url, "https://box.lan");
        assert_eq!(read(Some(" https://box.lan:8007/ ")), Ok("https://box.lan:8007"));
        assert_eq!(read(Some("http://box/sub")), Ok("http://box/sub"));
        assert_eq!(read(None), Err("url is missing: set [plugins.box.config] url = \"https://box.lan\"".into()));
        for invalid in
            ["box.lan", "https:", "https:///x", "ftp://x", "https://a b", "https://u:p@box.lan", "https://box/?x=1"]
        {
            let refusal = format!(
                "url = \"{invalid}\" is not the URL of a server: set [plugins.box.config] url = \"https://box.lan\""
            );
            assert_eq!(read(Some(invalid)), Err(refusal), "{invalid}");
        }
    }
}
