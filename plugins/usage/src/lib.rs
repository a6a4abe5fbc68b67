//! `/usage [days|month]`: shows the agents' cost and tokens for today, the last 7 or 30 days, or this month, by
//! session, model and persona. It also shows the daily budget and the active session's context.

mod german;
mod report;

use cordboard_plugin::{Call, Command, Reply, command::Spec, context, sessions, text, tr};

use report::{Period, Report};

struct Usage;

impl Command for Usage {
    fn specs() -> Result<Vec<Spec>, String> {
        Ok(vec![Spec::new("usage", &tr!("Show the cost and the tokens of the agents"), &tr!("/usage [days|month]"))])
    }

    fn run(call: &Call) -> Result<Reply, String> {
        let period = match call.args.as_slice() {
            [] => Some(Period::Days(1)),
            [period] => Period::parse(period),
            _ => None,
        };
        let Some(period) = period else { return Ok(Reply::plain(&text::usage("/usage [1|7|30|month]"))) };
        let mut totals = Vec::new();
        for period in Period::ALL {
            totals.push((period, report::sum(&usage(period, "session")?)));
        }
        let report = Report {
            period,
            totals,
            sessions: usage(period, "session")?,
            models: usage(period, "model")?,
            personas: usage(period, "persona")?,
            budget: sessions::current_budget()?,
            active: context::active_session(),
            now: context::now(),
        };
        Ok(report.reply())
    }
}

fn usage(period: Period, by: &str) -> Result<Vec<sessions::Usage>, String> {
    match period {
        Period::Days(days) => sessions::usage_of_days(days, by),
        Period::Month => sessions::usage_of_month(by),
    }
}

cordboard_plugin::export!(Usage: command; german::GERMAN);
