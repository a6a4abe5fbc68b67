//! `/history [number]`: shows the last exchanges of the active session's conversation, the oldest first.

use cordboard_plugin::{
    Call, Reply, Timestamp, context,
    sessions::{self, Exchange},
    text::{ago, escape, usage},
    tr,
};

/// The number of exchanges to show if no number is given.
const DEFAULT: u32 = 5;
/// The maximum number of exchanges to show.
const MOST: u32 = 20;

pub fn run(call: &Call) -> Result<Reply, String> {
    let count = match call.args.as_slice() {
        [] => Some(DEFAULT),
        [number] => number.parse().ok().filter(|number| (1..=MOST).contains(number)),
        _ => None,
    };
    let Some(count) = count else {
        let range = tr!("/history [number], with a number from 1 to {most}", most = MOST);
        return Ok(Reply::plain(&usage(&range)));
    };
    let name = context::session()?.name;
    let exchanges = sessions::history(&name, count)?;
    if exchanges.is_empty() {
        return Ok(Reply::plain(&tr!("Session '{name}' has no messages yet.", name)));
    }
    Ok(Reply::text(page(&exchanges, context::now())))
}

fn page(exchanges: &[Exchange], now: Timestamp) -> String {
    exchanges.iter().map(|exchange| entry(exchange, now)).collect::<Vec<_>>().join("\n\n")
}

/// Formats an exchange: the prompt in bold, and the answer below. Neither is rendered as Markdown, because a shortened
/// text may end within a code block.
fn entry(exchange: &Exchange, now: Timestamp) -> String {
    let age = exchange.at.map_or(String::new(), |at| format!(" ({})", ago(now, at)));
    let prompt: Vec<_> = exchange.prompt.lines().map(|line| bold(line.trim())).collect();
    let answer = if exchange.answer.is_empty() { tr!("(no answer)") } else { escape(&exchange.answer) };
    format!("{}{age}\n{answer}", prompt.join("\n"))
}

fn bold(line: &str) -> String {
    if line.is_empty() { String::new() } else { format!("**{}**", escape(line)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exchange_shows_the_prompt_its_age_and_the_answer() {
        let exchange = |prompt: &str, answer: &str, at| Exchange { prompt: prompt.into(), answer: answer.into(), at };
        let page = page(&[exchange("ada: fix *it*\n now", "```\ndone", Some(0)), exchange("stop", "", None)], 300_000);
        assert_eq!(page, "**ada: fix \\*it\\***\n**now** (5m ago)\n\\`\\`\\`\ndone\n\n**stop**\n(no answer)");
    }
}
