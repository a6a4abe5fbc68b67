//! The languages of the host's texts for users. The code contains the English texts, which `tr!` looks up in the table of
//! the current language. Each task sets its language for a scope, because texts are made in many places.

mod german;

use std::{borrow::Cow, cell::Cell, future::poll_fn, pin::pin, sync::Once};

use tr::Translator;

/// A language that the host's texts are available in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Language {
    English,
    German,
}

/// A table of translations: the English texts, sorted, each with its translation.
type Texts = &'static [(&'static str, &'static str)];

/// A table of texts with a number. The key is the English singular; the translation is the singular and the plural.
type Plurals = &'static [(&'static str, (&'static str, &'static str))];

impl Language {
    pub const ALL: [Self; 2] = [Self::English, Self::German];

    /// Returns the language of an IETF tag such as `de-AT`, or of a POSIX locale such as `de_DE.UTF-8`.
    #[must_use]
    pub fn from_tag(tag: &str) -> Option<Self> {
        let primary = tag.split(['-', '_', '.', '@']).next().unwrap_or_default();
        Self::ALL.into_iter().find(|language| language.tag().eq_ignore_ascii_case(primary))
    }

    #[must_use]
    pub const fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::German => "de",
        }
    }

    const fn texts(self) -> (Texts, Plurals) {
        match self {
            Self::English => (&[], &[]),
            Self::German => (german::TEXTS, german::PLURALS),
        }
    }
}

thread_local! {
    static CURRENT: Cell<Option<Language>> = const { Cell::new(None) };
}

/// Returns the language that [`with_language`] or [`scope`] set. `None` if it is unknown, in which case texts are
/// English.
#[must_use]
pub fn current() -> Option<Language> {
    CURRENT.get()
}

/// Installs the tables. The host calls this at its start, because a `tr!` inside another one must not wait for it.
pub fn install() {
    static TRANSLATOR: Once = Once::new();
    TRANSLATOR.call_once(|| tr::set_translator!(HostTexts));
}

/// Calls `run` with `language` as the current language. Afterwards, also after a panic, the previous language is current
/// again.
pub fn with_language<T>(language: Option<Language>, run: impl FnOnce() -> T) -> T {
    struct Restore(Option<Language>);
    impl Drop for Restore {
        fn drop(&mut self) {
            CURRENT.set(self.0);
        }
    }
    install();
    let _restore = Restore(CURRENT.replace(language));
    run()
}

/// Runs a future with `language` as the current language. Sets the language for each poll, because a task can move to
/// another thread. Tasks that the future spawns don't inherit the language.
pub async fn scope<F: Future>(language: Option<Language>, future: F) -> F::Output {
    let mut future = pin!(future);
    poll_fn(|context| with_language(language, || future.as_mut().poll(context))).await
}

/// Translates the texts in this crate's `tr!` macros into the current language.
struct HostTexts;

impl Translator for HostTexts {
    fn translate<'a>(&'a self, text: &'a str, _context: Option<&'a str>) -> Cow<'a, str> {
        let (texts, _) = current().unwrap_or(Language::English).texts();
        Cow::Borrowed(find(texts, text).unwrap_or(text))
    }

    fn ntranslate<'a>(
        &'a self,
        count: u64,
        singular: &'a str,
        plural: &'a str,
        _context: Option<&'a str>,
    ) -> Cow<'a, str> {
        let (_, plurals) = current().unwrap_or(Language::English).texts();
        let (singular, plural) = find(plurals, singular).unwrap_or((singular, plural));
        Cow::Borrowed(if count == 1 { singular } else { plural })
    }
}

fn find<T: Copy>(table: &[(&str, T)], text: &str) -> Option<T> {
    let index = table.binary_search_by_key(&text, |(english, _)| english).ok()?;
    Some(table[index].1)
}

#[cfg(test)]
mod tests;
