//! The language of the texts that users read. A plugin contains its texts in English, as arguments of
//! [`tr!`](crate::tr), and lists [translations](Translation) in [`export!`](crate::export). Each call uses the
//! translation for the language of its [locale](crate::context::locale), or English if there is none.
//!
//! ```
//! use cordboard_plugin::{Call, Command, Reply, command::Spec, language::Translation, tr};
//!
//! const GERMAN: Translation = Translation {
//!     language: "de",
//!     texts: &[
//!         ("I have greeted {name} once.", "Ich habe {name} einmal gegrüßt."),
//!         ("I have greeted {name} {n} times.", "Ich habe {name} {n}-mal gegrüßt."),
//!         ("Greet a person", "Jemanden grüßen"),
//!     ],
//! };
//!
//! struct Hello;
//!
//! impl Command for Hello {
//!     fn specs() -> Result<Vec<Spec>, String> {
//!         Ok(vec![Spec::new("hello", &tr!("Greet a person"), "/hello <name>")])
//!     }
//!
//!     fn run(call: &Call) -> Result<Reply, String> {
//!         let (name, times) = (call.arg(0).unwrap_or("you"), call.args.len());
//!         let text = tr!("I have greeted {name} once." | "I have greeted {name} {n} times." % times, name);
//!         Ok(Reply::plain(&text))
//!     }
//! }
//!
//! cordboard_plugin::export!(Hello: command; GERMAN);
//! # fn main() {}
//! ```
//!
//! The arguments of `tr!` are `name` or `name = expression` for `{name}`, and other expressions for `{}`, `{0}`, `{1}`.
//! It captures no variables, and has no format specifications. Pass data as arguments, and don't translate commands,
//! names or texts for agents.

mod german;

use std::{cell::Cell, fmt::Display};

use crate::{context, state};

/// The plugin's texts in one language. `export!` accepts several translations into the same language, such as that of a
/// crate that several plugins use.
#[derive(Debug, PartialEq, Eq)]
pub struct Translation {
    /// The language tag, such as "de" or "pt-BR".
    pub language: &'static str,
    /// Pairs of an English text, exactly as in `tr!`, and its translation. The singular and the plural form of a text
    /// are separate pairs. A missing text stays English.
    pub texts: &'static [(&'static str, &'static str)],
}

impl Translation {
    /// Returns whether this is a translation for a locale, as "de" is for "de-AT".
    fn is_for(&self, locale: &str) -> bool {
        // Bytes, because the message of a panic about a slice of a text would add 4 KB to a component.
        let (locale, language) = (locale.as_bytes(), self.language.as_bytes());
        let start = locale.get(..language.len()).is_some_and(|start| start.eq_ignore_ascii_case(language));
        start && !locale.get(language.len()).is_some_and(u8::is_ascii_alphanumeric)
    }

    fn find(&self, english: &str) -> Option<&'static str> {
        self.texts.iter().find(|(text, _)| *text == english).map(|(_, translation)| *translation)
    }
}

/// Runs a function with the texts in another language, such as that of the user who gets a post. `locale` is a
/// [locale](crate::context::locale) that the plugin stored; `None` selects English.
pub fn with_language<R>(locale: Option<&str>, run: impl FnOnce() -> R) -> R {
    struct Restore(Option<&'static Translation>);

    impl Drop for Restore {
        fn drop(&mut self) {
            CURRENT.set(self.0);
        }
    }

    let _restore = Restore(CURRENT.replace(locale.and_then(translation_for)));
    run()
}

/// Returns a text in the language of the call, with its arguments. The [module](crate::language) has an example.
///
/// The syntax is that of the crate `tr`. Its table of translators and its formatter would add 28 KB to a component.
#[macro_export]
macro_rules! tr {
    ($text:literal $(, $($arguments:tt)*)?) => {
        $crate::fill_in!($text, ($text), [] [] [] $($($arguments)*)?)
    };
    ($singular:literal | $plural:literal % $n:expr $(, $($arguments:tt)*)?) => {{
        let n = $n;
        let text = if n == 1 { $singular } else { $plural };
        $crate::fill_in!(text, (concat!($singular, $plural)), [] [] [] n $(, $($arguments)*)?)
    }};
}

/// Parses the arguments of `tr!` into a list for [`fill_in`], and into a list that checks the placeholders.
#[doc(hidden)]
#[macro_export]
macro_rules! fill_in {
    ($text:expr, ($check:expr), [$($argument:expr,)*] [$($checked:tt)*] [$($named:tt)*] $(,)?) => {{
        // Compiles only if the placeholders match the arguments. It never runs.
        let _check = |out: &mut ::std::fmt::Formatter| out.write_fmt(::std::format_args!($check $($checked)* $($named)*));
        $crate::language::fill_in($crate::language::translate($text), &[$($argument,)*])
    }};
    ($text:expr, $check:tt, [$($argument:tt)*] $checked:tt [$($named:tt)*] $name:ident $(, $($rest:tt)*)?) => {
        $crate::fill_in!($text, $check, [$($argument)* (stringify!($name), &$name),] $checked [$($named)*, $name = ""]
            $($($rest)*)?)
    };
    ($text:expr, $check:tt, [$($argument:tt)*] $checked:tt [$($named:tt)*] $name:ident = $value:expr
        $(, $($rest:tt)*)?) => {
        $crate::fill_in!($text, $check, [$($argument)* (stringify!($name), &$value),] $checked [$($named)*, $name = ""]
            $($($rest)*)?)
    };
    ($text:expr, $check:tt, [$($argument:tt)*] [$($checked:tt)*] $named:tt $value:expr $(, $($rest:tt)*)?) => {
        $crate::fill_in!($text, $check, [$($argument)* ("", &$value),] [$($checked)*, ""] $named $($($rest)*)?)
    };
}

/// Replaces the placeholders `{}`, `{0}` and `{name}` with arguments. A placeholder without an argument, as a
/// translation may have, is kept.
#[doc(hidden)]
#[must_use]
pub fn fill_in(text: &str, arguments: &[(&str, &dyn Display)]) -> String {
    // As in `format!`, a named argument also has a position, after the others.
    let is_unnamed = |(name, _): &&(&str, &dyn Display)| name.is_empty();
    let by_position = || arguments.iter().filter(is_unnamed).chain(arguments.iter().filter(|one| !is_unnamed(one)));
    let mut next = by_position();
    let mut pieces = text.split('{');
    let mut filled = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let Some((name, rest)) = piece.split_once('}') else {
            filled.extend(["{", piece]);
            continue;
        };
        let argument = match name.parse::<usize>() {
            Ok(number) => by_position().nth(number),
            Err(_) if name.is_empty() => next.next(),
            Err(_) => arguments.iter().find(|(known, _)| *known == name),
        };
        match argument {
            Some((_, value)) => filled.push_str(&value.to_string()),
            None => filled.extend(["{", name, "}"]),
        }
        filled.push_str(rest);
    }
    filled
}

/// Stores the language of the caller under a key of the plugin's state, for posts to the place of the call.
///
/// # Errors
/// See [`state::set`].
pub fn store_language(key: &str) -> Result<(), String> {
    state::set(key, context::locale().unwrap_or_default().as_bytes())
}

/// Runs a function with the texts in the language that [`store_language`] stored, or else in that of the call.
pub fn with_stored_language<R>(key: &str, run: impl FnOnce() -> R) -> R {
    with_language(state::get_text(key).or_else(context::locale).as_deref(), run)
}

/// A plugin's translations. [`export!`](crate::export) implements this trait.
#[doc(hidden)]
pub trait Translated {
    const TRANSLATIONS: &'static [&'static Translation];
}

thread_local! {
    /// The plugin's translations. Set at the start of each call.
    static TRANSLATIONS: Cell<&'static [&'static Translation]> = const { Cell::new(&[]) };
    /// The translation in use. `None` for English.
    static CURRENT: Cell<Option<&'static Translation>> = const { Cell::new(None) };
}

/// Selects the language of a call. For a plugin without translations, the compiler removes this code.
pub(crate) fn begin<T: Translated>() {
    if T::TRANSLATIONS.is_empty() {
        return;
    }
    set_translations(T::TRANSLATIONS);
    CURRENT.set(context::locale().as_deref().and_then(translation_for));
}

/// Makes translations available, as the start of a call does.
pub(crate) fn set_translations(translations: &'static [&'static Translation]) {
    TRANSLATIONS.set(translations);
}

fn translation_for(locale: &str) -> Option<&'static Translation> {
    TRANSLATIONS.get().iter().find(|translation| translation.is_for(locale)).copied()
}

/// Looks a text up in the plugin's translations into the language in use, or else in that of the SDK's texts.
#[doc(hidden)]
#[must_use]
pub fn translate(text: &'static str) -> &'static str {
    let Some(current) = CURRENT.get() else { return text };
    let all = TRANSLATIONS.get().iter().copied().chain([&german::GERMAN]);
    all.filter(|one| one.language == current.language).find_map(|one| one.find(text)).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::long_span;

    const GERMAN: Translation = Translation {
        language: "de",
        texts: &[("{part} of {}", "von {} das {part}"), ("{n} cup", "{n} Tasse"), ("{n} cups", "{n} Tassen")],
    };
    const MORE: Translation = Translation { language: "de", texts: &[("one more", "noch eins")] };
    const BRAZILIAN: Translation = Translation { language: "pt-BR", texts: &[("{n} hours", "{n} horas")] };

    fn texts() -> Vec<String> {
        let cups = |count: u64| tr!("{n} cup" | "{n} cups" % count);
        vec![
            tr!("{part} of {}", part = "a", "b"),
            cups(1),
            cups(2),
            tr!("not translated"),
            tr!("one more"),
            long_span(7200),
        ]
    }

    #[test]
    fn texts_are_translated_within_a_scope() {
        set_translations(&[&BRAZILIAN, &GERMAN, &MORE]);
        let english = ["a of b", "1 cup", "2 cups", "not translated", "one more", "2 hours"];
        let german = ["von b das a", "1 Tasse", "2 Tassen", "not translated", "noch eins", "2 Stunden"];
        assert_eq!(texts(), english);
        with_language(Some("de_AT"), || {
            assert_eq!(texts(), german);
            assert_eq!(with_language(None, texts), english);
            assert_eq!(with_language(Some("fr"), texts), english);
            drop(std::panic::catch_unwind(|| with_language(None, || panic!("as in a failed test"))));
            assert_eq!(texts(), german, "the language is restored");
        });
        assert_eq!(texts(), english);
        assert_eq!(with_language(Some("pt-br"), texts)[5], "2 horas", "a plugin can translate the texts of the SDK");
    }

    #[test]
    fn arguments_replace_the_placeholders() {
        let (name, number) = ("Ada {0}", 3);
        assert_eq!(tr!("{name} has {number}, {}", '{', name, number = number + 1,), "Ada {0} has 4, {");
        assert_eq!(tr!("{1} before {0}", "a", "b"), "b before a");
        assert_eq!(tr!("only a text"), "only a text");
        assert_eq!(fill_in("{name} {unknown} {1} {2} {", &[("name", &1), ("", &2)]), "1 {unknown} 1 {2} {");
    }

    #[test]
    fn a_translation_is_for_all_regions_of_its_language() {
        assert!(["de", "DE", "de-AT", "de_CH.UTF-8"].iter().all(|locale| GERMAN.is_for(locale)));
        assert!(!["", "d", "den", "en", "nde", "dé"].iter().any(|locale| GERMAN.is_for(locale)));
        assert!(BRAZILIAN.is_for("pt-BR") && !BRAZILIAN.is_for("pt"));
    }
}
