//! Tests of rules: tables of uses with the expected results, and random commands.

mod allow_commands;
mod deny_commands;
mod domains;
mod paths;
mod random;
mod suggestions;
mod syntax;
mod tools;

use crate::{Rule, ToolUse, allows, matches};

const FOLDER: &str = "/home/ada/project";

fn rules(texts: &[&str]) -> Vec<Rule> {
    texts.iter().map(|text| text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))).collect()
}

fn tool_use(tool: &str) -> ToolUse<'_> {
    ToolUse { tool, command: None, paths: &[], url: None, folder: FOLDER, home: Some("/home/ada") }
}

fn bash(command: &str) -> ToolUse<'_> {
    ToolUse { command: Some(command), ..tool_use("Bash") }
}

fn fetch(url: &str) -> ToolUse<'_> {
    ToolUse { url: Some(url), ..tool_use("WebFetch") }
}

fn allow(texts: &[&str], tool_use: &ToolUse) -> Option<String> {
    allows(&rules(texts), tool_use).map(ToString::to_string)
}

fn deny(texts: &[&str], tool_use: &ToolUse) -> Option<String> {
    matches(&rules(texts), tool_use).map(ToString::to_string)
}
