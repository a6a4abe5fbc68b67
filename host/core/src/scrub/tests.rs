//! Tests that every part of a secret is removed, in any covered encoding and wherever the text is truncated, and that
//! other text is unchanged.

use proptest::prelude::*;

use super::*;

/// A secret that contains characters that the encodings change. Other test texts never contain eight consecutive
/// characters of it.
const VALUE: &str = "hünter2/=&%x'Q+\"zW<k>_9-Ä~";

fn scrubber(values: &[(&str, &str)]) -> Scrubber {
    Scrubber::new(values.iter().map(|(label, value)| ((*label).to_owned(), (*value).to_owned())).collect())
}

fn clean(values: &[(&str, &str)], text: &str) -> String {
    let labelled = |found: &Found<'_>| format!("<{}>", found.label).into_bytes();
    String::from_utf8_lossy(&scrubber(values).replace(text.as_bytes(), labelled)).into_owned()
}

type Spell = fn(&str) -> String;

fn html(value: &str) -> String {
    [("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ("'", "&#39;"), ("\"", "&quot;")]
        .iter()
        .fold(value.to_owned(), |text, (sign, name)| text.replace(sign, name))
}

fn percent(value: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    value.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

fn json(value: &str) -> String {
    let quoted = serde_json::Value::from(value).to_string();
    quoted[1..quoted.len() - 1].to_owned()
}

/// The encodings that servers, loggers and templates apply to a text.
const SPELLINGS: [Spell; 15] = [
    str::to_owned,
    str::to_ascii_uppercase,
    str::to_ascii_lowercase,
    percent,
    |value| percent(value).to_lowercase(),
    |value| value.bytes().map(|byte| format!("%{byte:02x}")).collect(),
    |value| percent(&percent(value)),
    json,
    |value| json(value).replace('/', "\\/").replace('&', "\\u0026").replace('<', "\\u003c"),
    |value| value.encode_utf16().map(|unit| format!("\\u{unit:04x}")).collect(),
    html,
    |value| json(&html(&percent(value))),
    |value| value.chars().map(|c| format!("&#x{:X};", u32::from(c))).collect(),
    |value| value.bytes().map(|byte| format!("{byte:02X}")).collect(),
    |value| value.chars().map(|c| format!("&#{}", u32::from(c))).collect(),
];

/// Returns eight consecutive characters of `value` in one of the encodings, if `text` contains them in that encoding.
fn leaks(value: &str, text: &str) -> Option<String> {
    let letters: Vec<char> = value.chars().collect();
    let text = text.to_lowercase();
    letters
        .windows(RUN)
        .map(|run| run.iter().collect::<String>())
        .find_map(|run| SPELLINGS.iter().map(|spell| spell(&run)).find(|spelt| text.contains(&spelt.to_lowercase())))
}

proptest! {
    #[test]
    fn no_part_of_a_secret_remains_in_any_encoding(
        spelling in 0..SPELLINGS.len(), before in "[a-z /%]{0,6}", start in 0..80usize, length in 0..200usize,
    ) {
        let spelt: Vec<char> = SPELLINGS[spelling](VALUE).chars().collect();
        let start = start.min(spelt.len());
        let part: String = spelt[start..(start + length).min(spelt.len())].iter().collect();
        let cleaned = clean(&[("s", VALUE)], &format!("{before}{part} after"));
        prop_assert_eq!(leaks(VALUE, &cleaned), None, "{}", cleaned);
        prop_assert!(cleaned.ends_with(" after"), "{}", cleaned);
    }

    #[test]
    fn no_part_of_a_secret_remains_in_base64(before in "[a-z:/]{0,6}", start in 0..60usize, length in 0..60usize) {
        let coded = STANDARD_NO_PAD.encode(format!("{before}{VALUE} after"));
        let part = &coded[start.min(coded.len())..(start + length).min(coded.len())];
        let cleaned = clean(&[("s", VALUE)], part);
        for skipped in 0..4 {
            for piece in cleaned.split(['<', '>']) {
                let digits = piece.get(skipped..).unwrap_or_default();
                let whole = digits.len() - usize::from(digits.len() % 4 == 1);
                let decoded = STANDARD_NO_PAD.decode(&digits[..whole]).unwrap_or_else(|_| STANDARD_NO_PAD.decode(&digits[..whole / 4 * 4]).unwrap());
                prop_assert_eq!(leaks(VALUE, &String::from_utf8_lossy(&decoded)), None, "{}", cleaned);
            }
        }
    }

    #[test]
    fn text_without_secrets_is_unchanged(text in "(?s).{0,80}") {
        prop_assert_eq!(clean(&[("s", "quite-another-9173-thing")], &text), text);
    }
}

#[test]
fn no_part_of_a_secret_remains_in_double_base64() {
    for (outer, inner) in ["", "a", "ab"].iter().flat_map(|outer| ["", "a", "ab"].map(|inner| (outer, inner))) {
        let once = STANDARD_NO_PAD.encode(format!("{inner}{VALUE}"));
        let cleaned = clean(&[("s", VALUE)], &STANDARD_NO_PAD.encode(format!("{outer}{once}")));
        // The base64 digits at both ends also depend on the text around the secret, so some of them remain.
        let rest: usize = cleaned.split("<s>").map(str::len).sum();
        assert!(cleaned.contains("<s>") && rest <= 12, "{cleaned}");
    }
}

#[test]
fn a_secret_containing_escapes_is_found_literally() {
    let value = "a1:b2=41, 0x43";
    assert_eq!(clean(&[("s", value)], &format!("{value} {}", percent(value))), "<s> <s>");
}

#[test]
fn a_secret_inside_another_is_scrubbed_completely() {
    let values = [("a", "hunter2"), ("b", "hunter2-admin-xyz"), ("c", "admin-xyz")];
    assert_eq!(clean(&values, "hunter2-admin-xyz, hunter2, admin-xyz"), "<b>, <a>, <c>");
    assert_eq!(clean(&values, "xhunter2hunter2-admin-xyzadmin-xyz"), "x<a><b><c>");
}

#[test]
fn parts_of_eight_characters_are_removed_but_not_seven() {
    let values = [("s", "abcdefghijklmnop")];
    assert_eq!(clean(&values, "bcdefgh, bcdefghi, hijklmnoq"), "bcdefgh, <s>, <s>q");
    assert_eq!(clean(&[("s", "abcdefg")], "abcdef abcdefg"), "abcdef <s>", "a short secret is removed as a whole");
}

#[test]
fn public_parts_of_a_value_are_not_scrubbed() {
    let token = [("token", "123456789:AbC-dEf_ghijklmnop")];
    assert_eq!(
        clean(&token, "bot 123456789 is 123456789:, /bot123456789%3aABC-dEf_gh"),
        "bot 123456789 is 123456789:, /bot<token>"
    );
    let hook = [("hook", "https://hooks.lan/s3cr3t-p4th")];
    assert_eq!(clean(&hook, "https://nas.lan, https://hooks.lan/s3cr3t-p4th"), "https://nas.lan, <hook>");
}

#[test]
fn whole_and_partial_secrets_are_distinguished() {
    let extents = |text: &str| {
        let extent = |found: &Found<'_>| format!("{:?}", found.extent).into_bytes();
        String::from_utf8(scrubber(&[("s", "hunter2/and+more=")]).replace(text.as_bytes(), extent).into_owned())
            .unwrap()
    };
    assert_eq!(extents("hunter2/and+more= hunter2%2Fand%2Bmore%3D"), "Whole Whole");
    assert_eq!(extents("hunter2/and unter2%2fand%2Bmore%3D"), "Part Part");
    assert_eq!(extents(&STANDARD_NO_PAD.encode("hunter2/and+more=")), "Whole0");
}
