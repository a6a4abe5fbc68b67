//! Formats the input of a tool call as a command, a diff, a URL or JSON, for the person who allows or denies the call.
//! Removes control characters, and cuts a long input.

use cordboard_core::{render, types::ToolUse};
use serde_json::Value;
use similar::TextDiff;

use super::{action, text};

/// With these limits, the input fits into one message with buttons.
const MAX_LINES: usize = 60;
const MAX_CHARS: usize = 2_500;

/// Describes the call as Markdown.
pub(super) fn describe(tool: &str, input: &Value, folder: &str) -> String {
    let file = ["file_path", "notebook_path"].iter().find_map(|name| input[name].as_str());
    let changes = changes(tool, input);
    let head = match file {
        Some(file) => format!("**{}** {}", render::escape(tool), render::code(action::relative_to(folder, file))),
        None => format!("**{}**", render::escape(tool)),
    };
    let body = match (input["command"].as_str(), input["url"].as_str(), changes) {
        (_, _, Some(diff)) => block("diff", &diff),
        (Some(command), _, None) => block("sh", command),
        (None, Some(url), None) => block("", url),
        (None, None, None) => block("json", &serde_json::to_string_pretty(input).unwrap_or_default()),
    };
    let about = text(input, "description");
    let about = if about.is_empty() { String::new() } else { format!("\n{}", render::escape(about)) };
    format!("{head}{about}\n{body}")
}

/// The tools that search the session's folder unless they name a path.
const SEARCHES: [&str; 3] = ["Glob", "Grep", "LS"];

/// Returns what rules for permissions compare.
#[must_use]
pub fn tool_use(tool: &str, input: &Value, folder: &str) -> ToolUse {
    let value = |name: &str| input[name].as_str().map(str::to_owned);
    let mut paths: Vec<String> = ["file_path", "notebook_path", "path"].into_iter().filter_map(value).collect();
    if paths.is_empty() && SEARCHES.contains(&tool) {
        paths.push(folder.to_owned());
    }
    ToolUse {
        tool: tool.to_owned(),
        input: input.to_string(),
        command: value("command"),
        paths,
        url: value("url"),
        home: None,
    }
}

/// Returns the changes to a file as a diff, or `None` if the tool changes no file.
fn changes(tool: &str, input: &Value) -> Option<String> {
    let diff = |edit: &Value| {
        let (old, new) = (text(edit, "old_string"), text(edit, "new_string"));
        // Remove the headers: the text may be anywhere in the file, so their line numbers are wrong.
        let diff = TextDiff::from_lines(old, new).unified_diff().missing_newline_hint(false).to_string();
        diff.lines().filter(|line| !line.starts_with("@@")).collect::<Vec<_>>().join("\n")
    };
    match tool {
        "Edit" => Some(diff(input)),
        "MultiEdit" => Some(input["edits"].as_array()?.iter().map(diff).collect::<Vec<_>>().join("\n\n")),
        "Write" => Some(text(input, "content").lines().map(|line| format!("+{line}\n")).collect()),
        _ => None,
    }
}

/// Formats `whole` as a code block with a fence that the text can't close. If the text is too long, cuts it and adds
/// the number of lines that are not shown.
fn block(language: &str, whole: &str) -> String {
    let mut shown = String::new();
    let mut rest = whole.lines();
    let mut count = 0;
    for line in rest.by_ref().take(MAX_LINES) {
        if shown.len() + line.len() > MAX_CHARS {
            let room = MAX_CHARS.saturating_sub(shown.len());
            shown.extend(line.chars().take(room).chain(['…', '\n']));
            break;
        }
        shown.push_str(line);
        shown.push('\n');
        count += 1;
    }
    let hidden = whole.lines().count() - count;
    let longest = shown.split(|letter| letter != '`').map(str::len).max().unwrap_or_default();
    let fence = "`".repeat(longest.max(2) + 1);
    let shown = render::strip_controls(&shown);
    let block = format!("{fence}{language}\n{}\n{fence}", shown.trim_end_matches('\n'));
    match hidden {
        0 => block,
        1 => format!("{block}\n1 more line is not shown."),
        _ => format!("{block}\n{hidden} more lines are not shown."),
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;
    use serde_json::json;

    use super::*;

    #[test]
    fn the_input_is_shown_exactly() {
        let shown = [
            describe("Bash", &json!({ "command": "cat x | grep `y`\nls", "description": "list *all*" }), "/w"),
            describe(
                "Edit",
                &json!({ "file_path": "/w/a.rs", "old_string": "one\ntwo\n", "new_string": "one\n2\n" }),
                "/w",
            ),
            describe("Write", &json!({ "file_path": "/etc/x", "content": "```\nend" }), "/w"),
            describe("WebFetch", &json!({ "url": "https://example.org/", "prompt": "x" }), "/w"),
            describe("mcp__a__b", &json!({ "n": 1 }), "/w"),
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
            ---
            **mcp\_\_a\_\_b**
            ```json
            {
              "n": 1
            }
            ```"#]]
        .assert_eq(&shown.join("\n---\n"));
    }

    #[test]
    fn a_long_input_is_cut_with_the_number_of_lines() {
        let long = "line\n".repeat(10_000);
        let shown = describe("Write", &json!({ "file_path": "x", "content": long }), "");
        assert!(shown.ends_with("9940 more lines are not shown."), "{shown}");
        let wide = describe("Bash", &json!({ "command": "x".repeat(1_000_000) }), "");
        assert!(wide.len() < 3_000 && wide.ends_with("1 more line is not shown."), "{}", wide.len());
    }
}
