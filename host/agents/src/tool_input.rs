//! Formats the input of a tool call as a command, a diff, a URL or JSON, for the person who allows or denies the call.
//! Shows invisible characters as their codes, and only the start and the end of a long input.

use cordboard_core::{
    messages,
    render::{self, units},
    types::{QuestionText, ToolUse},
};
use serde_json::{Map, Value};
use similar::{
    DiffTag,
    algorithms::{Capture, Compact, Replace, myers},
};

use crate::{
    json_fields::text,
    shown_action,
    visible_text::{self, Lines, Visible, code, fitting},
};

/// The limits of a description. Lengths are in UTF-16 units.
struct Limits {
    /// The maximum length of the rendered text. The input gets the space left over by the other parts.
    total: usize,
    /// The maximum length of the rules that the answer "Allow for this session" would add.
    rules: usize,
    rule: usize,
    lines: usize,
    tool: usize,
    file: usize,
    description: usize,
    /// The maximum length of an argument that has no separate limit, and the maximum number of such arguments to list.
    other: usize,
    others: usize,
}

/// The limits of the message. Together with the host's lines above and below it, the question fits into one Telegram
/// message, unless the path of the session's folder is extremely long.
const SHOWN: Limits = Limits {
    total: 2_450,
    rules: 400,
    rule: 200,
    lines: 60,
    tool: 100,
    file: 400,
    description: 300,
    other: 100,
    others: 5,
};

/// The limits of the whole question, which a plugin shows.
const WHOLE: Limits = Limits {
    total: WHOLE_LENGTH,
    rules: 2_000,
    rule: 500,
    lines: usize::MAX,
    tool: 500,
    file: 1_000,
    description: 1_000,
    other: 200,
    others: 20,
};

/// The maximum length of a whole question in UTF-16 units. Even with multi-byte characters, it is less than the default
/// limit of a plugin's reply.
const WHOLE_LENGTH: usize = 16_000;

/// The maximum length of the sentences about omitted, blank and invisible characters, in UTF-16 units.
const MAX_NOTES: usize = 220;

/// Describes a tool call in Markdown.
pub fn describe(tool: &str, input: &Value, folder: &str) -> QuestionText {
    let [shown, whole] = [SHOWN, WHOLE].map(|limits| limits.describe(tool, input, folder));
    QuestionText::new(shown, whole)
}

/// Lists the rules that the answer "Allow for this session" would add. `rules` returns them as Markdown, with the
/// maximum length of each as its argument. Returns an empty text if there are no rules.
pub fn describe_rules(rules: impl Fn(usize) -> Vec<String>) -> QuestionText {
    let [shown, whole] = [SHOWN, WHOLE].map(|limits| limits.describe_rules(&rules(limits.rule)));
    QuestionText::new(shown, whole)
}

impl Limits {
    fn describe(&self, tool: &str, input: &Value, folder: &str) -> String {
        let file = ["file_path", "notebook_path"].iter().find_map(|name| input[name].as_str());
        // Escaping trims white space. That is fine, because no legitimate tool name begins or ends with white space.
        let mut head =
            format!("**{}**", render::escape(&cut(&visible_text::visible(tool, Lines::Plain).text, self.tool)));
        if let Some(file) = file {
            head.push_str(&format!(" {}", code(shown_action::relative_to(folder, file), self.file)));
        }
        let about = visible_text::visible(text(input, "description"), Lines::Plain).text;
        if !about.is_empty() {
            let (shown, hidden) = cut_lines(&about, self.description);
            head.push_str(&format!("\n{}{}", render::escape(&shown), note(hidden, "character")));
        }
        let main = main_argument(tool, input);
        let others = main.as_ref().map(|main| self.describe_others(input, main.keys)).unwrap_or_default();
        let used = units(&render::plain(&head)) + units(&render::plain(&others)) + MAX_NOTES;
        let most = self.total.saturating_sub(used);
        let (language, shown) = match main {
            Some(MainArgument { language: "diff", text, .. }) => ("diff", visible_text::visible(&text, Lines::Diff)),
            Some(MainArgument { language, text, .. }) => (language, visible_text::visible(&text, Lines::Plain)),
            None => ("json", visible_json(input)),
        };
        let body = match visible_text::ends(shown.text.trim_end_matches('\n'), most, self.lines) {
            // Use two blocks: a note within one block could be mistaken for a line of the input.
            Some(cut) => {
                let [start, end] = [cut.marked_start(), cut.marked_end()].map(|part| block(language, &part));
                format!("{start}\n{}\n{end}", cut.note())
            }
            None => block(language, shown.text.trim_end_matches('\n')),
        };
        format!("{head}\n{body}{}{others}", shown.notes())
    }

    /// Lists the arguments that the question doesn't show elsewhere. Returns an empty text if there are none.
    fn describe_others(&self, input: &Value, shown_keys: &[&str]) -> String {
        let is_other = |key: &str| key != "description" && !shown_keys.contains(&key);
        let others = input.as_object().into_iter().flatten().filter(|(key, _)| is_other(key));
        let others: Vec<String> = others.map(|(key, value)| code(&format!("{key}: {value}"), self.other)).collect();
        if others.is_empty() {
            return String::new();
        }
        let shown = others.len().min(self.others);
        format!("\nWith {}{}", others[..shown].join(", "), note(others.len() - shown, "argument"))
    }

    /// Lists as many rules as fit, and adds the number of omitted rules.
    fn describe_rules(&self, rules: &[String]) -> String {
        let mut left = self.rules;
        let fits = |rule: &&String| {
            let fits = left.checked_sub(units(&render::plain(rule)) + 2);
            left = fits.unwrap_or_default();
            fits.is_some()
        };
        let shown: Vec<&str> = rules.iter().take_while(fits).map(String::as_str).collect();
        if shown.is_empty() {
            return String::new();
        }
        let hidden = rules.len() - shown.len();
        format!("\n\n{}{}", messages::would_allow(&shown.join(", ")), note(hidden, "rule"))
    }
}

/// The main argument of a call, which determines its effect.
struct MainArgument {
    language: &'static str,
    text: String,
    /// The keys of the input that are not listed again: `text` or the head of the question shows their values, or the
    /// user doesn't need them.
    keys: &'static [&'static str],
}

/// Returns the main argument of a call. Returns `None` for an unknown tool, because its arguments may mean anything,
/// and for an input without the expected argument.
fn main_argument(tool: &str, input: &Value) -> Option<MainArgument> {
    let value = |name: &str| input[name].as_str().map(str::to_owned);
    let (language, text, keys): (_, _, &[&str]) = match tool {
        "Edit" if input["old_string"].is_null() => ("diff", value("diff"), &["file_path", "diff"]),
        "Edit" => ("diff", changes(tool, input), &["file_path", "old_string", "new_string"]),
        "MultiEdit" => ("diff", changes(tool, input), &["file_path", "edits"]),
        "Write" => ("diff", changes(tool, input), &["file_path", "content"]),
        "Bash" | "Monitor" => ("sh", value("command"), &["command", "timeout"]),
        "WebFetch" => ("", value("url"), &["url"]),
        _ => return None,
    };
    Some(MainArgument { language, text: text?, keys })
}

/// Returns whether [`describe`] shows the call in a form that is easier to read than JSON.
pub fn is_readable(tool: &str, input: &Value) -> bool {
    main_argument(tool, input).is_some()
}

/// The tools that search the session's folder if their call names no path.
const SEARCHES: [&str; 3] = ["Glob", "Grep", "LS"];

/// The placeholder for an argument that isn't a string, and for a missing path or URL if the tool needs one. No allow
/// rule for commands, paths or domains matches it, but every deny rule for paths or domains does.
pub const UNREADABLE: &str = "\0";

/// Returns the folder in which the search for a file pattern begins.
fn pattern_folder(base: &str, pattern: &str) -> String {
    let literal: Vec<&str> = pattern.split('/').take_while(|part| !part.contains(['*', '?', '[', '{'])).collect();
    let literal = literal.join("/");
    if pattern.starts_with('/') { format!("/{}", literal.trim_start_matches('/')) } else { format!("{base}/{literal}") }
}

/// Returns the parts of a tool call that permission rules are matched against.
#[must_use]
pub fn tool_use(tool: &str, input: &Value, folder: &str) -> ToolUse {
    let value = |name: &str| match &input[name] {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => Some(UNREADABLE.to_owned()),
    };
    let mut paths: Vec<String> = ["file_path", "notebook_path", "path"].into_iter().filter_map(value).collect();
    if paths.is_empty() && SEARCHES.contains(&tool) {
        paths.push(folder.to_owned());
    }
    if let Some(pattern) = value("pattern").filter(|_| tool == "Glob") {
        paths.push(pattern_folder(&paths[0], &pattern));
    }
    let url = value("url").or_else(|| (tool == "WebFetch").then(|| UNREADABLE.to_owned()));
    // Objects keep the order of their fields. Sort them, so that equal arguments have equal texts and digests.
    let mut sorted = input.clone();
    sorted.sort_all_objects();
    ToolUse { tool: tool.to_owned(), input: sorted.to_string(), command: value("command"), paths, url, home: None }
}

/// The number of unchanged lines to show around a change.
const CONTEXT_LINES: usize = 3;

/// Returns the changes as a diff without hunk headers. The line numbers in them would be wrong, because the text may be
/// anywhere in the file.
pub fn diff(old: &str, new: &str) -> String {
    let (old, new): (Vec<&str>, Vec<&str>) = (old.split_inclusive('\n').collect(), new.split_inclusive('\n').collect());
    // `TextDiff` would compile all of the library's algorithms, for several types each.
    let mut changes = Compact::new(Replace::new(Capture::new()), &old[..], &new[..]);
    let Ok(()) = myers::diff(&mut changes, &old[..], 0..old.len(), &new[..], 0..new.len());
    let mut lines = Vec::new();
    let mut add = |mark: char, changed: &[&str]| {
        lines.extend(changed.iter().map(|line| format!("{mark}{}", line.lines().next().unwrap_or_default())));
    };
    for operation in changes.into_inner().into_inner().into_grouped_ops(CONTEXT_LINES).iter().flatten() {
        let (tag, old_lines, new_lines) = operation.as_tag_tuple();
        match tag {
            DiffTag::Equal => add(' ', &old[old_lines]),
            DiffTag::Delete | DiffTag::Insert | DiffTag::Replace => {
                add('-', &old[old_lines]);
                add('+', &new[new_lines]);
            }
        }
    }
    lines.join("\n")
}

/// Returns the changes to a file as a diff, or `None` if the tool changes no file or the input is malformed.
fn changes(tool: &str, input: &Value) -> Option<String> {
    let diff = |edit: &Value| diff(text(edit, "old_string"), text(edit, "new_string"));
    let is_edit = |edit: &Value| edit["old_string"].is_string() && edit["new_string"].is_string();
    match tool {
        "Edit" if is_edit(input) => Some(diff(input)),
        "MultiEdit" => {
            let edits = input["edits"].as_array().filter(|edits| edits.iter().all(is_edit))?;
            Some(edits.iter().map(diff).collect::<Vec<_>>().join("\n\n"))
        }
        "Write" if input["content"].is_string() => {
            Some(text(input, "content").lines().map(|line| format!("+{line}\n")).collect())
        }
        _ => None,
    }
}

/// Formats an input as JSON. Its texts are made visible first, because JSON escapes line breaks.
fn visible_json(input: &Value) -> Visible {
    let mut notes = Visible::default();
    let shown = visible_value(input, &mut notes);
    let text = serde_json::to_string_pretty(&shown).unwrap_or_default();
    // The JSON itself needs no check for padding: numbers can't be padded, and the only runs of blanks are indentation.
    Visible { text, ..notes }
}

/// Makes all texts of a value visible, and records in `notes` whether that changed them.
fn visible_value(value: &Value, notes: &mut Visible) -> Value {
    match value {
        Value::String(text) => Value::String(visible_text(text, notes)),
        Value::Array(values) => values.iter().map(|value| visible_value(value, notes)).collect(),
        Value::Object(fields) => {
            let mut shown = Map::new();
            for (key, value) in fields {
                let mut key = visible_text(key, notes);
                // Keep both arguments if two keys now look the same, because one contains an invisible character and
                // the other that character's code.
                while shown.contains_key(&key) {
                    key.push_str("⟨same⟩");
                }
                shown.insert(key, visible_value(value, notes));
            }
            Value::Object(shown)
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
    }
}

fn visible_text(text: &str, notes: &mut Visible) -> String {
    let Visible { text, is_padded, has_unseen } = visible_text::visible(text, Lines::Plain);
    notes.is_padded |= is_padded;
    notes.has_unseen |= has_unseen;
    text
}

/// Formats `text` as a code block with a fence that the text can't close.
fn block(language: &str, text: &str) -> String {
    let longest = text.split(|letter| letter != '`').map(str::len).max().unwrap_or_default();
    let fence = "`".repeat(longest.max(2) + 1);
    format!("{fence}{language}\n{text}\n{fence}")
}

/// Returns at most `most` UTF-16 units of a text, and the number of omitted characters.
fn cut_lines(whole: &str, most: usize) -> (String, usize) {
    let whole = whole.trim_end_matches('\n');
    if units(whole) < most {
        return (whole.to_owned(), 0);
    }
    let shown = fitting(whole, most.saturating_sub(1));
    let hidden = &whole[shown.len()..];
    let ellipsis = if hidden.is_empty() || hidden.starts_with('\n') { "" } else { "…" };
    (format!("{}{ellipsis}", shown.trim_end_matches('\n')), hidden.chars().count())
}

/// Cuts `text` to `most` UTF-16 units, and adds a line with the number of omitted characters if there are any.
pub fn cut_with_note(text: &str, most: usize) -> String {
    let (shown, hidden) = cut_lines(text, most);
    format!("{shown}{}", if hidden == 0 { String::new() } else { format!("\n{}", note(hidden, "character")) })
}

/// Returns `text`, cut to `most` UTF-16 units including the ellipsis.
pub fn cut(text: &str, most: usize) -> String {
    if units(text) <= most {
        return text.to_owned();
    }
    format!("{}…", fitting(text, most.saturating_sub(1)))
}

/// Returns a line that says how many items of a kind, such as characters, are not shown, or an empty text if `hidden`
/// is 0.
pub fn note(hidden: usize, what: &str) -> String {
    match hidden {
        0 => String::new(),
        1 => format!("\n1 more {what} is not shown."),
        _ => format!("\n{hidden} more {what}s are not shown."),
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;
    use serde_json::json;

    use super::*;

    #[test]
    fn rules_get_all_paths_and_unreadable_arguments() {
        let paths = |tool: &str, input: Value| tool_use(tool, &input, "/w").paths;
        assert_eq!(paths("Glob", json!({ "pattern": "**/*.rs" })), ["/w", "/w/"]);
        assert_eq!(paths("Glob", json!({ "pattern": "../../etc/*" })), ["/w", "/w/../../etc"]);
        assert_eq!(paths("Glob", json!({ "pattern": "/etc/**", "path": "src" })), ["src", "/etc"]);
        assert_eq!(paths("Read", json!({ "file_path": ["/etc/x"] })), [UNREADABLE]);
        assert_eq!(tool_use("WebFetch", &json!({}), "/w").url.as_deref(), Some(UNREADABLE));
        assert_eq!(tool_use("Bash", &json!({ "command": "ls" }), "/w").url, None);
    }

    #[test]
    fn the_input_is_shown_exactly() {
        let shown = [
            describe("Bash", &json!({ "command": "cat x | grep `y`\nls", "description": "list *all*" }), "/w").shown,
            describe(
                "Edit",
                &json!({ "file_path": "/w/a.rs", "old_string": "one\ntwo\n", "new_string": "one\n2\n" }),
                "/w",
            )
            .shown,
            describe("Write", &json!({ "file_path": "/etc/x", "content": "```\nend" }), "/w").shown,
            describe("WebFetch", &json!({ "url": "https://example.org/", "prompt": "x" }), "/w").shown,
            describe("mcp__a__b", &json!({ "n": 1 }), "/w").shown,
            describe("mcp__ssh__exec", &json!({ "command": "ls", "host": "prod" }), "/w").shown,
            describe("Bash", &json!({ "command": "ls", "dangerouslyDisableSandbox": true, "timeout": 5 }), "/w").shown,
            describe(
                "Edit",
                &json!({ "file_path": "/w/a", "old_string": "a", "new_string": "b", "replace_all": true }),
                "/w",
            )
            .shown,
            describe("Edit", &json!({ "file_path": "/w/a", "old_string": ["a"], "new_string": "b" }), "/w").shown,
        ];
        expect![[r#"
            **Bash**
            list \*all\*
            ```sh
            cat x | grep `y`
            ls
            ```
            ---
            **Edit** `a.rs`
            ```diff
             one
            -two
            +2
            ```
            ---
            **Write** `/etc/x`
            ````diff
            +```
            +end
            ````
            ---
            **WebFetch**
            ```
            https://example.org/
            ```
            With `prompt: "x"`
            ---
            **mcp\_\_a\_\_b**
            ```json
            {
              "n": 1
            }
            ```
            ---
            **mcp\_\_ssh\_\_exec**
            ```json
            {
              "command": "ls",
              "host": "prod"
            }
            ```
            ---
            **Bash**
            ```sh
            ls
            ```
            With `dangerouslyDisableSandbox: true`
            ---
            **Edit** `a`
            ```diff
            -a
            +b
            ```
            With `replace_all: true`
            ---
            **Edit** `a`
            ```json
            {
              "file_path": "/w/a",
              "old_string": [
                "a"
              ],
              "new_string": "b"
            }
            ```"#]]
        .assert_eq(&shown.join("\n---\n"));
    }

    #[test]
    fn a_long_input_is_shown_with_both_ends() {
        let hidden = format!("make all\n{}\nrm -rf /", "echo x\n".repeat(500));
        let text = describe("Bash", &json!({ "command": hidden }), "").shown;
        assert!(text.starts_with("**Bash**\n```sh\nmake all\necho x\n"), "{text}");
        assert!(text.ends_with("\necho x\n\nrm -rf /\n```"), "{text}");
        assert!(
            text.contains("\n```\n443 lines (3102 characters) between these parts are not shown.\n```sh\n"),
            "{text}"
        );
        let content = format!("{}last\n", "line\n".repeat(10_000));
        let text = describe("Write", &json!({ "file_path": "x", "content": content }), "").shown;
        assert!(text.contains("\n9941 lines (59647 characters) between these parts are not shown.\n"), "{text}");
        assert!(text.ends_with("+line\n+last\n```"), "{text}");
        let text = describe("Bash", &json!({ "command": format!("{}; rm -r /", "x".repeat(12_000)) }), "");
        assert!(text.shown.len() < 3_000 && text.shown.ends_with("xx; rm -r /\n```"), "{}", text.shown);
        assert!(
            text.shown.contains("x…\n```\n9784 characters between these parts are not shown.\n```sh\n…x"),
            "{text:?}"
        );
        assert!(text.whole().ends_with("xx; rm -r /\n```") && !text.whole().contains("not shown"), "{text:?}");
        let text = describe("mcp__a__b", &json!({ "a": "x".repeat(9_000), "z": "last" }), "").shown;
        assert!(
            text.contains("characters between these parts are not shown.") && text.contains("\"z\": \"last\""),
            "{text}"
        );
    }

    #[test]
    fn padding_hides_no_part_of_an_input() {
        let blanks =
            [" ".repeat(5_000), "\n".repeat(5_000), " \t\u{a0}\n".repeat(2_000), "\u{200b}\u{2060}".repeat(3_000)];
        for padding in blanks {
            let command = format!("ls{padding}; rm -rf / #{padding}; ls");
            let inputs = [
                ("Bash", json!({ "command": command })),
                ("mcp__ssh__exec", json!({ "script": { "lines": [command] } })),
                ("Write", json!({ "file_path": "x", "content": command })),
            ];
            for (tool, input) in inputs {
                let shown = describe(tool, &input, "").shown;
                assert!(shown.contains("; rm -rf / #"), "{shown}");
                assert!(!shown.contains("not shown"), "{shown}");
                assert!(shown.ends_with('.') && shown.contains("\nThe input is padded: "), "{shown}");
            }
        }
    }

    #[test]
    fn unseen_characters_are_shown_in_all_parts() {
        let input = json!({
            "file_path": "/w/a\u{202e}b", "command": "echo \u{202e}a\u{200d}b\r\u{1b}[8m", "description": "is\u{2066} safe",
            "env\u{200b}": "\u{feff}"
        });
        let shown = describe("Bash\u{200b}", &input, "/w").shown;
        expect![[r#"
            **Bash⟨U+200B⟩** `a⟨U+202E⟩b`
            is⟨U+2066⟩ safe
            ```json
            {
              "file_path": "/w/a⟨U+202E⟩b",
              "command": "echo ⟨U+202E⟩a⟨U+200D⟩b⟨U+000D⟩⟨U+001B⟩[8m",
              "description": "is⟨U+2066⟩ safe",
              "env⟨U+200B⟩": "⟨U+FEFF⟩"
            }
            ```
            The input contains invisible characters: ⟨…⟩ shows them."#]]
        .assert_eq(&shown);
        let twins = json!({ "a\u{200b}": 1, "a⟨U+200B⟩": 2 });
        let shown = describe("x", &twins, "").shown;
        assert!(shown.contains("\"a⟨U+200B⟩\": 1") && shown.contains("\"a⟨U+200B⟩⟨same⟩\": 2"), "{shown}");
    }

    #[test]
    fn a_cut_argument_shows_its_end() {
        let input = json!({ "command": "ls", "host": format!("a{}b", "x".repeat(500)) });
        let shown = describe("Bash", &input, "").shown;
        assert!(shown.contains("With `host: \"axxx") && shown.contains("⟨440 more characters⟩xxx"), "{shown}");
        assert!(shown.ends_with("xb\"`"), "{shown}");
    }

    #[test]
    fn every_part_of_a_long_question_is_cut() {
        let rules = |most| {
            let rule = |number| render::code(&cut(&format!("{number}{}", "😀".repeat(500)), most));
            (0..100).map(rule).collect::<Vec<_>>()
        };
        let rules = describe_rules(rules);
        assert!(rules.shown.ends_with("\n99 more rules are not shown."), "{rules:?}");
        assert!(rules.whole().ends_with("more rules are not shown."), "{rules:?}");
        for letter in ["x", "é", "😀", "*"] {
            let long = format!("{}\n", letter.repeat(90)).repeat(200);
            let path = letter.repeat(5_000);
            let input = json!({ "file_path": path, "description": long, "command": long, "content": long });
            for tool in ["Bash".to_owned(), "Write".to_owned(), letter.repeat(5_000)] {
                let text = describe(&tool, &input, "");
                let shown = render::plain(&format!("{}{}", text.shown, rules.shown));
                assert!((2_000..=2_850).contains(&units(&shown)), "{letter} {}", units(&shown));
                assert!(shown.contains("more characters are not shown.") || letter == "*", "{shown}");
                assert!(shown.contains("between these parts are not shown."), "{shown}");
                assert!(units(&render::plain(text.whole())) <= WHOLE_LENGTH, "{letter}");
            }
        }
    }

    #[test]
    fn a_rule_of_backticks_is_listed() {
        let rule = |most| vec![render::code(&"`".repeat(most))];
        let shown = describe_rules(rule).shown;
        assert!(shown.ends_with(&format!("would allow: {}", rule(SHOWN.rule)[0])), "{shown}");
    }
}
