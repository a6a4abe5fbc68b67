//! `/usage [days]`: shows the cost and the tokens of the agents today, or in the last 7 or 30 days, by session, model and
//! persona. It also shows the budget of the day, and the context of the active session.

mod report;

use cordboard_plugin::{Call, Command, Reply, command::Spec, context, sessions};

use report::{PERIODS, Report};

struct Usage;

impl Command for Usage {
    fn specs() -> Result<Vec<Spec>, String> {
        Ok(vec![Spec::new("usage", "Show the cost and the tokens of the agents", "/usage [days]")])
    }

    fn run(call: &Call) -> Result<Reply, String> {
        let days = match call.args.as_slice() {
            [] => Some(1),
            [days] => days.parse().ok().filter(|days| PERIODS.contains(days)),
            _ => None,
        };
        let Some(days) = days else { return Ok(Reply::plain("Usage: /usage [1, 7 or 30]")) };
        let mut totals = Vec::new();
        for period in PERIODS {
            totals.push((period, report::sum(&sessions::usage_of_days(period, "session")?)));
        }
        let report = Report {
            days,
            totals,
            sessions: sessions::usage_of_days(days, "session")?,
            models: sessions::usage_of_days(days, "model")?,
            personas: sessions::usage_of_days(days, "persona")?,
            budget: sessions::current_budget()?,
            active: context::active_session(),
            now: context::now(),
        };
        Ok(report.reply())
    }
}

cordboard_plugin::export!(Usage: command);
