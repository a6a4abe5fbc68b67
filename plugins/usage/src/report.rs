//! Formats the report of `/usage`.

use cordboard_plugin::{
    Reply, Session, Timestamp,
    sessions::{Budget, Usage},
    text, tr,
};

/// A period that the command can show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Period {
    /// The last days, including today. Contains the number of days.
    Days(u32),
    /// The current calendar month.
    Month,
}

impl Period {
    pub const ALL: [Self; 4] = [Self::Days(1), Self::Days(7), Self::Month, Self::Days(30)];

    /// Parses an argument of the command.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|period| period.argument() == text)
    }

    fn argument(self) -> String {
        match self {
            Self::Days(days) => days.to_string(),
            Self::Month => "month".to_owned(),
        }
    }

    fn label(self) -> String {
        match self {
            Self::Days(1) => tr!("Today"),
            Self::Days(days) => tr!("Last {days} days", days),
            Self::Month => tr!("This month"),
        }
    }
}

/// The maximum number of groups to show in a list, so that the reply fits into one message.
const MAX_SHOWN: usize = 10;

pub struct Report {
    pub period: Period,
    /// The sum of each period.
    pub totals: Vec<(Period, Usage)>,
    pub sessions: Vec<Usage>,
    pub models: Vec<Usage>,
    pub personas: Vec<Usage>,
    pub budget: Option<Budget>,
    pub active: Option<Session>,
    pub now: Timestamp,
}

impl Report {
    pub fn reply(&self) -> Reply {
        let mut paragraphs: Vec<String> = vec![self.totals()];
        paragraphs.extend(list(&tr!("Sessions"), &self.sessions, &tr!("unknown")));
        paragraphs.extend(list(&tr!("Models"), &self.models, &tr!("unknown")));
        // If no turn has a persona, this list would only repeat the total.
        if self.personas.iter().any(|group| group.name.is_some()) {
            paragraphs.extend(list(&tr!("Personas"), &self.personas, &tr!("none")));
        }
        paragraphs.extend(self.budget.as_ref().map(|budget| describe_budget(budget, self.now)));
        paragraphs.extend(self.active.as_ref().and_then(describe_context));
        let reply = Reply::text(paragraphs.join("\n\n")).in_place();
        Period::ALL
            .into_iter()
            .filter(|period| *period != self.period)
            .fold(reply, |reply, period| reply.button(period.label(), format!("/usage {}", period.argument())))
    }

    /// Returns a line for each period. The period of the lists below is in bold.
    fn totals(&self) -> String {
        let line = |(period, sum): &(Period, Usage)| {
            let label = if *period == self.period { format!("**{}**", period.label()) } else { period.label() };
            format!("{label}: {}", describe(sum))
        };
        self.totals.iter().map(line).collect::<Vec<_>>().join("\n")
    }
}

/// Returns the sum of the groups.
pub fn sum(groups: &[Usage]) -> Usage {
    let add = |get: fn(&Usage) -> u64| groups.iter().map(get).fold(0, u64::saturating_add);
    Usage {
        name: None,
        turns: add(|group| group.turns),
        cost_usd: groups.iter().filter_map(|group| group.cost_usd).reduce(|one, other| one + other),
        input_tokens: add(|group| group.input_tokens),
        output_tokens: add(|group| group.output_tokens),
        cache_read_tokens: add(|group| group.cache_read_tokens),
        cache_write_tokens: add(|group| group.cache_write_tokens),
    }
}

fn list(title: &str, groups: &[Usage], unnamed: &str) -> Option<String> {
    let name = |group: &Usage| group.name.as_deref().map_or_else(|| unnamed.to_owned(), text::escape);
    let lines = groups.iter().take(MAX_SHOWN).map(|group| format!("- {}: {}", name(group), describe(group)));
    let mut lines: Vec<String> = lines.collect();
    if groups.len() > MAX_SHOWN {
        let rest = &groups[MAX_SHOWN..];
        lines.push(format!("- {}: {}", tr!("{} more", rest.len()), describe(&sum(rest))));
    }
    (!lines.is_empty()).then(|| format!("**{title}**\n{}", lines.join("\n")))
}

/// Describes the usage of a group, such as `$1.25, 3 turns, 12k in, 900 out, cache 1.2M read, 40k written`.
fn describe(usage: &Usage) -> String {
    let mut parts: Vec<String> = usage.cost_usd.map(dollars).into_iter().collect();
    parts.push(tr!("{n} turn" | "{n} turns" % usage.turns));
    let [input, output] = [usage.input_tokens, usage.output_tokens];
    if input > 0 || output > 0 {
        parts.push(tr!("{} in, {} out", short_count(input), short_count(output)));
    }
    let [read, written] = [usage.cache_read_tokens, usage.cache_write_tokens];
    if read > 0 || written > 0 {
        parts.push(tr!("cache {} read, {} written", short_count(read), short_count(written)));
    }
    parts.join(", ")
}

fn dollars(cost: f64) -> String {
    format!("${cost:.2}")
}

/// Formats a number below a trillion with at most three digits, rounded down: `950`, `12k`, `1.2M`, `3.4B`.
fn short_count(count: u64) -> String {
    const THOUSAND: u64 = 1_000;
    let scaled = |unit: u64, suffix: char| match count / unit {
        whole @ 0..10 => format!("{whole}.{}{suffix}", count % unit / (unit / 10)),
        whole @ 10.. => format!("{whole}{suffix}"),
    };
    match count {
        0..1_000 => count.to_string(),
        1_000..1_000_000 => scaled(THOUSAND, 'k'),
        1_000_000..1_000_000_000 => scaled(1_000_000, 'M'),
        1_000_000_000.. => scaled(1_000_000_000, 'B'),
    }
}

fn percent(part: f64, whole: f64) -> f64 {
    (part / whole * 100.0).floor()
}

fn describe_budget(budget: &Budget, now: Timestamp) -> String {
    let Budget { limit_usd, spent_usd, resets } = budget;
    let (spent, limit, percent) = (dollars(*spent_usd), dollars(*limit_usd), percent(*spent_usd, *limit_usd));
    // Rounded up to minutes, like the host's own texts.
    let minutes = resets.saturating_sub(now).div_ceil(60_000);
    let left = text::long_span(minutes * 60);
    let budget = tr!("Budget: {spent} of {limit} a day ({percent}%), resets in {left}.", spent, limit, percent, left);
    if spent_usd >= limit_usd { format!("{budget} {}", tr!("New messages are refused.")) } else { budget }
}

fn describe_context(session: &Session) -> Option<String> {
    let (_, context) = session.facts.iter().find(|(name, _)| name == "context")?;
    let (tokens, window) =
        context.split_once('/').map_or((context.as_str(), None), |(tokens, window)| (tokens, Some(window)));
    let tokens: u64 = tokens.parse().ok()?;
    let window = window.and_then(|window| window.parse::<u64>().ok());
    let (name, shown) = (text::escape(&session.name), short_count(tokens));
    Some(match window {
        Some(window) => {
            let percent = u128::from(tokens) * 100 / u128::from(window.max(1));
            let window = short_count(window);
            tr!("Context of session '{name}': {shown} of {window} tokens ({percent}%).", name, shown, window, percent)
        }
        None => tr!("Context of session '{name}': {shown} tokens.", name, shown),
    })
}

#[cfg(test)]
mod tests {
    use cordboard_plugin::testing;

    use super::*;

    fn usage(name: Option<&str>, cost_usd: Option<f64>) -> Usage {
        Usage {
            name: name.map(str::to_owned),
            turns: 1,
            cost_usd,
            input_tokens: 1_500,
            output_tokens: 20,
            cache_read_tokens: 1_250_000,
            cache_write_tokens: 0,
        }
    }

    fn report(groups: usize) -> Report {
        let groups: Vec<_> = (0..groups).map(|number| usage(Some(&format!("*{number}")), Some(0.25))).collect();
        Report {
            period: Period::Days(7),
            totals: vec![(Period::Days(1), sum(&[])), (Period::Days(7), sum(&groups))],
            sessions: groups,
            models: vec![usage(None, None)],
            personas: vec![usage(None, None)],
            budget: None,
            active: None,
            now: 0,
        }
    }

    #[test]
    fn long_lists_end_with_the_sum_of_the_rest() {
        let text = report(13).reply().text;
        assert!(text.starts_with("Today: 0 turns\n**Last 7 days**: $3.25, 13 turns, 19k in, 260 out, "), "{text}");
        assert!(text.contains("\n- \\*9: $0.25, 1 turn, 1.5k in, 20 out, cache 1.2M read, 0 written\n"), "{text}");
        assert!(text.contains("\n- 3 more: $0.75, 3 turns, "), "{text}");
        assert!(text.contains("**Models**\n- unknown: 1 turn, "), "{text}");
        assert!(!text.contains("Personas"), "{text}");
    }

    #[test]
    fn numbers_have_at_most_three_digits() {
        let counts = [0, 999, 1_000, 9_999, 10_000, 999_999, 1_234_567, u64::MAX].map(short_count);
        assert_eq!(counts, ["0", "999", "1.0k", "9.9k", "10k", "999k", "1.2M", "18446744073B"]);
    }

    #[test]
    fn the_budget_and_the_context_are_described() {
        let budget = |spent_usd| Budget { limit_usd: 20.0, spent_usd, resets: 3_600_001 };
        assert_eq!(describe_budget(&budget(5.1), 0), "Budget: $5.10 of $20.00 a day (25%), resets in 1 hour 1 minute.");
        assert!(describe_budget(&budget(20.0), 0).ends_with(" New messages are refused."));
        let context = |fact: &str| {
            let facts = vec![("context".to_owned(), fact.to_owned())];
            describe_context(&Session { facts, ..testing::session("x") })
        };
        assert_eq!(context("42000/200000").as_deref(), Some("Context of session 'x': 42k of 200k tokens (21%)."));
        assert_eq!(context("950").as_deref(), Some("Context of session 'x': 950 tokens."));
        assert_eq!((context("much"), describe_context(&testing::session("x"))), (None, None));
    }
}
