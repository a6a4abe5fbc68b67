//! Formats the input of a tool call as a command, a diff, a URL or JSON, for the person who allows or denies the call.
//! Removes control characters, and cuts a long input.

use cordboard_core::{
    render::{self, units},
    types::ToolUse,
};
use serde_json::Value;
use similar::TextDiff;

use crate::{agent_line::text, shown_action};

/// The maximum length of a question's rendered text, in UTF-16 units. Together with the host's line above it, the
/// question fits into one Telegram message, unless the path of the session's folder is extremely long.
const MAX_UNITS: usize = 2_850;
const MAX_LINES: usize = 60;

/// The limits of the parts, in UTF-16 units. The input gets the rest of [`MAX_UNITS`].
const MAX_TOOL: usize = 100;
const MAX_FILE: usize = 400;
const MAX_DESCRIPTION: usize = 300;
const MAX_RULES: usize = 400;
/// The maximum length of each other argument, in UTF-16 units, and the maximum number of other arguments to list.
const MAX_OTHER: usize = 100;
const MAX_OTHERS: usize = 5;
/// The maximum length of one rule, in UTF-16 units. It is less than [`MAX_RULES`], so that at least one rule fits.
pub const MAX_RULE: usize = 200;
/// The maximum length of the sentence about lines that are not shown, in UTF-16 units.
const MAX_NOTE: usize = 50;

/// Describes a tool call as Markdown. `rules` are Markdown texts for the rules that the answer "Allow for this session"
/// would add.
pub fn describe(tool: &str, input: &Value, folder: &str, rules: &[String]) -> String {
    let file = ["file_path", "notebook_path"].iter().find_map(|name| input[name].as_str());
    let mut head = format!("**{}**", render::escape(&cut(tool, MAX_TOOL)));
    if let Some(file) = file {
        head.push_str(&format!(" {}", render::code(&cut(shown_action::relative_to(folder, file), MAX_FILE))));
    }
    let about = text(input, "description");
    if !about.is_empty() {
        let (shown, hidden) = cut_lines(about, MAX_DESCRIPTION);
        head.push_str(&format!("\n{}{}", render::escape(&shown), note(hidden, "line")));
    }
    let rules = describe_rules(rules);
    let most = MAX_UNITS.saturating_sub(units(&render::plain(&head)) + units(&render::plain(&rules)) + MAX_NOTE);
    let main = main_argument(tool, input);
    let others = main.as_ref().map(|main| describe_others(input, main.keys)).unwrap_or_default();
    let most = most.saturating_sub(units(&render::plain(&others)));
    let body = match main {
        Some(MainArgument { language, text, .. }) => block(language, &text, most),
        None => block("json", &serde_json::to_string_pretty(input).unwrap_or_default(), most),
    };
    format!("{head}\n{body}{others}{rules}")
}

/// The argument that decides what a call does.
struct MainArgument {
    language: &'static str,
    text: String,
    /// The keys of the input that are not listed again: `text` or the head of the question shows their values, or the
    /// user doesn't need them.
    keys: &'static [&'static str],
}

/// Returns `None` for a tool that this function doesn't know, because its arguments may mean anything, and for an input
/// without the expected argument.
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

/// Whether [`describe`] shows the call in a form that is easier to read than JSON.
pub fn is_readable(tool: &str, input: &Value) -> bool {
    main_argument(tool, input).is_some()
}

/// Lists the arguments that the question doesn't show elsewhere. Returns an empty text if there are none.
fn describe_others(input: &Value, shown_keys: &[&str]) -> String {
    let is_other = |key: &str| key != "description" && !shown_keys.contains(&key);
    let others = input.as_object().into_iter().flatten().filter(|(key, _)| is_other(key));
    let others: Vec<String> = others.map(|(key, value)| code_of(&format!("{key}: {value}"))).collect();
    if others.is_empty() {
        return String::new();
    }
    let shown = others.len().min(MAX_OTHERS);
    format!("\nWith {}{}", others[..shown].join(", "), note(others.len() - shown, "argument"))
}

/// Formats a short text as code.
pub fn code_of(text: &str) -> String {
    render::code(&cut(text, MAX_OTHER))
}

/// Lists as many rules as fit into [`MAX_RULES`], and the number of the others. Returns an empty text if there are no
/// rules.
fn describe_rules(rules: &[String]) -> String {
    let mut left = MAX_RULES;
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
    format!("\n\nFor this session it would allow: {}{}", shown.join(", "), note(hidden, "rule"))
}

/// The tools that search the session's folder unless they name a path.
const SEARCHES: [&str; 3] = ["Glob", "Grep", "LS"];

/// Replaces an argument that is not a string, and the missing URL of a `WebFetch` call. No allow rule for commands,
/// paths or domains matches it, but each deny rule for paths or domains does.
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

/// Returns the changes as a diff without headers: the text may be anywhere in the file, so their line numbers would be
/// wrong.
pub fn diff(old: &str, new: &str) -> String {
    let diff = TextDiff::from_lines(old, new).unified_diff().missing_newline_hint(false).to_string();
    diff.lines().filter(|line| !line.starts_with("@@")).collect::<Vec<_>>().join("\n")
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

/// Formats `whole` as a code block with a fence that the text can't close. Cuts a text of more than `most` UTF-16 units
/// or [`MAX_LINES`] lines, and adds the number of lines that are not shown.
fn block(language: &str, whole: &str, most: usize) -> String {
    let (shown, hidden) = cut_lines(whole, most);
    let longest = shown.split(|letter| letter != '`').map(str::len).max().unwrap_or_default();
    let fence = "`".repeat(longest.max(2) + 1);
    let shown = render::strip_controls(&shown);
    format!("{fence}{language}\n{shown}\n{fence}{}", note(hidden, "line"))
}

/// Returns at most `most` UTF-16 units and [`MAX_LINES`] lines of a text, and the number of lines that are missing or
/// incomplete.
fn cut_lines(whole: &str, most: usize) -> (String, usize) {
    let (mut shown, mut left, mut complete) = (Vec::new(), most, 0);
    for line in whole.lines().take(MAX_LINES) {
        let Some(rest) = left.checked_sub(units(line) + 1) else {
            shown.push(cut(line, left.saturating_sub(1)));
            break;
        };
        left = rest;
        shown.push(line.to_owned());
        complete += 1;
    }
    (shown.join("\n").trim_end_matches('\n').to_owned(), whole.lines().count() - complete)
}

/// Returns `text`, cut to `most` UTF-16 units including the ellipsis.
pub fn cut(text: &str, most: usize) -> String {
    if units(text) <= most {
        return text.to_owned();
    }
    let mut left = most.saturating_sub(1);
    let fits = |c: &char| left.checked_sub(c.len_utf16()).inspect(|rest| left = *rest).is_some();
    text.chars().take_while(fits).chain(['…']).collect()
}

/// Returns a line that says how many lines, arguments or rules are not shown, or an empty text if `hidden` is 0.
fn note(hidden: usize, what: &str) -> String {
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
            describe("Bash", &json!({ "command": "cat x | grep `y`\nls", "description": "list *all*" }), "/w", &[]),
            describe(
                "Edit",
                &json!({ "file_path": "/w/a.rs", "old_string": "one\ntwo\n", "new_string": "one\n2\n" }),
                "/w",
                &[],
            ),
            describe("Write", &json!({ "file_path": "/etc/x", "content": "```\nend" }), "/w", &[]),
            describe("WebFetch", &json!({ "url": "https://example.org/", "prompt": "x" }), "/w", &[]),
            describe("mcp__a__b", &json!({ "n": 1 }), "/w", &[]),
            describe("mcp__ssh__exec", &json!({ "command": "ls", "host": "prod" }), "/w", &[]),
            describe("Bash", &json!({ "command": "ls", "dangerouslyDisableSandbox": true, "timeout": 5 }), "/w", &[]),
            describe(
                "Edit",
                &json!({ "file_path": "/w/a", "old_string": "a", "new_string": "b", "replace_all": true }),
                "/w",
                &[],
            ),
            describe("Edit", &json!({ "file_path": "/w/a", "old_string": ["a"], "new_string": "b" }), "/w", &[]),
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
    fn a_long_input_is_cut_with_the_number_of_lines() {
        let long = "line\n".repeat(10_000);
        let shown = describe("Write", &json!({ "file_path": "x", "content": long }), "", &[]);
        assert!(shown.ends_with("9940 more lines are not shown."), "{shown}");
        let wide = describe("Bash", &json!({ "command": "x".repeat(1_000_000) }), "", &[]);
        assert!(wide.len() < 3_000 && wide.ends_with("1 more line is not shown."), "{}", wide.len());
    }

    #[test]
    fn every_part_of_a_long_question_is_cut() {
        let rules: Vec<String> =
            (0..100).map(|n| render::code(&cut(&format!("{n}{}", "😀".repeat(500)), MAX_RULE))).collect();
        for letter in ["x", "é", "😀", "*"] {
            let long = format!("{}\n", letter.repeat(90)).repeat(200);
            let path = letter.repeat(5_000);
            let input = json!({ "file_path": path, "description": long, "command": long, "content": long });
            for tool in ["Bash".to_owned(), "Write".to_owned(), letter.repeat(5_000)] {
                let shown = render::plain(&describe(&tool, &input, "", &rules));
                assert!((2_000..=MAX_UNITS).contains(&units(&shown)), "{letter} {}", units(&shown));
                assert_eq!(shown.matches("more lines are not shown.").count(), 2, "{shown}");
                assert!(shown.ends_with("\n99 more rules are not shown."), "{shown}");
            }
        }
    }

    #[test]
    fn a_rule_of_backticks_is_listed() {
        let rules = [render::code(&"`".repeat(MAX_RULE))];
        let shown = describe("Bash", &json!({ "command": "x" }), "", &rules);
        assert!(shown.ends_with(&format!("would allow: {}", rules[0])), "{shown}");
    }
}
