//! The messages about the daily budget that all agents share.

use std::time::Duration;

use crate::{budget::Budget, config};

/// Returns the notice that the daily budget is nearly or completely spent.
#[must_use]
pub fn budget_warning(budget: &Budget) -> String {
    let Budget { limit_usd, spent_usd, .. } = budget;
    let limit = format!("the limit of ${limit_usd:.2} a day");
    let spent = if budget.is_spent() {
        format!("so {limit} is reached. Until {}, new messages are refused", midnight(budget))
    } else {
        let percent = (spent_usd / limit_usd * 100.0).floor();
        format!("{percent}% of {limit}. At the limit, new messages are refused until {}", midnight(budget))
    };
    format!(
        "The agents have cost ${spent_usd:.2} today, {spent}. To raise the limit, increase `cost_per_day` in [limits]."
    )
}

/// Returns the reply to a prompt that is rejected because the daily budget is spent.
#[must_use]
pub fn budget_refusal(budget: &Budget) -> String {
    let Budget { limit_usd, spent_usd, .. } = budget;
    format!(
        "Not accepted: the agents have cost ${spent_usd:.2} today, and the limit is ${limit_usd:.2} a day. Send the message again after {}, or raise `cost_per_day` in [limits] first.",
        midnight(budget)
    )
}

/// Returns the time at which the budget resets, in words.
fn midnight(budget: &Budget) -> String {
    const MINUTE: u64 = 60;
    let minutes = budget.resets_in().as_secs().div_ceil(MINUTE).max(1);
    format!("midnight (in {})", config::format_duration(Duration::from_secs(minutes * MINUTE)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::Timestamp;

    #[test]
    fn the_texts_name_the_sum_the_limit_the_reset_and_the_remedy() {
        let resets = Timestamp(0).after(Duration::from_secs(5 * 3600 + 61));
        let budget = |spent_usd| Budget { limit_usd: 10.0, spent_usd, now: Timestamp(0), resets };
        assert_eq!(
            budget_warning(&budget(8.156)),
            "The agents have cost $8.16 today, 81% of the limit of $10.00 a day. At the limit, new messages are refused until midnight (in 5h2m). To raise the limit, increase `cost_per_day` in [limits]."
        );
        assert_eq!(
            budget_warning(&budget(12.0)),
            "The agents have cost $12.00 today, so the limit of $10.00 a day is reached. Until midnight (in 5h2m), new messages are refused. To raise the limit, increase `cost_per_day` in [limits]."
        );
        assert_eq!(
            budget_refusal(&budget(10.0)),
            "Not accepted: the agents have cost $10.00 today, and the limit is $10.00 a day. Send the message again after midnight (in 5h2m), or raise `cost_per_day` in [limits] first."
        );
    }
}
