//! Computes the digests that identify plugin versions.

use sha2::{Digest as _, Sha256};

/// Returns the SHA-256 of a component, in hex.
pub fn digest(wasm: &[u8]) -> String {
    Sha256::digest(wasm).iter().map(|byte| format!("{byte:02x}")).collect()
}
