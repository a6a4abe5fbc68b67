//! Suggests a narrow rule that allows similar uses from now on.

mod programs;

use crate::{
    Rule, ToolUse, allows,
    command::{Simple, is_plain, split},
    domain, path, tool,
};
use programs::prefix_length;

/// The maximum length of a command that is suggested unchanged, in bytes. The limit keeps the rule readable.
const LONGEST_EXACT: usize = 200;

/// Returns a narrow rule that allows the use, or `None` if no rule is both narrow and safe, for example for a compound
/// command.
#[must_use]
pub fn suggest(tool_use: &ToolUse) -> Option<Rule> {
    let text = match tool_use.tool {
        tool::BASH => command_rule(tool_use.command?)?,
        tool::WEB_FETCH => {
            let host = domain::host(tool_use.url?).filter(|host| domain::is_narrow(host))?;
            format!("{}(domain:{host})", tool::WEB_FETCH)
        }
        // With an asterisk, the rule would apply to all tools of the server.
        name if tool::is_mcp_tool(name) && !name.contains('*') => name.to_owned(),
        name => format!("{}({})", tool::rule_name(name), path_pattern(tool_use)?),
    };
    let rule: Rule = is_readable(&text).then(|| text.parse().ok()).flatten()?;
    allows(std::slice::from_ref(&rule), tool_use).is_some().then_some(rule)
}

fn command_rule(command: &str) -> Option<String> {
    let [command]: [Simple; 1] = split(command)?.try_into().ok()?;
    let words: Vec<&str> = command.words.iter().map(String::as_str).collect();
    let prefix = prefix_length(&words).map(|length| words[..length].join(" "));
    if let Some(prefix) = prefix.filter(|prefix| prefix.chars().all(|c| is_plain(c) || c == ' ')) {
        return Some(format!("{}({prefix}:*)", tool::BASH));
    }
    // An unquoted asterisk would be a wildcard in the rule.
    let exact = command.text;
    let is_literal = exact.len() <= LONGEST_EXACT && !exact.contains('*');
    is_literal.then(|| format!("{}({exact})", tool::BASH))
}

/// Returns whether the text is displayed faithfully: it contains no control characters, invisible characters or
/// characters that change the text direction.
fn is_readable(text: &str) -> bool {
    let invisible = ['\u{ad}'..='\u{ad}', '\u{200b}'..='\u{200f}', '\u{2028}'..='\u{202e}', '\u{2060}'..='\u{206f}'];
    !text.contains(|c: char| c.is_control() || c == '\u{feff}' || invisible.iter().any(|range| range.contains(&c)))
}

/// Returns the pattern that is suggested for all of the paths, or `None` if the suggestions differ or a path has no
/// suggestion.
fn path_pattern(tool_use: &ToolUse) -> Option<String> {
    let mut patterns = tool_use.paths.iter().map(|path| path::suggested_pattern(path, tool_use));
    let first = patterns.next()??;
    patterns.all(|pattern| pattern.as_ref() == Some(&first)).then_some(first)
}
