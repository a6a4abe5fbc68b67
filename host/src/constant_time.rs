//! Compares secrets in time that doesn't depend on their content.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// Compares digests of equal length, so that the comparison time reveals nothing about the secret.
#[must_use]
pub fn is_equal(secret: &str, shown: &str) -> bool {
    let shown = hmac_sha256(shown, b"token").finalize().into_bytes();
    hmac_sha256(secret, b"token").verify_slice(&shown).is_ok()
}

#[must_use]
pub fn hmac_sha256(key: &str, text: &[u8]) -> Hmac<Sha256> {
    let mut mac = Hmac::new_from_slice(key.as_bytes()).expect("HMAC accepts keys of any length");
    mac.update(text);
    mac
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_same_secret_is_equal() {
        assert!(is_equal("open sesame", "open sesame"));
        for wrong in ["", "open sesam", "open sesames", "Open sesame"] {
            assert!(!is_equal("open sesame", wrong), "{wrong}");
        }
    }
}
