//! Holds the secrets that this process has read, and replaces them with their labels. Log records, errors, posts,
//! webhook requests and other texts that may contain secrets must all be scrubbed by this module. It doesn't read
//! files.

use std::{
    borrow::Cow,
    sync::{Arc, LazyLock, PoisonError, RwLock},
};

use super::Scrubber;

/// The maximum number of registered values, far more than any configuration contains. The oldest value is removed
/// first.
const MAX_VALUES: usize = 256;

static KNOWN: LazyLock<RwLock<Arc<Scrubber>>> = LazyLock::new(RwLock::default);

/// Registers a secret: from now on, [`text`] and [`bytes`] replace `value` with `label`. The value stays registered
/// even if the secret's file changes.
pub fn remember(label: &str, value: &str) {
    let mut known = KNOWN.write().unwrap_or_else(PoisonError::into_inner);
    let new = (label.to_owned(), value.to_owned());
    if known.values().contains(&new) {
        return;
    }
    let forgotten = (known.values().len() + 1).saturating_sub(MAX_VALUES);
    let values = known.values().iter().skip(forgotten).cloned().chain([new]);
    *known = Arc::new(Scrubber::new(values.collect()));
}

/// Replaces all registered secrets in `text` with their labels.
#[must_use]
pub fn text(text: String) -> String {
    match bytes(text.as_bytes()) {
        Cow::Borrowed(_) => text,
        Cow::Owned(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
    }
}

/// Like [`text`], for bytes.
#[must_use]
pub fn bytes(text: &[u8]) -> Cow<'_, [u8]> {
    let known = Arc::clone(&KNOWN.read().unwrap_or_else(PoisonError::into_inner));
    known.replace(text, |found| found.label.as_bytes().to_vec())
}
