//! Tests of the scopes, and of the tables against the texts in the code.

use std::{
    collections::BTreeMap,
    fs,
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
    task::{Context, Poll, Waker},
};

use regex_lite::Regex;

use super::*;
use crate::messages::no_active;

const ENGLISH_TEXT: &str = "No active session. Use /new to start one.";
const GERMAN_TEXT: &str = "Keine aktive Session. Starte eine mit /new.";

#[test]
fn tags_and_locales_name_a_language() {
    for tag in ["de", "DE", "de-AT", "de_DE.UTF-8", "de_DE@euro", "de.UTF-8"] {
        assert_eq!(Language::from_tag(tag), Some(Language::German), "{tag}");
    }
    assert_eq!(Language::from_tag("en-GB"), Some(Language::English));
    for tag in ["", "C", "POSIX", "den", "fr", "-de", "d"] {
        assert_eq!(Language::from_tag(tag), None, "{tag}");
    }
}

#[test]
fn a_scope_restores_the_previous_language() {
    assert_eq!((current(), no_active().as_str()), (None, ENGLISH_TEXT));
    with_language(Some(Language::German), || {
        assert_eq!(no_active(), GERMAN_TEXT);
        assert_eq!(with_language(Some(Language::English), no_active), ENGLISH_TEXT);
        assert_eq!(with_language(None, no_active), ENGLISH_TEXT, "an unknown language isn't the outer one");
        assert_eq!(no_active(), GERMAN_TEXT);
        let panicked = catch_unwind(|| with_language(Some(Language::English), || panic!("a bug")));
        assert!(panicked.is_err());
        assert_eq!(no_active(), GERMAN_TEXT);
    });
    assert_eq!((current(), no_active().as_str()), (None, ENGLISH_TEXT));
}

#[test]
fn a_future_keeps_its_language_between_polls() {
    let mut polls = 0;
    let texts = poll_fn(|_| {
        polls += 1;
        assert_eq!(no_active(), GERMAN_TEXT);
        if polls < 3 { Poll::Pending } else { Poll::Ready(no_active()) }
    });
    let mut context = Context::from_waker(Waker::noop());
    let mut future = pin!(scope(Some(Language::German), texts));
    for _ in 0..2 {
        assert!(future.as_mut().poll(&mut context).is_pending());
        assert_eq!(no_active(), ENGLISH_TEXT, "other tasks of the thread have their own language");
    }
    assert_eq!(future.as_mut().poll(&mut context), Poll::Ready(GERMAN_TEXT.to_owned()));
}

#[test]
fn a_panicking_future_restores_the_language() {
    let mut future = pin!(scope(Some(Language::German), async { panic!("a bug") }));
    let mut context = Context::from_waker(Waker::noop());
    assert!(catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(&mut context).is_ready())).is_err());
    assert_eq!(current(), None);
}

#[test]
fn plurals_depend_on_the_number() {
    let session = "alpha".parse().unwrap();
    let text = |count| crate::messages::messages_wait(&session, count);
    assert_eq!(text(2), "2 messages are still queued in session 'alpha'. Use /stop all there first.");
    with_language(Some(Language::German), || {
        assert_eq!(text(1), "In Session 'alpha' wartet noch 1 Nachricht. Verwende dort zuerst /stop all.");
        assert_eq!(text(2), "In Session 'alpha' warten noch 2 Nachrichten. Verwende dort zuerst /stop all.");
    });
}

/// The texts in the `tr!` macros of the code: each text, or its singular, with its plural.
fn texts_in_code() -> BTreeMap<String, Option<String>> {
    let mut texts = BTreeMap::new();
    collect(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut texts);
    assert!(texts.len() > 100, "only {} texts were found: the tests would check nothing", texts.len());
    texts
}

fn collect(folder: &Path, texts: &mut BTreeMap<String, Option<String>>) {
    const LITERAL: &str = r#""((?:[^"\\]|\\[\s\S])*)""#;
    let call = Regex::new(&format!(r"\btr!\(\s*{LITERAL}(?:\s*\|\s*{LITERAL})?")).unwrap();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, texts);
        } else if !path.ends_with("language.rs") {
            let code = fs::read_to_string(&path).unwrap();
            let calls = call
                .captures_iter(&code)
                .map(|call| (unescape(&call[1]), call.get(2).map(|plural| unescape(plural.as_str()))));
            texts.extend(calls);
        }
    }
}

fn unescape(literal: &str) -> String {
    let joined = Regex::new(r"\\\n\s*").unwrap().replace_all(literal, "");
    joined.replace("\\n", "\n").replace("\\\"", "\"").replace("\\\\", "\\")
}

/// Returns the placeholders of a text, sorted.
fn placeholders(text: &str) -> Vec<&str> {
    let mut found: Vec<&str> = Regex::new(r"\{[^}]*\}").unwrap().find_iter(text).map(|one| one.as_str()).collect();
    found.sort_unstable();
    found.dedup_by(|one, other| one == other && *one != "{}");
    found
}

#[test]
fn every_text_has_a_translation() {
    let (texts, plurals) = Language::German.texts();
    let missing: Vec<String> = texts_in_code()
        .into_iter()
        .filter(|(text, plural)| match plural {
            None => find(texts, text).is_none(),
            Some(_) => find(plurals, text).is_none(),
        })
        .map(|(text, plural)| format!("{text:?} {}", plural.unwrap_or_default()))
        .collect();
    assert!(missing.is_empty(), "{} texts are missing in german.rs:\n{}", missing.len(), missing.join("\n"));
}

#[test]
fn every_translation_is_used() {
    let (texts, plurals) = Language::German.texts();
    let used = texts_in_code();
    let translated = texts.iter().map(|(text, _)| (*text, false)).chain(plurals.iter().map(|(text, _)| (*text, true)));
    let unused: Vec<&str> = translated
        .filter(|(text, has_plural)| used.get(*text).is_none_or(|plural| plural.is_some() != *has_plural))
        .map(|(text, _)| text)
        .collect();
    assert!(unused.is_empty(), "german.rs contains texts that no code uses:\n{}", unused.join("\n"));
}

#[test]
fn translations_have_the_same_placeholders() {
    let (texts, plurals) = Language::German.texts();
    let used = texts_in_code();
    let mut pairs: Vec<(&str, &str)> = texts.to_vec();
    for (english, (singular, plural)) in plurals {
        let english_plural = used.get(*english).and_then(Option::as_ref).map_or(*english, String::as_str);
        pairs.push((english_plural, plural));
        // The number may be a word in the singular.
        let without_number = |text: &str| text.replace("{n}", "");
        assert_eq!(placeholders(&without_number(english)), placeholders(&without_number(singular)), "{english}");
    }
    for (english, german) in pairs {
        assert_eq!(placeholders(english), placeholders(german), "{english}\n{german}");
        let outer = |text: &str| (text.starts_with(char::is_whitespace), text.ends_with(char::is_whitespace));
        assert_eq!(outer(english), outer(german), "the spaces around {german:?}");
    }
}

#[test]
fn tables_are_sorted() {
    let (texts, plurals) = Language::German.texts();
    assert!(texts.is_sorted_by(|one, other| one.0 < other.0), "sort TEXTS in german.rs by the English text");
    assert!(plurals.is_sorted_by(|one, other| one.0 < other.0), "sort PLURALS in german.rs by the English text");
}
