//! The secrets that this process has read. From then on no log record, error, reply or stored post holds eight characters in a row of one.
//! It reads no file.

use std::{
    borrow::Cow,
    sync::{Arc, LazyLock, Mutex, PoisonError},
};

use arc_swap::ArcSwap;
use cordboard_core::scrub::Scrubber;

/// How many values are remembered: many more than are configured. The oldest is forgotten first.
const REMEMBERED: usize = 256;

static KNOWN: LazyLock<ArcSwap<Scrubber>> = LazyLock::new(ArcSwap::default);
static REMEMBERING: Mutex<()> = Mutex::new(());

/// From now on `value` is replaced with `label` in whatever leaves the process. A value that was replaced in its file stays secret.
pub fn remember(label: &str, value: &str) {
    let _one_at_a_time = REMEMBERING.lock().unwrap_or_else(PoisonError::into_inner);
    let known = KNOWN.load();
    let new = (label.to_owned(), value.to_owned());
    if known.values().contains(&new) {
        return;
    }
    let forgotten = (known.values().len() + 1).saturating_sub(REMEMBERED);
    let values = known.values().iter().skip(forgotten).cloned().chain([new]);
    KNOWN.store(Arc::new(Scrubber::new(values.collect())));
}

/// `text` without any secret that this process has read.
#[must_use]
pub fn text(text: String) -> String {
    match bytes(text.as_bytes()) {
        Cow::Borrowed(_) => text,
        Cow::Owned(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
    }
}

/// As [`text`], of bytes.
#[must_use]
pub fn bytes(text: &[u8]) -> Cow<'_, [u8]> {
    KNOWN.load().replace(text, |found| found.label.as_bytes().to_vec())
}
