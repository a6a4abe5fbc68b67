//! Tests that agent usage is stored with its session, summed by origin, and readable without a running host.

use cordboard_core::types::{OriginUsage, Tokens, TurnOrigin, UsageEntry, UsageSum};

use super::*;

fn turn(session: &str, at: u64, cost_usd: Option<f64>) -> UsageEntry {
    let turn = TurnOrigin {
        session: name(session),
        persona: None,
        agent: "claude".to_owned(),
        model: Some("opus".to_owned()),
    };
    let tokens = Tokens { input: 1, output: 20, cache_read: 300, cache_write: u64::MAX };
    UsageEntry { at: Timestamp(at), turn, cost_usd, tokens }
}

fn costs(usage: &[OriginUsage]) -> Vec<(String, u64, Option<f64>)> {
    usage.iter().map(|one| (one.origin.session.to_string(), one.sum.turns, one.sum.cost_usd)).collect()
}

#[tokio::test]
async fn turns_are_summed_by_origin_since_a_time() {
    let state = State::new();
    let (store, _) = state.open();
    let save = async |entry: UsageEntry, since: u64| {
        store.save_turn(&record(entry.turn.session.as_str()), &entry, Timestamp(since)).await.unwrap()
    };
    assert_eq!(save(turn("alpha", 10, Some(0.5)), 0).await, 0.5);
    assert_eq!(save(turn("alpha", 20, Some(0.25)), 20).await, 0.25, "an earlier turn does not count");
    assert_eq!(save(turn("beta", 30, None), 10).await, 0.75, "neither does a turn without a cost");
    let mut other_model = turn("alpha", 40, Some(1.0));
    other_model.turn.model = None;
    assert_eq!(save(other_model, 0).await, 1.75);
    assert_eq!(store.cost_since(Timestamp(20)).await.unwrap(), 1.25);
    let all = store.usage_since(Timestamp(0)).await.unwrap();
    let alpha = |turns, cost| ("alpha".to_owned(), turns, Some(cost));
    assert_eq!(costs(&all), [alpha(1, 1.0), alpha(2, 0.75), ("beta".to_owned(), 1, None)]);
    let UsageSum { tokens, .. } = all[1].sum;
    assert_eq!((tokens.input, tokens.output, tokens.cache_read), (2, 40, 600));
    assert!(tokens.cache_write > 0, "a number that is too large is cut");
    assert_eq!(costs(&store.usage_since(Timestamp(20)).await.unwrap())[1], alpha(1, 0.25));
    assert_eq!(costs(&usage_log(state.path(), Timestamp(0), Some(&name("beta"))).unwrap()), [costs(&all)[2].clone()]);
    assert_eq!(usage_log(state.path(), Timestamp(0), None).unwrap(), all, "the log is read while the store is open");
    store.close().await;
    assert_eq!(usage_log(state.path(), Timestamp(0), None).unwrap(), all);
}

#[tokio::test]
async fn a_turn_is_stored_with_its_session() {
    let state = State::new();
    let (store, _) = state.open();
    let mut alpha = record("alpha");
    store.create_session(&alpha).await.unwrap();
    alpha.cost_usd = Some(0.5);
    store.save_turn(&alpha, &turn("alpha", 10, Some(0.5)), Timestamp(0)).await.unwrap();
    assert_eq!(state.after(store).await.sessions, [alpha]);
}

#[test]
fn a_new_state_directory_has_no_use() {
    assert_eq!(usage_log(State::new().path(), Timestamp(0), None).unwrap(), []);
}
