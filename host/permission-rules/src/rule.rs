//! Defines rules and matches them against a tool use.

use std::{fmt, str::FromStr};

use crate::{
    List, RuleError, ToolUse,
    command::{CommandPattern, Simple, parts, split},
    domain::{DomainPattern, host},
    path::{Location, PathPattern},
    tool::{self, Tools},
};

/// A permission rule for tools. Keeps the text that it was parsed from.
#[derive(Clone, Debug)]
pub struct Rule {
    text: String,
    tools: Tools,
    pattern: Pattern,
}

/// Determines which uses of its tools a rule matches.
#[derive(Clone, Debug)]
enum Pattern {
    All,
    Command(CommandPattern),
    Domain(DomainPattern),
    Path(PathPattern),
}

impl FromStr for Rule {
    type Err = RuleError;

    fn from_str(text: &str) -> Result<Self, RuleError> {
        let text = text.trim();
        if text.is_empty() {
            return Err(RuleError::Empty);
        }
        if text.contains(char::is_control) {
            return Err(RuleError::ControlCharacter);
        }
        let Some((name, rest)) = text.split_once('(') else {
            return Ok(Self { text: text.to_owned(), tools: Tools::parse(text)?, pattern: Pattern::All });
        };
        let tools = Tools::parse(name)?;
        let pattern = rest.strip_suffix(')').ok_or(RuleError::Parenthesis)?.trim();
        if pattern.is_empty() {
            return Err(RuleError::EmptyPattern);
        }
        if !tools.take_pattern() {
            return Err(RuleError::PatternNotSupported);
        }
        let pattern = match name {
            tool::BASH => CommandPattern::parse(pattern)?.map_or(Pattern::All, Pattern::Command),
            tool::WEB_FETCH => Pattern::Domain(DomainPattern::parse(pattern)?),
            _ => Pattern::Path(PathPattern::parse(pattern)?),
        };
        Ok(Self { text: text.to_owned(), tools, pattern })
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Rules are equal if their texts are equal.
impl PartialEq for Rule {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Rule {}

impl Rule {
    fn covers_tool(&self, tool_use: &ToolUse) -> bool {
        matches!(self.pattern, Pattern::All) && self.tools.include(tool_use.tool, List::Allow)
    }

    fn covers_command(&self, command: &Simple) -> bool {
        matches!(&self.pattern, Pattern::Command(pattern) if pattern.covers(command))
    }

    fn covers_host(&self, host: &str) -> bool {
        matches!(&self.pattern, Pattern::Domain(pattern) if pattern.matches(host))
    }

    fn covers_path(&self, path: &Location, tool_use: &ToolUse) -> bool {
        self.tools.include(tool_use.tool, List::Allow)
            && matches!(&self.pattern, Pattern::Path(pattern) if pattern.matches(path, tool_use, List::Allow))
    }
}

/// Returns the rule in an allow list that covers the use. If several rules together cover the use, returns the rule for
/// its last part. Returns `None` if any part of the use isn't covered.
#[must_use]
pub fn allows<'r>(rules: &'r [Rule], tool_use: &ToolUse) -> Option<&'r Rule> {
    let for_tool = rules.iter().find(|rule| rule.covers_tool(tool_use));
    if for_tool.is_some() {
        return for_tool;
    }
    let find = |covers: &dyn Fn(&Rule) -> bool| rules.iter().find(|rule| covers(rule));
    match tool_use.tool {
        tool::BASH => {
            let commands = split(tool_use.command?)?;
            last(commands.iter().map(|command| find(&|rule| rule.covers_command(command))))
        }
        tool::WEB_FETCH => {
            let host = host(tool_use.url?)?;
            find(&|rule| rule.covers_host(&host))
        }
        _ => last(tool_use.paths.iter().map(|path| {
            let path = Location::of(path, tool_use);
            find(&|rule| rule.covers_path(&path, tool_use))
        })),
    }
}

/// Returns the last rule, or `None` if `rules` is empty or contains `None`.
fn last<'r>(mut rules: impl Iterator<Item = Option<&'r Rule>>) -> Option<&'r Rule> {
    let first = rules.next()??;
    rules.try_fold(first, |_, rule| rule)
}

/// Returns the first rule in a deny or ask list that matches any part of the use.
#[must_use]
pub fn matches<'r>(rules: &'r [Rule], tool_use: &ToolUse) -> Option<&'r Rule> {
    let mut rules = rules.iter().filter(|rule| rule.tools.include(tool_use.tool, List::Restrict)).peekable();
    rules.peek()?;
    let parts = tool_use.command.map(parts).unwrap_or_default();
    let host = tool_use.url.map(host);
    let paths: Vec<Location> = tool_use.paths.iter().map(|path| Location::of(path, tool_use)).collect();
    rules.find(|rule| match &rule.pattern {
        Pattern::All => true,
        Pattern::Command(pattern) => parts.iter().any(|part| pattern.occurs(part)),
        // A URL that can't be parsed may lead to any host.
        Pattern::Domain(pattern) => {
            host.as_ref().is_some_and(|host| host.as_ref().is_none_or(|host| pattern.matches(host)))
        }
        Pattern::Path(pattern) => paths.iter().any(|path| pattern.matches(path, tool_use, List::Restrict)),
    })
}
