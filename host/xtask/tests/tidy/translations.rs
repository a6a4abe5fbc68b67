//! Checks that the German tables of the plugins contain exactly the texts that the plugins pass to `tr!`.

use std::collections::BTreeMap;

use super::Findings;
use super::code_scanner::{self, line_of, occurrences};
use super::source_files::{self, File};

const SDK: &str = "plugins/sdk";

/// A text, and the file and line that contain it.
struct Text<'a> {
    english: String,
    file: &'a File,
    line: usize,
}

/// The tables of one crate, and the texts that it passes to `tr!`.
#[derive(Default)]
struct Crate<'a> {
    used: Vec<Text<'a>>,
    table: Vec<(Text<'a>, String)>,
}

impl Crate<'_> {
    fn translates(&self, english: &str) -> bool {
        self.table.iter().any(|(text, _)| text.english == english)
    }
}

/// The beginnings of expressions whose literal users would read in English only.
const UNTRANSLATED: [&str; 3] = ["Reply::plain(\"", "Reply::text(\"", ".button(\""];

#[test]
fn the_plugins_translate_their_texts() {
    let mut findings = Findings::default();
    for file in source_files::product().filter(|file| is_of_plugin(file)) {
        check_plugin(file, &mut findings);
    }
    findings.none();
}

/// Returns whether the file belongs to a plugin that users can install.
fn is_of_plugin(file: &File) -> bool {
    file.path.starts_with("plugins/") && !file.path.starts_with("plugins/bad/") && !file.path.starts_with(SDK)
}

fn check_plugin(file: &File, findings: &mut Findings) {
    for at in occurrences(&file.code, "cordboard_plugin::export!") {
        let call = file.code[at..].lines().next().unwrap_or_default();
        if !call.contains("; german::GERMAN") {
            findings.add(file, line_of(&file.code, at), "the plugin exports no German texts", "add `; german::GERMAN`");
        }
    }
    let text = code_scanner::without_tests(&file.text);
    for (at, start) in UNTRANSLATED.iter().flat_map(|start| text.match_indices(start)) {
        if !text[at + start.len()..].starts_with('"') {
            findings.add(file, line_of(text, at), "users get this text only in English", "pass it to `tr!`");
        }
    }
}

#[test]
fn the_german_tables_match_the_texts() {
    let crates = crates(source_files::product());
    assert!(crates.len() > 1, "only {} plugins have texts", crates.len());
    check(&crates).none();
}

fn crates<'a>(files: impl Iterator<Item = &'a File>) -> BTreeMap<&'a str, Crate<'a>> {
    let mut crates: BTreeMap<&str, Crate> = BTreeMap::new();
    for file in files.filter(|file| file.path.starts_with("plugins/")) {
        let Some((name, path)) = file.path.split_once("/src/") else { continue };
        if path.ends_with("german.rs") {
            crates.entry(name).or_default().table.extend(table(file));
        } else {
            let used = used(file);
            if !used.is_empty() {
                crates.entry(name).or_default().used.extend(used);
            }
        }
    }
    crates
}

fn check(crates: &BTreeMap<&str, Crate>) -> Findings {
    let mut findings = Findings::default();
    for (name, one) in crates {
        for Text { english, file, line } in &one.used {
            let of_sdk = crates.get(SDK).is_some_and(|sdk| sdk.translates(english));
            if !of_sdk && !one.translates(english) {
                findings.add(
                    file,
                    *line,
                    format!("{english:?} has no German text"),
                    format!("add it to {name}/src/german.rs"),
                );
            }
        }
        for (Text { english, file, line }, german) in &one.table {
            if !one.used.iter().any(|text| text.english == *english) {
                findings.add(file, *line, format!("no `tr!` of {name} has the text {english:?}"), "remove it");
            }
            if placeholders(english) != placeholders(german) {
                findings.add(file, *line, "the placeholders of the two texts differ", "use the same ones in both");
            }
        }
        for pair in one.table.windows(2) {
            let [(previous, _), (next, _)] = pair else { continue };
            if previous.english >= next.english {
                findings.add(next.file, next.line, "the table isn't sorted, or has a text twice", "sort the lines");
            }
        }
    }
    findings
}

/// Returns the texts of each `tr!` in the code. A singular and a plural form are separate texts.
fn used(file: &File) -> Vec<Text<'_>> {
    let mut texts = Vec::new();
    for at in occurrences(&file.code, "tr!") {
        // The code has blanks in place of the characters of literals, so characters are at the same index in both.
        let index = file.code[..at].chars().count() + "tr!(".len();
        let start = file.text.char_indices().nth(index).map_or(file.text.len(), |(start, _)| start);
        let mut rest = &file.text[start..];
        while let Some((english, behind)) = literal(rest.trim_start()) {
            texts.push(Text { english, file, line: line_of(&file.code, at) });
            let Some(plural) = behind.trim_start().strip_prefix('|') else { break };
            rest = plural;
        }
    }
    texts
}

/// Returns the pairs of texts in a table.
fn table(file: &File) -> Vec<(Text<'_>, String)> {
    let (start, mut rest) = file.text.split_once("texts: &[").unwrap_or_default();
    let offset = start.len() + "texts: &[".len();
    let mut literals = Vec::new();
    while let Some(quote) = rest.find('"') {
        let line = line_of(&file.text, offset + file.text[offset..].len() - rest.len() + quote);
        let Some((text, behind)) = literal(&rest[quote..]) else { break };
        literals.push((text, line));
        rest = behind;
    }
    let pairs = literals.chunks_exact(2);
    assert!(pairs.remainder().is_empty(), "{}: a text has no translation", file.path);
    let pair =
        |pair: &[(String, usize)]| (Text { english: pair[0].0.clone(), file, line: pair[0].1 }, pair[1].0.clone());
    pairs.map(pair).collect()
}

/// Returns the value of the string literal at the beginning of the text, and the rest.
fn literal(text: &str) -> Option<(String, &str)> {
    let text = text.strip_prefix('"')?;
    let mut value = String::new();
    let mut letters = text.char_indices();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '"' => return Some((value, &text[at + 1..])),
            '\\' => match letters.next()?.1 {
                'n' => value.push('\n'),
                // The line and the indentation of the next one are not part of the text.
                '\n' => {
                    let rest = letters.as_str();
                    let skipped = rest.len() - rest.trim_start().len();
                    letters.by_ref().take(rest[..skipped].chars().count()).for_each(drop);
                }
                escaped @ ('"' | '\\') => value.push(escaped),
                other => panic!("the escape \\{other} isn't supported in a text for users"),
            },
            letter => value.push(letter),
        }
    }
    None
}

/// Returns the placeholders of a text in alphabetical order. `{}` counts as the next number.
fn placeholders(text: &str) -> Vec<String> {
    let mut unnamed = 0..;
    let names = text.split('{').skip(1).filter_map(|piece| piece.split_once('}')).map(|(name, _)| match name {
        "" => unnamed.next().unwrap_or_default().to_string(),
        name => name.to_owned(),
    });
    let mut names: Vec<String> = names.collect();
    names.sort();
    names
}

#[test]
fn untranslated_plugins_are_found() {
    let file = File::example(
        "plugins/a/src/lib.rs",
        "fn f() {\n Reply::plain(\"Hello\").button(\"Go\", \"/go\") }\nfn g() { Reply::text(\"\") }\n\
         cordboard_plugin::export!(A: command);",
    );
    let mut findings = Findings::default();
    check_plugin(&file, &mut findings);
    let lines: Vec<_> = findings.0.iter().filter_map(|finding| finding.split(':').nth(1)).collect();
    assert_eq!(lines, ["4", "2", "2"], "{:?}", findings.0);
    let tables = ["plugins/bad/echo/src/lib.rs", "plugins/sdk/src/lib.rs", "host/src/lib.rs"];
    assert!(tables.iter().all(|path| !is_of_plugin(&File::example(path, ""))));
}

#[test]
fn texts_without_a_match_are_found() {
    let code = File::example(
        "plugins/a/src/lib.rs",
        "// tr!(\"comment\")\nconst X: &str = \"ä\";\nfn f() { tr!(\"{} day\" | \"{n} days\" % n); \n tr!(\n    \
         \"with \\\"quotes\\\" \\\n     and {name}\", name) }\n#[cfg(test)]\nmod tests { tr!(\"test\") }",
    );
    let german = |texts: &str| File::example("plugins/a/src/german.rs", &format!("texts: &[\n{texts}\n],"));
    let findings = |texts: &str| {
        let german = german(texts);
        let files = [&code, &german];
        check(&crates(files.into_iter())).0
    };
    let complete = [("with \\\"quotes\\\" and {name}", "mit {name}"), ("{n} days", "{n} Tage"), ("{} day", "{0} Tag")];
    let table = |pairs: &[(&str, &str)]| {
        pairs.iter().map(|(one, two)| format!("(\"{one}\", \"{two}\"),\n")).collect::<String>()
    };
    assert!(findings(&table(&complete)).is_empty(), "{:?}", findings(&table(&complete)));
    let missing = findings(&table(&complete[1..]));
    assert!(missing.len() == 1 && missing[0].starts_with("plugins/a/src/lib.rs:4: "), "{missing:?}");
    let extra = findings(&table(&[complete[0], complete[1], complete[2], ("{} hour", "{} Stunde")]));
    assert!(extra.len() == 1 && extra[0].starts_with("plugins/a/src/german.rs:5: no `tr!`"), "{extra:?}");
    let unsorted = findings(&table(&[complete[1], complete[0], complete[2]]));
    assert!(unsorted.len() == 1 && unsorted[0].contains(":3: the table isn't sorted"), "{unsorted:?}");
    let other = findings(&table(&[complete[0], ("{n} days", "{m} Tage"), complete[2]]));
    assert!(other.len() == 1 && other[0].contains(":3: the placeholders"), "{other:?}");
}
