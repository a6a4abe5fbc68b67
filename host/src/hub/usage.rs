//! Stores and reads agent usage, and compares today's cost with the daily limit. Days begin at midnight in the host's
//! time zone.

use std::sync::{Arc, Mutex, PoisonError};

use cordboard_core::{
    budget::Budget,
    time_zone::Zone,
    types::{OriginUsage, SessionRecord, UsageEntry, UsagePeriod},
};
use cordboard_store::{Store, StoreError};

use super::live_config::LiveConfig;
use crate::{clock::Clock, schedule::HostZone};

#[derive(Clone)]
pub struct UsageLedger {
    store: Store,
    config: LiveConfig,
    clock: Clock,
    zone: Arc<Mutex<HostZone>>,
}

impl UsageLedger {
    #[must_use]
    pub fn new(store: Store, config: LiveConfig, clock: Clock) -> Self {
        Self { store, config, clock, zone: Arc::new(Mutex::new(HostZone::new())) }
    }

    fn zone(&self) -> Zone {
        self.zone.lock().unwrap_or_else(PoisonError::into_inner).current()
    }

    /// Stores the usage of a finished turn together with the session's record. Returns today's budget, including the
    /// cost of this turn, if the configuration sets a daily limit.
    pub async fn save_turn(&self, record: &SessionRecord, usage: UsageEntry) -> Result<Option<Budget>, StoreError> {
        let (zone, now) = (self.zone(), self.clock.wall());
        let spent = self.store.save_turn(record, &UsageEntry { at: now, ..usage }, zone.day_start(now)).await?;
        let limit = self.config.now().limits.cost_per_day;
        Ok(limit.map(|limit| Budget::of_day(limit, spent, now, &zone)))
    }

    /// Returns today's budget, if the configuration sets a daily limit.
    pub async fn budget(&self) -> Result<Option<Budget>, StoreError> {
        let Some(limit) = self.config.now().limits.cost_per_day else { return Ok(None) };
        let (zone, now) = (self.zone(), self.clock.wall());
        let spent = self.store.cost_since(zone.day_start(now)).await?;
        Ok(Some(Budget::of_day(limit, spent, now, &zone)))
    }

    /// Returns today's budget if it is spent. Returns `None` if the store fails, so that prompts are still accepted.
    pub async fn spent_budget(&self) -> Option<Budget> {
        match self.budget().await {
            Ok(budget) => budget.filter(Budget::is_spent),
            Err(error) => {
                tracing::error!(%error, "failed to read the cost of the day: the limit is not checked");
                None
            }
        }
    }

    /// Returns the usage of all sessions in a period that ends now.
    pub async fn of_period(&self, period: UsagePeriod) -> Result<Vec<OriginUsage>, StoreError> {
        let since = self.zone().period_start(self.clock.wall(), period);
        self.store.usage_since(since).await
    }
}

#[cfg(test)]
mod tests {
    use cordboard_core::{
        config::{Config, Limits},
        types::{Timestamp, Tokens, TurnOrigin, UserId},
    };

    use super::*;

    #[tokio::test]
    async fn the_budget_follows_the_configuration_and_the_days_turns() {
        let state = tempfile::tempdir().unwrap();
        let (store, _) = cordboard_store::open(&state.path().join("state")).unwrap();
        let config = LiveConfig::new(Config::defaults());
        let ledger = UsageLedger::new(store.clone(), config.clone(), Clock::system());
        let name: cordboard_core::types::SessionName = "x".parse().unwrap();
        let owner = UserId("console:local".to_owned());
        let record = SessionRecord::new(name.clone(), owner, "/x".into(), "claude", Timestamp(0));
        let turn = |cost| UsageEntry {
            at: Timestamp(0),
            turn: TurnOrigin { session: name.clone(), persona: None, agent: "claude".to_owned(), model: None },
            cost_usd: Some(cost),
            tokens: Tokens::default(),
        };
        // A turn from an earlier day.
        store.save_turn(&record, &turn(100.0), Timestamp(0)).await.unwrap();
        assert_eq!(ledger.save_turn(&record, turn(0.5)).await.unwrap(), None, "there is no limit");
        assert_eq!(ledger.budget().await.unwrap(), None);
        let limit = |cost_per_day| {
            let limits = Limits { cost_per_day: Some(cost_per_day), ..Limits::default() };
            drop(config.replace(Config { limits, ..Config::defaults() }));
        };
        limit(1.0);
        assert_eq!(ledger.spent_budget().await, None);
        let budget = ledger.save_turn(&record, turn(0.5)).await.unwrap().expect("there is a limit");
        assert!(budget.is_spent() && budget.is_warning_due(0.5), "{budget:?}");
        assert_eq!(ledger.spent_budget().await.map(|budget| budget.spent_usd), Some(1.0));
        limit(1.5);
        assert_eq!(ledger.spent_budget().await, None, "a raised limit takes effect at once");
        let today = ledger.of_period(UsagePeriod::Days(1)).await.unwrap();
        assert_eq!(today.iter().map(|one| one.sum.turns).collect::<Vec<_>>(), [2]);
        let cost: f64 = ledger
            .of_period(UsagePeriod::Days(u32::MAX))
            .await
            .unwrap()
            .iter()
            .filter_map(|one| one.sum.cost_usd)
            .sum();
        assert_eq!(cost, 101.0);
        store.close().await;
        assert_eq!(ledger.spent_budget().await, None, "prompts are accepted if the store fails");
    }
}
