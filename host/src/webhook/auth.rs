//! Authenticates requests by a token or by a signature of the body. Compares secrets and signatures in constant time.

use std::time::Duration;

use cordboard_core::config::WebhookAuth;
use hmac::Mac as _;
use hyper::HeaderMap;
use tokio::task::JoinError;

use crate::constant_time::{hmac_sha256, is_equal};

/// The default header for a signature.
const SIGNATURE: &str = "x-hub-signature-256";

/// The default header for a token.
const TOKEN: &str = "authorization";

/// The reason why the secrets of a plugin can't be read.
#[derive(Debug, thiserror::Error)]
pub enum CredentialError {
    #[error("[secrets] has no '{0}': add {0} = \"/path/to/a/file\"")]
    Undefined(String),
    #[error("{0}")]
    Unreadable(String),
    #[error("its secrets could not be read within {0:?}")]
    Timeout(Duration),
    #[error("Cordboard has a bug: {0}")]
    Panic(#[from] JoinError),
}

/// A secret that authenticates a request, and the header that contains the token or signature.
pub enum Credential {
    Token { header: String, secret: String },
    Signature { header: String, secret: String },
}

/// Returns the configured credentials with the current secrets. A request must match one of the credentials.
pub fn credentials(
    auth: &WebhookAuth,
    secret: impl Fn(&str) -> Result<String, CredentialError>,
) -> Result<Vec<Credential>, CredentialError> {
    let header_or = |header: &Option<String>, default: &str| header.clone().unwrap_or_else(|| default.to_owned());
    let mut credentials = Vec::new();
    if let Some(name) = &auth.hmac {
        credentials.push(Credential::Signature { header: header_or(&auth.header, SIGNATURE), secret: secret(name)? });
    }
    if let Some(name) = &auth.token {
        let header = if auth.hmac.is_some() { TOKEN.to_owned() } else { header_or(&auth.header, TOKEN) };
        credentials.push(Credential::Token { header, secret: secret(name)? });
    }
    Ok(credentials)
}

impl Credential {
    /// Returns the name of the header. Plugins don't see this header.
    pub fn header(&self) -> &str {
        match self {
            Self::Token { header, .. } | Self::Signature { header, .. } => header,
        }
    }

    /// Returns whether a request has a valid token or signature for this credential.
    pub fn is_shown(&self, headers: &HeaderMap, body: &[u8]) -> bool {
        let Some(shown) = headers.get(self.header()).and_then(|value| value.to_str().ok()) else { return false };
        match self {
            Self::Token { header, secret } if header == TOKEN => {
                let bearer = shown.split_once(' ').filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
                bearer.is_some_and(|(_, token)| is_equal(secret, token.trim()))
            }
            Self::Token { secret, .. } => is_equal(secret, shown),
            Self::Signature { secret, .. } => {
                let hex = shown.strip_prefix("sha256=").unwrap_or(shown);
                unhex(hex).is_some_and(|signature| hmac_sha256(secret, body).verify_slice(&signature).is_ok())
            }
        }
    }
}

fn unhex(hex: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let pairs = hex.as_bytes().chunks(2);
    pairs.map(|pair| Some(digit(*pair.first()?)? << 4 | digit(*pair.get(1)?)?)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example from GitHub's documentation: secret, body and signature.
    const GITHUB: (&str, &str, &str) = (
        "It's a Secret to Everybody",
        "Hello, World!",
        "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17",
    );

    fn is_accepted(auth: &WebhookAuth, secret: &str, (header, value): (&'static str, &str), body: &str) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert(header, value.parse().unwrap());
        let credentials = credentials(auth, |_| Ok(secret.to_owned())).unwrap();
        credentials.iter().any(|credential| credential.is_shown(&headers, body.as_bytes()))
    }

    fn hmac() -> WebhookAuth {
        WebhookAuth { hmac: Some("s".to_owned()), ..WebhookAuth::default() }
    }

    #[test]
    fn a_github_signature_is_accepted() {
        let (secret, body, signature) = GITHUB;
        let github = format!("sha256={signature}");
        assert!(is_accepted(&hmac(), secret, (SIGNATURE, &github), body));
        assert!(is_accepted(&hmac(), secret, (SIGNATURE, signature), body));
        let own = WebhookAuth { header: Some("x-signature".to_owned()), ..hmac() };
        assert!(is_accepted(&own, secret, ("x-signature", &signature.to_uppercase()), body));
        assert!(!is_accepted(&own, secret, (SIGNATURE, &github), body));
    }

    #[test]
    fn a_wrong_signature_is_refused() {
        let (secret, body, signature) = GITHUB;
        assert!(!is_accepted(&hmac(), secret, (SIGNATURE, signature), "Hello, World"));
        assert!(!is_accepted(&hmac(), "another", (SIGNATURE, signature), body));
        for wrong in ["", "sha256=", "zz", "7", &signature[..62], "sha1=757107ea", secret] {
            assert!(!is_accepted(&hmac(), secret, (SIGNATURE, wrong), body), "{wrong}");
        }
    }

    #[test]
    fn a_token_is_compared_literally() {
        let token = WebhookAuth { token: Some("s".to_owned()), ..WebhookAuth::default() };
        assert!(is_accepted(&token, "open sesame", ("authorization", "Bearer open sesame"), ""));
        for wrong in ["open sesame", "Bearer open sesam", "Bearer open sesames", "Basic open sesame", "Bearer", ""] {
            assert!(!is_accepted(&token, "open sesame", ("authorization", wrong), ""), "{wrong}");
        }
        let gitlab = WebhookAuth { header: Some("x-gitlab-token".to_owned()), ..token };
        assert!(is_accepted(&gitlab, "open sesame", ("x-gitlab-token", "open sesame"), ""));
        assert!(!is_accepted(&gitlab, "open sesame", ("authorization", "Bearer open sesame"), ""));
    }

    #[test]
    fn either_of_two_credentials_is_enough() {
        let (secret, body, signature) = GITHUB;
        let both = WebhookAuth { token: Some("s".to_owned()), ..hmac() };
        assert!(is_accepted(&both, secret, (SIGNATURE, signature), body));
        assert!(is_accepted(&both, secret, ("authorization", &format!("bearer {secret}")), "whatever"));
    }

    #[test]
    fn an_unreadable_secret_refuses_every_request() {
        let why = credentials(&hmac(), |name| Err(CredentialError::Unreadable(format!("no {name}")))).err();
        assert_eq!(why.map(|why| why.to_string()).as_deref(), Some("no s"));
        assert!(credentials(&WebhookAuth::default(), |_| Ok(String::new())).unwrap().is_empty());
    }
}
