//! Tests with random commands, most of whose tokens are special to a shell. Each run tests the same commands, because
//! the seeds are fixed.

use super::{bash, rules};
use crate::{ToolUse, allows, matches, suggest};

const TOKENS: [&str; 40] = [
    "ok",
    "ok run",
    "ok ",
    "rm",
    "rm ",
    " ",
    " ",
    " ",
    "\t",
    "\n",
    ";",
    "&&",
    "||",
    "|",
    "|&",
    "&",
    "'",
    "\"",
    "\\",
    "`",
    "$(",
    ")",
    "(",
    "{",
    "}",
    "<",
    ">",
    "2>&1",
    ">/dev/null",
    "#",
    "$",
    "=",
    "*",
    "!",
    "a",
    "é",
    "\u{a0}",
    "\0",
    "''",
    "A=b ",
];
const ROUNDS: u32 = 200_000;

/// A xorshift random number generator.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).unwrap() % end
    }

    fn command(&mut self) -> String {
        let length = 1 + self.below(10);
        (0..length).map(|_| TOKENS[self.below(TOKENS.len())]).collect()
    }
}

/// Returns whether any simple command in the text begins with a word other than `ok`. The parser is independent of the
/// crate's, and much simpler.
fn runs_other_program(command: &str) -> bool {
    let text = |quoted: char| if quoted.is_alphanumeric() { quoted } else { '_' };
    let mut quote = None;
    let mut unquoted = String::new();
    let mut chars = command.chars();
    while let Some(c) = chars.next() {
        match (quote, c) {
            (Some(open), _) if c == open => quote = None,
            (Some('"') | None, '\\') => match chars.next() {
                Some('\n') | None => {}
                Some(c) => unquoted.push(text(c)),
            },
            (Some('"'), '`') => unquoted.push_str(";x "),
            (Some('"'), '$') if chars.as_str().starts_with('(') => unquoted.push_str(";x "),
            (Some(_), _) => unquoted.push(text(c)),
            (None, '\'' | '"') => quote = Some(c),
            (None, _) => unquoted.push(c),
        }
    }
    let harmless = unquoted.replace("2>&1", " ").replace(">/dev/null", " ");
    let mut commands = harmless.split([';', '&', '|', '\n', '(', ')', '`', '<', '>']);
    commands.any(|command| command.split([' ', '\t']).find(|word| !word.is_empty()).is_some_and(|word| word != "ok"))
}

#[test]
fn prefix_rules_never_allow_another_program() {
    let list = rules(&["Bash(ok:*)"]);
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let mut allowed = 0;
    for _ in 0..ROUNDS {
        let command = random.command();
        if allows(&list, &bash(&command)).is_some() {
            allowed += 1;
            assert!(!runs_other_program(&command), "{command:?}");
        }
    }
    assert!(allowed > 500, "only {allowed} commands were allowed");
}

#[test]
fn a_command_that_is_allowed_is_also_found() {
    let mut random = Random(42);
    let lists = ["Bash(ok:*)", "Bash(rm:*)", "Bash(ok*a)", "Bash(ok run)", "Bash(ok)"]
        .map(|rule| rules(&[rule, "Bash(unused)"]));
    for _ in 0..ROUNDS / 4 {
        let command = random.command();
        let tool_use = bash(&command);
        for list in &lists {
            assert!(allows(list, &tool_use).is_none() || matches(list, &tool_use).is_some(), "{} {command:?}", list[0]);
        }
    }
}

#[test]
fn a_suggestion_allows_its_use() {
    let mut random = Random(7);
    let mut suggestions = 0;
    for _ in 0..ROUNDS / 4 {
        let text = random.command();
        let paths = [text.clone()];
        let command = bash(&text);
        let uses = [
            command,
            ToolUse { tool: "Edit", paths: &paths, ..command },
            ToolUse { tool: "Grep", paths: &paths, ..command },
            ToolUse { tool: "WebFetch", url: Some(&text), ..command },
            ToolUse { tool: &text, paths: &paths, ..command },
        ];
        for tool_use in uses {
            if let Some(rule) = suggest(&tool_use) {
                suggestions += 1;
                assert_eq!(rules(&[&rule.to_string()]), std::slice::from_ref(&rule));
                assert!(allows(&[rule], &tool_use).is_some(), "{tool_use:?}");
            }
        }
    }
    assert!(suggestions > 500, "only {suggestions} rules were suggested");
}
