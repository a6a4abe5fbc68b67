//! Compares tokens in constant time.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// Returns the HMAC-SHA-256 of `text`, whose methods compare in constant time.
#[must_use]
pub fn mac(key: &str, text: &[u8]) -> Hmac<Sha256> {
    let mut mac = Hmac::new_from_slice(key.as_bytes()).expect("HMAC accepts keys of any length");
    mac.update(text);
    mac
}

/// Returns whether `shown` is the token `secret`. Compares digests of equal length, so that the time of the comparison
/// reveals nothing about the secret.
#[must_use]
pub fn is_token(secret: &str, shown: &str) -> bool {
    let shown = mac(shown, b"token").finalize().into_bytes();
    mac(secret, b"token").verify_slice(&shown).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_same_token_is_accepted() {
        assert!(is_token("open sesame", "open sesame"));
        for wrong in ["", "open sesam", "open sesames", "Open sesame"] {
            assert!(!is_token("open sesame", wrong), "{wrong}");
        }
    }
}
