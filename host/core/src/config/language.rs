//! `[language]`: the language of the texts for users.

use super::{section::Section, value::one_of};
use crate::language::Language;

/// The settings of `[language]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LanguageSettings {
    pub texts: TextLanguage,
}

/// Selects the language of the texts for users.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TextLanguage {
    /// The language that each user's chat app reports.
    #[default]
    Auto,
    /// The same language for all users.
    Only(Language),
}

impl TextLanguage {
    const ALL: &[Self] = &[Self::Auto, Self::Only(Language::English), Self::Only(Language::German)];

    const fn as_str(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Only(language) => language.tag(),
        }
    }

    /// Returns the language of the host's texts for a user whose chat app reports this locale. `None` if the host has no
    /// texts in that language.
    #[must_use]
    pub fn language(self, locale: Option<&str>) -> Option<Language> {
        match self {
            Self::Auto => locale.and_then(Language::from_tag),
            Self::Only(language) => Some(language),
        }
    }

    /// Returns the locale that plugins see for a user whose chat app reports `locale`.
    #[must_use]
    pub fn locale(self, locale: Option<&str>) -> Option<String> {
        match self {
            Self::Auto => locale.map(str::to_owned),
            Self::Only(language) => Some(language.tag().to_owned()),
        }
    }
}

impl LanguageSettings {
    pub(super) fn merge(&mut self, section: &mut Section<'_, '_>) {
        section.set("texts", &mut self.texts, one_of(TextLanguage::ALL, TextLanguage::as_str));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fixed_language_replaces_the_reported_one() {
        let auto = |locale| (TextLanguage::Auto.language(locale), TextLanguage::Auto.locale(locale));
        assert_eq!(auto(Some("de-AT")), (Some(Language::German), Some("de-AT".to_owned())));
        assert_eq!(auto(Some("fr")), (None, Some("fr".to_owned())));
        assert_eq!(auto(None), (None, None));
        let german = TextLanguage::Only(Language::German);
        for locale in [None, Some("en"), Some("fr")] {
            assert_eq!(german.language(locale), Some(Language::German));
            assert_eq!(german.locale(locale).as_deref(), Some("de"));
        }
    }
}
