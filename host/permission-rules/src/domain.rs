//! URL hosts and patterns for them. A URL is rejected if parsers could disagree about its host.

use crate::RuleError;

/// A pattern for hosts. `domain` is in lower case.
#[derive(Clone, Debug)]
pub struct DomainPattern {
    domain: String,
    hosts: Hosts,
}

#[derive(Clone, Copy, Debug)]
enum Hosts {
    Any,
    Exact,
    ExactAndSubdomains,
    Subdomains,
}

impl DomainPattern {
    pub fn parse(pattern: &str) -> Result<Self, RuleError> {
        let domain = pattern.strip_prefix("domain:").ok_or(RuleError::Domain)?.trim();
        if domain == "*" {
            return Ok(Self { domain: String::new(), hosts: Hosts::Any });
        }
        let (name, wildcard) = domain.strip_prefix("*.").map_or((domain, false), |name| (name, true));
        let domain = host_name(name).ok_or(RuleError::Domain)?;
        let hosts = match (is_address(&domain), wildcard) {
            (true, true) => return Err(RuleError::Domain),
            (true, false) => Hosts::Exact,
            (false, true) => Hosts::Subdomains,
            (false, false) => Hosts::ExactAndSubdomains,
        };
        Ok(Self { domain, hosts })
    }

    pub fn matches(&self, host: &str) -> bool {
        let is_exact = host == self.domain;
        let is_subdomain = || host.strip_suffix(&self.domain).is_some_and(|rest| rest.ends_with('.'));
        match self.hosts {
            Hosts::Any => true,
            Hosts::Exact => is_exact,
            Hosts::ExactAndSubdomains => is_exact || is_subdomain(),
            Hosts::Subdomains => is_subdomain(),
        }
    }
}

/// Returns a URL's host in lower case, or `None` if the scheme is neither `http` nor `https` or parsers could disagree
/// about the host.
pub fn host(url: &str) -> Option<String> {
    if url.contains(|c: char| c.is_control() || c.is_whitespace()) {
        return None;
    }
    let (scheme, rest) = url.split_once("://")?;
    if !scheme.eq_ignore_ascii_case("http") && !scheme.eq_ignore_ascii_case("https") {
        return None;
    }
    let authority = &rest[..rest.find(['/', '?', '#']).unwrap_or(rest.len())];
    // Browsers end the host at a backslash. Other clients don't.
    if authority.contains('\\') {
        return None;
    }
    let host_and_port = match authority.split_once('@') {
        Some((_, rest)) if rest.contains('@') => return None,
        Some((_, rest)) => rest,
        None => authority,
    };
    let port_at = host_and_port.rfind(':').filter(|colon| !host_and_port[*colon..].contains(']'));
    let (name, port) = host_and_port.split_at(port_at.unwrap_or(host_and_port.len()));
    let port = port.strip_prefix(':').unwrap_or_default();
    if port.len() > 5 || !port.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    host_name(name)
}

fn host_name(name: &str) -> Option<String> {
    let name = name.to_ascii_lowercase();
    if let Some(address) = name.strip_prefix('[') {
        let address = address.strip_suffix(']')?;
        let is_valid =
            address.contains(':') && address.bytes().all(|byte| byte.is_ascii_hexdigit() || b":.".contains(&byte));
        return is_valid.then_some(name);
    }
    let name = name.strip_suffix('.').unwrap_or(&name);
    let is_label = |label: &str| {
        !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
    };
    name.split('.').all(is_label).then(|| name.to_owned())
}

/// Returns whether the host is an IP address in any notation. An IP address has no subdomains.
fn is_address(host: &str) -> bool {
    host.starts_with('[')
        || host.rsplit('.').next().is_some_and(|label| label.starts_with(|c: char| c.is_ascii_digit()))
}

/// Returns whether a rule for `host` is narrow. A rule for a top-level domain isn't, because it includes all domains
/// below it.
pub fn is_narrow(host: &str) -> bool {
    host.contains('.') || host == "localhost" || is_address(host)
}
