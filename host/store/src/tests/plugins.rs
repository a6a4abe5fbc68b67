//! Tests plugin state and its limit, stored versions, and buttons.

use cordboard_core::updates_and_posts::{ButtonAction, PostId};

use super::*;

fn limit(bytes: u64) -> Limit {
    Limit { key: "plugins.timeout.state".to_owned(), bytes }
}

fn swap(expected: Option<&str>, value: Option<&str>) -> CompareAndSwap {
    let bytes = |text: &str| text.as_bytes().to_vec();
    CompareAndSwap { expected: expected.map(bytes), value: value.map(bytes) }
}

#[tokio::test]
async fn keys_are_separate_per_plugin_and_survive_restarts() {
    let state = State::new();
    let (store, _) = state.open();
    for key in ["b%1", "b%2", "c", "bx"] {
        store.state_set("timeout", key, key.into(), limit(100)).await.unwrap();
    }
    store.state_set("model", "b%3", vec![], limit(100)).await.unwrap();
    store.state_delete("timeout", "c").await.unwrap();
    store.state_delete("timeout", "c").await.unwrap();
    state.after(store).await;
    let (store, _) = state.open();
    assert_eq!(store.state_keys("timeout", "b%").await.unwrap(), ["b%1", "b%2"]);
    assert_eq!(store.state_keys("timeout", "").await.unwrap(), ["b%1", "b%2", "bx"]);
    assert_eq!(store.state_get("timeout", "bx").await.unwrap(), Some(b"bx".to_vec()));
    assert_eq!(store.state_get("timeout", "c").await.unwrap(), None);
    assert_eq!(store.state_get("model", "b%3").await.unwrap(), Some(vec![]));
}

#[tokio::test]
async fn compare_and_swap_needs_the_expected_value() {
    let state = State::new();
    let (store, _) = state.open();
    let ask = async |it| store.state_swap("p", "key", it, limit(100)).await.unwrap();
    assert_eq!(ask(swap(Some("a"), Some("b"))).await, Err(None));
    assert_eq!(ask(swap(None, Some("a"))).await, Ok(()));
    assert_eq!(ask(swap(None, Some("b"))).await, Err(Some(b"a".to_vec())));
    assert_eq!(ask(swap(Some("a"), None)).await, Ok(()));
    assert_eq!(ask(swap(None, None)).await, Ok(()));
    assert_eq!(store.state_get("p", "key").await.unwrap(), None);
}

#[tokio::test]
async fn only_one_of_concurrent_swaps_succeeds() {
    let state = State::new();
    let (store, _) = state.open();
    let all = (0..50).map(|_| store.state_swap("p", "lock", swap(None, Some("mine")), limit(100)));
    let won = futures::future::join_all(all).await.into_iter().filter(|it| it == &Ok(Ok(()))).count();
    assert_eq!(won, 1);
}

#[tokio::test]
async fn a_value_over_the_limit_names_the_limits_key() {
    let state = State::new();
    let (store, _) = state.open();
    store.state_set("p", "ä", vec![0; 8], limit(10)).await.unwrap();
    let error = store.state_set("p", "b", vec![0; 3], limit(10)).await.unwrap_err();
    assert_eq!(
        format!("failed to {error}"),
        "failed to store the state of plugin 'p': it would have 14 bytes, more than its limit of plugins.timeout.state = 10; delete keys or raise the limit in the configuration"
    );
    let swapped = store.state_swap("p", "b", swap(None, Some("xyz")), limit(10)).await;
    assert!(matches!(swapped, Err(StoreError::StateLimit { size: 14, .. })), "{swapped:?}");
    assert_eq!(store.state_keys("p", "").await.unwrap(), ["ä"]);
    store.state_set("p", "ä", vec![1; 8], limit(10)).await.unwrap();
    store.state_set("q", "b", vec![0; 9], limit(10)).await.unwrap();
}

#[tokio::test]
async fn the_last_three_versions_are_stored_newest_first() {
    let state = State::new();
    let (store, _) = state.open();
    for digest in ["1", "2", "3", "4", "3"] {
        store.save_version("p", digest, digest.as_bytes()).await.unwrap();
    }
    store.save_version("q", "9", b"9").await.unwrap();
    state.after(store).await;
    let (store, _) = state.open();
    let digests = store.versions("p").await.unwrap();
    assert_eq!(digests, ["3", "4", "2"]);
    assert_eq!(store.version("p", "4").await.unwrap(), Some(b"4".to_vec()));
    assert_eq!(store.version("p", "1").await.unwrap(), None);
    assert!(store.versions("none").await.unwrap().is_empty());
}

#[tokio::test]
async fn button_tokens_are_short_and_old_ones_expire() {
    let state = State::new();
    let (store, _) = state.open();
    let line = |command: &str, of: Option<&str>| ButtonAction {
        command: command.to_owned(),
        plugin: of.map(str::to_owned),
        session: Some("alpha".parse().unwrap()),
        keyboard: Some(PostId(7)),
    };
    let long = format!("/ask {}", "x".repeat(200));
    let (retry, ask, help) = (line("/retry alpha", None), line(&long, Some("ask")), line("/help", None));
    let tokens = [store.save_button(&retry).await.unwrap(), store.save_button(&ask).await.unwrap()];
    assert!(tokens.iter().all(|token| token.len() == 16), "{tokens:?}");
    assert_eq!(store.find_button(&tokens[1]).await.unwrap(), Some(ask));
    futures::future::try_join_all((0..9_999).map(|_| store.save_button(&help))).await.unwrap();
    assert_eq!(store.find_button(&tokens[0]).await.unwrap(), None);
    assert!(store.find_button(&tokens[1]).await.unwrap().is_some());
}
