//! The messages about the daily budget that all agents share.

use std::time::Duration;

use tr::tr;

use crate::{budget::Budget, config};

/// Returns the notice that the daily budget is nearly or completely spent.
#[must_use]
pub fn budget_warning(budget: &Budget) -> String {
    let Budget { limit_usd, spent_usd, .. } = budget;
    let (limit, spent, resets_in) = (dollars(*limit_usd), dollars(*spent_usd), resets_in(budget));
    if budget.is_spent() {
        return tr!(
            "The agents have cost {spent} today, so the limit of {limit} a day is reached. Until midnight (in {resets_in}), new messages are refused. To raise the limit, increase `cost_per_day` in [limits].",
            spent,
            limit,
            resets_in
        );
    }
    let percent = (spent_usd / limit_usd * 100.0).floor();
    tr!(
        "The agents have cost {spent} today, {percent}% of the limit of {limit} a day. At the limit, new messages are refused until midnight (in {resets_in}). To raise the limit, increase `cost_per_day` in [limits].",
        spent,
        percent,
        limit,
        resets_in
    )
}

/// Returns the reply to a prompt that is rejected because the daily budget is spent.
#[must_use]
pub fn budget_refusal(budget: &Budget) -> String {
    let (limit, spent) = (dollars(budget.limit_usd), dollars(budget.spent_usd));
    tr!(
        "Not accepted: the agents have cost {spent} today, and the limit is {limit} a day. Send the message again after midnight (in {resets_in}), or raise `cost_per_day` in [limits] first.",
        spent,
        limit,
        resets_in = resets_in(budget)
    )
}

fn dollars(amount: f64) -> String {
    format!("${amount:.2}")
}

/// Returns the time until the budget resets, in minutes.
fn resets_in(budget: &Budget) -> String {
    const MINUTE: u64 = 60;
    let minutes = budget.resets_in().as_secs().div_ceil(MINUTE).max(1);
    config::format_duration(Duration::from_secs(minutes * MINUTE))
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
